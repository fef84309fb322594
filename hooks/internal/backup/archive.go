package backup

import (
	"archive/zip"
	"compress/flate"
	"context"
	"database/sql"
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
)

const (
	// workPrefix begins the folder in the data directory in which a copy is made;
	// it lies there so that stored files need not be copied but get a second name.
	workPrefix = ".backup-"
	// abandoned is the age after which such a folder belongs to nobody.
	abandoned = 24 * time.Hour
	// spare is what stays free on the disk for the server.
	spare = 64 << 20
)

// Options say how an archive is written.
type Options struct {
	// Kind is Full or Database.
	Kind string
	// Version is the program's.
	Version string
	// Free is the free space where a folder lies; nil asks nobody.
	Free func(dir string) (free, total uint64, err error)
	// Progress is told what has been done, in bytes of total.
	Progress func(what string, done, total int64)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Write makes an archive of the data directory at the path to, which appears
// only when the archive was read again and found whole.
func Write(ctx context.Context, dir, to string, o Options) (m Manifest, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if !exists(filepath.Join(dir, dataFile)) {
		return m, fmt.Errorf("there is no %s in %s", dataFile, dir)
	}
	if exists(to) {
		return m, fmt.Errorf("%s exists already", to)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return m, err
	}
	if err := room(dir, to, o); err != nil {
		return m, err
	}
	sweep(dir)
	work, err := os.MkdirTemp(dir, workPrefix)
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)

	// Files are named a second time before and after the copy of the database: what
	// is deleted meanwhile stays readable, and what is added is not missed.
	if err := gather(dir, work, o.Kind); err != nil {
		return m, err
	}
	o.Progress("copying the database", 0, 0)
	if err := copyDatabase(ctx, dir, filepath.Join(work, dataFile)); err != nil {
		return m, err
	}
	if err := gather(dir, work, o.Kind); err != nil {
		return m, err
	}
	if m, err = describe(filepath.Join(work, dataFile)); err != nil {
		return m, err
	}
	m.Product, m.Format, m.Version, m.Kind = product, format, o.Version, o.Kind
	m.Made = o.Now().UTC().Truncate(time.Second)

	part := to + ".part"
	defer os.Remove(part)
	if err := pack(ctx, work, part, &m, o.Progress); err != nil {
		return m, fmt.Errorf("write %s: %w", part, err)
	}
	if err := Verify(ctx, part, o.Progress); err != nil {
		return m, fmt.Errorf("the archive was written and cannot be read: %w", err)
	}
	if err := os.Rename(part, to); err != nil {
		return m, err
	}
	return m, syncDir(filepath.Dir(to))
}

// room refuses when the archive would take the space the server lives on.
func room(dir, to string, o Options) error {
	if o.Free == nil {
		return nil
	}
	size := func(name string) (n int64) {
		_ = filepath.WalkDir(filepath.Join(dir, name), func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // what is not there takes no space
			}
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				n += info.Size()
			}
			return nil
		})
		return n
	}
	database := size(dataFile) + size(dataFile+"-wal")
	whole := database
	if o.Kind == Full {
		whole += size(core.LocalStorageDirName)
	}
	for place, need := range map[string]int64{dir: database, filepath.Dir(to): whole} {
		if within(dir, filepath.Dir(to)) {
			need = database + whole
		}
		free, _, err := o.Free(place)
		if err != nil {
			return fmt.Errorf("free space: %w", err)
		}
		if free < uint64(need)+spare {
			return fmt.Errorf("not enough space in %s: a backup may take %d MB, and %d MB are free",
				place, (need+spare)>>20, free>>20)
		}
	}
	return nil
}

func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// sweep removes what killed processes left.
func sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(escapeGlob(dir), workPrefix+"*"))
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > abandoned {
			os.RemoveAll(path) // the next one tries again
		}
	}
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

// gather names the files that belong in the archive once more below work.
func gather(dir, work, kind string) error {
	for _, top := range append([]string{core.LocalStorageDirName}, marks...) {
		err := filepath.WalkDir(filepath.Join(dir, top), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // deleted just now, or never there
			}
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil || !d.Type().IsRegular() || !taken(filepath.ToSlash(rel), kind) {
				return err
			}
			to := filepath.Join(work, rel)
			if exists(to) {
				return nil
			}
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return err
			}
			if slices.Contains(marks, rel) { // these are written again in place
				err = copyFile(path, to)
			} else if err = os.Link(path, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
				err = copyFile(path, to) // a file system without second names
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
func copyDatabase(ctx context.Context, dir, to string) error {
	db, err := openUnchanged(filepath.Join(dir, dataFile))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return os.Chmod(to, 0o600)
}

// describe checks a copy of the database and counts its rows.
func describe(path string) (m Manifest, err error) {
	db, err := openUnchanged(path)
	if err != nil {
		return m, err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA quick_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return m, errors.Join(fmt.Errorf("the database is damaged: %s", verdict), err)
	}
	data, err := look(db)
	if err != nil {
		return m, err
	}
	if len(data.Steps) > 0 {
		m.Step = data.Steps[len(data.Steps)-1]
	}
	m.Tables, err = count(db)
	return m, err
}

func count(db *sql.DB) (map[string]int64, error) {
	names, err := column(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "+
		"AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name")
	if err != nil {
		return nil, err
	}
	rows := map[string]int64{}
	for _, name := range names {
		var n int64
		if err := db.QueryRow(`SELECT count(*) FROM "` + strings.ReplaceAll(name, `"`, `""`) + `"`).Scan(&n); err != nil {
			return nil, fmt.Errorf("count %s: %w", name, err)
		}
		rows[name] = n
	}
	return rows, nil
}

// pack writes the files of a folder into a zip, the manifest last.
func pack(ctx context.Context, work, to string, m *Manifest, progress func(string, int64, int64)) (err error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})

	var total, done int64
	var names []string
	err = filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(work, path)
		if err != nil {
			return err
		}
		f, err := packOne(z, path, filepath.ToSlash(rel), m.Made)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, f)
		done += f.Size
		progress("writing", done, total)
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: manifestName, Method: zip.Deflate, Modified: m.Made})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return errors.Join(encoder.Encode(m), z.Close(), out.Sync())
}

func packOne(z *zip.Writer, path, name string, at time.Time) (File, error) {
	in, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	method := zip.Store // recordings and pictures are packed already
	if name == dataFile {
		method = zip.Deflate
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: at})
	if err != nil {
		return File{}, err
	}
	h := newHashing(w)
	if _, err := io.Copy(h, in); err != nil {
		return File{}, err
	}
	return File{Name: name, Size: h.size, SHA256: h.sum()}, nil
}

// Prune removes all but the newest archives of a prefix in a folder.
func Prune(folder, prefix string, keep int) (removed []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		stamp, ok := strings.CutPrefix(e.Name(), prefix)
		if _, err := time.Parse(made+".zip", stamp); ok && err == nil {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	for len(names) > keep {
		if err := os.Remove(filepath.Join(folder, names[0])); err != nil {
			return removed, err
		}
		removed, names = append(removed, names[0]), names[1:]
	}
	return removed, nil
}
