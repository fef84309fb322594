package database

import (
	"database/sql"
	"errors"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// Reading is the app's read connections. The database opens after the hooks are bound,
// and inside a transaction there is none to read beside it: both are errors.
func Reading(app core.App) (*sql.DB, error) {
	db, ok := app.ConcurrentDB().(*dbx.DB)
	if !ok || db == nil {
		return nil, errors.New("no connection to read by: the database is not open, or this is a transaction")
	}
	return db.DB(), nil
}
