package catalog

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
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

func TestCode_is_the_language_a_word_means(t *testing.T) {
	for _, c := range []struct {
		part                 Part
		provider, word, want string
	}{
		{Transcribers, "deepgram", "fr", "fr"},
		{Transcribers, "deepgram", "fr-CA", "fr"},
		{Transcribers, "deepgram", "multi", ""},
		{Transcribers, "azure", "pt-BR", "pt"},
		{Transcribers, "google", "French", "fr"},
		{Transcribers, "google", "Multilingual", ""},
		{Transcribers, "assembly-ai", "multi", ""},
		{Transcribers, "speechmatics", "cmn", "zh"},
		{Voices, "playht", "mandarin", "zh"},
		{Voices, "vapi", "", ""},
	} {
		if got := Find(c.part, c.provider).Code(c.word); got != c.want {
			t.Errorf("%s %s %q: got %q, want %q", c.part, c.provider, c.word, got, c.want)
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
					if problem.Code != Language && (problem.Code != VoiceMissing || c.Voice != "") {
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

// The golden file says for each language who speaks it with which voice when nobody
// chooses: one that was made for it, or one that speaks all.
func TestVoice_of_a_language_is_none_of_another(t *testing.T) {
	var got strings.Builder
	for _, language := range Languages() {
		fmt.Fprintf(&got, "%s:", language)
		for _, id := range Offered(Voices) {
			p := Find(Voices, id)
			voice := p.Voice(language)
			if !p.Knows(language) {
				continue
			}
			if voice == "" {
				fmt.Fprintf(&got, " %s=-", id)
				continue
			}
			fmt.Fprintf(&got, " %s=%s", id, voice)
			if len(p.VoicesFor) > 0 && p.AnyLanguage {
				t.Errorf("%s: voices for a language and for any", id)
			}
			if !p.AnyLanguage && !slices.Contains(p.VoicesFor[language], voice) {
				t.Errorf("%s in %s: %s", id, language, voice)
			}
		}
		got.WriteByte('\n')
	}
	const path = "testdata/voices.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || got.String() != string(want) {
		t.Errorf("run with -update and read the diff: %v\n%s", err, got.String())
	}
	// A voice of another language that somebody chose is marked, not refused.
	found := Check(Voices, Choice{Provider: "azure", Voice: "ar-SA-ZariyahNeural", Language: "no"})
	if len(found) != 1 || found[0].Code != OtherLanguage || found[0].Use != "ar" || found[0].Refused() {
		t.Errorf("got %+v", found)
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

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

func TestMakerOf_names_a_provider_the_form_offers(t *testing.T) {
	for _, m := range makers {
		if got := MakerOf(strings.ToUpper(m.beginning) + "-9"); got != m.provider || !slices.Contains(Offered(Models), got) {
			t.Errorf("%s: got %q, want %s, among %v", m.beginning, got, m.provider, Offered(Models))
		}
	}
	if got := MakerOf("my-own-model"); got != "" {
		t.Errorf("an unknown name: got %q", got)
	}
}

// A model named without its provider is taken for one of a provider that is offered;
// the models the form proposes are taken for their own provider's, where their name
// says one.
func TestMakerOf_agrees_with_what_is_offered(t *testing.T) {
	for _, m := range makers {
		if !slices.Contains(Offered(Models), m.provider) {
			t.Errorf("%s…: %s is not offered", m.beginning, m.provider)
		}
		if got := MakerOf(m.beginning + "-9"); got != m.provider {
			t.Errorf("%s-9: got %s, want %s: an earlier beginning takes it", m.beginning, got, m.provider)
		}
	}
	for _, provider := range []string{"openai", "anthropic", "google", "xai"} { // who makes what they offer
		for _, name := range preferredModels[Models][provider] {
			if got := MakerOf(name); got != provider {
				t.Errorf("%s of %s is taken for %q", name, provider, got)
			}
		}
	}
}
