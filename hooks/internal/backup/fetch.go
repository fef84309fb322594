package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	// fetchedName is the file in the data directory to which an archive that lies
	// elsewhere is brought, to be looked at.
	fetchedName = ".restore-archive"
	// fetchTime bounds bringing one, stalled the wait for its next bytes.
	fetchTime = 6 * time.Hour
	stalled   = time.Minute
	// lookEach is after how many bytes free space is looked at.
	lookEach = 4 << 20
)

// ErrStalled says that an archive stopped coming.
var ErrStalled = errors.New("nothing of it came for a minute")

// Fetch brings an archive that lies elsewhere into the data directory, and returns its
// path there; Forget removes it. It ends when ctx does, when nothing comes any more, and
// when it would take the space the server lives on. Of callers, one at a time.
func Fetch(
	ctx context.Context, dir string, open func(context.Context) (io.ReadCloser, error),
	free func(dir string) (free, total uint64, err error),
) (path string, err error) {
	ctx, end := context.WithTimeout(ctx, fetchTime)
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(stalled, func() { cancel(ErrStalled) })
	defer patience.Stop()
	in, err := open(ctx)
	if err != nil {
		return "", because(ctx, err)
	}
	defer in.Close()
	coming := beating{in, func() { patience.Reset(stalled) }}
	path = filepath.Join(dir, fetchedName)
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	err = copyWhile(ctx, out, coming, func() error { return spared(dir, free) })
	if err = errors.Join(err, out.Close()); err != nil {
		return "", errors.Join(because(ctx, err), Forget(dir))
	}
	return path, nil
}

// beating tells when something was read.
type beating struct {
	io.Reader
	beat func()
}

// Read reads and tells.
func (b beating) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if n > 0 {
		b.beat()
	}
	return n, err
}

// because is why ctx ended, where that is why something failed.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// copyWhile copies piece by piece, as long as may says nothing against the next.
func copyWhile(ctx context.Context, out io.Writer, in io.Reader, may func() error) error {
	for {
		if err := errors.Join(context.Cause(ctx), may()); err != nil {
			return err
		}
		n, err := io.CopyN(out, in, lookEach)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d more bytes: %w", n, err)
		}
	}
}

// spared refuses to take the space the server lives on.
func spared(dir string, space func(string) (free, total uint64, err error)) error {
	free, _, err := space(dir)
	if err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	if free < spare+lookEach {
		return noRoom(dir, "the backup that is fetched", lookEach, free)
	}
	return nil
}

// Forget removes what Fetch brought.
func Forget(dir string) error {
	err := os.Remove(filepath.Join(dir, fetchedName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Clear removes what killed processes left: of restores that were not ready, and of
// backups. These are copies of data, and archives that may hold the key. The caller is alone with the data directory.
func Clear(dir string) error {
	Sweep(dir)
	if err := Forget(dir); err != nil || Pending(dir) {
		return err
	}
	return Unstage(dir)
}
