package hooks_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// gates are what an organization may ask that none of the fixtures' people
// fulfils.
var gates = map[string]map[string]any{
	"network": {"ip_whitelist": []string{"192.0.2.0/24"}},
	"factor":  {"two_factor_enabled": true},
}

// gated are members of Acme: Sam has another organization, the others none.
var gated = []string{testkit.Sam, testkit.AcmeOwner, testkit.AcmeViewer}

// eachGate runs a test on the product while Acme is closed by each gate.
func eachGate(t *testing.T, test func(t *testing.T, p *product, api *testkit.Client)) {
	for name, settings := range gates {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProduct(t)
			p.close(settings)
			test(t, p, testkit.API(t, p.TestApp))
		})
	}
}

// close puts a gate before Acme.
func (p *product) close(settings map[string]any) {
	p.t.Helper()
	row, err := p.FindRecordById(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"))
	if err != nil {
		p.t.Fatal(err)
	}
	row.Load(settings)
	if err := p.Save(row); err != nil {
		p.t.Fatal(err)
	}
}

func TestGate_hides_every_row_but_the_own_membership_wherever_it_hangs(t *testing.T) {
	eachGate(t, func(t *testing.T, p *product, api *testkit.Client) {
		for _, c := range collections.All() {
			if c.ListRule == nil {
				continue
			}
			var expand []string
			for _, w := range paths(c, 2) {
				expand = append(expand, w.name)
			}
			if c.Name == collections.Users || c.Name == collections.Memberships {
				for name := range steps(collections.ByName(collections.Organizations)) {
					expand = append(expand, "memberships_via_user.organization."+name,
						"user.memberships_via_user.organization."+name)
				}
			}
			// Paths that lead back twice are refused before anybody is asked (package intake).
			expand = slices.DeleteFunc(expand, func(path string) bool { return strings.Count(path, "_via_") > 1 })
			for _, email := range gated {
				for _, query := range []url.Values{{}, {"organization": {testkit.Acme}},
					{"organization": {testkit.Bolt}}, {"filter": {"organization = '" + testkit.Acme + "'"}}} {
					for part := range slices.Chunk(expand, 10) {
						query.Set("expand", strings.Join(part, ","))
						answer := api.Do("GET", "/api/collections/"+c.Name+"/records?"+query.Encode(), email, nil)
						if want := listed(c, email, query); answer.Status != want {
							t.Fatalf("%s lists %s with %s: got %d %.200s, want %d", email, c.Name, query.Encode(), answer.Status,
								answer.Body, want)
						}
						if found := behind(t, answer.Body, email); len(found) > 0 {
							t.Fatalf("%s lists %s with %s and sees %v", email, c.Name, query.Encode(), found)
						}
					}
				}
			}
		}
		// The answers to a sign-in, and the person's own row.
		every := url.Values{"expand": {"last_organization.calls_via_organization,memberships_via_user.organization"}}.Encode()
		signedIn := 200
		if p.count("SELECT count(*) FROM security_settings WHERE two_factor_enabled") > 0 {
			signedIn = 401 // a ticket
		}
		for _, email := range gated {
			for _, r := range []struct{ method, path string }{
				{"GET", "/api/collections/users/records/" + testkit.User(email)},
				{"POST", "/api/collections/users/auth-refresh"},
				{"GET", "/api/collections/memberships/records/" + testkit.UserMembership(email, testkit.Acme)},
				{"PATCH", "/api/collections/users/records/" + testkit.User(email)},
			} {
				if found := behind(t, api.Do(r.method, r.path+"?"+every+",organization", email,
					map[string]any{}).Want(200).Body, email); len(found) > 0 {
					t.Errorf("%s: %s %s shows %v", email, r.method, r.path, found)
				}
			}
			answer := api.Do("POST", "/api/collections/users/auth-with-password?"+every, testkit.Guest,
				map[string]any{"identity": email, "password": testkit.Password}).Want(signedIn)
			if found := behind(t, answer.Body, email); len(found) > 0 {
				t.Errorf("%s signs in and sees %v", email, found)
			}
		}
		// What is open still expands.
		answer := api.Do("GET", "/api/collections/memberships/records?expand=organization", testkit.Sam, nil).Want(200)
		if !strings.Contains(string(answer.Body), "Bolt Garage") ||
			strings.Contains(string(answer.Body), "Acme Bakery") {
			t.Errorf("Sam's places: %s", answer.Body)
		}
	})
}

// Whatever is asked about rows behind a gate is answered alike, whether they
// are there or not.
func TestGate_answers_alike_whether_a_row_is_there_or_not(t *testing.T) {
	eachGate(t, func(t *testing.T, p *product, api *testkit.Client) {
		answer := func(method, path, email string) string {
			a := api.Do(method, path, email, map[string]any{})
			return fmt.Sprint(a.Status, " ", string(a.Body))
		}
		for _, c := range collections.All() {
			if c.ListRule == nil || !collections.Tenant(c) && c.Name != collections.Organizations {
				continue
			}
			there, missing := matrix[c.Name].rowID(c.Name, testkit.Acme), "nowhere00000000"
			if c.Name == collections.Memberships {
				there = testkit.UserMembership(testkit.AcmeAgent, testkit.Acme)
			}
			for _, email := range gated {
				for _, where := range []string{"", "&organization=" + testkit.Acme, "&organization=" + testkit.Bolt} {
					for _, method := range []string{"GET", "PATCH", "DELETE"} {
						base := "/api/collections/" + c.Name + "/records/"
						if one, other := answer(method, base+there+"?"+where, email), answer(method,
							base+missing+"?"+where, email); one != other {
							t.Errorf("%s: %s %s %s: got %s, and for a row that is not there %s", email, method, c.Name,
								where, one, other)
						}
					}
					for _, filter := range []string{"id = '%s'", "id >= '%s' && id <= '%[1]s'",
						"id != '' && (id = '%s' || id = '')", "organization = '" + testkit.Acme + "' && id = '%s'"} {
						list := func(id string) string {
							return answer("GET",
								"/api/collections/"+c.Name+"/records?filter="+url.QueryEscape(fmt.Sprintf(filter,
									id))+where, email)
						}
						if one, other := list(there), list(missing); one != other {
							t.Errorf("%s: %s of %s %s: got %s, and for a row that is not there %s", email, filter,
								c.Name, where, one, other)
						}
					}
				}
			}
		}
	})
}

// Routes about all of a person's organizations leave out what a closed one says
// of itself, by whatever name it is asked for.
func TestGate_holds_for_routes_over_several_organizations(t *testing.T) {
	eachGate(t, func(t *testing.T, p *product, api *testkit.Client) {
		p.exec("UPDATE organizations SET name = 'Behind the gate', member_key = 'mk_behind', description = 'Behind', industry = 'Behind' WHERE id = '" + testkit.Acme + "'")
		tenant.Forget(p)
		n := 0
		for _, r := range p.desk.Facade.Routes() {
			path := strings.NewReplacer("{id}", testkit.AcmeCall, "{organization}", testkit.Acme).Replace(r.Path)
			if r.Auth != facade.SignedIn || r.Method != "GET" || strings.Contains(path, "{") {
				continue
			}
			n++
			for _, email := range gated {
				for _, query := range []string{"", "?organization=" + testkit.Acme, "?companyId=" + testkit.Acme,
					"?shape=array"} {
					if a := api.Do("GET", path+query, email, nil); strings.Contains(strings.ToLower(string(a.Body)),
						"behind") {
						t.Errorf("%s asks %s and sees %.300s", email, path+query, a.Body)
					}
				}
			}
		}
		if n < 5 {
			t.Errorf("only %d routes were asked", n)
		}
		var listed struct{ Companies []map[string]any }
		api.Do("GET", "/api/organizations", testkit.Sam, nil).Want(200).JSON(&listed)
		if len(listed.Companies) != 2 {
			t.Fatalf("Sam's places: %v", listed.Companies)
		}
		for _, c := range listed.Companies {
			closed := c["id"] == testkit.Acme
			if c["membership_role"] == "" || closed != (c["name"] == "") || closed != (c["member_count"] == 0.0) ||
				closed != (c["timezone"] == "") {
				t.Errorf("got %v", c)
			}
		}
		api.Do("POST", "/api/organizations/select", testkit.Sam,
			map[string]any{"companyId": testkit.Acme}).Want(403).Nothing()
	})
}

// What the row routes change, they change only before an open gate, and a
// wrapper is the same request.
func TestGate_holds_for_wrapped_and_inner_requests(t *testing.T) {
	eachGate(t, func(t *testing.T, p *product, api *testkit.Client) {
		calls := p.count("SELECT count(*) FROM calls")
		n := 0
		for _, r := range p.desk.Facade.Routes() {
			rest, old := strings.CutPrefix(r.Path, "/functions/v1/")
			if r.Auth != facade.Member && r.Auth != facade.Admin {
				continue
			}
			function, more, _ := strings.Cut(rest, "/")
			path := strings.NewReplacer("{id}", testkit.AcmeCall, "{organization}", testkit.Acme).Replace(r.Path)
			if strings.Contains(path, "{") {
				continue
			}
			n++
			api.Do(r.Method, path+"?organization="+testkit.Acme, testkit.AcmeOwner, map[string]any{}).Want(403).Nothing()
			if old && (more == "" || more == "{id}") {
				for _, method := range []string{"GET", "POST", "PATCH", "PUT", "DELETE"} {
					body := map[string]any{"method": method,
						"data": map[string]any{"companyId": testkit.Acme, "name": "x"}, "id": testkit.AcmeCall}
					if a := api.Do("POST", "/functions/v1/"+function, testkit.AcmeOwner, body); a.Status < 400 {
						t.Errorf("%s %s in a wrapper: got %d: %.200s", method, function, a.Status, a.Body)
					}
				}
			}
		}
		if n < 30 {
			t.Errorf("only %d routes were asked", n)
		}
		if got := p.count("SELECT count(*) FROM calls"); got != calls {
			t.Errorf("%d calls, want %d", got, calls)
		}
	})
}

// A session with the factor keeps it inside: the wrapper works.
func TestFactor_of_a_session_reaches_inner_requests(t *testing.T) {
	p := newProduct(t)
	p.close(gates["factor"])
	p.exec("UPDATE sessions SET second_factor = true WHERE user = '" + testkit.User(testkit.AcmeAdmin) + "'")
	api := testkit.API(t, p.TestApp)
	wrapped := map[string]any{"method": "GET", "data": map[string]any{}}
	for _, r := range p.desk.Facade.Routes() {
		if function, ok := strings.CutPrefix(r.Path, "/functions/v1/"); ok && r.Method == "GET" &&
			r.Auth == facade.Member && !strings.Contains(function, "/") {
			direct := api.Do("GET", r.Path, testkit.AcmeAdmin, nil)
			if a := api.Do("POST", r.Path, testkit.AcmeAdmin, wrapped); a.Status != direct.Status || a.Status == 403 {
				t.Errorf("%s: got %d wrapped, %d direct", function, a.Status, direct.Status)
			}
			api.Do("POST", r.Path, testkit.AcmeAgent, wrapped).Want(403).Nothing()
		}
	}
	api.Do("GET", "/api/collections/calls/records", testkit.AcmeAdmin, nil).Want(200)
}

func TestGate_holds_for_what_streams_hear(t *testing.T) {
	eachGate(t, func(t *testing.T, p *product, api *testkit.Client) {
		messages := make(chan heard, 1000)
		every := "?options=" + url.QueryEscape(`{"query":{"expand":"last_organization,organization,user"}}`)
		for _, email := range gated {
			l := &listener{subscriptions.NewDefaultClient(), messages, actor{email: email}}
			p.SubscriptionsBroker().Register(l)
			var topics []string
			for _, name := range []string{
				collections.Users, collections.Memberships, collections.Organizations, collections.Calls,
				collections.Assistants, collections.Messages,
			} {
				topics = append(topics, name+"/*"+every)
			}
			api.Do("POST", "/api/realtime", email,
				map[string]any{"clientId": l.Id(), "subscriptions": topics}).Want(204)
			// A call that is there and one that is not are answered alike.
			for _, call := range []string{testkit.AcmeLiveCall, "nowhere00000000"} {
				api.Do("POST", "/api/realtime", email,
					map[string]any{"clientId": l.Id(), "subscriptions": append(topics, "call/"+call)}).Want(403).Nothing()
			}
		}
		save := func(collection, id, field string, value any) {
			t.Helper()
			r, err := p.FindRecordById(collection, id)
			if err != nil {
				t.Fatal(err)
			}
			r.Set(field, value)
			if err := p.Save(r); err != nil {
				t.Fatal(err)
			}
		}
		for _, organization := range []string{testkit.Acme, testkit.Bolt} {
			save(collections.Calls, testkit.Row(organization, "call"), "notes", "changed")
			save(collections.Organizations, organization, "description", "changed")
			save(collections.Memberships, testkit.UserMembership(testkit.Sam, organization), "notes", "changed")
			save(collections.Assistants, testkit.Row(organization, "assistant"), "first_message", "Changed")
		}
		for _, email := range gated {
			save(collections.Users, testkit.User(email), "name", "Changed")
		}
		bolt, acme, person := false, false, 0
		for !bolt || !acme || person < len(gated) { // sent one after another, in any order
			var m heard
			select {
			case m = <-messages:
			case <-time.After(20 * time.Second):
				t.Fatalf("Bolt's call: %t, Sam's membership of Acme: %t, people: %d", bolt, acme, person)
			}
			if found := behind(t, m.data, m.actor.email); len(found) > 0 {
				t.Errorf("%s hears %s and sees %v", m.actor.email, m.topic, found)
			}
			bolt = bolt || strings.HasPrefix(m.topic, "calls/") && strings.Contains(string(m.data), testkit.BoltCall)
			acme = acme || strings.HasPrefix(m.topic, "memberships/") &&
				strings.Contains(string(m.data), testkit.UserMembership(testkit.Sam, testkit.Acme))
			if strings.HasPrefix(m.topic, "users/") {
				person++
			}
		}
	})
}

// A file is a row as well: the token that opens it knows the session it came
// from, and what that proved.
func TestGate_holds_for_files(t *testing.T) {
	eachGate(t, func(t *testing.T, p *product, api *testkit.Client) {
		recording, err := p.FindRecordById(collections.Recordings, testkit.AcmeRecording)
		if err != nil {
			t.Fatal(err)
		}
		p.exec("UPDATE sessions SET second_factor = true WHERE user = '" + testkit.User(testkit.AcmeAdmin) + "'")
		open := func(email, address string) int {
			t.Helper()
			api.Address = address
			var token struct{ Token string }
			api.Do("POST", "/api/files/token", email, nil).Want(200).JSON(&token)
			return api.Do("GET", "/api/files/recordings/"+recording.Id+"/"+recording.GetString("file")+"?token="+token.Token,
				testkit.Guest, nil).Status
		}
		for _, email := range gated {
			if got := open(email, "198.51.100.7:4000"); got != 403 {
				t.Errorf("%s opens a recording: got %d, want 403", email, got)
			}
		}
		if got := open(testkit.AcmeAdmin, "192.0.2.7:4000"); got != 200 {
			t.Errorf("from the network, with the factor: got %d, want 200", got)
		}
	})
}
