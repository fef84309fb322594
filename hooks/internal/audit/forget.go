package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
)

// forget empties what the log says of a row about a caller while that is deleted,
// by whomever. Of a row with more entries than one transaction should change the
// job audit.forget empties the rest.
func forget(e *core.RecordEvent) error {
	outer := e.App
	defer func() { e.App = outer }()
	return outer.RunInTransaction(func(tx core.App) error {
		e.App = tx
		if err := e.Next(); err != nil {
			return err
		}
		r := e.Record
		args, err := eraseArgs(r.GetString("organization"), []string{r.Collection().Name}, []string{r.Id})
		if err != nil {
			return err
		}
		_, err = change(atomic.Of(tx), eraseSome, args...)
		return err
	})
}

// window is how many entries are looked at in one statement.
const window = 10_000

// silent are details without a word.
const silent = `('` + Erased + `', '{}', 'null', '')`

// gone are the entries of a window that still say something of a row that is there
// no more. A legal hold keeps what there is.
var gone = sync.OnceValue(func() string {
	var rows []string
	for _, name := range collections.AboutCallers() {
		rows = append(rows, `a.resource = '`+name+`' AND NOT EXISTS (SELECT 1 FROM `+name+` r WHERE r.id = a.record)`)
	}
	return `SELECT a.id FROM audit_logs a WHERE a.rowid > {:after} AND a.rowid <= {:to} AND coalesce(a.details, '') NOT IN ` + silent + `
		AND NOT EXISTS (SELECT 1 FROM security_settings s WHERE s.organization = a.organization AND s.legal_hold)
		AND (` + strings.Join(rows, " OR ") + `)`
})

const eraseThese = `UPDATE audit_logs SET details = ?, salt = '' WHERE id IN (SELECT value FROM json_each(?))`

// ForgetGone empties what the log says of rows about callers that are gone: those
// that went before the log forgot with them, that went with SQL, or that had too
// many entries for one transaction.
func ForgetGone(ctx context.Context, app core.App) (total int, err error) {
	var last int64
	if err := app.ConcurrentDB().NewQuery(`SELECT coalesce(max(rowid), 0) FROM audit_logs`).Row(&last); err != nil {
		return 0, fmt.Errorf("audit log: %w", err)
	}
	for after := int64(0); after < last; after += window {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		var ids []string
		err := app.ConcurrentDB().NewQuery(gone()).WithContext(ctx).Bind(map[string]any{"after": after,
			"to": after + window}).Column(&ids)
		if err != nil {
			return total, fmt.Errorf("audit log: %w", err)
		}
		for some := range slices.Chunk(ids, batch) {
			n, err := eraseIDs(ctx, app, some)
			if total += n; err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

func eraseIDs(ctx context.Context, app core.App, ids []string) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	these, err := json.Marshal(ids)
	if err != nil {
		return 0, err
	}
	err = app.RunInTransaction(func(tx core.App) error {
		return database.Wipe(tx, func() (err error) {
			n, err = change(atomic.Of(tx), eraseThese, Erased, string(these))
			return err
		})
	})
	return n, err
}
