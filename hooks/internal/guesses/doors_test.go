package guesses_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	usersDoor = "/api/collections/{collection}/"
)

// door is one where something can be guessed.
type door struct {
	// most is how many wrong values are looked at, whatever addresses they come from.
	most int
	// refused is what the right value gets after them.
	refused int
	// open makes what is guessed; try sends a value from a new address.
	open func(b *peoplekit.Desk) (right string, try func(value string) int)
}

func post(b *peoplekit.Desk, token, url string, body map[string]any) int {
	return b.Ask(token, "", "POST", url, body).Status
}

// signedIn sends values of a field with a session that was stolen.
func signedIn(method, url, field string, more map[string]any) func(b *peoplekit.Desk) (string, func(string) int) {
	return func(b *peoplekit.Desk) (string, func(string) int) {
		token := b.SignIn(testkit.AcmeAgent, "")
		return testkit.Password, func(value string) int {
			body := map[string]any{field: value}
			for name, v := range more {
				body[name] = v
			}
			return b.Ask(token, "", method, url, body).Status
		}
	}
}

// withFactor sends codes of an authenticator app.
func withFactor(url string, ticket bool) func(b *peoplekit.Desk) (string, func(string) int) {
	return func(b *peoplekit.Desk) (string, func(string) int) {
		token := b.SignIn(testkit.AcmeAgent, "")
		secret, _ := b.Enroll(token)
		b.Clock.Pass(time.Minute) // the next code
		return b.Clock.Code(b.T, secret), func(code string) int {
			if !ticket {
				return post(b, token, url, map[string]any{"code": code})
			}
			id := b.Password(testkit.AcmeAgent, "").Want(401).Text("ticket")
			return post(b, "", url, map[string]any{"ticket": id, "code": code})
		}
	}
}

var doors = map[string]door{
	"POST " + usersDoor + "auth-with-password": {50, 429, func(b *peoplekit.Desk) (string, func(string) int) {
		return testkit.Password, func(value string) int {
			return post(b, "", peoplekit.UsersURL+"auth-with-password",
				map[string]any{"identity": testkit.AcmeAgent, "password": value})
		}
	}},
	"POST " + usersDoor + "auth-with-otp": {5, 400, func(b *peoplekit.Desk) (string, func(string) int) {
		b.WithMail()
		id := b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp",
			map[string]string{"email": testkit.AcmeAgent}).Want(200).Text("otpId")
		return b.Mailed(), func(code string) int {
			return post(b, "", peoplekit.UsersURL+"auth-with-otp", map[string]any{"otpId": id, "password": code})
		}
	}},
	"POST /api/auth/second-factor": {5, 429, withFactor("/api/auth/second-factor", true)},
	"POST " + usersDoor + "confirm-email-change": {5, 429, func(b *peoplekit.Desk) (string, func(string) int) {
		agent := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
		token, err := agent.NewEmailChangeToken("elsewhere@example.com")
		if err != nil {
			b.T.Fatal(err)
		}
		return testkit.Password, func(value string) int {
			return post(b, "", peoplekit.UsersURL+"confirm-email-change", map[string]any{"token": token, "password": value})
		}
	}},
	"PATCH " + usersDoor + "records/{id}": {5, 429,
		signedIn("PATCH", peoplekit.UsersURL+"records/"+testkit.User(testkit.AcmeAgent), "oldPassword",
			map[string]any{"password": "another long one", "passwordConfirm": "another long one"})},
	"POST /api/me/two-factor/start": {5, 429, signedIn("POST", "/api/me/two-factor/start", "password", nil)},
	"POST /api/me/two-factor/confirm": {5, 429, func(b *peoplekit.Desk) (string, func(string) int) {
		token := b.SignIn(testkit.AcmeAgent, "")
		secret := b.Ask(token, "", "POST", "/api/me/two-factor/start", nil).Want(200).Text("secret")
		return b.Clock.Code(b.T, secret), func(code string) int {
			return post(b, token, "/api/me/two-factor/confirm", map[string]any{"code": code})
		}
	}},
	"POST /api/me/two-factor/disable":  {5, 429, signedIn("POST", "/api/me/two-factor/disable", "password", nil)},
	"POST /api/me/two-factor/recovery": {5, 429, withFactor("/api/me/two-factor/recovery", false)},
}

// Each wrong value comes from an address of its own, and the right one too.
func TestGuess_is_counted_whatever_addresses_it_comes_from(t *testing.T) {
	for pattern, guess := range guesses.Limited() {
		if guess == "" {
			continue
		}
		d, ok := doors[pattern]
		if !ok {
			t.Errorf("%s: nothing here tries to guess the %s", pattern, guess)
			continue
		}
		t.Run(pattern, func(t *testing.T) {
			b := peoplekit.OpenAt(t)
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
			b := peoplekit.OpenAt(t)
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
	b := peoplekit.OpenAt(t)
	b.WithMail()
	had, err := b.CountRecords(collections.Authenticators)
	if err != nil {
		t.Fatal(err)
	}
	token := b.SignIn(testkit.AcmeAgent, "")
	b.Clock.Pass(11 * time.Minute)
	start := func(body any) peoplekit.Reply { return b.Ask(token, "", "POST", "/api/me/two-factor/start", body) }
	if answer := start(nil).Want(400); !strings.Contains(string(answer.Body), `"password"`) {
		t.Errorf("the answer does not name the password: %s", answer.Body)
	}
	start(map[string]string{"password": "not the password"}).Want(400)
	if has, err := b.CountRecords(collections.Authenticators); err != nil || has != had {
		t.Fatalf("there were %d authenticators, now %d, %v", had, has, err)
	}
	secret := start(map[string]string{"password": testkit.Password}).Want(200).Text("secret")
	b.Ask(token, "", "POST", "/api/me/two-factor/confirm", map[string]string{"code": b.Clock.Code(t, secret)}).Want(200)
	owed := b.Find(collections.Outbox, "kind = 'mail.two_factor_on'")
	if !strings.Contains(owed.GetString("payload"), testkit.User(testkit.AcmeAgent)) {
		t.Errorf("the mail is not to the account: %s", owed.GetString("payload"))
	}
}

var takesSecret = regexp.MustCompile(`[{,] *"(password|code|token|ticket)"`)

// What takes a secret is in the table.
func TestLimits_know_every_door_that_takes_a_secret(t *testing.T) {
	b := peoplekit.OpenAt(t)
	limited := guesses.Limited()
	for _, action := range []string{
		"auth-with-password", "auth-with-otp", "auth-with-oauth2", "request-otp", "request-password-reset",
		"request-verification",
		"request-email-change", "confirm-password-reset", "confirm-verification", "confirm-email-change",
	} {
		if _, ok := limited["POST "+usersDoor+action]; !ok {
			t.Errorf("%s is not limited", action)
		}
	}
	for _, r := range b.Facade.Routes() {
		if _, ok := limited[r.Method+" "+r.Path]; takesSecret.MatchString(r.Body) && !ok {
			t.Errorf("%s %s takes %s and is not limited", r.Method, r.Path, r.Body)
		}
	}
}

func TestPassword_of_an_account_under_attack_opens_from_where_it_was_used(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.SignIn(testkit.AcmeOwner, "192.0.2.1")
	wrong := map[string]any{"identity": testkit.AcmeOwner, "password": "not the password"}
	for range 120 {
		post(b, "", peoplekit.UsersURL+"auth-with-password", wrong)
	}
	b.Password(testkit.AcmeOwner, "").Want(429)
	b.SignIn(testkit.AcmeOwner, "192.0.2.1")
	// A new password begins the count anew.
	owner := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeOwner)+"'")
	token, err := owner.NewPasswordResetToken()
	if err != nil {
		t.Fatal(err)
	}
	b.Ask("", "", "POST", peoplekit.UsersURL+"confirm-password-reset",
		map[string]string{"token": token, "password": testkit.Password, "passwordConfirm": testkit.Password}).Want(204)
	b.SignIn(testkit.AcmeOwner, "")
	// The addresses an account is used at have a count of their own.
	b.SignIn(testkit.BoltOwner, "192.0.2.9")
	statuses := []int{}
	for range 61 {
		b.Clock.Pass(3 * time.Second)
		statuses = append(statuses, b.Ask("", "192.0.2.9", "POST", peoplekit.UsersURL+"auth-with-password",
			map[string]string{"identity": testkit.BoltOwner, "password": "not the password"}).Status)
	}
	if statuses[59] != 400 || statuses[60] != 429 {
		t.Errorf("got %v, want the 61st try of an address refused", statuses)
	}
}

// The strangers' tries of an hour keep nobody out at home, while answers are held
// back and afterwards.
func TestPassword_of_an_account_that_was_under_attack_opens_from_where_it_was_used(t *testing.T) {
	for _, later := range []time.Duration{0, 5 * time.Minute, 11 * time.Minute, 59 * time.Minute} {
		b := peoplekit.OpenAt(t)
		b.SignIn(testkit.AcmeOwner, "192.0.2.1")
		for range 60 {
			post(b, "", peoplekit.UsersURL+"auth-with-password",
				map[string]any{"identity": testkit.AcmeOwner, "password": "not the password"})
		}
		b.Clock.Pass(later)
		b.Password(testkit.AcmeOwner, "").Want(429)
		b.SignIn(testkit.AcmeOwner, "192.0.2.1")
	}
}

// asked is what an address is answered, and what it waits for.
type asked struct {
	statuses []int
	delays   []time.Duration
}

func probe(b *peoplekit.Desk, email string, tries int, send func(email string) int) asked {
	b.Delays = nil
	a := asked{}
	for range tries {
		b.Clock.Pass(7 * time.Second) // below what one address may ask
		a.statuses = append(a.statuses, send(email))
	}
	a.delays = b.Delays
	return a
}

func TestAccount_nobody_has_answers_like_one_there_is(t *testing.T) {
	const nobody = "nobody.at.all@nowhere.test"
	for name, send := range map[string]func(b *peoplekit.Desk) func(email string) int{
		"password from everywhere": func(b *peoplekit.Desk) func(string) int {
			return func(email string) int {
				return post(b, "", peoplekit.UsersURL+"auth-with-password",
					map[string]any{"identity": email, "password": "not the password"})
			}
		},
		"password from where the account is used": func(b *peoplekit.Desk) func(string) int {
			b.SignIn(testkit.AcmeAgent, "192.0.2.1")
			return func(email string) int {
				return b.Ask("", "192.0.2.1", "POST", peoplekit.UsersURL+"auth-with-password",
					map[string]string{"identity": email, "password": "not the password"}).Status
			}
		},
		"code": func(b *peoplekit.Desk) func(string) int {
			id, of := "", ""
			return func(email string) int {
				if of != email {
					id, of = b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp",
						map[string]string{"email": email}).Want(200).Text("otpId"), email
				}
				return post(b, "", peoplekit.UsersURL+"auth-with-otp", map[string]any{"otpId": id, "password": "00000000"})
			}
		},
		"code from one address": func(b *peoplekit.Desk) func(string) int {
			id, of := "", ""
			return func(email string) int {
				if of != email {
					id, of = b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp",
						map[string]string{"email": email}).Want(200).Text("otpId"), email
				}
				address := "192.0.2.3"
				if email == nobody {
					address = "192.0.2.4"
				}
				return b.Ask("", address, "POST", peoplekit.UsersURL+"auth-with-otp",
					map[string]string{"otpId": id, "password": "00000000"}).Status
			}
		},
		"asking for a code": func(b *peoplekit.Desk) func(string) int {
			return func(email string) int {
				return post(b, "", peoplekit.UsersURL+"request-otp", map[string]any{"email": email})
			}
		},
		"asking for a new password": func(b *peoplekit.Desk) func(string) int {
			return func(email string) int {
				return post(b, "", peoplekit.UsersURL+"request-password-reset", map[string]any{"email": email})
			}
		},
		"asking to prove": func(b *peoplekit.Desk) func(string) int {
			return func(email string) int {
				return post(b, "", peoplekit.UsersURL+"request-verification", map[string]any{"email": email})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := peoplekit.OpenAt(t)
			b.WithMail()
			ask := send(b)
			known := probe(b, testkit.AcmeAgent, 14, ask)
			unknown := probe(b, nobody, 14, ask)
			b.CodesSent()
			if !slices.Equal(known.statuses, unknown.statuses) || !slices.Equal(known.delays, unknown.delays) {
				t.Errorf("an account there is: %v after %v\nnobody's: %v after %v", known.statuses, known.delays,
					unknown.statuses, unknown.delays)
			}
		})
	}
}
