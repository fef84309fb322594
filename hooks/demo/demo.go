// Package demo fills an organization with a demonstration: a dental practice
// with assistants in two languages, functions, a number, and two weeks of calls.
//
// Everything but the past calls is made the way a person would make it, through
// records and their hooks, so the copies at the provider are real ones. The past
// calls (history.go) are marked as tests and cost nothing.
package demo

import (
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// pastCalls is how much history a demonstration begins with.
const pastCalls = 60

// Fill returns what makes the demonstration in the transaction of /api/setup.
// toolsURL is where the demonstration's business answers its functions (the
// sandbox); with "" the functions are left out.
func Fill(toolsURL string) func(tx core.App, organization, owner *core.Record) error {
	return func(tx core.App, organization, owner *core.Record) error {
		organization.Load(map[string]any{
			"industry": "Dental practice", "country": "US", "company_size": "small", "description": "Check-ups, cleanings and emergencies, Monday to Friday.",
		})
		if err := tx.Save(organization); err != nil {
			return fmt.Errorf("demo organization: %w", err)
		}
		m := &maker{tx: tx, organization: organization.Id, owner: owner.Id}
		tools := m.functions(toolsURL)
		english := m.assistant(frontDesk, tools)
		french := m.assistant(accueil, tools)
		m.number("Main line", "415", english)
		m.number("Ligne française", "646", french)
		if m.err != nil {
			return m.err
		}
		return History(tx, HistoryOptions{
			Organization: organization.Id, Assistant: english.Id, Calls: pastCalls, Days: 14, Lines: true, Test: true, Until: time.Now(), Seed: 1,
		})
	}
}

// maker saves records until the first error.
type maker struct {
	tx                  core.App
	organization, owner string
	err                 error
}

func (m *maker) save(collection string, values map[string]any) *core.Record {
	if m.err != nil {
		return nil
	}
	c, err := m.tx.FindCachedCollectionByNameOrId(collection)
	if err != nil {
		m.err = err
		return nil
	}
	r := core.NewRecord(c)
	r.Load(values)
	r.Set("organization", m.organization)
	if c.Fields.GetByName("created_by") != nil {
		r.Set("created_by", m.owner)
	}
	if err := m.tx.Save(r); err != nil {
		m.err = fmt.Errorf("demo %s: %w", collection, err)
	}
	return r
}

func (m *maker) functions(toolsURL string) []string {
	if toolsURL == "" {
		return nil
	}
	ids := make([]string, 0, len(tools))
	for _, f := range tools {
		if r := m.save(collections.Functions, map[string]any{
			"name": f.name, "description": f.description, "type": collections.FunctionHTTP, "parameters": f.parameters,
			"webhook_url": toolsURL + "/_sandbox/tools/" + f.name, "timeout_ms": 5_000, "is_active": true,
		}); r != nil {
			ids = append(ids, r.Id)
		}
	}
	return ids
}

func (m *maker) assistant(a script, functions []string) *core.Record {
	r := m.save(collections.Assistants, map[string]any{
		"name": a.name, "description": a.description, "type": "voice", "status": collections.AssistantActive, "language": a.language,
		"system_prompt": a.prompt, "first_message": a.greeting, "personality": a.personality,
		"model_provider": "openai", "model_name": "gpt-4.1-mini", "model_temperature": 0.4, "voice_stability": 0.5, "model_max_tokens": 300,
		"voice_provider": a.voiceProvider, "voice_id": a.voice, "transcriber_provider": "deepgram", "transcriber_model": "nova-3",
		"transcriber_language": a.language, "functions": functions, "forwarding_phone_number": "+14155550199", "recording_enabled": true,
		"end_call_message": a.goodbye, "max_duration_seconds": 600,
	})
	if r == nil {
		return new(core.Record)
	}
	return r
}

func (m *maker) number(name, area string, assistant *core.Record) {
	m.save(collections.PhoneNumbers, map[string]any{
		"friendly_name": name, "provider": "vapi", "number_type": "voice", "status": collections.NumberActive, "area_code": area,
		"assistant": assistant.Id,
	})
}
