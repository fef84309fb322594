package callskit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/sandbox"
)

// Counter is a desk whose provider is the sandbox.
type Counter struct {
	*Desk
	Sandbox *sandbox.Server
	GiveUp  chan struct{} // ends the client's patience with what it waits for
	Silent  atomic.Bool   // nothing listens at the provider's address
}

// RoundTrip goes to the sandbox in place of the desk's own provider.
func (c *Counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.Silent.Load() {
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}
	to, err := url.Parse(c.Sandbox.URL())
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
	case <-c.GiveUp:
		cancel()
		<-done
		return nil, context.DeadlineExceeded
	}
}

// NewCounter puts the sandbox, which knows its assistant and number, behind a desk;
// with messages it also tells the desk what happens.
func NewCounter(d *Desk, messages bool) *Counter {
	d.T.Helper()
	s, err := sandbox.Start(sandbox.Config{Key: "key"})
	if err != nil {
		d.T.Fatal(err)
	}
	d.T.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			d.T.Error(err)
		}
	})
	c := &Counter{Desk: d, Sandbox: s, GiveUp: make(chan struct{})}
	c.Trip = c
	assistant := map[string]any{"name": "Ada"}
	if messages {
		server := httptest.NewServer(c.Mux)
		d.T.Cleanup(server.Close)
		assistant["server"] = map[string]any{
			"url": server.URL + "/api/webhooks/vapi", "headers": map[string]string{"X-Vapi-Secret": Secret},
		}
	}
	there := c.At("POST", "/assistant", assistant)["id"]
	c.Set(collections.Assistants, testkit.AcmeAssistant, map[string]any{"vapi_assistant_id": there})
	number := c.At("POST", "/phone-number", map[string]any{
		"provider": "twilio", "number": "+12025550100", "twilioAccountSid": "AC1", "twilioAuthToken": "t",
	})
	c.Set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"vapi_phone_id": number["id"]})
	return c
}

// At asks the sandbox itself.
func (c *Counter) At(method, path string, body any) map[string]any {
	c.T.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		c.T.Fatal(err)
	}
	req, err := http.NewRequest(method, c.Sandbox.URL()+path, strings.NewReader(string(raw)))
	if err != nil {
		c.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer key")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.T.Fatal(err)
	}
	defer res.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode > 299 {
		c.T.Fatalf("%s %s: %d %v %v", method, path, res.StatusCode, v, err)
	}
	return v
}

// Fault has the sandbox answer the next POST /call otherwise.
func (c *Counter) Fault(more map[string]any) {
	c.T.Helper()
	fault := map[string]any{"match": map[string]any{"method": "POST", "pathPrefix": "/call"}}
	for k, v := range more {
		fault[k] = v
	}
	c.At("POST", "/_sandbox/faults", fault)
}

// Made are the ids of the calls the provider made.
func (c *Counter) Made() []string {
	c.T.Helper()
	req, err := http.NewRequest("GET", c.Sandbox.URL()+"/call?limit=100", nil)
	if err != nil {
		c.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer key")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.T.Fatal(err)
	}
	defer res.Body.Close()
	var all []struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		c.T.Fatal(err)
	}
	ids := []string{}
	for _, one := range all {
		ids = append(ids, one.ID)
	}
	return ids
}

// Keyed presses with a key, and a way to leave.
func (c *Counter) Keyed(ctx context.Context, key string, body any) *httptest.ResponseRecorder {
	raw, err := json.Marshal(body)
	if err != nil {
		c.T.Error(err)
	}
	req := httptest.NewRequestWithContext(ctx, "POST", AcmeCalls, strings.NewReader(string(raw)))
	n := visits.Add(1)
	req.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4000", n/250%250, n%250)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	for k, v := range testkit.As(c.T, testkit.AcmeAgent) {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	c.Mux.ServeHTTP(rec, req)
	return rec
}

// Pass lets time pass on every clock, and what is due be done.
func (c *Counter) Pass(d time.Duration, made int) {
	c.T.Helper()
	c.Settle() // what is under way ends by the clock it began by
	c.Sandbox.Advance(d)
	c.Ahead.Add(int64(d))
	Until(c.T, "the provider to have made what is due", func() bool {
		c.Outbox.Nudge() // the worker sleeps by the machine's clock
		return len(c.Made()) == made
	})
	c.Settle()
}

// Settle waits until nothing that is due is left to do.
func (c *Counter) Settle() {
	c.T.Helper()
	Until(c.T, "what is due", func() bool {
		c.Outbox.Nudge()
		return c.Rows(`SELECT count(*) FROM outbox WHERE kind = ?
			AND (status = 'running' OR status = 'pending' AND next_at <= ?)`,
			"calls.place", rows.Stamp(c.Now())) == "0\n"
	})
}

// Pressed are the rows of presses, in short.
func (c *Counter) Pressed() string {
	return c.Rows(`SELECT placing, status, vapi_call_id FROM calls
		WHERE placement IS NOT NULL AND placement != '' ORDER BY id`)
}
