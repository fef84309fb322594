// Package calls is the life of a phone call.
//
// The provider (Vapi) holds the conversation and tells us about it in messages;
// this package answers the ones that need an answer and turns all of them into
// a call, its lines, its timeline and its report.
//
//   - Who answers: `assistant-request` is answered from memory (answer.go,
//     directory.go), so that no provider and no disk stands between the caller
//     and a voice.
//   - Who is called: the row comes first, with a promise to place it; the provider
//     is asked in work of its own (package placing).
//   - What happens: every message is stored once and applied in the same
//     transaction (vapi.go, package store). It becomes facts in words of no provider
//     (package vapifacts); what they mean is decided by a pure function (package
//     fold) that gives the same call for any order and any number of repeats.
//   - What the assistant does: functions are called through the guarded client
//     and their results kept by the tool call's id (package tools).
//   - What people do meanwhile: they hang up, speak, and listen (package control).
//   - What comes after: the recording is copied home (package sound), calls
//     whose report never came are asked for (reconcile.go), package inbox packs
//     what came, as pack.go says. Usage, billing and webhooks follow from the row itself.
//
// Source of truth: the provider for what was said and what it cost, we for who
// the parties are and what people made of it.
package calls

import (
	"database/sql"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/contacts"
	"github.com/pocketline/pocketline/hooks/calls/control"
	"github.com/pocketline/pocketline/hooks/calls/documented"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/calls/sound"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/calls/tools"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Deps is what calls need from outside. The mirror makes an assistant again that
// the provider does not know any more; the keyring says for whom a message may speak
// that carries a secret.
type Deps struct {
	room.Tools
	Vapi *vapi.Client
	// HMAC, when it has secrets, is accepted as well. Whoever runs the server
	// made that credential: it speaks for every organization.
	HMAC vapi.HMACConfig
	// Functions reaches the URLs organizations chose (guarded).
	Functions *http.Client
	// Rate is how many messages a second one organization may send; 0 is
	// DefaultRate.
	Rate int
	// PerMinute is how many calls a minute one organization may place; 0 is what placing
	// allows.
	PerMinute int
	// Installation tells this installation's calls from others' on the same account.
	Installation func() (string, error)
	// After is how long people wait by; nil is the machine's clock.
	After func(time.Duration) <-chan time.Time
}

// DefaultRate is how many messages a second one organization may send: well above
// what its lines can produce (security.md S29).
const DefaultRate = 1000

type engine struct {
	Deps
	app       core.App
	directory *directory
	placer    *placing.Placer
	lists     *lists.Lists
	tools     *tools.Runner
	known     *remembered.Cache[fold.Source, knownCall]
	store     *store.Store

	opening sync.Mutex
	reads   *sql.DB
}

// Register binds the domain: the provider's messages, the documented routes,
// the dashboard's, the jobs, and what guards the rows.
// The package's tests ask what it returns.
func Register(app core.App, d Deps) *engine {
	if d.Rate <= 0 {
		d.Rate = DefaultRate
	}
	if d.Installation == nil {
		d.Installation = func() (string, error) { return "", nil }
	}
	if d.After == nil {
		d.After = time.After
	}
	found := lists.Deps{Facade: d.Facade, Schedule: d.Schedule}
	switch {
	case !d.Vapi.HasKey():
		found.Lacks = "no_key"
	case d.PublicURL == "":
		found.Lacks = "no_address"
	}
	if d.Mirror != nil {
		found.Held = d.Mirror.Installation.Held
	}
	recordings := sound.Register(app, sound.Deps{Vapi: d.Vapi, Hub: d.Hub, Outbox: d.Outbox, Schedule: d.Schedule,
		Facade: d.Facade})
	e := &engine{
		store: store.New(app, d.Hub, recordings.Owe),
		lists: lists.Register(app, found),
		Deps:  d, app: app, directory: newDirectory(app), known: newKnown(),
		tools: tools.New(app, tools.Deps{Sealed: d.Sealed, Functions: d.Functions}),
	}
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := e.open(); err != nil {
			return err
		}
		return se.Next()
	})
	rc := &reconciler{engine: e}
	e.placer = placing.Register(app, placing.Deps{
		Vapi: d.Vapi, Hub: d.Hub, Outbox: d.Outbox, Mirror: d.Mirror, Facade: d.Facade, Store: e.store,
		Installation: d.Installation,
		PerMinute:    d.PerMinute, Now: d.Now, After: d.After, KeepControl: e.keepControl, Known: known(d.Doors),
		Mend: rc.mend,
	})
	app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		// After it: nothing is left to tell then, and the database still open.
		Priority: 1, Func: func(te *core.TerminateEvent) error {
			e.store.Wait()
			return te.Next()
		},
	})
	d.Doors.Open(e.source())
	e.bindAppeared(collections.PhoneNumbers, "vapi_phone_id")
	e.bindAppeared(collections.Assistants, "vapi_assistant_id")
	for _, route := range webhookRoutes() {
		d.Facade.Document(route)
	}
	during := control.Register(app, control.Deps{
		Vapi: d.Vapi, Hub: d.Hub, Sealed: d.Sealed, Facade: d.Facade, Store: e.store, Placer: e.placer, Now: d.Now,
	})
	documented.Register(app, documented.Deps{
		Facade: d.Facade, Lists: e.lists, Placer: e.placer, Control: during, Store: e.store,
		PublicURL: d.PublicURL, Now: d.Now,
	})

	// What people may do to calls beside the access rules: facts of the provider stay,
	// and a deleted call stays deleted.
	app.OnRecordCreateRequest(collections.Calls).BindFunc(e.beforeWritten)
	app.OnRecordUpdateRequest(collections.Calls).BindFunc(keepFacts)
	app.OnRecordDeleteRequest(collections.Calls).BindFunc(keepUnclear)
	app.OnRecordCreate(collections.Calls).BindFunc(recordReached)
	app.OnRecordUpdate(collections.Calls).BindFunc(recordReached)
	app.OnRecordDelete(collections.Calls).BindFunc(deleteThoroughly)
	atomic.On(app, collections.Calls, atomic.Deleted, "calls: remember that it was deleted, erase the provider's copy",
		e.bury)
	atomic.On(app, collections.Calls, atomic.Updated, "calls: search finds the summary as it is",
		e.findSummary, "summary")
	d.Outbox.Handle(vapicopy.EraseKind, outbox.Kind{Provider: collections.ProviderVapi}, e.erase)

	// Numbers in rows people write. What the provider's messages bring is read on its
	// way in (package fold).
	contacts.Register(app, contacts.Deps{Facade: d.Facade, Hub: d.Hub})
	app.OnRecordCreate(collections.Contacts).BindFunc(readContact)
	app.OnRecordUpdate(collections.Contacts).BindFunc(readContact)
	app.OnRecordCreate(collections.Calls).BindFunc(readCall)
	app.OnRecordUpdate(collections.Calls).BindFunc(readCall)

	d.Schedule.Add(schedule.Job{ID: "calls.reconcile", Spec: "*/10 * * * *", Run: rc.reconcile})
	// Once: it has nothing to do after it came to its end. A start runs it as well.
	d.Schedule.Add(schedule.Job{ID: NormalizeJob, Spec: "43 * * * *", Run: e.normalize})
	return e
}

// open finds the read connections; the database opens after Register. What failed is
// tried again by who comes next.
func (e *engine) open() error {
	e.opening.Lock()
	defer e.opening.Unlock()
	if e.reads != nil {
		return nil
	}
	if err := e.lists.Open(); err != nil {
		return err
	}
	reads, err := database.Reading(e.app)
	if err != nil {
		return fmt.Errorf("calls: %w", err)
	}
	e.reads = reads
	return nil
}
