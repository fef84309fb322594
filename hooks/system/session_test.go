package system

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

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
		{"a write without its cookie", "PATCH", map[string]string{"Cookie": identity.SessionCookie + "=" + token,
			CSRFHeader: csrf}, 403},
		{"a write with another token", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf + "x"}, 403},
		{"a token made before signing in", "PATCH",
			map[string]string{"Cookie": cookies(stranger.cookie(csrfCookie)), CSRFHeader: stranger.cookie(csrfCookie)}, 403},
		{"a token of somebody else's session", "PATCH",
			map[string]string{"Cookie": cookies(other.cookie(csrfCookie)), CSRFHeader: other.cookie(csrfCookie)}, 403},
		{"from a foreign page", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf,
			"Sec-Fetch-Site": "cross-site"}, 403},
		{"from a sister site", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf,
			"Sec-Fetch-Site": "same-site"}, 403},
		{"from a foreign origin", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf,
			"Origin": "https://evil.example"}, 403},
		{"from nowhere", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf, "Origin": "null"}, 403},
		{"all in order", "PATCH", map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf,
			"Sec-Fetch-Site": "same-origin", "Origin": "http://example.com"}, 200},
		{"a header token never needs it", "PATCH",
			map[string]string{"Authorization": token, "Sec-Fetch-Site": "cross-site"}, 200},
		{"a bad header token is not helped by the cookie", "PATCH",
			map[string]string{"Authorization": "x", "Cookie": cookies(csrf), CSRFHeader: csrf}, 404},
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
	if a := s.ask(testkit.Guest, "POST", "/api/collections/users/auth-with-password",
		map[string]string{"identity": testkit.AcmeAgent, "password": testkit.Password},
		map[string]string{"Cookie": cookies(csrf)}); a.status != 200 {
		t.Errorf("signing in with an old cookie: got %d %s, want 200", a.status, a.body)
	}
	ended := s.ask(testkit.Guest, "DELETE", "/api/session", nil,
		map[string]string{"Cookie": cookies(csrf), CSRFHeader: csrf})
	if ended.status != 204 || !strings.Contains(strings.Join(ended.header.Values("Set-Cookie"), " "),
		identity.SessionCookie+"=; Path=/; Max-Age=0") {
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
	if got["token"] != a.cookie(csrfCookie) || got["token"] == "" ||
		got["message"] != "CSRF token generated successfully" {
		t.Errorf("got %s", a.body)
	}
	if !strings.Contains(a.header.Get("Set-Cookie"), "; Secure") || a.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("got %v", a.header)
	}
}

func TestSession_serves_the_documented_routes_too(t *testing.T) {
	s := serve(t, Deps{}, facade.Resource{
		Collection: collections.Assistants, Path: "/api/agents", Fields: []facade.Field{{Name: "name", Column: "name"}},
		Verbs: []facade.Verb{{Do: facade.View}, {Do: facade.Update, Method: "PUT"}},
	})
	begun := s.ask(testkit.AcmeOwner, "POST", "/api/session", nil, nil)
	cookies := identity.SessionCookie + "=" + begun.cookie(identity.SessionCookie) + "; " + csrfCookie +
		"=" + begun.cookie(csrfCookie)
	const path = "/api/agents/" + testkit.AcmeAssistant
	if a := s.ask(testkit.Guest, "GET", path, nil, map[string]string{"Cookie": cookies}); a.status != 200 {
		t.Errorf("read: got %d %s", a.status, a.body)
	}
	change := map[string]any{"name": "Changed"}
	if a := s.ask(testkit.Guest, "PUT", path, change, map[string]string{"Cookie": cookies}); a.status != 403 {
		t.Errorf("write without the token: got %d %s", a.status, a.body)
	}
	if a := s.ask(testkit.Guest, "PUT", path, change,
		map[string]string{"Cookie": cookies, CSRFHeader: begun.cookie(csrfCookie)}); a.status != 200 {
		t.Errorf("write: got %d %s", a.status, a.body)
	}
}
