package backup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Databases that no server would start with.
func TestStage_refuses_a_database_that_lacks_something(t *testing.T) {
	for name, tt := range map[string]struct{ change, says string }{
		"null":      {"UPDATE _params SET value = 'null' WHERE id = 'settings'", "its settings are no settings"},
		"a list":    {"UPDATE _params SET value = '[]' WHERE id = 'settings'", "its settings are no settings"},
		"a number":  {"UPDATE _params SET value = '5' WHERE id = 'settings'", "its settings are no settings"},
		"a text":    {`UPDATE _params SET value = '""' WHERE id = 'settings'`, "its settings are no settings"},
		"no table":  {"DROP TABLE messages", "lacks the table messages"},
		"no middle": {"DELETE FROM _migrations WHERE file LIKE '1795173898%'", "lacks the step 1795173898"},
		"no trace of a table": {"DROP TABLE messages; DELETE FROM _collections WHERE name = 'messages'",
			"lacks the table messages"},
		"no index of words": {"DROP TABLE " + collections.CallSearch, "lacks the table " + collections.CallSearch},
		"no column":         {"ALTER TABLE functions DROP COLUMN headers", "lacks the column headers of functions"},
	} {
		app, from := running(t)
		if _, err := app.NonconcurrentDB().NewQuery(tt.change).Execute(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path, _ := archived(t, from, Full)
		dir := t.TempDir()
		put(t, dir, map[string]string{"data.db": "mine"})
		_, err := Stage(t.Context(), dir, path, StageOptions{})
		if !errors.Is(err, ErrArchive) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q", name, err, tt.says)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"data.db"}) {
			t.Errorf("%s: there is %v", name, got)
		}
	}
}

// A start that fails after a restore has the data back that were there before.
func TestTry_is_taken_back_unless_the_server_serves(t *testing.T) {
	_, from := running(t)
	path, _ := archived(t, from, Full)
	old := map[string]string{"data.db": "old", "auxiliary.db": "old", "storage/a": "old", ".pocketline_key": "key"}
	for _, serves := range []bool{true, false} {
		dir := t.TempDir()
		put(t, dir, old)
		if _, err := Stage(t.Context(), dir, path, StageOptions{}); err != nil {
			t.Fatal(err)
		}
		if done, err := Try(dir); err != nil || done.Aside == "" {
			t.Fatalf("got %+v, %v", done, err)
		}
		put(t, dir, map[string]string{"auxiliary.db": "new", "data.db-wal": "new"}) // what the start made
		if serves {
			if err := Proven(dir); err != nil || Pending(dir) {
				t.Fatalf("pending %v, %v", Pending(dir), err)
			}
			if _, err := Apply(dir); err != nil || !exists(filepath.Join(dir, ".sandbox")) {
				t.Errorf("what was restored is gone: %v", err)
			}
			continue
		}
		if _, err := Apply(dir); !errors.Is(err, ErrGivenUp) || !strings.Contains(err.Error(), "did not start with it") {
			t.Errorf("got %v", err)
		}
		for name, want := range old {
			if raw, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(raw) != want {
				t.Errorf("%s is %q, %v", name, raw, err)
			}
		}
		if got := names(t, dir); !slices.Equal(got, []string{".pocketline_key", "auxiliary.db", "data.db", "storage"}) {
			t.Errorf("there is %v", got)
		}
		if _, err := Try(dir); err != nil || Pending(dir) {
			t.Errorf("the next start: %v", err)
		}
	}
}

// The settings may be plain and the secrets sealed: the key is asked for all the same, by
// a restore and by the start.
func TestStage_asks_whether_the_key_opens_secrets_beside_plain_settings(t *testing.T) {
	app, from := running(t)
	if _, err := app.NonconcurrentDB().NewQuery(`UPDATE _params SET value = '{"meta":{}}' WHERE id = 'settings'`).
		Execute(); err != nil {
		t.Fatal(err)
	}
	path, _ := archived(t, from, Full)
	wrong := errors.New("another key")
	dir := t.TempDir()
	put(t, dir, map[string]string{"data.db": "mine"})
	_, err := Stage(t.Context(), dir, path, StageOptions{Opens: func(data Data, keys string) error {
		if !slices.Contains(data.Secrets, sealed.Stored{
			Table: collections.Functions, Column: "headers", ID: testkit.AcmeFunction, Text: testkit.SealedValue,
		}) || slices.ContainsFunc(data.Secrets, func(s sealed.Stored) bool { return s.Table == collections.Calls }) {
			t.Errorf("asked about %+v", data.Secrets)
		}
		return wrong
	}})
	if got := names(t, dir); !errors.Is(err, wrong) || !slices.Equal(got, []string{"data.db"}) {
		t.Errorf("got %v, there is %v", err, got)
	}
	if data, err := Look(from); err != nil || !data.Sealed() {
		t.Errorf("the start needs no key: %+v, %v", data, err)
	}
}
