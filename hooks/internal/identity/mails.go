package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	"net/mail"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/mails"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
)

// Mails about an account are promises of the outbox, made with the change they tell
// of. Their links are made when they are sent, so no token is stored.
const (
	// MailVerify asks a new account to prove its address.
	MailVerify = "mail.verify"
	// MailTaken tells an owner that somebody signed up again with the address.
	MailTaken = "mail.taken"
	// mailEnded brings the link for a new password in the place of an ended one.
	mailEnded = "mail.password_ended"
	// mailFactor tells that a second factor was set up.
	mailFactor = "mail.two_factor_on"
)

// owedMail is the payload.
type owedMail struct {
	User string `json:"user"`
}

// Owe promises a mail to the account, in the transaction tx is. Twice for the same
// reason is once. Where no mail can be sent nothing is owed.
func (i *Identity) Owe(tx core.App, kind string, user *core.Record, reason string) error {
	if !tx.Settings().SMTP.Enabled {
		return nil
	}
	return i.Outbox.Add(atomic.Of(tx), outbox.Row{Kind: kind, Key: kind + ":" + user.Id + ":" + reason, Payload: owedMail{user.Id}})
}

func (i *Identity) bindMails() {
	for kind, send := range map[string]func(app core.App, user *core.Record) error{
		MailVerify: sendVerification, MailTaken: sendTaken, mailEnded: sendEnded, mailFactor: sendFactor,
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
			if err := send(i.app, user); err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			return nil
		})
	}
}

func sendVerification(app core.App, user *core.Record) error {
	if user.Verified() {
		return nil
	}
	return mails.SendRecordVerification(app, user)
}

// letter is a mail of ours: its sentences, in which %s is the product's name.
type letter struct{ subject, what, button, why string }

var takenLetters = map[string]letter{
	"en": {
		"You have an account already",
		"Somebody, perhaps you, tried to begin an account at %s with this address. You have one.",
		"Sign in",
		"“Forgot password” on the sign-in page sends a link for a new password.",
	},
	"fr": {
		"Vous avez déjà un compte",
		"Quelqu’un, peut-être vous, a voulu ouvrir un compte %s avec cette adresse. Vous en avez déjà un.",
		"Se connecter",
		"« Mot de passe oublié » sur la page de connexion envoie un lien pour en choisir un autre.",
	},
}

func sendTaken(app core.App, user *core.Record) error {
	return write(app, user, takenLetters, base(app)+"/login")
}

var endedLetters = map[string]letter{
	"en": {
		"Choose a new password",
		"You proved to %s that this address is yours. The password the account had before that no longer works.",
		"Choose a new password",
		"Somebody who knew your address could have set it. The link works for half an hour; “Forgot password” on the sign-in page sends another.",
	},
	"fr": {
		"Choisissez un nouveau mot de passe",
		"Vous avez prouvé à %s que cette adresse est la vôtre. Le mot de passe que le compte avait avant ne fonctionne plus.",
		"Choisir un nouveau mot de passe",
		"Quelqu’un qui connaissait votre adresse a pu le choisir. Le lien est valable une demi-heure ; " +
			"« Mot de passe oublié » sur la page de connexion en envoie un autre.",
	},
}

func sendEnded(app core.App, user *core.Record) error {
	token, err := user.NewPasswordResetToken()
	if err != nil {
		return err
	}
	return write(app, user, endedLetters, Link(base(app), ResetPage, token))
}

var factorLetters = map[string]letter{
	"en": {
		"Two-factor sign-in is on",
		"An authenticator app was set up for your account at %s. From now on signing in asks for its code.",
		"See the security of your account",
		"If that was not you, somebody knows your password: choose “Forgot password” on the sign-in page, " +
			"and ask an owner or the operator to take the second factor off.",
	},
	"fr": {
		"La connexion à deux facteurs est activée",
		"Une application d’authentification a été configurée pour votre compte %s. Désormais, la connexion demande son code.",
		"Voir la sécurité de votre compte",
		"Si ce n’était pas vous, quelqu’un connaît votre mot de passe : choisissez « Mot de passe oublié » sur la page de connexion " +
			"et demandez à un propriétaire ou à l’exploitant de retirer le second facteur.",
	},
}

func sendFactor(app core.App, user *core.Record) error {
	return write(app, user, factorLetters, base(app)+"/me/security")
}

// base is our own address, never one of a request's.
func base(app core.App) string { return strings.TrimRight(app.Settings().Meta.AppURL, "/") }

// write sends a letter in the person's language.
func write(app core.App, user *core.Record, letters map[string]letter, link string) error {
	l, ok := letters[user.GetString("language")]
	if !ok {
		l = letters[collections.Languages[0]]
	}
	meta := app.Settings().Meta
	what := fmt.Sprintf(l.what, meta.AppName)
	return app.NewMailClient().Send(&mailer.Message{
		From: mail.Address{Name: meta.SenderName, Address: meta.SenderAddress}, To: []mail.Address{{Address: user.Email()}},
		Subject: l.subject,
		HTML: "<p>" + html.EscapeString(what) + "</p>\n<p><a href=\"" + html.EscapeString(link) + "\">" + html.EscapeString(l.button) +
			"</a></p>\n<p>" + html.EscapeString(l.why) + "</p>\n",
		Text: what + "\n\n" + link + "\n\n" + l.why + "\n",
	})
}
