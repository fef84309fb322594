package hooks_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	theirNumber = "+12025550170" // of Acme's caller
	theirMask   = "••••70"
	ourLine     = "+12025550100"
)

// surfaces are the paths by which callers' numbers leave.
var surfaces = []string{
	"/api/collections/calls/records?organization=" + testkit.Acme,
	"/api/collections/calls/records?expand=contact&organization=" + testkit.Acme,
	"/api/collections/calls/records/" + testkit.AcmeCall,
	"/api/collections/calls/records/" + testkit.AcmeCall + "?expand=contact",
	"/api/collections/messages/records?expand=call&organization=" + testkit.Acme,
	"/api/collections/contacts/records?organization=" + testkit.Acme,
	"/api/collections/contacts/records/" + testkit.AcmeContact,
	"/api/organizations/" + testkit.Acme + "/calls",
	"/api/organizations/" + testkit.Acme + "/calls?search=Cara",
	"/api/organizations/" + testkit.Acme + "/calls?search=" + url.QueryEscape(theirNumber),
	"/api/organizations/" + testkit.Acme + "/calls.csv",
	"/api/organizations/" + testkit.Acme + "/home",
	"/api/organizations/" + testkit.Acme + "/contacts",
	"/api/organizations/" + testkit.Acme + "/contacts?search=Cara",
	"/api/organizations/" + testkit.Acme + "/contacts.csv",
	"/api/calls",
	"/api/calls/" + testkit.AcmeCall,
	"/api/dashboard/activity",
	"/functions/v1/calls",
	"/functions/v1/calls/" + testkit.AcmeCall,
}

// masking puts the setting on, and the fixtures' call among what is to be done.
func masking(t *testing.T) (*product, *testkit.Client) {
	t.Helper()
	p := newProduct(t)
	o, err := p.FindRecordById(collections.Organizations, testkit.Acme)
	if err != nil {
		t.Fatal(err)
	}
	o.Set("mask_numbers", true)
	if err := p.Save(o); err != nil {
		t.Fatal(err)
	}
	p.exec(`UPDATE calls SET started_at = strftime('%Y-%m-%d %H:%M:%fZ'), missed = TRUE WHERE id = '` + testkit.AcmeCall + `'`)
	return p, testkit.API(t, p.TestApp)
}

func TestMask_keeps_numbers_from_roles_below_manager_on_every_surface(t *testing.T) {
	p, api := masking(t)
	type asker struct {
		name   string
		masked bool
		ask    func(method, path string, body any) (int, []byte)
	}
	askers := []asker{}
	for _, person := range []string{testkit.AcmeOwner, testkit.AcmeAdmin, testkit.AcmeManager, testkit.AcmeAgent,
		testkit.AcmeViewer, testkit.AcmeDeveloper, testkit.Sam} {
		masked := !slices.Contains([]string{testkit.AcmeOwner, testkit.AcmeAdmin, testkit.AcmeManager}, person)
		askers = append(askers, asker{person, masked, func(method, path string, body any) (int, []byte) {
			if person == testkit.Sam && !strings.Contains(path, testkit.Acme) {
				path += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "organization=" + testkit.Acme
			}
			a := api.Do(method, path, person, body)
			return a.Status, a.Body
		}})
	}
	for _, role := range []string{collections.Manager, collections.Agent, collections.Viewer, collections.Developer} {
		var made struct{ Key string }
		api.Do("POST", "/api/organizations/"+testkit.Acme+"/keys", testkit.AcmeOwner,
			map[string]string{"name": role, "role": role}).Want(201).JSON(&made)
		key := &bearer{t: t, api: api, token: made.Key}
		askers = append(askers, asker{"a key of " + role, role != collections.Manager, key.ask})
	}
	for _, a := range askers {
		for _, path := range surfaces {
			status, body := a.ask("GET", path, nil)
			text := string(body)
			if status != 200 {
				t.Errorf("%s asks for %s: got %d %.200s", a.name, path, status, text)
				continue
			}
			if got := strings.Contains(text, theirNumber); got == a.masked {
				t.Errorf("%s asks for %s: the number is there: %v, masked is %v: %.600s", a.name, path, got, a.masked, text)
			}
			if a.masked && !strings.Contains(text, theirMask) {
				t.Errorf("%s asks for %s: no mask in %.600s", a.name, path, text)
			}
		}
		// The organization's own line is nobody's secret.
		if _, body := a.ask("GET", "/api/collections/calls/records/"+testkit.AcmeCall, nil); !strings.Contains(string(body), ourLine) {
			t.Errorf("%s does not see the line that was called: %.400s", a.name, body)
		}
	}
	// Elsewhere, and where nobody asked for it, numbers are shown.
	if a := api.Do("GET", "/api/organizations/"+testkit.Bolt+"/calls", testkit.Sam, nil).Want(200); !strings.Contains(string(a.Body), "+12025550171") {
		t.Errorf("the other organization's are masked as well: %.300s", a.Body)
	}
	if p.count(`SELECT count(*) FROM calls WHERE caller_number LIKE '%•%'`)+p.count(`SELECT count(*) FROM contacts WHERE phone_number LIKE '%•%'`) > 0 {
		t.Error("a mask was stored")
	}
}

func TestMask_tells_nothing_by_what_matches(t *testing.T) {
	_, api := masking(t)
	for _, query := range []string{
		"calls/records?filter=" + url.QueryEscape(`caller_number ~ "+1202555"`),
		"calls/records?filter=" + url.QueryEscape(`caller_number:lower >= "+1"`),
		"calls/records?filter=" + url.QueryEscape(`contact.phone_number ~ "0170"`),
		"calls/records?sort=caller_number",
		"contacts/records?filter=" + url.QueryEscape(`phone_number ~ "0170"`),
		"contacts/records?filter=" + url.QueryEscape(`calls_via_contact.caller_number ?~ "0170"`),
		"contacts/records?sort=-phone_number",
		"messages/records?filter=" + url.QueryEscape(`call.caller_number ~ "0170"`),
	} {
		path := "/api/collections/" + query + "&organization=" + testkit.Acme
		api.Do("GET", path, testkit.AcmeAgent, nil).Want(400)
	}
	for _, part := range []string{"0170", "+1202555", "202555"} {
		for _, list := range []string{"calls", "contacts"} {
			path := "/api/organizations/" + testkit.Acme + "/" + list + "?search=" + url.QueryEscape(part)
			var found struct{ Items []any }
			if api.Do("GET", path, testkit.AcmeAgent, nil).Want(200).JSON(&found); len(found.Items) > 0 {
				t.Errorf("%s by %q: got %d, want none", list, part, len(found.Items))
			}
			if api.Do("GET", path, testkit.AcmeManager, nil).Want(200).JSON(&found); len(found.Items) == 0 {
				t.Errorf("a manager finds nothing in %s by %q", list, part)
			}
		}
	}
	api.Do("PATCH", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeAgent,
		map[string]any{"name": "Priya Raman"}).Want(200)
	api.Do("POST", "/api/collections/contacts/records", testkit.AcmeAgent,
		map[string]any{"organization": testkit.Acme, "phone_number": theirMask}).Want(400).Nothing()
}

// The direction of a call says whose number is whose: from whom numbers are kept cannot
// turn a call around to read the other one.
func TestMask_is_not_lifted_by_turning_a_call_around(t *testing.T) {
	p, api := masking(t)
	var written struct{ Data struct{ ID string } }
	api.Do("POST", "/api/calls", testkit.AcmeManager,
		map[string]any{"caller_number": theirNumber, "recipient_number": ourLine, "duration": 3}).Want(200).JSON(&written)
	path := "/api/collections/calls/records/" + written.Data.ID
	around := map[string]any{"call_type": collections.Outbound}
	var made struct{ Key string }
	api.Do("POST", "/api/organizations/"+testkit.Acme+"/keys", testkit.AcmeOwner,
		map[string]string{"name": "a", "role": collections.Agent}).Want(201).JSON(&made)
	key := &bearer{t: t, api: api, token: made.Key}
	for _, one := range []struct{ method, path string }{{"PATCH", path}, {"PUT", "/api/calls/" + written.Data.ID}} {
		a := api.Do(one.method, one.path, testkit.AcmeAgent, around).Want(400)
		if status, body := key.ask(one.method, one.path, around); status != 400 ||
			strings.Contains(string(a.Body)+string(body), theirNumber) || !strings.Contains(string(body), "call_type") {
			t.Errorf("%s %s: a person gets %s, a key %d %s", one.method, one.path, a.Body, status, body)
		}
	}
	if n := p.count(`SELECT count(*) FROM calls WHERE id = '` + written.Data.ID + `' AND call_type = 'inbound'`); n != 1 {
		t.Error("the call was turned around")
	}
	// What is no turn, and who sees numbers, is not kept from it.
	api.Do("PATCH", path, testkit.AcmeAgent, map[string]any{"call_type": collections.Inbound, "notes": "x"}).Want(200)
	api.Do("PATCH", path, testkit.AcmeManager, around).Want(200)
}

func TestMask_holds_for_what_streams_hear(t *testing.T) {
	p, api := masking(t)
	messages := make(chan heard, 100)
	coming := 0
	p.OnRecordEnrich().BindFunc(func(e *core.RecordEnrichEvent) error {
		if e.RequestInfo.Context == core.RequestInfoContextRealtime {
			coming++
		}
		return e.Next()
	})
	for _, person := range []string{testkit.AcmeManager, testkit.AcmeAgent} {
		l := &listener{subscriptions.NewDefaultClient(), messages, actor{email: person}}
		p.SubscriptionsBroker().Register(l)
		api.Do("POST", "/api/realtime", person,
			map[string]any{"clientId": l.Id(), "subscriptions": []string{"contacts/*"}}).Want(204)
		filtered := `contacts/*?options={"query":{"filter":"phone_number ~ '0170'"}}`
		want := 204
		if person == testkit.AcmeAgent {
			want = 400
		}
		api.Do("POST", "/api/realtime", person,
			map[string]any{"clientId": l.Id(), "subscriptions": []string{"contacts/*", filtered}}).Want(want)
		api.Do("POST", "/api/realtime", person,
			map[string]any{"clientId": l.Id(), "subscriptions": []string{"contacts/*"}}).Want(204)
	}
	contact, err := p.FindRecordById(collections.Contacts, testkit.AcmeContact)
	if err != nil {
		t.Fatal(err)
	}
	contact.Set("name", "Priya Raman")
	if err := p.Save(contact); err != nil {
		t.Fatal(err)
	}
	if coming != 2 {
		t.Fatalf("%d messages are on their way, want 2", coming)
	}
	for range coming {
		m := <-messages
		if got, want := strings.Contains(string(m.data), theirNumber), m.actor.email == testkit.AcmeManager; got != want {
			t.Errorf("%s hears the number: %v, want %v: %s", m.actor.email, got, want, m.data)
		}
	}
}

func TestMask_is_lifted_for_one_call_by_who_may_call_back_and_written_down(t *testing.T) {
	p, api := masking(t)
	path := "/api/organizations/" + testkit.Acme + "/calls/" + testkit.AcmeCall + "/numbers"
	shown := `SELECT count(*) FROM audit_logs WHERE action = 'calls.number' AND record = '` + testkit.AcmeCall + `'`
	for person, status := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeViewer: 403,
		testkit.AcmeTrainee: 403} {
		api.Do("GET", path, person, nil).Want(status).Nothing()
	}
	var numbers struct {
		Caller string `json:"caller_number"`
	}
	if api.Do("GET", path, testkit.AcmeManager, nil).Want(200).JSON(&numbers); numbers.Caller != theirNumber || p.count(shown) != 0 {
		t.Errorf("a manager gets %q, and the log has %d", numbers.Caller, p.count(shown))
	}
	if api.Do("GET", path, testkit.AcmeAgent, nil).Want(200).JSON(&numbers); numbers.Caller != theirNumber || p.count(shown) != 1 {
		t.Errorf("an agent gets %q, and the log has %d lines, want 1", numbers.Caller, p.count(shown))
	}
	var made struct{ Key string }
	api.Do("POST", "/api/organizations/"+testkit.Acme+"/keys", testkit.AcmeOwner,
		map[string]string{"name": "a", "role": collections.Agent}).Want(201).JSON(&made)
	key := &bearer{t: t, api: api, token: made.Key}
	if status, _ := key.ask("GET", path, nil); status != 403 {
		t.Errorf("a key gets %d, want 403", status)
	}
	for person, status := range map[string]int{testkit.AcmeAdmin: 200, testkit.AcmeManager: 404} {
		api.Do("PATCH", "/api/collections/organizations/records/"+testkit.Acme, person,
			map[string]any{"mask_numbers": false}).Want(status)
	}
}
