package assistants

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/providers/vapi"
)

// row makes a record of a collection without a database.
func row(t *testing.T, collection string, fields map[string]any) *core.Record {
	t.Helper()
	r := core.NewRecord(collections.ByName(collection))
	r.Id = "rec000000000001"
	r.Load(fields)
	return r
}

// encode is the copy as it is sent.
func encode(t *testing.T, v any) map[string]any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// at follows a path of keys and indexes ("model.messages.0.content") and gives
// JSON, "absent" when there is nothing.
func at(t *testing.T, doc any, path string) string {
	t.Helper()
	for _, key := range strings.Split(path, ".") {
		switch v := doc.(type) {
		case map[string]any:
			one, ok := v[key]
			if !ok {
				return "absent"
			}
			doc = one
		case []any:
			i := int(key[0] - '0')
			if i >= len(v) {
				return "absent"
			}
			doc = v[i]
		default:
			return "absent"
		}
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestToAssistant(t *testing.T) {
	base := map[string]any{
		"organization": "org000000000001", "name": "Front desk", "model_provider": "openai", "model_name": "gpt-4.1-mini",
		"voice_provider": "vapi", "voice_id": "Elliot", "transcriber_provider": "deepgram", "transcriber_model": "nova-3",
		"language": "fr-CA",
	}
	for _, c := range []struct {
		name string
		set  map[string]any
		want map[string]string // path → JSON
	}{
		{"what every copy has", nil, map[string]string{
			"name":       `"Front desk"`,
			"server.url": `"https://desk.example.com/api/webhooks/vapi"`, "server.timeoutSeconds": "20",
			"server.headers.X-Vapi-Secret": `"s3cret"`,
			"server.backoffPlan.type":      `"exponential"`, "server.backoffPlan.maxRetries": "3",
			"server.backoffPlan.baseDelaySeconds": "1",
			"model.provider":                      `"openai"`, "model.model": `"gpt-4.1-mini"`, "model.toolIds": `["tool-1"]`,
			"model.tools":    `[{"type":"endCall"}]`,
			"voice.provider": `"vapi"`, "voice.voiceId": `"Elliot"`, "voice.speed": "absent",
			"transcriber.provider": `"deepgram"`, "transcriber.model": `"nova-3"`, "transcriber.language": `"fr-CA"`,
			"voice.language":                `"fr-CA"`,
			"artifactPlan.recordingEnabled": "false", "monitorPlan.listenEnabled": "true", "monitorPlan.controlEnabled": "true",
			"analysisPlan": "absent",
			"firstMessage": "absent", "endCallMessage": "absent", "voicemailMessage": "absent", "endCallPhrases": "absent",
			"maxDurationSeconds": "absent", "silenceTimeoutSeconds": "absent", "assistantId": "absent",
		}},
		{"prompt, personality and language", map[string]any{"system_prompt": " Be brief. ", "personality": "warm"},
			map[string]string{
				"model.messages.0.role":    `"system"`,
				"model.messages.0.content": `"Be brief.\n\nYour personality: warm\n\nSpeak French unless the caller prefers another language."`,
			}},
		{"a language without a name", map[string]any{"system_prompt": "Be brief.", "language": "xx"}, map[string]string{
			"model.messages.0.content": `"Be brief.\n\nSpeak the language with the code \"xx\" unless the caller prefers another language."`,
		}},
		{"a long name is cut", map[string]any{"name": strings.Repeat("é", 60)},
			map[string]string{"name": `"` + strings.Repeat("é", 40) + `"`}},
		{"speed within what the voice takes", map[string]any{"voice_provider": "11labs", "voice_id": "v",
			"voice_speed": 3, "voice_stability": 0.4}, map[string]string{
			"voice.speed": "1.2", "voice.stability": "0.4", "voice.provider": `"11labs"`,
		}},
		{"stability is one provider's", map[string]any{"voice_stability": 0.4, "voice_speed": 0.1},
			map[string]string{"voice.stability": "absent", "voice.speed": "0.25"}},
		{"no voice chosen", map[string]any{"voice_id": ""}, map[string]string{"voice": "absent"}},
		{"the old word for a voice", map[string]any{"voice_provider": "elevenlabs", "voice_id": "v"},
			map[string]string{"voice.provider": `"11labs"`}},
		{"a language as its transcriber spells it", map[string]any{"transcriber_provider": "google", "transcriber_model": ""},
			map[string]string{
				"transcriber.language": `"French"`, "transcriber.model": "absent",
			}},
		{"a transcriber's own language", map[string]any{"transcriber_language": "multi"},
			map[string]string{"transcriber.language": `"multi"`}},
		{"messages", map[string]any{"first_message": "Hi", "end_call_message": "Bye", "voicemail_message": "Later"},
			map[string]string{
				"firstMessage": `"Hi"`, "endCallMessage": `"Bye"`, "voicemailMessage": `"Later"`,
			}},
		{"phrases Vapi would refuse are left out",
			map[string]any{"end_call_phrases": []string{"goodbye", "x", strings.Repeat("y", 141)}}, map[string]string{
				"endCallPhrases": `["goodbye"]`,
			}},
		{"limits", map[string]any{"max_duration_seconds": 3, "silence_timeout_seconds": 2, "model_max_tokens": 10,
			"model_temperature": 0.3}, map[string]string{
			"maxDurationSeconds": "10", "silenceTimeoutSeconds": "5", "model.maxTokens": "50", "model.temperature": "0.3",
		}},
		{"recording", map[string]any{"recording_enabled": true}, map[string]string{"artifactPlan.recordingEnabled": "true"}},
		{"may not hang up", map[string]any{"end_call_disabled": true}, map[string]string{"model.tools": "absent"}},
		{"a person to transfer to", map[string]any{"forwarding_phone_number": "+14155550100"}, map[string]string{
			"model.tools.0.type": `"transferCall"`, "model.tools.0.destinations.0.type": `"number"`,
			"model.tools.0.destinations.0.number": `"+14155550100"`,
			"model.tools.1":                       `{"type":"endCall"}`,
		}},
		{"advanced settings never replace ours", map[string]any{"config": map[string]any{
			"server": map[string]any{"url": "https://evil.example.com"}, "metadata": map[string]any{}, "firstMessage": "no",
			"credentialIds": []string{"x"},
			"serverUrl":     "https://old.example.com", "knowledgeBaseId": "kb", "backgroundSound": "off",
			"voicemailDetection": nil,
		}}, map[string]string{
			"server.url": `"https://desk.example.com/api/webhooks/vapi"`, "firstMessage": "absent",
			"credentialIds": "absent", "serverUrl": "absent", "knowledgeBaseId": "absent", "backgroundSound": `"off"`,
			"voicemailDetection": "absent",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fields := map[string]any{}
			for k, v := range base {
				fields[k] = v
			}
			for k, v := range c.set {
				fields[k] = v
			}
			d := &domain{Deps: Deps{PublicURL: "https://desk.example.com/",
				WebhookSecret: func(string) (string, error) { return "s3cret", nil }}}
			record := row(t, collections.Assistants, fields)
			server, err := d.server(record)
			if err != nil {
				t.Fatal(err)
			}
			doc := encode(t, toAssistant(record, []string{"tool-1"}, server))
			for path, want := range c.want {
				if got := at(t, doc, path); got != want {
					t.Errorf("%s: got %s, want %s", path, got, want)
				}
			}
		})
	}
}

func TestToAssistant_asks_for_what_we_handle_and_never_for_call_control(t *testing.T) {
	for _, message := range serverMessages {
		if !slices.Contains(vapi.ServerMessages, message) {
			t.Errorf("Vapi refuses %q", message)
		}
	}
	if slices.Contains(serverMessages, vapi.TypePhoneCallControl) {
		t.Error("phone-call-control would leave hanging up to us")
	}
	doc := encode(t, toAssistant(row(t, collections.Assistants, nil), nil, vapi.NewServer("https://x", "")))
	if got := at(t, doc, "model.toolIds"); got != "[]" {
		t.Errorf("without functions toolIds is %s, which would not clear the list", got)
	}
}

func TestAssistantFields_are_columns_and_clearable_keys_are_not_ours_to_keep(t *testing.T) {
	for collection, fields := range map[string][]string{collections.Assistants: assistantFields,
		collections.Functions: toolFields} {
		for _, name := range fields {
			if collections.ByName(collection).Fields.GetByName(name) == nil {
				t.Errorf("%s has no column %s", collection, name)
			}
		}
	}
	for _, name := range []string{"server", "model", "metadata", "name", "serverMessages"} {
		if slices.Contains(clearable, name) {
			t.Errorf("%s must never be cleared", name)
		}
	}
}

func TestToTool(t *testing.T) {
	d := &domain{Deps: Deps{PublicURL: "https://desk.example.com",
		WebhookSecret: func(string) (string, error) { return "s3cret", nil }}}
	for _, c := range []struct {
		name string
		set  map[string]any
		want map[string]string
	}{
		{"a function", map[string]any{
			"name": "book", "description": "Books.", "async": true, "timeout_ms": 5_000,
			"webhook_url": "https://shop.example.com/book", "headers": "k1:x",
			"parameters": map[string]any{"type": "object", "properties": map[string]any{"day": map[string]any{"type": "string"}},
				"required": []string{"day"}, "$schema": "https://json-schema.org/draft/2020-12/schema"},
		}, map[string]string{
			"type": `"function"`, "function.name": `"book"`, "function.description": `"Books."`, "async": "true",
			"function.parameters": `{"properties":{"day":{"type":"string"}},"required":["day"],"type":"object"}`,
			"server.url":          `"https://desk.example.com/api/webhooks/vapi"`, "server.timeoutSeconds": "20",
			"server.headers.X-Pocketline-Record": `"rec000000000001"`, "server.headers.X-Vapi-Secret": `"s3cret"`,
			"headers": "absent", "messages": "absent",
		}},
		{"without arguments", map[string]any{"name": "book"}, map[string]string{
			"function.parameters": `{"properties":{},"type":"object"}`, "async": "false",
		}},
		{"Vapi waits longer than we do", map[string]any{"name": "book", "timeout_ms": 30_500},
			map[string]string{"server.timeoutSeconds": "36"}},
		{"messages as they were typed",
			map[string]any{"name": "book", "messages": []map[string]any{{"type": "request-start", "blocking": true}}},
			map[string]string{"messages": `[{"blocking":true,"type":"request-start"}]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dto, err := d.functionCopy(row(t, collections.Functions, c.set), mirror.Mark{Record: "rec000000000001"})
			if err != nil {
				t.Fatal(err)
			}
			doc := encode(t, dto)
			for path, want := range c.want {
				if got := at(t, doc, path); got != want {
					t.Errorf("%s: got %s, want %s", path, got, want)
				}
			}
		})
	}
}
