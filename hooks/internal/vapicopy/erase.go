package vapicopy

import "github.com/pocketline/pocketline/hooks/internal/outbox"

// EraseKind is the kind of the promise to delete Vapi's copy of a call.
const EraseKind = "calls.erase"

// Erasure is its payload.
type Erasure struct {
	// Call is Vapi's id of the call.
	Call string `json:"vapi_call_id"`
}

// Erase is the promise for one call of an organization: a call that is deleted makes
// it, and one whose recording is. Made twice it is one.
func Erase(organization, call string) outbox.Row {
	return outbox.Row{
		Organization: organization, Kind: EraseKind, Key: EraseKind + ":" + call, Payload: Erasure{call},
	}
}
