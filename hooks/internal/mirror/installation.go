package mirror

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/backup"
)

// This file is who we are at the provider. An account there may be shared with
// another installation, or with one that was made from our backup, so copies
// bear this installation's id beside the record's.
//
// A restored database is another installation: beside it the one it came from may
// live, with the same rows and copies. So it gets an id of its own, and what was at
// the provider before is left alone until the operator says that this is the only
// one. The same holds for a copied data directory, which is noticed where the file
// system tells when a file was made: no copy keeps that time. Who renames the directory,
// or starts the same volume on another machine, keeps it.

const (
	// installationFile lies in the data directory and is never in a backup: when
	// it is not there, or is of another run than the database, or of another file
	// than data.db is, the database came from elsewhere.
	installationFile = ".installation"
	// bornMark begins the word of that file that says when data.db was made.
	bornMark = "born:"
	// noteWait lets a start answer first who waits for it.
	noteWait = time.Second
	// afterRestore is how long a restored database is not believed about what is
	// at the provider: its rows may be older than the copies.
	afterRestore = 7 * 24 * time.Hour
	// heldWait is how long what is held waits before it is looked at again; the
	// operator's word hurries it.
	heldWait = time.Hour
)

// heldBack is why a row of a restored database waits: it may have a copy at a provider.
type heldBack struct{ provider string }

func (e *heldBack) Error() string {
	return fmt.Sprintf("This database was restored from a backup or copied. Nothing that was at %s before is changed "+
		"until the operator confirms in Settings → Server that no other server uses it.", e.provider)
}

// Installation is who we are at a provider.
type Installation struct {
	app       core.App
	now       func() time.Time
	confirmed func() // called when what waited may go on

	file sync.Mutex // held while installationFile is read or written

	mu sync.Mutex
	id string // "" until it is asked for
}

// installed is what the database says of it.
type installed struct {
	ID string `json:"id"`
	// Run is of the last server that started; the file has it too.
	Run      string    `json:"run"`
	Restored time.Time `json:"restored,omitzero"`
	// Held is set from a restore until the operator confirms that this is the only
	// installation with these rows.
	Held bool `json:"held,omitempty"`
}

// bind keeps the file out of backups and compares at each start. A start
// that finds both of one run answers before it notes its own.
func (n *Installation) bind() {
	n.app.OnBackupCreate().BindFunc(func(e *core.BackupEvent) error {
		e.Exclude = append(e.Exclude, installationFile)
		return e.Next()
	})
	var noting sync.WaitGroup
	ending := make(chan struct{})
	n.app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		same, err := n.begin()
		if err != nil {
			return fmt.Errorf("who this installation is: %w", err)
		}
		if err := e.Next(); err != nil || !same {
			return err
		}
		noting.Go(func() {
			select {
			case <-ending:
			case <-time.After(noteWait):
			}
			if err := n.noteRun(); err != nil {
				n.app.Logger().Warn("this run of the server is not noted, the next start notes its own", "error", err)
			}
		})
		return nil
	})
	stop := sync.OnceFunc(func() { close(ending) })
	n.app.OnTerminate().BindFunc(func(e *core.TerminateEvent) error {
		stop()
		noting.Wait()
		return e.Next()
	})
}

// ID is the id of this installation, which its copies bear.
func (n *Installation) ID() (string, error) {
	n.mu.Lock()
	id := n.id
	n.mu.Unlock()
	if id != "" {
		return id, nil
	}
	i, err := n.read()
	if err == nil && i.ID == "" {
		i.ID = strings.ToLower(rand.Text())
		err = n.write(i)
	}
	if err != nil {
		return "", fmt.Errorf("who this installation is: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.id == "" { // a start that noticed a restore meanwhile knows better
		n.id = i.ID
	}
	return n.id, nil
}

// begin finds out whether the database was restored or copied. The same is true when it is of
// the run that the file names: noteRun is still to come then. A first start and one
// after a restore have noted theirs when it returns.
func (n *Installation) begin() (same bool, err error) {
	if _, err := n.ID(); err != nil {
		return false, err
	}
	i, err := n.read()
	if err != nil {
		return false, err
	}
	moved, err := n.moved(i)
	if err != nil {
		return false, err
	}
	if !moved {
		if i.Run == "" {
			return false, n.noteRun()
		}
		return true, nil
	}
	i.ID, i.Run, i.Restored, i.Held = strings.ToLower(rand.Text()), rand.Text(), n.now().UTC(), true
	n.app.Logger().Warn("the database was restored or copied: what was at the provider before is left alone until the operator " +
		"confirms in Settings → Server that no other server uses it")
	if err := n.write(i); err != nil {
		return false, err
	}
	n.mu.Lock()
	n.id = i.ID
	n.mu.Unlock()
	return false, n.writeFile(i.Run)
}

// noteRun notes a new run of the server on a database of the run that the file names.
// Between the two writes the file says both, so that dying there is no restore.
func (n *Installation) noteRun() error {
	i, err := n.read()
	if err != nil {
		return err
	}
	run := rand.Text()
	if err := n.writeFile(run + " " + i.Run); err != nil {
		return err
	}
	if err := n.change("json_set([[value]], '$.run', {:run})", dbx.Params{"run": run}); err != nil {
		return err
	}
	return n.writeFile(run)
}

func (n *Installation) writeFile(runs string) error {
	at, err := born(n.databasePath())
	if err != nil {
		return err
	}
	if at != "" {
		runs += " " + bornMark + at
	}
	n.file.Lock()
	defer n.file.Unlock()
	return os.WriteFile(filepath.Join(n.app.DataDir(), installationFile), []byte(runs), 0o600)
}

func (n *Installation) databasePath() string { return filepath.Join(n.app.DataDir(), "data.db") }

// moved tells whether the database is of another data directory, or of another
// time, than the file beside it: it was restored or copied since a server last started.
func (n *Installation) moved(i installed) (bool, error) {
	n.file.Lock()
	runs, err := os.ReadFile(filepath.Join(n.app.DataDir(), installationFile))
	n.file.Unlock()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	words := strings.Fields(string(runs))
	if i.Run == "" || !slices.Contains(words, i.Run) {
		return i.Run != "", nil
	}
	at, err := born(n.databasePath())
	return at != "" && slices.ContainsFunc(words, func(word string) bool {
		noted, marked := strings.CutPrefix(word, bornMark)
		return marked && noted != at
	}), err
}

// restored tells whether the database was restored within the last week, or is not
// confirmed since.
func (n *Installation) restored() (bool, error) {
	i, moved, err := n.origin()
	return moved || i.Held || !i.Restored.IsZero() && n.now().Sub(i.Restored) < afterRestore, err
}

// origin is what is known of the database; moved: no server started since it was
// restored. It looks twice: between the row and the file a start may note its run.
func (n *Installation) origin() (i installed, moved bool, err error) {
	for range 2 {
		if i, err = n.read(); err == nil {
			moved, err = n.moved(i)
		}
		if err != nil || !moved {
			break
		}
	}
	return i, moved, err
}

// held tells whether the copy of a record, nil for one that is gone, must be left
// alone: only what was made since the restore has no other owner.
func (n *Installation) held(record *core.Record) (bool, error) {
	i, moved, err := n.origin()
	if err != nil || !moved && !i.Held {
		return false, err
	}
	return moved || record == nil || !record.GetDateTime("created").Time().After(i.Restored), nil
}

// older tells whether a record came with a restored database: it may have a copy
// that was made after the backup.
func (n *Installation) older(record *core.Record) (bool, error) {
	i, moved, err := n.origin()
	return moved || !record.GetDateTime("created").Time().After(i.Restored), err
}

// Held tells whether copies from before a restore wait for the operator's word.
func (n *Installation) Held() (bool, error) {
	i, moved, err := n.origin()
	return i.Held || moved, err
}

// Confirm is the operator's word that no other installation uses the copies of a
// restored database: they are this one's from now on.
func (n *Installation) Confirm() error {
	i, err := n.read()
	if err != nil || !i.Held {
		return err
	}
	if err := n.change("json_remove([[value]], '$.held')", dbx.Params{}); err != nil {
		return fmt.Errorf("confirm the restored installation: %w", err)
	}
	n.confirmed()
	return nil
}

func (n *Installation) read() (i installed, err error) {
	var text string
	err = n.app.DB().NewQuery("SELECT [[value]] FROM {{_params}} WHERE [[id]] = {:id}").
		Bind(dbx.Params{"id": backup.InstallationRow}).Row(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return i, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &i)
	}
	return i, err
}

func (n *Installation) write(i installed) error {
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	_, err = n.app.NonconcurrentDB().NewQuery("INSERT OR REPLACE INTO {{_params}} ([[id]], [[value]]) VALUES ({:id}, {:value})").
		Bind(dbx.Params{"id": backup.InstallationRow, "value": string(text)}).Execute()
	return err
}

// change writes one thing in the row, whatever else is changed meanwhile.
func (n *Installation) change(value string, given dbx.Params) error {
	given["id"] = backup.InstallationRow
	_, err := n.app.NonconcurrentDB().NewQuery("UPDATE {{_params}} SET [[value]] = " + value + " WHERE [[id]] = {:id}").
		Bind(given).Execute()
	return err
}
