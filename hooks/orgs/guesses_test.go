package orgs_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/auth"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	usersDoor = "/api/collections/{collection}/"
	usersURL  = "/api/collections/users/"
)

// door is one where something can be guessed.
type door struct {
	// most is how many wrong values are looked at, whatever addresses they come from.
	most int
	// refused is what the right value gets after them.
	refused int
	// open makes what is guessed; try sends a value from a new address.
	open func(b *bureau) (right string, try func(value string) int)
}

func post(b *bureau, token, url string, body map[string]any) int {
	return b.ask(token, "", "POST", url, body).status
}

// signedIn sends values of a field with a session that was stolen.
func signedIn(method, url, field string, more map[string]any) func(b *bureau) (string, func(string) int) {
	return func(b *bureau) (string, func(string) int) {
		token := b.signIn(testkit.AcmeAgent, "")
		return testkit.Password, func(value string) int {
			body := map[string]any{field: value}
			for name, v := range more {
				body[name] = v
			}
			return b.ask(token, "", method, url, body).status
		}
	}
}

// withFactor sends codes of an authenticator app.
func withFactor(url string, ticket bool) func(b *bureau) (string, func(string) int) {
	return func(b *bureau) (string, func(string) int) {
		token := b.signIn(testkit.AcmeAgent, "")
		secret, _ := b.enroll(token)
		b.clock.pass(time.Minute) // the next code
		return b.clock.code(b.t, secret), func(code string) int {
			if !ticket {
				return post(b, token, url, map[string]any{"code": code})
			}
			id := b.password(testkit.AcmeAgent, "").want(401).text("ticket")
			return post(b, "", url, map[string]any{"ticket": id, "code": code})
		}
	}
}

var doors = map[string]door{
	"POST " + usersDoor + "auth-with-password": {50, 429, func(b *bureau) (string, func(string) int) {
		return testkit.Password, func(value string) int {
			return post(b, "", usersURL+"auth-with-password", map[string]any{"identity": testkit.AcmeAgent, "password": value})
		}
	}},
	"POST " + usersDoor + "auth-with-otp": {5, 400, func(b *bureau) (string, func(string) int) {
		b.withMail()
		id := b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": testkit.AcmeAgent}).want(200).text("otpId")
		return b.mailed(), func(code string) int {
			return post(b, "", usersURL+"auth-with-otp", map[string]any{"otpId": id, "password": code})
		}
	}},
	"POST /api/auth/second-factor": {5, 429, withFactor("/api/auth/second-factor", true)},
	"POST " + usersDoor + "confirm-email-change": {5, 429, func(b *bureau) (string, func(string) int) {
		agent := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
		token, err := agent.NewEmailChangeToken("elsewhere@example.com")
		if err != nil {
			b.t.Fatal(err)
		}
		return testkit.Password, func(value string) int {
			return post(b, "", usersURL+"confirm-email-change", map[string]any{"token": token, "password": value})
		}
	}},
	"PATCH " + usersDoor + "records/{id}": {5, 429, signedIn("PATCH", usersURL+"records/"+testkit.User(testkit.AcmeAgent), "oldPassword",
		map[string]any{"password": "another long one", "passwordConfirm": "another long one"})},
	"POST /api/me/two-factor/start": {5, 429, signedIn("POST", "/api/me/two-factor/start", "password", nil)},
	"POST /api/me/two-factor/confirm": {5, 429, func(b *bureau) (string, func(string) int) {
		token := b.signIn(testkit.AcmeAgent, "")
		secret := b.ask(token, "", "POST", "/api/me/two-factor/start", nil).want(200).text("secret")
		return b.clock.code(b.t, secret), func(code string) int {
			return post(b, token, "/api/me/two-factor/confirm", map[string]any{"code": code})
		}
	}},
	"POST /api/me/two-factor/disable":  {5, 429, signedIn("POST", "/api/me/two-factor/disable", "password", nil)},
	"POST /api/me/two-factor/recovery": {5, 429, withFactor("/api/me/two-factor/recovery", false)},
}

// Each wrong value comes from an address of its own, and the right one too.
func TestGuess_is_counted_whatever_addresses_it_comes_from(t *testing.T) {
	for pattern, guess := range identity.Limited() {
		if guess == "" {
			continue
		}
		d, ok := doors[pattern]
		if !ok {
			t.Errorf("%s: nothing here tries to guess the %s", pattern, guess)
			continue
		}
		t.Run(pattern, func(t *testing.T) {
			b := bureauOf(t)
			right, try := d.open(b)
			for n := range d.most {
				if status := try(fmt.Sprintf("%08d", n)); status != 400 {
					t.Fatalf("try %d: got %d, want 400", n+1, status)
				}
			}
			if status := try(right); status != d.refused {
				t.Errorf("the right value after %d wrong ones: got %d, want %d", d.most, status, d.refused)
			}
		})
		t.Run(pattern+" right", func(t *testing.T) {
			b := bureauOf(t)
			right, try := d.open(b)
			for n := range min(d.most, 5) - 1 {
				try(fmt.Sprintf("%08d", n))
			}
			if status := try(right); status != 200 && status != 204 {
				t.Errorf("the right value in time: got %d", status)
			}
		})
	}
}

// Whoever has nothing but a session sets up no second factor: they would shut its
// owner out and pass an organization that asks for one.
func TestFactor_is_not_set_up_with_a_session_alone(t *testing.T) {
	b := bureauOf(t)
	b.withMail()
	had, err := b.app.CountRecords(collections.Authenticators)
	if err != nil {
		t.Fatal(err)
	}
	token := b.signIn(testkit.AcmeAgent, "")
	b.clock.pass(11 * time.Minute)
	start := func(body any) reply { return b.ask(token, "", "POST", "/api/me/two-factor/start", body) }
	if answer := start(nil).want(400); !strings.Contains(string(answer.body), `"password"`) {
		t.Errorf("the answer does not name the password: %s", answer.body)
	}
	start(map[string]string{"password": "not the password"}).want(400)
	if has, err := b.app.CountRecords(collections.Authenticators); err != nil || has != had {
		t.Fatalf("there were %d authenticators, now %d, %v", had, has, err)
	}
	secret := start(map[string]string{"password": testkit.Password}).want(200).text("secret")
	b.ask(token, "", "POST", "/api/me/two-factor/confirm", map[string]string{"code": b.clock.code(t, secret)}).want(200)
	owed := b.find(collections.Outbox, "kind = 'mail.two_factor_on'")
	if !strings.Contains(owed.GetString("payload"), testkit.User(testkit.AcmeAgent)) {
		t.Errorf("the mail is not to the account: %s", owed.GetString("payload"))
	}
}

var takesSecret = regexp.MustCompile(`[{,] *"(password|code|token|ticket)"`)

// What takes a secret is in the table.
func TestLimits_know_every_door_that_takes_a_secret(t *testing.T) {
	b := bureauOf(t)
	limited := identity.Limited()
	for _, action := range []string{
		"auth-with-password", "auth-with-otp", "auth-with-oauth2", "request-otp", "request-password-reset", "request-verification",
		"request-email-change", "confirm-password-reset", "confirm-verification", "confirm-email-change",
	} {
		if _, ok := limited["POST "+usersDoor+action]; !ok {
			t.Errorf("%s is not limited", action)
		}
	}
	for _, r := range b.facade.Routes() {
		if _, ok := limited[r.Method+" "+r.Path]; takesSecret.MatchString(r.Body) && !ok {
			t.Errorf("%s %s takes %s and is not limited", r.Method, r.Path, r.Body)
		}
	}
}

func TestPassword_of_an_account_under_attack_opens_from_where_it_was_used(t *testing.T) {
	b := bureauOf(t)
	b.signIn(testkit.AcmeOwner, "192.0.2.1")
	wrong := map[string]any{"identity": testkit.AcmeOwner, "password": "not the password"}
	for range 120 {
		post(b, "", usersURL+"auth-with-password", wrong)
	}
	b.password(testkit.AcmeOwner, "").want(429)
	b.signIn(testkit.AcmeOwner, "192.0.2.1")
	// A new password begins the count anew.
	owner := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeOwner)+"'")
	token, err := owner.NewPasswordResetToken()
	if err != nil {
		t.Fatal(err)
	}
	b.ask("", "", "POST", usersURL+"confirm-password-reset",
		map[string]string{"token": token, "password": testkit.Password, "passwordConfirm": testkit.Password}).want(204)
	b.signIn(testkit.AcmeOwner, "")
	// The addresses an account is used at have a count of their own.
	b.signIn(testkit.BoltOwner, "192.0.2.9")
	statuses := []int{}
	for range 61 {
		b.clock.pass(3 * time.Second)
		statuses = append(statuses, b.ask("", "192.0.2.9", "POST", usersURL+"auth-with-password",
			map[string]string{"identity": testkit.BoltOwner, "password": "not the password"}).status)
	}
	if statuses[59] != 400 || statuses[60] != 429 {
		t.Errorf("got %v, want the 61st try of an address refused", statuses)
	}
}

// The strangers' tries of an hour keep nobody out at home, while answers are held
// back and afterwards.
func TestPassword_of_an_account_that_was_under_attack_opens_from_where_it_was_used(t *testing.T) {
	for _, later := range []time.Duration{0, 5 * time.Minute, 11 * time.Minute, 59 * time.Minute} {
		b := bureauOf(t)
		b.signIn(testkit.AcmeOwner, "192.0.2.1")
		for range 60 {
			post(b, "", usersURL+"auth-with-password", map[string]any{"identity": testkit.AcmeOwner, "password": "not the password"})
		}
		b.clock.pass(later)
		b.password(testkit.AcmeOwner, "").want(429)
		b.signIn(testkit.AcmeOwner, "192.0.2.1")
	}
}

// asked is what an address is answered, and what it waits for.
type asked struct {
	statuses []int
	delays   []time.Duration
}

func (b *bureau) probe(email string, tries int, send func(email string) int) asked {
	b.delays = nil
	a := asked{}
	for range tries {
		b.clock.pass(7 * time.Second) // below what one address may ask
		a.statuses = append(a.statuses, send(email))
	}
	a.delays = b.delays
	return a
}

func TestAccount_nobody_has_answers_like_one_there_is(t *testing.T) {
	const nobody = "nobody.at.all@nowhere.test"
	for name, send := range map[string]func(b *bureau) func(email string) int{
		"password from everywhere": func(b *bureau) func(string) int {
			return func(email string) int {
				return post(b, "", usersURL+"auth-with-password", map[string]any{"identity": email, "password": "not the password"})
			}
		},
		"password from where the account is used": func(b *bureau) func(string) int {
			b.signIn(testkit.AcmeAgent, "192.0.2.1")
			return func(email string) int {
				return b.ask("", "192.0.2.1", "POST", usersURL+"auth-with-password", map[string]string{"identity": email, "password": "not the password"}).status
			}
		},
		"code": func(b *bureau) func(string) int {
			id, of := "", ""
			return func(email string) int {
				if of != email {
					id, of = b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": email}).want(200).text("otpId"), email
				}
				return post(b, "", usersURL+"auth-with-otp", map[string]any{"otpId": id, "password": "00000000"})
			}
		},
		"code from one address": func(b *bureau) func(string) int {
			id, of := "", ""
			return func(email string) int {
				if of != email {
					id, of = b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": email}).want(200).text("otpId"), email
				}
				address := "192.0.2.3"
				if email == nobody {
					address = "192.0.2.4"
				}
				return b.ask("", address, "POST", usersURL+"auth-with-otp", map[string]string{"otpId": id, "password": "00000000"}).status
			}
		},
		"asking for a code": func(b *bureau) func(string) int {
			return func(email string) int { return post(b, "", usersURL+"request-otp", map[string]any{"email": email}) }
		},
		"asking for a new password": func(b *bureau) func(string) int {
			return func(email string) int {
				return post(b, "", usersURL+"request-password-reset", map[string]any{"email": email})
			}
		},
		"asking to prove": func(b *bureau) func(string) int {
			return func(email string) int {
				return post(b, "", usersURL+"request-verification", map[string]any{"email": email})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := bureauOf(t)
			b.withMail()
			ask := send(b)
			known := b.probe(testkit.AcmeAgent, 14, ask)
			unknown := b.probe(nobody, 14, ask)
			b.codesSent()
			if !slices.Equal(known.statuses, unknown.statuses) || !slices.Equal(known.delays, unknown.delays) {
				t.Errorf("an account there is: %v after %v\nnobody's: %v after %v", known.statuses, known.delays, unknown.statuses, unknown.delays)
			}
		})
	}
}

func TestTicket_ends_with_what_the_sign_in_began_with(t *testing.T) {
	for name, change := range map[string]func(b *bureau, agent *core.Record, token string){
		"password": func(b *bureau, agent *core.Record, _ string) {
			agent.SetPassword("another long one")
			if err := b.app.Save(agent); err != nil {
				b.t.Fatal(err)
			}
		},
		"address": func(b *bureau, agent *core.Record, _ string) {
			agent.SetEmail("elsewhere@example.com")
			if err := b.app.Save(agent); err != nil {
				b.t.Fatal(err)
			}
		},
		"second factor": func(b *bureau, _ *core.Record, token string) {
			post(b, token, "/api/me/two-factor/disable", map[string]any{"password": testkit.Password})
			b.clock.pass(time.Minute)
			b.enroll(token)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := bureauOf(t)
			b.withMail()
			token := b.signIn(testkit.AcmeAgent, "")
			secret, codes := b.enroll(token)
			ticket := b.password(testkit.AcmeAgent, "").want(401).text("ticket")
			change(b, b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'"), token)
			b.clock.pass(time.Minute)
			for _, code := range []string{b.clock.code(t, secret), codes[0]} {
				b.ask("", "", "POST", "/api/auth/second-factor", map[string]string{"ticket": ticket, "code": code}).want(401)
			}
			b.ask("", "", "POST", "/api/auth/second-factor/mail", map[string]string{"ticket": ticket}).want(401)
		})
	}
}

func TestCode_that_proves_an_address_ends_the_password_and_says_so(t *testing.T) {
	b := bureauOf(t)
	b.withMail()
	const victim = "victim@client.test"
	b.ask("", "", "POST", "/api/auth/signup", map[string]string{"email": victim, "fullName": "Mallory", "password": "known to Mallory"}).want(200)
	mallory := b.ask("", "", "POST", usersURL+"auth-with-password", map[string]string{"identity": victim, "password": "known to Mallory"}).want(200).text("token")
	id := b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": victim}).want(200).text("otpId")
	code := b.mailed()
	b.codesSent()
	answer := b.ask("", "", "POST", usersURL+"auth-with-otp", map[string]string{"otpId": id, "password": code}).want(200)
	var said struct {
		Meta map[string]bool `json:"meta"`
	}
	answer.into(&said)
	if !said.Meta["password_ended"] {
		t.Errorf("nothing says that the password ended: %s", answer.body)
	}
	b.ask(mallory, "", "GET", "/api/user/profile", nil).want(401)
	b.ask("", "", "POST", usersURL+"auth-with-password", map[string]string{"identity": victim, "password": "known to Mallory"}).want(400)
	if b.audited("auth.password_ended") != 1 {
		t.Error("it is not in the audit log")
	}
	b.mailWith("/reset#token=")
	// Somebody who had proved the address keeps the password.
	id = b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": testkit.AcmeAgent}).want(200).text("otpId")
	b.ask("", "", "POST", usersURL+"auth-with-otp", map[string]string{"otpId": id, "password": b.mailed()}).want(200)
	b.signIn(testkit.AcmeAgent, "")
}

// codesSent waits until PocketBase wrote down where its codes went, which it
// does in the background.
func (b *bureau) codesSent() {
	b.t.Helper()
	late, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for b.count("SELECT count(*) FROM _otps WHERE sentTo = ''") > 0 {
		select {
		case <-tick.C:
		case <-late:
			b.t.Fatal("a code was not sent")
		}
	}
}

// mailWith waits for a mail that holds a text.
func (b *bureau) mailWith(text string) {
	b.t.Helper()
	late, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		for _, m := range b.app.TestMailer.Messages() {
			if strings.Contains(m.HTML, text) {
				return
			}
		}
		select {
		case <-tick.C:
		case <-late:
			b.t.Fatalf("no mail with %q came", text)
		}
	}
}

func TestAccount_elsewhere_replaces_a_password_only_when_it_proves_the_address(t *testing.T) {
	b := bureauOf(t)
	agent := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	agent.SetVerified(false)
	linked := core.NewExternalAuth(b.app)
	linked.SetCollectionRef(agent.Collection().Id)
	linked.SetRecordRef(agent.Id)
	linked.SetProvider("google")
	linked.SetProviderId("77")
	if err := errors.Join(b.app.Save(agent), b.app.Save(linked)); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"", "another@client.test", strings.ToUpper(testkit.AcmeAgent)} {
		want := !strings.EqualFold(email, testkit.AcmeAgent)
		kept := false
		b.app.OnRecordAuthWithOAuth2Request().BindFunc(func(e *core.RecordAuthWithOAuth2RequestEvent) error {
			kept = e.Auth != nil && e.Auth.Id == e.Record.Id // PocketBase keeps the password of who is signed in
			return e.Next()
		})
		if _, err := b.elsewhere(agent, nil, &auth.AuthUser{Id: "77", Email: email}); err != nil {
			t.Errorf("%q: %v", email, err)
		}
		if kept != want {
			t.Errorf("%q: the password is kept: %t, want %t", email, kept, want)
		}
	}
	if b.audited("auth.password_ended") != 1 {
		t.Error("the end of the password is not in the audit log")
	}
}
