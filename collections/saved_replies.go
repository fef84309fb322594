package collections

import "github.com/pocketbase/pocketbase/core"

// SavedReplies are texts an organization sends again and again. Typing the
// shortcut brings the text.
const SavedReplies = "saved_replies"

// ReplyMax is how many characters a saved reply may have: what the strictest of
// the long channels takes in one message (WhatsApp: 4,096).
const ReplyMax = 4_000

// ShortcutMax is how many characters a shortcut may have.
const ShortcutMax = 40

func savedReplies() *core.Collection {
	shortcut := required(text("shortcut", ShortcutMax)).(*core.TextField)
	// One word in small letters: "Hours" and "hours" are the same shortcut.
	shortcut.Pattern = `^[^\s/\p{Lu}]+$`
	c := tenant(SavedReplies,
		shortcut,
		required(text("text", ReplyMax)),
		choice("language", Languages...), // empty: for every language
	)
	unique(c, "organization, shortcut", "")
	index(c, "organization, created")
	write := RoleAndCan("organization", CanViewMessages, Owner, Admin, Manager, Agent)
	access(c, Member("organization"), Member("organization"), Create(write), Update(write), write)
	return c
}

var _ = declare(SavedReplies, savedReplies, Traits{
	Plain:     []string{"shortcut", "text"},
	Keys:      KeysWrite,
	Logged:    true,
	Clearable: []string{"language"},
})
