package collections

import "github.com/pocketbase/pocketbase/core"

// Contacts are the people an organization speaks with: one per number, however
// it is written. Who hides the number has none.
const Contacts = "contacts"

func contacts() *core.Collection {
	c := tenant(Contacts,
		required(text("phone_number", 80)),
		text("phone_number_raw", 80), // as it came first, when that is not how it is stored
		text("name", nameMax),
		email("email"),
		text("notes", noteMax),
		date("first_seen_at"),
		date("last_seen_at"),
		object("metadata", SmallJSON),
	)
	unique(c, "organization, phone_number", "")
	index(c, "organization, created")
	index(c, "organization, last_seen_at")
	c.AddIndex("idx_contacts_organization_ending", false, "organization, substr(phone_number, -4)", "") // people know the last digits
	see := Can("organization", CanViewCalls)
	work := RoleAndCan("organization", CanViewCalls, Owner, Admin, Manager, Agent)
	access(c, see, see, Create(work, "phone_number_raw"), Update(work, "phone_number", "phone_number_raw", "first_seen_at", "last_seen_at"),
		Role("organization", Owner, Admin))
	return c
}
