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
	d.Do("GET", "/api/organizations", testkit.Guest, nil).Want(401)
	for person, want := range map[string][]string{
		testkit.Sam: {"acme viewer 8", "bolt owner 2"}, testkit.AcmeAgent: {"acme agent 8"}, testkit.AcmeSuspended: nil, testkit.Nobody: nil, testkit.Superuser: nil,
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
			for _, key := range []string{"id", "name", "company_size", "member_key", "industry", "timezone", "member_count", "membership_role", "membership_status", "is_default", "joined_at", "last_accessed"} {
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
	if err != nil || cookie.Name != "selected_company_id" || cookie.Value != testkit.Acme || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("got cookie %v (%v)", cookie, err)
	}
	if got := d.find(collections.Users, "email = 'sam@both.test'").GetString("last_organization"); got != testkit.Acme {
		t.Errorf("last organization is %s", got)
	}
	m, err := d.app.FindRecordById(collections.Memberships, testkit.UserMembership(testkit.Sam, testkit.Acme))
	if err != nil || time.Since(m.GetDateTime("last_accessed_at").Time()) > time.Minute || m.GetInt("total_sessions") != 1 {
		t.Errorf("membership: %v %s %d", err, m.GetDateTime("last_accessed_at"), m.GetInt("total_sessions"))
	}
	if len(d.dropped) != 0 {
		t.Errorf("choosing an organization ended streams: %v", d.dropped)
	}
	var listed struct{ Companies []company }
	d.Do("GET", "/api/organizations", testkit.Sam, nil).JSON(&listed)
	if listed.Companies[0].ID != testkit.Acme || listed.Companies[0].LastAccessed == "" {
		t.Errorf("the last one used is not first: %+v", listed.Companies)
	}
}

// everything is a body with all 26 documented fields.
func everything() map[string]any {
	return map[string]any{
		"companyName": "Cleo's Clinic", "description": "Physiotherapy in Lyon", "companySize": "small", "industry": "Health",
		"supportVolume": "20 a day", "currentSolution": "An answering machine", "phoneNumber": "+33 4 78 00 00 01", "phoneNumberSource": "forward-existing",
		"regionPreference": "FR", "businessHours": "custom", "customHours": map[string]any{"mon": "9-12, 14-18", "tuesday": "9-5"}, "timezone": "Europe/Paris",
		"primaryGoals": []string{"miss no call"}, "expectedVolume": 100, "successMetrics": "No missed calls", "integrationName": "Calendar",
		"mcpEndpoint": "https://mcp.example.com/x", "knowledgeBase": "We are open on weekdays.", "assistantName": "Cléa", "assistantDescription": "Front desk",
		"assistantModel": "claude-sonnet-4-20250514", "assistantVoiceProvider": "elevenlabs", "assistantVoiceId": "v1", "assistantGreeting": "Bonjour !",
		"assistantLanguage": "fr-FR", "assistantPersonality": "Calm",
	}
}

type created struct {
	Success bool
	Company struct {
		ID, Name, Industry, MemberKey string
		Onboarded                     bool            `json:"onboarding_completed"`
		Steps                         map[string]bool `json:"setup_steps_completed"`
	}
	Membership struct {
		Role      string
		IsDefault bool `json:"is_default"`
	}
	First     bool `json:"is_first_organization"`
	Assistant *struct {
		ID, Name string
		Vapi     *string `json:"vapiAssistantId"`
	}
	Steps []struct {
		Step, Reason string
		Done         bool
	}
}

func TestCreate_makes_everything_it_says(t *testing.T) {
	d := open(t, nil)
	body := everything()
	if len(body) != 26 {
		t.Fatalf("%d fields, the document has 26", len(body))
	}
	var got created
	a := d.Do("POST", "/api/organizations/create", testkit.Nobody, body).Want(200).JSON(&got)
	if !got.Success || got.Company.Name != "Cleo's Clinic" || got.Company.Industry != "Health" || !got.Company.Onboarded || got.Membership.Role != "owner" ||
		!got.Membership.IsDefault || !got.First || got.Assistant == nil || got.Assistant.Vapi != nil {
		t.Errorf("got %s", a.Body)
	}
	for name, done := range map[string]bool{"basics": true, "phone": false, "integration": false, "assistant": true, "goals": true, "knowledge": false} {
		if value, there := got.Company.Steps[name]; !there || value != done {
			t.Errorf("step %s: got %v, want %v", name, value, done)
		}
	}
	for _, s := range got.Steps {
		if s.Done == (s.Reason != "") {
			t.Errorf("step %+v: a reason stands with what is not done, and only there", s)
		}
	}
	if !strings.Contains(a.Header.Get("Set-Cookie"), got.Company.ID) {
		t.Error("the new organization is not the active one of the browser")
	}
	o, err := d.app.FindRecordById(collections.Organizations, got.Company.ID)
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"status": "active", "plan": "free", "balance_state": "ok", "timezone": "Europe/Paris", "currency": "USD", "company_size": "small", "current_volume": "20 a day",
		"current_solution": "An answering machine", "success_metrics": "No missed calls", "expected_volume": "100",
		"business_hours": `{"mon":[{"from":"09:00","to":"12:00"},{"from":"14:00","to":"18:00"}],"tue":[{"from":"09:00","to":"17:00"}]}`,
	} {
		if o.GetString(field) != want {
			t.Errorf("%s: got %q, want %q", field, o.GetString(field), want)
		}
	}
	if !strings.Contains(o.GetString("metadata"), "+33478000001") || len(o.GetString("member_key")) < 20 {
		t.Errorf("wishes %s, member key of %d characters", o.GetString("metadata"), len(o.GetString("member_key")))
	}
	m := d.find(collections.Memberships, "organization = '"+o.Id+"'")
	if m.GetString("role") != collections.Owner || m.GetString("user") != testkit.User(testkit.Nobody) || m.GetString("status") != "active" {
		t.Errorf("membership %v", m.PublicExport())
	}
	for _, capability := range collections.Capabilities {
		if !m.GetBool(capability) {
			t.Errorf("the owner lacks %s", capability)
		}
	}
	wallet, trial := d.find(collections.Wallets, "organization = '"+o.Id+"'"), d.find(collections.Subscriptions, "organization = '"+o.Id+"'")
	if wallet == nil || wallet.GetInt("balance_minor") != 0 || wallet.GetString("currency") != "USD" {
		t.Errorf("wallet %v", wallet)
	}
	if left := time.Until(trial.GetDateTime("trial_ends_at").Time()); trial.GetString("status") != "trialing" || left < 13*24*time.Hour || left > 14*24*time.Hour {
		t.Errorf("trial %v, %s left", trial.PublicExport(), left)
	}
	assistant, err := d.app.FindRecordById(collections.Assistants, got.Assistant.ID)
	if err != nil || assistant.GetString("model_provider") != "anthropic" || assistant.GetString("voice_provider") != "11labs" || assistant.GetString("organization") != o.Id ||
		!strings.Contains(assistant.GetString("system_prompt"), "Vous répondez") || !assistant.GetBool("recording_enabled") {
		t.Errorf("assistant %v %v", err, assistant)
	}
	if person := d.find(collections.Users, "email = 'nobody@none.test'"); person.GetString("last_organization") != o.Id {
		t.Error("the person does not act in it")
	}
	if d.audited("organizations.create") != 1 {
		t.Error("not in the audit log")
	}
	var second created
	d.Do("POST", "/api/organizations/create", testkit.Nobody, map[string]any{"companyName": "Two", "companySize": "large", "industry": "X"}).Want(200).JSON(&second)
	if second.First || second.Membership.IsDefault || second.Assistant != nil || len(second.Steps) != 1 {
		t.Errorf("the second: %+v", second)
	}
}

func TestCreate_refuses_wrong_fields_and_leaves_nothing(t *testing.T) {
	d := open(t, nil)
	with := func(field string, value any) map[string]any {
		body := everything()
		body[field] = value
		return body
	}
	without := func(field string) map[string]any {
		body := everything()
		delete(body, field)
		return body
	}
	d.Do("POST", "/api/organizations/create", testkit.Guest, everything()).Want(401)
	for _, tt := range []struct {
		field string
		body  map[string]any
	}{
		{"companyName", without("companyName")}, {"companySize", without("companySize")}, {"industry", without("industry")},
		{"companyName", with("companyName", "  ")}, {"companySize", with("companySize", "huge")}, {"companyName", with("companyName", strings.Repeat("x", 101))},
		{"phoneNumber", with("phoneNumber", "12")}, {"phoneNumberSource", with("phoneNumberSource", "stolen")}, {"timezone", with("timezone", "Mars/Olympus")},
		{"businessHours", with("businessHours", 7)}, {"businessHours", with("businessHours", "now and then")},
		{"businessHours", with("businessHours", map[string]any{"mon": []any{map[string]any{"from": "x"}}})},
		{"customHours", with("customHours", map[string]any{"mon": "noon"})}, {"customHours", with("customHours", map[string]any{"xyz": "9-5"})}, {"customHours", without("customHours")},
		{"primaryGoals", with("primaryGoals", []any{1})}, {"expectedVolume", with("expectedVolume", "many")}, {"mcpEndpoint", with("mcpEndpoint", "http://10.0.0.1/")},
		{"assistantModel", with("assistantModel", "unheard-of")}, {"assistantVoiceProvider", with("assistantVoiceProvider", "gramophone")},
		{"assistantName", with("assistantName", "ab")}, {"currency", with("currency", "EURO")}, {"country", with("country", "F1")},
	} {
		t.Run(tt.field, func(t *testing.T) {
			var said struct{ Details map[string]string }
			a := d.Do("POST", "/api/organizations/create", testkit.Nobody, tt.body).Want(400).JSON(&said)
			if said.Details[tt.field] == "" {
				t.Errorf("got %s, want a reason for %s", a.Body, tt.field)
			}
		})
	}
	if n := d.count("SELECT count(*) FROM organizations") + d.count("SELECT count(*) FROM wallets"); n != 6 {
		t.Errorf("%d organizations and wallets, want the fixtures' 6", n)
	}
}

func TestCreate_keeps_to_the_cap(t *testing.T) {
	d := open(t, func(deps *orgs.Deps) { deps.PerPerson = 1 })
	body := map[string]any{"companyName": "One", "companySize": "small", "industry": "X"}
	d.Do("POST", "/api/organizations/create", testkit.Nobody, body).Want(200)
	a := d.Do("POST", "/api/organizations/create", testkit.Nobody, body).Want(403)
	if !strings.Contains(string(a.Body), "as many as one person may") {
		t.Errorf("got %s", a.Body)
	}
	d.Do("POST", "/functions/v1/organization", testkit.Nobody, map[string]any{"name": "Two"}).Want(403)
	d.Do("POST", "/api/organizations/create", testkit.Superuser, body).Want(403)
	free := open(t, func(deps *orgs.Deps) { deps.PerPerson = 0 })
	for range 3 {
		free.Do("POST", "/api/organizations/create", testkit.Nobody, body).Want(200)
	}
}

func TestOnboarding_is_for_who_belongs_nowhere(t *testing.T) {
	d := open(t, nil)
	d.Do("POST", "/api/onboarding", testkit.Guest, everything()).Want(401)
	d.Do("POST", "/api/onboarding", testkit.AcmeViewer, everything()).Want(409)
	d.Do("POST", "/api/onboarding", testkit.AcmeSuspended, everything()).Want(409)
	bare := map[string]any{"companyName": "One", "companySize": "small", "industry": "X"}
	if a := d.Do("POST", "/api/onboarding", testkit.Nobody, bare).Want(400); !strings.Contains(string(a.Body), "assistantName") {
		t.Errorf("got %s", a.Body)
	}
	var got created
	a := d.Do("POST", "/api/onboarding", testkit.Nobody, everything()).Want(201).JSON(&got)
	if got.Company.MemberKey == "" || got.Company.ID == "" || got.Assistant == nil || got.Assistant.Name != "Cléa" || !strings.Contains(string(a.Body), `"vapiAssistantId":null`) {
		t.Errorf("got %s", a.Body)
	}
}

func TestLimits_hold_for_whoever_makes_a_row(t *testing.T) {
	d := open(t, nil)
	d.set(collections.Organizations, testkit.Acme, map[string]any{"limits": map[string]any{"assistants": 2, "numbers": 1, "members": 9, "minutes": 100}})
	var got struct {
		Plan         string
		Limits, Used orgs.Limits
	}
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.Guest, nil).Want(401)
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.BoltOwner, nil).Want(404)
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.AcmeViewer, nil).Want(200).JSON(&got)
	want := orgs.Limits{Minutes: 100, Numbers: 1, Members: 9, Assistants: 2}
	if got.Plan != "pro" || got.Limits != want || got.Used != (orgs.Limits{Numbers: 1, Members: 9, Assistants: 1}) {
		t.Errorf("got %+v", got)
	}
	assistant := map[string]any{"organization": testkit.Acme, "name": "Another", "type": "voice"}
	d.Do("POST", "/api/collections/assistants/records", testkit.AcmeOwner, assistant).Want(200)
	a := d.Do("POST", "/api/collections/assistants/records", testkit.AcmeOwner, assistant).Want(403)
	if !strings.Contains(string(a.Body), "allows 2 assistants") {
		t.Errorf("got %s", a.Body)
	}
	number := map[string]any{"organization": testkit.Acme, "provider": "other", "phone_number": "+12025550177"}
	if a := d.Do("POST", "/api/collections/phone_numbers/records", testkit.AcmeOwner, number).Want(403); !strings.Contains(string(a.Body), "allows 1 phone numbers") {
		t.Errorf("got %s", a.Body)
	}
	if n := d.count("SELECT count(*) FROM assistants WHERE organization = '" + testkit.Acme + "'"); n != 2 {
		t.Errorf("%d assistants, want 2", n)
	}
	// Another organization is not touched, and a cap of an agency only lowers.
	d.Do("POST", "/api/collections/assistants/records", testkit.BoltOwner, map[string]any{"organization": testkit.Bolt, "name": "Another", "type": "voice"}).Want(200)
	d.set(collections.Organizations, testkit.Acme, map[string]any{"limits": map[string]any{"minutes_cap": 50}})
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/limits", testkit.AcmeViewer, nil).JSON(&got)
	if got.Limits.Minutes != 50 || got.Limits.Assistants != 50 {
		t.Errorf("got %+v", got.Limits)
	}
}

func TestOrganization_validates_hours_zone_and_closures(t *testing.T) {
	d := open(t, nil)
	path := "/api/collections/organizations/records/" + testkit.Acme
	for field, values := range map[string][]any{
		"timezone":        {"Mars/Olympus", "Local"},
		"business_hours":  {map[string]any{"monday": []any{}}, []any{1}, map[string]any{"mon": []any{map[string]any{"from": "9:00", "to": "9:00"}}}},
		"closures":        {[]any{map[string]any{"from": "soon"}}, []any{map[string]any{"from": "2026-12-26", "to": "2026-12-24"}}},
		"country":         {"fr", "1A"},
		"currency":        {"usd", "$$$"},
		"trusted_origins": {"x", []any{"https://a.example/path"}, []any{"javascript:alert(1)"}},
		"plan":            {"enterprise"}, "paused": {true}, "limits": {map[string]any{"members": 1}}, "deletes_at": {"2030-01-01 00:00:00.000Z"}, "member_key": {"x"}, "status": {"closed"},
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
		"business_hours": map[string]any{"mon": []any{map[string]any{"from": "09:00", "to": "12:00"}, map[string]any{"from": "13:00", "to": "17:00"}}},
		"closures":       []any{map[string]any{"name": "Melbourne Cup", "from": "2026-11-02", "hours": []any{map[string]any{"from": "10:00", "to": "11:00"}}}},
	}
	d.Do("PATCH", path, testkit.AcmeManager, good).Want(404)
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
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/open?at=noon", testkit.AcmeViewer, nil).Want(400)
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/open", testkit.BoltOwner, nil).Want(404)
	d.Do("GET", "/api/organizations/"+testkit.Acme+"/open", testkit.Guest, nil).Want(401)
}

func TestFunctionOrganization_answers_as_the_reference_shows(t *testing.T) {
	d := open(t, nil)
	d.Do("GET", "/functions/v1/organization", testkit.Guest, nil).Want(401)
	var one struct{ Data map[string]any }
	d.Do("GET", "/functions/v1/organization", testkit.AcmeViewer, nil).Want(200).JSON(&one)
	for field, want := range map[string]any{"id": testkit.Acme, "name": "Acme Bakery", "plan": "pro", "owner_id": testkit.User(testkit.AcmeOwner)} {
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
	d.Do("PATCH", "/functions/v1/organization", testkit.AcmeManager, map[string]any{"name": "X"}).Want(403)
	d.Do("PATCH", "/functions/v1/organization", testkit.AcmeAdmin, map[string]any{"trusted_origins": []string{"ftp://x"}}).Want(400)
	d.Do("PATCH", "/functions/v1/organization", testkit.AcmeAdmin, map[string]any{
		"name": "Acme & Sons", "description": "Bread", "webhook_url": "https://acme.example/hook", "trusted_origins": []string{"https://acme.example"},
		"metadata": map[string]any{"a": 1}, "plan": "enterprise",
	}).Want(200).JSON(&one)
	if one.Data["name"] != "Acme & Sons" || one.Data["webhook_url"] != "https://acme.example/hook" || one.Data["plan"] != "pro" {
		t.Errorf("got %v", one.Data)
	}
	var limits struct {
		Data struct{ Limits, Used orgs.Limits }
	}
	d.Do("GET", "/functions/v1/organization/limits", testkit.AcmeAgent, nil).Want(200).JSON(&limits)
	if limits.Data.Limits.Members != 50 || limits.Data.Used.Members != 9 {
		t.Errorf("got %+v", limits.Data)
	}
	d.Do("POST", "/functions/v1/organization", testkit.Nobody, map[string]any{"name": "Neu", "plan": "pro"}).Want(201).JSON(&one)
	if one.Data["plan"] != "free" || one.Data["owner_id"] != testkit.User(testkit.Nobody) {
		t.Errorf("a plan takes effect without payment, or for nobody: %v", one.Data)
	}
	d.Do("POST", "/functions/v1/organization", testkit.Nobody, map[string]any{"name": "Neu", "plan": "gold"}).Want(400)
}
