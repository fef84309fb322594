package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/auth"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestTicket_ends_with_what_the_sign_in_began_with(t *testing.T) {
	for name, change := range map[string]func(b *peoplekit.Desk, agent *core.Record, token string){
		"password": func(b *peoplekit.Desk, agent *core.Record, _ string) {
			agent.SetPassword("another long one")
			if err := b.Save(agent); err != nil {
				b.T.Fatal(err)
			}
		},
		"address": func(b *peoplekit.Desk, agent *core.Record, _ string) {
			agent.SetEmail("elsewhere@example.com")
			if err := b.Save(agent); err != nil {
				b.T.Fatal(err)
			}
		},
		"second factor": func(b *peoplekit.Desk, _ *core.Record, token string) {
			post(b, token, "/api/me/two-factor/disable", map[string]any{"password": testkit.Password})
			b.Clock.Pass(time.Minute)
			b.Enroll(token)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := peoplekit.OpenAt(t)
			b.WithMail()
			token := b.SignIn(testkit.AcmeAgent, "")
			secret, codes := b.Enroll(token)
			ticket := b.Password(testkit.AcmeAgent, "").Want(401).Text("ticket")
			change(b, b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'"), token)
			b.Clock.Pass(time.Minute)
			for _, code := range []string{b.Clock.Code(t, secret), codes[0]} {
				b.Ask("", "", "POST", "/api/auth/second-factor", map[string]string{"ticket": ticket, "code": code}).Want(401)
			}
			b.Ask("", "", "POST", "/api/auth/second-factor/mail", map[string]string{"ticket": ticket}).Want(401)
		})
	}
}

func TestCode_that_proves_an_address_ends_the_password_and_says_so(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.WithMail()
	const victim = "victim@client.test"
	b.Ask("", "", "POST", "/api/auth/signup", map[string]string{"email": victim, "fullName": "Mallory",
		"password": "known to Mallory"}).Want(200)
	mallory := b.Ask("", "", "POST", peoplekit.UsersURL+"auth-with-password",
		map[string]string{"identity": victim, "password": "known to Mallory"}).Want(200).Text("token")
	id := b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp",
		map[string]string{"email": victim}).Want(200).Text("otpId")
	code := b.Mailed()
	b.CodesSent()
	answer := b.Ask("", "", "POST", peoplekit.UsersURL+"auth-with-otp",
		map[string]string{"otpId": id, "password": code}).Want(200)
	var said struct {
		Meta map[string]bool `json:"meta"`
	}
	answer.Into(&said)
	if !said.Meta["password_ended"] {
		t.Errorf("nothing says that the password ended: %s", answer.Body)
	}
	b.Ask(mallory, "", "GET", "/api/user/profile", nil).Want(401)
	b.Ask("", "", "POST", peoplekit.UsersURL+"auth-with-password",
		map[string]string{"identity": victim, "password": "known to Mallory"}).Want(400)
	if b.Audited("auth.password_ended") != 1 {
		t.Error("it is not in the audit log")
	}
	b.MailWith("/reset#token=")
	// Somebody who had proved the address keeps the password.
	id = b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp",
		map[string]string{"email": testkit.AcmeAgent}).Want(200).Text("otpId")
	b.Ask("", "", "POST", peoplekit.UsersURL+"auth-with-otp",
		map[string]string{"otpId": id, "password": b.Mailed()}).Want(200)
	b.SignIn(testkit.AcmeAgent, "")
}

func TestAccount_elsewhere_replaces_a_password_only_when_it_proves_the_address(t *testing.T) {
	b := peoplekit.OpenAt(t)
	agent := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	agent.SetVerified(false)
	linked := core.NewExternalAuth(b.TestApp)
	linked.SetCollectionRef(agent.Collection().Id)
	linked.SetRecordRef(agent.Id)
	linked.SetProvider("google")
	linked.SetProviderId("77")
	if err := errors.Join(b.Save(agent), b.Save(linked)); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"", "another@client.test", strings.ToUpper(testkit.AcmeAgent)} {
		want := !strings.EqualFold(email, testkit.AcmeAgent)
		kept := false
		b.OnRecordAuthWithOAuth2Request().BindFunc(func(e *core.RecordAuthWithOAuth2RequestEvent) error {
			kept = e.Auth != nil && e.Auth.Id == e.Record.Id // PocketBase keeps the password of who is signed in
			return e.Next()
		})
		if _, err := elsewhere(b, agent, nil, &auth.AuthUser{Id: "77", Email: email}); err != nil {
			t.Errorf("%q: %v", email, err)
		}
		if kept != want {
			t.Errorf("%q: the password is kept: %t, want %t", email, kept, want)
		}
	}
	if b.Audited("auth.password_ended") != 1 {
		t.Error("the end of the password is not in the audit log")
	}
}

func post(b *peoplekit.Desk, token, url string, body map[string]any) int {
	return b.Ask(token, "", "POST", url, body).Status
}
