package database

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// ErrDamaged says that SQLite found its file damaged; the error holds what it found.
var ErrDamaged = errors.New("data.db is damaged")

// foundMost is how many findings are read: the first says enough.
const foundMost = 3

// QuickCheck reads the whole database and looks for damage, beside readers and
// the writer.
func QuickCheck(ctx context.Context, app core.App) error {
	db, ok := app.ConcurrentDB().(*dbx.DB)
	if !ok {
		return errors.New("quick check: inside a transaction")
	}
	rows, err := db.DB().QueryContext(ctx, fmt.Sprintf("PRAGMA quick_check(%d)", foundMost))
	if err != nil {
		return damage(err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return damage(err)
		}
		if line != "ok" {
			found = append(found, strings.TrimSpace(line))
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return damage(err)
	}
	if len(found) > 0 {
		return fmt.Errorf("%w: %s", ErrDamaged, strings.Join(found, "; "))
	}
	return nil
}

// damage tells damage from everything else that can end a check.
func damage(err error) error {
	if damaged(err) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("quick check: %w", err)
}
