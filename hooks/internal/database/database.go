// Package database opens the two SQLite files so that they fit a small machine
// and survive a power cut.
//
// data.db is written with synchronous=FULL: what was acknowledged is on the
// disk (stock NORMAL lost acknowledged webhooks when power was cut; group
// commit pays for the difference). auxiliary.db holds logs and stays NORMAL.
// Caches are small and temporary tables go to files: with stock settings 64
// costly queries took 2.8 GB (performance.md 2.2).
package database

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// Connections for pocketbase.Config: readers beside the one writer each file has.
const (
	// DataOpen readers are enough for two cores and keep their caches within 64 MB.
	DataOpen = 8
	// DataIdle is all of them: opening one reads the whole schema, which took a
	// tenth of the time when sixteen people asked at once and four were kept.
	DataIdle = DataOpen
	AuxOpen  = 3
	AuxIdle  = 1
)

// dataFile is the name PocketBase gives the file that holds everything but logs.
const dataFile = "data.db"

// deleted is what becomes of rows that are deleted or moved: their bytes are
// overwritten wherever that takes no page more to be written. Without it an
// erasure (Wipe) could not reach what earlier changes left in pages still in use.
const deleted = "FAST"

// pragma is one setting of a connection.
type pragma struct{ name, value string }

func pragmas(path string) []pragma {
	durable := "NORMAL"
	if filepath.Base(path) == dataFile {
		durable = "FULL"
	}
	return []pragma{
		{"busy_timeout", "10000"}, // first, so that the others wait as well
		{"journal_mode", "WAL"},
		{"journal_size_limit", "67108864"}, // give back disk after a burst: 64 MB
		// 16 MB of log before it is folded in: a page that many messages change
		// is then written once where the default (4 MB) writes it four times.
		{"wal_autocheckpoint", "4000"},
		{"synchronous", durable},
		{"foreign_keys", "ON"},
		{"temp_store", "FILE"},
		{"secure_delete", deleted},
		{"cache_size", "-8000"}, // kB: 8 MB
	}
}

// Connect opens a file the way core.Config.DBConnect wants it.
//
// Example:
//
//	pocketbase.NewWithConfig(pocketbase.Config{DBConnect: database.Connect,
//		DataMaxOpenConns: database.DataOpen, …})
func Connect(path string) (*dbx.DB, error) {
	db, err := dbx.Open("sqlite", DSN(path))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	return db, nil
}

// DSN is what Connect tells the driver: where the file is, and how it is opened.
func DSN(path string) string {
	params := make([]string, 0, 12)
	for _, p := range pragmas(path) {
		params = append(params, "_pragma="+url.QueryEscape(p.name+"("+p.value+")"))
	}
	// Keeps SQL from rewriting the file's own structures, as PocketBase does.
	params = append(params, "_defensive=1")
	// A transaction that may write says so when it begins, and then waits its
	// turn. One that only reads first is refused at once, whatever busy_timeout
	// says, when another process (a command beside the server) is writing.
	params = append(params, "_txlock=immediate")
	return address(path) + "?" + strings.Join(params, "&")
}

// address is a path as SQLite reads it: a directory may have ? in its name.
func address(path string) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}).String()
}

var _ core.DBConnectFunc = Connect
