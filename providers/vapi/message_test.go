package vapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// bodies gives every sample message: whole files and the lines of recorded
// calls.
func bodies(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	files, err := filepath.Glob("testdata/*.json*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(f)
		if strings.HasSuffix(f, ".jsonl") {
			for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
				out[name+"#"+string(rune('A'+i/26))+string(rune('a'+i%26))] = line
			}
			continue
		}
		if strings.Contains(name, "response") || strings.HasPrefix(name, "rest.") {
			continue
		}
		out[name] = data
	}
	if len(out) < 100 {
		t.Fatalf("only %d samples found", len(out))
	}
	return out
}

func sample(t testing.TB, name string) *Message {
	t.Helper()
	m, err := ParseMessage(file(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var forbidden = []string{
	"must-never-be-stored", "listenUrl", "controlUrl", "callToken", "accountSid", "twilioA", "X-Vapi-Secret",
	"headers", "presigned",
	"signature=", "storage.vapi.ai", "You answer the phone", "\"server\"", "\"model\":{", "variableValues",
}

func TestParseMessage_reads_every_sample_and_its_reduction(t *testing.T) {
	seen := map[string]bool{}
	for name, raw := range bodies(t) {
		m, err := ParseMessage(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seen[m.Type] = true
		if m.Timestamp < 1795014000000 || m.Timestamp > 1795016000000 {
			t.Errorf("%s: timestamp %d", name, m.Timestamp)
		}
		if strings.Contains(m.EventKey(), "none:") || strings.Contains(m.Type, "[") {
			t.Errorf("%s: key %s", name, m.EventKey())
		}
		reduced := m.Reduced()
		for _, s := range forbidden {
			if bytes.Contains(reduced, []byte(s)) {
				t.Errorf("%s: the reduction holds %q", name, s)
			}
		}
		again, err := ParseMessage(reduced)
		if err != nil {
			t.Errorf("%s: the reduction does not parse: %v", name, err)
			continue
		}
		if !bytes.Equal(again.Reduced(), reduced) || again.EventKey() != m.EventKey() {
			t.Errorf("%s: reducing twice changes\n%s\n%s", name, reduced, again.Reduced())
		}
	}
	for _, typ := range append(append([]string{}, ServerMessages...), RequestMessages...) {
		switch typ {
		case TypeTranscriptFinal, TypeLanguageChanged: // the one is a filter, the other has no published shape
		default:
			if !seen[typ] {
				t.Errorf("no sample of type %q", typ)
			}
		}
	}
}

func TestParseMessage_end_of_call_report(t *testing.T) {
	m := sample(t, "end-of-call-report.json")
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	check("type", m.Type, TypeEndOfCallReport)
	check("call", m.CallID(), "0196b1f4-7c3a-7e21-9d58-3f4a6c2be817")
	check("call type", m.Call.Type, "inboundPhoneCall")
	check("sid", m.Call.Transport.CallSid, "CAexample0000000000000000000000042")
	check("control", strings.HasSuffix(m.Call.Monitor.ControlURL, "/control"), true)
	check("customer", m.Customer.Number, "+14155550142")
	check("number", m.PhoneNumber.Number, "+14155550100")
	check("assistant", m.Assistant, MessageAssistant{"b3a9e8d2-6c17-4f58-8a2e-91d4c07f3b65", "Front desk"})
	check("reason", m.EndedReason, "customer-ended-call")
	check("duration", m.Duration, 31*time.Second)
	check("cost", Micros(m.Cost), int64(50100))
	check("breakdown", m.CostBreakdown, CostBreakdown{Transport: .0044, STT: .0053, LLM: .0004, TTS: .0137,
		Vapi: .0258, Analysis: .0005, Total: .0501})
	check("costs", len(m.Costs), 8)
	check("voice", m.Costs[3], CostItem{Type: "voice", Provider: "11labs", Model: "eleven_turbo_v2",
		Characters: 274, Cost: .0137})
	check("lines", len(m.Artifact.Messages), 11)
	check("line", m.Artifact.Messages[1].Message, "Hi, I'd like to book a cleaning for tomorrow morning.")
	check("tool line", m.Artifact.Messages[2].ToolCalls[0].Name, "check_availability")
	check("result line", m.Artifact.Messages[3].Result, "Free tomorrow morning: 09:30 and 11:00.")
	check("last user", m.LastUserText(), "No, that's all. Thanks.")
	check("success", m.Analysis.SuccessEvaluation, "true")
	check("recorded", m.Artifact.Recordings.Any(), true)
	check("started", m.StartedAt.Format(time.RFC3339Nano), "2026-11-18T15:04:07.31Z")
}

// The second file has nothing but documented fields, and an empty analysis.
func TestParseMessage_documented_fields_give_the_same_report(t *testing.T) {
	full, bare := sample(t, "end-of-call-report.json"), sample(t, "end-of-call-report.documented-fields-only.json")
	if bare.Analysis.Summary != "" || bare.Artifact.PerformanceMetrics != nil {
		t.Fatal("the sample was meant to lack analysis and metrics")
	}
	full.Analysis, full.Summary, full.Artifact.PerformanceMetrics = MessageAnalysis{}, "", nil
	if !reflect.DeepEqual(full, bare) {
		t.Errorf("got\n%s\nwant\n%s", bare.Reduced(), full.Reduced())
	}
}

// The other way round: only the copies beside the documented places.
func TestParseMessage_falls_back_to_the_copies(t *testing.T) {
	want := sample(t, "end-of-call-report.json")
	var doc map[string]map[string]any
	if err := json.Unmarshal(file(t, "end-of-call-report.json"), &doc); err != nil {
		t.Fatal(err)
	}
	msg := doc["message"]
	artifact := msg["artifact"].(map[string]any)
	for _, k := range []string{"messages", "transcript", "recording", "recordingUrl", "stereoRecordingUrl"} {
		delete(artifact, k)
	}
	delete(msg["analysis"].(map[string]any), "summary")
	delete(msg, "costs")
	delete(msg, "startedAt")
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseMessage(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got.Duration != want.Duration || got.Summary != want.Summary ||
		got.Artifact.Transcript != want.Artifact.Transcript ||
		!reflect.DeepEqual(got.Artifact.Messages, want.Artifact.Messages) ||
		got.Artifact.Recordings.MonoURL != want.Artifact.Recordings.MonoURL ||
		got.CostBreakdown != want.CostBreakdown || got.Cost != want.Cost {
		t.Errorf("got\n%s\nwant\n%s", got.Reduced(), want.Reduced())
	}
}

func TestParseMessage_tool_calls_in_every_shape(t *testing.T) {
	const args = `{"date":"2026-11-19","partOfDay":"morning"}`
	for _, c := range []struct {
		file  string
		names []string
		id    string
	}{
		{"tool-calls.json", []string{"check_availability"}, "call_kT4vXo1cQbq2LwYz8RhN5sJd"},
		{"tool-calls.flat-object-arguments.json", []string{"check_availability"}, "call_kT4vXo1cQbq2LwYz8RhN5sJd"},
		{"tool-calls.parallel.json", []string{"check_availability", "book_appointment"}, "call_kT4vXo1cQbq2LwYz8RhN5sJd"},
		{"function-call.json", []string{"check_availability"}, ""},
	} {
		m := sample(t, c.file)
		if len(m.ToolCalls) != len(c.names) {
			t.Errorf("%s: got %d calls, want %d", c.file, len(m.ToolCalls), len(c.names))
			continue
		}
		for i, name := range c.names {
			if m.ToolCalls[i].Name != name || m.ToolCalls[i].Err != nil {
				t.Errorf("%s: got %+v, want %s", c.file, m.ToolCalls[i], name)
			}
		}
		if got := m.ToolCalls[0]; got.ID != c.id || string(got.Arguments) != args {
			t.Errorf("%s: got %s %s, want %s %s", c.file, got.ID, got.Arguments, c.id, args)
		}
	}
}

func TestParseMessage_tool_arguments(t *testing.T) {
	for _, c := range []struct {
		name, call, want string
		err              error
	}{
		{"text", `{"function":{"name":"f","arguments":"{\"a\":1}"}}`, `{"a":1}`, nil},
		{"object", `{"function":{"name":"f","arguments":{"a":1}}}`, `{"a":1}`, nil},
		{"function parameters", `{"function":{"name":"f","parameters":{"a":1}}}`, `{"a":1}`, nil},
		{"flat arguments", `{"name":"f","arguments":{"a":1}}`, `{"a":1}`, nil},
		{"flat parameters", `{"name":"f","parameters":{"a":1}}`, `{"a":1}`, nil},
		{"none", `{"name":"f"}`, `{}`, nil},
		{"null", `{"name":"f","arguments":null}`, `{}`, nil},
		{"empty text", `{"name":"f","arguments":""}`, `{}`, nil},
		{"broken text", `{"name":"f","arguments":"{\"a\":"}`, `{"a":`, ErrArguments},
		{"a list", `{"name":"f","arguments":[1]}`, `[1]`, ErrArguments},
		{"order", `{"name":"x","function":{"name":"f","arguments":{"a":1},"parameters":{"b":1}},"arguments":{"c":1}}`,
			`{"a":1}`, nil},
	} {
		m, err := ParseMessage([]byte(`{"message":{"type":"tool-calls","toolCallList":[` + c.call +
			`,{"id":"2","name":"g"}]}}`))
		if err != nil || len(m.ToolCalls) != 2 {
			t.Errorf("%s: %v %v", c.name, m, err)
			continue
		}
		got := m.ToolCalls[0]
		if got.Name != "f" || string(got.Arguments) != c.want || got.Err != c.err {
			t.Errorf("%s: got %+v %s, want %s %v", c.name, got, got.Arguments, c.want, c.err)
		}
		if m.ToolCalls[1].Err != nil {
			t.Errorf("%s: the other call suffers: %v", c.name, m.ToolCalls[1].Err)
		}
	}
}

func TestParseMessage_final_transcripts_in_both_forms(t *testing.T) {
	for name, want := range map[string]bool{"transcript.final.json": true, "transcript.final-filtered-type.json": true,
		"transcript.partial.json": false} {
		m := sample(t, name)
		if m.Type != TypeTranscript || m.Final() != want || m.Transcript == "" || m.Role == "" {
			t.Errorf("%s: got type %q, final %v", name, m.Type, m.Final())
		}
	}
	m, err := ParseMessage([]byte(`{"message":{"type":"transcript[transcriptType=\"final\"]","role":"user","transcript":"hi"}}`))
	if err != nil || !m.Final() {
		t.Errorf("a filter without transcriptType is not final: %+v %v", m, err)
	}
}

func TestParseMessage_other_types(t *testing.T) {
	for _, c := range []struct {
		file string
		got  func(*Message) any
		want any
	}{
		{"status-update.forwarding.json", func(m *Message) any { return m.Destination.Number }, "+14155550177"},
		{"status-update.ended-assistant-request-failed.json", func(m *Message) any { return m.Problem },
			"Your server took longer than 7.5 seconds."},
		{"status-update.in-progress.json", func(m *Message) any { return m.Status }, "in-progress"},
		{"chat.created.json", func(m *Message) any { return m.Chat.Reply() }, "We are open Monday to Friday, eight to six."},
		{"chat.created.json", func(m *Message) any { return m.Chat.SessionID }, "c8d20b4e-3f7a-4195-a6e1-58b9f0d7c342"},
		{"session.updated.json", func(m *Message) any { return m.Session.Status }, "active"},
		{"campaign.predial.json", func(m *Message) any { return m.Contact.Number }, "+33199000042"},
		{"transfer-update.assistant.json", func(m *Message) any { return m.ToAssistant.Name }, "Billing"},
		{"language-change-detected.json", func(m *Message) any { return m.Language }, "fr"},
		{"knowledge-base-request.json", func(m *Message) any { return m.LastUserText() != "" }, true},
		{"handoff-destination-request.json",
			func(m *Message) any { return bytes.Contains(m.Parameters, []byte("invoice question")) }, true},
		{"call.artifact.upload.json", func(m *Message) any { return m.Uploads[1] }, ArtifactUpload{"log", false}},
		{"phone-call-control.forward.json", func(m *Message) any { return m.Request }, "forward"},
		{"end-of-call-report.no-answer.json", func(m *Message) any { return m.Duration }, time.Duration(0)},
		{"call.deleted.json", func(m *Message) any { return m.CallID() }, "0196b1f4-7c3a-7e21-9d58-3f4a6c2be817"},
	} {
		if got := c.got(sample(t, c.file)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.file, got, c.want)
		}
	}
}

func TestParseMessage_forgives_what_it_can(t *testing.T) {
	for name, raw := range map[string]string{
		"another case":    `{"message":{"type":"hang","call":{"id":"c1"},"Call":{"id":"x"}},"Message":{"type":"status-update"}}`,
		"huge number":     `{"message":{"type":"hang","timestamp":1e400,"cost":-1e999,"turn":1e300,"call":{"id":"c1"}}}`,
		"huge integer":    `{"message":{"type":"hang","timestamp":` + strings.Repeat("9", 400) + `,"call":{"id":"c1"}}}`,
		"wrong kinds":     `{"message":{"type":"hang","status":{"a":1},"toolCallList":"no","artifact":[],"customer":7,"assistant":null,"call":{"id":"c1","createdAt":[],"cost":"a"}}}`,
		"bad time":        `{"message":{"type":"hang","startedAt":"yesterday","call":{"id":"c1","createdAt":"2026-13-45"}}}`,
		"NUL":             `{"message":{"type":"hang","text":"a\u0000b","call":{"id":"c1"}}}`,
		"unknown fields":  `{"message":{"type":"hang","brandNew":{"deep":[[[1]]]},"call":{"id":"c1","x":[]}}}`,
		"lone surrogates": `{"message":{"type":"hang","text":"\ud800","call":{"id":"c1"}}}`,
	} {
		m, err := ParseMessage([]byte(raw))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Type != TypeHang || m.CallID() != "c1" {
			t.Errorf("%s: got %q %q", name, m.Type, m.CallID())
		}
		if !json.Valid(m.Reduced()) {
			t.Errorf("%s: reduction is not JSON: %s", name, m.Reduced())
		}
	}
}

func TestParseMessage_does_not_choose_between_two_readings(t *testing.T) {
	for name, raw := range map[string]string{
		"a key twice":      `{"message":{"type":"hang","call":{"id":"x"},"call":{"id":"c1"}}}`,
		"twice, escaped":   `{"message":{"type":"hang","call":{"id":"x"},"\u0063all":{"id":"c1"}}}`,
		"twice, unread":    `{"message":{"type":"hang","call":{"id":"c1"},"more":[{"a":{"b":1,"b":1}}]}}`,
		"bad UTF-8":        "{\"message\":{\"type\":\"hang\",\"text\":\"\xff\xfe\",\"call\":{\"id\":\"c1\"}}}",
		"bad UTF-8 unread": "{\"message\":{\"type\":\"hang\",\"call\":{\"id\":\"c1\"}},\"x\":\"\xe9\"}",
	} {
		if m, err := ParseMessage([]byte(raw)); !errors.Is(err, ErrNotMessage) {
			t.Errorf("%s: got %+v, %v", name, m, err)
		}
	}
}

func TestParseMessage_refuses_what_is_no_message(t *testing.T) {
	deep := `{"message":{"type":"hang","x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}}`
	for name, raw := range map[string]string{
		"empty": "", "text": "hello", "null": "null", "list": "[]", "no message": "{}", "no type": `{"message":{}}`,
		"cut off": `{"message":{"type":"hang"`, "type not text": `{"message":{"type":5}}`, "too deep": deep,
		"type is only a filter":         `{"message":{"type":"[x]"}}`,
		"a call's id with a separator":  `{"message":{"type":"hang","call":{"id":"a:b"}}}`,
		"a call's id with a blank":      `{"message":{"type":"hang","call":{"id":"a b"}}}`,
		"a call's id with a control":    `{"message":{"type":"hang","call":{"id":"a\u0000b"}}}`,
		"a call's id in another script": `{"message":{"type":"hang","call":{"id":"é"}}}`,
		"a call's id that is too long":  `{"message":{"type":"hang","call":{"id":"` + strings.Repeat("a", maxKeyPart+1) + `"}}}`,
		"trailing":                      `{"message":{"type":"hang"}} x`,
	} {
		if m, err := ParseMessage([]byte(raw)); !errors.Is(err, ErrNotMessage) {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
	}
}

func TestEventKey_is_stable_and_tells_events_apart(t *testing.T) {
	raw := file(t, "end-of-call-report.json")
	key := sample(t, "end-of-call-report.json").EventKey()
	if !strings.HasPrefix(key, "0196b1f4-7c3a-7e21-9d58-3f4a6c2be817:end-of-call-report:1795014285010:") {
		t.Errorf("got %s", key)
	}
	// Signed addresses differ on each delivery of the same report.
	again := bytes.ReplaceAll(raw, []byte("signature=example"), []byte("signature=other"))
	again = bytes.ReplaceAll(again, []byte("2026-11-18T16:04:45.210Z"), []byte("2026-11-18T17:00:00.000Z"))
	if m, err := ParseMessage(again); err != nil || m.EventKey() != key {
		t.Errorf("a repeated delivery has another key: %v", err)
	}
	other := bytes.ReplaceAll(raw, []byte(`"endedReason": "customer-ended-call"`),
		[]byte(`"endedReason": "silence-timed-out"`))
	if m, err := ParseMessage(other); err != nil || m.EventKey() == key {
		t.Errorf("another report has the same key: %v", err)
	}
	for name, prefix := range map[string]string{
		"chat.created.json":     "47e9a1c6-b08d-4f2e-93d7-6a5c8e1b0f29:chat.created:",
		"session.created.json":  "c8d20b4e-3f7a-4195-a6e1-58b9f0d7c342:session.created:",
		"campaign.predial.json": "81d3c0a7-5e42-49bf-b6f8-2a9e7d1c4053:campaign.predial:",
	} {
		if got := sample(t, name).EventKey(); !strings.HasPrefix(got, prefix) {
			t.Errorf("%s: got %s", name, got)
		}
	}
	m, err := ParseMessage([]byte(`{"message":{"type":"chat.created","chat":{"id":"a:b\n` + strings.Repeat("x", 900) + `"}}}`))
	if err != nil || len(m.EventKey()) > 120 || strings.Count(m.EventKey(), ":") != 3 {
		t.Errorf("a strange id makes a strange key: %v", err)
	}
}

func TestEventKey_of_a_disordered_call_finds_the_repeats(t *testing.T) {
	keys := func(name string) (map[string]int, int) {
		out, n := map[string]int{}, 0
		for line := range bytes.SplitSeq(bytes.TrimSpace(file(t, name)), []byte("\n")) {
			m, err := ParseMessage(line)
			if err != nil {
				t.Fatal(err)
			}
			out[m.EventKey()]++
			n++
		}
		return out, n
	}
	ordered, n := keys("call-inbound.jsonl")
	if len(ordered) != n {
		t.Errorf("%d messages have only %d keys", n, len(ordered))
	}
	disordered, n := keys("call-inbound-disordered.jsonl")
	if len(disordered) != 11 || n != 15 {
		t.Errorf("%d messages have %d keys", n, len(disordered))
	}
	for k := range disordered {
		if ordered[k] != 1 {
			t.Errorf("%s is not an event of the ordered call", k)
		}
	}
}

func TestReport_from_a_call_equals_the_report_message(t *testing.T) {
	var doc struct{ Message map[string]json.RawMessage }
	if err := json.Unmarshal(file(t, "end-of-call-report.json"), &doc); err != nil {
		t.Fatal(err)
	}
	var flat map[string]json.RawMessage
	if err := json.Unmarshal(doc.Message["call"], &flat); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"analysis", "artifact", "costs", "cost", "startedAt", "endedAt", "endedReason"} {
		flat[k] = doc.Message[k]
	}
	raw, err := json.Marshal(flat)
	if err != nil {
		t.Fatal(err)
	}
	var call Call
	if err := json.Unmarshal(raw, &call); err != nil {
		t.Fatal(err)
	}
	got, err := call.Report()
	if err != nil {
		t.Fatal(err)
	}
	want := sample(t, "end-of-call-report.json")
	if got.Type != want.Type || got.CallID() != want.CallID() || got.Duration != want.Duration ||
		got.CostBreakdown != want.CostBreakdown ||
		got.Summary != want.Summary || !reflect.DeepEqual(got.Artifact.Messages, want.Artifact.Messages) ||
		got.Artifact.Transcript != want.Artifact.Transcript || got.AssistantID != want.AssistantID ||
		got.Customer != want.Customer {
		t.Errorf("got\n%s\nwant\n%s", got.Reduced(), want.Reduced())
	}
}

func FuzzParseMessage(f *testing.F) {
	for _, raw := range bodies(f) {
		f.Add(raw)
	}
	f.Add([]byte(`{"message":{"type":"tool-calls","toolCallList":[{"arguments":"\"\""}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseMessage(raw)
		if err != nil {
			return
		}
		reduced := m.Reduced()
		again, err := ParseMessage(reduced)
		if err != nil {
			t.Fatalf("reduction does not parse: %v\n%s", err, reduced)
		}
		if !bytes.Equal(again.Reduced(), reduced) {
			t.Fatalf("reducing twice changes\n%s\n%s", reduced, again.Reduced())
		}
		if strings.Count(m.EventKey(), ":") != 3 || len(m.EventKey()) > 200 {
			t.Fatalf("key %q", m.EventKey())
		}
	})
}

func BenchmarkParseMessage(b *testing.B) {
	for _, name := range []string{"transcript.final.json", "conversation-update.json", "end-of-call-report.json"} {
		raw := file(b, name)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				m, err := ParseMessage(raw)
				if err != nil {
					b.Fatal(err)
				}
				m.EventKey()
			}
		})
	}
}
