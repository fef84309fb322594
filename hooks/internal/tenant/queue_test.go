package tenant

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/pocketbase/pocketbase/core"
)

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running == 0 && len(q.waiting) == 0 && len(q.people) == 0 && len(q.houses) == 0
}

// waiters is lists that wait in a queue; began says, one after the other, whose turn it is.
type waiters struct {
	t     *testing.T
	ctx   context.Context
	q     *queue
	began chan string
	ends  map[string]func()
}

func newWaiters(t *testing.T) *waiters {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return &waiters{t, ctx, newQueue(), make(chan string, 100), map[string]func(){}}
}

func (w *waiters) ask(name, organization string) {
	w.t.Helper()
	go func() {
		leave, err := w.q.enter(w.ctx, party{name, organization})
		if err != nil {
			return // the test is over
		}
		w.ends[name] = leave
		w.began <- name
	}()
	synctest.Wait()
}

func (w *waiters) want(names ...string) {
	w.t.Helper()
	synctest.Wait()
	for _, name := range names {
		select {
		case got := <-w.began:
			if got != name {
				w.t.Fatalf("the turn is %s's, want %s's", got, name)
			}
		default:
			w.t.Fatalf("nobody's turn, want %s's", name)
		}
	}
	if len(w.began) > 0 {
		w.t.Fatalf("%s as well", <-w.began)
	}
}

func (w *waiters) end(name string) {
	w.ends[name]()
	synctest.Wait()
}

func TestQueue_people_of_one_organization_do_not_keep_another_waiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaiters(t)
		w.ask("a0", "acme")
		w.ask("a1", "acme")
		w.want("a0", "a1") // both places, as long as nobody else asks
		for n := 2; n < 6; n++ {
			w.ask(fmt.Sprint("a", n), "acme")
		}
		w.ask("b0", "bolt")
		w.ask("b1", "bolt")
		w.ask("c0", "cafe")
		w.want()
		w.end("a0") // acme has one running: bolt's turn, though acme's came before
		w.want("b0")
		w.end("b0") // cafe has had none yet, bolt has
		w.want("c0")
		w.end("c0")
		w.want("b1")
		w.end("a1") // nobody else waits now
		w.want("a2")
		w.end("b1")
		w.want("a3")
		w.end("a2")
		w.want("a4")
		w.end("a3")
		w.want("a5")
		w.end("a4")
		w.end("a5")
		if !w.q.empty() {
			t.Errorf("something is left: %+v", w.q)
		}
	})
}

func TestQueue_a_crowd_of_organizations_takes_turns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaiters(t)
		for n := range 4 {
			w.ask(fmt.Sprint("a", n), "acme")
			w.ask(fmt.Sprint("b", n), "bolt")
		}
		w.want("a0", "b0")
		w.ask("c0", "cafe")
		w.end("a0")
		w.want("c0") // before the lists that acme and bolt have waiting since before
		w.end("b0")
		w.want("a1")
		w.end("c0")
		w.want("b1")
	})
}

func TestQueue_refuses_a_crowd_of_one_account_whatever_it_reads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaiters(t)
		for n := range waitMost + 1 { // one has its turn
			go func() { _, _ = w.q.enter(w.ctx, party{"sam", fmt.Sprint(n)}) }()
		}
		synctest.Wait()
		if _, err := w.q.enter(w.ctx, party{"sam", "another"}); !errors.Is(err, errCrowd) {
			t.Errorf("got %v, want %v", err, errCrowd)
		}
		if n := len(w.q.houses); n != waitMost+1 {
			t.Errorf("%d organizations are remembered, want those of %d lists", n, waitMost+1)
		}
	})
}

func TestQueue_gives_back_what_somebody_left(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var ends []func()
		for n := range slowLists {
			leave, err := q.enter(t.Context(), party{fmt.Sprint(n), "acme"})
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, leave)
		}
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := q.enter(ctx, party{"b", "bolt"})
			left <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left: got %v", err)
		}
		if _, err := q.enter(ctx, party{"b", "bolt"}); !errors.Is(err, context.Canceled) {
			t.Errorf("who had left before: got %v", err)
		}
		for _, end := range ends {
			end()
		}
		if !q.empty() {
			t.Errorf("something is left: %+v", q)
		}
	})
}

// Waiting is how many wait in the queue of an app's lists or of its pages.
func Waiting(app core.App, pages bool) int {
	q := queueOf(app, pages)
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Idle tells whether nothing is remembered of a queue.
func Idle(app core.App, pages bool) bool { return queueOf(app, pages).empty() }

func queueOf(app core.App, pages bool) *queue {
	g := app.Store().Get(guardKey).(*guard)
	if pages {
		return g.own
	}
	return g.slow
}
