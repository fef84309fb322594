package orgs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"html"
	netmail "net/mail"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/mailer"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/mailing"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

const (
	// mailInvite is the outbox kind of invitations' mails.
	mailInvite = "mail.invite"
	// mailError is the key in an invitation's metadata under which it stands why
	// the mail did not go out.
	mailError = "mail_error"
)

// inviteMail is a promise to mail a link. The token is sealed, and taken out
// of the row when the mail is sent: only its hash stays.
type inviteMail struct {
	Invitation string `json:"invitation"`
	Token      string `json:"token,omitempty"`
}

// sealedToken is where it stands.
var sealedToken = outbox.Sealed{Field: "token", Collection: collections.Invitations, Row: "invitation"}

func (d *domain) oweMail(tx core.App, i *core.Record, mailed token) error {
	text, err := d.Sealed.Seal(mailed.String(), sealed.Place(collections.Invitations, i.Id, mailInvite))
	if err != nil {
		return err
	}
	return d.Outbox.Add(atomic.Of(tx), outbox.Row{
		Organization: i.GetString("organization"), Kind: mailInvite,
		Key:     mailInvite + ":" + i.Id + ":" + i.GetString("token_hash")[:16],
		Payload: inviteMail{i.Id, text},
	})
}

// sendInvite delivers a mail. An invitation that was renewed, accepted or
// cancelled meanwhile needs none.
func (d *domain) sendInvite(_ context.Context, r outbox.Row) error {
	var owed inviteMail
	if err := r.Decode(&owed); err != nil {
		return outbox.Dead(err)
	}
	i, err := d.app.FindRecordById(collections.Invitations, owed.Invitation)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := d.Sealed.Open(owed.Token, sealed.Place(collections.Invitations, i.Id, mailInvite))
	if err != nil {
		return outbox.Dead(err)
	}
	t, ok := readToken(text)
	if !ok || i.GetString("status") != collections.InvitationPending || !sameDigest(t.secret, i.GetString("token_hash")) ||
		i.GetString("sent_at") != "" {
		return nil
	}
	message, err := d.inviteMessage(i, t)
	if err != nil {
		return err
	}
	if err := d.app.NewMailClient().Send(message); errors.Is(err, mailing.ErrEnding) {
		return err
	} else if err != nil {
		return errors.Join(fmt.Errorf("mail an invitation: %w", err), d.noteMail(i, sealed.Redact(err.Error())))
	}
	if err := d.Outbox.Strip(atomic.Of(d.app), r.ID, "token"); err != nil {
		// The mail is out; the sealed token of a sent mail may stay.
		d.app.Logger().Warn("a mailed token stays in the outbox, sealed", "row", r.ID, "error", err)
	}
	return d.noteMail(i, "")
}

// noteMail keeps when a mail went out, or why it did not, where the team can
// see it; what failed is tried again by itself. An invitation that was renewed
// while its mail was on the way is left alone.
func (d *domain) noteMail(mailed *core.Record, problem string) error {
	return d.app.RunInTransaction(func(tx core.App) error {
		i, err := tx.FindRecordById(collections.Invitations, mailed.Id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil || i.GetString("token_hash") != mailed.GetString("token_hash") {
			return err
		}
		kept := map[string]string{}
		if err := i.UnmarshalJSONField("metadata", &kept); err != nil {
			return err
		}
		delete(kept, mailError)
		if problem == "" {
			i.Set("sent_at", types.NowDateTime())
		} else {
			kept[mailError] = rows.Clip(problem, 300)
		}
		i.Set("metadata", kept)
		i.IgnoreUnchangedFields(true)
		return tx.SaveNoValidate(i)
	})
}

// inviteWords are the mail's sentences: subject, greeting, line, note, button, end.
var inviteWords = map[string][6]string{
	"en": {"%s invites you", "Hello%s,", "%s invites you to work for %s as %s.", "They wrote:", "See the invitation",
		"The link works for seven days and once. If you did not expect it, leave it alone: nothing happens without you."},
	"fr": {"%s vous invite", "Bonjour%s,", "%s vous invite à rejoindre %s avec le rôle « %s ».", "Son message :",
		"Voir l'invitation",
		"Le lien est valable sept jours et une seule fois. Si vous ne l'attendiez pas, ignorez-le : rien ne se passe sans vous."},
}

var roleWords = map[string]map[string]string{
	"en": {"owner": "owner", "admin": "administrator", "manager": "manager", "agent": "agent", "viewer": "viewer",
		"developer": "developer"},
	"fr": {"owner": "propriétaire", "admin": "administrateur", "manager": "responsable", "agent": "agent",
		"viewer": "lecteur", "developer": "développeur"},
}

func (d *domain) inviteMessage(i *core.Record, t token) (*mailer.Message, error) {
	organization, err := d.app.FindRecordById(collections.Organizations, i.GetString("organization"))
	if err != nil {
		return nil, err
	}
	language := organization.GetString("language")
	if user, err := identity.AccountOf(d.app, collections.Users, i.GetString("email")); err == nil && user != nil &&
		user.GetString("language") != "" {
		language = user.GetString("language")
	}
	words, ok := inviteWords[language]
	if !ok {
		language, words = "en", inviteWords["en"]
	}
	company := oneLine(organization.GetString("name"))
	inviter := company
	if by, err := d.app.FindRecordById(collections.Users, i.GetString("invited_by")); err == nil &&
		by.GetString("name") != "" {
		inviter = oneLine(by.GetString("name"))
	}
	name := ""
	if full := oneLine(i.GetString("full_name")); full != "" {
		name = " " + full
	}
	// Never the Host header of a request: a mail must lead here.
	settings := d.app.Settings()
	base := d.PublicURL
	if base == "" {
		base = strings.TrimRight(settings.Meta.AppURL, "/")
	}
	link := accountmail.Link(base, accountmail.AcceptInvitePage, t.String())
	lines := []string{fmt.Sprintf(words[1], name),
		fmt.Sprintf(words[2], inviter, company, roleWords[language][i.GetString("role")])}
	if note := strings.TrimSpace(i.GetString("message")); note != "" {
		lines = append(lines, words[3], note)
	}
	var body strings.Builder
	for _, line := range lines {
		body.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(line), "\n", "<br>") + "</p>\n")
	}
	body.WriteString(`<p><a href="` + html.EscapeString(link) + `">` + html.EscapeString(words[4]) + "</a></p>\n<p>" +
		html.EscapeString(words[5]) + "</p>\n")
	return &mailer.Message{
		From:    netmail.Address{Name: settings.Meta.SenderName, Address: settings.Meta.SenderAddress},
		To:      []netmail.Address{{Name: strings.TrimSpace(name), Address: i.GetString("email")}},
		Subject: fmt.Sprintf(words[0], company),
		HTML:    body.String(),
		Text:    strings.Join(lines, "\n\n") + "\n\n" + link + "\n\n" + words[5] + "\n",
	}, nil
}

// oneLine keeps names out of the headers' next line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
