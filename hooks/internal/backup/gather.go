package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"
)

// What goes into a backup: the files of the data directory, and the database as it is at one moment.

// gather names the files that belong in the archive once more below work.
// skipped are the paths of those whose names no archive can hold.
func gather(dir, work, kind string, left leaves, skipped map[string]bool, file func() error) error {
	tops := marks
	if kind == Full {
		tops = append([]string{core.LocalStorageDirName}, marks...)
	}
	for _, top := range tops {
		err := left.walk(filepath.Join(dir, top), top, func(path, name string) (err error) {
			to := filepath.Join(work, filepath.FromSlash(name))
			if err := file(); err != nil {
				return err
			}
			if !plain(name) || !utf8.ValidString(name) {
				skipped[path] = true
				return nil
			}
			if exists(to) {
				return nil
			}
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return err
			}
			if slices.Contains(marks, name) { // these are written again in place
				err = copyFile(path, to)
			} else if err = os.Link(path, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
				err = copyFile(path, to) // a file system without second names, or another one
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("gather files: %w", err)
		}
	}
	return nil
}

// leaves are folders that no archive takes, by whatever name they are reached.
type leaves []fs.FileInfo

// archives are the folders of archives: of the one that is written, and the one in the
// data directory.
func archives(dir, folder string) (left leaves) {
	for _, path := range []string{folder, Folder(dir)} {
		if info, err := os.Stat(path); err == nil {
			left = append(left, info)
		}
	}
	return left
}

// walk visits the regular files at a path, those behind links as well: the server
// reads them too. name is what a file is called in an archive, path where it is. A link
// that leads nowhere is an error: its disk may not be mounted.
func (l leaves) walk(path, name string, visit func(path, name string) error, above ...fs.FileInfo) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted just now, or never there
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		link := path
		if path, err = filepath.EvalSymlinks(link); err == nil {
			info, err = os.Stat(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is a link, and what it leads to is not there: is a disk not mounted?", link)
		}
	}
	switch {
	case err != nil:
		return err
	case info.Mode().IsRegular() && ours(strings.TrimSuffix(filepath.Base(path), partEnd)):
		return nil // an archive, wherever it was put
	case info.Mode().IsRegular():
		return visit(path, name)
	case !info.IsDir(), contains(above, info), contains(l, info):
		return nil // no file, a link to a folder in which it lies, or a folder of archives
	}
	above = append(above[:len(above):len(above)], info)
	err = inFolder(path, func(e fs.DirEntry) error {
		if e.Name() == lostFound {
			return nil
		}
		return l.walk(filepath.Join(path, e.Name()), name+"/"+e.Name(), visit, above...)
	})
	if errors.Is(err, fs.ErrNotExist) && !exists(path) {
		return nil // deleted just now
	}
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// copyDatabase makes a consistent copy while others write, and proves it.
func copyDatabase(ctx context.Context, dir, to string, progress func(string, int64, int64)) error {
	const step = "copying the database"
	progress(step, 0, 0)
	over, watched := make(chan struct{}), make(chan struct{})
	defer func() { close(over); <-watched }()
	go func() {
		defer close(watched)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				if done, err := os.Stat(to); err == nil {
					progress(step, done.Size(), 0)
				}
			}
		}
	}()
	db, err := openBeside(ctx, filepath.Join(dir, dataFile))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return os.Chmod(to, 0o600)
}

// visitFiles visits the files below a folder; folders may be large and are read in parts.
func visitFiles(folder string, visit func(path string) error) error {
	return inFolder(folder, func(e fs.DirEntry) error {
		path := filepath.Join(folder, e.Name())
		if e.IsDir() {
			return visitFiles(path, visit)
		}
		return visit(path)
	})
}

// partOf is how many names of a folder are read at once.
const partOf = 256

// inFolder visits what is in a folder, in no order.
func inFolder(folder string, visit func(fs.DirEntry) error) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(partOf)
		for _, e := range entries {
			if err := visit(e); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
