package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// The checks of single values.
var (
	anID       = matches(`^[a-z0-9]{15}$`)
	aTime      = matches(`^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$`)
	anything   = like(func(any) string { return "" })
	aPosition  = like(func(g any) string { return unless(g.(float64) > 1.7e12, "not a time in milliseconds") })
	isPositive = like(func(g any) string { return unless(g.(float64) > 0, "not above 0") })
)

func matches(pattern string) like {
	expression := regexp.MustCompile(pattern)
	return func(g any) string {
		text, ok := g.(string)
		return unless(ok && expression.MatchString(text), "does not match "+pattern)
	}
}

func unless(ok bool, problem string) string {
	if ok {
		return ""
	}
	return problem
}

// common are the columns every row has.
func common(collection string, r row, own row) row {
	for name, w := range (row{"id": anID, "collectionId": anything, "collectionName": collection, "created": aTime,
		"updated": aTime}) {
		own[name] = w
	}
	return own
}

func instantOf(t *testing.T, r row, name string) time.Time {
	t.Helper()
	text, _ := r[name].(string)
	at, err := time.Parse("2006-01-02 15:04:05.000Z", text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return at
}

// TestMainJob walks the main job over HTTP: the built binary, a caller, every
// stored field, and again after a restart.
func TestMainJob(t *testing.T) {
	d := rig.Start(t, t.TempDir(), "", rig.Demo)
	owner, operator := d.Owner(t), d.Operator(t)
	rig.Synced(owner)
	organization := rig.Practice(owner)["id"].(string)

	t.Run("a booking is answered and every field of it is stored", func(t *testing.T) { booking(t, d, organization) })
	t.Run("other callers end as they should", func(t *testing.T) { otherCallers(t, d, organization) })
	t.Run("it is found by a word a caller said", func(t *testing.T) { found(t, d, organization) })
	t.Run("the SDK sees the same", func(t *testing.T) { throughSDK(t, d) })
	t.Run("the command line works beside the server", func(t *testing.T) {
		if said, ok := d.Run("jobs list"); !ok || !strings.Contains(said, "calls.reconcile") {
			t.Errorf("jobs list: success %v, %s", ok, said)
		}
		for _, job := range []string{"calls.reconcile", "mirror.retry", "recordings.fetch"} { // they ask the sandbox
			if said, ok := d.Run("jobs run " + job); !ok {
				t.Errorf("jobs run %s: %s", job, said)
			}
		}
	})
	t.Run("a number just made answers its first caller", func(t *testing.T) { newNumber(t, d, organization) })
	if stuck := operator.Rows(collections.ProviderEvents, "status = 'failed' || status = 'parked'", ""); len(stuck) > 0 {
		t.Errorf("%d messages were not applied, the first: %v", len(stuck), stuck[0])
	}
	before := len(owner.Rows(collections.Calls, "", ""))

	// The server stops while somebody is talking, and another start goes on.
	talking := rig.MidCall(t, owner, d.Sandbox, rig.LineIn(owner, "en"))
	stream, err := rig.Client.Get(d.Base + "/api/realtime") // a dashboard that stays open
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	d.Stop()
	noMarkers(t, d)
	clock := filepath.Join(t.TempDir(), "clock") // a report that has not come by now does not come
	if err := os.WriteFile(clock, []byte("3m"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := rig.Start(t, d.Dir, d.Address(), rig.Demo+" --sandbox-clock "+clock)
	owner = again.Owner(t)
	rig.Synced(owner)
	var outputs struct{ Results []row }
	(&rig.Person{T: t, Token: "Bearer sandbox-key"}).Ask("GET", again.Sandbox+"/structured-output", nil,
		http.StatusOK, &outputs)
	if len(outputs.Results) != len(collections.Outputs) {
		t.Errorf("%d structured outputs after a restart", len(outputs.Results))
	}
	call := rig.Reported(owner, rig.Simulate(owner, rig.LineIn(owner, "en"), "price", ""))
	if call["outcome"] != "completed" || call["organization"] != organization {
		t.Errorf("after a restart a call ended %v in %v, want completed in %v", call["outcome"],
			call["organization"], organization)
	}
	// What was broken off is made good by asking after it, at the start already.
	if cut := rig.Reported(owner, talking); cut["status"] == collections.CallInProgress || cut["ended_at"] == "" {
		t.Errorf("the call that was cut off is %v, ended at %q", cut["status"], cut["ended_at"])
	}
	if now := len(owner.Rows(collections.Calls, "", "")); now != before+2 {
		t.Errorf("%d calls after the restart and two more, want %d", now, before+2)
	}
	again.Stop()
}

// booking lets somebody book an appointment. The provider sends its report
// twice, as providers do.
func booking(t *testing.T, d *rig.Desk, organization string) {
	owner, operator := d.Owner(t), d.Operator(t)
	owner.Ask("POST", d.Sandbox+"/_sandbox/faults",
		row{"match": row{"messageType": "end-of-call-report"}, "kind": "repeat"}, http.StatusCreated, nil)
	assistant, number := owner.One(collections.Assistants, "language = 'en'"), rig.LineIn(owner, "en")
	vapiID := rig.Simulate(owner, number, "booking", "en")
	id := rig.Reported(owner, vapiID)["id"].(string)
	rig.Until(t, "the recording", func() bool {
		return len(owner.Rows(collections.Recordings, "call = '"+id+"' && status = 'ready'", "")) == 1
	})
	rig.Until(t, "the repeated report", func() bool {
		var sent []struct{ Attempts []any }
		owner.Ask("GET", d.Sandbox+"/_sandbox/deliveries?type=end-of-call-report&callId="+vapiID, nil, http.StatusOK, &sent)
		return len(sent) == 1 && len(sent[0].Attempts) == 2
	})
	// What the provider itself says of the call.
	theirs := vapiCall(t, d, vapiID)
	ofCall := "call = '" + id + "'"

	call := operator.One(collections.Calls, "id = '"+id+"'")
	contact := operator.One(collections.Contacts, "id = '"+call["contact"].(string)+"'")
	summary := "Priya Raman called to make an appointment for tomorrow morning. The appointment was booked at 09:30."
	check(t, "call", call, common(collections.Calls, call, row{
		"organization": organization, "vapi_call_id": vapiID, "status": "completed", "outcome": "completed",
		"call_type": "inbound", "channel": "phone",
		"caller_number": "+14155550142", "recipient_number": number["phone_number"], "caller_number_raw": "",
		"recipient_number_raw": "", "contact": contact["id"], "assistant": assistant["id"],
		"phone_number": number["id"], "started_at": aTime, "answered_at": dateOf(t, theirs["startedAt"]),
		"ended_at":         dateOf(t, theirs["endedAt"]),
		"duration_seconds": isPositive, "cost_micros": math.Round(theirs["cost"].(float64) * 1e6),
		"ended_reason": "customer-ended-call",
		"summary":      summary, "resolution_status": "resolved", "sentiment": "positive", "priority": "medium",
		"success_evaluation": "true",
		"transferred_to":     "", "notes": "", "metadata": nil, "is_test": false, "has_recording": true, "answered": true,
		"missed": false, "reported_at": aTime,
		"control_url": "", "listen_url": "", "created_by": "", "placing_key": "", "placing": "", "placement": nil,
	}))
	told := theirs["artifact"].(row)["structuredOutputs"].(row)
	if own := theirs["analysis"].(row)["structuredData"]; own != nil || len(told) != len(collections.Outputs) {
		t.Errorf("the older analysis has %v, the outputs are %v", own, told)
	}
	for _, o := range operator.Rows(collections.StructuredOutputs, "", "name") {
		one, _ := told[o["vapi_output_id"].(string)].(row)
		if name := o["name"].(string); one["name"] != collections.OutputTitle(name) || name == "summary" &&
			one["result"] != summary {
			t.Errorf("%s is %v in the report", name, one)
		}
	}
	started, answered := instantOf(t, call, "started_at"), instantOf(t, call, "answered_at")
	ended, reportedAt := instantOf(t, call, "ended_at"), instantOf(t, call, "reported_at")
	if !(started.Before(answered) && answered.Before(ended) && ended.Before(reportedAt)) {
		t.Errorf("times are out of order: %v %v %v %v", started, answered, ended, reportedAt)
	}
	if seconds := math.Round(ended.Sub(answered).Seconds()); call["duration_seconds"] != seconds {
		t.Errorf("duration is %v, want %v", call["duration_seconds"], seconds)
	}

	check(t, "contact", contact, common(collections.Contacts, contact, row{
		"organization": organization, "phone_number": "+14155550142", "phone_number_raw": "", "name": "", "company": "",
		"email": "", "notes": "", "metadata": nil, "blocked": false, "merged_into": "",
		"first_seen_at": call["started_at"], "last_seen_at": call["started_at"],
	}))

	events := operator.Rows(collections.CallEvents, ofCall, "position")
	var tomorrow string
	for _, e := range events {
		if data, _ := e["data"].(row); e["name"] == "check_availability" {
			tomorrow, _ = data["arguments"].(row)["date"].(string)
		}
	}
	if _, err := time.Parse(time.DateOnly, tomorrow); err != nil {
		t.Fatalf("the function got no date: %v", err)
	}
	free := "Free on " + tomorrow + ": 09:30 and 11:00."
	booked := matches("^Booked: " + tomorrow + ` 09:30, reference MD-\d+\.$`)
	status := func(name string) row {
		return row{"type": "status", "name": name, "key": "status:" + name, "data": row{}}
	}
	checkList(t, "event", collections.CallEvents, events,
		row{"organization": organization, "call": id, "position": aPosition}, []row{
			status("queued"), status("ringing"), status("in_progress"),
			{"type": "tool_call", "name": "check_availability", "key": matches("^tool:call_"), "data": data(t, row{
				"arguments": row{"date": tomorrow, "partOfDay": "morning", "service": "cleaning"}, "answer": free, "reported": free,
			})},
			{"type": "tool_call", "name": "book_appointment", "key": matches("^tool:call_"), "data": data(t, row{
				"arguments": row{
					"date": tomorrow, "time": "09:30", "slotId": tomorrow + "T09:30", "name": "Priya Raman", "phone": "+14155550142",
					"service": "cleaning",
				},
				"answer": booked, "reported": booked,
			})},
			status("ended"),
		})

	lines := operator.Rows(collections.Messages, ofCall, "position")
	said := func(role string, content any) row { return row{"role": role, "content": content} }
	checkList(t, "line", collections.Messages, lines,
		row{"organization": organization, "call": id, "position": aPosition, "offset_ms": isPositive,
			"duration_ms": isPositive, "from_person": false}, []row{
			said("assistant", "Marlow Dental, good morning. How can I help?"),
			said("user", "Hi, I'd like to make an appointment for tomorrow morning."),
			said("assistant", "Let me see. "+free+" Which one suits you?"),
			said("user", "09:30, please. It's Priya Raman."),
			said("assistant", matches("^Done. Booked: "+tomorrow+` 09:30, reference MD-\d+\. Anything else\?$`)),
			said("user", "No, that's all. Thanks."),
			said("assistant", "See you tomorrow. Goodbye!"),
		})

	report := operator.One(collections.CallReports, ofCall)
	check(t, "report", report, common(collections.CallReports, report, row{
		"organization": organization, "call": id, "position": isPositive, "summary": summary,
		"transcript":  theirs["artifact"].(row)["transcript"],
		"analysis":    row{"success_evaluation": "true", "structured_data": row{"intent": "book", "sentiment": "positive"}},
		"costs":       like(func(g any) string { return sumsUp(g.(row), theirs["cost"].(float64)) }),
		"performance": theirs["artifact"].(row)["performanceMetrics"],
	}))
	for _, line := range lines {
		if !strings.Contains(report["transcript"].(string), line["content"].(string)) {
			t.Errorf("the transcript lacks %q", line["content"])
		}
	}

	recording := operator.One(collections.Recordings, ofCall)
	check(t, "recording", recording, common(collections.Recordings, recording, row{
		"organization": organization, "call": id, "kind": "stereo", "status": "ready", "file": matches(`\.wav$`),
		"mime_type":  "audio/wav",
		"size_bytes": isPositive, "duration_ms": isPositive, "peaks": like(drawn), "attempts": anything,
		"next_at": anything, "error": "",
	}))
	last := lines[len(lines)-1]
	if end := last["offset_ms"].(float64) + last["duration_ms"].(float64); end > recording["duration_ms"].(float64) {
		t.Errorf("the last line ends at %v ms, the recording at %v", end, recording["duration_ms"])
	}
	hear(t, d, owner, id, recording["size_bytes"].(float64))

	usage := operator.One(collections.UsageEvents, ofCall)
	check(t, "usage", usage, common(collections.UsageEvents, usage, row{
		"organization": organization, "call": id, "kind": "voice_inbound", "unit": "second",
		"quantity":    call["duration_seconds"],
		"cost_micros": call["cost_micros"], "at": call["ended_at"], "reference": "call:" + vapiID,
	}))
	messagesOf(t, d, operator, organization, vapiID)

	owed := operator.Rows(collections.Outbox, "key ~ '"+recording["id"].(string)+"'", "")
	if len(owed) != 1 || owed[0]["status"] != "done" {
		t.Errorf("the promise to fetch the recording is %v", owed)
	}
}

// checkList checks rows in order; all share some columns.
func checkList(t *testing.T, what, collection string, got []row, shared row, want []row) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d of %s, want %d: %v", len(got), what, len(want), got)
	}
	for i, w := range want {
		for name, v := range shared {
			w[name] = v
		}
		check(t, fmt.Sprintf("%s %d", what, i+1), got[i], common(collection, got[i], w))
	}
}

// data checks what is stored of a function's use. How long it took is left out
// when that is nothing.
func data(t *testing.T, want row) like {
	return func(g any) string {
		if _, timed := g.(row)["took_ms"]; timed {
			want["took_ms"] = isPositive
		}
		check(t, "data", g.(row), want)
		return ""
	}
}

// dateOf is a provider's time as our columns show it.
func dateOf(t *testing.T, v any) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, v.(string))
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().Format("2006-01-02 15:04:05.000Z")
}

// vapiCall asks the provider for a call.
func vapiCall(t *testing.T, d *rig.Desk, id string) row {
	t.Helper()
	var call row
	(&rig.Person{T: t, Token: "Bearer sandbox-key"}).Ask("GET", d.Sandbox+"/call/"+id, nil, http.StatusOK, &call)
	return call
}

// sumsUp tells what is wrong with the costs of a report.
func sumsUp(costs row, total float64) string {
	sum, parts := 0.0, 0.0
	items := costs["items"].([]any)
	for _, item := range items {
		sum += item.(row)["cost"].(float64)
	}
	breakdown := costs["breakdown"].(row)
	for name, part := range breakdown {
		if name != "total" {
			parts += part.(float64)
		}
	}
	near := func(a float64) bool { return math.Abs(a-total) < 1e-6 }
	return unless(len(items) == 8 && near(sum) && near(parts) && near(breakdown["total"].(float64)),
		"items and breakdown do not add up")
}

// drawn tells what is wrong with the peaks of a recording.
func drawn(g any) string {
	for _, lane := range []string{"left", "right"} {
		points, _ := g.(row)[lane].([]any)
		loud := 0
		for _, p := range points {
			n := p.(float64)
			if n < 0 || n > 100 {
				return fmt.Sprintf("%s has a point of %v", lane, n)
			}
			if n > 10 {
				loud++
			}
		}
		if len(points) == 0 || len(points) > 800 || loud == 0 || loud == len(points) {
			return fmt.Sprintf("%s has %d points, %d of them loud", lane, len(points), loud)
		}
	}
	return ""
}

// hear plays a part of a recording, as a player that jumps does.
func hear(t *testing.T, d *rig.Desk, owner *rig.Person, call string, size float64) {
	t.Helper()
	path := "/api/calls/" + call + "/recording"
	status, header, sound, err := owner.Send("GET", path, nil, "Range", "bytes=0-43")
	if err != nil || status != http.StatusPartialContent || len(sound) != 44 || string(sound[:4]) != "RIFF" {
		t.Errorf("a part of the recording: got %d, %d bytes, %v, want 206 and the first 44", status, len(sound), err)
	}
	if want := fmt.Sprintf("bytes 0-43/%.0f", size); header.Get("Content-Range") != want {
		t.Errorf("Content-Range is %q, want %q", header.Get("Content-Range"), want)
	}
	guest := &rig.Person{T: t, Base: d.Base}
	guest.Ask("GET", path, nil, http.StatusUnauthorized, nil)
}

// messagesOf checks what is kept of the provider's messages.
func messagesOf(t *testing.T, d *rig.Desk, operator *rig.Person, organization, vapiID string) {
	t.Helper()
	var sent []struct {
		Type     string
		Attempts []struct{ Status int }
	}
	operator.Ask("GET", d.Sandbox+"/_sandbox/deliveries?callId="+vapiID, nil, http.StatusOK, &sent)
	want := map[string]int{}
	for _, m := range sent {
		kind, _, _ := strings.Cut(m.Type, "[") // transcript[transcriptType="final"]
		if kind != "speech-update" {           // told to those who watch, and not kept
			want[kind]++
		}
		for _, a := range m.Attempts {
			if a.Status != http.StatusOK {
				t.Errorf("%s was answered %d", m.Type, a.Status)
			}
		}
	}
	kept := map[string]int{}
	for _, e := range operator.Rows(collections.ProviderEvents, "event_key ~ '"+vapiID+"%'", "") {
		kind, _ := e["type"].(string)
		kept[kind]++
		check(t, "message", e, common(collections.ProviderEvents, e, row{
			"organization": organization, "provider": "vapi",
			"event_key": matches("^" + vapiID + ":" + kind + `:\d+:[0-9a-f]{16}$`), "type": kind,
			"status":  "applied",
			"payload": like(func(g any) string { return unless(json.Valid([]byte(g.(string))), "not JSON") }),
			"last":    kind == "end-of-call-report",
			"error":   "", "attempts": anything, "next_at": "",
		}))
	}
	if fmt.Sprint(kept) != fmt.Sprint(want) || want["end-of-call-report"] != 1 || want["tool-calls"] != 2 {
		t.Errorf("kept %v, want what was sent once each: %v", kept, want)
	}
}

// otherCallers lets the rest of the sandbox's callers ring, and be rung.
func otherCallers(t *testing.T, d *rig.Desk, organization string) {
	for _, c := range []struct {
		script, language string
		to               string // the number that is rung; "" for callers who ring us
		outcome, reason  string
		resolution       string
		lines            int
	}{
		{"angry", "en", "", "transferred", "assistant-forwarded-call", "escalated", 5},
		{"angry", "fr", "", "transferred", "assistant-forwarded-call", "escalated", 5},
		{"booking", "fr", "", "completed", "customer-ended-call", "resolved", 7},
		{"price", "en", "", "completed", "assistant-ended-call", "", 5},
		{"price", "fr", "", "completed", "assistant-ended-call", "", 5},
		{"silence", "en", "", "completed", "silence-timed-out", "pending", 2},
		{"silence", "fr", "", "completed", "silence-timed-out", "pending", 2},
		{"hangup", "en", "", "cancelled", "call.ringing.sip-inbound-caller-hungup-before-call-connect", "pending", 0},
		{"hangup", "fr", "", "cancelled", "call.ringing.sip-inbound-caller-hungup-before-call-connect", "pending", 0},
		{"no-answer", "en", "+14155550100", "no_answer", "customer-did-not-answer", "pending", 0},
		{"voicemail", "en", "+14155550101", "voicemail", "voicemail", "pending", 1},
		{"voicemail", "fr", "+14155550101", "voicemail", "voicemail", "pending", 1},
	} {
		t.Run(c.script+" "+c.language, func(t *testing.T) {
			owner := d.Owner(t)
			number := rig.LineIn(owner, c.language)
			vapiID := ""
			if c.to == "" {
				vapiID = rig.Simulate(owner, number, c.script, c.language)
			} else {
				var answer row
				owner.Ask("POST", "/api/organizations/"+organization+"/calls", row{
					"assistant": number["assistant"], "phone_number": number["id"], "customer_number": c.to,
				}, http.StatusCreated, &answer)
				vapiID = answer["vapi_call_id"].(string)
			}
			call := rig.Reported(owner, vapiID)
			direction := collections.Inbound
			if c.to != "" {
				direction = collections.Outbound
			}
			if call["outcome"] != c.outcome || call["ended_reason"] != c.reason || call["status"] != collections.CallCompleted ||
				call["call_type"] != direction {
				t.Errorf("got %v, %v, %v, %v; want %s, %s, completed, %s", call["outcome"], call["ended_reason"],
					call["status"], call["call_type"],
					c.outcome, c.reason, direction)
			}
			if c.resolution != "" && call["resolution_status"] != c.resolution {
				t.Errorf("resolution is %v, want %s", call["resolution_status"], c.resolution)
			}
			lines := owner.Rows(collections.Messages, "call = '"+call["id"].(string)+"'", "position")
			if len(lines) != c.lines {
				t.Errorf("%d lines, want %d: %v", len(lines), c.lines, lines)
			}
			if answered := call["answered_at"] != ""; answered != (c.lines > 0) {
				t.Errorf("answered at %q with %d lines", call["answered_at"], c.lines)
			}
			served := c.outcome == "transferred" || c.outcome == "completed" && c.script != "silence"
			if call["answered"] != served || call["missed"] != (c.to == "" && !served) {
				t.Errorf("answered is %v, missed is %v", call["answered"], call["missed"])
			}
			if c.outcome == "transferred" {
				moved := owner.One(collections.CallEvents, "call = '"+call["id"].(string)+"' && type = 'transfer'")
				if !strings.Contains(fmt.Sprint(moved), "+14155550199") {
					t.Errorf("the transfer is %v, want the assistant's forwarding number", moved)
				}
			}
		})
	}
}

// found looks for calls by what was said in them.
func found(t *testing.T, d *rig.Desk, organization string) {
	owner := d.Owner(t)
	booked := owner.One(collections.Calls, "caller_number = '+14155550142' && assistant.language = 'en' && summary ~ 'Priya Raman'")["id"]
	french := owner.One(collections.Calls, "is_test = false && assistant.language = 'fr' && summary ~ 'Camille Roy'")["id"]
	for _, c := range []struct {
		search string
		want   any
	}{
		{"priya", booked},
		{`"tomorrow morning" priya`, booked},
		{"appele rendez-vous", french}, // without its accent
		{"rendez-vous dema", french},   // the last word unfinished
		{"+14155550142", booked},
	} {
		var page struct {
			Items []struct{ ID, Snippet string }
		}
		owner.Ask("GET", "/api/organizations/"+organization+"/calls?search="+url.QueryEscape(c.search), nil,
			http.StatusOK, &page)
		at := slices.IndexFunc(page.Items, func(i struct{ ID, Snippet string }) bool { return i.ID == c.want })
		if at < 0 {
			t.Errorf("%s: %v is not among %v", c.search, c.want, page.Items)
		} else if !strings.HasPrefix(c.search, "+") && !strings.Contains(page.Items[at].Snippet, "‹") {
			t.Errorf("%s: the snippet %q shows no word", c.search, page.Items[at].Snippet)
		}
	}
	var none struct{ Items []row }
	owner.Ask("GET", "/api/organizations/"+organization+"/calls?search=zeppelin", nil, http.StatusOK, &none)
	if len(none.Items) > 0 {
		t.Errorf("nobody said zeppelin, got %v", none.Items)
	}
}

// throughSDK walks the same with PocketBase's own JavaScript SDK.
func throughSDK(t *testing.T, d *rig.Desk) {
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(filepath.Join("ui", "node_modules", "pocketbase")); err != nil || missing != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the SDK was not tried: node or ui/node_modules/pocketbase is missing")
		}
		t.Skip("!!! THE SDK WAS NOT TRIED: node or ui/node_modules/pocketbase is missing (make ui)")
	}
	d.Operator(t)
	script := exec.Command(node, filepath.Join("ui", "e2e", "sdk.mjs"))
	script.Env = append(os.Environ(), "BASE_URL="+d.Base, "E2E_EMAIL="+demoEmail, "E2E_PASSWORD="+demoPassword,
		"E2E_OPERATOR="+rig.OperatorEmail, "E2E_OPERATOR_PASSWORD="+rig.OperatorPassword)
	out, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// newNumber makes an assistant and a number as a new user would, and rings as
// soon as the provider has it.
func newNumber(t *testing.T, d *rig.Desk, organization string) {
	owner := d.Owner(t)
	var assistant, number row
	owner.Ask("POST", "/api/collections/"+collections.Assistants+"/records", row{
		"organization": organization, "name": "Night desk", "type": "voice", "first_message": "Good evening.",
		"language": "en",
	}, http.StatusOK, &assistant)
	owner.Ask("POST", "/api/collections/"+collections.PhoneNumbers+"/records", row{
		"organization": organization, "friendly_name": "Night line", "provider": "vapi", "area_code": "212",
		"assistant": assistant["id"],
	}, http.StatusOK, &number)
	for name := range number {
		if strings.HasPrefix(name, "@") {
			t.Errorf("the answer shows %s", name)
		}
	}
	rig.Synced(owner)
	number = owner.One(collections.PhoneNumbers, "id = '"+number["id"].(string)+"'")
	call := rig.Reported(owner, rig.Simulate(owner, number, "price", "en"))
	if call["outcome"] != "completed" || call["assistant"] != assistant["id"] {
		t.Errorf("the call ended %v (%v) with %v, want completed with the new assistant", call["outcome"],
			call["ended_reason"], call["assistant"])
	}
}

// noMarkers looks through everything that was written for what providers send
// and nobody may keep. The stand-in's own memory is its business.
func noMarkers(t *testing.T, d *rig.Desk) {
	t.Helper()
	const marker = "must-never-be-stored"
	if strings.Contains(d.Said.String(), marker) {
		t.Error("the terminal shows a planted secret")
	}
	err := filepath.WalkDir(d.Dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == sandboxState {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), marker) {
			t.Errorf("%s holds a planted secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
