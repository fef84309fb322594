// Package orgs is about people, organizations and who belongs where.
//
// A membership is the only thing that opens an organization. When it ends, is
// suspended or changes its rights, what the person still hears ends with it:
// dashboards subscribe again and are asked for their rights again. A person
// who is deactivated loses every stream at once.
package orgs

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Deps are what the domain needs.
type Deps struct {
	// Drop ends what a person hears of an organization (live.Hub.Drop).
	Drop func(user, organization string)
	// Pictures reaches addresses people chose (guarded); nil fetches none.
	Pictures *http.Client
	Facade   *facade.Facade
	Outbox   *outbox.Outbox
	Schedule *schedule.Scheduler
	Sealed   *sealed.Box
	// Wait returns when the provider's copy of a record is equal or a try has
	// failed (mirror.Wait).
	Wait func(ctx context.Context, record *core.Record) error
	// Keyring holds the organizations' webhook secrets, Copies what carries them
	// at the provider.
	Keyring *keyring.Keyring
	Copies  *mirror.Mirror
	// PublicURL has no slash at the end; "" when it is not known.
	PublicURL string
	// PerPerson is how many organizations a person may create; 0 is no limit.
	PerPerson int
	// SignUp is "open" or "invite-only".
	SignUp string
	// Forgotten are the callers organizations erased.
	Forgotten *forgotten.Callers
	// Installation is what the compliance pack says of the server.
	Installation Installation
	// Now is the clock and Delay holds an answer back; nil are the machine's.
	Now   func() time.Time
	Delay func(ctx context.Context, d time.Duration)
}

type domain struct {
	Deps
	app      core.App
	identity *identity.Identity
	// exporting holds the organizations an export of which is under way.
	exporting sync.Map
	// erasing holds who waits for an erasure: a channel a request.
	erasing sync.Map
	// fetching has a place for each picture that is fetched.
	fetching chan struct{}
}

func (d *domain) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// Register binds the domain.
func Register(app core.App, deps Deps) {
	d := &domain{Deps: deps, app: app, fetching: make(chan struct{}, picturesAtOnce)}
	d.people() // who somebody is, and what is asked of them (identity.go)

	// Streams end when rights do.
	app.OnRecordAfterUpdateSuccess(collections.Memberships).BindFunc(d.afterMembershipChanged)
	app.OnRecordAfterDeleteSuccess(collections.Memberships).BindFunc(d.afterMembershipChanged)
	app.OnRecordAfterUpdateSuccess(collections.Users).BindFunc(afterUserChanged)
	app.OnRecordAfterDeleteSuccess(collections.Users).BindFunc(afterUserChanged)

	// Organizations: their columns, their money, what their plan allows.
	app.OnRecordCreate(collections.Organizations).BindFunc(fillOrganization)
	app.OnRecordValidate(collections.Organizations).BindFunc(validateOrganization)
	atomic.On(app, collections.Organizations, atomic.Created, "orgs: open the wallet and start the trial", openAccount)
	d.keepToPlan()
	d.organizations() // list, select, limits, open (organizations.go, limits.go, allokoli.go)
	d.creation()      // create, onboarding (create.go)

	// People: who belongs, who is invited.
	d.watchMemberships() // the last owner stays (membership.go)
	d.team()             // list, change, remove, suspend, transfer, leave (team.go, members.go, invitations.go)
	d.acceptance()       // what an invited person does (accept.go)
	d.Outbox.Handle(mailInvite, d.sendInvite)
	d.Schedule.Add(schedule.Job{ID: "invitations.expire", Spec: "17 * * * *", Run: d.expire})

	// The end of an organization, and many at once.
	d.exports()  // everything as one archive (export.go)
	d.deletion() // delete, restore, the job organizations.purge (delete.go, purge.go)
	d.agency()   // a row a client, bulk changes (agency.go)
}

// rights are the columns of a membership that open or close something.
var rights = append([]string{"status", "role", "user", "organization"}, collections.Capabilities...)

func (d *domain) afterMembershipChanged(e *core.RecordEvent) error {
	before := e.Record.Original()
	changed := e.Type == core.ModelEventTypeDelete
	for _, column := range rights {
		changed = changed || before.GetString(column) != e.Record.GetString(column)
	}
	if changed && d.Drop != nil {
		d.Drop(e.Record.GetString("user"), e.Record.GetString("organization"))
	}
	return e.Next()
}

// afterUserChanged ends the streams of a person who may no longer be here.
func afterUserChanged(e *core.RecordEvent) error {
	if e.Type == core.ModelEventTypeDelete || !e.Record.GetBool("is_active") {
		for id, client := range e.App.SubscriptionsBroker().Clients() {
			if auth, ok := client.Get(apis.RealtimeClientAuthKey).(*core.Record); ok && auth != nil && auth.Id == e.Record.Id {
				e.App.SubscriptionsBroker().Unregister(id)
			}
		}
	}
	return e.Next()
}
