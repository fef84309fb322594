package onboarding

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/providers/catalog"
)

// wishes are what a new organization shall have besides its own row.
type wishes struct {
	steps      []step
	assistant  map[string]any // documented field → value; nil when none is asked for
	hoursField string         // the documented field the opening hours came from
}

// assistantNames are the documented names of an assistant's columns.
var assistantNames = map[string]string{
	"name": "assistantName", "description": "assistantDescription", "model_provider": "assistantModel",
	"model_name":     "assistantModel",
	"voice_provider": "assistantVoiceProvider", "voice_id": "assistantVoiceId", "first_message": "assistantGreeting",
	"language": "assistantLanguage", "personality": "assistantPersonality",
}

// readWishes checks what the columns of an organization do not, and says of
// each step whether this version can do it. What it cannot is kept in the
// organization's metadata, so that nobody has to type it again.
func readWishes(body, columns map[string]any) (wishes, error) {
	w, reasons := wishes{}, map[string]string{}
	text := func(name string) string {
		s, _ := body[name].(string)
		return strings.TrimSpace(s)
	}
	if country := text("country"); country != "" {
		columns["country"] = strings.ToUpper(country)
	}
	if currency := text("currency"); currency != "" {
		columns["currency"] = strings.ToUpper(currency)
	}
	w.hours(body, columns, reasons)
	kept := setupWishes(text, reasons)
	if goals, ok := body["primaryGoals"].([]any); ok && slices.ContainsFunc(goals, noGoal) {
		reasons["primaryGoals"] = "Must be a list of texts"
	}
	if text("assistantName") != "" {
		w.readAssistant(text, reasons)
	}
	if len(reasons) > 0 {
		return w, refusal.Invalid(reasons)
	}
	if len(kept) > 0 {
		columns["metadata"] = map[string]any{"setup": kept}
	}
	w.list(kept, columns)
	return w, nil
}

func noGoal(goal any) bool {
	s, ok := goal.(string)
	return !ok || len([]rune(s)) > 255
}

// setupWishes are those that are kept as they were said, for whoever sets the rest up.
func setupWishes(text func(string) string, reasons map[string]string) map[string]any {
	kept := map[string]any{}
	if number := text("phoneNumber"); number != "" {
		read := phone.Read(number, strings.ToUpper(text("country")))
		if read.Kind != phone.Telephone {
			reasons["phoneNumber"] = "Write the number with the country's code, for example +1 415 555 2671"
		} else {
			kept["phoneNumber"] = read.Text
		}
	}
	if endpoint := text("mcpEndpoint"); endpoint != "" {
		if u, err := url.Parse(endpoint); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			reasons["mcpEndpoint"] = "Must be an address that begins with https://"
		}
		kept["mcpEndpoint"] = endpoint
	}
	for _, name := range []string{"phoneNumberSource", "regionPreference", "integrationName", "knowledgeBase"} {
		if value := text(name); value != "" {
			kept[name] = value
		}
	}
	return kept
}

// list says what is done. Nothing here is pretended: a number is bought, an
// integration connected and knowledge stored by their own pages.
func (w *wishes) list(kept, columns map[string]any) {
	w.steps = []step{{Step: "basics", Done: true}}
	if kept["phoneNumber"] != nil || kept["phoneNumberSource"] != nil {
		w.steps = append(w.steps, step{Step: "phone", Reason: "Numbers are added under Numbers. Your wish is kept."})
	}
	if kept["integrationName"] != nil || kept["mcpEndpoint"] != nil {
		w.steps = append(w.steps, step{Step: "integration", Reason: "This version has no integrations. Your wish is kept."})
	}
	if kept["knowledgeBase"] != nil {
		w.steps = append(w.steps, step{Step: "knowledge", Reason: "This version has no knowledge bases. Your text is kept."})
	}
	if w.assistant != nil {
		w.steps = append(w.steps, step{Step: "assistant", Done: true})
	}
	if goals, ok := columns["primary_goals"].([]any); ok && len(goals) > 0 {
		w.steps = append(w.steps, step{Step: "goals", Done: true})
	}
}

var weekdays = []string{"mon", "tue", "wed", "thu", "fri"}

// hours reads opening hours as the documented form has them.
func (w *wishes) hours(body, columns map[string]any, reasons map[string]string) {
	w.hoursField = "businessHours"
	switch given := body["businessHours"].(type) {
	case nil:
		if body["customHours"] != nil {
			w.custom(body["customHours"], columns, reasons)
		}
	case map[string]any:
		columns["business_hours"] = given
	case string:
		switch strings.ToLower(strings.TrimSpace(given)) {
		case "", "24/7", "24-7", "always":
		case "custom":
			w.custom(body["customHours"], columns, reasons)
		case "weekdays", "business", "business-hours", "business_hours", "standard":
			columns["business_hours"] = everyWeekday([]map[string]string{{"from": "09:00", "to": "17:00"}})
		default:
			shifts, err := hours.Typed(given)
			if err != nil {
				reasons["businessHours"] = `Must be 24/7, weekdays, custom, or hours like 9-17`
				return
			}
			columns["business_hours"] = everyWeekday(shifts)
		}
	default:
		reasons["businessHours"] = "Must be a text or an object"
	}
}

func everyWeekday(shifts []map[string]string) map[string]any {
	week := map[string]any{}
	for _, day := range weekdays {
		week[day] = shifts
	}
	return week
}

// custom reads {"mon": "9-5", "Tuesday": [{"from": "09:00", "to": "12:00"}]}.
func (w *wishes) custom(given any, columns map[string]any, reasons map[string]string) {
	w.hoursField = "customHours"
	typed, ok := given.(map[string]any)
	if !ok || len(typed) == 0 {
		reasons["customHours"] = `Required, like {"mon": "9-5"}`
		return
	}
	week := map[string]any{}
	for name, value := range typed {
		day := strings.ToLower(name)
		if len(day) > 3 {
			day = day[:3]
		}
		if line, ok := value.(string); ok {
			shifts, err := hours.Typed(line)
			if err != nil {
				reasons["customHours"] = fmt.Sprintf("%s: %s", name, strings.TrimSuffix(err.Error(), "."))
				return
			}
			value = shifts
		}
		week[day] = value
	}
	columns["business_hours"] = week
}

func (w *wishes) readAssistant(text func(string) string, reasons map[string]string) {
	a := map[string]any{"name": text("assistantName"), "description": text("assistantDescription"),
		"first_message": text("assistantGreeting"), "personality": text("assistantPersonality")}
	if model := text("assistantModel"); model != "" {
		if maker := catalog.MakerOf(model); maker != "" {
			a["model_provider"], a["model_name"] = maker, model
		} else {
			reasons["assistantModel"] = "This model is not known; use one like gpt-4o-mini or claude-sonnet-4"
		}
	}
	provider := strings.ToLower(text("assistantVoiceProvider"))
	if provider == "elevenlabs" {
		provider = "11labs"
	}
	if provider != "" && !slices.Contains(collections.VoiceProviders, provider) {
		reasons["assistantVoiceProvider"] = "Must be one of " + strings.Join(collections.VoiceProviders, ", ")
	}
	a["voice_provider"], a["voice_id"], a["language"] = provider, text("assistantVoiceId"), text("assistantLanguage")
	w.assistant = a
}

// assistantOf are the columns of the organization's first assistant. The domain
// of assistants fills what is missing, and its copy goes to Vapi.
func (w *wishes) assistantOf(organization *core.Record, user string) map[string]any {
	a := w.assistant
	a["organization"], a["created_by"], a["type"], a["status"] = organization.Id, user, "voice",
		collections.AssistantActive
	a["recording_enabled"], a["model_temperature"], a["voice_stability"] = true, 0.5, 0.5
	if a["language"] == "" {
		a["language"] = organization.GetString("language")
	}
	if made := catalog.Find(catalog.Voices, a["voice_provider"].(string)); made != nil && a["voice_id"] == "" {
		a["voice_id"] = made.AnyVoice(a["language"].(string))
	}
	name, about := organization.GetString("name"), strings.TrimSpace(organization.GetString("description"))
	if language, _ := a["language"].(string); strings.HasPrefix(language, "fr") {
		a["system_prompt"] = strings.TrimSpace("Vous répondez au téléphone pour " + name + ". " + about)
	} else {
		a["system_prompt"] = strings.TrimSpace("You answer the phone of " + name + ". " + about)
	}
	return a
}
