package accountmail_test

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestNew_password_by_mail_is_written_down_and_told(t *testing.T) {
	b := peoplekit.OpenMailed(t)
	token, err := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'").NewPasswordResetToken()
	if err != nil {
		t.Fatal(err)
	}
	reset := func(password string, status int) {
		t.Helper()
		b.Ask("", "", "POST", peoplekit.UsersURL+"confirm-password-reset",
			map[string]string{"token": token, "password": password, "passwordConfirm": password}).Want(status)
	}
	reset("short", 400)
	if b.Audited("auth.password_reset") != 0 || len(b.Got(testkit.AcmeAgent)) != 0 {
		t.Error("what was refused is written down or told")
	}
	reset("another long one", 204)
	if b.Audited("auth.password_reset") != 1 {
		t.Errorf("%d entries, want 1", b.Audited("auth.password_reset"))
	}
	b.One(testkit.AcmeAgent, "Votre mot de passe a été changé")
	entry := b.Find(collections.AuditLogs, "action = 'auth.password_reset'")
	if entry.GetString("user") != testkit.User(testkit.AcmeAgent) || entry.GetString("organization") != testkit.Acme {
		t.Errorf("got %v", entry.PublicExport())
	}
	for _, never := range []string{token, "another long one"} {
		if b.Count("SELECT count(*) FROM audit_logs WHERE instr(details, '"+never+"')")+
			b.Count("SELECT count(*) FROM outbox WHERE instr(payload, '"+never+"')") > 0 {
			t.Error("the log or the promise holds a secret")
		}
	}
}

func TestPassword_changed_in_the_profile_or_by_the_operator_is_told(t *testing.T) {
	b := peoplekit.OpenMailed(t)
	b.Do("PATCH", peoplekit.UsersURL+"records/"+testkit.User(testkit.AcmeAgent), testkit.AcmeAgent, map[string]any{
		"oldPassword": testkit.Password, "password": "another long one", "passwordConfirm": "another long one",
	}).Want(200)
	b.One(testkit.AcmeAgent, "mot de passe a été changé")
	b.Do("PATCH", peoplekit.UsersURL+"records/"+testkit.User(testkit.AcmeAgent), testkit.Superuser, map[string]any{
		"password": "a third long one", "passwordConfirm": "a third long one",
	}).Want(200)
	b.One(testkit.AcmeAgent, "mot de passe a été changé")
	b.Set(collections.Users, testkit.User(testkit.AcmeAgent), map[string]any{"name": "Another Name"})
	if all := b.Got(testkit.AcmeAgent); len(all) != 0 {
		t.Errorf("another change is told: %q", all)
	}
}

func TestAddress_that_changes_is_written_down_and_told_at_the_old_one(t *testing.T) {
	const next = "new-address@acme.test"
	b := peoplekit.OpenMailed(t)
	token, err := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'").NewEmailChangeToken(next)
	if err != nil {
		t.Fatal(err)
	}
	b.Ask("", "", "POST", peoplekit.UsersURL+"confirm-email-change",
		map[string]string{"token": token, "password": testkit.Password}).Want(204)
	if b.Audited("auth.address_changed") != 1 {
		t.Errorf("%d entries, want 1", b.Audited("auth.address_changed"))
	}
	if n := b.Count("SELECT count(*) FROM outbox WHERE payload LIKE '%@%'"); n != 0 {
		t.Errorf("%d promises hold an address in clear", n)
	}
	b.One(testkit.AcmeAgent, "L’adresse de votre compte a été changée")
	if all := b.Got(next); len(all) != 0 {
		t.Errorf("the new address got %q", all)
	}
	if row := b.Find(collections.Outbox, "kind = 'mail.address_changed'"); row == nil ||
		strings.Contains(row.GetString("payload"), "k1:") {
		t.Errorf("the address stays in the promise after the mail: %v", row)
	}
}

func TestAddress_that_shall_change_is_asked_first_and_the_old_one_is_not(t *testing.T) {
	const next, ask = "next@acme.test", peoplekit.UsersURL + "request-email-change"
	b := peoplekit.OpenMailed(t)
	to := func(address string) map[string]string { return map[string]string{"newEmail": address} }
	b.Do("POST", ask, testkit.Guest, to(next)).Want(401).Nothing()
	b.Do("POST", ask, testkit.AcmeAgent, to("no address")).Want(400).Nothing()
	b.Do("POST", ask, testkit.AcmeAgent, to(testkit.AcmeOwner)).Want(400).Nothing()
	b.Do("POST", ask, testkit.AcmeAgent, to(next)).Want(204)
	if n := b.Count("SELECT count(*) FROM outbox WHERE payload LIKE '%@%'"); n != 0 {
		t.Errorf("%d promises hold an address in clear", n)
	}
	b.One(next, "Confirmez votre nouvelle adresse pour Acme", "/confirm-email#token=")
	if all := b.Got(testkit.AcmeAgent); len(all) != 0 {
		t.Errorf("the old address got %q", all)
	}
	// A promise that was moved to another account, and one of an account that went.
	b.Do("POST", ask, testkit.AcmeAgent, to(next)).Want(204)
	b.Execute("UPDATE outbox SET payload = replace(payload, '" + testkit.User(testkit.AcmeAgent) + "', '" +
		testkit.User(testkit.AcmeOwner) + "') WHERE kind = 'mail.change' AND status = 'pending'")
	b.Do("POST", ask, testkit.AcmeAgent, to(next)).Want(204)
	b.Execute("UPDATE outbox SET payload = replace(payload, '" + testkit.User(testkit.AcmeAgent) + "', 'gone')" +
		" WHERE kind = 'mail.change' AND status = 'pending' AND instr(payload, '" + testkit.User(testkit.AcmeAgent) + "')")
	if all := b.Got(next); len(all) != 0 {
		t.Errorf("mails that belong to nobody: %q", all)
	}
	if dead := b.Count("SELECT count(*) FROM outbox WHERE kind = 'mail.change' AND status = 'dead'"); dead != 1 {
		t.Errorf("%d are given up, want the moved one", dead)
	}
}

// PocketBase's mails come in the person's language, and as the operator wrote them
// where the operator did.
func TestMails_about_accounts_are_in_the_persons_language(t *testing.T) {
	b := peoplekit.OpenMailed(t)
	send := func(address string) {
		t.Helper()
		b.Ask("", "", "POST", peoplekit.UsersURL+"request-password-reset", map[string]string{"email": address}).Want(204)
	}
	send(testkit.AcmeAgent)
	b.MailWith("/reset#token=")
	b.One(testkit.AcmeAgent, "Votre nouveau mot de passe Acme", "Choisir un mot de passe")
	b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp", map[string]string{"email": testkit.AcmeAgent}).Want(200)
	b.MailWith("usage unique")
	b.One(testkit.AcmeAgent, "Votre code pour")
	send(testkit.AcmeAdmin) // English
	b.MailWith("Reset password")
	b.One(testkit.AcmeAdmin, "Reset your Acme password")

	users, err := b.FindCollectionByNameOrId(collections.Users)
	if err != nil {
		t.Fatal(err)
	}
	users.OTP.EmailTemplate.Body = "<p>Ours {OTP}</p>"
	if err := b.Save(users); err != nil {
		t.Fatal(err)
	}
	b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp", map[string]string{"email": testkit.AcmeAgent}).Want(200)
	b.MailWith("Ours")
	b.One(testkit.AcmeAgent, "OTP for", "Ours")
}
