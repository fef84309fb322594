package refusal

import (
	"context"
	"errors"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Left tells whether work for a request ended because whoever asked had left, and the
// error says nothing else.
func Left(e *core.RequestEvent, err error) bool {
	if err == nil || !errors.Is(e.Request.Context().Err(), context.Canceled) {
		return false
	}
	if stopped(err) {
		return true
	}
	var api *router.ApiError
	if !errors.As(err, &api) {
		return false
	}
	behind, ok := api.RawData().(error)
	return ok && stopped(behind)
}

// stopped tells of an error that only says that somebody wanted no more of it.
func stopped(err error) bool {
	var database *sqlite.Error
	return errors.Is(err, context.Canceled) || errors.As(err, &database) && database.Code()&0xff == sqlite3.SQLITE_INTERRUPT
}
