package tools_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/tools"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/callskit/whole"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

const sampleTool = "call_kT4vXo1cQbq2LwYz8RhN5sJd"

// sent is what an organization's server receives.
type sent struct {
	Name       string          `json:"name"`
	ToolCallID string          `json:"tool_call_id"`
	Arguments  json.RawMessage `json:"arguments"`
	Call       struct {
		ID             string `json:"id"`
		CustomerNumber string `json:"customer_number"`
	} `json:"call"`
}

// workshop is an organization's own server and its function.
type workshop struct {
	*callskit.Desk
	server *httptest.Server
	answer func(w http.ResponseWriter, r *http.Request)
	hits   atomic.Int64

	mu   sync.Mutex
	last sent
	head http.Header
}

// newWorkshop opens a desk with it; more changes what calls are given.
func newWorkshop(t *testing.T, more func(*calls.Deps)) *workshop {
	t.Helper()
	w := &workshop{Desk: whole.Open(t, nil, more)}
	w.answer = func(rw http.ResponseWriter, r *http.Request) { fmt.Fprintf(rw, `{"result":"Free at %d."}`, 9) }
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.hits.Add(1)
		var got sent
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &got)
		}
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the server got %s %v %v", r.Method, r.Header, err)
		}
		w.mu.Lock()
		w.last, w.head = got, r.Header.Clone()
		w.mu.Unlock()
		w.answer(rw, r)
	}))
	t.Cleanup(w.server.Close)
	w.function(testkit.AcmeFunction, "check_availability", map[string]any{
		"parameters": map[string]any{"type": "object",
			"properties": map[string]any{"date": map[string]any{"type": "string"}}, "required": []string{"date"}},
		"headers": w.Seal(`{"X-Key":"opens the diary"}`, collections.Functions, testkit.AcmeFunction, "headers"),
	})
	return w
}

func (w *workshop) function(id, name string, more map[string]any) {
	w.T.Helper()
	values := map[string]any{"name": name, "webhook_url": w.server.URL + "/" + name, "is_active": true}
	for k, v := range more {
		values[k] = v
	}
	if _, err := w.FindRecordById(collections.Functions, id); err != nil {
		c, err := w.FindCollectionByNameOrId(collections.Functions)
		if err != nil {
			w.T.Fatal(err)
		}
		r := core.NewRecord(c)
		r.Id = id
		r.Load(map[string]any{"organization": testkit.Acme, "type": collections.FunctionHTTP})
		if err := w.SaveNoValidate(r); err != nil {
			w.T.Fatal(err)
		}
	}
	w.Set(collections.Functions, id, values)
}

type toolAnswer struct {
	Results []struct{ ToolCallID, Name, Result, Error string }
	Result  string
	Data    struct{ Result string }
}

// call sends a message with tool calls; it is answered 200 whatever happens.
func (w *workshop) call(body []byte) (a toolAnswer) {
	w.T.Helper()
	rec := w.Send(body)
	if rec.Code != http.StatusOK {
		w.T.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		w.T.Fatalf("%v in %s", err, rec.Body)
	}
	return a
}

func (w *workshop) one(body []byte) string {
	w.T.Helper()
	a := w.call(body)
	if len(a.Results) != 1 {
		w.T.Fatalf("got %+v", a)
	}
	r := a.Results[0]
	if a.Data.Result != r.Result+r.Error {
		w.T.Errorf("the envelope says %q", a.Data.Result)
	}
	if r.Error != "" {
		return "error: " + r.Error
	}
	return r.Result
}

// restarted runs a function of the sample call as after a restart: what is known is
// what was stored.
func (w *workshop) restarted(use fold.Tool) string {
	w.T.Helper()
	runner := tools.New(w.TestApp, tools.Deps{Sealed: w.Sealed, Functions: w.Functions})
	by := tools.Caller{Organization: testkit.Acme,
		Call: fold.Source{Provider: collections.ProviderVapi, ID: callskit.SampleCall}}
	return runner.Run(w.T.Context(), by, []fold.Tool{use})[0].Result
}

func TestTools_every_documented_shape_reaches_the_function(t *testing.T) {
	for _, file := range []string{"tool-calls.json", "tool-calls.flat-object-arguments.json"} {
		w := newWorkshop(t, nil)
		if got := w.one(callskit.Sample(t, file)); got != "Free at 9." {
			t.Errorf("%s: got %s", file, got)
		}
		if w.last.Name != "check_availability" || w.last.ToolCallID != sampleTool ||
			string(w.last.Arguments) != `{"date":"2026-11-19","partOfDay":"morning"}` ||
			w.last.Call.ID != callskit.SampleCall || w.last.Call.CustomerNumber != "+14155550142" {
			t.Errorf("%s: the server got %+v", file, w.last)
		}
		if w.head.Get("Idempotency-Key") != sampleTool || w.head.Get("X-Key") != "opens the diary" {
			t.Errorf("%s: the server got headers %v", file, w.head)
		}
		w.Stored()
		const timeline = `SELECT ev.name, ev.key, json_extract(ev.data, '$.answer'),
			json_extract(ev.data, '$.arguments.date') FROM call_events ev WHERE ev.type = 'tool_call'`
		if got := w.Rows(timeline); got != "check_availability | tool:"+sampleTool+" | Free at 9. | 2026-11-19\n" {
			t.Errorf("%s: the timeline has %q", file, got)
		}
	}
}

func TestTools_the_parameters_shape_and_the_old_function_call(t *testing.T) {
	w := newWorkshop(t, nil)
	body := callskit.Remake(t, callskit.Sample(t, "tool-calls.json"),
		map[string]any{"message.toolCalls": nil, "message.toolWithToolCallList": nil, "message.toolCallList": []any{
			map[string]any{"id": "p1", "name": "check_availability", "parameters": map[string]any{"date": "2026-12-01"}},
		}})
	if got := w.one(body); got != "Free at 9." || string(w.last.Arguments) != `{"date":"2026-12-01"}` {
		t.Errorf("got %s with %s", got, w.last.Arguments)
	}
	old := callskit.Sample(t, "function-call.json")
	for range 3 { // it has no id, but the same message is the same call
		if a := w.call(old); a.Result != "Free at 9." || a.Data.Result != "Free at 9." || len(a.Results) != 0 {
			t.Errorf("got %+v", a)
		}
	}
	if w.head.Get("Idempotency-Key") == "" {
		t.Error("an old function call has no key")
	}
	w.Stored()
	key := strings.TrimSpace(w.Rows(`SELECT key FROM call_events WHERE type = 'tool_call' AND key != ?`,
		fold.ToolKey("p1")))
	same := fold.Tool{ID: strings.TrimPrefix(key, fold.ToolKey("")), Name: "check_availability"}
	if got := w.restarted(same); got != "Free at 9." {
		t.Errorf("after a restart: got %q", got)
	}
	if w.hits.Load() != 2 {
		t.Errorf("the server was asked %d times, want once for each call", w.hits.Load())
	}
	later := callskit.Remake(t, old, map[string]any{"message.timestamp": 1795014259999})
	w.call(later)
	if got := w.Rows(`SELECT count(*) FROM call_events WHERE type = 'tool_call'`); w.hits.Load() != 3 || got != "3\n" {
		t.Errorf("another old function call: the server was asked %d times, the timeline has %s", w.hits.Load(), got)
	}
}

func TestTools_in_parallel_are_answered_in_order(t *testing.T) {
	w := newWorkshop(t, nil)
	w.function("bookappointment", "book_appointment", nil)
	together := make(chan struct{})
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		// Each waits for the other: one after the other would never end.
		select {
		case together <- struct{}{}:
		case <-together:
		case <-time.After(time.Minute):
			t.Error("they do not run at the same time")
		}
		fmt.Fprintf(rw, "%q", r.URL.Path)
	}
	a := w.call(callskit.Sample(t, "tool-calls.parallel.json"))
	if len(a.Results) != 2 || a.Results[0].ToolCallID != sampleTool || a.Results[0].Result != "/check_availability" ||
		a.Results[1].ToolCallID != "call_Zr7mPf0uWg3aVe6KxB1tHyLc" || a.Results[1].Result != "/book_appointment" ||
		a.Data.Result != "/check_availability" {
		t.Errorf("got %+v", a)
	}
}

func TestTools_a_repeat_gets_the_stored_result(t *testing.T) {
	w := newWorkshop(t, nil)
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(rw, `{"result":"Booking %d"}`, w.hits.Load())
	}
	body := callskit.Sample(t, "tool-calls.json")
	first := w.one(body)
	again := callskit.Remake(t, body,
		map[string]any{"message.timestamp": 1795014259999}) // another message, the same tool call
	for name, b := range map[string][]byte{"the same message": body, "the same tool call": again} {
		if got := w.one(b); got != first {
			t.Errorf("%s: got %s, want %s", name, got, first)
		}
	}
	w.Stored()
	if got := w.restarted(fold.Tool{ID: sampleTool, Name: "check_availability"}); got != first || w.hits.Load() != 1 {
		t.Errorf("after a restart: got %s, want %s; asked %d times", got, first, w.hits.Load())
	}
	// Another call may use the same id.
	other := callskit.Remake(t, body, map[string]any{"message.call.id": "another-call"})
	if got := w.one(other); got != "Booking 2" {
		t.Errorf("another call: got %s", got)
	}
}

func TestTools_at_the_same_time_run_once(t *testing.T) {
	w := newWorkshop(t, nil)
	release := make(chan struct{})
	w.answer = func(rw http.ResponseWriter, r *http.Request) { <-release; fmt.Fprintf(rw, "Booking %d", w.hits.Load()) }
	body := callskit.Sample(t, "tool-calls.json")
	got := make([]string, 8)
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() { got[i] = w.one(body) })
	}
	callskit.Until(t, "the function runs", func() bool { return w.hits.Load() > 0 })
	close(release)
	wait.Wait()
	for _, one := range got {
		if one != "Booking 1" {
			t.Errorf("got %q", got)
		}
	}
	if w.hits.Load() != 1 {
		t.Errorf("the server was asked %d times", w.hits.Load())
	}
}

func TestTools_failures_are_told_to_the_assistant(t *testing.T) {
	status := func(code int) func(*workshop) {
		return func(w *workshop) {
			w.answer = func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "internal secret", code) }
		}
	}
	set := func(values map[string]any) func(*workshop) {
		return func(w *workshop) { w.Set(collections.Functions, testkit.AcmeFunction, values) }
	}
	for _, one := range []struct {
		name  string
		setup func(*workshop)
		want  string
		hits  int64 // -1 when it does not matter whether the request arrived
	}{
		{"500", status(500), "error: The service answered with an error (500).", 1},
		{"404", status(404), "error: The service answered with an error (404).", 1},
		{"no such function", set(map[string]any{"name": "other"}),
			"error: There is no function named check_availability.", 0},
		{"switched off", set(map[string]any{"is_active": false}),
			"error: There is no function named check_availability.", 0},
		{"another organization's function", set(map[string]any{"organization": testkit.Bolt}),
			"error: There is no function named check_availability.", 0},
		{"too slow", func(w *workshop) {
			set(map[string]any{"timeout_ms": 20})(w)
			stop := make(chan struct{})
			w.T.Cleanup(func() { close(stop) })
			w.answer = func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-stop:
				case <-r.Context().Done():
				}
			}
		}, "error: The service did not answer in time.", -1},
		{"not there", func(w *workshop) { w.server.Close() }, "error: The service could not be reached.", 0},
		{"an address that is none", set(map[string]any{"webhook_url": "::"}),
			"error: The service could not be reached.", 0},
		{"headers of another function", set(map[string]any{"headers": testkit.SealedValue}),
			"error: The service could not be reached.", 0},
		{"parameters that refer to themselves",
			set(map[string]any{"parameters": map[string]any{"type": "object", "$ref": "#"}}),
			"error: The function's parameters are not set up rightly.", 0},
		{"parameters that refer to each other", set(map[string]any{"parameters": map[string]any{
			"type": "object", "anyOf": []any{map[string]any{"$ref": "#/$defs/a"}},
			"$defs": map[string]any{"a": map[string]any{"$ref": "#/$defs/b"}, "b": map[string]any{"$ref": "#/$defs/a"}},
		}}), "error: The function's parameters are not set up rightly.", 0},
		{"parameters that are no schema", set(map[string]any{"parameters": map[string]any{"type": 7}}),
			"error: The function's parameters are not set up rightly.", 0},
	} {
		w := newWorkshop(t, nil)
		one.setup(w)
		got := w.one(callskit.Sample(t, "tool-calls.json"))
		if got != one.want || one.hits >= 0 && w.hits.Load() != one.hits {
			t.Errorf("%s: got %q after %d requests, want %q after %d", one.name, got, w.hits.Load(), one.want, one.hits)
		}
	}
}

func TestTools_arguments_that_do_not_fit_never_leave(t *testing.T) {
	w := newWorkshop(t, nil)
	for i, arguments := range []any{map[string]any{"date": 7}, map[string]any{}, "{broken", []any{1}} {
		body := callskit.Remake(t, callskit.Sample(t, "tool-calls.json"), map[string]any{"message.toolCallList": []any{
			map[string]any{"id": fmt.Sprint("bad", i), "name": "check_availability", "arguments": arguments},
		}})
		if got := w.one(body); !strings.HasPrefix(got, "error: The arguments") || strings.Contains(got, "\n") {
			t.Errorf("%v: got %q", arguments, got)
		}
	}
	if w.hits.Load() != 0 {
		t.Errorf("the server was asked %d times", w.hits.Load())
	}
}

func TestTools_for_a_call_nobody_knows_do_nothing(t *testing.T) {
	w := newWorkshop(t, nil)
	body := strings.NewReplacer(callskit.SampleNumber, "x", callskit.SampleAssistant,
		"y").Replace(string(callskit.Sample(t, "tool-calls.json")))
	if got := w.one([]byte(body)); got != "error: This call is not known here." || w.hits.Load() != 0 {
		t.Errorf("got %q after %d requests", got, w.hits.Load())
	}
}

func TestTools_are_limited_for_each_call(t *testing.T) {
	w := newWorkshop(t, nil)
	many := make([]any, tools.MaxCalls+5)
	for i := range many {
		many[i] = map[string]any{"id": fmt.Sprint("t", i), "name": "check_availability",
			"arguments": map[string]any{"date": "d"}}
	}
	send := func(when int64, used []any) (refused int) {
		a := w.call(callskit.Remake(t, callskit.Sample(t, "tool-calls.json"),
			map[string]any{"message.toolCallList": used, "message.toolCalls": nil, "message.timestamp": when}))
		if len(a.Results) != len(used) {
			t.Fatalf("got %d results", len(a.Results))
		}
		for _, r := range a.Results {
			if r.Error == "This call has used all the functions it may." {
				refused++
			}
		}
		return refused
	}
	if got := send(1795014255000, many); got != 5 {
		t.Errorf("refused %d of %d at once, want 5", got, len(many))
	}
	w.Stored()
	more := []any{map[string]any{"id": "one more", "name": "check_availability",
		"arguments": map[string]any{"date": "d"}}}
	if got := send(1795014256000, more); got != 1 {
		t.Error("one more later is not refused")
	}
	if got := w.hits.Load(); got != tools.MaxCalls {
		t.Errorf("the server was asked %d times", got)
	}
}

func TestTools_never_reach_an_address_of_this_machine(t *testing.T) {
	w := newWorkshop(t, func(d *calls.Deps) { d.Functions = providers.New(providers.Config{}, "test").Guarded })
	if got := w.one(callskit.Sample(t, "tool-calls.json")); got != "error: The service could not be reached." ||
		w.hits.Load() != 0 {
		t.Errorf("got %q after %d requests", got, w.hits.Load())
	}
	if got := w.Rows(`SELECT count(*) FROM call_events WHERE data LIKE '%127.0.0.1%'`); got != "0\n" {
		t.Error("the timeline tells of the address")
	}
}

func TestTools_a_huge_answer_is_clipped(t *testing.T) {
	w := newWorkshop(t, nil)
	w.answer = func(rw http.ResponseWriter, _ *http.Request) {
		_, err := io.Copy(rw, io.LimitReader(&testkit.Endless{}, 1<<20)) // blanks
		if err == nil {
			_, err = rw.Write([]byte("end"))
		}
		if err != nil && !errors.Is(err, http.ErrAbortHandler) {
			return // the reader left, as it may
		}
	}
	if got := w.one(callskit.Sample(t, "tool-calls.json")); got != "" {
		t.Errorf("got %q", got)
	}
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, strings.Repeat("word\n", 10_000)) }
	body := callskit.Remake(t, callskit.Sample(t, "tool-calls.json"), map[string]any{"message.call.id": "another"})
	if got := w.one(body); len(got) > fold.ResultMax || len(got) < fold.ResultMax-10 || strings.Contains(got, "\n") {
		t.Errorf("got %d bytes", len(got))
	}
}
