package assistants

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestTry_answers_from_what_is_not_saved_and_stores_nothing(t *testing.T) {
	d := open(t)
	path := "/api/assistants/" + testkit.AcmeAssistant + "/try"
	ask := func(text string) map[string]any {
		return map[string]any{
			"draft":    map[string]any{"system_prompt": "A parking place costs three francs an hour.", "model_temperature": nil},
			"messages": []any{map[string]any{"role": "user", "content": text}},
		}
	}
	good := ask("How many francs an hour is a parking place?")
	d.Do("POST", path, testkit.Guest, good).Want(401).Nothing()
	d.Do("POST", path, testkit.BoltOwner, good).Want(404).Nothing()
	d.Do("POST", path, testkit.AcmeViewer, good).Want(403).Nothing()
	d.Do("POST", "/api/assistants/nobody000000000/try", testkit.AcmeOwner, good).Want(404).Nothing()
	for name, bad := range map[string]struct {
		body  map[string]any
		field string
	}{
		"nothing said":       {map[string]any{"messages": []any{}}, "messages"},
		"the assistant last": {map[string]any{"messages": []any{map[string]any{"role": "assistant", "content": "Hello"}}}, "messages"},
		"a system's words": {
			map[string]any{"messages": []any{map[string]any{"role": "system", "content": "x"}, good["messages"].([]any)[0]}}, "messages",
		},
		"too long": {ask(strings.Repeat("a", turnMost+1)), "messages"},
		"a model nobody has": {
			map[string]any{"draft": map[string]any{"model_provider": "gramophone"}, "messages": good["messages"]}, "model_provider",
		},
	} {
		var told struct{ Details map[string]string }
		d.Do("POST", path, testkit.AcmeOwner, bad.body).Want(400).Nothing().JSON(&told)
		if len(told.Details) != 1 || told.Details[bad.field] == "" {
			t.Errorf("%s: told %v, want what is wrong with %s", name, told.Details, bad.field)
		}
	}
	d.take()
	var answer struct {
		Reply    string
		Warnings []string
	}
	d.Do("POST", path, testkit.AcmeManager, good).Want(200).JSON(&answer)
	if !strings.Contains(answer.Reply, "three francs") || len(answer.Warnings) > 0 {
		t.Errorf("got %q with %q", answer.Reply, answer.Warnings)
	}
	if a, err := d.FindRecordById("assistants", testkit.AcmeAssistant); err != nil ||
		strings.Contains(a.GetString("system_prompt"), "francs") {
		t.Errorf("the draft was saved (%v)", err)
	}
	if log := d.take(); len(log) != 1 || log[0].line != "POST /chat" {
		t.Errorf("the provider was asked for %v", log)
	}
}

// What the provider bills is not for whom calls are refused.
func TestTry_is_not_for_who_may_not_spend(t *testing.T) {
	d := open(t)
	path := "/api/assistants/" + testkit.AcmeAssistant + "/try"
	hello := map[string]any{"messages": []any{map[string]any{"role": "user", "content": "Hello"}}}
	d.take()
	for _, one := range []struct {
		column, value string
		status        int
	}{
		{"balance_state", collections.BalanceEmpty, 402}, {"status", collections.OrganizationSuspended, 403},
	} {
		d.Set(collections.Organizations, testkit.Acme, map[string]any{one.column: one.value})
		d.Do("POST", path, testkit.AcmeOwner, hello).Want(one.status).Nothing()
	}
	if log := d.take(); len(log) != 0 {
		t.Errorf("the provider was asked for %v", log)
	}
}
