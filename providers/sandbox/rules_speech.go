package sandbox

import (
	"sync"

	"github.com/pocketline/pocketline/providers/catalog"
)

// voiceVariants are the voices by provider, each with its own limits: a speed of
// 1.5 is fine for Azure and refused by ElevenLabs. They are what Vapi's document
// says, from the one table of it; the copies are spelled by the same table, and
// a test of theirs holds both against the document itself.
var voiceVariants = variants(catalog.Voices, nil)

// transcriberVariants are the transcribers by provider.
var transcriberVariants = variants(catalog.Transcribers, nil)

// variants are the schemas of a part of an assistant by its provider, with what all
// of them have in common. They are made when they are asked for first, as regex is.
func variants(part catalog.Part, common schema) func() map[string]schema {
	return sync.OnceValue(func() map[string]schema {
		all := map[string]schema{}
		for _, p := range catalog.All(part) {
			all[p.ID] = join(schemaOf(p.Properties), common)
		}
		return all
	})
}

func schemaOf(o catalog.Object) schema {
	s := schema{}
	for name, p := range o {
		s[name] = ruleOf(p)
	}
	return s
}

func ruleOf(p catalog.Property) rule {
	r := rule{kind: string(p.Kind), must: p.Must, values: p.Values, least: p.Least, most: p.Most, short: p.Short,
		long: p.Long}
	for _, one := range p.Either {
		r.kind, r.alternatives = "either", append(r.alternatives, ruleOf(one))
	}
	if p.Kind == catalog.List {
		item := anything()
		if p.Item != nil {
			item = ruleOf(*p.Item)
		}
		r.item = &item
	}
	if p.Inside != nil {
		r.properties = schemaOf(p.Inside)
	}
	return r
}
