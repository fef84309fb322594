package backup

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/serving"
)

func TestWrite_removes_what_killed_processes_left(t *testing.T) {
	_, dir := running(t)
	folder := filepath.Join(dir, "backups")
	long, short := "nightly_20260101020000.zip.part", "nightly_20260304020000.zip.part"
	put(t, folder, map[string]string{long: "", short: "", "mine.zip.part": ""})
	put(t, dir, map[string]string{workPrefix + "1/data.db": ""}) // however new it is
	past := time.Now().Add(-2 * abandoned)
	for _, path := range []string{filepath.Join(folder, long), filepath.Join(folder, "mine.zip.part")} {
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Write(t.Context(), dir, filepath.Join(folder, "new.zip"), Options{Kind: Database}); err != nil {
		t.Fatal(err)
	}
	if got := names(t, folder); !slices.Equal(got, []string{"mine.zip.part", "new.zip", short, "older.zip"}) {
		t.Errorf("there are %v", got)
	}
	if exists(filepath.Join(dir, workPrefix+"1")) {
		t.Error("a copy nobody finishes is still there")
	}
	aside := asidePrefix + "20260101020000/" + workPrefix
	put(t, dir, map[string]string{workPrefix + "2/x": "", workPrefix + "3/x": "", aside + "4/x": "", aside + "5/x": ""})
	for _, name := range []string{workPrefix + "3", aside + "5"} {
		release, err := serving.Lock(filepath.Join(dir, name)) // it is being made
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	if err := Clear(dir); err != nil { // as a start does
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{workPrefix + "2": false, workPrefix + "3": true, aside + "4": false, aside + "5": true} {
		if exists(filepath.Join(dir, name)) != stays {
			t.Errorf("%s: there is %v", name, !stays)
		}
	}
}

// A killed one had taken the space that the next one asks for.
func TestWrite_asks_for_room_once_it_removed_what_was_left(t *testing.T) {
	_, dir := running(t)
	left := filepath.Join(dir, workPrefix+"1")
	put(t, left, map[string]string{"data.db": ""})
	o := Options{Kind: Database, Free: func(string) (uint64, uint64, error) {
		if exists(left) {
			return 0, 1 << 40, nil
		}
		return 1 << 40, 1 << 40, nil
	}}
	if _, err := Write(t.Context(), dir, filepath.Join(t.TempDir(), "new.zip"), o); err != nil {
		t.Error(err)
	}
}

func TestWrite_at_once_to_the_same_path_is_one_archive(t *testing.T) {
	_, dir := running(t)
	to := filepath.Join(t.TempDir(), "same.zip")
	made := make(chan error)
	for range 3 {
		go func() {
			_, err := Write(t.Context(), dir, to, Options{Kind: Full})
			made <- err
		}()
	}
	good := 0
	for range 3 {
		if err := <-made; err == nil {
			good++
		} else if !strings.Contains(err.Error(), "same.zip") {
			t.Error(err)
		}
	}
	if got := names(t, filepath.Dir(to)); good != 1 || !slices.Equal(got, []string{"same.zip"}) {
		t.Errorf("%d were made, and there are %v", good, got)
	}
	if err := Verify(t.Context(), to, silent); err != nil {
		t.Error(err)
	}
}

// A server may start while a copy is made.
func TestWrite_reads_with_locks_where_nobody_writes_yet(t *testing.T) {
	app, _ := running(t)
	copied := t.TempDir()
	if _, err := app.NonconcurrentDB().NewQuery("VACUUM INTO {:to}").
		Bind(map[string]any{"to": filepath.Join(copied, dataFile)}).Execute(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(copied, dataFile)
	w, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.SetMaxOpenConns(1)
	r, err := openBeside(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, err := r.Query("SELECT id FROM users UNION ALL SELECT id FROM contacts")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	if _, err := w.Exec("PRAGMA busy_timeout = 0; DELETE FROM users"); err == nil {
		t.Error("what is being read was changed in its place")
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Exec("DELETE FROM users"); err != nil {
		t.Error(err)
	}
}

func TestAside_is_found_in_a_folder_of_any_name(t *testing.T) {
	for _, name := range []string{"a[1]", "a[", "a*", `a\b`} {
		dir := filepath.Join(t.TempDir(), name)
		put(t, dir, map[string]string{asidePrefix + "20260101020000/data.db": "1234"})
		if kept, err := Aside(dir); err != nil || len(kept) != 1 || kept[0].Size != 4 {
			t.Errorf("%s: %+v %v", name, kept, err)
		}
	}
}

// One stray file must not keep everything else out of every backup.
func TestWrite_names_what_it_cannot_take(t *testing.T) {
	_, dir := running(t)
	put(t, dir, map[string]string{"storage/c/a\xff.wav": "x", `storage/c/a\b.wav`: "x", "storage/c/good.wav": "x"})
	to := filepath.Join(t.TempDir(), "new.zip")
	m, err := Write(t.Context(), dir, to, Options{Kind: Full})
	if err != nil || len(m.Skipped) != 2 || !strings.HasSuffix(m.Skipped[0], `a\b.wav`) {
		t.Fatalf("skipped %q, %v", m.Skipped, err)
	}
	if got := content(t, to); got["storage/c/good.wav"] != "x" {
		t.Error("the others are not there")
	}
}
