package vitals

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// lostFound is a folder of the file system's own at the top of a disk.
const lostFound = "lost+found"

// Storage looks after the folder of stored files: where its disk is not mounted the
// server starts, takes new files, and has lost sight of the old ones. Callers take turns.
type Storage struct {
	App   core.App
	asked bool // since there were files in it
	named bool // the database names files
}

// Lost tells whether the database names files and the folder has none. The database is
// asked once while there are none, because it looks at many rows where the answer is no,
// and again while it said yes.
func (s *Storage) Lost(ctx context.Context) (bool, error) {
	if s.App.Settings().S3.Enabled {
		return false, nil
	}
	folder := filepath.Join(s.App.DataDir(), core.LocalStorageDirName)
	empty, err := isEmpty(folder)
	if err != nil || !empty {
		s.asked = false
		return false, err
	}
	if s.asked && !s.named {
		return false, nil
	}
	before := s.asked && s.named
	s.asked = true // also where it takes too long
	if s.named, err = namesFiles(ctx, s.App); s.named && !before {
		s.App.Logger().Error("the folder of stored files is missing or empty, and the database names files in it",
			"folder", folder)
	}
	return s.named, err
}

// isEmpty tells whether nothing lies in a folder, or there is none. What a file system
// has at its top is nothing.
func isEmpty(folder string) (bool, error) {
	d, err := os.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer d.Close()
	names, err := d.Readdirnames(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	for _, name := range names {
		if name != lostFound {
			return false, nil
		}
	}
	return true, nil
}

// namesFiles tells whether some row names a stored file.
func namesFiles(ctx context.Context, app core.App) (named bool, err error) {
	all, err := app.FindAllCollections()
	if err != nil {
		return false, err
	}
	var any []string
	for _, c := range all {
		for _, f := range c.Fields {
			if f.Type() == core.FieldTypeFile && !c.IsView() {
				any = append(any, "EXISTS (SELECT 1 FROM {{"+c.Name+"}} WHERE [["+f.GetName()+"]] NOT IN ('', '[]'))")
			}
		}
	}
	if len(any) == 0 {
		return false, nil
	}
	err = app.ConcurrentDB().NewQuery("SELECT " + strings.Join(any, " OR ")).WithContext(ctx).Row(&named)
	return named, err
}
