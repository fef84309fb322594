// Package catalog is what an assistant can be made of at Vapi: the providers of
// its model, its voice and its transcriber, each with the models, voices,
// languages and speeds it takes and the fields it cannot be without.
//
// It is one table for everybody. The form offers it, a save is held against it
// (check.go), the copy that is sent to Vapi is spelled by it, and the
// sandbox refuses what its properties refuse. The facts are generated from
// Vapi's OpenAPI document (facts.go, gen/); voices.go adds voices that the
// document does not list, and what is chosen when nobody chooses.
//
// Model names and voice ids change weekly: the table suggests them and refuses
// none. It imports nothing of ours, so that the sandbox may use it.
package catalog

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Part is a part of an assistant that a provider makes.
type Part string

// The parts, by their names at Vapi.
const (
	Models       Part = "model"
	Voices       Part = "voice"
	Transcribers Part = "transcriber"
)

// Kind is what a property holds.
type Kind string

// Kinds of properties. A Map without properties of its own accepts any.
const (
	Text   Kind = "text"
	Number Kind = "number"
	Flag   Kind = "flag"
	List   Kind = "list"
	Map    Kind = "object"
)

// Property says what Vapi accepts as a property's value.
type Property struct {
	Kind Kind
	// Either lists alternatives; one suffices. Kind is empty then.
	Either      []Property
	Must        bool
	Values      []string // the only texts accepted
	Least, Most *float64 // of a number
	Short, Long int      // characters of a text; 0 is no limit
	Item        *Property
	Inside      Object
}

// Object is the properties an object may have; Vapi refuses others.
type Object map[string]Property

// facts is what the document says of one provider.
type facts struct {
	Properties Object
	// Spellings are the codes of languages with the provider's words for them.
	Spellings map[string]string
	// VoicesFor are voices by the language they were made for.
	VoicesFor map[string][]string
}

// Range is the speeds a voice takes. Most is 0 where there is no limit.
type Range struct {
	Least float64 `json:"min"`
	Most  float64 `json:"max,omitempty"`
}

// Provider is one line of the table.
type Provider struct {
	ID   string
	Name string // as people know the company
	// Models are suggestions, the first is the default.
	Models []string
	// ModelField is Vapi's name for the model; empty where there is none to choose.
	ModelField string
	ModelMust  bool
	// Voices are suggestions.
	Voices    []string
	VoicesFor map[string][]string
	// AnyLanguage tells that each voice speaks every language the provider knows.
	AnyLanguage bool
	// LanguageField is Vapi's name for the language; empty where the provider is
	// not told one.
	LanguageField string
	// SpeedField is Vapi's name for the speed, with a dot where it is inside an
	// object; empty where a voice has one speed only.
	SpeedField string
	Speed      Range
	// Properties is everything Vapi accepts.
	Properties Object

	spellings  map[string]string
	otherModel string
}

func number(n float64) *float64 { return &n }

// table is made from the facts once, in well under a millisecond.
var table = sync.OnceValue(func() map[Part]map[string]*Provider {
	all := map[Part]map[string]*Provider{}
	document := map[Part]map[string]facts{Models: modelFacts(), Voices: voiceFacts(), Transcribers: transcriberFacts()}
	for part, list := range document {
		all[part] = map[string]*Provider{}
		for id, f := range list {
			all[part][id] = line(part, id, f)
		}
	}
	return all
})

// Names of the properties, in the order they are looked for: providers differ.
var (
	modelFields    = []string{"model", "speechModel"}
	languageFields = []string{"language", "languageCode", "languageBoost"}
	speedFields    = []string{"speed", "speakingRate", "generationConfig.speed"}
)

func line(part Part, id string, f facts) *Provider {
	p := &Provider{
		ID: id, Name: nameOf(id), Properties: f.Properties, spellings: f.Spellings,
		otherModel: otherModels[part][id],
	}
	for _, name := range modelFields {
		if m, ok := f.Properties[name]; ok && p.ModelField == "" {
			p.ModelField, p.ModelMust = name, m.Must
			p.Models = first(suggested(m), preferredModels[part][id])
		}
	}
	if voice, ok := f.Properties["voiceId"]; ok {
		p.Voices, p.VoicesFor = voicesOf(id, suggested(voice), f.VoicesFor)
		p.AnyLanguage = slices.Contains(anyLanguage, id)
	}
	for _, name := range languageFields {
		if len(f.Spellings) > 0 && has(f.Properties, name) {
			p.LanguageField = name
			break
		}
	}
	for _, name := range speedFields {
		if s, ok := find(f.Properties, name); ok && part == Voices && s.Kind == Number {
			p.SpeedField = name
			if s.Least != nil {
				p.Speed.Least = *s.Least
			}
			if s.Most != nil {
				p.Speed.Most = *s.Most
			}
			break
		}
	}
	return p
}

// suggested are the values a property names, whether it takes others or not.
func suggested(p Property) []string {
	values := p.Values
	for _, one := range p.Either {
		values = append(values, one.Values...)
	}
	return values
}

// first is list with some names at its beginning.
func first(list, names []string) []string {
	rest := slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(names, name) })
	return append(slices.Clone(names), rest...)
}

func has(o Object, name string) bool { _, ok := o[name]; return ok }

// find is a property by its name, with a dot where it is inside an object.
func find(o Object, name string) (Property, bool) {
	outer, inner, nested := strings.Cut(name, ".")
	p, ok := o[outer]
	if ok && nested {
		return find(p.Inside, inner)
	}
	return p, ok
}

// Find is one line of the table, or nil.
func Find(part Part, id string) *Provider { return table()[part][id] }

// All are the providers of a part, sorted.
func All(part Part) []*Provider {
	var all []*Provider
	for _, id := range slices.Sorted(maps.Keys(table()[part])) {
		all = append(all, table()[part][id])
	}
	return all
}

// Spelling is the provider's word for a language; ok is false for one the
// provider does not know. A provider that is told no language answers "", true.
// A code with a region falls back to the language itself: fr-SN is spelled fr.
func (p *Provider) Spelling(code string) (word string, ok bool) {
	if p.LanguageField == "" || code == "" {
		return "", true
	}
	code = strings.ReplaceAll(strings.TrimSpace(code), "_", "-")
	if word, ok := p.spellings[strings.ToLower(code)]; ok {
		return word, true
	}
	for _, word := range suggested(p.Properties[p.LanguageField]) { // typed as the provider has it
		if strings.EqualFold(strings.ReplaceAll(word, "_", "-"), code) {
			return word, true
		}
	}
	word, ok = p.spellings[Base(code)]
	return word, ok
}

// Code is the language a provider's word for it means, without a region; empty for
// a word that means several, and for none.
func (p *Provider) Code(word string) string {
	var meant []string
	for _, code := range Languages() {
		if own, ok := p.spellings[code]; word != "" && (ok && strings.EqualFold(own, word) || Base(word) == code) {
			meant = append(meant, code)
		}
	}
	if len(meant) != 1 {
		return ""
	}
	return meant[0]
}

// Knows tells whether an assistant can be made in a language with this provider.
func (p *Provider) Knows(code string) bool { _, ok := p.Spelling(code); return ok }

// Base is the language of a code with a region: fr of fr-CA.
func Base(code string) string {
	base, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(code, "_", "-")), "-")
	return base
}
