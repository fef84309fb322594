package vapi

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestReplies_have_the_documented_shape(t *testing.T) {
	for _, c := range []struct {
		file  string
		reply any
	}{
		{"assistant-request.response-assistant-id.json",
			AssistantRequestReply{AssistantID: "b3a9e8d2-6c17-4f58-8a2e-91d4c07f3b65",
				AssistantOverrides: &AssistantOverrides{VariableValues: map[string]any{"callerName": "Priya",
					"openUntil": "18:00"}}}},
		{"assistant-request.response-squad.json", AssistantRequestReply{SquadID: "a05d7c3e-8f14-4b29-9e60-c3d8f1a2b746"}},
		{"assistant-request.response-error.json",
			AssistantRequestReply{Error: "Sorry, this line is not taking calls at the moment. Please try again later."}},
		{"assistant-request.response-destination.json",
			AssistantRequestReply{Destination: &Destination{Type: "number", Number: "+14155550177",
				Message: "We are closed. Putting you through to the emergency line.", NumberE164CheckEnabled: Ptr(true)}}},
		{"assistant-request.response-transient.json",
			AssistantRequestReply{Assistant: &AssistantDTO{Name: "Front desk",
				FirstMessage: Value("Marlow Dental, good morning. How can I help?"),
				Model: &Model{Provider: "openai", Model: "gpt-4o-mini", ToolIDs: []string{"9d1e6f37-48ac-4c02-b5e9-70c8a3d2f416"},
					Messages: []ChatMessage{{"system",
						"You answer the phone for Marlow Dental. Be brief and friendly. Book, move or cancel appointments with the tools you have."}}},
				Voice:       &Voice{Provider: "11labs", VoiceID: "sarah"},
				Transcriber: &Transcriber{Provider: "deepgram", Model: "nova-3", Language: "en"}}}},
		{"tool-calls.response.json",
			ToolCallsReply{[]ToolResult{{Name: "check_availability", ToolCallID: "call_kT4vXo1cQbq2LwYz8RhN5sJd",
				Result: "Free tomorrow morning:\r\n09:30 and 11:00."}}}},
		{"tool-calls.response-error.json",
			ToolCallsReply{[]ToolResult{{Name: "check_availability", ToolCallID: "call_kT4vXo1cQbq2LwYz8RhN5sJd",
				Result: "not sent", Error: "The calendar cannot be reached right now.",
				Message: &ReplyMessage{Type: "request-failed",
					Content: "I cannot see the calendar right now. Can I take your number?"}}}}},
		{"function-call.response.json", FunctionCallReply{"Free tomorrow morning: 09:30 and 11:00."}},
		{"transfer-destination-request.response.json",
			TransferReply{Destination: &Destination{Type: "number", Number: "+14155550177",
				Message: "Putting you through to Dr Marlow.", TransferPlan: &TransferPlan{Mode: "blind-transfer"}}}},
		{"transfer-destination-request.response-error.json", TransferReply{Error: "Nobody is available to take the call."}},
		{"handoff-destination-request.response.json",
			HandoffReply{Destination: &Destination{Type: "assistant", AssistantID: "e41c7a90-0d3b-4b7e-bb65-2f8e6a1d9c04",
				ContextEngineeringPlan: &ContextPlan{Type: "all"}}, Result: "Handing over to billing."}},
		{"knowledge-base-request.response.json",
			KnowledgeReply{Documents: []KnowledgeDocument{{"Cleanings take forty minutes and cost 95 dollars. Open Monday to Friday, 08:00 to 18:00.", 0.91, "0c7d52b8-1e94-4f6a-a3d1-84b9e6f20c17"}}}},
		{"knowledge-base-request.response-message.json",
			KnowledgeReply{Message: &ReplyMessage{"custom-message", "A cleaning costs ninety five dollars."}}},
		{"campaign.predial.response.json", PredialReply{true}},
		{"call.endpointing.request.response.json", EndpointingReply{0.5}},
	} {
		data, err := json.Marshal(c.reply)
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, c.file, string(data), string(file(t, c.file)))
	}
	empty, err := json.Marshal([]any{ToolResult{ToolCallID: "1", Name: "f"}, ToolCallsReply{Results: []ToolResult{}},
		KnowledgeReply{Documents: []KnowledgeDocument{}}, PredialReply{}})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "empty", string(empty),
		`[{"toolCallId":"1","name":"f","result":""},{"results":[]},{"documents":[]},{"eligible":false}]`)
}

func TestServerMessages_lists(t *testing.T) {
	if len(ServerMessages) != 28 {
		t.Errorf("%d allowed values", len(ServerMessages))
	}
	seen := map[string]bool{}
	for _, m := range append(slices.Clone(ServerMessages), RequestMessages...) {
		if seen[m] {
			t.Errorf("%s is listed twice", m)
		}
		seen[m] = true
	}
}
