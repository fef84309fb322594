package hooks_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

// product is everything put together on the fixtures, with a provider that
// only remembers what it was asked. Settings are NAME=value.
type product struct {
	*tests.TestApp
	t    testing.TB
	desk *hooks.Desk

	mu    sync.Mutex
	asked []string
}

func newProduct(t testing.TB, settings ...string) *product {
	t.Helper()
	p := &product{t: t}
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, r.Method+" "+r.URL.Path)
		p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}")
	}))
	t.Cleanup(provider.Close)
	p.TestApp = testkit.New(t, func(app core.App) {
		env := map[string]string{"VAPI_API_KEY": "key", "VAPI_BASE_URL": provider.URL}
		for _, setting := range settings {
			name, value, _ := strings.Cut(setting, "=")
			env[name] = value
		}
		cfg, err := providers.Load(func(name string) string { return env[name] }, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		if p.desk, err = hooks.Register(app, hooks.Deps{
			Config: cfg, Clients: providers.New(cfg, "test"), Keys: hooks.NoKeys(), Version: "test", Log: io.Discard,
		}); err != nil {
			t.Fatal(err)
		}
	})
	p.clearSealed()
	return p
}

// clearSealed empties the fixtures' secrets: they were sealed with no key of
// ours, and the start refuses them.
func (p *product) clearSealed() {
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			if text, ok := f.(*core.TextField); ok && text.Hidden && !text.System {
				p.exec(fmt.Sprintf("UPDATE [%s] SET [%s] = '' WHERE [%s] = '%s'", c.Name, text.Name, text.Name, testkit.SealedValue))
			}
		}
	}
}

// until waits for a condition that work in the background brings about.
func (p *product) until(what string, met func() bool) {
	p.t.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-late:
			p.t.Fatalf("still not: %s", what)
		}
	}
}

func (p *product) count(query string) (n int) {
	p.t.Helper()
	if err := p.DB().NewQuery(query).Row(&n); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (p *product) wasAsked(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.asked, what)
}

// exec changes the database behind everybody's back.
func (p *product) exec(query string) {
	p.t.Helper()
	if _, err := p.NonconcurrentDB().NewQuery(query).Execute(); err != nil {
		p.t.Fatal(err)
	}
}

// places looks for a text in every column of every table.
func (p *product) places(text string) (found []string) {
	p.t.Helper()
	var tables []string
	if err := p.DB().NewQuery("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").Column(&tables); err != nil {
		p.t.Fatal(err)
	}
	for _, table := range tables {
		var columns []string
		if err := p.DB().NewQuery("SELECT name FROM pragma_table_info('" + table + "')").Column(&columns); err != nil {
			p.t.Fatal(err)
		}
		for _, c := range columns {
			if n := p.count(fmt.Sprintf("SELECT count(*) FROM [%s] WHERE instr(CAST([%s] AS TEXT), '%s') > 0", table, c, text)); n > 0 {
				found = append(found, table+"."+c)
			}
		}
	}
	return found
}

const (
	caraAcme = "12025550170" // the fixtures' caller of Acme; Bolt's ends in 1
	privacy  = "/api/organizations/" + testkit.Acme + "/privacy"
)

func TestPrivacy_exports_and_erases_a_caller_everywhere(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	stamp := "'2026-09-01 10:00:00.000Z'"
	for n, row := range []struct{ key, kind, status, payload string }{
		{"call-acme:packed", "packed", "packed", "as-good-as-any"},
		{"call-acme:1:status", "status-update", "applied", `{"customer":{"number":"+` + caraAcme + `"}}`},
		{"lost:1", "assistant-request", "parked", `{"customer":{"number":"+` + caraAcme + `"}}`},
	} {
		p.exec(fmt.Sprintf(`INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload, answer, error, attempts, next_at, created, updated)
			VALUES ('privacyevent%03d', '%s', 'vapi', '%s', '%s', '%s', '%s', '', '', 0, '', %s, %s)`, n, testkit.Acme, row.key, row.kind, row.status, row.payload, stamp, stamp))
	}
	p.exec(fmt.Sprintf(`INSERT INTO outbox (id, organization, kind, key, payload, status, attempts, next_at, lease_until, error, done_at, created, updated)
		VALUES ('privacyoutbox00', '%s', 'webhook', 'w:1', '{"caller":"+%s"}', 'done', 1, '', '', '', '', %s, %s)`, testkit.Acme, caraAcme, stamp, stamp))
	api.Do("PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeOwner, map[string]any{"name": "Cara Confidential"}).Want(200)
	file := ""
	if r, err := p.FindRecordById(collections.Recordings, testkit.AcmeRecording); err != nil {
		t.Fatal(err)
	} else {
		file = p.DataDir() + "/storage/" + r.BaseFilesPath() + "/" + r.GetString("file")
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}

	number := map[string]any{"phone_number": "+1 (202) 555-0170"}
	for person, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeManager: 403, testkit.AcmeViewer: 403} {
		api.Do("POST", privacy+"/export", person, number).Want(want)
		api.Do("POST", privacy+"/erase", person, map[string]any{"phone_number": "+" + caraAcme, "confirm": true}).Want(want)
		api.Do("GET", privacy, person, nil).Want(want)
	}
	api.Do("POST", privacy+"/export", testkit.AcmeAdmin, map[string]any{"phone_number": "hello"}).Want(400)
	api.Do("POST", privacy+"/export", testkit.AcmeAdmin, map[string]any{"phone_number": "+12025550171"}).Want(404) // Bolt's caller
	answer := api.Do("POST", privacy+"/export", testkit.AcmeAdmin, number).Want(200)
	archive, err := zip.NewReader(bytes.NewReader(answer.Body), int64(len(answer.Body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	want := []string{"calls/" + testkit.AcmeCall + ".json", "calls/" + testkit.AcmeLiveCall + ".json", "contact.json", "recordings/" + testkit.AcmeCall + "-stereo.wav"}
	if !slices.Equal(names, want) {
		t.Errorf("the archive has %v, want %v", names, want)
	}
	if f, err := archive.Open(want[0]); err != nil {
		t.Error(err)
	} else if raw, err := io.ReadAll(f); err != nil || !strings.Contains(string(raw), "Do you have sourdough today?") || strings.Contains(string(raw), testkit.SealedValue) {
		t.Errorf("the call is exported as %s (%v)", raw, err)
	}

	erase := map[string]any{"phone_number": "+" + caraAcme}
	api.Do("POST", privacy+"/erase", testkit.AcmeAdmin, erase).Want(400) // not confirmed
	erase["confirm"] = true
	hold := map[string]any{"legal_hold": true}
	api.Do("PATCH", "/api/security/settings", testkit.AcmeAdmin, hold).Want(200)
	api.Do("POST", privacy+"/erase", testkit.AcmeAdmin, erase).Want(409)
	hold["legal_hold"] = false
	api.Do("PATCH", "/api/security/settings", testkit.AcmeAdmin, hold).Want(200)
	var done struct {
		Request struct {
			Status      string         `json:"status"`
			Hint        string         `json:"subject_hint"`
			Certificate map[string]any `json:"certificate"`
		} `json:"request"`
	}
	api.Do("POST", privacy+"/erase", testkit.AcmeAdmin, erase).Want(200).JSON(&done)
	c := done.Request.Certificate
	if done.Request.Status != "done" || done.Request.Hint != "…70" || c["calls"] != 2.0 || c["messages"] != 3.0 || c["recordings"] != 1.0 || c["contacts"] != 1.0 || c["provider_copies"] != 2.0 || c["outbox"] != 1.0 {
		t.Errorf("the certificate says %+v", done.Request)
	}
	for _, text := range []string{caraAcme, "Cara Confidential", "sourdough today"} {
		if left := p.places(text); len(left) > 0 {
			t.Errorf("%q is left in %v", text, left)
		}
	}
	if n := p.count(`SELECT count(*) FROM call_words WHERE call_words MATCH 'sourdough'`); n != 0 {
		t.Error("search still finds what was said")
	}
	p.until("the sound is removed", func() bool { _, err := os.Stat(file); return os.IsNotExist(err) })
	if p.count("SELECT count(*) FROM provider_events WHERE event_key = 'call-acme:deleted'") != 1 || p.count("SELECT count(*) FROM provider_events WHERE event_key LIKE 'call-acme:%'") != 1 {
		t.Error("of the provider's messages more is left than the mark")
	}
	if p.count("SELECT count(*) FROM calls WHERE organization = '"+testkit.Bolt+"'") != 2 || p.count("SELECT count(*) FROM usage_events WHERE organization = '"+testkit.Acme+"'") != 1 {
		t.Error("another organization's calls, or the usage, are gone")
	}
	p.until("the provider was asked to erase", func() bool { return p.wasAsked("DELETE /call/call-acme") && p.wasAsked("DELETE /call/live-acme") })

	// Reconciliation brings an old call of the erased caller, and one calls anew.
	save := func(id string, started time.Time) {
		t.Helper()
		calls, err := p.FindCachedCollectionByNameOrId(collections.Calls)
		if err != nil {
			t.Fatal(err)
		}
		r := core.NewRecord(calls)
		r.Load(map[string]any{
			"organization": testkit.Acme, "vapi_call_id": id, "status": collections.CallCompleted, "call_type": collections.Inbound,
			"caller_number": "+" + caraAcme, "started_at": started, "ended_at": started.Add(time.Minute),
		})
		if err := p.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	save("returned", testkit.Start)
	save("anew", time.Now().Add(time.Second))
	run := func() {
		if err := p.desk.Schedule.RunNow(context.Background(), "outbox.deliver"); err != nil && !strings.Contains(err.Error(), "running") {
			t.Fatal(err)
		}
	}
	p.until("the old call is gone again", func() bool {
		run()
		return p.count("SELECT count(*) FROM calls WHERE vapi_call_id = 'returned'") == 0
	})
	if p.count("SELECT count(*) FROM calls WHERE vapi_call_id = 'anew'") != 1 {
		t.Error("a new call of an erased caller was erased")
	}
	if n := p.count("SELECT count(*) FROM privacy_requests WHERE organization = '" + testkit.Acme + "' AND status = 'done' AND finished_at != '' AND length(subject_hash) = 64"); n != 2 {
		t.Errorf("%d requests are written down as done, want the export and the erasure", n)
	}
	if p.count("SELECT count(*) FROM provider_events WHERE event_key = 'returned:deleted'") != 1 {
		t.Error("the call that came back left no mark")
	}
}

// stream is an open realtime connection.
type stream struct {
	id     string
	events chan string
}

func listen(t testing.TB, server *httptest.Server) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/realtime", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); res.Body.Close() })
	s := &stream{events: make(chan string, 100)}
	go func() {
		defer close(s.events)
		in, name := bufio.NewScanner(res.Body), ""
		for in.Scan() {
			if value, ok := strings.CutPrefix(in.Text(), "event:"); ok {
				name = strings.TrimSpace(value)
			} else if value, ok := strings.CutPrefix(in.Text(), "data:"); ok {
				s.events <- name + " " + strings.TrimSpace(value)
			}
		}
	}()
	first := <-s.events
	var hello struct {
		ClientID string `json:"clientId"`
	}
	if _, data, _ := strings.Cut(first, " "); json.Unmarshal([]byte(data), &hello) != nil || hello.ClientID == "" {
		t.Fatalf("the stream began with %q", first)
	}
	s.id = hello.ClientID
	return s
}

func call(t testing.TB, server *httptest.Server, token, method, path string, body any) (int, string) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, server.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token)
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func TestMember_suspended_in_one_window_is_out_of_the_other_within_a_second(t *testing.T) {
	p := newProduct(t)
	server := testkit.Server(t, p.TestApp)
	signIn := func(email string) string {
		t.Helper()
		status, body := call(t, server, "", "POST", "/api/collections/users/auth-with-password", map[string]string{"identity": email, "password": testkit.Password})
		var answer struct{ Token string }
		if json.Unmarshal([]byte(body), &answer) != nil || status != 200 {
			t.Fatalf("got %d %s", status, body)
		}
		return answer.Token
	}
	agent, owner := signIn(testkit.AcmeAgent), signIn(testkit.AcmeOwner)
	theirs := listen(t, server)
	topic := "org/" + testkit.Acme
	if status, body := call(t, server, agent, "POST", "/api/realtime", map[string]any{"clientId": theirs.id, "subscriptions": []string{topic, "calls/*"}}); status != 204 {
		t.Fatalf("got %d %s", status, body)
	}
	const one = "/api/collections/calls/records/" + testkit.AcmeCall
	if status, _ := call(t, server, agent, "GET", one, nil); status != 200 {
		t.Fatal("the agent does not read before")
	}
	began := time.Now()
	if status, body := call(t, server, owner, "POST", "/api/team-members/"+testkit.UserMembership(testkit.AcmeAgent, testkit.Acme)+"/suspend", nil); status != 200 {
		t.Fatalf("got %d %s", status, body)
	}
	deadline, ended := time.After(time.Minute), false
	for !ended {
		select {
		case e := <-theirs.events:
			ended = e == topic+` {"ended":true}`
		case <-deadline:
			t.Fatal("the other window hears nothing of it")
		}
	}
	for path, want := range map[string]int{
		one: 404, "/api/calls/" + testkit.AcmeCall + "?companyId=" + testkit.Acme: 404, "/api/organizations/" + testkit.Acme + "/limits": 404,
	} {
		if status, body := call(t, server, agent, "GET", path, nil); status != want {
			t.Errorf("%s: got %d %s, want %d", path, status, body, want)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
	if status, _ := call(t, server, agent, "POST", "/api/realtime", map[string]any{"clientId": theirs.id, "subscriptions": []string{topic}}); status != 403 {
		t.Errorf("subscribing again got %d, want 403", status)
	}
	// What changes now reaches others only.
	mine := listen(t, server)
	if status, body := call(t, server, owner, "POST", "/api/realtime", map[string]any{"clientId": mine.id, "subscriptions": []string{topic}}); status != 204 {
		t.Fatalf("got %d %s", status, body)
	}
	call(t, server, owner, "PATCH", one, map[string]any{"notes": "changed"})
	<-mine.events
	select {
	case e := <-theirs.events:
		t.Errorf("the suspended member heard %s", e)
	default:
	}
}

// standing is what a person is to an organization, as plain as it gets.
type standing struct {
	member, personActive bool
	status, role         string
	flags                map[string]bool
}

func (s standing) belongs() bool {
	return s.member && s.personActive && s.status == collections.MembershipActive
}
func (s standing) is(roles ...string) bool { return s.belongs() && slices.Contains(roles, s.role) }
func (s standing) can(flag string) bool {
	return s.is(collections.Owner, collections.Admin) || s.belongs() && s.flags[flag]
}
func (s standing) String() string {
	return fmt.Sprintf("%t/%t %s %s %v", s.member, s.personActive, s.status, s.role, s.flags)
}

// TestAccess_of_random_people_is_what_a_plain_model_says makes memberships at
// random, changes them, and asks every surface.
func TestAccess_of_random_people_is_what_a_plain_model_says(t *testing.T) {
	const rounds = 6
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 7))
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	people := []string{testkit.AcmeOwner, testkit.AcmeManager, testkit.AcmeAgent, testkit.BoltOwner, testkit.Sam, testkit.Nobody}
	coming := 0 // see access_realtime_test.go
	p.OnRecordEnrich().BindFunc(func(e *core.RecordEnrichEvent) error {
		if e.RequestInfo.Context == core.RequestInfoContextRealtime {
			coming++
		}
		return e.Next()
	})
	model := map[string]map[string]standing{}
	for round := range rounds {
		shuffle(t, p, dice, people, model)
		messages := make(chan heard, 1000)
		var clients []string
		for _, person := range people {
			l := &listener{subscriptions.NewDefaultClient(), messages, actor{email: person}}
			p.SubscriptionsBroker().Register(l)
			clients = append(clients, l.Id())
			// Anybody may ask for record topics; the rule decides at each message.
			api.Do("POST", "/api/realtime", person, map[string]any{"clientId": l.Id(), "subscriptions": []string{"calls/*"}}).Want(204)
		}
		for _, organization := range organizations {
			row := func(noun string) string { return testkit.Row(organization, noun) }
			for _, person := range people {
				s := model[person][organization]
				check := func(what string, got int, may bool, refused ...int) {
					t.Helper()
					if may && got != 200 && got != 204 || !may && !slices.Contains(refused, got) {
						t.Errorf("round %d: %s of %s by %s (%v): got %d, may: %t", round, what, organization, person, s, got, may)
					}
				}
				lists := func(collection, id string) bool {
					a := api.Do("GET", "/api/collections/"+collection+"/records?organization="+organization, person, nil)
					return a.Status == 200 && slices.Contains(a.IDs(), id)
				}
				ask := func(method, path string, body any) int { return api.Do(method, path, person, body).Status }
				calls, member := s.can(collections.CanViewCalls), s.belongs()
				works := calls && s.is(collections.Owner, collections.Admin, collections.Manager, collections.Agent)
				chief := s.is(collections.Owner, collections.Admin)
				for _, see := range []struct {
					collection, noun string
					may              bool
				}{
					{collections.Calls, "call", calls}, {collections.Messages, "message", calls}, {collections.Contacts, "contact", calls},
					{collections.Assistants, "assistant", member}, {collections.UsageEvents, "usage", s.can(collections.CanAccessAnalytics)},
					{collections.AuditLogs, "audit", chief}, {collections.SecuritySettings, "security", chief}, {collections.Wallets, "wallet", chief},
					{collections.Invitations, "invite", s.can(collections.CanManageTeam)},
				} {
					if got := lists(see.collection, row(see.noun)); got != see.may {
						t.Errorf("round %d: %s lists %s of %s: %t, want %t (%v)", round, person, see.collection, organization, got, see.may, s)
					}
					check("view of "+see.collection, ask("GET", "/api/collections/"+see.collection+"/records/"+row(see.noun), nil), see.may, 404)
				}
				check("change of a call", ask("PATCH", "/api/collections/calls/records/"+row("call"), map[string]any{"notes": fmt.Sprint(person, round)}), works, 404)
				check("change of an assistant", ask("PATCH", "/api/collections/assistants/records/"+row("assistant"), map[string]any{"first_message": fmt.Sprint("Hello ", round)}),
					s.can(collections.CanManageAgents), 404)
				check("change of money", ask("PATCH", "/api/collections/wallets/records/"+row("wallet"), map[string]any{"balance_minor": 1}), false, 403)
				id := madeContact(t, p, organization)
				check("deletion of a contact", ask("DELETE", "/api/collections/contacts/records/"+id, nil), chief, 404)
				in := "?companyId=" + organization
				check("documented call", ask("GET", "/api/calls/"+row("call")+in, nil), calls, 401, 403, 404)
				check("documented list", ask("GET", "/api/calls"+in, nil), calls, 401, 403, 404)
				check("documented settings", ask("GET", "/api/security/settings"+in, nil), chief, 401, 403, 404)
				check("documented team", ask("GET", "/api/team-members"+in, nil), s.can(collections.CanManageTeam) || member, 401, 403, 404)
				check("keys", ask("GET", "/api/organizations/"+organization+"/keys", nil), s.can(collections.CanManageIntegrations) || s.is(collections.Developer), 401, 403, 404)
				check("privacy", ask("GET", "/api/organizations/"+organization+"/privacy", nil), chief, 401, 403, 404)
				other := subscriptions.NewDefaultClient()
				p.SubscriptionsBroker().Register(other)
				check("the organization's topic", ask("POST", "/api/realtime", map[string]any{"clientId": other.Id(), "subscriptions": []string{"org/" + organization}}), member, 403)
				p.SubscriptionsBroker().Unregister(other.Id())
				line := subscriptions.NewDefaultClient()
				p.SubscriptionsBroker().Register(line)
				check("a call's topic", ask("POST", "/api/realtime", map[string]any{"clientId": line.Id(), "subscriptions": []string{"call/" + row("live")}}), calls, 404)
				p.SubscriptionsBroker().Unregister(line.Id())
			}
			// Who is told of a change?
			for ; coming > 0; coming-- {
				<-messages
			}
			record, err := p.FindRecordById(collections.Calls, row("live"))
			if err != nil {
				t.Fatal(err)
			}
			record.Set("notes", fmt.Sprint("round ", round))
			if err := p.Save(record); err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for ; coming > 0; coming-- {
				got = append(got, (<-messages).actor.email)
			}
			for _, person := range people {
				if model[person][organization].can(collections.CanViewCalls) {
					want = append(want, person)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("round %d: of a call of %s heard %v, want %v", round, organization, got, want)
			}
		}
		for _, id := range clients {
			p.SubscriptionsBroker().Unregister(id)
		}
	}
}

// shuffle gives everybody other memberships, roles, flags and states, through
// the same saves the product makes.
func shuffle(t *testing.T, p *product, dice *rand.Rand, people []string, model map[string]map[string]standing) {
	t.Helper()
	statuses := []string{collections.MembershipActive, collections.MembershipActive, collections.MembershipActive, collections.MembershipSuspended, collections.MembershipInactive, collections.MembershipInvited}
	c, err := p.FindCachedCollectionByNameOrId(collections.Memberships)
	if err != nil {
		t.Fatal(err)
	}
	for _, person := range people {
		user, err := p.FindRecordById(collections.Users, testkit.User(person))
		if err != nil {
			t.Fatal(err)
		}
		active := dice.IntN(8) > 0
		user.Set("is_active", active)
		if err := p.Save(user); err != nil {
			t.Fatal(err)
		}
		model[person] = map[string]standing{}
		for _, organization := range organizations {
			row, err := p.FindFirstRecordByFilter(collections.Memberships, "user = {:u} && organization = {:o}", map[string]any{"u": user.Id, "o": organization})
			member := dice.IntN(4) > 0
			if !member {
				if err == nil {
					// By SQL where the last owner is kept from leaving.
					p.exec("DELETE FROM memberships WHERE id = '" + row.Id + "'")
				}
				continue
			}
			if err != nil {
				row = core.NewRecord(c)
				row.Id = core.GenerateDefaultRandomId()
				row.Load(map[string]any{"organization": organization, "user": user.Id})
			}
			s := standing{
				member: true, personActive: active, status: statuses[dice.IntN(len(statuses))],
				role: collections.Roles[dice.IntN(len(collections.Roles))], flags: map[string]bool{},
			}
			row.Load(map[string]any{"role": s.role, "status": s.status})
			for _, flag := range collections.Capabilities {
				s.flags[flag] = dice.IntN(2) == 0
				row.Set(flag, s.flags[flag])
			}
			if err := p.UnsafeWithoutHooks().Save(row); err != nil {
				t.Fatal(err)
			}
			model[person][organization] = s
		}
		// What the SQL changed is forgotten as a save would.
		if err := p.Save(user); err != nil {
			t.Fatal(err)
		}
	}
}

func madeContact(t *testing.T, p *product, organization string) string {
	t.Helper()
	c, err := p.FindCachedCollectionByNameOrId(collections.Contacts)
	if err != nil {
		t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Load(map[string]any{"organization": organization, "phone_number": fmt.Sprintf("+1202558%04d", serial.Add(1))})
	if err := p.Save(r); err != nil {
		t.Fatal(err)
	}
	return r.Id
}

func TestSignOut_of_a_browser_ends_its_session(t *testing.T) {
	p := newProduct(t)
	server := testkit.Server(t, p.TestApp)
	_, body := call(t, server, "", "POST", "/api/collections/users/auth-with-password", map[string]string{"identity": testkit.AcmeAgent, "password": testkit.Password})
	var in struct{ Token string }
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	send := func(method, path, token string, cookies []*http.Cookie, csrf string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", token)
		}
		for _, c := range cookies {
			req.AddCookie(c)
		}
		req.Header.Set("X-CSRF-Token", csrf)
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	begun := send("POST", "/api/session", in.Token, nil, "")
	var csrf struct{ Token string }
	if err := json.NewDecoder(begun.Body).Decode(&csrf); err != nil {
		t.Fatal(err)
	}
	cookies := begun.Cookies()
	if got := send("GET", "/api/me/sessions", "", cookies, "").StatusCode; got != 200 {
		t.Fatalf("the cookie is not a session: %d", got)
	}
	if got := send("DELETE", "/api/session", "", cookies, csrf.Token).StatusCode; got != 204 {
		t.Fatalf("signing out got %d", got)
	}
	for what, got := range map[string]int{
		"the cookie": send("GET", "/api/me/sessions", "", cookies, "").StatusCode, "the token": send("GET", "/api/me/sessions", in.Token, nil, "").StatusCode,
	} {
		if got != 401 {
			t.Errorf("after signing out %s got %d, want 401", what, got)
		}
	}
}

func TestStream_hears_nothing_of_an_organization_closed_to_its_network(t *testing.T) {
	p := newProduct(t)
	server := testkit.Server(t, p.TestApp)
	sam := testkit.As(t, testkit.Sam)["Authorization"] // owner of Bolt, viewer of Acme
	s := listen(t, server)
	subscribe := func(topics ...string) int {
		t.Helper()
		status, _ := call(t, server, sam, "POST", "/api/realtime", map[string]any{"clientId": s.id, "subscriptions": topics})
		return status
	}
	acme, bolt := "org/"+testkit.Acme, "org/"+testkit.Bolt
	if got := subscribe(acme, bolt, "calls/*"); got != 204 {
		t.Fatalf("got %d", got)
	}
	settings, err := p.FindRecordById(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"))
	if err != nil {
		t.Fatal(err)
	}
	settings.Set("ip_whitelist", []string{"192.0.2.0/24"})
	if err := p.Save(settings); err != nil {
		t.Fatal(err)
	}
	touch := func(id string) {
		t.Helper()
		r, err := p.FindRecordById(collections.Calls, id)
		if err != nil {
			t.Fatal(err)
		}
		r.Set("notes", "changed "+id)
		if err := p.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	touch(testkit.AcmeCall)
	touch(testkit.BoltCall)
	ended, record, topic := false, false, false
	for late := time.After(time.Minute); !ended || !record || !topic; {
		select {
		case e := <-s.events:
			if strings.Contains(e, testkit.AcmeCall) {
				t.Errorf("heard of Acme: %s", e)
			}
			ended = ended || e == acme+` {"ended":true}`
			record = record || strings.HasPrefix(e, "calls/*") && strings.Contains(e, testkit.BoltCall)
			topic = topic || strings.HasPrefix(e, bolt) && strings.Contains(e, testkit.BoltCall)
		case <-late:
			t.Fatalf("ended: %t, record: %t, topic: %t", ended, record, topic)
		}
	}
	if got := subscribe(acme); got != 403 {
		t.Errorf("subscribing to Acme got %d, want 403", got)
	}
	if got := subscribe("call/" + testkit.AcmeLiveCall); got != 403 {
		t.Errorf("subscribing to a call of Acme got %d, want 403", got)
	}
	if got := subscribe(bolt); got != 204 {
		t.Errorf("subscribing to Bolt got %d, want 204", got)
	}
}
