package backup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// mounted puts another folder in the place of one, as a disk or a volume is.
func mounted(t *testing.T, at string) {
	t.Helper()
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(t.TempDir(), at, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(at, 0); err != nil {
			t.Error(err)
		}
	})
}

// A volume on `storage` cannot be moved aside: that is noticed before anything is
// touched, and its files are in a backup.
func TestStage_refuses_where_a_disk_is_mounted(t *testing.T) {
	_, from := running(t)
	full, _ := archived(t, from, Full)
	database, _ := archived(t, from, Database)
	dir := t.TempDir()
	put(t, dir, map[string]string{"data.db": "old"})
	mounted(t, filepath.Join(dir, "storage"))
	put(t, dir, map[string]string{"storage/a": "old"})
	_, err := Stage(t.Context(), dir, full, StageOptions{})
	if err == nil || !strings.Contains(err.Error(), "storage is on a disk of its own") || errors.Is(err, ErrArchive) {
		t.Errorf("got %v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"data.db", "storage"}) ||
		!slices.Equal(names(t, filepath.Join(dir, "storage")), []string{"a"}) {
		t.Errorf("there are %v", got)
	}
	// What leaves the files where they are is restored.
	if _, err := Stage(t.Context(), dir, database, StageOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(dir); err != nil {
		t.Fatal(err)
	}
	path, _ := archived(t, dir, Full)
	if got := content(t, path)["storage/a"]; got != "old" {
		t.Errorf("the backup has %q of the mounted file", got)
	}
}

// What turns out not to be movable only when the rest lies aside ends the restore, and
// everything is as it was.
func TestApply_gives_up_what_cannot_be_done(t *testing.T) {
	dir := t.TempDir()
	mounted(t, filepath.Join(dir, "storage"))
	put(t, dir, map[string]string{
		"data.db": "old", "data.db-wal": "old", "storage/a": "old", ".restore/data/data.db": "new",
		".restore/data/storage/a": "new",
		".restore/ready":          `{"Archive":"x.zip","Manifest":{"kind":"full"}}`,
	})
	if _, err := Apply(dir); !errors.Is(err, ErrGivenUp) || !strings.Contains(err.Error(), "storage") {
		t.Errorf("got %v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"data.db", "data.db-wal", "storage"}) || Pending(dir) {
		t.Errorf("there are %v", got)
	}
	for _, name := range []string{"data.db", "data.db-wal", "storage/a"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != "old" {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if done, err := Apply(dir); err != nil || done.Archive != "" {
		t.Errorf("the next start: %+v, %v", done, err)
	}
}
