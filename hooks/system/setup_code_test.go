package system

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestSetup_from_elsewhere_asks_for_the_printed_code(t *testing.T) {
	s := serve(t, Deps{})
	s.empty()
	code := s.setupCode()
	form := func(code any) map[string]any {
		return map[string]any{"name": "Eve", "email": "eve@example.com", "password": "correct horse 9",
			"organization": "Eve's", "code": code}
	}
	for name, header := range map[string]map[string]string{
		"nothing": nil, "a proxy's word": {"X-Forwarded-For": "127.0.0.1"},
		"another proxy's word": {"Forwarded": "for=127.0.0.1"},
	} {
		for _, wrong := range []any{nil, "", " ", "aaaaa-aaaaa-aaaaa-aaaaa-aaaaa-a", code[1:], code + "a", 5} {
			if a := s.ask(testkit.Guest, "POST", "/api/setup", form(wrong), header); a.status != 403 && a.status != 400 {
				t.Errorf("%s with code %v: got %d %s", name, wrong, a.status, a.body)
			}
		}
		a := s.ask(testkit.Guest, "POST", "/api/setup", form(nil), header)
		if a.status != 403 || !strings.Contains(a.body, `"code":{"code":"setup_code"`) || strings.Contains(a.body, code) {
			t.Errorf("%s: got %d %s, want 403 that names the field", name, a.status, a.body)
		}
		if !strings.Contains(a.body, `"Enter the code`) || strings.Contains(a.body, "not right") {
			t.Errorf("%s: an empty code reads %s", name, a.body)
		}
		if a := s.ask(testkit.Guest, "POST", "/api/setup", form("aaaaa-a"), header); !strings.Contains(a.body,
			"This code is not right.") ||
			!strings.Contains(a.body, "file .setup_code") || strings.Contains(a.body, code) {
			t.Errorf("%s: a wrong code reads %s", name, a.body)
		}
	}
	if n, err := s.app.CountRecords(collections.Users); err != nil || n != 0 {
		t.Fatalf("%d accounts were made (%v)", n, err)
	}
	if a := s.ask(testkit.Guest, "GET", "/api/desk", nil, nil); !strings.Contains(a.body, `"setup_code":true`) ||
		strings.Contains(a.body, code) {
		t.Errorf("desk: %s", a.body)
	}
	typed := " " + strings.ToUpper(strings.ReplaceAll(code, "-", " "))
	if a := s.ask(testkit.Guest, "POST", "/api/setup", form(typed), nil); a.status != 200 {
		t.Errorf("with the code as people type it: got %d %s", a.status, a.body)
	}
	if _, err := os.Stat(filepath.Join(s.app.DataDir(), setupCodeFile)); !os.IsNotExist(err) {
		t.Errorf("the used code is still there: %v", err)
	}
	if again, err := SetupCode(s.app); err != nil || again != "" {
		t.Errorf("with an account: got code %q, %v", again, err)
	}
}

func TestSetup_at_the_machine_itself_needs_no_code(t *testing.T) {
	s := serve(t, Deps{})
	s.empty()
	req := httptest.NewRequest("POST", "/api/setup", bytes.NewReader([]byte(
		`{"name": "Ada", "email": "ada@example.com", "password": "correct horse 9", "organization": "Ada's"}`)))
	req.Header.Set("Content-Type", "application/json")
	req.RemoteAddr, req.Host = "127.0.0.1:4000", "localhost:8090"
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, req)
	if w.Code != 200 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestSetupCode_stays_the_same_until_it_was_used(t *testing.T) {
	s := serve(t, Deps{})
	s.empty()
	code := s.setupCode()
	path := filepath.Join(s.app.DataDir(), setupCodeFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	if again := s.setupCode(); again != code {
		t.Errorf("got %q, then %q: a link that was printed must not die with a restart", code, again)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := s.setupCode(); len(plainCode(again)) != len(plainCode(code)) {
		t.Errorf("a damaged file gives the code %q", again)
	}
}

func TestSetupCommand_prints_a_link_for_the_password_once(t *testing.T) {
	s := serve(t, Deps{})
	s.empty()
	form := setupForm{Name: "Ada", Email: "ada@example.com", Organization: "Ada's"}
	if _, err := setUp(s.app, setupForm{Name: "Ada", Organization: "Ada's"}); err == nil ||
		!strings.Contains(err.Error(), "--email") {
		t.Errorf("without an address: %v", err)
	}
	link, err := setUp(s.app, form)
	if err != nil {
		t.Fatal(err)
	}
	_, token, ok := strings.Cut(link, "/reset#token=")
	if !ok {
		t.Fatalf("got %s", link)
	}
	password := "a long password 1"
	a := s.ask(testkit.Guest, "POST", "/api/collections/users/confirm-password-reset",
		map[string]string{"token": token, "password": password, "passwordConfirm": password}, nil)
	if a.status != 204 {
		t.Errorf("the link: got %d %s", a.status, a.body)
	}
	a = s.ask(testkit.Guest, "POST", "/api/collections/users/auth-with-password",
		map[string]string{"identity": form.Email, "password": password}, nil)
	if a.status != 200 {
		t.Errorf("sign-in: got %d %s", a.status, a.body)
	}
	if _, err := setUp(s.app, form); err == nil || !strings.Contains(err.Error(), "has an account") {
		t.Errorf("again: %v", err)
	}
}

func TestHealth_and_readiness_carry_the_headers_of_data(t *testing.T) {
	s := serve(t, Deps{})
	for _, path := range []string{"/api/health", "/readyz", "/api/desk"} {
		h := s.ask(testkit.Guest, "GET", path, nil, nil).header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != apiPolicy ||
			h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
	}
}
