//go:build unix

package serving

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// databaseFiles are what SQLite writes: a copy kept beside them is nobody's business.
var databaseFiles = []string{
	"data.db", "data.db-wal", "data.db-shm",
	"auxiliary.db", "auxiliary.db-wal", "auxiliary.db-shm",
}

// writable names the database file this process may not write: one that was
// restored or copied by another user. SQLite would only say that it cannot open
// a database, or find that out with the first change.
func writable(dir string) error {
	return writableBy(dir, func(path string) error {
		return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK|unix.W_OK, unix.AT_EACCESS)
	})
}

func writableBy(dir string, access func(path string) error) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the data directory: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !slices.Contains(databaseFiles, entry.Name()) || access(path) == nil {
			continue
		}
		owner := ""
		if info, err := entry.Info(); err == nil {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				owner = fmt.Sprintf(" (it belongs to user %d)", stat.Uid)
			}
		}
		return fmt.Errorf("permission denied: user %d may not write %s%s. Give it back: chown %d:%d %s", os.Geteuid(),
			path, owner, os.Geteuid(), os.Getegid(), path)
	}
	return nil
}
