package calls

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/usage"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Ids of the samples at the provider; the fixtures' assistant and number get
// them.
const (
	sampleCall      = "0196b1f4-7c3a-7e21-9d58-3f4a6c2be817"
	sampleAssistant = "b3a9e8d2-6c17-4f58-8a2e-91d4c07f3b65"
	sampleNumber    = "2c7f4be1-95d0-4e3a-8f16-6ab3d905e772"
	secret          = "test-secret-of-this-desk"
)

// desk is the domain on a seeded app, with its own provider.
type desk struct {
	*tests.TestApp
	t        testing.TB
	mux      http.Handler
	schedule *schedule.Scheduler
	hub      *live.Hub
	outbox   *outbox.Outbox
	facade   *facade.Facade
	vapi     *vapi.Client
	copies   *mirror.Mirror
	sealed   *sealed.Box
	erased   *forgotten.Callers
	provider string            // address of the desk's own provider
	ahead    atomic.Int64      // how far the desk's clock was moved on
	hurried  chan time.Time    // lets people wait no longer
	trip     http.RoundTripper // in place of the way to the provider
}

// now is the clock of what is owed and of calls being placed.
func (d *desk) now() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())) }

// RoundTrip is the way to the provider.
func (d *desk) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.trip != nil {
		return d.trip.RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// idOf is our id of a provider's call.
func (d *desk) idOf(vapiID string) string {
	return strings.TrimSpace(d.rows(`SELECT id FROM calls WHERE vapi_call_id = ?`, vapiID))
}

type access struct{ app core.App }

func (a access) MayFollow(user *core.Record, organization string) bool {
	return tenant.MembershipOf(a.app, user.Id, organization) != nil
}

func (a access) MayHear(user *core.Record, organization string) bool {
	return tenant.Holds(a.app, user.Id, organization, "can_view_calls")
}

// newDesk serves the domain; provider answers for Vapi and may be nil. with binds
// other domains beside it.
func newDesk(t testing.TB, provider http.Handler, with ...func(app core.App, d *desk)) *desk {
	t.Helper()
	if provider == nil {
		provider = http.NotFoundHandler()
	}
	remote := httptest.NewServer(provider)
	t.Cleanup(remote.Close)
	d := &desk{t: t, provider: remote.URL, hurried: make(chan time.Time)}
	box, err := sealed.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	erased, err := forgotten.New(make([]byte, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	d.TestApp = testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		inbox.Register(app)
		usage.Register(app)
		f := facade.New(app)
		d.facade, d.sealed, d.erased = f, box, erased
		d.schedule = schedule.New(app)
		d.outbox = outbox.New(app, outbox.WithClock(d.now, func(most time.Duration) time.Duration { return rand.N(most) + time.Millisecond }))
		d.hub = live.New(app, access{app}, 0)
		d.vapi = vapi.NewClient(vapi.WithBaseURL(remote.URL), vapi.WithToken("key"), vapi.WithHTTPClient(&http.Client{Transport: d}),
			vapi.WithControlHosts(strings.TrimPrefix(remote.URL, "http://")))
		d.copies = mirror.New(app, d.outbox, mirror.WithClock(d.now))
		Register(app, Deps{
			Vapi: d.vapi, Mirror: d.copies,
			Installation: func() (string, error) { return "desk", nil }, Now: d.now, After: func(time.Duration) <-chan time.Time { return d.hurried },
			Hub: d.hub, Outbox: d.outbox, Schedule: d.schedule, Sealed: box, Facade: f,
			Keyring:   keyring.New(app, box, map[string]keyring.Installation{"vapi": {Given: []string{secret}}}),
			Functions: remote.Client(), Rate: 1_000_000, Forgotten: erased,
		})
		for _, bind := range with {
			bind(app, d)
		}
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			f.Mount(se)
			return se.Next()
		})
	})
	for collection, fields := range map[string]map[string]string{
		"assistants":    {"id": testkit.AcmeAssistant, "vapi_assistant_id": sampleAssistant, "sync_status": "synced"},
		"phone_numbers": {"id": testkit.AcmeNumber, "vapi_phone_id": sampleNumber, "sync_status": "synced"},
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
	d.mux = testkit.Mux(t, d.TestApp)
	return d
}

func (d *desk) send(body []byte) *httptest.ResponseRecorder {
	d.t.Helper()
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/api/webhooks/vapi",
		bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(vapi.SecretHeader, secret)
	rec := httptest.NewRecorder()
	d.mux.ServeHTTP(rec, req)
	return rec
}

func (d *desk) sendAll(messages [][]byte) {
	d.t.Helper()
	for _, m := range messages {
		if rec := d.send(m); rec.Code != http.StatusOK {
			d.t.Fatalf("message answered %d: %s", rec.Code, rec.Body)
		}
	}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func lines(t testing.TB, name string) [][]byte {
	t.Helper()
	return bytes.Split(bytes.TrimSpace(sample(t, name)), []byte("\n"))
}

// rows reads a query as text, a row a line.
func (d *desk) rows(query string, args ...any) string {
	d.t.Helper()
	found, err := atomicOf(d.TestApp).Query(query, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		d.t.Fatal(err)
	}
	var b strings.Builder
	for found.Next() {
		cells, into := make([]string, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			d.t.Fatal(err)
		}
		b.WriteString(strings.Join(cells, " | ") + "\n")
	}
	return b.String()
}

// callID reads the provider's id of a message's call.
func callID(t testing.TB, message []byte) string {
	t.Helper()
	m, err := vapi.ParseMessage(message)
	if err != nil {
		t.Fatal(err)
	}
	return m.CallID()
}

// await returns the stored call once everything sent is in: assistant-requests
// are stored after their answer.
func (d *desk) await(id string) string {
	d.t.Helper()
	box, err := inbox.Of(d.TestApp)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Store().Get(engineKey).(*engine).later.Wait()
	// The writer answers in order: once this is done, what came before is stored.
	if err := box.Do(context.Background(), func(*inbox.Tx) (func(), error) { return nil, nil }); err != nil {
		d.t.Fatal(err)
	}
	return d.whole(id)
}

// reportAsCall is a provider that has the report's call at GET /call.
func reportAsCall(t testing.TB, message []byte) http.Handler {
	t.Helper()
	var body struct {
		Message map[string]json.RawMessage `json:"message"`
	}
	if err := json.Unmarshal(message, &body); err != nil {
		t.Fatal(err)
	}
	call := map[string]json.RawMessage{}
	if err := json.Unmarshal(body.Message["call"], &call); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"analysis", "artifact", "startedAt", "endedAt", "endedReason", "cost", "costs",
		"costBreakdown", "destination"} {
		if v, ok := body.Message[name]; ok {
			call[name] = v
		}
	}
	call["status"] = json.RawMessage(`"ended"`)
	one, err := json.Marshal(call)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /call", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("[]")) })
	mux.HandleFunc("GET /call/{id}", func(w http.ResponseWriter, r *http.Request) { w.Write(one) })
	return mux
}

// scan fails when any file below dir holds the text.
func scan(t testing.TB, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			t.Errorf("%s holds %q", filepath.Base(path), text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
