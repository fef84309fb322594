package backup

import (
	"errors"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// A pipe is waited for without end by whoever opens it.
func TestArchives_are_files(t *testing.T) {
	dir, pipe := t.TempDir(), "nightly_20190101000000.zip"
	if err := syscall.Mkfifo(filepath.Join(dir, pipe), 0o600); err != nil {
		t.Skipf("there are no pipes here: %v", err)
	}
	says(t, filepath.Join(dir, "nightly_20190102000000.zip"), "ours", noon)
	if _, err := Prune(dir, Retention{Prefix: Nightly, Installation: "ours", Now: noon}); err != nil ||
		!slices.Equal(names(t, dir), []string{pipe}) {
		t.Errorf("left are %v, %v", names(t, dir), err)
	}
	data := t.TempDir()
	if _, err := Stage(t.Context(), data, filepath.Join(dir, pipe), StageOptions{}); !errors.Is(err, ErrArchive) ||
		len(names(t, data)) > 0 {
		t.Errorf("got %v, %v", err, names(t, data))
	}
	if err := Verify(t.Context(), filepath.Join(dir, pipe), silent); !errors.Is(err, ErrArchive) {
		t.Errorf("got %v", err)
	}
}
