//go:build unix

package system

import "golang.org/x/sys/unix"

// FreeSpace is what an ordinary user may still write where dir lies, in bytes.
func FreeSpace(dir string) (free, total uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}
