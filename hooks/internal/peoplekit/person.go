package peoplekit

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// AcmeCalls lists Acme's calls: what every member may see, and nobody else.
const AcmeCalls = "/api/collections/" + collections.Calls + "/records?organization=" + testkit.Acme

// UsersURL begins the addresses of PocketBase's routes of people.
const UsersURL = "/api/collections/users/"

// Token is what the link of an invitation carries.
func Token(t testing.TB, link string) string {
	t.Helper()
	token, ok := strings.CutPrefix(link, "https://desk.example.com/accept-invite#token=")
	if !ok || strings.ContainsAny(token, "/?#") {
		t.Fatalf("a link that does not lead to the page: %q", link)
	}
	return token
}

// Clock is a time tests move.
type Clock struct{ At time.Time }

func newClock() *Clock { return &Clock{time.Now().Truncate(time.Second)} }

// Now is the time.
func (c *Clock) Now() time.Time { return c.At }

// Pass moves it on.
func (c *Clock) Pass(d time.Duration) { c.At = c.At.Add(d) }

// Code is what an authenticator app with this secret shows.
func (c *Clock) Code(t testing.TB, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, c.At)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// Reply is an answer that a scene goes on from.
type Reply struct {
	*testkit.Answer
	t testing.TB
}

// Want ends the test when the status is another one.
func (r Reply) Want(status int) Reply {
	r.t.Helper()
	if r.Answer.Want(status); r.Status != status {
		r.t.FailNow()
	}
	return r
}

// Nothing is the answer's.
func (r Reply) Nothing(but ...string) Reply {
	r.t.Helper()
	r.Answer.Nothing(but...)
	return r
}

// Text is the text at a path of the body, "" when there is none.
func (r Reply) Text(path ...string) string {
	r.t.Helper()
	var v any
	r.JSON(&v)
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	s, _ := v.(string)
	return s
}

// Into reads the body.
func (r Reply) Into(v any) Reply {
	r.t.Helper()
	r.JSON(v)
	return r
}

// Ask sends a request with a token from an address ("" is a new one each time).
func (d *Desk) Ask(token, address, method, url string, body any) Reply {
	d.T.Helper()
	return d.Send(token, address, method, url, body, nil)
}

// Raw is Ask without a body and with more headers.
func (d *Desk) Raw(token, address, method, url string, header map[string]string) Reply {
	d.T.Helper()
	return d.Send(token, address, method, url, nil, header)
}

// Send is Ask with more headers.
func (d *Desk) Send(token, address, method, url string, body any, header map[string]string) Reply {
	d.T.Helper()
	raw := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			d.T.Fatal(err)
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
		d.Serial++
		address = fmt.Sprintf("198.51.100.%d", d.Serial%250)
	}
	req.RemoteAddr = address + ":4000"
	if strings.Contains(address, ":") {
		req.RemoteAddr = "[" + address + "]:4000"
	}
	who := "guest"
	if token != "" {
		who = "the holder of a token"
	}
	return Reply{d.Client.Send(req, who), d.T}
}

// Password is the answer to signing in with the fixtures' password.
func (d *Desk) Password(email, address string) Reply {
	d.T.Helper()
	return d.Ask("", address, "POST", "/api/collections/users/auth-with-password",
		map[string]string{"identity": email, "password": testkit.Password})
}

// SignIn returns the token of a sign-in that needs no second factor.
func (d *Desk) SignIn(email, address string) string {
	d.T.Helper()
	return d.Password(email, address).Want(200).Text("token")
}

// Enroll sets up an authenticator app and returns its secret and the recovery codes.
func (d *Desk) Enroll(token string) (secret string, codes []string) {
	d.T.Helper()
	secret = d.Ask(token, "", "POST", "/api/me/two-factor/start", nil).Want(200).Text("secret")
	var answer struct {
		Codes []string `json:"recovery_codes"`
	}
	d.Ask(token, "", "POST", "/api/me/two-factor/confirm",
		map[string]string{"code": d.Clock.Code(d.T, secret)}).Want(200).Into(&answer)
	if len(answer.Codes) != 10 {
		d.T.Fatalf("got %d recovery codes, want 10", len(answer.Codes))
	}
	return secret, answer.Codes
}
