package hooks

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// access answers the live streams: who may listen to what.
type access struct{ app core.App }

// MayFollow implements live.Access.
func (a access) MayFollow(user *core.Record, organization string) bool {
	return user.IsSuperuser() || tenant.MembershipOf(a.app, user.Id, organization) != nil
}

// MayHear implements live.Access.
func (a access) MayHear(user *core.Record, organization string) bool {
	return user.IsSuperuser() || tenant.Holds(a.app, user.Id, organization, collections.CanViewCalls)
}
