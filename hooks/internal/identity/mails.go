package identity

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
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Mails about an account are promises of the outbox, made with the change they tell
// of. Their links are made when they are sent, so no token is stored.
const (
	// MailVerify asks a new account to prove its address.
	MailVerify = "mail.verify"
	// MailTaken tells an owner that somebody signed up again with the address.
	MailTaken = "mail.taken"
	// MailFactorOff tells that somebody else took the second factor off.
	MailFactorOff = "mail.factor_off"
	// MailResetLink and MailVerifyLink tell of a link that was made at the console.
	MailResetLink  = "mail.reset_link"
	MailVerifyLink = "mail.verify_link"
	// mailChange asks a new address whether it is the account's.
	mailChange = "mail.change"
	// mailEnded brings the link for a new password in the place of an ended one.
	mailEnded = "mail.password_ended"
	// mailFactor tells that a second factor was set up.
	mailFactor = "mail.two_factor_on"
	// mailPassword tells that the password changed.
	mailPassword = "mail.password_changed"
	// mailAddress tells the former address that it is one no more.
	mailAddress = "mail.address_changed"
)

// owedMail is the payload: no address and no token stands in it in clear.
type owedMail struct {
	User string `json:"user"`
	// To is the sealed address the mail goes to; empty is the account's.
	To string `json:"to,omitempty"`
	Who
	lost
}

// Who is somebody who did something to an account, for an organization; empty is
// whoever runs the installation.
type Who struct {
	By           string `json:"by,omitempty"`
	Organization string `json:"organization,omitempty"`
}

// lost is what ended with a password.
type lost struct {
	Factor bool `json:"factor,omitempty"`
	Keys   bool `json:"keys,omitempty"`
}

// Owe promises a mail to the account, in the transaction tx is. Twice for the same
// reason is once. Where no mail can be sent nothing is owed.
func (i *Identity) Owe(tx core.App, kind string, user *core.Record, reason string) error {
	return i.owe(tx, kind, reason, owedMail{User: user.Id})
}

// OweBy is Owe for what somebody else did to the account.
func (i *Identity) OweBy(tx core.App, kind string, user *core.Record, by Who) error {
	return i.owe(tx, kind, core.GenerateDefaultRandomId(), owedMail{User: user.Id, Who: by})
}

// OweFormer promises a mail to an address that was the account's until now.
func (i *Identity) OweFormer(tx core.App, user, address string) error {
	if address == "" {
		return nil
	}
	to, err := i.Sealed.Seal(address, sealed.Place(collections.Users, user, mailAddress))
	if err != nil {
		return err
	}
	return i.owe(tx, mailAddress, core.GenerateDefaultRandomId(), owedMail{User: user, To: to})
}

func (i *Identity) owe(tx core.App, kind, reason string, owed owedMail) error {
	if !tx.Settings().SMTP.Enabled {
		return nil
	}
	return i.Outbox.Add(atomic.Of(tx), outbox.Row{Kind: kind, Key: kind + ":" + owed.User + ":" + reason, Payload: owed})
}

func (i *Identity) bindMails() {
	i.Outbox.Handle(mailChange, i.sendChange)
	for kind, send := range map[string]func(app core.App, user *core.Record, owed owedMail) error{
		MailVerify: sendVerification, MailTaken: sendTaken, MailFactorOff: sendFactorOff, MailResetLink: sendLink(resetLinkLetters),
		MailVerifyLink: sendLink(verifyLinkLetters), mailEnded: sendEnded, mailPassword: sendPassword, mailAddress: i.sendAddress,
		mailFactor: sendFactor,
	} {
		i.Outbox.Handle(kind, func(_ context.Context, r outbox.Row) error {
			var owed owedMail
			if err := r.Decode(&owed); err != nil {
				return outbox.Dead(err)
			}
			user, err := i.app.FindRecordById(collections.Users, owed.User)
			if errors.Is(err, sql.ErrNoRows) {
				return nil // nobody is there to read it
			}
			if err != nil {
				return err
			}
			if err := send(i.app, user, owed); err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			if owed.To == "" {
				return nil
			}
			if err := i.Outbox.Strip(atomic.Of(i.app), r.ID, "to"); err != nil {
				// The mail is out; the sealed address of a sent mail may stay.
				i.app.Logger().Warn("a former address stays in the outbox, sealed", "row", r.ID, "error", err)
			}
			return nil
		})
	}
	const told = "identity: who has the account is told by mail that its password or address changed"
	atomic.OnRecord(i.app, collections.Users, atomic.Updated, told, i.tellChange)
}

// passwordHash is what a record says of its password.
const passwordHash = core.FieldNamePassword + ":hash"

// tellChange owes the mails of a changed account, whoever changed it and how.
func (i *Identity) tellChange(tx core.App, before, after *core.Record) error {
	if after.GetBool("is_service") {
		return nil
	}
	if was := before.Email(); was != after.Email() {
		if err := i.OweFormer(tx, after.Id, was); err != nil {
			return err
		}
	}
	if before.GetString(passwordHash) == after.GetString(passwordHash) || after.GetBool(handedOver) {
		return nil // mailEnded tells of the other
	}
	owed := owedMail{User: after.Id}
	if ChangedHands(before, after) {
		var err error
		if owed.lost, err = loses(tx, before); err != nil {
			return err
		}
	}
	return i.owe(tx, mailPassword, hash(after.TokenKey())[:16], owed)
}

// owedChange is its payload.
type owedChange struct {
	User string `json:"user"`
	To   string `json:"to"` // the sealed address
}

// oweChange promises the mail to the new address in place of sending it: the mail
// server may take its time, or be away. Without one PocketBase says what is wrong.
func (i *Identity) oweChange(e *core.RecordRequestEmailChangeRequestEvent) error {
	if !e.App.Settings().SMTP.Enabled || e.Collection.Name != collections.Users {
		return e.Next()
	}
	to, err := i.Sealed.Seal(e.NewEmail, sealed.Place(collections.Users, e.Record.Id, mailChange))
	if err != nil {
		return err
	}
	key := mailChange + ":" + e.Record.Id + ":" + core.GenerateDefaultRandomId()
	if err := i.Outbox.Add(atomic.Of(e.App), outbox.Row{Kind: mailChange, Key: key, Payload: owedChange{e.Record.Id, to}}); err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}

func (i *Identity) sendChange(_ context.Context, r outbox.Row) error {
	var owed owedChange
	if err := r.Decode(&owed); err != nil {
		return outbox.Dead(err)
	}
	user, err := i.app.FindRecordById(collections.Users, owed.User)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	to, err := i.Sealed.Open(owed.To, sealed.Place(collections.Users, user.Id, mailChange))
	if err != nil {
		return outbox.Dead(err)
	}
	if err := mails.SendRecordChangeEmail(i.app, user, to); err != nil {
		return fmt.Errorf("%s: %w", mailChange, err)
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
	return write(app, user, endedLetters, Link(base(app), ResetPage, token), owed.lost.words()...)
}

func sendPassword(app core.App, user *core.Record, owed owedMail) error {
	return write(app, user, passwordLetters, base(app)+"/login", owed.lost.words()...)
}

func (i *Identity) sendAddress(app core.App, user *core.Record, owed owedMail) error {
	to, err := i.Sealed.Open(owed.To, sealed.Place(collections.Users, user.Id, mailAddress))
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

func writeTo(app core.App, to, language string, letters map[string]letter, link string, more ...map[string]string) error {
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
		HTML: "<p>" + html.EscapeString(what) + "</p>\n<p><a href=\"" + html.EscapeString(link) + "\">" + html.EscapeString(l.button) +
			"</a></p>\n<p>" + html.EscapeString(l.why) + "</p>\n",
		Text: what + "\n\n" + link + "\n\n" + l.why + "\n",
	})
}
