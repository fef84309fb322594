package collections

import "github.com/pocketbase/pocketbase/core"

// CallEvents are a call's timeline: states, functions called, transfers.
const CallEvents = "call_events"

// Kinds of timeline entries.
const (
	EventStatus    = "status"
	EventToolCall  = "tool_call"
	EventTransfer  = "transfer"
	EventHang      = "hang" // the assistant was late to answer
	EventLanguage  = "language"
	EventControl   = "control" // something a person did: end, say, transfer
	EventRecording = "recording"
)

// CallEventTypes are the kinds of timeline entries.
var CallEventTypes = []string{EventStatus, EventToolCall, EventTransfer, EventHang, EventLanguage,
	EventControl, EventRecording}

func callEvents() *core.Collection {
	c := tenant(CallEvents,
		owned(required(relation("call", Calls)).(*core.RelationField)),
		required(choice("type", CallEventTypes...)),
		// What happened, in the provider's word or the function's name.
		text("name", shortMax),
		// Milliseconds since 1970.
		required(integer("position")),
		// Unique in the call: the state, the tool call's id, ….
		required(text("key", shortMax)),
		object("data", SmallJSON*4),
	)
	unique(c, "call, key", "")
	index(c, "organization, created")
	readOnly(c, Can("organization", CanViewCalls))
	return c
}

var _ = declare(CallEvents, callEvents, Traits{
	Personal: []string{"data"},
	Plain:    []string{"name", "key"},
	ToldWith: "call",
	Kept:     "keep_events_days",
	Keys:     KeysRead,
})
