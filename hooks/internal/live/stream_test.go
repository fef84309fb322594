package live

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// members may listen as the product lets them; between lets a test step in
// between the first check of a subscription and the second.
type members struct {
	app     core.App
	between *func()
}

func (m members) MayFollow(user *core.Record, organization string) bool {
	may := tenant.MembershipOf(m.app, user.Id, organization) != nil
	if step := *m.between; step != nil {
		*m.between = nil
		step()
	}
	return may
}

func (m members) MayHear(user *core.Record, organization string) bool {
	return tenant.Holds(m.app, user.Id, organization, collections.CanViewCalls)
}

// house is a served app with a hub.
type house struct {
	*tests.TestApp
	t       *testing.T
	hub     *Hub
	server  *httptest.Server
	between func()
}

// newHouse takes the number of guests an address may have, when it is not the usual.
func newHouse(t *testing.T, guests ...int) *house {
	t.Helper()
	h := &house{t: t}
	h.TestApp = testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		h.hub = New(app, members{app, &h.between}, cmp.Or(append(guests, 0)...))
	})
	h.server = testkit.Server(t, h.TestApp)
	return h
}

// stream is one open GET /api/realtime.
type stream struct {
	h      *house
	id     string
	events chan string
}

func (h *house) connect() *stream {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", h.server.URL+"/api/realtime", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	res, err := h.server.Client().Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	s := &stream{h: h, events: make(chan string, 100)}
	h.t.Cleanup(func() { cancel(); res.Body.Close() })
	go func() {
		defer close(s.events)
		in, name := bufio.NewScanner(res.Body), ""
		for in.Scan() {
			if value, ok := strings.CutPrefix(in.Text(), "event:"); ok {
				name = value
			} else if value, ok := strings.CutPrefix(in.Text(), "data:"); ok {
				s.events <- name + " " + value
			}
		}
	}()
	var hello struct {
		ClientID string `json:"clientId"`
	}
	_, data, _ := strings.Cut(s.next(), " ")
	if err := json.Unmarshal([]byte(data), &hello); err != nil {
		h.t.Fatal(err)
	}
	s.id = hello.ClientID
	return s
}

func (s *stream) next() string {
	s.h.t.Helper()
	select {
	case e, ok := <-s.events:
		if !ok {
			return "closed"
		}
		return e
	case <-time.After(time.Minute):
		s.h.t.Fatal("nothing came")
		return ""
	}
}

func (s *stream) subscribe(email string, topics ...string) int {
	s.h.t.Helper()
	body, err := json.Marshal(map[string]any{"clientId": s.id, "subscriptions": topics})
	if err != nil {
		s.h.t.Fatal(err)
	}
	req, err := http.NewRequest("POST", s.h.server.URL+"/api/realtime", bytes.NewReader(body))
	if err != nil {
		s.h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range testkit.As(s.h.t, email) {
		req.Header.Set(k, v)
	}
	res, err := s.h.server.Client().Do(req)
	if err != nil {
		s.h.t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // the status says it all
	return res.StatusCode
}

func TestSubscribe_lets_in_only_who_may(t *testing.T) {
	h := newHouse(t)
	acme, call := OrganizationTopic+testkit.Acme, CallTopic+testkit.AcmeLiveCall
	for _, one := range []struct {
		who, topic string
		want       int
	}{
		{testkit.Guest, acme, 403},
		{testkit.Guest, call, 404},
		{testkit.Nobody, acme, 403},
		{testkit.Nobody, call, 404},
		{testkit.BoltOwner, acme, 403},
		{testkit.BoltOwner, call, 404},
		{testkit.AcmeSuspended, acme, 403},
		{testkit.AcmeSuspended, call, 404},
		{testkit.AcmeTrainee, acme, 204}, // a member, without the right to view calls
		{testkit.AcmeTrainee, call, 404},
		{testkit.AcmeViewer, acme, 204},
		{testkit.AcmeViewer, call, 204},
		{testkit.Sam, acme, 204},
		{testkit.AcmeOwner, OrganizationTopic + "nothing", 403},
		{testkit.AcmeOwner, OrganizationTopic, 403},
		{testkit.AcmeOwner, CallTopic + "nothing", 404},
		{testkit.AcmeOwner, "calls/*", 204},
		{testkit.AcmeOwner, "calls", 400},
		{testkit.AcmeOwner, "secrets/*", 400},
		{testkit.AcmeOwner, "org", 400},
		{testkit.AcmeOwner, "PB_CONNECT", 204},
		{testkit.Guest, "@oauth2", 204}, // how PocketBase's clients hear of a sign-in elsewhere
		{testkit.Guest, "@oauth2/" + testkit.Acme, 400},
	} {
		if got := h.connect().subscribe(one.who, one.topic); got != one.want {
			t.Errorf("%q subscribing to %s: got %d, want %d", one.who, one.topic, got, one.want)
		}
	}
	// One topic that is refused refuses all.
	s := h.connect()
	if got := s.subscribe(testkit.AcmeViewer, acme, OrganizationTopic+testkit.Bolt); got != 403 {
		t.Errorf("got %d, want 403", got)
	}
	if h.hub.mu.Lock(); len(h.hub.outlets[s.id].topics) != 0 {
		t.Error("a refused subscription follows something")
	}
	h.hub.mu.Unlock()
}

// Topics of rows are those of what the API shows somebody who is signed in
// (security.md S11).
func TestSubscribe_takes_topics_of_what_the_API_shows(t *testing.T) {
	h := newHouse(t)
	for _, one := range []struct {
		who, topic string
		want       int
	}{
		{testkit.AcmeOwner, "calls/" + testkit.AcmeLiveCall, 204},
		{testkit.AcmeOwner, "calls/", 400},
		{testkit.Guest, "calls/*", 400},
		{testkit.Guest, "_superusers/*", 400},
		{testkit.AcmeOwner, "_superusers/*", 400},
		{testkit.AcmeOwner, "_otps/*", 400}, // PocketBase has a rule for these
		{testkit.AcmeOwner, "_otps/" + testkit.Acme, 400},
		{testkit.AcmeOwner, "outbox/*", 400},
		{testkit.AcmeOwner, "provider_accounts/" + testkit.Acme, 400},
	} {
		if got := h.connect().subscribe(one.who, one.topic); got != one.want {
			t.Errorf("%q subscribing to %s: got %d, want %d", one.who, one.topic, got, one.want)
		}
	}
}

func TestStream_tells_a_member_what_changed_and_never_what_is_in_it(t *testing.T) {
	h := newHouse(t)
	viewer, bolt := h.connect(), h.connect()
	if viewer.subscribe(testkit.AcmeViewer, OrganizationTopic+testkit.Acme, CallTopic+testkit.AcmeLiveCall) != 204 ||
		bolt.subscribe(testkit.BoltOwner, OrganizationTopic+testkit.Bolt) != 204 {
		t.Fatal("not subscribed")
	}
	rename := func(id string) {
		r, err := h.FindRecordById(collections.Contacts, id)
		if err != nil {
			t.Fatal(err)
		}
		r.Set("name", "Secret Name")
		if err := h.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	rename(testkit.AcmeContact)
	if got := viewer.next(); got != `org/acme00000000000 {"collection":"contacts","ids":["acmecontact0000"]}` {
		t.Errorf("got %s", got)
	}
	h.hub.Line(testkit.AcmeLiveCall, map[string]string{"content": "hello"})
	if got := viewer.next(); got != `call/acmelive0000000 {"content":"hello"}` {
		t.Errorf("got %s", got)
	}
	rename(testkit.BoltContact)
	if got := bolt.next(); got != `org/bolt00000000000 {"collection":"contacts","ids":["boltcontact0000"]}` {
		t.Errorf("Bolt heard first %s", got)
	}
	organization, err := h.FindRecordById(collections.Organizations, testkit.Acme)
	if err != nil {
		t.Fatal(err)
	}
	organization.Set("name", "Acme Cakes")
	if err := h.Save(organization); err != nil {
		t.Fatal(err)
	}
	if got := viewer.next(); got != `org/acme00000000000 {"collection":"organizations","ids":["acme00000000000"]}` {
		t.Errorf("got %s", got)
	}
	line, err := h.FindRecordById(collections.Messages, testkit.Row(testkit.Acme, "message"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Delete(line); err != nil {
		t.Fatal(err)
	}
	both := viewer.next() + viewer.next()
	if !strings.Contains(both, `{"collection":"messages","ids":["acmemessage0000"]}`) ||
		!strings.Contains(both, `{"collection":"calls","ids":["acmecall0000000"]}`) {
		t.Errorf("got %s", both)
	}
	// A new subscription replaces the old one.
	if viewer.subscribe(testkit.AcmeViewer, CallTopic+testkit.AcmeLiveCall) != 204 {
		t.Fatal("not subscribed")
	}
	rename(testkit.AcmeContact)
	h.hub.Line(testkit.AcmeLiveCall, 2)
	if got := viewer.next(); got != `call/acmelive0000000 2` {
		t.Errorf("got %s", got)
	}
}

// The right is lost after it was checked and before the stream follows.
func TestSubscribe_notices_a_right_lost_meanwhile(t *testing.T) {
	h := newHouse(t)
	s := h.connect()
	h.between = func() {
		m, err := h.FindRecordById(collections.Memberships, testkit.UserMembership(testkit.AcmeViewer, testkit.Acme))
		if err != nil {
			t.Error(err)
			return
		}
		m.Set("status", collections.MembershipSuspended)
		if err := h.Save(m); err != nil {
			t.Error(err)
		}
		h.hub.Drop(testkit.User(testkit.AcmeViewer), testkit.Acme)
	}
	s.subscribe(testkit.AcmeViewer, OrganizationTopic+testkit.Acme)
	if got := s.next(); got != `org/acme00000000000 {"ended":true}` {
		t.Errorf("got %s", got)
	}
	h.hub.mu.RLock()
	defer h.hub.mu.RUnlock()
	if len(h.hub.topics) != 0 {
		t.Errorf("the stream still follows %v", h.hub.topics)
	}
}

func TestStream_is_forgotten_when_it_ends(t *testing.T) {
	h := newHouse(t)
	s := h.connect()
	if s.subscribe(testkit.AcmeViewer, OrganizationTopic+testkit.Acme, "calls/*") != 204 {
		t.Fatal("not subscribed")
	}
	if !h.hub.Watching("calls") || h.hub.Watching("messages") {
		t.Error("the hub does not know who watches calls")
	}
	if h.hub.Streams() != 1 {
		t.Errorf("got %d streams", h.hub.Streams())
	}
	h.server.CloseClientConnections()
	for s.next() != "closed" {
	}
	deadline := time.Now().Add(10 * time.Second)
	for h.hub.Streams() > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the stream is still known")
		}
		// Something to write shows the server that nobody reads.
		h.hub.Changed(testkit.Acme, "calls")
	}
	h.hub.mu.RLock()
	defer h.hub.mu.RUnlock()
	if len(h.hub.topics) != 0 {
		t.Error("a topic outlived its listener")
	}
}

func TestWatching_knows_a_collection_by_its_id_too(t *testing.T) {
	h := newHouse(t)
	c, err := h.FindCollectionByNameOrId(collections.Messages)
	if err != nil {
		t.Fatal(err)
	}
	if h.connect().subscribe(testkit.AcmeViewer, c.Id+"/*") != 204 {
		t.Fatal("not subscribed")
	}
	if !h.hub.Watching(collections.Messages) {
		t.Error("a subscription by id is not noticed")
	}
}

func TestSubscribe_bounds_the_streams_of_a_person(t *testing.T) {
	h := newHouse(t)
	var last *stream
	for n := range streamsPerPerson {
		last = h.connect()
		if got := last.subscribe(testkit.AcmeViewer, OrganizationTopic+testkit.Acme); got != 204 {
			t.Fatalf("stream %d: got %d", n+1, got)
		}
	}
	if got := last.subscribe(testkit.AcmeViewer, "calls/*"); got != 204 {
		t.Errorf("an open stream that changes its topics: got %d, want 204", got)
	}
	if got := h.connect().subscribe(testkit.AcmeViewer, OrganizationTopic+testkit.Acme); got != 429 {
		t.Errorf("one more than allowed: got %d, want 429", got)
	}
	if got := h.connect().subscribe(testkit.AcmeOwner, OrganizationTopic+testkit.Acme); got != 204 {
		t.Errorf("somebody else: got %d, want 204", got)
	}
}
