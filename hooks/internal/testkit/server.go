package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
)

// Mux serves the app without a network: PocketBase's routes and whatever the
// bound hooks add in OnServe. Call it once for an app: PocketBase's routes can
// be registered only once.
func Mux(t testing.TB, app *tests.TestApp) http.Handler {
	t.Helper()
	router, err := apis.NewRouter(app)
	if err != nil {
		t.Fatal(err)
	}
	event := new(core.ServeEvent)
	event.App = app
	event.Router = router
	event.Server = &http.Server{}
	err = app.OnServe().Trigger(event, func(e *core.ServeEvent) error {
		e.Server.Handler, err = e.Router.BuildMux()
		return err
	})
	if err != nil {
		t.Fatalf("testkit: serve: %v", err)
	}
	if event.Server.Handler == nil {
		t.Fatal("testkit: an OnServe hook did not call e.Next()")
	}
	return event.Server.Handler
}

// Server serves the app on loopback, for realtime, streams and real clients.
// Its URL ends without a slash. It stops before the app is cleaned up. As with
// Mux, once for an app.
func Server(t testing.TB, app *tests.TestApp) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(Mux(t, app))
	t.Cleanup(func() {
		server.CloseClientConnections() // streams never end by themselves
		server.Close()
	})
	return server
}

// Client sends many requests to one warm app.
type Client struct {
	// Address is the caller's host and port. When empty, each request comes
	// from another one: PocketBase slows addresses down whose filters find
	// nothing several times.
	Address string

	t     testing.TB
	mux   http.Handler
	sent  int
	sight *sight
}

// API is a client of the app, on its own mux.
func API(t testing.TB, app *tests.TestApp) *Client {
	t.Helper()
	return &Client{t: t, mux: Mux(t, app), sight: open(t, app)}
}

// ServeHTTP hands a request of the test's own making to the app.
func (c *Client) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Do sends one request as a person (or Guest). body is nil, a string or []byte
// sent as it is, or anything else as JSON. A Client is for one goroutine.
func (c *Client) Do(method, url, email string, body any) *Answer {
	c.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, url, r)
	req.RemoteAddr = c.Address
	if c.Address == "" {
		c.sent++
		req.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4000", c.sent/250%250, c.sent%250)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range As(c.t, email) {
		req.Header.Set(k, v)
	}
	who := email
	if who == Guest {
		who = "guest"
	}
	return c.Send(req, who)
}

// Send sends a request of the test's own making; who is what failures call its sender.
func (c *Client) Send(req *http.Request, who string) *Answer {
	c.t.Helper()
	recorder := httptest.NewRecorder()
	c.sight.hold()
	c.mux.ServeHTTP(recorder, req)
	if recorder.Code < http.StatusBadRequest {
		c.sight.let()
	}
	return &Answer{t: c.t, client: c, what: req.Method + " " + req.URL.String() + " as " + who, Status: recorder.Code,
		Header: recorder.Header(), Body: recorder.Body.Bytes()}
}

// Answer is what the app said.
type Answer struct {
	t      testing.TB
	client *Client
	what   string
	Status int
	Header http.Header
	Body   []byte
}

// Want fails the test unless the status is the expected one.
func (a *Answer) Want(status int) *Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Errorf("%s: got %d, want %d: %.300s", a.what, a.Status, status, a.Body)
	}
	return a
}

// Outcome is Want, and Nothing where the expected status is a refusal: for tables
// that hold both.
func (a *Answer) Outcome(status int) *Answer {
	a.t.Helper()
	if a.Want(status); status >= http.StatusBadRequest && a.Status == status {
		a.Nothing()
	}
	return a
}

// Nothing fails the test when the request was not refused, or a row of any table is
// not as it was before it, but for the named tables. Ask before the next request.
func (a *Answer) Nothing(but ...string) *Answer {
	a.t.Helper()
	for _, table := range a.client.sight.changed() {
		if name, _, _ := strings.Cut(table, " "); !slices.Contains(but, name) {
			a.t.Errorf("%s changed %s", a.what, table)
		}
	}
	return a
}

// JSON reads the body into v.
func (a *Answer) JSON(v any) *Answer {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Fatalf("%s: %v in %.300s", a.what, err, a.Body)
	}
	return a
}

// IDs are the ids of a PocketBase list.
func (a *Answer) IDs() []string {
	a.t.Helper()
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	a.JSON(&list)
	ids := make([]string, len(list.Items))
	for i, item := range list.Items {
		ids[i] = item.ID
	}
	return ids
}
