// Package outbox keeps promises: what is owed to a provider or to a customer's
// server is a row, written in the transaction of the change that made it, and
// delivered afterwards by a worker with retries.
//
// A row is claimed with a lease, handed to the handler of its kind with no lock
// held, and closed. A process that dies in between leaves the row to be claimed
// again when the next server starts (a data directory has one at a time) or the
// lease ends, so a handler sees a row at least once and must make twice the same
// as once: by the provider's idempotency key, or by looking before it creates.
package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

const (
	// handlerTimeout is what one delivery may take; three tries of 15 s at a
	// provider and a look fit.
	handlerTimeout = 60 * time.Second
	// lease is longer, so that a row is never given away under a handler.
	lease = 90 * time.Second
	// workers deliver at the same time: they wait for others' servers, not for
	// this machine.
	workers = 4
)

// delays are the waits after the first, second, … failure, each shortened at
// random (full jitter), so that what failed together does not return together.
// After the last the row is dead.
var delays = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}

// Row is a promise.
type Row struct {
	// ID is set by the outbox. It is stable over all tries: use it as
	// idempotency key.
	ID string
	// Organization may be empty: the installation's own business.
	Organization string
	// Kind chooses the handler.
	Kind string
	// Key makes the same promise made twice one row.
	Key string
	// Payload is stored as JSON, at most 1 MB; no secret belongs in it.
	Payload any
	// Attempt counts tries, this one included.
	Attempt int
}

// Decode reads the payload of a row given to a handler.
func (r Row) Decode(into any) error {
	raw, _ := r.Payload.(json.RawMessage)
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("payload of %s: %w", r.Key, err)
	}
	return nil
}

// Handler delivers one row. nil closes it; Dead gives it up; After puts it off
// at least that long, In exactly that long; any other error is tried again
// later. The context ends after a minute or when the program stops.
type Handler func(ctx context.Context, r Row) error

// Option shapes an Outbox.
type Option func(*Outbox)

// WithClock replaces the clock and the jitter (given the longest wait, it
// returns the wait), for tests.
func WithClock(now func() time.Time, jitter func(time.Duration) time.Duration) Option {
	return func(o *Outbox) { o.now, o.jitter = now, jitter }
}

// Outbox is the worker and its handlers. Make one with New.
type Outbox struct {
	app    core.App
	now    func() time.Time
	jitter func(time.Duration) time.Duration
	nudge  chan struct{}

	mu       sync.Mutex
	handlers map[string]kind
	hurried  map[string]bool // kinds to make due
	running  bool

	stop func()
}

type kind struct {
	do     Handler
	serial bool
}

// New returns an outbox whose worker runs from the start of serving to the end
// of the program.
func New(app core.App, options ...Option) *Outbox {
	o := &Outbox{
		app: app, now: time.Now, handlers: map[string]kind{}, hurried: map[string]bool{},
		nudge: make(chan struct{}, 1), stop: func() {},
		jitter: func(most time.Duration) time.Duration { return rand.N(most) + time.Millisecond },
	}
	for _, option := range options {
		option(o)
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		o.start()
		return e.Next()
	})
	app.OnTerminate().BindFunc(func(e *core.TerminateEvent) error {
		o.mu.Lock()
		stop := o.stop
		o.mu.Unlock()
		stop()
		return e.Next()
	})
	return o
}

// Handle sets the handler of a kind. Rows of a kind without one wait.
func (o *Outbox) Handle(name string, do Handler) { o.handle(name, kind{do: do}) }

// HandleSerial is Handle for promises that must not run side by side: rows
// whose keys agree up to the last colon are delivered one at a time.
func (o *Outbox) HandleSerial(name string, do Handler) { o.handle(name, kind{do: do, serial: true}) }

func (o *Outbox) handle(name string, k kind) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := o.handlers[name]; taken {
		panic(fmt.Sprintf("outbox: kind %q has a handler already", name))
	}
	o.handlers[name] = k
}

// Add promises r in tx, the transaction of the change that made it. A promise
// whose key exists already is not made again.
func (o *Outbox) Add(tx atomic.Tx, r Row) error {
	if r.Kind == "" || r.Key == "" {
		return errors.New("outbox: a promise needs a kind and a key")
	}
	payload, err := json.Marshal(r.Payload)
	if err != nil {
		return fmt.Errorf("outbox: payload of %s: %w", r.Key, err)
	}
	if len(payload) > collections.LargeJSON {
		return fmt.Errorf("outbox: payload of %s is too large (%d bytes)", r.Key, len(payload))
	}
	now := o.now()
	at := stamp(now)
	_, err = tx.Exec(`INSERT INTO outbox (id, organization, kind, [key], payload, status, attempts, next_at, lease_until, error, done_at, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?, '', '', '', ?, ?) ON CONFLICT ([key]) DO NOTHING`,
		collections.NewID(now), r.Organization, r.Kind, r.Key, string(payload), collections.OutboxPending, at, at, at)
	if err != nil {
		return fmt.Errorf("outbox: promise %s: %w", r.Key, err)
	}
	// The worker claims with a write, which waits for this transaction to end:
	// waking it before the commit loses nothing.
	o.Nudge()
	return nil
}

// Nudge makes the worker look at once. It never blocks.
func (o *Outbox) Nudge() {
	select {
	case o.nudge <- struct{}{}:
	default:
	}
}

// Running tells whether the worker is at work. In a command-line process it is
// not; Deliver does its work there.
func (o *Outbox) Running() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.running
}

type deadError struct{ error }

func (e deadError) Unwrap() error { return e.error }

// Dead gives a promise up: trying again cannot help. A person may.
func Dead(err error) error {
	if err == nil {
		return nil
	}
	return deadError{err}
}

type afterError struct {
	error
	wait time.Duration
}

func (e afterError) Unwrap() error { return e.error }

// After puts the next try off for at least d: the other side asked for it.
func After(d time.Duration, err error) error {
	if err == nil || d <= 0 {
		return err
	}
	return afterError{err, d}
}

type inError struct {
	error
	wait time.Duration
}

func (e inError) Unwrap() error { return e.error }

// In asks for the next try in exactly d: nothing failed that waiting longer
// would spare, as when somebody looks whether something has come. It may be
// hurried.
func In(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return inError{err, max(d, 0)}
}

// verdict says what becomes of a row after its try number attempt failed.
func verdict(attempt int, err error, jitter func(time.Duration) time.Duration) (wait time.Duration, dead bool) {
	var given deadError
	if errors.As(err, &given) {
		return 0, true
	}
	var exact inError
	if errors.As(err, &exact) {
		return exact.wait, false
	}
	if attempt > len(delays) {
		return 0, true
	}
	wait = jitter(delays[max(attempt, 1)-1])
	var asked afterError
	if errors.As(err, &asked) {
		wait = max(wait, asked.wait)
	}
	return wait, false
}

// stamp writes a time as PocketBase stores it.
func stamp(t time.Time) string { return t.UTC().Format(types.DefaultDateLayout) }
