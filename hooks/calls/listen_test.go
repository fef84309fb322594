package calls

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// ear is one open stream of server-sent events.
type ear struct {
	t      *testing.T
	status int
	events chan string
	leave  func()
}

// serve puts the desk on loopback: streams need a network.
func (d *desk) serve() *httptest.Server {
	d.T.Helper()
	server := httptest.NewServer(d.Mux)
	d.T.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

func hear(t *testing.T, server *httptest.Server, path, email string) *ear {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range testkit.As(t, email) {
		req.Header.Set(k, v)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	e := &ear{t: t, status: res.StatusCode, events: make(chan string, 1000), leave: cancel}
	go func() {
		defer res.Body.Close()
		defer close(e.events)
		in, name := bufio.NewScanner(res.Body), ""
		for in.Scan() {
			if value, ok := strings.CutPrefix(in.Text(), "event:"); ok {
				name = strings.TrimSpace(value)
			} else if value, ok := strings.CutPrefix(in.Text(), "data:"); ok {
				e.events <- name + " " + strings.TrimSpace(value)
			}
		}
	}()
	return e
}

// next is the next event, or "closed".
func (e *ear) next() string {
	e.t.Helper()
	select {
	case s, ok := <-e.events:
		if !ok {
			return "closed"
		}
		return s
	case <-time.After(20 * time.Second):
		e.t.Fatal("nothing came")
		return ""
	}
}

// said is the content of the next line, or the event's name.
func (e *ear) said() string {
	e.t.Helper()
	name, data, _ := strings.Cut(e.next(), " ")
	var m store.LiveMessage
	if name == "closed" || json.Unmarshal([]byte(data), &m) != nil {
		return name
	}
	return name + " " + m.Content + m.Status + m.Name
}

// says is a final transcript of the sample call.
func says(t *testing.T, when int64, text string) []byte {
	t.Helper()
	for _, m := range callskit.Lines(t, "call-inbound.jsonl") {
		if strings.Contains(string(m), `"transcript"`) && strings.Contains(string(m), `"final"`) {
			return callskit.Remake(t, m, map[string]any{"message.type": "transcript", "message.transcriptType": "final",
				"message.transcript": text, "message.timestamp": when, "message.role": "user"})
		}
	}
	t.Fatal("no final transcript in the sample")
	return nil
}

// begin starts the sample call and says something.
func (d *desk) begin(t *testing.T) (id string) {
	t.Helper()
	d.SendAll(callskit.Lines(t, "call-inbound.jsonl")[:2])
	d.SendAll([][]byte{says(t, callskit.Beginning+1_000, "before you came")})
	d.await(callskit.SampleCall)
	return d.IDOf(callskit.SampleCall)
}

func TestListen_streams_what_is_said_until_the_call_is_over(t *testing.T) {
	d := newDesk(t, nil)
	id := d.begin(t)
	e := hear(t, d.serve(), "/functions/v1/calls/"+id+"/listen", testkit.AcmeViewer)
	if e.status != 200 || e.said() != "line before you came" {
		t.Fatalf("status %d", e.status)
	}
	d.SendAll([][]byte{says(t, callskit.Beginning+2_000, "and now")})
	if got := e.said(); got != "line and now" {
		t.Errorf("got %s", got)
	}
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d.SendAll(messages[len(messages)-1:])
	for {
		got := e.said()
		if got == "over completed" {
			break
		}
		if strings.HasPrefix(got, "line") || got == "closed" {
			t.Fatalf("got %s before the end", got)
		}
	}
	if got := e.next(); got != "closed" {
		t.Errorf("after the end: got %s", got)
	}
	// Who comes late reads what was said and hears that it is over.
	late := hear(t, d.serve(), "/functions/v1/calls/"+id+"/listen", testkit.AcmeViewer)
	read := 0
	for got := late.said(); got != "over completed"; got = late.said() {
		if !strings.HasPrefix(got, "line ") {
			t.Fatalf("got %s", got)
		}
		read++
	}
	if read == 0 || late.next() != "closed" {
		t.Errorf("read %d lines", read)
	}
}

func TestListen_is_for_members_who_may_view_calls(t *testing.T) {
	d := newDesk(t, nil)
	path := "/functions/v1/calls/" + testkit.AcmeCall + "/listen"
	for who, want := range map[string]int{
		testkit.Guest: 401, testkit.BoltOwner: 404, testkit.Nobody: 403, testkit.AcmeSuspended: 403,
		testkit.AcmeTrainee: 403,
		testkit.AcmeViewer:  200, testkit.AcmeOwner: 200,
	} {
		rec := d.Want(want, "GET", path, who, nil)
		if want != 200 && strings.Contains(rec.Body.String(), "sourdough") {
			t.Errorf("%q reads %s", who, rec.Body)
		}
		if want == 200 && (!strings.Contains(rec.Body.String(), "sourdough") ||
			!strings.HasPrefix(rec.Header().Get("Content-Type"), "text/event-stream")) {
			t.Errorf("%q reads %s", who, rec.Body)
		}
	}
	d.Want(404, "GET", "/functions/v1/calls/nothing00000000/listen", testkit.AcmeOwner, nil)
}

func TestListen_ends_with_the_right_to_listen(t *testing.T) {
	d := newDesk(t, nil)
	id := d.begin(t)
	server := d.serve()
	path := "/functions/v1/calls/" + id + "/listen"
	gone, stays := hear(t, server, path, testkit.AcmeViewer), hear(t, server, path, testkit.AcmeAgent)
	gone.said()
	stays.said()
	d.Hub.Drop(testkit.User(testkit.AcmeViewer), testkit.Acme)
	d.SendAll([][]byte{says(t, callskit.Beginning+2_000, "a secret")})
	if got := gone.next(); got != "closed" {
		t.Errorf("who lost the right hears %s", got)
	}
	if got := stays.said(); got != "line a secret" {
		t.Errorf("the other hears %s", got)
	}
}

// A session or key that is over is turned away by the gate: so is what was
// opened with it.
func TestListen_ends_when_the_gate_turns_the_reader_away(t *testing.T) {
	d := newDesk(t, nil)
	id := d.begin(t)
	server := d.serve()
	path := "/functions/v1/calls/" + id + "/listen"
	gone, stays := hear(t, server, path, testkit.AcmeViewer), hear(t, server, path, testkit.AcmeAgent)
	gone.said()
	stays.said()
	tenant.SetGate(d.TestApp, func(e *core.RequestEvent, _ string) error {
		if e.Auth.Id == testkit.User(testkit.AcmeViewer) {
			return e.UnauthorizedError("", nil)
		}
		return nil
	})
	d.SendAll([][]byte{says(t, callskit.Beginning+2_000, "a secret")})
	if got := gone.next(); got != "closed" {
		t.Errorf("who was turned away hears %s", got)
	}
	if got := stays.said(); got != "line a secret" {
		t.Errorf("the other hears %s", got)
	}
}

func TestListen_a_reader_who_does_not_read_delays_nobody(t *testing.T) {
	d := newDesk(t, nil)
	id := d.begin(t)
	deaf := d.Hub.Listen(id, "somebody", testkit.Acme) // nobody takes its lines
	defer deaf.Close()
	e := hear(t, d.serve(), "/functions/v1/calls/"+id+"/listen", testkit.AcmeViewer)
	e.said()
	for n := range 600 {
		d.Hub.Line(id, store.LiveMessage{Type: "line", Role: "user", Content: "x", Position: int64(n + 1)})
		if got := e.said(); got != "line x" {
			t.Fatalf("line %d: got %s", n, got)
		}
	}
	select {
	case <-deaf.Done():
	default:
		t.Error("it was not cut off")
	}
}

func TestListen_as_JSON_tells_those_who_work_calls_where_the_sound_is(t *testing.T) {
	d := newDesk(t, nil)
	const url = "wss://phone.example.vapi.ai/listen-secret"
	d.Set(collections.Calls, testkit.AcmeLiveCall,
		map[string]any{"listen_url": d.Seal(url, collections.Calls, testkit.AcmeLiveCall, "listen_url")})
	ask := func(id, who string) *httptest.ResponseRecorder {
		req := httptest.NewRequest("GET", "/functions/v1/calls/"+id+"/listen", nil)
		req.Header.Set("Accept", "application/json")
		for k, v := range testkit.As(t, who) {
			req.Header.Set(k, v)
		}
		rec := httptest.NewRecorder()
		d.Mux.ServeHTTP(rec, req)
		return rec
	}
	for who, want := range map[string]int{
		testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeTrainee: 403, testkit.AcmeViewer: 403,
		testkit.AcmeDeveloper: 403,
		testkit.AcmeAgent:     200, testkit.AcmeManager: 200, testkit.AcmeOwner: 200,
	} {
		rec := ask(testkit.AcmeLiveCall, who)
		if rec.Code != want || strings.Contains(rec.Body.String(), url) != (want == 200) {
			t.Errorf("%q: got %d %s, want %d", who, rec.Code, rec.Body, want)
		}
	}
	if got := strings.TrimSpace(ask(testkit.AcmeLiveCall, testkit.AcmeAgent).Body.String()); !strings.Contains(got,
		`"url":"`+url+`"`) {
		t.Errorf("got %s", got)
	}
	if rec := ask(testkit.AcmeCall, testkit.AcmeAgent); rec.Code != 409 {
		t.Errorf("a call that is over: got %d %s", rec.Code, rec.Body)
	}
	d.Set(collections.Calls, testkit.AcmeLiveCall,
		map[string]any{"listen_url": d.Seal("wss://evil.example/x", collections.Calls, testkit.AcmeLiveCall,
			"listen_url")})
	if rec := ask(testkit.AcmeLiveCall, testkit.AcmeAgent); rec.Code != 409 ||
		strings.Contains(rec.Body.String(), "evil") {
		t.Errorf("an address elsewhere, stored before: got %d %s", rec.Code, rec.Body)
	}
}

// The addresses come with a message: one that leads elsewhere is never kept.
func TestWebhook_keeps_no_address_that_leads_away_from_the_provider(t *testing.T) {
	d := newDesk(t, nil)
	for i, one := range []struct {
		control, listen string
		kept            bool
	}{
		{"https://x.vapi.ai/c", "wss://x.vapi.ai/l", true},
		{"http://x.vapi.ai/c", "ws://x.vapi.ai/l", false},
		{"https://evil.example/c", "wss://evil.example/l", false},
		{"https://x.vapi.ai.evil.example/c", "javascript:alert(1)", false},
		{"https://u@x.vapi.ai/c", "wss://x.vapi.ai:444/l", false},
	} {
		id := fmt.Sprintf("addressed-%d", i)
		rec := d.Send(callskit.Remake(t, callskit.Sample(t, "hang.json"), map[string]any{
			"message.type": "status-update", "message.status": "in-progress",
			"message.call.id": id, "message.call.monitor": map[string]any{"controlUrl": one.control,
				"listenUrl": one.listen},
		}))
		if rec.Code != http.StatusOK {
			t.Fatalf("%+v: got %d %s", one, rec.Code, rec.Body)
		}
		want := "0 | 0\n"
		if one.kept {
			want = "1 | 1\n"
		}
		if got := d.Rows(`SELECT control_url != '', listen_url != '' FROM calls WHERE vapi_call_id = ?`,
			id); got != want {
			t.Errorf("%+v: kept %q, want %q", one, got, want)
		}
	}
}
