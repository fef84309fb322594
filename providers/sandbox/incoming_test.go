package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

func TestAssistantRequest_answers_are_followed(t *testing.T) {
	fallback := object{"type": "number", "number": "+14155550199"}
	for name, tc := range map[string]struct {
		answer   func(b *bench, w http.ResponseWriter)
		reason   string
		fallback bool
		says     string
	}{
		"assistantId": {func(b *bench, w http.ResponseWriter) {
			writeJSON(w, 200,
				object{"assistantId": b.all("assistant")[0]["id"],
					"assistantOverrides": object{"variableValues": object{"who": "Priya"}, "firstMessage": "Hello {{who}}!"}})
		}, "assistant-ended-call", false, "AI: Hello Priya!"},
		"inline": {func(b *bench, w http.ResponseWriter) {
			writeJSON(w, 200, object{"assistant": object{"name": "Inline", "firstMessage": "Inline here."}})
		}, "customer-ended-call", false, "AI: Inline here."},
		"squad": {func(b *bench, w http.ResponseWriter) {
			writeJSON(w, 200,
				object{"squad": object{"members": []any{object{"assistant": object{"name": "First",
					"firstMessage": "Member one."}}}}})
		}, "customer-ended-call", false, "AI: Member one."},
		"destination wins over assistantId": {func(b *bench, w http.ResponseWriter) {
			writeJSON(w, 200, object{"assistantId": "x", "destination": object{"type": "number", "number": "+14155550177"}})
		}, "assistant-request-returned-forwarding-phone-number", false, ""},
		"error wins over all": {func(b *bench, w http.ResponseWriter) {
			writeJSON(w, 200, object{"error": "We are closed.", "destination": fallback})
		}, "assistant-request-returned-error", false, ""},
		"wrapped in data": {func(b *bench, w http.ResponseWriter) {
			writeJSON(w, 200, object{"data": object{"assistantId": "x"}})
		}, "assistant-request-returned-no-assistant", false, ""},
		"unknown id": {func(b *bench, w http.ResponseWriter) { writeJSON(w, 200, object{"assistantId": "x"}) },
			"assistant-not-found", false, ""},
		"invalid inline": {func(b *bench, w http.ResponseWriter) {
			writeJSON(w, 200, object{"assistant": object{"serverUrl": "x"}})
		}, "assistant-request-returned-invalid-assistant", false, ""},
		"status 500": {func(b *bench, w http.ResponseWriter) { w.WriteHeader(500) },
			"assistant-request-failed", false, ""},
		"status 500 with fallback": {func(b *bench, w http.ResponseWriter) { w.WriteHeader(500) },
			"assistant-forwarded-call", true, ""},
		"not JSON": {func(b *bench, w http.ResponseWriter) { _, _ = w.Write([]byte("hello")) },
			"assistant-request-failed", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.assistant(nil)
			extra := object{}
			if tc.fallback {
				extra["fallbackDestination"] = fallback
			}
			number := b.number(extra)
			b.answers(func(m object, w http.ResponseWriter) bool {
				if str(m, "type") == "assistant-request" {
					tc.answer(b, w)
					return true
				}
				return false
			})
			b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
			request := b.received("")[0]
			if str(request, "type") != "assistant-request" || request["assistant"] != nil ||
				str(request, "call", "assistantId") != "" || request["artifact"] != nil {
				t.Errorf("first message is %v", request)
			}
			report := b.one("end-of-call-report")
			if got := str(report, "endedReason"); got != tc.reason {
				t.Errorf("ended with %s, want %s", got, tc.reason)
			}
			if got := str(report, "artifact", "transcript"); !strings.Contains(got, tc.says) {
				t.Errorf("transcript lacks %q:\n%s", tc.says, got)
			}
			failed := strings.HasPrefix(tc.reason, "assistant-not") || strings.Contains(name, "500") ||
				strings.HasPrefix(tc.reason, "assistant-request-returned-no") ||
				strings.HasPrefix(tc.reason, "assistant-request-returned-inv") || tc.reason == "assistant-request-failed"
			updates := b.received("status-update")
			last := updates[len(updates)-1]
			if got := str(last, "inboundPhoneCallDebuggingArtifacts", "assistantRequestError") != ""; got != failed {
				t.Errorf("debugging artifacts %v, want them: %v", last["inboundPhoneCallDebuggingArtifacts"], failed)
			}
			if tc.fallback && str(report, "destination", "number") != "+14155550199" {
				t.Errorf("destination is %v", report["destination"])
			}
		})
	}
}

func TestAssistantRequest_is_given_up_after_its_own_limit(t *testing.T) {
	b := newBench(t)
	if got := b.assistantRequestTimeout(); got != assistantRequestLimit {
		t.Errorf("the limit is %v", got)
	}
	b.must("POST", "/_sandbox/settings", object{"assistantRequestTimeoutMs": 50})
	number := b.number(object{"server": with(b.server(), object{"timeoutSeconds": 300})})
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	b.answers(func(m object, w http.ResponseWriter) bool {
		if str(m, "type") == "assistant-request" {
			<-release
		}
		return false
	})
	b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
	report := b.one("end-of-call-report")
	if str(report, "endedReason") != "assistant-request-failed" ||
		!strings.Contains(str(report, "inboundPhoneCallDebuggingArtifacts", "assistantRequestError"),
			"longer than 0.05 seconds") {
		t.Errorf("report is %v %v", report["endedReason"], report["inboundPhoneCallDebuggingArtifacts"])
	}
}

func TestNumber_without_assistant_and_server_cannot_be_reached(t *testing.T) {
	b := newBench(t)
	number := b.number(object{"server": nil})
	id := b.ringing(object{"phoneNumberId": number["id"]})
	if got := str(b.must("GET", "/call/"+id, nil),
		"endedReason"); got != "call-start-error-neither-assistant-nor-server-set" {
		t.Errorf("ended with %s", got)
	}
}

func TestNumber_hook_transfers_while_ringing(t *testing.T) {
	b := newBench(t)
	_, number := b.desk(nil)
	b.must("PATCH", "/phone-number/"+str(number, "id"), object{"hooks": []any{object{"on": "call.ringing",
		"do": []any{object{"type": "transfer", "destination": object{"type": "number", "number": "+14155550177"}}}}}})
	b.ringing(object{"to": number["number"]})
	if got := str(b.one("end-of-call-report"), "endedReason"); got != "call.ringing.hook-executed-transfer" {
		t.Errorf("ended with %s", got)
	}
}

func TestTransfer_asks_forwards_and_hands_off(t *testing.T) {
	model := func(tools ...any) object {
		return object{"model": object{"provider": "openai", "model": "gpt-4o", "tools": tools}}
	}
	for name, tc := range map[string]struct {
		assistant object
		answer    object
		want      []string
		reason    string
	}{
		"tool with a number": {model(object{"type": "transferCall",
			"destinations": []any{object{"type": "number", "number": "+14155550177", "message": "One moment."}}}),
			nil, []string{"phone-call-control", "status-update forwarding", "transfer-update"}, "assistant-forwarded-call"},
		"tool without destinations": {model(object{"type": "transferCall"}),
			object{"destination": object{"type": "sip", "sipUri": "sip:a@b"}},
			[]string{"transfer-destination-request", "status-update forwarding", "transfer-update"}, "assistant-forwarded-call"},
		"refused by the server": {model(object{"type": "transferCall"}), object{"error": "Nobody is here."},
			[]string{"transfer-destination-request"}, "customer-ended-call"},
		"dynamic handoff": {model(object{"type": "handoff", "destinations": []any{object{"type": "dynamic"}}}),
			object{"destination": object{"type": "assistant", "assistant": object{"name": "Billing"}}},
			[]string{"handoff-destination-request", "transfer-update"}, "customer-ended-call"},
		"no tool, but asked for": {model(), object{"destination": object{"type": "number", "number": "+14155550177"}},
			[]string{"transfer-destination-request", "status-update forwarding"}, "assistant-forwarded-call"},
		"no tool": {with(model(), object{"serverMessages": []any{"status-update", "end-of-call-report"}}),
			nil, nil, "customer-ended-call"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.answers(func(m object, w http.ResponseWriter) bool {
				if strings.HasSuffix(str(m, "type"), "-destination-request") {
					writeJSON(w, 200, tc.answer)
					return true
				}
				return false
			})
			_, number := b.desk(tc.assistant)
			b.ringing(object{"script": "angry", "phoneNumberId": number["id"]})
			order, at := b.order(), 0
			for _, kind := range order {
				if at < len(tc.want) && kind == tc.want[at] {
					at++
				}
			}
			if at < len(tc.want) {
				t.Errorf("%s is missing in %v", tc.want[at], order)
			}
			report := b.one("end-of-call-report")
			if got := str(report, "endedReason"); got != tc.reason {
				t.Errorf("ended with %s, want %s", got, tc.reason)
			}
			if tc.answer["error"] != nil && !strings.Contains(str(report, "artifact", "transcript"), "AI: Nobody is here.") {
				t.Error("the refusal was not spoken")
			}
		})
	}
}
