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
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	// Step is the last step of the database's definition.
	Step string `json:"step"`
	// Tables are the rows of each.
	Tables map[string]int64 `json:"tables"`
	Files  []File           `json:"files"`
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

// Size is of all files before they were packed.
func (m Manifest) Size() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Name is the name of an archive made now, for example
// pocketline_20260102150405.zip.
func Name(prefix string, now time.Time) string { return prefix + now.UTC().Format(made) + ".zip" }

// Prefixes of names: of archives made by hand, at night and before an update.
const (
	ByHand       = "pocketline_"
	Nightly      = "nightly_"
	BeforeUpdate = "before_update_"
)

// Folder is where archives of a data directory lie unless another place is
// given: PocketBase keeps its own there too, and lists all of them.
func Folder(dir string) string { return filepath.Join(dir, core.LocalBackupsDirName) }

// NoData are names in a data directory that belong in no archive.
func NoData(dir string) []string {
	names := []string{stageName, ".lock", ".probe"}
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

// taken tells whether a file of the data directory belongs in an archive. name
// has slashes.
func taken(name, kind string) bool {
	for _, mark := range marks {
		if name == mark {
			return true
		}
	}
	return kind == Full && strings.HasPrefix(name, core.LocalStorageDirName+"/")
}

// brought tells whether a file of an archive is put into a data directory: what
// we write, and what the panel's archives hold that cannot be made again.
func brought(name string) bool {
	return name == dataFile || name == sealed.KeyFile || taken(name, Full)
}

// hashing counts and hashes what is written through it.
type hashing struct {
	io.Writer
	size int64
	sum  func() string
}

func newHashing(w io.Writer) *hashing {
	sum := sha256.New()
	h := &hashing{Writer: io.MultiWriter(w, sum)}
	h.sum = func() string { return hex.EncodeToString(sum.Sum(nil)) }
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
