package tenant

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/pocketbase/pocketbase/core"
)

// Crowd takes all places of the lists of an app until free is called; waiting is how
// many requests wait behind them.
func Crowd(app core.App) (free func(), waiting func() int) {
	g := app.Store().Get(guardKey).(*guard)
	g.slow.mu.Lock()
	g.slow.running += slowLists
	g.slow.mu.Unlock()
	free = func() {
		g.slow.mu.Lock()
		defer g.slow.mu.Unlock()
		g.slow.running -= slowLists
		g.slow.next()
	}
	return free, func() (n int) {
		g.slow.mu.Lock()
		n = len(g.slow.waiting)
		g.slow.mu.Unlock()
		g.lists.mu.Lock()
		defer g.lists.mu.Unlock()
		for _, one := range g.lists.waiting {
			n += one.others
		}
		return n
	}
}

func TestTogether_reads_once_for_all_who_asked_before(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q questions
		turn, reading, answers := make(chan struct{}), make(chan struct{}), make(chan int, 9)
		read := 0
		ask := func() {
			v, _, err := together(context.Background(), &q, "the same",
				func() (func(), error) { <-turn; return func() {}, nil },
				func() (int, bool, error) { read++; v := read; <-reading; return v, true, nil })
			if err != nil {
				t.Error(err)
			}
			answers <- v
		}
		for range 3 {
			go ask()
		}
		synctest.Wait()
		turn <- struct{}{} // the first of them is reading
		synctest.Wait()
		go ask()
		synctest.Wait()
		reading <- struct{}{}
		synctest.Wait()
		if len(answers) != 3 || read != 1 {
			t.Fatalf("%d answers of %d readings, want 3 of 1", len(answers), read)
		}
		turn <- struct{}{}
		reading <- struct{}{}
		synctest.Wait()
		var got []int
		for range 4 {
			got = append(got, <-answers)
		}
		if want := []int{1, 1, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v: who asked while it was read is told what is there now", got, want)
		}
		if len(q.waiting) != 0 {
			t.Error("a question was not forgotten")
		}
	})
}

func TestTogether_shares_no_failure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q questions
		turn, failed := make(chan error), make(chan error, 9)
		read := 0
		ask := func(ctx context.Context) {
			_, _, err := together(ctx, &q, "the same",
				func() (func(), error) { return func() {}, <-turn },
				func() (int, bool, error) { read++; return read, read > 1, nil }) // the first answer is of no use to others
			failed <- err
		}
		left, leave := context.WithCancel(t.Context())
		go ask(t.Context())
		synctest.Wait()
		go ask(left)
		synctest.Wait()
		leave()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("who left: got %v", err)
		}
		for range 3 {
			go ask(t.Context())
		}
		synctest.Wait()
		crowd := errors.New("too long")
		turn <- crowd // and the next one asks
		if err := <-failed; err != crowd {
			t.Errorf("who waited too long: got %v, want %v", err, crowd)
		}
		synctest.Wait()
		turn <- nil // the second reads for itself
		if err := <-failed; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		turn <- nil // the third reads for both that are left
		for range 2 {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		if read != 2 {
			t.Errorf("%d readings, want 2", read)
		}
	})
}

func TestOfMember_knows_rules_that_ask_about_more(t *testing.T) {
	const member = `@request.auth.id != "" && organization.memberships_via_organization.user ?= @request.auth.id` +
		` && organization.memberships_via_organization.status ?= "active"`
	for rule, want := range map[string]bool{
		member: true,
		member + ` && organization.memberships_via_organization.can_view_calls ?= true`: true,
		member + ` && @request.auth.is_service = false`:                                 true,
		member + ` && created_by = @request.auth.id`:                                    false,
		member + ` && organization.memberships_via_organization.created > "2026"`:       false,
		member + ` && @request.auth.email ~ "acme"`:                                     false,
		member + ` && @request.headers.x = "a"`:                                         false,
		`id = @request.auth.id`:                                                         false,
		``:                                                                              false,
	} {
		if got := ofMember.MatchString(rule); got != want {
			t.Errorf("%s: got %v, want %v", rule, got, want)
		}
	}
}
