package calls

import (
	"errors"
	"fmt"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
)

const (
	insertLine = `INSERT INTO messages (id, organization, call, role, content, position, offset_ms, duration_ms, from_person, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, FALSE, ?, ?) ON CONFLICT DO NOTHING`
	selectLines = `SELECT rowid, id, role, content, position, offset_ms, duration_ms, from_person FROM messages WHERE call = ? ORDER BY position, role`
	moveLine    = `UPDATE messages SET role = ?, content = ?, position = ?, offset_ms = ?, duration_ms = ?, updated = ? WHERE rowid = ?`
	// An index is written again when one of its columns is named.
	mendLine    = `UPDATE messages SET content = ?, offset_ms = ?, duration_ms = ?, updated = ? WHERE rowid = ?`
	deleteLine  = `DELETE FROM messages WHERE rowid = ?`
	deleteLines = `DELETE FROM messages WHERE call = ? AND from_person = FALSE`
)

// saveLines stores what a message says was said.
func saveLines(tx *inbox.Tx, c call, ch changes, now time.Time) error {
	if ch.replace {
		if err := replaceLines(tx, c, ch.lines, now); err != nil {
			return fmt.Errorf("replace transcript: %w", err)
		}
		return nil
	}
	return addLines(tx, c, ch.lines, now)
}

// addLines stores lines, under the ids they have or new ones.
func addLines(tx *inbox.Tx, c call, lines []line, now time.Time) error {
	stamp := inbox.Date(now)
	for i := range lines {
		l := &lines[i]
		if l.ID == "" {
			l.ID = collections.NewID(now)
		}
		if _, err := tx.Exec(insertLine, l.ID, c.Organization, c.ID, l.Role, l.Content, int64(l.Position), l.OffsetMS, l.Duration, stamp, stamp); err != nil {
			return fmt.Errorf("transcript line: %w", err)
		}
	}
	return nil
}

// heard is a stored line.
type heard struct {
	line
	row    int64
	person bool
}

// replaceLines puts the report's lines where those heard live were. They take
// over their ids, in order: who follows the records sees lines change, and none
// that is left behind.
func replaceLines(tx *inbox.Tx, c call, lines []line, now time.Time) error {
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
		lines[i].ID, lines[i].Again = own[i].ID, true
	}
	if !inPlace(all, lines) {
		if _, err := tx.Exec(deleteLines, c.ID); err != nil {
			return err
		}
		return addLines(tx, c, lines, now)
	}
	stamp := inbox.Date(now)
	for i, h := range own {
		switch {
		case i >= len(lines):
			_, err = tx.Exec(deleteLine, h.row)
		case lines[i].place() != h.place():
			l := lines[i]
			_, err = tx.Exec(moveLine, l.Role, l.Content, int64(l.Position), l.OffsetMS, l.Duration, stamp, h.row)
		case lines[i].Content != h.Content || lines[i].OffsetMS != h.OffsetMS || lines[i].Duration != h.Duration:
			l := lines[i]
			_, err = tx.Exec(mendLine, l.Content, l.OffsetMS, l.Duration, stamp, h.row)
		}
		if err != nil {
			return err
		}
	}
	return addLines(tx, c, lines[min(len(own), len(lines)):], now)
}

// inPlace tells whether lines can be changed one by one: none moves to where
// another one still is.
func inPlace(all []heard, lines []line) bool {
	taken := make(map[linePlace]string, len(all))
	for _, h := range all {
		taken[h.place()] = h.ID
	}
	for _, l := range lines {
		if id, is := taken[l.place()]; is && id != l.ID {
			return false
		}
	}
	return true
}

func linesHeard(tx *inbox.Tx, call string) ([]heard, error) {
	rows, err := tx.Query(selectLines, call)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []heard
	for rows.Next() {
		var h heard
		if err := rows.Scan(&h.row, &h.ID, &h.Role, &h.Content, &h.Position, &h.OffsetMS, &h.Duration, &h.person); err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}
