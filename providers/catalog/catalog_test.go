package catalog

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
)

func TestSpelling_is_the_providers_own(t *testing.T) {
	for _, c := range []struct {
		part           Part
		provider, code string
		want           string
		ok             bool
	}{
		{Transcribers, "deepgram", "fr", "fr", true},
		{Transcribers, "deepgram", "fr-CA", "fr-CA", true},
		{Transcribers, "deepgram", "FR_ca", "fr-CA", true},
		{Transcribers, "deepgram", "fr-SN", "fr", true},
		{Transcribers, "deepgram", "en", "en", true},
		{Transcribers, "deepgram", "multi", "multi", true},
		{Transcribers, "deepgram", "wo", "", false},
		{Transcribers, "azure", "fr", "fr-FR", true},
		{Transcribers, "azure", "en", "en-US", true},
		{Transcribers, "azure", "en-gb", "en-GB", true},
		{Transcribers, "azure", "pt", "pt-BR", true},
		{Transcribers, "azure", "no", "nb-NO", true},
		{Transcribers, "azure", "zh", "zh-CN", true},
		{Transcribers, "google", "fr", "French", true},
		{Transcribers, "google", "French", "French", true},
		{Transcribers, "google", "multi", "Multilingual", true},
		{Transcribers, "assembly-ai", "en", "en", true},
		{Transcribers, "assembly-ai", "fr", "multi", true},
		{Transcribers, "assembly-ai", "wo", "", false},
		{Transcribers, "speechmatics", "zh", "cmn", true},
		{Transcribers, "speechmatics", "ar_en", "ar_en", true},
		{Transcribers, "11labs", "wo", "wo", true},
		{Voices, "vapi", "fr", "fr-FR", true},
		{Voices, "vapi", "en", "en-US", true},
		{Voices, "playht", "zh", "mandarin", true},
		{Voices, "minimax", "fr", "French", true},
		{Voices, "azure", "wo", "", true}, // its voices have their language in their name
		{Voices, "cartesia", "", "", true},
	} {
		if got, ok := Find(c.part, c.provider).Spelling(c.code); got != c.want || ok != c.ok {
			t.Errorf("%s %s %q: got %q %t, want %q %t", c.part, c.provider, c.code, got, ok, c.want, c.ok)
		}
	}
}

func TestSpeed_is_sent_where_each_voice_takes_it(t *testing.T) {
	for provider, want := range map[string]string{
		"cartesia": `{"speed":0.6}`, "inworld": "0.5", "azure": "0.5", "11labs": "0.7", "hume": "null", "deepgram": "null",
	} {
		p := Find(Voices, provider)
		fields := Fit(Voices, Choice{Provider: provider, Voice: p.Voice("en"), Speed: 0.2})
		name := map[string]string{"cartesia": "generationConfig", "inworld": "speakingRate"}[provider]
		if name == "" {
			name = "speed"
		}
		if got, _ := json.Marshal(fields[name]); string(got) != want {
			t.Errorf("%s: %s is %s, want %s", provider, name, got, want)
		}
	}
}

func TestEvery_offered_provider_has_what_is_taken_when_nobody_chooses(t *testing.T) {
	for _, part := range []Part{Models, Voices, Transcribers} {
		for _, id := range Offered(part) {
			p := Find(part, id)
			if p == nil || p.Name == id {
				t.Errorf("%s %s is not in the table, or has no name", part, id)
				continue
			}
			for _, language := range Languages() {
				c := Choice{Provider: id, Model: p.Model(language), Voice: p.Voice(language), Language: language}
				for _, problem := range Check(part, c) {
					if problem.Code != Language {
						t.Errorf("%s %s in %s: %+v", part, id, language, problem)
					}
				}
			}
		}
		for _, language := range Languages() {
			if id := Default(part, language); !Find(part, id).Knows(language) {
				t.Errorf("%s: %s does not know %s", part, id, language)
			}
		}
	}
}

// The facts and the part of the document the tests use are of one document.
func TestFacts_are_those_of_the_document(t *testing.T) {
	raw, err := os.ReadFile("testdata/assistant.json")
	if err != nil {
		t.Fatal(err)
	}
	var document map[Part]map[string]struct {
		Properties map[string]struct {
			Enum  []any
			OneOf []struct{ Enum []any }
		}
		Required []string
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	for part, providers := range document {
		if len(All(part)) != len(providers) {
			t.Errorf("%s: %d providers, the document has %d", part, len(All(part)), len(providers))
		}
		for id, schema := range providers {
			p := Find(part, id)
			if p == nil {
				t.Errorf("%s %s is missing", part, id)
				continue
			}
			got, want := slices.Sorted(maps.Keys(p.Properties)), slices.Sorted(maps.Keys(schema.Properties))
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: got %v, want %v", part, id, got, want)
			}
			for name, property := range p.Properties {
				if property.Must != slices.Contains(schema.Required, name) {
					t.Errorf("%s %s: %s is required: %t", part, id, name, property.Must)
				}
				for _, value := range property.Values {
					listed := schema.Properties[name].Enum
					for _, one := range schema.Properties[name].OneOf {
						listed = append(listed, one.Enum...)
					}
					if !slices.Contains(listed, any(value)) {
						t.Errorf("%s %s: %s is no %s of the document", part, id, value, name)
					}
				}
			}
		}
	}
}
