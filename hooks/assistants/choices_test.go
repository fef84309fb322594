package assistants

import (
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers/catalog"
	"github.com/pocketline/pocketline/providers/vapi"
)

func TestChoices_are_refused_by_their_field_with_what_to_do(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		field, says string
		body        map[string]any
	}{
		{"transcriber_provider",
			"Deepgram does not understand Wolof. Choose another language, or the transcriber of Cartesia, ElevenLabs, Soniox.",
			map[string]any{"language": "wo", "voice_provider": "11labs", "transcriber_provider": "deepgram"}},
		{"voice_provider", "Vapi does not speak Wolof. Choose another language, or a voice of ElevenLabs",
			map[string]any{"language": "wo", "voice_provider": "vapi", "transcriber_provider": "11labs"}},
		{"transcriber_language", "Google does not understand Wolof", map[string]any{"transcriber_provider": "google",
			"transcriber_language": "wo"}},
		{"voice_speed", "Hume speaks at one speed only", map[string]any{"voice_provider": "hume", "voice_speed": 1}},
		{"voice_speed", "Deepgram speaks at one speed only", map[string]any{"voice_provider": "deepgram", "voice_speed": 1}},
		{"voice_speed", "Cartesia takes speeds from 0.6 to 1.5.", map[string]any{"voice_provider": "cartesia",
			"voice_speed": 2}},
		{"voice_speed", "Inworld takes speeds from 0.5 to 1.5.", map[string]any{"voice_provider": "inworld",
			"voice_speed": 2}},
		{"voice_speed", "LMNT takes speeds from 0.25 to 2.", map[string]any{"voice_provider": "lmnt", "voice_speed": 3}},
		{"voice_speed", "MiniMax takes speeds from 0.5 to 2.", map[string]any{"voice_provider": "minimax", "voice_speed": 3}},
		{"voice_speed", "Rime takes speeds from 0.1 upwards.", map[string]any{"voice_provider": "rime-ai",
			"voice_speed": 0.05}},
		{"voice_model", "leave this empty", map[string]any{"voice_provider": "vapi", "voice_model": "x"}},
		{"voice_model", "leave this empty", map[string]any{"voice_provider": "azure", "voice_model": "x"}},
		{"voice_model", "leave this empty", map[string]any{"voice_provider": "lmnt", "voice_model": "x"}},
		{"voice_id", "too long", map[string]any{"voice_provider": "inworld", "voice_id": strings.Repeat("x", 121)}},
		{"transcriber_model", "leave this empty", map[string]any{"transcriber_provider": "azure", "transcriber_model": "x"}},
		{"voice_provider", "", map[string]any{"voice_provider": "gramophone"}},
		{"voice_id", "No voice of Azure in our list speaks Norwegian: enter one.", map[string]any{"voice_provider": "azure",
			"language": "no"}},
		{"voice_id", "No voice of Deepgram in our list speaks French: enter one.", map[string]any{
			"voice_provider": "deepgram", "language": "fr"}},
		{"voice_id", "No voice of Rime in our list speaks Japanese: enter one.", map[string]any{
			"voice_provider": "rime-ai", "language": "ja"}},
	} {
		c.body["name"], c.body["organization"] = "Front desk", testkit.Acme
		var answer struct {
			Data map[string]struct{ Message string }
		}
		a := d.Do("POST", "/api/collections/assistants/records", testkit.AcmeOwner, c.body).Want(400).Nothing()
		a.JSON(&answer)
		if got := answer.Data[c.field].Message; len(answer.Data) != 1 || got == "" || !strings.Contains(got, c.says) {
			t.Errorf("%v: got %s, want %s: %s", c.body, a.Body, c.field, c.says)
		}
	}
	// A field that must be there is missed in a change; a new assistant gets it.
	id := d.create(collections.Assistants, map[string]any{"name": "Night desk", "transcriber_provider": "openai",
		"language": "fr"})
	if r := d.settle(collections.Assistants, id); r.GetString("transcriber_model") != "gpt-4o-transcribe" ||
		r.GetString("sync_status") != collections.SyncSynced {
		t.Errorf("got %q, %s %s", r.GetString("transcriber_model"), r.GetString("sync_status"), r.GetString("sync_error"))
	}
	path := "/api/collections/assistants/records/" + id // whose promise may be on its way out
	for _, body := range []map[string]any{{"transcriber_model": ""}, {"voice_id": ""}, {"model_name": ""}} {
		d.Do("PATCH", path, testkit.AcmeOwner, body).Want(400).Nothing(collections.Outbox)
	}
	// Another provider without a voice: neither the old one's nor one of another language.
	path = "/api/collections/assistants/records/" + id
	d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"voice_provider": "azure", "voice_id": "",
		"language": "no"}).Want(400).Nothing()
	d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"voice_provider": "azure",
		"voice_id": "nb-NO-PernilleNeural", "language": "no"}).Want(200)
	// Wolof is spoken by those who know it, when nobody chooses.
	id = d.create(collections.Assistants, map[string]any{"name": "Dakar", "language": "wo"})
	if r := d.settle(collections.Assistants, id); r.GetString("voice_provider") != "11labs" ||
		r.GetString("transcriber_provider") != "11labs" || r.GetString("sync_status") != collections.SyncSynced {
		t.Errorf("got %v", r.PublicExport())
	}
}

// shown is the part of a row's answer that tells what is wrong with its choices.
type shown struct {
	ID      string
	Choices []struct {
		Field, Code, Text, Use string
		Refused                bool
	}
}

func TestNames_that_are_not_in_the_list_are_sent_as_typed_and_marked(t *testing.T) {
	d := open(t)
	var got shown
	d.Do("POST", "/api/collections/assistants/records", testkit.AcmeOwner, map[string]any{
		"organization": testkit.Acme, "name": "Front desk", "voice_provider": "11labs", "voice_id": "EXAVITQu4vr4xnSDxMaL",
		"transcriber_model": "nova-9",
	}).Want(200).JSON(&got)
	want := map[string]string{"voice_id": "unlisted", "transcriber_model": "unlisted"}
	for _, one := range got.Choices {
		if want[one.Field] != one.Code || one.Refused || !strings.Contains(one.Text, "not in our list of "+catalog.Date) {
			t.Errorf("got %+v", one)
		}
		delete(want, one.Field)
	}
	if len(want) > 0 {
		t.Errorf("not marked: %v", want)
	}
	r := d.settle(collections.Assistants, got.ID)
	made, err := d.vapi.Assistants.Get(t.Context(), r.GetString(assistantID))
	if err != nil {
		t.Fatal(err)
	}
	if doc := encode(t, made.Raw); at(t, doc, "voice.voiceId") != `"EXAVITQu4vr4xnSDxMaL"` || at(t, doc,
		"transcriber.model") != `"nova-9"` {
		t.Errorf("sent %v", doc)
	}
}

// A row that is older than the table keeps what it has: it can be changed, its
// copy is made without what Vapi would refuse, and it says so.
func TestRow_from_before_the_table_is_shown_with_what_is_wrong_and_still_works(t *testing.T) {
	d := open(t)
	id := d.create(collections.Assistants, map[string]any{"name": "Old desk"})
	r := d.settle(collections.Assistants, id)
	for column, value := range map[string]any{
		"language": "wo", "voice_provider": "hume", "voice_id": "v", "voice_speed": 1.3, "transcriber_provider": "openai",
		"transcriber_model": "", "voice_model": "octave",
	} {
		r.Set(column, value)
	}
	if err := d.UnsafeWithoutHooks().SaveNoValidate(r); err != nil {
		t.Fatal(err)
	}
	path := "/api/collections/assistants/records/" + id
	var got shown
	d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"name": "Old desk, new name",
		"first_message": "Hi"}).Want(200).JSON(&got)
	var wrong []string
	for _, one := range got.Choices {
		if one.Refused {
			wrong = append(wrong, one.Field+" "+one.Code)
		}
	}
	if want := []string{"voice_speed no_speed", "transcriber_provider language",
		"transcriber_model model_missing"}; !slices.Equal(wrong, want) {
		t.Errorf("shown as wrong: got %v, want %v", wrong, want)
	}
	r = d.settle(collections.Assistants, id)
	if r.GetString("sync_status") != collections.SyncSynced {
		t.Fatalf("%s %s", r.GetString("sync_status"), r.GetString("sync_error"))
	}
	made, err := d.vapi.Assistants.Get(t.Context(), r.GetString(assistantID))
	if err != nil {
		t.Fatal(err)
	}
	doc := encode(t, made.Raw)
	for path, want := range map[string]string{
		"name": `"Old desk, new name"`, "voice.provider": `"hume"`, "voice.speed": "absent",
		"transcriber.provider": `"openai"`,
		"transcriber.language": "absent", "transcriber.model": `"gpt-4o-transcribe"`,
	} {
		if have := at(t, doc, path); have != want {
			t.Errorf("%s: got %s, want %s", path, have, want)
		}
	}
	// What is chosen now is held against the table.
	d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"voice_speed": 1.2}).Want(400).Nothing(collections.Outbox)
	d.Do("PATCH", path, testkit.AcmeOwner,
		map[string]any{"transcriber_provider": "deepgram"}).Want(400).Nothing(collections.Outbox)
	d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"voice_speed": 0,
		"transcriber_provider": "11labs"}).Want(200).JSON(&got)
	if slices.ContainsFunc(got.Choices, func(one struct {
		Field, Code, Text, Use string
		Refused                bool
	}) bool {
		return one.Refused
	}) {
		t.Errorf("mended, and still %+v", got.Choices)
	}
}

func TestOffer_is_what_the_collection_takes_and_is_answered_once(t *testing.T) {
	for part, want := range map[catalog.Part][]string{
		catalog.Models: collections.ModelProviders, catalog.Voices: collections.VoiceProviders,
		catalog.Transcribers: collections.TranscriberProviders,
	} {
		if !slices.Equal(catalog.Offered(part), want) {
			t.Errorf("%s: the form offers %v, the column takes %v", part, catalog.Offered(part), want)
		}
	}
	// Whose fault a call's end is, is told by their names, also in a reason nobody has seen.
	for _, part := range []catalog.Part{catalog.Models, catalog.Voices, catalog.Transcribers} {
		for _, provider := range catalog.Offered(part) {
			reason := "call.in-progress.error-" + provider + "-has-a-new-way-to-fail"
			if got := vapi.Outcome(reason, true); provider != "vapi" && got != vapi.OutcomeFailedProvider {
				t.Errorf("%s is %s: providers/vapi/outcome.go does not know %s", reason, got, provider)
			}
		}
	}
	api := testkit.API(t, testkit.New(t, documented(true)))
	const path = "/api/assistant-choices"
	api.Do("GET", path, testkit.Guest, nil).Want(401).Nothing()
	answer := api.Do("GET", path, testkit.AcmeTrainee, nil).Want(200)
	var o catalog.Offer
	answer.JSON(&o)
	if o.Date != catalog.Date || len(o.Voices) != len(collections.VoiceProviders) || len(answer.Body) > 40_000 {
		t.Errorf("got %d voices of %s in %d bytes", len(o.Voices), o.Date, len(answer.Body))
	}
}

func TestWhat_somebody_added_inside_of_our_parts_stays(t *testing.T) {
	d := open(t)
	id := d.create(collections.Assistants, map[string]any{
		"name": "Night desk", "language": "fr", "voice_provider": "cartesia", "voice_speed": 1.2,
		"transcriber_provider": "speechmatics",
	})
	r := d.settle(collections.Assistants, id)
	copied := func() map[string]any {
		t.Helper()
		made, err := d.vapi.Assistants.Get(t.Context(), r.GetString(assistantID))
		if err != nil {
			t.Fatal(err)
		}
		return encode(t, made.Raw)
	}
	theirs := copied()
	words := []any{map[string]any{"content": "Pocketline"}}
	theirs["voice"].(node)["generationConfig"] = node{"speed": 1.2, "volume": 1.5}
	theirs["transcriber"].(node)["customVocabulary"] = words
	if _, err := d.vapi.Assistants.Update(t.Context(), r.GetString(assistantID), &vapi.AssistantDTO{
		Extra: map[string]any{"voice": theirs["voice"], "transcriber": theirs["transcriber"]},
	}); err != nil {
		t.Fatal(err)
	}
	path := "/api/collections/assistants/records/" + id
	d.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"voice_speed": 0, "language": "en"}).Want(200)
	if r = d.settle(collections.Assistants, id); r.GetString("sync_status") != collections.SyncSynced {
		t.Fatalf("%s %s", r.GetString("sync_status"), r.GetString("sync_error"))
	}
	for path, want := range map[string]string{
		"voice.generationConfig": `{"volume":1.5}`, "voice.language": `"en"`, "transcriber.language": `"en"`,
		"transcriber.customVocabulary": `[{"content":"Pocketline"}]`,
	} {
		if have := at(t, copied(), path); have != want {
			t.Errorf("%s: got %s, want %s", path, have, want)
		}
	}
}
