package onboarding_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// everything is a body with all 26 documented fields.
func everything() map[string]any {
	return map[string]any{
		"companyName": "Cleo's Clinic", "description": "Physiotherapy in Lyon", "companySize": "small", "industry": "Health",
		"supportVolume": "20 a day", "currentSolution": "An answering machine", "phoneNumber": "+33 4 78 00 00 01",
		"phoneNumberSource": "forward-existing",
		"regionPreference":  "FR", "businessHours": "custom",
		"customHours": map[string]any{"mon": "9-12, 14-18", "tuesday": "9-5"}, "timezone": "Europe/Paris",
		"primaryGoals": []string{"miss no call"}, "expectedVolume": 100, "successMetrics": "No missed calls",
		"integrationName": "Calendar",
		"mcpEndpoint":     "https://mcp.example.com/x", "knowledgeBase": "We are open on weekdays.", "assistantName": "Cléa",
		"assistantDescription": "Front desk",
		"assistantModel":       "claude-sonnet-4-20250514", "assistantVoiceProvider": "elevenlabs", "assistantVoiceId": "v1",
		"assistantGreeting": "Bonjour !",
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
	if !got.Success || got.Company.Name != "Cleo's Clinic" || got.Company.Industry != "Health" || !got.Company.Onboarded ||
		got.Membership.Role != "owner" ||
		!got.Membership.IsDefault || !got.First || got.Assistant == nil || got.Assistant.Vapi != nil {
		t.Errorf("got %s", a.Body)
	}
	for name, done := range map[string]bool{"basics": true, "phone": false, "integration": false, "assistant": true,
		"goals": true, "knowledge": false} {
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
	o, err := d.FindRecordById(collections.Organizations, got.Company.ID)
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"status": "active", "plan": "free", "balance_state": "ok", "timezone": "Europe/Paris", "currency": "USD",
		"company_size": "small", "current_volume": "20 a day",
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
	m := d.Find(collections.Memberships, "organization = '"+o.Id+"'")
	if m.GetString("role") != collections.Owner || m.GetString("user") != testkit.User(testkit.Nobody) ||
		m.GetString("status") != "active" {
		t.Errorf("membership %v", m.PublicExport())
	}
	for _, capability := range collections.Capabilities {
		if !m.GetBool(capability) {
			t.Errorf("the owner lacks %s", capability)
		}
	}
	wallet, trial := d.Find(collections.Wallets, "organization = '"+o.Id+"'"),
		d.Find(collections.Subscriptions, "organization = '"+o.Id+"'")
	if wallet == nil || wallet.GetInt("balance_minor") != 0 || wallet.GetString("currency") != "USD" {
		t.Errorf("wallet %v", wallet)
	}
	if left := time.Until(trial.GetDateTime("trial_ends_at").Time()); trial.GetString("status") != "trialing" ||
		left < 13*24*time.Hour || left > 14*24*time.Hour {
		t.Errorf("trial %v, %s left", trial.PublicExport(), left)
	}
	assistant, err := d.FindRecordById(collections.Assistants, got.Assistant.ID)
	if err != nil || assistant.GetString("model_provider") != "anthropic" ||
		assistant.GetString("voice_provider") != "11labs" || assistant.GetString("organization") != o.Id ||
		!strings.Contains(assistant.GetString("system_prompt"), "Vous répondez") || !assistant.GetBool("recording_enabled") {
		t.Errorf("assistant %v %v", err, assistant)
	}
	if person := d.Find(collections.Users, "email = 'nobody@none.test'"); person.GetString("last_organization") != o.Id {
		t.Error("the person does not act in it")
	}
	if d.Audited("organizations.create") != 1 {
		t.Error("not in the audit log")
	}
	var second created
	d.Do("POST", "/api/organizations/create", testkit.Nobody,
		map[string]any{"companyName": "Two", "companySize": "large", "industry": "X"}).Want(200).JSON(&second)
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
	d.Do("POST", "/api/organizations/create", testkit.Guest, everything()).Want(401).Nothing()
	for _, tt := range []struct {
		field string
		body  map[string]any
	}{
		{"companyName", without("companyName")}, {"companySize", without("companySize")}, {"industry", without("industry")},
		{"companyName", with("companyName", "  ")}, {"companySize", with("companySize", "huge")},
		{"companyName", with("companyName", strings.Repeat("x", 101))},
		{"phoneNumber", with("phoneNumber", "12")}, {"phoneNumberSource", with("phoneNumberSource", "stolen")},
		{"timezone", with("timezone", "Mars/Olympus")},
		{"businessHours", with("businessHours", 7)}, {"businessHours", with("businessHours", "now and then")},
		{"businessHours", with("businessHours", map[string]any{"mon": []any{map[string]any{"from": "x"}}})},
		{"customHours", with("customHours", map[string]any{"mon": "noon"})},
		{"customHours", with("customHours", map[string]any{"xyz": "9-5"})}, {"customHours", without("customHours")},
		{"primaryGoals", with("primaryGoals", []any{1})}, {"expectedVolume", with("expectedVolume", "many")},
		{"mcpEndpoint", with("mcpEndpoint", "http://10.0.0.1/")},
		{"assistantModel", with("assistantModel", "unheard-of")},
		{"assistantVoiceProvider", with("assistantVoiceProvider", "gramophone")},
		{"assistantName", with("assistantName", "ab")}, {"currency", with("currency", "EURO")},
		{"country", with("country", "F1")},
	} {
		t.Run(tt.field, func(t *testing.T) {
			var said struct{ Details map[string]string }
			a := d.Do("POST", "/api/organizations/create", testkit.Nobody, tt.body).Want(400).JSON(&said)
			if said.Details[tt.field] == "" {
				t.Errorf("got %s, want a reason for %s", a.Body, tt.field)
			}
		})
	}
	if n := d.Count("SELECT count(*) FROM organizations") + d.Count("SELECT count(*) FROM wallets"); n != 6 {
		t.Errorf("%d organizations and wallets, want the fixtures' 6", n)
	}
}

func TestCreate_keeps_to_the_cap(t *testing.T) {
	d := open(t, func(r *peoplekit.Rooms) { r.Onboarding.PerPerson = 1 })
	body := map[string]any{"companyName": "One", "companySize": "small", "industry": "X"}
	d.Do("POST", "/api/organizations/create", testkit.Nobody, body).Want(200)
	a := d.Do("POST", "/api/organizations/create", testkit.Nobody, body).Want(403).Nothing()
	if !strings.Contains(string(a.Body), "as many as one person may") {
		t.Errorf("got %s", a.Body)
	}
	d.Do("POST", "/functions/v1/organization", testkit.Nobody, map[string]any{"name": "Two"}).Want(403).Nothing()
	d.Do("POST", "/api/organizations/create", testkit.Superuser, body).Want(403).Nothing()
	free := open(t, func(r *peoplekit.Rooms) { r.Onboarding.PerPerson = 0 })
	for range 3 {
		free.Do("POST", "/api/organizations/create", testkit.Nobody, body).Want(200)
	}
}

func TestOnboarding_is_for_who_belongs_nowhere(t *testing.T) {
	d := open(t, nil)
	d.Do("POST", "/api/onboarding", testkit.Guest, everything()).Want(401).Nothing()
	d.Do("POST", "/api/onboarding", testkit.AcmeViewer, everything()).Want(409).Nothing()
	d.Do("POST", "/api/onboarding", testkit.AcmeSuspended, everything()).Want(409).Nothing()
	bare := map[string]any{"companyName": "One", "companySize": "small", "industry": "X"}
	if a := d.Do("POST", "/api/onboarding", testkit.Nobody, bare).Want(400); !strings.Contains(string(a.Body),
		"assistantName") {
		t.Errorf("got %s", a.Body)
	}
	var got created
	a := d.Do("POST", "/api/onboarding", testkit.Nobody, everything()).Want(201).JSON(&got)
	if got.Company.MemberKey == "" || got.Company.ID == "" || got.Assistant == nil || got.Assistant.Name != "Cléa" ||
		!strings.Contains(string(a.Body), `"vapiAssistantId":null`) {
		t.Errorf("got %s", a.Body)
	}
}
