// Package deskkit opens a desk for tests: a seeded app with the mechanisms of the
// house and the rooms a test binds, asked over the wire.
//
//	d := deskkit.Open(t, func(d *deskkit.Desk) { messaging.Register(d, d.Tools) })
//	d.Do("POST", "/api/saved-replies", testkit.AcmeViewer, body).Want(403).Nothing()
package deskkit

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Address is where the desk is reached, and WebhookSecret what opens it to its phone
// provider.
const (
	Address       = "https://desk.example.com"
	WebhookSecret = "test-secret-of-this-desk"
)

// Desk is the house for one test: the app, its people (Do) and the tools its rooms
// are given.
type Desk struct {
	*testkit.Client
	*tests.TestApp
	room.Tools
	T      testing.TB
	Router *router.Router[*core.RequestEvent]
	// Dropped are streams that were ended: user@organization.
	Dropped []string
}

// Settings are what a test decides before the mechanisms are made.
type Settings struct {
	// Now is the clock of the mechanisms and the rooms; nil is the machine's.
	Now func() time.Time
	// Jitter is the wait out of at most so long before a promise is tried again; nil
	// is any.
	Jitter func(most time.Duration) time.Duration
	// Wait holds answers back that tell nothing by their length; nil waits.
	Wait func(ctx context.Context, length time.Duration)
	// Heard gets every statement the databases do; nil listens to none.
	Heard func(statement string)
}

// Open opens a desk; bind binds the rooms it is about.
func Open(t testing.TB, bind ...func(*Desk)) *Desk {
	t.Helper()
	return Settings{}.Open(t, bind...)
}

// Open opens a desk with these settings.
func (s Settings) Open(t testing.TB, bind ...func(*Desk)) *Desk {
	t.Helper()
	d := &Desk{T: t}
	testkit.NewHeard(t, s.Heard, func(app core.App) {
		d.TestApp = app.(*tests.TestApp)
		d.mechanisms(s)
		for _, b := range bind {
			b(d)
		}
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			d.Facade.Mount(se)
			d.Router = se.Router
			return se.Next()
		})
	})
	d.Client = testkit.API(t, d.TestApp) // workers run from here on
	return d
}

// mechanisms makes the tools, and binds people and the log, which every room is asked by.
func (d *Desk) mechanisms(s Settings) {
	d.T.Helper()
	d.Tools = s.Mechanisms(d.T, d.TestApp)
	d.Drop = func(user, organization string) { d.Dropped = append(d.Dropped, user+"@"+organization) }
	audit.Register(d.TestApp)
	d.Identity = identity.Register(d.TestApp, identity.Options{Sealed: d.Sealed, Outbox: d.Outbox, Drop: d.Drop,
		Now: s.Now, Wait: s.Wait})
}

// Mechanisms makes the tools of rooms on an app, in the product's order
// (hooks.Register). People are not among them.
func (s Settings) Mechanisms(t testing.TB, app core.App) room.Tools {
	t.Helper()
	box, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	erased, err := forgotten.New(make([]byte, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	tenant.Register(app, tenant.AnswerLimits{})
	inbox.Register(app)
	var owes []outbox.Option
	var copies []mirror.Option
	if s.Now != nil {
		if s.Jitter == nil {
			s.Jitter = func(most time.Duration) time.Duration { return rand.N(most) + time.Millisecond }
		}
		owes, copies = append(owes, outbox.WithClock(s.Now, s.Jitter)), append(copies, mirror.WithClock(s.Now))
	}
	tools := room.Tools{
		Facade: facade.New(app), Schedule: schedule.New(app), Outbox: outbox.New(app, owes...),
		Hub: live.New(app, access{app}, 0), Sealed: box, Forgotten: erased, PublicURL: Address, Now: time.Now,
		Keyring: keyring.New(app, box,
			map[string]keyring.Installation{collections.ProviderVapi: {Given: []string{WebhookSecret}}}),
	}
	if s.Now != nil {
		tools.Now = s.Now
	}
	tools.Mirror = mirror.New(app, tools.Outbox, copies...)
	tools.Doors = inbox.NewDoors(app,
		inbox.Deps{Sealed: box, Schedule: tools.Schedule, Outbox: tools.Outbox, Now: s.Now})
	return tools
}

// access answers the live streams as the product does.
type access struct{ app core.App }

func (a access) MayFollow(user *core.Record, organization string) bool {
	return tenant.MembershipOf(a.app, user.Id, organization) != nil
}

func (a access) MayHear(user *core.Record, organization string) bool {
	return tenant.Holds(a.app, user.Id, organization, collections.CanViewCalls)
}

// Find is the first row that matches, nil when there is none.
func (d *Desk) Find(collection, filter string) *core.Record {
	d.T.Helper()
	found, err := d.FindRecordsByFilter(collection, filter, "-created", 1, 0)
	if err != nil {
		d.T.Fatal(err)
	}
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// Row is the row with this id.
func (d *Desk) Row(collection, id string) *core.Record {
	d.T.Helper()
	r, err := d.FindRecordById(collection, id)
	if err != nil {
		d.T.Fatal(err)
	}
	return r
}

// Count is the one number a query answers.
func (d *Desk) Count(query string) (n int) {
	d.T.Helper()
	if err := d.DB().NewQuery(query).Row(&n); err != nil {
		d.T.Fatal(err)
	}
	return n
}

// Set changes columns of a row behind the routes.
func (d *Desk) Set(collection, id string, values map[string]any) {
	d.T.Helper()
	r := d.Row(collection, id)
	r.Load(values)
	if err := d.Save(r); err != nil {
		d.T.Fatal(err)
	}
}

// Execute changes the database behind everybody.
func (d *Desk) Execute(statement string) {
	d.T.Helper()
	if _, err := d.NonconcurrentDB().NewQuery(statement).Execute(); err != nil {
		d.T.Fatalf("%s: %v", statement, err)
	}
}

// ByHand stops the workers and the jobs' clock: from here on Deliver does the
// outbox's work.
func (d *Desk) ByHand() {
	d.T.Helper()
	event := new(core.TerminateEvent)
	event.App = d.TestApp
	if err := d.OnTerminate().Trigger(event); err != nil {
		d.T.Fatal(err)
	}
}

// Deliver does what the outbox owes.
func (d *Desk) Deliver() {
	d.T.Helper()
	if _, err := d.Outbox.Deliver(context.Background()); err != nil {
		d.T.Fatal(err)
	}
}

// Audited tells how many lines the log has about an action.
func (d *Desk) Audited(action string) int {
	d.T.Helper()
	return d.Count("SELECT count(*) FROM " + collections.AuditLogs + " WHERE action = '" + action + "'")
}
