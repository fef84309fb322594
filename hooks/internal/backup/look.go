package backup

import (
	"context"
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

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Rows of _params.
const (
	// versionRow says which version wrote the data last.
	versionRow = "pocketline_version"
	// InstallationRow says which installation the database is of: JSON with its id.
	InstallationRow = "pocketline_installation"
)

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
	// Installation is the id of the installation, "" before it served first.
	Installation string
	// Ours says that the tables are Pocketline's.
	Ours bool
	// Lacking are tables of collections that are not there.
	Lacking []string
	// Secrets are one sealed value of each kind that a start looks at. They are read where
	// the settings do not say whether a key is needed.
	Secrets []sealed.Stored
	// Killed says that the log of changes has some: a process that ends by itself writes
	// them into the database and removes it.
	Killed bool
}

// Sealed tells whether a master key is needed to read the data.
func (d Data) Sealed() bool { return !d.PlainSettings() || len(d.Secrets) > 0 }

// PlainSettings tells whether the settings are not sealed; so is nothing.
func (d Data) PlainSettings() bool { return d.Settings == "" || json.Valid([]byte(d.Settings)) }

// Unknown are applied steps this program does not have: a newer one wrote the
// data.
func (d Data) Unknown() []string { return without(d.Steps, known()) }

// Gaps are steps that were not applied although later ones of the same list were: each
// list is applied in its order.
func (d Data) Gaps() (gaps []string) {
	for _, list := range []core.MigrationsList{core.SystemMigrations, core.AppMigrations} {
		var open []string
		for _, m := range list.Items() {
			if !slices.Contains(d.Steps, m.File) {
				open = append(open, m.File)
			} else {
				gaps, open = append(gaps, open...), nil
			}
		}
	}
	return gaps
}

// Pending tells whether this program would change the database's definition.
func (d Data) Pending() bool { return len(without(known(), d.Steps)) > 0 }

// without are the names that are not among others.
func without(names, others []string) (left []string) {
	for _, name := range names {
		if !slices.Contains(others, name) {
			left = append(left, name)
		}
	}
	return left
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
	d, err := look(db)
	if err == nil && d.Ours && d.PlainSettings() {
		d.Secrets, err = sealed.Samples(db)
	}
	if log, missing := os.Stat(path + "-wal"); missing == nil {
		d.Killed = log.Size() > 0
	}
	return d, err
}

func look(db *sql.DB) (Data, error) {
	d := Data{Found: true}
	tables, err := column(db, "SELECT name FROM sqlite_schema WHERE type = 'table' "+
		"AND name IN ('_params', '_migrations', '_collections', 'organizations')")
	if err != nil {
		return d, err
	}
	d.Ours = slices.Contains(tables, "organizations")
	if slices.Contains(tables, "_params") {
		err := db.QueryRow("SELECT value FROM _params WHERE id = 'settings'").Scan(&d.Settings)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return d, err
		}
		var said struct{ Version, ID string }
		for _, row := range []string{versionRow, InstallationRow} {
			var text string
			err := db.QueryRow("SELECT value FROM _params WHERE id = ?", row).Scan(&text)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return d, err
			}
			if err == nil {
				_ = json.Unmarshal([]byte(text), &said) // what cannot be read is not known
			}
		}
		d.Version, d.Installation = said.Version, said.ID
	}
	if slices.Contains(tables, "_collections") {
		d.Lacking, err = column(db, "SELECT name FROM _collections WHERE type != 'view' AND name NOT IN "+
			"(SELECT name FROM sqlite_schema WHERE type = 'table') ORDER BY name")
		if err != nil {
			return d, err
		}
	} else {
		d.Lacking = []string{"_collections"}
	}
	if slices.Contains(tables, "_migrations") {
		d.Steps, err = column(db, "SELECT file FROM _migrations ORDER BY file")
	}
	return d, err
}

// lacks refuses a database in which something is missing that its collections name or,
// where no step is open, that this program needs: it would be missed by the first who asks.
func lacks(db *sql.DB, d Data) error {
	lacking := d.Lacking
	if len(lacking) == 0 && !d.Pending() {
		there, err := column(db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
		if err != nil {
			return refuse("%v", err)
		}
		lacking = without(needed(), there)
	}
	if len(lacking) > 0 {
		return refuse("its database lacks the table %s", lacking[0])
	}
	columns, err := column(db, "SELECT f.value ->> 'name' || ' of ' || c.name FROM _collections c, json_each(c.fields) f "+
		"WHERE c.type != 'view' AND f.value ->> 'name' NOT IN (SELECT name FROM pragma_table_info(c.name)) LIMIT 1")
	if err != nil {
		return refuse("%v", err)
	}
	if len(columns) > 0 {
		return refuse("its database lacks the column %s", columns[0])
	}
	return nil
}

// needed are the tables of this program: of its collections, and those that find words.
func needed() (names []string) {
	for _, c := range collections.All() {
		names = append(names, c.Name)
	}
	for _, s := range collections.Statements() {
		words := strings.Fields(strings.Replace(s, "IF NOT EXISTS ", "", 1))
		if len(words) > 3 && words[1] == "VIRTUAL" { // CREATE VIRTUAL TABLE name
			names = append(names, words[3])
		}
	}
	return names
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
// beside it, not even the files of a reader are made: it is for a look before anything is
// opened, and for a file that is nobody else's.
func openUnchanged(path string) (*sql.DB, error) {
	if exists(path + "-wal") {
		return openRead(path, "")
	}
	return openRead(path, "&immutable=1")
}

// openBeside opens a database to read while others may begin to write it. Where the
// files of a reader cannot be made nobody can.
func openBeside(ctx context.Context, path string) (*sql.DB, error) {
	db, err := openRead(path, "")
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "SELECT 1 FROM sqlite_schema"); err == nil {
		return db, nil
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return openUnchanged(path)
}

func openRead(path, way string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	at := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}).String()
	db, err := sql.Open("sqlite", at+"?mode=ro&_pragma=busy_timeout(10000)"+way)
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
