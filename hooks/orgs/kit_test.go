package orgs_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/orgs"
)

// desk is the domain on a seeded app, over the wire.
type desk struct {
	*testkit.Client
	t        testing.TB
	app      *tests.TestApp
	outbox   *outbox.Outbox
	schedule *schedule.Scheduler
	facade   *facade.Facade
	router   *router.Router[*core.RequestEvent]
	dropped  []string // streams that were ended: user@organization
}

// open makes a desk; more changes what the domain is given, bind adds hooks.
func open(t testing.TB, more func(*orgs.Deps), bind ...func(core.App)) *desk {
	t.Helper()
	box, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	erased, err := forgotten.New(make([]byte, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t}
	d.app = testkit.New(t, append(bind, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		audit.Register(app)
		d.facade = facade.New(app)
		d.outbox, d.schedule = outbox.New(app), schedule.New(app)
		deps := orgs.Deps{
			Drop:   func(user, organization string) { d.dropped = append(d.dropped, user+"@"+organization) },
			Facade: d.facade, Outbox: d.outbox, Schedule: d.schedule, Sealed: box, PublicURL: "https://desk.example.com", PerPerson: 10,
			Forgotten: erased, Keyring: keyring.New(app, box, nil), Copies: mirror.New(app, d.outbox),
		}
		if more != nil {
			more(&deps)
		}
		orgs.Register(app, deps)
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			d.facade.Mount(se)
			d.router = se.Router
			return se.Next()
		})
	})...)
	d.Client = testkit.API(t, d.app)
	return d
}

// find is the first row that matches, nil when there is none.
func (d *desk) find(collection, filter string) *core.Record {
	d.t.Helper()
	rows, err := d.app.FindRecordsByFilter(collection, filter, "-created", 1, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(rows) == 0 {
		return nil
	}
	return rows[0]
}

func (d *desk) count(query string) (n int) {
	d.t.Helper()
	if err := d.app.DB().NewQuery(query).Row(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// set changes columns of a row behind the routes.
func (d *desk) set(collection, id string, values map[string]any) {
	d.t.Helper()
	r, err := d.app.FindRecordById(collection, id)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Load(values)
	if err := d.app.Save(r); err != nil {
		d.t.Fatal(err)
	}
}

// byHand stops the outbox's worker: from here on deliver does its work.
func (d *desk) byHand() {
	d.t.Helper()
	event := new(core.TerminateEvent)
	event.App = d.app
	if err := d.app.OnTerminate().Trigger(event); err != nil {
		d.t.Fatal(err)
	}
}

// deliver does what the outbox owes.
func (d *desk) deliver() {
	d.t.Helper()
	if _, err := d.outbox.Deliver(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

// audited tells how many lines the log has about an action.
func (d *desk) audited(action string) int {
	d.t.Helper()
	return d.count("SELECT count(*) FROM " + collections.AuditLogs + " WHERE action = '" + action + "'")
}

// Handler serves the desk to several callers at once.
func (d *desk) Handler() http.Handler {
	d.t.Helper()
	mux, err := d.router.BuildMux()
	if err != nil {
		d.t.Fatal(err)
	}
	return mux
}

// execute changes the database behind everybody.
func (d *desk) execute(statement string) {
	d.t.Helper()
	if _, err := d.app.NonconcurrentDB().NewQuery(statement).Execute(); err != nil {
		d.t.Fatalf("%s: %v", statement, err)
	}
}
