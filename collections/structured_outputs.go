package collections

import "github.com/pocketbase/pocketbase/core"

// StructuredOutputs are what the provider is asked to tell of every finished
// call: one set for the account, linked by every assistant's copy. The server
// makes the rows; no client reads or writes them.
const StructuredOutputs = "structured_outputs"

// What is told of a call.
const (
	OutputSummary = "summary"
	OutputSuccess = "success"
	OutputMood    = "mood"
)

// Outputs are all of them.
var Outputs = []string{OutputSummary, OutputSuccess, OutputMood}

// OutputTitle is the name an output has at the provider, by which reports tell
// it.
func OutputTitle(name string) string { return "Pocketline " + name }

func structuredOutputs() *core.Collection {
	c := base(StructuredOutputs, append([]core.Field{required(choice("name", Outputs...))},
		mirrored("vapi_output_id")...)...)
	unique(c, "name", "")
	readOnly(c, "")
	return c
}

var _ = declare(StructuredOutputs, structuredOutputs, Traits{
	Plain: []string{"vapi_output_id"},
})
