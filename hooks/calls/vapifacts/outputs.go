package vapifacts

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/vapi"
)

// findings are what a report tells of the conversation as a whole: by the account's
// structured outputs, and by the older analysis where those say nothing.
type findings struct {
	summary, success string
	data             json.RawMessage // an object with the mood
	others           map[string]json.RawMessage
}

// readOutputs reads both. Outputs are told by their names: the ids are the
// provider's, and another installation may have made them.
func readOutputs(m *vapi.Message) findings {
	t := findings{success: m.Analysis.SuccessEvaluation, summary: m.Summary, data: m.Analysis.StructuredData}
	var all map[string]json.RawMessage
	if json.Unmarshal(m.Artifact.StructuredOutputs, &all) != nil {
		return t // none, or none that anybody could show
	}
	t.others = map[string]json.RawMessage{}
	var summary, success string
	var mood json.RawMessage
	for _, id := range slices.Sorted(maps.Keys(all)) {
		var one struct {
			Name   string          `json:"name"`
			Result json.RawMessage `json:"result"`
		}
		// What cannot be read has no name of ours.
		_ = json.Unmarshal(all[id], &one)
		switch one.Name {
		case collections.OutputTitle(collections.OutputSummary):
			summary = cmp.Or(summary, plain(one.Result, collections.OutputSummary))
		case collections.OutputTitle(collections.OutputSuccess):
			success = cmp.Or(success, plain(one.Result, collections.OutputSuccess))
		case collections.OutputTitle(collections.OutputMood):
			if mood == nil && sentiment(one.Result) != "" {
				mood = one.Result
			}
		default:
			t.others[id] = all[id]
		}
	}
	t.summary, t.success = cmp.Or(summary, t.summary), cmp.Or(success, t.success)
	if mood != nil {
		t.data = mood
	}
	return t
}

// plain is a result as text; models also wrap it in an object of the asked name.
func plain(raw json.RawMessage, name string) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return ""
	}
	if object, ok := value.(map[string]any); ok {
		value = object[name]
	}
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// analysis is what is stored with the report.
func (t findings) analysis() map[string]any {
	out := map[string]any{}
	if t.success != "" {
		out["success_evaluation"] = t.success
	}
	if len(t.data) > 0 {
		out["structured_data"] = t.data
	}
	if len(t.others) > 0 {
		out["structured_outputs"] = t.others
	}
	return out
}

// sentiment reads the structured data an assistant may ask for; "" without a word
// that is one of collections.Sentiments.
func sentiment(data json.RawMessage) string {
	var s struct {
		Sentiment string `json:"sentiment"`
	}
	if len(data) == 0 || json.Unmarshal(data, &s) != nil {
		return "" // free-form data without our field
	}
	for _, known := range collections.Sentiments {
		if strings.EqualFold(s.Sentiment, known) {
			return known
		}
	}
	return ""
}
