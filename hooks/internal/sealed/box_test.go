package sealed

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
)

func testBox(t testing.TB, key []byte) *Box {
	t.Helper()
	box, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestBox_opens_only_in_its_place_and_with_its_key(t *testing.T) {
	box := testBox(t, testKey())
	place := Place("functions", "abc", "headers")
	text, err := box.Seal("hunter2", place)
	if err != nil || !strings.HasPrefix(text, "k1:") || strings.Contains(text, "hunter2") {
		t.Fatalf("sealed as %q, %v", text, err)
	}
	if plain, err := box.Open(text, place); err != nil || plain != "hunter2" {
		t.Fatalf("got %q, %v", plain, err)
	}
	damaged := []byte(text)
	damaged[len(damaged)-5] ^= 1
	for name, open := range map[string]func() (string, error){
		"another record": func() (string, error) { return box.Open(text, Place("functions", "abd", "headers")) },
		"another field":  func() (string, error) { return box.Open(text, Place("functions", "abc", "code")) },
		"another key":    func() (string, error) { return testBox(t, bytes.Repeat([]byte{8}, KeySize)).Open(text, place) },
		"damaged":        func() (string, error) { return box.Open(string(damaged), place) },
		"cut short":      func() (string, error) { return box.Open("k1:AAAA", place) },
		"never sealed":   func() (string, error) { return box.Open("hunter2", place) },
	} {
		if plain, err := open(); !errors.Is(err, ErrOpen) || plain != "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %q, %v; want ErrOpen", name, plain, err)
		}
	}
}

func TestBox_seals_differently_each_time_and_keeps_nothing_empty(t *testing.T) {
	box := testBox(t, testKey())
	a, _ := box.Seal("same", "p")
	b, _ := box.Seal("same", "p")
	if a == b {
		t.Error("two seals of one text are equal")
	}
	if got, err := box.Seal("", "p"); got != "" || err != nil {
		t.Errorf("empty became %q, %v", got, err)
	}
	if _, err := box.Seal("x", ""); err == nil {
		t.Error("sealed without a place")
	}
}

func TestCheck_refuses_another_key(t *testing.T) {
	app, err := tests.NewTestApp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	if err := app.RunInTransaction(func(tx core.App) error {
		for _, c := range collections.All() {
			if old, err := tx.FindCollectionByNameOrId(c.Name); err == nil {
				c.Id = old.Id
				continue // users exist in every database
			}
			if err := tx.SaveNoValidate(c); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	box := testBox(t, testKey())
	if err := Check(app, box); err != nil {
		t.Fatalf("nothing is sealed, yet: %v", err)
	}
	c, err := app.FindCollectionByNameOrId(collections.ProviderAccounts)
	if err != nil {
		t.Fatal(err)
	}
	account := core.NewRecord(c)
	account.Id = "account00000001"
	account.Set("provider", "vapi")
	key, err := box.Seal("a key", Place(c.Name, account.Id, "api_key"))
	if err != nil {
		t.Fatal(err)
	}
	account.Set("api_key", key)
	if err := app.Save(account); err != nil {
		t.Fatal(err)
	}
	if err := Check(app, box); err != nil {
		t.Errorf("the right key is refused: %v", err)
	}
	if err := Check(app, testBox(t, bytes.Repeat([]byte{9}, KeySize))); !errors.Is(err, ErrOpen) {
		t.Errorf("got %v, want ErrOpen", err)
	}
}
