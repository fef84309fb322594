// Package onboarding is the first set-up: it makes an organization with everything that
// belongs to it (its owner, its opening hours, its first assistant) in one change, and
// says of each documented step whether this version did it.
//
// The wallet and the trial follow from the organization's row (hooks/orgs), the copy
// of the assistant from the assistant's (hooks/assistants).
package onboarding

import (
	"context"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/room"
)

// Deps are what the domain needs.
type Deps struct {
	room.Tools
	// Wait returns when the provider's copy of a record is equal or a try has
	// failed (mirror.Wait).
	Wait func(ctx context.Context, record *core.Record) error
	// PerPerson is how many organizations a person may create; 0 is no limit.
	PerPerson int
}

type domain struct{ Deps }

// Register binds the domain.
func Register(deps Deps) {
	d, f := &domain{deps}, deps.Facade
	f.Handle(createOrganizationRoute, d.createOrganization)
	f.Handle(onboardRoute, d.onboard)
	f.Handle(createEntityRoute, d.createEntity)
}
