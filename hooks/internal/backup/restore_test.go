package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	old := []string{"data.db", "data.db-wal", "auxiliary.db", ".installation", "storage"}
	fresh := []string{".sandbox", "storage", "data.db"} // in the order in which they are put in place
	for aside := range len(old) + 1 {
		for brought := range len(fresh) {
			if brought > 0 && aside < len(old) {
				continue // nothing is brought before all is aside
			}
			dir := t.TempDir()
			put(t, dir, map[string]string{
				"data.db": "old", "data.db-wal": "old", "auxiliary.db": "old", ".installation": "old",
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
			_, was, err := Apply(dir)
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
			for _, name := range []string{"data.db", "data.db-wal", "auxiliary.db", ".installation", "storage/a", "storage/b"} {
				if got, err := os.ReadFile(filepath.Join(was, name)); err != nil || string(got) != "old" {
					t.Errorf("%d aside, %d brought: the old %s is %q, %v", aside, brought, name, got, err)
				}
			}
			for _, name := range []string{"data.db-wal", ".installation", "storage/b", ".restore"} {
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

func TestPrune_keeps_the_newest_of_its_own(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"nightly_20260101020000.zip": "", "nightly_20260102020000.zip": "", "nightly_20260103020000.zip": "",
		"nightly_mine.zip":              "",
		"pocketline_20250101020000.zip": "", "pb_backup_acme_20250101020000.zip": "",
	})
	removed, err := Prune(dir, Nightly, 2)
	if err != nil || strings.Join(removed, " ") != "nightly_20260101020000.zip" {
		t.Errorf("removed %v, %v", removed, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 5 {
		t.Errorf("%d are left", len(left))
	}
}
