package assistants

import (
	"strings"
	"testing"

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
	for name, bad := range map[string]map[string]any{
		"nothing said":       {"messages": []any{}},
		"the assistant last": {"messages": []any{map[string]any{"role": "assistant", "content": "Hello"}}},
		"a system's words":   {"messages": []any{map[string]any{"role": "system", "content": "x"}, good["messages"].([]any)[0]}},
		"too long":           ask(strings.Repeat("a", turnMost+1)),
		"a model nobody has": {"draft": map[string]any{"model_provider": "gramophone"}, "messages": good["messages"]},
	} {
		if a := d.Do("POST", path, testkit.AcmeOwner, bad).Want(400).Nothing(); !strings.Contains(string(a.Body), "attention") {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	d.take()
	var answer struct{ Reply string }
	d.Do("POST", path, testkit.AcmeManager, good).Want(200).JSON(&answer)
	if !strings.Contains(answer.Reply, "three francs") {
		t.Errorf("got %q", answer.Reply)
	}
	if a, err := d.FindRecordById("assistants", testkit.AcmeAssistant); err != nil ||
		strings.Contains(a.GetString("system_prompt"), "francs") {
		t.Errorf("the draft was saved (%v)", err)
	}
	if log := d.take(); len(log) != 1 || log[0].line != "POST /chat" {
		t.Errorf("the provider was asked for %v", log)
	}
}
