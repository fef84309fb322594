package lists

import (
	"context"
	"database/sql"
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
	// HasFormer counts the index of a release before.
	HasFormer = `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '` + collections.CallSearchBefore + `'`

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
	// allNamed tells that every name has its entry: the index follows by itself, and
	// only names from before it can be missing.
	allNamed = `SELECT (SELECT count(*) FROM contacts WHERE name != '' OR company != '') <= (SELECT count(*) FROM ` +
		collections.ContactSearch + `_docsize)`
)

var indexNames = `INSERT INTO ` + collections.ContactSearch + `(contact, organization, name)
		SELECT id, organization, ` + words.Function + `(` + collections.NameWords("") + `) FROM contacts
		WHERE id > +? AND id <= +? AND (name != '' OR company != '')
		AND NOT EXISTS (SELECT 1 FROM ` + collections.ContactSearch + ` w WHERE ` + collections.ContactSearch +
	` MATCH 'contact:"' || contacts.id || '"')`

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
func (l *Lists) searched() string {
	if !l.former.Load() {
		return collections.CallSearch
	}
	if err := l.lookForFormer(context.Background(), l.reads); err != nil {
		l.app.Logger().Warn("search index not looked for", "error", err)
	}
	if l.former.Load() {
		return collections.CallSearchBefore
	}
	return collections.CallSearch
}

// lookForFormer remembers whether there is an index before: a command may have
// ended it (jobs run calls.index).
func (l *Lists) lookForFormer(ctx context.Context, reads *sql.DB) error {
	var n int
	if err := reads.QueryRowContext(ctx, HasFormer).Scan(&n); err != nil {
		return fmt.Errorf("look for the search index: %w", err)
	}
	l.former.Store(n > 0)
	return nil
}

// keepIndexes is the job calls.index: it fills what is not filled and merges the
// pieces.
func (l *Lists) keepIndexes(ctx context.Context, r *schedule.Run) error {
	if err := l.Open(); err != nil {
		return err
	}
	box, err := inbox.Of(l.app)
	if err != nil {
		return err
	}
	if err := l.fillNames(ctx, box); err != nil {
		return err
	}
	if err := l.fillIndex(ctx, box, r); err != nil {
		return err
	}
	return l.mergeIndexes(ctx, box)
}

// fillIndex puts the reports into the search index that are not in it yet, oldest
// first, and then ends the index before. What is done stays done: stopped, it
// goes on where it was.
func (l *Lists) fillIndex(ctx context.Context, box *inbox.Inbox, r *schedule.Run) error {
	if !l.former.Load() {
		return nil
	}
	for after := int64(0); ; {
		begin := time.Now()
		n, last, err := l.indexBatch(ctx, box, after)
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
	err := l.app.RunInTransaction(func(tx core.App) error {
		for _, statement := range dropFormer {
			if _, err := tx.NonconcurrentDB().NewQuery(statement).Execute(); err != nil {
				return fmt.Errorf("drop the search index before: %w", err)
			}
		}
		return nil
	})
	return errors.Join(err, l.lookForFormer(ctx, l.reads))
}

// fillNames puts contacts into the index of names that are not in it yet, once
// in the life of a server: from then on the index follows by itself. Counting comes
// first: where all are there, nobody waits for the writer.
func (l *Lists) fillNames(ctx context.Context, box *inbox.Inbox) error {
	if l.named.Load() {
		return nil
	}
	var all bool
	if err := l.reads.QueryRowContext(ctx, allNamed).Scan(&all); err != nil {
		return fmt.Errorf("fill the index of names: %w", err)
	}
	l.named.Store(all)
	for after := ""; !l.named.Load(); {
		begin := time.Now()
		var n int
		var last string
		if err := l.reads.QueryRowContext(ctx, nextContacts, after, indexBatch).Scan(&n, &last); err != nil {
			return fmt.Errorf("fill the index of names: %w", err)
		}
		if n == 0 {
			l.named.Store(true)
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
func (l *Lists) indexBatch(ctx context.Context, box *inbox.Inbox, after int64) (n int, last int64, err error) {
	if err := l.reads.QueryRowContext(ctx, nextReports, after, indexBatch).Scan(&n, &last); err != nil || n == 0 {
		return 0, 0, err
	}
	err = box.Do(ctx, func(tx *inbox.Tx) (func(), error) {
		_, err := tx.Exec(indexReports, after, last)
		return nil, err
	})
	return n, last, err
}

const (
	// mergePages is how much of an index one transaction merges: some milliseconds
	// of the writer.
	mergePages = 16
	// mergeRest is indexRest for merging: nobody waits for it.
	mergeRest = 9
	// mergeMost bounds one run; the next goes on.
	mergeMost = 256
)

// mergeIndexes puts pieces of the indexes together. Each commit adds one, a search
// looks into every one, and the index itself merges only while much is written.
func (l *Lists) mergeIndexes(ctx context.Context, box *inbox.Inbox) error {
	for _, index := range []string{collections.CallSearch, collections.ContactSearch} {
		for more, n := true, 0; more && n < mergeMost; n++ {
			begin := time.Now()
			err := box.Do(ctx, func(tx *inbox.Tx) (_ func(), err error) {
				more, err = mergeStep(tx, index)
				return nil, err
			})
			if err != nil {
				return fmt.Errorf("merge %s: %w", index, err)
			}
			if !more {
				break
			}
			if err := rest(ctx, mergeRest*time.Since(begin)); err != nil {
				return err
			}
		}
	}
	return nil
}

// mergeStep merges some pages; more tells that there was something to merge: asking
// alone counts as one change.
func mergeStep(tx *inbox.Tx, index string) (more bool, err error) {
	const changes = "SELECT total_changes()"
	var before, after int64
	if err := tx.Get(changes, nil, &before); err != nil {
		return false, err
	}
	if _, err := tx.Exec(`INSERT INTO `+index+`(`+index+`, rank) VALUES ('merge', ?)`, mergePages); err != nil {
		return false, err
	}
	err = tx.Get(changes, nil, &after)
	return after-before > 1, err
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
