//go:build unix

package serving

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// keepPrivate makes what this process writes from now on readable by its own user
// alone, and closes what earlier versions left open in the data directory. Only
// the first level is walked: below closed folders nothing can be reached, and
// recordings can be many.
func keepPrivate(dir string) error {
	syscall.Umask(0o077)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the data directory: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm()&0o077 == 0 || !info.Mode().IsRegular() && !info.IsDir() {
			continue // gone meanwhile, closed already, or a link that leads elsewhere
		}
		// What belongs to another user is theirs to close.
		err = os.Chmod(filepath.Join(dir, entry.Name()), info.Mode().Perm()&^0o077)
		if err != nil && !errors.Is(err, os.ErrPermission) && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("close %s to other users: %w", entry.Name(), err)
		}
	}
	return nil
}
