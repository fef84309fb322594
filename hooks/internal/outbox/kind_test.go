package outbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// receiver is the lane of a promise to somebody's server: the first part of its key.
func receiver(r Row) string {
	who, _, _ := strings.Cut(r.Key, ":")
	return "hook " + who
}

// Receivers that hang hold the workers of their own lanes; what is beside them leaves
// within a second. The clock stands still and no sleep of the worker ends, so that nothing
// waits for a timeout or a next look: what leaves has taken no time at all.
func TestWorker_a_hanging_receiver_holds_its_own_lane_only(t *testing.T) {
	app, o, _ := setup(t)
	began, left, release := make(chan string, 20), make(chan string, 20), make(chan struct{})
	o.Handle("hook", Kind{Workers: 1, Lane: receiver}, func(_ context.Context, r Row) error {
		if strings.HasPrefix(r.Key, "hangs") {
			began <- r.Key
			<-release
		}
		left <- r.Key
		return nil
	})
	o.Handle("mirror", Kind{Serial: true}, func(_ context.Context, r Row) error { left <- r.Key; return nil })
	for n := range 4 {
		add(t, app, o, "hook", fmt.Sprintf("hangs%d:1", n))
		add(t, app, o, "hook", fmt.Sprintf("hangs%d:2", n))
	}
	o.sleep = func(time.Duration) *time.Timer { return time.NewTimer(math.MaxInt64) }
	o.start()
	t.Cleanup(func() { o.stop() })
	hear := func(from chan string, n int) (heard []string) {
		t.Helper()
		for range n {
			select {
			case key := <-from:
				heard = append(heard, key)
			case <-time.After(time.Minute): // it never would
				t.Fatalf("only %q went without a sleep that ends", heard)
			}
		}
		slices.Sort(heard)
		return heard
	}
	if got, want := hear(began, 4), []string{"hangs0:1", "hangs1:1", "hangs2:1", "hangs3:1"}; !slices.Equal(got, want) {
		t.Fatalf("%q hang, want %q", got, want)
	}
	for _, key := range []string{"assistants:1:a", "assistants:1:b", "assistants:2:a"} {
		add(t, app, o, "mirror", key)
	}
	add(t, app, o, "hook", "well:1")
	want := []string{"assistants:1:a", "assistants:1:b", "assistants:2:a", "well:1"}
	if got := hear(left, 4); !slices.Equal(got, want) {
		t.Errorf("beside those that hang went %q, want %q", got, want)
	}
	if len(began) > 0 {
		t.Errorf("%q began in a lane whose worker hangs", <-began)
	}
	close(release)
	if got := hear(left, 8); got[0] != "hangs0:1" || got[7] != "hangs3:2" {
		t.Errorf("then went %q", got)
	}
}

func TestClaim_keeps_to_the_workers_of_a_lane_and_of_a_kind(t *testing.T) {
	app, o, _ := setup(t)
	nothing := func(context.Context, Row) error { return nil }
	mail := Kind{Workers: 2, Lane: func(Row) string { return "mail" }}
	o.Handle("invite", mail, nothing)
	o.Handle("notice", mail, nothing)
	o.Handle("hook", Kind{Workers: 1, Lane: receiver}, nothing)
	for n := range 2 {
		add(t, app, o, "invite", fmt.Sprint("i:", n))
		add(t, app, o, "notice", fmt.Sprint("n:", n))
	}
	for n := range kindMost + 1 {
		add(t, app, o, "hook", fmt.Sprintf("%d:1", n))
	}
	taken := map[string][]*claimed{}
	for {
		r, err := o.claim()
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			break
		}
		taken[r.Kind] = append(taken[r.Kind], r)
	}
	if mails := len(taken["invite"]) + len(taken["notice"]); mails != 2 || len(taken["hook"]) != kindMost {
		t.Fatalf("%d mails and %d hooks are under way, want 2 and %d", mails, len(taken["hook"]), kindMost)
	}
	o.deliver(t.Context(), *taken["hook"][0])
	if r, err := o.claim(); err != nil || r == nil || r.Kind != "hook" {
		t.Errorf("after one hook ended: %+v, %v", r, err)
	}
	if r, err := o.claim(); err != nil || r != nil {
		t.Errorf("then %+v, %v; want nothing", r, err)
	}
}

func TestClaim_keeps_promises_of_before_lanes(t *testing.T) {
	app, o, _ := setup(t)
	var got []string
	o.Handle("note", Kind{}, func(_ context.Context, r Row) error { got = append(got, r.Key); return nil })
	add(t, app, o, "note", "before:1")
	if _, err := atomic.Of(app).Exec("UPDATE outbox SET lane = ''"); err != nil {
		t.Fatal(err)
	}
	add(t, app, o, "note", "now:1")
	deliver(t, o, 2)
	if slices.Sort(got); !slices.Equal(got, []string{"before:1", "now:1"}) {
		t.Errorf("kept %q", got)
	}
}

func TestKind_has_its_own_times(t *testing.T) {
	app, o, c := setup(t)
	var left time.Duration
	o.Handle("hook", Kind{Delays: []time.Duration{time.Minute}, Timeout: 10 * time.Minute},
		func(ctx context.Context, _ Row) error {
			until, _ := ctx.Deadline()
			left = time.Until(until)
			return errors.New("no")
		})
	add(t, app, o, "hook", "x:1")
	deliver(t, o, 1)
	if left > 10*time.Minute || left < 5*time.Minute {
		t.Errorf("a delivery has %v", left)
	}
	c.Move(time.Minute)
	lost, err := o.claim()
	if err != nil || lost == nil {
		t.Fatalf("claimed %v, %v", lost, err)
	}
	c.Move(10 * time.Minute)
	deliver(t, o, 0) // the lease is longer than the timeout
	c.Move(leaseLonger)
	deliver(t, o, 1)
	if at, usedUp, err := o.Died(atomic.Of(app), "x:"); err != nil || at.IsZero() || !usedUp {
		t.Errorf("died %v, used up %v, %v: want it after the only wait", at, usedUp, err)
	}
}

// A promise costs one write to be claimed and one to be closed.
func TestClaim_is_one_write(t *testing.T) {
	var mu sync.Mutex
	var heard []string
	app := testkit.NewHeard(t, func(statement string) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, statement)
	})
	o := New(app, WithClock(testkit.NewClock(testkit.Start).Now, longest))
	o.Handle("note", Kind{}, func(context.Context, Row) error { return nil })
	for n := range 5 {
		add(t, app, o, "note", fmt.Sprint("a:", n))
	}
	mu.Lock()
	heard = nil
	mu.Unlock()
	deliver(t, o, 5)
	mu.Lock()
	defer mu.Unlock()
	writes := 0
	for _, statement := range heard {
		if strings.Contains(statement, "UPDATE ") || strings.Contains(statement, "INSERT ") ||
			strings.Contains(statement, "DELETE ") {
			writes++
		}
	}
	if want := 2*5 + 1; writes != want { // the last look finds nothing
		t.Errorf("5 promises cost %d writes, want %d", writes, want)
	}
}

// However much waits in a lane that is full, the database walks past it by the index.
func TestClaim_reads_by_the_index_of_lanes(t *testing.T) {
	app, _, _ := setup(t)
	plan, err := atomic.Of(app).Query("EXPLAIN QUERY PLAN "+claimDue, "", "{}", "[]", "[]")
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	var all strings.Builder
	for plan.Next() {
		var id, parent, unused int
		var detail string
		if err := plan.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		all.WriteString(detail + "\n")
	}
	for _, step := range []string{"(lane>?)", "(lane=? AND next_at<?)"} {
		if !strings.Contains(all.String(), step) {
			t.Errorf("no step %s in:\n%s", step, all.String())
		}
	}
	if strings.Contains(all.String(), "SCAN o\n") || strings.Contains(all.String(), "SCAN outbox\n") {
		t.Errorf("the table is read whole:\n%s", all.String())
	}
}
