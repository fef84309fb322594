package calls

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// exchange is a provider that takes calls and commands.
type exchange struct {
	t *testing.T

	mu     sync.Mutex
	status int               // of the next answers; 0 is success
	placed []json.RawMessage // POST /call
	orders []string          // what came to the control address
	first  func(id string)   // runs before POST /call is answered
	erased []string
}

func (x *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		x.t.Error(err)
	}
	x.mu.Lock()
	status, first := x.status, x.first
	x.mu.Unlock()
	if status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":"Concurrency limit reached.","statusCode":%d}`, status)
		return
	}
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/call":
		if r.Header.Get("Authorization") != "Bearer key" {
			x.t.Errorf("placing a call with %q", r.Header.Get("Authorization"))
		}
		x.mu.Lock()
		x.placed = append(x.placed, body)
		id := fmt.Sprintf("placed-%d", len(x.placed))
		x.mu.Unlock()
		if first != nil {
			first(id)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":%q,"type":"outboundPhoneCall","status":"queued","createdAt":"2026-11-18T15:04:07.310Z","monitor":{"controlUrl":"http://%s/control","listenUrl":"wss://x.vapi.ai/listen"}}`, id, r.Host)
	case r.Method == http.MethodPost && r.URL.Path == "/control":
		if r.Header.Get("Authorization") != "" {
			x.t.Error("the account's key goes to a control address")
		}
		x.mu.Lock()
		x.orders = append(x.orders, string(body))
		x.mu.Unlock()
	case r.Method == http.MethodDelete:
		x.mu.Lock()
		x.erased = append(x.erased, strings.TrimPrefix(r.URL.Path, "/call/"))
		x.mu.Unlock()
		fmt.Fprint(w, `{"id":"x"}`)
	default:
		http.NotFound(w, r)
	}
}

func (x *exchange) ordered() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]string{}, x.orders...)
}

// newExchange is a desk whose live call of Acme can be controlled.
func newExchange(t *testing.T) (*desk, *exchange) {
	t.Helper()
	x := &exchange{t: t}
	d := newDesk(t, x)
	d.set(collections.Calls, testkit.AcmeLiveCall,
		map[string]any{"control_url": d.seal(d.provider+"/control", collections.Calls, testkit.AcmeLiveCall,
			"control_url")})
	return d, x
}

func TestEnd_and_say_are_for_those_who_work_calls(t *testing.T) {
	for _, one := range []struct {
		path  string
		body  any
		order string
	}{
		{"/api/calls/" + testkit.AcmeLiveCall + "/end", nil, `{"type":"end-call"}`},
		{"/api/calls/" + testkit.AcmeLiveCall + "/say", map[string]any{"content": " We are closing. "},
			`{"type":"say","content":"We are closing."}`},
		{"/functions/v1/calls/" + testkit.AcmeLiveCall + "/end", nil, `{"type":"end-call"}`},
	} {
		d, x := newExchange(t)
		for _, who := range everyone {
			want := 200
			switch who {
			case testkit.Guest:
				want = 401
			case testkit.BoltOwner:
				want = 404
			case testkit.Nobody, testkit.AcmeSuspended:
				want = 404
				if strings.HasPrefix(one.path, "/functions") {
					want = 403 // they have no active organization
				}
			case testkit.AcmeTrainee, testkit.AcmeViewer, testkit.AcmeDeveloper:
				want = 403
			}
			before := len(x.ordered())
			d.want(want, "POST", one.path, who, one.body)
			orders := x.ordered()
			if done := len(orders) > before; done != (want == 200) || done && orders[before] != one.order {
				t.Errorf("%s as %q: the provider got %q", one.path, who, orders[before:])
			}
		}
		noted := d.rows(`SELECT type, json_extract(data, '$.by') FROM call_events WHERE call = ? ORDER BY rowid`,
			testkit.AcmeLiveCall)
		if noted != "control | Ari Agent\ncontrol | Mia Manager\ncontrol | Abe Admin\ncontrol | Ada Owner\n" {
			t.Errorf("%s: the timeline has %q", one.path, noted)
		}
	}
}

func TestEnd_and_say_tell_what_went_wrong(t *testing.T) {
	d, x := newExchange(t)
	say := "/api/calls/" + testkit.AcmeLiveCall + "/say"
	for name, body := range map[string]any{
		"nothing": map[string]any{}, "blanks": map[string]any{"content": "  "},
		"too much": map[string]any{"content": strings.Repeat("é", 1001)},
		"not JSON": "{", "a number": `{"content":7}`,
	} {
		if rec := d.want(400, "POST", say, testkit.AcmeAgent, body); object(t, rec)["error"] == nil {
			t.Errorf("%s: got %s", name, rec.Body)
		}
	}
	d.want(200, "POST", say, testkit.AcmeAgent, map[string]any{"content": strings.Repeat("é", 1000)})
	d.want(409, "POST", "/api/calls/"+testkit.AcmeCall+"/end", testkit.AcmeAgent, nil) // over
	d.want(409, "POST", "/functions/v1/calls/"+testkit.AcmeCall+"/end", testkit.AcmeAgent, nil)
	d.want(404, "POST", "/api/calls/nothing00000000/end", testkit.AcmeAgent, nil)
	for status, want := range map[int]int{500: 502, 404: 409, 410: 409, 403: 502} {
		x.mu.Lock()
		x.status = status
		x.mu.Unlock()
		rec := d.want(want, "POST", "/api/calls/"+testkit.AcmeLiveCall+"/end", testkit.AcmeAgent, nil)
		if strings.Contains(rec.Body.String(), "/control") {
			t.Errorf("%d: the answer shows the control address: %s", status, rec.Body)
		}
	}
	d.set(collections.Calls, testkit.AcmeLiveCall, map[string]any{"control_url": ""})
	d.want(409, "POST", "/api/calls/"+testkit.AcmeLiveCall+"/end", testkit.AcmeAgent, nil)
	if got := len(x.ordered()); got != 1 {
		t.Errorf("the provider got %d orders, want the one that was right", got)
	}
}

func order(more map[string]any) map[string]any {
	body := map[string]any{"assistant": testkit.AcmeAssistant, "phone_number": testkit.AcmeNumber,
		"customer_number": "+1 (415) 555-2671", "customer_name": "Cleo"}
	for k, v := range more {
		body[k] = v
	}
	return body
}

func TestPlace_is_for_those_who_work_calls(t *testing.T) {
	d, x := newExchange(t)
	for _, who := range everyone {
		want := 201
		switch who {
		case testkit.Guest:
			want = 401
		case testkit.BoltOwner, testkit.Nobody, testkit.AcmeSuspended:
			want = 404
		case testkit.AcmeTrainee, testkit.AcmeViewer, testkit.AcmeDeveloper:
			want = 403
		}
		before := len(x.placed)
		d.want(want, "POST", acmeCalls, who, order(map[string]any{"force": true}))
		if called := len(x.placed) > before; called != (want == 201) {
			t.Errorf("%q rang somebody: %v", who, called)
		}
	}
	const stored = `SELECT c.vapi_call_id, c.status, c.call_type, c.caller_number, c.recipient_number, c.assistant, c.phone_number, c.created_by, o.name, c.control_url LIKE 'k1:%'
		FROM calls c JOIN contacts o ON o.id = c.contact WHERE c.vapi_call_id = 'placed-1'`
	want := strings.Join([]string{"placed-1", "queued", "outbound", "+12025550100", "+14155552671",
		testkit.AcmeAssistant, testkit.AcmeNumber, testkit.User(testkit.AcmeAgent), "Cleo", "1"}, " | ") + "\n"
	if got := d.rows(stored); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !sameJSON(t, x.placed[0], []byte(`{"name":"pl:desk:`+d.idOf("placed-1")+`","assistantId":"`+sampleAssistant+`","phoneNumberId":"`+sampleNumber+`","customer":{"number":"+14155552671","name":"Cleo"}}`)) {
		t.Errorf("the provider got %s", x.placed[0])
	}
}

func TestPlace_refuses_before_anything_rings(t *testing.T) {
	d, x := newExchange(t)
	for _, one := range []struct {
		name  string
		body  any
		field string
	}{
		{"no assistant", order(map[string]any{"assistant": ""}), "assistant"},
		{"Bolt's assistant", order(map[string]any{"assistant": testkit.BoltAssistant}), "assistant"},
		{"Bolt's number", order(map[string]any{"phone_number": testkit.BoltNumber}), "phone_number"},
		{"no number to call", order(map[string]any{"customer_number": ""}), "customer_number"},
		{"not a number", order(map[string]any{"customer_number": "call me"}), "customer_number"},
		{"another country", order(map[string]any{"customer_number": "+442079460018"}), "customer_number"},
		{"another country of the same code", order(map[string]any{"customer_number": "+18765551234"}),
			"customer_number"},
		{"premium", order(map[string]any{"customer_number": "+19005551234"}), "customer_number"},
		{"satellite", order(map[string]any{"customer_number": "+881612345678"}), "customer_number"},
		{"a long name", order(map[string]any{"customer_name": strings.Repeat("x", 101)}), "customer_name"},
	} {
		got := object(t, d.want(400, "POST", acmeCalls, testkit.AcmeAgent, one.body))
		if details, _ := got["details"].(map[string]any); len(details) != 1 || details[one.field] == nil {
			t.Errorf("%s: got %v, want %s named", one.name, got, one.field)
		}
	}
	d.want(400, "POST", acmeCalls, testkit.AcmeAgent, "{")
	for _, one := range []struct {
		collection, id string
		change, back   map[string]any
		want           int
	}{
		{collections.Organizations, testkit.Acme, map[string]any{"balance_state": collections.BalanceEmpty},
			map[string]any{"balance_state": collections.BalanceOK}, 402},
		{collections.Organizations, testkit.Acme, map[string]any{"status": collections.OrganizationSuspended},
			map[string]any{"status": collections.OrganizationActive}, 403},
		{collections.Assistants, testkit.AcmeAssistant, map[string]any{"vapi_assistant_id": ""},
			map[string]any{"vapi_assistant_id": sampleAssistant}, 409},
		{collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": ""},
			map[string]any{"vapi_phone_id": sampleNumber}, 409},
	} {
		d.set(one.collection, one.id, one.change)
		if rec := d.want(one.want, "POST", acmeCalls, testkit.AcmeAgent, order(nil)); object(t, rec)["error"] == nil {
			t.Errorf("%v: got %s", one.change, rec.Body)
		}
		d.set(one.collection, one.id, one.back)
	}
	for status, want := range map[int]int{400: 502, 401: 502, 402: 502, 403: 502, 429: 429} {
		x.mu.Lock()
		x.status = status
		x.mu.Unlock()
		rec := d.want(want, "POST", acmeCalls, testkit.AcmeAgent, order(nil))
		if status != 429 && !strings.Contains(rec.Body.String(), "Concurrency limit reached.") {
			t.Errorf("the provider's words are missing: %s", rec.Body)
		}
		if failed := d.rows(`SELECT status, placing, answered_at FROM calls WHERE id = ?`, object(t, rec)["call"]); failed != "failed | refused | \n" {
			t.Errorf("%d: the row is %q", status, failed)
		}
	}
	if len(x.placed) > 0 {
		t.Errorf("%d calls were placed", len(x.placed))
	}
	if got := d.rows(`SELECT count(*) FROM calls WHERE vapi_call_id LIKE 'placed-%'`); got != "0\n" {
		t.Errorf("%s rows were written", got)
	}
	if got := d.rows(`SELECT count(*) FROM usage_events u JOIN calls c ON c.id = u.call WHERE c.placing = 'refused'`); got != "0\n" {
		t.Errorf("%s refused calls are metered", got)
	}
	x.status = 0
	d.engine().outbound = newPace(1, time.Hour)
	d.want(201, "POST", acmeCalls, testkit.AcmeAgent, order(nil))
	d.want(429, "POST", acmeCalls, testkit.AcmeAgent, order(nil))
}

// The call's first message may come before the answer to placing it.
func TestPlace_is_one_row_whichever_comes_first(t *testing.T) {
	for _, name := range []string{"the message first", "the answer first", "both"} {
		d, x := newExchange(t)
		message := func(id string) {
			m := strings.ReplaceAll(string(lines(t, "call-outbound.jsonl")[0]),
				callID(t, lines(t, "call-outbound.jsonl")[0]), id)
			if rec := d.send([]byte(m)); rec.Code != 200 {
				t.Errorf("%s: the message got %d", name, rec.Code)
			}
		}
		if name != "the answer first" {
			x.first = message
		}
		rec := d.want(201, "POST", acmeCalls, testkit.AcmeAgent, order(nil))
		if name != "the message first" {
			message("placed-1")
		}
		d.await("placed-1")
		got := object(t, rec)
		if rows := d.rows(`SELECT id, created_by FROM calls WHERE vapi_call_id = 'placed-1'`); rows != fmt.Sprintf("%s | %s\n", got["id"], testkit.User(testkit.AcmeAgent)) {
			t.Errorf("%s: got %v and the rows %q", name, got, rows)
		}
	}
}

func TestDelete_erases_the_copy_at_the_provider(t *testing.T) {
	d, x := newExchange(t)
	d.want(204, "DELETE", "/api/collections/calls/records/"+testkit.AcmeCall, testkit.AcmeAdmin, nil)
	until(t, "the provider was told", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return len(x.erased) == 1 && x.erased[0] == "call-acme"
	})
	for _, part := range []string{"messages", "call_events", "call_reports", "recordings"} {
		if got := d.rows(`SELECT count(*) FROM `+part+` WHERE call = ?`, testkit.AcmeCall); got != "0\n" {
			t.Errorf("%s has %s rows of the deleted call", part, got)
		}
	}
	if got := d.found("sourdough", ""); len(got) != 0 {
		t.Errorf("search still finds %v", got)
	}
}
