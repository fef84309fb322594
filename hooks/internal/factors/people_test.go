package factors_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestSecondFactor_is_asked_for_and_used_once(t *testing.T) {
	b := peoplekit.OpenAt(t)
	secret, codes := b.Enroll(b.SignIn(testkit.AcmeAgent, ""))
	if stored := b.Find(collections.Authenticators,
		"user = '"+testkit.User(testkit.AcmeAgent)+"'").GetString("totp_secret"); !strings.HasPrefix(stored, "k1:") {
		t.Fatal("the secret is stored in clear")
	}
	waiting := func() string {
		t.Helper()
		answer := b.Password(testkit.AcmeAgent, "").Want(401)
		if answer.Text("mfaId") == "" || answer.Text("token") != "" {
			t.Fatalf("got %s, want a ticket and no token", answer.Body)
		}
		return answer.Text("ticket")
	}
	complete := func(ticket, code string) peoplekit.Reply {
		return b.Ask("", "", "POST", "/api/auth/second-factor", map[string]string{"ticket": ticket, "code": code})
	}
	b.Clock.Pass(time.Minute)
	ticket, code := waiting(), b.Clock.Code(t, secret)
	complete(ticket, "000000").Want(400)
	complete("made up", code).Want(401)
	token := complete(ticket, code).Want(200).Text("token")
	b.Ask(token, "", "GET", peoplekit.AcmeCalls, nil).Want(200)
	complete(ticket, code).Want(401)        // the ticket is used
	complete(waiting(), code).Want(400)     // and so is the code
	complete(waiting(), codes[3]).Want(200) // a recovery code works
	complete(waiting(), codes[3]).Want(400) // once
	if n := b.Audited("auth.failed"); n < 3 {
		t.Errorf("%d failures are written down, want 3", n)
	}
	b.Ask(token, "", "POST", "/api/me/two-factor/disable", map[string]string{"password": "wrong"}).Want(400)
	b.Ask(token, "", "POST", "/api/me/two-factor/disable", map[string]string{"password": testkit.Password}).Want(204)
	b.SignIn(testkit.AcmeAgent, "")
}

func TestSecondFactor_is_locked_after_five_wrong_codes_and_password_is_not(t *testing.T) {
	b := peoplekit.OpenAt(t)
	token := b.SignIn(testkit.AcmeAgent, "")
	secret, _ := b.Enroll(token)
	b.Clock.Pass(time.Minute)
	ticket := b.Password(testkit.AcmeAgent, "").Want(401).Text("ticket")
	try := func(code string) peoplekit.Reply {
		return b.Ask("", "", "POST", "/api/auth/second-factor", map[string]string{"ticket": ticket, "code": code})
	}
	for range 5 {
		try("111111").Want(400)
	}
	try(b.Clock.Code(t, secret)).Want(429)
	b.Ask(token, "", "GET", "/api/user/profile", nil).Want(200) // who is in stays in
	ticket = b.Password(testkit.AcmeAgent, "").Want(401).Text("ticket")
	try(b.Clock.Code(t, secret)).Want(429)
	b.Clock.Pass(16 * time.Minute)
	ticket = b.Password(testkit.AcmeAgent, "").Want(401).Text("ticket")
	try(b.Clock.Code(t, secret)).Want(200)
}

// What is shown once is not stored when it cannot be shown: a failure leaves the
// factor, its codes, the sessions and the audit log as they were.
func TestSecondFactor_is_stored_with_all_that_belongs_to_it_or_not_at_all(t *testing.T) {
	b := peoplekit.OpenAt(t)
	do := func(sql string) {
		t.Helper()
		if _, err := b.NonconcurrentDB().NewQuery(sql).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	b.SignIn(testkit.AcmeAgent, "")
	token, agent := b.SignIn(testkit.AcmeAgent, ""), testkit.User(testkit.AcmeAgent)
	kept := func() string {
		stored := []string{fmt.Sprint(b.Find(collections.Users, "id = '"+agent+"'").GetBool("two_factor"))}
		for _, name := range []string{"confirmed_at", "recovery_hashes"} {
			stored = append(stored, b.Find(collections.Authenticators, "user = '"+agent+"'").GetString(name))
		}
		for _, sql := range []string{"ended_at = ''", "second_factor"} {
			stored = append(stored, fmt.Sprint(b.Count("SELECT count(*) FROM sessions WHERE user = '"+agent+"' AND "+sql)))
		}
		return strings.Join(stored, " ")
	}
	secret := b.Ask(token, "", "POST", "/api/me/two-factor/start", nil).Want(200).Text("secret")
	code := func() any {
		b.Clock.Pass(time.Minute)
		return map[string]string{"code": b.Clock.Code(t, secret)}
	}
	for _, tt := range []struct {
		action, method, url string
		body                func() any
		status              int
	}{
		{"auth.two_factor_on", "POST", "/api/me/two-factor/confirm", code, 200},
		{"auth.recovery_codes", "POST", "/api/me/two-factor/recovery", code, 200},
		{"auth.session_ended", "DELETE", "/api/me/sessions/" + other(b, token), func() any { return nil }, 204},
		{"auth.sessions_ended", "POST", "/api/me/sessions/end-others", func() any { return nil }, 200},
	} {
		before := kept()
		do("CREATE TRIGGER full BEFORE INSERT ON audit_logs WHEN NEW.action = '" + tt.action +
			"' BEGIN SELECT RAISE(ABORT, 'full'); END")
		b.Ask(token, "", tt.method, tt.url, tt.body()).Want(500)
		if got := kept(); got != before {
			t.Errorf("%s failed, and left %s; before: %s", tt.action, got, before)
		}
		do("DROP TRIGGER full")
		b.Ask(token, "", tt.method, tt.url, tt.body()).Want(tt.status)
		if kept() == before || b.Audited(tt.action) != 1 {
			t.Errorf("%s changed nothing, or is written down %d times", tt.action, b.Audited(tt.action))
		}
	}
}

// other is a session of the person's that is not the token's.
func other(b *peoplekit.Desk, token string) string {
	b.T.Helper()
	var list struct {
		Sessions []struct {
			ID      string
			Current bool
		}
	}
	b.Ask(token, "", "GET", "/api/me/sessions", nil).Want(200).Into(&list)
	for _, s := range list.Sessions {
		if !s.Current {
			return s.ID
		}
	}
	b.T.Fatal("there is no other session")
	return ""
}
