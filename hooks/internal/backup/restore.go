package backup

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

const (
	// stageName is the folder in the data directory in which a restore lies ready.
	stageName = ".restore"
	// asidePrefix begins the folder that holds what was there before.
	asidePrefix = ".before-restore-"
	// What a stage has come to: everything in it was found good; what was there
	// lies aside.
	ready = "ready"
	moved = "moved"
)

// stays are names in a data directory that a restore does not touch.
var stays = []string{
	core.LocalBackupsDirName, core.LocalAutocertCacheDirName, core.LocalTempDirName, "lost+found",
	".lock", sealed.KeyFile, stageName,
}

// ErrArchive says that a file is no archive of ours, or not a whole one.
var ErrArchive = errors.New("this is no backup that can be restored")

// refuse is an ErrArchive with the reason.
func refuse(reason string, facts ...any) error {
	return fmt.Errorf("%w: "+reason, append([]any{ErrArchive}, facts...)...)
}

// opened is an archive of ours, or of the panel, which has no manifest.
type opened struct {
	*zip.ReadCloser
	manifest *Manifest
	files    map[string]*zip.File
}

func open(path string) (*opened, error) {
	z, err := zip.OpenReader(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, refuse("it is not a whole zip file (%v)", err)
	}
	a := &opened{ReadCloser: z, files: map[string]*zip.File{}}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) || a.files[f.Name] != nil {
			z.Close()
			return nil, refuse("%q is no name of a file in it, or is there twice", f.Name)
		}
		a.files[f.Name] = f
	}
	if err := a.readManifest(); err != nil {
		z.Close()
		return nil, err
	}
	if a.files[dataFile] == nil {
		z.Close()
		return nil, refuse("there is no %s in it", dataFile)
	}
	return a, nil
}

func (a *opened) readManifest() error {
	f := a.files[manifestName]
	if f == nil {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return refuse("its manifest cannot be read (%v)", err)
	}
	defer r.Close()
	var m Manifest
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return refuse("its manifest cannot be read (%v)", err)
	}
	if m.Product != product || m.Format != format {
		return refuse("its manifest is of %q in format %d, this program reads %q in format %d",
			m.Product, m.Format, product, format)
	}
	delete(a.files, manifestName)
	a.manifest = &m
	listed := map[string]bool{}
	for _, one := range m.Files {
		listed[one.Name] = true
		if a.files[one.Name] == nil {
			return refuse("%s is missing", one.Name)
		}
	}
	for name := range a.files {
		if !listed[name] {
			return refuse("%s is not in its manifest", name)
		}
	}
	return nil
}

// each reads all files whole and compares them with the manifest; a zip's own
// checksums speak for an archive of the panel. to gives the place of a file, nil
// for one that is only read.
func (a *opened) each(
	ctx context.Context, to func(name string) (io.WriteCloser, error), progress func(string, int64, int64),
) error {
	want := map[string]File{}
	if a.manifest != nil {
		for _, f := range a.manifest.Files {
			want[f.Name] = f
		}
	}
	var total, done int64
	for _, f := range a.files {
		total += int64(f.UncompressedSize64)
	}
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		size, sum, err := readOne(a.files[name], to)
		if err != nil {
			return err
		}
		if f, ok := want[name]; ok && (f.Size != size || f.SHA256 != sum) {
			return refuse("%s is not what its manifest says", name)
		}
		done += size
		progress("reading", done, total)
	}
	return nil
}

func readOne(f *zip.File, to func(string) (io.WriteCloser, error)) (size int64, sum string, err error) {
	r, err := f.Open()
	if err != nil {
		return 0, "", refuse("%s cannot be read (%v)", f.Name, err)
	}
	defer r.Close()
	out, err := to(f.Name)
	if err != nil {
		return 0, "", err
	}
	h := newHashing(out)
	_, err = io.Copy(h, r)
	if errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = refuse("%s cannot be read (%v)", f.Name, err)
	}
	return h.size, h.sum(), errors.Join(err, out.Close())
}

// nowhere is where files go that are only read.
type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// Verify reads an archive whole.
func Verify(ctx context.Context, path string, progress func(what string, done, total int64)) error {
	a, err := open(path)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.each(ctx, func(string) (io.WriteCloser, error) { return nowhere{io.Discard}, nil },
		func(_ string, done, total int64) { progress("checking", done, total) })
}

// Read returns what an archive says of itself; nil for one of the panel.
func Read(path string) (*Manifest, error) {
	a, err := open(path)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.manifest, nil
}

// StageOptions say how a restore is prepared.
type StageOptions struct {
	// Opens tells whether the stored settings open with the master key that will
	// be used: the one of the folder keys, "" for the data directory's, unless the
	// environment gives one.
	Opens    func(settings, keys string) error
	Progress func(what string, done, total int64)
}

// Stage looks at an archive whole and puts what it holds ready in the data
// directory, where nothing else is touched.
func Stage(ctx context.Context, dir, path string, o StageOptions) (m Manifest, err error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	stage := filepath.Join(dir, stageName)
	if exists(filepath.Join(stage, moved)) {
		return m, errors.New("another restore is not done: start the server, which finishes it")
	}
	a, err := open(path)
	if err != nil {
		return m, err
	}
	defer a.Close()
	if err := os.RemoveAll(stage); err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(stage))
		}
	}()
	data := filepath.Join(stage, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return m, err
	}
	err = a.each(ctx, func(name string) (io.WriteCloser, error) {
		if !brought(name) {
			return nowhere{io.Discard}, nil
		}
		to := filepath.Join(data, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		return synced{f}, err
	}, o.Progress)
	if err != nil {
		return m, err
	}
	if m, err = a.check(data, o.Opens); err != nil {
		return m, err
	}
	return m, writeSynced(filepath.Join(stage, ready), staged{Archive: filepath.Base(path), Manifest: m})
}

// staged is what the notes of a stage say.
type staged struct {
	Archive  string
	Manifest Manifest
	Aside    string
}

// synced is a file that is on the disk when it is closed.
type synced struct{ *os.File }

// Close writes it through.
func (s synced) Close() error { return errors.Join(s.Sync(), s.File.Close()) }

// check looks at the database that was unpacked.
func (a *opened) check(data string, opens func(settings, keys string) error) (Manifest, error) {
	path := filepath.Join(data, dataFile)
	found, err := describe(path)
	if err != nil {
		return found, refuse("%v", err)
	}
	d, err := Look(data)
	if err != nil {
		return found, refuse("%v", err)
	}
	if !d.Ours {
		return found, refuse("its database is not Pocketline's")
	}
	if unknown := d.Unknown(); len(unknown) > 0 {
		return found, refuse("a newer version made it (%s), which this one does not know; use that version",
			unknown[len(unknown)-1])
	}
	if a.manifest != nil {
		if !maps.Equal(a.manifest.Tables, found.Tables) {
			return found, refuse("its rows are not as many as its manifest says")
		}
		found = *a.manifest
	} else {
		found.Kind, found.Version = Full, d.Version
	}
	keys := ""
	if exists(filepath.Join(data, sealed.KeyFile)) {
		keys = data
	}
	if opens != nil && d.Sealed() {
		return found, opens(d.Settings, keys)
	}
	return found, nil
}

// Pending tells whether a restore lies ready or was cut off.
func Pending(dir string) bool {
	return exists(filepath.Join(dir, stageName, ready)) || exists(filepath.Join(dir, stageName, moved))
}

// Apply puts what lies ready in the place of what was there, which is moved
// aside, logs of changes of the old database included: none of them may meet the
// new one. It goes on where it was killed. The caller is alone with the data
// directory. aside is where the old lies, "" when there was nothing.
func Apply(dir string) (done Manifest, aside string, err error) {
	stage := filepath.Join(dir, stageName)
	if !Pending(dir) {
		return done, "", os.RemoveAll(stage) // one that was cut off while it was looked at
	}
	note := filepath.Join(stage, ready)
	if !exists(note) {
		note = filepath.Join(stage, moved)
	}
	raw, err := os.ReadFile(note)
	if err != nil {
		return done, "", err
	}
	var s staged
	if err := json.Unmarshal(raw, &s); err != nil {
		return done, "", fmt.Errorf("%s: %w", note, err)
	}
	data := filepath.Join(stage, "data")
	if filepath.Base(note) == ready {
		// The name is decided before anything moves, so that all goes to one place.
		if s.Aside == "" {
			s.Aside = asidePrefix + time.Now().UTC().Format(made)
			if err := writeSynced(note, s); err != nil {
				return done, "", err
			}
		}
		if err := moveAside(dir, filepath.Join(dir, s.Aside), data, s.Manifest.Kind); err != nil {
			return done, "", err
		}
		if err := os.Rename(note, filepath.Join(stage, moved)); err != nil {
			return done, "", err
		}
		if err := syncDir(stage); err != nil {
			return done, "", err
		}
	}
	if err := bring(data, dir); err != nil {
		return done, "", err
	}
	if err := errors.Join(syncDir(dir), os.RemoveAll(stage)); err != nil {
		return done, "", err
	}
	aside = filepath.Join(dir, s.Aside)
	if os.Remove(aside) == nil { // it is empty
		aside = ""
	}
	return s.Manifest, aside, nil
}

// moveAside empties the data directory.
func moveAside(dir, aside, data, kind string) error {
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == sealed.KeyFile && exists(filepath.Join(data, name)): // the archive brings its own
		case slices.Contains(stays, name), len(name) > len(asidePrefix) && name[:len(asidePrefix)] == asidePrefix:
			continue
		case kind == Database && name == core.LocalStorageDirName:
			continue
		}
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(aside, name)); err != nil {
			return fmt.Errorf("move %s aside: %w", name, err)
		}
	}
	return errors.Join(syncDir(aside), syncDir(dir))
}

// bring moves what was unpacked into the data directory, the database last: as
// long as it is missing no server starts.
func bring(data, dir string) error {
	entries, err := os.ReadDir(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int {
		if a.Name() == dataFile {
			return 1
		}
		if b.Name() == dataFile {
			return -1
		}
		return 0
	})
	for _, e := range entries {
		if err := os.Rename(filepath.Join(data, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("put %s in place: %w", e.Name(), err)
		}
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}
