package orgs

import (
	"net/http"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/mails"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
)

const noMail = "This installation sends no mail; hand the link over yourself. It is good for half an hour."

func (d *domain) links() {
	d.handle("POST", "/api/organizations/{organization}/members/{id}/reset-link", facade.SignedIn,
		"Helps a member (id of the membership) who forgot the password: by mail, or, where no mail can be sent, by a link to hand over. A link is only made for somebody who belongs to no other organization.",
		"", `{"email_sent": true} or {"email_sent": false, "reset_link": …, "reason": …}`,
		"403 the member's role is not below the caller's · 409 the member belongs to other organizations too", d.resetLink)
	d.handle("POST", "/api/auth/check-reset", facade.Guest,
		"Whether a link for a new password still works, so that nobody chooses one in vain.", `{"token"}`, `{"valid": bool}`, "", checkReset)
	d.app.OnRecordConfirmPasswordResetRequest(collections.Users).BindFunc(stillHelps)
}

// mayHelp tells whether somebody of a role may help a member of another one to
// a new password.
func mayHelp(role string, self bool, member string) bool {
	return role == collections.Owner || role == collections.Admin && (self || !holdsAll(member))
}

func (d *domain) resetLink(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	m, err := database.Found(e.App.FindFirstRecordByFilter(collections.Memberships,
		"id = {:id} && organization = {:o} && user.is_service = false", dbx.Params{"id": e.Request.PathValue("id"), "o": t.ID()}))
	if err != nil {
		return err
	}
	if m == nil {
		return facade.Error(http.StatusNotFound, "There is no such member")
	}
	user, err := database.Found(e.App.FindRecordById(collections.Users, m.GetString("user")))
	if err != nil {
		return err
	}
	if user == nil {
		return facade.Error(http.StatusNotFound, "There is no such member")
	}
	if !t.Superuser && !mayHelp(t.Role(), user.Id == t.UserID(), m.GetString("role")) {
		return facade.Error(http.StatusForbidden, "Only an owner may do this for owners and admins")
	}
	actor := audit.ActorOf(e)
	entry := audit.Entry{Organization: t.ID(), Actor: actor, Action: "auth.reset_link", Resource: collections.Users, Record: user.Id}
	if e.App.Settings().SMTP.Enabled {
		if err := mails.SendRecordPasswordReset(e.App, user); err != nil {
			return facade.Error(http.StatusBadGateway, "The mail could not be sent", err.Error())
		}
		if err := audit.Add(e.App, entry); err != nil {
			return err
		}
		return e.JSON(http.StatusOK, map[string]any{"email_sent": true})
	}
	// Whoever holds the link becomes this person, everywhere: no organization
	// may hold that over somebody who belongs to another one (security.md S8).
	others, err := countIn(reads(e.App), "SELECT count(*) FROM memberships WHERE user = ? AND organization != ?", user.Id, t.ID())
	if err != nil {
		return err
	}
	if others > 0 {
		return facade.Error(http.StatusConflict, "This person belongs to other organizations too; only the operator can make the link: pocketline security link")
	}
	token, err := handedOver(user, t.UserID(), t.ID())
	if err != nil {
		return err
	}
	entry.Details = map[string]any{"shown": true}
	if err := audit.Add(e.App, entry); err != nil {
		return err
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, map[string]any{"email_sent": false, "reset_link": identity.Link(d.PublicURL, identity.ResetPage, token), "reason": noMail})
}

// Claims of a link that was handed over: who made it, and for whom they act.
const (
	claimBy = "by"
	claimIn = "organization"
)

// handedOver is a token for a new password that is good while whoever made it
// may help the person. Unlike the one PocketBase mails it names no address: it
// did not pass through a mailbox and proves none.
func handedOver(user *core.Record, by, organization string) (string, error) {
	c := user.Collection()
	return security.NewJWT(jwt.MapClaims{
		core.TokenClaimType: core.TokenTypePasswordReset, core.TokenClaimId: user.Id, core.TokenClaimCollectionId: c.Id,
		claimBy: by, claimIn: organization,
	}, user.TokenKey()+c.PasswordResetToken.Secret, c.PasswordResetToken.DurationTime())
}

// checkReset is POST /api/auth/check-reset.
func checkReset(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	token, _ := body["token"].(string)
	user, err := e.App.FindAuthRecordByToken(token, core.TokenTypePasswordReset)
	valid := err == nil && user.Collection().Name == collections.Users
	if valid {
		if valid, err = worth(e.App, user, token); err != nil {
			return err
		}
	}
	return e.JSON(http.StatusOK, map[string]any{"valid": valid})
}

// stillHelps refuses a link that was handed over by somebody who could not make
// it any more (security.md S66). PocketBase has checked the token.
func stillHelps(e *core.RecordConfirmPasswordResetRequestEvent) error {
	info, err := e.RequestInfo()
	if err != nil {
		return err
	}
	token, _ := info.Body["token"].(string)
	good, err := worth(e.App, e.Record, token)
	if err != nil {
		return err
	}
	if !good {
		return e.BadRequestError("Whoever made this link may not help you any more. Ask for a new one.", nil)
	}
	return e.Next()
}

// worth tells whether whoever handed a checked token over may still help its
// person.
func worth(app core.App, user *core.Record, token string) (bool, error) {
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return false, err
	}
	by, _ := claims[claimBy].(string)
	if by == "" {
		return true, nil // by mail, or by the operator
	}
	organization, _ := claims[claimIn].(string)
	giver, err := activeMember(app, by, organization)
	if err != nil {
		return false, err
	}
	member, err := membershipIn(app, user.Id, organization)
	if err != nil {
		return false, err
	}
	return giver != nil && member != nil && mayHelp(giver.GetString("role"), by == user.Id, member.GetString("role")), nil
}
