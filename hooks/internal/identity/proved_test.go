package identity_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/auth"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const (
	victim     = "victim@client.test"
	toMallory  = "known to Mallory"
	verifyDoor = peoplekit.UsersURL + "confirm-verification"
)

// takenBefore is a desk where somebody signed up with the victim's address and is
// signed in, and the token of the mail that went to the victim.
func takenBefore(t *testing.T) (b *peoplekit.Desk, mallory, token string) {
	t.Helper()
	b = peoplekit.OpenAt(t)
	b.WithMail()
	b.ByHand()
	b.Ask("", "", "POST", "/api/auth/signup", map[string]string{"email": victim, "fullName": "Mallory",
		"password": toMallory}).Want(200)
	mallory = try(b, toMallory).Want(200).Text("token")
	b.Deliver()
	token, err := b.Find(collections.Users, "email = '"+victim+"'").NewVerificationToken()
	if err != nil {
		t.Fatal(err)
	}
	return b, mallory, token
}

// try signs in to the victim's account.
func try(b *peoplekit.Desk, password string) peoplekit.Reply {
	b.T.Helper()
	return b.Ask("", "", "POST", peoplekit.UsersURL+"auth-with-password",
		map[string]string{"identity": victim, "password": password})
}

func letters(b *peoplekit.Desk, text string) (n int) {
	for _, m := range b.TestMailer.Messages() {
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
	if letters(b, "confirm-verification") != 1 {
		t.Error("the mail that asks to prove the address did not go")
	}
	b.Ask("", "", "POST", verifyDoor, map[string]string{"token": "a.b.c"}).Want(400)
	try(b, toMallory).Want(200)
	reset := b.Ask("", "", "POST", verifyDoor, map[string]string{"token": token}).Want(200).Text("reset_token")
	b.Ask(mallory, "", "GET", "/api/user/profile", nil).Want(401)
	try(b, toMallory).Want(400)
	if !b.Find(collections.Users, "email = '"+victim+"'").Verified() || b.Audited("auth.password_ended") != 1 {
		t.Error("the address is not proved, or it is not in the log")
	}
	if n := b.Count("SELECT count(*) FROM sessions s JOIN users u ON u.ID = s.user WHERE u.email = '" +
		victim + "' AND s.ended_at = ''"); n != 0 {
		t.Errorf("%d sessions from before go on", n)
	}
	b.Deliver()
	if letters(b, "/reset#token=") != 1 {
		t.Error("the mail with a link for a new password did not go")
	}
	b.Ask("", "", "POST", verifyDoor, map[string]string{"token": token}).Want(400) // it is used up
	b.Ask("", "", "POST", peoplekit.UsersURL+"confirm-password-reset",
		map[string]string{"token": reset, "password": "the owner chose it",
			"passwordConfirm": "the owner chose it"}).Want(204)
	try(b, "the owner chose it").Want(200)
}

// Nothing whoever made the account left in it keeps its owner out, or lets them in,
// whichever way the owner proves the address.
func TestAccount_that_goes_to_its_owner_keeps_no_factor_and_no_key_of_who_made_it(t *testing.T) {
	for name, prove := range map[string]func(b *peoplekit.Desk, admin *core.Record) int{
		"link": func(b *peoplekit.Desk, admin *core.Record) int {
			token, err := admin.NewVerificationToken()
			if err != nil {
				b.T.Fatal(err)
			}
			return b.Ask("", "", "POST", verifyDoor, map[string]string{"token": token}).Status
		},
		"a new password by mail": func(b *peoplekit.Desk, admin *core.Record) int {
			token, err := admin.NewPasswordResetToken()
			if err != nil {
				b.T.Fatal(err)
			}
			return b.Ask("", "", "POST", peoplekit.UsersURL+"confirm-password-reset",
				map[string]string{"token": token, "password": "the owner chose it", "passwordConfirm": "the owner chose it"}).Status
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := peoplekit.OpenAt(t)
			b.Set(collections.Users, testkit.User(testkit.AcmeAdmin), map[string]any{"verified": false})
			maker := b.SignIn(testkit.AcmeAdmin, "")
			b.Enroll(maker)
			key := b.MakeKey(maker, collections.Viewer)
			if status := prove(b, b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAdmin)+"'")); status >= 300 {
				t.Fatalf("the proof: %d", status)
			}
			key.Ended(identity.WhyMaker)
			admin := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAdmin)+"'")
			if !admin.Verified() || admin.GetBool("two_factor") ||
				b.Find(collections.Authenticators, "user = '"+admin.Id+"'") != nil {
				t.Error("the second factor of whoever made the account is left")
			}
		})
	}
}

// Who signed up with their own address presses the link where they are signed in,
// and keeps the password and the session.
func TestLink_pressed_by_who_is_signed_in_keeps_the_password(t *testing.T) {
	b, own, token := takenBefore(t)
	other := b.SignIn(testkit.AcmeAgent, "")
	b.Ask(own, "", "POST", verifyDoor, map[string]string{"token": token}).Want(204)
	b.Ask(own, "", "GET", "/api/user/profile", nil).Want(200)
	try(b, toMallory).Want(200)
	if b.Audited("auth.password_ended") != 0 {
		t.Error("the password ended")
	}
	// Somebody else's session proves nothing.
	b, _, token = takenBefore(t)
	b.Ask(other, "", "POST", verifyDoor, map[string]string{"token": token}).Want(200)
	try(b, toMallory).Want(400)
}

// The end of a password, its entry in the log and the mail about it are one: what
// fails undoes all of it, and a mail that does not go out is tried again.
func TestEnd_of_a_password_is_whole_and_its_mail_is_owed(t *testing.T) {
	b, _, token := takenBefore(t)
	for _, table := range []string{collections.AuditLogs, collections.Outbox} {
		b.Execute("CREATE TRIGGER full BEFORE INSERT ON " + table + " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
		b.Ask("", "", "POST", verifyDoor, map[string]string{"token": token}).Want(500)
		b.Execute("DROP TRIGGER full")
		if b.Find(collections.Users, "email = '"+victim+"'").Verified() || b.Audited("auth.password_ended") != 0 {
			t.Errorf("without %s half of it was done", table)
		}
		try(b, toMallory).Want(200)
	}
	down := true
	b.OnMailerSend().BindFunc(func(e *core.MailerEvent) error {
		if down {
			return errors.New("the mail server is away")
		}
		return e.Next()
	})
	b.Ask("", "", "POST", verifyDoor, map[string]string{"token": token}).Want(200)
	b.Deliver()
	const owed = "kind = 'mail.password_ended'"
	if row := b.Find(collections.Outbox, owed); row == nil || row.GetString("status") != collections.OutboxPending ||
		letters(b, "/reset#token=") != 0 {
		t.Fatalf("a mail that did not go out is not owed any more: %v", row)
	}
	down = false
	b.Execute("UPDATE outbox SET next_at = ''")
	b.Deliver()
	if row := b.Find(collections.Outbox, owed); row.GetString("status") != collections.OutboxDone ||
		letters(b, "/reset#token=") != 1 {
		t.Errorf("the mail did not go when it could: %s", row.GetString("status"))
	}
	if payload := b.Find(collections.Outbox, owed).GetString("payload"); strings.Contains(payload, "eyJ") ||
		strings.Contains(payload, "@") {
		t.Errorf("the promise holds a token or an address: %s", payload)
	}
}

// An account elsewhere that proves the address stays tied to the account, alone.
func TestAccount_elsewhere_that_proves_the_address_stays_the_only_one(t *testing.T) {
	b := peoplekit.OpenAt(t)
	agent := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	agent.SetVerified(false)
	if err := b.Save(agent); err != nil {
		t.Fatal(err)
	}
	for provider, id := range map[string]string{"google": "77", "github": "88"} {
		linked := core.NewExternalAuth(b.TestApp)
		linked.SetCollectionRef(agent.Collection().Id)
		linked.SetRecordRef(agent.Id)
		linked.SetProvider(provider)
		linked.SetProviderId(id)
		if err := b.Save(linked); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := elsewhere(b, agent, nil, &auth.AuthUser{Id: "77", Email: testkit.AcmeAgent}); err != nil {
		t.Fatal(err)
	}
	left, err := b.FindAllExternalAuthsByRecord(agent)
	if err != nil || len(left) != 1 || left[0].Provider() != "google" {
		t.Errorf("got %v, %v: want the one that proved the address", left, err)
	}
	b.Password(testkit.AcmeAgent, "").Want(400)
	if b.Audited("auth.password_ended") != 1 {
		t.Error("it is not in the log")
	}
}

// A stranger who signs up again and again fills nobody's mailbox.
func TestSignUp_with_a_taken_address_tells_its_owner_once_a_day(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.WithMail()
	b.ByHand()
	again := func() {
		b.Ask("", "", "POST", "/api/auth/signup",
			map[string]string{"email": testkit.AcmeAgent, "fullName": "Mallory", "password": toMallory}).Want(200)
	}
	again()
	again()
	b.Deliver()
	if n := letters(b, "/login"); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	b.Clock.Pass(25 * time.Hour)
	again()
	b.Deliver()
	if n := letters(b, "/login"); n != 2 {
		t.Errorf("%d mails, want another one the next day", n)
	}
}

func TestProof_of_an_address_names_all_that_ended(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.Set(collections.Users, testkit.User(testkit.AcmeAdmin), map[string]any{"verified": false, "language": "fr"})
	maker := b.SignIn(testkit.AcmeAdmin, "")
	b.Enroll(maker)
	b.MakeKey(maker, collections.Viewer)
	b.WithMail()
	b.ByHand()
	id := b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp",
		map[string]string{"email": testkit.AcmeAdmin}).Want(200).Text("otpId")
	b.CodesSent()
	code := b.Mailed()
	var answer struct {
		Meta struct {
			Password bool `json:"password_ended"`
			Factor   bool `json:"factor_ended"`
			Keys     bool `json:"keys_ended"`
		}
	}
	b.Ask("", "", "POST", peoplekit.UsersURL+"auth-with-otp",
		map[string]string{"otpId": id, "password": code}).Want(200).Into(&answer)
	if !answer.Meta.Password || !answer.Meta.Factor || !answer.Meta.Keys {
		t.Errorf("got %+v, want all that ended", answer.Meta)
	}
	b.One(testkit.AcmeAdmin, "second facteur", "clés d’API")

	// Who had neither is told of neither.
	b, _, token := takenBefore(t)
	b.TestMailer.Reset()
	b.Ask("", "", "POST", verifyDoor, map[string]string{"token": token}).Want(200)
	for _, mail := range b.Got(victim) {
		if regexp.MustCompile("second factor|API key").MatchString(mail) {
			t.Errorf("names what there was not: %s", mail)
		}
	}
}
