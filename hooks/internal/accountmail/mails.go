// Package accountmail owes people the mails about their accounts and sends them: links,
// and what changed. It also puts PocketBase's own mails into their language.
package accountmail

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/mail"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/mails"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/mailing"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Mails about an account are promises of the outbox, made with the change they tell
// of. Their links are made when they are sent, so no token is stored.
const (
	// Verify asks a new account to prove its address.
	Verify = "mail.verify"
	// Taken tells an owner that somebody signed up again with the address.
	Taken = "mail.taken"
	// FactorOff tells that somebody else took the second factor off.
	FactorOff = "mail.factor_off"
	// ResetLink and VerifyLink tell of a link that was made at the console.
	ResetLink  = "mail.reset_link"
	VerifyLink = "mail.verify_link"
	// PasswordEnded brings the link for a new password in the place of an ended one.
	PasswordEnded = "mail.password_ended"
	// FactorOn tells that a second factor was set up.
	FactorOn = "mail.two_factor_on"
	// PasswordChanged tells that the password changed.
	PasswordChanged = "mail.password_changed"
	// addressChanged tells the former address that it is one no more.
	addressChanged = "mail.address_changed"
	// change asks a new address whether it is the account's.
	change = "mail.change"
)

// Deps are what the package needs.
type Deps struct {
	// Sealed keeps addresses that wait in the outbox.
	Sealed *sealed.Box
	// Outbox sends the mails.
	Outbox *outbox.Outbox
}

// Mails are the mails about accounts. Make one with Register.
type Mails struct {
	Deps
	app core.App
}

// Register binds the sending of the mails, and their languages.
func Register(app core.App, d Deps) *Mails {
	m := &Mails{d, app}
	for kind, send := range map[string]func(app core.App, user *core.Record, owed owedMail) error{
		Verify: sendVerification, Taken: sendTaken, FactorOff: sendFactorOff, ResetLink: sendLink(resetLinkLetters),
		VerifyLink: sendLink(verifyLinkLetters), PasswordEnded: sendEnded, PasswordChanged: sendPassword,
		addressChanged: m.sendAddress, FactorOn: sendFactor,
	} {
		m.Outbox.Handle(kind, mailing.Kind.Seals(address), m.sender(kind, send))
	}
	m.Outbox.Handle(change, mailing.Kind.Seals(address), m.sendChange)
	app.OnRecordRequestEmailChangeRequest().BindFunc(m.oweChange)
	app.OnMailerRecordPasswordResetSend(collections.Users).BindFunc(stockReset.translate)
	app.OnMailerRecordVerificationSend(collections.Users).BindFunc(stockVerify.translate)
	app.OnMailerRecordEmailChangeSend(collections.Users).BindFunc(stockAddress.translate)
	app.OnMailerRecordOTPSend(collections.Users).BindFunc(stockCode.translate)
	return m
}

// owedMail is the payload: no address and no token stands in it in clear.
type owedMail struct {
	User string `json:"user"`
	// To is the sealed address the mail goes to; empty is the account's.
	To string `json:"to,omitempty"`
	Who
	Lost
}

// Who is somebody who did something to an account, for an organization; empty is
// whoever runs the installation.
type Who struct {
	By           string `json:"by,omitempty"`
	Organization string `json:"organization,omitempty"`
}

// Lost is what ended with a password.
type Lost struct {
	Factor bool `json:"factor,omitempty"`
	Keys   bool `json:"keys,omitempty"`
}

// Owe promises a mail to the account, in the transaction tx is. Twice for the same
// reason is once. Where no mail can be sent nothing is owed.
func (m *Mails) Owe(tx core.App, kind string, user *core.Record, reason string) error {
	return m.owe(tx, kind, reason, owedMail{User: user.Id})
}

// OweBy is Owe for what somebody else did to the account.
func (m *Mails) OweBy(tx core.App, kind string, user *core.Record, by Who) error {
	return m.owe(tx, kind, core.GenerateDefaultRandomId(), owedMail{User: user.Id, Who: by})
}

// OweLost promises a mail about the end of the account's password before this one, with
// what ended beside it.
func (m *Mails) OweLost(tx core.App, kind string, user *core.Record, also Lost) error {
	// Each password comes with another token key.
	return m.owe(tx, kind, rows.Hash(user.TokenKey())[:16], owedMail{User: user.Id, Lost: also})
}

// OweFormer promises a mail to an address that was the account's until now.
func (m *Mails) OweFormer(tx core.App, user, address string) error {
	if address == "" {
		return nil
	}
	to, err := m.Sealed.Seal(address, sealed.Place(collections.Users, user, addressChanged))
	if err != nil {
		return err
	}
	return m.owe(tx, addressChanged, core.GenerateDefaultRandomId(), owedMail{User: user, To: to})
}

func (m *Mails) owe(tx core.App, kind, reason string, owed owedMail) error {
	if !tx.Settings().SMTP.Enabled {
		return nil
	}
	return m.Outbox.Add(atomic.Of(tx), outbox.Row{Kind: kind, Key: kind + ":" + owed.User + ":" + reason, Payload: owed})
}

// sender sends the owed mails of a kind.
func (m *Mails) sender(kind string, send func(app core.App, user *core.Record, owed owedMail) error) outbox.Handler {
	return func(_ context.Context, r outbox.Row) error {
		var owed owedMail
		if err := r.Decode(&owed); err != nil {
			return outbox.Dead(err)
		}
		user, err := m.app.FindRecordById(collections.Users, owed.User)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // nobody is there to read it
		}
		if err != nil {
			return err
		}
		if err := send(m.app, user, owed); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if owed.To == "" {
			return nil
		}
		if err := m.Outbox.Strip(atomic.Of(m.app), r.ID, "to"); err != nil {
			// The mail is out; the sealed address of a sent mail may stay.
			m.app.Logger().Warn("a former address stays in the outbox, sealed", "row", r.ID, "error", err)
		}
		return nil
	}
}

// address is where the sealed address of a mail stands, if it goes to another than the
// account's.
var address = outbox.Sealed{Field: "to", Collection: collections.Users, Row: "user"}

// owedChange is its payload.
type owedChange struct {
	User string `json:"user"`
	To   string `json:"to"` // the sealed address
}

// oweChange promises the mail to the new address in place of sending it: the mail
// server may take its time, or be away. Without one PocketBase says what is wrong.
func (m *Mails) oweChange(e *core.RecordRequestEmailChangeRequestEvent) error {
	if !e.App.Settings().SMTP.Enabled || e.Collection.Name != collections.Users {
		return e.Next()
	}
	to, err := m.Sealed.Seal(e.NewEmail, sealed.Place(collections.Users, e.Record.Id, change))
	if err != nil {
		return err
	}
	key := change + ":" + e.Record.Id + ":" + core.GenerateDefaultRandomId()
	if err := m.Outbox.Add(atomic.Of(e.App),
		outbox.Row{Kind: change, Key: key, Payload: owedChange{e.Record.Id, to}}); err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}

func (m *Mails) sendChange(_ context.Context, r outbox.Row) error {
	var owed owedChange
	if err := r.Decode(&owed); err != nil {
		return outbox.Dead(err)
	}
	user, err := m.app.FindRecordById(collections.Users, owed.User)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	to, err := m.Sealed.Open(owed.To, sealed.Place(collections.Users, user.Id, change))
	if err != nil {
		return outbox.Dead(err)
	}
	if err := mails.SendRecordChangeEmail(m.app, user, to); err != nil {
		return fmt.Errorf("%s: %w", change, err)
	}
	return nil
}

func sendVerification(app core.App, user *core.Record, _ owedMail) error {
	if user.Verified() {
		return nil
	}
	return mails.SendRecordVerification(app, user)
}

func sendTaken(app core.App, user *core.Record, _ owedMail) error {
	return write(app, user, takenLetters, base(app)+"/login")
}

func sendEnded(app core.App, user *core.Record, owed owedMail) error {
	token, err := user.NewPasswordResetToken()
	if err != nil {
		return err
	}
	return write(app, user, endedLetters, Link(base(app), ResetPage, token), owed.Lost.words()...)
}

func sendPassword(app core.App, user *core.Record, owed owedMail) error {
	return write(app, user, passwordLetters, base(app)+"/login", owed.Lost.words()...)
}

func (m *Mails) sendAddress(app core.App, user *core.Record, owed owedMail) error {
	to, err := m.Sealed.Open(owed.To, sealed.Place(collections.Users, user.Id, addressChanged))
	if err != nil {
		return outbox.Dead(err)
	}
	return writeTo(app, to, user.GetString("language"), addressLetters, base(app)+"/login")
}

func sendFactorOff(app core.App, user *core.Record, owed owedMail) error {
	by, err := nameOf(app, collections.Users, owed.By)
	if err != nil {
		return err
	}
	organization, err := nameOf(app, collections.Organizations, owed.Organization)
	if err != nil {
		return err
	}
	return write(app, user, factorOffLetters, base(app)+"/login", tookOff(by, organization))
}

// nameOf is a row's name on one line, "" without one.
func nameOf(app core.App, collection, id string) (string, error) {
	row, err := app.FindRecordById(collection, id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return strings.Join(strings.Fields(row.GetString("name")), " "), nil
}

func sendLink(letters map[string]letter) func(app core.App, user *core.Record, _ owedMail) error {
	return func(app core.App, user *core.Record, _ owedMail) error {
		return write(app, user, letters, base(app)+"/login")
	}
}

func sendFactor(app core.App, user *core.Record, _ owedMail) error {
	return write(app, user, factorLetters, base(app)+"/me/security")
}

// base is our own address, never one of a request's.
func base(app core.App) string { return strings.TrimRight(app.Settings().Meta.AppURL, "/") }

// write sends a letter to a person in their language. more are sentences that follow
// what happened.
func write(app core.App, user *core.Record, letters map[string]letter, link string, more ...map[string]string) error {
	return writeTo(app, user.Email(), user.GetString("language"), letters, link, more...)
}

func writeTo(app core.App, to, language string, letters map[string]letter, link string,
	more ...map[string]string) error {
	if _, ok := letters[language]; !ok {
		language = collections.Languages[0]
	}
	l, meta := letters[language], app.Settings().Meta
	what := fmt.Sprintf(l.what, meta.AppName)
	for _, sentence := range more {
		what += " " + cmp.Or(sentence[language], sentence[collections.Languages[0]])
	}
	return app.NewMailClient().Send(&mailer.Message{
		From: mail.Address{Name: meta.SenderName, Address: meta.SenderAddress}, To: []mail.Address{{Address: to}},
		Subject: l.subject,
		HTML: "<p>" + html.EscapeString(what) + "</p>\n<p><a href=\"" + html.EscapeString(link) + "\">" +
			html.EscapeString(l.button) +
			"</a></p>\n<p>" + html.EscapeString(l.why) + "</p>\n",
		Text: what + "\n\n" + link + "\n\n" + l.why + "\n",
	})
}
