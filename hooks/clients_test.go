package hooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
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
		says(t, api.Do("POST", "/api/calls", testkit.AcmeOwner, body).Want(400).Nothing(),
			map[string]any{"code": "invalid_request"})
	}
	answer := api.Do("POST", "/api/calls", testkit.AcmeOwner, nil).Want(400).Nothing()
	says(t, answer, map[string]any{"details.caller_number": "Required", "details.duration": "Required"})
	if n := p.count("SELECT count(*) FROM calls"); n != before {
		t.Errorf("%d calls, want %d", n, before)
	}
	full := map[string]any{"caller_number": "+12025550123", "duration": 0}
	answer = api.Do("POST", "/api/calls", testkit.AcmeOwner, full).Want(200)
	says(t, answer, map[string]any{"data.call_type": "inbound", "data.resolution_status": "pending",
		"data.priority": "medium"})
	id := says(t, answer, nil).in("data.id").(string)
	api.Do("PUT", "/api/calls/"+id, testkit.AcmeOwner, map[string]any{"priority": "high"}).Want(200)
}

func TestClients_a_message_names_its_call_in_the_body(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	body := map[string]any{"call_id": testkit.AcmeCall, "content": "Rang back at noon.", "role": "system"}
	const path = "/functions/v1/messages"
	before := p.count("SELECT count(*) FROM messages")
	api.Do("POST", path, testkit.Guest, body).Want(401).Nothing()
	api.Do("POST", path, testkit.BoltOwner, body).Want(404).Nothing()
	api.Do("POST", path, testkit.AcmeTrainee, body).Want(403).Nothing()
	api.Do("POST", path, testkit.AcmeViewer, body).Want(403).Nothing()
	for _, field := range []string{"call_id", "content", "role"} {
		wrong := map[string]any{"call_id": testkit.AcmeCall, "content": "x", "role": "user"}
		delete(wrong, field)
		says(t, api.Do("POST", path, testkit.AcmeAgent, wrong).Want(400).Nothing(),
			map[string]any{"details." + field: "Required"})
	}
	if n := p.count("SELECT count(*) FROM messages"); n != before {
		t.Fatalf("%d messages, want %d", n, before)
	}
	says(t, api.Do("POST", path, testkit.AcmeAgent, body).Want(201), map[string]any{
		"success": true, "data.call_id": testkit.AcmeCall, "data.content": "Rang back at noon.", "data.role": "system",
	})
	api.Do("GET", path, testkit.AcmeAgent, nil).Want(400).Nothing()
	api.Do("GET", path+"?call_id="+testkit.AcmeCall, testkit.BoltOwner, nil).Want(404).Nothing()
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
		"assistants", "assistants/" + testkit.AcmeAssistant, "calls", "calls/" + testkit.AcmeCall,
		"messages/" + testkit.AcmeCall,
		"organization", "organization/current", "organization/" + testkit.Acme, "organization/limits",
	} {
		says(t, do("GET", path, nil).Want(200), map[string]any{"success": true})
	}
	says(t, do("GET", "calls?limit=1", nil), map[string]any{"pagination.has_more": true, "pagination.page": 1,
		"pagination.total": 2})
	says(t, do("GET", "calls?limit=1&page=2", nil), map[string]any{"pagination.has_more": false})
	says(t, do("GET", "calls/zzz", nil).Want(404).Nothing(), map[string]any{"success": false})
	says(t, do("GET", "nothing", nil).Want(404).Nothing(), map[string]any{"success": false, "code": "not_found"})

	// A page of the old system makes and changes an assistant.
	made := do("POST", "assistants", map[string]any{
		"name": "Accueil", "language": "fr-FR", "firstMessage": "Bonjour !", "instructions": "Tu réponds.",
		"maxDurationSeconds":    300,
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
	says(t, do("PATCH", "organization/"+testkit.Acme, map[string]any{"description": "Bread", "settings": 1}).Want(200),
		map[string]any{
			"success": true, "data.description": "Bread", "data.id": testkit.Acme,
			"warnings": "[settings is not known here and was ignored]",
		})
	do("GET", "organization/"+testkit.Bolt, nil).Want(404).Nothing()
	do("PATCH", "organization/"+testkit.Bolt, map[string]any{"description": "x"}).Want(404).Nothing()
	api.Do("GET", "/functions/v1/organization/"+testkit.Acme, testkit.Guest, nil).Want(401).Nothing()
	api.Do("PATCH", "/functions/v1/organization/"+testkit.Acme, testkit.Sam,
		map[string]any{"description": "x"}).Want(403).Nothing()
	api.Do("PATCH", "/functions/v1/organization/current", testkit.AcmeViewer,
		map[string]any{"description": "x"}).Want(403).Nothing()
	says(t, api.Do("GET", "/functions/v1/organization/"+testkit.Acme, testkit.Sam, nil).Want(200),
		map[string]any{"data.id": testkit.Acme})
}

func TestClients_a_slash_at_the_end_changes_nothing(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for _, path := range []string{
		"/api/calls", "/api/calls/" + testkit.AcmeCall, "/api/user/profile", "/functions/v1/assistants",
		"/functions/v1/organization",
	} {
		api.Do("GET", path+"/", testkit.AcmeOwner, nil).Want(200)
	}
	// PocketBase's own routes are no different.
	for _, path := range []string{"/api/collections/calls/records", "/api/collections/calls/records/" + testkit.AcmeCall,
		"/api/user/profile"} {
		want := api.Do("GET", path+"?perPage=1", testkit.AcmeOwner, nil).Want(200)
		if got := api.Do("GET", path+"/?perPage=1", testkit.AcmeOwner, nil).Want(200); len(got.Body) != len(want.Body) {
			t.Errorf("%s/ answers %s, want %s", path, got.Body, want.Body)
		}
	}
	api.Do("PATCH", "/api/collections/calls/records/"+testkit.AcmeCall+"/", testkit.BoltOwner,
		map[string]any{"notes": "x"}).Want(404).Nothing()
	api.Do("POST", "/api/collections/users/auth-with-password/", testkit.Guest,
		map[string]any{"identity": testkit.AcmeOwner, "password": testkit.Password}).
		Want(200)
	api.Do("GET", "/api/calls/", testkit.Guest, nil).Want(401).Nothing()
	api.Do("GET", "/api/calls/"+testkit.AcmeCall+"/", testkit.BoltOwner, nil).Want(404).Nothing()
	wrapped := map[string]any{"method": "GET"}
	says(t, api.Do("POST", "/functions/v1/assistants/", testkit.AcmeOwner, wrapped).Want(200),
		map[string]any{"success": true})
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
		"DELETE /api/calls": 405, "PUT /api/user/preferences": 405, "POST /api/dashboard/metrics": 405,
		"PUT /functions/v1/assistants": 404,
		"GET /api/typo":                404, "PATCH /api/collections/calls/records": 404,
		"GET /rest/v1/assistants?select=*": 404,
		"POST /rest/v1/assistants":         404, "GET /rest/v1/": 404, "GET /auth/v1/nothing": 404,
		"GET /rest/v1": 404, "POST /auth/v1": 404, "GET /functions/v1": 404, "DELETE /api": 404, "GET /api/": 404,
		"TRACE /api/calls": 405, "TRACE /api/typo": 404, "BREW /api/calls": 405, "BREW /functions/v1/assistants": 404,
		"LINK /auth/v1/user":                   404,
		"TRACE /api/collections/calls/records": 404, "TRACE /api": 404,
	} {
		method, path, _ := strings.Cut(ask, " ")
		for _, who := range []string{testkit.Guest, testkit.AcmeOwner} {
			answer := says(t, api.Do(method, path, who, nil).Want(status).Nothing(), nil)
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
		api.Do("DELETE", path+testkit.AcmeAssistant, testkit.AcmeOwner, nil).Want(409).Nothing()
		api.Do("DELETE", path+testkit.AcmeAssistant+"?force=true", testkit.AcmeOwner, nil).Want(200)
		if n := p.count("SELECT count(*) FROM phone_numbers WHERE assistant = '" + testkit.AcmeAssistant + "'"); n != 0 {
			t.Errorf("%d numbers are still answered by it", n)
		}
	}
}

func TestClients_accounts_are_completed_by_what_is_right(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	says(t, api.Do("POST", "/api/auth/signup", testkit.AcmeAgent, map[string]any{"fullName": "Ari"}).Want(400).Nothing(),
		map[string]any{"details.email": "Must be the address of your account"})
	api.Do("POST", "/api/auth/signup", testkit.AcmeAgent,
		map[string]any{"fullName": "Ari", "email": testkit.AcmeAgent}).Want(200)
	me := "/api/collections/users/records/" + testkit.User(testkit.AcmeAgent)
	for _, wrong := range []string{"hello", "123", "+1 call me", "+123456", "00000000000000000000",
		"1+2345678", "+99912345678"} {
		answer := api.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"phone": wrong}).Want(400).Nothing()
		if says(t, answer, nil).in("details.phone") == nil {
			t.Errorf("%q: %s", wrong, answer.Body)
		}
		api.Do("PATCH", me, testkit.AcmeAgent, map[string]any{"phone": wrong}).Want(400).Nothing()
		api.Do("POST", "/api/auth/signup", testkit.AcmeAgent,
			map[string]any{"fullName": "A", "email": testkit.AcmeAgent, "phone": wrong}).Want(400).Nothing()
	}
	for _, right := range []string{"+1 (202) 555-0111", "202-555-0111", "+33 1 42 68 53 00", "06 12 34 56 78", ""} {
		api.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"phone": right}).Want(200)
		if n := p.count("SELECT count(*) FROM users WHERE email = '" + testkit.AcmeAgent + "' AND phone = '" +
			right + "'"); n != 1 {
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
			INSERT INTO contacts (id, organization, phone_number, phone_number_raw, name, email, notes, first_seen_at,
			last_seen_at, created, updated)
			SELECT printf('%%.4s%%011d', '%s', i), '%s', printf('+1303%%07d', i), '', '', '', '', '', '',
			'2026-09-01 10:00:00.000Z', '' FROM n`,
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
		{"phone_number": "+13035550101"}, {"phone_number": "+13035550102", "organization": ""},
		{"phone_number": "+13035550103", "organization": nil},
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
	api.Do("POST", path+"?organization="+testkit.Acme, testkit.Sam,
		map[string]any{"phone_number": "+13035550105"}).Want(400).Nothing()
	api.Do("POST", path, testkit.Nobody, map[string]any{"phone_number": "+13035550106"}).Want(403).Nothing()
	api.Do("POST", path, testkit.Guest, map[string]any{"phone_number": "+13035550107"}).Want(400).Nothing()
	api.Do("POST", path, testkit.AcmeAgent,
		map[string]any{"phone_number": "+13035550108", "organization": testkit.Bolt}).Want(400).Nothing()
	if n := p.count("SELECT count(*) FROM contacts WHERE phone_number LIKE '+1303555010%'"); n != 4 {
		t.Errorf("%d contacts were made, want 4", n)
	}
	account := map[string]any{"email": "new@acme.test", "password": "a good long one 7",
		"passwordConfirm": "a good long one 7"}
	for _, who := range []string{testkit.Guest, testkit.AcmeOwner} {
		answer := api.Do("POST", "/api/collections/users/records", who, account).Want(403).Nothing()
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
	report.Message["call"] = map[string]any{"id": "fresh-call", "phoneNumberId": "number-acme",
		"assistantId": "assistant-acme", "type": "inboundPhoneCall"}
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
