// Package calls is the life of a phone call.
//
// The provider (Vapi) holds the conversation and tells us about it in messages;
// this package answers the ones that need an answer and turns all of them into
// a call, its lines, its timeline and its report.
//
//   - Who answers: `assistant-request` is answered from memory (answer.go,
//     directory.go), so that no provider and no disk stands between the caller
//     and a voice.
//   - Who is called: the row comes first, with a promise to place it (placing.go);
//     the provider is asked in work of its own, and what became of asking is looked
//     up when no clear answer came (carry.go). Nothing is asked for twice.
//   - What happens: every message is stored once and applied in the same
//     transaction (vapi.go, write.go). What it means is decided by a pure
//     function (apply.go) that gives the same call for any order and any number
//     of repeats.
//   - What the assistant does: functions are called through the guarded client
//     and their results kept by the tool call's id (tools.go).
//   - What comes after: the recording is copied home (recordings.go), calls
//     whose report never came are asked for (reconcile.go), raw messages are
//     packed (pack.go). Usage, billing and webhooks follow from the row itself.
//
// Source of truth: the provider for what was said and what it cost, we for who
// the parties are and what people made of it.
package calls

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"golang.org/x/sync/singleflight"

	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Deps is what calls need from outside.
type Deps struct {
	Vapi   *vapi.Client
	Hub    *live.Hub
	Outbox *outbox.Outbox
	// Mirror makes an assistant again that the provider does not know any more.
	Mirror   *mirror.Mirror
	Schedule *schedule.Scheduler
	Sealed   *sealed.Box
	Facade   *facade.Facade
	// Forgotten are the callers organizations erased.
	Forgotten *forgotten.Callers
	// Keyring says for whom a message may speak that carries a secret.
	Keyring *keyring.Keyring
	// HMAC, when it has secrets, is accepted as well. Whoever runs the server
	// made that credential: it speaks for every organization.
	HMAC vapi.HMACConfig
	// Door reads what the provider sends; nil makes one with the usual limits.
	Door *intake.Door
	// PublicURL is where people reach this installation.
	PublicURL string
	// Functions reaches the URLs organizations chose (guarded).
	Functions *http.Client
	// Rate is how many messages a second one organization may send; 0 is
	// DefaultRate.
	Rate int
	// Installation tells this installation's calls from others' on the same account.
	Installation func() (string, error)
	// Now and After are the clock of placing calls; nil are the machine's.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

// engineKey lets tests wait for the engine of an app.
const engineKey = "pocketline.calls"

type engine struct {
	Deps
	app          core.App
	directory    *directory
	pace         *pace // messages in
	outbound     *pace // calls out
	totals       *remembered[int]
	metricsCache *remembered[metricsAnswer]
	running      singleflight.Group // tool calls in flight, by id
	placing      singleflight.Group // calls being placed, by id of the row
	life         context.Context    // ends with the program, a while after it was told to stop
	recent       *recentAnswers
	owners       *callOwners
	publisher    *publisher

	vitals    *vitals.Vitals
	later     sync.WaitGroup // messages stored after their answer
	late      chan late
	lateSlots chan struct{}
	dropped   atomic.Int64 // of those, not stored

	start     sync.Once
	reads     *sql.DB
	former    atomic.Bool // the search index of a release before is there (index.go)
	named     atomic.Bool // every contact's name is in its index (index.go)
	askedOpen string      // the last open call the provider was asked after; reconcile's own
	// lastUnheard is the last call of those nobody hears of that had its turn.
	lastUnheard string
	kept        sync.Map // query → *sql.Stmt
	keeps       atomic.Int32

	refused atomic.Int64 // messages without a valid proof
	unknown atomic.Int64 // messages of a type nobody documented
}

// Register binds the domain: the provider's messages, the documented routes,
// the dashboard's, the jobs, and what guards the rows.
func Register(app core.App, d Deps) {
	if d.Rate <= 0 {
		d.Rate = DefaultRate
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Installation == nil {
		d.Installation = func() (string, error) { return "", nil }
	}
	if d.After == nil {
		d.After = time.After
	}
	if d.Door == nil {
		d.Door = intake.NewDoor(intake.Limits{})
	}
	life, cut := context.WithCancel(context.Background())
	e := &engine{
		Deps: d, life: life, app: app, directory: newDirectory(app), recent: newRecentAnswers(), owners: newCallOwners(), publisher: newPublisher(app, d.Hub),
		pace: newPace(d.Rate, time.Second), outbound: newPace(outboundRate, time.Minute), totals: newRemembered[int](), metricsCache: newRemembered[metricsAnswer](),
		vitals: vitals.Of(app),
		late:   make(chan late, lateMax), lateSlots: make(chan struct{}, lateWriters),
	}
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := e.open(); err != nil {
			return err
		}
		e.webhookRoute(se)
		return se.Next()
	})
	app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		// Before the inbox stops.
		Priority: -1, Func: func(te *core.TerminateEvent) error {
			time.AfterFunc(stopGrace, cut)
			e.later.Wait()
			cut()
			return te.Next()
		},
	})
	app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		// After it: nothing is left to tell then, and the database still open.
		Priority: 1, Func: func(te *core.TerminateEvent) error {
			e.publisher.working.Wait()
			return te.Next()
		},
	})
	app.Store().Set(engineKey, e)
	e.documentWebhook()
	e.routes()
	e.documented()
	e.guardRecords()
	e.readNumbers()
	e.jobs()
}

// open finds the read connections; the database opens after Register.
func (e *engine) open() (err error) {
	e.start.Do(func() {
		db, ok := e.app.ConcurrentDB().(*dbx.DB)
		if !ok {
			err = errors.New("calls: opened inside a transaction")
			return
		}
		e.reads = db.DB()
		err = e.lookForFormer(context.Background())
	})
	return err
}

// maxKept bounds the prepared queries: a list's text depends on which filters
// are set, and people use few sets.
const maxKept = 64

// query reads with a prepared statement where the text was seen before: parsing
// and planning take longer than reading a page.
func (e *engine) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if s, ok := e.kept.Load(text); ok {
		return s.(*sql.Stmt).QueryContext(ctx, args...)
	}
	if e.keeps.Add(1) > maxKept {
		e.keeps.Add(-1)
		return e.reads.QueryContext(ctx, text, args...)
	}
	// The statement outlives the request that asked first.
	s, err := e.reads.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		e.keeps.Add(-1)
		return nil, err
	}
	if other, loaded := e.kept.LoadOrStore(text, s); loaded {
		e.keeps.Add(-1)
		s.Close()
		s = other.(*sql.Stmt)
	}
	return s.QueryContext(ctx, args...)
}

// box is the inbox, started on first use.
func (e *engine) box() (*inbox.Inbox, error) { return inbox.Of(e.app) }
