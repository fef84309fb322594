// Package room is what the rooms of the house have in common: the tools each of
// them is given.
package room

import (
	"time"

	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Tools are the mechanisms every room may use, made once for all of them
// (hooks.Register): none is nil when a room is bound. What only one room needs stands in its Deps beside
// them.
type Tools struct {
	// Facade takes documented routes, Schedule jobs, Outbox what is owed to others.
	Facade   *facade.Facade
	Schedule *schedule.Scheduler
	Outbox   *outbox.Outbox
	// Mirror keeps the providers' copies of rows equal to them.
	Mirror *mirror.Mirror
	// Hub tells pages what happens; Drop ends what a person hears of an organization.
	Hub  *live.Hub
	Drop func(user, organization string)
	// Doors let in what providers send.
	Doors *inbox.Doors
	// Identity proves who asks. The room system alone has none: it is bound before.
	Identity *identity.Identity
	// Sealed keeps secrets, Keyring those of the organizations' webhooks.
	Sealed  *sealed.Box
	Keyring *keyring.Keyring
	// Forgotten are the callers organizations erased.
	Forgotten *forgotten.Callers
	// PublicURL is where people and providers reach this server, without a slash at
	// the end; "" when it is not known.
	PublicURL string
	// SignUp is "open" or "invite-only".
	SignUp string
	// Now is the clock.
	Now func() time.Time
}
