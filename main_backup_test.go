package main

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/faults/rig"
)

// contents are all files of a folder with their hashes.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		name, err := filepath.Rel(dir, path)
		all[name] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// statement changes a database nobody has open.
func statement(t *testing.T, dir, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "data.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

// refused wants a start to end with an error that says these words, in one line,
// and the directory as it was.
func refused(t *testing.T, dir, line string, env []string, words ...string) {
	t.Helper()
	before := contents(t, dir)
	out, err := rig.Command(t, dir, line+" --http 127.0.0.1:0", env...).CombinedOutput()
	if err == nil {
		t.Errorf("%s started:\n%s", line, out)
	}
	for _, w := range words {
		if !strings.Contains(string(out), w) {
			t.Errorf("it does not say %q:\n%s", w, out)
		}
	}
	if strings.Count(strings.TrimSpace(string(out)), "\n") > 0 {
		t.Errorf("it says more than one line:\n%s", out)
	}
	if after := contents(t, dir); !reflect.DeepEqual(before, after) {
		t.Errorf("files changed:\n%v\n%v", before, after)
	}
}

// plainBesideSealed has a database hold plain settings and a secret that was sealed with a
// key nobody has.
const plainBesideSealed = `UPDATE _params SET value = '{"meta":{}}' WHERE id = 'settings';
	INSERT INTO functions (id, headers) VALUES ('sealedelsewhere', 'k1:` + "c2VhbGVkIHdpdGggYW5vdGhlciBrZXkgdGhhbiBvdXJz" + `')`

// TestStart_says_what_is_missing takes the key, the database or the version that
// fits away from a filled data directory.
func TestStart_says_what_is_missing(t *testing.T) {
	d := rig.Start(t, t.TempDir(), "", "serve")
	(&rig.Person{T: t, Base: d.Base}).Ask("POST", "/api/setup", row{
		"name": "Ada", "email": "ada@acme.test", "password": "a-long-password", "organization": "Acme",
		"timezone": "Europe/Paris",
	}, 200, nil)
	d.Stop()
	for name, one := range map[string]struct {
		spoil func(t *testing.T, dir string)
		env   []string
		words []string
	}{
		"no key": {
			func(t *testing.T, dir string) { remove(t, dir, ".pocketline_key") }, nil,
			[]string{"the master key is missing", ".pocketline_key", "POCKETLINE_KEY", "no new key was made"},
		},
		"another key in the file": {
			func(t *testing.T, dir string) { write(t, dir, ".pocketline_key", strings.Repeat("k", 32)) }, nil,
			[]string{"the master key does not fit", ".pocketline_key", "Nothing was changed"},
		},
		"another key in the environment": {
			func(*testing.T, string) {}, []string{"POCKETLINE_KEY=" + strings.Repeat("k", 32)},
			[]string{"the master key does not fit", "POCKETLINE_KEY", "Nothing was changed"},
		},
		"no key, and plain settings beside secrets": {
			func(t *testing.T, dir string) {
				statement(t, dir, plainBesideSealed)
				remove(t, dir, ".pocketline_key")
			}, nil,
			[]string{"the master key is missing", "no new key was made"},
		},
		"another key, and plain settings beside secrets": {
			func(t *testing.T, dir string) { statement(t, dir, plainBesideSealed) }, nil,
			[]string{"the master key does not fit", "a secret (headers of functions) of data.db", ".pocketline_key",
				"Nothing was changed"},
		},
		"a damaged note of a restore": {
			func(t *testing.T, dir string) {
				if err := os.Mkdir(filepath.Join(dir, ".restore"), 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, dir, ".restore/ready", `{"Archive":`)
			}, nil,
			[]string{"the note of a restore is damaged", filepath.Join(".restore", "ready"), "Nothing was changed", "restore again"},
		},
		"no database": {
			func(t *testing.T, dir string) { remove(t, dir, "data.db") }, nil,
			[]string{"data.db is missing", ".installation", "pocketline restore"},
		},
		"an empty database": {
			func(t *testing.T, dir string) { write(t, dir, "data.db", "") }, nil,
			[]string{"data.db is missing", ".installation"},
		},
		"no database file at all": {
			func(t *testing.T, dir string) { write(t, dir, "data.db", strings.Repeat("no database ", 1000)) }, nil,
			[]string{"data.db", "cannot be read", "pocketline restore"},
		},
		"a newer version": {
			func(t *testing.T, dir string) {
				statement(t, dir, "INSERT INTO _migrations (file, applied) VALUES ('20990101000000_of_tomorrow.go', 1)")
				statement(t, dir, `UPDATE _params SET value = '{"version":"v99.1"}' WHERE id = 'pocketline_version'`)
			}, nil,
			[]string{"written by a newer version (v99.1)", "20990101000000_of_tomorrow.go", "restore a backup",
				"Nothing was changed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(d.Dir)); err != nil {
				t.Fatal(err)
			}
			one.spoil(t, dir)
			for _, line := range []string{"serve", "serve --sandbox"} {
				refused(t, dir, line, one.env, one.words...)
			}
			out, err := rig.Command(t, dir, "jobs list", one.env...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), one.words[0]) {
				t.Errorf("a command: %v, %s", err, out)
			}
		})
	}
	// What is whole starts, and so does a first start that was killed once its key
	// was made.
	rig.Start(t, d.Dir, "", "serve").Stop()
	dir := t.TempDir()
	write(t, dir, ".pocketline_key", strings.Repeat("k", 32))
	rig.Start(t, dir, "", "serve").Stop()
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestUpdate_makes_a_backup_first takes a step out of what was applied, as if this
// version brought it.
func TestUpdate_makes_a_backup_first(t *testing.T) {
	dir := t.TempDir()
	rig.Start(t, dir, "", "serve").Stop()
	backups := func() []string {
		t.Helper()
		all, err := filepath.Glob(filepath.Join(dir, "backups", "before_update_*.zip"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if made := backups(); len(made) != 0 {
		t.Errorf("a first start made %v", made)
	}
	// Steps that may be done twice, up to the newest.
	const newest = "DELETE FROM _migrations WHERE file >= '1796077282_last_messages.go'"
	statement(t, dir, newest)
	d := rig.Start(t, dir, "", "serve", "POCKETLINE_BACKUP_BEFORE_UPDATE=false")
	if made := backups(); len(made) != 0 {
		t.Errorf("switched off it made %v", made)
	}
	var all []string
	for range 3 {
		d.Stop()
		statement(t, dir, newest)
		d = rig.Start(t, dir, "", "serve")
		now := backups()
		all = append(all, now[len(now)-1])
	}
	made := backups()
	if !slices.Equal(made, all[1:]) || !strings.Contains(d.Said.String(), made[1]) {
		t.Fatalf("backups: %v of %v; it said\n%s", made, all, d.Said)
	}
	d.Stop()
	// It is the database from before the step, and comes back with its files left
	// where they are.
	if err := os.MkdirAll(filepath.Join(dir, "storage", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "storage", "x"), "recording", "heard")
	if said, ok := d.Run("restore --replace " + made[1]); !ok {
		t.Fatalf("restore: %s", said)
	}
	if _, err := os.Stat(filepath.Join(dir, "storage", "x", "recording")); err != nil {
		t.Error(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "data.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	err = db.QueryRow("SELECT count(*) FROM _migrations WHERE file = '1796077282_last_messages.go'").Scan(&n)
	if err != nil || n != 0 {
		t.Errorf("the step is in it: %d, %v", n, err)
	}
}

// TestBackup_of_the_night_goes_where_it_is_told runs the job by hand.
func TestBackup_of_the_night_goes_where_it_is_told(t *testing.T) {
	to := t.TempDir()
	mine := []string{"nightly_20200101022000.zip", "pocketline_20200101022000.zip"}
	for _, name := range mine {
		write(t, to, name, "a file of my own")
	}
	env := []string{"POCKETLINE_BACKUP_DIR=" + to, "POCKETLINE_BACKUP_KEEP=2"}
	// night runs the job and returns the backups there are.
	night := func(d *rig.Desk) (names []string) {
		t.Helper()
		out, err := rig.Command(t, d.Dir, "jobs run backup.nightly", env...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for name := range contents(t, to) {
			if !slices.Contains(mine, name) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	other := rig.Start(t, t.TempDir(), "", "serve", env...)
	theirs := night(other)[0]
	other.Stop()
	d := rig.Start(t, t.TempDir(), "", "serve", env...)
	var names []string
	for want := range 3 {
		names = slices.DeleteFunc(night(d), func(name string) bool { return name == theirs })
		if len(names) != min(want+1, 2) {
			t.Errorf("after %d nights there are %v", want+1, names)
		}
	}
	for _, name := range append(mine, theirs) {
		if _, err := os.Stat(filepath.Join(to, name)); err != nil {
			t.Errorf("what is not of this installation: %v", err)
		}
	}
	d.Stop()
	if said, ok := d.Run("restore --replace " + filepath.Join(to, names[1])); !ok {
		t.Errorf("restore: %s", said)
	}
	rig.Start(t, d.Dir, "", "serve", env...).Stop()
}

// TestBackups_do_not_lie_where_a_restore_moves_them names such places in several ways.
func TestBackups_do_not_lie_where_a_restore_moves_them(t *testing.T) {
	base := t.TempDir()
	dir, archive := filepath.Join(base, "data"), filepath.Join(base, "desk.zip")
	d := rig.Start(t, dir, "", "serve")
	if said, ok := d.Run("backup --to " + archive); !ok {
		t.Fatal(said)
	}
	d.Stop()
	link := filepath.Join(base, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, inside := range []string{
		dir, filepath.Join(dir, "nightly"), filepath.Join(dir, "storage", "x"), filepath.Join(link, "nightly", "y"),
		filepath.Join(dir, "backups", "..", "nightly"),
	} {
		env := []string{"POCKETLINE_BACKUP_DIR=" + inside}
		for _, line := range []string{"serve", "jobs list", "backup", "restore --replace " + archive} {
			if line == "serve" {
				refused(t, dir, line, env, "POCKETLINE_BACKUP_DIR is "+inside, "Nothing was changed")
				continue
			}
			before := contents(t, dir)
			out, err := rig.Command(t, dir, line, env...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "POCKETLINE_BACKUP_DIR is "+inside) ||
				!maps.Equal(before, contents(t, dir)) {
				t.Errorf("%s with %s: %v, %s", line, inside, err, out)
			}
		}
	}
	// Nor among the stored files, which lie on another disk.
	disk := filepath.Join(base, "disk")
	if err := os.Rename(filepath.Join(dir, "storage"), disk); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.MkdirAll(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(disk, filepath.Join(dir, "storage")); err != nil {
		t.Fatal(err)
	}
	among := filepath.Join(disk, "backups")
	refused(t, dir, "serve", []string{"POCKETLINE_BACKUP_DIR=" + among}, "POCKETLINE_BACKUP_DIR is "+among,
		"storage leads", "Nothing was changed")
	for _, line := range []string{"jobs run backup.nightly", "backup"} {
		out, err := rig.Command(t, dir, line, "POCKETLINE_BACKUP_DIR="+among).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "storage leads") {
			t.Errorf("%s: %v, %s", line, err, out)
		}
	}
	if said, ok := d.Run("backup --to " + filepath.Join(disk, "mine.zip")); ok ||
		!strings.Contains(said, "the folder of --to is") {
		t.Errorf("--to among the stored files: %s", said)
	}
	if said, ok := d.Run("backup --to " + filepath.Join(dir, "mine.zip")); ok ||
		!strings.Contains(said, "the folder of --to is") {
		t.Errorf("--to in the data directory: %s", said)
	}
	absent := filepath.Join(base, "absent")
	out, err := rig.Command(t, dir, "jobs run backup.nightly", "POCKETLINE_BACKUP_DIR="+absent).CombinedOutput()
	if _, made := os.Stat(absent); err == nil || !strings.Contains(string(out), "the folder for backups is not there") ||
		made == nil {
		t.Errorf("where its disk is not mounted: %v, %s", err, out)
	}
	beside := filepath.Join(base, "data-backups")
	if err := os.Mkdir(beside, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, outside := range []string{base, beside, filepath.Join(dir, "backups", "nightly")} {
		out, err := rig.Command(t, dir, "jobs run backup.nightly", "POCKETLINE_BACKUP_DIR="+outside).CombinedOutput()
		if made, _ := filepath.Glob(filepath.Join(outside, "nightly_*.zip")); err != nil || len(made) != 1 {
			t.Errorf("%s: %v, %v\n%s", outside, made, err, out)
		}
	}
}

// TestBackup_from_the_dashboard makes one and restores it, as each kind of person.
func TestBackup_from_the_dashboard(t *testing.T) {
	address := rig.FreeAddress(t)
	d := rig.Start(t, t.TempDir(), address, rig.Demo)
	owner := d.Owner(t) // who set it up looks after it
	rig.Synced(owner)
	stranger := &rig.Person{T: t, Base: d.Base}
	type list struct {
		Backups []row
		Running row
		Failed  string
		Aside   []row
	}
	listed := func() (l list) {
		t.Helper()
		owner.Ask("GET", "/api/installation/backups", nil, http.StatusOK, &l)
		return l
	}
	for _, one := range [][2]string{
		{"GET", "/api/installation/backups"}, {"POST", "/api/installation/backups"},
		{"POST", "/api/installation/backups/restore"},
	} {
		stranger.Ask(one[0], one[1], nil, http.StatusUnauthorized, nil)
	}
	if l := listed(); len(l.Backups) != 0 || l.Running != nil || len(l.Aside) != 0 {
		t.Errorf("at first: %v", l)
	}
	owner.Ask("POST", "/api/installation/backups", nil, http.StatusAccepted, nil)
	var made list
	rig.Until(t, "a backup", func() bool { made = listed(); return made.Running == nil })
	if made.Failed != "" || len(made.Backups) != 1 || made.Backups[0]["kind"] != "by_hand" {
		t.Fatalf("made: %v", made)
	}
	name := made.Backups[0]["name"].(string)
	organization := rig.Practice(owner)["id"]
	owner.Ask("POST", "/api/collections/contacts/records", row{
		"organization": organization, "name": "Came Later", "phone_number": "+442079460123",
	}, http.StatusOK, nil)
	fill(t, filepath.Join(d.Dir, "backups", "half.zip"), "PK half of one")
	ask := func(name string, want int) {
		t.Helper()
		owner.Ask("POST", "/api/installation/backups/restore", row{"name": name}, want, nil)
	}
	ask("", http.StatusBadRequest)
	ask("../data.db", http.StatusBadRequest)
	ask("none.zip", http.StatusNotFound)
	ask("half.zip", http.StatusBadRequest)
	if len(owner.Rows("contacts", "name = 'Came Later'", "")) != 1 {
		t.Error("a refusal changed something")
	}
	ask(name, http.StatusAccepted)
	rig.Until(t, "the restored data", func() bool { return restoredFor(owner) })
	if l := listed(); len(l.Aside) != 1 || l.Aside[0]["size"].(float64) < 1 {
		t.Errorf("what was there before the restore: %v", l.Aside)
	}
	d.Stop()
}
