package orgs_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/auth"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// withMail turns mail on, as an operator does.
func (b *bureau) withMail() {
	b.t.Helper()
	settings := b.app.Settings()
	settings.SMTP.Enabled, settings.SMTP.Host, settings.SMTP.Port = true, "mail.example.com", 587
	if err := b.app.Save(settings); err != nil {
		b.t.Fatal(err)
	}
}

var eightDigits = regexp.MustCompile(`\b\d{8}\b`)

// mailed is the code in the newest mail.
func (b *bureau) mailed() string {
	b.t.Helper()
	late := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if m := b.app.TestMailer.LastMessage(); m.HTML != "" {
			if code := eightDigits.FindString(m.HTML); code != "" {
				b.app.TestMailer.Reset()
				return code
			}
		}
		select {
		case <-tick.C:
		case <-late:
			b.t.Fatal("no mail with a code came")
		}
	}
}

func TestEmail_change_does_not_wait_for_the_mail_server(t *testing.T) {
	b := bureauOf(t)
	b.withMail()
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	defer release()
	b.app.OnMailerSend().BindFunc(func(e *core.MailerEvent) error {
		<-hold
		return e.Next()
	})
	token := b.signIn(testkit.AcmeAgent, "")
	const path = "/api/collections/users/request-email-change"
	b.ask(token, "", "POST", path, map[string]string{"newEmail": testkit.AcmeOwner}).want(400) // taken
	b.ask(token, "", "POST", path, map[string]string{"newEmail": "elsewhere@example.com"}).want(204)
	if n := b.app.TestMailer.TotalSend(); n != 0 {
		t.Fatalf("%d mails were sent by a server that does not answer", n)
	}
	if n := b.count("SELECT count(*) FROM outbox WHERE payload LIKE '%elsewhere@%'"); n != 0 {
		t.Error("the address stands in the outbox in clear")
	}
	release()
	b.mailWith("/confirm-email")
	if m := b.app.TestMailer.LastMessage(); m.To[0].Address != "elsewhere@example.com" {
		t.Errorf("the mail went to %v", m.To)
	}
}

func TestCode_by_mail_signs_in_while_mail_can_be_sent(t *testing.T) {
	b := bureauOf(t)
	ask := map[string]string{"email": testkit.AcmeAgent}
	b.ask("", "", "POST", "/api/collections/users/request-otp", ask).want(403) // no mail, no codes
	b.withMail()
	id := b.ask("", "", "POST", "/api/collections/users/request-otp", ask).want(200).text("otpId")
	code := b.mailed()
	b.ask("", "", "POST", "/api/collections/users/auth-with-otp", map[string]string{"otpId": id, "password": "00000000"}).want(400)
	token := b.ask("", "", "POST", "/api/collections/users/auth-with-otp", map[string]string{"otpId": id, "password": code}).want(200).text("token")
	b.ask(token, "", "GET", acmeCalls, nil).want(200)
	if s := b.find(collections.Sessions, "method = 'otp'"); s == nil || s.GetString("user") != testkit.User(testkit.AcmeAgent) {
		t.Error("the session is not written down as one by code")
	}
	// A mailbox is not flooded; the answer does not tell.
	for range 10 {
		b.ask("", "", "POST", "/api/collections/users/request-otp", ask).want(200)
	}
	if n := b.app.TestMailer.TotalSend(); n > 5 {
		t.Errorf("%d mails were sent, want at most 5", n)
	}
	b.ask("", "", "POST", "/api/collections/users/request-otp", map[string]string{"email": "nobody@nowhere.test"}).want(200)
}

func TestSecondFactor_may_come_by_mail(t *testing.T) {
	b := bureauOf(t)
	b.enroll(b.signIn(testkit.AcmeAgent, ""))
	answer := b.password(testkit.AcmeAgent, "").want(401)
	b.ask("", "", "POST", "/api/auth/second-factor/mail", map[string]string{"ticket": answer.text("ticket")}).want(401) // mail is off
	b.withMail()
	ticket := b.password(testkit.AcmeAgent, "").want(401).text("ticket")
	b.ask("", "", "POST", "/api/auth/second-factor/mail", map[string]string{"ticket": ticket}).want(204)
	code := b.mailed()
	complete := func(code string) reply {
		return b.ask("", "", "POST", "/api/auth/second-factor", map[string]string{"mfa_id": ticket, "code": code})
	}
	complete("12345678").want(400)
	token := complete(code).want(200).text("token")
	b.ask(token, "", "GET", "/api/user/profile", nil).want(200)
	complete(code).want(401)
}

// elsewhere plays the end of a sign-in with an account elsewhere: PocketBase
// has asked the provider, which is not ours to imitate.
func (b *bureau) elsewhere(user *core.Record, by *core.Record, account *auth.AuthUser) (*core.Record, error) {
	b.t.Helper()
	users, err := b.app.FindCachedCollectionByNameOrId(collections.Users)
	if err != nil {
		b.t.Fatal(err)
	}
	event := new(core.RecordAuthWithOAuth2RequestEvent)
	event.RequestEvent = &core.RequestEvent{App: b.app, Auth: by}
	event.RequestEvent.Request = httptest.NewRequest(http.MethodPost, "/api/collections/users/auth-with-oauth2", nil)
	event.RequestEvent.Request.Header.Set("Accept-Language", "fr-FR")
	event.RequestEvent.Request.Header.Set("X-Theme", "dark")
	event.RequestEvent.Response = httptest.NewRecorder()
	event.Collection, event.Record, event.OAuth2User, event.ProviderName = users, user, account, "google"
	reached := false
	err = b.app.OnRecordAuthWithOAuth2Request().Trigger(event, func(*core.RecordAuthWithOAuth2RequestEvent) error {
		reached = true
		return nil
	})
	if err == nil && !reached {
		b.t.Error("the sign-in was neither refused nor let through")
	}
	return event.Record, err
}

func TestAccount_elsewhere_opens_only_what_is_proved_or_invited(t *testing.T) {
	b := bureauOf(t)
	b.desk = open(t, nil) // by invitation only
	agent := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	if _, err := b.elsewhere(agent, nil, &auth.AuthUser{Id: "1", Email: testkit.AcmeAgent}); err != nil {
		t.Errorf("a proved address is refused: %v", err)
	}
	agent.SetVerified(false)
	if err := b.app.Save(agent); err != nil {
		t.Fatal(err)
	}
	if _, err := b.elsewhere(agent, nil, &auth.AuthUser{Id: "1", Email: testkit.AcmeAgent}); err == nil {
		t.Error("an account that has not proved its address was linked")
	}
	if _, err := b.elsewhere(agent, agent, &auth.AuthUser{Id: "1", Email: testkit.AcmeAgent}); err != nil {
		t.Errorf("somebody who is signed in may link: %v", err)
	}
	if _, err := b.elsewhere(nil, nil, &auth.AuthUser{Id: "2", Email: "stranger@client.test"}); err == nil {
		t.Error("a stranger got an account without an invitation")
	}
	b.set(collections.Invitations, testkit.Row(testkit.Acme, "invite"), map[string]any{"email": "Invited@client.test", "expires_at": time.Now().Add(time.Hour)})
	made, err := b.elsewhere(nil, nil, &auth.AuthUser{Id: "3", Email: "invited@client.test", Name: "Ina Invited"})
	if err != nil || made == nil || !made.Verified() || made.GetString("name") != "Ina Invited" ||
		made.GetString("language") != "fr" || made.GetString("theme") != "dark" {
		t.Errorf("an invited person got %v (%v)", made, err)
	}
	if _, err := b.elsewhere(nil, nil, &auth.AuthUser{Id: "4"}); err == nil {
		t.Error("an account without an address was made")
	}
}

func TestFactor_and_network_hold_for_what_a_renewed_session_does(t *testing.T) {
	b := bureauOf(t)
	token := b.signIn(testkit.AcmeAgent, "203.0.113.4")
	b.set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"two_factor_enabled": true})
	b.ask(token, "", "GET", acmeCalls, nil).want(403)
	renewed := b.ask(token, "", "POST", "/api/collections/users/auth-refresh", nil).want(200).text("token")
	b.ask(renewed, "", "GET", acmeCalls, nil).want(403)
	b.ask(renewed, "", "GET", "/api/calls", nil).want(404) // this desk has no calls domain
	mine := "/api/collections/memberships/records?filter=user='" + testkit.User(testkit.AcmeAgent) + "'"
	if got := b.ask(renewed, "", "GET", mine, nil).want(200); !strings.Contains(string(got.body), `"closed":"factor_missing"`) {
		t.Errorf("the own membership does not say why it is closed: %s", got.body)
	}
	if word := b.ask(renewed, "", "GET", "/api/organizations/"+testkit.Acme+"/limits", nil).want(403).text("code"); word != "factor_missing" {
		t.Errorf("a missing factor is told as %q", word)
	}
	b.ask(renewed, "", "POST", "/api/realtime", map[string]any{"clientId": "x", "subscriptions": []string{}}).want(404)
	b.enroll(renewed)
	b.ask(renewed, "", "GET", acmeCalls, nil).want(200)
	// Whoever is let in hears it neither of themselves nor of those who are kept out.
	if got := b.ask(renewed, "", "GET", "/api/collections/memberships/records", nil).want(200); strings.Contains(string(got.body), `"closed":"`) {
		t.Errorf("it is told about others: %s", got.body)
	}
}
