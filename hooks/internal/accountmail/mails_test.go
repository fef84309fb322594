package accountmail

import (
	"errors"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestMails_lead_to_our_own_address_in_the_readers_language(t *testing.T) {
	h := houseOf(t)
	for kind, c := range map[string]struct {
		page   string
		titles map[string]string
	}{
		Taken:     {"/login", map[string]string{"en": "You have an account already", "fr": "Vous avez déjà un compte"}},
		FactorOff: {"/login", map[string]string{"en": "second factor was taken off", "fr": "facteur a été retiré"}},
		FactorOn:  {"/me/security", map[string]string{"en": "Two-factor sign-in is on", "fr": "à deux facteurs est activée"}},
		ResetLink: {"/login", map[string]string{"en": "new password was made", "fr": "nouveau mot de passe a été créé"}},
		VerifyLink: {"/login",
			map[string]string{"en": "proves your address", "fr": "confirmer votre adresse a été créé"}},
		PasswordEnded:   {ResetPage + "#token=", map[string]string{"en": "Choose a new", "fr": "Choisissez un nouveau"}},
		PasswordChanged: {"/login", map[string]string{"en": "password was changed", "fr": "mot de passe a été changé"}},
	} {
		for language, title := range c.titles {
			user := h.in(language)
			if n := h.owed(h.Owe(h.app, kind, user, "for "+language)); n != 1 {
				t.Fatalf("%s: %d mails are owed, want 1", kind, n)
			}
			m, link := h.one(testkit.AcmeAgent), "https://desk.example.com"+c.page
			if !strings.Contains(m.Subject, title) || !strings.Contains(m.Text, "Desk & Co") ||
				!strings.Contains(m.Text, link) {
				t.Errorf("%s in %s: %q\n%s", kind, language, m.Subject, m.Text)
			}
			if !strings.Contains(m.HTML, "Desk &amp; Co") || !strings.Contains(m.HTML, `<a href="`+link) ||
				strings.Contains(m.HTML+m.Text, "%!") || strings.Contains(m.HTML+m.Text, "%s") {
				t.Errorf("%s in %s is written wrong:\n%s", kind, language, m.HTML)
			}
		}
	}
}

func TestOwe_twice_for_one_reason_is_one_mail(t *testing.T) {
	h := houseOf(t)
	user := h.in("en")
	h.owed(h.Owe(h.app, Taken, user, "2026-11-30"))
	if n := h.owed(h.Owe(h.app, Taken, user, "2026-11-30")); n != 1 {
		t.Errorf("%d mails are owed for one reason", n)
	}
	h.owed(h.Owe(h.app, Taken, user, "2026-12-01"))
	if n := h.owed(h.Owe(h.app, Taken, h.User(testkit.AcmeOwner), "2026-12-01")); n != 3 {
		t.Errorf("%d mails are owed, want one for each day and person", n)
	}
	// Who is told of what others did is told each time.
	h.owed(h.OweBy(h.app, FactorOff, user, Who{}))
	if n := h.owed(h.OweBy(h.app, FactorOff, user, Who{})); n != 5 {
		t.Errorf("%d mails are owed, want two more", n)
	}
	// A password ends once; the next one may end as well.
	h.owed(h.OweLost(h.app, PasswordEnded, user, Lost{}))
	if n := h.owed(h.OweLost(h.app, PasswordEnded, user, Lost{Keys: true})); n != 6 {
		t.Errorf("%d mails are owed, want one more", n)
	}
	user.SetPassword("another long one")
	h.Save(user)
	if n := h.owed(h.OweLost(h.app, PasswordEnded, user, Lost{})); n != 7 {
		t.Errorf("%d mails are owed, want one for each password", n)
	}
}

func TestOwe_holds_with_its_transaction_and_where_mail_can_be_sent(t *testing.T) {
	h := houseOf(t)
	user, undone := h.in("en"), errors.New("undone")
	if err := h.app.RunInTransaction(func(tx core.App) error {
		if err := h.Owe(tx, Taken, user, "x"); err != nil {
			return err
		}
		return undone
	}); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	if n := h.owed(nil); n != 0 {
		t.Errorf("%d mails are owed for what did not happen", n)
	}
	h.app.Settings().SMTP.Enabled = false
	h.owed(h.Owe(h.app, Taken, user, "x"))
	h.owed(h.OweBy(h.app, FactorOff, user, Who{}))
	h.owed(h.OweLost(h.app, PasswordEnded, user, Lost{}))
	if n := h.owed(h.OweFormer(h.app, user.Id, "before@acme.test")); n != 0 {
		t.Errorf("%d mails are owed without a mail server", n)
	}
}

func TestMail_has_nobody_to_go_to_when_the_account_went(t *testing.T) {
	h := houseOf(t)
	user := h.in("en")
	h.owed(h.Owe(h.app, Taken, user, "x"))
	h.owed(h.OweFormer(h.app, user.Id, "before@acme.test"))
	if err := h.app.Delete(user); err != nil {
		t.Fatal(err)
	}
	if all := h.sent(); len(all) != 0 {
		t.Errorf("sent %d mails of an account that is no more", len(all))
	}
	if h.Count(collections.Outbox, map[string]any{"kind": Taken, "status": collections.OutboxDone}) != 1 {
		t.Error("the mail is tried again")
	}
}

func TestMail_of_a_language_nobody_wrote_is_english(t *testing.T) {
	h := houseOf(t)
	if err := writeTo(h.app, "x@acme.test", "de", takenLetters, "https://desk.example.com/login",
		map[string]string{"en": "In English.", "fr": "En français."}); err != nil {
		t.Fatal(err)
	}
	if m := h.app.TestMailer.LastMessage(); m.Subject != "You have an account already" ||
		!strings.Contains(m.Text, "In English.") || strings.Contains(m.Text, "français") {
		t.Errorf("got %q\n%s", m.Subject, m.Text)
	}
}

func TestVerification_is_asked_of_who_has_not_proved_their_address(t *testing.T) {
	h := houseOf(t)
	user := h.in("fr")
	if !user.Verified() {
		t.Fatal("the fixture changed")
	}
	h.owed(h.Owe(h.app, Verify, user, "sign-up"))
	if all := h.sent(); len(all) != 0 {
		t.Errorf("sent %d mails to a proved address", len(all))
	}
	user.SetVerified(false)
	h.Save(user)
	h.owed(h.Owe(h.app, Verify, user, "again"))
	if m := h.one(testkit.AcmeAgent); !strings.Contains(m.Subject, "Confirmez votre adresse pour Desk & Co") ||
		!strings.Contains(m.Text, "https://desk.example.com"+VerifyPage+"#token=") {
		t.Errorf("got %q\n%s", m.Subject, m.Text)
	}
}

func TestPasswordEnded_brings_a_link_that_works_and_tells_what_ended_too(t *testing.T) {
	for _, c := range []struct {
		also     Lost
		language string
		says     []string
	}{
		{Lost{}, "en", nil},
		{Lost{Factor: true}, "en", []string{"second factor was taken off."}},
		{Lost{Keys: true}, "fr", []string{"Les clés d’API"}},
		{Lost{Factor: true, Keys: true}, "fr", []string{"Son second facteur", "Les clés d’API"}},
	} {
		h := houseOf(t)
		user := h.in(c.language)
		h.owed(h.OweLost(h.app, PasswordEnded, user, c.also))
		stored := h.promise().GetString("payload")
		m := h.one(testkit.AcmeAgent)
		found := regexp.MustCompile(`https://desk\.example\.com/reset#token=(\S+)`).FindStringSubmatch(m.Text)
		if found == nil {
			t.Fatalf("no link in %s", m.Text)
		}
		if who, err := h.app.FindAuthRecordByToken(found[1], core.TokenTypePasswordReset); err != nil || who.Id != user.Id {
			t.Errorf("the link is for %v, %v", who, err)
		}
		if strings.Contains(stored, found[1]) || strings.Contains(stored, "@") {
			t.Errorf("the promise holds the token or the address: %s", stored)
		}
		said := 0
		for _, one := range []string{"second factor", "Son second facteur", "API"} {
			said += strings.Count(m.Text, one)
		}
		for _, says := range c.says {
			if !strings.Contains(m.Text, says) || !strings.Contains(m.HTML, html.EscapeString(says)) {
				t.Errorf("%+v: %q is missing in %s", c.also, says, m.Text)
			}
		}
		if len(c.says) == 0 && said != 0 {
			t.Errorf("what did not end is told: %s", m.Text)
		}
	}
}

func TestFactorOff_tells_who_took_it_off(t *testing.T) {
	h := houseOf(t)
	h.Set(collections.Users, testkit.User(testkit.AcmeOwner), map[string]any{"name": "Olga <i>O.</i>"})
	who := func(by, organization string) Who { return Who{By: by, Organization: organization} }
	for _, c := range []struct {
		Who
		en, fr string
	}{
		{who("", ""), "Whoever runs the installation took it off.", "L’exploitant de l’installation l’a retiré."},
		{who(testkit.User(testkit.AcmeOwner), testkit.Acme), "Olga <i>O.</i> took it off for Acme Bakery.",
			"Olga <i>O.</i> l’a retiré pour Acme Bakery."},
		{who("gone00000000000", testkit.Acme), "It was taken off for Acme Bakery.", "Il a été retiré pour Acme Bakery."},
		{who(testkit.User(testkit.AcmeOwner), "gone00000000000"), "Whoever runs the installation took it off.",
			"L’exploitant de l’installation l’a retiré."},
	} {
		for language, want := range map[string]string{"en": c.en, "fr": c.fr} {
			h.owed(h.OweBy(h.app, FactorOff, h.in(language), c.Who))
			if m := h.one(testkit.AcmeAgent); !strings.Contains(m.Text, want) || strings.Contains(m.HTML, "<i>") {
				t.Errorf("%+v: %q is missing, or a name is markup:\n%s\n%s", c.Who, want, m.Text, m.HTML)
			}
		}
	}
	if got, err := nameOf(h.app, collections.Users, ""); err != nil || got != "" {
		t.Errorf("nobody is called %q, %v", got, err)
	}
}

func TestAddress_before_is_told_once_and_kept_sealed_until_then(t *testing.T) {
	h := houseOf(t)
	user := h.in("fr")
	if n := h.owed(h.OweFormer(h.app, user.Id, "")); n != 0 {
		t.Errorf("%d mails are owed to no address", n)
	}
	h.owed(h.OweFormer(h.app, user.Id, "before@acme.test"))
	if stored := h.promise().GetString("payload"); strings.Contains(stored, "before") ||
		!strings.Contains(stored, `"to"`) {
		t.Errorf("stored as %s", stored)
	}
	m := h.one("before@acme.test")
	if !strings.HasPrefix(m.Subject, "L’adresse de votre compte") || strings.Contains(m.Text, testkit.AcmeAgent) {
		t.Errorf("got %q, with the address the account has now:\n%s", m.Subject, m.Text)
	}
	if stored := h.promise().GetString("payload"); strings.Contains(stored, `"to"`) {
		t.Errorf("after the mail there is still %s", stored)
	}
}

// A sealed address is one account's: moved to another promise it opens nothing, and
// what is no promise at all is not tried for days.
func TestMail_that_can_never_be_sent_is_given_up(t *testing.T) {
	h := houseOf(t)
	h.owed(h.OweFormer(h.app, h.in("en").Id, "before@acme.test"))
	for name, change := range map[string]func(payload string) string{
		"of another account": func(payload string) string {
			return strings.ReplaceAll(payload, testkit.User(testkit.AcmeAgent), testkit.User(testkit.AcmeOwner))
		},
		"no payload": func(string) string { return `"x"` },
	} {
		promise := h.promise()
		stored := promise.GetString("payload")
		promise.Load(map[string]any{"payload": change(stored), "status": collections.OutboxPending})
		h.Save(promise)
		if all := h.sent(); len(all) != 0 {
			t.Errorf("%s: sent to %v", name, all[0].To)
		}
		if got := h.promise(); got.GetString("status") != collections.OutboxDead ||
			strings.Contains(got.GetString("error"), "before@") {
			t.Errorf("%s: %s, %s", name, got.GetString("status"), got.GetString("error"))
		}
		promise.Load(map[string]any{"payload": stored, "status": collections.OutboxPending})
		h.Save(promise)
	}
	h.one("before@acme.test")
}

func TestMail_waits_for_a_server_that_is_away(t *testing.T) {
	h := houseOf(t)
	away := true
	h.app.OnMailerSend().BindFunc(func(e *core.MailerEvent) error {
		if away {
			return errors.New("421 try again later")
		}
		return e.Next()
	})
	h.owed(h.OweFormer(h.app, h.in("en").Id, "before@acme.test"))
	if all := h.sent(); len(all) != 0 {
		t.Fatalf("sent %d mails", len(all))
	}
	promise := h.promise()
	if promise.GetString("status") != collections.OutboxPending || !strings.Contains(promise.GetString("error"), "421") ||
		!strings.Contains(promise.GetString("payload"), `"to"`) {
		t.Errorf("got %s, %s, %s", promise.GetString("status"), promise.GetString("error"), promise.GetString("payload"))
	}
	away = false
	promise.Set("next_at", promise.GetDateTime("created"))
	h.Save(promise)
	h.one("before@acme.test")
}
