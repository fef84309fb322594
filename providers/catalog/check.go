package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// Choice is what a person chose for one part of an assistant. Speed 0 and empty
// texts are left to the provider.
type Choice struct {
	Provider, Model, Voice, Language string
	Speed                            float64
}

// What a problem is about. Language is the assistant's language.
const (
	AboutProvider = "provider"
	AboutModel    = "model"
	AboutVoice    = "voice"
	AboutLanguage = "language"
	AboutSpeed    = "speed"
)

// Codes of problems. Unlisted and OtherLanguage refuse nothing.
const (
	UnknownProvider = "unknown_provider"
	NoModel         = "no_model"       // the provider has none to choose
	ModelMissing    = "model_missing"  // and one must be chosen
	VoiceMissing    = "voice_missing"  //
	VoiceTooLong    = "voice_too_long" //
	Language        = "language"       // not among those of the provider
	NoSpeed         = "no_speed"       // the provider has one speed only
	Speed           = "speed"          // outside of the range
	Unlisted        = "unlisted"       // a name that is not in the table
	OtherLanguage   = "other_language" // the voice was made for one that is not the assistant's
)

// Problem is something wrong with a choice, or a name the table does not know.
type Problem struct {
	About string `json:"about"`
	Code  string `json:"code"`
	// What a sentence about it is made of. The sentences are whose page or route
	// shows them.
	Name  string  `json:"name,omitempty"`  // the company
	Value string  `json:"value,omitempty"` // what was chosen; of a missing or other voice, the language
	Use   string  `json:"use,omitempty"`   // what could be chosen, and is sent where something must be
	Least float64 `json:"min,omitempty"`
	Most  float64 `json:"max,omitempty"`
}

// Refused tells whether Vapi would refuse the choice.
func (p Problem) Refused() bool { return p.Code != Unlisted && p.Code != OtherLanguage }

// Check says what is wrong with a choice, in the order of the form.
func Check(part Part, c Choice) []Problem {
	p := Find(part, c.Provider)
	if p == nil {
		return []Problem{{About: AboutProvider, Code: UnknownProvider, Value: c.Provider}}
	}
	var found []Problem
	add := func(about, code, value, use string) {
		found = append(found, Problem{
			About: about, Code: code, Name: p.Name, Value: value, Use: use, Least: p.Speed.Least, Most: p.Speed.Most,
		})
	}
	if !p.Knows(c.Language) {
		add(AboutLanguage, Language, c.Language, strings.Join(Who(part, c.Language), ", "))
	}
	if part == Voices {
		p.checkVoice(c, add)
	}
	p.checkModel(c, add)
	switch {
	case c.Speed == 0:
	case p.SpeedField == "":
		add(AboutSpeed, NoSpeed, fmt.Sprint(c.Speed), "")
	case p.clamped(c.Speed) != c.Speed:
		add(AboutSpeed, Speed, fmt.Sprint(c.Speed), fmt.Sprint(p.clamped(c.Speed)))
	}
	return found
}

func (p *Provider) checkVoice(c Choice, add func(about, code, value, use string)) {
	switch {
	case c.Voice == "":
		add(AboutVoice, VoiceMissing, c.Language, p.Voice(c.Language))
	case p.tooLong(c.Voice):
		add(AboutVoice, VoiceTooLong, c.Voice, "")
	case !slices.Contains(p.Voices, c.Voice):
		add(AboutVoice, Unlisted, c.Voice, "")
	case c.Language != "" && !p.AnyLanguage && p.madeFor(c.Voice) != "" &&
		!slices.Contains(p.VoicesFor[Base(c.Language)], c.Voice):
		add(AboutVoice, OtherLanguage, c.Language, p.madeFor(c.Voice))
	}
}

func (p *Provider) checkModel(c Choice, add func(about, code, value, use string)) {
	switch {
	case c.Model != "" && p.ModelField == "":
		add(AboutModel, NoModel, c.Model, "")
	case c.Model == "" && p.ModelMust:
		add(AboutModel, ModelMissing, "", p.Model(c.Language))
	case c.Model != "" && len(p.Models) > 0 && !slices.Contains(p.Models, c.Model):
		add(AboutModel, Unlisted, c.Model, "")
	}
}

// Who are the companies that know a language, those the form offers first.
func Who(part Part, code string) []string {
	var names []string
	for _, id := range offered[part] {
		if p := Find(part, id); p.Knows(code) {
			names = append(names, p.Name)
		}
	}
	return names
}

func (p *Provider) tooLong(voice string) bool {
	long := p.Properties["voiceId"].Long
	return long > 0 && len([]rune(voice)) > long
}

// clamped is a speed within the range.
func (p *Provider) clamped(speed float64) float64 {
	if p.Speed.Most > 0 {
		speed = min(speed, p.Speed.Most)
	}
	return max(speed, p.Speed.Least)
}

// Fit is a choice in Vapi's names and spellings, without what Vapi would
// refuse; nil when there is nothing left. A model that must be there is the
// table's first when nobody chose one, and a speed the nearest that is taken.
func Fit(part Part, c Choice) map[string]any {
	p := Find(part, c.Provider)
	if p == nil || part == Voices && (c.Voice == "" || p.tooLong(c.Voice)) {
		return nil
	}
	out := map[string]any{"provider": p.ID}
	if part == Voices {
		out["voiceId"] = c.Voice
	}
	model := c.Model
	if model == "" && p.ModelMust {
		model = p.Model(c.Language)
	}
	if model != "" && p.ModelField != "" {
		out[p.ModelField] = model
	}
	if word, ok := p.Spelling(c.Language); ok && word != "" {
		out[p.LanguageField] = word
	}
	if c.Speed > 0 && p.SpeedField != "" {
		set(out, p.SpeedField, p.clamped(c.Speed))
	}
	p.fillLists(out)
	return out
}

// fillLists puts in what must be there, and may be empty.
func (p *Provider) fillLists(out map[string]any) {
	for name, property := range p.Properties {
		if property.Must && property.Kind == List && out[name] == nil {
			out[name] = []any{}
		}
	}
}

// set puts a value at a name, with a dot where it is inside an object.
func set(out map[string]any, name string, value any) {
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		out[name] = value
		return
	}
	inside := map[string]any{}
	set(inside, inner, value)
	out[outer] = inside
}
