package placing_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/callskit/whole"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// The waits after which the outbox has certainly looked again.
var lookSteps = []time.Duration{6 * time.Second, 31 * time.Second, 121 * time.Second}

func TestPlace_makes_one_call_for_one_press_whatever_the_provider_does(t *testing.T) {
	late := func(ms int) map[string]any { return map[string]any{"kind": "late", "delayMs": ms} }
	faults := []struct {
		name  string
		fault map[string]any
		late  time.Duration
		made  int
		told  int    // what whoever waits is told at first
		ends  string // the row's placing in the end
	}{
		{"no fault", nil, 0, 1, 201, ""},
		{"500 before acting", map[string]any{"kind": "500-before"}, 0, 0, 202, collections.PlacingLost},
		{"500 after acting", map[string]any{"kind": "500-after"}, 0, 1, 201, ""},
		{"the answer is lost", map[string]any{"kind": "drop-reply"}, 0, 1, 201, ""},
		{"18 s late", late(18_000), 18 * time.Second, 1, 202, ""},
		{"25 s late", late(25_000), 25 * time.Second, 1, 202, ""},
		{"30 s late", late(30_000), 30 * time.Second, 1, 202, ""},
		{"refused", map[string]any{"kind": "refuse", "status": 402, "message": "Add a card."}, 0, 0, 502,
			collections.PlacingRefused},
	}
	for _, one := range faults {
		for _, presses := range []string{"once", "twice", "left"} {
			for _, messages := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/messages %v", one.name, presses, messages), func(t *testing.T) {
					c := whole.NewCounter(t, messages)
					if one.fault != nil {
						c.Fault(one.fault)
					}
					ctx, leave := context.WithCancel(context.Background())
					defer leave()
					answers := make(chan *httptest.ResponseRecorder, 2)
					var asking sync.WaitGroup
					press := func() {
						asking.Go(func() { answers <- c.Keyed(ctx, "one press", callskit.Order(nil)) })
					}
					press()
					if presses == "twice" {
						press()
					}
					passed := time.Duration(0)
					if one.late > 0 {
						callskit.Until(t, "the provider to be asked", func() bool { return c.Sandbox.Late() == 1 })
						if presses == "left" {
							leave()
							asking.Wait()
						}
						passed = 15 * time.Second
						c.Sandbox.Advance(passed)
						c.Ahead.Add(int64(passed))
						c.GiveUp <- struct{}{}
					} else if presses == "left" {
						leave()
					}
					asking.Wait()
					close(answers)
					for rec := range answers {
						// Whoever left gets what was known then: it reaches nobody.
						if presses != "left" && rec.Code != one.told && rec.Code != http.StatusAccepted {
							t.Errorf("told %d, want %d: %s", rec.Code, one.told, rec.Body)
						}
						if rec.Code == http.StatusAccepted && !strings.Contains(rec.Body.String(), placing.WordsUnclear) &&
							presses != "left" {
							t.Errorf("told in other words: %s", rec.Body)
						}
					}
					c.Settle()
					for _, step := range lookSteps {
						made := one.made
						if passed += step; passed < one.late {
							made = 0
						}
						c.Pass(step, made)
					}
					made := c.Made()
					if len(made) != one.made {
						t.Fatalf("the provider made %d calls, want %d", len(made), one.made)
					}
					want := one.ends + " | failed | \n"
					if one.made == 1 {
						if messages {
							callskit.Until(t, "the call's messages", func() bool { return strings.Contains(c.Pressed(), "completed") })
						}
						want = c.Rows(`SELECT placing, status, vapi_call_id FROM calls WHERE vapi_call_id = ? AND placing = ''`, made[0])
					}
					if got := c.Pressed(); got != want || got == "" {
						t.Errorf("the rows are %q, want %q", got, want)
					}
					if n := c.Rows(`SELECT count(*) FROM calls WHERE recipient_number = '+14155552671'
						AND call_type = 'outbound'`); n != "1\n" {
						t.Errorf("%s rows for one press", n)
					}
					if n := c.Rows(`SELECT count(*) FROM usage_events u JOIN calls c ON c.id = u.call
						WHERE c.placing != ''`); n != "0\n" {
						t.Errorf("%s calls that were not are metered", n)
					}
					// The same press again: the same row, told as it is now.
					again := c.Keyed(context.Background(), "one press", callskit.Order(nil))
					id := strings.TrimSpace(c.Rows(`SELECT id FROM calls WHERE placing_key != ''`))
					if !strings.Contains(again.Body.String(), id) || (again.Code == 201) != (one.made == 1) ||
						len(c.Made()) != one.made {
						t.Errorf("the press again: %d %s, and %d calls", again.Code, again.Body, len(c.Made()))
					}
				})
			}
		}
	}
}

func TestPlace_key_belongs_to_one_body_and_one_organization(t *testing.T) {
	c := whole.NewCounter(t, false)
	first := callskit.Object(t, c.Keyed(t.Context(), "k1", callskit.Order(nil)))
	if again := callskit.Object(t, c.Keyed(t.Context(), "k1", callskit.Order(nil))); again["id"] != first["id"] ||
		again["vapi_call_id"] != first["vapi_call_id"] {
		t.Errorf("the same key gave %v and %v", first, again)
	}
	if rec := c.Keyed(t.Context(), "k1",
		callskit.Order(map[string]any{"customer_number": "+14155552672"})); rec.Code != 422 ||
		!strings.Contains(rec.Body.String(), "Idempotency-Key") {
		t.Errorf("another body: %d %s", rec.Code, rec.Body)
	}
	if rec := c.Keyed(t.Context(), strings.Repeat("k", 256), callskit.Order(nil)); rec.Code != 400 {
		t.Errorf("a key without end: %d", rec.Code)
	}
	if len(c.Made()) != 1 {
		t.Fatalf("%d calls", len(c.Made()))
	}
	// Another organization's key of the same text is another key.
	c.Set(collections.Calls, first["id"].(string), map[string]any{"organization": testkit.Bolt})
	if rec := c.Keyed(t.Context(), "k1", callskit.Order(nil)); rec.Code != 201 ||
		callskit.Object(t, rec)["id"] == first["id"] {
		t.Errorf("with Bolt's key: %d %s", rec.Code, rec.Body)
	}
	// The key outlives its row.
	second := strings.TrimSpace(c.Rows(`SELECT id FROM calls WHERE placing_key != '' AND organization = ?`, testkit.Acme))
	c.Want(204, "DELETE", "/api/collections/calls/records/"+second, testkit.AcmeAdmin, nil)
	if rec := c.Keyed(t.Context(), "k1", callskit.Order(nil)); rec.Code != 409 ||
		!strings.Contains(rec.Body.String(), "deleted") {
		t.Errorf("after its row was deleted: %d %s", rec.Code, rec.Body)
	}
	if n := c.Rows(`SELECT count(*) FROM calls WHERE recipient_number = '+14155552671'`); n != "1\n" {
		t.Errorf("%s rows, want Bolt's alone", n)
	}
}

func TestPlace_key_repeats_a_refusal(t *testing.T) {
	c := whole.NewCounter(t, false)
	c.Fault(map[string]any{"kind": "refuse", "status": 400, "message": "Not today."})
	first := c.Keyed(t.Context(), "k1", callskit.Order(nil))
	again := c.Keyed(t.Context(), "k1", callskit.Order(nil))
	if first.Code != 502 || !strings.Contains(first.Body.String(), "Not today.") ||
		!callskit.SameJSON(t, first.Body.Bytes(), again.Body.Bytes()) || again.Code != 502 {
		t.Errorf("%d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	if len(c.Made()) != 0 {
		t.Error("somebody was called")
	}
	// Nobody was called: the next press may call.
	if rec := c.Keyed(t.Context(), "k2", callskit.Order(nil)); rec.Code != 201 {
		t.Errorf("the next press: %d %s", rec.Code, rec.Body)
	}
}

func TestPlace_the_same_call_again_is_asked_about(t *testing.T) {
	c := whole.NewCounter(t, false)
	functions := func(more map[string]any) map[string]any {
		body := map[string]any{"assistant_id": testkit.AcmeAssistant, "phone_number_id": testkit.AcmeNumber,
			"customer_number": "+14155552671"}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	first := callskit.Object(t, c.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
	for _, one := range []struct {
		path string
		body any
	}{{callskit.AcmeCalls, callskit.Order(nil)}, {"/functions/v1/calls", functions(nil)}} {
		got := callskit.Object(t, c.Want(409, "POST", one.path, testkit.AcmeManager, one.body))
		if _, open := got["placing"]; got["code"] != "call_just_placed" || got["call"] != first["id"] || open {
			t.Errorf("%s: got %v, want the first one's id", one.path, got)
		}
	}
	if n := len(c.Made()); n != 1 {
		t.Fatalf("%d calls", n)
	}
	c.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent,
		callskit.Order(map[string]any{"customer_number": "+14155552672"}))
	c.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(map[string]any{"force": true}))
	c.Want(201, "POST", "/functions/v1/calls", testkit.AcmeAgent, functions(map[string]any{"force": true}))
	c.Want(201, "POST", "/functions/v1/calls?force=true", testkit.AcmeAgent, functions(nil))
	if n := len(c.Made()); n != 5 {
		t.Errorf("%d calls, want 5", n)
	}
	c.Ahead.Add(int64(placing.RepeatWindow))
	c.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
}

// Only what places a call counts: who presses again and again does not take the calls
// a minute from the others.
func TestPlace_a_press_that_places_nothing_takes_no_call_of_the_minute(t *testing.T) {
	c := callskit.NewCounter(whole.Open(t, nil, func(d *calls.Deps) { d.PerMinute = 3 }), false)
	to := func(number string) map[string]any { return callskit.Order(map[string]any{"customer_number": number}) }
	codes := make(chan int, 30)
	var all sync.WaitGroup
	for range cap(codes) {
		all.Go(func() { codes <- c.Keyed(context.Background(), "", callskit.Order(nil)).Code })
	}
	all.Wait()
	close(codes)
	got := map[int]int{}
	for code := range codes {
		got[code]++
	}
	if got[201] != 1 || got[409] != cap(codes)-1 {
		t.Errorf("got %v", got)
	}
	number := strings.TrimSpace(c.Rows(`SELECT vapi_phone_id FROM phone_numbers WHERE id = ?`, testkit.AcmeNumber))
	c.Set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": ""})
	for range 5 {
		c.Want(409, "POST", callskit.AcmeCalls, testkit.AcmeAgent, to("+14155552672"))
		c.Want(400, "POST", callskit.AcmeCalls, testkit.AcmeAgent, to("+1"))
	}
	c.Set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": number})
	for range 5 { // one call by its key
		if rec := c.Keyed(t.Context(), "k1", to("+14155552672")); rec.Code != 201 {
			t.Errorf("got %d %s", rec.Code, rec.Body)
		}
	}
	c.Want(201, "POST", callskit.AcmeCalls, testkit.AcmeAgent, to("+14155552673"))
	c.Want(429, "POST", callskit.AcmeCalls, testkit.AcmeAgent, to("+14155552674"))
	c.Want(409, "POST", callskit.AcmeCalls, testkit.AcmeAgent,
		callskit.Order(nil)) // told what it is, whatever the minute has left
	if n := len(c.Made()); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestPlace_two_presses_at_once_are_one_call(t *testing.T) {
	c := whole.NewCounter(t, false)
	codes := make(chan int, 4)
	var all sync.WaitGroup
	for range cap(codes) {
		all.Go(func() { codes <- c.Keyed(context.Background(), "", callskit.Order(nil)).Code })
	}
	all.Wait()
	close(codes)
	placed := 0
	for code := range codes {
		if code == 201 {
			placed++
		} else if code != 409 {
			t.Errorf("got %d", code)
		}
	}
	if placed != 1 || len(c.Made()) != 1 {
		t.Errorf("%d presses placed %d calls", placed, len(c.Made()))
	}
}

func membership(c *callskit.Counter, user string) string {
	return strings.TrimSpace(c.Rows(`SELECT id FROM memberships WHERE user = ? AND organization = ?`, user, testkit.Acme))
}
