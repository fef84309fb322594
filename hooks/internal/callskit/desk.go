// Package callskit opens a desk for the tests of calls and their rooms: a seeded app
// whose phone provider is the test's own, or the sandbox (Counter), asked over the wire.
// It binds nothing of calls itself, so that their own package may use it too.
package callskit

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/usage"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Ids of the samples at the provider; the fixtures' assistant and number get
// them.
const (
	SampleCall      = "0196b1f4-7c3a-7e21-9d58-3f4a6c2be817"
	SampleAssistant = "b3a9e8d2-6c17-4f58-8a2e-91d4c07f3b65"
	SampleNumber    = "2c7f4be1-95d0-4e3a-8f16-6ab3d905e772"
	Secret          = deskkit.WebhookSecret
)

// Beginning is when the sample call was made, in milliseconds since 1970.
const Beginning = 1_795_014_247_310

// Desk is calls on a seeded app, with a provider of its own.
type Desk struct {
	*tests.TestApp
	room.Tools
	T         testing.TB
	Mux       http.Handler
	Vapi      *vapi.Client
	Functions *http.Client      // the way to organizations' own servers
	Provider  string            // address of the desk's own provider
	Ahead     atomic.Int64      // how far the desk's clock was moved on
	Hurried   chan time.Time    // lets people wait no longer
	Trip      http.RoundTripper // in place of the way to the provider
}

// now is the clock of what is owed and of calls being placed.
func (d *Desk) now() time.Time { return time.Now().Add(time.Duration(d.Ahead.Load())) }

// RoundTrip is the way to the provider.
func (d *Desk) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.Trip != nil {
		return d.Trip.RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// After is how people wait at the desk: until they are hurried.
func (d *Desk) After(time.Duration) <-chan time.Time { return d.Hurried }

// Open opens a desk; provider answers for Vapi and may be nil. bind binds the rooms.
func Open(t testing.TB, provider http.Handler, bind ...func(*Desk)) *Desk {
	t.Helper()
	if provider == nil {
		provider = http.NotFoundHandler()
	}
	remote := httptest.NewServer(provider)
	t.Cleanup(remote.Close)
	d := &Desk{T: t, Provider: remote.URL, Functions: remote.Client(), Hurried: make(chan time.Time)}
	testkit.New(t, func(app core.App) {
		d.TestApp = app.(*tests.TestApp)
		d.Tools = deskkit.Settings{Now: d.now}.Mechanisms(t, app)
		d.Vapi = vapi.NewClient(vapi.WithBaseURL(d.Provider), vapi.WithToken("key"),
			vapi.WithHTTPClient(&http.Client{Transport: d}),
			vapi.WithControlHosts(strings.TrimPrefix(d.Provider, "http://")))
		usage.Register(app)
		d.Vapi.OnRecovered(func() { d.Outbox.Answers(collections.ProviderVapi) }) // as hooks.Register does
		for _, b := range bind {
			b(d)
		}
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			d.Facade.Mount(se)
			return se.Next()
		})
	})
	for collection, fields := range map[string]map[string]string{
		"assistants":    {"id": testkit.AcmeAssistant, "vapi_assistant_id": SampleAssistant, "sync_status": "synced"},
		"phone_numbers": {"id": testkit.AcmeNumber, "vapi_phone_id": SampleNumber, "sync_status": "synced"},
	} {
		r, err := d.FindRecordById(collection, fields["id"])
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range fields {
			if name != "id" {
				r.Set(name, value)
			}
		}
		if err := d.SaveNoValidate(r); err != nil {
			t.Fatal(err)
		}
	}
	d.Mux = testkit.Mux(t, d.TestApp)
	return d
}

// Stored waits until everything sent is in: assistant-requests are stored after their
// answer.
func (d *Desk) Stored() {
	d.T.Helper()
	box, err := inbox.Of(d.TestApp)
	if err != nil {
		d.T.Fatal(err)
	}
	d.Doors.Settle()
	// The writer answers in order: once this is done, what came before is stored.
	if err := box.Do(context.Background(), func(*inbox.Tx) (func(), error) { return nil, nil }); err != nil {
		d.T.Fatal(err)
	}
}
