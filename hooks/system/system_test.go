package system

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestDesk_tells_guests_what_this_is(t *testing.T) {
	s := serve(t, Deps{PublicURL: "https://desk.example.com", SignUp: "invite-only", SandboxURL: "http://127.0.0.1:1"})
	a := s.ask(testkit.Guest, "GET", "/api/desk", nil, nil)
	var got map[string]any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"version": "1.2.3", "sandbox": true, "setup_needed": false, "public_url": "https://desk.example.com",
		"sign_up": "invite-only", "mail": false,
	} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
}

func TestDesk_tells_who_is_signed_in_whom_to_ask(t *testing.T) {
	s := serve(t, Deps{HelpContact: "desk@example.com"})
	for person, told := range map[string]bool{testkit.Guest: false, testkit.AcmeViewer: true} {
		if a := s.ask(person, "GET", "/api/desk", nil, nil); strings.Contains(a.body, "desk@example.com") != told {
			t.Errorf("%q: %s", person, a.body)
		}
	}
}

func TestDesk_offers_the_account_of_a_demonstration_and_of_nothing_else(t *testing.T) {
	account := Account{testkit.AcmeOwner, "known to everybody"}
	for name, one := range map[string]struct {
		deps Deps
		told bool
	}{
		"a demonstration":        {Deps{SandboxURL: "http://127.0.0.1:1", DemoAccount: account}, true},
		"real providers":         {Deps{DemoAccount: account}, false},
		"nobody of that address": {Deps{SandboxURL: "http://127.0.0.1:1", DemoAccount: Account{"a@b.test", "x"}}, false},
	} {
		a := serve(t, one.deps).ask(testkit.Guest, "GET", "/api/desk", nil, nil)
		if told := strings.Contains(a.body, account.Password); told != one.told {
			t.Errorf("%s: told %v: %s", name, told, a.body)
		}
	}
}

func TestSetup_makes_the_first_account_once(t *testing.T) {
	var demo []string
	s := serve(t, Deps{Demo: func(tx core.App, organization, owner *core.Record) error {
		demo = append(demo, organization.GetString("name")+" of "+owner.GetString("name"))
		return nil
	}})
	form := map[string]any{"name": "Ada", "email": "ada@example.com", "password": "correct horse 9",
		"organization": "Ada's", "timezone": "Europe/Paris", "country": "fr", "language": "fr", "demo": true}
	if a := s.ask(testkit.Guest, "POST", "/api/setup", form, nil); a.status != 409 {
		t.Fatalf("while there are accounts: got %d %s, want 409", a.status, a.body)
	}
	// A new site: what is settled stays settled in a process.
	s = serve(t, Deps{Demo: func(tx core.App, organization, owner *core.Record) error {
		demo = append(demo, organization.GetString("name")+" of "+owner.GetString("name"))
		return nil
	}})
	s.empty()
	if a := s.ask(testkit.Guest, "GET", "/api/desk", nil, nil); !strings.Contains(a.body, `"setup_needed":true`) {
		t.Errorf("desk: %s", a.body)
	}
	form["code"] = s.setupCode()
	a := s.ask(testkit.Guest, "POST", "/api/setup", form, map[string]string{"X-Theme": "dark"})
	var got struct {
		Token        string
		Record       struct{ ID, Email, Language, Theme string }
		Organization struct{ ID, Name, Timezone, Country, Language string }
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
		t.Fatalf("got %d %s %v", a.status, a.body, err)
	}
	if got.Record.Email != "ada@example.com" || got.Organization.Name != "Ada's" ||
		got.Organization.Timezone != "Europe/Paris" ||
		got.Organization.Country != "FR" || got.Organization.Language != "fr" {
		t.Errorf("got %s", a.body)
	}
	if got.Record.Language != "fr" || got.Record.Theme != "dark" {
		t.Errorf("the account begins with %+v", got.Record)
	}
	if strings.Contains(a.body, "tokenKey") || strings.Contains(a.body, "password") {
		t.Errorf("the answer holds secrets: %s", a.body)
	}
	if len(demo) != 1 || demo[0] != "Ada's of Ada" {
		t.Errorf("demo: %v", demo)
	}
	me := s.ask(testkit.Guest, "GET", "/api/collections/assistants/records", nil,
		map[string]string{"Authorization": got.Token})
	if me.status != 200 {
		t.Errorf("the token: got %d %s", me.status, me.body)
	}
	m := tenant.MembershipOf(s.app, got.Record.ID, got.Organization.ID)
	if m == nil || m.GetString("role") != collections.Owner || !m.GetBool(collections.CanManageTeam) {
		t.Errorf("membership: %v", m)
	}
	if in := s.ask(testkit.Guest, "POST", "/api/collections/users/auth-with-password",
		map[string]string{"identity": "ada@example.com", "password": "correct horse 9"}, nil); in.status != 200 {
		t.Errorf("sign-in: got %d %s", in.status, in.body)
	}
	if again := s.ask(testkit.Guest, "POST", "/api/setup", form, nil); again.status != 409 {
		t.Errorf("again: got %d %s, want 409", again.status, again.body)
	}
}

func TestSetup_makes_nothing_when_a_step_fails(t *testing.T) {
	good := map[string]any{"name": "Ada", "email": "ada@example.com", "password": "correct horse 9",
		"organization": "Ada's", "demo": true}
	with := func(name string, value any) map[string]any {
		form := map[string]any{}
		for k, v := range good {
			form[k] = v
		}
		form[name] = value
		return form
	}
	tests := []struct {
		name   string
		form   map[string]any
		demo   error
		status int
		says   string
	}{
		{"nothing filled in", map[string]any{}, nil, 400, `"organization":{"code":"validation_required"`},
		{"a short password", with("password", "short"), nil, 400, `"password"`},
		{"no address", with("email", "nobody"), nil, 400, `"email"`},
		{"a name too long for the organization", with("organization", strings.Repeat("x", 200)), nil, 400, `"organization"`},
		{"the demonstration fails", good, errors.New("secret reason"), 500, "nothing was stored"},
		{"the wrong types", with("name", 5), nil, 400, `"status":400`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, Deps{Demo: func(core.App, *core.Record, *core.Record) error { return tt.demo }})
			s.empty()
			tt.form["code"] = s.setupCode()
			a := s.ask(testkit.Guest, "POST", "/api/setup", tt.form, nil)
			if a.status != tt.status || !strings.Contains(a.body, tt.says) || strings.Contains(a.body, "secret") {
				t.Errorf("got %d %s, want %d with %s", a.status, a.body, tt.status, tt.says)
			}
			for _, collection := range []string{collections.Users, collections.Organizations, collections.Memberships} {
				if n, err := s.app.CountRecords(collection); err != nil || n != 0 {
					t.Errorf("%s: %d rows were left (%v)", collection, n, err)
				}
			}
		})
	}
}

func TestSimulate_rings_the_sandbox(t *testing.T) {
	var rung []map[string]string
	answerWith := http.StatusCreated
	sandbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var order map[string]string
		if err := json.NewDecoder(r.Body).Decode(&order); err != nil || r.Method != "POST" ||
			r.URL.Path != "/_sandbox/calls" {
			t.Errorf("the sandbox got %s %s: %v", r.Method, r.URL, err)
		}
		rung = append(rung, order)
		w.WriteHeader(answerWith)
		if answerWith == http.StatusCreated {
			io.WriteString(w, `{"callId":"call-1","script":"booking"}`)
			return
		}
		io.WriteString(w, `{"message":["script must be one of booking, price"]}`)
	}))
	defer sandbox.Close()
	s := serve(t, Deps{SandboxURL: sandbox.URL})
	body := map[string]any{"phone_number": testkit.AcmeNumber, "script": "booking", "language": "fr"}
	tests := []struct {
		name, person string
		body         map[string]any
		sandbox      int
		status       int
	}{
		{"guest", testkit.Guest, body, 201, 401},
		{"other organization", testkit.BoltOwner, body, 201, 404},
		{"a viewer does not work calls", testkit.AcmeViewer, body, 201, 403},
		{"nor does who may not view them", testkit.AcmeTrainee, body, 201, 403},
		{"an unknown number", testkit.AcmeAgent, map[string]any{"phone_number": "nothing"}, 201, 404},
		{"an unknown script", testkit.AcmeAgent, body, 400, 400},
		{"a number the sandbox forgot", testkit.AcmeAgent, body, 404, 409},
		{"a sandbox in trouble", testkit.AcmeAgent, body, 500, 502},
		{"good", testkit.AcmeAgent, body, 201, 201},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answerWith, rung = tt.sandbox, nil
			a := s.ask(tt.person, "POST", "/api/simulate", tt.body, nil)
			if a.status != tt.status {
				t.Errorf("got %d %s, want %d", a.status, a.body, tt.status)
			}
			if tt.status != 201 {
				return
			}
			if !strings.Contains(a.body, `"vapi_call_id":"call-1"`) || len(rung) != 1 ||
				rung[0]["phoneNumberId"] != "number-acme" || rung[0]["language"] != "fr" {
				t.Errorf("got %s, the sandbox %v", a.body, rung)
			}
		})
	}
	if a := serve(t, Deps{}).ask(testkit.AcmeAgent, "POST", "/api/simulate", body, nil); a.status != 404 {
		t.Errorf("without a sandbox: got %d, want 404", a.status)
	}
}

func TestHeaders_are_on_answers(t *testing.T) {
	s := serve(t, Deps{})
	a := s.ask(testkit.AcmeOwner, "GET", "/api/collections/calls/records", nil, nil)
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Strict-Transport-Security": "",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	row, err := s.app.FindRecordById(collections.Recordings, testkit.AcmeRecording)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Token string }
	if err := json.Unmarshal([]byte(s.ask(testkit.AcmeOwner, "POST", "/api/files/token", nil, nil).body),
		&file); err != nil {
		t.Fatal(err)
	}
	a = s.ask(testkit.Guest, "GET", "/api/files/recordings/"+row.Id+"/"+row.GetString("file")+"?token="+file.Token,
		nil, nil)
	if a.status != 200 || a.header.Get("Cache-Control") != "private, no-store" ||
		!strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("file: got %d %v", a.status, a.header)
	}
}

func TestRedact_keeps_secrets_out_of_the_log(t *testing.T) {
	for in, want := range map[string]string{
		"/api/files/a/b/c.wav?token=abc&thumb=1":                   "/api/files/a/b/c.wav?thumb=1&token=redacted",
		"/api/collections/calls/records?filter=x~'%2B1202'&page=2": "/api/collections/calls/records?filter=redacted&page=2",
		"/reset/eyJhbGciOiJI.eyJpZCI6IjEi.c0nR2B8yQm9vVhY":         "/reset/redacted",
		"/api/calls?search=Ada&limit=5":                            "/api/calls?limit=5&search=redacted",
		"/api/x?a=1":                                               "/api/x?a=1",
		"/api/x?a=%zz":                                             "/api/x?redacted",
		"https://u:p@desk.example.com/x?X-Amz-Signature=1":         "https://desk.example.com/x?X-Amz-Signature=redacted",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := redact(u).String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestRequestLog_holds_no_tokens(t *testing.T) {
	s := serve(t, Deps{})
	s.app.Settings().Logs.MaxDays = 1
	lines := make(chan string, 10)
	*s.app.Logger() = *slog.New(slog.NewTextHandler(lineWriter(lines), nil))
	filter := "name~'marker word'"
	a := s.ask(testkit.AcmeOwner, "GET", "/api/collections/assistants/records?filter="+url.QueryEscape(filter), nil,
		map[string]string{"Referer": "http://example.com/reset/aaaaaaaaaaaa.bbbbbbbbbbbb.cccccccccccc?token=marker"})
	if a.status != 200 || strings.Contains(a.body, "Front desk") {
		t.Fatalf("the filter must still work: %d %s", a.status, a.body)
	}
	select {
	case line := <-lines:
		if strings.Contains(line, "marker") || strings.Contains(line, "bbbbbbbbbbbb") ||
			!strings.Contains(line, "filter=redacted") {
			t.Errorf("logged: %s", line)
		}
	case <-time.After(time.Minute):
		t.Fatal("the request was not logged")
	}
}

type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func TestSettings_start_right_and_stay_the_operators(t *testing.T) {
	app := testkit.New(t)
	if err := storeSettings(app, "https://desk.example.com"); err != nil {
		t.Fatal(err)
	}
	if err := storeMails(app); err != nil {
		t.Fatal(err)
	}
	got := app.Settings()
	if got.Meta.AppName != appName || got.Meta.AppURL != "https://desk.example.com" || !got.RateLimits.Enabled ||
		got.Batch.Enabled {
		t.Errorf("got %+v", got)
	}
	users, err := app.FindCollectionByNameOrId(collections.Users)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(users.ResetPasswordTemplate.Body, "{APP_URL}/reset#token={TOKEN}") ||
		strings.Contains(users.VerificationTemplate.Body, "/_/") {
		t.Errorf("mails still lead to the panel: %s", users.ResetPasswordTemplate.Body)
	}
	got.RateLimits.Enabled = false
	got.Meta.AppName = "Ada's desk"
	if err := app.Save(got); err != nil {
		t.Fatal(err)
	}
	if err := storeSettings(app, ""); err != nil {
		t.Fatal(err)
	}
	if got := app.Settings(); got.RateLimits.Enabled || got.Meta.AppName != "Ada's desk" ||
		got.Meta.AppURL != "https://desk.example.com" {
		t.Errorf("the operator's choices were undone: %+v", got)
	}
}
