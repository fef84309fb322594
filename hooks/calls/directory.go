package calls

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// directory knows, in memory, whose a provider's number or assistant is and who
// answers. It is filled by one indexed read on first use and emptied whenever a
// number, an assistant or an organization changes, so the next request sees the
// change.
type directory struct {
	app        core.App
	numbers    *remembered.Cache[string, *numberEntry]
	assistants *remembered.Cache[string, *assistantEntry]
	blocking   *remembered.Cache[string, bool] // whether an organization blocks anybody
}

// maxEntries bounds the numbers and the assistants that are remembered.
const maxEntries = 4096

// numberEntry is what answering a call on a number needs.
type numberEntry struct {
	ID               string `db:"id"`
	Organization     string `db:"organization"`
	Status           string `db:"status"`
	FallbackNumber   string `db:"fallback_number"`
	FallbackMessage  string `db:"fallback_message"`
	OrganizationName string `db:"organization_name"`
	State            string `db:"organization_status"`
	Balance          string `db:"balance_state"`
	Language         string `db:"language"`
	Home             string `db:"home"`
	Assistant        string `db:"assistant"`
	AssistantName    string `db:"assistant_name"`
	AssistantStatus  string `db:"assistant_status"`
	AssistantVapiID  string `db:"vapi_assistant_id"`
	AssistantSync    string `db:"sync_status"`
}

// assistantEntry is what placing an event at an assistant needs.
type assistantEntry struct {
	ID           string `db:"id"`
	Organization string `db:"organization"`
	Name         string `db:"name"`
	Language     string `db:"language"`
	Forwarding   string `db:"forwarding_phone_number"`
	Home         string `db:"home"`
}

var selectNumber = `SELECT p.id, p.organization, p.status, p.fallback_number, p.fallback_message,
	o.name AS organization_name, CASE WHEN o.paused THEN 'paused' ELSE o.status END AS organization_status, o.balance_state, o.language,
	` + tenant.HomeColumn("o") + ` AS home,
	coalesce(a.id, '') AS assistant, coalesce(a.name, '') AS assistant_name, coalesce(a.status, '') AS assistant_status,
	coalesce(a.vapi_assistant_id, '') AS vapi_assistant_id, coalesce(a.sync_status, '') AS sync_status
	FROM phone_numbers p JOIN organizations o ON o.id = p.organization LEFT JOIN assistants a ON a.id = p.assistant
	WHERE p.vapi_phone_id = {:id} AND p.vapi_phone_id != ''`

var selectAssistant = `SELECT id, organization, name, language, forwarding_phone_number,
	coalesce((SELECT ` + tenant.HomeColumn("o") + ` FROM organizations o WHERE o.id = assistants.organization), '') AS home FROM assistants
	WHERE vapi_assistant_id = {:id} AND vapi_assistant_id != ''`

func newDirectory(app core.App) *directory {
	d := &directory{
		app:        app,
		numbers:    remembered.New[string, *numberEntry](maxEntries, nil),
		assistants: remembered.New[string, *assistantEntry](maxEntries, nil),
		blocking:   remembered.New[string, bool](maxEntries, nil),
	}
	remembered.OnChange(app, func(r *core.Record) { d.blocking.Forget(r.GetString("organization")) }, collections.Contacts)
	remembered.OnChange(app, func(*core.Record) { d.empty() },
		collections.PhoneNumbers, collections.Assistants, collections.Organizations)
	return d
}

func (d *directory) empty() {
	d.numbers.Clear()
	d.assistants.Clear()
}

const (
	// selectBlocking tells whether an organization blocks anybody. Most do not.
	selectBlocking = `SELECT EXISTS (SELECT 1 FROM contacts WHERE organization = {:organization} AND blocked)`
	// selectBlocked tells whether it takes no calls of a number: who has it, perhaps as a
	// second one, is blocked.
	selectBlocked = `SELECT EXISTS (SELECT 1 FROM contacts c
		JOIN contacts p ON p.id = iif(c.merged_into = '', c.id, c.merged_into)
		WHERE c.organization = {:organization} AND c.phone_number = {:number} AND p.blocked)`
)

// isBlocked tells whether an organization takes no calls of a number, as it is stored.
func (d *directory) isBlocked(ctx context.Context, organization, number string) (bool, error) {
	blocking, err := d.blocking.Get(ctx, organization, func() (bool, time.Duration, error) {
		found, err := d.exists(ctx, selectBlocking, dbx.Params{"organization": organization})
		return found, remembered.Always, err
	})
	if err != nil || !blocking {
		return false, err
	}
	return d.exists(ctx, selectBlocked, dbx.Params{"organization": organization, "number": number})
}

func (d *directory) exists(ctx context.Context, query string, params dbx.Params) (there bool, err error) {
	if err := d.app.ConcurrentDB().NewQuery(query).WithContext(ctx).Bind(params).Row(&there); err != nil {
		return false, fmt.Errorf("directory: %w", err)
	}
	return there, nil
}

// number finds a number by the provider's id; nil when it is not ours.
func (d *directory) number(ctx context.Context, vapiID string) (*numberEntry, error) {
	return lookup(ctx, d.app, d.numbers, vapiID, selectNumber)
}

// assistant finds an assistant by the provider's id; nil when it is not ours.
func (d *directory) assistant(ctx context.Context, vapiID string) (*assistantEntry, error) {
	return lookup(ctx, d.app, d.assistants, vapiID, selectAssistant)
}

func lookup[T any](
	ctx context.Context, app core.App, known *remembered.Cache[string, *T], id, query string,
) (*T, error) {
	if id == "" {
		return nil, nil
	}
	return known.Get(ctx, id, func() (*T, time.Duration, error) {
		entry := new(T)
		err := app.ConcurrentDB().NewQuery(query).WithContext(ctx).Bind(dbx.Params{"id": id}).One(entry)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, 0, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("directory: %w", err)
		}
		return entry, remembered.Always, nil
	})
}

// owner says whose a call is: by the number or the assistant it runs on, never
// by anything the caller can choose (providers/vapi.md 5).
func (d *directory) owner(ctx context.Context, phoneID, assistantID string) (p place, err error) {
	number, err := d.number(ctx, phoneID)
	if err != nil {
		return place{}, err
	}
	if number != nil {
		p.organization, p.phone, p.home = number.Organization, number.ID, number.Home
	}
	entry, err := d.assistant(ctx, assistantID)
	switch {
	case err != nil:
		return place{}, err
	case entry == nil:
	case p.organization == "" || p.organization == entry.Organization:
		p.organization, p.assistant = entry.Organization, entry.ID
		p.home = cmp.Or(p.home, entry.Home)
	default:
		p.other = entry.Organization
	}
	return p, nil
}

// maxKnown bounds what is remembered of calls that go on.
const maxKnown = 4096

// knownCall is what never changes of a call we have: which it is, and whose.
type knownCall struct{ ID, Organization string }

// newKnown remembers which calls are whose, so that only the first messages of a call
// need a look.
func newKnown() *remembered.Cache[fold.Source, knownCall] {
	return remembered.New[fold.Source, knownCall](maxKnown, nil)
}

// knownCall is a call we have; without an id when we have none.
func (e *engine) knownCall(ctx context.Context, source fold.Source) (knownCall, error) {
	if source.ID == "" {
		return knownCall{}, nil
	}
	return e.known.Get(ctx, source, func() (knownCall, time.Duration, error) {
		call, err := e.findCall(ctx, source)
		if err != nil || call.ID == "" {
			return knownCall{}, 0, err
		}
		return call, remembered.Always, nil // a call never changes hands
	})
}
