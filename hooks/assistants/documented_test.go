package assistants

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// documented serves the routes with a provider that agrees at once, or never.
func documented(agrees bool) func(core.App) {
	return func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		f := facade.New(app)
		d := &domain{wait: func(_ context.Context, record *core.Record) error {
			if !agrees {
				return errors.New("the provider does not answer")
			}
			if record.GetString("vapi_assistant_id") == "" {
				record.Set("vapi_assistant_id", "vapi-"+record.Id)
				record.Set("sync_status", collections.SyncSynced)
				return app.Save(record)
			}
			return nil
		}}
		f.Handle(choicesRoute, serveChoices)
		f.Resources(d.coreComm(), d.alloKoli())
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			f.Mount(se)
			return se.Next()
		})
	}
}

const vapiPath, functionPath = "/api/vapi/assistants", "/functions/v1/assistants"

func TestDocumented_routes_answer_each_person(t *testing.T) {
	app := testkit.New(t, documented(true))
	row, err := app.FindRecordById(collections.Assistants, testkit.Row(testkit.Void, "assistant"))
	if err != nil {
		t.Fatal(err)
	}
	// A second assistant of Acme, on its way out.
	leaving := core.NewRecord(row.Collection())
	leaving.Load(map[string]any{"organization": testkit.Acme, "name": "Leaving", "type": "voice", "status": "active",
		"sync_status": collections.SyncDeleting})
	if err := app.Save(leaving); err != nil {
		t.Fatal(err)
	}
	api := testkit.API(t, app)
	acme := "/" + testkit.AcmeAssistant
	name := map[string]any{"name": "Reception"}
	twoWrong := map[string]any{"name": "abc", "voice": map[string]any{"stability": 7},
		"model": map[string]any{"temperature": "hot"}}
	tests := []struct {
		name, method, path, person string
		body                       any
		status                     int
		says                       string
	}{
		{"guest list", "GET", vapiPath, testkit.Guest, nil, 401, `"error"`},
		{"guest create", "POST", vapiPath, testkit.Guest, name, 401, `"error"`},
		{"guest view", "GET", vapiPath + acme, testkit.Guest, nil, 401, `"error"`},
		{"guest change", "PATCH", vapiPath + acme, testkit.Guest, name, 401, `"error"`},
		{"guest delete", "DELETE", vapiPath + acme, testkit.Guest, nil, 401, `"error"`},
		{"foreign view", "GET", vapiPath + acme, testkit.BoltOwner, nil, 404, `"error"`},
		{"foreign change", "PATCH", vapiPath + acme, testkit.BoltOwner, name, 404, `"error"`},
		{"foreign delete", "DELETE", vapiPath + acme, testkit.BoltOwner, nil, 404, `"error"`},
		{"a manager is no admin", "POST", vapiPath, testkit.AcmeManager, name, 403, `"error"`},
		{"nor to change", "PATCH", vapiPath + acme, testkit.AcmeManager, name, 403, `"error"`},
		{"nor to delete", "DELETE", vapiPath + acme, testkit.AcmeManager, nil, 403, `"error"`},
		{"no name", "POST", vapiPath, testkit.AcmeAdmin, map[string]any{}, 400, `"name":"Required"`},
		{"a model nobody makes", "POST", vapiPath, testkit.AcmeAdmin,
			map[string]any{"name": "Ab", "model": map[string]any{"provider": "eliza"}}, 400, `"model.provider":"Must be one of`},
		{"a voice that is a text", "POST", vapiPath, testkit.AcmeAdmin, map[string]any{"name": "Ab", "voice": "elevenlabs"},
			400, `"voice":"Must be an object"`},
		{"too hot", "PATCH", vapiPath + acme, testkit.AcmeAdmin, map[string]any{"model": map[string]any{"temperature": 3}},
			400, `"model.temperature"`},
		{"one that is going", "GET", vapiPath + "/" + leaving.Id, testkit.AcmeOwner, nil, 404, `"error"`},
		{"list", "GET", vapiPath, testkit.AcmeViewer, nil, 200, `"assistants":[{`},
		{"view", "GET", vapiPath + acme, testkit.AcmeViewer, nil, 200, `"stats":{`},
		{"view without the right to calls", "GET", vapiPath + acme, testkit.AcmeTrainee, nil, 200, `"stats":null`},

		{"function: guest list", "GET", functionPath, testkit.Guest, nil, 401, `"error"`},
		{"function: guest create", "POST", functionPath, testkit.Guest, name, 401, `"error"`},
		{"function: foreign view", "GET", functionPath + acme, testkit.BoltOwner, nil, 404, `"error"`},
		{"function: foreign change", "PATCH", functionPath + acme, testkit.BoltOwner, name, 404, `"error"`},
		{"function: foreign delete", "DELETE", functionPath + acme, testkit.BoltOwner, nil, 404, `"error"`},
		{"function: a viewer creates", "POST", functionPath, testkit.AcmeViewer, name, 403, `"error"`},
		{"function: a viewer changes", "PATCH", functionPath + acme, testkit.AcmeViewer, name, 403, `"error"`},
		{"function: a short name", "POST", functionPath, testkit.AcmeOwner, map[string]any{"name": "ab"},
			400, `"name":"Must have at least 3 characters"`},
		{"function: a language nobody speaks here", "POST", functionPath, testkit.AcmeOwner,
			map[string]any{"name": "abc", "language": "de"}, 400, `"language":"Must be one of en, fr"`},
		{"function: an unknown voice", "POST", functionPath, testkit.AcmeOwner,
			map[string]any{"name": "abc", "voice": "parrot"}, 400, `"voice.provider":"Must be one of`},
		{"function: a value of a voice", "POST", functionPath, testkit.AcmeOwner, twoWrong, 400,
			`"voice.stability":"Must be from 0 to 1"`},
		{"function: a value of a model beside it", "POST", functionPath, testkit.AcmeOwner, twoWrong, 400,
			`"model.temperature":"Must be a number"`},
		{"function: a voice of the wrong type", "POST", functionPath, testkit.AcmeOwner,
			map[string]any{"name": "abc", "voice": 5}, 400, `"voice":"Must be a text or an object"`},
		{"function: list", "GET", functionPath, testkit.AcmeViewer, nil, 200, `"pagination":{`},
		{"function: bare list", "GET", functionPath + "?shape=array", testkit.AcmeViewer, nil, 200, `[{`},
		{"function: filtered list", "GET", functionPath + "?status=inactive", testkit.AcmeViewer, nil, 200, `"data":[]`},
		{"function: a manager with the right changes", "PATCH", functionPath + acme, testkit.AcmeManager,
			map[string]any{"status": "inactive"}, 200, `"status":"inactive"`},
		{"function: delete", "DELETE", functionPath + acme, testkit.AcmeManager, nil, 200, `"data":null`},
		{"function: it is gone", "GET", functionPath + acme, testkit.AcmeManager, nil, 404, `"error"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := api.Do(tt.method, tt.path, tt.person, tt.body).Outcome(tt.status)
			if !strings.Contains(string(a.Body), tt.says) || strings.Contains(string(a.Body), "Leaving") ||
				strings.Contains(string(a.Body), "bolt") {
				t.Errorf("got %s, want %s", a.Body, tt.says)
			}
		})
	}
}

func TestDocumented_assistant_of_CoreComm_keeps_every_field(t *testing.T) {
	app := testkit.New(t, documented(true))
	api := testkit.API(t, app)
	sent := `{"name":"Assistant","description":"Optional","systemPrompt":"Be kind.","firstMessage":"Hello","language":"en",
		"model":{"provider":"anthropic","model":"claude-sonnet","temperature":0.7,"maxTokens":123,"knowledgeBaseId":"kb1"},
		"voice":{"provider":"elevenlabs","voiceId":"rachel","speed":1,"stability":0.5},
		"transcriber":{"provider":"deepgram","model":"nova-2","language":"en"},"serverUrl":"https://old.example.com/hook"}`
	var created struct {
		Data    struct{ Assistant map[string]any }
		Message string
	}
	api.Do("POST", vapiPath, testkit.AcmeAdmin, sent).Want(200).JSON(&created)
	got := created.Data.Assistant
	if created.Message != "Assistant created successfully" || got["vapiAssistantId"] == nil ||
		got["vapi_assistant_id"] != got["vapiAssistantId"] {
		t.Errorf("got %v", created)
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(sent), &want); err != nil {
		t.Fatal(err)
	}
	for name, value := range want {
		if object, ok := value.(map[string]any); ok {
			for part, v := range object {
				if have := got[name].(map[string]any)[part]; have != v {
					t.Errorf("%s.%s: got %v, want %v", name, part, have, v)
				}
			}
		} else if got[name] != value {
			t.Errorf("%s: got %v, want %v", name, got[name], value)
		}
	}
	row, err := app.FindRecordById(collections.Assistants, got["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if row.GetString("voice_provider") != "11labs" || row.GetString("organization") != testkit.Acme ||
		row.GetString("created_by") != testkit.User(testkit.AcmeAdmin) ||
		row.GetString("status") != collections.AssistantActive {
		t.Errorf("stored %v", row.FieldsData())
	}
	var changed struct {
		Data struct{ Assistant map[string]any }
	}
	api.Do("PATCH", vapiPath+"/"+row.Id, testkit.AcmeOwner,
		map[string]any{"knowledgeBaseId": "kb2", "model": map[string]any{"temperature": 0}}).Want(200).JSON(&changed)
	got = changed.Data.Assistant
	if got["knowledgeBaseId"] != "kb2" || got["serverUrl"] != "https://old.example.com/hook" ||
		got["name"] != "Assistant" {
		t.Errorf("after the change: %v", got)
	}
	if model := got["model"].(map[string]any); model["temperature"] != 0.0 || model["maxTokens"] != 123.0 {
		t.Errorf("after the change: %v", model)
	}
	var gone map[string]any
	api.Do("DELETE", vapiPath+"/"+row.Id, testkit.AcmeOwner, nil).Want(200).JSON(&gone)
	if data, has := gone["data"]; !has || data != nil || gone["message"] != "Assistant deleted successfully" {
		t.Errorf("delete: got %v", gone)
	}
}

func TestDocumented_stats_count_the_assistants_calls(t *testing.T) {
	api := testkit.API(t, testkit.New(t, documented(true)))
	var got struct {
		Data struct{ Stats map[string]any }
	}
	api.Do("GET", vapiPath+"/"+testkit.AcmeAssistant, testkit.AcmeOwner, nil).Want(200).JSON(&got)
	for name, want := range map[string]float64{"totalCalls": 2, "completedCalls": 1, "activeCalls": 1,
		"failedCalls": 0, "avgDurationSeconds": 60, "successRate": 100} {
		if got.Data.Stats[name] != want {
			t.Errorf("%s: got %v, want %v", name, got.Data.Stats[name], want)
		}
	}
}

func TestDocumented_assistant_of_AlloKoli_takes_words_and_objects(t *testing.T) {
	app := testkit.New(t, documented(true))
	api := testkit.API(t, app)
	tests := []struct {
		name   string
		body   map[string]any
		stored map[string]string
		says   map[string]any
	}{
		{"words", map[string]any{"name": "Accueil", "voice": "elevenlabs", "model": "claude-sonnet", "language": "fr"},
			map[string]string{"voice_provider": "11labs", "model_provider": "anthropic", "model_name": "claude-sonnet",
				"type": "voice"},
			map[string]any{"voice": "elevenlabs", "model": "claude-sonnet", "language": "fr", "status": "active"}},
		{"a word of the reference that Vapi lacks", map[string]any{"name": "Accueil", "voice": "google"},
			map[string]string{"voice_provider": "vapi"}, nil},
		{"objects", map[string]any{"name": "Accueil", "voice": map[string]any{"provider": "azure", "voice_id": "denise"},
			"model": map[string]any{"provider": "openai", "model": "gpt-4o", "temperature": 0.2, "max_tokens": 50}},
			map[string]string{"voice_provider": "azure", "voice_id": "denise", "model_name": "gpt-4o"},
			map[string]any{"model_temperature": 0.2, "model_max_tokens": 50.0}},
		{"an unknown model says its maker", map[string]any{"name": "Accueil", "model": "my-model", "model_provider": "groq"},
			map[string]string{"model_provider": "groq", "model_name": "my-model"}, nil},
		{"the old invocation", map[string]any{"method": "POST", "data": map[string]any{"name": "Invoked"}},
			map[string]string{"name": "Invoked"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got struct{ Data map[string]any }
			api.Do("POST", functionPath, testkit.AcmeManager, tt.body).Want(201).JSON(&got)
			if got.Data["id"] == nil || got.Data["vapi_assistant_id"] == nil {
				t.Fatalf("both ids belong into the answer: %v", got.Data)
			}
			row, err := app.FindRecordById(collections.Assistants, got.Data["id"].(string))
			if err != nil {
				t.Fatal(err)
			}
			for column, want := range tt.stored {
				if have := row.GetString(column); have != want {
					t.Errorf("stored %s: got %q, want %q", column, have, want)
				}
			}
			for name, want := range tt.says {
				if got.Data[name] != want {
					t.Errorf("answered %s: got %v, want %v", name, got.Data[name], want)
				}
			}
		})
	}
}

func TestDocumented_create_is_kept_when_the_provider_does_not_answer(t *testing.T) {
	api := testkit.API(t, testkit.New(t, documented(false)))
	var got struct{ Data map[string]any }
	api.Do("POST", functionPath, testkit.AcmeOwner, map[string]any{"name": "Later"}).Want(201).JSON(&got)
	if got.Data["id"] == nil || got.Data["vapi_assistant_id"] != nil {
		t.Errorf("got %v, want a row without the provider's id", got.Data)
	}
}
