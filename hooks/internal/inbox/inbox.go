// Package inbox takes in what providers send: each message is stored once and
// applied in the transaction that stores it, before it is answered.
//
// One goroutine, the writer, gathers the messages that are waiting, stores and
// applies them in one transaction, commits once and then lets all of them be
// answered. With `synchronous=FULL` that is durable against a power cut and
// still several times faster than a transaction each (performance.md 3.1).
//
// A message that fails to apply stays stored with its error and is applied
// again by the job inbox.retry; it never blocks the others.
package inbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
)

// Limits of the writer.
const (
	// maxBatch bounds one transaction: at 30 µs a message it holds the write
	// connection for about 15 ms.
	maxBatch = 512
	// queueSize is how many messages may wait; more are answered 503 so that
	// the provider tries again.
	queueSize = 8192
	// gatherTime is how long the writer waits for company once messages come
	// faster than gatherRate a second. Slower traffic is written at once.
	gatherTime = time.Millisecond
	gatherRate = 400
	// crowdTime is how long it waits while more messages are being read than
	// have come: each commit costs the same however many it holds.
	crowdTime = 4 * time.Millisecond
	// breathe is how long the writer works in one piece before it lets requests
	// be read and answered: with one processor nobody else runs meanwhile, and
	// Go's scheduler would look after 10 ms.
	breathe = 2 * time.Millisecond
	// maxKept bounds the prepared statements; the hot path has about thirty.
	maxKept = 200
)

// ErrBusy is returned when too many messages wait; answer 503 with Retry-After.
var ErrBusy = errors.New("inbox is full")

// ErrStopped is returned after Stop.
var ErrStopped = errors.New("inbox has stopped")

// Message is one verified message of a provider, reduced to what may be stored.
type Message struct {
	Provider     string // collections: vapi, twilio, flutterwave
	Key          string // unique at the provider; begins with the call's id
	Type         string
	Organization string // empty: nobody's, the message is parked
	Parked       bool   // it is kept and not applied, although somebody brought it
	Why          string // why a parked one waits for nothing; "" lets what appears claim it
	Payload      []byte // allow-listed fields as JSON
	Last         bool   // nothing is expected after it about the same: all of it may be packed
	ReceivedAt   time.Time
	// Gone, when it is set, tells whether what the message is about was erased. Of
	// such a message the key alone is stored, so that repeats are recognized; it is
	// not applied.
	Gone func(tx *Tx) (bool, error)
	// Arrival, when the sender announced it, ends once the message is queued.
	Arrival *Arrival
}

// Arrival is a message on its way: being read and checked. The writer gathers
// those that are about to come into one commit.
type Arrival struct {
	inbox *Inbox
	once  sync.Once
}

// Expect announces a message. The caller must end it with Done, whatever becomes
// of the message.
func (i *Inbox) Expect() *Arrival {
	i.coming.Add(1)
	return &Arrival{inbox: i}
}

// Done says that the message is queued, or will not come. Nil and repeated calls
// do nothing.
func (a *Arrival) Done() {
	if a != nil {
		a.once.Do(func() { a.inbox.coming.Add(-1) })
	}
}

// Apply does what a message means, in the transaction that stores it. It may
// run twice: when the batch fails, each message gets another turn by itself.
// The function it returns runs after the commit and must not block.
type Apply func(tx *Tx) (after func(), err error)

// Result says what became of a message.
type Result struct {
	Duplicate bool // it was stored before; nothing was done
}

// Inbox is the writer and its queue.
type Inbox struct {
	app   core.App
	db    *sql.DB
	queue chan *job
	stop  chan struct{}
	done  chan struct{}

	mu      sync.RWMutex // taken for reading while a message enters the queue
	stopped bool

	coming atomic.Int64 // messages announced and not yet queued

	reads  *sql.DB
	marks  *marks // nil when its file cannot be written
	marked chan struct{}

	commits, written atomic.Uint64
	lag              atomic.Int64 // of the last commit, in nanoseconds

	// Used by the writer only.
	statements map[string]*sql.Stmt
	fresh      []string
	memory     memory
}

type job struct {
	message Message
	apply   Apply
	result  Result
	after   func()
	failure error // why apply failed; the message is stored with it
	err     error // why nothing was stored
	ready   chan struct{}
}

// New starts the writer on the app's write connection. Stop it before the
// database closes.
func New(app core.App) (*Inbox, error) {
	db, ok := app.NonconcurrentDB().(*dbx.DB)
	if !ok {
		return nil, errors.New("inbox: started inside a transaction")
	}
	i := &Inbox{
		app: app, db: db.DB(),
		queue: make(chan *job, queueSize), stop: make(chan struct{}), done: make(chan struct{}),
		statements: map[string]*sql.Stmt{}, memory: memory{facts: map[string]any{}}, marked: make(chan struct{}),
	}
	if reads, ok := app.ConcurrentDB().(*dbx.DB); ok {
		i.reads = reads.DB()
	}
	marks, err := openMarks(app.DataDir())
	if err != nil || i.reads == nil {
		app.Logger().Warn("what is acknowledged last is not noted beside the database", "error", err)
		close(i.marked)
	} else {
		i.marks = marks
		go i.keepMarks()
	}
	go i.write()
	return i, nil
}

// Store stores a message once and applies it. It returns after the commit.
//
// Errors: ErrBusy, ErrStopped or the database's: nothing was stored and the
// provider must be told to try again (5xx). After the context's error the
// message may still be stored; a repeat finds out.
func (i *Inbox) Store(ctx context.Context, m Message, apply Apply) (Result, error) {
	if m.ReceivedAt.IsZero() {
		m.ReceivedAt = time.Now()
	}
	j := &job{message: m, apply: apply, ready: make(chan struct{})}
	err := i.enqueue(j)
	m.Arrival.Done()
	if err != nil {
		return Result{}, err
	}
	select {
	case <-j.ready:
		return j.result, j.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// Do runs a change in the writer's transaction without a message: what jobs and
// people do to hot tables takes the same path. It returns after the commit, with
// the error of apply if that failed.
func (i *Inbox) Do(ctx context.Context, apply Apply) error {
	j := &job{apply: apply, ready: make(chan struct{})}
	if err := i.enqueue(j); err != nil {
		return err
	}
	select {
	case <-j.ready:
		return errors.Join(j.err, j.failure)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Waiting counts messages not yet written.
func (i *Inbox) Waiting() int { return len(i.queue) }

// Figures are what the writer did since it began.
type Figures struct {
	Commits, Written uint64
	// Lag is how long the first message of the last commit had waited for it.
	Lag time.Duration
}

// Figures returns them.
func (i *Inbox) Figures() Figures {
	return Figures{Commits: i.commits.Load(), Written: i.written.Load(), Lag: time.Duration(i.lag.Load())}
}

// Stop writes what waits and ends the writer.
func (i *Inbox) Stop() {
	i.mu.Lock()
	if !i.stopped {
		i.stopped = true
		close(i.stop)
	}
	i.mu.Unlock()
	<-i.done
	<-i.marked
}

// enqueue puts a job into the queue. Whatever is in the queue when Stop takes
// the lock is still written; nothing enters it afterwards.
func (i *Inbox) enqueue(j *job) error {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if i.stopped {
		return ErrStopped
	}
	select {
	case i.queue <- j:
		return nil
	default:
		return ErrBusy
	}
}

// write is the writer: gather, store and apply, commit, answer.
func (i *Inbox) write() {
	defer close(i.done)
	pace := newPace()
	batch := make([]*job, 0, maxBatch)
	for {
		select {
		case j := <-i.queue:
			batch = i.gather(append(batch[:0], j), pace)
			i.commit(batch)
		case <-i.stop:
			for {
				select {
				case j := <-i.queue:
					batch = i.drain(append(batch[:0], j))
					i.commit(batch)
				default:
					for _, s := range i.statements {
						s.Close()
					}
					return
				}
			}
		}
	}
}

func (i *Inbox) drain(batch []*job) []*job {
	for len(batch) < maxBatch {
		select {
		case j := <-i.queue:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

func (i *Inbox) gather(batch []*job, pace *pace) []*job {
	batch = i.drain(batch)
	if pace.slow() || len(batch) >= maxBatch {
		pace.count(len(batch))
		return batch
	}
	began := time.Now()
	timer := time.NewTimer(gatherTime)
	defer timer.Stop()
	for len(batch) < maxBatch {
		select {
		case j := <-i.queue:
			batch = append(batch, j)
			continue
		case <-timer.C:
		}
		if i.coming.Load() == 0 || time.Since(began) >= crowdTime {
			break
		}
		timer.Reset(gatherTime / 2)
	}
	batch = i.drain(batch)
	pace.count(len(batch))
	return batch
}

// commit writes a batch. When anything in it fails, the batch is undone and
// written again with a savepoint around each message, so that one bad message
// costs the others nothing but time.
func (i *Inbox) commit(batch []*job) {
	if err := i.transaction(batch, false); err != nil {
		for _, j := range batch {
			j.result, j.after, j.failure = Result{}, nil, nil
		}
		if err := i.transaction(batch, true); err != nil {
			for _, j := range batch {
				j.result, j.after, j.err = Result{}, nil, fmt.Errorf("inbox: %w", err)
			}
		}
	}
	i.note(batch)
	for _, j := range batch {
		if j.err == nil && j.after != nil {
			i.tell(j.after)
		}
		close(j.ready)
	}
	i.keep()
}

// note keeps what a commit was: how late it came, and its last message for the
// file beside the database.
func (i *Inbox) note(batch []*job) {
	if batch[0].err != nil {
		return // nothing was written: a batch fails whole
	}
	i.commits.Add(1)
	var last *job
	for _, j := range batch {
		if j.message.Key == "" {
			continue
		}
		if last == nil {
			i.lag.Store(int64(max(time.Since(j.message.ReceivedAt), 0)))
		}
		i.written.Add(1)
		last = j
	}
	if last == nil || i.marks == nil {
		return
	}
	if err := i.marks.put(last.message.Provider, last.message.Key, last.message.ReceivedAt); err != nil {
		i.app.Logger().Debug("what was acknowledged last is not noted", "error", err)
	}
}

// tell runs what follows a commit. The message is stored by then: a panic here
// costs somebody a live update, never the writer.
func (i *Inbox) tell(after func()) {
	defer func() {
		if p := recover(); p != nil {
			i.app.Logger().Error("what follows a message panicked", "panic", fmt.Sprint(p))
		}
	}()
	after()
}

func (i *Inbox) transaction(batch []*job, careful bool) (err error) {
	sqlTx, err := i.db.Begin()
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil {
			clear(i.memory.facts)
			err = errors.Join(err, ignoreDone(sqlTx.Rollback()))
		}
	}()
	tx := &Tx{Tx: sqlTx, kept: i.statements, held: map[string]*sql.Stmt{}, memory: &i.memory}
	started := time.Now()
	if err := i.memory.begin(tx, started); err != nil {
		return err
	}
	for _, j := range batch {
		if err := i.one(tx, j, careful); err != nil {
			return err
		}
		if j.message.Key == "" {
			clear(i.memory.facts) // it may have written anything
		}
		if now := time.Now(); now.Sub(started) > breathe {
			time.Sleep(time.Microsecond) // unlike Gosched this looks at the network, too
			started = now
		}
	}
	if err := tx.Flush(); err != nil {
		return err
	}
	if err := i.memory.end(tx, time.Now()); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return err
	}
	for query := range tx.held {
		if i.statements[query] == nil {
			i.fresh = append(i.fresh, query)
		}
	}
	return nil
}

// keep prepares the statements the last batch used for the first time.
func (i *Inbox) keep() {
	for _, query := range i.fresh {
		if len(i.statements) >= maxKept {
			break
		}
		s, err := i.db.Prepare(query)
		if err != nil {
			i.app.Logger().Warn("statement not kept", "error", err)
			continue
		}
		i.statements[query] = s
	}
	i.fresh = i.fresh[:0]
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

const storeKey = "pocketline.inbox"

// Register lets Of work for this app and stops the writer before the database
// closes.
func Register(app core.App) {
	app.OnTerminate().BindFunc(func(e *core.TerminateEvent) error {
		if i, ok := app.Store().Get(storeKey).(*Inbox); ok {
			i.Stop()
		}
		return e.Next()
	})
}

// Of returns the app's one inbox and starts it on first use: the database opens
// after domains register.
func Of(app core.App) (*Inbox, error) {
	var failure error
	i, _ := app.Store().GetOrSet(storeKey, func() any {
		i, err := New(app)
		failure = err
		return i
	}).(*Inbox)
	if i == nil && failure == nil {
		failure = errors.New("inbox did not start")
	}
	return i, failure
}
