package collections

import "github.com/pocketbase/pocketbase/core"

// Messages are the lines of a call's transcript.
const Messages = "messages"

// Who said a line. Tool lines are in call_events.
const (
	RoleAssistant = "assistant"
	RoleUser      = "user"
	RoleSystem    = "system"
)

// MessageRoles are who can have said a line.
var MessageRoles = []string{RoleAssistant, RoleUser, RoleSystem}

func messages() *core.Collection {
	c := tenant(Messages,
		owned(required(relation("call", Calls)).(*core.RelationField)),
		required(choice("role", MessageRoles...)),
		required(text("content", 20_000)),
		// When it was said, in milliseconds since 1970: the order of the lines.
		required(integer("position")),
		// From the start of the recording; the player jumps here.
		integer("offset_ms"),
		integer("duration_ms"),
		// A line a person put into the call; the provider's report does not
		// replace it.
		boolean("from_person"),
	)
	unique(c, "call, position, role", "")
	index(c, "organization, created")
	see := Can("organization", CanViewCalls)
	readOnly(c, see)
	return c
}

var _ = declare(Messages, messages, Traits{
	Personal: []string{"content"},
	ToldWith: "call",
	Kept:     "keep_messages_days",
	Keys:     KeysRead,
	Logged:   true,
})
