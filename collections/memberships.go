package collections

import "github.com/pocketbase/pocketbase/core"

// Memberships say which person belongs to which organization, as what. They
// carry the team profile the old systems kept in team_members.
const Memberships = "memberships"

// States of a membership. Only an active one opens anything.
const (
	MembershipActive    = "active"
	MembershipInactive  = "inactive"
	MembershipInvited   = "invited"
	MembershipSuspended = "suspended"
)

// MemberPrivate are the fields only who manages the team sees: what is written
// about a member. They are hidden, so that nobody filters or sorts by them.
var MemberPrivate = []string{"permissions", "notes", "config"}

func memberships() *core.Collection {
	fields := []core.Field{
		owned(required(relation("user", Users)).(*core.RelationField)),
		required(choice("role", Roles...)),
		required(choice("status", MembershipActive, MembershipInactive, MembershipInvited, MembershipSuspended)),
		boolean("is_default"),
		text("full_name", nameMax),
		email("email"),
		text("department", nameMax),
		text("phone_number", 40),
		text("timezone", 64),
	}
	fields = append(fields, capabilities()...)
	fields = append(fields,
		// MemberPrivate: for who manages the team.
		hidden(object("permissions", SmallJSON)),
		hidden(text("notes", noteMax)),
		hidden(object("config", SmallJSON)),
		object("metadata", SmallJSON),
		date("joined_at"),
		date("last_accessed_at"),
		integer("total_sessions"),
		integer("total_calls_handled"),
	)
	c := tenant(Memberships, fields...)
	unique(c, "organization, user", "")
	index(c, "user")
	index(c, "organization, role")
	// Written by routes only: privilege is granted by somebody who holds it.
	readOnly(c, signedIn+` && (user = @request.auth.id || (`+Member("organization")+`))`)
	return c
}

var _ = declare(Memberships, memberships, Traits{
	Personal: []string{"full_name", "email", "department", "phone_number", "notes", "metadata"},
	Plain:    []string{"timezone", "permissions", "config"},
	Last:     true,
	Keys:     KeysRead,
	Logged:   true,
})
