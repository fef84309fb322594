package catalog

// Offer is the table as the form takes it.
type Offer struct {
	Date         string   `json:"date"` // of the list
	Languages    []string `json:"languages"`
	Models       []Line   `json:"models"`
	Voices       []Line   `json:"voices"`
	Transcribers []Line   `json:"transcribers"`
}

// Line is one provider the form offers.
type Line struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Model says whether there is a model to choose: no, yes or must.
	Model  string   `json:"model"`
	Models []string `json:"models,omitempty"`
	Voices []string `json:"voices,omitempty"`
	// VoicesFor are the voices that come first for a language, and Names what
	// voices are called whose ids say nothing.
	VoicesFor map[string][]string `json:"voicesFor,omitempty"`
	Names     map[string]string   `json:"names,omitempty"`
	// AnyLanguage tells that each voice speaks every language; the others speak
	// those they are listed for.
	AnyLanguage bool `json:"anyLanguage,omitempty"`
	// Languages are those of the offer's the provider knows; null where it is not
	// told one and all are fine.
	Languages []string `json:"languages"`
	// Takes is the model that is taken when nobody chooses, Otherwise the one for
	// languages besides English where it is another.
	Takes     string `json:"takes,omitempty"`
	Otherwise string `json:"otherwise,omitempty"`
	// Speed is null where a voice has one speed only.
	Speed *Range `json:"speed"`
}

// MakeOffer is the table of what the form offers.
func MakeOffer() Offer {
	return Offer{
		Date: Date, Languages: Languages(),
		Models: lines(Models), Voices: lines(Voices), Transcribers: lines(Transcribers),
	}
}

func lines(part Part) []Line {
	var all []Line
	for _, id := range offered[part] {
		p := Find(part, id)
		l := Line{
			ID: id, Name: p.Name, Model: "no", Models: p.Models, Voices: p.Voices,
			VoicesFor: p.VoicesFor, AnyLanguage: p.AnyLanguage,
			Takes: p.Model("en"), Otherwise: p.otherModel,
		}
		switch {
		case p.ModelMust:
			l.Model = "must"
		case p.ModelField != "":
			l.Model = "yes"
		}
		if p.LanguageField != "" {
			l.Languages = []string{}
			for _, code := range Languages() {
				if p.Knows(code) {
					l.Languages = append(l.Languages, code)
				}
			}
		}
		if p.SpeedField != "" {
			speed := p.Speed
			l.Speed = &speed
		}
		for _, voice := range p.Voices {
			if name := voiceNames[voice]; name != "" {
				if l.Names == nil {
					l.Names = map[string]string{}
				}
				l.Names[voice] = name
			}
		}
		all = append(all, l)
	}
	return all
}
