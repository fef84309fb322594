package accounts

import (
	"net/http"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/mails"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const noMail = "This installation sends no mail; hand the link over yourself. It is good for half an hour."

var resetLinkRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/members/{id}/reset-link", Auth: facade.SignedIn,
	System:  facade.Pocketline,
	Summary: "Helps a member (id of the membership) who forgot the password: by mail, or, where no mail can be sent, by a link to hand over. A link is only made for somebody who belongs to no other organization.",
	Answer:  `{"email_sent": true} or {"email_sent": false, "reset_link": …, "reason": …}`,
	Errors:  "403 the member's role is not below the caller's · 409 the member belongs to other organizations too",
}

var checkResetRoute = facade.Route{
	Method: "POST", Path: "/api/auth/check-reset", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "Whether a link for a new password still works, so that nobody chooses one in vain.",
	Body:    `{"token"}`,
	Answer:  `{"valid": bool}`,
}

var resetFactorRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/members/{id}/reset-factor", Auth: facade.SignedIn,
	System:  facade.Pocketline,
	Summary: "Takes the second factor of a member (id of the membership) off, who lost the phone and the codes; the member is told by mail.",
	Answer:  "204",
	Errors: "403 the member's role is not below the caller's, or it is the caller · 404 · " +
		"409 the member has none, belongs to other organizations too, or runs the installation: only the console can do it then",
}

// mayHelp tells whether somebody of a role may help a member of another one to
// a new password.
func mayHelp(role string, self bool, member string) bool {
	return role == collections.Owner || role == collections.Admin && (self || !tenant.HoldsAll(member))
}

// helped is the member a request is to help, with their account.
func helped(e *core.RequestEvent, t *tenant.Tenant) (user *core.Record, err error) {
	m, err := database.Found(e.App.FindFirstRecordByFilter(collections.Memberships,
		"id = {:id} && organization = {:o} && user.is_service = false",
		dbx.Params{"id": e.Request.PathValue("id"), "o": t.ID()}))
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, refusal.Of("not_found/member")
	}
	user, err = database.Found(e.App.FindRecordById(collections.Users, m.GetString("user")))
	if err != nil {
		return nil, err
	}
	if user == nil {
		return nil, refusal.Of("not_found/member")
	}
	if !t.Superuser && !mayHelp(t.Role(), user.Id == t.UserID(), m.GetString("role")) {
		return nil, refusal.Of("forbidden/owner")
	}
	return user, nil
}

// elsewhere tells whether a member belongs to other organizations too: this one may
// decide nothing about the account for them (security.md S8).
func elsewhere(app core.App, user, organization string) (bool, error) {
	others, err := rows.Count(atomic.Reads(app), "SELECT count(*) FROM memberships WHERE user = ? AND organization != ?",
		user, organization)
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
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	user, err := helped(e, t)
	if err != nil {
		return err
	}
	if user.Id == t.UserID() {
		return refusal.Of("forbidden/own_factor")
	}
	if !user.GetBool("two_factor") {
		return refusal.Of("factor_none/person")
	}
	if !t.Superuser {
		others, err := elsewhere(e.App, user.Id, t.ID())
		if err != nil {
			return err
		}
		if others || runsInstallation(user) {
			return refusal.Of("person_elsewhere/factor")
		}
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		if err := d.Identity.Factors.TakeOff(tx, user, accountmail.Who{By: t.UserID(), Organization: t.ID()}); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Organization: t.ID(), Actor: audit.ActorOf(e), Action: "auth.two_factor_off", Resource: collections.Users,
			Record: user.Id,
		})
	})
	if err != nil {
		return err
	}
	d.Outbox.Nudge()
	return e.NoContent(http.StatusNoContent)
}

func (d *domain) resetLink(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	user, err := helped(e, t)
	if err != nil {
		return err
	}
	actor := audit.ActorOf(e)
	entry := audit.Entry{Organization: t.ID(), Actor: actor, Action: "auth.reset_link", Resource: collections.Users,
		Record: user.Id}
	if e.App.Settings().SMTP.Enabled {
		if err := mails.SendRecordPasswordReset(e.App, user); err != nil {
			return refusal.Of("mail_failed").With(err.Error())
		}
		if err := audit.Add(e.App, entry); err != nil {
			return err
		}
		return facade.JSON(e, http.StatusOK, map[string]any{"email_sent": true})
	}
	// Whoever holds the link becomes this person, everywhere: no organization
	// may hold that over somebody who belongs to another one (security.md S8).
	others, err := elsewhere(e.App, user.Id, t.ID())
	if err != nil {
		return err
	}
	if others {
		return refusal.Of("person_elsewhere/link")
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
	return facade.JSON(e, http.StatusOK,
		map[string]any{"email_sent": false, "reset_link": accountmail.Link(d.PublicURL, accountmail.ResetPage, token),
			"reason": noMail})
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
	return facade.JSON(e, http.StatusOK, map[string]any{"valid": valid})
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
		return refusal.Of("link_withdrawn")
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
	giver, err := tenant.ActiveMember(app, by, organization)
	if err != nil {
		return false, err
	}
	member, err := tenant.MemberIn(app, user.Id, organization)
	if err != nil {
		return false, err
	}
	return giver != nil && member != nil && mayHelp(giver.GetString("role"), by == user.Id, member.GetString("role")), nil
}
