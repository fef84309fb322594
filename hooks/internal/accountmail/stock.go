package accountmail

import (
	"fmt"
	"html"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// PocketBase's own mails are English templates. Whoever reads another language gets
// them in that, as long as the operator has not written another template.

// stockMail is one of these mails: its template as PocketBase has it, and where its
// link leads ("" for a code).
type stockMail struct {
	of          func(c *core.Collection) core.EmailTemplate
	panel, page string
	letters     map[string]letter
}

var (
	stockReset = stockMail{func(c *core.Collection) core.EmailTemplate { return c.ResetPasswordTemplate },
		"/_/#/auth/confirm-password-reset/", ResetPage, stockResetLetters}
	stockVerify = stockMail{func(c *core.Collection) core.EmailTemplate { return c.VerificationTemplate },
		"/_/#/auth/confirm-verification/", VerifyPage, stockVerifyLetters}
	stockAddress = stockMail{func(c *core.Collection) core.EmailTemplate { return c.ConfirmEmailChangeTemplate },
		"/_/#/auth/confirm-email-change/", ConfirmEmailPage, stockAddressLetters}
	stockCode = stockMail{func(c *core.Collection) core.EmailTemplate { return c.OTP.EmailTemplate }, "",
		"", stockCodeLetters}
)

// untouched tells whether the template is PocketBase's, with its link or with ours
// (hooks/system).
func (m stockMail) untouched(c *core.Collection) bool {
	const token = core.EmailPlaceholderToken
	is, stock := m.of(c), m.of(core.NewAuthCollection("stock"))
	ours := stock.Body
	if m.panel != "" {
		ours = strings.ReplaceAll(ours, m.panel+token, Link("", m.page, token))
	}
	return is.Subject == stock.Subject && (is.Body == stock.Body || is.Body == ours)
}

func (m stockMail) translate(e *core.MailerRecordEvent) error {
	l, ok := m.letters[e.Record.GetString("language")]
	if !ok || !m.untouched(e.Record.Collection()) {
		return e.Next()
	}
	name := e.App.Settings().Meta.AppName
	subject, what := fmt.Sprintf(l.subject, name), fmt.Sprintf(l.what, name)
	shown, plain := "", ""
	if m.page == "" {
		plain, _ = e.Meta["password"].(string)
		shown = "<strong>" + html.EscapeString(plain) + "</strong>"
	} else {
		token, _ := e.Meta["token"].(string)
		plain = Link(base(e.App), m.page, token)
		shown = `<a href="` + html.EscapeString(plain) + `">` + html.EscapeString(l.button) + "</a>"
	}
	e.Message.Subject = subject
	e.Message.HTML = "<p>" + html.EscapeString(what) + "</p>\n<p>" + shown + "</p>\n<p>" +
		html.EscapeString(l.why) + "</p>\n"
	e.Message.Text = what + "\n\n" + plain + "\n\n" + l.why + "\n"
	return e.Next()
}
