package collections

import "github.com/pocketbase/pocketbase/core"

// PhoneNumbers are the lines people ring. Each has a copy at Vapi, which asks
// us who answers.
const PhoneNumbers = "phone_numbers"

// States of a number. Only an active one is answered by an assistant.
const (
	NumberActive    = "active"
	NumberInactive  = "inactive"
	NumberSuspended = "suspended"
	NumberPending   = "pending"
)

// NumberProviders are where a number can live. `byo` is a SIP trunk, `other` a
// record without a provider behind it.
var NumberProviders = []string{"vapi", "twilio", "vonage", "telnyx", "byo", "other"}

// NumberTypes say what a number is used for.
var NumberTypes = []string{"voice", "sms", "both"}

func phoneNumbers() *core.Collection {
	number := text("phone_number", 40)
	number.Pattern = `^(\+[1-9][0-9]{2,14})?$` // E.164, or empty until the provider gives one
	fields := []core.Field{
		number,
		text("friendly_name", nameMax),
		required(choice("provider", NumberProviders...)),
		choice("number_type", NumberTypes...),
		choice("status", NumberActive, NumberInactive, NumberSuspended, NumberPending),
		text("country_code", 5),
		object("capabilities", SmallJSON),
		relation("assistant", Assistants),
		text("assigned_to", nameMax),
		text("area_code", 3),
		text("fallback_number", 40),
		text("fallback_message", 1_000),
		integer("monthly_cost_minor"),
		text("currency", 3),
		text("twilio_account_sid", shortMax),
		secret("twilio_auth_token"),
		text("credential_id", shortMax),
		text("sip_uri", shortMax),
		object("config", SmallJSON),
		object("metadata", SmallJSON),
		relation("created_by", Users),
	}
	c := tenant(PhoneNumbers, append(fields, mirrored("vapi_phone_id")...)...)
	unique(c, "vapi_phone_id", "vapi_phone_id != ''")
	unique(c, "organization, phone_number", "phone_number != ''")
	index(c, "assistant")
	index(c, "organization, created")
	index(c, "created_by")
	manage := Role("organization", Owner, Admin)
	server := append(mirrorColumns("vapi_phone_id"), "created_by")
	access(c, Member("organization"), Member("organization"), Create(manage, server...),
		Update(manage, append(server, "provider")...), manage)
	return c
}

var _ = declare(PhoneNumbers, phoneNumbers, Traits{
	Personal: []string{"assigned_to", "fallback_number", "metadata"},
	Plain: []string{
		"phone_number", "friendly_name", "country_code", "capabilities", "area_code", "fallback_message", "currency",
		"twilio_account_sid", "credential_id", "sip_uri", "config", "vapi_phone_id",
	},
	Keys:   KeysWrite,
	Logged: true,
})
