package calls

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// normalizeRead is how many rows are read at once, normalizeWrite how many
	// calls change in one transaction: others wait for it.
	normalizeRead  = 2_000
	normalizeWrite = 500
)

// normalize is the job calls.normalize: it brings what was stored before numbers
// were read into the spelling they are stored in now. Contacts of one number
// become one, hidden callers lose theirs, and messages that came after what they
// are about was erased are cut down to their key. It can stop anywhere and begin
// again, holds one page of rows in memory, and once it came to the end it has
// nothing more to do: rows are born as they should be.
func (e *engine) normalize(ctx context.Context, r *schedule.Run) error {
	if !r.Watermark().IsZero() {
		return nil
	}
	if err := e.open(); err != nil {
		return err
	}
	began := time.Now()
	n := &normalizer{engine: e, run: r, homes: map[string]string{}}
	for _, step := range []func(context.Context) error{n.contacts, n.calls, n.lateMessages} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	r.SetWatermark(began)
	return nil
}

type normalizer struct {
	*engine
	run   *schedule.Run
	homes map[string]string // by organization
}

// read is a number as it is stored now.
func (n *normalizer) read(organization, number string) phone.Number {
	home, known := n.homes[organization]
	if !known {
		home = tenant.HomeOf(n.app, organization)
		n.homes[organization] = home
	}
	read := phone.Read(number, home)
	read.Text = rows.Clip(read.Text, fold.NumberMax)
	return read
}

// write runs a change in the writer's transaction and counts it.
func (n *normalizer) write(ctx context.Context, change func(tx *inbox.Tx) error) error {
	box, err := inbox.Of(n.app)
	if err != nil {
		return err
	}
	n.run.Add(1)
	return box.Do(ctx, func(tx *inbox.Tx) (func(), error) { return nil, change(tx) })
}

// walk reads a table page by page in the order of its rows: the first column of
// the query is the rowid, its arguments are the rowid before and the page's size.
func walk[T any](ctx context.Context, db *sql.DB, query string, scan func(*sql.Rows) (rowid int64, row T, err error),
	do func(T) error) error {
	for after := int64(0); ; {
		found, err := db.QueryContext(ctx, query, after, normalizeRead)
		if err != nil {
			return err
		}
		var page []T
		for found.Next() {
			var row T
			if after, row, err = scan(found); err != nil {
				break
			}
			page = append(page, row)
		}
		if err := errors.Join(err, found.Err(), found.Close()); err != nil || len(page) == 0 {
			return err
		}
		for _, row := range page { // the rows are closed: what is done may write
			if err := do(row); err != nil {
				return err
			}
		}
	}
}

type storedContact struct{ id, organization, number string }

func (n *normalizer) contacts(ctx context.Context) error {
	err := walk(ctx, n.reads,
		`SELECT rowid, id, organization, phone_number FROM contacts WHERE rowid > ? ORDER BY rowid LIMIT ?`,
		func(found *sql.Rows) (rowid int64, c storedContact, err error) {
			err = found.Scan(&rowid, &c.id, &c.organization, &c.number)
			return rowid, c, err
		}, func(c storedContact) error { return n.contact(ctx, c) })
	if err != nil {
		return fmt.Errorf("contacts: %w", err)
	}
	return nil
}

func (n *normalizer) contact(ctx context.Context, c storedContact) error {
	read := n.read(c.organization, c.number)
	if !read.Someone() {
		return n.dropContact(ctx, c)
	}
	if read.Text == c.number {
		return nil
	}
	if spelled, err := n.spell(ctx, c.id, read.Text); err != nil || spelled {
		return err
	}
	var other string
	err := n.reads.QueryRowContext(ctx, store.SelectContact, c.organization, read.Text).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	if err := n.moveCalls(ctx, c.id, other); err != nil {
		return err
	}
	return n.write(ctx, func(tx *inbox.Tx) error {
		if _, err := tx.Exec(joinContact, c.id, other); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM contacts WHERE id = ?`, c.id)
		return err
	})
}

// spell gives a contact its number as it is stored now, unless another has it.
// The table's own rule decides: messages bring contacts all the time.
func (n *normalizer) spell(ctx context.Context, id, number string) (spelled bool, err error) {
	err = n.write(ctx, func(tx *inbox.Tx) error {
		result, err := tx.Exec(spellContact, number, id)
		if err != nil {
			return err
		}
		written, err := result.RowsAffected()
		spelled = written > 0
		return err
	})
	return spelled, err
}

const spellContact = `UPDATE OR IGNORE contacts SET phone_number = ?,
	phone_number_raw = CASE phone_number_raw WHEN '' THEN phone_number ELSE phone_number_raw END
	WHERE id = ?`

// joinContact adds to a contact what another of the same number holds. What
// people wrote of either stays: a second name becomes a line of the notes.
const joinContact = `UPDATE contacts SET
	notes = trim(contacts.notes || CASE WHEN o.notes IN ('', contacts.notes) THEN '' ELSE char(10) || o.notes END ||
		CASE WHEN o.name IN ('', contacts.name) OR contacts.name = '' THEN '' ELSE char(10) || o.name END, char(10)),
	name = CASE contacts.name WHEN '' THEN o.name ELSE contacts.name END,
	email = CASE contacts.email WHEN '' THEN o.email ELSE contacts.email END,
	metadata = CASE WHEN json_valid(o.metadata) AND json_valid(contacts.metadata) THEN json_patch(o.metadata, contacts.metadata) ELSE coalesce(contacts.metadata, o.metadata) END,
	phone_number_raw = CASE contacts.phone_number_raw WHEN '' THEN o.phone_number ELSE contacts.phone_number_raw END,
	first_seen_at = CASE WHEN contacts.first_seen_at = '' OR o.first_seen_at != '' AND o.first_seen_at < contacts.first_seen_at THEN o.first_seen_at ELSE contacts.first_seen_at END,
	last_seen_at = max(contacts.last_seen_at, o.last_seen_at)
	FROM contacts o WHERE o.id = ? AND contacts.id = ?`

// dropContact ends a contact that stood for everybody who hides the number. One
// that people wrote something about stays, without calls.
func (n *normalizer) dropContact(ctx context.Context, c storedContact) error {
	if err := n.moveCalls(ctx, c.id, ""); err != nil {
		return err
	}
	return n.write(ctx, func(tx *inbox.Tx) error {
		_, err := tx.Exec(`DELETE FROM contacts WHERE id = ? AND notes = '' AND email = '' AND coalesce(metadata, 'null') IN ('', 'null', '{}')`, c.id)
		return err
	})
}

// moveCalls gives a contact's calls to another, a few at a time.
func (n *normalizer) moveCalls(ctx context.Context, from, to string) error {
	for {
		moved := int64(0)
		err := n.write(ctx, func(tx *inbox.Tx) error {
			result, err := tx.Exec(`UPDATE calls SET contact = ? WHERE id IN (SELECT id FROM calls WHERE contact = ? LIMIT ?)`,
				to, from, normalizeWrite)
			if err != nil {
				return err
			}
			moved, err = result.RowsAffected()
			return err
		})
		if err != nil || moved < normalizeWrite {
			return err
		}
	}
}

// storedNumbers are the numbers of a call, by column.
type storedNumbers struct {
	id, organization string
	numbers          [3]string
}

var numberColumns = [3]string{"caller_number", "recipient_number", "transferred_to"}

func (n *normalizer) calls(ctx context.Context) error {
	var waiting []storedNumbers
	flush := func() error {
		if len(waiting) == 0 {
			return nil
		}
		defer func() { waiting = waiting[:0] }()
		return n.write(ctx, func(tx *inbox.Tx) error {
			for _, c := range waiting {
				if err := n.call(tx, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := walk(ctx, n.reads, `SELECT rowid, id, organization, `+strings.Join(numberColumns[:], ", ")+
		` FROM calls WHERE rowid > ? ORDER BY rowid LIMIT ?`,
		func(found *sql.Rows) (rowid int64, c storedNumbers, err error) {
			err = found.Scan(&rowid, &c.id, &c.organization, &c.numbers[0], &c.numbers[1], &c.numbers[2])
			return rowid, c, err
		}, func(c storedNumbers) error {
			if !n.differs(c) {
				return nil
			}
			if waiting = append(waiting, c); len(waiting) < normalizeWrite {
				return nil
			}
			return flush()
		})
	if err := errors.Join(err, flush()); err != nil {
		return fmt.Errorf("calls: %w", err)
	}
	return nil
}

func (n *normalizer) differs(c storedNumbers) bool {
	for i := range c.numbers {
		if n.of(c, i) != c.numbers[i] {
			return true
		}
	}
	return false
}

// of is what a column should hold. Where a call went may be an assistant's name.
func (n *normalizer) of(c storedNumbers, column int) string {
	read := n.read(c.organization, c.numbers[column])
	if numberColumns[column] == "transferred_to" && read.Kind != phone.Telephone {
		return c.numbers[column]
	}
	return read.Text
}

func (n *normalizer) call(tx *inbox.Tx, c storedNumbers) error {
	for i, column := range numberColumns {
		text := n.of(c, i)
		if text == c.numbers[i] {
			continue
		}
		keep := ""
		if column != "transferred_to" {
			keep = ", " + column + "_raw = CASE " + column + "_raw WHEN '' THEN " + column + " ELSE " + column + "_raw END"
		}
		if _, err := tx.Exec(`UPDATE calls SET `+column+` = ?`+keep+` WHERE id = ? AND `+column+` = ?`, text,
			c.id, c.numbers[i]); err != nil {
			return err
		}
	}
	return nil
}

// lateMessages cuts messages down to their key that came after their call was
// deleted, when they were still kept whole.
func (n *normalizer) lateMessages(ctx context.Context) error {
	type mark struct{ provider, key, kind string }
	err := walk(ctx, n.reads,
		`SELECT rowid, provider, event_key, type FROM provider_events WHERE rowid > ? ORDER BY rowid LIMIT ?`,
		func(found *sql.Rows) (rowid int64, m mark, err error) {
			err = found.Scan(&rowid, &m.provider, &m.key, &m.kind)
			return rowid, m, err
		}, func(m mark) error {
			id, marked := strings.CutSuffix(m.key, tombstoned)
			if !marked || m.kind != collections.EventDeleted {
				return nil
			}
			return n.write(ctx, func(tx *inbox.Tx) error {
				return inbox.Subject{Provider: m.provider, ID: id}.Cut(tx)
			})
		})
	if err != nil {
		return fmt.Errorf("late messages: %w", err)
	}
	return nil
}
