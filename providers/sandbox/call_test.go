package sandbox

import (
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReport_costs_add_up(t *testing.T) {
	b := newBench(t)
	output := b.must("POST", "/structured-output",
		object{"name": "Booking", "schema": object{"type": "object", "properties": object{
			"booked": object{"type": "boolean"}, "reference": object{"type": "string"},
			"intent": object{"type": "string", "enum": []any{"other", "book"}}}}})
	_, number := b.desk(object{
		"artifactPlan": object{"structuredOutputIds": []any{output["id"]}},
		"analysisPlan": object{"structuredDataPlan": object{"enabled": true,
			"schema": object{"type": "object", "properties": object{"booked": object{"type": "boolean"}}}},
			"successEvaluationPlan": object{"rubric": "NumericScale"}},
	})
	id := b.ringing(object{"script": "booking", "phoneNumberId": number["id"]})
	report := b.one("end-of-call-report")
	sum := 0.0
	for _, v := range list(report, "costs") {
		item := v.(object)
		if num(item, "cost") <= 0 {
			t.Errorf("%s costs nothing", str(item, "type"))
		}
		sum += num(item, "cost")
	}
	total := num(report, "cost")
	if math.Abs(sum-total) > 1e-9 || total != num(report, "costBreakdown", "total") {
		t.Errorf("items %v, cost %v, breakdown %v", sum, total, report["costBreakdown"])
	}
	parts := 0.0
	for _, name := range []string{"transport", "stt", "llm", "tts", "vapi"} {
		parts += num(report, "costBreakdown", name)
	}
	for _, name := range []string{"summary", "structuredData", "successEvaluation", "structuredOutput"} {
		parts += num(report, "costBreakdown", "analysisCostBreakdown", name)
	}
	if math.Abs(parts-total) > 1e-9 {
		t.Errorf("the breakdown adds up to %v, cost is %v", parts, total)
	}
	result := obj(report, "artifact", "structuredOutputs", str(output, "id"), "result")
	if !isTrue(result, "booked") || str(result, "reference") != "MD-2207" || str(result, "intent") != "book" {
		t.Errorf("structured output is %v", result)
	}
	if str(report, "analysis", "successEvaluation") != "9" || !isTrue(report, "analysis", "structuredData", "booked") ||
		!strings.HasPrefix(str(report, "analysis", "summary"), "Priya Raman called to make an appointment") ||
		strings.Contains(str(report, "analysis", "summary"), "{{") {
		t.Errorf("analysis is %v", report["analysis"])
	}
	started, _ := time.Parse(time.RFC3339, str(report, "startedAt"))
	ended, _ := time.Parse(time.RFC3339, str(report, "endedAt"))
	if got := ended.Sub(started).Seconds(); got < 10 || math.Abs(got-num(report, "durationSeconds")) > 0.001 {
		t.Errorf("duration %v, durationSeconds %v", got, report["durationSeconds"])
	}
	stored := b.must("GET", "/call/"+id, nil)
	if num(stored, "cost") != total || str(stored, "startedAt") != str(report, "startedAt") ||
		str(stored, "artifact", "transcript") != str(report, "artifact", "transcript") {
		t.Errorf("the stored call differs from the report")
	}
	answer := b.do2("POST", "/analytics",
		object{"queries": []any{object{"name": "q", "table": "call", "groupBy": []any{"endedReason"},
			"operations": []any{object{"operation": "sum", "column": "cost", "alias": "spent"},
				object{"operation": "count", "column": "id"}}}}})
	row := list(answer[0].(object), "result")[0].(object)
	if math.Abs(num(row, "spent")-total) > 1e-9 || num(row, "countId") != 1 ||
		str(row, "endedReason") != "customer-ended-call" {
		t.Errorf("analytics gave %v", row)
	}
}

// do2 sends a request whose answer is a list.
func (b *bench) do2(method, path string, body any) []any {
	b.t.Helper()
	status, v := b.do(method, path, body)
	rows, ok := v.([]any)
	if status > 299 || !ok || len(rows) == 0 {
		b.t.Fatalf("%s %s: %d %v", method, path, status, v)
	}
	return rows
}

// fetchSigned asks for an artifact and follows its redirect.
func (b *bench) fetchSigned(path string) (int, []byte) {
	b.t.Helper()
	req, _ := http.NewRequest("GET", b.URL()+path, nil)
	req.Header.Set("Authorization", "Bearer "+b.Key())
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 302 {
		return res.StatusCode, nil
	}
	res, err = http.Get(res.Header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, body
}

func TestRecording_is_a_wav_whose_lanes_follow_the_transcript(t *testing.T) {
	b := newBench(t)
	_, number := b.desk(nil)
	id := b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
	report := b.one("end-of-call-report")
	status, wav := b.fetchSigned("/call/" + id + "/stereo-recording")
	if status != 200 || len(wav) < 44 || string(wav[:4]) != "RIFF" || string(wav[8:16]) != "WAVEfmt " ||
		string(wav[36:40]) != "data" {
		t.Fatalf("stereo: %d, %d bytes", status, len(wav))
	}
	le := binary.LittleEndian
	channels, rate, size := le.Uint16(wav[22:]), le.Uint32(wav[24:]), int(le.Uint32(wav[40:]))
	if channels != 2 || rate != sampleRate || size != len(wav)-44 || le.Uint16(wav[34:]) != 16 {
		t.Errorf("header: %d channels, %d Hz, %d bytes of %d", channels, rate, size, len(wav)-44)
	}
	if seconds := float64(size) / 4 / sampleRate; math.Abs(seconds-num(report, "durationSeconds")) > 0.01 {
		t.Errorf("%v s of audio, the call took %v s", seconds, report["durationSeconds"])
	}
	// loudness is the mean level of a lane between two moments, in sample units.
	loudness := func(lane int, from, to float64) float64 {
		sum, n := 0.0, 0
		for i := int(from * sampleRate); i < int(to*sampleRate) && 44+4*i+3 < len(wav); i++ {
			sum += math.Abs(float64(int16(le.Uint16(wav[44+4*i+2*lane:]))))
			n++
		}
		return sum / float64(max(n, 1))
	}
	spoken := 0
	for _, v := range list(report, "artifact", "messages") {
		m := v.(object)
		lane := map[string]int{"user": 0, "bot": 1}
		own, speech := lane[str(m, "role")]
		if !speech {
			continue
		}
		spoken++
		from, to := num(m, "secondsFromStart"), num(m, "secondsFromStart")+num(m, "duration")/1000
		if on, off := loudness(own, from, to), loudness(1-own, from, to); on < 300 || off != 0 {
			t.Errorf("%q: own lane %.0f, other lane %.0f", str(m, "message"), on, off)
		}
	}
	if spoken < 4 || loudness(0, 0, 0.4) != 0 || loudness(1, 0, 0.4) != 0 {
		t.Errorf("%d utterances, or sound before the first", spoken)
	}
	for _, kind := range []string{"mono", "customer", "assistant"} {
		if status, one := b.fetchSigned("/call/" + id + "/" + kind + "-recording"); status != 200 || len(one)-44 != size/2 ||
			le.Uint16(one[22:]) != 1 {
			t.Errorf("%s: %d, %d bytes", kind, status, len(one))
		}
	}
	if res, err := http.Get(str(report, "recordingUrl")); err != nil || res.StatusCode != 403 {
		t.Errorf("the plain address downloads: %v %v", res.StatusCode, err)
	}
	if res, err := http.Get(str(report, "artifact", "presignedMonoUrl")); err != nil || res.StatusCode != 200 {
		t.Errorf("the presigned address: %v %v", res.StatusCode, err)
	}
	_, log := b.fetchSigned("/call/" + id + "/call-logs")
	unpacked, err := gzip.NewReader(strings.NewReader(string(log)))
	if err != nil {
		t.Fatal(err)
	}
	if lines, _ := io.ReadAll(unpacked); strings.Count(string(lines), "\n") < 10 {
		t.Errorf("log:\n%s", lines)
	}
	b.must("POST", "/_sandbox/settings", object{"linkSeconds": 0})
	if status, _ := b.fetchSigned("/call/" + id + "/mono-recording"); status != 403 {
		t.Errorf("an expired link answered %d", status)
	}
	b.must("DELETE", "/call/"+id, nil)
	if status, _ := b.fetchSigned("/call/" + id + "/mono-recording"); status != 404 {
		t.Errorf("the recording of an erased call answered %d", status)
	}
}

func TestRecording_switched_off_leaves_none(t *testing.T) {
	b := newBench(t)
	_, number := b.desk(object{"artifactPlan": object{"recordingEnabled": false}})
	id := b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
	if status, _ := b.fetchSigned("/call/" + id + "/mono-recording"); status != 404 ||
		b.one("end-of-call-report")["recordingUrl"] != nil {
		t.Errorf("recording answered %d", status)
	}
}

func TestErase_is_told_and_is_not_hanging_up(t *testing.T) {
	b := newBench(t)
	_, number := b.desk(nil)
	id := b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
	b.forget()
	b.must("DELETE", "/call/"+id, nil)
	until(t, func() bool { return len(b.received("call.deleted")) == 1 })
	if status, _ := b.do("GET", "/call/"+id, nil); status != 404 {
		t.Errorf("an erased call answered %d", status)
	}
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case <-deadline:
			t.Fatal("it did not happen within 5 s")
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// outbound places a call and waits for its end.
func (b *bench) outbound(to string) object {
	b.t.Helper()
	a := b.assistant(object{"voicemailMessage": "Please call us back."})
	number := b.numberCalled("+14155550100")
	if number == nil {
		number = b.number(nil)
	}
	made := b.must("POST", "/call", object{"assistantId": a["id"], "phoneNumberId": number["id"],
		"customer": object{"number": to, "name": "Camille Roy"}})
	b.waitFor(str(made, "id"))
	return made
}

func TestOutbound_is_answered_by_the_customers_number(t *testing.T) {
	for ending, want := range map[string]string{
		"00": "customer-did-not-answer", "01": "voicemail", "02": "customer-busy", "04": "silence-timed-out",
		"42": "assistant-ended-call",
	} {
		b := newBench(t)
		made := b.outbound("+141555501" + ending)
		if str(made, "status") != "queued" || str(made, "type") != "outboundPhoneCall" ||
			num(made, "subscriptionLimits", "concurrencyLimit") != 10 || str(made, "monitor", "controlUrl") == "" {
			t.Errorf("made %v", made)
		}
		report := b.one("end-of-call-report")
		if got := str(report, "endedReason"); got != want {
			t.Errorf("…%s ended with %s, want %s", ending, got, want)
		}
		if ending == "00" && (report["startedAt"] != nil || len(list(report, "costs")) != 0 ||
			len(obj(report, "analysis")) != 0) {
			t.Errorf("unanswered: %v", report)
		}
		if ending == "01" && !strings.Contains(str(report, "artifact", "transcript"), "AI: Please call us back.") {
			t.Errorf("voicemail: %v", report["transcript"])
		}
		if got := b.order()[:2]; !slices.Equal(got, []string{"status-update queued", "status-update ringing"}) {
			t.Errorf("begins with %v", got)
		}
	}
}

func TestOutbound_script_can_be_chosen(t *testing.T) {
	b := newBench(t)
	b.must("POST", "/_sandbox/next-call", object{"script": "busy"})
	b.outbound("+14155550142")
	if got := str(b.one("end-of-call-report"), "endedReason"); got != "customer-busy" {
		t.Errorf("ended with %s", got)
	}
	b.forget()
	b.outbound("+14155550142")
	if got := str(b.one("end-of-call-report"), "endedReason"); got != "assistant-ended-call" {
		t.Errorf("the order lasted for two calls: %s", got)
	}
}

func TestOutbound_limits(t *testing.T) {
	b := newBench(t)
	a := b.must("POST", "/assistant", object{"name": "Quiet"})
	number := b.number(nil)
	b.must("POST", "/_sandbox/settings", object{"concurrencyLimit": 2})
	var customers []any
	for i := range 3 {
		customers = append(customers, object{"number": fmt.Sprintf("+1415555014%d", i)})
	}
	customers = append(customers, object{"number": "0612345678"})
	batch := b.must("POST", "/call", object{"assistantId": a["id"], "phoneNumberId": number["id"], "customers": customers})
	if len(list(batch, "results")) != 2 || len(list(batch, "errors")) != 2 ||
		!isTrue(batch, "subscriptionLimits", "concurrencyBlocked") {
		t.Errorf("batch gave %v", batch)
	}
	for _, v := range list(batch, "results") {
		b.waitFor(str(v.(object), "id"))
	}
	free := b.must("POST", "/phone-number", object{"provider": "vapi"})
	made := b.must("POST", "/call", object{"assistantId": a["id"], "phoneNumberId": free["id"],
		"customer": object{"number": "+33199000042"}})
	b.waitFor(str(made, "id"))
	if got := str(b.must("GET", "/call/"+str(made, "id"), nil),
		"endedReason"); got != "call.start.error-vapi-number-international" {
		t.Errorf("a free number called abroad: %s", got)
	}
	rows := b.do2("GET", "/call?assistantId="+str(a, "id")+"&limit=2", nil)
	if len(rows) != 2 || str(rows[0].(object), "id") != str(made, "id") {
		t.Errorf("list gave %v", rows)
	}
	if status, _ := b.do("PATCH", "/call/"+str(made, "id"), object{"status": "ended"}); status != 400 {
		t.Error("more than the name of a call can be changed")
	}
}

// A single value is told by its name, an object by its properties; what was
// deleted is not told any more.
func TestReport_fills_outputs_by_name_and_schema(t *testing.T) {
	b := newBench(t)
	make := func(name string, schema object) string {
		return str(b.must("POST", "/structured-output", object{"name": name, "schema": schema}), "id")
	}
	summary := make("Call summary", object{"type": "string"})
	success := make("Success", object{"type": "boolean"})
	other := make("Reference", object{"type": "integer"})
	gone := make("Gone", object{"type": "string"})
	_, number := b.desk(object{"artifactPlan": object{"structuredOutputIds": []any{summary, success, other, gone}}})
	b.must("DELETE", "/structured-output/"+gone, nil)
	b.ringing(object{"script": "booking", "phoneNumberId": number["id"]})
	report := b.one("end-of-call-report")
	outputs := obj(report, "artifact", "structuredOutputs")
	if len(outputs) != 3 || str(outputs, summary, "name") != "Call summary" ||
		str(outputs, summary, "result") != str(report, "analysis", "summary") {
		t.Errorf("got %v", outputs)
	}
	if !isTrue(outputs, success, "result") || str(outputs, other, "name") != "Reference" {
		t.Errorf("got %v", outputs)
	}
}

func TestPast_calls_can_be_heard(t *testing.T) {
	b := newBench(t)
	status, _ := b.fetchSigned("/call/demo-1/stereo-recording")
	if status != http.StatusNotFound {
		t.Errorf("before it is known: got %d", status)
	}
	b.must("POST", "/_sandbox/past", object{"calls": object{"demo-1": []any{
		object{"caller": false, "fromMs": 0, "toMs": 1000}, object{"caller": true, "fromMs": 1400, "toMs": 2000}}}})
	status, wav := b.fetchSigned("/call/demo-1/stereo-recording")
	if status != http.StatusOK || len(wav) != 44+2*2*2*sampleRate {
		t.Errorf("got %d and %d bytes", status, len(wav))
	}
}
