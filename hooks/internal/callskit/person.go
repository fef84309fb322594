package callskit

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

	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// AcmeCalls is where Acme's calls are listed and placed.
const AcmeCalls = "/api/organizations/" + testkit.Acme + "/calls"

// visits counts requests, each from an address of its own.
var visits atomic.Int64

// Do sends one request as a person. Each comes from another address, as
// PocketBase slows down addresses whose filters find nothing.
func (d *Desk) Do(method, url, email string, body any) *httptest.ResponseRecorder {
	d.T.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			d.T.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, url, in)
	n := visits.Add(1)
	req.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4000", n/250%250, n%250)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range testkit.As(d.T, email) {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	d.Mux.ServeHTTP(rec, req)
	return rec
}

// Want does a request and fails unless it is answered with the status.
func (d *Desk) Want(status int, method, url, email string, body any) *httptest.ResponseRecorder {
	d.T.Helper()
	rec := d.Do(method, url, email, body)
	if rec.Code != status {
		d.T.Errorf("%s %s as %q: got %d, want %d: %.300s", method, url, email, rec.Code, status, rec.Body)
	}
	return rec
}

// Object is the JSON object of an answer.
func Object(t testing.TB, rec *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %.300s", err, rec.Body)
	}
	return v
}

// Set changes columns of a row through PocketBase's records.
func (d *Desk) Set(collection, id string, values map[string]any) *core.Record {
	d.T.Helper()
	r, err := d.FindRecordById(collection, id)
	if err != nil {
		d.T.Fatal(err)
	}
	for name, value := range values {
		r.Set(name, value)
	}
	if err := d.SaveNoValidate(r); err != nil {
		d.T.Fatal(err)
	}
	return r
}

// Seal is a value as its column keeps it.
func (d *Desk) Seal(plain, collection, id, field string) string {
	d.T.Helper()
	s, err := d.Sealed.Seal(plain, sealed.Place(collection, id, field))
	if err != nil {
		d.T.Fatal(err)
	}
	return s
}

// Execute changes rows behind the product's back.
func (d *Desk) Execute(query string, args ...any) {
	d.T.Helper()
	testkit.Exec(d.T, d.TestApp, query, args...)
}

// Until waits for a condition other goroutines bring about, minutes where the
// machine does other things too.
func Until(t testing.TB, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: did not happen", what)
		}
	}
}

// Remake changes one sample message: path is where, dots between.
func Remake(t testing.TB, message []byte, changes map[string]any) []byte {
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

// Post sends a message with headers of its own.
func (d *Desk) Post(body io.Reader, header http.Header) *httptest.ResponseRecorder {
	d.T.Helper()
	req := httptest.NewRequest(http.MethodPost, "/api/webhooks/vapi", body)
	for k, v := range header {
		req.Header[k] = v
	}
	rec := httptest.NewRecorder()
	d.Mux.ServeHTTP(rec, req)
	return rec
}

// PutCall stores a finished call and, with words, its report.
func (d *Desk) PutCall(organization, id string, columns map[string]any, summary, transcript string) {
	d.T.Helper()
	testkit.PutCall(d.T, d.TestApp, organization, id, columns, summary, transcript)
}

// Found are the calls a search shows first.
func (d *Desk) Found(search string) (ids []string) {
	d.T.Helper()
	items, _ := Object(d.T, d.Want(200, "GET", AcmeCalls+"?search="+search, testkit.AcmeViewer, nil))["items"].([]any)
	for _, one := range items {
		ids = append(ids, one.(map[string]any)["id"].(string))
	}
	return ids
}

// Remove deletes a row as people delete it.
func (d *Desk) Remove(collection, id string) {
	d.T.Helper()
	r, err := d.FindRecordById(collection, id)
	if err == nil {
		err = d.Delete(r)
	}
	if err != nil {
		d.T.Fatal(err)
	}
}
