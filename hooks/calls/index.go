package calls

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/collections/words"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// An installation that comes from a release with another search index has two
// for a while. Both follow what comes and goes; searches look into the one
// before, which has everything, until calls.index has filled the other.

const (
	// indexBatch is how many reports one transaction puts into the index: some
	// ten milliseconds of the writer.
	indexBatch = 100
	// indexRest is how long the writer is left to others after a batch, in times
	// of what it took.
	indexRest = 2
)

const (
	hasFormer = `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '` + collections.CallSearchBefore + `'`

	notIndexed = `position > +?
		AND NOT EXISTS (SELECT 1 FROM ` + collections.CallSearch + `_docsize d WHERE d.id = position)`
	// nextReports is where the next batch ends.
	nextReports = `SELECT count(*), coalesce(max(position), 0) FROM (SELECT position FROM call_reports
		INDEXED BY uq_call_reports_position_organization WHERE ` + notIndexed + ` ORDER BY position LIMIT +?)`
	indexReports = `INSERT INTO ` + collections.CallSearch + `(rowid, organization, summary, transcript)
		SELECT position, organization, ` + words.Function + `(summary), ` + words.Function + `(transcript) FROM call_reports
		INDEXED BY uq_call_reports_position_organization WHERE ` + notIndexed + ` AND position <= +? ORDER BY position`
)

// Names that contacts had before there was an index of them. The index is asked
// for each: what is in it already was written since.
const (
	nextContacts = `SELECT count(*), coalesce(max(id), '') FROM (SELECT id FROM contacts WHERE id > +? ORDER BY id LIMIT +?)`
	indexNames   = `INSERT INTO ` + collections.ContactSearch + `(contact, organization, name)
		SELECT id, organization, ` + words.Function + `(name) FROM contacts WHERE id > +? AND id <= +? AND name != ''
		AND NOT EXISTS (SELECT 1 FROM ` + collections.ContactSearch + ` w WHERE ` + collections.ContactSearch + ` MATCH 'contact:"' || contacts.id || '"')`
)

// dropFormer ends the index before.
var dropFormer = []string{
	"DROP TRIGGER IF EXISTS " + collections.CallSearchBefore + "_insert",
	"DROP TRIGGER IF EXISTS " + collections.CallSearchBefore + "_update",
	"DROP TRIGGER IF EXISTS " + collections.CallSearchBefore + "_delete",
	"DROP TABLE IF EXISTS " + collections.CallSearchBefore,
}

// searched is the index that has everything. Whoever cannot tell whether there
// still is one before asks that one: it finds all or fails, the other would leave
// out what it has not got.
func (e *engine) searched() string {
	if !e.former.Load() {
		return collections.CallSearch
	}
	if err := e.lookForFormer(context.Background()); err != nil {
		e.app.Logger().Warn("search index not looked for", "error", err)
	}
	if e.former.Load() {
		return collections.CallSearchBefore
	}
	return collections.CallSearch
}

// lookForFormer remembers whether there is an index before: a command may have
// ended it (jobs run calls.index).
func (e *engine) lookForFormer(ctx context.Context) error {
	var n int
	if err := e.reads.QueryRowContext(ctx, hasFormer).Scan(&n); err != nil {
		return fmt.Errorf("look for the search index: %w", err)
	}
	e.former.Store(n > 0)
	return nil
}

// fillIndex puts the reports into the search index that are not in it yet, oldest
// first, and then ends the index before. What is done stays done: stopped, it
// goes on where it was.
func (e *engine) fillIndex(ctx context.Context, r *schedule.Run) error {
	if err := e.open(); err != nil || e.named.Load() && !e.former.Load() {
		return err
	}
	box, err := e.box()
	if err != nil {
		return err
	}
	if err := e.fillNames(ctx, box); err != nil || !e.former.Load() {
		return err
	}
	for after := int64(0); ; {
		begin := time.Now()
		n, last, err := e.indexBatch(ctx, box, after)
		if err != nil {
			return fmt.Errorf("fill the search index: %w", err)
		}
		if n == 0 {
			break
		}
		r.Add(n)
		after = last
		if err := rest(ctx, indexRest*time.Since(begin)); err != nil {
			return err
		}
	}
	err = e.app.RunInTransaction(func(tx core.App) error {
		for _, statement := range dropFormer {
			if _, err := tx.NonconcurrentDB().NewQuery(statement).Execute(); err != nil {
				return fmt.Errorf("drop the search index before: %w", err)
			}
		}
		return nil
	})
	return errors.Join(err, e.lookForFormer(ctx))
}

// fillNames puts contacts into the index of names that are not in it yet, once
// in the life of a server: from then on the index follows by itself.
func (e *engine) fillNames(ctx context.Context, box *inbox.Inbox) error {
	for after := ""; !e.named.Load(); {
		begin := time.Now()
		var n int
		var last string
		if err := e.reads.QueryRowContext(ctx, nextContacts, after, indexBatch).Scan(&n, &last); err != nil {
			return fmt.Errorf("fill the index of names: %w", err)
		}
		if n == 0 {
			e.named.Store(true)
			break
		}
		err := box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
			_, err := tx.Exec(indexNames, after, last)
			return nil, err
		})
		if err != nil {
			return fmt.Errorf("fill the index of names: %w", err)
		}
		after = last
		if err := rest(ctx, indexRest*time.Since(begin)); err != nil {
			return err
		}
	}
	return nil
}

// indexBatch indexes some reports behind a position; last is the position it
// came to.
func (e *engine) indexBatch(ctx context.Context, box *inbox.Inbox, after int64) (n int, last int64, err error) {
	if err := e.reads.QueryRowContext(ctx, nextReports, after, indexBatch).Scan(&n, &last); err != nil || n == 0 {
		return 0, 0, err
	}
	err = box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		_, err := tx.Exec(indexReports, after, last)
		return nil, err
	})
	return n, last, err
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
