package hooks

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/hooks/internal/backup"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/serving"
	"github.com/pocketline/pocketline/hooks/system"
	"github.com/pocketline/pocketline/providers"
)

// keptBeforeUpdate is how many copies from before updates stay: the last one, and
// the one before it for whoever notices late.
const keptBeforeUpdate = 2

// nothingChanged ends what is refused before anything is touched.
const nothingChanged = ". Nothing was changed"

// What a data directory must be before anything is opened, made or changed. Each
// refusal says what is missing and what to do.

const (
	keyMissing = "the master key is missing: %s holds data that were sealed with one, POCKETLINE_KEY is not set, " +
		"and there is no %s. Put the key back (your copy of the file, or POCKETLINE_KEY). " +
		"Nothing was changed, and no new key was made"
	keyWrong = "the master key does not fit: %s in %s was sealed with another master key than %s. Use the key of these " +
		"data (while a key is being replaced, POCKETLINE_KEY_BEFORE as well), or restore a backup " +
		"that belongs to this one. Nothing was changed"
	databaseMissing = "%s is missing in %s, although %s is there. " +
		"Restore a backup (`pocketline restore`, docs/backup.md), or choose another directory with --dir to begin anew. " +
		"Nothing was changed"
	databaseNewer = "%s was written by a newer version%s: this one (%s) does not know the step %s. " +
		"Start the newer version, or restore a backup from before the update (docs/backup.md). Nothing was changed"
	noInstallation = "%s is no installation: there is no data.db in it. Name the data directory with --dir or POCKETLINE_DATA_DIR; " +
		"`serve` and `setup` begin a new one. Nothing was made"
	databaseOlder = "%s was written by an older version than this one (%s), and this command only reads: start this version's " +
		"server once, which brings the data to it, or ask the version that runs. Nothing was changed"
	backupsInside = "%s is %s, which lies in the data directory %s: a restore would move the backups aside. Choose a place " +
		"outside of it, best on another disk, or in %s, and move there what is in the old one. Nothing was changed"
	backupsStored = "%s is %s, which lies where %s leads: each backup would take those before it. Choose a place outside of it, " +
		"best on another disk, or in %s, and move there what is in the old one. Nothing was changed"
	databaseUnreadable = "%s in %s cannot be read: %w. " +
		"Restore a backup (`pocketline restore`, docs/backup.md). Nothing was changed"
)

// CheckDirectory refuses a data directory that is a file: a backup is what people
// mistake for one.
func CheckDirectory(dir string) error {
	if at, err := os.Stat(dir); err == nil && !at.IsDir() {
		return fmt.Errorf("the data directory %s is a file. If it is a backup, `pocketline restore %s` puts it into the "+
			"directory that --dir names", dir, dir)
	}
	return nil
}

// CheckBackups refuses POCKETLINE_BACKUP_DIR in the data directory, and where its stored
// files lie.
func CheckBackups(c providers.Config, dir string) error {
	return checkOutside("POCKETLINE_BACKUP_DIR", c.Backups.Dir, dir)
}

func checkOutside(said, folder, dir string) error {
	if folder == "" {
		return nil
	}
	if backup.Inside(dir, folder) {
		return fmt.Errorf(backupsInside, said, folder, dir, backup.Folder(dir))
	}
	if at := backup.Stored(dir, folder); at != "" {
		return fmt.Errorf(backupsStored, said, folder, at, backup.Folder(dir))
	}
	return nil
}

// Look reads what a data directory holds, once for all that is asked of it before
// it is opened. It changes nothing.
func Look(dir string) (backup.Data, error) {
	data, err := backup.Look(dir)
	if err != nil {
		return data, fmt.Errorf(databaseUnreadable, "data.db", dir, err)
	}
	return data, nil
}

// CheckData refuses a data directory that this version, or this key, must not
// open. It changes nothing.
func CheckData(c providers.Config, data backup.Data, dir, version string) error {
	if !data.Found {
		if left := backup.Leftovers(dir); len(left) > 0 {
			return fmt.Errorf(databaseMissing, "data.db", dir, backup.Names(left))
		}
		return nil
	}
	if unknown := data.Unknown(); len(unknown) > 0 {
		by := ""
		if data.Version != "" {
			by = " (" + data.Version + ")"
		}
		return fmt.Errorf(databaseNewer, filepath.Join(dir, "data.db"), by, version, unknown[len(unknown)-1])
	}
	if !data.Sealed() {
		return nil
	}
	from := given(c, dir)
	if from.Missing() {
		return fmt.Errorf(keyMissing, dir, sealed.KeyFile)
	}
	return fits(from, data, filepath.Join(dir, "data.db"))
}

// CheckInstallation refuses a directory without data, which a command other than
// those that begin an installation would make. What only reads is refused data that
// it would have to change first: a server may be running on them.
func CheckInstallation(data backup.Data, dir, version string, reads bool) error {
	if !data.Found {
		return fmt.Errorf(noInstallation, dir)
	}
	if reads && data.Pending() {
		return fmt.Errorf(databaseOlder, filepath.Join(dir, "data.db"), version)
	}
	return nil
}

// BackUpBeforeUpdate copies the database when this version is about to change its
// definition, and says so. When it cannot, nothing is changed either.
func BackUpBeforeUpdate(c providers.Config, data backup.Data, dir, version string, out io.Writer) error {
	if !c.Backups.BeforeUpdate || !data.Ours || !data.Pending() {
		return nil
	}
	folder := backup.Folder(dir)
	o := backup.Options{Kind: backup.Database, Version: data.Version, Free: system.FreeSpace}
	to, m, err := backup.WriteNew(context.Background(), dir, folder, backup.BeforeUpdate, o)
	if err != nil {
		return fmt.Errorf("back up the database before %s changes it: %w. Nothing was changed; "+
			"POCKETLINE_BACKUP_BEFORE_UPDATE=false starts without", version, err)
	}
	keep := backup.Retention{Prefix: backup.BeforeUpdate, Installation: m.Installation, Keep: keptBeforeUpdate,
		Newest: to, Now: time.Now()}
	if _, err := backup.Prune(folder, keep); err != nil {
		return fmt.Errorf("remove older backups from before updates: %w", err)
	}
	_, err = fmt.Fprintf(out, "pocketline: this version changes the database; a backup from before is %s "+
		"(`pocketline restore` brings it back)\n", to)
	return err
}

// BackUp writes an archive of a data directory, to the place of the
// configuration when to is empty, and returns where it is.
func BackUp(
	ctx context.Context, c providers.Config, dir, to string, o backup.Options,
) (string, backup.Manifest, error) {
	o.Kind, o.Free = backup.Full, system.FreeSpace
	if to == "" {
		return backup.WriteNew(ctx, dir, backupFolder(c, dir), backup.ByHand, o)
	}
	m, err := backup.Write(ctx, dir, to, o)
	return to, m, err
}

// backupFolder is where archives go.
func backupFolder(c providers.Config, dir string) string {
	if c.Backups.Dir != "" {
		return c.Backups.Dir
	}
	return backup.Folder(dir)
}

// fits tells whether what is sealed in data opens with one of the master keys.
func fits(from sealed.Given, data backup.Data, of string) error {
	masters, err := from.Load()
	if err != nil {
		return err
	}
	used := "POCKETLINE_KEY"
	if from.Key == "" {
		used = from.Path()
	}
	if opens, err := settingsOpen(masters, data); err != nil || !opens {
		return cmp.Or(err, fmt.Errorf(keyWrong, filepath.Base(of), filepath.Dir(of), used))
	}
	box, err := masters.Box()
	if err != nil {
		return err
	}
	for _, s := range data.Secrets {
		if _, err := box.Open(s.Text, sealed.Place(s.Table, s.ID, s.Column)); err != nil {
			one := fmt.Sprintf("a secret (%s of %s) of %s", s.Column, s.Table, filepath.Base(of))
			return fmt.Errorf(keyWrong, one, filepath.Dir(of), used)
		}
	}
	return nil
}

// settingsOpen tells whether the settings do; they may be plain.
func settingsOpen(masters sealed.Keys, data backup.Data) (bool, error) {
	if data.PlainSettings() {
		return true, nil
	}
	keys, err := derive(masters)
	if err != nil {
		return false, err
	}
	for k := &keys; k != nil; k = k.Before {
		if _, err := decrypt(data.Settings, k.Settings); err == nil {
			return true, nil
		}
	}
	return false, nil
}

// leastSealed is what PocketBase's seal adds to a value, in bytes: a nonce and a tag.
const leastSealed = 12 + 16

// decrypt is PocketBase's, which panics on what is too short to be sealed.
func decrypt(text, key string) ([]byte, error) {
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) < leastSealed {
		return nil, errors.New("too short to be sealed")
	}
	return security.Decrypt(text, key)
}

// FinishRestore puts a restore in place that a server staged, or that was cut off.
// It returns the folder in which the data from before lie, "" when there is none. One
// that cannot be done is given up: out is told, and the data are those from before. With
// serves, so is one with which the server then does not start, at the next start.
func FinishRestore(dir string, serves bool, out io.Writer) (done bool, aside string, err error) {
	if !backup.Pending(dir) {
		return false, "", nil
	}
	release, err := serving.Lock(dir)
	if err != nil {
		return false, "", fmt.Errorf("a restore is not done: %w", err)
	}
	defer release()
	apply := backup.Apply
	if serves {
		apply = backup.Try
	}
	applied, err := apply(dir)
	if errors.Is(err, backup.ErrGivenUp) {
		_, err = fmt.Fprintf(out, "pocketline: %v\n", err)
		return false, "", err
	}
	if err != nil {
		return false, "", fmt.Errorf("finish the restore: %w", err)
	}
	return true, applied.Aside, nil
}
