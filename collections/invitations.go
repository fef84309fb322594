package collections

import "github.com/pocketbase/pocketbase/core"

// Invitations ask a person to join an organization. Only a hash of the token is
// kept; the token itself travels once, in the link.
const Invitations = "invitations"

// States of an invitation.
const (
	InvitationPending   = "pending"
	InvitationAccepted  = "accepted"
	InvitationDeclined  = "declined"
	InvitationExpired   = "expired"
	InvitationCancelled = "cancelled"
)

func invitations() *core.Collection {
	fields := []core.Field{
		required(email("email")),
		required(choice("role", Roles...)),
		required(choice("status", InvitationPending, InvitationAccepted, InvitationDeclined, InvitationExpired,
			InvitationCancelled)),
		text("full_name", nameMax),
		text("department", nameMax),
		text("phone_number", 40),
		text("timezone", 64),
	}
	fields = append(fields, capabilities()...)
	fields = append(fields,
		text("message", noteMax),
		text("notes", noteMax),
		object("permissions", SmallJSON),
		object("config", SmallJSON),
		hidden(text("token_hash", 64)),
		required(date("expires_at")),
		date("sent_at"),
		relation("invited_by", Users),
		relation("accepted_by", Users),
		date("accepted_at"),
		object("metadata", SmallJSON),
	)
	c := tenant(Invitations, fields...)
	unique(c, "token_hash", "token_hash != ''")
	// One open invitation per address and organization.
	addIndex(c, "uq_invitations_open", "UNIQUE INDEX", "organization, email COLLATE NOCASE", "status = 'pending'")
	index(c, "organization, created")
	index(c, "invited_by")
	index(c, "accepted_by")
	readOnly(c, People(Can("organization", CanManageTeam)))
	return c
}

var _ = declare(Invitations, invitations, Traits{
	Personal: []string{"email", "full_name", "department", "phone_number", "message", "notes", "metadata"},
	Plain:    []string{"timezone", "permissions", "config", "token_hash"},
	Logged:   true,
})
