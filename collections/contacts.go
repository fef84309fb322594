package collections

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections/words"
)

// Contacts are the people an organization speaks with: one per number, however
// it is written. Who hides the number has none. One who was found to be another with
// a second number is merged into that one (merged_into): the row keeps the number,
// calls and lists go by the other.
const Contacts = "contacts"

func contacts() *core.Collection {
	c := tenant(Contacts,
		required(text("phone_number", 80)),
		text("phone_number_raw", 80), // as it came first, when that is not how it is stored
		text("name", nameMax),
		text("company", nameMax),
		email("email"),
		text("notes", noteMax),
		boolean("blocked"), // their calls are not answered
		owned(relation("merged_into", Contacts)),
		date("first_seen_at"),
		date("last_seen_at"),
		object("metadata", SmallJSON),
	)
	unique(c, "organization, phone_number", "")
	index(c, "organization, created")
	index(c, "organization, last_seen_at, id")
	addIndex(c, "idx_contacts_organization_blocked", "INDEX", "organization", "blocked")
	index(c, "merged_into")
	addIndex(c, "idx_contacts_organization_ending", "INDEX", "organization, substr(phone_number, -4)",
		"") // people know the last digits
	see := Can("organization", CanViewCalls)
	work := RoleAndCan("organization", CanViewCalls, Owner, Admin, Manager, Agent)
	access(c, see, see, Create(work, "phone_number_raw", "merged_into"),
		Update(work, "phone_number", "phone_number_raw", "first_seen_at", "last_seen_at", "merged_into"),
		Role("organization", Owner, Admin))
	return c
}

var _ = declare(Contacts, contacts, Traits{
	Personal: []string{"phone_number", "phone_number_raw", "name", "company", "email", "notes", "metadata"},
	Masked:   []string{"phone_number", "phone_number_raw"},
	Callers:  true,
	Keys:     KeysWrite,
	Logged:   true,
})

// ContactSearch is the full-text index over the names of contacts and of their
// companies, both in its column name. ContactSQL makes it.
const ContactSearch = "contact_words"

// ContactSQL are the statements that make the index of names and keep it equal
// to contacts, whoever writes them. The contact and its organization are words of
// each entry: by the one an entry is found again when it changes, by the other a
// search stays in its organization. Contacts from before there was an index come
// into it by calls.index. Whoever changes what is folded makes an index of another
// name, as for SearchSQL.
var ContactSQL = []string{
	`CREATE VIRTUAL TABLE IF NOT EXISTS ` + ContactSearch + ` USING fts5(contact, organization, name, tokenize='` +
		words.Tokenizer + `')`,
	`CREATE TRIGGER IF NOT EXISTS contact_words_insert AFTER INSERT ON contacts WHEN new.name != '' OR new.company != '' BEGIN
		` + nameNew + `
	END`,
	`CREATE TRIGGER IF NOT EXISTS contact_words_delete AFTER DELETE ON contacts WHEN old.name != '' OR old.company != '' BEGIN
		` + nameOld + `
	END`,
	`CREATE TRIGGER IF NOT EXISTS contact_words_update AFTER UPDATE OF id, organization, name, company ON contacts
		WHEN new.name IS NOT old.name OR new.company IS NOT old.company OR new.organization IS NOT old.organization OR new.id IS NOT old.id BEGIN
		` + nameOld + `
		` + nameNew + `
	END`,
}

var (
	nameOld = `DELETE FROM ` + ContactSearch + ` WHERE rowid IN (
			SELECT rowid FROM ` + ContactSearch + ` WHERE ` + ContactSearch + ` MATCH 'contact:"' || old.id || '"');`
	nameNew = `INSERT INTO ` + ContactSearch + `(contact, organization, name)
		SELECT new.id, new.organization, ` + words.Function + `(` + NameWords("new.") + `)
		WHERE new.name != '' OR new.company != '';`
)

// NameWords is the text of a contact that its index holds; c is the row's alias with
// its dot, or "".
func NameWords(c string) string { return "trim(" + c + "name || ' ' || " + c + "company)" }

// nameWiping has names that are deleted wiped from the file at once.
const nameWiping = `INSERT INTO ` + ContactSearch + `(` + ContactSearch + `, rank) VALUES ('secure-delete', 1)`
