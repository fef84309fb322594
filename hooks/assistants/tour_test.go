package assistants_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/assistants"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/hooks/numbers"
	"github.com/pocketline/pocketline/providers/sandbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

// tour is assistants, functions and numbers with their copies at the stand-in,
// and between them a network that fails as it is told, by the test's own clock.
type tour struct {
	*tests.TestApp
	t      *testing.T
	stand  *sandbox.Server
	outbox *outbox.Outbox
	jobs   *schedule.Scheduler
	clock  *testkit.Clock

	mu     sync.Mutex
	faults map[string]string // "POST /assistant" → what happens to the next such request
	late   []lateRequest
}

// lateRequest is carried out when nobody waits for its answer any more.
type lateRequest struct {
	due          time.Time
	method, path string
	body         []byte
}

// lateness are the faults that carry a request out later.
var lateness = map[string]time.Duration{
	"18 s late": 18 * time.Second, "25 s late": 25 * time.Second, "30 s late": 30 * time.Second,
}

func newTour(t *testing.T) *tour {
	t.Helper()
	stand, err := sandbox.Start(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stand.Close(context.Background()) })
	o := &tour{t: t, stand: stand, clock: testkit.NewClock(time.Now()), faults: map[string]string{}}
	network := httptest.NewServer(http.HandlerFunc(o.carry))
	t.Cleanup(network.Close)
	client := vapi.NewClient(vapi.WithToken(stand.Key()), vapi.WithBaseURL(network.URL))
	box, err := sealed.New(make([]byte, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	o.TestApp = testkit.New(t)
	ticking := func() time.Time { // versions of promises never collide
		o.clock.Move(time.Millisecond)
		return o.clock.Now()
	}
	o.outbox = outbox.New(o.TestApp, outbox.WithClock(ticking, func(most time.Duration) time.Duration { return most }))
	copies := mirror.New(o.TestApp, o.outbox, mirror.WithClock(ticking))
	o.jobs = schedule.New(o.TestApp)
	copies.Schedule(o.jobs)
	secret := func(string) (string, error) { return "hook-secret", nil }
	tools := room.Tools{
		Facade: facade.New(o.TestApp), Mirror: copies, Schedule: o.jobs, Sealed: box, PublicURL: "https://desk.example.com",
		Now: ticking,
	}
	assistants.Register(o.TestApp, assistants.Deps{Tools: tools, Vapi: client, WebhookSecret: secret})
	numbers.Register(o.TestApp, numbers.Deps{Tools: tools, Vapi: client, WebhookSecret: secret})
	return o
}

// carry takes a request to the stand-in, or not, or later.
func (o *tour) carry(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	key := r.Method + " /" + strings.Split(r.URL.Path, "/")[1]
	o.mu.Lock()
	fault := o.faults[key]
	delete(o.faults, key)
	if by := lateness[fault]; by > 0 {
		o.late = append(o.late, lateRequest{o.clock.Now().Add(by), r.Method, r.URL.RequestURI(), body})
	}
	o.mu.Unlock()
	switch {
	case fault == "refused":
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"message":["name is taken"],"error":"Bad Request","statusCode":400}`)
	case fault == "500 before":
		w.WriteHeader(http.StatusInternalServerError)
	case fault == "500 after":
		o.ask(r.Method, r.URL.RequestURI(), body)
		w.WriteHeader(http.StatusInternalServerError)
	case fault == "lost":
		o.ask(r.Method, r.URL.RequestURI(), body)
		panic(http.ErrAbortHandler)
	case lateness[fault] > 0:
		panic(http.ErrAbortHandler)
	default:
		status, answer := o.ask(r.Method, r.URL.RequestURI(), body)
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}
}

// ask speaks to the stand-in itself.
func (o *tour) ask(method, path string, body []byte) (int, []byte) {
	req, err := http.NewRequest(method, o.stand.URL()+path, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.stand.Key())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	return res.StatusCode, answer
}

// pass lets time pass: what is due is delivered, and what is late arrives.
func (o *tour) pass(seconds int) {
	o.t.Helper()
	for range seconds {
		if _, err := o.outbox.Deliver(o.t.Context()); err != nil {
			o.t.Fatal(err)
		}
		o.clock.Move(time.Second)
		o.mu.Lock()
		var left []lateRequest
		for _, l := range o.late {
			if l.due.After(o.clock.Now()) {
				left = append(left, l)
				continue
			}
			o.ask(l.method, l.path, l.body)
		}
		o.late = left
		o.mu.Unlock()
	}
}

// later is hours later, when the job has asked again for what was refused.
func (o *tour) later() {
	o.t.Helper()
	o.clock.Move(7 * time.Hour)
	if err := o.jobs.RunNow(o.t.Context(), "mirror.retry"); err != nil {
		o.t.Fatal(err)
	}
	o.pass(200)
}

// kinds are what has a copy: where it is, its id's column, and a row of it.
var kinds = []struct {
	collection, path, column string
	fields                   map[string]any
	label                    string
}{
	{collections.Assistants, "/assistant", "vapi_assistant_id", map[string]any{"name": "Night desk", "type": "voice"},
		"name"},
	{collections.Functions, "/tool", "vapi_tool_id", map[string]any{"name": "check_day"}, "name"},
	{collections.PhoneNumbers, "/phone-number", "vapi_phone_id",
		map[string]any{"provider": "vapi", "friendly_name": "Line"}, "friendly_name"},
	{collections.PhoneNumbers, "/phone-number", "vapi_phone_id", map[string]any{
		"provider": "byo", "phone_number": "+14155550188", "credential_id": "11111111-2222-4333-8444-555555555555",
		"friendly_name": "Trunk",
	}, "friendly_name"},
}

// marked are the ids of the objects that bear a row's mark.
func (o *tour) marked(path, record string) (ids []string) {
	o.t.Helper()
	var there []json.RawMessage
	_, answer := o.ask("GET", path+"?limit=1000", nil)
	if err := json.Unmarshal(answer, &there); err != nil {
		o.t.Fatalf("%s: %v", answer, err)
	}
	for _, raw := range there {
		if vapicopy.MarkOf(raw).Record == record {
			var object struct{ ID string }
			if err := json.Unmarshal(raw, &object); err != nil {
				o.t.Fatal(err)
			}
			ids = append(ids, object.ID)
		}
	}
	return ids
}

// remove is what DELETE of the record route does.
func (o *tour) remove(r *core.Record) {
	o.t.Helper()
	e := &core.RecordRequestEvent{RequestEvent: &core.RequestEvent{App: o.TestApp}, Record: r}
	e.Collection = r.Collection()
	e.Request = httptest.NewRequest("DELETE", "/", nil)
	e.Response = httptest.NewRecorder()
	err := o.OnRecordDeleteRequest().Trigger(e, func(e *core.RecordRequestEvent) error { return e.App.Delete(e.Record) })
	if err != nil {
		o.t.Fatal(err)
	}
}

// TestTour_ends_with_one_object_for_each_row makes, changes and deletes what has
// a copy at Vapi while the network does its worst, once for each kind and step.
func TestTour_ends_with_one_object_for_each_row(t *testing.T) {
	for _, fault := range []string{"18 s late", "25 s late", "30 s late", "lost", "refused", "500 before", "500 after"} {
		for _, k := range kinds {
			t.Run(fmt.Sprint(fault, " ", k.path, " ", k.fields[k.label]), func(t *testing.T) {
				t.Parallel()
				o := newTour(t)
				c, err := o.FindCollectionByNameOrId(k.collection)
				if err != nil {
					t.Fatal(err)
				}
				fail := func(method string) {
					o.mu.Lock()
					defer o.mu.Unlock()
					o.faults[method+" "+k.path] = fault
				}
				hit := func(method string) {
					t.Helper()
					o.mu.Lock()
					defer o.mu.Unlock()
					if o.faults[method+" "+k.path] != "" {
						t.Errorf("no %s was sent", method)
					}
				}
				row := func(id string) *core.Record {
					r, err := o.FindRecordById(k.collection, id)
					if err != nil {
						t.Fatal(err)
					}
					return r
				}
				truth := func(step, id, label string) {
					t.Helper()
					r, there := row(id), o.marked(k.path, id)
					if r.GetString("sync_status") != collections.SyncSynced || len(there) != 1 || there[0] != r.GetString(k.column) {
						t.Fatalf("%s: the row is %s (%s) with copy %q, Vapi has %q", step, r.GetString("sync_status"),
							r.GetString("sync_error"), r.GetString(k.column), there)
					}
					if _, answer := o.ask("GET", k.path+"/"+there[0], nil); !bytes.Contains(answer, []byte(label)) {
						t.Errorf("%s: the copy does not say %q: %s", step, label, answer)
					}
				}
				o.pass(1) // what the fixtures owe

				fail("POST")
				r := core.NewRecord(c)
				r.Load(k.fields)
				r.Set("organization", testkit.Acme)
				if err := o.Save(r); err != nil {
					t.Fatal(err)
				}
				o.pass(200)
				hit("POST")
				if fault == "refused" {
					if got := row(r.Id); got.GetString("sync_status") != collections.SyncFailed ||
						!strings.Contains(got.GetString("sync_error"), "taken") {
						t.Errorf("a refused row is %s: %s", got.GetString("sync_status"), got.GetString("sync_error"))
					}
					o.later()
				}
				truth("made", r.Id, fmt.Sprint(k.fields[k.label]))

				fail("PATCH")
				r = row(r.Id)
				r.Set(k.label, "changed_since")
				if err := o.Save(r); err != nil {
					t.Fatal(err)
				}
				o.pass(200)
				hit("PATCH")
				if fault == "refused" {
					o.later()
				}
				truth("changed", r.Id, "changed_since")

				// Changed twice, and the first change comes last; changed back, and
				// nobody knows whether the change was made.
				for _, label := range []string{"changed_twice", "changed_since"} {
					fail("PATCH")
					r = row(r.Id)
					r.Set(k.label, "in_between")
					if err := o.Save(r); err != nil {
						t.Fatal(err)
					}
					o.pass(1)
					r = row(r.Id)
					r.Set(k.label, label)
					if err := o.Save(r); err != nil {
						t.Fatal(err)
					}
					o.pass(200)
					if fault == "refused" {
						o.later()
					}
					truth("changed twice", r.Id, label)
				}

				fail("DELETE")
				o.remove(row(r.Id))
				o.pass(200)
				hit("DELETE")
				if fault == "refused" {
					o.later()
				}
				if _, err := o.FindRecordById(k.collection, r.Id); err == nil {
					t.Errorf("the row stays: %s", row(r.Id).GetString("sync_error"))
				}
				if there := o.marked(k.path, r.Id); len(there) != 0 {
					t.Errorf("Vapi keeps %q", there)
				}

				// Made late and deleted meanwhile: nothing stays on either side.
				fail("POST")
				doomed := core.NewRecord(c)
				doomed.Load(k.fields)
				doomed.Set("organization", testkit.Acme)
				if err := o.Save(doomed); err != nil {
					t.Fatal(err)
				}
				o.pass(1)
				o.remove(row(doomed.Id))
				o.pass(300)
				if _, err := o.FindRecordById(k.collection, doomed.Id); err == nil {
					t.Errorf("the row stays: %s", row(doomed.Id).GetString("sync_error"))
				}
				if there := o.marked(k.path, doomed.Id); len(there) != 0 {
					t.Errorf("Vapi keeps %q", there)
				}
			})
		}
	}
}
