package backup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// throughAtOnce is how many files are written through at the same time: file systems
// put what they are asked for together into one write of their journal.
const throughAtOnce = 16

// eachThrough writes each file and each folder below one, and itself, to the disk.
func eachThrough(folder string) error {
	var files errgroup.Group
	files.SetLimit(throughAtOnce)
	return errors.Join(below(folder, &files), files.Wait())
}

func below(folder string, files *errgroup.Group) error {
	err := inFolder(folder, func(e fs.DirEntry) error {
		path := filepath.Join(folder, e.Name())
		if e.IsDir() {
			return below(path, files)
		}
		files.Go(func() error { return through(path) })
		return nil
	})
	return errors.Join(err, syncDir(folder))
}

// through writes one file to the disk.
func through(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) // there are systems that want to write
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
