package backup

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/serving"
)

const (
	// lostFound is a folder of the file system's own at the top of a disk.
	lostFound = "lost+found"
	// workPrefix begins the folder in the data directory in which a copy is made;
	// it lies there so that stored files need not be copied but get a second name.
	workPrefix = ".backup-"
	// contentName is the folder in it with what goes into the archive.
	contentName = "content"
	// partEnd ends the name of an archive that is not whole yet.
	partEnd = ".part"
	// abandoned is the age after which such a part is nobody's.
	abandoned = 24 * time.Hour
	// spare is what stays free on the disk for the server.
	spare = 64 << 20
	// listedBytes is what the lists of an archive take beside the data for each file.
	listedBytes = 512
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
	left, err := prepare(dir, to, o)
	if err != nil {
		return m, err
	}
	work, err := os.MkdirTemp(dir, workPrefix)
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	release, err := serving.Lock(work)
	if err != nil {
		return m, err
	}
	defer release()
	content := filepath.Join(work, contentName)
	if err := os.Mkdir(content, 0o700); err != nil {
		return m, err
	}

	// Files are named a second time before and after the copy of the database: what
	// is deleted meanwhile stays readable, and what is added is not missed.
	gathered, skipped := int64(0), map[string]bool{}
	file := func() error {
		gathered++
		o.Progress("gathering the files", gathered, 0)
		return ctx.Err()
	}
	if err := gather(dir, content, o.Kind, left, skipped, file); err != nil {
		return m, err
	}
	if err := copyDatabase(ctx, dir, filepath.Join(content, dataFile), o.Progress); err != nil {
		return m, err
	}
	if err := gather(dir, content, o.Kind, left, skipped, file); err != nil {
		return m, err
	}
	if m, err = describe(ctx, filepath.Join(content, dataFile), o.Progress); err != nil {
		return m, err
	}
	m.Product, m.Format, m.Version, m.Kind = product, format, o.Version, o.Kind
	m.Made = o.Now().UTC().Truncate(time.Second)
	m.Skipped = slices.Sorted(maps.Keys(skipped))

	part, err := newPart(to)
	if err != nil {
		return m, err
	}
	defer os.Remove(part)
	if err := pack(ctx, work, part, &m, o.Progress); err != nil {
		return m, fmt.Errorf("write %s: %w", part, err)
	}
	if err := Verify(ctx, part, o.Progress); err != nil {
		return m, fmt.Errorf("the archive was written and cannot be read: %w", err)
	}
	if err := finish(part, to); err != nil {
		return m, err
	}
	return m, syncDir(filepath.Dir(to))
}

// prepare looks whether an archive can be made at the path to, and makes room for it.
// left are the folders whose files are not part of one.
func prepare(dir, to string, o Options) (left leaves, err error) {
	if err := hasData(dir); err != nil {
		return nil, err
	}
	if o.Kind != Full && o.Kind != Database {
		return nil, fmt.Errorf("there is no kind of backup %q", o.Kind)
	}
	if exists(to) {
		return nil, fmt.Errorf("%s exists already", to)
	}
	if err := apart(dir, filepath.Dir(to), o.Kind); err != nil {
		return nil, err
	}
	if err := ensure(dir, filepath.Dir(to)); err != nil {
		return nil, err
	}
	left = archives(dir, filepath.Dir(to))
	sweep(dir, to) // what a killed one left may be what there is no room for
	return left, room(dir, to, o, left)
}

// newPart is a new file beside a path, to be written before it is named so: another
// process may write to the same path.
func newPart(to string) (string, error) {
	part, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*"+partEnd) // mode 0600
	if err != nil {
		return "", err
	}
	return part.Name(), part.Close()
}

// finish gives a part its name, unless that was taken meanwhile.
func finish(part, to string) error {
	err := os.Link(part, to)
	if err == nil {
		return nil
	}
	if exists(to) {
		return fmt.Errorf("%s was written by another backup meanwhile", to)
	}
	return os.Rename(part, to) // a file system without second names
}

func hasData(dir string) error {
	if !exists(filepath.Join(dir, dataFile)) {
		return fmt.Errorf("there is no %s in %s", dataFile, dir)
	}
	return nil
}

// apart refuses a folder among the files that an archive there would take.
func apart(dir, folder, kind string) error {
	if at := Stored(dir, folder); at != "" && kind == Full {
		return fmt.Errorf("%s lies in %s, among the files a backup takes: choose another place for backups", folder, at)
	}
	return nil
}

// ErrNoFolder says that the folder for an archive is not there.
var ErrNoFolder = errors.New("the folder for backups is not there")

// Ready tells whether archives of a data directory can go to a folder: ErrNoFolder when
// it is not there.
func Ready(dir, folder string) error {
	if within(resolved(Folder(dir)), resolved(folder)) {
		return nil // it is made
	}
	at, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !at.IsDir() {
		return fmt.Errorf("%w: %s. Mount its disk, or make it", ErrNoFolder, folder)
	}
	return err
}

// ensure makes a folder for archives in the data directory's own. Another has to be
// there: its disk may not be mounted, and what lies below would fill this one.
func ensure(dir, folder string) error {
	if err := Ready(dir, folder); err != nil {
		return err
	}
	return os.MkdirAll(folder, 0o700)
}

// WriteNew is Write to a new archive in a folder, whose path it returns: its name is a
// prefix and the time, for example pocketline_20260102150405.zip. What others write
// there at the same moment gets another name.
func WriteNew(ctx context.Context, dir, folder, prefix string, o Options) (path string, m Manifest, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := hasData(dir); err != nil {
		return "", m, err
	}
	if err := apart(dir, folder, o.Kind); err != nil {
		return "", m, err
	}
	if err := ensure(dir, folder); err != nil {
		return "", m, err
	}
	for now := o.Now(); ; now = now.Add(time.Second) {
		path = unused(folder, prefix, ".zip", now)
		part, err := os.OpenFile(path+partEnd, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue // another one is being written
		}
		if err != nil {
			return "", m, err
		}
		defer os.Remove(part.Name())
		if err := part.Close(); err != nil {
			return "", m, err
		}
		if exists(path) {
			continue // it has just been finished
		}
		m, err = Write(ctx, dir, path, o)
		return path, m, err
	}
}

// room refuses when the archive would take the space the server lives on.
func room(dir, to string, o Options, left leaves) error {
	if o.Free == nil {
		return nil
	}
	count := int64(0)
	size := func(name string) (n int64) {
		// What cannot be read is refused when it is gathered.
		_ = left.walk(filepath.Join(dir, name), name, func(path, _ string) error {
			if info, err := os.Stat(path); err == nil {
				n += info.Size()
			}
			count++
			o.Progress("looking for room", count, 0)
			return nil
		})
		return n
	}
	database := size(dataFile) + size(dataFile+"-wal")
	beside, whole := database, database
	if o.Kind == Full {
		files := size(core.LocalStorageDirName)
		whole += files
		if files > 0 && moves(dir, core.LocalStorageDirName, filepath.Join(dir, workPrefix+"probe")) != nil {
			beside += files // on another disk they get no second names and are copied
		}
	}
	beside += count * listedBytes
	for place, need := range map[string]int64{dir: beside, filepath.Dir(to): whole} {
		if within(dir, filepath.Dir(to)) {
			need = beside + whole
		}
		free, _, err := o.Free(place)
		if err != nil {
			return fmt.Errorf("free space: %w", err)
		}
		if free < uint64(need)+spare {
			return noRoom(place, "a backup", need, free)
		}
	}
	return nil
}

func noRoom(place, what string, need int64, free uint64) error {
	return fmt.Errorf("not enough space in %s: %s may take %d MB, and %d MB are free", place, what,
		(need+spare)>>20, free>>20)
}

func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// Sweep removes copies in a data directory, and in what restores put aside in it, that
// killed backups left. What another process is at work on stays.
func Sweep(dir string) {
	for _, pattern := range []string{workPrefix + "*", filepath.Join(asidePrefix+"*", workPrefix+"*")} {
		left, _ := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		for _, path := range left {
			if release, err := serving.Lock(path); err == nil {
				release()
				os.RemoveAll(path) // the next one tries again
			}
		}
	}
}

// sweep is Sweep, and removes parts that were to become the archive to, or another one
// of ours beside it, long ago.
func sweep(dir, to string) {
	Sweep(dir)
	folder, digits := escapeGlob(filepath.Dir(to)), strings.Repeat("[0-9]", len(made))
	patterns := []string{escapeGlob(filepath.Base(to)) + ".*" + partEnd}
	for _, prefix := range []string{ByHand, Nightly, BeforeUpdate} {
		patterns = append(patterns, prefix+digits+".zip"+partEnd, prefix+digits+".zip.*"+partEnd)
	}
	for _, pattern := range patterns {
		left, _ := filepath.Glob(filepath.Join(folder, pattern))
		for _, path := range left {
			if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > abandoned {
				os.Remove(path) // the next one tries again
			}
		}
	}
}

// ours tells whether a file is named as our archives are.
func ours(name string) bool {
	for _, prefix := range []string{ByHand, Nightly, BeforeUpdate} {
		if stamp, ok := strings.CutPrefix(name, prefix); ok {
			_, err := time.Parse(made+".zip", stamp)
			return err == nil
		}
	}
	return false
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

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

// describe checks a copy of the database and counts its rows.
func describe(ctx context.Context, path string, progress func(string, int64, int64)) (m Manifest, err error) {
	db, err := openUnchanged(path)
	if err != nil {
		return m, err
	}
	defer db.Close()
	const step = "checking the database"
	progress(step, 0, 0)
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return m, errors.Join(fmt.Errorf("the database is damaged: %s", verdict), err)
	}
	data, err := look(db)
	if err != nil {
		return m, err
	}
	if len(data.Steps) > 0 {
		m.Step = data.Steps[len(data.Steps)-1]
	}
	m.Installation = data.Installation
	m.Tables, err = count(ctx, db, func(done, total int64) { progress(step, done, total) })
	return m, err
}

func count(ctx context.Context, db *sql.DB, progress func(done, total int64)) (map[string]int64, error) {
	names, err := column(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "+
		"AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name")
	if err != nil {
		return nil, err
	}
	rows := map[string]int64{}
	for i, name := range names {
		var n int64
		progress(int64(i), int64(len(names)))
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM "`+strings.ReplaceAll(name, `"`, `""`)+
			`"`).Scan(&n); err != nil {
			return nil, fmt.Errorf("count %s: %w", name, err)
		}
		rows[name] = n
	}
	return rows, nil
}

// pack writes the files of a folder, content in work, into a zip, the manifest last.
func pack(ctx context.Context, work, to string, m *Manifest, progress func(string, int64, int64)) (err error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z, err := newPacker(out, work)
	if err != nil {
		return err
	}
	defer z.list.Close()
	listed, err := os.Create(filepath.Join(work, "files"))
	if err != nil {
		return err
	}
	defer listed.Close()
	lines := bufio.NewWriter(listed)
	content := filepath.Join(work, contentName)
	var total, done int64
	err = visitFiles(content, func(path string) error {
		info, err := os.Stat(path)
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(lines)
	err = visitFiles(content, func(path string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(content, path)
		if err != nil {
			return err
		}
		f, err := packOne(z, path, filepath.ToSlash(rel), m.Made)
		if err != nil {
			return err
		}
		m.Files++
		done += f.Size
		progress("writing", done, total)
		return encoder.Encode(f)
	})
	if err != nil {
		return err
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	if _, err := listed.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w, err := z.add(manifestName, zip.Deflate, m.Made)
	if err != nil {
		return err
	}
	if err := writeManifest(w, *m, listed); err != nil {
		return err
	}
	return z.close()
}

// compress has a zip packed fast.
func compress(z *zip.Writer) {
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
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

func packOne(z *packer, path, name string, at time.Time) (File, error) {
	in, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	method := zip.Store // recordings and pictures are packed already
	if name == dataFile {
		method = zip.Deflate
	}
	w, err := z.add(name, method, at)
	if err != nil {
		return File{}, err
	}
	h := newHashing(w)
	if _, err := io.Copy(h, in); err != nil {
		return File{}, err
	}
	return File{Name: name, Size: h.size, SHA256: hex.EncodeToString(h.sum())}, nil
}
