package orgs

import (
	"net/http"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/mails"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
)

const noMail = "This installation sends no mail; hand the link over yourself. It is good for half an hour."

func (d *domain) links() {
	d.handle("POST", "/api/organizations/{organization}/members/{id}/reset-link", facade.SignedIn,
		"Helps a member (id of the membership) who forgot the password: by mail, or, where no mail can be sent, by a link to hand over. A link is only made for somebody who belongs to no other organization.",
		"", `{"email_sent": true} or {"email_sent": false, "reset_link": …, "reason": …}`,
		"403 the member's role is not below the caller's · 409 the member belongs to other organizations too", d.resetLink)
}

func (d *domain) resetLink(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	m, err := e.App.FindFirstRecordByFilter(collections.Memberships, "id = {:id} && organization = {:o} && user.is_service = false",
		dbx.Params{"id": e.Request.PathValue("id"), "o": t.ID()})
	if err != nil {
		return facade.Error(http.StatusNotFound, "There is no such member")
	}
	user, err := e.App.FindRecordById(collections.Users, m.GetString("user"))
	if err != nil {
		return facade.Error(http.StatusNotFound, "There is no such member")
	}
	if role := m.GetString("role"); !t.Is(collections.Owner) && user.Id != t.UserID() && (role == collections.Owner || role == collections.Admin) {
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
	others, err := count(e.App, "SELECT count(*) FROM memberships WHERE user = ? AND organization != ?", user.Id, t.ID())
	if err != nil {
		return err
	}
	if others > 0 {
		return facade.Error(http.StatusConflict, "This person belongs to other organizations too; only the operator can make the link: pocketline security link")
	}
	link, err := accountLink(e.App, user.Email(), "reset", d.PublicURL)
	if err != nil {
		return err
	}
	entry.Details = map[string]any{"shown": true}
	if err := audit.Add(e.App, entry); err != nil {
		return err
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, map[string]any{"email_sent": false, "reset_link": link, "reason": noMail})
}
