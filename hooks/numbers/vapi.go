package numbers

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/vapi"
)

// phoneID is the column with Vapi's id.
const phoneID = "vapi_phone_id"

// fields are the columns a copy is made of. The assistant is not among them:
// who answers is decided when the phone rings.
var fields = []string{
	"provider", "phone_number", "friendly_name", "fallback_number", "fallback_message", "twilio_account_sid",
	"twilio_auth_token", "credential_id",
}

// clearable are keys that are sent as null when they were set before and are
// not any more.
var clearable = []string{"fallbackDestination", "name"}

// once are keys that belong to the making of a copy and are never sent again.
var once = []string{"provider", "numberDesiredAreaCode"}

// toNumber is the copy of a number. token is the opened Twilio token.
// https://docs.vapi.ai/api-reference/phone-numbers/create
func toNumber(n *core.Record, token string, server *vapi.Server) *vapi.PhoneNumberDTO {
	dto := &vapi.PhoneNumberDTO{
		Provider: n.GetString("provider"),
		Name:     n.GetString("friendly_name"), // cut to 40 characters when sent
		Server:   vapi.Value(server),
	}
	if number := n.GetString("fallback_number"); number != "" {
		dto.FallbackDestination = vapi.Value(&vapi.Destination{Type: "number", Number: number,
			Message: n.GetString("fallback_message")})
	}
	number := n.GetString("phone_number")
	switch dto.Provider {
	case "vapi":
		dto.NumberDesiredAreaCode = n.GetString("area_code")
	case "twilio":
		dto.Number, dto.TwilioAccountSID, dto.TwilioAuthToken = number, n.GetString("twilio_account_sid"), token
		// NB! Left out, the import takes over the number's messages too.
		dto.SMSEnabled = vapi.Ptr(false)
	case "vonage", "telnyx":
		dto.Number, dto.CredentialID = number, n.GetString("credential_id")
	case "byo":
		dto.Provider = "byo-phone-number"
		dto.Number, dto.CredentialID = number, n.GetString("credential_id")
	}
	return dto
}

// apply writes Vapi's answer into the row.
func apply(n *core.Record, answer *vapi.PhoneNumber) {
	if answer.Number != "" && n.GetString("provider") == "vapi" {
		n.Set("phone_number", answer.Number)
	}
	if answer.SIPURI != "" {
		n.Set("sip_uri", answer.SIPURI)
	}
	n.Set("status", statusAfter(n.GetString("status"), answer.Status))
}

// statusAfter is our status of a number after Vapi told its own. A number that
// a person switched off stays off.
func statusAfter(ours, vapis string) string {
	switch {
	case vapis == "blocked":
		return collections.NumberSuspended
	case vapis == "activating" && ours == "":
		return collections.NumberPending
	case vapis == "activating" || ours != "" && ours != collections.NumberPending:
		return ours
	}
	return collections.NumberActive
}
