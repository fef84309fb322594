package mirror

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
)

// This file is what happens between a create without a clear answer and the next
// one: the copy may exist, or come to exist while we wait.

// intent begins sync_hash while a copy may exist whose id we do not know; the
// time of the create follows, in milliseconds.
const intent = "?"

// unclear begins sync_hash while a change of the copy that was not answered may
// still be carried out, over newer ones; its time follows. All of the copy is
// sent until then, and once more after.
const unclear = "!"

// unclearOf is how long a change without an answer may still come.
func unclearOf(hash string, now time.Time) (left time.Duration, marked bool) {
	text, marked := strings.CutPrefix(hash, unclear)
	ms, err := strconv.ParseInt(text, 10, 64)
	if !marked || err != nil {
		return 0, false
	}
	return time.UnixMilli(ms).Add(looks[len(looks)-1]).Sub(now), true
}

// looks are when the copy is looked for, counted from the create (from when its
// answer was lost, if that is known). After the last one it is not coming any
// more: providers were seen to finish a create half a minute after we had given
// its answer up.
var looks = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute}

func intentAt(at time.Time) string { return intent + strconv.FormatInt(at.UnixMilli(), 10) }

// intentOf reads a mark. One of an earlier version carries no time.
func intentOf(hash string) (at time.Time, marked bool) {
	text, marked := strings.CutPrefix(hash, intent)
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		at = time.UnixMilli(ms)
	}
	return at, marked
}

// intended tells whether the row may have a copy whose id we do not know.
func intended(r Resource, record *core.Record) bool {
	_, marked := intentOf(record.GetString(hashField))
	return marked && record.GetString(r.IDField) == ""
}

// nextLook is how long to wait for the next look at a copy that is not there;
// false: it is not coming any more.
func nextLook(since, now time.Time) (time.Duration, bool) {
	for _, after := range looks {
		if wait := since.Add(after).Sub(now); wait > 0 {
			return wait, true
		}
	}
	return 0, false
}

// doubt notes that a change of the copy, or its removal, failed without an answer,
// and whose copy it was: it may be carried out later.
func (m *Mirror) doubt(r Resource, record *core.Record, failure error) error {
	id := record.GetString(r.IDField)
	if id == "" || r.undone(failure) || r.judge(failure).Verdict == Missing {
		return nil
	}
	_, err := atomic.Of(m.app).Exec(`UPDATE `+r.Collection+` SET `+r.IDField+` = ?, sync_hash = ? WHERE id = ?`,
		id, unclear+strconv.FormatInt(m.now().UnixMilli(), 10), record.Id)
	if err != nil {
		return fmt.Errorf("note a change of %s %s without an answer: %w", r.Collection, record.Id, err)
	}
	return nil
}

// awaited says why a row waits though nothing is wrong with it.
type awaited struct {
	cause error
	wait  time.Duration
}

func (e *awaited) Error() string {
	if e.cause == nil {
		return "It is not known yet whether the phone provider made it: it is looked for before it is made again."
	}
	return fmt.Sprintf("It is not known yet whether the phone provider made it: it is looked for before it is made again (%s)",
		e.cause)
}

func (e *awaited) Unwrap() error { return e.cause }

// settle looks for the copy of a marked row and sets its id on the record.
// Without one it is an *awaited error as long as the copy may still come, and
// nil after that.
func (m *Mirror) settle(ctx context.Context, r Resource, record *core.Record) error {
	id, err := m.find(ctx, r, record)
	if err != nil || id != "" {
		record.Set(r.IDField, id)
		return err
	}
	since, _ := intentOf(record.GetString(hashField))
	if since.IsZero() {
		since = m.now()
		if err := m.mark(r, record.Id, intentAt(since)); err != nil {
			return err
		}
	}
	if wait, coming := nextLook(since, m.now()); coming {
		return &awaited{wait: wait}
	}
	return nil
}

// find looks for the copy of a record by our mark.
func (m *Mirror) find(ctx context.Context, r Resource, record *core.Record) (string, error) {
	id, err := r.Find(ctx, record)
	if err != nil {
		return "", fmt.Errorf("look for the copy: %w", err)
	}
	return id, nil
}

// intend marks the row before its copy is created. false: it is gone, or being
// deleted, or has a copy by now.
func (m *Mirror) intend(r Resource, id string) (bool, error) {
	result, err := atomic.Of(m.app).Exec(`UPDATE `+r.Collection+` SET sync_hash = ?
		WHERE id = ? AND `+r.IDField+` = '' AND sync_status != ?`,
		intentAt(m.now()), id, collections.SyncDeleting)
	if err != nil {
		return false, fmt.Errorf("mark %s %s: %w", r.Collection, id, err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// mark writes sync_hash of a row that has no copy we know of.
func (m *Mirror) mark(r Resource, id, mark string) error {
	_, err := atomic.Of(m.app).Exec(`UPDATE `+r.Collection+` SET sync_hash = ?
		WHERE id = ? AND `+r.IDField+` = ''`, mark, id)
	if err != nil {
		return fmt.Errorf("mark %s %s: %w", r.Collection, id, err)
	}
	return nil
}

// create makes the copy of a row that has none, unless a create before it may
// have made it.
func (m *Mirror) create(ctx context.Context, r Resource, before, record *core.Record) error {
	doubt := intended(r, record)
	if doubt {
		if err := m.settle(ctx, r, record); err != nil {
			return m.failed(r, record, err)
		}
	}
	older, err := m.older(record)
	if err == nil && older && !doubt {
		var id string
		if id, err = m.find(ctx, r, record); err == nil {
			record.Set(r.IDField, id)
		}
	}
	if err != nil {
		return m.failed(r, record, err)
	}
	record.Set(hashField, "")
	if record.GetString(r.IDField) != "" {
		return m.adopt(ctx, r, before, record)
	}
	wanted, err := m.intend(r, record.Id)
	if err != nil || !wanted {
		return err
	}
	id, err := r.Push(ctx, record)
	switch {
	case err == nil && id != "":
		record.Set(r.IDField, id)
		return m.store(r, before, record)
	case err == nil:
		err = errors.New("the provider gave no id")
	case r.undone(err) && doubt:
		// What it refuses now may be what it made before: a number it has already.
		found, lost := m.find(ctx, r, record)
		if lost != nil || found == "" {
			return m.failed(r, record, err) // and the mark stays
		}
		record.Set(r.IDField, found)
		return m.adopt(ctx, r, before, record)
	case r.undone(err):
		if unmarked := m.mark(r, record.Id, ""); unmarked != nil {
			m.app.Logger().Error("a row stays marked without a copy",
				"collection", r.Collection, "record", record.Id, "error", unmarked)
		}
		return m.failed(r, record, err)
	}
	// From now on, not from before the request, which may have taken its time.
	if marked := m.mark(r, record.Id, intentAt(m.now())); marked != nil {
		return marked
	}
	return m.failed(r, record, &awaited{cause: err, wait: max(looks[0], r.judge(err).After)})
}

// adopt makes a copy that was found equal.
func (m *Mirror) adopt(ctx context.Context, r Resource, before, record *core.Record) error {
	if _, err := r.Push(ctx, record); err != nil {
		if noted := m.doubt(r, record, err); noted != nil {
			return errors.Join(err, noted)
		}
		return m.failed(r, record, err)
	}
	return m.store(r, before, record)
}

// next is what the outbox shall do after a failure.
func (r Resource) next(failure error) error {
	if late, ok := failure.(*awaited); ok {
		return outbox.In(late.wait, failure)
	}
	if errors.Is(failure, errHeld) {
		return outbox.In(heldWait, failure)
	}
	j := r.judge(failure)
	if j.Verdict == Refused {
		return outbox.Dead(failure)
	}
	return outbox.After(j.After, failure)
}
