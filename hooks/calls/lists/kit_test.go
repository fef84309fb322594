package lists

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const acmeCalls = "/api/organizations/" + testkit.Acme + "/calls"

// desk is the lists on a seeded app, over the wire.
type desk struct {
	*deskkit.Desk
	t      testing.TB
	lists  *Lists
	visits int
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t}
	d.Desk = deskkit.Open(t,
		func(on *deskkit.Desk) { d.lists = Register(on, Deps{Facade: on.Facade, Schedule: on.Schedule}) })
	return d
}

// do sends a request as a person, each time from another address.
func (d *desk) do(method, url, email string) *httptest.ResponseRecorder {
	d.t.Helper()
	req := httptest.NewRequest(method, url, nil)
	d.visits++
	req.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4000", d.visits/250%250, d.visits%250)
	for k, v := range testkit.As(d.t, email) {
		req.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, req)
	return rec
}

// want is do; the test fails when the status is another one.
func (d *desk) want(status int, method, url, email string) *httptest.ResponseRecorder {
	d.t.Helper()
	rec := d.do(method, url, email)
	if rec.Code != status {
		d.t.Errorf("%s %s as %q: got %d, want %d: %.300s", method, url, email, rec.Code, status, rec.Body)
	}
	return rec
}

// object is the JSON object of an answer.
func object(t testing.TB, rec *httptest.ResponseRecorder) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %.300s", err, rec.Body)
	}
	return v
}

// put stores a finished call and, with words, its report.
func (d *desk) put(organization, id string, columns map[string]any, summary, transcript string) {
	d.t.Helper()
	testkit.PutCall(d.t, d.TestApp, organization, id, columns, summary, transcript)
}

// set changes columns of a row through PocketBase's records.
func (d *desk) set(collection, id string, values map[string]any) *core.Record {
	d.t.Helper()
	r, err := d.FindRecordById(collection, id)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Load(values)
	if err := d.SaveNoValidate(r); err != nil {
		d.t.Fatal(err)
	}
	return r
}

// exec changes rows behind the product's back.
func (d *desk) exec(query string, args ...any) {
	d.t.Helper()
	testkit.Exec(d.t, d.TestApp, query, args...)
}

// rows reads a query as text, a row a line.
func (d *desk) rows(query string, args ...any) string {
	d.t.Helper()
	return testkit.Rows(d.t, d.TestApp, query, args...)
}
