package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
	"github.com/pocketline/pocketline/providers/vapi"
)

// fiveTimes sends every message five times at once (F5): the call is the same as one
// that was sent once.
func fiveTimes(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	s := rig.NewStorm(d, d.Owner(t))
	deliver(t, s, "00000001-0000-7000-8000-000000000005")
	calls := []string{"00000001-0000-7000-8000-000000000005"}
	const times = 5
	for n := range t.rounds(20, 3) {
		call := fmt.Sprintf("00000005-0000-7000-8000-%012x", n)
		calls = append(calls, call)
		for _, body := range s.Make(call) {
			var all sync.WaitGroup
			var mu sync.Mutex
			answers := map[int]int{}
			for range times {
				all.Go(func() {
					status := s.Post(t.Context(), body)
					mu.Lock()
					defer mu.Unlock()
					answers[status]++
				})
			}
			all.Wait()
			if answers[http.StatusOK] != times {
				t.Errorf("a message sent %d times at once was answered %v", times, answers)
			}
			if err := s.Deliver(t.Context(), body); err != nil { // once more, now that it is there
				t.Fatal(err)
			}
		}
	}
	operator := d.Operator(t)
	applied(t, operator)
	t.keeps(d.Dir, s.Acked())
	same(t, operator, calls)
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d calls, each message %d times", len(calls)-1, times)
}

// deliver sends one call in its order.
func deliver(t *trial, s *rig.Storm, call string) {
	t.Helper()
	if err := s.Call(t.Context(), call); err != nil {
		t.Fatal(err)
	}
}

// anyOrder sends calls backwards and shuffled (F6).
func anyOrder(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	s := rig.NewStorm(d, d.Owner(t))
	const inOrder = "00000001-0000-7000-8000-000000000006"
	deliver(t, s, inOrder)
	calls := []string{inOrder}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 6))
	t.Logf("seed %d", seed)
	for n := range t.rounds(30, 4) {
		call := fmt.Sprintf("00000006-0000-7000-8000-%012x", n)
		calls = append(calls, call)
		all := s.Make(call)
		if slices.Reverse(all); n > 0 { // the first one backwards: its report comes first
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
		for _, body := range all {
			if err := s.Deliver(t.Context(), body); err != nil {
				t.Fatal(err)
			}
		}
	}
	operator := d.Operator(t)
	applied(t, operator)
	t.keeps(d.Dir, s.Acked())
	same(t, operator, calls)
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d calls out of order, each as the one in order", len(calls)-1)
}

// tooLate sends what belongs to no time or row of today (F7): a call of three days
// ago, calls of an assistant, a number and an organization that are gone, and of a
// number nobody knows.
func tooLate(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	owner, operator := d.Owner(t), d.Operator(t)
	s := rig.NewStorm(d, owner)
	number, assistant := rig.LineIn(owner, "en"), owner.One(collections.Assistants, "language = 'en'")
	organization := rig.Practice(owner)
	send := func(what, call string, messages []string) {
		t.Helper()
		for _, body := range messages {
			m, err := vapi.ParseMessage([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if status := s.Post(t.Context(), body); status != http.StatusOK {
				t.Errorf("%s: %s is answered %d: it comes again for ever", what, m.Type, status)
			}
		}
	}
	callOf := func(id string) []rig.Row { return operator.Rows(collections.Calls, "vapi_call_id = '"+id+"'", "") }

	const late = "00000007-0000-7000-8000-000000000001"
	threeDays := time.Now().Add(-72 * time.Hour)
	send("three days late", late, rig.LoadSampleAt(t, threeDays).Messages(late, number, assistant))
	rig.Until(t, "the late call to be applied", func() bool {
		rows := callOf(late)
		return len(rows) == 1 && rows[0]["status"] == collections.CallCompleted
	})
	if at := callOf(late)[0]["started_at"].(string); !strings.HasPrefix(at, threeDays.UTC().Format("2006-01-02")) {
		t.Errorf("the late call began at %s, want three days ago", at)
	}

	const unknown = "00000007-0000-7000-8000-000000000002"
	stranger := rig.Row{
		"vapi_phone_id": "11111111-2222-4333-8444-555555555555", "vapi_assistant_id": "11111111-2222-4333-8444-666666666666",
	}
	send("a number nobody knows", unknown, rig.LoadSample(t).Messages(unknown, stranger, stranger))
	if rows := callOf(unknown); len(rows) != 0 {
		t.Errorf("a call of a number nobody knows is there: %v", rows)
	}

	gone := owner.One(collections.Assistants, "language = 'fr'")
	line := rig.LineIn(owner, "fr")
	for _, path := range []string{collections.PhoneNumbers + "/records/" + line["id"].(string),
		collections.Assistants + "/records/" + gone["id"].(string)} {
		owner.Ask("DELETE", "/api/collections/"+path, nil, http.StatusNoContent, nil)
	}
	rig.Until(t, "assistant and number to be gone", func() bool {
		return len(owner.Rows(collections.Assistants, "language = 'fr'", "")) == 0
	})
	const orphan = "00000007-0000-7000-8000-000000000003"
	send("a deleted assistant", orphan, rig.LoadSample(t).Messages(orphan, line, gone))
	if n := len(owner.Rows(collections.Assistants, "", "")); n != 1 {
		t.Errorf("there are %d assistants after a message of a deleted one", n)
	}

	owner.Ask("POST", "/api/organizations/"+organization["id"].(string)+"/delete", rig.Row{
		"name": organization["name"],
	}, http.StatusOK, nil)
	const closed = "00000007-0000-7000-8000-000000000004"
	send("a deleted organization", closed, rig.LoadSample(t).Messages(closed, number, assistant))
	if h, status := d.Health(); status != http.StatusOK {
		t.Errorf("afterwards the server is %d %+v", status, h)
	}
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("a call of three days ago is whole; messages of deleted and unknown ones are taken, and bring nothing back")
}

// halfDropped lets the sandbox lose half of its messages (F8): what the provider has
// is asked for, and each call is the one of which every message came.
func halfDropped(t *trial) {
	clock := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(clock, []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}
	d := rig.Start(t, t.TempDir(), "", rig.Demo+" --sandbox-clock "+clock)
	owner, operator := d.Owner(t), d.Operator(t)
	rig.Synced(owner)
	whole, sent := wholeCall(t, d, owner)
	calls := t.rounds(12, 3)
	lost, all := 0, 0
	var ids []string
	for n := range calls {
		some := map[string]int{}
		for kind, times := range sent {
			all += times
			if some[kind] = (times + n%2) / 2; kind == "end-of-call-report" {
				some[kind] = times
			}
			lost += some[kind]
		}
		ids = append(ids, unheard(t, d, owner, some))
	}
	began := time.Now()
	operator.Ask("POST", "/api/crons/calls.reconcile", nil, http.StatusNoContent, nil)
	for _, id := range ids {
		rig.Reported(owner, id)
	}
	t.wellAfter(time.Since(began))
	alike(t, operator, whole, ids)
	d.Stop()
	rig.Sound(t, d.Dir)
	t.note("%d of %d messages of %d calls were dropped; each call is whole", lost, all, calls)
}

// wholeCall plays a call of which every message comes. It returns the provider's id
// and how many messages of each kind came that wait for no answer.
func wholeCall(t *trial, d *rig.Desk, owner *rig.Person) (id string, sent map[string]int) {
	t.Helper()
	id = rig.Simulate(owner, rig.LineIn(owner, "en"), "price", "en")
	rig.Reported(owner, id)
	var all []struct{ Type string }
	owner.Ask("GET", d.Sandbox+"/_sandbox/deliveries?callId="+id, nil, http.StatusOK, &all)
	sent = map[string]int{}
	for _, m := range all {
		if m.Type != vapi.TypeAssistantRequest && m.Type != "tool-calls" {
			sent[m.Type]++
		}
	}
	return id, sent
}

// unheard plays the same call, of which the sandbox loses so many messages of each
// kind, and returns the provider's id once it is over there.
func unheard(t *trial, d *rig.Desk, owner *rig.Person, lose map[string]int) string {
	t.Helper()
	for kind, times := range lose {
		if times > 0 {
			owner.Ask("POST", d.Sandbox+"/_sandbox/faults", rig.Row{
				"match": rig.Row{"messageType": kind}, "kind": "drop", "count": times,
			}, http.StatusCreated, nil)
		}
	}
	id := rig.Simulate(owner, rig.LineIn(owner, "en"), "price", "en")
	rig.Until(t, "the provider's call to be over", func() bool {
		var state struct{ State string }
		owner.Ask("GET", d.Sandbox+"/_sandbox/calls/"+id, nil, http.StatusOK, &state)
		return state.State == "over"
	})
	owner.Ask("DELETE", d.Sandbox+"/_sandbox/faults", nil, http.StatusOK, nil)
	return id
}

// alike wants calls that were played one after the other to be the same but for when
// they were.
func alike(t *trial, operator *rig.Person, whole string, ids []string) {
	t.Helper()
	want := timeless(operator, whole)
	for _, id := range ids {
		if missing := differing(want, timeless(operator, id)); missing != "" {
			t.Errorf("call %s is not the one of which every message came:\n%s", id, missing)
		}
	}
}

// differing are the lines of which only one of two texts has as many.
func differing(want, got string) string {
	var b strings.Builder
	count := map[string]int{}
	for _, line := range strings.Split(want, "\n") {
		count[line]++
	}
	for _, line := range strings.Split(got, "\n") {
		if count[line]--; count[line] < 0 {
			fmt.Fprintf(&b, "+ %.300s\n", line)
		}
	}
	for _, line := range strings.Split(want, "\n") {
		if count[line]--; count[line] >= 0 {
			fmt.Fprintf(&b, "- %.300s\n", line)
		}
	}
	return b.String()
}

// passing is what differs between two calls that were played one after the other:
// instants, the ids of functions' uses, and that it rang, which the provider does not
// remember of a call that is over.
var passing = regexp.MustCompile(`20\d\d-\d\d-\d\d[ T][\d:.]+Z?|\b1[6-9]\d{11}\b|(offset_ms|duration_ms|position)=\S+|` +
	`\bcall_\w+|type=status name=(queued|ringing) .*\n`)

// timeless is what came of a call, without what passes.
func timeless(operator *rig.Person, id string) string {
	return passing.ReplaceAllString(rig.Tell(operator, id), "")
}
