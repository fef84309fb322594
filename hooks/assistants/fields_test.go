package assistants

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestValidation_names_the_field(t *testing.T) {
	d := open(t)
	long := strings.Repeat("x", 101)
	for name, c := range map[string]struct {
		collection string
		body       map[string]any
		field      string
	}{
		"short name": {collections.Assistants, map[string]any{"name": "ab"}, "name"},
		"long name":  {collections.Assistants, map[string]any{"name": long}, "name"},
		"no phone number": {collections.Assistants,
			map[string]any{"name": "abc", "forwarding_phone_number": "call me"}, "forwarding_phone_number"},
		"phrases are no list": {collections.Assistants, map[string]any{"name": "abc", "end_call_phrases": "bye"},
			"end_call_phrases"},
		"a phrase too short": {collections.Assistants,
			map[string]any{"name": "abc", "end_call_phrases": []string{"x"}}, "end_call_phrases"},
		"config is no object": {collections.Assistants, map[string]any{"name": "abc", "config": []int{1}}, "config"},
		"a foreign function": {collections.Assistants,
			map[string]any{"name": "abc", "functions": []string{testkit.BoltFunction}}, "functions"},
		"schema is a list": {collections.Functions, map[string]any{"name": "abc", "parameters": []int{1}},
			"parameters"},
		"schema of another type": {collections.Functions,
			map[string]any{"name": "abc", "parameters": map[string]any{"type": "string"}}, "parameters"},
		"schema of nonsense": {collections.Functions,
			map[string]any{"name": "abc",
				"parameters": map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": 5}}}},
			"parameters"},
		"schema from elsewhere": {collections.Functions,
			map[string]any{"name": "abc",
				"parameters": map[string]any{"type": "object",
					"properties": map[string]any{"a": map[string]any{"$ref": "https://evil.example.com/s.json"}}}}, "parameters"},
		"schema of itself": {collections.Functions,
			map[string]any{"name": "abc", "parameters": map[string]any{"type": "object", "$ref": "#"}}, "parameters"},
		"schema without an end": {collections.Functions,
			map[string]any{"name": "abc",
				"parameters": map[string]any{"type": "object", "not": map[string]any{"$dynamicRef": "#"}}}, "parameters"},
		"a private address": {collections.Functions,
			map[string]any{"name": "abc", "webhook_url": "https://10.0.0.1/x"}, "webhook_url"},
		"plain http": {collections.Functions,
			map[string]any{"name": "abc", "webhook_url": "http://example.com/x"}, "webhook_url"},
		"a name no model takes": {collections.Functions, map[string]any{"name": "book it"}, "name"},
		"headers are a list": {collections.Functions, map[string]any{"name": "abc", "headers": []string{"x"}},
			"headers"},
		"a header in two lines": {collections.Functions,
			map[string]any{"name": "abc", "headers": map[string]any{"X-A": "a\r\nX-B: b"}}, "headers"},
		"a header that is not ours": {collections.Functions,
			map[string]any{"name": "abc", "headers": map[string]any{"host": "x"}}, "headers"},
		"a header with a space": {collections.Functions,
			map[string]any{"name": "abc", "headers": map[string]any{"X A": "x"}}, "headers"},
	} {
		c.body["organization"] = testkit.Acme
		var answer struct {
			Data map[string]struct{ Message string }
		}
		d.Do("POST", "/api/collections/"+c.collection+"/records", testkit.AcmeOwner, c.body).Want(400).Nothing().JSON(&answer)
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
	id := d.create(collections.Assistants,
		map[string]any{"name": "Night desk", "forwarding_phone_number": "(202) 555-0170", "voice_provider": "11labs",
			"voice_id": "v"})
	if a := d.settle(collections.Assistants, id); a.GetString("forwarding_phone_number") != "+12025550170" {
		t.Errorf("stored %q", a.GetString("forwarding_phone_number"))
	}
}

func TestHeaders_are_written_sealed_and_never_read(t *testing.T) {
	d := open(t)
	const marker = "MARKER-very-secret"
	body := map[string]any{"organization": testkit.Acme, "name": "check_day",
		"headers": map[string]any{"authorization": "Bearer " + marker}}
	answer := d.Do("POST", "/api/collections/functions/records", testkit.AcmeOwner, body).Want(200)
	var made struct {
		ID         string
		HeadersSet bool `json:"headers_set"`
	}
	answer.JSON(&made)
	if !made.HeadersSet || bytes.Contains(answer.Body, []byte(marker)) ||
		bytes.Contains(answer.Body, []byte(`"headers"`)) {
		t.Errorf("answer %s", answer.Body)
	}
	f := d.settle(collections.Functions, made.ID)
	plain, err := d.Sealed.Open(f.GetString("headers"), sealed.Place(collections.Functions, made.ID, "headers"))
	if err != nil || plain != `{"Authorization":"Bearer `+marker+`"}` {
		t.Errorf("sealed %q, %v", plain, err)
	}
	url := "/api/collections/functions/records/" + made.ID
	d.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"description": "x"}).Want(200)
	if f = d.settle(collections.Functions, made.ID); f.GetString("headers") == "" {
		t.Error("a change of something else lost the headers")
	}
	for _, email := range []string{testkit.AcmeOwner, testkit.AcmeViewer, testkit.Superuser} {
		if got := d.Do("GET", url, email, nil).Want(200); bytes.Contains(got.Body, []byte(marker)) {
			t.Errorf("%s reads the headers: %s", email, got.Body)
		}
	}
	// PocketBase would store a superuser's words as they are.
	d.Do("PATCH", url, testkit.Superuser, map[string]any{"headers": map[string]any{"X-Key": marker}}).Want(200)
	if f = d.settle(collections.Functions, made.ID); !sealed.Is(f.GetString("headers")) {
		t.Errorf("a superuser's headers are stored open")
	}
	d.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"headers": nil}).Want(200).JSON(&made)
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
	domain := &domain{Deps: Deps{PublicURL: "https://desk.example.com",
		WebhookSecret: func(string) (string, error) { return "x", nil }}, app: d}
	for number, want := range map[string]bool{"+12025550170": true, "+19005551234": false, "+881612345678": false} {
		for column, value := range map[string]any{
			"forwarding_phone_number": number,
			"config": map[string]any{"backgroundSound": "office",
				"hooks": []any{map[string]any{"destination": map[string]any{"number": number}}}},
		} {
			row := a.Clone()
			row.Set(column, value)
			dto, err := domain.assistantCopy(row, mirror.Mark{})
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(dto)
			if err != nil || strings.Contains(string(raw), number) != want || column == "config" &&
				!strings.Contains(string(raw), "backgroundSound") {
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
		if got := [2]float64{a.GetFloat("voice_stability"), a.GetFloat("model_temperature")}; got != [2]float64{stability,
			temperature} {
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
		{map[string]any{"voice_stability": 0.3, "model_temperature": 1}, 0.3, 1},
		{map[string]any{"voice_stability": 0}, 0, 1},
		{map[string]any{"model_temperature": 0}, 0, 0},
	} {
		d.Do("PATCH", path, testkit.AcmeOwner, step.body).Want(200)
		want(fmt.Sprint(step.body), id, step.stability, step.temperature)
	}
	// What nobody wishes any more is null, and not in the copy; zero is a wish again.
	for _, step := range []struct{ body, stored, copied map[string]any }{
		{map[string]any{"voice_stability": nil}, map[string]any{"voice_stability": nil, "model_temperature": 0.0},
			map[string]any{"stability": nil, "temperature": 0.0}},
		{map[string]any{"model_temperature": "", "description": "x"},
			map[string]any{"voice_stability": nil, "model_temperature": nil},
			map[string]any{"stability": nil, "temperature": nil}},
		{map[string]any{"description": "y"}, map[string]any{"voice_stability": nil, "model_temperature": nil},
			map[string]any{"stability": nil, "temperature": nil}},
		{map[string]any{"voice_stability": 0}, map[string]any{"voice_stability": 0.0, "model_temperature": nil},
			map[string]any{"stability": 0.0, "temperature": nil}},
	} {
		d.Do("PATCH", path, testkit.AcmeOwner, step.body).Want(200)
		a := d.settle(collections.Assistants, id)
		var shown map[string]any
		d.Do("GET", path, testkit.AcmeViewer, nil).Want(200).JSON(&shown)
		var doc struct{ Voice, Model map[string]any }
		d.at("GET", "/assistant/"+a.GetString(assistantID), nil, &doc)
		for column, want := range step.stored {
			if shown[column] != want {
				t.Errorf("%v: %s is %v, want %v", step.body, column, shown[column], want)
			}
		}
		got := map[string]any{"stability": doc.Voice["stability"], "temperature": doc.Model["temperature"]}
		if !maps.Equal(got, step.copied) {
			t.Errorf("%v: the copy has %v, want %v", step.body, got, step.copied)
		}
	}
}

func TestConfig_refuses_by_name_what_is_never_sent(t *testing.T) {
	d := open(t)
	url := "/api/collections/assistants/records"
	for key, instead := range map[string]string{
		"analysisPlan": "", "artifactPlan": "recording_enabled", "monitorPlan": "", "model": "model_name",
		"voice":       "voice_id",
		"transcriber": "transcriber_provider", "credentialIds": "", "serverMessages": "", "metadata": "metadata",
		"silenceTimeoutSeconds": "silence_timeout_seconds", "firstMessage": "first_message", "server": "",
		"name": "name", "id": "",
	} {
		body := map[string]any{"organization": testkit.Acme, "name": "Night desk", "config": map[string]any{key: "x"}}
		answer := string(d.Do("POST", url, testkit.AcmeOwner, body).Want(400).Nothing().Body)
		if !strings.Contains(answer, "config."+key+" is not sent") || !strings.Contains(answer, instead) {
			t.Errorf("%s: %s", key, answer)
		}
		answer = string(d.Do("PATCH", url+"/"+testkit.AcmeAssistant, testkit.AcmeOwner,
			map[string]any{"config": map[string]any{key: nil}}).Want(400).Nothing().Body)
		if !strings.Contains(answer, "config."+key+" is not sent") {
			t.Errorf("%s: %s", key, answer)
		}
	}
	d.Do("PATCH", url+"/"+testkit.AcmeAssistant, testkit.AcmeOwner,
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
	d.Do("GET", url, testkit.AcmeViewer, nil).Want(200).JSON(&row)
	if !slices.Equal(row.NotSent, []string{"voice", "monitorPlan"}) {
		t.Errorf("told as not sent: %q", row.NotSent)
	}
	// Everything else of the row can be changed, other settings too.
	d.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"first_message": "Hello."}).Want(200)
	d.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"config": map[string]any{
		"voice": map[string]any{"provider": "azure"}, "backgroundSound": "office",
	}}).Want(200).JSON(&row)
	if !slices.Equal(row.NotSent, []string{"voice"}) {
		t.Errorf("told as not sent: %q", row.NotSent)
	}
	d.ByHand() // no copy is being made any more
	d.Do("PATCH", url, testkit.AcmeOwner, map[string]any{"config": map[string]any{"voice": "other"}}).Want(400).Nothing()
}
