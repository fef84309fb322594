package serving

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockName lies in the data directory as long as there is one; what counts is
// the lock on it, which ends with the process however it ends.
const lockName = ".lock"

// ErrTaken says that another server already works on this data directory, or a
// command that must be alone. Two of them would run each job twice and split
// realtime.
var ErrTaken = errors.New("another server is running on this data directory")

// Lock takes the data directory for this process until release is called, and
// closes it to other users of the machine.
func Lock(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	// A mounted volume may belong to somebody else; the files in it are what
	// this process can answer for.
	if err := os.Chmod(dir, 0o700); err != nil && !errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("close the data directory to others: %w", err)
	}
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := lockFile(file); err != nil {
		file.Close()
		if errors.Is(err, ErrTaken) {
			return nil, fmt.Errorf("%w: %s", ErrTaken, dir)
		}
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	return func() { file.Close() }, nil // closing gives the lock back
}

// Unmake removes a data directory that Lock made and that holds nothing but the lock;
// its release comes before. One that holds more stays.
func Unmake(dir string) error {
	held, err := os.ReadDir(dir)
	if err != nil || len(held) != 1 || held[0].Name() != lockName {
		return err
	}
	return errors.Join(os.Remove(filepath.Join(dir, lockName)), os.Remove(dir))
}
