package forgotten

import (
	"bytes"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const number = "+33612345678"

func master(of byte) []byte { return bytes.Repeat([]byte{of}, sealed.KeySize) }

func callers(t *testing.T, of byte) *Callers {
	t.Helper()
	c, err := New(master(of))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// erase writes an erasure down as the domain does.
func erase(t *testing.T, app core.App, c *Callers, organization, kind string, at time.Time) {
	t.Helper()
	c.Begin(at)
	_, err := app.NonconcurrentDB().NewQuery(`INSERT INTO privacy_requests (id, organization, kind, subject_hash, status,
		created, updated)
		VALUES ({:id}, {:organization}, {:kind}, {:hash}, 'done', {:at}, {:at})`).Bind(dbx.Params{
		"id": collections.NewID(at), "organization": organization, "kind": kind, "hash": c.Hash(organization, number),
		"at": rows.Stamp(at),
	}).Execute()
	if err != nil {
		t.Fatal(err)
	}
}

func TestErased_keeps_out_what_began_before_the_erasure_and_nothing_else(t *testing.T) {
	app := testkit.New(t)
	c := callers(t, 1)
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	ask := func(c *Callers, organization, number string, began time.Time) bool {
		t.Helper()
		erased, err := c.Erased(atomic.Of(app), organization, number, began)
		if err != nil {
			t.Fatal(err)
		}
		return erased
	}
	before, after := at.Add(-time.Minute), at.Add(time.Minute)
	if ask(c, testkit.Acme, number, before) {
		t.Error("nobody was erased")
	}
	erase(t, app, c, testkit.Acme, "erase", at)
	for name, tt := range map[string]struct {
		organization, number string
		began                time.Time
		want                 bool
	}{
		"before it":              {testkit.Acme, number, before, true},
		"after it":               {testkit.Acme, number, after, false},
		"another number":         {testkit.Acme, "+33612345679", before, false},
		"another organization's": {testkit.Bolt, number, before, false},
		"no number":              {testkit.Acme, "", before, false},
		"nobody's":               {"", number, before, false},
	} {
		if got := ask(c, tt.organization, tt.number, tt.began); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	// A process that starts later reads when the last one was.
	if later := callers(t, 1); !ask(later, testkit.Acme, number, before) || ask(later, testkit.Acme, number, after) {
		t.Error("after a new start it is forgotten who was erased")
	}
	if ask(callers(t, 2), testkit.Acme, number, before) {
		t.Error("another installation's key recognizes the number")
	}
}

// An export is no erasure.
func TestErased_asks_about_erasures_alone(t *testing.T) {
	app := testkit.New(t)
	c := callers(t, 1)
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	erase(t, app, c, testkit.Acme, "export", at)
	if erased, err := c.Erased(atomic.Of(app), testkit.Acme, number, at.Add(-time.Minute)); err != nil || erased {
		t.Errorf("got %v, %v", erased, err)
	}
}

func TestHash_tells_organizations_and_numbers_apart_and_shows_none(t *testing.T) {
	c := callers(t, 1)
	hash := c.Hash(testkit.Acme, number)
	if hash != c.Hash(testkit.Acme, number) || len(hash) != 64 {
		t.Errorf("got %q", hash)
	}
	for _, other := range []string{c.Hash(testkit.Bolt, number), c.Hash(testkit.Acme, number+"0"),
		c.Hash(testkit.Acme+"+", number[1:]), callers(t, 2).Hash(testkit.Acme, number)} {
		if other == hash {
			t.Error("two have one hash")
		}
	}
}

// The hashes outlive the master key: its first key is kept, sealed with the new one.
func TestKeep_lets_the_key_outlive_the_master_key(t *testing.T) {
	app := testkit.New(t)
	old := callers(t, 1)
	box, err := sealed.New(master(2))
	if err != nil {
		t.Fatal(err)
	}
	fresh := callers(t, 2)
	if err := fresh.Restore(app, box, master(1)); err != nil ||
		fresh.Hash(testkit.Acme, number) != old.Hash(testkit.Acme, number) {
		t.Errorf("without a kept key the master's is not taken: %v", err)
	}
	if err := old.Keep(app, box); err != nil {
		t.Fatal(err)
	}
	var text string
	if err := app.DB().NewQuery("SELECT value FROM _params WHERE id = {:id}").
		Bind(dbx.Params{"id": sealed.ErasedCallers}).Row(&text); err != nil {
		t.Fatal(err)
	}
	if plain, err := box.Open(text, place); err != nil || plain == text {
		t.Errorf("it is not sealed: %v", err)
	}
	rotated := callers(t, 2)
	if err := rotated.Restore(app, box, master(2)); err != nil ||
		rotated.Hash(testkit.Acme, number) != old.Hash(testkit.Acme, number) {
		t.Errorf("the kept key is not taken: %v", err)
	}
	other, err := sealed.New(master(3))
	if err != nil {
		t.Fatal(err)
	}
	if err := callers(t, 3).Restore(app, other, master(3)); err == nil {
		t.Error("a box that cannot open the kept key goes on with another")
	}
}
