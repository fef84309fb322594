package mirror

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// born is when the file at a path was made, as its file system notes it, in seconds and
// nanoseconds; "" where that is not noted.
func born(path string) (string, error) {
	var s unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_BTIME, &s)
	switch {
	case errors.Is(err, unix.ENOSYS), err == nil && s.Mask&unix.STATX_BTIME == 0:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("when %s was made: %w", path, err)
	}
	return fmt.Sprintf("%d.%09d", s.Btime.Sec, s.Btime.Nsec), nil
}
