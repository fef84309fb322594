package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

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
