package identity

import (
	"fmt"
	"html"
	"net/mail"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/mailer"
	"github.com/pocketbase/pocketbase/tools/routine"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
)

// An account may have been made by somebody else with this person's address.
// Whoever proves the address later owns the account; the password from before
// ends, so that who made it is out, and the owner is told: in the answer, by
// mail with a link to choose a new one, and in the audit log.

// passwordEnded is the key in an answer's meta that says so, and the request's
// own mark.
const passwordEnded = "password_ended"

func ended(e *core.RequestEvent) bool { return e.Get(passwordEnded) == true }

// withEnded adds to what else an answer says.
func withEnded(meta any) any {
	said, ok := meta.(map[string]any)
	if !ok {
		said = map[string]any{}
	}
	said[passwordEnded] = true
	return said
}

// proveByCode lets a code by mail prove the address it was sent to.
func (i *Identity) proveByCode(e *core.RecordAuthWithOTPRequestEvent) error {
	user := e.Record
	if user.Verified() || e.OTP.SentTo() == "" || Address(e.OTP.SentTo()) != Address(user.Email()) {
		return e.Next()
	}
	err := e.App.RunInTransaction(func(tx core.App) error {
		user.SetVerified(true)
		user.SetRandomPassword()
		if err := tx.Save(user); err != nil {
			return err
		}
		return audit.Add(tx, entryOf(e.RequestEvent, user, "auth.password_ended", map[string]any{"method": collections.AuthCode}))
	})
	if err != nil {
		return e.InternalServerError("", err)
	}
	e.Set(passwordEnded, true)
	i.tellEnded(e.App, user)
	return e.Next()
}

// endedWords are the mail's sentences: subject, what happened, the button, why.
var endedWords = map[string][4]string{
	"en": {
		"Choose a new password",
		"You signed in to %s and proved that this address is yours. The password the account had before that no longer works.",
		"Choose a new password",
		"Somebody who knew your address could have set it. The link works for half an hour; “Forgot password” on the sign-in page sends another.",
	},
	"fr": {
		"Choisissez un nouveau mot de passe",
		"Vous vous êtes connecté à %s et avez prouvé que cette adresse est la vôtre. Le mot de passe que le compte avait avant ne fonctionne plus.",
		"Choisir un nouveau mot de passe",
		"Quelqu’un qui connaissait votre adresse a pu le choisir. Le lien est valable une demi-heure ; « Mot de passe oublié » sur la page de connexion en envoie un autre.",
	},
}

// tellEnded mails the owner, in the background: the sign-in is done.
func (i *Identity) tellEnded(app core.App, user *core.Record) {
	settings := app.Settings()
	if !settings.SMTP.Enabled {
		return
	}
	token, err := user.NewPasswordResetToken()
	if err != nil {
		app.Logger().Error("mail about an ended password not made", "user", user.Id, "error", err)
		return
	}
	w, ok := endedWords[user.GetString("language")]
	if !ok {
		w = endedWords[collections.Languages[0]]
	}
	link := Link(strings.TrimRight(settings.Meta.AppURL, "/"), ResetPage, token)
	what := fmt.Sprintf(w[1], settings.Meta.AppName)
	message := &mailer.Message{
		From: mail.Address{Name: settings.Meta.SenderName, Address: settings.Meta.SenderAddress}, To: []mail.Address{{Address: user.Email()}},
		Subject: w[0],
		HTML: "<p>" + html.EscapeString(what) + "</p>\n<p><a href=\"" + html.EscapeString(link) + "\">" + html.EscapeString(w[2]) +
			"</a></p>\n<p>" + html.EscapeString(w[3]) + "</p>\n",
		Text: what + "\n\n" + link + "\n\n" + w[3] + "\n",
	}
	routine.FireAndForget(func() {
		if err := app.NewMailClient().Send(message); err != nil {
			app.Logger().Error("mail about an ended password not sent", "user", user.Id, "error", err)
		}
	})
}
