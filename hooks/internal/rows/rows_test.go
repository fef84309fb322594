package rows_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestClip_keeps_characters_whole(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"été", 3, "ét"}, {"été", 2, "é"}, {"été", 1, ""},
		{"日本", 4, "日"}} {
		if got := rows.Clip(c.text, c.most); got != c.want {
			t.Errorf("Clip(%q, %d): got %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

func TestShorten_says_that_it_cut(t *testing.T) {
	for text, want := range map[string]string{"": "", "été": "été", "étés": "ét…"} {
		if got := rows.Shorten(text, 3); got != want {
			t.Errorf("Shorten(%q): got %q, want %q", text, got, want)
		}
	}
}

func TestTimes_are_written_as_rows_and_answers_hold_them(t *testing.T) {
	at := time.Date(2026, 9, 30, 14, 5, 6, 7_000_000, time.FixedZone("", 2*3_600))
	stored := rows.Stamp(at)
	if want := "2026-09-30 12:05:06.007Z"; stored != want {
		t.Errorf("Stamp: got %q, want %q", stored, want)
	}
	if got, want := rows.Said(stored), any("2026-09-30T12:05:06.007Z"); got != want {
		t.Errorf("Said: got %v, want %v", got, want)
	}
	if read, err := rows.Stamped(stored); err != nil || !read.Equal(at) {
		t.Errorf("Stamped(%q): got %v, %v", stored, read, err)
	}
	if read, err := rows.Stamped(""); err != nil || !read.IsZero() {
		t.Errorf("Stamped of nothing: got %v, %v", read, err)
	}
	if _, err := rows.Stamped("2026-09-30T12:05:06.007Z"); err == nil {
		t.Error("Stamped: a time in another form was read")
	}
	if stamp, said := rows.Stamp(time.Time{}), rows.SaidAt(time.Time{}); stamp != "" || said != "" {
		t.Errorf("no time: got %q and %q", stamp, said)
	}
	for _, nothing := range []string{"", "never"} {
		if got := rows.Said(nothing); got != nil {
			t.Errorf("Said(%q): got %v, want nil", nothing, got)
		}
	}
}

func TestSay_changes_the_times_of_a_row_and_nothing_else(t *testing.T) {
	app := testkit.New(t)
	c, err := app.FindCachedCollectionByNameOrId(collections.Contacts)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := types.ParseDateTime("2026-09-30 12:05:06.007Z")
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]any{"first_seen_at": seen, "created": seen.String(), "last_seen_at": "", "notes": seen.String()}
	rows.Say(c, row)
	want := map[string]any{
		"first_seen_at": "2026-09-30T12:05:06.007Z", "created": "2026-09-30T12:05:06.007Z", "last_seen_at": nil,
		"notes": seen.String(),
	}
	if !maps.Equal(row, want) {
		t.Errorf("got %v, want %v", row, want)
	}
}

func TestIgnoreMissing_keeps_every_other_error(t *testing.T) {
	if err := rows.IgnoreMissing(fmt.Errorf("read: %w", sql.ErrNoRows)); err != nil {
		t.Errorf("a row that is not there: got %v, want nil", err)
	}
	if other := errors.New("busy"); rows.IgnoreMissing(other) != other {
		t.Error("an error that is not about a missing row is lost")
	}
}

func TestRows_are_made_counted_and_changed_by_a_key(t *testing.T) {
	app := testkit.New(t)
	const count = "SELECT count(*) FROM contacts WHERE organization = ? AND name = ?"
	n, err := rows.Count(atomic.Reads(app), count, testkit.Acme, "Nadia")
	if err != nil || n != 0 {
		t.Fatalf("before: got %d, %v, want none", n, err)
	}
	r, err := rows.Make(app, collections.Contacts,
		map[string]any{"organization": testkit.Acme, "name": "Nadia", "phone_number": "+14155550199"})
	if err != nil {
		t.Fatal(err)
	}
	if n, err = rows.Count(atomic.Reads(app), count, testkit.Acme, "Nadia"); err != nil || n != 1 {
		t.Errorf("after: got %d, %v, want one", n, err)
	}
	if _, err := rows.Make(app, "nowhere", nil); err == nil {
		t.Error("a row of no collection was made")
	}
	o, err := app.FindRecordById(collections.Organizations, testkit.Acme)
	if err != nil {
		t.Fatal(err)
	}
	o.Set("limits", nil)
	for _, step := range []struct {
		key   string
		value any
		want  string
	}{{"minutes", 5, `{"minutes":5}`}, {"members", 2, `{"members":2,"minutes":5}`}, {"minutes", nil, `{"members":2}`}} {
		if err := rows.SetKey(o, "limits", step.key, step.value); err != nil {
			t.Fatal(err)
		}
		if got := string(rows.JSON(o, "limits")); got != step.want {
			t.Errorf("%s = %v: got %s, want %s", step.key, step.value, got, step.want)
		}
	}
	o.Set("limits", `[1]`)
	if err := rows.SetKey(o, "limits", "minutes", 1); err == nil {
		t.Errorf("a column that holds no object was changed: %v", r.Id)
	}
}
