package database

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// discardPage is how many rows are looked at before what was found is deleted.
const discardPage = 500

// Discard deletes the rows of a table that where selects and unwanted picks by a
// column, and says how many. It looks through them on a read connection, so that
// nobody waits; what it finds goes in transactions of its own, overwritten in the
// database's pages. where stands in the database's syntax, its values in params.
func Discard(ctx context.Context, app core.App, d Discarded) (total int, err error) {
	for after := int64(0); ; {
		found, last, err := d.look(ctx, app, after)
		if err != nil {
			return total, fmt.Errorf("look through %s: %w", d.Table, err)
		}
		if len(found) > 0 {
			n, err := d.drop(app, found)
			if total += n; err != nil {
				return total, fmt.Errorf("delete from %s: %w", d.Table, err)
			}
		}
		if last == after {
			return total, nil
		}
		after = last
	}
}

// Discarded says what Discard deletes.
type Discarded struct {
	Table, Column string
	Where         string
	Params        dbx.Params
	Unwanted      func(value string) bool
}

// look finds unwanted rows in the page after a row, and where the page ends.
func (d Discarded) look(ctx context.Context, app core.App, after int64) (found []string, last int64, err error) {
	rows, err := app.ConcurrentDB().NewQuery("SELECT rowid, id, [[" + d.Column + "]] FROM {{" + d.Table + "}}" +
		" WHERE (" + d.Where + ") AND rowid > {:after} ORDER BY rowid LIMIT {:page}").
		Bind(d.Params).Bind(dbx.Params{"after": after, "page": discardPage}).WithContext(ctx).Rows()
	if err != nil {
		return nil, after, err
	}
	defer rows.Close()
	last = after
	for rows.Next() {
		var id, value string
		if err := rows.Scan(&last, &id, &value); err != nil {
			return nil, after, err
		}
		if d.Unwanted(value) {
			found = append(found, id)
		}
	}
	return found, last, rows.Err()
}

// drop deletes rows that are still what was looked for.
func (d Discarded) drop(app core.App, ids []string) (n int, err error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return 0, err
	}
	err = app.RunInTransaction(func(tx core.App) error {
		return Wipe(tx, func() error {
			result, err := tx.NonconcurrentDB().NewQuery("DELETE FROM {{" + d.Table + "}}" +
				" WHERE id IN (SELECT value FROM json_each({:ids})) AND (" + d.Where +
				")").Bind(d.Params).Bind(dbx.Params{"ids": string(list)}).Execute()
			if err != nil {
				return err
			}
			count, err := result.RowsAffected()
			n = int(count)
			return err
		})
	})
	return n, err
}
