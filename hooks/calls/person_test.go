package calls

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// everyone are the people a route is tried by, in the order of the tables.
var everyone = []string{
	testkit.Guest, testkit.BoltOwner, testkit.Nobody, testkit.AcmeSuspended, testkit.AcmeTrainee, testkit.AcmeViewer,
	testkit.AcmeDeveloper, testkit.AcmeAgent, testkit.AcmeManager, testkit.AcmeAdmin, testkit.AcmeOwner,
}

var visits atomic.Int64

// do sends one request as a person. Each comes from another address, as
// PocketBase slows down addresses whose filters find nothing.
func (d *desk) do(method, url, email string, body any) *httptest.ResponseRecorder {
	d.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			d.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, url, in)
	n := visits.Add(1)
	req.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4000", n/250%250, n%250)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range testkit.As(d.t, email) {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	d.mux.ServeHTTP(rec, req)
	return rec
}

// want does a request and fails unless it is answered with the status.
func (d *desk) want(status int, method, url, email string, body any) *httptest.ResponseRecorder {
	d.t.Helper()
	rec := d.do(method, url, email, body)
	if rec.Code != status {
		d.t.Errorf("%s %s as %q: got %d, want %d: %.300s", method, url, email, rec.Code, status, rec.Body)
	}
	return rec
}

// object is the JSON object of an answer.
func object(t testing.TB, rec *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %.300s", err, rec.Body)
	}
	return v
}

// set changes columns of a row through PocketBase's records.
func (d *desk) set(collection, id string, values map[string]any) *core.Record {
	d.t.Helper()
	r, err := d.FindRecordById(collection, id)
	if err != nil {
		d.t.Fatal(err)
	}
	for name, value := range values {
		r.Set(name, value)
	}
	if err := d.SaveNoValidate(r); err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) engine() *engine { return d.Store().Get(engineKey).(*engine) }

// seal is a value as its column keeps it.
func (d *desk) seal(plain, collection, id, field string) string {
	d.t.Helper()
	s, err := d.engine().Sealed.Seal(plain, sealed.Place(collection, id, field))
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// exec changes rows behind the product's back.
func (d *desk) exec(query string, args ...any) {
	d.t.Helper()
	if _, err := atomicOf(d.TestApp).Exec(query, args...); err != nil {
		d.t.Fatal(err)
	}
}

// until waits for a condition other goroutines bring about.
func until(t testing.TB, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: did not happen", what)
		}
	}
}

// remake changes one sample message: path is where, dots between.
func remake(t testing.TB, message []byte, changes map[string]any) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(message, &doc); err != nil {
		t.Fatal(err)
	}
	for path, value := range changes {
		at := doc
		names := strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		if last := names[len(names)-1]; value == nil {
			delete(at, last)
		} else {
			at[last] = value
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// post sends a message with headers of its own.
func (d *desk) post(body io.Reader, header http.Header) *httptest.ResponseRecorder {
	d.t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/api/webhooks/vapi", body)
	for k, v := range header {
		req.Header[k] = v
	}
	rec := httptest.NewRecorder()
	d.mux.ServeHTTP(rec, req)
	return rec
}

type part struct {
	status int
	body   string
}

// ranged asks for a part of a file.
func (d *desk) ranged(url, ranges string) part {
	d.t.Helper()
	req := httptest.NewRequest(http.MethodGet, url, nil)
	req.Header.Set("Range", ranges)
	for k, v := range testkit.As(d.t, testkit.AcmeViewer) {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	d.mux.ServeHTTP(rec, req)
	return part{rec.Code, rec.Body.String()}
}

// fetchRow is the promise to fetch a recording.
func fetchRow(recording string) outbox.Row {
	payload, _ := json.Marshal(fetchPayload{recording}) // a string always encodes
	return outbox.Row{Kind: fetchKind, Key: fetchKind + ":" + recording, Payload: json.RawMessage(payload), Attempt: 1}
}
