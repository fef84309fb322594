package hooks_test

import (
	"context"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/sandbox"
)

// newDesk is everything put together on the fixtures, with the stand-in for
// Vapi: it refuses what Vapi refuses.
func newDesk(t *testing.T) (*product, *testkit.Client) {
	t.Helper()
	stand, err := sandbox.Start(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stand.Close(context.Background()) })
	p := &product{t: t}
	p.start(stand.URL(), "VAPI_API_KEY="+stand.Key(), "POCKETLINE_PUBLIC_URL=https://desk.example.com")
	return p, testkit.API(t, p.TestApp)
}

// The documented body of both old systems names a voice's provider and no voice.
func TestAssistant_of_the_documented_body_is_made_with_every_voice(t *testing.T) {
	p, api := newDesk(t)
	for _, voice := range append([]string{"elevenlabs", "google"}, collections.VoiceProviders...) {
		for _, language := range collections.Languages {
			var got struct{ Data map[string]any }
			api.Do("POST", "/functions/v1/assistants", testkit.AcmeOwner, map[string]any{
				"name": "Accueil", "description": "Salon", "voice": voice, "language": language,
			}).Want(201).JSON(&got)
			id, _ := got.Data["id"].(string)
			row, err := p.FindRecordById(collections.Assistants, id)
			if err != nil {
				t.Fatal(err)
			}
			if got.Data["vapi_assistant_id"] == nil || row.GetString("sync_status") != collections.SyncSynced {
				t.Errorf("%s in %s: %s, %q", voice, language, row.GetString("sync_status"), row.GetString("sync_error"))
			}
			if row.GetString("voice_id") == "" {
				t.Errorf("%s in %s has no voice", voice, language)
			}
		}
	}
	// So does the first assistant of a new organization.
	var created struct{ Company map[string]any }
	api.Do("POST", "/api/organizations/create", testkit.Nobody, map[string]any{
		"companyName": "Cleo", "companySize": "small", "industry": "Health", "language": "fr", "assistantName": "Cleo",
		"assistantVoiceProvider": "azure",
	}).Want(200).JSON(&created)
	first, err := p.FindFirstRecordByData(collections.Assistants, "organization", created.Company["id"])
	if err != nil || first.GetString("voice_id") != "fr-FR-DeniseNeural" {
		t.Errorf("the first assistant's voice is %v, %v", first, err)
	}
	// Another voice in a change brings a voice of its own.
	var made, changed struct{ Data map[string]any }
	api.Do("POST", "/functions/v1/assistants", testkit.AcmeOwner, map[string]any{"name": "Accueil",
		"language": "fr"}).Want(201).JSON(&made)
	id, _ := made.Data["id"].(string)
	api.Do("PATCH", "/functions/v1/assistants/"+id, testkit.AcmeOwner,
		map[string]any{"voice": "azure"}).Want(200).JSON(&changed)
	if changed.Data["voice_id"] != "fr-FR-DeniseNeural" {
		t.Errorf("the voice of another provider stays: %v", changed.Data)
	}
	api.Do("PATCH", "/api/vapi/assistants/"+id, testkit.AcmeOwner,
		map[string]any{"voice": map[string]any{"provider": "openai"}}).Want(200)
	row, err := p.FindRecordById(collections.Assistants, id)
	if err != nil || row.GetString("voice_id") != "alloy" || row.GetString("sync_status") != collections.SyncSynced {
		t.Errorf("got %q, %s, %v", row.GetString("voice_id"), row.GetString("sync_status"), err)
	}
}

func TestAssistants_what_is_wrong_is_told_at_the_field_that_was_sent(t *testing.T) {
	p := &product{t: t}
	p.start("http://127.0.0.1:1")
	api := testkit.API(t, p.TestApp)
	for _, c := range []struct {
		field string
		body  map[string]any
	}{
		{"voice", map[string]any{"voice": map[string]any{"voice_id": ""}}},
		{"voice_id", map[string]any{"voice_id": ""}},
		{"voice_id", map[string]any{"voice": "vapi", "voice_id": ""}},
		{"model", map[string]any{"model": ""}},
		{"model_name", map[string]any{"model_name": ""}},
	} {
		var answer struct{ Details map[string]string }
		a := api.Do("PATCH", "/functions/v1/assistants/"+testkit.AcmeAssistant, testkit.AcmeOwner, c.body).Want(400).Nothing()
		a.JSON(&answer)
		if len(answer.Details) != 1 || answer.Details[c.field] == "" {
			t.Errorf("%v: told %s, want it at %s", c.body, a.Body, c.field)
		}
	}
}
