package calls

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// hasKeys fails unless the object has all the documented keys.
func hasKeys(t *testing.T, what string, v any, keys string) {
	t.Helper()
	object, _ := v.(map[string]any)
	for _, key := range strings.Fields(keys) {
		if _, ok := object[key]; !ok {
			t.Errorf("%s lacks %s: has %v", what, key, slices.Sorted(maps.Keys(object)))
		}
	}
}

// documentedKeys are the columns of the old table calls.
const documentedKeys = `id caller_number recipient_number duration transcript resolution_status call_type summary sentiment priority company_id
	vapi_call_id vapi_assistant_id recording_url cost_breakdown ended_reason created_at updated_at`

// readers are how a route that shows calls answers each person; a list of
// another organization's own is not an error.
func readers(own int) map[string]int {
	return map[string]int{
		testkit.Guest: 401, testkit.BoltOwner: own, testkit.Nobody: 403, testkit.AcmeSuspended: 403,
		testkit.AcmeTrainee: 403,
		testkit.AcmeViewer:  200, testkit.AcmeDeveloper: 200, testkit.AcmeAgent: 200, testkit.AcmeManager: 200,
		testkit.AcmeAdmin: 200, testkit.AcmeOwner: 200,
	}
}

func TestDocumented_reading_is_for_members_who_may_view_calls(t *testing.T) {
	d := newDesk(t, nil)
	for path, own := range map[string]int{
		"/api/calls": 200, "/api/dashboard/metrics": 200, "/api/dashboard/activity": 200, "/functions/v1/calls": 200,
		"/api/calls/" + testkit.AcmeCall:                                                          404,
		"/functions/v1/calls/" + testkit.AcmeCall:                                                 404,
		"/functions/v1/messages/" + testkit.AcmeCall:                                              404,
		"/functions/v1/messages/" + testkit.Row(testkit.Acme, "message"):                          404,
		"/functions/v1/messages/" + testkit.AcmeCall + "/" + testkit.Row(testkit.Acme, "message"): 404,
	} {
		for who, want := range readers(own) {
			if who == testkit.AcmeTrainee && path == "/api/calls/"+testkit.AcmeCall {
				want = 404 // by the record's rule, which hides rather than refuses
			}
			rec := d.Want(want, "GET", path, who, nil)
			text := rec.Body.String()
			if want != 200 {
				hasKeys(t, path, callskit.Object(t, rec), "error code")
			}
			if strings.Contains(text, testkit.SealedValue) || strings.Contains(text, "control_url") {
				t.Errorf("%s as %q shows a secret", path, who)
			}
			if who != testkit.BoltOwner && (strings.Contains(text, "boltcall") || strings.Contains(text, "rye")) ||
				want != 200 && strings.Contains(text, "sourdough") {
				t.Errorf("%s as %q shows what it must not: %.300s", path, who, text)
			}
		}
	}
}

func TestDocumented_list_of_calls(t *testing.T) {
	d := newDesk(t, nil)
	for n := range 23 {
		d.PutCall(testkit.Acme, fmt.Sprintf("zcall%010d", n),
			map[string]any{"priority": []string{"low", "urgent"}[n%2], "call_type": "outbound"}, "", "")
	}
	data := callskit.Object(t, d.Want(200, "GET", "/api/calls", testkit.AcmeViewer, nil))["data"].(map[string]any)
	calls := data["calls"].([]any)
	if len(data) != 2 || len(calls) != 10 ||
		fmt.Sprint(data["pagination"]) != "map[limit:10 page:1 total:25 totalPages:3]" {
		t.Errorf("got %d calls, %v", len(calls), data["pagination"])
	}
	hasKeys(t, "a call", calls[0], documentedKeys)
	seen := map[string]bool{}
	for page := 1; page <= 4; page++ {
		data := callskit.Object(t, d.Want(200, "GET", fmt.Sprintf("/api/calls?page=%d&limit=7", page), testkit.AcmeViewer,
			nil))["data"].(map[string]any)
		for _, c := range data["calls"].([]any) {
			id := c.(map[string]any)["id"].(string)
			if seen[id] {
				t.Errorf("%s is on two pages", id)
			}
			seen[id] = true
		}
	}
	if len(seen) != 25 {
		t.Errorf("the pages hold %d calls", len(seen))
	}
	total := func(query string) any {
		t.Helper()
		data := callskit.Object(t, d.Want(200, "GET", "/api/calls?"+query, testkit.AcmeViewer, nil))["data"].(map[string]any)
		return data["pagination"].(map[string]any)["total"]
	}
	for query, want := range map[string]float64{
		"priority=urgent": 11, "call_type=inbound": 2, "resolution_status=pending": 25, "resolution_status=failed": 0,
		"search=sourdough": 1,
		"search=rye":       0, "search=%2B1202": 2, "search=...": 0, "page=99": 25, "companyId=" + testkit.Acme: 25,
	} {
		if got := total(query); got != want {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	for query, field := range map[string]string{"page=0": "page", "limit=x": "limit", "priority=x": "priority",
		"call_type=x": "call_type", "resolution_status=x": "resolution_status"} {
		details, _ := callskit.Object(t, d.Want(400, "GET", "/api/calls?"+query, testkit.AcmeViewer,
			nil))["details"].(map[string]any)
		if details[field] == nil {
			t.Errorf("%s: got %v", query, details)
		}
	}
	d.Want(404, "GET", "/api/calls?companyId="+testkit.Bolt, testkit.AcmeViewer, nil)
	activity := callskit.Object(t, d.Want(200, "GET", "/api/dashboard/activity?limit=3", testkit.AcmeViewer, nil))
	rows := activity["calls"].([]any)
	if len(activity) != 1 || len(rows) != 3 || rows[0].(map[string]any)["id"] != "zcall0000000022" {
		t.Errorf("got %v", activity)
	}
}

func TestDocumented_writing_calls(t *testing.T) {
	writers := map[string]int{
		testkit.Guest: 401, testkit.Nobody: 403, testkit.AcmeSuspended: 403, testkit.AcmeTrainee: 403,
		testkit.AcmeViewer: 403, testkit.AcmeDeveloper: 403,
		testkit.AcmeAgent: 200, testkit.AcmeManager: 200, testkit.AcmeAdmin: 200, testkit.AcmeOwner: 200,
	}
	d := newDesk(t, nil)
	body := map[string]any{
		"caller_number": "+15551234567", "recipient_number": "+15557654321", "duration": 65,
		"transcript":        "User: a zebra cake please",
		"resolution_status": "pending", "call_type": "inbound", "summary": "Zebra", "sentiment": "positive",
		"priority": "medium",
	}
	id := ""
	for who, want := range writers {
		before := d.Rows(`SELECT count(*) FROM calls`)
		rec := d.Want(want, "POST", "/api/calls", who, body)
		if after := d.Rows(`SELECT count(*) FROM calls`); (after != before) != (want == 200) {
			t.Errorf("%q: %s calls became %s", who, before, after)
		}
		if want != 200 {
			continue
		}
		got := callskit.Object(t, rec)
		row, _ := got["data"].(map[string]any)
		hasKeys(t, "the call", row, documentedKeys)
		if got["message"] != "Call created successfully" || row["duration"] != 65.0 ||
			row["transcript"] != body["transcript"] || row["company_id"] != testkit.Acme ||
			row["status"] != "completed" || row["vapi_call_id"] != "" {
			t.Errorf("got %v", got)
		}
		id = row["id"].(string)
	}
	if got := d.Rows(`SELECT created_by != '' FROM calls WHERE id = ?`, id); got != "1\n" {
		t.Error("nobody wrote it down")
	}
	if got := d.Rows(`SELECT count(*) FROM usage_events WHERE call = ?`, id); got != "0\n" {
		t.Error("a call somebody wrote down is metered")
	}
	if got := d.Found("zebra"); len(got) != 4 {
		t.Errorf("search finds %v", got)
	}
	for name, wrong := range map[string]map[string]any{
		"duration":  {"call_type": "inbound", "duration": -1},
		"call_type": {"call_type": "sideways"},
		"sentiment": {"call_type": "inbound", "sentiment": "angry"},
		"priority":  {"call_type": "inbound", "priority": "now"},
		"summary":   {"call_type": "inbound", "summary": 7},
	} {
		got := callskit.Object(t, d.Want(400, "POST", "/api/calls", testkit.AcmeAgent, wrong))
		if details, _ := got["details"].(map[string]any); details[name] == nil {
			t.Errorf("%v: got %v", wrong, got)
		}
	}
	d.Want(400, "POST", "/api/calls", testkit.AcmeAgent, "{")

	// Changing.
	changed := callskit.Object(t, d.Want(200, "PUT", "/api/calls/"+id, testkit.AcmeAgent,
		map[string]any{"resolution_status": "resolved", "transcript": "User: an okapi cake"}))
	row := changed["data"].(map[string]any)
	if changed["message"] != "Call updated successfully" || row["resolution_status"] != "resolved" ||
		row["transcript"] != "User: an okapi cake" || row["summary"] != "Zebra" {
		t.Errorf("got %v", changed)
	}
	if got := d.Found("okapi"); len(got) != 1 {
		t.Errorf("search finds %v", got)
	}
	d.Want(200, "PUT", "/api/calls/"+testkit.AcmeCall, testkit.AcmeAgent,
		map[string]any{"summary": "About marzipan.", "priority": "high"})
	if got := d.Found("marzipan"); !slices.Equal(got, []string{testkit.AcmeCall}) {
		t.Errorf("search finds %v", got)
	}
	// Saying again what is so changes nothing.
	d.Want(200, "PUT", "/api/calls/"+testkit.AcmeCall, testkit.AcmeAgent,
		map[string]any{"caller_number": "+12025550170", "duration": 60, "call_type": "inbound"})
	// What the provider reported stays, and nothing else of such a request is done.
	for _, facts := range []map[string]any{{"caller_number": "+15550000000"}, {"duration": 1},
		{"call_type": "outbound"}, {"transcript": "made up"}} {
		name := slices.Collect(maps.Keys(facts))[0]
		facts["priority"] = "low"
		got := callskit.Object(t, d.Want(400, "PUT", "/api/calls/"+testkit.AcmeCall, testkit.AcmeOwner, facts))
		if details, _ := got["details"].(map[string]any); len(details) != 1 || details[name] == nil {
			t.Errorf("%v: got %v", facts, got)
		}
		if got := d.Rows(`SELECT priority FROM calls WHERE id = ?`, testkit.AcmeCall); got != "high\n" {
			t.Errorf("%v: half of the request was done", facts)
		}
	}
	for who, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeViewer: 403,
		testkit.AcmeDeveloper: 403} {
		for _, route := range []struct{ method, path string }{{"PUT", "/api/calls/"}, {"PATCH", "/functions/v1/calls/"},
			{"DELETE", "/api/calls/"}, {"DELETE", "/functions/v1/calls/"}} {
			d.Want(want, route.method, route.path+testkit.AcmeCall, who, map[string]any{"summary": "mine"})
		}
	}
	d.Want(403, "DELETE", "/api/calls/"+testkit.AcmeCall, testkit.AcmeAgent, nil)
	if got := d.Rows(`SELECT summary FROM calls WHERE id = ?`, testkit.AcmeCall); got != "About marzipan.\n" {
		t.Errorf("got %q", got)
	}
	gone := callskit.Object(t, d.Want(200, "DELETE", "/api/calls/"+testkit.AcmeCall, testkit.AcmeAdmin, nil))
	if gone["data"] != nil || gone["message"] != "Call deleted successfully" {
		t.Errorf("got %v", gone)
	}
	d.Want(404, "GET", "/api/calls/"+testkit.AcmeCall, testkit.AcmeAdmin, nil)
}

func TestFunctions_calls(t *testing.T) {
	d, x := newExchange(t)
	const keys = "id assistant_id phone_number_id workflow_id customer_number status started_at ended_at duration"
	list := callskit.Object(t, d.Want(200, "GET", "/functions/v1/calls", testkit.AcmeViewer, nil))
	if rows := list["data"].([]any); list["success"] != true || len(rows) != 2 ||
		fmt.Sprint(list["pagination"]) != "map[has_more:false limit:20 page:1 total:2 totalPages:1]" {
		t.Errorf("got %v", list)
	} else {
		hasKeys(t, "a call", rows[0], keys)
		if live := rows[0].(map[string]any); live["id"] != testkit.AcmeLiveCall || live["status"] != "in_progress" ||
			live["assistant_id"] != testkit.AcmeAssistant || live["customer_number"] != "+12025550170" {
			t.Errorf("got %v", live)
		}
	}
	d.PutCall(testkit.Acme, "zringing0000000", map[string]any{"status": "ringing", "outcome": ""}, "", "")
	d.PutCall(testkit.Acme, "zbroken00000000", map[string]any{"status": "failed", "outcome": "failed_vapi"}, "", "")
	for status, want := range map[string]int{"in_progress": 2, "completed": 1, "failed": 1} {
		rows := callskit.Object(t, d.Want(200, "GET", "/functions/v1/calls?status="+status, testkit.AcmeViewer,
			nil))["data"].([]any)
		if len(rows) != want {
			t.Errorf("%s: got %d calls, want %d", status, len(rows), want)
		}
		for _, r := range rows {
			if got := r.(map[string]any)["status"]; got != status {
				t.Errorf("%s: got a call that is %v", status, got)
			}
		}
	}
	one := callskit.Object(t, d.Want(200, "GET", "/functions/v1/calls/"+testkit.AcmeCall, testkit.AcmeViewer, nil))["data"]
	hasKeys(t, "the call", one, keys+" transcript cost_breakdown")
	if !strings.Contains(one.(map[string]any)["transcript"].(string), "sourdough") {
		t.Errorf("got %v", one)
	}
	order := map[string]any{"assistant_id": testkit.AcmeAssistant, "phone_number_id": testkit.AcmeNumber,
		"customer_number": "+14155552671"}
	for who, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 400, testkit.AcmeTrainee: 403,
		testkit.AcmeViewer: 403, testkit.AcmeAgent: 201} {
		d.Want(want, "POST", "/functions/v1/calls", who, order)
	}
	placed := callskit.Object(t, d.Want(201, "POST", "/functions/v1/calls?force=true", testkit.AcmeAgent,
		order))["data"].(map[string]any)
	hasKeys(t, "the placed call", placed, keys)
	if placed["status"] != "in_progress" || placed["customer_number"] != "+14155552671" || len(x.Placed) != 2 {
		t.Errorf("got %v after %d calls", placed, len(x.Placed))
	}
	for field, wrong := range map[string]map[string]any{
		"assistant_id": {"assistant_id": ""}, "phone_number_id": {"phone_number_id": 7},
		"customer_number": {"customer_number": nil}, "workflow_id": {"workflow_id": "flow"},
	} {
		body := maps.Clone(order)
		maps.Copy(body, wrong)
		if details, _ := callskit.Object(t, d.Want(400, "POST", "/functions/v1/calls", testkit.AcmeAgent,
			body))["details"].(map[string]any); details[field] == nil {
			t.Errorf("%v: got %v", wrong, details)
		}
	}
	changed := callskit.Object(t, d.Want(200, "PATCH", "/functions/v1/calls/"+testkit.AcmeCall, testkit.AcmeAgent,
		map[string]any{"resolution_status": "resolved",
			"metadata": map[string]any{"ticket": 7}}))["data"].(map[string]any)
	if changed["resolution_status"] != "resolved" || fmt.Sprint(changed["metadata"]) != "map[ticket:7]" {
		t.Errorf("got %v", changed)
	}
	ended := callskit.Object(t, d.Want(200, "POST", "/functions/v1/calls/"+testkit.AcmeLiveCall+"/end", testkit.AcmeAgent,
		nil))["data"]
	hasKeys(t, "the ended call", ended, keys)
	gone := callskit.Object(t, d.Want(200, "DELETE", "/functions/v1/calls/"+testkit.AcmeCall, testkit.AcmeAdmin, nil))
	if gone["data"] != nil || len(gone) == 0 {
		t.Errorf("got %v", gone)
	}
}

func TestFunctions_messages(t *testing.T) {
	d, x := newExchange(t)
	const keys = "id call_id content role created_at"
	list := callskit.Object(t, d.Want(200, "GET", "/functions/v1/messages/"+testkit.AcmeCall, testkit.AcmeViewer, nil))
	rows := list["data"].([]any)
	if len(rows) != 3 || rows[1].(map[string]any)["content"] != "Do you have sourdough today?" ||
		fmt.Sprint(list["pagination"]) != "map[has_more:false limit:100 page:1 total:3 totalPages:1]" {
		t.Errorf("got %v", list)
	}
	hasKeys(t, "a message", rows[0], keys)
	second := callskit.Object(t, d.Want(200, "GET", "/functions/v1/messages/"+testkit.AcmeCall+"?page=2&limit=1",
		testkit.AcmeViewer, nil))["data"].([]any)
	if len(second) != 1 || fmt.Sprint(second[0]) != fmt.Sprint(rows[1]) {
		t.Errorf("got %v", second)
	}
	id := rows[1].(map[string]any)["id"].(string)
	for _, path := range []string{id, testkit.AcmeCall + "/" + id} {
		if got := callskit.Object(t, d.Want(200, "GET", "/functions/v1/messages/"+path, testkit.AcmeViewer,
			nil))["data"]; fmt.Sprint(got) != fmt.Sprint(rows[1]) {
			t.Errorf("%s: got %v", path, got)
		}
	}
	d.Want(404, "GET", "/functions/v1/messages/"+testkit.AcmeLiveCall+"/"+id, testkit.AcmeViewer,
		nil) // of another call
	d.Want(404, "GET", "/functions/v1/messages/nothing00000000", testkit.AcmeViewer, nil)

	path := "/functions/v1/messages/" + testkit.AcmeLiveCall
	line := func(role, content string) map[string]any { return map[string]any{"role": role, "content": content} }
	for who, want := range map[string]int{
		testkit.Guest: 401, testkit.BoltOwner: 404, testkit.AcmeTrainee: 403, testkit.AcmeViewer: 403,
		testkit.AcmeDeveloper: 403,
	} {
		d.Want(want, "POST", path, who, line("assistant", "hello"))
	}
	for name, body := range map[string]any{"no role": line("", "x"), "a wrong role": line("boss", "x"),
		"no content": line("user", ""), "blanks": line("user", "  "),
		"too much": line("user", strings.Repeat("x", 1001)), "not JSON": "{"} {
		if rec := d.Want(400, "POST", path, testkit.AcmeAgent, body); callskit.Object(t, rec)["error"] == nil {
			t.Errorf("%s: got %s", name, rec.Body)
		}
	}
	if got := x.Ordered(); len(got) != 0 ||
		d.Rows(`SELECT count(*) FROM messages WHERE call = ?`, testkit.AcmeLiveCall) != "0\n" {
		t.Fatalf("a refused message was said: %v", got)
	}
	for _, role := range []string{"assistant", "system", "user"} {
		got := callskit.Object(t, d.Want(201, "POST", path, testkit.AcmeAgent, line(role, " "+role+" speaks ")))["data"]
		hasKeys(t, "the message", got, keys)
		if m := got.(map[string]any); m["role"] != role || m["content"] != role+" speaks" ||
			m["call_id"] != testkit.AcmeLiveCall {
			t.Errorf("got %v", m)
		}
	}
	said := x.Ordered()
	if len(said) != 3 || said[0] != `{"type":"say","content":"assistant speaks"}` ||
		!strings.Contains(said[1], `"add-message"`) || !strings.Contains(said[1], `"triggerResponseEnabled":false`) ||
		!strings.Contains(said[2], `"triggerResponseEnabled":true`) {
		t.Errorf("the call heard %q", said)
	}
	if got := d.Rows(`SELECT role, from_person FROM messages WHERE call = ? ORDER BY position`,
		testkit.AcmeLiveCall); got != "assistant | 1\nsystem | 1\nuser | 1\n" {
		t.Errorf("stored %q", got)
	}
	x.Status = http.StatusInternalServerError
	d.Want(502, "POST", path, testkit.AcmeAgent, line("assistant", "unheard"))
	if got := d.Rows(`SELECT count(*) FROM messages WHERE content = 'unheard'`); got != "0\n" {
		t.Error("a line nobody heard is stored")
	}
	// Nobody hears a line added to a call that is over; it is kept.
	d.Want(201, "POST", "/functions/v1/messages/"+testkit.AcmeCall, testkit.AcmeAgent, line("system", "called back"))
}

// A person's line stays when the report replaces what was heard live.
func TestFunctions_a_persons_line_outlives_the_report(t *testing.T) {
	d := newDesk(t, nil)
	id := d.begin(t)
	d.Set(collections.Calls, id, map[string]any{"control_url": ""})
	d.Want(201, "POST", "/functions/v1/messages/"+id, testkit.AcmeAgent,
		map[string]any{"role": "system", "content": "the caller is a regular"})
	messages := callskit.Lines(t, "call-inbound.jsonl")
	d.SendAll(messages[len(messages)-1:])
	if got := d.Rows(`SELECT count(*) FROM messages WHERE call = ? AND content = 'the caller is a regular'`,
		id); got != "1\n" {
		t.Errorf("got %s", got)
	}
	if got := d.Rows(`SELECT count(*) FROM messages WHERE call = ? AND content = 'before you came'`, id); got != "0\n" {
		t.Error("what was heard live is still there")
	}
}

// A hundred transcripts of a megabyte are a hundred megabytes.
func TestDocumented_lists_have_an_answers_size(t *testing.T) {
	d := newDesk(t, nil)
	long := strings.Repeat("x", 1_000_000)
	for i := range 18 {
		d.PutCall(testkit.Acme, fmt.Sprintf("longlonglong%03d", i), nil, "", long)
	}
	for _, path := range []string{"/api/calls", "/api/dashboard/activity"} {
		if w := d.Do("GET", path+"?limit=100", testkit.AcmeOwner, nil); w.Code != 400 ||
			!strings.Contains(w.Body.String(), "larger than 16 MB") {
			t.Errorf("%s: got %d with %d bytes %.100s", path, w.Code, w.Body.Len(), w.Body)
		}
		// What it reads counts, not what is left of it.
		if w := d.Do("GET", path+"?limit=20&fields=nothing", testkit.AcmeOwner, nil); w.Code != 400 {
			t.Errorf("%s, of which nothing is shown: got %d", path, w.Code)
		}
		if w := d.Do("GET", path+"?limit=10", testkit.AcmeOwner, nil); w.Code != 200 || w.Body.Len() < 7_000_000 {
			t.Errorf("%s, ten: got %d with %d bytes", path, w.Code, w.Body.Len())
		}
	}
}

// Acme is in New York: its 11th of November begins at five in UTC.
func TestDates_are_the_organizations_days_in_every_list(t *testing.T) {
	d := newDesk(t, nil)
	for id, at := range map[string]string{
		"zbefore00000000": "2026-11-11 04:59:59.000Z", "zfirst000000000": "2026-11-11 05:00:00.000Z",
		"zlast0000000000": "2026-11-12 04:59:59.000Z", "zafter000000000": "2026-11-12 05:00:00.000Z",
	} {
		d.PutCall(testkit.Acme, id, map[string]any{"started_at": at}, "", "")
	}
	const day = "?from=2026-11-11&to=2026-11-11"
	for _, path := range []string{callskit.AcmeCalls + day, callskit.AcmeCalls + ".csv" + day, "/api/calls" + day,
		"/functions/v1/calls" + day} {
		body := d.Want(200, "GET", path, testkit.AcmeViewer, nil).Body.String()
		for id, in := range map[string]bool{"zbefore": false, "zfirst": true, "zlast": true, "zafter": false} {
			if strings.Contains(body, id) != in {
				t.Errorf("%s: %s is in it: %v", path, id, !in)
			}
		}
	}
	for _, path := range []string{callskit.AcmeCalls, "/api/calls", "/functions/v1/calls"} {
		d.Want(400, "GET", path+"?from=11/11/2026", testkit.AcmeViewer, nil)
	}
}

// What cannot be read is the server's trouble, and not a call without words.
func TestDocumented_report_that_cannot_be_read_is_no_empty_one(t *testing.T) {
	for _, table := range []string{"call_reports", "assistants"} {
		d := newDesk(t, nil)
		d.Execute("ALTER TABLE " + table + " RENAME TO away")
		paths := []string{"/api/calls/" + testkit.AcmeCall, "/api/calls", "/api/dashboard/activity"}
		if table == "call_reports" {
			paths = append(paths, "/functions/v1/calls/"+testkit.AcmeCall)
		}
		for _, path := range paths {
			rec := d.Do("GET", path, testkit.AcmeOwner, nil)
			if rec.Code < 500 || strings.Contains(rec.Body.String(), "transcript") {
				t.Errorf("%s without %s: got %d: %.200s", path, table, rec.Code, rec.Body)
			}
		}
	}
}
