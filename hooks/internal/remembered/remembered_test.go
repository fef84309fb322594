package remembered_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

var errAway = errors.New("away")

// shelf is a source of values that counts its readings.
type shelf struct {
	*remembered.Cache[string, string]
	t     *testing.T
	reads int
}

func newShelf(t *testing.T, most int, now func() time.Time) *shelf {
	return &shelf{Cache: remembered.New[string, string](most, now), t: t}
}

// want asks for a key while the source has the value, and tells what must come, after
// how many readings in all.
func (s *shelf) want(key, has string, keep time.Duration, want string, reads int) {
	s.t.Helper()
	got, err := s.Get(s.t.Context(), key, func() (string, time.Duration, error) {
		s.reads++
		return has, keep, nil
	})
	if err != nil || got != want || s.reads != reads {
		s.t.Errorf("%s: got %q after %d readings, %v; want %q after %d", key, got, s.reads, err, want, reads)
	}
}

func TestCache_believes_a_value_as_long_as_it_may(t *testing.T) {
	clock := testkit.NewClock(testkit.Start)
	s := newShelf(t, 10, clock.Now)
	s.want("a", "1", time.Minute, "1", 1)
	s.want("b", "1", remembered.Always, "1", 2)
	s.want("c", "1", 0, "1", 3)
	clock.Move(time.Minute - 1)
	s.want("a", "2", time.Minute, "1", 3)
	s.want("c", "2", 0, "2", 4)
	clock.Move(1)
	s.want("a", "2", time.Minute, "2", 5)
	clock.Move(1000 * time.Hour)
	s.want("b", "2", remembered.Always, "1", 5)
	// What may no longer be kept takes the old value along.
	s.want("a", "3", 0, "3", 6)
	s.want("a", "4", time.Minute, "4", 7)
}

func TestCache_forgets_what_is_named(t *testing.T) {
	s := newShelf(t, 10, nil)
	fill := func() {
		s.Clear()
		s.reads = 0
		s.want("a", "x", remembered.Always, "x", 1)
		s.want("b", "y", remembered.Always, "y", 2)
	}
	fill()
	s.Forget("a")
	s.want("b", "new", remembered.Always, "y", 2)
	s.want("a", "new", remembered.Always, "new", 3)
	fill()
	s.ForgetIf(func(v string) bool { return v == "y" })
	s.want("a", "new", remembered.Always, "x", 2)
	s.want("b", "new", remembered.Always, "new", 3)
	fill()
	s.Clear()
	s.want("a", "new", remembered.Always, "new", 3)
	s.want("b", "new", remembered.Always, "new", 4)
}

func TestCache_never_holds_more_than_it_may(t *testing.T) {
	s := newShelf(t, 3, nil)
	for n := range 10 {
		s.want(fmt.Sprint(n), "x", remembered.Always, "x", n+1)
		s.want(fmt.Sprint(n), "y", remembered.Always, "x", n+1) // the newest is always there
	}
	there := 0
	for n := range 10 {
		_, err := s.Get(t.Context(), fmt.Sprint(n), func() (string, time.Duration, error) { return "", 0, errAway })
		if err == nil {
			there++
		}
	}
	if there != 3 {
		t.Errorf("%d are there, want 3", there)
	}
}

func TestCache_replaces_only_what_was_read(t *testing.T) {
	clock := testkit.NewClock(testkit.Start)
	s := newShelf(t, 10, clock.Now)
	remembered.Replace(s.Cache, "a", "", "made up")
	s.want("a", "1", time.Minute, "1", 1)
	remembered.Replace(s.Cache, "a", "0", "2")
	s.want("a", "3", time.Minute, "1", 1)
	clock.Move(time.Minute - 1)
	remembered.Replace(s.Cache, "a", "1", "2")
	s.want("a", "3", time.Minute, "2", 1)
	clock.Move(1) // it is believed no longer than what it is a copy of
	s.want("a", "3", time.Minute, "3", 2)
}

func TestCache_failures_are_neither_kept_nor_shared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := remembered.New[string, int](10, nil)
		gate := make(chan struct{})
		var answers [3]int
		var errs [3]error
		var wait sync.WaitGroup
		for n := range answers {
			wait.Go(func() {
				answers[n], errs[n] = c.Get(t.Context(), "a", func() (int, time.Duration, error) {
					if n == 0 {
						<-gate
						return 0, time.Hour, errAway
					}
					return n, time.Hour, nil
				})
			})
			synctest.Wait() // the first reads, the others wait
		}
		close(gate)
		wait.Wait()
		if answers != [3]int{0, 1, 2} || errs != [3]error{errAway, nil, nil} {
			t.Errorf("got %v, %v", answers, errs)
		}
	})
}

func TestCache_what_is_not_kept_is_not_shared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := remembered.New[string, int](10, nil)
		gate := make(chan struct{})
		var answers [2]int
		var wait sync.WaitGroup
		for n := range answers {
			wait.Go(func() {
				answers[n], _ = c.Get(t.Context(), "a", func() (int, time.Duration, error) {
					if n == 0 {
						<-gate
					}
					return n, 0, nil
				})
			})
			synctest.Wait()
		}
		close(gate)
		wait.Wait()
		if answers != [2]int{0, 1} {
			t.Errorf("got %v", answers)
		}
	})
}

func TestCache_those_who_ask_together_share_one_reading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := remembered.New[string, string](10, nil)
		gate, reads := make(chan struct{}), 0
		read := func() (string, time.Duration, error) {
			reads++
			<-gate
			return "x", time.Hour, nil
		}
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				if got, err := c.Get(t.Context(), "a", read); got != "x" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		ctx, leave := context.WithCancel(t.Context())
		synctest.Wait()
		wait.Go(func() {
			if _, err := c.Get(ctx, "a", read); !errors.Is(err, context.Canceled) {
				t.Errorf("who went away: %v", err)
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		close(gate)
		wait.Wait()
		if reads != 1 {
			t.Errorf("%d readings, want 1", reads)
		}
	})
}

func TestCache_a_reading_from_before_a_change_is_not_kept(t *testing.T) {
	changes := map[string]func(*remembered.Cache[string, string]){
		"of the key":   func(c *remembered.Cache[string, string]) { c.Forget("a") },
		"of some":      func(c *remembered.Cache[string, string]) { c.ForgetIf(func(string) bool { return false }) },
		"of all":       func(c *remembered.Cache[string, string]) { c.Clear() },
		"of other key": nil,
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := remembered.New[string, string](10, nil)
				gate := make(chan struct{})
				var wait sync.WaitGroup
				for range 2 { // one who reads, one who waits: both asked before
					wait.Go(func() {
						got, err := c.Get(t.Context(), "a", func() (string, time.Duration, error) {
							<-gate
							return "old", time.Hour, nil
						})
						if got != "old" || err != nil {
							t.Errorf("asked before: got %q, %v", got, err)
						}
					})
				}
				synctest.Wait()
				want := "new"
				if change == nil {
					c.Forget("b")
					want = "old"
				} else {
					change(c)
					// Who asks after the change waits for nobody who asked before.
					got, err := c.Get(t.Context(), "a", func() (string, time.Duration, error) { return "new", time.Hour, nil })
					if got != "new" || err != nil {
						t.Errorf("asked after: got %q, %v", got, err)
					}
				}
				close(gate)
				wait.Wait()
				got, _ := c.Get(t.Context(), "a", func() (string, time.Duration, error) { return "again", time.Hour, nil })
				if got != want {
					t.Errorf("kept %q, want %q", got, want)
				}
			})
		})
	}
}

func TestCache_a_panic_lets_nobody_wait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := remembered.New[string, string](10, nil)
		gate := make(chan struct{})
		var wait sync.WaitGroup
		wait.Go(func() {
			defer func() { recover() }()
			c.Get(t.Context(), "a", func() (string, time.Duration, error) {
				<-gate
				panic("broken")
			})
		})
		synctest.Wait()
		wait.Go(func() {
			got, err := c.Get(t.Context(), "a", func() (string, time.Duration, error) { return "x", time.Hour, nil })
			if got != "x" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
		synctest.Wait()
		close(gate)
		wait.Wait()
	})
}

// Many read while one writes: nobody is ever told less than what was written before
// they asked.
func TestCache_never_tells_less_than_was_there(t *testing.T) {
	c := remembered.New[int, int64](4, nil)
	var source [8]atomic.Int64
	var wait sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wait.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				key := n % len(source)
				before := source[key].Load()
				got, err := c.Get(t.Context(), key, func() (int64, time.Duration, error) {
					return source[key].Load(), remembered.Always, nil
				})
				// One change may be under way between its write and its word.
				if err != nil || got < before-1 {
					t.Errorf("%d: got %d, there was %d; %v", key, got, before, err)
					return
				}
			}
		})
	}
	for n := range 20_000 {
		key := n % len(source)
		source[key].Add(1)
		switch n % 3 {
		case 0:
			c.Forget(key)
		case 1:
			c.ForgetIf(func(v int64) bool { return true })
		default:
			c.Clear()
		}
		if got, _ := c.Get(t.Context(), key, func() (int64, time.Duration, error) {
			return source[key].Load(),
				remembered.Always, nil
		}); got != source[key].Load() {
			t.Fatalf("%d: got %d after the change to %d", key, got, source[key].Load())
		}
	}
	close(done)
	wait.Wait()
}

func TestOnChange_tells_what_is_committed_and_nothing_else(t *testing.T) {
	c := remembered.New[string, string](10, nil)
	app := testkit.New(t, func(app core.App) {
		remembered.OnChange(app, func(r *core.Record) { c.Forget(r.Id) }, collections.Organizations, collections.PhoneNumbers)
	})
	name := func(app core.App) string {
		t.Helper()
		got, err := c.GetIn(app, testkit.Acme, func() (string, time.Duration, error) {
			r, err := app.FindRecordById(collections.Organizations, testkit.Acme)
			if err != nil {
				return "", 0, err
			}
			return r.GetString("name"), remembered.Always, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	rename := func(app core.App, to string) {
		t.Helper()
		r, err := app.FindRecordById(collections.Organizations, testkit.Acme)
		if err != nil {
			t.Fatal(err)
		}
		r.Set("name", to)
		if err := app.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	before := name(app)
	if err := app.RunInTransaction(func(tx core.App) error {
		rename(tx, "Undone")
		if got := name(tx); got != "Undone" {
			t.Errorf("inside: got %q", got)
		}
		if got := name(app); got != before {
			t.Errorf("outside, before the end: got %q", got)
		}
		return errAway
	}); !errors.Is(err, errAway) {
		t.Fatal(err)
	}
	if _, err := app.NonconcurrentDB().NewQuery(`UPDATE organizations SET name = 'Untold'`).Execute(); err != nil {
		t.Fatal(err)
	}
	if got := name(app); got != before {
		t.Errorf("what is rolled back was told: got %q", got)
	}
	if err := app.RunInTransaction(func(tx core.App) error {
		rename(tx, "Done")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := name(app); got != "Done" {
		t.Errorf("got %q", got)
	}
}
