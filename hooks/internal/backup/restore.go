package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

const (
	// stageName is the folder in the data directory in which a restore lies ready.
	stageName = ".restore"
	// asidePrefix begins the folder that holds what was there before.
	asidePrefix = ".before-restore-"
	// What a stage has come to, said by the name of its note: everything in it was found
	// good; what was there lies aside.
	ready = "ready"
	moved = "moved"
	// undo is what could not be finished: what was there comes back.
	undo = "undo"
	// A manifest is at most this long, in bytes: for what it says of the whole and of
	// the tables, and for each file besides its name, whose bytes JSON may escape.
	manifestBase = 1 << 20
	manifestEach = 1 << 9
	escaped      = len(`\u0000`)
)

// stays are names in a data directory that a restore does not touch.
var stays = []string{
	core.LocalBackupsDirName, core.LocalAutocertCacheDirName, core.LocalTempDirName, lostFound,
	".lock", sealed.KeyFile, stageName, fetchedName,
}

// ErrArchive says that a file is no archive of ours, or not a whole one.
var ErrArchive = errors.New("this is no backup that can be restored")

// refuse is an ErrArchive with the reason.
func refuse(reason string, facts ...any) error {
	return fmt.Errorf("%w: "+reason, append([]any{ErrArchive}, facts...)...)
}

// regular refuses what is no file: a pipe would be waited for without end.
func regular(at string) error {
	info, err := os.Stat(at)
	if err == nil && !info.Mode().IsRegular() {
		return refuse("%s is no file", at)
	}
	return err
}

// plain tells whether a name says of itself where it leads: below the folder it is
// put in, in one spelling, the same on every system.
func plain(name string) bool {
	return path.Clean(name) == name && name != "." && filepath.IsLocal(name) && !strings.Contains(name, `\`)
}

// StageOptions say how a restore is prepared.
type StageOptions struct {
	// Opens tells whether what is sealed in the data opens with the
	// master key that will be used: the one of the folder keys, "" for the data
	// directory's, unless the environment gives one.
	Opens    func(data Data, keys string) error
	Progress func(what string, done, total int64)
	// Free is the free space where a folder lies; nil asks nobody.
	Free func(dir string) (free, total uint64, err error)
	// through writes what lies below a folder through to the disk; nil is writeThrough.
	through func(dir string) error
}

// ErrPending says that a restore lies ready, or was cut off, and comes first.
var ErrPending = errors.New("another restore is not done: start the server, or run restore again, and it is finished first")

// Stage looks at an archive whole and puts what it holds ready in the data
// directory, where nothing else is touched. Of callers, one at a time.
func Stage(ctx context.Context, dir, path string, o StageOptions) (m Manifest, err error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	stage := filepath.Join(dir, stageName)
	if Pending(dir) {
		return m, ErrPending
	}
	a, err := open(path)
	if err != nil {
		return m, err
	}
	defer a.Close()
	if err := a.fits(dir, o.Free); err != nil {
		return m, err
	}
	if err := os.RemoveAll(stage); err != nil {
		return m, err
	}
	done := false
	defer func() {
		if !done { // also in a panic
			err = errors.Join(err, os.RemoveAll(stage))
		}
	}()
	data := filepath.Join(stage, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return m, err
	}
	kind := Full
	if a.manifest != nil {
		kind = a.manifest.Kind
	}
	if err := movable(dir, kind, a.key); err != nil {
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
		return os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	}, o.Progress)
	if err != nil {
		return m, err
	}
	if o.through == nil {
		o.through = writeThrough
	}
	o.Progress("writing to the disk", 0, 0)
	if err := o.through(stage); err != nil {
		return m, fmt.Errorf("write what was unpacked to the disk: %w", err)
	}
	if m, err = a.check(ctx, data, o.Opens, o.Progress); err != nil {
		return m, err
	}
	if _, _, err := plan(dir, "", data, kind); err != nil {
		return m, err
	}
	err = writeSynced(filepath.Join(stage, ready), staged{Archive: filepath.Base(path), Manifest: m, Files: m.Files})
	done = err == nil
	return m, err
}

// fits refuses what would take the space the server lives on.
func (a *opened) fits(dir string, space func(string) (free, total uint64, err error)) error {
	if space == nil {
		return nil
	}
	free, _, err := space(dir)
	if err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	if free < uint64(a.need)+spare {
		return noRoom(dir, "what the backup holds", a.need, free)
	}
	return nil
}

// Unstage takes back what Stage made ready. Its note goes first: killed here, nothing
// half removed is taken for ready.
func Unstage(dir string) error {
	stage := filepath.Join(dir, stageName)
	for _, note := range notes {
		if err := os.Remove(filepath.Join(stage, note)); err == nil {
			if err := syncDir(stage); err != nil {
				return err
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.RemoveAll(stage)
}

// notes are the names of a stage's note, of which there is one.
var notes = []string{ready, moved, undo}

// staged is what the note of a stage says.
type staged struct {
	Archive  string
	Manifest Manifest
	// Files is how many the archive holds.
	Files int
	// Aside is the folder for what was there, Brought the names that come in its place:
	// both are decided before anything moves.
	Aside   string
	Brought []string
	// Trial says that it is done, and that the server has not served with it yet.
	Trial bool `json:",omitempty"`
}

// check looks at the database that was unpacked.
func (a *opened) check(
	ctx context.Context, data string, opens func(data Data, keys string) error, progress func(string, int64, int64),
) (Manifest, error) {
	path := filepath.Join(data, dataFile)
	found, err := describe(ctx, path, progress)
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
	if d.Settings == "" { // any start writes them: without, nobody knows whether the key fits
		return found, refuse("its database holds no settings")
	}
	var settings map[string]json.RawMessage
	if d.PlainSettings() && (json.Unmarshal([]byte(d.Settings), &settings) != nil || settings == nil) {
		return found, refuse("its settings are no settings")
	}
	if gaps := d.Gaps(); len(gaps) > 0 {
		return found, refuse("its database lacks the step %s, and has later ones", gaps[0])
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
	return found, inspect(path, d, opens)
}

// inspect looks into the database that was unpacked: whether it is whole, and whether the
// key opens what is sealed in it.
func inspect(path string, d Data, opens func(data Data, keys string) error) error {
	db, err := openUnchanged(path)
	if err != nil {
		return refuse("%v", err)
	}
	defer db.Close()
	if err := lacks(db, d); err != nil {
		return err
	}
	if d.Secrets, err = sealed.Samples(db); err != nil {
		return refuse("%v", err)
	}
	keys := ""
	if exists(filepath.Join(filepath.Dir(path), sealed.KeyFile)) {
		keys = filepath.Dir(path)
	}
	if opens != nil && d.Sealed() {
		return opens(d, keys)
	}
	return nil
}

// Pending tells whether a restore lies ready or was cut off.
func Pending(dir string) bool { return noteOf(dir) != "" }

// noteOf is the path of the stage's note in a data directory, "" when there is none.
func noteOf(dir string) string {
	for _, name := range notes {
		if path := filepath.Join(dir, stageName, name); exists(path) {
			return path
		}
	}
	return ""
}

// Applied is a restore that is done.
type Applied struct {
	// Archive is the name of its file.
	Archive  string
	Manifest Manifest
	// Aside is where the old data lie, "" when there were none.
	Aside string
}

// Apply puts what lies ready in the place of what was there, which is moved
// aside, logs of changes of the old database included: none of them may meet the
// new one. It goes on where it was killed. What cannot be done is taken back
// (ErrGivenUp), also when it is noticed late. The caller is alone with the data
// directory.
func Apply(dir string) (Applied, error) { return apply(dir, false) }

// Try is Apply for a start of the server: until Proven says that it serves with what was
// brought, the next Apply takes it back. Where nothing was there before there is nothing
// to take it back for.
func Try(dir string) (Applied, error) { return apply(dir, true) }

// Proven ends what Try began.
func Proven(dir string) error {
	if filepath.Base(noteOf(dir)) != undo {
		return nil
	}
	return Unstage(dir)
}

func apply(dir string, trial bool) (Applied, error) {
	note := noteOf(dir)
	if note == "" {
		return Applied{}, Unstage(dir) // one that was cut off while it was looked at
	}
	raw, err := os.ReadFile(note)
	if err != nil {
		return Applied{}, err
	}
	var s staged
	if err := json.Unmarshal(raw, &s); err != nil {
		return Applied{}, damagedNote(dir, note, err)
	}
	if filepath.Base(note) == undo {
		reason := errors.New("it had not been possible to finish it")
		if s.Trial {
			reason = errors.New("the server did not start with it")
		}
		return Applied{}, giveUp(dir, s, reason)
	}
	if err := forward(dir, filepath.Base(note), &s); err != nil {
		return Applied{}, giveUp(dir, s, err)
	}
	s.Manifest.Files = s.Files
	done := Applied{Archive: s.Archive, Manifest: s.Manifest, Aside: filepath.Join(dir, s.Aside)}
	if os.Remove(done.Aside) == nil { // it is empty
		done.Aside = ""
	}
	if !trial || done.Aside == "" {
		return done, errors.Join(syncDir(dir), os.RemoveAll(filepath.Join(dir, stageName)))
	}
	s.Trial = true
	stage := filepath.Join(dir, stageName)
	if err := errors.Join(syncDir(dir), writeSynced(filepath.Join(stage, undo), s)); err != nil {
		return Applied{}, err
	}
	return done, errors.Join(os.Remove(filepath.Join(stage, moved)), syncDir(stage))
}

// ErrNote says that the note of a restore is damaged, and what is to be done by hand.
var ErrNote = errors.New("the note of a restore is damaged")

// damagedNote is an ErrNote. What a restore moves first goes into a folder of its own, so
// where there is none nothing had begun.
func damagedNote(dir, note string, reason error) error {
	stage := filepath.Join(dir, stageName)
	left, err := Aside(dir)
	if err != nil {
		return errors.Join(reason, err)
	}
	if len(left) == 0 && filepath.Base(note) == ready {
		return fmt.Errorf("%w: %s cannot be read (%v). Nothing was changed, and nothing of it had begun: remove %s, start "+
			"the server with the data from before, and restore again", ErrNote, note, reason, stage)
	}
	from := asidePrefix + "…"
	if len(left) > 0 {
		from = filepath.Base(left[0].Path)
	}
	return fmt.Errorf("%w: %s cannot be read (%v). Nothing was changed. What it had moved aside lies in %s, if anything: keep a "+
		"copy of %s, move what is in %s back to where it was, in the place of what has the same name, remove %s, start "+
		"the server with the data from before, and restore again", ErrNote, note, reason, from, dir, from, stage)
}

// forward does what is left of a restore.
func forward(dir, note string, s *staged) error {
	stage := filepath.Join(dir, stageName)
	data := filepath.Join(stage, "data")
	if note == moved {
		return bring(data, dir)
	}
	if s.Aside == "" {
		s.Aside = filepath.Base(unused(dir, asidePrefix, "", time.Now()))
	}
	aside := filepath.Join(dir, s.Aside)
	leave, come, err := plan(dir, aside, data, s.Manifest.Kind)
	if err != nil {
		return err
	}
	if s.Brought == nil {
		s.Brought = come
		if err := writeSynced(filepath.Join(stage, ready), s); err != nil {
			return err
		}
	}
	if err := moveAside(dir, aside, leave); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(stage, ready), filepath.Join(stage, moved)); err != nil {
		return err
	}
	if err := syncDir(stage); err != nil {
		return err
	}
	return bring(data, dir)
}

// plan is what a restore moves: the names in a data directory that leave it, to aside
// when that is decided, and those of the unpacked data that come. What would come upon
// something that stays is an error: nothing is written over.
func plan(dir, aside, data, kind string) (leave, come []string, err error) {
	leave, err = leaving(dir, kind, exists(filepath.Join(data, sealed.KeyFile)))
	if err != nil {
		return nil, nil, err
	}
	for _, name := range leave {
		if aside != "" && exists(filepath.Join(aside, name)) {
			return nil, nil, fmt.Errorf("%s is in %s and in %s as well", name, dir, aside)
		}
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if exists(filepath.Join(dir, e.Name())) && !slices.Contains(leave, e.Name()) {
			return nil, nil, fmt.Errorf("%s would be put in the place of one that stays in %s", e.Name(), dir)
		}
		come = append(come, e.Name())
	}
	return leave, come, nil
}

// leaving are the names in a data directory that a restore moves aside. key tells that
// the archive brings a master key of its own.
func leaving(dir, kind string, key bool) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == sealed.KeyFile && key:
		case slices.Contains(stays, name), len(name) > len(asidePrefix) && name[:len(asidePrefix)] == asidePrefix:
			continue
		case kind == Database && name == core.LocalStorageDirName:
			continue
		}
		names = append(names, name)
	}
	return names, err
}

// movable refuses a restore that could not move aside all that lies in a data
// directory: a disk may be mounted there. Stored files behind a link would come to lie
// on another disk than the one they were given.
func movable(dir, kind string, key bool) error {
	names, err := leaving(dir, kind, key)
	if err != nil {
		return err
	}
	for _, name := range names {
		at := filepath.Join(dir, name)
		if to, err := os.Readlink(at); err == nil && name == core.LocalStorageDirName {
			return fmt.Errorf("%s is a link to %s, and a restore puts files in the place of the link: remove the link (its files "+
				"stay), restore, move what is then in %s to an empty folder there and make the link again", at, to, at)
		}
		err := moves(dir, name, filepath.Join(dir, stageName, "probe"))
		if errors.Is(err, syscall.EXDEV) {
			return fmt.Errorf("%s is on a disk of its own and cannot be moved aside: take the disk away (unmount it), restore, "+
				"and bring to an empty place on it what is then in %s", at, at)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be moved aside: %w", at, err)
		}
	}
	return nil
}

// moves tries whether something in a data directory can be moved to where probe, which
// is free, says, without moving it: a file gets a second name there for a moment, out
// of a folder a new file is moved there. Of a file only another disk is an error: there
// are file systems without second names.
func moves(dir, name, probe string) error {
	at := filepath.Join(dir, name)
	info, err := os.Lstat(at)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone since
		}
		return err
	}
	switch {
	case info.IsDir():
		f, err := os.CreateTemp(at, ".probe-*")
		if err != nil {
			return err
		}
		err = errors.Join(f.Close(), os.Rename(f.Name(), probe))
		if err != nil {
			return errors.Join(err, os.Remove(f.Name()))
		}
		return os.Remove(probe)
	case info.Mode().IsRegular():
		switch err := os.Link(at, probe); {
		case err == nil:
			return os.Remove(probe)
		case errors.Is(err, syscall.EXDEV):
			return err
		}
	}
	return nil
}

// moveAside empties the data directory.
func moveAside(dir, aside string, leave []string) error {
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	for _, name := range leave {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(aside, name)); err != nil {
			return fmt.Errorf("move %s aside: %w", name, err)
		}
	}
	return errors.Join(syncDir(aside), syncDir(dir))
}

// ErrGivenUp says that a restore could not be done and was taken back: the data
// directory is as it was before.
var ErrGivenUp = errors.New("the restore was given up, and what was there before is in its place again")

// giveUp takes the restore back, so that the server starts with the data it had. Killed
// in the middle, the next Apply goes on with it.
func giveUp(dir string, s staged, reason error) error {
	if note := noteOf(dir); filepath.Base(note) != undo {
		if err := os.Rename(note, filepath.Join(dir, stageName, undo)); err != nil {
			return errors.Join(reason, err)
		}
		if err := syncDir(filepath.Join(dir, stageName)); err != nil {
			return errors.Join(reason, err)
		}
	}
	if s.Trial { // what the start made leaves as well
		var err error
		s.Brought, err = leaving(dir, s.Manifest.Kind, slices.Contains(s.Brought, sealed.KeyFile))
		s.Trial = false
		if err = errors.Join(err, writeSynced(filepath.Join(dir, stageName, undo), s)); err != nil {
			return errors.Join(reason, err)
		}
	}
	if err := takeBack(dir, s); err != nil {
		return errors.Join(reason, err)
	}
	if err := errors.Join(syncDir(dir), Unstage(dir)); err != nil {
		return errors.Join(reason, err)
	}
	return fmt.Errorf("%w: %w", ErrGivenUp, reason)
}

// takeBack moves what had come out of the data directory again, and what had left back.
func takeBack(dir string, s staged) error {
	data := filepath.Join(dir, stageName, "data")
	for _, name := range s.Brought {
		if exists(filepath.Join(data, name)) {
			continue // it had not come, or is back already: what is there is the old one
		}
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(data, name)); err != nil {
			return err
		}
	}
	if s.Aside == "" {
		return syncDir(dir)
	}
	aside := filepath.Join(dir, s.Aside)
	if at, err := os.Stat(aside); err != nil || !at.IsDir() {
		return syncDir(dir) // it could not be made: nothing was moved
	}
	entries, err := os.ReadDir(aside)
	if err != nil {
		return err
	}
	for _, e := range entries {
		to := filepath.Join(dir, e.Name())
		if exists(to) {
			return fmt.Errorf("%s is in %s as well", e.Name(), aside)
		}
		if err := os.Rename(filepath.Join(aside, e.Name()), to); err != nil {
			return err
		}
	}
	return errors.Join(syncDir(dir), os.Remove(aside))
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
		to := filepath.Join(dir, e.Name())
		if exists(to) {
			return fmt.Errorf("put %s in place: there is one", e.Name())
		}
		if err := os.Rename(filepath.Join(data, e.Name()), to); err != nil {
			return fmt.Errorf("put %s in place: %w", e.Name(), err)
		}
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}
