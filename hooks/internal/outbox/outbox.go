// Package outbox keeps promises: what is owed to a provider or to a customer's
// server is a row, written in the transaction of the change that made it, and
// delivered afterwards by a worker with retries.
//
// Rows wait in lanes: what hangs holds up what is in its own lane, and nothing else.
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
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

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
	// Due is the moment before which nobody begins to keep it; zero is now.
	Due time.Time
	// Attempt counts tries, this one included; those that ended with In do not count.
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
// later. The context ends with the kind's timeout or when the program stops.
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
	sleep  func(time.Duration) *time.Timer // until the worker looks without a nudge
	nudge  chan struct{}

	claiming sync.Mutex // held while a row is chosen: lanes are counted

	mu       sync.Mutex
	handlers map[string]handled
	hurried  map[string]bool // kinds to make due
	under    underWay
	running  bool

	stop func()
}

type handled struct {
	Kind
	do Handler
}

// New returns an outbox whose worker runs from the start of serving to the end
// of the program.
func New(app core.App, options ...Option) *Outbox {
	o := &Outbox{
		app: app, now: time.Now, sleep: time.NewTimer, handlers: map[string]handled{}, hurried: map[string]bool{},
		under: underWay{lanes: map[string]int{}, kinds: map[string]int{}, most: map[string]int{}},
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
	app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		// Before what deliveries need stops: whoever does their work ends at -1.
		Priority: -2, Func: func(e *core.TerminateEvent) error {
			o.mu.Lock()
			stop := o.stop
			o.mu.Unlock()
			stop()
			return e.Next()
		},
	})
	return o
}

// Handle says how promises of a kind are kept, once. Rows of a kind without a
// handler wait.
func (o *Outbox) Handle(name string, k Kind, do Handler) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := o.handlers[name]; taken {
		panic(fmt.Sprintf("outbox: kind %q has a handler already", name))
	}
	o.handlers[name] = handled{k.filled(name), do}
}

// kindOf is how a kind is kept, by default as long as it has no handler.
func (o *Outbox) kindOf(name string) handled {
	o.mu.Lock()
	defer o.mu.Unlock()
	if k, ok := o.handlers[name]; ok {
		return k
	}
	return handled{Kind: Kind{}.filled(name)}
}

// Add promises r in tx, the transaction of the change that made it. A promise
// whose key exists already is not made again.
func (o *Outbox) Add(tx atomic.Tx, r Row) error {
	_, err := o.add(tx, r, `DO NOTHING`)
	return err
}

// Renew is Add for a promise that is worth making again: one of its key that was
// kept or given up is owed anew, with all its tries. It tells whether r is owed
// since now; one that is open stays as it is.
func (o *Outbox) Renew(tx atomic.Tx, r Row) (owed bool, err error) {
	return o.add(tx, r, `DO UPDATE SET payload = excluded.payload, status = excluded.status, attempts = 0, next_at = excluded.next_at,
		lease_until = '', error = '', done_at = '', updated = excluded.updated WHERE status IN ('done', 'dead')`)
}

// add inserts r; conflict says what becomes of a row that has its key.
func (o *Outbox) add(tx atomic.Tx, r Row, conflict string) (changed bool, err error) {
	if r.Kind == "" || r.Key == "" {
		return false, errors.New("outbox: a promise needs a kind and a key")
	}
	payload, err := encode(r.Key, r.Payload)
	if err != nil {
		return false, err
	}
	now := o.now()
	at, due := rows.Stamp(now), rows.Stamp(now)
	if r.Due.After(now) {
		due = rows.Stamp(r.Due)
	}
	result, err := tx.Exec(`INSERT INTO outbox
		(id, organization, kind, [key], lane, payload, status, attempts, next_at, lease_until, error, done_at, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, '', '', '', ?, ?) ON CONFLICT ([key]) `+conflict,
		collections.NewID(now), r.Organization, r.Kind, r.Key, o.kindOf(r.Kind).Lane(r), payload,
		collections.OutboxPending, due, at, at)
	if err != nil {
		return false, fmt.Errorf("outbox: promise %s: %w", r.Key, err)
	}
	n, err := result.RowsAffected()
	if err != nil || n == 0 {
		return false, err
	}
	// The worker claims with a write, which waits for this transaction to end:
	// waking it before the commit loses nothing.
	o.Nudge()
	return true, nil
}

// encode is a payload as it is stored.
func encode(key string, payload any) (string, error) {
	raw, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("outbox: payload of %s: %w", key, err)
	}
	if len(raw) > collections.LargeJSON {
		return "", fmt.Errorf("outbox: payload of %s is too large (%d bytes)", key, len(raw))
	}
	return string(raw), nil
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
// would spare, as when somebody looks whether something has come. It uses up no
// try, and may be hurried.
func In(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return inError{err, max(d, 0)}
}

// verdict is what becomes of a row after a failure.
type verdict struct {
	dead  bool
	wait  time.Duration // until the next try
	asked time.Duration // nobody may hurry the row before
	free  bool          // no try was used up
}

// judge says what becomes of a row after its try number attempt failed.
func (k Kind) judge(attempt int, err error, jitter func(time.Duration) time.Duration) verdict {
	var given deadError
	if errors.As(err, &given) {
		return verdict{dead: true}
	}
	var exact inError
	if errors.As(err, &exact) {
		return verdict{wait: exact.wait, free: true}
	}
	if attempt > len(k.Delays) {
		return verdict{dead: true}
	}
	var asked afterError
	errors.As(err, &asked)
	return verdict{wait: max(jitter(k.Delays[max(attempt, 1)-1]), asked.wait), asked: asked.wait}
}
