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
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// This file is who we are at the provider. An account there may be shared with
// another installation, or with one that was made from our backup, so copies
// bear this installation's id beside the record's.
//
// A restored database is another installation: beside it the one it came from may
// live, with the same rows and copies. So it gets an id of its own, and what was at
// the provider before is left alone until the operator says that this is the only
// one.

const (
	// installationRow is the row of _params that says who this installation is.
	installationRow = "pocketline_installation"
	// installationFile lies in the data directory and is never in a backup: when
	// it is not there, or is of another run than the database, the database came
	// from elsewhere.
	installationFile = ".installation"
	// afterRestore is how long a restored database is not believed about what is
	// at the provider: its rows may be older than the copies.
	afterRestore = 7 * 24 * time.Hour
	// heldWait is how long what is held waits before it is looked at again; the
	// operator's word hurries it.
	heldWait = time.Hour
)

var errHeld = errors.New("This database was restored from a backup. Nothing that was at the phone provider before is changed " +
	"until the operator confirms in Settings, Installation that no other server uses it.")

// installation is what that row holds.
type installation struct {
	ID string `json:"id"`
	// Run is of the last server that started; the file has it too.
	Run      string    `json:"run"`
	Restored time.Time `json:"restored,omitzero"`
	// Held is set from a restore until the operator confirms that this is the only
	// installation with these rows.
	Held bool `json:"held,omitempty"`
}

// bindInstallation keeps the file out of backups and compares at each start.
func (m *Mirror) bindInstallation(app core.App) {
	app.OnBackupCreate().BindFunc(func(e *core.BackupEvent) error {
		e.Exclude = append(e.Exclude, installationFile)
		return e.Next()
	})
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		if err := m.begin(); err != nil {
			return fmt.Errorf("who this installation is: %w", err)
		}
		return e.Next()
	})
}

// InstallationID is the id of this installation, which its copies bear.
func (m *Mirror) InstallationID() (string, error) {
	m.mu.Lock()
	id := m.installationID
	m.mu.Unlock()
	if id != "" {
		return id, nil
	}
	i, err := m.readInstallation()
	if err == nil && i.ID == "" {
		i.ID = strings.ToLower(rand.Text())
		err = m.writeInstallation(i)
	}
	if err != nil {
		return "", fmt.Errorf("who this installation is: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.installationID = i.ID
	return i.ID, nil
}

// begin notes a new run of the server, and whether its database was restored.
func (m *Mirror) begin() error {
	if _, err := m.InstallationID(); err != nil {
		return err
	}
	i, err := m.readInstallation()
	if err != nil {
		return err
	}
	moved, err := m.moved(i)
	if err != nil {
		return err
	}
	if moved {
		i.ID, i.Restored, i.Held = strings.ToLower(rand.Text()), m.now().UTC(), true
		m.app.Logger().Warn("the database was restored: what was at the provider before is left alone until the operator " +
			"confirms in Settings, Installation that no other server uses it")
	}
	// Between the two writes the file says both, so that dying there is no restore.
	path, before := filepath.Join(m.app.DataDir(), installationFile), i.Run
	i.Run = rand.Text()
	if !moved {
		if err := os.WriteFile(path, []byte(i.Run+" "+before), 0o600); err != nil {
			return err
		}
	}
	if err := m.writeInstallation(i); err != nil {
		return err
	}
	m.mu.Lock()
	m.installationID = i.ID
	m.mu.Unlock()
	return os.WriteFile(path, []byte(i.Run), 0o600)
}

// moved tells whether the database is of another data directory, or of another
// time, than the file beside it: it was restored since a server last started.
func (m *Mirror) moved(i installation) (bool, error) {
	runs, err := os.ReadFile(filepath.Join(m.app.DataDir(), installationFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return i.Run != "" && !slices.Contains(strings.Fields(string(runs)), i.Run), nil
}

// restored tells whether the database was restored within the last week, or is not
// confirmed since.
func (m *Mirror) restored() (bool, error) {
	i, moved, err := m.origin()
	return moved || i.Held || !i.Restored.IsZero() && m.now().Sub(i.Restored) < afterRestore, err
}

// origin is what is known of the database; moved: no server started since it was
// restored.
func (m *Mirror) origin() (i installation, moved bool, err error) {
	if i, err = m.readInstallation(); err == nil {
		moved, err = m.moved(i)
	}
	return i, moved, err
}

// held tells whether the copy of a record, nil for one that is gone, must be left
// alone: only what was made since the restore has no other owner.
func (m *Mirror) held(record *core.Record) (bool, error) {
	i, moved, err := m.origin()
	if err != nil || !moved && !i.Held {
		return false, err
	}
	return moved || record == nil || !record.GetDateTime("created").Time().After(i.Restored), nil
}

// older tells whether a record came with a restored database: it may have a copy
// that was made after the backup.
func (m *Mirror) older(record *core.Record) (bool, error) {
	i, moved, err := m.origin()
	return moved || !record.GetDateTime("created").Time().After(i.Restored), err
}

// Held tells whether copies from before a restore wait for the operator's word.
func (m *Mirror) Held() (bool, error) {
	i, moved, err := m.origin()
	return i.Held || moved, err
}

// Confirm is the operator's word that no other installation uses the copies of a
// restored database: they are this one's from now on.
func (m *Mirror) Confirm() error {
	i, err := m.readInstallation()
	if err != nil || !i.Held {
		return err
	}
	i.Held = false
	if err := m.writeInstallation(i); err != nil {
		return fmt.Errorf("confirm the restored installation: %w", err)
	}
	m.Hurry()
	return nil
}

func (m *Mirror) readInstallation() (i installation, err error) {
	var text string
	err = m.app.DB().NewQuery("SELECT [[value]] FROM {{_params}} WHERE [[id]] = {:id}").
		Bind(dbx.Params{"id": installationRow}).Row(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return i, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &i)
	}
	return i, err
}

func (m *Mirror) writeInstallation(i installation) error {
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	_, err = m.app.NonconcurrentDB().NewQuery("INSERT OR REPLACE INTO {{_params}} ([[id]], [[value]]) VALUES ({:id}, {:value})").
		Bind(dbx.Params{"id": installationRow, "value": string(text)}).Execute()
	return err
}
