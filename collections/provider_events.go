package collections

import "github.com/pocketbase/pocketbase/core"

// ProviderEvents are the messages providers sent, each stored once before it is
// answered (hooks/internal/inbox).
const ProviderEvents = "provider_events"

// Providers whose accounts and messages are stored.
const (
	ProviderVapi        = "vapi"
	ProviderTwilio      = "twilio"
	ProviderFlutterwave = "flutterwave"
)

// States of a provider's message.
const (
	EventApplied = "applied"
	EventErrored = "failed" // stored; a job applies it again
	EventParked  = "parked" // about something we do not know; kept for a late owner
	EventPacked  = "packed" // one row that holds a finished call's messages, compressed
)

// EventWaiting is the condition of the index over messages that are not applied. SQLite
// uses that index only where a query repeats it word for word beside its own.
const EventWaiting = "status IN ('failed','parked')"

// EventFinished is the condition of the index over what the job inbox.pack has to do,
// and nothing once it is done: the message that is the last about a call, as whoever
// read it said. SQLite uses that index only where a query repeats it word for word.
const EventFinished = "status = 'applied' AND last"

// EventDeleted is the type of rows that hold nothing but a key: the mark a
// deleted call leaves, and messages that came after it.
const EventDeleted = "deleted"

func providerEvents() *core.Collection {
	c := base(ProviderEvents,
		relation("organization", Organizations),
		required(choice("provider", ProviderVapi, ProviderTwilio, ProviderFlutterwave)),
		// Begins with the provider's id of the call, so that a call's messages
		// lie together.
		required(text("event_key", shortMax)),
		text("type", nameMax),
		required(choice("status", EventApplied, EventErrored, EventParked, EventPacked)),
		// What may be kept of the message (an allow-list), as sent bytes are not.
		text("payload", 4<<20),
		// Nothing is expected about the same call after it.
		boolean("last"),
		text("error", descriptionMax),
		integer("attempts"),
		date("next_at"),
	)
	unique(c, "provider, event_key", "")
	index(c, "organization")
	addIndex(c, "idx_provider_events_waiting", "INDEX", "status, next_at", EventWaiting)
	addIndex(c, "idx_provider_events_finished", "INDEX", "created", EventFinished)
	readOnly(c, "")
	return c
}

var _ = declare(ProviderEvents, providerEvents, Traits{
	Personal:    []string{"payload"},
	Plain:       []string{"event_key", "type", "error"},
	Kept:        "keep_events_days",
	NotExported: "messages of providers as they came in; what they say stands in the other files",
})
