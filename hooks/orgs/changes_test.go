package orgs_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/orgs"
)

// changed is a desk with mail, whose outbox is delivered by hand, and one person's
// account in French.
func changed(t *testing.T) *bureau {
	t.Helper()
	b := bureauOf(t)
	b.set(collections.Users, testkit.User(testkit.AcmeAgent), map[string]any{"language": "fr"})
	b.withMail()
	b.byHand()
	return b
}

// got are the mails to an address, subject and text.
func (b *bureau) got(address string) (all []string) {
	b.t.Helper()
	b.deliver()
	for _, m := range b.app.TestMailer.Messages() {
		for _, to := range m.To {
			if to.Address == address {
				all = append(all, m.Subject+"\n"+m.HTML)
			}
		}
	}
	return all
}

// one fails when an address did not get exactly one mail with each of the texts.
func (b *bureau) one(address string, texts ...string) {
	b.t.Helper()
	all := b.got(address)
	if len(all) != 1 {
		b.t.Fatalf("%s got %d mails, want 1: %q", address, len(all), all)
	}
	for _, text := range texts {
		if !strings.Contains(all[0], text) {
			b.t.Errorf("%q does not stand in the mail\n%s", text, all[0])
		}
	}
	b.app.TestMailer.Reset()
}

func TestNew_password_by_mail_is_written_down_and_told(t *testing.T) {
	b := changed(t)
	token, err := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'").NewPasswordResetToken()
	if err != nil {
		t.Fatal(err)
	}
	reset := func(password string, status int) {
		t.Helper()
		b.ask("", "", "POST", usersURL+"confirm-password-reset",
			map[string]string{"token": token, "password": password, "passwordConfirm": password}).want(status)
	}
	reset("short", 400)
	if b.audited("auth.password_reset") != 0 || len(b.got(testkit.AcmeAgent)) != 0 {
		t.Error("what was refused is written down or told")
	}
	reset("another long one", 204)
	if b.audited("auth.password_reset") != 1 {
		t.Errorf("%d entries, want 1", b.audited("auth.password_reset"))
	}
	b.one(testkit.AcmeAgent, "Votre mot de passe a été changé")
	entry := b.find(collections.AuditLogs, "action = 'auth.password_reset'")
	if entry.GetString("user") != testkit.User(testkit.AcmeAgent) || entry.GetString("organization") != testkit.Acme {
		t.Errorf("got %v", entry.PublicExport())
	}
	for _, never := range []string{token, "another long one"} {
		if b.count("SELECT count(*) FROM audit_logs WHERE instr(details, '"+never+"')")+b.count("SELECT count(*) FROM outbox WHERE instr(payload, '"+never+"')") > 0 {
			t.Error("the log or the promise holds a secret")
		}
	}
}

func TestPassword_changed_in_the_profile_or_by_the_operator_is_told(t *testing.T) {
	b := changed(t)
	b.Do("PATCH", usersURL+"records/"+testkit.User(testkit.AcmeAgent), testkit.AcmeAgent, map[string]any{
		"oldPassword": testkit.Password, "password": "another long one", "passwordConfirm": "another long one",
	}).Want(200)
	b.one(testkit.AcmeAgent, "mot de passe a été changé")
	b.Do("PATCH", usersURL+"records/"+testkit.User(testkit.AcmeAgent), testkit.Superuser, map[string]any{
		"password": "a third long one", "passwordConfirm": "a third long one",
	}).Want(200)
	b.one(testkit.AcmeAgent, "mot de passe a été changé")
	b.set(collections.Users, testkit.User(testkit.AcmeAgent), map[string]any{"name": "Another Name"})
	if all := b.got(testkit.AcmeAgent); len(all) != 0 {
		t.Errorf("another change is told: %q", all)
	}
}

func TestAddress_that_changes_is_written_down_and_told_at_the_old_one(t *testing.T) {
	const next = "new-address@acme.test"
	b := changed(t)
	token, err := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'").NewEmailChangeToken(next)
	if err != nil {
		t.Fatal(err)
	}
	b.ask("", "", "POST", usersURL+"confirm-email-change", map[string]string{"token": token, "password": testkit.Password}).want(204)
	if b.audited("auth.address_changed") != 1 {
		t.Errorf("%d entries, want 1", b.audited("auth.address_changed"))
	}
	if n := b.count("SELECT count(*) FROM outbox WHERE payload LIKE '%@%'"); n != 0 {
		t.Errorf("%d promises hold an address in clear", n)
	}
	b.one(testkit.AcmeAgent, "L’adresse de votre compte a été changée")
	if all := b.got(next); len(all) != 0 {
		t.Errorf("the new address got %q", all)
	}
	if row := b.find(collections.Outbox, "kind = 'mail.address_changed'"); row == nil || strings.Contains(row.GetString("payload"), "k1:") {
		t.Errorf("the address stays in the promise after the mail: %v", row)
	}
	// At the console.
	cmd := orgs.Command(b.app)
	cmd.SetOut(new(strings.Builder))
	cmd.SetArgs([]string{"address", "--user", testkit.User(testkit.AcmeAgent), "--email", "third@acme.test"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	b.one(next, "adresse de votre compte")
}

func TestLink_of_the_console_is_written_down_and_told(t *testing.T) {
	for kind, subject := range map[string]string{"reset": "nouveau mot de passe", "verify": "confirmer votre adresse"} {
		b := changed(t)
		cmd := orgs.Command(b.app)
		var out strings.Builder
		cmd.SetOut(&out)
		cmd.SetArgs([]string{"link", "--email", testkit.AcmeAgent, "--kind", kind})
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		entry := b.find(collections.AuditLogs, "action = 'auth.link'")
		if entry == nil || entry.GetString("actor_name") != "console" || entry.GetString("record") != testkit.User(testkit.AcmeAgent) {
			t.Fatalf("%s: got %v", kind, entry)
		}
		_, token, _ := strings.Cut(strings.TrimSpace(out.String()), "#token=")
		if token == "" || strings.Contains(entry.GetString("details"), token) || !strings.Contains(entry.GetString("details"), kind) {
			t.Errorf("%s: %q, %s", kind, out.String(), entry.GetString("details"))
		}
		b.one(testkit.AcmeAgent, subject)
	}
}

func TestProof_of_an_address_names_all_that_ended(t *testing.T) {
	b := bureauOf(t)
	b.set(collections.Users, testkit.User(testkit.AcmeAdmin), map[string]any{"verified": false, "language": "fr"})
	maker := b.signIn(testkit.AcmeAdmin, "")
	b.enroll(maker)
	b.makeKey(maker, collections.Viewer)
	b.withMail()
	b.byHand()
	id := b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": testkit.AcmeAdmin}).want(200).text("otpId")
	b.codesSent()
	code := b.mailed()
	var answer struct {
		Meta struct {
			Password bool `json:"password_ended"`
			Factor   bool `json:"factor_ended"`
			Keys     bool `json:"keys_ended"`
		}
	}
	b.ask("", "", "POST", usersURL+"auth-with-otp", map[string]string{"otpId": id, "password": code}).want(200).into(&answer)
	if !answer.Meta.Password || !answer.Meta.Factor || !answer.Meta.Keys {
		t.Errorf("got %+v, want all that ended", answer.Meta)
	}
	b.one(testkit.AcmeAdmin, "second facteur", "clés d’API")

	// Who had neither is told of neither.
	b, _, token := takenBefore(t)
	b.app.TestMailer.Reset()
	b.ask("", "", "POST", verifyDoor, map[string]string{"token": token}).want(200)
	for _, mail := range b.got(victim) {
		if regexp.MustCompile("second factor|API key").MatchString(mail) {
			t.Errorf("names what there was not: %s", mail)
		}
	}
}

// PocketBase's mails come in the person's language, and as the operator wrote them
// where the operator did.
func TestMails_about_accounts_are_in_the_persons_language(t *testing.T) {
	b := changed(t)
	send := func(address string) {
		t.Helper()
		b.ask("", "", "POST", usersURL+"request-password-reset", map[string]string{"email": address}).want(204)
	}
	send(testkit.AcmeAgent)
	b.mailWith("/reset#token=")
	b.one(testkit.AcmeAgent, "Votre nouveau mot de passe Acme", "Choisir un mot de passe")
	b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": testkit.AcmeAgent}).want(200)
	b.mailWith("usage unique")
	b.one(testkit.AcmeAgent, "Votre code pour")
	send(testkit.AcmeAdmin) // English
	b.mailWith("Reset password")
	b.one(testkit.AcmeAdmin, "Reset your Acme password")

	users, err := b.app.FindCollectionByNameOrId(collections.Users)
	if err != nil {
		t.Fatal(err)
	}
	users.OTP.EmailTemplate.Body = "<p>Ours {OTP}</p>"
	if err := b.app.Save(users); err != nil {
		t.Fatal(err)
	}
	b.ask("", "", "POST", usersURL+"request-otp", map[string]string{"email": testkit.AcmeAgent}).want(200)
	b.mailWith("Ours")
	b.one(testkit.AcmeAgent, "OTP for", "Ours")
}
