package orgs

import (
	"database/sql"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/collections/words"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	memberBody = `{"full_name", "email", "role": "admin"|"manager"|"agent"|"viewer"|"developer"|"owner", "department"?, "status"?, "phone_number"?, "timezone"?,
 "permissions"?: {…}, "can_access_analytics"?, "can_manage_integrations"?, "can_manage_team"?, "can_manage_agents"?, "can_view_calls"?, "can_view_messages"?, "can_view_emails"?: bool,
 "notes"?, "config"?: {…}, "message"?: a note for the mail}`
	memberAnswer = `{"id", "user_id", "company_id", "full_name", "email", "role", "department", "status": "active"|"inactive"|"invited"|"suspended", "phone_number", "timezone",
 "permissions", "can_…", "last_active_at", "invitation_sent_at", "invitation_error"?, "invitation_accepted_at", "expires_at", "notes", "config", "created_at", "updated_at", …}`
)

var listTeamRoute = facade.Route{
	Method: "GET", Path: "/api/team-members", Auth: facade.Member, System: facade.CoreComm, Item: "S-273",
	Summary: "Members, and for who manages the team the open invitations after them.",
	Query:   "page=1, limit=20, status, role, department, search",
	Answer:  `{"members": [` + memberAnswer + `], "pagination": {…}}`,
}

var inviteRoute = facade.Route{
	Method: "POST", Path: "/api/team-members", Auth: facade.Member, System: facade.CoreComm, Item: "S-274",
	Summary: "Invites somebody. The link is mailed; it is also in the answer, and only there. Whoever has an account accepts signed in.",
	Body:    memberBody,
	Answer:  `201 the invitation as a member with "status": "invited", "inviteLink", "emailSent": bool, "reason"?`,
	Errors:  "400 with reasons, 403 for what the caller does not hold, 409 for who is a member or invited already, 429",
}

var changeMemberRoute = facade.Route{
	Method: "PUT", Path: "/api/team-members/{id}", Auth: facade.Member, System: facade.CoreComm, Item: "S-275",
	Summary: "Changes a member or an open invitation.",
	Body:    memberBody,
	Answer:  memberAnswer,
	Errors:  "400 with reasons, 403 for what the caller does not hold or their own role, 409 for the last owner",
}

var removeMemberRoute = facade.Route{
	Method: "DELETE", Path: "/api/team-members/{id}", Auth: facade.Member, System: facade.CoreComm, Item: "S-276",
	Summary: "Removes a member and ends the API keys they made, or cancels an invitation.",
	Answer:  `{"success": true}`,
	Errors:  "403 for higher roles, 409 for the last owner",
}

var resendRoute = facade.Route{
	Method: "POST", Path: "/api/team-members/resend", Auth: facade.Member, System: facade.CoreComm, Item: "S-277",
	Summary: "A new link for an open or expired invitation; the old one stops working.",
	Body:    `{"email"}`,
	Answer:  `{"success": true, "inviteLink", "emailSent": bool, "reason"?}`,
	Errors:  "404 when nobody of that address is invited",
}

var suspendRoute = facade.Route{
	Method: "POST", Path: "/api/team-members/{id}/suspend", Auth: facade.Member, System: facade.Pocketline,
	Summary: "Takes a member's access until they are activated again.",
	Answer:  memberAnswer,
	Errors:  "403 for higher roles and oneself, 409 for the last owner",
}

var activateRoute = facade.Route{
	Method: "POST", Path: "/api/team-members/{id}/activate", Auth: facade.Member, System: facade.Pocketline,
	Summary: "Gives a suspended or inactive member access again.",
	Answer:  memberAnswer,
	Errors:  "403 for higher roles",
}

var transferRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/transfer", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Makes another member the owner; the caller becomes an admin.",
	Body:    `{"user": id}`,
	Answer:  `{"success": true}`,
	Errors:  "403 for who is not an owner, 404 when the person is no active member",
}

var leaveRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/{organization}/leave", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Ends the caller's membership.",
	Answer:  `{"success": true}`,
	Errors:  "409 for the last owner",
}

// people is the merged list: members, then invitations. Placeholders: the
// organization, twice. Accounts of API keys are nobody.
const people = `SELECT 0 AS kind, m.id, coalesce(nullif(m.full_name, ''), u.name) AS full_name, u.email, m.role, m.department, m.status, m.created
	FROM memberships m JOIN users u ON u.id = m.user WHERE m.organization = ? AND NOT u.is_service
	UNION ALL SELECT 1, i.id, i.full_name, i.email, i.role, i.department, 'invited', i.created FROM invitations i WHERE i.organization = ? AND i.status = 'pending'`

// alike is the condition that a part of a column is as it was typed, however it
// is written.
func alike(column string) string { return "instr(" + words.NameFunction + "(" + column + "), ?) > 0" }

// listTeam is GET /api/team-members. The merged set is filtered, counted and
// cut as one, so that every page is full (requirements G-30).
func (d *domain) listTeam(e *core.RequestEvent) error {
	t, err := tenant.Require(e)
	if err != nil {
		return err
	}
	page, limit, err := facade.Page(e, 20)
	if err != nil {
		return err
	}
	where, args, err := asksForTeam(e, t)
	if err != nil {
		return err
	}
	from := " FROM (" + people + ") WHERE " + strings.Join(where, " AND ")
	total, err := rows.Count(atomic.Reads(e.App), "SELECT count(*)"+from, args...)
	if err != nil {
		return err
	}
	found, err := atomic.Reads(e.App).Query("SELECT kind, id"+from+" ORDER BY kind, created, id LIMIT ? OFFSET ?",
		append(args, limit, (page-1)*limit)...)
	if err != nil {
		return err
	}
	ids, err := idsByKind(found)
	if err != nil {
		return err
	}
	members, err := d.shown(e.App, t, ids)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK,
		map[string]any{"members": members, "pagination": facade.NewPagination(page, limit, total)})
}

// asksForTeam are the conditions a list of the team is asked with, and what is bound
// in them.
func asksForTeam(e *core.RequestEvent, t *tenant.Tenant) (where []string, args []any, err error) {
	where, args = []string{"1"}, []any{t.ID(), t.ID()}
	if !t.Can(collections.CanManageTeam) {
		where = append(where, "kind = 0")
	}
	query, reasons := e.Request.URL.Query(), map[string]string{}
	for name, known := range map[string][]string{
		"status": {collections.MembershipActive, collections.MembershipInactive, collections.MembershipInvited,
			collections.MembershipSuspended},
		"role":       collections.Roles,
		"department": nil,
	} {
		value := query.Get(name)
		if value == "" {
			continue
		}
		if known != nil && !slices.Contains(known, value) {
			reasons[name] = "Must be one of " + strings.Join(known, ", ")
		}
		where, args = append(where, name+" = ?"), append(args, value)
	}
	if search := strings.TrimSpace(query.Get("search")); search != "" {
		if utf8.RuneCountInString(search) > 200 {
			reasons["search"] = "Must have at most 200 characters"
		}
		name := words.Name(search)
		where = append(where, "(? != '' AND ("+alike("full_name")+" OR "+alike("email")+" OR "+alike("department")+"))")
		args = append(args, name, name, name, name)
	}
	if len(reasons) > 0 {
		return nil, nil, refusal.Of("invalid_request/query").With(reasons)
	}
	return where, args, nil
}

// idsByKind reads rows of (kind, id): memberships are of kind 0, invitations of 1.
func idsByKind(found *sql.Rows) (ids [2][]string, err error) {
	defer found.Close()
	for found.Next() {
		var kind int
		var id string
		if err := found.Scan(&kind, &id); err != nil {
			return ids, err
		}
		ids[kind] = append(ids[kind], id)
	}
	return ids, found.Err()
}

// shown loads members and invitations and gives them the documented form, in
// the order of their ids. What is written about them is for who manages them.
func (d *domain) shown(app core.App, t *tenant.Tenant, ids [2][]string) ([]map[string]any, error) {
	manages := t.Can(collections.CanManageTeam) && (t.User == nil || !t.User.GetBool("is_service"))
	out := []map[string]any{}
	for kind, collection := range []string{collections.Memberships, collections.Invitations} {
		if len(ids[kind]) == 0 {
			continue
		}
		records, err := app.FindRecordsByIds(collection, ids[kind])
		if err != nil {
			return nil, err
		}
		if kind == 0 {
			if failed := app.ExpandRecords(records, []string{"user"}, nil); failed["user"] != nil {
				return nil, failed["user"]
			}
		}
		for _, id := range ids[kind] {
			if at := slices.IndexFunc(records, func(r *core.Record) bool { return r.Id == id }); at >= 0 {
				row := memberRow(records[at])
				if !manages {
					row["permissions"], row["notes"], row["config"] = map[string]any{}, "", map[string]any{}
				}
				out = append(out, row)
			}
		}
	}
	return out, nil
}

// memberRow is a membership (with its user expanded) or an invitation as the
// documented rows of team_members are.
func memberRow(r *core.Record) map[string]any {
	row := map[string]any{
		"id": r.Id, "user_id": nil, "company_id": r.GetString("organization"), "created_by": nil,
		"full_name": r.GetString("full_name"),
		"email":     r.GetString("email"), "role": r.GetString("role"), "department": r.GetString("department"),
		"status":       r.GetString("status"),
		"phone_number": r.GetString("phone_number"), "avatar_url": nil, "timezone": r.GetString("timezone"),
		"permissions":   object(r, "permissions"),
		"last_login_at": nil, "last_active_at": nil, "invitation_sent_at": nil, "invitation_accepted_at": nil,
		"expires_at":          nil,
		"total_calls_handled": r.GetInt("total_calls_handled"), "total_messages_handled": nil, "total_emails_handled": nil,
		"avg_response_time":           nil,
		"customer_satisfaction_score": nil, "notes": r.GetString("notes"), "config": object(r, "config"),
		"created_at": rows.Said(r.GetString("created")), "updated_at": rows.Said(r.GetString("updated")),
	}
	for _, capability := range collections.Capabilities {
		row[capability] = r.GetBool(capability)
	}
	if r.Collection().Name == collections.Invitations {
		if row["status"] == collections.InvitationPending {
			row["status"] = collections.MembershipInvited
		}
		row["created_by"], row["invitation_sent_at"], row["expires_at"] = r.GetString("invited_by"),
			rows.Said(r.GetString("sent_at")), rows.Said(r.GetString("expires_at"))
		var kept map[string]string
		if r.UnmarshalJSONField("metadata", &kept) == nil && kept[mailError] != "" {
			row["invitation_error"] = kept[mailError]
		}
		row["expired"] = r.GetDateTime("expires_at").Time().Before(time.Now())
		return row
	}
	row["user_id"], row["last_active_at"], row["invitation_accepted_at"] = r.GetString("user"),
		rows.Said(r.GetString("last_accessed_at")), rows.Said(r.GetString("joined_at"))
	if tenant.HoldsAll(r.GetString("role")) {
		for _, capability := range collections.Capabilities {
			row[capability] = true // they hold all, whatever the flags say
		}
	}
	if user := r.ExpandedOne("user"); user != nil {
		row["email"] = user.Email()
		if row["full_name"] == "" {
			row["full_name"] = user.GetString("name")
		}
	}
	return row
}

// object is a JSON column, {} when it is empty.
func object(r *core.Record, field string) any {
	if rows.JSON(r, field) == nil {
		return map[string]any{}
	}
	return r.Get(field)
}
