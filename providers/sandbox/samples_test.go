package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// optionalInSamples are fields a message may lack although its sample has them.
var optionalInSamples = map[string]string{
	"assistant.voice":                                     "the assistant under test has none",
	"assistant.maxDurationSeconds":                        "not set on the assistant under test",
	"assistant.artifactPlan":                              "not set on the assistant under test",
	"assistant.monitorPlan":                               "not set on the assistant under test",
	"assistant.firstMessageMode":                          "not set on the assistant under test",
	"assistant.model.temperature":                         "not set on the assistant under test",
	"assistant.model.maxTokens":                           "not set on the assistant under test",
	"assistant.model.toolIds":                             "its tools are inline",
	"assistant.server.timeoutSeconds":                     "not set on the assistant under test",
	"phoneNumber.server.timeoutSeconds":                   "not set on the number under test",
	"phoneNumber.name":                                    "not set on the number under test",
	"assistant.transcriber.model":                         "not set on the assistant under test",
	"analysis.structuredData":                             "no plan asks for it",
	"artifact.structuredOutputs":                          "none are set",
	"artifact.variableValues.callerName":                  "a variable of the sample",
	"parameters":                                          "what a handoff's schema asks for",
	"session.name":                                        "not set on the session under test",
	"session.customer":                                    "not set on the session under test",
	"session.phoneNumberId":                               "not set on the session under test",
	"name":                                                "not set on the call under test",
	"customer.name":                                       "the caller's name is not known",
	"newAssistant.firstMessage":                           "",
	"toolWithToolCallList.0.function.description":         "not set on the tool under test",
	"toolWithToolCallList.0.function.parameters.required": "not set on the tool under test",
	"toolWithToolCallList.0.server":                       "the tool has no server of its own",
}

// lacks lists what a message has not although the sample has it, or has with another type.
func lacks(sample, got any, at string) []string {
	if _, optional := optionalInSamples[strings.TrimPrefix(at, ".")]; optional && got == nil {
		return nil
	}
	switch want := sample.(type) {
	case object:
		o, ok := got.(object)
		if !ok {
			return []string{fmt.Sprintf("%s is %T, want an object", at, got)}
		}
		var found []string
		for k, v := range want {
			if k == "properties" || k == "headers" {
				continue
			}
			found = append(found, lacks(v, o[k], at+"."+k)...)
		}
		return found
	case []any:
		items, ok := got.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T, want a list", at, got)}
		}
		if len(want) > 0 && len(items) == 0 && !strings.HasSuffix(at, "messages") {
			return []string{at + " is empty"}
		}
		if len(want) > 0 && len(items) > 0 {
			return lacks(want[0], items[0], fmt.Sprintf("%s.0", at))
		}
		return nil
	}
	if fmt.Sprintf("%T", sample) != fmt.Sprintf("%T", got) {
		return []string{fmt.Sprintf("%s is %T, want %T", at, got, sample)}
	}
	return nil
}

func sampleOf(t *testing.T, name string) object {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var body object
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestMessages_have_every_field_of_the_samples(t *testing.T) {
	b := newBench(t)
	b.answers(func(m object, w http.ResponseWriter) bool {
		switch str(m, "type") {
		case "assistant-request":
			writeJSON(w, 200, object{"assistantId": b.all("assistant")[0]["id"]})
		case "transfer-destination-request":
			writeJSON(w, 200,
				object{"destination": object{"type": "number", "number": "+14155550177", "message": "Putting you through."}})
		default:
			return false
		}
		return true
	})
	tools := []any{functionTool("check_availability",
		object{"date": object{"type": "string"}, "partOfDay": object{"type": "string"}}), object{"type": "transferCall"}}
	a := b.assistant(object{"model": object{"provider": "openai", "model": "gpt-4o-mini", "tools": tools,
		"messages":      []any{object{"role": "system", "content": "You answer for Marlow Dental."}},
		"knowledgeBase": object{"provider": "custom-knowledge-base", "server": object{"url": b.receiver.URL}}}})
	number := b.number(nil)
	for _, order := range []object{{"script": "angry", "language": "fr"}, {"script": "booking"}} {
		id := b.ringing(with(order, object{"phoneNumberId": number["id"]}))
		b.must("DELETE", "/call/"+id, nil)
	}
	session := b.must("POST", "/session", object{"assistantId": a["id"], "messages": []any{}})
	b.must("POST", "/chat", object{"sessionId": session["id"], "input": "Hello"})
	until(t, func() bool {
		return len(b.received("call.deleted")) == 2 && len(b.received("chat.created")) == 1 &&
			len(b.received("session.created")) == 1
	})

	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d samples: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		sample := obj(sampleOf(t, name), "message")
		if sample == nil {
			continue // a REST body, below
		}
		var best []string
		compared := false
		for _, m := range b.received(str(sample, "type")) {
			if str(m, "status") != str(sample, "status") || str(m, "transcriptType") != str(sample, "transcriptType") ||
				str(m, "role") != str(sample, "role") ||
				fmt.Sprintf("%T", m["output"]) != fmt.Sprintf("%T", sample["output"]) ||
				str(m, "request") != str(sample, "request") {
				continue
			}
			if found := lacks(sample, m, ""); !compared || len(found) < len(best) {
				best, compared = found, true
			}
		}
		if !compared {
			t.Errorf("%s: no such message was sent", name)
		}
		for _, what := range best {
			t.Errorf("%s: %s", name, what)
		}
	}
	made := b.must("POST", "/call", object{"assistantId": a["id"], "phoneNumberId": number["id"],
		"customer": object{"number": "+14155550142"}})
	for _, what := range lacks(sampleOf(t, "rest.call-created"), made, "") {
		t.Errorf("POST /call: %s", what)
	}
	b.waitFor(str(made, "id"))
}
