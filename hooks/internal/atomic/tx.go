package atomic

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// Tx is where consequences are written. Placeholders are `?`, in order.
// *sql.Tx and *sql.DB are Tx; Of makes one of PocketBase's app.
type Tx interface {
	Exec(query string, args ...any) (sql.Result, error)
	Query(query string, args ...any) (*sql.Rows, error)
}

// Of returns the Tx of an app: inside RunInTransaction that transaction, outside
// the write connection, each statement by itself.
func Of(app core.App) Tx {
	switch db := app.NonconcurrentDB().(type) {
	case *dbx.DB:
		return db.DB()
	default:
		return builderTx{db}
	}
}

// One reads one row into dest. It returns sql.ErrNoRows when there is none.
func One(tx Tx, query string, args []any, dest ...any) error {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
}

// builderTx speaks to a transaction PocketBase opened, which shows only dbx's
// builder: positional arguments become named ones.
type builderTx struct{ db dbx.Builder }

func (t builderTx) Exec(query string, args ...any) (sql.Result, error) {
	q, err := t.query(query, args)
	if err != nil {
		return nil, err
	}
	return q.Execute()
}

func (t builderTx) Query(query string, args ...any) (*sql.Rows, error) {
	q, err := t.query(query, args)
	if err != nil {
		return nil, err
	}
	rows, err := q.Rows()
	if err != nil {
		return nil, err
	}
	return rows.Rows, nil
}

func (t builderTx) query(query string, args []any) (*dbx.Query, error) {
	parts := strings.Split(query, "?")
	if len(parts)-1 != len(args) {
		return nil, fmt.Errorf("query has %d placeholders for %d arguments", len(parts)-1, len(args))
	}
	params := make(dbx.Params, len(args))
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i < len(args) {
			name := "p" + strconv.Itoa(i)
			b.WriteString("{:" + name + "}")
			params[name] = args[i]
		}
	}
	return t.db.NewQuery(b.String()).Bind(params), nil
}

// Reads is the app's read connections; inside RunInTransaction that transaction. What
// must read beside a transaction, or hold a connection, takes database.Reading.
func Reads(app core.App) Tx {
	if db, ok := app.ConcurrentDB().(*dbx.DB); ok {
		return db.DB()
	}
	return Of(app)
}
