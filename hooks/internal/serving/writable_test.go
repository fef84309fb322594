//go:build unix

package serving

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWritable_names_the_file_and_what_to_do(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"data.db", "data.db-wal", "auxiliary.db", "data.db.bak", "storage"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writable(dir); err != nil {
		t.Errorf("own files: %v", err)
	}
	if err := writable(filepath.Join(dir, "new")); err != nil {
		t.Errorf("no directory yet: %v", err)
	}
	for name, named := range map[string]bool{"data.db": true, "data.db-wal": true, "auxiliary.db": true,
		"data.db.bak": false, "storage": false} {
		err := writableBy(dir, func(path string) error {
			if filepath.Base(path) == name {
				return unix.EACCES
			}
			return nil
		})
		if (err != nil) != named || err != nil && (!strings.Contains(err.Error(), filepath.Join(dir, name)) ||
			!strings.Contains(err.Error(), "chown")) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
