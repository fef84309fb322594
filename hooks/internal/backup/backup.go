// Package backup writes an installation into one file and brings it back.
//
// An archive is a zip: a consistent copy of data.db, made while the server
// writes on, the stored files, the marks that say what the data are, and a
// manifest with counts and hashes. The master key is not in it (security.md S34),
// nor are logs. It is read again before it gets its name.
//
// A restore looks at everything first, in a folder beside the data (Stage). Only
// then is what lies in the data directory moved aside and the new put in its
// place (Apply), in steps that go on when the process is killed between them. A
// running server stages and starts again; the next start applies.
//
// What lies in a data directory without being opened as a database by PocketBase
// is looked at here as well (Look), because a start that must be refused may
// change nothing.
package backup

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

const (
	product      = "pocketline"
	format       = 1
	manifestName = "pocketline-backup.json"

	// dataFile is PocketBase's name of the database, logsFile of what may be lost.
	dataFile = "data.db"
	logsFile = "auxiliary.db"

	// made is how archives are named: their time sorts them.
	made = "20060102150405"
)

// Kinds of archives.
const (
	// Full holds the database and the stored files.
	Full = "full"
	// Database holds no files: made before an update, whose steps change none.
	// Restoring it leaves the files where they are.
	Database = "database"
)

// marks are the files of a data directory that say what its data are.
var marks = []string{".sandbox", ".sandbox.json"}

// Manifest is what an archive says of itself.
type Manifest struct {
	Product string    `json:"product"`
	Format  int       `json:"format"`
	Version string    `json:"version"`
	Kind    string    `json:"kind"`
	Made    time.Time `json:"made"`
	// Installation is the id of the one it is of, "" when that has none yet.
	Installation string `json:"installation,omitempty"`
	// Step is the last step of the database's definition.
	Step string `json:"step"`
	// Tables are the rows of each.
	Tables map[string]int64 `json:"tables"`
	// Files is how many there are; each is a File in "files", which is as long as
	// an installation is large and never held whole.
	Files int `json:"-"`
	// Skipped are the paths of stored files that are not in it: their names are no texts,
	// or lead elsewhere on another system. None of them is one of the server's.
	Skipped []string `json:"-"`
}

// File is one file of an archive.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Rows are all rows there are.
func (m Manifest) Rows() (n int64) {
	for _, rows := range m.Tables {
		n += rows
	}
	return n
}

// unused is a name with the time in a folder that nothing has yet: what is of the same
// second takes the name of the next.
func unused(folder, prefix, suffix string, now time.Time) string {
	for {
		path := filepath.Join(folder, prefix+now.UTC().Format(made)+suffix)
		if !exists(path) {
			return path
		}
		now = now.Add(time.Second)
	}
}

// Prefixes of names: of archives made by hand, at night and before an update.
const (
	ByHand       = "pocketline_"
	Nightly      = "nightly_"
	BeforeUpdate = "before_update_"
)

// Folder is where archives of a data directory lie unless another place is
// given: PocketBase keeps its own there too, and lists all of them.
func Folder(dir string) string { return filepath.Join(dir, core.LocalBackupsDirName) }

// Inside tells whether a folder lies where a restore moves it aside: in the data
// directory dir, by whatever name, and not in Folder.
func Inside(dir, folder string) bool {
	at := resolved(folder)
	return within(resolved(dir), at) && !within(resolved(Folder(dir)), at)
}

// Stored is the place in a data directory, the folder storage or one in it, that leads to
// where a folder lies, as a link or a mounted disk may; "" when none does. An archive there
// would be among the files it takes, and hold those before it.
func Stored(dir, folder string) string {
	storage := filepath.Join(dir, core.LocalStorageDirName)
	places := []string{storage}
	entries, err := os.ReadDir(storage)
	if err == nil { // else there is nothing in it that leads anywhere
		for _, e := range entries {
			places = append(places, filepath.Join(storage, e.Name()))
		}
	}
	above := ancestors(resolved(folder))
	for _, place := range places {
		info, err := os.Stat(place)
		if err == nil && info.IsDir() && contains(above, info) {
			return place
		}
	}
	return ""
}

// ancestors are a path and the folders it lies in, as far as they are there.
func ancestors(path string) (all []fs.FileInfo) {
	for ; ; path = filepath.Dir(path) {
		if info, err := os.Stat(path); err == nil {
			all = append(all, info)
		}
		if path == filepath.Dir(path) {
			return all
		}
	}
}

// contains tells whether one is among others, by whatever name.
func contains(others []fs.FileInfo, one fs.FileInfo) bool {
	return slices.ContainsFunc(others, func(other fs.FileInfo) bool { return os.SameFile(other, one) })
}

// resolved is a path without links, as far as there is something.
func resolved(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for there := whole; ; there = filepath.Dir(there) {
		if real, err := filepath.EvalSymlinks(there); err == nil {
			return filepath.Join(real, whole[len(there):])
		}
		if there == filepath.Dir(there) {
			return whole
		}
	}
}

// Kept is a folder with what was there before a restore.
type Kept struct {
	Path string
	Made time.Time
	Size int64 // bytes
}

// Aside are the folders that restores left in a data directory, the newest first.
func Aside(dir string) (all []Kept, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() || !strings.HasPrefix(e.Name(), asidePrefix) {
			continue
		}
		k := Kept{Path: path, Made: info.ModTime()}
		if t, err := time.Parse(made, strings.TrimPrefix(filepath.Base(path), asidePrefix)); err == nil {
			k.Made = t
		}
		err = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err == nil {
				k.Size += info.Size()
			}
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody removes it just now
		}
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b Kept) int { return b.Made.Compare(a.Made) })
	return all, nil
}

// NoData are names in a data directory that belong in no archive.
func NoData(dir string) []string {
	names := []string{stageName, fetchedName, ".lock", ".probe"}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return names
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), asidePrefix) || strings.HasPrefix(e.Name(), workPrefix) {
			names = append(names, e.Name())
		}
	}
	return names
}

// brought tells whether a file of an archive is put into a data directory: what
// we write, and what the panel's archives hold that cannot be made again. name has
// slashes.
func brought(name string) bool {
	return name == dataFile || name == sealed.KeyFile || slices.Contains(marks, name) ||
		strings.HasPrefix(name, core.LocalStorageDirName+"/")
}

// written tells whether a file belongs in an archive of ours of a kind.
func written(name, kind string) bool {
	return name == dataFile || slices.Contains(marks, name) ||
		kind == Full && strings.HasPrefix(name, core.LocalStorageDirName+"/")
}

// hashing counts and hashes what is written through it.
type hashing struct {
	io.Writer
	size int64
	sum  func() []byte
}

func newHashing(w io.Writer) *hashing {
	sum := sha256.New()
	h := &hashing{Writer: io.MultiWriter(w, sum)}
	h.sum = func() []byte { return sum.Sum(nil) }
	return h
}

func (h *hashing) Write(b []byte) (int, error) {
	n, err := h.Writer.Write(b)
	h.size += int64(n)
	return n, err
}

// exists tells whether something lies there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// writeSynced writes a small file that is there after a power cut, whole or as it
// was before.
func writeSynced(path string, value any) error {
	raw, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes names of a folder survive a power cut.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
