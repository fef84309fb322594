package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/serving"
)

// Where backups lie: the folder, the room in it, and what an end in the middle leaves there.

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
