package main

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// counts are the rows of the tables a person would miss.
func counts(p *rig.Person) map[string]int {
	p.T.Helper()
	n := map[string]int{}
	for _, name := range []string{
		collections.Organizations, collections.Users, collections.Calls, collections.Messages, collections.Assistants,
		collections.Recordings,
	} {
		n[name] = len(p.Rows(name, "", ""))
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
	d := rig.Start(t, t.TempDir(), "", rig.Demo)
	owner := d.Owner(t)
	rig.Synced(owner)
	rig.Reported(owner, rig.Simulate(owner, rig.LineIn(owner, "en"), "", "en"))
	operator := d.Operator(t)
	rig.Until(t, "a recording", func() bool { return len(operator.Rows(collections.Recordings, "file != ''", "")) > 0 })
	want := counts(operator)
	file := filepath.Join(t.TempDir(), "desk.zip")
	said, ok := d.Run("backup --to " + file)
	if !ok || !strings.Contains(said, "found whole") || !strings.Contains(said, "writing: 100 %") ||
		!strings.Contains(said, "master key is not in it") {
		t.Fatalf("backup: %v\n%s", ok, said)
	}
	if said, ok := d.Run("backup --to " + file); ok {
		t.Errorf("a second one was written over the first: %s", said)
	}
	if said, ok := d.Run("restore --replace " + file); ok || !strings.Contains(said, "stop the server first") {
		t.Errorf("beside the server: %s", said)
	}
	key, err := os.ReadFile(filepath.Join(d.Dir, ".pocketline_key"))
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
	d.Stop()

	dir := filepath.Join(t.TempDir(), "new")
	run := func(line string, env ...string) (string, bool) {
		out, err := rig.Command(t, dir, line, env...).CombinedOutput()
		return string(out), err == nil
	}
	if said, ok := run("restore " + file); !ok || !strings.Contains(said, "The master key is not here yet") ||
		!strings.Contains(said, "Now start the server") || !strings.Contains(said, "Settings → Server") {
		t.Fatalf("restore: %s", said)
	}
	refused(t, dir, "serve --sandbox", nil, "the master key is missing")
	write(t, dir, ".pocketline_key", string(key))
	// What was made with the sandbox stays so: its password is known to everybody.
	refused(t, dir, "serve", nil, "made with the sandbox")
	d = rig.Start(t, dir, "", "serve --sandbox --sandbox-speed 0")
	d.Operated = true
	operator = d.Operator(t)
	if got := counts(operator); !maps.Equal(got, want) {
		t.Errorf("rows: got %v, want %v", got, want)
	}
	d.Stop()

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
	d = rig.Start(t, dir, "", "serve --sandbox --sandbox-speed 0")
	d.Operated = true
	if got := counts(d.Operator(t)); !maps.Equal(got, want) {
		t.Errorf("rows: got %v, want %v", got, want)
	}
	d.Stop()
	rig.Sound(t, dir)
}

// TestRestore_refuses_what_is_not_whole changes archives in many ways.
func TestRestore_refuses_what_is_not_whole(t *testing.T) {
	d := rig.Start(t, t.TempDir(), "", "serve")
	file := filepath.Join(t.TempDir(), "desk.zip")
	if said, ok := d.Run("backup --to " + file); !ok {
		t.Fatal(said)
	}
	d.Stop()
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
		"no file": {func(*testing.T, string) {}, "no such file"},
		"text":    {func(t *testing.T, to string) { fill(t, to, "hello") }, "not a whole zip file"},
		"cut off": {func(t *testing.T, to string) { fill(t, to, string(raw[:len(raw)/2])) }, "not a whole zip file"},
		"bytes":   {func(t *testing.T, to string) { fill(t, to, flipped(raw)) }, "cannot be read"},
		"no part": {func(t *testing.T, to string) { rezip(t, file, to, without("data.db"), nil) }, "data.db is missing"},
		"too much": {func(t *testing.T, to string) { rezip(t, file, to, same, extra("storage/x")) },
			"is not in its manifest"},
		"upwards": {func(t *testing.T, to string) { rezip(t, file, to, same, extra("../x")) }, "is no name of a file in it"},
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
		"secrets of another key": {func(t *testing.T, to string) {
			other := rig.Start(t, t.TempDir(), "", "serve")
			other.Stop()
			statement(t, other.Dir, plainBesideSealed)
			if said, ok := other.Run("backup --to " + to); !ok {
				t.Fatal(said)
			}
		}, "the master key does not fit: a secret (headers of functions) of archive.zip"},
		"another key": {func(t *testing.T, to string) {
			other := rig.Start(t, t.TempDir(), "", "serve")
			if said, ok := other.Run("backup --to " + to); !ok {
				t.Fatal(said)
			}
			other.Stop()
		}, "the master key does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "archive.zip")
			one.make(t, to)
			before := contents(t, d.Dir)
			said, ok := d.Run("restore --replace " + to)
			if ok || !strings.Contains(said, one.says) || strings.Count(said, "Nothing was changed") != 1 {
				t.Errorf("it said %s", said)
			}
			if after := contents(t, d.Dir); !maps.Equal(before, after) {
				t.Errorf("files changed:\n%v\n%v", before, after)
			}
		})
	}
	rig.Start(t, d.Dir, "", "serve").Stop()
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

// TestStart_of_a_copied_directory_takes_nothing_over copies one with everything in it, and
// renames another.
func TestStart_of_a_copied_directory_takes_nothing_over(t *testing.T) {
	base := t.TempDir()
	first, renamed, copied := filepath.Join(base, "first"), filepath.Join(base, "renamed"), filepath.Join(base, "copied")
	d := rig.Start(t, first, "", rig.Demo)
	rig.Synced(d.Owner(t))
	d.Stop()
	mark, err := os.ReadFile(filepath.Join(first, ".installation"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(mark, []byte("born:")) {
		t.Skip("nobody notes here when a file was made")
	}
	if err := os.CopyFS(copied, os.DirFS(first)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(first, renamed); err != nil {
		t.Fatal(err)
	}
	for dir, held := range map[string]bool{renamed: false, copied: true} {
		d := rig.Start(t, dir, "", "serve --sandbox --sandbox-speed 0")
		owner := d.Owner(t)
		var shown struct{ Restored struct{ Held bool } }
		owner.Ask("GET", "/api/installation", nil, http.StatusOK, &shown)
		if shown.Restored.Held != held {
			t.Errorf("%s: held is %v", dir, shown.Restored.Held)
		}
		row := owner.Rows(collections.Assistants, "", "")[0]
		var after map[string]any
		owner.Ask("PATCH", "/api/collections/assistants/records/"+row["id"].(string), map[string]any{"name": "Another name"},
			http.StatusOK, &after)
		rig.Until(t, "what became of the change", func() bool {
			after = owner.Rows(collections.Assistants, "id = '"+row["id"].(string)+"'", "")[0]
			said := after["sync_error"].(string)
			return held && strings.Contains(said, "restored from a backup or copied") ||
				!held && after["sync_status"] == collections.SyncSynced
		})
		d.Stop()
	}
}

// restoredFor tells whether the row that was made after the backup is gone; a
// server that is starting answers nothing.
func restoredFor(p *rig.Person) bool {
	status, _, answer, err := p.Send("GET", "/api/collections/contacts/records?filter=name='Came%20Later'", nil)
	return err == nil && status == http.StatusOK && bytes.Contains(answer, []byte(`"items":[]`))
}
