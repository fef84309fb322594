package collections

import "github.com/pocketbase/pocketbase/core"

// ProviderEvents are the messages providers sent, each stored once before it is
// answered (hooks/internal/inbox).
const ProviderEvents = "provider_events"

// States of a provider's message.
const (
	EventApplied = "applied"
	EventErrored = "failed" // stored; a job applies it again
	EventParked  = "parked" // about something we do not know; kept for a late owner
	EventPacked  = "packed" // one row that holds a finished call's messages, compressed
)

// EventDeleted is the type of rows that hold nothing but a key: the mark a
// deleted call leaves, and messages that came after it.
const EventDeleted = "deleted"

func providerEvents() *core.Collection {
	c := base(ProviderEvents,
		relation("organization", Organizations),
		required(choice("provider", "vapi", "twilio", "flutterwave")),
		// Begins with the provider's id of the call, so that a call's messages
		// lie together.
		required(text("event_key", shortMax)),
		text("type", nameMax),
		required(choice("status", EventApplied, EventErrored, EventParked, EventPacked)),
		// What may be kept of the message (an allow-list), as sent bytes are not.
		text("payload", 4<<20),
		text("answer", 64<<10),
		text("error", descriptionMax),
		integer("attempts"),
		date("next_at"),
	)
	unique(c, "provider, event_key", "")
	index(c, "organization")
	c.AddIndex("idx_provider_events_waiting", false, "status, next_at", "status IN ('failed','parked')")
	// What the job inbox.pack has to do, and nothing once it is done.
	c.AddIndex("idx_provider_events_finished", false, "created", "status = 'applied' AND type = 'end-of-call-report'")
	readOnly(c, "")
	return c
}
