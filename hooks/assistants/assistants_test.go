package assistants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/sandbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

// desk is the domain on a seeded app, with the stand-in for Vapi behind a proxy
// that writes down what was asked.
type desk struct {
	*tests.TestApp
	t      *testing.T
	api    *testkit.Client
	vapi   *vapi.Client
	mirror *mirror.Mirror
	box    *sealed.Box
	stand  *sandbox.Server

	mu  sync.Mutex
	log []request
}

type request struct {
	line string // "PATCH /assistant/…", the id cut off
	keys []string
}

func (d *desk) take() []request {
	d.mu.Lock()
	defer d.mu.Unlock()
	log := d.log
	d.log = nil
	return log
}

func open(t *testing.T) *desk {
	t.Helper()
	stand, err := sandbox.Start(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stand.Close(context.Background()) })
	d := &desk{t: t, stand: stand}
	target, err := url.Parse(stand.URL())
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		var object map[string]any
		json.Unmarshal(body.Bytes(), &object)
		var keys []string
		for key := range object {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		parts := strings.Split(r.URL.Path, "/")
		d.mu.Lock()
		d.log = append(d.log, request{r.Method + " /" + parts[1], keys})
		d.mu.Unlock()
		r.Body = http.NoBody
		r.ContentLength = 0
		if body.Len() > 0 {
			r.Body = nopCloser{&body}
			r.ContentLength = int64(body.Len())
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	d.vapi = vapi.NewClient(vapi.WithToken(stand.Key()), vapi.WithBaseURL(proxy.URL), vapi.WithMaxAttempts(1))
	if d.box, err = sealed.New(make([]byte, sealed.KeySize)); err != nil {
		t.Fatal(err)
	}
	d.TestApp = testkit.New(t)
	tenant.Register(d.TestApp, tenant.AnswerLimits{})
	owed := outbox.New(d.TestApp)
	d.mirror = mirror.New(d.TestApp, owed)
	Register(d.TestApp, Deps{
		Vapi: d.vapi, Mirror: d.mirror, Sealed: d.box, PublicURL: "https://desk.example.com", WebhookSecret: func(string) (string, error) { return "hook-secret", nil },
		CheckURL: func(raw string) error {
			if !strings.HasPrefix(raw, "https://") || strings.Contains(raw, "10.0.0.1") {
				return errors.New("blocked")
			}
			return nil
		},
	})
	d.api = testkit.API(t, d.TestApp) // the worker runs from here on
	return d
}

type nopCloser struct{ *bytes.Buffer }

func (nopCloser) Close() error { return nil }

// settle waits until nothing about the record is on its way.
func (d *desk) settle(collection, id string) *core.Record {
	d.t.Helper()
	r, err := d.FindRecordById(collection, id)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.mirror.Wait(d.t.Context(), r); err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) fault(kind, method, path string) {
	d.t.Helper()
	body, err := json.Marshal(map[string]any{"match": map[string]any{"method": method, "pathPrefix": path}, "kind": kind})
	if err != nil {
		d.t.Fatal(err)
	}
	res, err := http.Post(d.stand.URL()+"/_sandbox/faults", "application/json", bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		d.t.Fatalf("fault %s: %d", kind, res.StatusCode)
	}
}

func (d *desk) create(collection string, body map[string]any) string {
	d.t.Helper()
	if body["organization"] == nil {
		body["organization"] = testkit.Acme
	}
	var made struct{ ID string }
	d.api.Do("POST", "/api/collections/"+collection+"/records", testkit.AcmeOwner, body).Want(200).JSON(&made)
	return made.ID
}

func TestAssistant_gets_defaults_and_a_copy_then_changes_of_its_own_keys_only(t *testing.T) {
	d := open(t)
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk", "system_prompt": "Take messages."})
	a := d.settle(collections.Assistants, id)
	if a.GetString("sync_status") != collections.SyncSynced || a.GetString("vapi_assistant_id") == "" {
		t.Fatalf("status %s: %s", a.GetString("sync_status"), a.GetString("sync_error"))
	}
	for name, want := range map[string]any{
		"type": "voice", "status": "active", "language": "en", "model_provider": "openai", "model_name": "gpt-4.1-mini", "voice_provider": "vapi",
		"voice_id": "Elliot", "transcriber_provider": "deepgram", "transcriber_model": "nova-3", "recording_enabled": true, "model_temperature": 0.5,
	} {
		if got := a.Get(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	copied, err := d.vapi.Assistants.Get(t.Context(), a.GetString("vapi_assistant_id"))
	if err != nil {
		t.Fatal(err)
	}
	if copied.Name != "Night desk" || copied.Metadata["recordId"] != id || copied.Server.Headers["X-Vapi-Secret"] != "hook-secret" ||
		!strings.HasPrefix(copied.Model.Messages[0].Content, "Take messages.") {
		t.Errorf("the copy is %s", copied.Raw)
	}
	d.take()

	url := "/api/collections/assistants/records/" + id
	d.api.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"first_message": "Hello", "description": "ours alone"}).Want(200)
	d.settle(collections.Assistants, id)
	d.api.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"first_message": "", "name": "Day desk"}).Want(200)
	d.settle(collections.Assistants, id)
	d.api.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"status": "inactive", "description": "still ours"}).Want(200)
	d.settle(collections.Assistants, id)
	var patches []string
	for _, r := range d.take() {
		patches = append(patches, r.line+" "+strings.Join(r.keys, ","))
	}
	if want := []string{"PATCH /assistant firstMessage", "PATCH /assistant firstMessage,name"}; !slices.Equal(patches, want) {
		t.Errorf("requests %q, want %q", patches, want)
	}
}

func TestAssistant_shows_vapis_words_and_keeps_choices_of_the_request(t *testing.T) {
	d := open(t)
	id := d.create(collections.Assistants, map[string]any{
		"name": "Odd", "model_name": "no-such-model", "recording_enabled": false, "model_temperature": 0, "voice_provider": "11labs", "voice_id": "abc",
	})
	a := d.settle(collections.Assistants, id)
	if a.GetString("sync_status") != collections.SyncFailed || !strings.Contains(a.GetString("sync_error"), "model") {
		t.Errorf("status %s, error %q", a.GetString("sync_status"), a.GetString("sync_error"))
	}
	if a.GetBool("recording_enabled") || a.GetFloat("model_temperature") != 0 || a.GetString("voice_id") != "abc" {
		t.Error("a default replaced a choice")
	}
	d.api.Do("PATCH", "/api/collections/assistants/records/"+id, testkit.AcmeOwner, map[string]any{"model_name": "gpt-4o"}).Want(200)
	if a = d.settle(collections.Assistants, id); a.GetString("sync_status") != collections.SyncSynced || a.GetString("sync_error") != "" {
		t.Errorf("after the correction %s: %s", a.GetString("sync_status"), a.GetString("sync_error"))
	}
}

func TestAssistant_is_made_once_when_the_answer_is_lost(t *testing.T) {
	for _, kind := range []string{"500-after", "drop-reply"} {
		t.Run(kind, func(t *testing.T) {
			d := open(t)
			d.fault(kind, "POST", "/assistant")
			id := d.create(collections.Assistants, map[string]any{"name": "Night desk"})
			if a := d.settle(collections.Assistants, id); a.GetString("sync_status") != collections.SyncPending || a.GetString("vapi_assistant_id") != "" {
				t.Fatalf("status %s with copy %q", a.GetString("sync_status"), a.GetString("vapi_assistant_id"))
			}
			d.api.Do("POST", "/api/sync/assistants/"+id+"/retry", testkit.AcmeOwner, nil).Want(202)
			a := d.settle(collections.Assistants, id)
			all, err := d.vapi.Assistants.List(t.Context(), nil)
			if err != nil || len(all) != 1 || all[0].ID != a.GetString("vapi_assistant_id") {
				t.Errorf("%d assistants at Vapi, the row has %q (%v, %s)", len(all), a.GetString("vapi_assistant_id"), err, a.GetString("sync_error"))
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
	d.api.Do("PATCH", "/api/collections/functions/records/"+function, testkit.AcmeOwner, map[string]any{"is_active": false}).Want(200)
	if got := tools(); len(got) != 0 {
		t.Errorf("an inactive function stays: %q", got)
	}
	d.api.Do("PATCH", "/api/collections/functions/records/"+function, testkit.AcmeOwner, map[string]any{"is_active": true}).Want(200)
	if got := tools(); len(got) != 1 {
		t.Errorf("an active function is missing: %q", got)
	}
	d.api.Do("DELETE", "/api/collections/functions/records/"+function, testkit.AcmeOwner, nil).Want(204)
	d.mirror.Wait(t.Context(), f)
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
	d.api.Do("POST", "/api/sync/functions/"+function+"/retry", testkit.AcmeDeveloper, nil).Want(202)
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
	answer := d.api.Do("DELETE", url, testkit.AcmeOwner, nil).Want(http.StatusConflict)
	if !bytes.Contains(answer.Body, []byte("Main line +12025550100")) {
		t.Errorf("the sentence does not name the number: %s", answer.Body)
	}
	d.api.Do("DELETE", url+"?force=true", testkit.BoltOwner, nil).Want(404)
	d.api.Do("DELETE", url+"?force=true", testkit.AcmeOwner, nil).Want(204)
	a := core.NewRecord(collections.ByName(collections.Assistants))
	a.Id = testkit.AcmeAssistant
	if err := d.mirror.Wait(t.Context(), a); err != nil {
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

func TestValidation_names_the_field(t *testing.T) {
	d := open(t)
	long := strings.Repeat("x", 101)
	for name, c := range map[string]struct {
		collection string
		body       map[string]any
		field      string
	}{
		"short name":                {collections.Assistants, map[string]any{"name": "ab"}, "name"},
		"long name":                 {collections.Assistants, map[string]any{"name": long}, "name"},
		"no phone number":           {collections.Assistants, map[string]any{"name": "abc", "forwarding_phone_number": "call me"}, "forwarding_phone_number"},
		"phrases are no list":       {collections.Assistants, map[string]any{"name": "abc", "end_call_phrases": "bye"}, "end_call_phrases"},
		"a phrase too short":        {collections.Assistants, map[string]any{"name": "abc", "end_call_phrases": []string{"x"}}, "end_call_phrases"},
		"config is no object":       {collections.Assistants, map[string]any{"name": "abc", "config": []int{1}}, "config"},
		"a foreign function":        {collections.Assistants, map[string]any{"name": "abc", "functions": []string{testkit.BoltFunction}}, "functions"},
		"schema is a list":          {collections.Functions, map[string]any{"name": "abc", "parameters": []int{1}}, "parameters"},
		"schema of another type":    {collections.Functions, map[string]any{"name": "abc", "parameters": map[string]any{"type": "string"}}, "parameters"},
		"schema of nonsense":        {collections.Functions, map[string]any{"name": "abc", "parameters": map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": 5}}}}, "parameters"},
		"schema from elsewhere":     {collections.Functions, map[string]any{"name": "abc", "parameters": map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"$ref": "https://evil.example.com/s.json"}}}}, "parameters"},
		"schema of itself":          {collections.Functions, map[string]any{"name": "abc", "parameters": map[string]any{"type": "object", "$ref": "#"}}, "parameters"},
		"schema without an end":     {collections.Functions, map[string]any{"name": "abc", "parameters": map[string]any{"type": "object", "not": map[string]any{"$dynamicRef": "#"}}}, "parameters"},
		"a private address":         {collections.Functions, map[string]any{"name": "abc", "webhook_url": "https://10.0.0.1/x"}, "webhook_url"},
		"plain http":                {collections.Functions, map[string]any{"name": "abc", "webhook_url": "http://example.com/x"}, "webhook_url"},
		"a name no model takes":     {collections.Functions, map[string]any{"name": "book it"}, "name"},
		"headers are a list":        {collections.Functions, map[string]any{"name": "abc", "headers": []string{"x"}}, "headers"},
		"a header in two lines":     {collections.Functions, map[string]any{"name": "abc", "headers": map[string]any{"X-A": "a\r\nX-B: b"}}, "headers"},
		"a header that is not ours": {collections.Functions, map[string]any{"name": "abc", "headers": map[string]any{"host": "x"}}, "headers"},
		"a header with a space":     {collections.Functions, map[string]any{"name": "abc", "headers": map[string]any{"X A": "x"}}, "headers"},
	} {
		c.body["organization"] = testkit.Acme
		var answer struct {
			Data map[string]struct{ Message string }
		}
		d.api.Do("POST", "/api/collections/"+c.collection+"/records", testkit.AcmeOwner, c.body).Want(400).JSON(&answer)
		if _, named := answer.Data[c.field]; !named || len(answer.Data) != 1 {
			t.Errorf("%s: the answer names %v, want %s", name, answer.Data, c.field)
		}
	}
	if log := d.take(); len(log) != 0 {
		t.Errorf("refused input reached Vapi: %v", log)
	}
}

func TestForwarding_number_is_read_as_the_organizations_country_writes_it(t *testing.T) {
	d := open(t)
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk", "forwarding_phone_number": "(202) 555-0170", "voice_provider": "11labs", "voice_id": "v"})
	if a := d.settle(collections.Assistants, id); a.GetString("forwarding_phone_number") != "+12025550170" {
		t.Errorf("stored %q", a.GetString("forwarding_phone_number"))
	}
}

func TestHeaders_are_written_sealed_and_never_read(t *testing.T) {
	d := open(t)
	const marker = "MARKER-very-secret"
	body := map[string]any{"organization": testkit.Acme, "name": "check_day", "headers": map[string]any{"authorization": "Bearer " + marker}}
	answer := d.api.Do("POST", "/api/collections/functions/records", testkit.AcmeOwner, body).Want(200)
	var made struct {
		ID         string
		HeadersSet bool `json:"headers_set"`
	}
	answer.JSON(&made)
	if !made.HeadersSet || bytes.Contains(answer.Body, []byte(marker)) || bytes.Contains(answer.Body, []byte(`"headers"`)) {
		t.Errorf("answer %s", answer.Body)
	}
	f := d.settle(collections.Functions, made.ID)
	plain, err := d.box.Open(f.GetString("headers"), sealed.Place(collections.Functions, made.ID, "headers"))
	if err != nil || plain != `{"Authorization":"Bearer `+marker+`"}` {
		t.Errorf("sealed %q, %v", plain, err)
	}
	url := "/api/collections/functions/records/" + made.ID
	d.api.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"description": "x"}).Want(200)
	if f = d.settle(collections.Functions, made.ID); f.GetString("headers") == "" {
		t.Error("a change of something else lost the headers")
	}
	for _, email := range []string{testkit.AcmeOwner, testkit.AcmeViewer, testkit.Superuser} {
		if got := d.api.Do("GET", url, email, nil).Want(200); bytes.Contains(got.Body, []byte(marker)) {
			t.Errorf("%s reads the headers: %s", email, got.Body)
		}
	}
	// PocketBase would store a superuser's words as they are.
	d.api.Do("PATCH", url, testkit.Superuser, map[string]any{"headers": map[string]any{"X-Key": marker}}).Want(200)
	if f = d.settle(collections.Functions, made.ID); !sealed.Is(f.GetString("headers")) {
		t.Errorf("a superuser's headers are stored open")
	}
	d.api.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"headers": nil}).Want(200).JSON(&made)
	if f = d.settle(collections.Functions, made.ID); f.GetString("headers") != "" || made.HeadersSet {
		t.Error("the headers cannot be taken away")
	}
}

func TestCopy_has_no_stored_number_that_must_not_be_dialled(t *testing.T) {
	d := open(t)
	a, err := d.FindRecordById(collections.Assistants, testkit.AcmeAssistant)
	if err != nil {
		t.Fatal(err)
	}
	domain := &domain{Deps: Deps{PublicURL: "https://desk.example.com", WebhookSecret: func(string) (string, error) { return "x", nil }}, app: d}
	for number, want := range map[string]bool{"+12025550170": true, "+19005551234": false, "+881612345678": false} {
		for column, value := range map[string]any{
			"forwarding_phone_number": number,
			"config":                  map[string]any{"backgroundSound": "office", "hooks": []any{map[string]any{"destination": map[string]any{"number": number}}}},
		} {
			row := a.Clone()
			row.Set(column, value)
			dto, err := domain.assistantCopy(row)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(dto)
			if err != nil || strings.Contains(string(raw), number) != want || column == "config" && !strings.Contains(string(raw), "backgroundSound") {
				t.Errorf("%s in %s: the copy is %s, %v", number, column, raw, err)
			}
		}
	}
}

func TestZero_is_a_value_and_null_is_none(t *testing.T) {
	d := open(t)
	body := func(more map[string]any) map[string]any {
		all := map[string]any{"name": "Night desk", "voice_provider": "11labs", "voice_id": "v"}
		maps.Copy(all, more)
		return all
	}
	want := func(what, id string, stability, temperature float64) {
		t.Helper()
		a := d.settle(collections.Assistants, id)
		if got := [2]float64{a.GetFloat("voice_stability"), a.GetFloat("model_temperature")}; got != [2]float64{stability, temperature} {
			t.Errorf("%s: stored %v", what, got)
		}
		copied, err := d.vapi.Assistants.Get(t.Context(), a.GetString(assistantID))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct{ Voice, Model map[string]any }
		if err := json.Unmarshal(copied.Raw, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Voice["stability"] != stability || doc.Model["temperature"] != temperature {
			t.Errorf("%s: the copy has %v and %v", what, doc.Voice, doc.Model["temperature"])
		}
	}
	id := d.create(collections.Assistants, body(map[string]any{"voice_stability": 0, "model_temperature": 0}))
	want("zero", id, 0, 0)
	want("left out", d.create(collections.Assistants, body(nil)), 0.5, 0.5)
	path := "/api/collections/assistants/records/" + id
	for _, step := range []struct {
		body                   map[string]any
		stability, temperature float64
	}{
		{map[string]any{"voice_stability": 0.3, "model_temperature": 1}, 0.3, 1}, {map[string]any{"voice_stability": 0}, 0, 1},
		{map[string]any{"voice_stability": nil, "model_temperature": nil}, 0.5, 0.5}, {map[string]any{"description": "x"}, 0.5, 0.5},
		{map[string]any{"model_temperature": 0}, 0.5, 0}, {map[string]any{"voice_stability": ""}, 0.5, 0},
	} {
		d.api.Do("PATCH", path, testkit.AcmeOwner, step.body).Want(200)
		want(fmt.Sprint(step.body), id, step.stability, step.temperature)
	}
}

func TestConfig_refuses_by_name_what_is_never_sent(t *testing.T) {
	d := open(t)
	url := "/api/collections/assistants/records"
	for key, instead := range map[string]string{
		"analysisPlan": "", "artifactPlan": "recording_enabled", "monitorPlan": "", "model": "model_name", "voice": "voice_id",
		"transcriber": "transcriber_provider", "credentialIds": "", "serverMessages": "", "metadata": "metadata",
		"silenceTimeoutSeconds": "silence_timeout_seconds", "firstMessage": "first_message", "server": "", "name": "name", "id": "",
	} {
		body := map[string]any{"organization": testkit.Acme, "name": "Night desk", "config": map[string]any{key: "x"}}
		answer := string(d.api.Do("POST", url, testkit.AcmeOwner, body).Want(400).Body)
		if !strings.Contains(answer, "config."+key+" is not sent") || !strings.Contains(answer, instead) {
			t.Errorf("%s: %s", key, answer)
		}
		answer = string(d.api.Do("PATCH", url+"/"+testkit.AcmeAssistant, testkit.AcmeOwner,
			map[string]any{"config": map[string]any{key: nil}}).Want(400).Body)
		if !strings.Contains(answer, "config."+key+" is not sent") {
			t.Errorf("%s: %s", key, answer)
		}
	}
	d.api.Do("PATCH", url+"/"+testkit.AcmeAssistant, testkit.AcmeOwner,
		map[string]any{"config": map[string]any{"backgroundSound": "off"}}).Want(200)
}

func TestConfig_of_older_rows_stays_and_is_told(t *testing.T) {
	d := open(t)
	url := "/api/collections/assistants/records/" + testkit.AcmeAssistant
	if _, err := atomic.Of(d).Exec(`UPDATE assistants SET config = ? WHERE id = ?`,
		`{"voice":{"provider":"azure"},"backgroundSound":"off","monitorPlan":{}}`, testkit.AcmeAssistant); err != nil {
		t.Fatal(err)
	}
	var row struct {
		Config  map[string]any
		NotSent []string `json:"config_not_sent"`
	}
	d.api.Do("GET", url, testkit.AcmeViewer, nil).Want(200).JSON(&row)
	if !slices.Equal(row.NotSent, []string{"voice", "monitorPlan"}) {
		t.Errorf("told as not sent: %q", row.NotSent)
	}
	// Everything else of the row can be changed, other settings too.
	d.api.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"first_message": "Hello."}).Want(200)
	d.api.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"config": map[string]any{
		"voice": map[string]any{"provider": "azure"}, "backgroundSound": "office",
	}}).Want(200).JSON(&row)
	if !slices.Equal(row.NotSent, []string{"voice"}) {
		t.Errorf("told as not sent: %q", row.NotSent)
	}
	d.api.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"config": map[string]any{"voice": "other"}}).Want(400)
}

// at asks the stand-in itself, as somebody at Vapi's dashboard would.
func (d *desk) at(method, path string, body map[string]any, out any) int {
	d.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.stand.URL()+path, bytes.NewReader(raw))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.stand.Key())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	if out != nil {
		if err := json.NewDecoder(res.Body).Decode(out); err != nil {
			d.t.Fatal(err)
		}
	}
	return res.StatusCode
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
		d.api.Do("PATCH", "/api/collections/assistants/records/"+id, testkit.AcmeOwner, body).Want(200)
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
	for _, want := range []string{"Be brief.", tool.ID, `{"type":"voicemail"}`, `"emotionRecognitionEnabled":true`, "+12025550123"} {
		if strings.Count(m, want) != 1 {
			t.Errorf("the model has %s %d times: %s", want, strings.Count(m, want), m)
		}
	}
	if got := strings.Count(m, `"type":"endCall"`); got != 1 {
		t.Errorf("%d tools to hang up: %s", got, m)
	}
	// What is ours goes when the row says so; what is theirs stays.
	m, v := change(map[string]any{"functions": []string{}, "forwarding_phone_number": "", "end_call_disabled": true, "voice_id": "andrea"})
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
				d.api.Do("PATCH", "/api/collections/phone_numbers/records/"+testkit.AcmeNumber, testkit.AcmeOwner,
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

func TestAssistant_linked_to_one_at_the_provider_is_read_in_and_never_overwritten(t *testing.T) {
	d := open(t)
	var there struct{ ID string }
	if status := d.at("POST", "/assistant", map[string]any{
		"name": "From before", "firstMessage": "Good day.", "endCallMessage": "Bye.", "metadata": map[string]any{"team": "north"},
		"model": map[string]any{"provider": "openai", "model": "gpt-4o", "temperature": 0.2,
			"messages": []any{map[string]any{"role": "system", "content": "Sell tea."}}},
		"voice": map[string]any{"provider": "11labs", "voiceId": "burt", "stability": 0.9},
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
		"sync_status": "synced", "vapi_assistant_id": there.ID, "name": "From before", "first_message": "Good day.", "end_call_message": "Bye.",
		"system_prompt": "Sell tea.", "model_name": "gpt-4o", "voice_provider": "11labs", "voice_id": "burt", "sync_error": "",
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
	metadata := after["metadata"].(map[string]any)
	if metadata["team"] != "north" || metadata["recordId"] != r.Id || after["server"] == nil {
		t.Errorf("metadata %v, server %v", metadata, after["server"])
	}
}
