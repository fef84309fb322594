package live

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// everybody may listen to everything.
type everybody struct{}

func (everybody) MayFollow(*core.Record, string) bool { return true }
func (everybody) MayHear(*core.Record, string) bool   { return true }

// seat is one open stream without a network: what the hub sends comes out of
// the client's channel.
type seat struct {
	*outlet
	stream *client
}

// sit opens a stream of a person that follows the topics; with pumping it is
// served, else what waits for it can be looked at.
func sit(t *testing.T, h *Hub, user string, topics map[string]string, pumping bool) *seat {
	t.Helper()
	client := newClient(subscriptions.NewDefaultClient(), func() {})
	users, err := h.app.FindCachedCollectionByNameOrId("users")
	if err != nil {
		t.Fatal(err)
	}
	person := core.NewRecord(users)
	person.Id = user
	client.Set(apis.RealtimeClientAuthKey, person)
	s := &seat{newOutlet(client, ""), client}
	h.mu.Lock()
	h.outlets[client.Id()] = s.outlet
	h.mu.Unlock()
	h.follow(client.Id(), topics, nil)
	if pumping {
		go s.pump(client.gone)
	}
	t.Cleanup(client.Discard)
	return s
}

// next is the next message of a stream, or "closed".
func (s *seat) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-s.stream.out:
		return m.Name + " " + string(m.Data)
	case <-s.stream.gone:
		return "closed"
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		return ""
	}
}

func newHub(t *testing.T) *Hub {
	t.Helper()
	return New(testkit.New(t), everybody{}, 0)
}

// handedOut returns once every change told so far is with its readers.
func (h *Hub) handedOut(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); runtime.Gosched() {
		h.waiting.Lock()
		handing := h.handing
		h.waiting.Unlock()
		if !handing {
			return
		}
	}
	t.Fatal("changes are still being handed out")
}

func TestChanged_reaches_only_those_who_follow_the_organization(t *testing.T) {
	h := newHub(t)
	in, other := sit(t, h, "a", map[string]string{"org/acme": "acme"}, true),
		sit(t, h, "b", map[string]string{"org/bolt": "bolt"}, true)
	h.Changed("acme", "calls", "one", "two")
	h.Changed("bolt", "contacts")
	if got := in.next(t); got != `org/acme {"collection":"calls","ids":["one","two"]}` {
		t.Errorf("got %s", got)
	}
	// The first thing the other hears is its own.
	if got := other.next(t); got != `org/bolt {"collection":"contacts","ids":[]}` {
		t.Errorf("got %s", got)
	}
}

func TestChanged_gives_a_thousand_slow_readers_one_message_each(t *testing.T) {
	h := newHub(t)
	seats := make([]*seat, 1000)
	for n := range seats {
		seats[n] = sit(t, h, "a", map[string]string{"org/acme": "acme"}, false)
	}
	for n := range 300 {
		h.Changed("acme", "calls", fmt.Sprintf("call%d", n%40))
		h.Changed("acme", "messages", fmt.Sprintf("line%d", n))
	}
	h.handedOut(t)
	for _, s := range seats {
		_, changes, closed := s.take()
		if closed || len(changes) != 2 {
			t.Fatalf("%d changes wait, closed %v; want one for each collection", len(changes), closed)
		}
		if got := changes[0].change.IDs; len(got) != 40 || got[0] != "call0" {
			t.Fatalf("the calls are named %v", got)
		}
		if got := changes[1].change.IDs; got == nil || len(got) != 0 {
			t.Fatalf("more rows than can be named are named %v", got)
		}
	}
}

func TestChanged_once_unnamed_stays_unnamed(t *testing.T) {
	for name, changes := range map[string][][]string{
		"too many at once": {make([]string, maxNamed+1)},
		"a list first":     {{}, {"one"}},
		"a list later":     {{"one"}, nil},
	} {
		h := newHub(t)
		s := sit(t, h, "a", map[string]string{"org/acme": "acme"}, false)
		for _, ids := range changes {
			h.Changed("acme", "calls", ids...)
		}
		h.handedOut(t)
		_, waiting, _ := s.take()
		if len(waiting) != 1 {
			t.Fatalf("%s: %d changes wait", name, len(waiting))
		}
		data, err := json.Marshal(waiting[0].change)
		if err != nil || string(data) != `{"collection":"calls","ids":[]}` {
			t.Errorf("%s: got %s, %v", name, data, err)
		}
	}
}

func TestLine_keeps_the_order_and_goes_only_to_the_call(t *testing.T) {
	h := newHub(t)
	in, other := sit(t, h, "a", map[string]string{"call/one": "acme"}, true),
		sit(t, h, "a", map[string]string{"call/two": "acme"}, true)
	for n := range 20 {
		h.Line("one", n)
	}
	h.Line("two", "own")
	for n := range 20 {
		if got, want := in.next(t), fmt.Sprintf("call/one %d", n); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	if got := other.next(t); got != `call/two "own"` {
		t.Errorf("got %s", got)
	}
	h.Line("one", func() {}) // what cannot be encoded is dropped
	h.Line("one", "after")
	if got := in.next(t); got != `call/one "after"` {
		t.Errorf("got %s", got)
	}
}

func TestLine_a_reader_who_does_not_read_is_cut_off_and_holds_nobody(t *testing.T) {
	h := newHub(t)
	stuck := sit(t, h, "a", map[string]string{"call/one": "acme", "org/acme": "acme"}, true)
	deaf := h.Listen("one", "c", "acme")
	defer deaf.Close()
	reader := sit(t, h, "b", map[string]string{"call/one": "acme"}, true)
	var wait sync.WaitGroup
	const lines = 2000
	got := make([]string, 0, lines)
	turn := make(chan struct{})
	wait.Go(func() {
		for n := range lines {
			if n%100 == 0 {
				turn <- struct{}{} // the reader is never far behind
			}
			got = append(got, reader.next(t))
		}
	})
	for n := range lines {
		if n%100 == 0 {
			<-turn
		}
		h.Line("one", n) // returns although nobody reads the other two
		h.Changed("acme", "calls", fmt.Sprint(n))
	}
	wait.Wait()
	if len(got) != lines || got[lines-1] != fmt.Sprintf("call/one %d", lines-1) {
		t.Errorf("the reader got %d of %d lines", len(got), lines)
	}
	for {
		if stuck.next(t) == "closed" {
			break
		}
	}
	stuck.mu.Lock()
	if len(stuck.lines)+len(stuck.changes) > 0 {
		t.Errorf("%d messages are kept for a reader who was cut off", len(stuck.lines)+len(stuck.changes))
	}
	stuck.mu.Unlock()
	select {
	case <-deaf.Done():
	default:
		t.Error("the listener who does not listen was not cut off")
	}
}

func TestDrop_ends_what_one_person_hears_of_one_organization(t *testing.T) {
	h := newHub(t)
	both := map[string]string{"org/acme": "acme", "call/one": "acme", "org/bolt": "bolt"}
	gone := sit(t, h, "a", both, true)
	bystander := sit(t, h, "a", map[string]string{"org/bolt": "bolt"}, true)
	colleague := sit(t, h, "b", map[string]string{"org/acme": "acme", "call/one": "acme"}, true)
	mine, theirs := h.Listen("one", "a", "acme"), h.Listen("one", "b", "acme")
	defer mine.Close()
	defer theirs.Close()
	h.Drop("a", "acme")
	ended := []string{gone.next(t), gone.next(t)}
	slices.Sort(ended)
	if want := []string{`call/one {"ended":true}`, `org/acme {"ended":true}`}; !slices.Equal(ended, want) {
		t.Errorf("got %q, want %q", ended, want)
	}
	h.Changed("acme", "calls", "secret")
	h.Line("one", "secret")
	h.Changed("bolt", "calls", "own")
	for who, s := range map[string]*seat{"the dropped": gone, "another stream of the person": bystander} {
		if got := s.next(t); got != `org/bolt {"collection":"calls","ids":["own"]}` {
			t.Errorf("%s heard %s", who, got)
		}
	}
	heard := colleague.next(t) + colleague.next(t)
	if strings.Count(heard, "secret") != 2 {
		t.Errorf("a colleague heard %s", heard)
	}
	select {
	case <-mine.Done():
	default:
		t.Error("the person's listener goes on")
	}
	select {
	case <-theirs.Done():
		t.Error("a colleague's listener was cut off")
	case got := <-theirs.Lines():
		if string(got) != `"secret"` {
			t.Errorf("got %s", got)
		}
	}
}

func TestListener_leaves_nothing_behind(t *testing.T) {
	h := newHub(t)
	l, other := h.Listen("one", "a", "acme"), h.Listen("one", "b", "acme")
	l.Close()
	l.Close()
	h.Line("one", 1)
	if len(l.Lines()) != 0 || len(other.Lines()) != 1 {
		t.Errorf("the closed listener has %d lines, the other %d", len(l.Lines()), len(other.Lines()))
	}
	other.Close()
	if len(h.listeners) != 0 {
		t.Errorf("%d calls are still listened to", len(h.listeners))
	}
}

func TestClient_ends_once_and_lets_senders_go(t *testing.T) {
	ended := 0
	c := newClient(subscriptions.NewDefaultClient(), func() { ended++ })
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() { c.Send(subscriptions.Message{Name: "nobody reads this"}) })
		wait.Go(c.Discard)
	}
	wait.Wait()
	c.Send(subscriptions.Message{}) // does not wait either
	if ended != 1 || !c.IsDiscarded() {
		t.Errorf("ended %d times, discarded %v", ended, c.IsDiscarded())
	}
}
