package orgs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"
	"github.com/pquerna/otp/totp"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/orgs"
)

// clock is a time tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time       { return c.at }
func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }
func newClock() *clock                { return &clock{time.Now().Truncate(time.Second)} }
func (c *clock) code(t testing.TB, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, c.at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// bureau is a desk with people who sign in over the wire.
type bureau struct {
	*desk
	clock  *clock
	delays []time.Duration // how long answers were held back
	serial int
}

func bureauOf(t testing.TB, bind ...func(core.App)) *bureau {
	t.Helper()
	b := &bureau{clock: newClock()}
	b.desk = open(t, func(d *orgs.Deps) {
		d.Now = b.clock.now
		d.Delay = func(_ context.Context, length time.Duration) { b.delays = append(b.delays, length) }
		d.SignUp = "open"
	}, bind...)
	return b
}

type reply struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: got %d, want %d: %.300s", r.what, r.status, status, r.body)
	}
	return r
}

func (r reply) text(path ...string) string {
	r.t.Helper()
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		r.t.Fatalf("%s: %v in %.200s", r.what, err, r.body)
	}
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	s, _ := v.(string)
	return s
}

func (r reply) into(v any) reply {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("%s: %v in %.200s", r.what, err, r.body)
	}
	return r
}

// ask sends a request with a token from an address ("" is a new one each time).
func (b *bureau) ask(token, address, method, url string, body any) reply {
	b.t.Helper()
	return b.send(token, address, method, url, body, nil)
}

// raw is ask with more headers.
func (b *bureau) raw(token, address, method, url string, header map[string]string) reply {
	b.t.Helper()
	return b.send(token, address, method, url, nil, header)
}

func (b *bureau) send(token, address, method, url string, body any, header map[string]string) reply {
	b.t.Helper()
	raw := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		raw = string(encoded)
	}
	req := httptest.NewRequest(method, url, strings.NewReader(raw))
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if address == "" {
		b.serial++
		address = fmt.Sprintf("198.51.100.%d", b.serial%250)
	}
	req.RemoteAddr = address + ":4000"
	if strings.Contains(address, ":") {
		req.RemoteAddr = "[" + address + "]:4000"
	}
	w := httptest.NewRecorder()
	b.Client.ServeHTTP(w, req)
	return reply{b.t, method + " " + url, w.Code, w.Header(), w.Body.Bytes()}
}

func (b *bureau) password(email, address string) reply {
	b.t.Helper()
	return b.ask("", address, "POST", "/api/collections/users/auth-with-password", map[string]string{"identity": email, "password": testkit.Password})
}

// signIn returns the token of a sign-in that needs no second factor.
func (b *bureau) signIn(email, address string) string {
	b.t.Helper()
	return b.password(email, address).want(200).text("token")
}

// enroll sets up an authenticator app and returns its secret and the recovery codes.
func (b *bureau) enroll(token string) (secret string, codes []string) {
	b.t.Helper()
	secret = b.ask(token, "", "POST", "/api/me/two-factor/start", nil).want(200).text("secret")
	var answer struct {
		Codes []string `json:"recovery_codes"`
	}
	b.ask(token, "", "POST", "/api/me/two-factor/confirm", map[string]string{"code": b.clock.code(b.t, secret)}).want(200).into(&answer)
	if len(answer.Codes) != 10 {
		b.t.Fatalf("got %d recovery codes, want 10", len(answer.Codes))
	}
	return secret, answer.Codes
}

const acmeCalls = "/api/collections/" + collections.Calls + "/records?organization=" + testkit.Acme

func TestSession_ends_by_itself_and_with_all_others(t *testing.T) {
	b := bureauOf(t)
	desk, phone, tablet := b.signIn(testkit.AcmeAgent, "192.0.2.1"), b.signIn(testkit.AcmeAgent, "192.0.2.2"), b.signIn(testkit.AcmeAgent, "")
	var list struct {
		Sessions []struct {
			ID      string `json:"id"`
			IP      string `json:"ip_address"`
			Current bool   `json:"current"`
			Method  string `json:"method"`
		} `json:"sessions"`
	}
	b.ask(phone, "", "GET", "/api/me/sessions", nil).want(200).into(&list)
	if len(list.Sessions) != 4 { // and the one of the fixtures
		t.Fatalf("got %d sessions, want 4", len(list.Sessions))
	}
	first := ""
	for _, s := range list.Sessions {
		if s.Current != (s.IP == "192.0.2.2") || s.Method != "password" {
			t.Errorf("session %+v: want only the phone to be this one", s)
		}
		if s.IP == "192.0.2.1" {
			first = s.ID
		}
	}
	b.ask(desk, "", "GET", "/api/user/profile", nil).want(200)
	seen := func() string { return b.find(collections.Sessions, "id = '"+first+"'").GetString("last_seen_at") }
	signedIn := seen()
	b.clock.pass(4 * time.Minute)
	b.ask(desk, "", "GET", "/api/user/profile", nil).want(200)
	if seen() != signedIn {
		t.Error("every request writes that the session is in use")
	}
	b.clock.pass(2 * time.Minute)
	b.ask(desk, "", "GET", "/api/user/profile", nil).want(200)
	if seen() == signedIn {
		t.Error("nothing says that the session is in use")
	}

	b.ask(b.signIn(testkit.AcmeOwner, ""), "", "DELETE", "/api/me/sessions/"+first, nil).want(404)
	b.ask(desk, "", "GET", "/api/user/profile", nil).want(200)

	b.ask(phone, "", "DELETE", "/api/me/sessions/"+first, nil).want(204)
	b.ask(desk, "", "GET", "/api/user/profile", nil).want(401)
	b.ask(desk, "", "POST", "/api/collections/users/auth-refresh", nil).want(401)
	b.ask(phone, "", "GET", "/api/user/profile", nil).want(200)

	b.ask(phone, "", "POST", "/api/me/sessions/end-others", nil).want(200)
	b.ask(tablet, "", "GET", "/api/user/profile", nil).want(401)
	b.ask(phone, "", "GET", "/api/user/profile", nil).want(200)
	b.Do("GET", "/api/user/profile", testkit.AcmeAgent, nil).Want(401)

	b.ask(phone, "", "POST", "/api/me/sessions/end-all", nil).want(204)
	b.ask(phone, "", "GET", "/api/user/profile", nil).want(401)
	b.ask(b.signIn(testkit.AcmeAgent, ""), "", "GET", "/api/user/profile", nil).want(200)

	// A new password ends them as well, in the list too.
	b.signIn(testkit.AcmeViewer, "")
	viewer := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeViewer)+"'")
	viewer.SetPassword("another long one")
	if err := b.app.Save(viewer); err != nil {
		t.Fatal(err)
	}
	if n := b.count("SELECT count(*) FROM sessions WHERE ended_at = '' AND user = '" + viewer.Id + "'"); n != 0 {
		t.Errorf("%d sessions are still open after a new password", n)
	}
}

func TestAccount_begins_in_the_language_of_its_browser(t *testing.T) {
	b := bureauOf(t)
	for wish, want := range map[string]string{"": "auto", "dark": "dark", "light": "light", "pink": "auto"} {
		email := fmt.Sprintf("new%d@client.test", b.serial)
		b.send("", "", "POST", "/api/auth/signup",
			map[string]string{"email": email, "fullName": "New Person", "password": "a long password"},
			map[string]string{"X-Theme": wish}).want(200)
		if got := b.find(collections.Users, "email = '"+email+"'").GetString("theme"); got != want {
			t.Errorf("%q: the account begins with %q, want %q", wish, got, want)
		}
	}
	for wish, want := range map[string]string{"": "en", "fr-CA,fr;q=0.9,en;q=0.8": "fr", "de, fr;q=0.5": "fr", "EN-us,fr": "en", "de": "en", "*": "en"} {
		email := fmt.Sprintf("new%d@client.test", b.serial)
		b.send("", "", "POST", "/api/auth/signup", map[string]string{"email": email, "fullName": "New Person", "password": "a long password"},
			map[string]string{"Accept-Language": wish}).want(200)
		if got := b.find(collections.Users, "email = '"+email+"'").GetString("language"); got != want {
			t.Errorf("%q: the account begins in %q, want %q", wish, got, want)
		}
	}
}

// Who accepts an invitation begins with the looks of the own browser, whatever
// the organization's language; a browser that asks for none of ours gets that.
func TestAccount_by_invitation_begins_with_the_looks_of_its_browser(t *testing.T) {
	b := bureauOf(t)
	owner := b.signIn(testkit.AcmeOwner, "")
	for _, tt := range []struct{ organization, asks, theme, language, gets string }{
		{"en", "fr", "dark", "fr", "dark"}, {"fr", "en-GB", "light", "en", "light"}, {"fr", "de", "", "fr", "auto"},
	} {
		b.set(collections.Organizations, testkit.Acme, map[string]any{"language": tt.organization})
		email := fmt.Sprintf("ines%d@new.test", b.serial)
		link := b.ask(owner, testkit.Acme, "POST", "/api/team-members",
			map[string]any{"full_name": "Ines", "email": email, "role": "agent"}).want(201).text("inviteLink")
		a := b.send("", "", "POST", "/api/auth/accept-invite",
			map[string]string{"token": tokenOf(t, link), "password": strong, "fullName": "Ines"},
			map[string]string{"Accept-Language": tt.asks, "X-Theme": tt.theme}).want(200)
		user := b.find(collections.Users, "email = '"+email+"'")
		if user.GetString("language") != tt.language || user.GetString("theme") != tt.gets ||
			!strings.Contains(string(a.body), `"theme":"`+tt.gets+`"`) {
			t.Errorf("%+v: got %s, %s; answered %s", tt, user.GetString("language"), user.GetString("theme"), a.body)
		}
	}
}

// PocketBase answers a token that is worth nothing as it answers a guest, with
// empty lists: whoever sent it must be able to tell the two apart.
func TestToken_that_is_worth_nothing_is_said_to_be(t *testing.T) {
	b := bureauOf(t)
	const dead = `Bearer error="invalid_token"`
	owner := b.signIn(testkit.AcmeOwner, "")
	var made struct {
		Key    string
		Record struct{ ID string }
	}
	keys := "/api/organizations/" + testkit.Acme + "/keys"
	b.ask(owner, "", "POST", keys, map[string]string{"name": "CRM", "role": "viewer"}).want(201).into(&made)
	ended, kept := b.signIn(testkit.AcmeAgent, ""), b.signIn(testkit.AcmeAgent, "")
	says := func(want bool, name, token string) {
		t.Helper()
		for _, url := range []string{acmeCalls, "/api/organizations", "/api/collections/calls/records/" + testkit.AcmeCall} {
			if got := b.ask(token, "", "GET", url, nil).header.Get("WWW-Authenticate") == dead; got != want {
				t.Errorf("%s at %s: said to be worth nothing: %v, want %v", name, url, got, want)
			}
		}
	}
	says(false, "a good token", ended)
	says(false, "a good key", made.Key)
	says(false, "no token", "")
	b.ask(kept, "", "POST", "/api/me/sessions/end-others", nil).want(200)
	b.ask(owner, "", "DELETE", keys+"/"+made.Record.ID, nil).want(204)
	says(true, "an ended session", ended)
	says(false, "the session that was kept", kept)
	says(true, "a revoked key", made.Key)
	b.ask(kept, "", "POST", "/api/me/sessions/end-all", nil).want(204)
	says(true, "a token of before signing out everywhere", kept)
}

func TestSession_keeps_its_row_when_the_token_is_renewed(t *testing.T) {
	b := bureauOf(t)
	before := b.signIn(testkit.AcmeAgent, "")
	count := func() int {
		return b.count("SELECT count(*) FROM sessions WHERE user = '" + testkit.User(testkit.AcmeAgent) + "'")
	}
	n := count()
	after := b.ask(before, "", "POST", "/api/collections/users/auth-refresh", nil).want(200).text("token")
	if after == before || count() != n {
		t.Fatalf("got the same token or %d rows, want a new token and %d", count(), n)
	}
	b.ask(after, "", "DELETE", "/api/me/sessions/current", nil).want(204)
	// Both tokens belong to the session.
	b.ask(after, "", "GET", "/api/user/profile", nil).want(401)
	b.ask(before, "", "GET", "/api/user/profile", nil).want(401)
}

func TestSession_lasts_as_long_as_the_strictest_organization_says(t *testing.T) {
	b := bureauOf(t)
	b.set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"session_timeout_minutes": 30})
	token := b.signIn(testkit.Sam, "") // owner of Bolt, viewer of Acme
	b.clock.pass(29 * time.Minute)
	b.ask(token, "", "GET", "/api/user/profile", nil).want(200)
	b.clock.pass(2 * time.Minute)
	b.ask(token, "", "GET", "/api/user/profile", nil).want(401)

	long := b.signIn(testkit.BoltOwner, "")
	b.set(collections.SecuritySettings, testkit.Row(testkit.Bolt, "security"), map[string]any{"session_timeout_minutes": 5})
	b.clock.pass(6 * time.Minute)
	b.ask(long, "", "GET", "/api/user/profile", nil).want(401)
}

func TestSecondFactor_is_asked_for_and_used_once(t *testing.T) {
	b := bureauOf(t)
	secret, codes := b.enroll(b.signIn(testkit.AcmeAgent, ""))
	if stored := b.find(collections.Authenticators, "user = '"+testkit.User(testkit.AcmeAgent)+"'").GetString("totp_secret"); !strings.HasPrefix(stored, "k1:") {
		t.Fatal("the secret is stored in clear")
	}
	waiting := func() string {
		t.Helper()
		answer := b.password(testkit.AcmeAgent, "").want(401)
		if answer.text("mfaId") == "" || answer.text("token") != "" {
			t.Fatalf("got %s, want a ticket and no token", answer.body)
		}
		return answer.text("ticket")
	}
	complete := func(ticket, code string) reply {
		return b.ask("", "", "POST", "/api/auth/second-factor", map[string]string{"ticket": ticket, "code": code})
	}
	b.clock.pass(time.Minute)
	ticket, code := waiting(), b.clock.code(t, secret)
	complete(ticket, "000000").want(400)
	complete("made up", code).want(401)
	token := complete(ticket, code).want(200).text("token")
	b.ask(token, "", "GET", acmeCalls, nil).want(200)
	complete(ticket, code).want(401)        // the ticket is used
	complete(waiting(), code).want(400)     // and so is the code
	complete(waiting(), codes[3]).want(200) // a recovery code works
	complete(waiting(), codes[3]).want(400) // once
	if n := b.audited("auth.failed"); n < 3 {
		t.Errorf("%d failures are written down, want 3", n)
	}
	b.ask(token, "", "POST", "/api/me/two-factor/disable", map[string]string{"password": "wrong"}).want(400)
	b.ask(token, "", "POST", "/api/me/two-factor/disable", map[string]string{"password": testkit.Password}).want(204)
	b.signIn(testkit.AcmeAgent, "")
}

func TestSecondFactor_is_locked_after_five_wrong_codes_and_password_is_not(t *testing.T) {
	b := bureauOf(t)
	token := b.signIn(testkit.AcmeAgent, "")
	secret, _ := b.enroll(token)
	b.clock.pass(time.Minute)
	ticket := b.password(testkit.AcmeAgent, "").want(401).text("ticket")
	try := func(code string) reply {
		return b.ask("", "", "POST", "/api/auth/second-factor", map[string]string{"ticket": ticket, "code": code})
	}
	for range 5 {
		try("111111").want(400)
	}
	try(b.clock.code(t, secret)).want(429)
	b.ask(token, "", "GET", "/api/user/profile", nil).want(200) // who is in stays in
	ticket = b.password(testkit.AcmeAgent, "").want(401).text("ticket")
	try(b.clock.code(t, secret)).want(429)
	b.clock.pass(16 * time.Minute)
	ticket = b.password(testkit.AcmeAgent, "").want(401).text("ticket")
	try(b.clock.code(t, secret)).want(200)
}

// What is shown once is not stored when it cannot be shown: a failure leaves the
// factor, its codes, the sessions and the audit log as they were.
func TestSecondFactor_is_stored_with_all_that_belongs_to_it_or_not_at_all(t *testing.T) {
	b := bureauOf(t)
	do := func(sql string) {
		t.Helper()
		if _, err := b.app.NonconcurrentDB().NewQuery(sql).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	b.signIn(testkit.AcmeAgent, "")
	token, agent := b.signIn(testkit.AcmeAgent, ""), testkit.User(testkit.AcmeAgent)
	kept := func() string {
		stored := []string{fmt.Sprint(b.find(collections.Users, "id = '"+agent+"'").GetBool("two_factor"))}
		for _, name := range []string{"confirmed_at", "recovery_hashes"} {
			stored = append(stored, b.find(collections.Authenticators, "user = '"+agent+"'").GetString(name))
		}
		for _, sql := range []string{"ended_at = ''", "second_factor"} {
			stored = append(stored, fmt.Sprint(b.count("SELECT count(*) FROM sessions WHERE user = '"+agent+"' AND "+sql)))
		}
		return strings.Join(stored, " ")
	}
	secret := b.ask(token, "", "POST", "/api/me/two-factor/start", nil).want(200).text("secret")
	code := func() any {
		b.clock.pass(time.Minute)
		return map[string]string{"code": b.clock.code(t, secret)}
	}
	for _, tt := range []struct {
		action, method, url string
		body                func() any
		status              int
	}{
		{"auth.two_factor_on", "POST", "/api/me/two-factor/confirm", code, 200},
		{"auth.recovery_codes", "POST", "/api/me/two-factor/recovery", code, 200},
		{"auth.session_ended", "DELETE", "/api/me/sessions/" + b.other(token), func() any { return nil }, 204},
		{"auth.sessions_ended", "POST", "/api/me/sessions/end-others", func() any { return nil }, 200},
	} {
		before := kept()
		do("CREATE TRIGGER full BEFORE INSERT ON audit_logs WHEN NEW.action = '" + tt.action + "' BEGIN SELECT RAISE(ABORT, 'full'); END")
		b.ask(token, "", tt.method, tt.url, tt.body()).want(500)
		if got := kept(); got != before {
			t.Errorf("%s failed, and left %s; before: %s", tt.action, got, before)
		}
		do("DROP TRIGGER full")
		b.ask(token, "", tt.method, tt.url, tt.body()).want(tt.status)
		if kept() == before || b.audited(tt.action) != 1 {
			t.Errorf("%s changed nothing, or is written down %d times", tt.action, b.audited(tt.action))
		}
	}
}

// other is a session of the person's that is not the token's.
func (b *bureau) other(token string) string {
	b.t.Helper()
	var list struct {
		Sessions []struct {
			ID      string
			Current bool
		}
	}
	b.ask(token, "", "GET", "/api/me/sessions", nil).want(200).into(&list)
	for _, s := range list.Sessions {
		if !s.Current {
			return s.ID
		}
	}
	b.t.Fatal("there is no other session")
	return ""
}

func TestOrganization_that_asks_for_a_factor_lets_people_only_set_one_up(t *testing.T) {
	b := bureauOf(t)
	inside := b.signIn(testkit.AcmeViewer, "")
	admin := b.signIn(testkit.AcmeAdmin, "")
	demand := map[string]any{"two_factor_enabled": true}
	b.ask(admin, "", "PATCH", "/api/security/settings", demand).want(400) // would lock the editor out
	b.enroll(admin)
	b.ask(admin, "", "PATCH", "/api/security/settings", demand).want(200)

	b.ask(inside, "", "GET", acmeCalls, nil).want(403) // signed in before, without one
	b.ask(admin, "", "GET", acmeCalls, nil).want(200)
	b.ask(inside, "", "GET", "/api/user/profile", nil).want(200)

	answer := b.password(testkit.AcmeAgent, "").want(401)
	if !strings.Contains(string(answer.body), `["setup"]`) {
		t.Fatalf("got %s, want only setup", answer.body)
	}
	ticket := map[string]string{"ticket": answer.text("ticket")}
	b.ask("", "", "POST", "/api/auth/second-factor", map[string]string{"ticket": ticket["ticket"], "code": "123456"}).want(403)
	secret := b.ask("", "", "POST", "/api/me/two-factor/start", ticket).want(200).text("secret")
	ticket["code"] = b.clock.code(t, secret)
	done := b.ask("", "", "POST", "/api/me/two-factor/confirm", ticket).want(200)
	if !strings.Contains(string(done.body), "recovery_codes") {
		t.Errorf("got %s, want recovery codes", done.body)
	}
	if on := b.find(collections.AuditLogs, "action = 'auth.two_factor_on' && user = '"+testkit.User(testkit.AcmeAgent)+"'"); on == nil {
		t.Error("a factor set up while signing in is not written down")
	}
	b.ask(done.text("token"), "", "GET", acmeCalls, nil).want(200)
	b.ask(done.text("token"), "", "POST", "/api/me/two-factor/disable", map[string]string{"password": testkit.Password}).want(403)
	b.signIn(testkit.BoltOwner, "") // others are not asked
}

func TestMethod_that_an_organization_does_not_allow_is_refused_with_a_sentence(t *testing.T) {
	b := bureauOf(t)
	admin := b.signIn(testkit.AcmeAdmin, "")
	b.ask(admin, "", "PATCH", "/api/security/settings", map[string]any{"allowed_auth_methods": []string{"oauth"}}).want(400) // nothing else works yet
	b.set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"allowed_auth_methods": []string{"oauth2"}})
	answer := b.password(testkit.AcmeAgent, "").want(403)
	if !strings.Contains(string(answer.body), "Acme Bakery lets people sign in with an account elsewhere only.") {
		t.Errorf("got %s", answer.body)
	}
	if b.audited("auth.refused") != 1 {
		t.Error("the refusal is not written down")
	}
	b.signIn(testkit.BoltOwner, "")
}

// A way to sign in that is not allowed any more keeps out who came in by it, at the
// next request and in open streams, of this organization and no other.
func TestMethod_that_is_not_allowed_any_more_keeps_out_who_came_in_by_it(t *testing.T) {
	b := bureauOf(t)
	b.withMail()
	code := func(email string) string {
		id := b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": email}).want(200).text("otpId")
		return b.ask("", "", "POST", usersURL+"auth-with-otp", map[string]string{"otpId": id, "password": b.mailed()}).want(200).text("token")
	}
	agent, sam, owner := b.signIn(testkit.AcmeAgent, ""), b.signIn(testkit.Sam, ""), b.signIn(testkit.AcmeOwner, "")
	key := b.makeKey(owner, collections.Viewer)
	tighten := map[string]any{"allowed_auth_methods": []string{collections.AuthCode}}
	if said := b.ask(owner, "", "PATCH", "/api/security/settings", tighten).want(400); !strings.Contains(string(said.body), "lock yourself out") {
		t.Errorf("the editor is left out without a word: %s", said.body)
	}
	owner = code(testkit.AcmeOwner)
	b.ask(owner, "", "PATCH", "/api/security/settings", tighten).want(200)
	b.ask(agent, "", "GET", acmeCalls, nil).want(403)
	if word := b.ask(agent, "", "GET", "/api/organizations/"+testkit.Acme+"/limits", nil).want(403).text("code"); word != "other_sign_in" {
		t.Errorf("the way to sign in is told as %q", word)
	}
	b.ask(agent, "", "GET", "/api/user/profile", nil).want(200)
	b.ask(agent, "", "GET", "/api/collections/calls/records/"+testkit.AcmeCall, nil).want(403)
	renewed := b.ask(agent, "", "POST", usersURL+"auth-refresh", nil).want(200).text("token")
	b.ask(renewed, "", "GET", acmeCalls, nil).want(403)
	// The other organization of the same session, keys, and who signed in as it asks.
	b.ask(sam, "", "GET", "/api/collections/calls/records?organization="+testkit.Bolt, nil).want(200)
	b.ask(sam, "", "GET", acmeCalls, nil).want(403)
	b.ask(key.secret, "", "GET", acmeOne, nil).want(200)
	b.ask(owner, "", "GET", acmeCalls, nil).want(200)
	b.ask(code(testkit.AcmeAgent), "", "GET", acmeCalls, nil).want(200)
	// And back.
	b.ask(owner, "", "PATCH", "/api/security/settings", map[string]any{"allowed_auth_methods": collections.AuthMethods}).want(200)
	b.ask(agent, "", "GET", acmeCalls, nil).want(200)
}

func TestKey_acts_with_its_role_on_every_surface(t *testing.T) {
	b := bureauOf(t)
	path := "/api/organizations/" + testkit.Acme + "/keys"
	owner := b.signIn(testkit.AcmeOwner, "")
	b.ask(b.signIn(testkit.AcmeViewer, ""), "", "POST", path, map[string]string{"name": "x", "role": "viewer"}).want(403)
	b.ask(b.signIn(testkit.BoltOwner, ""), "", "POST", path, map[string]string{"name": "x", "role": "viewer"}).want(404)
	b.ask(b.signIn(testkit.AcmeDeveloper, ""), "", "POST", path, map[string]string{"name": "x", "role": "admin"}).want(403)
	b.ask(owner, "", "POST", path, map[string]string{"name": "x", "role": "owner"}).want(400)
	var made struct {
		Key    string `json:"key"`
		Record struct {
			ID string `json:"id"`
		} `json:"record"`
	}
	b.ask(owner, "", "POST", path, map[string]string{"name": "Reports", "role": "agent"}).want(201).into(&made)
	list := b.ask(owner, "", "GET", path, nil).want(200)
	if !strings.HasPrefix(made.Key, "pk_"+made.Record.ID+"_") || strings.Contains(string(list.body), made.Key) {
		t.Fatalf("got key %q, want pk_<id>_<secret> that no list shows", made.Key)
	}
	if n := b.count("SELECT count(*) FROM api_keys WHERE hash = '" + made.Key + "' OR prefix = '" + made.Key + "'"); n != 0 {
		t.Error("the key is stored in clear")
	}
	b.ask(made.Key, "203.0.113.9", "GET", acmeCalls, nil).want(200)
	if foreign := b.ask(made.Key, "", "GET", "/api/collections/calls/records/"+testkit.BoltCall, nil); foreign.status != 404 {
		t.Errorf("a key reads another organization: %d", foreign.status)
	}
	b.ask(made.Key, "", "PATCH", "/api/collections/calls/records/"+testkit.AcmeCall, map[string]string{"notes": "by key"}).want(200)
	line := b.find(collections.AuditLogs, "action = 'calls.update'")
	if line == nil || line.GetString("actor_type") != "key" || line.GetString("actor_name") != "Key: Reports" {
		t.Errorf("the change is written down as %v, want the key's", line)
	}
	if used := b.find(collections.APIKeys, "id = '"+made.Record.ID+"'"); used.GetString("last_used_at") == "" || b.audited("api_keys.use") == 0 {
		t.Error("the use of the key is not written down")
	}
	b.ask(made.Key, "", "DELETE", "/api/collections/calls/records/"+testkit.AcmeCall, nil).want(404) // an agent may not
	b.ask(made.Key, "", "GET", "/api/me/sessions", nil).want(403)
	for _, users := range []string{"users", "_pb_users_auth_"} {
		b.ask(made.Key, "", "PATCH", "/api/collections/"+users+"/records/"+b.find(collections.Users, "is_service = true").Id, map[string]any{"name": "x"}).want(403)
		b.ask(made.Key, "", "POST", "/api/collections/"+users+"/request-email-change", map[string]any{"newEmail": "x@client.test"}).want(403)
	}
	b.ask(made.Key, "", "POST", path, map[string]string{"name": "child", "role": "agent"}).want(403)
	b.ask(made.Key+"x", "", "GET", "/api/user/profile", nil).want(401)
	b.ask("pk_"+made.Record.ID+"_", "", "GET", "/api/user/profile", nil).want(401)

	account := b.find(collections.Users, "is_service = true")
	account.SetPassword(testkit.Password)
	if err := b.app.Save(account); err != nil {
		t.Fatal(err)
	}
	b.password(account.Email(), "").want(403) // never signs in

	files := b.ask(made.Key, "", "POST", "/api/files/token", nil).want(200).text("token")
	b.ask(owner, "", "DELETE", path+"/"+made.Record.ID, nil).want(204)
	b.ask(made.Key, "", "GET", acmeCalls, nil).want(200).into(new(any))
	if ids := b.ask(made.Key, "", "GET", acmeCalls, nil); strings.Contains(string(ids.body), testkit.AcmeCall) {
		t.Error("a revoked key still lists calls")
	}
	b.ask(made.Key, "", "GET", "/api/organizations", nil).want(401)
	sound := b.find(collections.Recordings, "id = '"+testkit.AcmeRecording+"'")
	b.ask("", "", "GET", "/api/files/recordings/"+sound.Id+"/"+sound.GetString("file")+"?token="+files, nil).want(404)
}

func TestKey_ends_at_its_time(t *testing.T) {
	b := bureauOf(t)
	var made struct{ Key string }
	b.ask(b.signIn(testkit.AcmeOwner, ""), "", "POST", "/api/organizations/"+testkit.Acme+"/keys",
		map[string]string{"name": "Short", "role": "viewer", "expires_at": b.clock.at.Add(time.Hour).UTC().Format(time.RFC3339)}).want(201).into(&made)
	b.ask(made.Key, "", "GET", "/api/organizations", nil).want(200)
	stream := subscriptions.NewDefaultClient()
	b.app.SubscriptionsBroker().Register(stream)
	b.ask(made.Key, "", "POST", "/api/realtime", map[string]any{"clientId": stream.Id(), "subscriptions": []string{"calls/*"}}).want(204)
	tell := func() (sent bool) {
		t.Helper()
		event := new(core.RealtimeMessageEvent)
		event.RequestEvent = &core.RequestEvent{App: b.app}
		event.Client, event.Message = stream, &subscriptions.Message{Name: "calls/*", Data: []byte(`{"record":{"organization":"` + testkit.Acme + `"}}`)}
		if err := b.app.OnRealtimeMessageSend().Trigger(event, func(*core.RealtimeMessageEvent) error { sent = true; return nil }); err != nil {
			t.Fatal(err)
		}
		return sent
	}
	if !tell() {
		t.Error("the key's stream hears nothing")
	}
	b.clock.pass(time.Hour)
	b.ask(made.Key, "", "GET", "/api/organizations", nil).want(401)
	if tell() || b.app.SubscriptionsBroker().Clients()[stream.Id()] != nil {
		t.Error("the stream outlives its key")
	}
}
