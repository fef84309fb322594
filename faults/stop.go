package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
	"github.com/pocketline/pocketline/providers/vapi"
)

// midCall stops and kills the server while somebody is on the phone (F12).
func midCall(t *trial) {
	inFlight(t)
	planned(t)
	killedMidCall(t)
}

// of is the first message of a type.
func of(t *trial, messages []string, kind string) string {
	t.Helper()
	for _, body := range messages {
		m, err := vapi.ParseMessage([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if m.Type == kind {
			return body
		}
	}
	t.Fatalf("the sample has no %s", kind)
	return ""
}

// inFlight sends SIGTERM while a customer's system works on a function's use and a
// dashboard listens: the use is answered before the end.
func inFlight(t *trial) {
	asked, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	customer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		once.Do(func() { close(asked) })
		<-answer
		_, _ = io.WriteString(w, `{"slots":["09:30"]}`) // who asked is gone otherwise
	}))
	t.Cleanup(customer.Close)
	release := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(release)
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret,
		"POCKETLINE_ALLOWED_HOSTS="+strings.TrimPrefix(customer.URL, "http://"))
	owner := d.Owner(t)
	s := rig.NewStorm(d, owner)
	function := owner.One(collections.Functions, "name = 'check_availability'")
	owner.Ask("PATCH", "/api/collections/functions/records/"+function["id"].(string), rig.Row{
		"webhook_url": customer.URL + "/look",
	}, http.StatusOK, nil)
	stream, err := rig.Listen(d.Address(), owner.Token, []string{"calls/*"}, func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	use := of(t, s.Make("00000012-0000-7000-8000-000000000001"), "tool-calls")
	answered := make(chan int, 1)
	go func() { answered <- s.Post(t.Context(), use) }()
	select {
	case <-asked:
	case status := <-answered:
		t.Fatalf("the function's use was answered %d and nobody was asked", status)
	case <-time.After(rig.Patience):
		t.Fatalf("nobody was asked:\n%s", d.Said)
	}
	d.Signal(syscall.SIGTERM)
	rig.Until(t, "nobody new to be let in", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Base+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := rig.Client.Do(r)
		if err != nil {
			return true
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusServiceUnavailable
	})
	began := time.Now()
	release()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("a function's use under way at SIGTERM is answered %d", status)
	}
	select {
	case <-d.Ended:
		t.note("the end came %.1f s after the last answer", time.Since(began).Seconds())
	case <-time.After(rig.Patience):
		t.Fatalf("the server did not stop:\n%s", d.Said)
	}
	rig.Sound(t, d.Dir)
}

// planned restarts the server while callers ask who answers, and looks how long
// nobody does.
func planned(t *trial) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo, rig.Secret)
	s := rig.NewStorm(d, d.Owner(t))
	request := of(t, s.Make("00000012-0000-7000-8000-000000000002"), vapi.TypeAssistantRequest)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	last, longest := time.Now(), time.Duration(0)
	asking := make(chan struct{})
	go func() {
		defer close(asking)
		for ctx.Err() == nil {
			if s.Post(ctx, request) == http.StatusOK {
				mu.Lock()
				longest, last = max(longest, time.Since(last)), time.Now()
				mu.Unlock()
			}
		}
	}()
	d.Stop()
	d = rig.Start(t, d.Dir, d.Address(), rig.Demo, rig.Secret)
	stopped := time.Now()
	rig.Until(t, "callers to be answered again", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return last.After(stopped)
	})
	cancel()
	<-asking
	if longest > 2*time.Second {
		t.Errorf("on a planned restart no caller was answered for %s", longest)
	}
	t.wellAfter(longest)
	d.Stop()
}

// killedMidCall kills the server while the provider, which lives on, plays a call:
// afterwards the call is whole.
func killedMidCall(t *trial) {
	provider := rig.StartProvider(t)
	address := rig.FreeAddress(t)
	env := rig.Connected(provider, provider.URL(), address)
	d := rig.Start(t, t.TempDir(), address, "serve", env...)
	owner, organization := rig.SetUp(t, d)
	assistant := owner.Create(collections.Assistants, organization, rig.Row{
		"name": "Front desk", "type": "voice", "status": "active", "first_message": "Hello", "language": "en",
		"recording_enabled": true,
	})
	number := owner.Create(collections.PhoneNumbers, organization, rig.Row{
		"friendly_name": "Line", "provider": "vapi", "area_code": "415", "number_type": "voice", "assistant": assistant["id"],
	})
	rig.Until(t, "the number to be at the provider", func() bool {
		number = owner.One(collections.PhoneNumbers, "id = '"+number["id"].(string)+"'")
		return number["sync_status"] == collections.SyncSynced
	})
	ring := func() string {
		var rung struct{ CallID string }
		owner.Ask("POST", provider.URL()+"/_sandbox/calls", rig.Row{
			"phoneNumberId": number["vapi_phone_id"], "script": "hangup", "language": "en", "speed": 5,
		}, http.StatusCreated, &rung)
		return rung.CallID
	}
	over := func(id string) {
		rig.Until(t, "the provider's call to be over", func() bool {
			var state struct{ State string }
			owner.Ask("GET", provider.URL()+"/_sandbox/calls/"+id, nil, http.StatusOK, &state)
			return state.State == "over"
		})
	}
	// A call that ended by our clock just now would be left to its report.
	owner.Ask("POST", provider.URL()+"/_sandbox/clock", rig.Row{"advanceMs": (10 * time.Minute).Milliseconds()},
		http.StatusOK, nil)
	killed := ring()
	rig.Until(t, "the call to be here", func() bool {
		return len(owner.Rows(collections.Calls, "vapi_call_id = '"+killed+"'", "")) == 1
	})
	d.Kill()
	over(killed)
	d = rig.Start(t, d.Dir, address, "serve", env...)
	operator := d.Operator(t)
	began := time.Now()
	operator.Ask("POST", "/api/crons/calls.reconcile", nil, http.StatusNoContent, nil)
	rig.Reported(owner, killed)
	t.wellAfter(time.Since(began))
	if call := owner.One(collections.Calls, "vapi_call_id = '"+killed+"'"); call["status"] != collections.CallCompleted ||
		call["ended_at"] == "" {
		t.Errorf("the call that went on while the server was dead is %v", call)
	}
	d.Stop()
	rig.Sound(t, d.Dir)
}
