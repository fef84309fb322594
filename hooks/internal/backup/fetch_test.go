package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

// endless is an archive that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// silentUntil is one that stops coming: a read waits until its context ends.
type silentUntil struct{ context.Context }

func (s silentUntil) Read([]byte) (int, error) {
	<-s.Done()
	return 0, s.Err()
}

func TestFetch_brings_an_archive_and_Forget_removes_it(t *testing.T) {
	dir, whole := t.TempDir(), bytes.Repeat([]byte("archive "), lookEach/4)
	path, err := Fetch(t.Context(), dir, func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(whole)), nil
	}, func(string) (uint64, uint64, error) { return 1 << 40, 1 << 40, nil })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("%d bytes of %d, %v", len(got), len(whole), err)
	}
	if err := errors.Join(Forget(dir), Forget(dir)); err != nil || len(names(t, dir)) > 0 {
		t.Errorf("left are %v, %v", names(t, dir), err)
	}
}

// An object without an end may not take the disk from under the server, one that stops
// coming may not be waited for, and who stops the server waits for neither.
func TestFetch_ends_what_does_not_end(t *testing.T) {
	for name, says := range map[string]string{"endless": "not enough space", "silent": ErrStalled.Error(),
		"stopped": context.Canceled.Error()} {
		synctest.Test(t, func(t *testing.T) {
			dir, looks := t.TempDir(), uint64(0)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			path, err := Fetch(ctx, dir, func(ctx context.Context) (io.ReadCloser, error) {
				if name == "stopped" {
					stop()
				}
				if name == "endless" {
					return io.NopCloser(endless{}), nil
				}
				return io.NopCloser(silentUntil{ctx}), nil
			}, func(string) (uint64, uint64, error) {
				looks++
				return spare + 3*lookEach - looks*lookEach, 1 << 40, nil
			})
			if err == nil || !strings.Contains(err.Error(), says) || path != "" || len(names(t, dir)) > 0 {
				t.Errorf("%s: got %q, %v; left are %v", name, path, err, names(t, dir))
			}
		})
	}
}

// A server that was killed while it looked leaves a copy of the data, and an archive.
func TestClear_removes_what_was_not_ready(t *testing.T) {
	dir := t.TempDir()
	left := map[string]string{"data.db": "old", fetchedName: "with a key", ".restore/data/data.db": "new"}
	put(t, dir, left)
	if err := Clear(dir); err != nil || strings.Join(names(t, dir), " ") != "data.db" {
		t.Errorf("left are %v, %v", names(t, dir), err)
	}
	left[".restore/ready"] = "{}"
	put(t, dir, left)
	if err := Clear(dir); err != nil || !Pending(dir) || exists(filepath.Join(dir, fetchedName)) {
		t.Errorf("left are %v, %v", names(t, dir), err)
	}
}
