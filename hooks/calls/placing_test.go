package calls

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/sandbox"
)

// counter is a desk whose provider is the sandbox.
type counter struct {
	*desk
	sandbox *sandbox.Server
	giveUp  chan struct{} // ends the client's patience with what it waits for
}

// RoundTrip goes to the sandbox in place of the desk's own provider.
func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	to, err := url.Parse(c.sandbox.URL())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	r = r.Clone(ctx)
	r.URL.Scheme, r.URL.Host, r.Host = to.Scheme, to.Host, to.Host
	type result struct {
		*http.Response
		error
	}
	done := make(chan result, 1)
	go func() {
		res, err := http.DefaultTransport.RoundTrip(r)
		done <- result{res, err}
	}()
	select {
	case got := <-done:
		context.AfterFunc(r.Context(), cancel) // the body is still to be read
		return got.Response, got.error
	case <-c.giveUp:
		cancel()
		<-done
		return nil, context.DeadlineExceeded
	}
}

// newCounter is a desk and a sandbox that knows its assistant and number; with
// messages it also tells the desk what happens.
func newCounter(t *testing.T, messages bool, with ...func(core.App, *desk)) *counter {
	t.Helper()
	s, err := sandbox.Start(sandbox.Config{Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	c := &counter{desk: newDesk(t, nil, with...), sandbox: s, giveUp: make(chan struct{})}
	c.trip = c
	assistant := map[string]any{"name": "Ada"}
	if messages {
		server := httptest.NewServer(c.mux)
		t.Cleanup(server.Close)
		assistant["server"] = map[string]any{"url": server.URL + "/api/webhooks/vapi", "headers": map[string]string{"X-Vapi-Secret": secret}}
	}
	c.set(collections.Assistants, testkit.AcmeAssistant, map[string]any{"vapi_assistant_id": c.at("POST", "/assistant", assistant)["id"]})
	number := c.at("POST", "/phone-number", map[string]any{
		"provider": "twilio", "number": "+12025550100", "twilioAccountSid": "AC1", "twilioAuthToken": "t",
	})
	c.set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": number["id"]})
	return c
}

// at asks the sandbox itself.
func (c *counter) at(method, path string, body any) map[string]any {
	c.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequest(method, c.sandbox.URL()+path, strings.NewReader(string(raw)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer key")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode > 299 {
		c.t.Fatalf("%s %s: %d %v %v", method, path, res.StatusCode, v, err)
	}
	return v
}

func (c *counter) fault(more map[string]any) {
	c.t.Helper()
	fault := map[string]any{"match": map[string]any{"method": "POST", "pathPrefix": "/call"}}
	for k, v := range more {
		fault[k] = v
	}
	c.at("POST", "/_sandbox/faults", fault)
}

// made are the ids of the calls the provider made.
func (c *counter) made() []string {
	c.t.Helper()
	req, err := http.NewRequest("GET", c.sandbox.URL()+"/call?limit=100", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer key")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var all []struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		c.t.Fatal(err)
	}
	ids := []string{}
	for _, one := range all {
		ids = append(ids, one.ID)
	}
	return ids
}

// keyed presses with a key, and a way to leave.
func (c *counter) keyed(ctx context.Context, key string, body any) *httptest.ResponseRecorder {
	raw, err := json.Marshal(body)
	if err != nil {
		c.t.Error(err)
	}
	req := httptest.NewRequestWithContext(ctx, "POST", acmeCalls, strings.NewReader(string(raw)))
	n := visits.Add(1)
	req.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4000", n/250%250, n%250)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	for k, v := range testkit.As(c.t, testkit.AcmeAgent) {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	c.mux.ServeHTTP(rec, req)
	return rec
}

// pass lets time pass on every clock, and what is due be done.
func (c *counter) pass(d time.Duration, made int) {
	c.t.Helper()
	c.sandbox.Advance(d)
	c.ahead.Add(int64(d))
	until(c.t, "the provider to have made what is due", func() bool {
		c.outbox.Nudge() // the worker sleeps by the machine's clock
		return len(c.made()) == made
	})
	c.settle()
}

// settle waits until nothing that is due is left to do.
func (c *counter) settle() {
	c.t.Helper()
	until(c.t, "what is due", func() bool {
		c.outbox.Nudge()
		return c.rows(`SELECT count(*) FROM outbox WHERE kind = ? AND (status = 'running' OR status = 'pending' AND next_at <= ?)`,
			placeKind, inbox.Date(c.now())) == "0\n"
	})
}

// pressed are the rows of presses, in short.
func (c *counter) pressed() string {
	return c.rows(`SELECT placing, status, vapi_call_id FROM calls WHERE placement IS NOT NULL AND placement != '' ORDER BY id`)
}

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
		{"refused", map[string]any{"kind": "refuse", "status": 402, "message": "Add a card."}, 0, 0, 502, collections.PlacingRefused},
	}
	for _, one := range faults {
		for _, presses := range []string{"once", "twice", "left"} {
			for _, messages := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/messages %v", one.name, presses, messages), func(t *testing.T) {
					c := newCounter(t, messages)
					if one.fault != nil {
						c.fault(one.fault)
					}
					ctx, leave := context.WithCancel(context.Background())
					defer leave()
					answers := make(chan *httptest.ResponseRecorder, 2)
					var asking sync.WaitGroup
					press := func() {
						asking.Go(func() { answers <- c.keyed(ctx, "one press", order(nil)) })
					}
					press()
					if presses == "twice" {
						press()
					}
					passed := time.Duration(0)
					if one.late > 0 {
						until(t, "the provider to be asked", func() bool { return c.sandbox.Late() == 1 })
						if presses == "left" {
							leave()
							asking.Wait()
						}
						passed = 15 * time.Second
						c.sandbox.Advance(passed)
						c.ahead.Add(int64(passed))
						c.giveUp <- struct{}{}
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
						if rec.Code == http.StatusAccepted && !strings.Contains(rec.Body.String(), wordsUnclear) && presses != "left" {
							t.Errorf("told in other words: %s", rec.Body)
						}
					}
					c.settle()
					for _, step := range lookSteps {
						made := one.made
						if passed += step; passed < one.late {
							made = 0
						}
						c.pass(step, made)
					}
					made := c.made()
					if len(made) != one.made {
						t.Fatalf("the provider made %d calls, want %d", len(made), one.made)
					}
					want := one.ends + " | failed | \n"
					if one.made == 1 {
						if messages {
							until(t, "the call's messages", func() bool { return strings.Contains(c.pressed(), "completed") })
						}
						want = c.rows(`SELECT placing, status, vapi_call_id FROM calls WHERE vapi_call_id = ? AND placing = ''`, made[0])
					}
					if got := c.pressed(); got != want || got == "" {
						t.Errorf("the rows are %q, want %q", got, want)
					}
					if n := c.rows(`SELECT count(*) FROM calls WHERE recipient_number = '+14155552671' AND call_type = 'outbound'`); n != "1\n" {
						t.Errorf("%s rows for one press", n)
					}
					if n := c.rows(`SELECT count(*) FROM usage_events u JOIN calls c ON c.id = u.call WHERE c.placing != ''`); n != "0\n" {
						t.Errorf("%s calls that were not are metered", n)
					}
					// The same press again: the same row, told as it is now.
					again := c.keyed(context.Background(), "one press", order(nil))
					id := strings.TrimSpace(c.rows(`SELECT id FROM calls WHERE placing_key != ''`))
					if !strings.Contains(again.Body.String(), id) || (again.Code == 201) != (one.made == 1) || len(c.made()) != one.made {
						t.Errorf("the press again: %d %s, and %d calls", again.Code, again.Body, len(c.made()))
					}
				})
			}
		}
	}
}

func TestPlace_key_belongs_to_one_body_and_one_organization(t *testing.T) {
	c := newCounter(t, false)
	first := object(t, c.keyed(t.Context(), "k1", order(nil)))
	if again := object(t, c.keyed(t.Context(), "k1", order(nil))); again["id"] != first["id"] || again["vapi_call_id"] != first["vapi_call_id"] {
		t.Errorf("the same key gave %v and %v", first, again)
	}
	if rec := c.keyed(t.Context(), "k1", order(map[string]any{"customer_number": "+14155552672"})); rec.Code != 422 || !strings.Contains(rec.Body.String(), "Idempotency-Key") {
		t.Errorf("another body: %d %s", rec.Code, rec.Body)
	}
	if rec := c.keyed(t.Context(), strings.Repeat("k", 256), order(nil)); rec.Code != 400 {
		t.Errorf("a key without end: %d", rec.Code)
	}
	if len(c.made()) != 1 {
		t.Fatalf("%d calls", len(c.made()))
	}
	// Another organization's key of the same text is another key.
	c.set(collections.Calls, first["id"].(string), map[string]any{"organization": testkit.Bolt})
	if rec := c.keyed(t.Context(), "k1", order(nil)); rec.Code != 201 || object(t, rec)["id"] == first["id"] {
		t.Errorf("with Bolt's key: %d %s", rec.Code, rec.Body)
	}
	// The key outlives its row.
	second := strings.TrimSpace(c.rows(`SELECT id FROM calls WHERE placing_key != '' AND organization = ?`, testkit.Acme))
	c.want(204, "DELETE", "/api/collections/calls/records/"+second, testkit.AcmeAdmin, nil)
	if rec := c.keyed(t.Context(), "k1", order(nil)); rec.Code != 409 || !strings.Contains(rec.Body.String(), "deleted") {
		t.Errorf("after its row was deleted: %d %s", rec.Code, rec.Body)
	}
	if n := c.rows(`SELECT count(*) FROM calls WHERE recipient_number = '+14155552671'`); n != "1\n" {
		t.Errorf("%s rows, want Bolt's alone", n)
	}
}

func TestPlace_key_repeats_a_refusal(t *testing.T) {
	c := newCounter(t, false)
	c.fault(map[string]any{"kind": "refuse", "status": 400, "message": "Not today."})
	first := c.keyed(t.Context(), "k1", order(nil))
	again := c.keyed(t.Context(), "k1", order(nil))
	if first.Code != 502 || !strings.Contains(first.Body.String(), "Not today.") || !sameJSON(t, first.Body.Bytes(), again.Body.Bytes()) || again.Code != 502 {
		t.Errorf("%d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	if len(c.made()) != 0 {
		t.Error("somebody was called")
	}
	// Nobody was called: the next press may call.
	if rec := c.keyed(t.Context(), "k2", order(nil)); rec.Code != 201 {
		t.Errorf("the next press: %d %s", rec.Code, rec.Body)
	}
}

func TestPlace_the_same_call_again_is_asked_about(t *testing.T) {
	c := newCounter(t, false)
	functions := func(more map[string]any) map[string]any {
		body := map[string]any{"assistant_id": testkit.AcmeAssistant, "phone_number_id": testkit.AcmeNumber, "customer_number": "+14155552671"}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	first := object(t, c.want(201, "POST", acmeCalls, testkit.AcmeAgent, order(nil)))
	for _, one := range []struct {
		path string
		body any
	}{{acmeCalls, order(nil)}, {"/functions/v1/calls", functions(nil)}} {
		got := object(t, c.want(409, "POST", one.path, testkit.AcmeManager, one.body))
		if got["code"] != "call_just_placed" || got["call"] != first["id"] {
			t.Errorf("%s: got %v, want the first one's id", one.path, got)
		}
	}
	if n := len(c.made()); n != 1 {
		t.Fatalf("%d calls", n)
	}
	c.want(201, "POST", acmeCalls, testkit.AcmeAgent, order(map[string]any{"customer_number": "+14155552672"}))
	c.want(201, "POST", acmeCalls, testkit.AcmeAgent, order(map[string]any{"force": true}))
	c.want(201, "POST", "/functions/v1/calls", testkit.AcmeAgent, functions(map[string]any{"force": true}))
	c.want(201, "POST", "/functions/v1/calls?force=true", testkit.AcmeAgent, functions(nil))
	if n := len(c.made()); n != 5 {
		t.Errorf("%d calls, want 5", n)
	}
	c.ahead.Add(int64(repeatWindow))
	c.want(201, "POST", acmeCalls, testkit.AcmeAgent, order(nil))
}

func TestPlace_two_presses_at_once_are_one_call(t *testing.T) {
	c := newCounter(t, false)
	codes := make(chan int, 4)
	var all sync.WaitGroup
	for range cap(codes) {
		all.Go(func() { codes <- c.keyed(context.Background(), "", order(nil)).Code })
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
	if placed != 1 || len(c.made()) != 1 {
		t.Errorf("%d presses placed %d calls", placed, len(c.made()))
	}
}

func TestPlace_waits_for_a_busy_provider_without_the_person(t *testing.T) {
	busy := map[string]any{"kind": "429", "retryAfterSeconds": 30}
	t.Run("placed later", func(t *testing.T) {
		c := newCounter(t, false)
		c.fault(busy)
		got := object(t, c.want(202, "POST", acmeCalls, testkit.AcmeAgent, order(nil)))
		if got["placing"] != collections.PlacingWaiting || got["message"] != wordsWaiting || len(c.made()) != 0 {
			t.Errorf("got %v", got)
		}
		c.pass(31*time.Second, 1)
		if got := c.pressed(); got != " | queued | "+c.made()[0]+"\n" {
			t.Errorf("the row is %q", got)
		}
	})
	t.Run("nor is the same call placed beside it", func(t *testing.T) {
		c := newCounter(t, false)
		c.fault(map[string]any{"kind": "429", "retryAfterSeconds": 100})
		first := object(t, c.want(202, "POST", acmeCalls, testkit.AcmeAgent, order(nil)))
		c.ahead.Add(int64(67 * time.Second))
		got := object(t, c.want(409, "POST", acmeCalls, testkit.AcmeAgent, order(nil)))
		if got["code"] != "call_just_placed" || got["call"] != first["id"] {
			t.Errorf("the second press got %v", got)
		}
		c.pass(34*time.Second, 1)
		c.ahead.Add(int64(repeatWindow))
		c.want(201, "POST", acmeCalls, testkit.AcmeAgent, order(nil))
	})
	t.Run("taken back", func(t *testing.T) {
		c := newCounter(t, false)
		c.fault(busy)
		got := object(t, c.want(202, "POST", acmeCalls, testkit.AcmeAgent, order(nil)))
		for _, path := range []string{"/api/collections/calls/records/", "/api/calls/"} {
			c.want(409, "DELETE", path+got["id"].(string), testkit.AcmeAdmin, nil)
		}
		c.want(403, "POST", "/api/calls/"+got["id"].(string)+"/end", testkit.AcmeViewer, nil)
		c.want(200, "POST", "/api/calls/"+got["id"].(string)+"/end", testkit.AcmeAgent, nil)
		c.pass(31*time.Second, 0)
		if got := c.pressed(); got != "cancelled | completed | \n" {
			t.Errorf("the row is %q", got)
		}
		c.want(409, "POST", "/api/calls/"+got["id"].(string)+"/end", testkit.AcmeAgent, nil)
	})
	t.Run("for ten minutes", func(t *testing.T) {
		c := newCounter(t, false)
		busy["count"] = 99
		c.fault(busy)
		c.want(202, "POST", acmeCalls, testkit.AcmeAgent, order(nil))
		c.pass(waitLimit, 0)
		if got := c.pressed(); got != "refused | failed | \n" {
			t.Errorf("the row is %q", got)
		}
	})
}

// What really happened wins over what we gave up.
func TestPlace_a_late_message_brings_a_lost_call_back(t *testing.T) {
	for _, named := range []bool{true, false} {
		c := newCounter(t, named)
		c.fault(map[string]any{"kind": "late", "delayMs": 3_600_000})
		asked := make(chan *httptest.ResponseRecorder, 1)
		go func() { asked <- c.keyed(context.Background(), "k", order(nil)) }()
		until(t, "the provider to be asked", func() bool { return c.sandbox.Late() == 1 })
		c.giveUp <- struct{}{}
		id := object(t, <-asked)["id"].(string)
		if c.want(409, "POST", "/api/calls/"+id+"/end", testkit.AcmeAgent, nil); !strings.HasPrefix(c.pressed(), "unclear") {
			t.Fatalf("the row is %q", c.pressed())
		}
		for _, path := range []string{"/api/collections/calls/records/", "/api/calls/"} {
			c.want(409, "DELETE", path+id, testkit.AcmeAdmin, nil)
		}
		c.want(400, "PATCH", "/api/collections/calls/records/"+id, testkit.AcmeAgent, map[string]any{"status": "completed"})
		for _, step := range lookSteps {
			got := object(t, c.want(409, "POST", acmeCalls, testkit.AcmeManager, order(nil)))
			if got["call"] != id {
				t.Errorf("pressed again while nobody knows: %v", got)
			}
			c.pass(step, 0)
		}
		if got := c.pressed(); got != "lost | failed | \n" {
			t.Fatalf("the row is %q", got)
		}
		if figures := object(t, c.want(200, "GET", "/api/organizations/"+testkit.Acme+"/home", testkit.AcmeOwner, nil)); figures["week"].(map[string]any)["missed"] != 0.0 {
			t.Errorf("a call that was not is counted: %v", figures["week"])
		}
		c.pass(time.Hour, 1)
		if !named { // no message comes: the job finds it
			if err := c.schedule.RunNow(t.Context(), "calls.reconcile"); err != nil {
				t.Fatal(err)
			}
		}
		until(t, "the truth", func() bool { return c.pressed() == " | completed | "+c.made()[0]+"\n" })
		if got := c.rows(`SELECT id FROM calls WHERE vapi_call_id = ?`, c.made()[0]); got != id+"\n" {
			t.Errorf("the call is row %q, want %s", got, id)
		}
	}
}

// A message may not say the call's name: then who calls whom tells, and in the end
// there is one row.
func TestPlace_a_message_without_a_name_meets_its_row(t *testing.T) {
	d, x := newExchange(t)
	message := string(lines(t, "call-outbound.jsonl")[0])
	from := callID(t, []byte(message))
	for n, customer := range []string{"+14155552671", "+14155552672"} {
		x.first = func(id string) {
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
			if rec := d.send([]byte(m)); rec.Code != 200 {
				t.Errorf("the message got %d", rec.Code)
			}
		}
		rec := d.want(201, "POST", acmeCalls, testkit.AcmeAgent, order(map[string]any{"customer_number": customer}))
		got, placed := object(t, rec), fmt.Sprint("placed-", n+1)
		if rows := d.rows(`SELECT id, created_by, placing FROM calls WHERE vapi_call_id = ?`, placed); rows != fmt.Sprintf("%s | %s | \n", got["id"], testkit.User(testkit.AcmeAgent)) {
			t.Errorf("%s: got %v and the rows %q", customer, got, rows)
		}
		if n := d.rows(`SELECT count(*) FROM calls WHERE placing != ''`); n != "0\n" {
			t.Errorf("%s: %s rows are still being placed", customer, n)
		}
	}
}

// What allowed the press may be gone when the provider has time.
func TestPlace_what_waited_is_checked_again(t *testing.T) {
	agent := testkit.User(testkit.AcmeAgent)
	for name, one := range map[string]struct {
		meanwhile func(c *counter)
		status    int
	}{
		"suspended": {func(c *counter) {
			c.set(collections.Organizations, testkit.Acme, map[string]any{"status": collections.OrganizationSuspended})
		}, 403},
		"without balance": {func(c *counter) {
			c.set(collections.Organizations, testkit.Acme, map[string]any{"balance_state": collections.BalanceEmpty})
		}, 402},
		"elsewhere": {func(c *counter) {
			c.set(collections.Organizations, testkit.Acme, map[string]any{"limits": map[string]any{"outbound_countries": []string{}}, "country": "FR"})
		}, 400},
		"a viewer by now": {func(c *counter) {
			c.set(collections.Memberships, membership(c, agent), map[string]any{"role": "viewer"})
		}, 403},
		"no member any more": {func(c *counter) { c.drop(collections.Memberships, membership(c, agent)) }, 403},
		"no user any more":   {func(c *counter) { c.drop(collections.Users, agent) }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t, false)
			c.fault(map[string]any{"kind": "429", "retryAfterSeconds": 30})
			got := object(t, c.want(202, "POST", acmeCalls, testkit.AcmeAgent, order(nil)))
			one.meanwhile(c)
			c.pass(31*time.Second, 0)
			if got := c.pressed(); got != "refused | failed | \n" {
				t.Errorf("the row is %q", got)
			}
			row, err := c.FindRecordById(collections.Calls, got["id"].(string))
			if err != nil {
				t.Fatal(err)
			}
			var how placement
			if err := row.UnmarshalJSONField("placement", &how); err != nil {
				t.Fatal(err)
			}
			if how.Status != one.status || how.By != "" || row.GetString("ended_reason") == "" {
				t.Errorf("it ends with %+v: %q", how, row.GetString("ended_reason"))
			}
		})
	}
}

func membership(c *counter, user string) string {
	return strings.TrimSpace(c.rows(`SELECT id FROM memberships WHERE user = ? AND organization = ?`, user, testkit.Acme))
}

func (d *desk) drop(collection, id string) {
	d.t.Helper()
	r, err := d.FindRecordById(collection, id)
	if err == nil {
		err = d.Delete(r)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}
