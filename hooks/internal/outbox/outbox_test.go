package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// usualLease is how long a row of a usual kind stays claimed.
var usualLease = Kind{}.filled("note").lease()

func longest(most time.Duration) time.Duration { return most }

func setup(t *testing.T) (*tests.TestApp, *Outbox, *testkit.Clock) {
	t.Helper()
	app := testkit.New(t)
	c := testkit.NewClock(time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC))
	return app, New(app, WithClock(c.Now, longest)), c
}

func add(t *testing.T, app core.App, o *Outbox, kind, key string) {
	t.Helper()
	if err := o.Add(atomic.Of(app), Row{Organization: "org000000000001", Kind: kind, Key: key,
		Payload: map[string]string{"n": key}}); err != nil {
		t.Fatal(err)
	}
}

func deliver(t *testing.T, o *Outbox, want int) {
	t.Helper()
	if n, err := o.Deliver(t.Context()); err != nil || n != want {
		t.Fatalf("delivered %d rows, %v; want %d", n, err, want)
	}
}

func row(t *testing.T, app core.App, key string) *core.Record {
	t.Helper()
	r, err := app.FindFirstRecordByFilter(collections.Outbox, "key = {:key}", dbx.Params{"key": key})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAdd_is_undone_with_its_change_and_made_once(t *testing.T) {
	app, o, _ := setup(t)
	var got []string
	o.Handle("note", Kind{}, func(_ context.Context, r Row) error {
		var payload struct{ N string }
		err := r.Decode(&payload)
		got = append(got, fmt.Sprint(r.Kind, " ", payload.N, " ", r.Organization, " ", r.Attempt, " ", len(r.ID)))
		return err
	})
	failed := app.RunInTransaction(func(tx core.App) error {
		if err := o.Add(atomic.Of(tx), Row{Kind: "note", Key: "undone", Payload: 1}); err != nil {
			t.Error(err)
		}
		return errors.New("no")
	})
	if failed == nil {
		t.Fatal("the transaction went through")
	}
	for range 3 {
		add(t, app, o, "note", "a")
	}
	deliver(t, o, 1)
	add(t, app, o, "note", "a")
	deliver(t, o, 0)
	if want := []string{"note a org000000000001 1 15"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n, err := app.CountRecords(collections.Outbox, dbx.HashExp{"kind": "note"}); err != nil || n != 1 {
		t.Errorf("%d rows, %v; want 1", n, err)
	}
	if err := o.Add(atomic.Of(app), Row{Kind: "note"}); err == nil {
		t.Error("a promise without a key was taken")
	}
}

func TestDeliver_backs_off_and_gives_up(t *testing.T) {
	app, o, c := setup(t)
	tries := 0
	o.Handle("note", Kind{}, func(context.Context, Row) error { tries++; return errors.New("refused, token=abc") })
	add(t, app, o, "note", "a")
	for i, wait := range usualDelays {
		deliver(t, o, 1)
		r := row(t, app, "a")
		if r.GetString("status") != collections.OutboxPending || r.GetString("error") != "refused, token=[redacted]" {
			t.Fatalf("try %d: %s, %q", i+1, r.GetString("status"), r.GetString("error"))
		}
		c.Move(wait - time.Millisecond)
		deliver(t, o, 0)
		c.Move(time.Millisecond)
	}
	deliver(t, o, 1)
	c.Move(240 * time.Hour)
	deliver(t, o, 0)
	r := row(t, app, "a")
	if r.GetString("status") != collections.OutboxDead || r.GetDateTime("done_at").IsZero() ||
		tries != len(usualDelays)+1 {
		t.Errorf("%s after %d tries, done at %q", r.GetString("status"), tries, r.GetString("done_at"))
	}
}

func TestJudge(t *testing.T) {
	plain, usual := errors.New("no"), Kind{}.filled("note")
	for _, c := range []struct {
		name    string
		attempt int
		err     error
		wait    time.Duration
		dead    bool
	}{
		{"first failure", 1, plain, 5 * time.Second, false},
		{"sixth failure", 6, plain, 6 * time.Hour, false},
		{"seventh failure", 7, plain, 0, true},
		{"given up", 1, fmt.Errorf("push: %w", Dead(plain)), 0, true},
		{"asked to wait longer", 1, fmt.Errorf("push: %w", After(time.Minute, plain)), time.Minute, false},
		{"asked to wait shorter", 3, After(time.Second, plain), 2 * time.Minute, false},
		{"asked not to wait", 1, After(0, plain), 5 * time.Second, false},
		{"looks again", 3, fmt.Errorf("push: %w", In(30*time.Second, plain)), 30 * time.Second, false},
		{"looks again after many tries", 9, In(time.Second, plain), time.Second, false},
	} {
		if v := usual.judge(c.attempt, c.err, longest); v.wait != c.wait || v.dead != c.dead {
			t.Errorf("%s: got %+v; want %v, %v", c.name, v, c.wait, c.dead)
		}
	}
	if Dead(nil) != nil || After(time.Second, nil) != nil || In(time.Second, nil) != nil {
		t.Error("no error became one")
	}
	if !errors.Is(Dead(plain), plain) || !errors.Is(After(time.Second, plain), plain) {
		t.Error("the cause is lost")
	}
}

func TestDeliver_takes_over_from_a_dead_process_and_ignores_its_late_answer(t *testing.T) {
	app, o, c := setup(t)
	o.Handle("note", Kind{}, func(context.Context, Row) error { return nil })
	add(t, app, o, "note", "a")
	lost, err := o.claim() // and then the process dies
	if err != nil || lost == nil {
		t.Fatalf("claimed %v, %v", lost, err)
	}
	c.Move(usualLease - time.Second)
	deliver(t, o, 0)
	c.Move(time.Second)
	again, err := o.claim()
	if err != nil || again == nil || again.Attempt != 2 || again.ID != lost.ID {
		t.Fatalf("got %+v, %v; want the same row, try 2", again, err)
	}
	if err := o.close(lost.Row, errors.New("late")); err != nil {
		t.Fatal(err)
	}
	if r := row(t, app, "a"); r.GetString("status") != collections.OutboxRunning || r.GetString("error") != "" {
		t.Errorf("the late answer closed the row: %s", r.GetString("status"))
	}
	if err := o.close(again.Row, nil); err != nil || row(t, app, "a").GetString("status") != collections.OutboxDone {
		t.Errorf("the row stays %s, %v", row(t, app, "a").GetString("status"), err)
	}
}

func TestClaim_keeps_serial_promises_apart(t *testing.T) {
	app, o, c := setup(t)
	o.Handle("mirror", Kind{Serial: true}, func(context.Context, Row) error { return nil })
	o.Handle("note", Kind{}, func(context.Context, Row) error { return nil })
	for _, key := range []string{"x:1:a", "x:1:b", "x:2:a"} {
		add(t, app, o, "mirror", key)
		c.Move(time.Second)
	}
	for _, key := range []string{"y:1:a", "y:1:b"} {
		add(t, app, o, "note", key)
		c.Move(time.Second)
	}
	var got []string
	var first *claimed
	for {
		r, err := o.claim()
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			break
		}
		if first == nil {
			first = r
		}
		got = append(got, r.Key)
	}
	if want := []string{"x:1:a", "x:2:a", "y:1:a", "y:1:b"}; !slices.Equal(got, want) {
		t.Errorf("claimed side by side: %q, want %q", got, want)
	}
	if err := o.close(first.Row, nil); err != nil {
		t.Fatal(err)
	}
	if r, err := o.claim(); err != nil || r == nil || r.Key != "x:1:b" {
		t.Errorf("then %+v, %v; want x:1:b", r, err)
	}
}

func TestDeliver_survives_a_panic_and_waits_for_unknown_kinds(t *testing.T) {
	app, o, _ := setup(t)
	o.Handle("note", Kind{}, func(context.Context, Row) error { panic("boom") })
	add(t, app, o, "note", "a")
	add(t, app, o, "later", "b")
	deliver(t, o, 1)
	if text := row(t, app, "a").GetString("error"); !strings.Contains(text, "boom") {
		t.Errorf("error %q", text)
	}
	if got := row(t, app, "b").GetString("status"); got != collections.OutboxPending {
		t.Errorf("a row nobody handles is %s", got)
	}
}

func TestWorker_delivers_what_a_transaction_promises_and_drains(t *testing.T) {
	app, o, _ := setup(t)
	started, release, finished := make(chan string, 10), make(chan struct{}), make(chan string, 10)
	o.Handle("note", Kind{}, func(ctx context.Context, r Row) error {
		started <- r.Key
		<-release
		finished <- r.Key
		return ctx.Err()
	})
	o.start()
	t.Cleanup(func() { o.stop() })
	if !o.Running() {
		t.Error("the worker is not running")
	}
	if err := app.RunInTransaction(func(tx core.App) error {
		return o.Add(atomic.Of(tx), Row{Kind: "note", Key: "a", Payload: 1})
	}); err != nil {
		t.Fatal(err)
	}
	if got := <-started; got != "a" {
		t.Fatalf("started %q", got)
	}
	stopped := make(chan struct{})
	go func() { o.stop(); close(stopped) }()
	close(release)
	<-stopped
	if len(finished) != 1 || row(t, app, "a").GetString("status") != collections.OutboxDone {
		t.Errorf("the delivery under way was not finished: %s", row(t, app, "a").GetString("status"))
	}
	add(t, app, o, "note", "b")
	if got := row(t, app, "b").GetString("status"); got != collections.OutboxPending || o.Running() {
		t.Errorf("after the stop: row %s, running %v", got, o.Running())
	}
}

func TestJob_delivers_and_forgets_kept_promises(t *testing.T) {
	app, o, c := setup(t)
	fail := false
	o.Handle("note", Kind{}, func(context.Context, Row) error {
		if fail {
			return Dead(errors.New("no"))
		}
		return nil
	})
	s := schedule.New(app)
	o.Schedule(s)
	run := func() {
		t.Helper()
		if err := s.RunNow(t.Context(), "outbox.deliver"); err != nil {
			t.Fatal(err)
		}
	}
	add(t, app, o, "note", "kept")
	run()
	fail = true
	add(t, app, o, "note", "dead")
	run()
	c.Move(keepDone + 2*time.Hour)
	run()
	rows, err := app.FindAllRecords(collections.Outbox)
	if err != nil || len(rows) != 1 || rows[0].GetString("key") != "dead" {
		t.Errorf("%d rows stay, %v; want the dead one", len(rows), err)
	}
}

func TestHurry_and_Died_see_only_their_prefix(t *testing.T) {
	app, o, c := setup(t)
	var fail error
	o.Handle("note", Kind{}, func(context.Context, Row) error { return fail })
	fail = errors.New("not now")
	add(t, app, o, "note", "x:1:a")
	add(t, app, o, "note", "x:10:a")
	deliver(t, o, 2)
	if waiting, err := o.Hurry(atomic.Of(app), "x:1:"); err != nil || waiting != 1 {
		t.Errorf("%d wait, %v; want 1", waiting, err)
	}
	fail = Dead(errors.New("never"))
	deliver(t, o, 1)
	if got := row(t, app, "x:10:a").GetString("status"); got != collections.OutboxPending {
		t.Errorf("the neighbour is %s", got)
	}
	if at, usedUp, err := o.Died(atomic.Of(app), "x:1:"); err != nil || usedUp || !at.Equal(c.Now()) {
		t.Errorf("died %v, used up %v, %v; want %v", at, usedUp, err, c.Now())
	}
	if at, _, err := o.Died(atomic.Of(app), "x:10:"); err != nil || !at.IsZero() {
		t.Errorf("the neighbour died %v, %v", at, err)
	}
	if waiting, err := o.Hurry(atomic.Of(app), "x:1:"); err != nil || waiting != 0 {
		t.Errorf("%d wait, %v; want 0", waiting, err)
	}
}

// Whoever asks for a try now is not served by one that began before.
func TestHurry_does_not_count_what_is_being_delivered(t *testing.T) {
	app, o, _ := setup(t)
	o.Handle("note", Kind{}, func(context.Context, Row) error {
		if waiting, err := o.Hurry(atomic.Of(app), "x:1:"); err != nil || waiting != 0 {
			t.Errorf("%d wait, %v; want 0", waiting, err)
		}
		return nil
	})
	add(t, app, o, "note", "x:1:a")
	deliver(t, o, 1)
}

func TestHurry_respects_a_wait_the_other_side_asked_for(t *testing.T) {
	app, o, c := setup(t)
	o.Handle("note", Kind{}, func(context.Context, Row) error { return After(time.Hour, errors.New("slow down")) })
	add(t, app, o, "note", "x:1:a")
	deliver(t, o, 1)
	if waiting, err := o.Hurry(atomic.Of(app), "x:1:"); err != nil || waiting != 1 {
		t.Errorf("%d wait, %v; want 1", waiting, err)
	}
	deliver(t, o, 0)
	c.Move(time.Hour)
	deliver(t, o, 1)
}

// A promise that was looked at again and again has all its tries left for what fails.
func TestIn_uses_up_no_try(t *testing.T) {
	app, o, c := setup(t)
	waits, attempts := 2*len(usualDelays), []int{}
	o.Handle("note", Kind{}, func(_ context.Context, r Row) error {
		attempts = append(attempts, r.Attempt)
		if waits--; waits >= 0 {
			return In(time.Minute, errors.New("not yet"))
		}
		return errors.New("down")
	})
	add(t, app, o, "note", "x:1:a")
	for range 2 * len(usualDelays) {
		deliver(t, o, 1)
		if got := row(t, app, "x:1:a"); got.GetInt("attempts") != 0 || got.GetString("status") != collections.OutboxPending {
			t.Fatalf("a wait left it %s with %d tries", got.GetString("status"), got.GetInt("attempts"))
		}
		c.Move(time.Minute)
	}
	for _, wait := range usualDelays {
		deliver(t, o, 1)
		c.Move(wait)
	}
	if at, _, err := o.Died(atomic.Of(app), "x:1:"); err != nil || !at.IsZero() {
		t.Errorf("given up with a try left (%v)", err)
	}
	deliver(t, o, 1)
	if at, usedUp, err := o.Died(atomic.Of(app), "x:1:"); err != nil || at.IsZero() || !usedUp {
		t.Errorf("given up %v, used up %v, %v", at, usedUp, err)
	}
	want := append(slices.Repeat([]int{1}, 2*len(usualDelays)), 1, 2, 3, 4, 5, 6, 7)
	if !slices.Equal(attempts, want) {
		t.Errorf("the tries were %v, want %v", attempts, want)
	}
}

// A try that was given back does not let a handler in whose lease had ended.
func TestIn_keeps_a_late_answer_out(t *testing.T) {
	app, o, c := setup(t)
	o.Handle("note", Kind{}, func(context.Context, Row) error { return nil })
	add(t, app, o, "note", "a")
	claim := func() Row {
		t.Helper()
		r, err := o.claim()
		if err != nil || r == nil {
			t.Fatalf("claimed %v, %v", r, err)
		}
		return r.Row
	}
	lost := claim()
	c.Move(usualLease)
	if err := o.close(claim(), In(time.Second, errors.New("not yet"))); err != nil {
		t.Fatal(err)
	}
	c.Move(time.Second)
	if again := claim(); again.Attempt <= lost.Attempt {
		t.Errorf("try %d after %d: its answer would be taken for this one's", again.Attempt, lost.Attempt)
	}
	if err := o.close(lost, nil); err != nil || row(t, app, "a").GetString("status") != collections.OutboxRunning {
		t.Errorf("the late answer closed the row (%v)", err)
	}
}

func TestDied_knows_when_the_tries_were_used_up(t *testing.T) {
	app, o, c := setup(t)
	o.Handle("note", Kind{}, func(context.Context, Row) error { return errors.New("not now") })
	add(t, app, o, "note", "x:1:a")
	for range len(usualDelays) + 1 {
		deliver(t, o, 1)
		c.Move(12 * time.Hour)
	}
	if at, usedUp, err := o.Died(atomic.Of(app), "x:1:"); err != nil || !usedUp || at.IsZero() {
		t.Errorf("died %v, used up %v, %v", at, usedUp, err)
	}
}

func TestWorker_frees_at_its_start_what_an_earlier_process_had_claimed(t *testing.T) {
	app, o, _ := setup(t)
	done := make(chan string, 1)
	o.Handle("note", Kind{}, func(_ context.Context, r Row) error { done <- r.Key; return nil })
	add(t, app, o, "note", "a")
	if r, err := o.claim(); err != nil || r == nil { // and then the process dies
		t.Fatalf("claimed %v, %v", r, err)
	}
	o.start()
	t.Cleanup(func() { o.stop() })
	select {
	case got := <-done: // the clock stands still: no lease ends
		if got != "a" {
			t.Errorf("delivered %q", got)
		}
	case <-time.After(time.Minute):
		t.Fatal("the row waits for a lease of a process that is gone")
	}
}

func TestAnswers_makes_what_waits_for_a_provider_due_but_for_asked_waits(t *testing.T) {
	app, o, c := setup(t)
	var got []string
	fail := true
	handle := func(_ context.Context, r Row) error {
		got = append(got, r.Key)
		switch {
		case r.Key == "x:asked" && fail:
			return After(time.Hour, errors.New("slow down"))
		case fail:
			return errors.New("down")
		}
		return nil
	}
	o.Handle("copy", Kind{Provider: collections.ProviderVapi}, handle)
	o.Handle("sound", Kind{Provider: collections.ProviderVapi}, handle)
	o.Handle("text", Kind{Provider: collections.ProviderTwilio}, handle)
	o.Handle("note", Kind{}, handle)
	for _, key := range []string{"x:1", "x:2", "x:asked"} {
		add(t, app, o, "copy", key)
	}
	for _, kind := range []string{"sound", "text", "note"} {
		add(t, app, o, kind, kind+":1")
	}
	deliver(t, o, 6)
	c.Move(time.Second)
	deliver(t, o, 0)
	fail, got = false, nil
	o.Answers(collections.ProviderVapi)
	deliver(t, o, 3)
	slices.Sort(got)
	if !slices.Equal(got, []string{"sound:1", "x:1", "x:2"}) {
		t.Errorf("delivered %q", got)
	}
}

func TestAnswers_is_remembered_when_the_database_is_in_trouble(t *testing.T) {
	app, o, _ := setup(t)
	fail := errors.New("down")
	kinds := []string{"copy", "note", "mail"}
	for _, kind := range kinds {
		o.Handle(kind, Kind{Provider: collections.ProviderVapi}, func(context.Context, Row) error { return fail })
		add(t, app, o, kind, kind+":1")
	}
	deliver(t, o, len(kinds))
	fail = nil
	o.Answers(collections.ProviderVapi)
	rename := func(from, to string) {
		t.Helper()
		if _, err := atomic.Of(app).Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
			t.Fatal(err)
		}
	}
	rename("outbox", "away")
	if _, err := o.Deliver(t.Context()); err == nil {
		t.Error("a table that is not there was read")
	}
	rename("away", "outbox")
	deliver(t, o, len(kinds))
}
