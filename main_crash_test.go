package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/sandbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	// rounds is how often the process is killed.
	rounds = 3
	// senders is how many calls go on at once.
	senders = 4
	// hookSecret is what the storm's messages carry.
	hookSecret = "secret-of-the-storm"
)

// sample is a call as the provider sends it, one message a line.
type sample struct{ text, call, number, assistant string }

func loadSample(t *testing.T) sample {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("hooks", "calls", "testdata", "call-inbound.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	s := sample{text: asOfNow(t, strings.TrimSpace(string(raw)))}
	for line := range strings.Lines(s.text) {
		m, err := vapi.ParseMessage([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		s.call, s.number = m.CallID(), m.Call.PhoneNumberID
		if m.Call.AssistantID != "" {
			s.assistant = m.Call.AssistantID
		}
	}
	return s
}

var (
	sampleStamp = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
	sampleClock = regexp.MustCompile(`\b1[6-9]\d{11}\b`) // milliseconds since 1970
)

// asOfNow moves a recorded call to the present: an open call of last week would
// be asked after and found lost, as it should.
func asOfNow(t *testing.T, text string) string {
	t.Helper()
	first, err := strconv.ParseInt(sampleClock.FindString(text), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	by := time.Since(time.UnixMilli(first)).Truncate(time.Second)
	text = sampleStamp.ReplaceAllStringFunc(text, func(s string) string {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.Add(by).Format("2006-01-02T15:04:05.000Z")
	})
	return sampleClock.ReplaceAllStringFunc(text, func(s string) string {
		at, _ := strconv.ParseInt(s, 10, 64) // thirteen digits
		return strconv.FormatInt(at+by.Milliseconds(), 10)
	})
}

// messages are those of one call of ours.
func (s sample) messages(call string, number row, assistant row) []string {
	of := strings.NewReplacer(s.call, call, s.number, number["vapi_phone_id"].(string), s.assistant, assistant["vapi_assistant_id"].(string))
	return strings.Split(of.Replace(s.text), "\n")
}

// storm sends calls over and over, as the provider would: each message again
// until it is acknowledged.
type storm struct {
	target string
	make   func(call string) []string

	mu    sync.Mutex
	acked map[string]string // event key → type
	calls []string          // ids of calls that were begun
}

func (s *storm) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// run sends calls until stop is closed, the last one to its end.
func (s *storm) run(ctx context.Context, seed uint64, stop <-chan struct{}) error {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		call := fmt.Sprintf("%08x-0000-7000-8000-%012x", seed, n)
		s.mu.Lock()
		s.calls = append(s.calls, call)
		s.mu.Unlock()
		for _, body := range s.make(call) {
			if err := s.deliver(ctx, body); err != nil {
				return err
			}
		}
	}
}

func (s *storm) deliver(ctx context.Context, body string) error {
	m, err := vapi.ParseMessage([]byte(body))
	if err != nil {
		return err
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if s.post(ctx, body) == http.StatusOK {
			s.mu.Lock()
			s.acked[m.EventKey()] = m.Type
			s.mu.Unlock()
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// post returns the status, 0 when there was none: the server is dead.
func (s *storm) post(ctx context.Context, body string) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.target+"/api/webhooks/vapi", strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("X-Vapi-Secret", hookSecret)
	res, err := httpc.Do(r)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	var answer row
	if json.NewDecoder(res.Body).Decode(&answer) != nil {
		return 0 // cut off in the middle: the provider has no answer
	}
	return res.StatusCode
}

// TestKill_in_a_storm_loses_nothing kills the process again and again while
// messages come in (reliability.md F1).
func TestKill_in_a_storm_loses_nothing(t *testing.T) {
	secret := "VAPI_WEBHOOK_SECRET=" + hookSecret
	d := start(t, t.TempDir(), "", demo, secret)
	owner := d.owner(t)
	synced(owner)
	number, assistant := lineIn(owner, "en"), owner.one(collections.Assistants, "language = 'en'")
	sent := loadSample(t)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &storm{target: d.base, acked: map[string]string{}, make: func(call string) []string { return sent.messages(call, number, assistant) }}
	stop, failed := make(chan struct{}), make(chan error, senders)
	for n := range senders {
		go func() { failed <- s.run(ctx, uint64(n+1), stop) }()
	}

	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	servers := []*desk{d}
	unapplied := "ffffffff-0000-7000-8000-000000000001"
	for round := range rounds {
		enough := s.count() + 50 + random.IntN(200)
		until(t, "more messages", func() bool { return s.count() >= enough })
		if round == rounds-1 {
			putUnapplied(t, d.operator(t), sent.messages(unapplied, number, assistant))
		}
		d.kill()
		t.Logf("killed after %d messages", s.count())
		d = start(t, d.dir, d.address(), demo, secret)
		servers = append(servers, d)
	}
	close(stop)
	for range senders {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}

	operator := d.operator(t)
	operator.ask("POST", "/api/crons/inbox.retry", nil, http.StatusNoContent, nil)
	until(t, "what was stored and not applied", func() bool {
		return len(operator.rows(collections.ProviderEvents, "status != 'applied'", "")) == 0 &&
			len(operator.rows(collections.Calls, "vapi_call_id = '"+unapplied+"' && status = 'completed'", "")) == 1
	})
	stored := map[string]int{}
	for _, e := range operator.rows(collections.ProviderEvents, "", "id") {
		stored[e["event_key"].(string)]++
	}
	for key, kind := range s.acked {
		// Who answers is stored after the answer, so as not to let a caller wait.
		if stored[key] != 1 && (kind != vapi.TypeAssistantRequest || stored[key] > 1) {
			t.Errorf("an acknowledged %s is there %d times: %s", kind, stored[key], key)
		}
	}
	if len(s.acked) < rounds*50 {
		t.Errorf("only %d messages were sent", len(s.acked))
	}

	// Every call was sent to its end, so all are the same call.
	var first string
	for _, id := range append(s.calls, unapplied) {
		told := tellCall(operator, id)
		if first == "" {
			first = told
			t.Logf("%d calls, %d messages; each is: %.300s", len(s.calls), len(s.acked), told)
		}
		if told != first {
			t.Errorf("call %s is\n%s\nand the first one\n%s", id, told, first)
		}
	}
	if t.Failed() {
		for n, one := range servers {
			t.Logf("server %d said\n%s", n+1, one.said)
		}
	}
	d.stop()
	sound(t, d.dir)
}

// putUnapplied stores messages as they are when applying them failed: the whole
// call, in no order.
func putUnapplied(t *testing.T, operator *person, messages []string) {
	t.Helper()
	for _, body := range messages {
		m, err := vapi.ParseMessage([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		operator.ask("POST", "/api/collections/"+collections.ProviderEvents+"/records", row{
			"provider": "vapi", "event_key": m.EventKey(), "type": m.Type, "payload": string(m.Reduced()), "status": collections.EventErrored,
			"error": "the disk was full", "next_at": "2026-01-01 00:00:00.000Z",
		}, http.StatusOK, nil)
	}
}

// tellCall is everything that came of a call, without ids of its own and
// without what functions answered, which depends on who else asked.
func tellCall(operator *person, vapiID string) string {
	call := operator.one(collections.Calls, "vapi_call_id = '"+vapiID+"'")
	of := "call = '" + call["id"].(string) + "'"
	var b strings.Builder
	facts := func(r row, names ...string) {
		for _, name := range names {
			fmt.Fprintf(&b, "%s=%v ", name, r[name])
		}
		b.WriteString("\n")
	}
	facts(call, append(slices.DeleteFunc(slices.Clone(collections.CallFacts), func(name string) bool { return name == "vapi_call_id" }),
		"summary", "organization", "resolution_status", "success_evaluation", "contact")...)
	for _, l := range operator.rows(collections.Messages, of, "position") {
		facts(l, "role", "content", "position", "offset_ms", "duration_ms")
	}
	for _, e := range operator.rows(collections.CallEvents, of, "position,key") {
		facts(e, "type", "name", "key", "position")
	}
	for _, r := range operator.rows(collections.CallReports, of, "") {
		facts(r, "summary", "transcript", "analysis", "costs")
	}
	for _, u := range operator.rows(collections.UsageEvents, of, "") {
		facts(u, "kind", "quantity", "cost_micros", "at")
	}
	for _, r := range operator.rows(collections.Recordings, of, "") {
		facts(r, "kind")
	}
	return b.String()
}

// sound asks SQLite whether the databases are well.
func sound(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"data.db", "auxiliary.db"} {
		db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.Join(dir, name)}).String())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var verdict string
		if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("%s: %s, %v", name, verdict, err)
		}
	}
}

// gate stands between the product and the provider. When it is shut, what the
// product asks for is done, but the answer stays in the gate.
type gate struct {
	*httptest.Server
	mu   sync.Mutex
	shut map[string]bool // "POST /assistant"
	held int
	open chan struct{}
}

func newGate(t *testing.T, provider string) *gate {
	t.Helper()
	at, err := url.Parse(provider)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{shut: map[string]bool{}, open: make(chan struct{})}
	proxy := httputil.NewSingleHostReverseProxy(at)
	proxy.ModifyResponse = func(res *http.Response) error {
		collection, _, _ := strings.Cut(strings.TrimPrefix(res.Request.URL.Path, "/"), "/")
		g.mu.Lock()
		hold, open := g.shut[res.Request.Method+" /"+collection], g.open
		if hold {
			g.held++
		}
		g.mu.Unlock()
		if hold {
			<-open
		}
		return nil
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) } // the asker is dead
	g.Server = httptest.NewServer(proxy)
	t.Cleanup(func() {
		g.release()
		g.Close()
	})
	return g
}

// hold keeps the answers of these requests from now on.
func (g *gate) hold(requests ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.held = make(chan struct{}), 0
	for _, r := range requests {
		g.shut[r] = true
	}
}

func (g *gate) waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

// release lets everything through again.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.shut)
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// TestKill_between_provider_and_commit kills the process when the provider did
// what it was asked for and we have not heard it: afterwards there is one object
// per record, and none for a deleted one (reliability.md F4, I3). The provider
// is addressed as the real one would be.
func TestKill_between_provider_and_commit(t *testing.T) {
	provider, err := sandbox.Start(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := provider.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	g := newGate(t, provider.URL())
	address := freeAddress(t)
	env := []string{"VAPI_BASE_URL=" + g.URL, "VAPI_API_KEY=" + provider.Key(), "POCKETLINE_PUBLIC_URL=http://" + address}
	d := start(t, t.TempDir(), address, "serve", env...)
	owner := &person{t: t, base: d.base}
	var made struct {
		Token        string
		Organization row
	}
	owner.ask("POST", "/api/setup", row{
		"name": "Ada", "email": "ada@acme.test", "password": "a-long-password", "organization": "Acme", "timezone": "Europe/Paris", "language": "fr",
	}, http.StatusOK, &made)
	owner.token = made.Token
	organization := made.Organization["id"]
	create := func(collection string, values row) row {
		values["organization"] = organization
		var r row
		owner.ask("POST", "/api/collections/"+collection+"/records", values, http.StatusOK, &r)
		return r
	}
	restart := func() {
		d.kill()
		g.release()
		d = start(t, d.dir, address, "serve", env...) // and what the dead process was delivering is free
	}

	const each = 3
	g.hold("POST /assistant", "POST /tool", "POST /phone-number")
	for n := range each {
		create(collections.Assistants, row{"name": fmt.Sprint("Accueil ", n), "type": "voice", "status": "active", "first_message": "Bonjour", "language": "fr"})
		create(collections.Functions, row{"name": fmt.Sprint("look_up_", n), "description": "Looks something up", "type": "http", "webhook_url": "https://example.com/look", "is_active": true})
		create(collections.PhoneNumbers, row{"friendly_name": fmt.Sprint("Ligne ", n), "provider": "vapi", "area_code": "415", "number_type": "voice"})
	}
	// All that is sent at a time (the outbox has four workers): a request that was
	// cut off before it arrived would be looked for during two minutes.
	until(t, "the provider to have made what we have not heard of", func() bool { return g.waiting() == 4 })
	restart()
	synced(owner)
	oneEach(t, owner, provider)

	// The provider does the work and says it did not.
	for _, path := range []string{"/assistant", "/tool", "/phone-number"} {
		for _, kind := range []string{"500-after", "drop-reply"} {
			owner.ask("POST", provider.URL()+"/_sandbox/faults", row{"match": row{"method": "POST", "pathPrefix": path}, "kind": kind, "count": 1}, http.StatusCreated, nil)
		}
	}
	doomed := create(collections.Assistants, row{"name": "Standard", "type": "voice", "status": "active", "first_message": "Bonjour", "language": "fr"})
	create(collections.Functions, row{"name": "look_again", "description": "Looks again", "type": "http", "webhook_url": "https://example.com/look", "is_active": true})
	create(collections.PhoneNumbers, row{"friendly_name": "Ligne directe", "provider": "vapi", "area_code": "415", "number_type": "voice"})
	synced(owner)
	oneEach(t, owner, provider)

	// The provider deletes and we do not hear it.
	g.hold("DELETE /assistant")
	path := "/api/collections/" + collections.Assistants + "/records/" + doomed["id"].(string)
	owner.ask("DELETE", path, nil, http.StatusNoContent, nil)
	until(t, "the provider to have deleted it", func() bool { return g.waiting() > 0 })
	restart()
	until(t, "the row to go", func() bool {
		status, _, _, err := owner.send("GET", path, nil)
		return err == nil && status == http.StatusNotFound
	})
	oneEach(t, owner, provider)
	d.stop()
	sound(t, d.dir)
}

// TestKill_while_a_call_is_placed kills the process between what the provider does
// and what we write down: afterwards there is one call there and one row, which
// says what is true.
func TestKill_while_a_call_is_placed(t *testing.T) {
	for name, one := range map[string]struct {
		fault row    // at the provider; nil is none
		hold  bool   // its answer stays in the gate
		made  int    // calls at the provider
		ends  string // the row's placing
	}{
		"the answer is on its way": {nil, true, 1, ""},
		"500 after acting":         {row{"kind": "500-after"}, true, 1, ""},
		"the answer is lost":       {row{"kind": "drop-reply"}, false, 1, ""},
		"500 before acting":        {row{"kind": "500-before"}, true, 0, collections.PlacingUnclear},
	} {
		t.Run(name, func(t *testing.T) {
			provider, err := sandbox.Start(sandbox.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				if err := provider.Close(ctx); err != nil {
					t.Error(err)
				}
			})
			g := newGate(t, provider.URL())
			address := freeAddress(t)
			env := []string{"VAPI_BASE_URL=" + g.URL, "VAPI_API_KEY=" + provider.Key(), "POCKETLINE_PUBLIC_URL=http://" + address}
			d := start(t, t.TempDir(), address, "serve", env...)
			owner := &person{t: t, base: d.base}
			var made struct {
				Token        string
				Organization row
			}
			owner.ask("POST", "/api/setup", row{
				"name": "Ada", "email": "ada@acme.test", "password": "a-long-password", "organization": "Acme", "timezone": "Europe/Paris",
				"language": "fr", "country": "US",
			}, http.StatusOK, &made)
			owner.token = made.Token
			organization := made.Organization["id"].(string)
			create := func(collection string, values row) row {
				values["organization"] = organization
				var r row
				owner.ask("POST", "/api/collections/"+collection+"/records", values, http.StatusOK, &r)
				return r
			}
			assistant := create(collections.Assistants, row{"name": "Accueil", "type": "voice", "status": "active", "first_message": "Bonjour", "language": "fr"})
			number := create(collections.PhoneNumbers, row{"friendly_name": "Ligne", "provider": "vapi", "area_code": "415", "number_type": "voice"})
			until(t, "assistant and number to be at the provider", func() bool {
				return len(owner.rows(collections.Assistants, "sync_status = 'synced'", ""))+len(owner.rows(collections.PhoneNumbers, "sync_status = 'synced'", "")) == 2
			})

			if one.fault != nil {
				one.fault["match"] = row{"method": "POST", "pathPrefix": "/call"}
				owner.ask("POST", provider.URL()+"/_sandbox/faults", one.fault, http.StatusCreated, nil)
			}
			if one.hold {
				g.hold("POST /call")
			}
			press := row{"assistant": assistant["id"], "phone_number": number["id"], "customer_number": "+14155552671"}
			path := "/api/organizations/" + organization + "/calls"
			var pressing sync.WaitGroup
			pressing.Go(func() { owner.send("POST", path, press, "Idempotency-Key", "one press") }) // its answer is lost with the process
			if one.hold {
				until(t, "the provider to be asked", func() bool { return g.waiting() > 0 })
			} else {
				until(t, "the provider to have acted", func() bool { return len(callsAt(t, provider)) > 0 })
			}
			d.kill()
			pressing.Wait()
			g.release()
			d = start(t, d.dir, address, "serve", env...)

			until(t, "the row to say what is true", func() bool {
				rows := owner.rows(collections.Calls, "", "")
				return len(rows) == 1 && rows[0]["placing"] == one.ends && (rows[0]["vapi_call_id"] != "") == (one.made == 1)
			})
			at := callsAt(t, provider)
			status, _, answer, err := owner.send("POST", path, press, "Idempotency-Key", "one press")
			if err != nil || status != map[int]int{0: http.StatusAccepted, 1: http.StatusCreated}[one.made] {
				t.Errorf("the press again: %d %s %v", status, answer, err)
			}
			if len(at) != one.made || len(callsAt(t, provider)) != one.made {
				t.Errorf("the provider has %d calls, want %d", len(at), one.made)
			}
			if got := owner.one(collections.Calls, ""); one.made == 1 && got["vapi_call_id"] != at[0]["id"] {
				t.Errorf("the row names %v, the provider has %v", got["vapi_call_id"], at[0]["id"])
			}
			d.stop()
			sound(t, d.dir)
		})
	}
}

// callsAt are the calls a provider has.
func callsAt(t *testing.T, provider *sandbox.Server) (all []row) {
	t.Helper()
	(&person{t: t, token: "Bearer " + provider.Key()}).ask("GET", provider.URL()+"/call?limit=100", nil, http.StatusOK, &all)
	return all
}

// endLeases lets the time pass after which what a dead process was delivering is
// delivered again.
func endLeases(operator *person) {
	operator.t.Helper()
	running := operator.rows(collections.Outbox, "status = 'running'", "")
	if len(running) == 0 {
		operator.t.Fatal("nothing was being delivered when the process was killed")
	}
	for _, r := range running {
		operator.ask("PATCH", "/api/collections/"+collections.Outbox+"/records/"+r["id"].(string), row{"lease_until": r["created"]}, http.StatusOK, nil)
	}
	operator.ask("POST", "/api/crons/outbox.deliver", nil, http.StatusNoContent, nil)
}

// oneEach wants one object at the provider for each row, the one the row names.
func oneEach(t *testing.T, owner *person, provider *sandbox.Server) {
	t.Helper()
	for collection, place := range map[string][2]string{
		collections.Assistants: {"/assistant", "vapi_assistant_id"}, collections.Functions: {"/tool", "vapi_tool_id"},
		collections.PhoneNumbers: {"/phone-number", "vapi_phone_id"},
	} {
		named := map[string]int{}
		for _, r := range owner.rows(collection, "", "") {
			named[r[place[1]].(string)]++
		}
		var there []row
		(&person{t: t, token: "Bearer " + provider.Key()}).ask("GET", provider.URL()+place[0]+"?limit=1000", nil, http.StatusOK, &there)
		have := map[string]int{}
		for _, o := range there {
			have[o["id"].(string)]++
		}
		if !maps.Equal(named, have) {
			t.Errorf("%s: the rows name %v, the provider has %v", collection, named, have)
		}
	}
}

// freeAddress is one nobody listens on, for a server whose address must be
// known before it starts.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestDirectory_has_one_server starts a second server beside the first
// (reliability.md F10).
func TestDirectory_has_one_server(t *testing.T) {
	d := start(t, t.TempDir(), "", "serve")
	out, err := command(t, d.dir, "serve --http 127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another server is running on this data directory") {
		t.Errorf("the second server: %v, %s", err, out)
	}
	if strings.Count(strings.TrimSpace(string(out)), "\n") > 0 {
		t.Errorf("the second server says more than one line: %s", out)
	}
	for _, line := range []string{"jobs list", "superuser upsert " + operatorEmail + " " + operatorPassword} {
		if said, ok := d.run(line); !ok {
			t.Errorf("%s beside the server: %s", line, said)
		}
	}
	(&person{t: t, base: d.base}).ask("GET", "/api/health", nil, http.StatusOK, nil)

	// A killed server leaves nothing that a next one trips over.
	d.kill()
	d = start(t, d.dir, d.address(), "serve")
	d.stop()
}
