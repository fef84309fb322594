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
	"github.com/pocketline/pocketline/hooks/internal/tenant"
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
	d.handle("POST", "/api/organizations/{organization}/members/{id}/reset-factor", facade.SignedIn,
		"Takes the second factor of a member (id of the membership) off, who lost the phone and the codes; the member is told by mail.",
		"", "204", "403 the member's role is not below the caller's, or it is the caller · 404 · "+
			"409 the member has none, belongs to other organizations too, or runs the installation: only the console can do it then", d.resetFactor)
}

// mayHelp tells whether somebody of a role may help a member of another one to
// a new password.
func mayHelp(role string, self bool, member string) bool {
	return role == collections.Owner || role == collections.Admin && (self || !holdsAll(member))
}

// helped is the member a request is to help, with their account.
func helped(e *core.RequestEvent, t *tenant.Tenant) (user *core.Record, err error) {
	m, err := database.Found(e.App.FindFirstRecordByFilter(collections.Memberships,
		"id = {:id} && organization = {:o} && user.is_service = false", dbx.Params{"id": e.Request.PathValue("id"), "o": t.ID()}))
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, facade.Error(http.StatusNotFound, "There is no such member")
	}
	user, err = database.Found(e.App.FindRecordById(collections.Users, m.GetString("user")))
	if err != nil {
		return nil, err
	}
	if user == nil {
		return nil, facade.Error(http.StatusNotFound, "There is no such member")
	}
	if !t.Superuser && !mayHelp(t.Role(), user.Id == t.UserID(), m.GetString("role")) {
		return nil, facade.Error(http.StatusForbidden, "Only an owner may do this for owners and admins")
	}
	return user, nil
}

// elsewhere tells whether a member belongs to other organizations too: this one may
// decide nothing about the account for them (security.md S8).
func elsewhere(app core.App, user, organization string) (bool, error) {
	others, err := countIn(reads(app), "SELECT count(*) FROM memberships WHERE user = ? AND organization != ?", user, organization)
	return others > 0, err
}

// runsInstallation tells whether the account may change the installation's own
// settings (hooks/system).
func runsInstallation(user *core.Record) bool {
	var metadata struct {
		Operator bool `json:"operator"`
	}
	return user.UnmarshalJSONField("metadata", &metadata) == nil && metadata.Operator
}

// resetFactor is POST /api/organizations/{organization}/members/{id}/reset-factor.
func (d *domain) resetFactor(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	user, err := helped(e, t)
	if err != nil {
		return err
	}
	if user.Id == t.UserID() {
		return facade.Error(http.StatusForbidden, "Your own second factor is turned off in your account")
	}
	if !user.GetBool("two_factor") {
		return facade.Error(http.StatusConflict, "This person has set up no second factor")
	}
	if !t.Superuser {
		others, err := elsewhere(e.App, user.Id, t.ID())
		if err != nil {
			return err
		}
		if others || runsInstallation(user) {
			return facade.Error(http.StatusConflict, "This person belongs to other organizations too, or runs the installation; "+
				"only the operator can do it: pocketline security factor-off")
		}
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		if err := d.identity.TakeFactorOff(tx, user, identity.Who{By: t.UserID(), Organization: t.ID()}); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Organization: t.ID(), Actor: audit.ActorOf(e), Action: "auth.two_factor_off", Resource: collections.Users, Record: user.Id,
		})
	})
	if err != nil {
		return err
	}
	d.Outbox.Nudge()
	return e.NoContent(http.StatusNoContent)
}

func (d *domain) resetLink(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	user, err := helped(e, t)
	if err != nil {
		return err
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
	others, err := elsewhere(e.App, user.Id, t.ID())
	if err != nil {
		return err
	}
	if others {
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
