package collections

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

// Roles of a membership, most powerful first. `developer` is a viewer who also
// manages functions, integrations and webhooks.
const (
	Owner     = "owner"
	Admin     = "admin"
	Manager   = "manager"
	Agent     = "agent"
	Viewer    = "viewer"
	Developer = "developer"
)

// Roles are all roles of a membership, most powerful first.
var Roles = []string{Owner, Admin, Manager, Agent, Viewer, Developer}

// MaskedRoles are those below manager: an organization may keep callers' numbers from
// them (organizations.mask_numbers).
var MaskedRoles = []string{Agent, Viewer, Developer}

// Handed are the roles somebody with a role may make a key of: nobody hands out more
// than they have, and no key is an owner. A developer and anybody below an admin have
// a viewer's rights in common.
func Handed(role string) []string {
	switch role {
	case Owner, Admin:
		return Roles[1:]
	case Developer:
		return []string{Viewer, Developer}
	case Manager, Agent, Viewer:
		return Roles[slices.Index(Roles, role):slices.Index(Roles, Developer)]
	}
	return nil
}

// Capability flags of a membership. Owner and admin hold all of them whatever
// the flags say.
const (
	CanAccessAnalytics    = "can_access_analytics"
	CanManageIntegrations = "can_manage_integrations"
	CanManageTeam         = "can_manage_team"
	CanManageAgents       = "can_manage_agents"
	CanViewCalls          = "can_view_calls"
	CanViewMessages       = "can_view_messages"
	CanViewEmails         = "can_view_emails"
)

// Capabilities are all capability flags of a membership.
var Capabilities = []string{
	CanAccessAnalytics, CanManageIntegrations, CanManageTeam, CanManageAgents,
	CanViewCalls, CanViewMessages, CanViewEmails,
}

// signedIn opens every rule: without it a guest's empty id equals an empty
// relation (security.md S2).
const signedIn = `@request.auth.id != ""`

// Member admits active members of the organization at path ("organization", or
// "" for the organizations collection itself).
func Member(path string) string {
	m := membership(path)
	return signedIn + ` && ` + m + `.user ?= @request.auth.id && ` + m + `.status ?= "` + MembershipActive + `"`
}

// Role admits active members who have one of the roles. All conditions use one
// path, so they hold for the same membership row.
func Role(path string, roles ...string) string {
	m := membership(path)
	terms := make([]string, len(roles))
	for i, r := range roles {
		terms[i] = m + `.role ?= "` + r + `"`
	}
	return Member(path) + ` && (` + strings.Join(terms, " || ") + `)`
}

// Can admits active members who hold the capability: owner and admin always,
// others by the flag on their membership.
func Can(path, capability string) string {
	m := membership(path)
	return Member(path) + ` && (` + m + `.role ?= "` + Owner + `" || ` + m + `.role ?= "` + Admin + `" || ` +
		m + `.` + capability + ` ?= true)`
}

// RoleOrCan admits active members who hold the capability or have one of the
// roles.
func RoleOrCan(path, capability string, roles ...string) string {
	m := membership(path)
	rule := strings.TrimSuffix(Can(path, capability), ")")
	for _, r := range roles {
		rule += ` || ` + m + `.role ?= "` + r + `"`
	}
	return rule + ")"
}

// RoleAndCan admits active members who have one of the roles and hold the
// capability as well.
func RoleAndCan(path, capability string, roles ...string) string {
	m := membership(path)
	terms := make([]string, len(roles))
	for i, r := range roles {
		terms[i] = m + `.role ?= "` + r + `"`
	}
	return Can(path, capability) + ` && (` + strings.Join(terms, " || ") + `)`
}

// People keeps API keys out of what a rule admits: rows about people, what is
// asked of them, and keys.
func People(rule string) string { return rule + ` && ` + noKey }

// noKey is false for the accounts of API keys.
const noKey = `@request.auth.is_service = false`

// Update completes an update rule: the row keeps its organization, and the
// frozen fields keep their values. PocketBase forbids neither by itself.
func Update(rule string, frozen ...string) string {
	for _, f := range append([]string{"organization"}, frozen...) {
		rule += ` && @request.body.` + f + `:changed = false`
	}
	return rule
}

// Create completes a create rule: the fields that only the server writes are
// empty in a new row. Without it a client could claim a provider's object that
// belongs to somebody else.
func Create(rule string, empty ...string) string {
	for _, f := range empty {
		if f == "created_by" {
			rule += ` && (created_by = "" || created_by = @request.auth.id)`
			continue
		}
		rule += ` && ` + f + ` = ""`
	}
	return rule
}

// Lowered completes a create rule: the flags that only the server raises are not
// raised in a new row.
func Lowered(rule string, flags ...string) string {
	for _, f := range flags {
		rule += ` && ` + f + ` = false`
	}
	return rule
}

// ServerOnly are the fields of a collection that Create and Lowered keep empty.
func ServerOnly(c *core.Collection) (fields []string) {
	if c.CreateRule == nil {
		return nil
	}
	for _, found := range keptEmpty.FindAllStringSubmatch(*c.CreateRule, -1) {
		fields = append(fields, found[1])
	}
	return fields
}

var keptEmpty = regexp.MustCompile(` && ([a-z_]+) = (?:""|false)`)

// FrozenOnce keeps fields as they are in rows where column is filled.
func FrozenOnce(rule, column string, fields ...string) string {
	terms := make([]string, len(fields))
	for i, f := range fields {
		terms[i] = `@request.body.` + f + `:changed = false`
	}
	return rule + ` && (` + column + ` = "" || (` + strings.Join(terms, " && ") + `))`
}

// Self admits the person the row is.
const Self = signedIn + ` && id = @request.auth.id`

func membership(path string) string {
	if path == "" {
		return "memberships_via_organization"
	}
	return path + ".memberships_via_organization"
}

// short writes a rule about the organization's members with one join less: the
// memberships are found by the organization's id, not through its row. One row is
// read in half the time that way. A list is not: with a hundred memberships it
// is slower.
func short(rule string) string {
	const long, direct = "organization.memberships_via_organization.", "@collection.memberships."
	const user = "user ?= @request.auth.id"
	rest, is := strings.CutPrefix(rule, signedIn+" && "+long+user)
	if !is {
		return rule
	}
	return signedIn + " && " + direct + "organization ?= organization && " + direct + user +
		strings.ReplaceAll(rest, long, direct)
}

// access sets the five rules of a collection; an empty text means nobody but
// superusers.
func access(c *core.Collection, list, view, create, update, remove string) {
	c.ListRule, c.ViewRule = rule(list), rule(short(view))
	c.CreateRule, c.UpdateRule, c.DeleteRule = rule(create), rule(update), rule(remove)
}

// readOnly lets the rule read and nobody write.
func readOnly(c *core.Collection, read string) { access(c, read, read, "", "", "") }

func rule(text string) *string {
	if text == "" {
		return nil
	}
	return types.Pointer(text)
}
