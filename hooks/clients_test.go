package hooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// What the clients of the two old systems, and ordinary SDKs, send and read:
// asked of the product as hooks.Register puts it together.

// object is an answer of one object.
type object map[string]any

func (o object) in(path string) any {
	var at any = map[string]any(o)
	for _, name := range strings.Split(path, ".") {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return at
}

// says compares what an answer has at some places.
func says(t *testing.T, a *testkit.Answer, want map[string]any) object {
	t.Helper()
	var o object
	a.JSON(&o)
	for path, value := range want {
		if got := o.in(path); fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s is %v, want %v: %.400s", path, got, value, a.Body)
		}
	}
	return o
}

func TestClients_a_call_without_what_is_documented_is_not_counted(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	before := p.count("SELECT count(*) FROM calls")
	for _, body := range []any{
		nil, map[string]any{}, map[string]any{"caller_number": "+12025550123"}, map[string]any{"duration": 3},
		map[string]any{"caller_number": "  ", "duration": 3}, map[string]any{"caller_number": nil, "duration": nil},
	} {
		says(t, api.Do("POST", "/api/calls", testkit.AcmeOwner, body).Want(400), map[string]any{"code": "invalid_request"})
	}
	answer := api.Do("POST", "/api/calls", testkit.AcmeOwner, nil).Want(400)
	says(t, answer, map[string]any{"details.caller_number": "Required", "details.duration": "Required"})
	if n := p.count("SELECT count(*) FROM calls"); n != before {
		t.Errorf("%d calls, want %d", n, before)
	}
	full := map[string]any{"caller_number": "+12025550123", "duration": 0}
	answer = api.Do("POST", "/api/calls", testkit.AcmeOwner, full).Want(200)
	says(t, answer, map[string]any{"data.call_type": "inbound", "data.resolution_status": "pending", "data.priority": "medium"})
	id := says(t, answer, nil).in("data.id").(string)
	api.Do("PUT", "/api/calls/"+id, testkit.AcmeOwner, map[string]any{"priority": "high"}).Want(200)
}

func TestClients_a_message_names_its_call_in_the_body(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	body := map[string]any{"call_id": testkit.AcmeCall, "content": "Rang back at noon.", "role": "system"}
	const path = "/functions/v1/messages"
	before := p.count("SELECT count(*) FROM messages")
	api.Do("POST", path, testkit.Guest, body).Want(401)
	api.Do("POST", path, testkit.BoltOwner, body).Want(404)
	api.Do("POST", path, testkit.AcmeTrainee, body).Want(403)
	api.Do("POST", path, testkit.AcmeViewer, body).Want(403)
	for _, field := range []string{"call_id", "content", "role"} {
		wrong := map[string]any{"call_id": testkit.AcmeCall, "content": "x", "role": "user"}
		delete(wrong, field)
		says(t, api.Do("POST", path, testkit.AcmeAgent, wrong).Want(400), map[string]any{"details." + field: "Required"})
	}
	if n := p.count("SELECT count(*) FROM messages"); n != before {
		t.Fatalf("%d messages, want %d", n, before)
	}
	says(t, api.Do("POST", path, testkit.AcmeAgent, body).Want(201), map[string]any{
		"success": true, "data.call_id": testkit.AcmeCall, "data.content": "Rang back at noon.", "data.role": "system",
	})
	api.Do("GET", path, testkit.AcmeAgent, nil).Want(400)
	api.Do("GET", path+"?call_id="+testkit.AcmeCall, testkit.BoltOwner, nil).Want(404)
	list := api.Do("GET", path+"?call_id="+testkit.AcmeCall+"&limit=2", testkit.AcmeAgent, nil).Want(200)
	says(t, list, map[string]any{"success": true, "pagination.total": 4, "pagination.has_more": true})
	rows := says(t, list, nil).in("data").([]any)
	if len(rows) != 2 || rows[0].(map[string]any)["content"] != "Hello, how can I help?" {
		t.Errorf("got %v", rows)
	}
}

func TestClients_functions_answer_as_the_old_pages_read_them(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	do := func(method, path string, body any) *testkit.Answer {
		return api.Do(method, "/functions/v1/"+path, testkit.AcmeOwner, body)
	}
	for _, path := range []string{
		"assistants", "assistants/" + testkit.AcmeAssistant, "calls", "calls/" + testkit.AcmeCall, "messages/" + testkit.AcmeCall,
		"organization", "organization/current", "organization/" + testkit.Acme, "organization/limits",
	} {
		says(t, do("GET", path, nil).Want(200), map[string]any{"success": true})
	}
	says(t, do("GET", "calls?limit=1", nil), map[string]any{"pagination.has_more": true, "pagination.page": 1, "pagination.total": 2})
	says(t, do("GET", "calls?limit=1&page=2", nil), map[string]any{"pagination.has_more": false})
	says(t, do("GET", "calls/zzz", nil).Want(404), map[string]any{"success": false})
	says(t, do("GET", "nothing", nil).Want(404), map[string]any{"success": false, "code": "not_found"})

	// A page of the old system makes and changes an assistant.
	made := do("POST", "assistants", map[string]any{
		"name": "Accueil", "language": "fr-FR", "firstMessage": "Bonjour !", "instructions": "Tu réponds.", "maxDurationSeconds": 300,
		"silenceTimeoutSeconds": 20, "recordingSettings": map[string]any{"createRecording": true},
		"voice": map[string]any{"provider": "elevenlabs", "voice_id": "abcdefghij0123456789", "similarity_boost": 0.5},
	}).Want(201)
	says(t, made, map[string]any{
		"success": true, "data.language": "fr", "data.first_message": "Bonjour !", "data.firstMessage": "Bonjour !",
		"data.system_prompt": "Tu réponds.", "data.instructions": "Tu réponds.",
	})
	id := says(t, made, nil).in("data.id").(string)
	stored, err := p.FindRecordById(collections.Assistants, id)
	if err != nil || stored.GetString("system_prompt") != "Tu réponds." || stored.GetInt("max_duration_seconds") != 300 {
		t.Errorf("stored: %v %v", stored, err)
	}
	for _, field := range []string{"silenceTimeoutSeconds", "recordingSettings", "voice.similarity_boost"} {
		if warned := fmt.Sprint(says(t, made, nil)["warnings"]); !strings.Contains(warned, field) {
			t.Errorf("%s vanished without a word: %s", field, warned)
		}
	}
	says(t, do("DELETE", "assistants/"+id, nil).Want(200), map[string]any{"success": true})

	// Organizations by their id.
	says(t, do("PATCH", "organization/"+testkit.Acme, map[string]any{"description": "Bread", "settings": 1}).Want(200), map[string]any{
		"success": true, "data.description": "Bread", "data.id": testkit.Acme, "warnings": "[settings is not known here and was ignored]",
	})
	do("GET", "organization/"+testkit.Bolt, nil).Want(404)
	do("PATCH", "organization/"+testkit.Bolt, map[string]any{"description": "x"}).Want(404)
	api.Do("GET", "/functions/v1/organization/"+testkit.Acme, testkit.Guest, nil).Want(401)
	api.Do("PATCH", "/functions/v1/organization/"+testkit.Acme, testkit.Sam, map[string]any{"description": "x"}).Want(403)
	api.Do("PATCH", "/functions/v1/organization/current", testkit.AcmeViewer, map[string]any{"description": "x"}).Want(403)
	says(t, api.Do("GET", "/functions/v1/organization/"+testkit.Acme, testkit.Sam, nil).Want(200), map[string]any{"data.id": testkit.Acme})
}

func TestClients_every_documented_write_names_fields_it_does_not_know(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	call := map[string]any{"caller_number": "+12025550123", "duration": 1, "transcripts": "x"}
	for _, ask := range []struct {
		method, path string
		body         map[string]any
		status       int
	}{
		{"POST", "/api/calls", call, 200},
		{"PUT", "/api/calls/" + testkit.AcmeCall, map[string]any{"priority": "low"}, 200},
		{"PUT", "/api/user/profile", map[string]any{"full_name": "Ada"}, 200},
		{"POST", "/api/team-members", map[string]any{"full_name": "New", "email": "new@acme.test", "role": "agent"}, 201},
		{"POST", "/api/vapi/assistants", map[string]any{"name": "Desk"}, 200},
		{"PATCH", "/api/vapi/assistants/" + testkit.AcmeAssistant, map[string]any{"name": "Desk two"}, 200},
		{"PATCH", "/api/security/settings", map[string]any{"session_timeout_minutes": 600}, 200},
		{"PATCH", "/functions/v1/calls/" + testkit.AcmeCall, map[string]any{"notes": "x"}, 200},
		{"POST", "/functions/v1/messages/" + testkit.AcmeCall, map[string]any{"content": "x", "role": "user"}, 201},
		{"PATCH", "/functions/v1/organization", map[string]any{"description": "x"}, 200},
		{"POST", "/functions/v1/assistants", map[string]any{"name": "x"}, 400},
	} {
		plain := says(t, api.Do(ask.method, ask.path, testkit.AcmeOwner, ask.body).Want(ask.status), nil)
		if _, said := plain["warnings"]; said && ask.path != "/api/calls" {
			t.Errorf("%s %s warns of what it knows: %v", ask.method, ask.path, plain["warnings"])
		}
		ask.body["favourite_colour"] = "green"
		if ask.body["email"] != nil {
			ask.body["email"] = "newer@acme.test"
		}
		warned := says(t, api.Do(ask.method, ask.path, testkit.AcmeOwner, ask.body).Want(ask.status), nil)
		if !strings.Contains(fmt.Sprint(warned["warnings"]), "favourite_colour") {
			t.Errorf("%s %s passes over a field without a word: %v", ask.method, ask.path, warned)
		}
	}
}

func TestClients_errors_name_the_field_that_was_sent(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	answer := api.Do("POST", "/functions/v1/calls", testkit.AcmeOwner, map[string]any{
		"assistant_id": testkit.BoltAssistant, "phone_number_id": testkit.BoltNumber, "to": "nobody",
	}).Want(400)
	details, _ := says(t, answer, nil)["details"].(map[string]any)
	for _, field := range []string{"assistant_id", "phone_number_id", "to"} {
		if details[field] == nil {
			t.Errorf("%s is not named: %v", field, details)
		}
	}
	if len(details) != 3 {
		t.Errorf("got %v", details)
	}
}

func TestClients_a_slash_at_the_end_changes_nothing(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for _, path := range []string{
		"/api/calls", "/api/calls/" + testkit.AcmeCall, "/api/user/profile", "/functions/v1/assistants", "/functions/v1/organization",
	} {
		api.Do("GET", path+"/", testkit.AcmeOwner, nil).Want(200)
	}
	// PocketBase's own routes send clients on.
	if to := api.Do("GET", "/api/collections/calls/records/?page=2", testkit.AcmeOwner, nil).Want(308).Header.Get("Location"); to !=
		"/api/collections/calls/records?page=2" {
		t.Errorf("sent to %q", to)
	}
	api.Do("GET", "/api/calls/", testkit.Guest, nil).Want(401)
	api.Do("GET", "/api/calls/"+testkit.AcmeCall+"/", testkit.BoltOwner, nil).Want(404)
	wrapped := map[string]any{"method": "GET"}
	says(t, api.Do("POST", "/functions/v1/assistants/", testkit.AcmeOwner, wrapped).Want(200), map[string]any{"success": true})
	// The limits of a door are the same at both addresses.
	api.Address = "198.51.100.7:4000"
	last := 0
	for n := range 11 {
		last = api.Do("POST", "/api/auth/signup"+strings.Repeat("/", n%2), testkit.Guest, map[string]any{}).Status
	}
	if last != 429 {
		t.Errorf("the 11th sign-up of an address got %d", last)
	}
}

func TestClients_a_wrong_verb_or_address_is_told_in_JSON(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for ask, status := range map[string]int{
		"DELETE /api/calls": 405, "PUT /api/user/preferences": 405, "POST /api/dashboard/metrics": 405, "PUT /functions/v1/assistants": 404,
		"GET /api/typo": 404, "PATCH /api/collections/calls/records": 404, "GET /rest/v1/assistants?select=*": 404,
		"POST /rest/v1/assistants": 404, "GET /rest/v1/": 404, "GET /auth/v1/nothing": 404,
	} {
		method, path, _ := strings.Cut(ask, " ")
		for _, who := range []string{testkit.Guest, testkit.AcmeOwner} {
			answer := says(t, api.Do(method, path, who, nil).Want(status), nil)
			if answer["error"] == nil || answer["code"] == nil || answer["message"] == nil {
				t.Errorf("%s: %v", ask, answer)
			}
		}
	}
	if allow := api.Do("DELETE", "/api/calls", testkit.Guest, nil).Header.Get("Allow"); allow != "GET, POST" {
		t.Errorf("DELETE /api/calls allows %q", allow)
	}
}

func TestClients_an_assistant_in_use_is_deleted_by_force_alone(t *testing.T) {
	for _, path := range []string{"/api/vapi/assistants/", "/functions/v1/assistants/"} {
		p := newProduct(t)
		api := testkit.API(t, p.TestApp)
		api.Do("DELETE", path+testkit.AcmeAssistant, testkit.AcmeOwner, nil).Want(409)
		api.Do("DELETE", path+testkit.AcmeAssistant+"?force=true", testkit.AcmeOwner, nil).Want(200)
		if n := p.count("SELECT count(*) FROM phone_numbers WHERE assistant = '" + testkit.AcmeAssistant + "'"); n != 0 {
			t.Errorf("%d numbers are still answered by it", n)
		}
	}
}

func TestClients_accounts_are_completed_by_what_is_right(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	says(t, api.Do("POST", "/api/auth/signup", testkit.AcmeAgent, map[string]any{"fullName": "Ari"}).Want(400),
		map[string]any{"details.email": "Must be the address of your account"})
	api.Do("POST", "/api/auth/signup", testkit.AcmeAgent, map[string]any{"fullName": "Ari", "email": testkit.AcmeAgent}).Want(200)
	me := "/api/collections/users/records/" + testkit.User(testkit.AcmeAgent)
	for _, wrong := range []string{"hello", "123", "+1 call me", "+123456", "00000000000000000000", "1+2345678", "+99912345678"} {
		answer := api.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"phone": wrong}).Want(400)
		if says(t, answer, nil).in("details.phone") == nil {
			t.Errorf("%q: %s", wrong, answer.Body)
		}
		api.Do("PATCH", me, testkit.AcmeAgent, map[string]any{"phone": wrong}).Want(400)
		api.Do("POST", "/api/auth/signup", testkit.AcmeAgent, map[string]any{"fullName": "A", "email": testkit.AcmeAgent, "phone": wrong}).Want(400)
	}
	for _, right := range []string{"+1 (202) 555-0111", "202-555-0111", "+33 1 42 68 53 00", "06 12 34 56 78", ""} {
		api.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"phone": right}).Want(200)
		if n := p.count("SELECT count(*) FROM users WHERE email = '" + testkit.AcmeAgent + "' AND phone = '" + right + "'"); n != 1 {
			t.Errorf("%q is not stored", right)
		}
	}
	api.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"phone": nil}).Want(200)
}

func TestClients_lists_count_where_it_is_cheap_and_sort_by_creation(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	type page struct {
		TotalItems, TotalPages int
		Items                  []struct{ ID, Created string }
	}
	list := func(who, collection, query string) (got page) {
		t.Helper()
		api.Do("GET", "/api/collections/"+collection+"/records?"+query, who, nil).Want(200).JSON(&got)
		return got
	}
	for _, c := range collections.All() {
		if !collections.Tenant(c) || c.ListRule == nil {
			continue
		}
		got := list(testkit.AcmeOwner, c.Name, "perPage=1&sort=-created")
		if got.TotalItems < len(got.Items) || got.TotalPages != got.TotalItems {
			t.Errorf("%s: %d rows in %d pages", c.Name, got.TotalItems, got.TotalPages)
		}
	}
	if got := list(testkit.AcmeViewer, "calls", "perPage=1"); got.TotalItems != 2 {
		t.Errorf("got %d calls, want 2: those of the own organization", got.TotalItems)
	}
	if got := list(testkit.AcmeTrainee, "calls", ""); got.TotalItems != 0 {
		t.Errorf("whoever may see no calls is told of %d", got.TotalItems)
	}
	if got := list(testkit.AcmeViewer, "calls", "skipTotal=1"); got.TotalItems != -1 {
		t.Errorf("asked not to count: %d", got.TotalItems)
	}
	// The one row too many, and other organizations' rows do not count.
	fill := func(organization string, n int) {
		p.exec(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO contacts (id, organization, phone_number, phone_number_raw, name, email, notes, first_seen_at, last_seen_at, created, updated)
			SELECT printf('%%.4s%%011d', '%s', i), '%s', printf('+1303%%07d', i), '', '', '', '', '', '', '2026-09-01 10:00:00.000Z', '' FROM n`,
			n, organization, organization))
	}
	fill(testkit.Bolt, 1_200)
	fill(testkit.Acme, 999)
	if got := list(testkit.AcmeOwner, "contacts", ""); got.TotalItems != 1_000 {
		t.Errorf("got %d contacts, want 1000", got.TotalItems)
	}
	if got := list(testkit.BoltOwner, "contacts", ""); got.TotalItems != -1 {
		t.Errorf("1,201 contacts are counted without being asked: %d", got.TotalItems)
	}
	if got := list(testkit.BoltOwner, "contacts", "skipTotal=false"); got.TotalItems != 1_201 {
		t.Errorf("asked: %d", got.TotalItems)
	}
	newest := list(testkit.AcmeViewer, "calls", "sort=-created").Items
	if len(newest) != 2 || newest[0].Created < newest[1].Created {
		t.Errorf("got %v", newest)
	}
}

func TestClients_a_row_without_organization_is_of_the_active_one(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	const path = "/api/collections/contacts/records"
	var made struct{ Organization string }
	for _, body := range []map[string]any{
		{"phone_number": "+13035550101"}, {"phone_number": "+13035550102", "organization": ""}, {"phone_number": "+13035550103", "organization": nil},
	} {
		if api.Do("POST", path, testkit.AcmeAgent, body).Want(200).JSON(&made); made.Organization != testkit.Acme {
			t.Errorf("%v is of %q", body, made.Organization)
		}
	}
	sam := map[string]any{"phone_number": "+13035550104"}
	if api.Do("POST", path, testkit.Sam, sam).Want(200).JSON(&made); made.Organization != testkit.Bolt {
		t.Errorf("Sam's is of %q", made.Organization)
	}
	// There Sam is a viewer.
	api.Do("POST", path+"?organization="+testkit.Acme, testkit.Sam, map[string]any{"phone_number": "+13035550105"}).Want(400)
	api.Do("POST", path, testkit.Nobody, map[string]any{"phone_number": "+13035550106"}).Want(403)
	api.Do("POST", path, testkit.Guest, map[string]any{"phone_number": "+13035550107"}).Want(400)
	api.Do("POST", path, testkit.AcmeAgent, map[string]any{"phone_number": "+13035550108", "organization": testkit.Bolt}).Want(400)
	if n := p.count("SELECT count(*) FROM contacts WHERE phone_number LIKE '+1303555010%'"); n != 4 {
		t.Errorf("%d contacts were made, want 4", n)
	}
	account := map[string]any{"email": "new@acme.test", "password": "a good long one 7", "passwordConfirm": "a good long one 7"}
	for _, who := range []string{testkit.Guest, testkit.AcmeOwner} {
		answer := api.Do("POST", "/api/collections/users/records", who, account).Want(403)
		if !strings.Contains(string(answer.Body), "/api/auth/signup") {
			t.Errorf("%s does not say where to go", answer.Body)
		}
	}
}

// An SDK user follows records; what the provider's messages change is heard
// like what people change, by whoever may see it.
func TestClients_hear_in_every_collection_what_messages_change(t *testing.T) {
	p := newProduct(t, "VAPI_WEBHOOK_SECRET=the secret of the messages")
	server := testkit.Server(t, p.TestApp)
	topics := []string{"contacts/*", "call_events/*", "call_reports/*", "usage_events/*"}
	hear := func(who string) *stream {
		s := listen(t, server)
		status, body := call(t, server, testkit.As(t, who)["Authorization"], "POST", "/api/realtime",
			map[string]any{"clientId": s.id, "subscriptions": topics})
		if status != 204 {
			t.Fatalf("%s: got %d %s", who, status, body)
		}
		return s
	}
	owner, bolt := hear(testkit.AcmeOwner), hear(testkit.BoltOwner)
	raw, err := os.ReadFile("calls/testdata/end-of-call-report.json")
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Message map[string]any `json:"message"`
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		t.Fatal(err)
	}
	report.Message["call"] = map[string]any{"id": "fresh-call", "phoneNumberId": "number-acme", "assistantId": "assistant-acme", "type": "inboundPhoneCall"}
	report.Message["phoneNumber"] = map[string]any{"id": "number-acme", "number": "+12025550100"}
	report.Message["customer"] = map[string]any{"number": "+13035550199", "name": "Nia New"}
	body, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("POST", "/api/webhooks/vapi", bytes.NewReader(body))
	req.Header.Set("X-Vapi-Secret", "the secret of the messages")
	rec := httptest.NewRecorder()
	server.Config.Handler.ServeHTTP(rec, req)
	if rec.Code != 200 {
		t.Fatalf("the report got %d %s", rec.Code, rec.Body)
	}
	missing := map[string]bool{}
	for _, topic := range topics {
		missing[topic] = true
	}
	for late := time.After(30 * time.Second); len(missing) > 0; {
		select {
		case e := <-owner.events:
			topic, data, _ := strings.Cut(e, " ")
			if !strings.Contains(data, `"action":"create"`) || !strings.Contains(data, testkit.Acme) {
				t.Errorf("heard %s", e)
			}
			delete(missing, topic)
		case <-late:
			t.Fatalf("nothing was heard of %v", missing)
		}
	}
	select {
	case e := <-bolt.events:
		t.Errorf("Bolt heard %s", e)
	default:
	}
}

// show opens an address as a page does that has nothing else.
func (p *product) show(api *testkit.Client, address any, from string) int {
	p.t.Helper()
	path, ok := address.(string)
	if !ok {
		p.t.Fatalf("no address: %v", address)
	}
	if at := strings.Index(path, "/api/"); at > 0 {
		path = path[at:]
	}
	r := httptest.NewRequest("GET", path, nil)
	r.RemoteAddr = from + ":4000"
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w.Code
}

func TestClients_show_a_recording_that_have_only_its_address(t *testing.T) {
	p := newProduct(t, "POCKETLINE_PUBLIC_URL=https://desk.example.com")
	api := testkit.API(t, p.TestApp)
	const home = "198.51.100.30"
	address := says(t, api.Do("GET", "/api/calls/"+testkit.AcmeCall, testkit.AcmeViewer, nil).Want(200), nil).in("data.recording_url")
	if !strings.HasPrefix(fmt.Sprint(address), "https://desk.example.com/api/calls/"+testkit.AcmeCall+"/recording?token=") {
		t.Errorf("got %v", address)
	}
	function := says(t, api.Do("GET", "/functions/v1/calls/"+testkit.AcmeCall, testkit.AcmeViewer, nil).Want(200), nil).in("data.recording_url")
	for _, one := range []any{address, function} {
		if got := p.show(api, one, home); got != 200 {
			t.Errorf("%v got %d", one, got)
		}
	}
	var file struct{ Token string }
	api.Do("POST", "/api/files/token", testkit.AcmeViewer, nil).Want(200).JSON(&file)
	if got := p.show(api, "/api/calls/"+testkit.AcmeCall+"/recording?token="+file.Token, home); got != 200 {
		t.Errorf("a file token got %d", got)
	}
	// It opens this file alone, for whoever may see it, and nothing else.
	_, token, _ := strings.Cut(address.(string), "?token=")
	for path, want := range map[string]int{
		"/api/calls/" + testkit.BoltCall + "/recording?token=" + token: 401, "/api/calls/" + testkit.AcmeLiveCall + "/recording?token=" + token: 401,
		"/api/calls/" + testkit.AcmeCall + "?token=" + token: 401, "/api/calls/" + testkit.AcmeCall + "/recording": 401,
		"/api/calls/" + testkit.AcmeCall + "/recording?token=" + token + "x": 401,
	} {
		if got := p.show(api, path, home); got != want {
			t.Errorf("%s got %d, want %d", path, got, want)
		}
	}
	recording, err := p.FindRecordById(collections.Recordings, testkit.AcmeRecording)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.show(api, "/api/files/recordings/"+recording.Id+"/"+recording.GetString("file")+"?token="+token, home); got != 404 {
		t.Errorf("another address of the file got %d", got)
	}
	foreign := api.Do("POST", "/api/files/token", testkit.BoltOwner, nil).Want(200)
	foreign.JSON(&file)
	if got := p.show(api, "/api/calls/"+testkit.AcmeCall+"/recording?token="+file.Token, home); got != 404 {
		t.Errorf("another organization's file token got %d", got)
	}
	// The organization's gate holds for it, and it ends with its session.
	p.close(map[string]any{"ip_whitelist": []string{"192.0.2.0/24"}})
	if here, there := p.show(api, address, home), p.show(api, address, "192.0.2.7"); here == 200 || there != 200 {
		t.Errorf("from a foreign network %d, from a listed one %d", here, there)
	}
	p.close(map[string]any{"ip_whitelist": []string{}})
	api.Do("POST", "/api/me/sessions/end-all", testkit.AcmeViewer, nil).Want(204)
	if got := p.show(api, address, home); got != 401 {
		t.Errorf("after the session it got %d", got)
	}
}

func TestClients_set_and_show_a_picture_by_its_address(t *testing.T) {
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, image.NewGray(image.Rect(0, 0, 20, 20))); err != nil {
		t.Fatal(err)
	}
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewGray(image.Rect(0, 0, 5_000, 5_000))); err != nil {
		t.Fatal(err)
	}
	var detailed bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/detailed.png":
			w.Write(detailed.Bytes())
		case "/me.png":
			w.Write(drawn.Bytes())
		case "/half.png":
			w.Write(drawn.Bytes()[:drawn.Len()-20])
		case "/pixels.png":
			w.Write(large.Bytes())
		case "/heavy.png":
			w.Write(append(drawn.Bytes(), make([]byte, 3<<20)...))
		case "/text.png":
			w.Write([]byte("<html>"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	noise := image.NewRGBA(image.Rect(0, 0, 700, 700))
	draws := mathrand.New(mathrand.NewPCG(1, 2))
	for n := range noise.Pix {
		noise.Pix[n] = byte(draws.Uint32()) | 0xff*byte(n%4/3)
	}
	if err := png.Encode(&detailed, noise); err != nil || detailed.Len() < 1<<20 || detailed.Len() > 2<<20 {
		t.Fatalf("the picture has %d bytes, %v", detailed.Len(), err)
	}
	host := strings.TrimPrefix(server.URL, "http://")
	p := newProduct(t, "POCKETLINE_ALLOWED_HOSTS="+host)
	api := testkit.API(t, p.TestApp)
	put := func(address any) *testkit.Answer {
		return api.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"avatar_url": address})
	}
	for _, wrong := range []any{
		server.URL + "/missing.png", server.URL + "/text.png", server.URL + "/heavy.png", server.URL + "/pixels.png", server.URL + "/half.png", 7, "me.png",
		"http://127.0.0.1:1/me.png", "https://10.0.0.1/me.png", "https://169.254.169.254/latest", "file:///etc/passwd", "javascript:alert(1)",
	} {
		if why := says(t, put(wrong).Want(400), nil).in("details.avatar_url"); why == nil {
			t.Errorf("%v is refused without a word", wrong)
		}
	}
	if n := p.count("SELECT count(*) FROM users WHERE avatar != ''"); n != 0 {
		t.Errorf("%d pictures were stored", n)
	}
	if why := says(t, put(server.URL+"/heavy.png").Want(400), nil).in("details.avatar_url"); why != "The picture is larger than 2 MB" {
		t.Errorf("3 MB are refused with %q", why)
	}
	put(server.URL + "/detailed.png").Want(200) // 1.5 MB
	address := says(t, put(server.URL+"/me.png").Want(200), nil).in("data.user.avatar_url")
	const home = "198.51.100.31"
	if got := p.show(api, address, home); got != 200 {
		t.Errorf("%v got %d", address, got)
	}
	path, _, _ := strings.Cut(address.(string), "?")
	if got := p.show(api, path, home); got == 200 {
		t.Error("anybody sees the picture")
	}
	// What was answered may come back, with an older signature.
	put(address).Want(200)
	put(path).Want(200)
	if got := p.show(api, says(t, api.Do("GET", "/api/user/profile", testkit.AcmeAgent, nil), nil).in("data.user.avatar_url"), home); got != 200 {
		t.Errorf("the picture is gone: %d", got)
	}
	if after := says(t, put(nil).Want(200), nil).in("data.user.avatar_url"); after != nil {
		t.Errorf("null leaves %v", after)
	}
}
