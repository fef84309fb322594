package assistants

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/catalog"
	"github.com/pocketline/pocketline/providers/sandbox"
	"github.com/pocketline/pocketline/providers/vapi"
)

// document is the part of Vapi's OpenAPI document about model, voice and
// transcriber: what a copy is refused or accepted by, whatever our table says.
type document map[string]map[string]node

type node = map[string]any

func readDocument(t *testing.T) document {
	t.Helper()
	raw, err := os.ReadFile("../../providers/catalog/testdata/assistant.json")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// refuses says what of an assistant the document does not allow.
func (d document) refuses(assistant node) (found []string) {
	for _, part := range []string{"model", "voice", "transcriber"} {
		if assistant[part] == nil {
			continue
		}
		made := assistant[part].(node)
		schema, known := d[part][fmt.Sprint(made["provider"])]
		if !known {
			found = append(found, part+".provider")
			continue
		}
		found = append(found, wrong(schema, made, part)...)
	}
	return found
}

// wrong holds a value against a schema, in the words the document uses.
func wrong(schema node, value any, at string) (found []string) {
	if either, ok := schema["oneOf"].([]any); ok {
		for _, one := range either {
			if found = wrong(one.(node), value, at); len(found) == 0 {
				return nil
			}
		}
		return found
	}
	refuse := func() []string { return append(found, at) }
	if values, ok := schema["enum"].([]any); ok && schema["type"] != "array" && !slices.Contains(values, value) {
		return refuse()
	}
	switch v := value.(type) {
	case string:
		if most, ok := schema["maxLength"].(float64); schema["type"] != "string" || ok && len([]rune(v)) > int(most) {
			return refuse()
		}
	case float64:
		least, low := schema["minimum"].(float64)
		most, high := schema["maximum"].(float64)
		if schema["type"] != "number" && schema["type"] != "integer" || low && v < least || high && v > most {
			return refuse()
		}
	case bool:
		if schema["type"] != "boolean" {
			return refuse()
		}
	case []any:
		if schema["type"] != "array" {
			return refuse()
		}
		for i, one := range v {
			if item, ok := schema["items"].(node); ok {
				found = append(found, wrong(item, one, fmt.Sprintf("%s.%d", at, i))...)
			}
		}
	case node:
		properties, ok := schema["properties"].(node)
		if schema["type"] != "object" {
			return refuse()
		}
		if !ok {
			return nil
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if v[name.(string)] == nil {
				found = append(found, at+"."+name.(string))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if one, known := properties[name].(node); known {
				found = append(found, wrong(one, v[name], at+"."+name)...)
			} else {
				found = append(found, at+"."+name)
			}
		}
	}
	return found
}

// asker asks the stand-in for Vapi.
type asker struct {
	t     *testing.T
	stand *sandbox.Server
}

func newAsker(t *testing.T) asker {
	t.Helper()
	stand, err := sandbox.Start(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stand.Close(context.Background()) })
	return asker{t, stand}
}

// make asks for an object and answers the messages of a refusal.
func (a asker) make(path string, object node) (status int, messages []string) {
	a.t.Helper()
	body, err := json.Marshal(object)
	if err != nil {
		a.t.Fatal(err)
	}
	req, err := http.NewRequest("POST", a.stand.URL()+path, bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.stand.Key())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Message []string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil && res.StatusCode >= 400 {
		a.t.Fatalf("a refusal is no list of messages: %v", err)
	}
	return res.StatusCode, answer.Message
}

// form is what the form sends for one assistant; a text for every field.
type form map[string]any

// everyForm goes through every combination the form offers. It reads the table
// as the form gets it, not the one behind it.
func everyForm(t *testing.T, yield func(form)) {
	t.Helper()
	body, _ := offer()
	var o catalog.Offer
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatal(err)
	}
	speak := func(l catalog.Line) []string {
		if l.Languages == nil {
			return o.Languages
		}
		return l.Languages
	}
	models := func(l catalog.Line) []string {
		if l.Model == "must" {
			return l.Models
		}
		return append([]string{""}, l.Models...)
	}
	for _, l := range o.Models {
		for _, model := range models(l) {
			yield(form{"model_provider": l.ID, "model_name": model})
		}
	}
	for _, l := range o.Voices {
		speeds := []float64{0}
		if l.Speed != nil {
			most := l.Speed.Most
			if most == 0 {
				most = 5 // what the column takes
			}
			speeds = append(speeds, l.Speed.Least, 1, most)
		}
		for _, language := range speak(l) {
			for _, model := range models(l) {
				for _, speed := range speeds {
					yield(form{
						"voice_provider": l.ID, "voice_id": l.Voices[0], "voice_model": model, "voice_speed": speed, "language": language,
						"transcriber_provider": catalog.Default(catalog.Transcribers, language),
					})
				}
			}
			for _, voice := range l.Voices {
				yield(form{
					"voice_provider": l.ID, "voice_id": voice, "language": language,
					"transcriber_provider": catalog.Default(catalog.Transcribers, language),
				})
			}
		}
	}
	for _, l := range o.Transcribers {
		for _, language := range speak(l) {
			for _, model := range models(l) {
				yield(form{
					"transcriber_provider": l.ID, "transcriber_model": model, "language": language,
					"voice_provider": catalog.Default(catalog.Voices, language), "voice_id": "sarah",
				})
			}
		}
	}
}

// fill puts the form into a row of an assistant.
func (f form) fill(a *core.Record) {
	fields := map[string]any{
		"organization": "org000000000001", "name": "Front desk", "type": "voice", "language": "fr",
		"model_provider": "openai",
		"model_name":     "gpt-4.1-mini", "voice_provider": "vapi", "voice_id": "Elliot", "transcriber_provider": "deepgram",
	}
	for _, column := range []string{"voice_model", "voice_speed", "transcriber_model", "transcriber_language"} {
		fields[column] = nil
	}
	maps.Copy(fields, f)
	a.Load(fields)
}

func TestEvery_combination_the_form_offers_is_accepted_by_Vapi(t *testing.T) {
	d, ask := readDocument(t), newAsker(t)
	a, forms := row(t, collections.Assistants, nil), 0
	asked, batch := map[string]bool{}, []any{}
	send := func() { // many in one request: the members of a squad are assistants
		if status, messages := ask.make("/squad", node{"members": batch}); status != http.StatusCreated {
			t.Errorf("the sandbox answers %d %v", status, messages)
		}
		batch = nil
	}
	everyForm(t, func(f form) {
		forms++
		f.fill(a)
		for _, one := range problems(a) {
			if one.Refused {
				t.Errorf("%v: we refuse %s: %s", f, one.Field, one.Text)
			}
		}
		made := encode(t, toAssistant(a, nil, vapi.NewServer("https://desk.example.com", "")))
		if found := d.refuses(made); len(found) > 0 {
			t.Errorf("%v: the document refuses %v of %v", f, found, made)
		}
		// What was sent is what was chosen.
		voice, _ := made["voice"].(node)
		if voice["voiceId"] != a.GetString("voice_id") {
			t.Errorf("%v: the voice is %v", f, voice)
		}
		parts := node{"name": made["name"], "model": made["model"], "voice": made["voice"],
			"transcriber": made["transcriber"]}
		body, err := json.Marshal(parts)
		if err != nil {
			t.Fatal(err)
		}
		if asked[string(body)] {
			return
		}
		asked[string(body)] = true
		if batch = append(batch, node{"assistant": parts}); len(batch) == 500 {
			send()
		}
	})
	send()
	if forms < 5_000 || len(asked) < 5_000 {
		t.Errorf("only %d forms, %d copies: the table is not what it was", forms, len(asked))
	}
}

// Whatever a row from before the table holds, its copy has nothing Vapi would
// refuse but names, which are sent as they were typed.
func TestCopy_of_any_row_is_accepted(t *testing.T) {
	d, a := readDocument(t), row(t, collections.Assistants, nil)
	codes := append(catalog.Languages(), "", "xx", "fr-CA", "EN_us", "multi", "French", "zh-TW", "wo-SN")
	pairs := func(part catalog.Part, try func(p *catalog.Provider, language string)) {
		for _, p := range catalog.All(part) {
			for _, language := range codes {
				if p.ID != "custom-voice" && p.ID != "custom-transcriber" { // need a server; nobody can choose them
					try(p, language)
				}
			}
		}
	}
	accepted := func(f form) {
		t.Helper()
		f.fill(a)
		if found := d.refuses(encode(t, toAssistant(a, nil, vapi.NewServer("https://desk.example.com",
			"")))); len(found) > 0 {
			t.Errorf("%v: the document refuses %v", f, found)
		}
	}
	pairs(catalog.Voices, func(p *catalog.Provider, language string) {
		model := "" // a name of the list, or one where there is none to choose
		if p.ModelField == "" {
			model = "x"
		}
		for _, speed := range []float64{0.01, 1, 9} {
			accepted(form{
				"voice_provider": p.ID, "voice_id": p.Voice(language), "voice_model": model, "voice_speed": speed,
				"language": language,
			})
		}
	})
	pairs(catalog.Transcribers, func(p *catalog.Provider, language string) {
		accepted(form{"transcriber_provider": p.ID, "language": "fr", "transcriber_language": language})
		accepted(form{"transcriber_provider": p.ID, "language": language})
	})
	accepted(form{"voice_provider": "gramophone", "transcriber_provider": "ear trumpet"})
}

// The combinations the form offered and Vapi refused, and their like.
func TestWhat_Vapi_refuses_is_refused_by_the_sandbox_too(t *testing.T) {
	d, ask := readDocument(t), newAsker(t)
	voice := func(provider string, more node) node {
		v := node{"provider": provider, "voiceId": catalog.Find(catalog.Voices, provider).Voice("en")}
		maps.Copy(v, more)
		return node{"voice": v}
	}
	hears := func(provider string, more node) node {
		tr := node{"provider": provider}
		maps.Copy(tr, more)
		return node{"transcriber": tr}
	}
	for _, c := range []struct {
		says string
		bad  node
	}{
		{"transcriber.language must be one of the following values: ar, az", hears("deepgram", node{"language": "wo"})},
		{"transcriber.language must be one of the following values: af-ZA", hears("azure", node{"language": "fr"})},
		{"transcriber.language must be one of the following values: Multilingual", hears("google", node{"language": "fr"})},
		{"transcriber.language must be one of the following values: multi, en", hears("assembly-ai", node{"language": "fr"})},
		{"transcriber.language must be one of", hears("speechmatics", node{"language": "zh", "customVocabulary": []any{}})},
		{"transcriber.customVocabulary must be an array", hears("speechmatics", node{"language": "fr"})},
		{"transcriber.model must be one of the following values: gpt-4o-transcribe", hears("openai", node{"language": "fr"})},
		{"transcriber.property model should not exist", hears("azure", node{"model": "x"})},
		{"transcriber.property model should not exist", hears("assembly-ai", node{"model": "x"})},
		{"transcriber.model must be one of", hears("gladia", node{"model": "solaria-2"})},
		{"transcriber.model must be one of", hears("soniox", node{"model": "x"})},
		{"transcriber.language must be one of", hears("openai", node{"model": "gpt-4o-transcribe", "language": "wo"})},
		{"transcriber.language must be one of", hears("talkscriber", node{"language": "wo"})},
		{"transcriber.language must be one of", hears("11labs", node{"language": "fr-FR"})},
		{"transcriber.language must be one of", hears("gladia", node{"language": "wo"})},
		{"transcriber.provider must be one of the following values: 11labs",
			node{"transcriber": node{"provider": "whisper"}}},
		{"voice.property speed should not exist", voice("cartesia", node{"speed": 1.0})},
		{"voice.generationConfig.speed must not be greater than 1.5", voice("cartesia",
			node{"generationConfig": node{"speed": 2.0}})},
		{"voice.property speed should not exist", voice("hume", node{"speed": 1.0})},
		{"voice.property speed should not exist", voice("inworld", node{"speed": 1.0})},
		{"voice.speakingRate must not be greater than 1.5", voice("inworld", node{"speakingRate": 2.0})},
		{"voice.property speed should not exist", voice("deepgram", node{"speed": 1.0})},
		{"voice.speed must not be greater than 2", voice("lmnt", node{"speed": 3.0})},
		{"voice.speed must not be less than 0.5", voice("minimax", node{"speed": 0.1})},
		{"voice.speed must not be greater than 1.2", voice("11labs", node{"speed": 1.5})},
		{"voice.speed must not be less than 0.1", voice("rime-ai", node{"speed": 0.05})},
		{"voice.property model should not exist", voice("vapi", node{"model": "x"})},
		{"voice.property model should not exist", voice("azure", node{"model": "x"})},
		{"voice.property model should not exist", voice("lmnt", node{"model": "x"})},
		{"voice.model must be one of the following values: tts-1", voice("openai", node{"model": "tts-2"})},
		{"voice.model must be one of", voice("cartesia", node{"model": "sonic-9"})},
		{"voice.voiceId must be one of the following values: asteria", voice("deepgram", node{"voiceId": "nobody"})},
		{"voice.voiceId must be one of", voice("inworld", node{"voiceId": "Nobody"})},
		{"voice.language must be one of", voice("vapi", node{"language": "wo"})},
		{"voice.language must be one of", voice("playht", node{"language": "fr"})},
		{"voice.languageBoost must be one of", voice("minimax", node{"languageBoost": "fr"})},
		{"voice.languageCode must be one of", voice("inworld", node{"languageCode": "sv"})},
		{"voice.property languageCode should not exist", voice("cartesia", node{"languageCode": "fr"})},
		{"voice.provider must be one of the following values: 11labs", node{"voice": node{"provider": "elevenlabs",
			"voiceId": "x"}}},
		{"voice.voiceId must be a string", node{"voice": node{"provider": "azure"}}},
		{"model.model must be one of the following values: claude", node{"model": node{"provider": "anthropic",
			"model": "gpt-4o"}}},
		{"model.model must be one of", node{"model": node{"provider": "xai", "model": "grok-9"}}},
		{"model.property fallbackModels should not exist", node{"model": node{
			"provider": "groq", "model": "llama-3.3-70b-versatile", "fallbackModels": []any{"x"},
		}}},
		{"model.provider must be one of", node{"model": node{"provider": "eliza", "model": "x"}}},
	} {
		if found := d.refuses(c.bad); len(found) == 0 {
			t.Errorf("the document accepts %v", c.bad)
		}
		status, messages := ask.make("/assistant", c.bad)
		if status != http.StatusBadRequest || len(messages) == 0 || !strings.HasPrefix(messages[0], c.says) {
			t.Errorf("%v: the sandbox answers %d %v, want 400 and %q", c.bad, status, messages, c.says)
		}
		member := node{"members": []any{node{"assistant": c.bad}}}
		if status, messages := ask.make("/squad", member); status != http.StatusBadRequest {
			t.Errorf("%v as a member: the sandbox answers %d %v", c.bad, status, messages)
		}
	}
}
