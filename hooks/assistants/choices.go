package assistants

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/providers/catalog"
	"github.com/pocketline/pocketline/providers/vapi"
)

// This file holds what an assistant is made of against the table of what Vapi
// offers (providers/catalog): a choice Vapi would refuse is refused when it is
// made, and shown and left out of the copy where an older row has it.

// part is one of the three with the columns it is chosen by.
type part struct {
	catalog.Part
	provider, model, voice, language, speed string
}

var (
	modelPart       = part{catalog.Models, "model_provider", "model_name", "", "", ""}
	voicePart       = part{catalog.Voices, "voice_provider", "voice_model", "voice_id", "", "voice_speed"}
	transcriberPart = part{catalog.Transcribers, "transcriber_provider", "transcriber_model", "", "transcriber_language",
		""}
	parts = []part{modelPart, voicePart, transcriberPart}
)

// languageColumn is where the language of a part was chosen.
func (p part) languageColumn(a *core.Record) string {
	if p.language != "" && a.GetString(p.language) != "" {
		return p.language
	}
	return "language"
}

func (p part) choice(a *core.Record) catalog.Choice {
	text := func(column string) string {
		if column == "" {
			return ""
		}
		return a.GetString(column)
	}
	c := catalog.Choice{
		Provider: a.GetString(p.provider), Model: text(p.model), Voice: text(p.voice),
		Language: a.GetString(p.languageColumn(a)),
	}
	if p.languageColumn(a) == "language" && !wished(a, "language") {
		c.Language = "" // known, but not to be told
	}
	if p.Part == catalog.Voices {
		c.Provider = vapi.VoiceProvider(c.Provider) // rows may be older than the word
	}
	if p.speed != "" {
		c.Speed = a.GetFloat(p.speed)
	}
	return c
}

// fit is the part as Vapi takes it, without what Vapi would refuse.
func (p part) fit(a *core.Record) map[string]any { return catalog.Fit(p.Part, p.choice(a)) }

// column is where a problem is mended. A language that a provider does not know
// is at the provider, unless it was chosen for this part alone: the assistant's
// language has other parts.
func (p part) column(a *core.Record, about string) string {
	switch about {
	case catalog.AboutModel:
		return p.model
	case catalog.AboutVoice:
		return p.voice
	case catalog.AboutLanguage:
		if column := p.languageColumn(a); column == p.language {
			return column
		}
	case catalog.AboutSpeed:
		return p.speed
	}
	return p.provider
}

// chosen is a problem at the column it is shown at.
type chosen struct {
	Field string `json:"field"`
	// Refused tells that Vapi would refuse it: the copy does without. Other
	// problems are names that our list does not have; they are sent as they are.
	Refused bool `json:"refused"`
	// Text says what is wrong and what to do.
	Text string `json:"text"`
	catalog.Problem
	of part
}

// sentence is what a person reads about a problem.
func (p part) sentence(w catalog.Problem) string {
	language := catalog.LanguageName(w.Value)
	switch w.Code {
	case catalog.Language:
		return p.speaksNot(w, language)
	case catalog.VoiceMissing:
		if w.Use == "" && w.Value != "" {
			return fmt.Sprintf("No voice of %s in our list speaks %s: enter one.", w.Name, language)
		}
		return fmt.Sprintf("Choose a voice of %s.", w.Name)
	case catalog.VoiceTooLong:
		return fmt.Sprintf("This is too long for a voice of %s.", w.Name)
	case catalog.ModelMissing:
		return fmt.Sprintf("Choose a model of %s.", w.Name)
	case catalog.NoModel:
		return fmt.Sprintf("%s has no models to choose from here; leave this empty.", w.Name)
	case catalog.NoSpeed:
		return fmt.Sprintf("%s speaks at one speed only; leave this empty.", w.Name)
	case catalog.Speed:
		if w.Most == 0 {
			return fmt.Sprintf("%s takes speeds from %v upwards.", w.Name, w.Least)
		}
		return fmt.Sprintf("%s takes speeds from %v to %v.", w.Name, w.Least, w.Most)
	case catalog.OtherLanguage:
		return fmt.Sprintf("This voice was made for %s; the assistant speaks %s.", catalog.LanguageName(w.Use), language)
	case catalog.Unlisted:
		if w.About == catalog.AboutVoice {
			return fmt.Sprintf("This voice is not in our list of %s; it is sent as it is.", catalog.Date)
		}
		return fmt.Sprintf("This model is not in our list of %s; it is sent as it is.", catalog.Date)
	}
	return "Choose a provider of the list."
}

func (p part) speaksNot(w catalog.Problem, language string) string {
	switch {
	case w.Use == "":
		return fmt.Sprintf("%s does not know %s. Choose another language.", w.Name, language)
	case p.Part == catalog.Voices:
		return fmt.Sprintf("%s does not speak %s. Choose another language, or a voice of %s.", w.Name, language, w.Use)
	}
	return fmt.Sprintf("%s does not understand %s. Choose another language, or the transcriber of %s.", w.Name,
		language, w.Use)
}

// problems says what is wrong with the choices of an assistant. Only voice
// assistants have a copy that could be refused.
func problems(a *core.Record) []chosen {
	if a.GetString("type") != "voice" {
		return nil
	}
	var found []chosen
	for _, p := range parts {
		c := p.choice(a)
		if c.Provider == "" {
			continue // Vapi decides
		}
		for _, problem := range catalog.Check(p.Part, c) {
			found = append(found, chosen{p.column(a, problem.About), problem.Refused(), p.sentence(problem), problem, p})
		}
	}
	return found
}

// refuseChoices adds what is wrong with what is chosen now. A row that is older
// than the table keeps what it has, whatever else of it is changed.
func refuseChoices(a *core.Record, found validation.Errors) {
	changed := func(columns ...string) bool {
		return a.IsNew() || slices.ContainsFunc(columns, func(name string) bool {
			return name != "" && a.GetString(name) != a.Original().GetString(name)
		})
	}
	for _, one := range problems(a) {
		columns := []string{one.Field, one.of.provider}
		if one.About == catalog.AboutLanguage {
			columns = append(columns, "language", one.of.language)
		}
		if !one.Refused || !changed(columns...) {
			continue
		}
		found[one.Field] = validation.NewError("validation_"+one.Code, one.Text)
	}
}

// fillChoices chooses what a new assistant's request left out, for its language.
func fillChoices(a *core.Record) {
	a.Set("voice_provider", vapi.VoiceProvider(a.GetString("voice_provider")))
	for _, p := range parts {
		language := a.GetString(p.languageColumn(a))
		if a.GetString(p.provider) == "" {
			a.Set(p.provider, catalog.Default(p.Part, language))
		}
		made := catalog.Find(p.Part, a.GetString(p.provider))
		if made == nil {
			continue // refused below
		}
		if p.voice != "" && a.GetString(p.voice) == "" {
			a.Set(p.voice, made.Voice(language))
		}
		if a.GetString(p.model) == "" {
			a.Set(p.model, made.Model(language))
		}
	}
}

// giveVoice names a voice for those whose requests name its provider alone, as those
// of both old systems do.
func giveVoice(columns map[string]any) {
	name, _ := columns["voice_provider"].(string)
	made := catalog.Find(catalog.Voices, vapi.VoiceProvider(name))
	if _, sent := columns["voice_id"]; sent || made == nil {
		return
	}
	language, _ := columns["language"].(string)
	columns["voice_id"] = made.AnyVoice(language)
}

// followProvider chooses anew what belongs to the provider, when a change names
// another provider and nothing else: the old voice is none of its.
func followProvider(stored *core.Record, columns map[string]any) {
	for _, p := range parts {
		name, sent := columns[p.provider].(string)
		made := catalog.Find(p.Part, vapi.VoiceProvider(name))
		if !sent || made == nil || made.ID == vapi.VoiceProvider(stored.GetString(p.provider)) {
			continue
		}
		language := stored.GetString(p.languageColumn(stored))
		if code, sent := columns["language"].(string); sent && p.languageColumn(stored) == "language" {
			language = code
		}
		set := func(column string, value any) {
			if _, sent := columns[column]; column != "" && !sent {
				columns[column] = value
			}
		}
		if p.voice != "" {
			set(p.voice, made.AnyVoice(language))
		}
		set(p.model, made.Model(language))
		set(p.speed, 0)
	}
}

// showChoices tells what of a row Vapi would refuse, and which names are not in
// our list.
func (d *domain) showChoices(e *core.RecordEnrichEvent) error {
	e.Record.WithCustomData(true)
	list := problems(e.Record)
	if list == nil {
		list = []chosen{}
	}
	e.Record.Set("choices", list)
	return e.Next()
}

// offer is the table as the form takes it, with its mark: it changes with the
// program only.
var offer = sync.OnceValues(func() ([]byte, string) {
	body, err := json.Marshal(catalog.MakeOffer())
	if err != nil {
		panic(err) // texts and numbers
	}
	sum := sha256.Sum256(body)
	return body, `"` + hex.EncodeToString(sum[:8]) + `"`
})

// serveChoices answers the table. Browsers ask whether it is still the same.
func serveChoices(e *core.RequestEvent) error {
	body, mark := offer()
	header := e.Response.Header()
	header.Set("ETag", mark)
	header.Set("Cache-Control", "private, no-cache")
	if e.Request.Header.Get("If-None-Match") == mark {
		return e.NoContent(http.StatusNotModified)
	}
	return e.Blob(http.StatusOK, "application/json", body)
}
