package orgs_test

import (
	"errors"
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
	victim     = "victim@client.test"
	toMallory  = "known to Mallory"
	verifyDoor = usersURL + "confirm-verification"
)

// takenBefore is a desk where somebody signed up with the victim's address and is
// signed in, and the token of the mail that went to the victim.
func takenBefore(t *testing.T) (b *bureau, mallory, token string) {
	t.Helper()
	b = bureauOf(t)
	b.withMail()
	b.byHand()
	b.ask("", "", "POST", "/api/auth/signup", map[string]string{"email": victim, "fullName": "Mallory", "password": toMallory}).want(200)
	mallory = b.try(toMallory).want(200).text("token")
	b.deliver()
	token, err := b.find(collections.Users, "email = '"+victim+"'").NewVerificationToken()
	if err != nil {
		t.Fatal(err)
	}
	return b, mallory, token
}

// try signs in to the victim's account.
func (b *bureau) try(password string) reply {
	b.t.Helper()
	return b.ask("", "", "POST", usersURL+"auth-with-password", map[string]string{"identity": victim, "password": password})
}

func (b *bureau) letters(text string) (n int) {
	for _, m := range b.app.TestMailer.Messages() {
		if strings.Contains(m.HTML, text) {
			n++
		}
	}
	return n
}

// Whoever made an account with somebody else's address is out when its owner
// presses the link of the mail, and the owner is in.
func TestLink_that_proves_an_address_ends_the_password_and_asks_for_a_new_one(t *testing.T) {
	b, mallory, token := takenBefore(t)
	if b.letters("confirm-verification") != 1 {
		t.Error("the mail that asks to prove the address did not go")
	}
	b.ask("", "", "POST", verifyDoor, map[string]string{"token": "a.b.c"}).want(400)
	b.try(toMallory).want(200)
	reset := b.ask("", "", "POST", verifyDoor, map[string]string{"token": token}).want(200).text("reset_token")
	b.ask(mallory, "", "GET", "/api/user/profile", nil).want(401)
	b.try(toMallory).want(400)
	if !b.find(collections.Users, "email = '"+victim+"'").Verified() || b.audited("auth.password_ended") != 1 {
		t.Error("the address is not proved, or it is not in the log")
	}
	if n := b.count("SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user WHERE u.email = '" + victim + "' AND s.ended_at = ''"); n != 0 {
		t.Errorf("%d sessions from before go on", n)
	}
	b.deliver()
	if b.letters("/reset#token=") != 1 {
		t.Error("the mail with a link for a new password did not go")
	}
	b.ask("", "", "POST", verifyDoor, map[string]string{"token": token}).want(400) // it is used up
	b.ask("", "", "POST", usersURL+"confirm-password-reset",
		map[string]string{"token": reset, "password": "the owner chose it", "passwordConfirm": "the owner chose it"}).want(204)
	b.try("the owner chose it").want(200)
}

// Nothing whoever made the account left in it keeps its owner out, or lets them in,
// whichever way the owner proves the address.
func TestAccount_that_goes_to_its_owner_keeps_no_factor_and_no_key_of_who_made_it(t *testing.T) {
	for name, prove := range map[string]func(b *bureau, admin *core.Record) int{
		"link": func(b *bureau, admin *core.Record) int {
			token, err := admin.NewVerificationToken()
			if err != nil {
				b.t.Fatal(err)
			}
			return b.ask("", "", "POST", verifyDoor, map[string]string{"token": token}).status
		},
		"a new password by mail": func(b *bureau, admin *core.Record) int {
			token, err := admin.NewPasswordResetToken()
			if err != nil {
				b.t.Fatal(err)
			}
			return b.ask("", "", "POST", usersURL+"confirm-password-reset",
				map[string]string{"token": token, "password": "the owner chose it", "passwordConfirm": "the owner chose it"}).status
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := bureauOf(t)
			b.set(collections.Users, testkit.User(testkit.AcmeAdmin), map[string]any{"verified": false})
			maker := b.signIn(testkit.AcmeAdmin, "")
			b.enroll(maker)
			key := b.makeKey(maker, collections.Viewer)
			if status := prove(b, b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAdmin)+"'")); status >= 300 {
				t.Fatalf("the proof: %d", status)
			}
			key.ended(identity.WhyMaker)
			admin := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAdmin)+"'")
			if !admin.Verified() || admin.GetBool("two_factor") || b.find(collections.Authenticators, "user = '"+admin.Id+"'") != nil {
				t.Error("the second factor of whoever made the account is left")
			}
		})
	}
}

// Who signed up with their own address presses the link where they are signed in,
// and keeps the password and the session.
func TestLink_pressed_by_who_is_signed_in_keeps_the_password(t *testing.T) {
	b, own, token := takenBefore(t)
	other := b.signIn(testkit.AcmeAgent, "")
	b.ask(own, "", "POST", verifyDoor, map[string]string{"token": token}).want(204)
	b.ask(own, "", "GET", "/api/user/profile", nil).want(200)
	b.try(toMallory).want(200)
	if b.audited("auth.password_ended") != 0 {
		t.Error("the password ended")
	}
	// Somebody else's session proves nothing.
	b, _, token = takenBefore(t)
	b.ask(other, "", "POST", verifyDoor, map[string]string{"token": token}).want(200)
	b.try(toMallory).want(400)
}

// The end of a password, its entry in the log and the mail about it are one: what
// fails undoes all of it, and a mail that does not go out is tried again.
func TestEnd_of_a_password_is_whole_and_its_mail_is_owed(t *testing.T) {
	b, _, token := takenBefore(t)
	for _, table := range []string{collections.AuditLogs, collections.Outbox} {
		b.execute("CREATE TRIGGER full BEFORE INSERT ON " + table + " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
		b.ask("", "", "POST", verifyDoor, map[string]string{"token": token}).want(500)
		b.execute("DROP TRIGGER full")
		if b.find(collections.Users, "email = '"+victim+"'").Verified() || b.audited("auth.password_ended") != 0 {
			t.Errorf("without %s half of it was done", table)
		}
		b.try(toMallory).want(200)
	}
	down := true
	b.app.OnMailerSend().BindFunc(func(e *core.MailerEvent) error {
		if down {
			return errors.New("the mail server is away")
		}
		return e.Next()
	})
	b.ask("", "", "POST", verifyDoor, map[string]string{"token": token}).want(200)
	b.deliver()
	const owed = "kind = 'mail.password_ended'"
	if row := b.find(collections.Outbox, owed); row == nil || row.GetString("status") != collections.OutboxPending || b.letters("/reset#token=") != 0 {
		t.Fatalf("a mail that did not go out is not owed any more: %v", row)
	}
	down = false
	b.execute("UPDATE outbox SET next_at = ''")
	b.deliver()
	if row := b.find(collections.Outbox, owed); row.GetString("status") != collections.OutboxDone || b.letters("/reset#token=") != 1 {
		t.Errorf("the mail did not go when it could: %s", row.GetString("status"))
	}
	if payload := b.find(collections.Outbox, owed).GetString("payload"); strings.Contains(payload, "eyJ") || strings.Contains(payload, "@") {
		t.Errorf("the promise holds a token or an address: %s", payload)
	}
}

// An account elsewhere that proves the address stays tied to the account, alone.
func TestAccount_elsewhere_that_proves_the_address_stays_the_only_one(t *testing.T) {
	b := bureauOf(t)
	agent := b.find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	agent.SetVerified(false)
	if err := b.app.Save(agent); err != nil {
		t.Fatal(err)
	}
	for provider, id := range map[string]string{"google": "77", "github": "88"} {
		linked := core.NewExternalAuth(b.app)
		linked.SetCollectionRef(agent.Collection().Id)
		linked.SetRecordRef(agent.Id)
		linked.SetProvider(provider)
		linked.SetProviderId(id)
		if err := b.app.Save(linked); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.elsewhere(agent, nil, &auth.AuthUser{Id: "77", Email: testkit.AcmeAgent}); err != nil {
		t.Fatal(err)
	}
	left, err := b.app.FindAllExternalAuthsByRecord(agent)
	if err != nil || len(left) != 1 || left[0].Provider() != "google" {
		t.Errorf("got %v, %v: want the one that proved the address", left, err)
	}
	b.password(testkit.AcmeAgent, "").want(400)
	if b.audited("auth.password_ended") != 1 {
		t.Error("it is not in the log")
	}
}

// A stranger who signs up again and again fills nobody's mailbox.
func TestSignUp_with_a_taken_address_tells_its_owner_once_a_day(t *testing.T) {
	b := bureauOf(t)
	b.withMail()
	b.byHand()
	again := func() {
		b.ask("", "", "POST", "/api/auth/signup",
			map[string]string{"email": testkit.AcmeAgent, "fullName": "Mallory", "password": toMallory}).want(200)
	}
	again()
	again()
	b.deliver()
	if n := b.letters("/login"); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	b.clock.pass(25 * time.Hour)
	again()
	b.deliver()
	if n := b.letters("/login"); n != 2 {
		t.Errorf("%d mails, want another one the next day", n)
	}
}
