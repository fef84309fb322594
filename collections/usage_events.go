package collections

import "github.com/pocketbase/pocketbase/core"

// UsageEvents are what an organization used: one row per call and kind,
// written once, the base of every bill.
const UsageEvents = "usage_events"

// Kinds of usage.
const (
	UsageVoiceInbound  = "voice_inbound"
	UsageVoiceOutbound = "voice_outbound"
)

func usageEvents() *core.Collection {
	c := tenant(UsageEvents,
		required(choice("kind", UsageVoiceInbound, UsageVoiceOutbound)),
		integer("quantity"),
		required(choice("unit", "second", "count")),
		integer("cost_micros"),
		relation("call", Calls),
		date("at"),
		// Unique in the organization: the kind and the provider's call id.
		required(text("reference", shortMax)),
	)
	unique(c, "organization, reference", "")
	index(c, "organization, at")
	index(c, "organization, created")
	index(c, "call")
	readOnly(c, Can("organization", CanAccessAnalytics))
	return c
}

var _ = declare(UsageEvents, usageEvents, Traits{
	Plain: []string{"reference"},
	Keys:  KeysRead,
})
