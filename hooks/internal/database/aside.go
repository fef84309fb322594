package database

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// auxFile is the name PocketBase gives the file of the request log.
const auxFile = "auxiliary.db"

// wholeMost bounds the file whose every page is read at a start that follows a
// crash: a second's work.
const wholeMost = 256 << 20

// SetAside puts a damaged file of the log in a data directory away, so that a new
// one is made: it holds nothing anybody needs in order to answer a call, and
// damaged it would keep the program from starting. Nobody else may be at work on
// the directory.
func SetAside(dir string) error {
	path := filepath.Join(dir, auxFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder, where the file of the request log belongs: remove it, a new file is made", path)
	}
	if _, crashed := os.Stat(path + "-wal"); crashed == nil { // a stop removes it
		err = whole(path, "", info.Size() <= wholeMost)
	} else {
		err = whole(path, "&immutable=1", false) // nothing is made beside it to read its head
	}
	if err == nil || !damaged(err) {
		return nil // what else is wrong is told where the file is opened
	}
	aside := path + ".damaged-" + time.Now().UTC().Format("20060102-150405")
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+part, aside+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set the damaged %s aside: %w", auxFile+part, err)
		}
	}
	slog.Warn(auxFile+" was damaged: a new one is made, the request log begins anew", "aside",
		filepath.Base(aside), "error", err)
	return nil
}

// whole opens a file in the way that is given and reads it, every page of it when all.
func whole(path, way string, all bool) error {
	db, err := sql.Open("sqlite", address(path)+"?_pragma=busy_timeout(10000)"+way)
	if err != nil {
		return err
	}
	defer db.Close()
	query := "SELECT 'ok' FROM (SELECT count(*) FROM sqlite_schema)"
	if all {
		query = "PRAGMA quick_check(1)"
	}
	var says string
	if err := db.QueryRow(query).Scan(&says); err != nil {
		return err
	}
	if says != "ok" {
		return fmt.Errorf("%w: %s", errAuxDamaged, strings.TrimSpace(says))
	}
	return nil
}

var errAuxDamaged = errors.New("database disk image is malformed")

func damaged(err error) bool {
	return strings.Contains(err.Error(), "malformed") || strings.Contains(err.Error(), "not a database")
}
