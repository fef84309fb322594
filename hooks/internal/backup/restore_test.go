package backup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// put writes files below dir; a name's content is what it says.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A process that is killed at any point of a restore leaves something the next
// one finishes: the new data whole, the old ones whole aside, nothing mixed.
func TestApply_goes_on_where_it_was_killed(t *testing.T) {
	old := []string{"data.db", "data.db-wal", "auxiliary.db", ".installation", ".acknowledged", "storage"}
	fresh := []string{".sandbox", "storage", "data.db"} // in the order in which they are put in place
	for aside := range len(old) + 1 {
		for brought := range len(fresh) {
			if brought > 0 && aside < len(old) {
				continue // nothing is brought before all is aside
			}
			dir := t.TempDir()
			put(t, dir, map[string]string{
				"data.db": "old", "data.db-wal": "old", "auxiliary.db": "old", ".installation": "old", ".acknowledged": "old",
				"storage/a": "old", "storage/b": "old", ".pocketline_key": "key", "backups/x.zip": "kept",
				".restore/data/data.db": "new", ".restore/data/.sandbox": "new",
				".restore/data/storage/a": "new", ".restore/ready": `{"Archive":"x.zip","Manifest":{"kind":"full"}}`,
			})
			if aside > 0 {
				put(t, dir, map[string]string{
					".restore/ready": `{"Archive":"x.zip","Manifest":{"kind":"full"},"Aside":".before-restore-1"}`,
				})
				move(t, old[:aside], dir, filepath.Join(dir, ".before-restore-1"))
			}
			if brought > 0 {
				move(t, nil, filepath.Join(dir, ".restore"), "")
				move(t, fresh[:brought], filepath.Join(dir, ".restore", "data"), dir)
			}
			done, err := Apply(dir)
			was := done.Aside
			if err != nil {
				t.Fatalf("%d aside, %d brought: %v", aside, brought, err)
			}
			if aside > 0 && filepath.Base(was) != ".before-restore-1" {
				t.Errorf("the old data are in %s", was)
			}
			for name, text := range map[string]string{
				"data.db": "new", ".sandbox": "new", "storage/a": "new", ".pocketline_key": "key", "backups/x.zip": "kept",
			} {
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
					t.Errorf("%d aside, %d brought: %s is %q, %v", aside, brought, name, got, err)
				}
			}
			for _, name := range []string{"data.db", "data.db-wal", "auxiliary.db", ".installation", ".acknowledged",
				"storage/a", "storage/b"} {
				if got, err := os.ReadFile(filepath.Join(was, name)); err != nil || string(got) != "old" {
					t.Errorf("%d aside, %d brought: the old %s is %q, %v", aside, brought, name, got, err)
				}
			}
			for _, name := range []string{"data.db-wal", ".installation", ".acknowledged", "storage/b", ".restore"} {
				if exists(filepath.Join(dir, name)) {
					t.Errorf("%d aside, %d brought: %s is still there", aside, brought, name)
				}
			}
			if Pending(dir) {
				t.Error("it is not done")
			}
		}
	}
}

// What cannot be finished is taken back wherever it is noticed, and wherever a process is
// killed that takes it back: what was there is there again, and nothing of the new.
func TestApply_takes_back_what_cannot_be_finished(t *testing.T) {
	note := `{"Archive":"x.zip","Manifest":{"kind":"full"},"Aside":".before-restore-1","Brought":[".sandbox","data.db","storage"]}`
	for name, tt := range map[string]struct {
		note           string
		files          map[string]string
		says           string
		stays, staying string // something of somebody else's that was in the way
	}{
		"files of no kind": {ready, map[string]string{
			"data.db": "old", "storage/a": "old", ".restore/data/data.db": "new", ".restore/data/storage/a": "new",
			".restore/ready": `{"Archive":"x.zip","Manifest":{"kind":"database"}}`,
		}, "would be put in the place of one that stays", "storage/a", "old"},
		"noticed late": {moved, map[string]string{
			".before-restore-1/data.db": "old", ".sandbox": "new", "storage/a": "theirs",
			".restore/data/storage/a": "new", ".restore/data/data.db": "new", ".restore/moved": note,
		}, "put storage in place", "storage/a", "theirs"},
		"killed when it had begun": {undo, map[string]string{
			".before-restore-1/data.db": "old", ".before-restore-1/storage/a": "old", ".sandbox": "new",
			"storage/a": "new", "data.db": "new",
			".restore/data/none": "", ".restore/undo": note,
		}, "", "storage/a", "old"},
		"killed with the new taken out": {undo, map[string]string{
			".before-restore-1/data.db": "old", ".restore/data/.sandbox": "new", ".restore/data/storage/a": "new",
			".restore/data/data.db": "new", ".restore/undo": note,
		}, "", "", ""},
		"killed with the old half back": {undo, map[string]string{
			".before-restore-1/storage/a": "old", ".restore/data/.sandbox": "new", ".restore/data/storage/a": "new",
			".restore/data/data.db": "new", "data.db": "old", ".restore/undo": note,
		}, "", "storage/a", "old"},
		"nothing had moved": {ready, map[string]string{
			"data.db": "old", ".before-restore-1": "a file in the way of the folder", ".restore/ready": note,
			".restore/data/data.db": "new", ".restore/data/.sandbox": "new", ".restore/data/storage/a": "new",
		}, "", "", ""},
	} {
		dir := t.TempDir()
		put(t, dir, tt.files)
		if _, err := Apply(dir); !errors.Is(err, ErrGivenUp) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
		want := map[string]string{"data.db": "old"}
		if tt.stays != "" {
			want[tt.stays] = tt.staying
		}
		for file, text := range want {
			if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != text {
				t.Errorf("%s: %s is %q, %v", name, file, got, err)
			}
		}
		if exists(filepath.Join(dir, ".sandbox")) {
			t.Errorf("%s: something of the new is there", name)
		}
		if left, _ := Aside(dir); Pending(dir) || exists(filepath.Join(dir, stageName)) || len(left) > 0 {
			t.Errorf("%s: there are %v", name, names(t, dir))
		}
	}
}

// Where there is no room for the folder, or its name in the note, nothing had moved.
func TestApply_gives_up_where_it_cannot_begin(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"data.db": "old", ".restore/data/data.db": "new",
		".restore/ready": `{"Archive":"x.zip","Manifest":{"kind":"full"},"Aside":"none/of/them","Brought":["data.db"]}`,
		"none":           "no folder",
	})
	if _, err := Apply(dir); !errors.Is(err, ErrGivenUp) {
		t.Errorf("got %v", err)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "data.db")); err != nil || string(raw) != "old" || Pending(dir) {
		t.Errorf("%q, %v: there are %v", raw, err, names(t, dir))
	}
}

// Restores follow one another within a second: each leaves what it found in a place of
// its own.
func TestApply_again_at_once_keeps_what_each_found(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"data.db": "0", "storage/a": "0"})
	for _, next := range []string{"1", "2", "3"} {
		put(t, dir, map[string]string{
			".restore/data/data.db": next, ".restore/data/storage/a": next,
			".restore/ready": `{"Archive":"x.zip","Manifest":{"kind":"full"}}`,
		})
		if _, err := Apply(dir); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := Aside(dir)
	if err != nil || len(kept) != 3 {
		t.Fatalf("left are %v, %v", kept, err)
	}
	for i, k := range kept { // the newest first
		for _, name := range []string{"data.db", "storage/a"} {
			if got, err := os.ReadFile(filepath.Join(k.Path, name)); err != nil || string(got) != strconv.Itoa(2-i) {
				t.Errorf("%s in %s is %q, %v", name, k.Path, got, err)
			}
		}
	}
}

// move does by hand what a killed process had done; to "" renames the note.
func move(t *testing.T, names []string, from, to string) {
	t.Helper()
	if to == "" {
		if err := os.Rename(filepath.Join(from, ready), filepath.Join(from, moved)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAside_lists_what_restores_left_with_its_size(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		".before-restore-20260102030405/data.db": "12345", ".before-restore-20260102030405/storage/a/b": "678",
		".before-restore-20260301000000/data.db": "9", "storage/c": "live", ".before-restore-": "a file",
	})
	got, err := Aside(dir)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	if got[0].Size != 1 || got[1].Size != 8 || filepath.Base(got[1].Path) != ".before-restore-20260102030405" ||
		!got[1].Made.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("got %+v", got)
	}
}

// Two installations write into one folder at the same second each night.
func TestWriteNew_beside_another_takes_another_name(t *testing.T) {
	_, dir := running(t)
	folder := t.TempDir()
	put(t, folder, map[string]string{"nightly_20260304120000.zip.part": "another one's"})
	o := Options{Kind: Full, Now: func() time.Time { return noon }}
	for _, want := range []string{"nightly_20260304120001.zip", "nightly_20260304120002.zip"} {
		path, _, err := WriteNew(t.Context(), dir, folder, Nightly, o)
		if err != nil || filepath.Base(path) != want {
			t.Errorf("got %s, %v; want %s", path, err, want)
		}
	}
	if raw, err := os.ReadFile(filepath.Join(folder, "nightly_20260304120000.zip.part")); err != nil ||
		string(raw) != "another one's" {
		t.Errorf("the other's is %q, %v", raw, err)
	}
	if got := names(t, folder); len(got) != 3 {
		t.Errorf("there are %v", got)
	}
	nobody := filepath.Join(t.TempDir(), "none")
	if _, _, err := WriteNew(t.Context(), nobody, filepath.Join(nobody, "backups"), Nightly, o); err == nil ||
		exists(nobody) {
		t.Errorf("where there is nothing: %v", err)
	}
}

// However many files there are, they are written through once, before the note says that
// they lie ready.
func TestStage_writes_all_files_through_at_once(t *testing.T) {
	_, from := running(t)
	for i := range 40 {
		put(t, from, map[string]string{"storage/calls/" + strconv.Itoa(i) + "/talk.mp3": "a recording"})
	}
	path, m := archived(t, from, Full)
	dir := t.TempDir()
	times, broken := 0, errors.New("the disk is broken")
	through := func(at string) error {
		files := 0
		if err := visitFiles(at, func(string) error { files++; return nil }); err != nil {
			return err
		}
		if times++; files != m.Files || Pending(dir) {
			t.Errorf("there are %d files of %d, ready %v", files, m.Files, Pending(dir))
		}
		return broken
	}
	if _, err := Stage(t.Context(), dir, path, StageOptions{through: through}); !errors.Is(err, broken) || times != 1 ||
		Pending(dir) || len(names(t, dir)) > 0 {
		t.Errorf("%d times, then %v, there are %v", times, err, names(t, dir))
	}
	if _, err := Stage(t.Context(), dir, path, StageOptions{}); err != nil || !Pending(dir) {
		t.Error(err)
	}
}

// Where a file system cannot be written through whole, each of its files and folders is.
func TestEachThrough_misses_none(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a": "1", "b/c": "2", "b/d/e": "3"})
	if err := eachThrough(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "b", "d", "f")); err != nil {
		t.Fatal(err)
	}
	if err := eachThrough(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what cannot be opened is passed over: %v", err)
	}
}

// The note of a restore may be damaged: nothing is touched, and it is said what to do.
func TestApply_says_what_to_do_about_a_damaged_note(t *testing.T) {
	for _, note := range notes {
		for aside, says := range map[string]string{
			"":                               map[bool]string{true: "nothing of it had begun: remove", false: "lies in .before-restore-…"}[note == ready],
			".before-restore-20260102030405": "move what is in .before-restore-20260102030405 back",
		} {
			dir := t.TempDir()
			put(t, dir, map[string]string{"data.db": "old", ".restore/" + note: `{"Archive": "x.z`, ".restore/data/data.db": "new"})
			if aside != "" {
				put(t, dir, map[string]string{aside + "/auxiliary.db": "old"})
			}
			before := names(t, dir)
			_, err := Apply(dir)
			if !errors.Is(err, ErrNote) || errors.Is(err, ErrGivenUp) || !strings.Contains(err.Error(), says) ||
				!strings.Contains(err.Error(), filepath.Join(dir, ".restore", note)) {
				t.Errorf("%s, %q: got %v", note, aside, err)
			}
			if got := names(t, dir); !slices.Equal(got, before) || !Pending(dir) {
				t.Errorf("%s: there are %v", note, got)
			}
		}
	}
}
