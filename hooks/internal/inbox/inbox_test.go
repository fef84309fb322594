package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const insertContact = `INSERT INTO contacts (id, organization, phone_number, name, email, notes, first_seen_at,
	last_seen_at, created, updated)
	VALUES (?, ?, ?, '', '', '', '', '', '', '')`

func open(t *testing.T) (*tests.TestApp, *Inbox) {
	t.Helper()
	app := testkit.New(t, func(app core.App) { Register(app) })
	i, err := Of(app)
	if err != nil {
		t.Fatal(err)
	}
	return app, i
}

func message(key string) Message {
	return Message{Provider: "vapi", Key: key, Type: "test", Organization: testkit.Acme, Payload: []byte(`{"a":1}`),
		ReceivedAt: testkit.Start}
}

// effect adds a contact named by n: what a message does.
func effect(n int) Apply {
	return func(tx *Tx) (func(), error) {
		_, err := tx.Exec(insertContact, fmt.Sprintf("effect%09d", n), testkit.Acme, fmt.Sprintf("+1%010d", n))
		return nil, err
	}
}

func count(t *testing.T, app core.App, query string, args ...any) (n int) {
	t.Helper()
	db := app.NonconcurrentDB().NewQuery(query)
	params := map[string]any{}
	for i, a := range args {
		params[fmt.Sprintf("p%d", i)] = a
	}
	if err := db.Bind(params).Row(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// hold keeps the writer busy until release is called; it returns once the
// writer is held.
func hold(t *testing.T, i *Inbox) (release func()) {
	t.Helper()
	held, let := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	var once sync.Once
	go func() {
		done <- i.Do(context.Background(), func(*Tx) (func(), error) {
			once.Do(func() { close(held) })
			<-let
			return nil, nil
		})
	}()
	<-held
	return sync.OnceFunc(func() {
		close(let)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestStore_keeps_every_message_of_a_crowd_once(t *testing.T) {
	app, i := open(t)
	const messages, copies = 200, 5
	var wait sync.WaitGroup
	var duplicates atomic.Int64
	for n := range messages {
		for range copies {
			wait.Go(func() {
				r, err := i.Store(context.Background(), message(fmt.Sprintf("crowd:%d", n)), effect(n))
				if err != nil {
					t.Error(err)
				}
				if r.Duplicate {
					duplicates.Add(1)
				}
			})
		}
	}
	wait.Wait()
	if got := duplicates.Load(); got != messages*(copies-1) {
		t.Errorf("got %d duplicates, want %d", got, messages*(copies-1))
	}
	if got := count(t, app,
		`SELECT count(*) FROM provider_events WHERE event_key LIKE 'crowd:%' AND status = 'applied'`); got != messages {
		t.Errorf("got %d stored messages, want %d", got, messages)
	}
	if got := count(t, app, `SELECT count(*) FROM contacts WHERE id LIKE 'effect%'`); got != messages {
		t.Errorf("got %d effects, want %d", got, messages)
	}
}

func TestStore_writes_what_waits_in_one_transaction(t *testing.T) {
	_, i := open(t)
	release := hold(t, i)
	var seen sync.Map
	var wait sync.WaitGroup
	const waiting = 50
	for n := range waiting {
		wait.Go(func() {
			_, err := i.Store(context.Background(), message(fmt.Sprintf("group:%d", n)), func(tx *Tx) (func(), error) {
				seen.Store(tx.Tx, true)
				return nil, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for i.Waiting() < waiting { // all are in the queue before the writer goes on
		runtime.Gosched()
	}
	release()
	wait.Wait()
	transactions := 0
	seen.Range(func(any, any) bool { transactions++; return true })
	if transactions != 1 {
		t.Errorf("%d messages took %d transactions, want 1", waiting, transactions)
	}
}

func TestStore_parks_what_belongs_to_nobody(t *testing.T) {
	app, i := open(t)
	m := message("nobody:1")
	m.Organization = ""
	if _, err := i.Store(context.Background(), m, nil); err != nil {
		t.Fatal(err)
	}
	if got := count(t, app,
		`SELECT count(*) FROM provider_events WHERE event_key = 'nobody:1' AND status = 'parked'`); got != 1 {
		t.Errorf("got %d parked messages, want 1", got)
	}
}

// One batch with a message that fails, one that panics and others that are
// fine: the others are as if they had been alone.
func TestStore_one_bad_message_costs_the_others_nothing(t *testing.T) {
	app, i := open(t)
	release := hold(t, i)
	half := func(n int, then func() error) Apply {
		return func(tx *Tx) (func(), error) {
			if _, err := effect(n)(tx); err != nil {
				return nil, err
			}
			return nil, then()
		}
	}
	var told atomic.Int64
	good := func(n int) Apply {
		return func(tx *Tx) (func(), error) {
			_, err := effect(n)(tx)
			return func() { told.Add(1) }, err
		}
	}
	var wait sync.WaitGroup
	for n, apply := range []Apply{
		good(0), half(1, func() error { return errors.New("this one fails") }),
		good(2), half(3, func() error { panic("this one panics") }),
		good(4),
		func(tx *Tx) (func(), error) { _, err := tx.Exec("THIS IS NOT SQL"); return nil, err },
	} {
		wait.Go(func() {
			if _, err := i.Store(context.Background(), message(fmt.Sprintf("mixed:%d", n)), apply); err != nil {
				t.Errorf("message %d: %v", n, err)
			}
		})
	}
	for i.Waiting() < 6 {
		runtime.Gosched()
	}
	release()
	wait.Wait()
	for key, want := range map[string]string{"0": "applied", "1": "failed", "2": "applied", "3": "failed",
		"4": "applied", "5": "failed"} {
		if got := count(t, app, `SELECT count(*) FROM provider_events WHERE event_key = {:p0} AND status = {:p1}`,
			"mixed:"+key, want); got != 1 {
			t.Errorf("message %s is not stored as %s", key, want)
		}
	}
	if got := count(t, app, `SELECT count(*) FROM contacts WHERE id LIKE 'effect%'`); got != 3 {
		t.Errorf("got %d effects, want the 3 of the good messages", got)
	}
	if told.Load() != 3 {
		t.Errorf("what follows ran %d times, want 3", told.Load())
	}
	if got := count(t, app, `SELECT count(*) FROM provider_events WHERE event_key = 'mixed:3'
		AND error LIKE '%this one panics%' AND attempts = 1
		AND next_at = {:p0}`, rows.Stamp(testkit.Start.Add(FirstRetry))); got != 1 {
		t.Error("the panic is not noted on its message, or not due again")
	}
	if _, err := i.Store(context.Background(), message("after:1"), effect(9)); err != nil {
		t.Errorf("the writer stopped: %v", err)
	}
}

func TestStore_survives_a_panic_after_the_commit(t *testing.T) {
	app, i := open(t)
	_, err := i.Store(context.Background(), message("told:1"), func(*Tx) (func(), error) {
		return func() { panic("nobody listens") }, nil
	})
	if err != nil {
		t.Errorf("the message is stored, but its sender hears %v", err)
	}
	if _, err := i.Store(context.Background(), message("told:2"), effect(1)); err != nil {
		t.Fatal(err)
	}
	if got := count(t, app,
		`SELECT count(*) FROM provider_events WHERE event_key LIKE 'told:%' AND status = 'applied'`); got != 2 {
		t.Errorf("got %d messages, want 2", got)
	}
}

func TestDo_returns_the_failure_and_undoes_only_that_change(t *testing.T) {
	app, i := open(t)
	refusal := errors.New("no")
	release := hold(t, i)
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := i.Do(context.Background(), effect(1)); err != nil {
			t.Error(err)
		}
	})
	wait.Go(func() {
		err := i.Do(context.Background(), func(tx *Tx) (func(), error) {
			_, err := effect(2)(tx)
			return nil, errors.Join(err, refusal)
		})
		if !errors.Is(err, refusal) {
			t.Errorf("got %v, want the refusal", err)
		}
	})
	for i.Waiting() < 2 {
		runtime.Gosched()
	}
	release()
	wait.Wait()
	if got := count(t, app, `SELECT count(*) FROM contacts WHERE id LIKE 'effect%'`); got != 1 {
		t.Errorf("got %d effects, want 1", got)
	}
}

func TestEnqueue_says_busy_when_the_queue_is_full(t *testing.T) {
	_, i := open(t)
	release := hold(t, i)
	defer release()
	for range queueSize {
		if err := i.enqueue(&job{apply: effectless, ready: make(chan struct{})}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := i.Store(context.Background(), message("late:1"), nil); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}

func effectless(*Tx) (func(), error) { return nil, nil }

func TestStop_writes_what_waits_and_refuses_the_rest(t *testing.T) {
	app, i := open(t)
	release := hold(t, i)
	const waiting = 1200 // more than two batches
	var wait sync.WaitGroup
	for n := range waiting {
		wait.Go(func() {
			if _, err := i.Store(context.Background(), message(fmt.Sprintf("last:%d", n)), nil); err != nil {
				t.Error(err)
			}
		})
	}
	for i.Waiting() < waiting {
		runtime.Gosched()
	}
	stopped := make(chan struct{})
	go func() { i.Stop(); close(stopped) }()
	release()
	<-stopped
	wait.Wait()
	if got := count(t, app, `SELECT count(*) FROM provider_events WHERE event_key LIKE 'last:%'`); got != waiting {
		t.Errorf("got %d messages, want %d", got, waiting)
	}
	if _, err := i.Store(context.Background(), message("late:1"), nil); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want ErrStopped", err)
	}
	i.Stop() // once more changes nothing
}

// Whoever comes while the writer stops is either written or told so; nobody
// waits for ever.
func TestStop_leaves_nobody_waiting(t *testing.T) {
	for range 20 {
		app, i := open(t)
		var wait sync.WaitGroup
		var stored atomic.Int64
		begin := make(chan struct{})
		for n := range 50 {
			wait.Go(func() {
				<-begin
				_, err := i.Store(context.Background(), message(fmt.Sprintf("race:%d", n)), nil)
				if err == nil {
					stored.Add(1)
				} else if !errors.Is(err, ErrStopped) {
					t.Error(err)
				}
			})
		}
		close(begin)
		i.Stop()
		wait.Wait()
		if got := int64(count(t, app,
			`SELECT count(*) FROM provider_events WHERE event_key LIKE 'race:%'`)); got != stored.Load() {
			t.Errorf("%d senders were told yes, %d messages are stored", stored.Load(), got)
		}
		app.Cleanup()
	}
}

func TestStore_does_not_wait_longer_than_its_sender(t *testing.T) {
	app, i := open(t)
	release := hold(t, i)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := i.Store(ctx, message("left:1"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	release()
	i.Stop()
	if got := count(t, app, `SELECT count(*) FROM provider_events WHERE event_key = 'left:1'`); got != 1 {
		t.Errorf("the message of a sender who left is stored %d times, want once", got)
	}
}

func TestOf_is_one_inbox_for_an_app(t *testing.T) {
	app, i := open(t)
	again, err := Of(app)
	if err != nil || again != i {
		t.Errorf("got another inbox, %v", err)
	}
	err = app.RunInTransaction(func(tx core.App) error {
		_, err := New(tx)
		return err
	})
	if err == nil {
		t.Error("an inbox started inside a transaction")
	}
}

func TestPace_is_slow_until_messages_come_fast(t *testing.T) {
	now := testkit.Start
	p := &pace{since: now, now: func() time.Time { return now }}
	step := func(n int) { now = now.Add(100 * time.Millisecond); p.count(n) }
	step(10) // 100 a second
	if !p.slow() {
		t.Errorf("a hundred a second are not slow: %v", p.rate)
	}
	for range 8 {
		step(100) // 1,000 a second
	}
	if p.slow() {
		t.Errorf("a thousand a second are slow: %v", p.rate)
	}
	for range 8 {
		step(0)
	}
	if !p.slow() {
		t.Errorf("silence is not slow: %v", p.rate)
	}
}

func TestClip_cuts_between_characters(t *testing.T) {
	if got := rows.Clip(strings.Repeat("é", 10), 5); got != "éé" {
		t.Errorf("got %q", got)
	}
	if got := rows.Clip("short", 5); got != "short" {
		t.Errorf("got %q", got)
	}
}

func TestStore_keeps_only_the_key_of_what_was_erased(t *testing.T) {
	app, i := open(t)
	m := message("gone:1")
	m.Last = true
	m.Gone = func(*Tx) (bool, error) { return true, nil }
	for n := range 2 {
		r, err := i.Store(context.Background(), m, effect(1))
		if err != nil || r.Duplicate != (n > 0) {
			t.Errorf("time %d: got %+v, %v", n, r, err)
		}
	}
	if got := count(t, app,
		`SELECT count(*) FROM provider_events WHERE event_key = 'gone:1' AND type = 'deleted' AND status = 'packed'
			AND payload = '' AND NOT last`); got != 1 {
		t.Error("the key is not kept, or more than the key")
	}
	if got := count(t, app, `SELECT count(*) FROM contacts WHERE id LIKE 'effect%'`); got != 0 {
		t.Error("it was applied")
	}
}

func TestFigures_count_what_was_written(t *testing.T) {
	app, i := open(t)
	before := i.Figures()
	if _, err := app.NonconcurrentDB().NewQuery("ALTER TABLE provider_events RENAME TO away").Execute(); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Store(t.Context(), message("call:1"), nil); err == nil {
		t.Fatal("stored without a table")
	}
	i.Stop()
	if got := i.Figures(); got.Commits != before.Commits || got.Written != before.Written {
		t.Errorf("nothing was written, and it counts %+v", got)
	}
}
