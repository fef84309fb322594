package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// bench is a sandbox and a receiver that stands for our server.
type bench struct {
	*Server
	t        *testing.T
	receiver *httptest.Server

	mu       sync.Mutex
	messages []object
	headers  []http.Header
	bodies   [][]byte
	// answer decides what the receiver answers; nil answers 200 {} or a tool result.
	answer func(message object, w http.ResponseWriter) bool
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchAt(t, 0)
}

func newBenchAt(t *testing.T, speed float64) *bench {
	t.Helper()
	s, err := Start(Config{Speed: speed})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Server: s, t: t}
	b.receiver = httptest.NewServer(http.HandlerFunc(b.receive))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error("close:", err)
		}
		b.receiver.Close()
	})
	return b
}

// answers sets what the receiver answers; false leaves the message to the default.
func (b *bench) answers(answer func(message object, w http.ResponseWriter) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

// forget drops what was received so far.
func (b *bench) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages, b.headers, b.bodies = nil, nil, nil
}

func (b *bench) receive(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body struct {
		Message object `json:"message"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		b.t.Error("the message is not JSON:", err)
	}
	b.mu.Lock()
	b.messages = append(b.messages, body.Message)
	b.headers = append(b.headers, r.Header.Clone())
	b.bodies = append(b.bodies, raw)
	answer := b.answer
	b.mu.Unlock()
	if answer != nil && answer(body.Message, w) {
		return
	}
	if str(body.Message, "type") == "tool-calls" {
		writeJSON(w, 200, toolResults(body.Message))
		return
	}
	writeJSON(w, 200, object{})
}

// toolResults answers every tool call of a message in one line each.
func toolResults(message object) object {
	results := []any{}
	for _, v := range list(message, "toolCallList") {
		call := v.(object)
		name := orElse(str(call, "function", "name"), str(call, "name"))
		result := map[string]string{
			"check_availability": "Free tomorrow morning: 10:15 and 11:00.",
			"book_appointment":   "Booked: 10:15, reference MD-2207.",
		}[name]
		results = append(results, object{"toolCallId": call["id"], "name": name, "result": orElse(result, "Fine.")})
	}
	return object{"results": results}
}

// received are the messages of a type, or all of them.
func (b *bench) received(kind string) []object {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []object
	for _, m := range b.messages {
		if kind == "" || str(m, "type") == kind {
			found = append(found, m)
		}
	}
	return found
}

func (b *bench) one(kind string) object {
	b.t.Helper()
	found := b.received(kind)
	if len(found) != 1 {
		b.t.Fatalf("got %d %s messages, want 1", len(found), kind)
	}
	return found[0]
}

// order is what arrived: types, with status, role and transcript type.
func (b *bench) order() []string {
	var all []string
	for _, m := range b.received("") {
		kind := str(m, "type")
		for _, field := range []string{"status", "role", "transcriptType"} {
			if v := str(m, field); v != "" {
				kind += " " + v
			}
		}
		all = append(all, kind)
	}
	return all
}

// do sends a request with the key and decodes the answer.
func (b *bench) do(method, path string, body any) (int, any) {
	b.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequest(method, b.URL()+path, bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.Key())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var v any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil && err != io.EOF {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, v
}

// must sends a request that has to succeed and answers the object.
func (b *bench) must(method, path string, body any) object {
	b.t.Helper()
	status, v := b.do(method, path, body)
	if status < 200 || status > 299 {
		b.t.Fatalf("%s %s: %d %v", method, path, status, v)
	}
	o, _ := v.(object)
	return o
}

func (b *bench) server() object {
	return object{"url": b.receiver.URL + "/hook", "headers": object{"X-Vapi-Secret": "s3cret"}}
}

// every message type, so that nothing is left out of an order test.
func everything() []any {
	var all []any
	for _, kind := range serverMessageTypes {
		if kind != `transcript[transcriptType="final"]` {
			all = append(all, kind)
		}
	}
	return all
}

func functionTool(name string, properties object) object {
	return object{"type": "function",
		"function": object{"name": name, "parameters": object{"type": "object", "properties": properties}}}
}

func (b *bench) assistant(extra object) object {
	return b.must("POST", "/assistant", with(object{
		"name": "Front desk", "firstMessage": "Marlow Dental, good morning. How can I help?", "server": b.server(),
		"serverMessages": everything(),
		"transcriber":    object{"provider": "deepgram", "language": "en"},
		"model": object{"provider": "openai", "model": "gpt-4o-mini",
			"messages": []any{object{"role": "system",
				"content": "You answer for Marlow Dental. A cleaning costs $95. Open Monday to Friday."}},
			"tools": []any{
				functionTool("check_availability",
					object{"date": object{"type": "string"},
						"partOfDay": object{"type": "string", "enum": []any{"afternoon", "morning"}}}),
				functionTool("book_appointment",
					object{"slotId": object{"type": "string"}, "customerName": object{"type": "string"}}),
				object{"type": "endCall"},
			}},
	}, extra))
}

func (b *bench) number(extra object) object {
	return b.must("POST", "/phone-number", with(object{
		"provider": "twilio", "number": "+14155550100", "twilioAccountSid": "AC1", "twilioAuthToken": "token",
		"server": b.server(),
	}, extra))
}

// ringing plays an incoming call to its end and answers its id.
func (b *bench) ringing(order object) string {
	b.t.Helper()
	id := str(b.must("POST", "/_sandbox/calls", order), "callId")
	b.waitFor(id)
	return id
}

func (b *bench) waitFor(id string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := b.Wait(ctx, id); err != nil {
		b.t.Fatal(err)
	}
}

// desk is an assistant on a number.
func (b *bench) desk(extra object) (assistant, number object) {
	assistant = b.assistant(extra)
	return assistant, b.number(object{"assistantId": assistant["id"]})
}

func TestStart_refuses_what_is_not_loopback(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.168.1.4:0", "example.com:80", "nonsense"} {
		if s, err := Start(Config{Addr: addr}); err == nil {
			t.Errorf("Start(%q) listens on %s", addr, s.URL())
		}
	}
	if _, err := Start(Config{Speed: -1}); err == nil {
		t.Error("a negative speed was accepted")
	}
}

func TestKey_is_required_everywhere_but_in_the_sandbox_routes(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/assistant", "/call/x/mono-recording", "/nothing"} {
		res, err := http.Get(b.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		var body object
		_ = json.NewDecoder(res.Body).Decode(&body)
		res.Body.Close()
		if res.StatusCode != 401 || str(body, "error") != "Unauthorized" || num(body, "statusCode") != 401 {
			t.Errorf("%s without key: %d %v", path, res.StatusCode, body)
		}
	}
	if status, _ := b.do("GET", "/_sandbox/scripts", nil); status != 200 {
		t.Errorf("scripts: %d", status)
	}
}

func TestBooking_sends_every_message_in_order(t *testing.T) {
	b := newBench(t)
	_, number := b.desk(nil)
	id := b.ringing(object{"script": "booking", "language": "en", "phoneNumberId": number["id"]})
	want := strings.Split(strings.TrimSpace(`
status-update queued
status-update ringing
status-update in-progress
assistant.started
voice-input
assistant.speechStarted
speech-update started assistant
transcript assistant partial
transcript assistant partial
transcript assistant final
speech-update stopped assistant
conversation-update
speech-update started user
transcript user partial
transcript user partial
transcript user final
speech-update stopped user
conversation-update
model-output
tool-calls
conversation-update
model-output
voice-input
assistant.speechStarted
speech-update started assistant
transcript assistant partial
transcript assistant partial
transcript assistant final
user-interrupted
speech-update stopped assistant
conversation-update`), "\n")
	got := b.order()
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("got\n%s\nwant to begin with\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if end := got[len(got)-2:]; !slices.Equal(end, []string{"status-update ended", "end-of-call-report"}) {
		t.Errorf("the call ends with %v", end)
	}
	transcript := str(b.one("end-of-call-report"), "artifact", "transcript")
	for _, part := range []string{"Free tomorrow morning: 10:15 and 11:00.", "User: 10:15, please. It's Priya Raman.",
		"reference MD-2207"} {
		if !strings.Contains(transcript, part) {
			t.Errorf("the transcript lacks %q:\n%s", part, transcript)
		}
	}
	calls := b.received("tool-calls")
	if len(calls) != 2 {
		t.Fatalf("%d tool-calls, want 2", len(calls))
	}
	var arguments object
	text := str(list(calls[1], "toolCallList")[0].(object), "function", "arguments")
	if err := json.Unmarshal([]byte(text), &arguments); err != nil || str(arguments, "customerName") != "Priya Raman" ||
		!strings.HasSuffix(str(arguments, "slotId"), "T10:15") {
		t.Errorf("arguments are %s", text)
	}
	if row := b.must("GET", "/call/"+id, nil); str(row, "status") != "ended" ||
		str(row, "endedReason") != "customer-ended-call" {
		t.Errorf("stored call is %v %v", row["status"], row["endedReason"])
	}
}

func TestScripts_end_as_they_should_in_both_languages(t *testing.T) {
	for name, want := range map[string]struct{ reason, says string }{
		"booking": {"customer-ended-call", "MD-2207"}, "price": {"assistant-ended-call", "95"},
		"silence": {"silence-timed-out", ""},
		"angry":   {"assistant-forwarded-call", ""}, "generic": {"customer-ended-call", "10:15"},
		"hangup": {"call.ringing.sip-inbound-caller-hungup-before-call-connect", ""},
	} {
		for _, language := range languages {
			t.Run(name+" "+language, func(t *testing.T) {
				b := newBench(t)
				b.answers(func(m object, w http.ResponseWriter) bool {
					if str(m, "type") != "transfer-destination-request" {
						return false
					}
					writeJSON(w, 200,
						object{"destination": object{"type": "number", "number": "+14155550177", "message": "Hold the line."}})
					return true
				})
				_, number := b.desk(object{"model": object{"provider": "openai", "model": "gpt-4o-mini",
					"messages": []any{object{"role": "system",
						"content": "A cleaning costs 95 dollars.\nUn détartrage coûte 95 euros."}},
					"tools": []any{functionTool("check_availability", object{}), functionTool("book_appointment", object{}),
						object{"type": "transferCall"}, object{"type": "endCall"}}}})
				b.ringing(object{"script": name, "language": language, "phoneNumberId": number["id"]})
				report := b.one("end-of-call-report")
				if got := str(report, "endedReason"); got != want.reason {
					t.Errorf("ended with %s, want %s", got, want.reason)
				}
				if transcript := str(report, "artifact", "transcript"); !strings.Contains(transcript, want.says) ||
					strings.Contains(transcript, "{{") {
					t.Errorf("transcript lacks %q or has blanks:\n%s", want.says, transcript)
				}
				if name == "angry" && str(report, "destination", "number") != "+14155550177" {
					t.Errorf("destination is %v", report["destination"])
				}
			})
		}
	}
}

func TestFarewell_is_the_assistants_only_when_it_may_hang_up(t *testing.T) {
	model := func(tools ...any) object {
		return object{"provider": "openai", "model": "gpt-4o-mini", "tools": append([]any{}, tools...)}
	}
	for name, tc := range map[string]struct {
		assistant    object
		reason, says string
	}{
		"with the tool": {object{"model": model(object{"type": "endCall"})}, "assistant-ended-call",
			"AI: Come back soon."},
		"without the tool": {object{"model": model()}, "customer-ended-call", "AI: Thank you for calling. Goodbye!"},
		"without it, with a phrase": {object{"model": model(), "endCallPhrases": []any{"goodbye"}},
			"assistant-said-end-call-phrase", "Goodbye!"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			_, number := b.desk(with(tc.assistant, object{"endCallMessage": "Come back soon."}))
			b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
			report := b.one("end-of-call-report")
			transcript := str(report, "artifact", "transcript")
			if got := str(report, "endedReason"); got != tc.reason || !strings.Contains(transcript, tc.says) {
				t.Errorf("ended with %s, want %s with %q:\n%s", got, tc.reason, tc.says, transcript)
			}
			if said := strings.Contains(transcript, "Come back soon."); said != (tc.reason == "assistant-ended-call") {
				t.Errorf("the end message was said: %v", said)
			}
		})
	}
}
