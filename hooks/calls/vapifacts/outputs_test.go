package vapifacts

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/providers/vapi"
)

// The account's structured outputs and the older analysis are both read; where
// both say something the outputs win.
func TestReport_is_told_by_outputs_and_by_the_older_analysis(t *testing.T) {
	const old = `{"summary":"Old words.","successEvaluation":"false","structuredData":{"sentiment":"negative","intent":"old"}}`
	output := func(name, result string) string {
		return fmt.Sprintf(`{"name":%q,"result":%s}`, collections.OutputTitle(name), result)
	}
	summary, success := output("summary", `"New words."`), output("success", `true`)
	mood := output("mood", `{"sentiment":"positive","intent":"new"}`)
	type row struct{ summary, success, sentiment, intent, others string }
	for name, one := range map[string]struct {
		analysis, outputs string
		want              row
	}{
		"both": {old, `{"a":` + summary + `,"b":` + success + `,"c":` + mood + `}`,
			row{"New words.", "true", "positive", "new", ""}},
		"outputs alone": {`{}`, `{"a":` + summary + `,"b":` + success + `,"c":` + mood + `}`,
			row{"New words.", "true", "positive", "new", ""}},
		"the older alone": {old, `null`, row{"Old words.", "false", "negative", "old", ""}},
		"each by itself":  {old, `{"b":` + success + `}`, row{"Old words.", "true", "negative", "old", ""}},
		"a failed call":   {`{}`, `{"b":` + output("success", `false`) + `}`, row{"", "false", "", "", ""}},
		"results without text": {old, `{"a":` + output("summary", `null`) + `,"b":` + output("success", `7`) +
			`,"c":` + output("mood", `[]`) + `}`, row{"Old words.", "false", "negative", "old", ""}},
		"results in an object": {`{}`, `{"a":` + output("summary", `{"summary":"New words."}`) + `,"b":` +
			output("success", `{"success":true}`) + `}`,
			row{"New words.", "true", "", "", ""}},
		"somebody else's": {old, `{"x":{"name":"summary","result":"Not ours."},"y":7,"a":` + summary + `}`,
			row{"New words.", "false", "negative", "old", `{"x":{"name":"summary","result":"Not ours."},"y":7}`}},
		"no object": {old, `[1]`, row{"Old words.", "false", "negative", "old", ""}},
	} {
		body := `{"message":{"type":"end-of-call-report","timestamp":1795014317310,"endedReason":"customer-ended-call","call":{"id":"c"},` +
			`"startedAt":"2026-11-18T15:04:10Z","endedAt":"2026-11-18T15:05:10Z","analysis":` + one.analysis +
			`,"artifact":{"structuredOutputs":` + one.outputs + `}}}`
		m, err := vapi.ParseMessage([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		// What is stored of a message is applied again later: it has to say the same.
		again, err := vapi.ParseMessage(m.Reduced())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*vapi.Message{m, again} {
			c, ch := fold.Apply(fold.Call{}, Of(m), "US")
			stored, err := json.Marshal(ch.Report.Analysis)
			if err != nil {
				t.Fatal(err)
			}
			var report struct {
				Success string                  `json:"success_evaluation"`
				Others  json.RawMessage         `json:"structured_outputs"`
				Mood    struct{ Intent string } `json:"structured_data"`
			}
			if err := json.Unmarshal(stored, &report); err != nil {
				t.Fatal(err)
			}
			got := row{c.Summary, c.Success, c.Sentiment, report.Mood.Intent, string(report.Others)}
			if got != one.want || report.Success != one.want.success {
				t.Errorf("%s: got %+v, stored %s", name, got, stored)
			}
		}
	}
	c, _ := fold.Apply(fold.Call{}, Of(message(t, vapi.TypeEndOfCallReport, beginning, func(m *vapi.Message) {
		m.EndedReason = "customer-ended-call"
		m.Artifact.StructuredOutputs = json.RawMessage(`{"b":` + success + `}`)
	})), "US")
	if c.Resolution != collections.ResolutionResolved {
		t.Errorf("a call that succeeded by its output is %s", c.Resolution)
	}
}
