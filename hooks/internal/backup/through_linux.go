package backup

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// writeThrough makes everything below a folder survive a power cut: its file system is
// written to the disk at once, which a hundred thousand files one by one take minutes for.
// What a program behind the file system serves (FUSE, as shared folders of virtual
// machines are) is not told of that, and is asked for each file.
func writeThrough(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	var kind unix.Statfs_t
	if err := unix.Fstatfs(int(d.Fd()), &kind); err != nil {
		return fmt.Errorf("ask %s for its file system: %w", folder, err)
	}
	if int64(kind.Type) == unix.FUSE_SUPER_MAGIC {
		return eachThrough(folder)
	}
	err = unix.Syncfs(int(d.Fd()))
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, unix.EPERM) {
		return eachThrough(folder)
	}
	if err != nil {
		return fmt.Errorf("sync the file system of %s: %w", folder, err)
	}
	return nil
}
