package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// ErrDamaged says that SQLite found its file damaged; the error holds what it found.
var ErrDamaged = errors.New("data.db is damaged")

// foundMost is how many findings are read: the first says enough.
const foundMost = 3

// QuickCheck reads the whole database and looks for damage, beside readers and
// the writer. What one connection finds is believed when another one finds it too:
// each keeps parts of the search index for itself, and one may miss what a newer part
// replaced.
func QuickCheck(ctx context.Context, app core.App) error {
	reads, err := Reading(app)
	if err != nil {
		return fmt.Errorf("quick check: %w", err)
	}
	first, err := reads.Conn(ctx)
	if err != nil {
		return fmt.Errorf("quick check: %w", err)
	}
	defer first.Close() // held, so that the second is another one
	if err = quickCheck(ctx, first); !errors.Is(err, ErrDamaged) {
		return err
	}
	second, err := reads.Conn(ctx)
	if err != nil {
		return fmt.Errorf("quick check: %w", err)
	}
	defer second.Close()
	return quickCheck(ctx, second)
}

func quickCheck(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, fmt.Sprintf("PRAGMA quick_check(%d)", foundMost))
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
