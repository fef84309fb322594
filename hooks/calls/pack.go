package calls

import (
	_ "embed"
	"encoding/json"

	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

// dictionary is what Vapi's messages look like. The file never changes once rows were
// packed with it.
//
//go:embed pack_dictionary_1.txt
var dictionary []byte

// packing is how the messages of a finished call are folded into one row.
var packing = inbox.Packing{Dictionary: dictionary, Lean: lean, Key: keyOf}

// kept are the parts of an applied message that have rows of their own: the
// conversation in messages and call_events, the rest of the report in
// call_reports.
var kept = map[string][]string{
	vapi.TypeEndOfCallReport: {
		"artifact", "analysis", "costs", "costBreakdown", "summary", "transcript", "messages",
	},
	vapi.TypeTranscript: {"transcript"},
}

// lean is a message's payload without them.
func lean(kind string, payload []byte) []byte {
	names, known := kept[kind]
	var body struct {
		Message map[string]json.RawMessage `json:"message"`
	}
	if !known || json.Unmarshal(payload, &body) != nil || body.Message == nil {
		return payload
	}
	for _, name := range names {
		delete(body.Message, name)
	}
	out, err := json.Marshal(body)
	if err != nil {
		return payload
	}
	return out
}

// keyOf is the key a stored message has by itself; "" when it cannot be read.
func keyOf(payload []byte) string {
	m, err := vapi.ParseMessage(payload)
	if err != nil {
		return ""
	}
	return m.EventKey()
}
