package hooks_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pquerna/otp/totp"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	authVerify = "/auth/v1/verify"
	authUser   = "/auth/v1/user"
	chosen     = "a good long one 7"
)

var (
	mailedCode = regexp.MustCompile(`\b\d{8}\b`)
	mailedLink = regexp.MustCompile(`[#/](?:token=)?(eyJ[\w-]+\.[\w-]+\.[\w-]+)`)
)

// withMail turns mail on.
func (l *library) withMail() {
	l.t.Helper()
	settings := l.Settings()
	settings.SMTP.Enabled, settings.SMTP.Host, settings.SMTP.Port = true, "mail.example.com", 587
	if err := l.Save(settings); err != nil {
		l.t.Fatal(err)
	}
}

// mail is what a pattern finds in the newest mail that has it; older mails are gone then.
func (l *library) mail(pattern *regexp.Regexp) (found string) {
	l.t.Helper()
	l.until("a mail comes", func() bool {
		for _, message := range l.TestMailer.Messages() {
			if m := pattern.FindStringSubmatch(message.HTML); m != nil {
				found = m[len(m)-1]
			}
		}
		return found != ""
	})
	l.TestMailer.Reset()
	return found
}

// factor sets an authenticator app up for a person and returns its codes, each good
// once: the clock moves on.
func (l *library) factor(email string) func() string {
	l.t.Helper()
	i := identity.Of(l.TestApp)
	user, err := l.FindRecordById(collections.Users, testkit.User(email))
	if err != nil {
		l.t.Fatal(err)
	}
	made, err := i.Factors.Start(l.TestApp, user)
	if err != nil {
		l.t.Fatal(err)
	}
	l.exec(`UPDATE authenticators SET confirmed_at = created WHERE user = '` + user.Id + `'`)
	user.Set("two_factor", true)
	if err := l.Save(user); err != nil {
		l.t.Fatal(err)
	}
	return func() string {
		l.clock().Move(time.Minute)
		code, err := totp.GenerateCode(made.Secret, i.Now())
		if err != nil {
			l.t.Fatal(err)
		}
		return code
	}
}

var clocks sync.Map

// clock is the one of the product's sign-ins from now on.
func (l *library) clock() *testkit.Clock {
	made, known := clocks.LoadOrStore(l.TestApp, testkit.NewClock(time.Now()))
	if !known {
		identity.Of(l.TestApp).Now = made.(*testkit.Clock).Now
	}
	return made.(*testkit.Clock)
}

func TestLibrary_signs_in_with_a_code_by_mail(t *testing.T) {
	l := libraryOf(t)
	l.withMail()
	l.api.Address = "198.51.100.7:4000"
	try := func(email string, code any) *testkit.Answer {
		return l.api.Do("POST", authVerify, testkit.Guest,
			map[string]any{"type": "email", "email": email, "token": code, "gotrue_meta_security": map[string]any{}})
	}
	says(t, try(testkit.AcmeAgent, "12345678").Want(403).Nothing(), map[string]any{"error_code": "otp_expired"})
	for _, email := range []string{testkit.AcmeAgent, "nobody@nowhere.test"} {
		l.api.Do("POST", "/auth/v1/otp", testkit.Guest, map[string]any{"email": email}).Want(200)
	}
	code := l.mail(mailedCode)
	wrong := says(t, try(testkit.AcmeAgent, "1").Want(403).Nothing(), map[string]any{"error_code": "otp_expired"})
	if unknown := says(t, try("nobody@nowhere.test", "1").Want(403).Nothing(),
		nil); fmt.Sprint(unknown) != fmt.Sprint(wrong) {
		t.Errorf("an unknown address is told apart: %v, %v", unknown, wrong)
	}
	// A stranger who asks for another code does not make this one worth nothing, and cannot use it.
	home := l.api.Address
	l.api.Address = "203.0.113.7:4000"
	try(testkit.AcmeAgent, code).Want(403).Nothing()
	l.api.Do("POST", "/auth/v1/otp", testkit.Guest, map[string]any{"email": testkit.AcmeAgent}).Want(200)
	l.api.Address = home
	session := says(t, try(testkit.AcmeAgent, code).Want(200),
		map[string]any{"user.email": testkit.AcmeAgent, "token_type": "bearer"})
	if status, body := l.bearing(session["access_token"].(string), "GET", authUser); status != 200 {
		t.Errorf("the session got %d %s", status, body)
	}
	says(t, try(testkit.AcmeAgent, code).Want(403).Nothing(), map[string]any{"error_code": "otp_expired"})
	if status, _ := l.refresh(session["refresh_token"]); status != 200 {
		t.Errorf("refreshing got %d", status)
	}
	for _, kind := range []any{nil, "sms", "invite", "email_change"} {
		says(t, l.api.Do("POST", authVerify, testkit.Guest, map[string]any{"type": kind, "token": "x"}).Want(400).Nothing(),
			map[string]any{"error_code": "validation_failed"})
	}
}

func TestLibrary_chooses_a_password_by_a_mailed_link_and_nothing_else(t *testing.T) {
	l := libraryOf(t)
	l.withMail()
	before := l.signIn(testkit.AcmeAgent)
	l.TestMailer.Reset()
	l.api.Do("POST", "/auth/v1/recover", testkit.Guest, map[string]any{"email": testkit.AcmeAgent}).Want(200)
	link := l.mail(mailedLink)
	for _, wrong := range []string{"", "x", "a.b.c", before["access_token"].(string), link + "0"} {
		says(t,
			l.api.Do("POST", authVerify, testkit.Guest,
				map[string]any{"type": "recovery", "token_hash": wrong}).Want(403).Nothing(),
			map[string]any{"error_code": "otp_expired"})
	}
	held := says(t,
		l.api.Do("POST", authVerify, testkit.Guest, map[string]any{"type": "recovery", "token_hash": link}).Want(200),
		map[string]any{
			"user.email": testkit.AcmeAgent, "user.organization_id": nil,
		})
	token := held["access_token"].(string)
	for _, path := range []string{authUser, "/functions/v1/calls", "/api/me/sessions"} {
		if status, body := l.bearing(token, "GET", path); status != 401 {
			t.Errorf("with the link's session %s got %d %.200s", path, status, body)
		}
	}
	if status, _ := l.refresh(held["refresh_token"]); status != 400 {
		t.Errorf("the link's session was refreshed: %d", status)
	}
	for _, body := range []map[string]any{{}, {"data": map[string]any{"name": "X"}},
		{"password": chosen, "email": "x@y.test"}} {
		if status, answer := l.bearing(token, "PUT", authUser, body); status != 422 {
			t.Errorf("%v: got %d %s", body, status, answer)
		}
	}
	status, answer := l.bearing(token, "PUT", authUser, map[string]any{"password": "password1234"})
	if o := decoded(t, answer); status != 422 || o["error_code"] != "weak_password" {
		t.Errorf("a weak one: got %d %s", status, answer)
	}
	if status, answer := l.bearing(token, "PUT", authUser, map[string]any{"password": chosen}); status != 200 {
		t.Fatalf("got %d %s", status, answer)
	}
	if status, _ := l.bearing(token, "PUT", authUser, map[string]any{"password": chosen + "8"}); status != 401 {
		t.Errorf("the link worked twice: %d", status)
	}
	if status, _ := l.bearing(before["access_token"].(string), "GET", authUser); status != 401 {
		t.Errorf("a session from before lives: %d", status)
	}
	l.api.Do("POST", authPassword, testkit.Guest, map[string]any{"email": testkit.AcmeAgent, "password": chosen}).Want(200)
}

// A link that chooses a password is worth nothing after it, also for who sent it at once.
func TestLibrary_chooses_one_password_by_a_link_that_is_sent_twice_at_once(t *testing.T) {
	l := libraryOf(t)
	user, err := l.FindRecordById(collections.Users, testkit.User(testkit.AcmeAgent))
	if err != nil {
		t.Fatal(err)
	}
	token, err := user.NewPasswordResetToken()
	if err != nil {
		t.Fatal(err)
	}
	const times = 4
	var read, all sync.WaitGroup // all have read the account before one changes it
	read.Add(times)
	l.OnRecordConfirmPasswordResetRequest(collections.Users).
		BindFunc(func(e *core.RecordConfirmPasswordResetRequestEvent) error {
			read.Done()
			read.Wait()
			return e.Next()
		})
	var got [times]int
	for n := range got {
		all.Go(func() {
			got[n], _ = l.bearing(token, "PUT", authUser, map[string]any{"password": fmt.Sprint(chosen, n)})
		})
	}
	all.Wait()
	slices.Sort(got[:])
	if got != [times]int{200, 403, 403, 403} {
		t.Errorf("got %v", got)
	}
	if status, answer := l.bearing(token, "PUT", authUser, map[string]any{"password": chosen}); status != 401 {
		t.Errorf("the link works on: %d %s", status, answer)
	}
}

func TestLibrary_proves_an_address_by_the_mailed_link(t *testing.T) {
	l := libraryOf(t)
	user, err := l.FindRecordById(collections.Users, testkit.User(testkit.AcmeAgent))
	if err != nil {
		t.Fatal(err)
	}
	user.SetVerified(false)
	if err := l.Save(user); err != nil {
		t.Fatal(err)
	}
	token, err := user.NewVerificationToken()
	if err != nil {
		t.Fatal(err)
	}
	says(t,
		l.api.Do("POST", authVerify, testkit.Guest,
			map[string]any{"type": "signup", "token_hash": token + "0"}).Want(403).Nothing(),
		map[string]any{"error_code": "otp_expired"})
	held := says(t,
		l.api.Do("POST", authVerify, testkit.Guest, map[string]any{"type": "signup", "token_hash": token}).Want(200),
		map[string]any{"user.email": testkit.AcmeAgent})
	l.api.Do("POST", authPassword, testkit.Guest,
		map[string]any{"email": testkit.AcmeAgent, "password": testkit.Password}).Want(400).Nothing(testkit.Written...)
	if status, answer := l.bearing(held["access_token"].(string), "PUT", authUser,
		map[string]any{"password": chosen}); status != 200 {
		t.Errorf("got %d %s", status, answer)
	}
	l.api.Do("POST", authPassword, testkit.Guest, map[string]any{"email": testkit.AcmeAgent, "password": chosen}).Want(200)
}

func TestLibrary_finishes_a_sign_in_with_the_second_factor(t *testing.T) {
	l := libraryOf(t)
	next := l.factor(testkit.AcmeAgent)
	ticket := func() any {
		o := says(t,
			l.api.Do("POST", authPassword, testkit.Guest,
				map[string]any{"email": testkit.AcmeAgent, "password": testkit.Password}).Want(400).Nothing(),
			map[string]any{"error_code": "mfa_required", "methods": "[totp recovery]", "access_token": nil})
		return o["ticket"]
	}
	finish := func(ticket any, code string) *testkit.Answer {
		return l.api.Do("POST", authVerify, testkit.Guest, map[string]any{"type": "mfa", "ticket": ticket, "token": code})
	}
	guessed := append([]string{collections.Authenticators}, testkit.Written...) // a guess is counted
	says(t, finish("nothing", "123456").Want(422).Nothing(), map[string]any{"error_code": "mfa_challenge_expired"})
	one := ticket()
	says(t, finish(one, "000000").Want(422).Nothing(guessed...),
		map[string]any{"error_code": "mfa_verification_failed", "access_token": nil})
	code := next()
	session := says(t, finish(one, code).Want(200), map[string]any{"user.email": testkit.AcmeAgent})
	if n := l.count("SELECT count(*) FROM sessions WHERE second_factor AND user = '" + testkit.User(testkit.AcmeAgent) +
		"'"); n != 1 {
		t.Errorf("%d sessions know of the factor", n)
	}
	if status, _ := l.bearing(session["access_token"].(string), "GET", "/functions/v1/calls"); status != 200 {
		t.Errorf("the session lists calls: %d", status)
	}
	says(t, finish(one, next()).Want(422).Nothing(), map[string]any{"error_code": "mfa_challenge_expired"})
	says(t, finish(ticket(), code).Want(422).Nothing(guessed...),
		map[string]any{"error_code": "mfa_verification_failed"})
	// Wrong codes count where our own sign-in counts them.
	for range 5 {
		finish(ticket(), "000000")
	}
	says(t, finish(ticket(), "000000").Want(429).Nothing(testkit.Written...),
		map[string]any{"error_code": "over_request_rate_limit"})
	// A code by mail asks for it too, and is used up.
	l.withMail()
	l.api.Address = "198.51.100.7:4000"
	l.api.Do("POST", "/auth/v1/otp", testkit.Guest, map[string]any{"email": testkit.AcmeAgent}).Want(200)
	says(t,
		l.api.Do("POST", authVerify, testkit.Guest,
			map[string]any{"type": "email", "email": testkit.AcmeAgent, "token": l.mail(mailedCode)}).Want(400).
			Nothing(core.CollectionNameOTPs),
		map[string]any{"error_code": "mfa_required", "access_token": nil})
}

func TestLibrary_changes_the_own_account(t *testing.T) {
	l := libraryOf(t)
	session := l.signIn(testkit.AcmeAgent)
	token := session["access_token"].(string)
	put := func(body any, want int) object {
		t.Helper()
		status, answer := l.bearing(token, "PUT", authUser, body)
		if status != want {
			t.Errorf("%v: got %d %s, want %d", body, status, answer, want)
		}
		return decoded(t, answer)
	}
	l.api.Do("PUT", authUser, testkit.Guest, map[string]any{"password": chosen}).Want(401).Nothing()
	l.api.Do("PUT", authUser, testkit.Superuser, map[string]any{"password": chosen}).Want(403).Nothing()
	o := put(map[string]any{"data": map[string]any{"name": "Nia", "phone": "+12025550144", "role": "owner"},
		"channel": "x", "code_challenge": nil}, 200)
	if o["name"] != "Nia" || o["phone"] != "+12025550144" ||
		fmt.Sprint(o["warnings"]) != "[channel is not known here and was ignored data.role is not known here and was ignored]" {
		t.Errorf("got %v", o)
	}
	// What is no text is not taken for what was not sent.
	for _, body := range []map[string]any{
		{"data": map[string]any{"phone": "me"}}, {"data": map[string]any{"phone": 5}},
		{"data": map[string]any{"full_name": []string{"Nia"}}}, {"data": "Nia"},
		{"password": map[string]any{"$ne": ""}}, {"password": chosen, "current_password": 5}, {"email": []string{"x@y.test"}},
		{"password": true},
	} {
		if o := put(body, 422); o["error_code"] != "validation_failed" {
			t.Errorf("%v: got %v", body, o)
		}
	}
	for _, c := range []struct {
		chosen, current string
		status          int
		word            string
	}{
		{chosen, "", 400, "current_password_required"},
		{chosen, "another", 400, "current_password_invalid"},
		{"password1234", testkit.Password, 422, "weak_password"},
	} {
		if o := put(map[string]any{"password": c.chosen, "current_password": c.current},
			c.status); o["error_code"] != c.word {
			t.Errorf("%v: got %v", c, o)
		}
	}
	// What is refused mails nobody.
	put(map[string]any{"email": "nia@elsewhere.test", "password": chosen, "current_password": testkit.Password}, 422)
	put(map[string]any{"email": "nia@elsewhere.test", "data": map[string]any{"phone": "me"}}, 422)
	var owed int
	if err := l.DB().NewQuery(`SELECT count(*) FROM outbox WHERE kind LIKE 'mail.%'`).Row(&owed); err != nil || owed != 0 {
		t.Errorf("%d mails are owed, %v", owed, err)
	}
	put(map[string]any{"password": chosen, "current_password": testkit.Password}, 200)
	if status, _ := l.bearing(token, "GET", authUser); status != 401 {
		t.Errorf("the session outlived its password: %d", status)
	}
	if status, _ := l.refresh(session["refresh_token"]); status != 400 {
		t.Errorf("and was refreshed: %d", status)
	}
	session = says(t,
		l.api.Do("POST", authPassword, testkit.Guest,
			map[string]any{"email": testkit.AcmeAgent, "password": chosen}).Want(200), nil)
	token = session["access_token"].(string)
	// The old password is guessed as often here as there.
	for range 5 {
		put(map[string]any{"password": chosen + "8", "current_password": "another"}, 400)
	}
	for _, old := range []string{"another", chosen} {
		if o := put(map[string]any{"password": chosen + "8", "current_password": old},
			429); o["error_code"] != "over_request_rate_limit" {
			t.Errorf("got %v", o)
		}
	}
}

// Whoever proved who they are hears why they may not come in, in a word of the library's.
func TestLibrary_says_which_way_is_shut(t *testing.T) {
	l := libraryOf(t)
	l.close(map[string]any{"allowed_auth_methods": []string{collections.AuthOAuth}})
	body := map[string]any{"email": testkit.AcmeAgent, "password": testkit.Password}
	o := says(t, l.api.Do("POST", authPassword, testkit.Guest, body).Want(422).Nothing(testkit.Written...),
		map[string]any{"error_code": "email_provider_disabled"})
	if o["msg"] == "" || o["error"] != o["msg"] {
		t.Errorf("got %v", o)
	}
	l.withMail()
	l.api.Address = "198.51.100.7:4000"
	l.api.Do("POST", "/auth/v1/otp", testkit.Guest, map[string]any{"email": testkit.AcmeAgent}).Want(200)
	says(t,
		l.api.Do("POST", authVerify, testkit.Guest,
			map[string]any{"type": "email", "email": testkit.AcmeAgent, "token": l.mail(mailedCode)}).Want(422).
			Nothing(append([]string{core.CollectionNameOTPs}, testkit.Written...)...),
		map[string]any{"error_code": "otp_disabled"})
	l.exec("UPDATE users SET is_active = FALSE WHERE id = '" + testkit.User(testkit.Nobody) + "'")
	says(t,
		l.api.Do("POST", authPassword, testkit.Guest,
			map[string]any{"email": testkit.Nobody, "password": testkit.Password}).Want(403).Nothing(),
		map[string]any{"error_code": "user_banned"})
	// So does whoever is refused before any handler.
	says(t, l.api.Do("GET", authUser, testkit.Guest, nil).Want(401).Nothing(),
		map[string]any{"error_code": "no_authorization"})
	for range 121 {
		l.api.Do("POST", authRefresh, testkit.Guest, map[string]any{"refresh_token": "x"})
	}
	says(t, l.api.Do("POST", authRefresh, testkit.Guest, map[string]any{"refresh_token": "x"}).Want(429).Nothing(),
		map[string]any{
			"error_code": "over_request_rate_limit", "msg": "Too many tries; wait a little and try again",
		})
}

// An organization that turns the request away is not named to it (security.md S64).
func TestLibrary_names_no_organization_that_turns_the_caller_away(t *testing.T) {
	l := libraryOf(t)
	token := l.signIn(testkit.AcmeAgent)["access_token"].(string)
	user := func(method string, body ...any) object {
		t.Helper()
		status, answer := l.bearing(token, method, authUser, body...)
		if status != 200 {
			t.Fatalf("%s: got %d %s", method, status, answer)
		}
		return decoded(t, answer)
	}
	if o := user("GET"); o["organization_id"] != testkit.Acme {
		t.Fatalf("got %v", o)
	}
	for _, closed := range []map[string]any{{"two_factor_enabled": true}, {"ip_whitelist": []string{"203.0.113.0/24"}}} {
		l.close(closed)
		for _, o := range []object{user("GET"), user("PUT", map[string]any{"data": map[string]any{"name": "Nia"}})} {
			if o["organization_id"] != nil || o["role"] != "user" || o["email"] != testkit.AcmeAgent ||
				strings.Contains(fmt.Sprint(o), testkit.Acme) {
				t.Errorf("%v: got %v", closed, o)
			}
		}
		l.close(map[string]any{"two_factor_enabled": false, "ip_whitelist": []string{}})
	}
	if o := user("GET"); o["organization_id"] != testkit.Acme {
		t.Errorf("got %v", o)
	}
}
