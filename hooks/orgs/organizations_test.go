package orgs_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/orgs"
)

type company struct {
	ID, Name, Timezone, Status string
	MemberCount                int    `json:"member_count"`
	Role                       string `json:"membership_role"`
	MembershipStatus           string `json:"membership_status"`
	IsDefault                  bool   `json:"is_default"`
	LastAccessed               string `json:"last_accessed"`
	JoinedAt                   string `json:"joined_at"`
	CompanySize, MemberKey     string
	Industry                   string
}

func TestOrganizations_lists_those_of_the_caller(t *testing.T) {
	d := open(t, nil)
	d.Do("GET", "/api/organizations", testkit.Guest, nil).Want(401).Nothing()
	for person, want := range map[string][]string{
		testkit.Sam: {"acme viewer 8", "bolt owner 2"}, testkit.AcmeAgent: {"acme agent 8"}, testkit.AcmeSuspended: nil,
		testkit.Nobody: nil, testkit.Superuser: nil,
	} {
		var answer struct{ Companies []company }
		var keys struct{ Companies []map[string]any }
		a := d.Do("GET", "/api/organizations", person, nil).Want(200)
		a.JSON(&answer)
		a.JSON(&keys)
		var got []string
		for i, c := range answer.Companies {
			got = append(got, c.ID[:4]+" "+c.Role+" "+string(rune('0'+c.MemberCount)))
			if c.MembershipStatus != "active" || c.JoinedAt == "" || c.Timezone != "America/New_York" {
				t.Errorf("%s: got %+v", person, c)
			}
			for _, key := range []string{"id", "name", "company_size", "member_key", "industry", "timezone",
				"member_count", "membership_role", "membership_status", "is_default", "joined_at", "last_accessed"} {
				if _, there := keys.Companies[i][key]; !there {
					t.Errorf("the documented field %s is missing", key)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", person, got, want)
		}
	}
}

func TestSelect_changes_the_active_organization(t *testing.T) {
	d := open(t, nil)
	for _, tt := range []struct {
		name, person string
		body         any
		status       int
	}{
		{"guest", testkit.Guest, map[string]any{"companyId": testkit.Acme}, 401},
		{"not a member", testkit.BoltOwner, map[string]any{"companyId": testkit.Acme}, 403},
		{"no such organization", testkit.BoltOwner, map[string]any{"companyId": "nothing00000000"}, 403},
		{"suspended", testkit.AcmeSuspended, map[string]any{"companyId": testkit.Acme}, 403},
		{"nothing named", testkit.Sam, map[string]any{}, 400},
		{"an object", testkit.Sam, map[string]any{"companyId": map[string]any{}}, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := d.Do("POST", "/api/organizations/select", tt.person, tt.body).Want(tt.status)
			if !strings.Contains(string(a.Body), `"error"`) || a.Header.Get("Set-Cookie") != "" {
				t.Errorf("got %s, cookie %q", a.Body, a.Header.Get("Set-Cookie"))
			}
		})
	}
	a := d.Do("POST", "/api/organizations/select", testkit.Sam, map[string]any{"companyId": testkit.Acme}).Want(200)
	if strings.TrimSpace(string(a.Body)) != `{"success":true}` {
		t.Errorf("got %s", a.Body)
	}
	cookie, err := http.ParseSetCookie(a.Header.Get("Set-Cookie"))
	if err != nil || cookie.Name != "selected_company_id" || cookie.Value != testkit.Acme || !cookie.HttpOnly ||
		!cookie.Secure || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("got cookie %v (%v)", cookie, err)
	}
	if got := d.Find(collections.Users, "email = 'sam@both.test'").GetString("last_organization"); got != testkit.Acme {
		t.Errorf("last organization is %s", got)
	}
	m, err := d.FindRecordById(collections.Memberships, testkit.UserMembership(testkit.Sam, testkit.Acme))
	if err != nil || time.Since(m.GetDateTime("last_accessed_at").Time()) > time.Minute ||
		m.GetInt("total_sessions") != 1 {
		t.Errorf("membership: %v %s %d", err, m.GetDateTime("last_accessed_at"), m.GetInt("total_sessions"))
	}
	if len(d.Dropped) != 0 {
		t.Errorf("choosing an organization ended streams: %v", d.Dropped)
	}
	var listed struct{ Companies []company }
	d.Do("GET", "/api/organizations", testkit.Sam, nil).JSON(&listed)
	if listed.Companies[0].ID != testkit.Acme || listed.Companies[0].LastAccessed == "" {
		t.Errorf("the last one used is not first: %+v", listed.Companies)
	}
}

func TestLimits_hold_for_whoever_makes_a_row(t *testing.T) {
	d := open(t, nil)
	d.Set(collections.Organizations, testkit.Acme,
		map[string]any{"limits": map[string]any{"assistants": 2, "numbers": 1, "members": 9, "minutes": 100}})
	var got struct {
		Plan         string
		Limits, Used orgs.Limits
	}
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.Guest, nil).Want(401).Nothing()
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.BoltOwner, nil).Want(404).Nothing()
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.AcmeViewer, nil).Want(200).JSON(&got)
	want := orgs.Limits{Minutes: 100, Numbers: 1, Members: 9, Assistants: 2}
	if got.Plan != "pro" || got.Limits != want || got.Used != (orgs.Limits{Numbers: 1, Members: 9, Assistants: 1}) {
		t.Errorf("got %+v", got)
	}
	assistant := map[string]any{"organization": testkit.Acme, "name": "Another", "type": "voice"}
	d.Do("POST", "/api/collections/assistants/records", testkit.AcmeOwner, assistant).Want(200)
	a := d.Do("POST", "/api/collections/assistants/records", testkit.AcmeOwner, assistant).Want(403).Nothing()
	if !strings.Contains(string(a.Body), "allows 2 assistants") {
		t.Errorf("got %s", a.Body)
	}
	number := map[string]any{"organization": testkit.Acme, "provider": "other", "phone_number": "+12025550177"}
	if a := d.Do("POST", "/api/collections/phone_numbers/records", testkit.AcmeOwner,
		number).Want(403); !strings.Contains(string(a.Body), "allows 1 phone numbers") {
		t.Errorf("got %s", a.Body)
	}
	if n := d.Count("SELECT count(*) FROM assistants WHERE organization = '" + testkit.Acme + "'"); n != 2 {
		t.Errorf("%d assistants, want 2", n)
	}
	// Another organization is not touched, and a cap of an agency only lowers.
	d.Do("POST", "/api/collections/assistants/records", testkit.BoltOwner,
		map[string]any{"organization": testkit.Bolt, "name": "Another", "type": "voice"}).Want(200)
	d.Set(collections.Organizations, testkit.Acme, map[string]any{"limits": map[string]any{"minutes_cap": 50}})
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.AcmeViewer, nil).JSON(&got)
	if got.Limits.Minutes != 50 || got.Limits.Assistants != 50 {
		t.Errorf("got %+v", got.Limits)
	}
}

func TestOrganization_validates_hours_zone_and_closures(t *testing.T) {
	d := open(t, nil)
	path := "/api/collections/organizations/records/" + testkit.Acme
	for field, values := range map[string][]any{
		"timezone": {"Mars/Olympus", "Local"},
		"business_hours": {map[string]any{"monday": []any{}}, []any{1},
			map[string]any{"mon": []any{map[string]any{"from": "9:00", "to": "9:00"}}}},
		"closures": {[]any{map[string]any{"from": "soon"}},
			[]any{map[string]any{"from": "2026-12-26", "to": "2026-12-24"}}},
		"country":         {"fr", "1A"},
		"currency":        {"usd", "$$$"},
		"trusted_origins": {"x", []any{"https://a.example/path"}, []any{"javascript:alert(1)"}},
		"plan":            {"enterprise"}, "paused": {true}, "limits": {map[string]any{"members": 1}},
		"deletes_at": {"2030-01-01 00:00:00.000Z"}, "member_key": {"x"}, "status": {"closed"},
	} {
		for _, value := range values {
			a := d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{field: value})
			if a.Status != 400 && a.Status != 404 || a.Status == 400 && !strings.Contains(string(a.Body), `"`+field+`"`) {
				t.Errorf("%s = %v: got %d %s", field, value, a.Status, a.Body)
			}
		}
	}
	good := map[string]any{
		"timezone": "Australia/Sydney", "country": "AU", "currency": "AUD", "trusted_origins": []string{"https://a.example"},
		"business_hours": map[string]any{"mon": []any{map[string]any{"from": "09:00", "to": "12:00"},
			map[string]any{"from": "13:00", "to": "17:00"}}},
		"closures": []any{map[string]any{"name": "Melbourne Cup", "from": "2026-11-02",
			"hours": []any{map[string]any{"from": "10:00", "to": "11:00"}}}},
	}
	d.Do("PATCH", path, testkit.AcmeManager, good).Want(404).Nothing()
	d.Do("PATCH", path, testkit.AcmeAdmin, good).Want(200)
	type answer struct {
		Open            bool
		Reason, Closure string
		Next            string `json:"next_change"`
	}
	for at, want := range map[string]answer{
		"2026-11-08T22:30:00Z": {true, "hours", "", "2026-11-09T01:00:00.000Z"},
		"2026-11-02T00:00:00Z": {false, "outside_hours", "Melbourne Cup", "2026-11-08T22:00:00.000Z"},
		"2026-11-01T23:30:00Z": {true, "special_hours", "Melbourne Cup", "2026-11-02T00:00:00.000Z"},
	} {
		var got answer
		d.Do("GET", "/api/organizations/"+testkit.Acme+"/open?at="+at, testkit.AcmeViewer, nil).Want(200).JSON(&got)
		if got != want {
			t.Errorf("%s: got %+v, want %+v", at, got, want)
		}
	}
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/open?at=noon", testkit.AcmeViewer, nil).Want(400).Nothing()
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/open", testkit.BoltOwner, nil).Want(404).Nothing()
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/open", testkit.Guest, nil).Want(401).Nothing()
}

func TestFunctionOrganization_answers_as_the_reference_shows(t *testing.T) {
	d := open(t, nil)
	d.Do("GET", "/functions/v1/organization", testkit.Guest, nil).Want(401).Nothing()
	var one struct{ Data map[string]any }
	d.Do("GET", "/functions/v1/organization", testkit.AcmeViewer, nil).Want(200).JSON(&one)
	for field, want := range map[string]any{"id": testkit.Acme, "name": "Acme Bakery", "plan": "pro",
		"owner_id": testkit.User(testkit.AcmeOwner)} {
		if one.Data[field] != want {
			t.Errorf("%s: got %v, want %v", field, one.Data[field], want)
		}
	}
	if at, _ := one.Data["created_at"].(string); !strings.Contains(at, "T") {
		t.Errorf("created_at is %q", at)
	}
	var all []map[string]any
	d.Do("GET", "/functions/v1/organization?shape=array", testkit.Sam, nil).Want(200).JSON(&all)
	if len(all) != 2 || all[0]["id"] != testkit.Acme || all[1]["id"] != testkit.Bolt {
		t.Errorf("got %v, want both of Sam's", all)
	}
	d.Do("PATCH", "/functions/v1/organization", testkit.AcmeManager, map[string]any{"name": "X"}).Want(403).Nothing()
	d.Do("PATCH", "/functions/v1/organization", testkit.AcmeAdmin,
		map[string]any{"trusted_origins": []string{"ftp://x"}}).Want(400).Nothing()
	d.Do("PATCH", "/functions/v1/organization", testkit.AcmeAdmin, map[string]any{
		"name": "Acme & Sons", "description": "Bread", "webhook_url": "https://acme.example/hook",
		"trusted_origins": []string{"https://acme.example"},
		"metadata":        map[string]any{"a": 1}, "plan": "enterprise",
	}).Want(200).JSON(&one)
	if one.Data["name"] != "Acme & Sons" || one.Data["webhook_url"] != "https://acme.example/hook" ||
		one.Data["plan"] != "pro" {
		t.Errorf("got %v", one.Data)
	}
	var limits struct {
		Data struct{ Limits, Used orgs.Limits }
	}
	d.Do("GET", "/functions/v1/organization/limits", testkit.AcmeAgent, nil).Want(200).JSON(&limits)
	if limits.Data.Limits.Members != 50 || limits.Data.Used.Members != 9 {
		t.Errorf("got %+v", limits.Data)
	}
	d.Do("POST", "/functions/v1/organization", testkit.Nobody,
		map[string]any{"name": "Neu", "plan": "pro"}).Want(201).JSON(&one)
	if one.Data["plan"] != "free" || one.Data["owner_id"] != testkit.User(testkit.Nobody) {
		t.Errorf("a plan takes effect without payment, or for nobody: %v", one.Data)
	}
	d.Do("POST", "/functions/v1/organization", testkit.Nobody,
		map[string]any{"name": "Neu", "plan": "gold"}).Want(400).Nothing()
}
