package system

import (
	"bytes"
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
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// site is an app with this domain's routes.
type site struct {
	t   testing.TB
	app *tests.TestApp
	mux http.Handler
}

func serve(t testing.TB, d Deps, rows ...facade.Row) *site {
	t.Helper()
	d.Key, d.Version = make([]byte, 32), "1.2.3"
	app := testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		d.Facade = facade.New(app)
		d.Facade.Rows(rows...)
		d.Copies = mirror.New(app, outbox.New(app))
		if err := Register(app, d); err != nil {
			t.Fatal(err)
		}
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			d.Facade.Mount(se)
			return se.Next()
		})
	})
	return &site{t, app, testkit.Mux(t, app)}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) cookie(name string) string {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (s *site) ask(person, method, target string, body any, header map[string]string) answer {
	s.t.Helper()
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, target, r)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range testkit.As(s.t, person) {
		req.Header.Set(k, v)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, req)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// empty makes the installation one nobody has an account on.
func (s *site) empty() {
	s.t.Helper()
	for _, table := range []string{"users", "memberships", "organizations"} {
		if _, err := s.app.NonconcurrentDB().NewQuery("DELETE FROM " + table).Execute(); err != nil {
			s.t.Fatal(err)
		}
	}
	tenant.Forget(s.app)
}

// setupCode is what the server printed.
func (s *site) setupCode() string {
	s.t.Helper()
	code, err := SetupCode(s.app)
	if err != nil || code == "" {
		s.t.Fatalf("got code %q, %v", code, err)
	}
	return code
}

func TestHealth_has_the_documented_shape(t *testing.T) {
	s := serve(t, Deps{})
	a := s.ask(testkit.Guest, "GET", "/api/health", nil, nil)
	var got report
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	if a.status != 200 || got.Version != "1.2.3" || time.Since(time.UnixMilli(got.Timestamp)) > time.Minute {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for _, name := range []string{"service", "database", "writes", "disk", "inbox"} {
		if got.Checks[name].Status == "" || got.Checks[name].Message == "" {
			t.Errorf("check %s is missing: %s", name, a.body)
		}
	}
}

func TestHealth_says_what_is_wrong(t *testing.T) {
	tests := []struct {
		name        string
		free, total uint64
		err         error
		health      string
		code, ready int
	}{
		{"room", 10 << 30, 20 << 30, nil, healthy, 200, 200},
		{"little room", 300 << 20, 20 << 30, nil, degraded, 200, 200},
		{"no room", 30 << 20, 20 << 30, nil, unhealthy, 503, 503},
		{"a small volume with room", 20 << 20, 40 << 20, nil, healthy, 200, 200},
		{"a small volume without", 3 << 20, 40 << 20, nil, unhealthy, 503, 503},
		{"an unknown volume", 0, 0, errors.New("secret path"), unhealthy, 503, 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := testkit.New(t)
			h := newHealth(app, "1")
			h.space = func(string) (uint64, uint64, error) { return tt.free, tt.total, tt.err }
			s := &system{app: app, health: h}
			r := h.look(t.Context())
			if r.Status != tt.health || r.code() != tt.code {
				t.Errorf("health: got %s %d, want %s %d: %+v", r.Status, r.code(), tt.health, tt.code, r.Checks)
			}
			e := new(core.RequestEvent)
			w := httptest.NewRecorder()
			e.App, e.Request, e.Response = app, httptest.NewRequest("GET", "/readyz", nil), w
			if err := s.readyz(e); err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.ready || w.Code == 503 && !strings.Contains(w.Body.String(), "disk") || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("readyz: got %d %s, want %d", w.Code, w.Body, tt.ready)
			}
		})
	}
}

func TestHealth_notices_a_held_write_lock(t *testing.T) {
	app := testkit.New(t)
	h := newHealth(app, "1")
	h.patience = 100 * time.Millisecond
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- app.RunInTransaction(func(core.App) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	r := h.look(t.Context())
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if r.Status != unhealthy || r.Checks["writes"].Status != fail || r.Checks["database"].Status != pass {
		t.Errorf("got %+v, want only writes to fail", r)
	}
}

func TestReadyz_writes_to_the_disk(t *testing.T) {
	s := serve(t, Deps{})
	var before, after int
	read := func(v *int) {
		if err := s.app.DB().NewQuery("PRAGMA user_version").Row(v); err != nil {
			t.Fatal(err)
		}
	}
	read(&before)
	if a := s.ask(testkit.Guest, "GET", "/readyz", nil, nil); a.status != 200 || !strings.Contains(a.body, `"ready"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	read(&after)
	if before == after {
		t.Error("nothing was written")
	}
}

func TestDesk_tells_guests_what_this_is(t *testing.T) {
	s := serve(t, Deps{PublicURL: "https://desk.example.com", SignUp: "invite-only", SandboxURL: "http://127.0.0.1:1"})
	a := s.ask(testkit.Guest, "GET", "/api/desk", nil, nil)
	var got map[string]any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"version": "1.2.3", "sandbox": true, "setup_needed": false, "public_url": "https://desk.example.com", "sign_up": "invite-only", "mail": false,
	} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
}

func TestSetup_makes_the_first_account_once(t *testing.T) {
	var demo []string
	s := serve(t, Deps{Demo: func(tx core.App, organization, owner *core.Record) error {
		demo = append(demo, organization.GetString("name")+" of "+owner.GetString("name"))
		return nil
	}})
	form := map[string]any{"name": "Ada", "email": "ada@example.com", "password": "correct horse 9", "organization": "Ada's", "timezone": "Europe/Paris", "language": "fr", "demo": true}
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
		Organization struct{ ID, Name, Timezone, Language string }
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
		t.Fatalf("got %d %s %v", a.status, a.body, err)
	}
	if got.Record.Email != "ada@example.com" || got.Organization.Name != "Ada's" || got.Organization.Timezone != "Europe/Paris" || got.Organization.Language != "fr" {
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
	me := s.ask(testkit.Guest, "GET", "/api/collections/assistants/records", nil, map[string]string{"Authorization": got.Token})
	if me.status != 200 {
		t.Errorf("the token: got %d %s", me.status, me.body)
	}
	m := tenant.MembershipOf(s.app, got.Record.ID, got.Organization.ID)
	if m == nil || m.GetString("role") != collections.Owner || !m.GetBool(collections.CanManageTeam) {
		t.Errorf("membership: %v", m)
	}
	if in := s.ask(testkit.Guest, "POST", "/api/collections/users/auth-with-password", map[string]string{"identity": "ada@example.com", "password": "correct horse 9"}, nil); in.status != 200 {
		t.Errorf("sign-in: got %d %s", in.status, in.body)
	}
	if again := s.ask(testkit.Guest, "POST", "/api/setup", form, nil); again.status != 409 {
		t.Errorf("again: got %d %s, want 409", again.status, again.body)
	}
}

func TestSetup_makes_nothing_when_a_step_fails(t *testing.T) {
	good := map[string]any{"name": "Ada", "email": "ada@example.com", "password": "correct horse 9", "organization": "Ada's", "demo": true}
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

func TestSession_writes_need_the_token_of_this_session(t *testing.T) {
	s := serve(t, Deps{})
	token := testkit.As(t, testkit.AcmeOwner)["Authorization"]
	begun := s.ask(testkit.AcmeOwner, "POST", "/api/session", nil, nil)
	if begun.status != 200 || begun.cookie(identity.SessionCookie) != token {
		t.Fatalf("start: got %d %s", begun.status, begun.body)
	}
	for _, flag := range []string{"HttpOnly", "SameSite=Lax"} {
		for _, line := range begun.header.Values("Set-Cookie") {
			if !strings.Contains(line, flag) {
				t.Errorf("cookie without %s", flag)
			}
		}
	}
	csrf := begun.cookie(csrfCookie)
	stranger := s.ask(testkit.Guest, "GET", "/api/csrf", nil, nil)
	other := s.ask(testkit.BoltOwner, "POST", "/api/session", nil, nil)
	cookies := func(c string) string { return identity.SessionCookie + "=" + token + "; " + csrfCookie + "=" + c }
	const path = "/api/collections/assistants/records/" + testkit.AcmeAssistant
	tests := []struct {
		name, method string
		header       map[string]string
		status       int
	}{
		{"a read needs only the cookie", "GET", map[string]string{"Cookie": identity.SessionCookie + "=" + token}, 200},
		{"a forged cookie is nobody", "GET", map[string]string{"Cookie": identity.SessionCookie + "=" + token + "x"}, 404},
		{"a write without the token", "PATCH", map[string]string{"Cookie": cookies(csrf)}, 403},
		{"a write without its cookie", "PATCH", map[string]string{"Cookie": identity.SessionCookie + "=" + token, CSRFHeader: csrf}, 403},
		{"a write with another token", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf + "x"}, 403},
		{"a token made before signing in", "PATCH", map[string]string{"Cookie": cookies(stranger.cookie(csrfCookie)), CSRFHeader: stranger.cookie(csrfCookie)}, 403},
		{"a token of somebody else's session", "PATCH", map[string]string{"Cookie": cookies(other.cookie(csrfCookie)), CSRFHeader: other.cookie(csrfCookie)}, 403},
		{"from a foreign page", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf, "Sec-Fetch-Site": "cross-site"}, 403},
		{"from a sister site", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf, "Sec-Fetch-Site": "same-site"}, 403},
		{"from a foreign origin", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf, "Origin": "https://evil.example"}, 403},
		{"from nowhere", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf, "Origin": "null"}, 403},
		{"all in order", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf, "Sec-Fetch-Site": "same-origin", "Origin": "http://example.com"}, 200},
		{"a header token never needs it", "PATCH", map[string]string{"Authorization": token, "Sec-Fetch-Site": "cross-site"}, 200},
		{"a bad header token is not helped by the cookie", "PATCH", map[string]string{"Authorization": "x", "Cookie": cookies(csrf), CSRFHeader: csrf}, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var body any
			if tt.method == "PATCH" {
				body = map[string]any{"description": tt.name}
			}
			if a := s.ask(testkit.Guest, tt.method, path, body, tt.header); a.status != tt.status {
				t.Errorf("got %d %s, want %d", a.status, a.body, tt.status)
			}
		})
	}
	if a := s.ask(testkit.Guest, "POST", "/api/session", nil, nil); a.status != 401 {
		t.Errorf("a guest starts a session: got %d, want 401", a.status)
	}
	if a := s.ask(testkit.Guest, "POST", "/api/collections/users/auth-with-password", map[string]string{"identity": testkit.AcmeAgent, "password": testkit.Password}, map[string]string{"Cookie": cookies(csrf)}); a.status != 200 {
		t.Errorf("signing in with an old cookie: got %d %s, want 200", a.status, a.body)
	}
	ended := s.ask(testkit.Guest, "DELETE", "/api/session", nil, map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf})
	if ended.status != 204 || !strings.Contains(strings.Join(ended.header.Values("Set-Cookie"), " "), identity.SessionCookie+"=; Path=/; Max-Age=0") {
		t.Errorf("end: got %d %v", ended.status, ended.header.Values("Set-Cookie"))
	}
}

func TestSession_passes_over_the_cookie_only_where_people_sign_in(t *testing.T) {
	for path, want := range map[string]bool{
		"/api/collections/users/auth-with-password": true, "/api/collections/_superusers/request-otp": true,
		"/api/collections/users/confirm-password-reset": true, "/api/webhooks/vapi": true, "/api/setup": true,
		"/api/collections/users/records": false, "/api/collections/auth-x/records": false, "/api/calls": false,
		"/functions/v1/webhooks": false, "/api/collections/users/impersonate/x": false,
	} {
		if got := open(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func TestSession_cookies_are_secure_over_https(t *testing.T) {
	s := serve(t, Deps{PublicURL: "https://desk.example.com"})
	a := s.ask(testkit.Guest, "GET", "/api/csrf", nil, nil)
	var got map[string]string
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	if got["token"] != a.cookie(csrfCookie) || got["token"] == "" || got["message"] != "CSRF token generated successfully" {
		t.Errorf("got %s", a.body)
	}
	if !strings.Contains(a.header.Get("Set-Cookie"), "; Secure") || a.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("got %v", a.header)
	}
}

func TestSession_serves_the_documented_routes_too(t *testing.T) {
	row := func(method string, do facade.Action) facade.Row {
		return facade.Row{
			Route: facade.Route{Method: method, Path: "/api/agents/{id}", Auth: facade.Member}, Collection: collections.Assistants, Do: do,
			Fields: []facade.Field{{Name: "name", Column: "name"}}, Envelope: facade.Bare,
		}
	}
	s := serve(t, Deps{}, row("GET", facade.View), row("PUT", facade.Update))
	begun := s.ask(testkit.AcmeOwner, "POST", "/api/session", nil, nil)
	cookies := identity.SessionCookie + "=" + begun.cookie(identity.SessionCookie) + "; " + csrfCookie + "=" + begun.cookie(csrfCookie)
	const path = "/api/agents/" + testkit.AcmeAssistant
	if a := s.ask(testkit.Guest, "GET", path, nil, map[string]string{"Cookie": cookies}); a.status != 200 {
		t.Errorf("read: got %d %s", a.status, a.body)
	}
	change := map[string]any{"name": "Changed"}
	if a := s.ask(testkit.Guest, "PUT", path, change, map[string]string{"Cookie": cookies}); a.status != 403 {
		t.Errorf("write without the token: got %d %s", a.status, a.body)
	}
	if a := s.ask(testkit.Guest, "PUT", path, change, map[string]string{"Cookie": cookies, CSRFHeader: begun.cookie(csrfCookie)}); a.status != 200 {
		t.Errorf("write: got %d %s", a.status, a.body)
	}
}

func TestSimulate_rings_the_sandbox(t *testing.T) {
	var rung []map[string]string
	answerWith := http.StatusCreated
	sandbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var order map[string]string
		if err := json.NewDecoder(r.Body).Decode(&order); err != nil || r.Method != "POST" || r.URL.Path != "/_sandbox/calls" {
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
			if !strings.Contains(a.body, `"vapi_call_id":"call-1"`) || len(rung) != 1 || rung[0]["phoneNumberId"] != "number-acme" || rung[0]["language"] != "fr" {
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
	if err := json.Unmarshal([]byte(s.ask(testkit.AcmeOwner, "POST", "/api/files/token", nil, nil).body), &file); err != nil {
		t.Fatal(err)
	}
	a = s.ask(testkit.Guest, "GET", "/api/files/recordings/"+row.Id+"/"+row.GetString("file")+"?token="+file.Token, nil, nil)
	if a.status != 200 || a.header.Get("Cache-Control") != "private, no-store" || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
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
		if strings.Contains(line, "marker") || strings.Contains(line, "bbbbbbbbbbbb") || !strings.Contains(line, "filter=redacted") {
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
	if got.Meta.AppName != appName || got.Meta.AppURL != "https://desk.example.com" || !got.RateLimits.Enabled || got.Batch.Enabled {
		t.Errorf("got %+v", got)
	}
	users, err := app.FindCollectionByNameOrId(collections.Users)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(users.ResetPasswordTemplate.Body, "{APP_URL}/reset#token={TOKEN}") || strings.Contains(users.VerificationTemplate.Body, "/_/") {
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
	if got := app.Settings(); got.RateLimits.Enabled || got.Meta.AppName != "Ada's desk" || got.Meta.AppURL != "https://desk.example.com" {
		t.Errorf("the operator's choices were undone: %+v", got)
	}
}
