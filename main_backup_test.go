package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/vapi"
)

// contents are all files of a folder with their hashes.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
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
	out, err := command(t, dir, line+" --http 127.0.0.1:0", env...).CombinedOutput()
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

// TestStart_says_what_is_missing takes the key, the database or the version that
// fits away from a filled data directory.
func TestStart_says_what_is_missing(t *testing.T) {
	d := start(t, t.TempDir(), "", "serve")
	(&person{t: t, base: d.base}).ask("POST", "/api/setup", row{
		"name": "Ada", "email": "ada@acme.test", "password": "a-long-password", "organization": "Acme",
		"timezone": "Europe/Paris",
	}, 200, nil)
	d.stop()
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
			if err := os.CopyFS(dir, os.DirFS(d.dir)); err != nil {
				t.Fatal(err)
			}
			one.spoil(t, dir)
			for _, line := range []string{"serve", "serve --sandbox"} {
				refused(t, dir, line, one.env, one.words...)
			}
			out, err := command(t, dir, "jobs list", one.env...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), one.words[0]) {
				t.Errorf("a command: %v, %s", err, out)
			}
		})
	}
	// What is whole starts, and so does a first start that was killed once its key
	// was made.
	start(t, d.dir, "", "serve").stop()
	dir := t.TempDir()
	write(t, dir, ".pocketline_key", strings.Repeat("k", 32))
	start(t, dir, "", "serve").stop()
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
	start(t, dir, "", "serve").stop()
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
	const newest = "DELETE FROM _migrations WHERE file = '1796028600_stability_is_said.go'"
	statement(t, dir, newest)
	d := start(t, dir, "", "serve", "POCKETLINE_BACKUP_BEFORE_UPDATE=false")
	d.stop()
	if made := backups(); len(made) != 0 {
		t.Errorf("switched off it made %v", made)
	}
	for _, older := range []string{"before_update_20200101000000.zip", "before_update_20210101000000.zip"} {
		if err := os.MkdirAll(filepath.Join(dir, "backups"), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "backups"), older, "an older one")
	}
	statement(t, dir, newest)
	d = start(t, dir, "", "serve")
	made := backups()
	if len(made) != 2 || filepath.Base(made[0]) != "before_update_20210101000000.zip" ||
		!strings.Contains(d.said.String(), made[1]) {
		t.Fatalf("backups: %v; it said\n%s", made, d.said)
	}
	d.stop()
	// It is the database from before the step, and comes back with its files left
	// where they are.
	if err := os.MkdirAll(filepath.Join(dir, "storage", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "storage", "x"), "recording", "heard")
	if said, ok := d.run("restore --replace " + made[1]); !ok {
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
	err = db.QueryRow("SELECT count(*) FROM _migrations WHERE file = '1796028600_stability_is_said.go'").Scan(&n)
	if err != nil || n != 0 {
		t.Errorf("the step is in it: %d, %v", n, err)
	}
}

// counts are the rows of the tables a person would miss.
func counts(p *person) map[string]int {
	p.t.Helper()
	n := map[string]int{}
	for _, name := range []string{
		collections.Organizations, collections.Users, collections.Calls, collections.Messages, collections.Assistants,
		collections.Recordings,
	} {
		n[name] = len(p.rows(name, "", ""))
	}
	return n
}

// rezip writes a zip again with what change makes of each entry; nil leaves it out.
func rezip(t *testing.T, from, to string, change func(name string, content []byte) []byte, more map[string]string) {
	t.Helper()
	r, err := zip.OpenReader(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	put := func(name string, content []byte) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if content = change(f.Name, content); content != nil {
			put(f.Name, content)
		}
	}
	for name, content := range more {
		put(name, []byte(content))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBackup_comes_back makes one beside a working server and restores it
// elsewhere, as docs/backup.md says.
func TestBackup_comes_back(t *testing.T) {
	d := start(t, t.TempDir(), "", demo)
	owner := d.owner(t)
	synced(owner)
	reported(owner, simulate(owner, lineIn(owner, "en"), "", "en"))
	operator := d.operator(t)
	until(t, "a recording", func() bool { return len(operator.rows(collections.Recordings, "file != ''", "")) > 0 })
	want := counts(operator)
	file := filepath.Join(t.TempDir(), "desk.zip")
	said, ok := d.run("backup --to " + file)
	if !ok || !strings.Contains(said, "found whole") || !strings.Contains(said, "writing: 100 %") ||
		!strings.Contains(said, "master key is not in it") {
		t.Fatalf("backup: %v\n%s", ok, said)
	}
	if said, ok := d.run("backup --to " + file); ok {
		t.Errorf("a second one was written over the first: %s", said)
	}
	if said, ok := d.run("restore --replace " + file); ok || !strings.Contains(said, "stop the server first") {
		t.Errorf("beside the server: %s", said)
	}
	key, err := os.ReadFile(filepath.Join(d.dir, ".pocketline_key"))
	if err != nil {
		t.Fatal(err)
	}
	inside, recordings := map[string]bool{}, 0
	rezip(t, file, filepath.Join(t.TempDir(), "copy.zip"), func(name string, content []byte) []byte {
		inside[name] = true
		if strings.HasPrefix(name, "storage/") {
			recordings++
		}
		if bytes.Contains(content, bytes.TrimSpace(key)) {
			t.Errorf("the master key is in %s", name)
		}
		return content
	}, nil)
	if !inside["data.db"] || !inside[".sandbox"] || !inside["pocketline-backup.json"] ||
		recordings == 0 || inside[".installation"] || inside["auxiliary.db"] {
		t.Errorf("in the archive: %v", slices.Sorted(maps.Keys(inside)))
	}
	d.stop()

	dir := filepath.Join(t.TempDir(), "new")
	run := func(line string, env ...string) (string, bool) {
		out, err := command(t, dir, line, env...).CombinedOutput()
		return string(out), err == nil
	}
	if said, ok := run("restore " + file); !ok || !strings.Contains(said, "The master key is not here yet") {
		t.Fatalf("restore: %s", said)
	}
	refused(t, dir, "serve --sandbox", nil, "the master key is missing")
	write(t, dir, ".pocketline_key", string(key))
	// What was made with the sandbox stays so: its password is known to everybody.
	refused(t, dir, "serve", nil, "made with the sandbox")
	d = start(t, dir, "", "serve --sandbox --sandbox-speed 0")
	d.operated = true
	operator = d.operator(t)
	if got := counts(operator); !maps.Equal(got, want) {
		t.Errorf("rows: got %v, want %v", got, want)
	}
	d.stop()

	// Onto an installation that has data: they are moved aside, and no log of
	// changes of theirs meets the new database.
	if said, ok := run("restore " + file); ok || !strings.Contains(said, "--replace") {
		t.Errorf("over data: %s", said)
	}
	write(t, dir, "data.db-wal", "changes of somebody else")
	write(t, dir, "data.db-shm", "and their index")
	if said, ok := run("restore --replace " + file); !ok || !strings.Contains(said, ".before-restore-") {
		t.Fatalf("restore: %s", said)
	}
	for _, name := range []string{"data.db-wal", "data.db-shm"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, ".before-restore-*", "data.db")); len(aside) != 1 {
		t.Errorf("the data from before: %v", aside)
	}
	d = start(t, dir, "", "serve --sandbox --sandbox-speed 0")
	d.operated = true
	if got := counts(d.operator(t)); !maps.Equal(got, want) {
		t.Errorf("rows: got %v, want %v", got, want)
	}
	d.stop()
	sound(t, dir)
}

// TestRestore_refuses_what_is_not_whole changes archives in many ways.
func TestRestore_refuses_what_is_not_whole(t *testing.T) {
	d := start(t, t.TempDir(), "", "serve")
	file := filepath.Join(t.TempDir(), "desk.zip")
	if said, ok := d.run("backup --to " + file); !ok {
		t.Fatal(said)
	}
	d.stop()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	statement(t, other, "CREATE TABLE notes (id)")
	foreign, err := os.ReadFile(filepath.Join(other, "data.db"))
	if err != nil {
		t.Fatal(err)
	}
	same := func(_ string, content []byte) []byte { return content }
	for name, one := range map[string]struct {
		make func(t *testing.T, to string)
		says string
	}{
		"no file":  {func(*testing.T, string) {}, "no such file"},
		"text":     {func(t *testing.T, to string) { fill(t, to, "hello") }, "not a whole zip file"},
		"cut off":  {func(t *testing.T, to string) { fill(t, to, string(raw[:len(raw)/2])) }, "not a whole zip file"},
		"bytes":    {func(t *testing.T, to string) { fill(t, to, flipped(raw)) }, "cannot be read"},
		"no part":  {func(t *testing.T, to string) { rezip(t, file, to, without("data.db"), nil) }, "data.db is missing"},
		"too much": {func(t *testing.T, to string) { rezip(t, file, to, same, extra("storage/x")) }, "is not in its manifest"},
		"upwards":  {func(t *testing.T, to string) { rezip(t, file, to, same, extra("../x")) }, "is no name of a file in it"},
		"changed": {func(t *testing.T, to string) {
			rezip(t, file, to, func(name string, content []byte) []byte {
				if name == "data.db" {
					return foreign
				}
				return content
			}, nil)
		}, "not what its manifest says"},
		"foreign": {func(t *testing.T, to string) {
			rezip(t, file, to, func(name string, content []byte) []byte {
				switch name {
				case "data.db":
					return foreign
				case "pocketline-backup.json":
					return nil
				}
				return content
			}, nil)
		}, "not Pocketline's"},
		"another key": {func(t *testing.T, to string) {
			other := start(t, t.TempDir(), "", "serve")
			if said, ok := other.run("backup --to " + to); !ok {
				t.Fatal(said)
			}
			other.stop()
		}, "the master key does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "archive.zip")
			one.make(t, to)
			before := contents(t, d.dir)
			said, ok := d.run("restore --replace " + to)
			if ok || !strings.Contains(said, one.says) || !strings.Contains(said, "Nothing was changed") {
				t.Errorf("it said %s", said)
			}
			if after := contents(t, d.dir); !maps.Equal(before, after) {
				t.Errorf("files changed:\n%v\n%v", before, after)
			}
		})
	}
	start(t, d.dir, "", "serve").stop()
}

// flipped is the archive with bytes changed in the middle of the first file; of a
// single one its packing may not depend.
func flipped(raw []byte) string {
	b := bytes.Clone(raw)
	for at := range 64 {
		b[len(b)/3+at] ^= 0xff
	}
	return string(b)
}

func without(gone string) func(string, []byte) []byte {
	return func(name string, content []byte) []byte {
		if name == gone {
			return nil
		}
		return content
	}
}

func fill(t *testing.T, path, text string) {
	t.Helper()
	write(t, filepath.Dir(path), filepath.Base(path), text)
}

func extra(name string) map[string]string { return map[string]string{name: "y"} }

// TestBackup_of_the_night_goes_where_it_is_told runs the job by hand.
func TestBackup_of_the_night_goes_where_it_is_told(t *testing.T) {
	to := t.TempDir()
	for _, older := range []string{
		"nightly_20200101022000.zip", "nightly_20200102022000.zip", "pocketline_20200101022000.zip",
	} {
		write(t, to, older, "an older one")
	}
	env := []string{"POCKETLINE_BACKUP_DIR=" + to, "POCKETLINE_BACKUP_KEEP=2"}
	d := start(t, t.TempDir(), "", "serve", env...)
	out, err := command(t, d.dir, "jobs run backup.nightly", env...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var names []string
	for name := range contents(t, to) {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) != 3 || names[0] != "nightly_20200102022000.zip" || names[2] != "pocketline_20200101022000.zip" {
		t.Fatalf("there are %v", names)
	}
	d.stop()
	if said, ok := d.run("restore --replace " + filepath.Join(to, names[1])); !ok {
		t.Errorf("restore: %s", said)
	}
	start(t, d.dir, "", "serve", env...).stop()
}

// TestRestore_from_the_panel_starts_again restores while messages come in: by
// itself, and where the program cannot start itself again, by whoever looks after
// it (reliability.md F19).
func TestRestore_from_the_panel_starts_again(t *testing.T) {
	t.Run("by itself", func(t *testing.T) { restoreInStorm(t, false) })
	t.Run("by a supervisor", func(t *testing.T) { restoreInStorm(t, true) })
}

// restoredFor tells whether the row that was made after the backup is gone; a
// server that is starting answers nothing.
func restoredFor(p *person) bool {
	status, _, answer, err := p.send("GET", "/api/collections/contacts/records?filter=name='Came%20Later'", nil)
	return err == nil && status == http.StatusOK && bytes.Contains(answer, []byte(`"items":[]`))
}

func restoreInStorm(t *testing.T, supervised bool) {
	path, address, secret := "", freeAddress(t), "VAPI_WEBHOOK_SECRET="+hookSecret
	if supervised { // a program that is gone cannot start itself again
		built, err := binary()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(t.TempDir(), "pocketline")
		if err := os.Link(built, path); err != nil {
			t.Skip("no second names here: ", err)
		}
	}
	d := startAs(t, path, t.TempDir(), address, demo, secret)
	owner, operator := d.owner(t), d.operator(t)
	synced(owner)
	number, assistant := lineIn(owner, "en"), owner.one(collections.Assistants, "language = 'en'")
	organization := owner.rows(collections.Organizations, "", "")[0]["id"]
	operator.ask("POST", "/api/backups", row{"name": "desk.zip"}, http.StatusNoContent, nil)
	owner.ask("POST", "/api/collections/contacts/records", row{
		"organization": organization, "name": "Came Later", "phone_number": "+442079460123",
	}, http.StatusOK, nil)

	// What is no backup is refused and stops nothing.
	fill(t, filepath.Join(d.dir, "backups", "half.zip"), "PK half of one")
	operator.ask("POST", "/api/backups/half.zip/restore", nil, http.StatusBadRequest, nil)
	operator.ask("POST", "/api/backups/none.zip/restore", nil, http.StatusBadRequest, nil)
	owner.ask("POST", "/api/backups/desk.zip/restore", nil, http.StatusForbidden, nil)

	sent := loadSample(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &storm{target: d.base, acked: map[string]string{}, make: func(call string) []string {
		return sent.messages(call, number, assistant)
	}}
	stop, failed := make(chan struct{}), make(chan error, senders)
	for n := range senders {
		go func() { failed <- s.run(ctx, uint64(n+1), stop) }()
	}
	until(t, "messages", func() bool { return s.count() > 50 })
	if supervised {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	operator.ask("POST", "/api/backups/desk.zip/restore", nil, http.StatusNoContent, nil)
	s.mu.Lock()
	before := maps.Clone(s.acked)
	s.mu.Unlock()

	if supervised {
		select {
		case <-d.ended:
		case <-time.After(patience):
			t.Fatalf("it goes on without its program:\n%s", d.said)
		}
		if d.err == nil {
			t.Error("it ended as if all were well: who starts programs again that failed would leave it")
		}
		d = start(t, d.dir, address, demo, secret) // as systemd and Fly do, whatever the exit
	}
	d.operated = true
	until(t, "the restored data", func() bool { return restoredFor(owner) })
	enough := s.count() + 100
	until(t, "more messages", func() bool { return s.count() > enough })
	close(stop)
	for range senders {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-d.ended:
		t.Fatalf("the server ended: %v\n%s", d.err, d.said)
	default:
	}
	operator.ask("POST", "/api/crons/inbox.retry", nil, http.StatusNoContent, nil)
	stored := map[string]int{}
	for _, e := range operator.rows(collections.ProviderEvents, "", "id") {
		stored[e["event_key"].(string)]++
	}
	after := 0
	for key, kind := range s.acked {
		if _, earlier := before[key]; earlier {
			continue
		}
		after++
		if stored[key] != 1 && (kind != vapi.TypeAssistantRequest || stored[key] > 1) {
			t.Errorf("a %s acknowledged after the restore was asked for is there %d times", kind, stored[key])
		}
	}
	t.Logf("%d messages before, %d after", len(before), after)
	if len(operator.rows(collections.AuditLogs, "action = 'installation.restore'", "")) != 1 {
		t.Error("the log does not say that a backup was restored")
	}
	if t.Failed() {
		t.Logf("it said\n%s", d.said)
	}
	d.stop()
	sound(t, d.dir)
}

// TestBackup_from_the_dashboard makes one and restores it, as each kind of person.
func TestBackup_from_the_dashboard(t *testing.T) {
	address := freeAddress(t)
	d := start(t, t.TempDir(), address, demo)
	owner := d.owner(t) // who set it up looks after it
	synced(owner)
	stranger := &person{t: t, base: d.base}
	type list struct {
		Backups []row
		Running row
		Failed  string
	}
	listed := func() (l list) {
		t.Helper()
		owner.ask("GET", "/api/installation/backups", nil, http.StatusOK, &l)
		return l
	}
	for _, one := range [][2]string{
		{"GET", "/api/installation/backups"}, {"POST", "/api/installation/backups"}, {"POST", "/api/installation/backups/restore"},
	} {
		stranger.ask(one[0], one[1], nil, http.StatusUnauthorized, nil)
	}
	if l := listed(); len(l.Backups) != 0 || l.Running != nil {
		t.Errorf("at first: %v", l)
	}
	owner.ask("POST", "/api/installation/backups", nil, http.StatusAccepted, nil)
	var made list
	until(t, "a backup", func() bool { made = listed(); return made.Running == nil })
	if made.Failed != "" || len(made.Backups) != 1 || made.Backups[0]["kind"] != "by_hand" {
		t.Fatalf("made: %v", made)
	}
	name := made.Backups[0]["name"].(string)
	organization := owner.rows(collections.Organizations, "", "")[0]["id"]
	owner.ask("POST", "/api/collections/contacts/records", row{
		"organization": organization, "name": "Came Later", "phone_number": "+442079460123",
	}, http.StatusOK, nil)
	fill(t, filepath.Join(d.dir, "backups", "half.zip"), "PK half of one")
	ask := func(name string, want int) {
		t.Helper()
		owner.ask("POST", "/api/installation/backups/restore", row{"name": name}, want, nil)
	}
	ask("", http.StatusBadRequest)
	ask("../data.db", http.StatusBadRequest)
	ask("none.zip", http.StatusNotFound)
	ask("half.zip", http.StatusBadRequest)
	if len(owner.rows("contacts", "name = 'Came Later'", "")) != 1 {
		t.Error("a refusal changed something")
	}
	ask(name, http.StatusAccepted)
	until(t, "the restored data", func() bool { return restoredFor(owner) })
	d.stop()
}
