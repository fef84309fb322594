package accountmail

import (
	"html"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// stocks are PocketBase's mails, and where their templates stand.
var stocks = map[string]struct {
	stockMail
	at func(c *core.Collection) *core.EmailTemplate
}{
	"reset":   {stockReset, func(c *core.Collection) *core.EmailTemplate { return &c.ResetPasswordTemplate }},
	"verify":  {stockVerify, func(c *core.Collection) *core.EmailTemplate { return &c.VerificationTemplate }},
	"address": {stockAddress, func(c *core.Collection) *core.EmailTemplate { return &c.ConfirmEmailChangeTemplate }},
	"code":    {stockCode, func(c *core.Collection) *core.EmailTemplate { return &c.OTP.EmailTemplate }},
}

func TestStock_mails_are_translated_until_the_operator_writes_them(t *testing.T) {
	for name, stock := range stocks {
		for what, c := range map[string]struct {
			change func(*core.EmailTemplate)
			want   bool
		}{
			"PocketBase's": {func(*core.EmailTemplate) {}, true},
			"with our link": {func(of *core.EmailTemplate) {
				of.Body = strings.ReplaceAll(of.Body, stock.panel+core.EmailPlaceholderToken,
					stock.page+"#token="+core.EmailPlaceholderToken)
			}, true},
			"another subject": {func(of *core.EmailTemplate) { of.Subject = "Ours" }, false},
			"another body":    {func(of *core.EmailTemplate) { of.Body += "<p>Yours, Acme</p>" }, false},
			"somebody else's link": {func(of *core.EmailTemplate) {
				of.Body = strings.ReplaceAll(of.Body, core.EmailPlaceholderAppURL, "https://elsewhere.example")
			}, name == "code"}, // which has none
		} {
			users := core.NewAuthCollection(collections.Users)
			c.change(stock.at(users))
			if got := stock.untouched(users); got != c.want {
				t.Errorf("%s, %s: untouched is %t, want %t", name, what, got, c.want)
			}
		}
	}
}

// What a mail names was typed by people, and what it carries opens accounts.
func TestStock_mails_show_names_as_text_and_carry_what_they_are_for(t *testing.T) {
	app := testkit.New(t)
	app.Settings().Meta.AppName, app.Settings().Meta.AppURL = "Pain & <b>Co</b>", "https://desk.example.com/"
	user, err := app.FindRecordById(collections.Users, testkit.User(testkit.AcmeAgent))
	if err != nil {
		t.Fatal(err)
	}
	user.Set("language", "fr")
	for name, stock := range stocks {
		e := &core.MailerRecordEvent{}
		e.App, e.Record, e.Message = app, user, &mailer.Message{Subject: "English", HTML: "English", Text: "English"}
		e.Meta = map[string]any{"token": "a.b&c", "password": "12345678"}
		if err := stock.translate(e); err != nil {
			t.Fatal(err)
		}
		carried := "https://desk.example.com" + stock.page + "#token=a.b&c"
		if stock.page == "" {
			carried = "12345678"
		}
		m := e.Message
		if !strings.Contains(m.Subject, "Pain & <b>Co</b>") || !strings.Contains(m.Text, carried) ||
			!strings.Contains(m.HTML, html.EscapeString(carried)) {
			t.Errorf("%s: got %+v", name, m)
		}
		if strings.Contains(m.HTML, "<b>") || strings.Contains(m.HTML+m.Text+m.Subject, "English") {
			t.Errorf("%s: the name is markup, or English is left: %s", name, m.HTML)
		}
		user.Set("language", "en")
		e.Message = &mailer.Message{Subject: "English"}
		if err := stock.translate(e); err != nil || e.Message.Subject != "English" {
			t.Errorf("%s: an English reader gets %q, %v", name, e.Message.Subject, err)
		}
		user.Set("language", "fr")
	}
}
