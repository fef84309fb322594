// Package demo fills an organization with a demonstration: a dental practice
// with assistants in two languages, functions, a number, and two weeks of calls; and
// a plumber's desk beside it, for whoever looks after several.
//
// Everything but the past calls is made the way a person would make it, through
// records and their hooks, so the copies at the provider are real ones. The past
// calls (history.go) were never anybody's: nothing is metered for them. The sound of
// the newest is the sandbox's (sound.go).
package demo

import (
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
)

const (
	// pastCalls is how much history a demonstration begins with, plumbersCalls how much
	// of it the plumber's.
	pastCalls, plumbersCalls = 60, 36
	// pastDays is over how many days.
	pastDays = 14
	// plumbersLine is the plumber's number in past calls. No contact has it.
	plumbersLine = "+14155550101"
)

// zone is where the businesses are, whoever looks at the demonstration.
const zone = "America/Los_Angeles"

// Fill returns what makes the demonstration in the transaction of /api/setup.
// toolsURL is where the demonstration's business answers its functions (the
// sandbox); with "" the functions are left out.
func Fill(toolsURL string) func(tx core.App, organization, owner *core.Record) error {
	return func(tx core.App, organization, owner *core.Record) error {
		if err := practice(tx, toolsURL, organization, owner); err != nil {
			return err
		}
		return plumber(tx, owner)
	}
}

// practice makes the organization a dental practice.
func practice(tx core.App, toolsURL string, organization, owner *core.Record) error {
	organization.Load(map[string]any{
		"industry": collections.Trades[0], "country": "US", "timezone": zone, "company_size": "small",
		"description": "Check-ups, cleanings and emergencies, Monday to Friday.",
		// The French line's callers can be called back.
		"limits": map[string]any{"outbound_countries": []string{"FR"}},
	})
	if err := tx.Save(organization); err != nil {
		return fmt.Errorf("demo organization: %w", err)
	}
	m := &maker{tx: tx, organization: organization.Id, owner: owner.Id}
	tools := m.functions(toolsURL)
	english := m.assistant(frontDesk, tools)
	french := m.assistant(accueil, tools)
	line := m.number("Main line", "415", english)
	m.number("Ligne française", "646", french)
	for _, r := range replies {
		m.save(collections.SavedReplies, map[string]any{"shortcut": r.shortcut, "language": r.language, "text": r.text})
	}
	return m.past(HistoryOptions{Assistant: english.Id, Number: line.Id, Calls: pastCalls, Seed: 1, stories: desk})
}

// plumber makes a second organization of the same owner.
func plumber(tx core.App, owner *core.Record) error {
	m := &maker{tx: tx, owner: owner.Id}
	business := m.save(collections.Organizations, map[string]any{
		"name": "Rivera Plumbing", "status": collections.OrganizationActive, "plan": collections.Plans[0],
		"balance_state": collections.BalanceOK, "industry": collections.Trades[2], "country": "US", "timezone": zone,
		"company_size": "small", "language": "en", "currency": "USD", "description": "Repairs and bathrooms.",
	})
	m.organization = business.Id
	membership := map[string]any{
		"user": owner.Id, "role": collections.Owner, "status": collections.MembershipActive, "is_default": false,
		"full_name": owner.GetString("name"), "email": owner.Email(), "timezone": zone, "joined_at": types.NowDateTime(),
	}
	for _, capability := range collections.Capabilities {
		membership[capability] = true
	}
	m.save(collections.Memberships, membership)
	phone := m.assistant(sitePhone, nil)
	line := m.number("Van phone", "415", phone)
	return m.past(HistoryOptions{Assistant: phone.Id, Number: line.Id, Line: plumbersLine, Calls: plumbersCalls, Seed: 2,
		stories: plumbing})
}

// past writes the organization's calls of the last days, and what of the newest is to
// be heard.
func (m *maker) past(o HistoryOptions) error {
	if m.err != nil {
		return m.err
	}
	o.Organization, o.Days, o.Until, o.Lines, o.Whole = m.organization, pastDays, time.Now(), true, true
	if err := History(m.tx, o); err != nil {
		return err
	}
	return m.recordings()
}

// maker saves records until the first error.
type maker struct {
	tx                  core.App
	organization, owner string
	err                 error
}

// save returns the record; after an error, and when there was one before, one that is
// nowhere.
func (m *maker) save(collection string, values map[string]any) *core.Record {
	if m.err != nil {
		return new(core.Record)
	}
	c, err := m.tx.FindCachedCollectionByNameOrId(collection)
	if err != nil {
		m.err = err
		return new(core.Record)
	}
	r := core.NewRecord(c)
	r.Load(values)
	if collection != collections.Organizations {
		r.Set("organization", m.organization)
	}
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
		ids = append(ids, m.save(collections.Functions, map[string]any{
			"name": f.name, "description": f.description, "type": collections.FunctionHTTP, "parameters": f.parameters,
			"webhook_url": toolsURL + "/_sandbox/tools/" + f.name, "timeout_ms": 5_000, "is_active": true,
		}).Id)
	}
	return ids
}

func (m *maker) assistant(a script, functions []string) *core.Record {
	return m.save(collections.Assistants, map[string]any{
		"name": a.name, "description": a.description, "type": "voice", "status": collections.AssistantActive,
		"language":      a.language,
		"system_prompt": a.prompt, "first_message": a.greeting, "personality": a.personality,
		"model_provider": "openai", "model_name": "gpt-4.1-mini", "model_temperature": 0.4, "voice_stability": 0.5,
		"model_max_tokens": 300,
		"voice_provider":   a.voiceProvider, "voice_id": a.voice, "transcriber_provider": "deepgram",
		"transcriber_model":    "nova-3",
		"transcriber_language": a.language, "functions": functions, "forwarding_phone_number": "+14155550199",
		"recording_enabled": true,
		"end_call_message":  a.goodbye, "max_duration_seconds": 600,
	})
}

func (m *maker) number(name, area string, assistant *core.Record) *core.Record {
	return m.save(collections.PhoneNumbers, map[string]any{
		"friendly_name": name, "provider": "vapi", "number_type": "voice", "status": collections.NumberActive,
		"area_code": area,
		"assistant": assistant.Id,
	})
}
