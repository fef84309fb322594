package lists

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// CallToView is the call of the path, in its organization; 404 for everybody who
// may not view it.
func CallToView(app core.App, re *core.RequestEvent) (*core.Record, *tenant.Tenant, error) {
	call, err := database.Found(app.FindRecordById(collections.Calls, re.Request.PathValue("id")))
	if err != nil {
		return nil, nil, err
	}
	if call == nil {
		return nil, nil, refusal.Of("not_found/call")
	}
	t, err := tenant.In(re, call.GetString("organization"))
	if err != nil {
		return nil, nil, refusal.Of("not_found/call")
	}
	if !t.Can(collections.CanViewCalls) {
		return nil, nil, refusal.Of("forbidden/viewing")
	}
	return call, t, nil
}

// CallToWork is CallToView for people who may act in calls.
func CallToWork(app core.App, re *core.RequestEvent) (*core.Record, *tenant.Tenant, error) {
	call, t, err := CallToView(app, re)
	if err == nil && !MayWork(t) {
		return nil, nil, refusal.Of("forbidden/acting")
	}
	return call, t, err
}

// MayWork tells who may act in calls: the roles that work them, when they may
// view them.
func MayWork(t *tenant.Tenant) bool {
	return t.Can(collections.CanViewCalls) && t.Is(collections.Owner, collections.Admin, collections.Manager,
		collections.Agent)
}
