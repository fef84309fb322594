package table

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestColumns_are_those_of_the_collections(t *testing.T) {
	app := testkit.New(t)
	for table, columns := range map[string][]Column{
		"calls": noCall[:], "contacts": new(Contact).Columns(), "messages": Line(new(fold.Line)),
		"call_events": new(Event).Columns(), "recordings": new(Recording).Columns(),
		"call_reports": new(Report).Columns(),
	} {
		collection, err := app.FindCachedCollectionByNameOrId(table)
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for _, c := range columns {
			if collection.Fields.GetByName(c.Name) == nil || slices.Contains(seen, c.Name) {
				t.Errorf("%s: %s is no column of its own", table, c.Name)
			}
			seen = append(seen, c.Name)
		}
	}
}

// A field without a column would be read as nothing and never be written.
func TestColumns_hold_every_field_of_a_call(t *testing.T) {
	fields := reflect.TypeFor[fold.Call]().NumField()
	if got := callColumns; got != fields {
		t.Errorf("a call has %d fields, its row %d columns", fields, got)
	}
	var c fold.Call
	row := reflect.ValueOf(&c).Elem()
	for i, column := range Call(&c) {
		if reflect.ValueOf(column.at).Pointer() != row.Field(i).Addr().Pointer() {
			t.Errorf("%s stands for another field", column.Name)
		}
	}
}

func TestChange_names_the_columns_that_differ(t *testing.T) {
	began := fold.At(time.Date(2026, 11, 18, 15, 4, 5, 0, time.UTC))
	before := fold.Call{ID: "c1", Status: "ringing", Summary: "as it was"}
	after := before
	after.Status, after.StartedAt, after.DurationSeconds, after.Missed = "completed", began, 31, true
	was, is := Call(&before), Call(&after)
	query, args := Calls.Change(was[:], is[:], "now", after.ID)
	want := "UPDATE calls SET status = ?, started_at = ?, duration_seconds = ?, missed = ?, updated = ? WHERE id = ?"
	if query != want {
		t.Errorf("got %s, want %s", query, want)
	}
	if want := []any{"completed", "2026-11-18 15:04:05.000Z", int64(31), true, "now", "c1"}; !slices.Equal(args, want) {
		t.Errorf("got %v, want %v", args, want)
	}
	if again, _ := Calls.Change(was[:], is[:], "later", after.ID); again != query {
		t.Errorf("the same change reads %s", again)
	}
}

func TestInsert_has_a_value_for_every_column(t *testing.T) {
	for _, f := range []*Family{Calls, Contacts, Recordings, Lines, Events, Reports} {
		head, tail, _ := strings.Cut(f.Insert, " VALUES ")
		tail, _, _ = strings.Cut(tail, " ON CONFLICT")
		if names, held := strings.Count(head, ","), strings.Count(tail, "?"); names+1 != held {
			t.Errorf("%s: %d columns, %d values", f.table, names+1, held)
		}
	}
	if got := Reports.Inserts(4); strings.Count(got, "(?") != 4 {
		t.Errorf("four rows: %s", got)
	}
}

func TestMoment_reads_what_rows_hold(t *testing.T) {
	var m moment
	for _, step := range []struct {
		stored any
		want   moment
		fails  bool
	}{{"1970-01-01 00:00:01.500Z", 1500, false}, {"", 0, false}, {"yesterday", 0, true}, {int64(5), 0, true}} {
		m = 7
		if err := m.Scan(step.stored); err != nil != step.fails || !step.fails && m != step.want {
			t.Errorf("%v: got %d, %v, want %d", step.stored, m, err, step.want)
		}
	}
}
