package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

const (
	deleteLine  = `DELETE FROM messages WHERE rowid = ?`
	deleteLines = `DELETE FROM messages WHERE call = ? AND from_person = FALSE`
)

// saveLines stores what a message says was said.
func saveLines(tx *inbox.Tx, c fold.Call, ch fold.Changes, now time.Time) error {
	if ch.Replace {
		if err := replaceLines(tx, c, ch.Lines, now); err != nil {
			return fmt.Errorf("replace transcript: %w", err)
		}
		return nil
	}
	return addLines(tx, c, ch.Lines, now)
}

// addLines stores lines, under the ids they have or new ones.
func addLines(tx *inbox.Tx, c fold.Call, lines []fold.Line, now time.Time) error {
	stamp := rows.Stamp(now)
	for i := range lines {
		l := &lines[i]
		if l.ID == "" {
			l.ID = collections.NewID(now)
		}
		if _, err := tx.Exec(table.Lines.Insert, table.Values(stamp, table.Owns(&c), table.Line(l))...); err != nil {
			return fmt.Errorf("transcript line: %w", err)
		}
	}
	return nil
}

// heard is a stored line.
type heard struct {
	fold.Line
	row    int64
	person bool
}

// replaceLines puts the report's lines where those heard live were. They take
// over their ids, in order: who follows the records sees lines change, and none
// that is left behind.
func replaceLines(tx *inbox.Tx, c fold.Call, lines []fold.Line, now time.Time) error {
	all, err := linesHeard(tx, c.ID)
	if err != nil {
		return err
	}
	own := make([]heard, 0, len(all))
	for _, h := range all {
		if !h.person {
			own = append(own, h)
		}
	}
	for i := range min(len(lines), len(own)) {
		lines[i].ID, lines[i].Again, own[i].Again = own[i].ID, true, true
	}
	if !inPlace(all, lines) {
		if _, err := tx.Exec(deleteLines, c.ID); err != nil {
			return err
		}
		return addLines(tx, c, lines, now)
	}
	stamp := rows.Stamp(now)
	for i, h := range own {
		switch {
		case i >= len(lines):
			_, err = tx.Exec(deleteLine, h.row)
		case lines[i] != h.Line:
			query, args := table.Lines.Change(table.Line(&h.Line), table.Line(&lines[i]), stamp, h.row)
			_, err = tx.Exec(query, args...)
		}
		if err != nil {
			return err
		}
	}
	return addLines(tx, c, lines[min(len(own), len(lines)):], now)
}

// inPlace tells whether lines can be changed one by one: none moves to where
// another one still is.
func inPlace(all []heard, lines []fold.Line) bool {
	taken := make(map[fold.LinePlace]string, len(all))
	for _, h := range all {
		taken[h.Place()] = h.ID
	}
	for _, l := range lines {
		if id, is := taken[l.Place()]; is && id != l.ID {
			return false
		}
	}
	return true
}

func linesHeard(tx *inbox.Tx, call string) ([]heard, error) {
	found, err := tx.Query(table.SelectLines, call)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var all []heard
	for found.Next() {
		var h heard
		if err := found.Scan(append([]any{&h.row, &h.person}, table.Places(table.Line(&h.Line))...)...); err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, errors.Join(found.Err(), found.Close())
}
