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
func (k *kept) intended(record *core.Record) bool {
	_, marked := intentOf(record.GetString(hashField))
	return marked && record.GetString(k.IDField) == ""
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
func (k *kept) doubt(record *core.Record, failure error) error {
	id := record.GetString(k.IDField)
	if id == "" || k.undone(failure) || k.judge(failure).Verdict == Missing {
		return nil
	}
	_, err := atomic.Of(k.app).Exec(`UPDATE `+k.Collection+` SET `+k.IDField+` = ?, sync_hash = ? WHERE id = ?`,
		id, unclear+strconv.FormatInt(k.now().UnixMilli(), 10), record.Id)
	if err != nil {
		return fmt.Errorf("note a change of %s %s without an answer: %w", k.Collection, record.Id, err)
	}
	return nil
}

// awaited says why a row waits though nothing is wrong with it.
type awaited struct {
	provider string
	cause    error
	wait     time.Duration
}

func (e *awaited) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("It is not known yet whether %s made it: it is looked for before it is made again.", e.provider)
	}
	return fmt.Sprintf("It is not known yet whether %s made it: it is looked for before it is made again (%s)",
		e.provider, e.cause)
}

func (e *awaited) Unwrap() error { return e.cause }

// settle looks for the copy of a marked row and sets its id on the record.
// Without one it is an *awaited error as long as the copy may still come, and
// nil after that.
func (k *kept) settle(ctx context.Context, record *core.Record) error {
	id, err := k.find(ctx, record)
	if err != nil || id != "" {
		record.Set(k.IDField, id)
		return err
	}
	since, _ := intentOf(record.GetString(hashField))
	if since.IsZero() {
		since = k.now()
		if err := k.note(record.Id, intentAt(since)); err != nil {
			return err
		}
	}
	if wait, coming := nextLook(since, k.now()); coming {
		return &awaited{provider: k.Called, wait: wait}
	}
	return nil
}

// find looks for the copy of a record by our mark.
func (k *kept) find(ctx context.Context, record *core.Record) (string, error) {
	id, err := k.Copy.find(ctx, record)
	if err != nil {
		return "", fmt.Errorf("It could not be seen whether the copy is there: %w", err)
	}
	return id, nil
}

// intend marks the row before its copy is created. false: it is gone, or being
// deleted, or has a copy by now.
func (k *kept) intend(id string) (bool, error) {
	result, err := atomic.Of(k.app).Exec(`UPDATE `+k.Collection+` SET sync_hash = ?
		WHERE id = ? AND `+k.IDField+` = '' AND sync_status != ?`,
		intentAt(k.now()), id, collections.SyncDeleting)
	if err != nil {
		return false, fmt.Errorf("mark %s %s: %w", k.Collection, id, err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// note writes sync_hash of a row that has no copy we know of.
func (k *kept) note(id, mark string) error {
	_, err := atomic.Of(k.app).Exec(`UPDATE `+k.Collection+` SET sync_hash = ?
		WHERE id = ? AND `+k.IDField+` = ''`, mark, id)
	if err != nil {
		return fmt.Errorf("mark %s %s: %w", k.Collection, id, err)
	}
	return nil
}

// create makes the copy of a row that has none, unless a create before it may
// have made it.
func (k *kept) create(ctx context.Context, before, record *core.Record) error {
	doubt := k.intended(record)
	if doubt {
		if err := k.settle(ctx, record); err != nil {
			return k.failed(record, err)
		}
	}
	perhaps, err := k.mayBeThere(record)
	if err == nil && perhaps && !doubt {
		var id string
		if id, err = k.find(ctx, record); err == nil {
			record.Set(k.IDField, id)
		}
	}
	if err != nil {
		return k.failed(record, err)
	}
	record.Set(hashField, "")
	if record.GetString(k.IDField) != "" {
		return k.adopt(ctx, before, record)
	}
	return k.make(ctx, before, record, doubt)
}

// make asks the provider for a copy; doubt: not for the first time.
func (k *kept) make(ctx context.Context, before, record *core.Record, doubt bool) error {
	wanted, err := k.intend(record.Id)
	if err != nil || !wanted {
		return err
	}
	id, err := k.send(ctx, record)
	switch {
	case err == nil && id != "":
		record.Set(k.IDField, id)
		return k.store(before, record)
	case err == nil:
		err = errors.New("the provider gave no id")
	case k.undone(err) && doubt:
		// What it refuses now may be what it made before: a number it has already.
		found, lost := k.find(ctx, record)
		if lost != nil || found == "" {
			return k.failed(record, err) // and the mark stays
		}
		record.Set(k.IDField, found)
		return k.adopt(ctx, before, record)
	case k.undone(err):
		if unmarked := k.note(record.Id, ""); unmarked != nil {
			k.app.Logger().Error("a row stays marked without a copy",
				"collection", k.Collection, "record", record.Id, "error", unmarked)
		}
		return k.failed(record, err)
	}
	// From now on, not from before the request, which may have taken its time.
	if marked := k.note(record.Id, intentAt(k.now())); marked != nil {
		return marked
	}
	return k.failed(record, &awaited{k.Called, err, max(looks[0], k.judge(err).After)})
}

// mayBeThere tells whether a row of which nothing was sent may have a copy all the same.
func (k *kept) mayBeThere(record *core.Record) (bool, error) {
	if k.Shared {
		return true, nil
	}
	return k.Installation.older(record)
}

// adopt makes a copy that was found equal.
func (k *kept) adopt(ctx context.Context, before, record *core.Record) error {
	if _, err := k.send(ctx, record); err != nil {
		if noted := k.doubt(record, err); noted != nil {
			return errors.Join(err, noted)
		}
		return k.failed(record, err)
	}
	return k.store(before, record)
}
