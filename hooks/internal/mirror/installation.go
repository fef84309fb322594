package mirror

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// This file is who we are at the provider. An account there may be shared with
// another installation, or with one that was made from our backup, so copies
// bear this installation's id beside the record's.

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
)

// installation is what that row holds.
type installation struct {
	ID string `json:"id"`
	// Run is of the last server that started; the file has it too.
	Run      string    `json:"run"`
	Restored time.Time `json:"restored,omitzero"`
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
	path := filepath.Join(m.app.DataDir(), installationFile)
	run, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if i.Run != "" && i.Run != string(run) {
		i.Restored = m.now().UTC()
		m.app.Logger().Warn("the database was restored: for a week nothing at the provider is removed without a person")
	}
	i.Run = rand.Text()
	if err := m.writeInstallation(i); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(i.Run), 0o600)
}

// restored tells whether the database was restored within the last week.
func (m *Mirror) restored() (bool, error) {
	i, err := m.readInstallation()
	return !i.Restored.IsZero() && m.now().Sub(i.Restored) < afterRestore, err
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
