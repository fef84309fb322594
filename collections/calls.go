package collections

import "github.com/pocketbase/pocketbase/core"

// Calls are conversations, one row each. The row is narrow: what was said stands
// in messages, the provider's report in call_reports.
const Calls = "calls"

// States of a call, in the only order they can follow each other; completed
// and failed are both the end.
const (
	CallScheduled  = "scheduled"
	CallQueued     = "queued"
	CallRinging    = "ringing"
	CallInProgress = "in_progress"
	CallForwarding = "forwarding"
	CallCompleted  = "completed" // over, whatever came of it (see outcome)
	CallFailed     = "failed"    // over because something broke: outcome failed_*
)

// CallStatuses are the states of a call in order.
var CallStatuses = []string{CallScheduled, CallQueued, CallRinging, CallInProgress, CallForwarding,
	CallCompleted, CallFailed}

// LiveStatuses are the states of a call that is not over.
var LiveStatuses = []string{CallQueued, CallRinging, CallInProgress, CallForwarding}

// States of a call we asked the provider for while it has no id there. Once it
// has one, the provider says how it goes on.
const (
	PlacingWaiting   = "waiting"   // not asked yet, or the provider was busy: it will be asked
	PlacingUnclear   = "unclear"   // asked, and no clear answer came: it may ring
	PlacingRefused   = "refused"   // the provider would not: nobody was called
	PlacingLost      = "lost"      // looked for at the provider and not found
	PlacingCancelled = "cancelled" // taken back before the provider was asked
)

// PlacingStates are the states of a call that has no id at the provider yet.
var PlacingStates = []string{PlacingWaiting, PlacingUnclear, PlacingRefused, PlacingLost, PlacingCancelled}

// Outcomes of a finished call. The first four decide whether it was answered.
const (
	OutcomeCompleted       = "completed"
	OutcomeTransferred     = "transferred"
	OutcomeNoAnswer        = "no_answer"
	OutcomeVoicemail       = "voicemail"
	OutcomeCancelled       = "cancelled"
	OutcomeFailedDesk      = "failed_desk"      // our answer was missing or wrong
	OutcomeFailedAccount   = "failed_account"   // payment, limits, permissions
	OutcomeFailedSetup     = "failed_setup"     // the assistant or the number as the provider has it
	OutcomeFailedTelephony = "failed_telephony" // the carrier
	OutcomeFailedProvider  = "failed_provider"  // model, voice or transcriber
	OutcomeFailedVapi      = "failed_vapi"      // whoever holds the conversation
)

// Outcomes of a finished call. Every endedReason of Vapi maps to one
// (providers/vapi: Outcome).
var Outcomes = []string{
	OutcomeCompleted, OutcomeTransferred, OutcomeNoAnswer, OutcomeVoicemail, OutcomeCancelled, OutcomeFailedDesk,
	OutcomeFailedAccount, OutcomeFailedSetup, OutcomeFailedTelephony, OutcomeFailedProvider, OutcomeFailedVapi,
}

// Directions of a call, as the documented field call_type names them.
const (
	Inbound  = "inbound"
	Outbound = "outbound"
)

// ChannelPhone is the channel of a call over the telephone network.
const ChannelPhone = "phone"

// Channels a call came through.
var Channels = []string{ChannelPhone, "web", "websocket"}

// Resolutions people give a call.
const (
	ResolutionPending   = "pending"
	ResolutionResolved  = "resolved"
	ResolutionEscalated = "escalated"
	ResolutionFailed    = "failed"
)

// ResolutionStatuses are the resolutions people give a call.
var ResolutionStatuses = []string{ResolutionPending, ResolutionResolved, ResolutionEscalated, ResolutionFailed}

// Sentiments of a caller.
var Sentiments = []string{"positive", "neutral", "negative"}

// Priorities of a call.
var Priorities = []string{"low", "medium", "high", "urgent"}

// CallFacts are the columns only the provider's messages write once a call has
// a provider id; people write the others.
var CallFacts = append(CallIDs(),
	"status", "outcome", "call_type", "channel", "caller_number", "recipient_number",
	"assistant", "phone_number",
	"started_at", "answered_at", "ended_at", "duration_seconds", "cost_micros", "ended_reason", "reported_at",
	"has_recording",
	"answered", "missed",
)

func calls() *core.Collection {
	c := tenant(Calls,
		text("vapi_call_id", 64),
		choice("status", CallStatuses...),
		choice("outcome", Outcomes...),
		required(choice("call_type", Inbound, Outbound)),
		choice("channel", Channels...),
		text("caller_number", 80),
		text("recipient_number", 80),
		text("caller_number_raw", 80), // as it came, when that is not how it is stored
		text("recipient_number_raw", 80),
		relation("contact", Contacts),
		relation("assistant", Assistants),
		relation("phone_number", PhoneNumbers),
		date("started_at"),
		date("answered_at"),
		date("ended_at"),
		integer("duration_seconds"),
		integer("cost_micros"), // millionths of a US dollar: Vapi bills in fractions of a cent
		text("ended_reason", shortMax),
		text("summary", 10_000),
		choice("resolution_status", ResolutionStatuses...),
		choice("sentiment", Sentiments...),
		choice("priority", Priorities...),
		text("success_evaluation", descriptionMax),
		text("transferred_to", 80),
		text("notes", noteMax),
		object("metadata", SmallJSON),
		boolean("is_test"),
		boolean("has_recording"),
		// What became of it for who rang or was rung: hooks/internal/reach says what
		// the words mean, and no one else decides it.
		boolean("answered"),
		boolean("missed"),
		date("reported_at"),
		secret("control_url"),
		secret("listen_url"),
		relation("created_by", Users),
		choice("placing", PlacingStates...),
		hidden(text("placing_key", 64)),        // the hash of the Idempotency-Key that placed it
		hidden(object("placement", SmallJSON)), // what placing it needs and how far it came
	)
	for _, s := range CallSources {
		unique(c, s.Column, s.Column+" != ''")
	}
	unique(c, "organization, placing_key", "placing_key != ''")
	// One index per offered sort and per filter that narrows (performance.md 2.1).
	// Many calls last no second and cost nothing: the id settles their order.
	index(c, "organization, created")
	index(c, "organization, started_at")
	index(c, "organization, duration_seconds, id")
	index(c, "organization, cost_micros, id")
	index(c, "organization, status, started_at")
	index(c, "organization, caller_number")
	index(c, "contact, started_at")
	index(c, "assistant, started_at")
	index(c, "phone_number, started_at")
	index(c, "created_by")
	see := Can("organization", CanViewCalls)
	work := RoleAndCan("organization", CanViewCalls, Owner, Admin, Manager, Agent)
	server := append(CallIDs(), "created_by", "reported_at", "caller_number_raw", "recipient_number_raw", "placing")
	flags := []string{"answered", "missed"}
	create := Lowered(Create(work, server...), flags...)
	update := Update(work, append(server, flags...)...)
	for _, s := range CallSources {
		update = FrozenOnce(update, s.Column, CallFacts...)
	}
	access(c, see, see, create, update, Role("organization", Owner, Admin))
	return c
}

var _ = declare(Calls, calls, Traits{
	Personal: []string{
		"caller_number", "recipient_number", "caller_number_raw", "recipient_number_raw", "summary",
		"success_evaluation", "transferred_to", "notes", "metadata", "placement",
	},
	Masked:    []string{"caller_number", "recipient_number", "caller_number_raw", "recipient_number_raw"},
	Plain:     []string{"vapi_call_id", "ended_reason", "placing_key"},
	Callers:   true,
	Keys:      KeysWrite,
	Logged:    true,
	Clearable: []string{"outcome", "sentiment"},
})

// CallSorts are the columns lists of calls may be sorted by; each has an index.
var CallSorts = []string{"started_at", "duration_seconds", "cost_micros"}
