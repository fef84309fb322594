package hooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	authPassword = "/auth/v1/token?grant_type=password"
	authRefresh  = "/auth/v1/token?grant_type=refresh_token"
)

// library asks as @supabase/supabase-js does.
type library struct {
	*product
	api *testkit.Client
}

func libraryOf(t *testing.T, settings ...string) *library {
	p := newProduct(t, settings...)
	return &library{p, testkit.API(t, p.TestApp)}
}

// bearing sends a request with an access token.
func (l *library) bearing(token, method, path string, body ...any) (int, string) {
	var sent io.Reader
	if len(body) > 0 {
		raw, err := json.Marshal(body[0])
		if err != nil {
			l.t.Fatal(err)
		}
		sent = bytes.NewReader(raw)
	}
	r := httptest.NewRequest(method, path, sent)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	r.RemoteAddr = "198.51.100.20:4000" // of no listed network
	w := httptest.NewRecorder()
	l.api.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func decoded(t *testing.T, answer string) (o object) {
	t.Helper()
	if err := json.Unmarshal([]byte(answer), &o); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	return o
}

func (l *library) signIn(email string) object {
	l.t.Helper()
	var o object
	l.api.Do("POST", authPassword, testkit.Guest,
		map[string]any{"email": email, "password": testkit.Password, "gotrue_meta_security": map[string]any{}}).
		Want(200).JSON(&o)
	return o
}

func (l *library) refresh(token any) (int, object) {
	l.t.Helper()
	var o object
	a := l.api.Do("POST", authRefresh, testkit.Guest, map[string]any{"refresh_token": token}).JSON(&o)
	return a.Status, o
}

func TestLibrary_signs_in_and_shows_the_documented_person(t *testing.T) {
	l := libraryOf(t)
	for email, want := range map[string]map[string]any{
		testkit.AcmeOwner:     {"organization_id": testkit.Acme, "role": "admin"},
		testkit.AcmeAdmin:     {"organization_id": testkit.Acme, "role": "admin"},
		testkit.AcmeViewer:    {"organization_id": testkit.Acme, "role": "user"},
		testkit.Sam:           {"organization_id": testkit.Bolt, "role": "admin"},
		testkit.Nobody:        {"organization_id": nil, "role": "user"},
		testkit.AcmeSuspended: {"organization_id": nil, "role": "user"},
	} {
		session := l.signIn(email)
		if session["token_type"] != "bearer" || session["refresh_token"] == "" || session["expires_in"].(float64) < 60 ||
			session["warnings"] != nil {
			t.Errorf("%s: %v", email, session)
		}
		status, body := l.bearing(session["access_token"].(string), "GET", "/auth/v1/user")
		for name, value := range want {
			if got := session.in("user." + name); got != value {
				t.Errorf("%s: %s is %v, want %v", email, name, got, value)
			}
		}
		if confirmed := session.in("user.email_confirmed_at"); confirmed != session.in("user.created_at") { // it moves with no other change
			t.Errorf("%s: the address is confirmed at %v", email, confirmed)
		}
		for _, name := range []string{"id", "email", "name", "created_at", "last_sign_in_at"} {
			if got := session.in("user." + name); got == nil || got == "" || status != 200 ||
				!strings.Contains(body, fmt.Sprint(got)) {
				t.Errorf("%s: %s is %v; GET user: %d %s", email, name, got, status, body)
			}
		}
	}
	l.api.Do("GET", "/auth/v1/user", testkit.Guest, nil).Want(401).Nothing()
	l.api.Do("GET", "/auth/v1/user", testkit.Superuser, nil).Want(403).Nothing()
	l.api.Do("POST", "/auth/v1/logout", testkit.Guest, nil).Want(401).Nothing()
	wrong := l.api.Do("POST", authPassword, testkit.Guest,
		map[string]any{"email": testkit.AcmeOwner, "password": "wrong"}).Want(400).Nothing(testkit.Written...)
	says(t, wrong, map[string]any{"error_code": "invalid_credentials"})
	unknown := l.api.Do("POST", authPassword, testkit.Guest,
		map[string]any{"email": "nobody@nowhere.test", "password": "wrong"}).Want(400).Nothing(testkit.Written...)
	if string(unknown.Body) == "" || says(t, unknown, nil)["msg"] != says(t, wrong, nil)["msg"] {
		t.Errorf("an unknown address is told apart: %s", unknown.Body)
	}
	l.api.Do("POST", "/auth/v1/token", testkit.Guest, map[string]any{}).Want(400).Nothing()
}

func TestLibrary_refreshes_once_and_a_second_try_ends_the_session(t *testing.T) {
	l := libraryOf(t)
	first := l.signIn(testkit.AcmeAgent)
	status, second := l.refresh(first["refresh_token"])
	if status != 200 || second["access_token"] == first["access_token"] || second.in("user.email") != testkit.AcmeAgent {
		t.Fatalf("got %d %v", status, second)
	}
	if code, _ := l.bearing(second["access_token"].(string), "GET", "/auth/v1/user"); code != 200 {
		t.Errorf("the new token got %d", code)
	}
	for _, wrong := range []any{"", nil, 7, "a.b.c", second["refresh_token"].(string) + "0", second["access_token"]} {
		if status, answer := l.refresh(wrong); status != 400 || answer["error_code"] != "refresh_token_not_found" {
			t.Errorf("%v: got %d %v", wrong, status, answer)
		}
	}
	if code, _ := l.bearing(second["access_token"].(string), "GET", "/auth/v1/user"); code != 200 {
		t.Errorf("a wrong refresh token ended the session: %d", code)
	}
	// The answer was lost, or two tabs asked at once.
	if status, same := l.refresh(first["refresh_token"]); status != 200 ||
		same["access_token"] != second["access_token"] ||
		same["refresh_token"] != second["refresh_token"] {
		t.Errorf("used again at once: got %d %v", status, same)
	}
	l.clock().Move(11 * time.Second)
	if status, _ := l.refresh(first["refresh_token"]); status != 400 {
		t.Errorf("used again: got %d", status)
	}
	for _, token := range []any{first["access_token"], second["access_token"]} {
		if code, _ := l.bearing(token.(string), "GET", "/auth/v1/user"); code != 401 {
			t.Errorf("after the second try a token of the session got %d", code)
		}
	}
	if status, _ := l.refresh(second["refresh_token"]); status != 400 {
		t.Errorf("the newest refresh token of an ended session got %d", status)
	}
	if n := l.count("SELECT count(*) FROM audit_logs WHERE action = 'auth.refresh_reused'"); n != 1 {
		t.Errorf("%d entries say so", n)
	}
	// Another session of the person lives on; a new password ends it, and its refresh token.
	other := l.signIn(testkit.AcmeAgent)
	user, err := l.FindRecordById(collections.Users, testkit.User(testkit.AcmeAgent))
	if err != nil {
		t.Fatal(err)
	}
	user.SetPassword("another long one 42")
	if err := l.Save(user); err != nil {
		t.Fatal(err)
	}
	if status, _ := l.refresh(other["refresh_token"]); status != 400 {
		t.Errorf("after a new password: got %d", status)
	}
}

func TestLibrary_tabs_that_refresh_at_once_get_the_same_session(t *testing.T) {
	l := libraryOf(t)
	first := l.signIn(testkit.AcmeAgent)["refresh_token"]
	answers := make(chan string)
	for range 8 {
		go func() {
			_, answer := l.bearing("", "POST", authRefresh, map[string]any{"refresh_token": first})
			var o object
			_ = json.Unmarshal([]byte(answer), &o)
			answers <- fmt.Sprint(o["access_token"], " ", o["refresh_token"])
		}()
	}
	var got []string
	for range 8 {
		got = append(got, <-answers)
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 1 || strings.Contains(got[0], "nil") {
		t.Errorf("%d different answers: %v", len(got), got)
	}
	// What was answered before the newest is nothing any more, within the time too.
	second := l.signIn(testkit.AcmeOwner)["refresh_token"]
	_, third := l.refresh(second)
	_, fourth := l.refresh(third["refresh_token"])
	if status, _ := l.refresh(second); status != 400 {
		t.Errorf("the one before the last got %d", status)
	}
	if status, _ := l.refresh(fourth["refresh_token"]); status != 400 {
		t.Errorf("the session lives on: %d", status)
	}
}

func TestLibrary_signs_out_as_far_as_it_is_asked(t *testing.T) {
	l := libraryOf(t)
	alive := func(s object) bool {
		code, _ := l.bearing(s["access_token"].(string), "GET", "/auth/v1/user")
		return code == 200
	}
	for scope, want := range map[string][2]bool{"?scope=local": {false, true}, "?scope=others": {true, false},
		"?scope=global": {false, false}, "": {false, false}} {
		here, there := l.signIn(testkit.AcmeAgent), l.signIn(testkit.AcmeAgent)
		if code, body := l.bearing(here["access_token"].(string), "POST", "/auth/v1/logout"+scope); code != 204 {
			t.Errorf("%s: got %d %s", scope, code, body)
		}
		if got := [2]bool{alive(here), alive(there)}; got != want {
			t.Errorf("%q: here and there live %v, want %v", scope, got, want)
		}
		if status, _ := l.refresh(here["refresh_token"]); want[0] != (status == 200) {
			t.Errorf("%q: refreshing here got %d", scope, status)
		}
	}
}

func TestLibrary_begins_accounts_by_the_policy_and_in_no_organization(t *testing.T) {
	body := map[string]any{
		"email": "new@client.test", "password": "a good long one 7",
		"data": map[string]any{"name": "Nia", "organization_id": testkit.Acme},
	}
	closed := libraryOf(t)
	says(t, closed.api.Do("POST", "/auth/v1/signup", testkit.Guest, body).Want(422).Nothing(),
		map[string]any{"error_code": "signup_disabled"})
	if n := closed.count("SELECT count(*) FROM users WHERE email = 'new@client.test'"); n != 0 {
		t.Error("an account was made")
	}
	l := libraryOf(t, "POCKETLINE_SIGN_UP=open")
	weak := map[string]any{"email": "new@client.test", "password": "password"}
	says(t, l.api.Do("POST", "/auth/v1/signup", testkit.Guest, weak).Want(422).Nothing(),
		map[string]any{"error_code": "weak_password"})
	made := says(t, l.api.Do("POST", "/auth/v1/signup", testkit.Guest, body).Want(200), map[string]any{
		"user.email": "new@client.test", "user.name": "Nia", "user.organization_id": nil, "user.role": "user",
		"warnings": "[data.organization_id is not known here and was ignored]",
	})
	if code, _ := l.bearing(made["access_token"].(string), "GET", "/auth/v1/user"); code != 200 {
		t.Errorf("the token got %d", code)
	}
	if code, _ := l.bearing(made["access_token"].(string), "GET", "/functions/v1/calls"); code != 403 {
		t.Errorf("a stranger lists calls: %d", code)
	}
	if n := l.count("SELECT count(*) FROM memberships WHERE user = '" + made.in("user.id").(string) + "'"); n != 0 {
		t.Error("a stranger joined an organization by naming it")
	}
	says(t, l.api.Do("POST", "/auth/v1/signup", testkit.Guest, body).Want(422).Nothing(),
		map[string]any{"error_code": "user_already_exists"})
	// Without mail both say so, for any address.
	for _, path := range []string{"recover", "otp"} {
		for _, email := range []string{testkit.AcmeAgent, "nobody@nowhere.test"} {
			says(t, l.api.Do("POST", "/auth/v1/"+path, testkit.Guest, map[string]any{"email": email}).Want(422).Nothing(),
				map[string]any{"error_code": "otp_disabled"})
		}
	}
	// Where mail can be sent nobody is told whether an address has an account.
	l.withMail()
	keys := func(email string) string {
		body["email"] = email
		o := says(t, l.api.Do("POST", "/auth/v1/signup", testkit.Guest, body).Want(200), nil)
		if o["access_token"] != nil || o["email"] != email {
			t.Errorf("%s: %v", email, o)
		}
		return strings.Join(strings.Fields(fmt.Sprint(len(o))), " ")
	}
	if keys("new@client.test") != keys("newer@client.test") {
		t.Error("a taken address is told apart")
	}
	for _, path := range []string{"recover", "otp"} {
		for _, email := range []string{testkit.AcmeAgent, "nobody@nowhere.test"} {
			if a := l.api.Do("POST", "/auth/v1/"+path, testkit.Guest,
				map[string]any{"email": email}).Want(200); strings.TrimSpace(string(a.Body)) != "{}" {
				t.Errorf("%s: %s", path, a.Body)
			}
		}
	}
}

// What stands before our own sign-in stands before this one.
func TestLibrary_meets_factors_networks_and_counters(t *testing.T) {
	eachGate(t, func(t *testing.T, p *product, api *testkit.Client) {
		l := &library{p, api}
		answer := api.Do("POST", authPassword, testkit.Guest,
			map[string]any{"email": testkit.AcmeAgent, "password": testkit.Password})
		if answer.Status == 400 { // the factor
			says(t, answer, map[string]any{"error_code": "mfa_required"})
			if o := says(t, answer, nil); o["ticket"] == "" || o["access_token"] != nil {
				t.Errorf("got %v", o)
			}
			return
		}
		var session object
		answer.Want(200).JSON(&session)
		for _, path := range []string{"/functions/v1/calls", "/api/calls/" + testkit.AcmeCall, "/functions/v1/organization"} {
			if code, body := l.bearing(session["access_token"].(string), "GET", path); code != 403 ||
				strings.Contains(body, "sourdough") {
				t.Errorf("%s from a foreign network: %d %.200s", path, code, body)
			}
		}
	})
	l := libraryOf(t)
	// What is tried here counts at the other door: 30 a minute of one address.
	l.api.Address = "198.51.100.9:4000"
	last := 0
	for n := range 31 {
		last = l.api.Do("POST", authPassword, testkit.Guest,
			map[string]any{"email": fmt.Sprint("nobody", n, "@nowhere.test"), "password": "x"}).Status
	}
	if own := l.api.Do("POST", "/api/collections/users/auth-with-password", testkit.Guest,
		map[string]any{}).Status; last != 429 || own != 429 {
		t.Errorf("an address that tried too often got %d here and %d there", last, own)
	}
}

var takesSecret = regexp.MustCompile(`[{,] *"(password|code|token|ticket|refresh_token)"`)

// hooks/accounts walks its own doors; this walks all of the product.
func TestLimits_know_every_door_of_the_product_that_takes_a_secret(t *testing.T) {
	limited := guesses.Limited()
	operators := []string{"PUT /api/installation/mail", "POST /api/setup"} // the operator alone, and once
	for _, r := range served(t) {
		if _, ok := limited[r.Method+" "+r.Path]; takesSecret.MatchString(r.Body) && !ok &&
			!slices.Contains(operators, r.Method+" "+r.Path) {
			t.Errorf("%s %s takes %s and is not limited", r.Method, r.Path, r.Body)
		}
	}
}
