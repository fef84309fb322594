package inbox

import (
	"cmp"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rate"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// Deps are what the doors need.
type Deps struct {
	// Intake reads bodies within the installation's budget; nil has the usual limits.
	Intake *intake.Door
	// Sealed closes what nobody could read.
	Sealed *sealed.Box
	// Schedule runs what is to be done again, Outbox what somebody waits for.
	Schedule *schedule.Scheduler
	Outbox   *outbox.Outbox
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

// Doors are where messages of providers come in, one door for each source. Make them
// with NewDoors.
type Doors struct {
	Deps
	app    core.App
	vitals *vitals.Vitals
	open   map[string]*door // by provider

	answered  sync.WaitGroup // messages that are stored after their answer
	late      chan late
	lateSlots chan struct{}
	dropped   atomic.Int64 // of those, not stored
	kept      kept         // of those, the ones that found no room yet
}

// door is a source that is open.
type door struct {
	*Doors
	Source
	bodies *intake.Door
	pace   *rate.Pace // nil lets any number through
}

// NewDoors returns doors without a source: rooms open theirs with Open, before the
// app serves.
func NewDoors(app core.App, deps Deps) *Doors {
	if deps.Intake == nil {
		deps.Intake = intake.NewDoor(intake.Limits{})
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	d := &Doors{
		Deps: deps, app: app, vitals: vitals.Of(app), open: map[string]*door{},
		late: make(chan late, lateMax), lateSlots: make(chan struct{}, lateWriters),
	}
	app.Store().Set(doorsKey, d)
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		for _, one := range d.open {
			one.bind(se)
		}
		return se.Next()
	})
	app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		// Before the writer stops.
		Priority: -1, Func: func(te *core.TerminateEvent) error {
			d.Settle()
			d.lastTry()
			return te.Next()
		},
	})
	deps.Outbox.Handle(claimKind, outbox.Kind{}, d.claim)
	deps.Schedule.Add(schedule.Job{ID: "inbox.retry", Spec: "* * * * *", Run: d.retry})
	deps.Schedule.Add(schedule.Job{ID: "inbox.pack", Spec: "*/5 * * * *", Run: d.pack})
	return d
}

// Open lets messages of a source in. A provider has one.
func (d *Doors) Open(s Source) {
	if d.open[s.Provider] != nil {
		panic("inbox: the door of " + s.Provider + " is open already")
	}
	s.Refusal = cmp.Or(s.Refusal, http.StatusUnauthorized)
	one := &door{Doors: d, Source: s, bodies: d.Intake.Within(s.Limit)}
	if s.Rate > 0 {
		one.pace = rate.NewPace(s.Rate, time.Second, d.Now)
	}
	d.open[s.Provider] = one
}

// doorsKey is where the writer finds the doors of its app.
const doorsKey = "pocketline.inbox.doors"

// traceOf is the Trace of a provider's source.
func traceOf(app core.App, provider string) string {
	if d, made := app.Store().Get(doorsKey).(*Doors); made && d.open[provider] != nil {
		return d.open[provider].Trace
	}
	return ""
}

// Settle waits until what was answered is stored.
func (d *Doors) Settle() { d.answered.Wait() }

// bind adds the routes. No user signs them in, no request log is written, and
// PocketBase's per-address limiter does not see them: all messages of an account come
// from few addresses.
func (d *door) bind(se *core.ServeEvent) {
	for path, kind := range d.Paths {
		receive := func(re *core.RequestEvent) error { return d.receive(re, kind) }
		d.bodies.Opens(se.Router.POST(path, receive))
		if d.Probe != "" {
			se.Router.GET(path, func(re *core.RequestEvent) error { return re.String(http.StatusOK, d.Probe) }).
				Unbind(apis.DefaultActivityLoggerMiddlewareId)
		}
	}
}
