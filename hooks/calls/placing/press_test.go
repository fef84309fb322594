package placing_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/callskit/whole"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// newExchange is a desk whose live call of Acme can be controlled.
func newExchange(t *testing.T) (*callskit.Desk, *callskit.Exchange) {
	t.Helper()
	x := &callskit.Exchange{T: t}
	d := whole.Open(t, x, nil)
	d.Control()
	return d, x
}

func TestPlace_is_for_those_who_work_calls(t *testing.T) {
	d, x := newExchange(t)
	for _, who := range testkit.Everyone {
		want := 201
		switch who {
		case testkit.Guest:
			want = 401
		case testkit.BoltOwner, testkit.Nobody, testkit.AcmeSuspended:
			want = 404
		case testkit.AcmeTrainee, testkit.AcmeViewer, testkit.AcmeDeveloper:
			want = 403
		}
		before := len(x.Placed)
		d.Want(want, "POST", callskit.AcmeCalls, who, callskit.Order(map[string]any{"force": true}))
		if called := len(x.Placed) > before; called != (want == 201) {
			t.Errorf("%q rang somebody: %v", who, called)
		}
	}
	const stored = `SELECT c.vapi_call_id, c.status, c.call_type, c.caller_number, c.recipient_number, c.assistant,
		c.phone_number, c.created_by, o.name, c.control_url LIKE 'k1:%'
		FROM calls c JOIN contacts o ON o.id = c.contact WHERE c.vapi_call_id = 'placed-1'`
	want := strings.Join([]string{"placed-1", "queued", "outbound", "+12025550100", "+14155552671",
		testkit.AcmeAssistant, testkit.AcmeNumber, testkit.User(testkit.AcmeAgent), "Cleo", "1"}, " | ") + "\n"
	if got := d.Rows(stored); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !callskit.SameJSON(t, x.Placed[0],
		[]byte(`{"name":"pl:desk:`+d.IDOf("placed-1")+`","assistantId":"`+callskit.SampleAssistant+`","phoneNumberId":"`+
			callskit.SampleNumber+`","customer":{"number":"+14155552671","name":"Cleo"}}`)) {
		t.Errorf("the provider got %s", x.Placed[0])
	}
}

func TestPlace_refuses_before_anything_rings(t *testing.T) {
	d, x := newExchange(t)
	for _, one := range []struct {
		name  string
		body  any
		field string
	}{
		{"no assistant", callskit.Order(map[string]any{"assistant": ""}), "assistant"},
		{"Bolt's assistant", callskit.Order(map[string]any{"assistant": testkit.BoltAssistant}), "assistant"},
		{"Bolt's number", callskit.Order(map[string]any{"phone_number": testkit.BoltNumber}), "phone_number"},
		{"no number to call", callskit.Order(map[string]any{"customer_number": ""}), "customer_number"},
		{"not a number", callskit.Order(map[string]any{"customer_number": "call me"}), "customer_number"},
		{"another country", callskit.Order(map[string]any{"customer_number": "+442079460018"}), "customer_number"},
		{"another country of the same code", callskit.Order(map[string]any{"customer_number": "+18765551234"}),
			"customer_number"},
		{"premium", callskit.Order(map[string]any{"customer_number": "+19005551234"}), "customer_number"},
		{"satellite", callskit.Order(map[string]any{"customer_number": "+881612345678"}), "customer_number"},
		{"a long name", callskit.Order(map[string]any{"customer_name": strings.Repeat("x", 101)}), "customer_name"},
	} {
		got := callskit.Object(t, d.Want(400, "POST", callskit.AcmeCalls, testkit.AcmeAgent, one.body))
		if details, _ := got["details"].(map[string]any); len(details) != 1 || details[one.field] == nil {
			t.Errorf("%s: got %v, want %s named", one.name, got, one.field)
		}
	}
	d.Want(400, "POST", callskit.AcmeCalls, testkit.AcmeAgent, "{")
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
			map[string]any{"vapi_assistant_id": callskit.SampleAssistant}, 409},
		{collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": ""},
			map[string]any{"vapi_phone_id": callskit.SampleNumber}, 409},
	} {
		d.Set(one.collection, one.id, one.change)
		got := callskit.Object(t, d.Want(one.want, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
		field := map[string]string{collections.Assistants: "assistant",
			collections.PhoneNumbers: "phone_number"}[one.collection]
		if details, _ := got["details"].(map[string]any); got["error"] == nil || field != "" &&
			(len(details) != 1 || details[field] != got["error"]) {
			t.Errorf("%v: got %v", one.change, got)
		}
		d.Set(one.collection, one.id, one.back)
	}
	for status, want := range map[int]int{400: 502, 401: 502, 402: 502, 403: 502, 429: 429} {
		x.Lock()
		x.Status = status
		x.Unlock()
		rec := d.Want(want, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
		if status != 429 && !strings.Contains(rec.Body.String(), "Concurrency limit reached.") {
			t.Errorf("the provider's words are missing: %s", rec.Body)
		}
		if failed := d.Rows(`SELECT status, placing, outcome FROM calls WHERE id = ?`,
			callskit.Object(t, rec)["call"]); failed != "failed | refused | failed_account\n" {
			t.Errorf("%d: the row is %q", status, failed)
		}
	}
	if len(x.Placed) > 0 {
		t.Errorf("%d calls were placed", len(x.Placed))
	}
	if got := d.Rows(`SELECT count(*) FROM calls WHERE vapi_call_id LIKE 'placed-%'`); got != "0\n" {
		t.Errorf("%s rows were written", got)
	}
	if got := d.Rows(`SELECT count(*) FROM usage_events u JOIN calls c ON c.id = u.call
		WHERE c.placing = 'refused'`); got != "0\n" {
		t.Errorf("%s refused calls are metered", got)
	}
}

func TestPlace_has_so_many_calls_a_minute(t *testing.T) {
	d := whole.Open(t, &callskit.Exchange{T: t}, func(d *calls.Deps) { d.PerMinute = 1 })
	d.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
	other := callskit.Order(map[string]any{"customer_number": "+14155552672"})
	d.Want(429, "POST", callskit.AcmeCalls, testkit.AcmeAgent, other)
	d.Ahead.Add(int64(time.Minute))
	d.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
}

// The call's first message may come before the answer to placing it.
func TestPlace_is_one_row_whichever_comes_first(t *testing.T) {
	for _, name := range []string{"the message first", "the answer first", "both"} {
		d, x := newExchange(t)
		message := func(id string) {
			m := strings.ReplaceAll(string(callskit.Lines(t, "call-outbound.jsonl")[0]),
				callskit.CallID(t, callskit.Lines(t, "call-outbound.jsonl")[0]), id)
			if rec := d.Send([]byte(m)); rec.Code != 200 {
				t.Errorf("%s: the message got %d", name, rec.Code)
			}
		}
		if name != "the answer first" {
			x.First = message
		}
		rec := d.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
		if name != "the message first" {
			message("placed-1")
		}
		d.Stored()
		got := callskit.Object(t, rec)
		if rows := d.Rows(`SELECT id, created_by FROM calls
			WHERE vapi_call_id = 'placed-1'`); rows != fmt.Sprintf("%s | %s\n", got["id"], testkit.User(testkit.AcmeAgent)) {
			t.Errorf("%s: got %v and the rows %q", name, got, rows)
		}
	}
}
