package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestMessages_carry_what_real_ones_carry(t *testing.T) {
	b := newBench(t)
	assistant, number := b.desk(nil)
	id := b.ringing(object{"script": "price", "phoneNumberId": number["id"], "from": "+14155550163"})
	for i, m := range b.received("") {
		if str(m, "call", "id") != id || str(m, "call", "status") != "ringing" ||
			str(m, "call", "transport", "callToken") != markerCallToken {
			t.Errorf("%s: call is %v", str(m, "type"), m["call"])
		}
		if str(m, "customer", "number") != "+14155550163" || str(m, "assistant", "id") != assistant["id"] ||
			num(m, "timestamp") == 0 {
			t.Errorf("%s: customer %v assistant %v", str(m, "type"), m["customer"], str(m, "assistant", "id"))
		}
		if str(m, "phoneNumber", "twilioAuthToken") != "token" ||
			str(m, "phoneNumber", "server", "headers", "X-Vapi-Secret") != "s3cret" {
			t.Errorf("%s: phoneNumber is %v", str(m, "type"), m["phoneNumber"])
		}
		if got := b.headers[i].Get("X-Vapi-Secret"); got != "s3cret" {
			t.Errorf("%s: secret header is %q", str(m, "type"), got)
		}
	}
}

func TestServerMessages_decide_what_is_sent(t *testing.T) {
	for name, tc := range map[string]struct {
		asked []any
		want  []string
	}{
		"default": {nil, []string{"assistant.started", "conversation-update", "end-of-call-report", "speech-update",
			"status-update"}},
		"filtered transcripts": {[]any{`transcript[transcriptType="final"]`, "end-of-call-report"},
			[]string{"end-of-call-report", `transcript[transcriptType="final"]`}},
		"none": {[]any{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			body := object{"firstMessage": "Hello", "server": b.server()}
			if tc.asked != nil {
				body["serverMessages"] = tc.asked
			}
			a := b.must("POST", "/assistant", body)
			number := b.number(object{"assistantId": a["id"]})
			b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
			var got []string
			for _, m := range b.received("") {
				got = append(got, str(m, "type"))
				if strings.HasPrefix(str(m, "type"), "transcript") && str(m, "transcriptType") != "final" {
					t.Errorf("a partial transcript under the filtered type")
				}
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRetries_follow_the_backoffPlan(t *testing.T) {
	for name, tc := range map[string]struct {
		plan any
		want int
	}{
		"none without a plan": {nil, 1},
		"three":               {object{"type": "exponential", "maxRetries": 3, "baseDelaySeconds": 1}, 4},
		"excluded status": {object{"type": "fixed", "maxRetries": 3, "baseDelaySeconds": 1,
			"excludedStatusCodes": []any{503}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.answers(func(m object, w http.ResponseWriter) bool {
				if str(m, "type") == "end-of-call-report" {
					w.WriteHeader(503)
					return true
				}
				return false
			})
			server := b.server()
			if tc.plan != nil {
				server["backoffPlan"] = tc.plan
			}
			_, number := b.desk(object{"server": server})
			id := b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
			if got := len(b.received("end-of-call-report")); got != tc.want {
				t.Errorf("the report came %d times, want %d", got, tc.want)
			}
			state := b.must("GET", "/_sandbox/calls/"+id, nil)
			deliveries := list(state, "deliveries")
			last := deliveries[len(deliveries)-1].(object)
			if str(state, "state") != "over" || len(list(last, "attempts")) != tc.want ||
				num(list(last, "attempts")[0].(object), "status") != 503 {
				t.Errorf("state %v, last delivery %v", state["state"], last)
			}
		})
	}
}

func TestRetries_stop_when_the_server_recovers(t *testing.T) {
	b := newBenchAt(t, 400)
	tries := 0
	b.answers(func(m object, w http.ResponseWriter) bool {
		if str(m, "type") != "end-of-call-report" {
			return false
		}
		b.mu.Lock()
		tries++
		failed := tries < 3
		b.mu.Unlock()
		if failed {
			w.WriteHeader(500)
		}
		return failed
	})
	server := with(b.server(), object{"backoffPlan": object{"type": "fixed", "maxRetries": 9, "baseDelaySeconds": 1}})
	_, number := b.desk(object{"server": server})
	b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
	if got := len(b.received("end-of-call-report")); got != 3 {
		t.Errorf("the report came %d times, want 3", got)
	}
}

func TestTimeout_of_the_server_object_is_honoured(t *testing.T) {
	b := newBench(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	b.answers(func(m object, w http.ResponseWriter) bool {
		if str(m, "type") == "end-of-call-report" {
			<-release
		}
		return false
	})
	_, number := b.desk(object{"server": with(b.server(), object{"timeoutSeconds": 1})})
	id := b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
	deliveries := list(b.must("GET", "/_sandbox/calls/"+id, nil), "deliveries")
	attempt := list(deliveries[len(deliveries)-1].(object), "attempts")[0].(object)
	if str(attempt, "error") != "timed out" {
		t.Errorf("attempt is %v", attempt)
	}
}

func TestCredentials_sign_the_bytes_that_are_sent(t *testing.T) {
	b := newBench(t)
	b.must("POST", "/_sandbox/settings", object{"credentials": object{
		"signed": object{"type": "hmac", "secretKey": "k3y", "signaturePrefix": "sha256="},
		"token":  object{"type": "bearer", "token": "t0ken", "headerName": "X-Vapi-Secret", "bearerPrefixEnabled": false},
	}})
	_, number := b.desk(object{"server": object{"url": b.receiver.URL, "credentialId": "signed"}})
	b.ringing(object{"script": "hangup", "phoneNumberId": number["id"]})
	for i, body := range b.bodies {
		mac := hmac.New(sha256.New, []byte("k3y"))
		mac.Write([]byte(b.headers[i].Get("X-Timestamp") + "." + string(body)))
		if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); b.headers[i].Get("X-Signature") != want {
			t.Errorf("signature %q, want %q", b.headers[i].Get("X-Signature"), want)
		}
	}
	b.must("PATCH", "/assistant/"+str(number, "assistantId"),
		object{"server": object{"url": b.receiver.URL, "credentialId": "token"}})
	b.forget()
	b.ringing(object{"script": "hangup", "phoneNumberId": number["id"]})
	if got := b.headers[0].Get("X-Vapi-Secret"); got != "t0ken" {
		t.Errorf("bearer header is %q", got)
	}
}

func TestToolCalls_come_in_every_documented_shape(t *testing.T) {
	for shape, read := range map[string]func(object) (name, date string){
		"document": func(c object) (string, string) {
			var arguments object
			_ = json.Unmarshal([]byte(str(c, "function", "arguments")), &arguments)
			return str(c, "function", "name"), str(arguments, "date")
		},
		"arguments":  func(c object) (string, string) { return str(c, "name"), str(c, "arguments", "date") },
		"parameters": func(c object) (string, string) { return str(c, "name"), str(c, "parameters", "date") },
	} {
		b := newBench(t)
		_, number := b.desk(nil)
		b.ringing(object{"script": "booking", "phoneNumberId": number["id"], "toolShape": shape, "parallel": true})
		first := b.received("tool-calls")[0]
		calls := list(first, "toolCallList")
		if len(calls) != 2 || len(list(first, "toolWithToolCallList")) != 2 {
			t.Fatalf("%s: %d calls in one message, want 2", shape, len(calls))
		}
		if name, date := read(calls[0].(object)); name != "check_availability" || len(date) != 10 {
			t.Errorf("%s: read %q %q from %v", shape, name, date, calls[0])
		}
		if entries := b.one("end-of-call-report")["messages"].([]any); len(entries) < 10 {
			t.Errorf("%s: %d messages in the report", shape, len(entries))
		}
	}
	b := newBench(t)
	b.answers(func(m object, w http.ResponseWriter) bool {
		if str(m, "type") == "function-call" {
			writeJSON(w, 200, object{"result": "Old but 12:45."})
			return true
		}
		return false
	})
	_, number := b.desk(nil)
	b.ringing(object{"script": "booking", "phoneNumberId": number["id"], "toolShape": "function-call"})
	if got := str(b.one("end-of-call-report"), "artifact", "transcript"); !strings.Contains(got, "Old but 12:45.") {
		t.Errorf("function-call result was not spoken:\n%s", got)
	}
}

func TestToolResults_that_break_the_rules_are_ignored_and_noted(t *testing.T) {
	for problem, answer := range map[string]func(m object, w http.ResponseWriter){
		"status 500": func(_ object, w http.ResponseWriter) { w.WriteHeader(500) },
		"no result for tool call": func(_ object, w http.ResponseWriter) {
			writeJSON(w, 200, object{"data": object{"result": "wrapped"}})
		},
		"result is not a string": func(m object, w http.ResponseWriter) {
			results := toolResults(m)
			results["results"].([]any)[0].(object)["result"] = object{"a": 1}
			writeJSON(w, 200, results)
		},
		"result has line breaks": func(m object, w http.ResponseWriter) {
			results := toolResults(m)
			results["results"].([]any)[0].(object)["result"] = "two\nlines"
			writeJSON(w, 200, results)
		},
	} {
		b := newBench(t)
		b.answers(func(m object, w http.ResponseWriter) bool {
			if str(m, "type") == "tool-calls" {
				answer(m, w)
				return true
			}
			return false
		})
		_, number := b.desk(nil)
		b.ringing(object{"script": "booking", "phoneNumberId": number["id"]})
		_, v := b.do("GET", "/_sandbox/deliveries?type=tool-calls", nil)
		if got := str(v.([]any)[0].(object), "problem"); !strings.HasPrefix(got, problem) {
			t.Errorf("problem is %q, want %q", got, problem)
		}
		if got := str(b.one("end-of-call-report"), "artifact", "transcript"); !strings.Contains(got,
			"I cannot see the calendar right now.") {
			t.Errorf("%s: transcript\n%s", problem, got)
		}
	}
}

func TestTools_own_server_gets_their_calls(t *testing.T) {
	b := newBench(t)
	tool := with(functionTool("check_availability", object{}), object{"server": object{"url": b.receiver.URL + "/tools"}})
	_, number := b.desk(object{"model": object{"provider": "openai", "model": "gpt-4o", "tools": []any{tool}},
		"serverMessages": []any{"end-of-call-report"}})
	b.ringing(object{"script": "booking", "phoneNumberId": number["id"]})
	_, v := b.do("GET", "/_sandbox/deliveries?type=tool-calls", nil)
	if rows := v.([]any); len(rows) != 1 || !strings.HasSuffix(str(rows[0].(object), "url"), "/tools") {
		t.Errorf("tool-calls went to %v", v)
	}
}

func TestTools_of_another_kind_of_business_are_used_by_any_script(t *testing.T) {
	b := newBench(t)
	tool := functionTool("order_pizza", object{"size": object{"type": "string", "enum": []any{"s", "l"}},
		"customer_phone": object{"type": "string"}, "count": object{"type": "integer"}})
	obj(tool, "function", "parameters")["required"] = []any{"size", "count"}
	_, number := b.desk(object{"model": object{"provider": "openai", "model": "gpt-4o", "tools": []any{tool}}})
	b.ringing(object{"script": "booking", "phoneNumberId": number["id"], "toolShape": "arguments"})
	arguments := obj(list(b.one("tool-calls"), "toolCallList")[0].(object), "arguments")
	if str(arguments, "size") != "s" || num(arguments, "count") != 1 ||
		str(arguments, "customer_phone") != "+14155550142" {
		t.Errorf("arguments are %v", arguments)
	}
}
