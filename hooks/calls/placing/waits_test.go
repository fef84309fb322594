package placing_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/callskit/whole"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestPlace_waits_for_a_busy_provider_without_the_person(t *testing.T) {
	busy := map[string]any{"kind": "429", "retryAfterSeconds": 30}
	t.Run("placed later", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		c.Fault(busy)
		got := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
		if got["placing"] != collections.PlacingWaiting || got["message"] != placing.WordsWaiting || len(c.Made()) != 0 {
			t.Errorf("got %v", got)
		}
		c.Pass(31*time.Second, 1)
		if got := c.Pressed(); got != " | queued | "+c.Made()[0]+"\n" {
			t.Errorf("the row is %q", got)
		}
	})
	t.Run("nor is the same call placed beside it", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		c.Fault(map[string]any{"kind": "429", "retryAfterSeconds": 100})
		first := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
		c.Settle()
		c.Ahead.Add(int64(67 * time.Second))
		got := callskit.Object(t, c.Want(409, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
		if got["code"] != "call_just_placed" || got["call"] != first["id"] || got["placing"] != collections.PlacingWaiting {
			t.Errorf("the second press got %v", got)
		}
		c.Pass(34*time.Second, 1)
		c.Ahead.Add(int64(placing.RepeatWindow))
		c.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
	})
	t.Run("taken back", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		c.Fault(busy)
		got := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
		for _, path := range []string{"/api/collections/calls/records/", "/api/calls/"} {
			c.Want(409, "DELETE", path+got["id"].(string), testkit.AcmeAdmin, nil)
		}
		c.Want(403, "POST", "/api/calls/"+got["id"].(string)+"/end", testkit.AcmeViewer, nil)
		c.Want(200, "POST", "/api/calls/"+got["id"].(string)+"/end", testkit.AcmeAgent, nil)
		c.Pass(31*time.Second, 0)
		if got := c.Pressed(); got != "cancelled | completed | \n" {
			t.Errorf("the row is %q", got)
		}
		c.Want(409, "POST", "/api/calls/"+got["id"].(string)+"/end", testkit.AcmeAgent, nil)
	})
	t.Run("taken back by a function", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		c.Fault(busy)
		id := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent,
			callskit.Order(nil)))["id"].(string)
		c.Ahead.Add(int64(5 * time.Second))
		got := callskit.Object(t, c.Want(200, "POST", "/functions/v1/calls/"+id+"/end", testkit.AcmeAgent,
			nil))["data"].(map[string]any)
		if got["status"] != "completed" || got["placing"] != collections.PlacingCancelled || got["ended_at"] == nil {
			t.Errorf("the call is told as it was before: %v", got)
		}
		if got := c.Rows(`SELECT e.position - 1000 * unixepoch(c.started_at, 'subsec') >= 5000 FROM call_events e
			JOIN calls c ON c.id = e.call
			WHERE c.id = ? AND e.name = 'cancel'`, id); got != "1\n" {
			t.Errorf("it was taken back at another time: %q", got)
		}
	})
	t.Run("by the very time it asked for", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		busy["count"] = 99
		c.Fault(busy)
		id := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent,
			callskit.Order(nil)))["id"].(string)
		for range 15 { // more than the tries a promise has
			c.Pass(31*time.Second, 0)
			got := c.Rows(`SELECT o.status, o.attempts,
				abs(unixepoch(o.next_at, 'subsec') - json_extract(c.placement, '$.next') / 1000.0) < 2
				FROM outbox o JOIN calls c ON o.key = 'calls.place:' || c.id WHERE c.id = ?`, id)
			if got != "pending | 0 | 1\n" {
				t.Fatalf("the promise is %q", got)
			}
		}
	})
	t.Run("for ten minutes", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		busy["count"] = 99
		c.Fault(busy)
		c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
		c.Pass(placing.WaitLimit, 0)
		if got := c.Pressed(); got != "refused | failed | \n" {
			t.Errorf("the row is %q", got)
		}
	})
}

// Nothing was sent: the call waits as for a busy provider.
func TestPlace_waits_for_a_provider_that_cannot_be_reached(t *testing.T) {
	t.Run("placed later", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		c.Silent.Store(true)
		got := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
		if got["placing"] != collections.PlacingWaiting || got["message"] != placing.WordsWaiting {
			t.Errorf("got %v", got)
		}
		c.Silent.Store(false)
		c.Pass(placing.SilentWait+time.Second, 1)
		if got := c.Pressed(); got != " | queued | "+c.Made()[0]+"\n" {
			t.Errorf("the row is %q", got)
		}
	})
	t.Run("for ten minutes", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		c.Silent.Store(true)
		c.Keyed(t.Context(), "k", callskit.Order(nil))
		c.Pass(placing.WaitLimit+time.Second, 0)
		rec := c.Keyed(t.Context(), "k", callskit.Order(nil))
		late := refusal.Of("provider_failed/late").Text
		if got := callskit.Object(t, rec); rec.Code != 502 || got["error"] != late {
			t.Errorf("told %d %v", rec.Code, got)
		}
		if got := c.Rows(`SELECT placing, outcome, ended_reason FROM calls
			WHERE placing != ''`); got != "refused | failed_vapi | "+late+"\n" {
			t.Errorf("the row is %q", got)
		}
	})
}

// While the provider cannot be looked at, nobody knows; after an hour the call
// counts as lost, by the promise alone.
func TestPlace_looks_for_a_call_for_an_hour(t *testing.T) {
	c := whole.NewCounter(t, false)
	c.Fault(map[string]any{"kind": "500-before"})
	c.Fault(map[string]any{"match": map[string]any{"method": "GET", "pathPrefix": "/call"}, "kind": "500-before",
		"count": 999})
	c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
	waits := func(of string) {
		t.Helper()
		c.Settle()
		if got := c.Rows(`SELECT c.placing, o.status, o.attempts FROM outbox o
			JOIN calls c ON o.key = 'calls.place:' || c.id`); got != of {
			t.Fatalf("the press is %q, want %q", got, of)
		}
	}
	for range 12 {
		waits("unclear | pending | 0\n")
		c.Ahead.Add(int64(placing.StepAgain + time.Second))
	}
	c.Ahead.Add(int64(placing.LookLimit))
	waits("lost | done | 1\n")
}

// What really happened wins over what we gave up.
func TestPlace_a_late_message_brings_a_lost_call_back(t *testing.T) {
	for _, named := range []bool{true, false} {
		c := whole.NewCounter(t, named)
		c.Fault(map[string]any{"kind": "late", "delayMs": 3_600_000})
		asked := make(chan *httptest.ResponseRecorder, 1)
		go func() { asked <- c.Keyed(context.Background(), "k", callskit.Order(nil)) }()
		callskit.Until(t, "the provider to be asked", func() bool { return c.Sandbox.Late() == 1 })
		c.GiveUp <- struct{}{}
		id := callskit.Object(t, <-asked)["id"].(string)
		if c.Want(409, "POST", "/api/calls/"+id+"/end", testkit.AcmeAgent, nil); !strings.HasPrefix(c.Pressed(), "unclear") {
			t.Fatalf("the row is %q", c.Pressed())
		}
		for _, path := range []string{"/api/collections/calls/records/", "/api/calls/"} {
			c.Want(409, "DELETE", path+id, testkit.AcmeAdmin, nil)
		}
		c.Want(400, "PATCH", "/api/collections/calls/records/"+id, testkit.AcmeAgent, map[string]any{"status": "completed"})
		for _, step := range lookSteps {
			got := callskit.Object(t, c.Want(409, "POST", callskit.AcmeCalls, testkit.AcmeManager, callskit.Order(nil)))
			if got["call"] != id || got["placing"] != collections.PlacingUnclear ||
				strings.Contains(fmt.Sprint(got["error"]), "just") {
				t.Errorf("pressed again while nobody knows: %v", got)
			}
			c.Pass(step, 0)
		}
		if got := c.Pressed(); got != "lost | failed | \n" {
			t.Fatalf("the row is %q", got)
		}
		if figures := callskit.Object(t, c.Want(200, "GET", "/api/organizations/"+testkit.Acme+"/home", testkit.AcmeOwner,
			nil)); figures["week"].(map[string]any)["missed"] != 0.0 {
			t.Errorf("a call that was not is counted: %v", figures["week"])
		}
		c.Pass(time.Hour, 1)
		if !named { // no message comes: the job finds it once it is over, and does not wait for that
			callskit.Until(t, "the call to be over", func() bool {
				return c.At("GET", "/call/"+c.Made()[0], nil)["status"] == "ended"
			})
			if err := c.Schedule.RunNow(t.Context(), "calls.reconcile"); err != nil {
				t.Fatal(err)
			}
		}
		callskit.Until(t, "the truth", func() bool { return c.Pressed() == " | completed | "+c.Made()[0]+"\n" })
		if got := c.Rows(`SELECT id FROM calls WHERE vapi_call_id = ?`, c.Made()[0]); got != id+"\n" {
			t.Errorf("the call is row %q, want %s", got, id)
		}
	}
}

// A message may not say the call's name: then who calls whom tells, and in the end
// there is one row.
func TestPlace_a_message_without_a_name_meets_its_row(t *testing.T) {
	d, x := newExchange(t)
	message := string(callskit.Lines(t, "call-outbound.jsonl")[0])
	from := callskit.CallID(t, []byte(message))
	for n, customer := range []string{"+14155552671", "+14155552672"} {
		x.First = func(id string) {
			m := strings.ReplaceAll(message, from, id)
			if n == 0 { // about the very number
				var body map[string]any
				if err := json.Unmarshal([]byte(m), &body); err != nil {
					t.Error(err)
				}
				said := body["message"].(map[string]any)
				said["customer"] = map[string]any{"number": customer}
				said["call"].(map[string]any)["customer"] = said["customer"]
				raw, _ := json.Marshal(body)
				m = string(raw)
			}
			if rec := d.Send([]byte(m)); rec.Code != 200 {
				t.Errorf("the message got %d", rec.Code)
			}
		}
		rec := d.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent,
			callskit.Order(map[string]any{"customer_number": customer}))
		got, placed := callskit.Object(t, rec), fmt.Sprint("placed-", n+1)
		if rows := d.Rows(`SELECT id, created_by, placing FROM calls WHERE vapi_call_id = ?`,
			placed); rows != fmt.Sprintf("%s | %s | \n", got["id"], testkit.User(testkit.AcmeAgent)) {
			t.Errorf("%s: got %v and the rows %q", customer, got, rows)
		}
		if n := d.Rows(`SELECT count(*) FROM calls WHERE placing != ''`); n != "0\n" {
			t.Errorf("%s: %s rows are still being placed", customer, n)
		}
	}
}

// What allowed the press may be gone when the provider has time.
func TestPlace_what_waited_is_checked_again(t *testing.T) {
	agent := testkit.User(testkit.AcmeAgent)
	for name, one := range map[string]struct {
		meanwhile func(c *callskit.Counter)
		status    int
	}{
		"suspended": {func(c *callskit.Counter) {
			c.Set(collections.Organizations, testkit.Acme, map[string]any{"status": collections.OrganizationSuspended})
		}, 403},
		"without balance": {func(c *callskit.Counter) {
			c.Set(collections.Organizations, testkit.Acme, map[string]any{"balance_state": collections.BalanceEmpty})
		}, 402},
		"elsewhere": {func(c *callskit.Counter) {
			c.Set(collections.Organizations, testkit.Acme,
				map[string]any{"limits": map[string]any{"outbound_countries": []string{}}, "country": "FR"})
		}, 400},
		"a viewer by now": {func(c *callskit.Counter) {
			c.Set(collections.Memberships, membership(c, agent), map[string]any{"role": "viewer"})
		}, 403},
		"no member any more": {func(c *callskit.Counter) { c.Remove(collections.Memberships, membership(c, agent)) }, 403},
		"no user any more":   {func(c *callskit.Counter) { c.Remove(collections.Users, agent) }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			c := whole.NewCounter(t, false)
			c.Fault(map[string]any{"kind": "429", "retryAfterSeconds": 30})
			got := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
			one.meanwhile(c)
			c.Pass(31*time.Second, 0)
			if got := c.Pressed(); got != "refused | failed | \n" {
				t.Errorf("the row is %q", got)
			}
			if got := c.Rows(`SELECT outcome FROM calls WHERE id = ?`, got["id"]); got != "failed_desk\n" {
				t.Errorf("our own refusal is %q", got)
			}
			row, err := c.FindRecordById(collections.Calls, got["id"].(string))
			if err != nil {
				t.Fatal(err)
			}
			var how placing.Placement
			if err := row.UnmarshalJSONField("placement", &how); err != nil {
				t.Fatal(err)
			}
			if how.Status != one.status || how.By != "" || how.Error == "Invalid request data" ||
				row.GetString("ended_reason") != how.Error {
				t.Errorf("it ends with %+v: %q", how, row.GetString("ended_reason"))
			}
		})
	}
	t.Run("and the same press is told which field", func(t *testing.T) {
		c := whole.NewCounter(t, false)
		c.Fault(map[string]any{"kind": "429", "retryAfterSeconds": 30})
		c.Keyed(t.Context(), "k", callskit.Order(nil))
		c.Set(collections.Organizations, testkit.Acme,
			map[string]any{"limits": map[string]any{"outbound_countries": []string{}}, "country": "FR"})
		c.Pass(31*time.Second, 0)
		rec := c.Keyed(t.Context(), "k", callskit.Order(nil))
		got := callskit.Object(t, rec)
		if details, _ := got["details"].(map[string]any); rec.Code != 400 || details["customer_number"] == nil ||
			details["customer_number"] != got["error"] {
			t.Errorf("told %d %v", rec.Code, got)
		}
	})
}

// What the provider does not know, also when it was made equal, is named, and is a
// matter of settings.
func TestPlace_names_what_the_provider_does_not_know(t *testing.T) {
	c := openCounterWithCopies(t)
	c.Fault(map[string]any{"kind": "refuse", "status": 404, "message": "Couldn't find that phone number.", "count": 2})
	c.Keyed(t.Context(), "k", callskit.Order(nil))
	callskit.Until(t, "the call to be given up", func() bool {
		c.Pass(placing.RepairWait+time.Second, 0)
		return c.Pressed() == "refused | failed | \n"
	})
	rec := c.Keyed(t.Context(), "k", callskit.Order(nil))
	got := callskit.Object(t, rec)
	if details, _ := got["details"].(map[string]any); rec.Code != 409 || len(details) != 1 ||
		details["phone_number"] != got["error"] {
		t.Errorf("told %d %v", rec.Code, got)
	}
	// Its code was kept with it: sentences may be worded better meanwhile.
	const reword = `UPDATE calls SET placement = json_set(placement, '$.error', 'In other words') WHERE id = {:id}`
	if _, err := c.NonconcurrentDB().NewQuery(reword).Bind(map[string]any{"id": got["call"]}).Execute(); err != nil {
		t.Fatal(err)
	}
	again := callskit.Object(t, c.Keyed(t.Context(), "k", callskit.Order(nil)))
	if again["error"] != "In other words" || got["code"] != "not_synced" || again["code"] != "not_synced" {
		t.Errorf("told again: %v", again)
	}
	if got := c.Rows(`SELECT outcome, ended_reason FROM calls WHERE id = ?`, got["call"]); got !=
		"failed_setup | The phone provider does not know the number: see its sync status\n" {
		t.Errorf("it ended as %q", got)
	}
}
