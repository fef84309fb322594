package identity_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/auth"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestEmail_change_does_not_wait_for_the_mail_server(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.WithMail()
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	defer release()
	b.OnMailerSend().BindFunc(func(e *core.MailerEvent) error {
		<-hold
		return e.Next()
	})
	token := b.SignIn(testkit.AcmeAgent, "")
	const path = "/api/collections/users/request-email-change"
	b.Ask(token, "", "POST", path, map[string]string{"newEmail": testkit.AcmeOwner}).Want(400) // taken
	b.Ask(token, "", "POST", path, map[string]string{"newEmail": "elsewhere@example.com"}).Want(204)
	if n := b.TestMailer.TotalSend(); n != 0 {
		t.Fatalf("%d mails were sent by a server that does not answer", n)
	}
	if n := b.Count("SELECT count(*) FROM outbox WHERE payload LIKE '%elsewhere@%'"); n != 0 {
		t.Error("the address stands in the outbox in clear")
	}
	release()
	b.MailWith("/confirm-email")
	if m := b.TestMailer.LastMessage(); m.To[0].Address != "elsewhere@example.com" {
		t.Errorf("the mail went to %v", m.To)
	}
}

func TestCode_by_mail_signs_in_while_mail_can_be_sent(t *testing.T) {
	b := peoplekit.OpenAt(t)
	ask := map[string]string{"email": testkit.AcmeAgent}
	b.Ask("", "", "POST", "/api/collections/users/request-otp", ask).Want(403) // no mail, no codes
	b.WithMail()
	id := b.Ask("", "", "POST", "/api/collections/users/request-otp", ask).Want(200).Text("otpId")
	code := b.Mailed()
	b.Ask("", "", "POST", "/api/collections/users/auth-with-otp",
		map[string]string{"otpId": id, "password": "00000000"}).Want(400)
	token := b.Ask("", "", "POST", "/api/collections/users/auth-with-otp",
		map[string]string{"otpId": id, "password": code}).Want(200).Text("token")
	b.Ask(token, "", "GET", peoplekit.AcmeCalls, nil).Want(200)
	if s := b.Find(collections.Sessions, "method = 'otp'"); s == nil ||
		s.GetString("user") != testkit.User(testkit.AcmeAgent) {
		t.Error("the session is not written down as one by code")
	}
	// A mailbox is not flooded; the answer does not tell.
	for range 10 {
		b.Ask("", "", "POST", "/api/collections/users/request-otp", ask).Want(200)
	}
	if n := b.TestMailer.TotalSend(); n > 5 {
		t.Errorf("%d mails were sent, want at most 5", n)
	}
	b.Ask("", "", "POST", "/api/collections/users/request-otp",
		map[string]string{"email": "nobody@nowhere.test"}).Want(200)
}

func TestSecondFactor_may_come_by_mail(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.Enroll(b.SignIn(testkit.AcmeAgent, ""))
	answer := b.Password(testkit.AcmeAgent, "").Want(401)
	b.Ask("", "", "POST", "/api/auth/second-factor/mail",
		map[string]string{"ticket": answer.Text("ticket")}).Want(401) // mail is off
	b.WithMail()
	ticket := b.Password(testkit.AcmeAgent, "").Want(401).Text("ticket")
	b.Ask("", "", "POST", "/api/auth/second-factor/mail", map[string]string{"ticket": ticket}).Want(204)
	code := b.Mailed()
	complete := func(code string) peoplekit.Reply {
		return b.Ask("", "", "POST", "/api/auth/second-factor", map[string]string{"mfa_id": ticket, "code": code})
	}
	complete("12345678").Want(400)
	token := complete(code).Want(200).Text("token")
	b.Ask(token, "", "GET", "/api/user/profile", nil).Want(200)
	complete(code).Want(401)
}

// elsewhere plays the end of a sign-in with an account elsewhere: PocketBase
// has asked the provider, which is not ours to imitate.
func elsewhere(b *peoplekit.Desk, user *core.Record, by *core.Record, account *auth.AuthUser) (*core.Record, error) {
	b.T.Helper()
	users, err := b.FindCachedCollectionByNameOrId(collections.Users)
	if err != nil {
		b.T.Fatal(err)
	}
	event := new(core.RecordAuthWithOAuth2RequestEvent)
	event.RequestEvent = &core.RequestEvent{App: b.TestApp, Auth: by}
	event.RequestEvent.Request = httptest.NewRequest(http.MethodPost, "/api/collections/users/auth-with-oauth2", nil)
	event.RequestEvent.Request.Header.Set("Accept-Language", "fr-FR")
	event.RequestEvent.Request.Header.Set("X-Theme", "dark")
	event.RequestEvent.Response = httptest.NewRecorder()
	event.Collection, event.Record, event.OAuth2User, event.ProviderName = users, user, account, "google"
	reached := false
	err = b.OnRecordAuthWithOAuth2Request().Trigger(event, func(*core.RecordAuthWithOAuth2RequestEvent) error {
		reached = true
		return nil
	})
	if err == nil && !reached {
		b.T.Error("the sign-in was neither refused nor let through")
	}
	return event.Record, err
}

func TestAccount_elsewhere_opens_only_what_is_proved_or_invited(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b = peoplekit.Open(t, nil) // by invitation only
	agent := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	if _, err := elsewhere(b, agent, nil, &auth.AuthUser{Id: "1", Email: testkit.AcmeAgent}); err != nil {
		t.Errorf("a proved address is refused: %v", err)
	}
	agent.SetVerified(false)
	if err := b.Save(agent); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere(b, agent, nil, &auth.AuthUser{Id: "1", Email: testkit.AcmeAgent}); err == nil {
		t.Error("an account that has not proved its address was linked")
	}
	if _, err := elsewhere(b, agent, agent, &auth.AuthUser{Id: "1", Email: testkit.AcmeAgent}); err != nil {
		t.Errorf("somebody who is signed in may link: %v", err)
	}
	if _, err := elsewhere(b, nil, nil, &auth.AuthUser{Id: "2", Email: "stranger@client.test"}); err == nil {
		t.Error("a stranger got an account without an invitation")
	}
	b.Set(collections.Invitations, testkit.Row(testkit.Acme, "invite"),
		map[string]any{"email": "Invited@client.test", "expires_at": time.Now().Add(time.Hour)})
	made, err := elsewhere(b, nil, nil, &auth.AuthUser{Id: "3", Email: "invited@client.test", Name: "Ina Invited"})
	if err != nil || made == nil || !made.Verified() || made.GetString("name") != "Ina Invited" ||
		made.GetString("language") != "fr" || made.GetString("theme") != "dark" {
		t.Errorf("an invited person got %v (%v)", made, err)
	}
	if _, err := elsewhere(b, nil, nil, &auth.AuthUser{Id: "4"}); err == nil {
		t.Error("an account without an address was made")
	}
}

func TestFactor_and_network_hold_for_what_a_renewed_session_does(t *testing.T) {
	b := peoplekit.OpenAt(t)
	token := b.SignIn(testkit.AcmeAgent, "203.0.113.4")
	b.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"two_factor_enabled": true})
	b.Ask(token, "", "GET", peoplekit.AcmeCalls, nil).Want(403)
	renewed := b.Ask(token, "", "POST", "/api/collections/users/auth-refresh", nil).Want(200).Text("token")
	b.Ask(renewed, "", "GET", peoplekit.AcmeCalls, nil).Want(403)
	b.Ask(renewed, "", "GET", "/api/calls", nil).Want(404) // this desk has no calls domain
	mine := "/api/collections/memberships/records?filter=user='" + testkit.User(testkit.AcmeAgent) + "'"
	if got := b.Ask(renewed, "", "GET", mine, nil).Want(200); !strings.Contains(string(got.Body),
		`"closed":"factor_missing"`) {
		t.Errorf("the own membership does not say why it is closed: %s", got.Body)
	}
	if word := b.Ask(renewed, "", "GET", "/api/organizations/"+testkit.Acme+"/limits",
		nil).Want(403).Text("code"); word != "factor_missing" {
		t.Errorf("a missing factor is told as %q", word)
	}
	b.Ask(renewed, "", "POST", "/api/realtime", map[string]any{"clientId": "x", "subscriptions": []string{}}).Want(404)
	b.Enroll(renewed)
	b.Ask(renewed, "", "GET", peoplekit.AcmeCalls, nil).Want(200)
	// Whoever is let in hears it neither of themselves nor of those who are kept out.
	if got := b.Ask(renewed, "", "GET", "/api/collections/memberships/records",
		nil).Want(200); strings.Contains(string(got.Body), `"closed":"`) {
		t.Errorf("it is told about others: %s", got.Body)
	}
}
