//go:build unix

package serving

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPrivate_closes_what_earlier_versions_left_open(t *testing.T) {
	dir := t.TempDir()
	want := map[string]os.FileMode{"data.db": 0o600, "data.db-wal": 0o600, "storage": 0o700, "read-only": 0o400}
	for name, mode := range map[string]os.FileMode{"data.db": 0o644, "data.db-wal": 0o664, "read-only": 0o444} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the mask of the test's process
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "storage"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "storage"), 0o755); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "linked")
	if err := os.WriteFile(elsewhere, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(elsewhere, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := keepPrivate(dir); err != nil {
		t.Fatal(err)
	}
	for name, mode := range want {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: got %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
	if info, err := os.Stat(elsewhere); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("a file a link leads to: got %v, %v, want it left alone", info.Mode(), err)
	}
	if err := keepPrivate(filepath.Join(dir, "not yet there")); err != nil {
		t.Errorf("a directory that is made later: %v", err)
	}
}
