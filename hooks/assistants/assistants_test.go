package assistants

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestAssistant_gets_defaults_and_a_copy_then_changes_of_its_own_keys_only(t *testing.T) {
	d := open(t)
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk", "system_prompt": "Take messages."})
	a := d.settle(collections.Assistants, id)
	if a.GetString("sync_status") != collections.SyncSynced || a.GetString("vapi_assistant_id") == "" {
		t.Fatalf("status %s: %s", a.GetString("sync_status"), a.GetString("sync_error"))
	}
	for name, want := range map[string]any{
		"type": "voice", "status": "active", "language": "en", "model_provider": "openai", "model_name": "gpt-4.1-mini",
		"voice_provider": "vapi",
		"voice_id":       "Elliot", "transcriber_provider": "deepgram", "transcriber_model": "nova-3",
		"recording_enabled": true,
		"model_temperature": 0.5,
	} {
		if got := a.Get(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	copied, err := d.vapi.Assistants.Get(t.Context(), a.GetString("vapi_assistant_id"))
	if err != nil {
		t.Fatal(err)
	}
	if copied.Name != "Night desk" || copied.Metadata["recordId"] != id ||
		copied.Server.Headers["X-Vapi-Secret"] != "hook-secret" ||
		!strings.HasPrefix(copied.Model.Messages[0].Content, "Take messages.") {
		t.Errorf("the copy is %s", copied.Raw)
	}
	d.take()

	url := "/api/collections/assistants/records/" + id
	d.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"first_message": "Hello", "description": "ours alone"}).Want(200)
	d.settle(collections.Assistants, id)
	d.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"first_message": "", "name": "Day desk"}).Want(200)
	d.settle(collections.Assistants, id)
	d.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"status": "inactive", "description": "still ours"}).Want(200)
	d.settle(collections.Assistants, id)
	var patches []string
	for _, r := range d.take() {
		patches = append(patches, r.line+" "+strings.Join(r.keys, ","))
	}
	if want := []string{"PATCH /assistant firstMessage", "PATCH /assistant firstMessage,name"}; !slices.Equal(patches,
		want) {
		t.Errorf("requests %q, want %q", patches, want)
	}
}

func TestAssistant_shows_vapis_words_and_keeps_choices_of_the_request(t *testing.T) {
	d := open(t)
	id := d.create(collections.Assistants, map[string]any{
		"name": "Odd", "model_name": "no-such-model", "recording_enabled": false, "model_temperature": 0,
		"voice_provider": "11labs", "voice_id": "abc",
	})
	a := d.settle(collections.Assistants, id)
	if a.GetString("sync_status") != collections.SyncFailed || !strings.Contains(a.GetString("sync_error"), "model") {
		t.Errorf("status %s, error %q", a.GetString("sync_status"), a.GetString("sync_error"))
	}
	if a.GetBool("recording_enabled") || a.GetFloat("model_temperature") != 0 || a.GetString("voice_id") != "abc" {
		t.Error("a default replaced a choice")
	}
	d.Do("PATCH", "/api/collections/assistants/records/"+id, testkit.AcmeOwner,
		map[string]any{"model_name": "gpt-4o"}).Want(200)
	if a = d.settle(collections.Assistants, id); a.GetString("sync_status") != collections.SyncSynced ||
		a.GetString("sync_error") != "" {
		t.Errorf("after the correction %s: %s", a.GetString("sync_status"), a.GetString("sync_error"))
	}
}

func TestAssistant_is_made_once_when_the_answer_is_lost(t *testing.T) {
	for _, kind := range []string{"500-after", "drop-reply"} {
		t.Run(kind, func(t *testing.T) {
			d := open(t)
			d.fault(kind, "POST", "/assistant")
			id := d.create(collections.Assistants, map[string]any{"name": "Night desk"})
			if a := d.settle(collections.Assistants, id); a.GetString("sync_status") != collections.SyncPending ||
				a.GetString("vapi_assistant_id") != "" {
				t.Fatalf("status %s with copy %q", a.GetString("sync_status"), a.GetString("vapi_assistant_id"))
			}
			d.Do("POST", "/api/sync/assistants/"+id+"/retry", testkit.AcmeOwner, nil).Want(202)
			a := d.settle(collections.Assistants, id)
			all, err := d.vapi.Assistants.List(t.Context(), nil)
			if err != nil || len(all) != 1 || all[0].ID != a.GetString("vapi_assistant_id") {
				t.Errorf("%d assistants at Vapi, the row has %q (%v, %s)", len(all), a.GetString("vapi_assistant_id"),
					err, a.GetString("sync_error"))
			}
		})
	}
}

func TestAssistant_of_another_type_has_no_copy(t *testing.T) {
	d := open(t)
	id := d.create(collections.Assistants, map[string]any{"name": "Mail desk", "type": "email"})
	if a := d.settle(collections.Assistants, id); a.GetString("sync_status") != "" {
		t.Errorf("status %q", a.GetString("sync_status"))
	}
	if log := d.take(); len(log) != 0 {
		t.Errorf("requests %v", log)
	}
}

func TestAssistant_follows_its_functions(t *testing.T) {
	d := open(t)
	function := d.create(collections.Functions, map[string]any{"name": "check_day"})
	f := d.settle(collections.Functions, function)
	if f.GetString("vapi_tool_id") == "" || !f.GetBool("is_active") || f.GetInt("timeout_ms") != defaultTimeout {
		t.Fatalf("function %s: %s", f.GetString("sync_status"), f.GetString("sync_error"))
	}
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk", "functions": []string{function}})
	tools := func() []string {
		t.Helper()
		a := d.settle(collections.Assistants, id)
		copied, err := d.vapi.Assistants.Get(t.Context(), a.GetString("vapi_assistant_id"))
		if err != nil {
			t.Fatalf("%v (%s)", err, a.GetString("sync_error"))
		}
		return copied.Model.ToolIDs
	}
	if got := tools(); !slices.Equal(got, []string{f.GetString("vapi_tool_id")}) {
		t.Errorf("tools %q", got)
	}
	d.Do("PATCH", "/api/collections/functions/records/"+function, testkit.AcmeOwner,
		map[string]any{"is_active": false}).Want(200)
	if got := tools(); len(got) != 0 {
		t.Errorf("an inactive function stays: %q", got)
	}
	d.Do("PATCH", "/api/collections/functions/records/"+function, testkit.AcmeOwner,
		map[string]any{"is_active": true}).Want(200)
	if got := tools(); len(got) != 1 {
		t.Errorf("an active function is missing: %q", got)
	}
	d.Do("DELETE", "/api/collections/functions/records/"+function, testkit.AcmeOwner, nil).Want(204)
	d.Mirror.Wait(t.Context(), f)
	if got := tools(); len(got) != 0 {
		t.Errorf("a deleted function stays: %q", got)
	}
}

func TestAssistant_gets_a_function_whose_copy_comes_later(t *testing.T) {
	d := open(t)
	d.fault("429", "POST", "/tool")
	function := d.create(collections.Functions, map[string]any{"name": "check_day"})
	d.settle(collections.Functions, function)
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk", "functions": []string{function}})
	d.settle(collections.Assistants, id)
	d.Do("POST", "/api/sync/functions/"+function+"/retry", testkit.AcmeDeveloper, nil).Want(202)
	f := d.settle(collections.Functions, function)
	a := d.settle(collections.Assistants, id)
	copied, err := d.vapi.Assistants.Get(t.Context(), a.GetString("vapi_assistant_id"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(copied.Model.ToolIDs, []string{f.GetString("vapi_tool_id")}) {
		t.Errorf("tools %q, want %q", copied.Model.ToolIDs, f.GetString("vapi_tool_id"))
	}
}

func TestAssistant_that_answers_a_number_is_not_deleted_unless_told(t *testing.T) {
	d := open(t)
	url := "/api/collections/assistants/records/" + testkit.AcmeAssistant
	answer := d.Do("DELETE", url, testkit.AcmeOwner, nil).Want(http.StatusConflict).Nothing()
	if !bytes.Contains(answer.Body, []byte("Main line +12025550100")) {
		t.Errorf("the sentence does not name the number: %s", answer.Body)
	}
	d.Do("DELETE", url+"?force=true", testkit.BoltOwner, nil).Want(404).Nothing()
	d.Do("DELETE", url+"?force=true", testkit.AcmeOwner, nil).Want(204)
	a := core.NewRecord(collections.ByName(collections.Assistants))
	a.Id = testkit.AcmeAssistant
	if err := d.Mirror.Wait(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	// Vapi never knew this copy: that is as good as gone.
	if _, err := d.FindRecordById(collections.Assistants, testkit.AcmeAssistant); err == nil {
		t.Error("the row stays")
	}
	number, err := d.FindRecordById(collections.PhoneNumbers, testkit.AcmeNumber)
	if err != nil || number.GetString("assistant") != "" {
		t.Errorf("the number still names %q, %v", number.GetString("assistant"), err)
	}
	call, err := d.FindRecordById(collections.Calls, testkit.AcmeCall)
	if err != nil || call.GetString("assistant") != "" {
		t.Errorf("the call still names %q, %v", call.GetString("assistant"), err)
	}
}

func TestAssistant_keeps_what_somebody_added_at_the_provider(t *testing.T) {
	d := open(t)
	function := d.create(collections.Functions, map[string]any{"name": "check_day"})
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk", "forwarding_phone_number": "+12025550123",
		"voice_provider": "11labs", "voice_id": "burt"})
	d.settle(collections.Functions, function)
	copied := "/assistant/" + d.settle(collections.Assistants, id).GetString("vapi_assistant_id")

	// Somebody adds a tool, an inline one, knowledge and a way of speaking there.
	var tool struct{ ID string }
	if status := d.at("POST", "/tool", map[string]any{"type": "dtmf"}, &tool); status != 201 {
		t.Fatalf("tool: %d", status)
	}
	var there map[string]any
	d.at("GET", copied, nil, &there)
	model, voice := there["model"].(map[string]any), there["voice"].(map[string]any)
	model["toolIds"] = append(model["toolIds"].([]any), tool.ID)
	model["tools"] = append(model["tools"].([]any), map[string]any{"type": "voicemail"})
	model["emotionRecognitionEnabled"] = true
	voice["style"] = 0.3
	if status := d.at("PATCH", copied, map[string]any{"model": model, "voice": voice}, nil); status != 200 {
		t.Fatalf("change at Vapi: %d", status)
	}

	change := func(body map[string]any) (model, voice string) {
		t.Helper()
		d.Do("PATCH", "/api/collections/assistants/records/"+id, testkit.AcmeOwner, body).Want(200)
		if a := d.settle(collections.Assistants, id); a.GetString("sync_status") != collections.SyncSynced {
			t.Fatalf("%s: %s", a.GetString("sync_status"), a.GetString("sync_error"))
		}
		var doc map[string]any
		d.at("GET", copied, nil, &doc)
		m, _ := json.Marshal(doc["model"])
		v, _ := json.Marshal(doc["voice"])
		return string(m), string(v)
	}
	d.take()
	m, _ := change(map[string]any{"system_prompt": "Be brief.", "functions": []string{function}})
	for _, want := range []string{"Be brief.", tool.ID, `{"type":"voicemail"}`, `"emotionRecognitionEnabled":true`,
		"+12025550123"} {
		if strings.Count(m, want) != 1 {
			t.Errorf("the model has %s %d times: %s", want, strings.Count(m, want), m)
		}
	}
	if got := strings.Count(m, `"type":"endCall"`); got != 1 {
		t.Errorf("%d tools to hang up: %s", got, m)
	}
	// What is ours goes when the row says so; what is theirs stays.
	m, v := change(map[string]any{"functions": []string{}, "forwarding_phone_number": "", "end_call_disabled": true,
		"voice_id": "andrea"})
	for _, gone := range []string{"transferCall", "endCall"} {
		if strings.Contains(m, gone) {
			t.Errorf("%s stays: %s", gone, m)
		}
	}
	if !strings.Contains(m, `"toolIds":["`+tool.ID+`"]`) || !strings.Contains(m, "voicemail") {
		t.Errorf("the model is %s", m)
	}
	if !strings.Contains(v, `"style":0.3`) || !strings.Contains(v, "andrea") {
		t.Errorf("the voice is %s", v)
	}
	// Another provider would refuse what belongs to this one.
	if _, v = change(map[string]any{"voice_provider": "vapi", "voice_id": "Elliot"}); strings.Contains(v, "style") {
		t.Errorf("the voice is %s", v)
	}
	d.take()
	change(map[string]any{"first_message": "Hello."})
	if log := d.take(); len(log) != 1 {
		t.Errorf("a change of the greeting alone asked %v", log)
	}
}

func TestAssistant_is_made_again_when_a_call_finds_it_gone(t *testing.T) {
	for _, reason := range []string{"assistant-request-returned-invalid-assistant", "assistant-not-found"} {
		for _, through := range []string{"assistant", "phone_number"} {
			t.Run(reason+" by "+through, func(t *testing.T) {
				d := open(t)
				id := d.create(collections.Assistants, map[string]any{"name": "Night desk"})
				before := d.settle(collections.Assistants, id).GetString("vapi_assistant_id")
				d.Do("PATCH", "/api/collections/phone_numbers/records/"+testkit.AcmeNumber, testkit.AcmeOwner,
					map[string]any{"assistant": id}).Want(200)
				if status := d.at("DELETE", "/assistant/"+before, nil, nil); status != 200 {
					t.Fatalf("delete at Vapi: %d", status)
				}
				c, err := d.FindCollectionByNameOrId(collections.Calls)
				if err != nil {
					t.Fatal(err)
				}
				call := core.NewRecord(c)
				call.Load(map[string]any{"organization": testkit.Acme, "status": collections.CallFailed, "ended_reason": reason,
					through: map[string]string{"assistant": id, "phone_number": testkit.AcmeNumber}[through]})
				if err := d.SaveNoValidate(call); err != nil {
					t.Fatal(err)
				}
				a := d.settle(collections.Assistants, id)
				now := a.GetString("vapi_assistant_id")
				if a.GetString("sync_status") != collections.SyncSynced || now == before {
					t.Fatalf("row is %s with copy %s (%s)", a.GetString("sync_status"), now, a.GetString("sync_error"))
				}
				if status := d.at("GET", "/assistant/"+now, nil, nil); status != 200 {
					t.Errorf("the new copy: %d", status)
				}
			})
		}
	}
}

// Until the sweep, a refusal tells as well that a function is gone.
func TestFunction_whose_lack_Vapi_refuses_an_assistant_for_is_made_again(t *testing.T) {
	d := open(t)
	function := d.create(collections.Functions,
		map[string]any{"name": "book", "webhook_url": "https://shop.example.com/book"})
	lost := d.settle(collections.Functions, function).GetString(toolID)
	if status := d.at("DELETE", "/tool/"+lost, nil, nil); status != 200 {
		t.Fatalf("delete at Vapi: %d", status)
	}
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk", "functions": []string{function}})
	a := d.settle(collections.Assistants, id)
	// The refusal may be written down after the new function has asked for another try.
	for deadline := time.Now().Add(20 * time.Second); a.GetString("sync_status") != collections.SyncSynced; {
		if time.Now().After(deadline) {
			t.Fatalf("the row is %s (%s)", a.GetString("sync_status"), a.GetString("sync_error"))
		}
		a = d.settle(collections.Assistants, id)
	}
	made := d.settle(collections.Functions, function).GetString(toolID)
	var doc struct{ Model struct{ ToolIDs []string } }
	d.at("GET", "/assistant/"+a.GetString(assistantID), nil, &doc)
	if made == lost || !slices.Equal(doc.Model.ToolIDs, []string{made}) {
		t.Errorf("its copy has %v, want %s", doc.Model.ToolIDs, made)
	}
}

func TestAssistant_linked_to_one_at_the_provider_is_read_in_and_never_overwritten(t *testing.T) {
	d := open(t)
	var there struct{ ID string }
	if status := d.at("POST", "/assistant", map[string]any{
		"name": "From before", "firstMessage": "Good day.", "endCallMessage": "Bye.",
		"metadata": map[string]any{"team": "north"},
		"model": map[string]any{"provider": "openai", "model": "gpt-4o",
			"messages": []any{map[string]any{"role": "system", "content": "Sell tea."}}},
		"voice":       map[string]any{"provider": "11labs", "voiceId": "burt"},
		"transcriber": map[string]any{"provider": "deepgram", "language": "fr"},
	}, &there); status != 201 {
		t.Fatalf("made at Vapi: %d", status)
	}
	var before, after map[string]any
	d.at("GET", "/assistant/"+there.ID, nil, &before)

	c, err := d.FindCollectionByNameOrId(collections.Assistants)
	if err != nil {
		t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Load(map[string]any{"organization": testkit.Acme, "name": "Ours", "type": "voice", "vapi_assistant_id": there.ID})
	if err := d.Save(r); err != nil {
		t.Fatal(err)
	}
	a := d.settle(collections.Assistants, r.Id)
	for column, want := range map[string]string{
		"sync_status": "synced", "vapi_assistant_id": there.ID, "name": "From before", "first_message": "Good day.",
		"end_call_message": "Bye.",
		"system_prompt":    "Sell tea.", "model_name": "gpt-4o", "voice_provider": "11labs", "voice_id": "burt",
		"sync_error": "",
	} {
		if got := a.GetString(column); got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	d.at("GET", "/assistant/"+there.ID, nil, &after)
	for _, key := range []string{"name", "model", "voice", "firstMessage", "transcriber", "endCallMessage"} {
		was, _ := json.Marshal(before[key])
		is, _ := json.Marshal(after[key])
		if string(was) != string(is) {
			t.Errorf("%s was %s and is %s", key, was, is)
		}
	}
	// What it never had is not set by a change of something else.
	path := "/api/collections/assistants/records/" + r.Id
	d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"voice_id": "marissa"}).Want(200)
	d.settle(collections.Assistants, r.Id)
	d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"model_name": "gpt-4.1"}).Want(200)
	a = d.settle(collections.Assistants, r.Id)
	var changed struct{ Voice, Model map[string]any }
	d.at("GET", "/assistant/"+there.ID, nil, &changed)
	if want := map[string]any{"provider": "11labs", "voiceId": "marissa"}; !maps.Equal(changed.Voice, want) {
		t.Errorf("the voice is %v, want %v", changed.Voice, want)
	}
	messages, _ := json.Marshal(changed.Model["messages"])
	if changed.Model["model"] != "gpt-4.1" || changed.Model["temperature"] != nil ||
		string(messages) != `[{"content":"Sell tea.","role":"system"}]` || a.GetString("language") != "fr" {
		t.Errorf("language %q, model %v", a.GetString("language"), changed.Model)
	}
	metadata := after["metadata"].(map[string]any)
	if metadata["team"] != "north" || metadata["recordId"] != r.Id || after["server"] == nil {
		t.Errorf("metadata %v, server %v", metadata, after["server"])
	}
}
