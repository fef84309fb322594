package orgs

import (
	"errors"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// in is who the request acts as in the organization of its path; with roles,
// only for callers who have one of them.
func (d *domain) in(e *core.RequestEvent, roles ...string) (*tenant.Tenant, error) {
	t, err := tenant.In(e, e.Request.PathValue("organization"))
	if err != nil {
		return nil, err
	}
	if len(roles) > 0 && !t.Is(roles...) {
		return nil, e.ForbiddenError("Your role does not allow this.", nil)
	}
	return t, nil
}

// reads is the app's read connections; in a transaction, the transaction.
func reads(app core.App) atomic.Tx {
	if db, ok := app.ConcurrentDB().(*dbx.DB); ok {
		return db.DB()
	}
	return atomic.Of(app)
}

// makeRow saves a new row.
func makeRow(tx core.App, collection string, values map[string]any) (*core.Record, error) {
	c, err := tx.FindCachedCollectionByNameOrId(collection)
	if err != nil {
		return nil, err
	}
	r := core.NewRecord(c)
	r.Load(values)
	return r, tx.Save(r)
}

// rawJSON is a JSON column as it is stored, nil when it is empty.
func rawJSON(r *core.Record, field string) []byte {
	raw, _ := r.GetRaw(field).(types.JSONRaw)
	if s := string(raw); s == "" || s == "null" {
		return nil
	}
	return raw
}

// stamp writes a time as rows hold it.
func stamp(at time.Time) string { return at.UTC().Format(types.DefaultDateLayout) }

// said gives a stored time the documented form, nil when it is empty.
func said(stored string) any {
	at, err := types.ParseDateTime(stored)
	if err != nil || at.IsZero() {
		return nil
	}
	return at.Time().UTC().Format("2006-01-02T15:04:05.000Z")
}

// refuse is an error with a sentence for the caller.
func refuse(status int, sentence string) error { return router.NewApiError(status, sentence, nil) }

// hash is a condition: columns that equal values.
type hash = dbx.HashExp

// not is a condition: a column that differs from a value.
func not(column string, value any) dbx.Expression { return dbx.Not(dbx.HashExp{column: value}) }

// sentenceOf is what an error tells the caller, "" when it is none of theirs.
func sentenceOf(err error) string {
	var failure *facade.Failure
	if errors.As(err, &failure) {
		return failure.Text
	}
	var api *router.ApiError
	if errors.As(err, &api) {
		return api.Message
	}
	return ""
}
