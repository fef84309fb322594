package system

import "golang.org/x/sys/windows"

// FreeSpace is what this user may still write where dir lies, in bytes.
func FreeSpace(dir string) (free, total uint64, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, err
	}
	err = windows.GetDiskFreeSpaceEx(name, &free, &total, nil)
	return free, total, err
}
