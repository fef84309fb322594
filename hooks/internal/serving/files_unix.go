//go:build unix

package serving

import "golang.org/x/sys/unix"

// openFiles is how many files and connections this process may hold open; 0 when
// nothing says so. Go raised it as far as it is allowed to.
func openFiles() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) > 1<<30 {
		return 0
	}
	return int(l.Cur)
}
