package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestResources_create_read_patch_list_delete_agree(t *testing.T) {
	for _, tc := range []struct {
		path          string
		create, patch object
		paged         bool
	}{
		{"/assistant", object{"name": "Desk", "metadata": object{"recordId": "r1"}}, object{"firstMessage": "Hi"}, false},
		{"/squad", object{"name": "Team", "members": []any{object{"assistant": object{"name": "A"}}}},
			object{"name": "Crew"}, false},
		{"/tool", functionTool("f", object{"a": object{"type": "string"}}), object{"async": true}, false},
		{"/phone-number", object{"provider": "byo-phone-number", "credentialId": "c1", "number": "+33199000042"},
			object{"name": "Line", "assistantId": nil}, false},
		{"/session", object{"name": "SMS", "customer": object{"number": "+14155550142"}},
			object{"status": "completed"}, true},
		{"/v2/knowledge-base", object{"name": strings.Repeat("k", 80)}, object{"description": "d"}, false},
		{"/structured-output", object{"name": "Booking", "schema": object{"type": "object"}},
			object{"description": "d"}, true},
	} {
		t.Run(tc.path, func(t *testing.T) {
			b := newBench(t)
			status, v := b.do("POST", tc.path, tc.create)
			made, _ := v.(object)
			id := str(made, "id")
			if status != 201 || len(id) != 36 || str(made, "createdAt") == "" || made["createdAt"] != made["updatedAt"] {
				t.Fatalf("create: %d %v", status, v)
			}
			for k, want := range tc.create {
				if !reflect.DeepEqual(made[k], want) {
					t.Errorf("created %s is %v, want %v", k, made[k], want)
				}
			}
			if read := b.must("GET", tc.path+"/"+id, nil); !reflect.DeepEqual(read, made) {
				t.Errorf("read %v, created %v", read, made)
			}
			changed := b.must("PATCH", tc.path+"/"+id, tc.patch)
			for k, want := range tc.patch {
				if !reflect.DeepEqual(changed[k], want) {
					t.Errorf("patched %s is %v, want %v", k, changed[k], want)
				}
			}
			if str(changed, "updatedAt") <= str(made, "updatedAt") {
				t.Error("updatedAt did not move")
			}
			_, v = b.do("GET", tc.path, nil)
			rows, isList := v.([]any)
			if tc.paged {
				rows, isList = list(v.(object), "results"), num(v.(object), "metadata", "totalItems") == 1
			}
			if !isList || len(rows) != 1 || !reflect.DeepEqual(rows[0], changed) {
				t.Errorf("list is %v", v)
			}
			if gone := b.must("DELETE", tc.path+"/"+id, nil); str(gone, "id") != id {
				t.Errorf("delete answered %v", gone)
			}
			for _, method := range []string{"GET", "PATCH", "DELETE"} {
				if status, v := b.do(method, tc.path+"/"+id, object{}); status != 404 || str(v.(object), "error") != "Not Found" {
					t.Errorf("%s after delete: %d %v", method, status, v)
				}
			}
		})
	}
}

func TestPatch_replaces_top_level_fields_whole(t *testing.T) {
	b := newBench(t)
	a := b.assistant(nil)
	changed := b.must("PATCH", "/assistant/"+str(a, "id"),
		object{"model": object{"provider": "openai", "model": "gpt-4o"}})
	if messages := list(changed, "model", "messages"); messages != nil {
		t.Errorf("the prompt survived a new model: %v", messages)
	}
}

func TestLists_are_newest_first_and_page_by_createdAt(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		b.must("POST", "/assistant", object{"name": fmt.Sprint(i)})
	}
	var names []string
	query := "?limit=2"
	for {
		_, v := b.do("GET", "/assistant"+query, nil)
		rows := v.([]any)
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			names = append(names, str(row.(object), "name"))
		}
		query = "?limit=2&createdAtLt=" + url.QueryEscape(str(rows[len(rows)-1].(object), "createdAt"))
	}
	if got := strings.Join(names, ""); got != "43210" {
		t.Errorf("paging gave %s, want 43210", got)
	}
	for _, query := range []string{"limit=1001", "createdAtGt=yesterday", "status=ended"} {
		if status, v := b.do("GET", "/assistant?"+query, nil); status != 400 {
			t.Errorf("%s: %d %v", query, status, v)
		}
	}
	if _, v := b.do("GET", "/assistant?limit=0", nil); len(v.([]any)) != 0 {
		t.Errorf("limit 0 gave %v", v)
	}
}

func TestValidation_refuses_what_the_real_api_refuses(t *testing.T) {
	long := strings.Repeat("n", 41)
	for _, tc := range []struct {
		path string
		body object
		want string
	}{
		{"/assistant", object{"serverUrl": "x"}, "property serverUrl should not exist"},
		{"/assistant", object{"server": object{"secret": "x"}}, "server.property secret should not exist"},
		{"/assistant", object{"name": long}, "name must be shorter than or equal to 40 characters"},
		{"/assistant", object{"voice": object{"provider": "elevenlabs", "voiceId": "x"}},
			"voice.provider must be one of the following values: 11labs, azure,"},
		{"/assistant", object{"voice": object{"provider": "11labs", "voiceId": "x", "speed": 1.5}},
			"voice.speed must not be greater than 1.2"},
		{"/assistant", object{"voice": object{"provider": "11labs"}}, "voice.voiceId must be a string"},
		{"/assistant", object{"model": object{"provider": "openai", "model": "gtp-4"}},
			"model.model must be one of the following values: gpt-5.6-sol,"},
		{"/assistant", object{"model": object{"provider": "openai", "model": "gpt-4o", "knowledgeBaseId": "x"}},
			"model.property knowledgeBaseId should not exist"},
		{"/assistant", object{"serverMessages": []any{"status-update", "everything"}},
			"serverMessages.1 must be one of the following values: assistant.started,"},
		{"/assistant", object{"maxDurationSeconds": 5}, "maxDurationSeconds must not be less than 10"},
		{"/assistant", object{"endCallPhrases": []any{"x"}}, "endCallPhrases.0 must be longer than or equal to 2 characters"},
		{"/assistant", object{"server": object{"url": "x", "backoffPlan": object{"type": "linear"}}},
			"server.backoffPlan.type must be one of the following values: fixed, exponential"},
		{"/squad", object{"name": "x"}, "members must be an array"},
		{"/squad", object{"members": []any{object{"assistant": object{}}}, "memberOverrides": object{}},
			"property memberOverrides should not exist"},
		{"/tool", object{"function": object{"name": "f"}}, "type must be one of the following values:"},
		{"/tool", object{"type": "function", "function": object{"name": "has space"}}, "function.name must match"},
		{"/phone-number", object{"provider": "byo"}, "provider must be one of the following values:"},
		{"/phone-number", object{"provider": "twilio", "number": "+14155550100"}, "twilioAccountSid must be a string"},
		{"/call", object{"metadata": object{}}, "property metadata should not exist"},
		{"/call", object{"workflowId": "x"}, "property workflowId should not exist"},
		{"/session", object{"expirationSeconds": 5}, "expirationSeconds must not be less than 60"},
		{"/structured-output", object{"name": "x"}, "schema must be an object"},
		{"/structured-output", object{"name": "x", "schema": object{}}, "schema.type must be one of"},
		{"/structured-output", object{"name": "x", "schema": object{"type": "text"}},
			"schema.type must be one of the following values: string,"},
		{"/structured-output",
			object{"name": "x", "schema": object{"type": "object", "properties": object{"a": object{"type": "date"}}}},
			"schema.properties.a.type must be one of"},
		{"/structured-output", object{"name": "x", "schema": object{"type": "array", "items": object{"type": "?"}}},
			"schema.items.type must be one of"},
		{"/structured-output", object{"name": strings.Repeat("x", 41), "schema": object{"type": "string"}},
			"name must be shorter than or equal to 40 characters"},
		{"/structured-output", object{"name": "x", "schema": object{"type": "string"}, "metadata": object{}},
			"property metadata should not exist"},
		{"/structured-output", object{"name": "x", "schema": object{"type": "string"}, "type": "llm"},
			"type must be one of the following values: ai, regex"},
		{"/structured-output",
			object{"name": "x", "schema": object{"type": "string"},
				"conditions": []any{object{"type": "minMessages", "count": -1.0}}},
			"conditions.0.count must not be less than 0"},
		{"/structured-output",
			object{"name": "x", "schema": object{"type": "string"}, "conditions": []any{object{"type": "luck"}}},
			"conditions.0.type must be one of"},
		{"/analytics", object{"queries": []any{object{"name": "x", "table": "calls", "operations": []any{}}}},
			"queries.0.table must be one of"},
	} {
		b := newBench(t)
		status, v := b.do("POST", tc.path, tc.body)
		body, _ := v.(object)
		messages := list(body, "message")
		found := false
		for _, m := range messages {
			found = found || strings.HasPrefix(m.(string), tc.want)
		}
		if status != 400 || !found || str(body, "error") != "Bad Request" || num(body, "statusCode") != 400 {
			t.Errorf("POST %s %v: %d %v, want %q", tc.path, tc.body, status, v, tc.want)
		}
		if len(messages) == 0 {
			t.Errorf("POST %s: message is not a list: %v", tc.path, v)
		}
	}
}

func TestErrors_are_one_text_when_nothing_is_validated(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct {
		method, path string
		body         object
		status       int
		want         string
	}{
		{"GET", "/phone-number/none", nil, 404, "Couldn't find that phone number."},
		{"POST", "/call", object{"assistantId": "x", "phoneNumberId": "none", "customer": object{"number": "+14155550142"}},
			404, "Couldn't find that phone number."},
		{"POST", "/call", object{"customer": object{"number": "+14155550142"}}, 400, "Need one of assistantId"},
		{"POST", "/assistant", object{"model": object{"provider": "openai", "model": "gpt-4o", "toolIds": []any{"none"}}},
			400, "Couldn't find that tool."},
		{"GET", "/workflow", nil, 404, "Cannot GET /workflow"},
	} {
		status, v := b.do(tc.method, tc.path, tc.body)
		if got := str(v.(object), "message"); status != tc.status || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s %s: %d %v, want %d %q", tc.method, tc.path, status, v, tc.status, tc.want)
		}
	}
}

func TestNumbers_free_ones_are_five_and_activate(t *testing.T) {
	b := newBench(t)
	var first object
	for i := range freeNumbers {
		n := b.must("POST", "/phone-number", object{"provider": "vapi", "numberDesiredAreaCode": "212"})
		if i == 0 {
			first = n
		}
	}
	if str(first, "status") != "activating" || !strings.HasPrefix(str(first, "number"), "+1212") {
		t.Errorf("made %v", first)
	}
	if again := b.must("GET", "/phone-number/"+str(first, "id"), nil); str(again, "status") != "active" {
		t.Errorf("read %v", again)
	}
	if status, v := b.do("POST", "/phone-number", object{"provider": "vapi"}); status != 400 {
		t.Errorf("the sixth free number: %d %v", status, v)
	}
	b.number(object{"name": "Main line"})
	page := b.must("GET", "/v2/phone-number?search=main&limit=1", nil)
	if rows := list(page, "results"); len(rows) != 1 || str(rows[0].(object), "name") != "Main line" ||
		num(page, "metadata", "totalItems") != 1 {
		t.Errorf("search gave %v", page)
	}
	if status, v := b.do("POST", "/phone-number",
		object{"provider": "twilio", "number": "+14155550100", "twilioAccountSid": "AC",
			"twilioAuthToken": "t"}); status != 400 {
		t.Errorf("the same number twice: %d %v", status, v)
	}
}

// upload sends a file and answers what was stored.
func (b *bench) upload(name, content string) object {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		b.t.Fatal(err)
	}
	fmt.Fprint(part, content)
	form.Close()
	req, _ := http.NewRequest("POST", b.URL()+"/file", &body)
	req.Header.Set("Authorization", "Bearer "+b.Key())
	req.Header.Set("Content-Type", form.FormDataContentType())
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var row object
	if err := json.NewDecoder(res.Body).Decode(&row); err != nil || res.StatusCode != 201 {
		b.t.Fatalf("upload: %d %v %v", res.StatusCode, row, err)
	}
	return row
}

func TestKnowledge_base_answers_from_its_files(t *testing.T) {
	b := newBench(t)
	file := b.upload("prices.txt", "Opening hours are long.\nA cleaning is 77 dollars.\n")
	if str(file, "status") != "done" || num(file, "bytes") == 0 {
		t.Errorf("file is %v", file)
	}
	base := b.must("POST", "/v2/knowledge-base", object{"name": "Prices"})
	entry := b.must("POST", "/v2/knowledge-base/"+str(base, "id")+"/file", object{"fileId": file["id"]})
	if str(entry, "status") != "ready" {
		t.Errorf("attached %v", entry)
	}
	_, number := b.desk(object{"model": object{"provider": "openai", "model": "gpt-4o", "toolIds": []any{base["toolId"]}}})
	b.ringing(object{"script": "price", "phoneNumberId": number["id"]})
	if got := str(b.one("end-of-call-report"), "artifact", "transcript"); !strings.Contains(got,
		"AI: A cleaning is 77 dollars.") {
		t.Errorf("transcript:\n%s", got)
	}
	b.must("DELETE", "/v2/knowledge-base/"+str(base, "id")+"/file/"+str(file, "id"), nil)
	b.must("DELETE", "/v2/knowledge-base/"+str(base, "id"), nil)
	if status, _ := b.do("GET", "/tool/"+str(base, "toolId"), nil); status != 404 {
		t.Error("the base's tool outlived it")
	}
}

func TestChats_answer_and_keep_sessions(t *testing.T) {
	b := newBench(t)
	a := b.assistant(nil)
	session := b.must("POST", "/session", object{"assistantId": a["id"]})
	chat := b.must("POST", "/chat", object{"sessionId": session["id"], "input": "How much is a cleaning?"})
	output := list(chat, "output")[0].(object)
	if str(output, "content") != "A cleaning costs $95." || num(chat, "cost") <= chatCost {
		t.Errorf("chat is %v", chat)
	}
	if kept := b.must("GET", "/session/"+str(session, "id"), nil); len(list(kept, "messages")) != 2 {
		t.Errorf("session is %v", kept)
	}
	next := b.must("POST", "/chat",
		object{"previousChatId": chat["id"], "input": []any{object{"role": "user", "content": "Thanks"}}})
	if len(list(next, "messages")) != 3 {
		t.Errorf("history is %v", next["messages"])
	}
	for _, body := range []object{
		{"input": "x", "sessionId": session["id"], "assistantId": a["id"]},
		{"input": "x", "sessionId": session["id"], "previousChatId": chat["id"]},
		{"input": "x"}, {"assistantId": a["id"]}, {"assistantId": a["id"], "input": 5},
	} {
		if status, v := b.do("POST", "/chat", body); status != 400 {
			t.Errorf("%v: %d %v", body, status, v)
		}
	}
	b.must("PATCH", "/session/"+str(session, "id"), object{"status": "completed"})
	if status, _ := b.do("POST", "/chat", object{"input": "x", "sessionId": session["id"]}); status != 400 {
		t.Error("a completed session took a chat")
	}
}
