package backup

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// versionRow is the row of _params that says which version wrote the data last.
const versionRow = "pocketline_version"

// Data is what can be told of a data directory without changing it.
type Data struct {
	// Found says that there is a database.
	Found bool
	// Settings are PocketBase's, as they are stored.
	Settings string
	// Steps are those of the database's definition that were applied.
	Steps []string
	// Version is the one that wrote the data last, "" when it is not known.
	Version string
	// Ours says that the tables are Pocketline's.
	Ours bool
}

// Sealed tells whether a master key is needed to read the data.
func (d Data) Sealed() bool { return d.Settings != "" && !json.Valid([]byte(d.Settings)) }

// Unknown are applied steps this program does not have: a newer one wrote the
// data.
func (d Data) Unknown() (names []string) {
	for _, name := range d.Steps {
		if !slices.Contains(known(), name) {
			names = append(names, name)
		}
	}
	return names
}

// Pending tells whether this program would change the database's definition.
func (d Data) Pending() bool {
	for _, name := range known() {
		if !slices.Contains(d.Steps, name) {
			return true
		}
	}
	return false
}

// known are the names of all steps of this program, PocketBase's own included.
func known() (names []string) {
	for _, list := range []core.MigrationsList{core.SystemMigrations, core.AppMigrations} {
		for _, m := range list.Items() {
			names = append(names, m.File)
		}
	}
	return names
}

// Look reads what a data directory holds.
func Look(dir string) (Data, error) {
	path := filepath.Join(dir, dataFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return Data{}, nil
	}
	if err != nil {
		return Data{}, err
	}
	db, err := openUnchanged(path)
	if err != nil {
		return Data{}, err
	}
	defer db.Close()
	return look(db)
}

func look(db *sql.DB) (Data, error) {
	d := Data{Found: true}
	tables, err := column(db, "SELECT name FROM sqlite_schema WHERE type = 'table' "+
		"AND name IN ('_params', '_migrations', 'organizations')")
	if err != nil {
		return d, err
	}
	d.Ours = slices.Contains(tables, "organizations")
	if slices.Contains(tables, "_params") {
		err := db.QueryRow("SELECT value FROM _params WHERE id = 'settings'").Scan(&d.Settings)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return d, err
		}
		var text string
		err = db.QueryRow("SELECT value FROM _params WHERE id = ?", versionRow).Scan(&text)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return d, err
		}
		var written struct{ Version string }
		if err == nil && json.Unmarshal([]byte(text), &written) == nil {
			d.Version = written.Version
		}
	}
	if slices.Contains(tables, "_migrations") {
		d.Steps, err = column(db, "SELECT file FROM _migrations ORDER BY file")
	}
	return d, err
}

func column(db *sql.DB, query string) (all []string, err error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// openUnchanged opens a database to read. Where nobody left a log of changes
// beside it, not even the files of a reader are made.
func openUnchanged(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	query := "?mode=ro&_pragma=busy_timeout(10000)"
	if !exists(path + "-wal") {
		query += "&immutable=1"
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}).String()+query)
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// Leftovers are the names in a data directory that only stand beside a database:
// one that is gone.
func Leftovers(dir string) (names []string) {
	for _, name := range []string{logsFile, dataFile + "-wal", ".installation", ".sandbox", core.LocalStorageDirName} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.IsDir() && info.Size() == 0 {
			continue
		}
		if entries, err := os.ReadDir(filepath.Join(dir, name)); err == nil && len(entries) == 0 {
			continue // an empty folder
		}
		names = append(names, name)
	}
	return names
}

// KeepVersion notes in the database which version writes it.
func KeepVersion(app core.App, version string) error {
	value, err := json.Marshal(map[string]string{"version": version})
	if err != nil {
		return err
	}
	_, err = app.NonconcurrentDB().NewQuery(`INSERT INTO {{_params}} ([[id]], [[value]]) VALUES ({:id}, {:value})
		ON CONFLICT ([[id]]) DO UPDATE SET [[value]] = excluded.[[value]] WHERE [[value]] IS NOT excluded.[[value]]`).
		Bind(map[string]any{"id": versionRow, "value": string(value)}).Execute()
	if err != nil {
		return fmt.Errorf("note the version: %w", err)
	}
	return nil
}

// Names puts names into a sentence.
func Names(names []string) string { return strings.Join(names, ", ") }
