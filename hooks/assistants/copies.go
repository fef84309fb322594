package assistants

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// server is where Vapi sends the messages of a row's copy.
func (d *domain) server(r *core.Record) (*vapi.Server, error) {
	return vapicopy.Server(r, d.PublicURL, d.WebhookSecret)
}

// assistantCopy is what an assistant's copy shall be.
func (d *domain) assistantCopy(a *core.Record, mark mirror.Mark) (any, error) {
	server, err := d.server(a)
	if err != nil {
		return nil, err
	}
	functions, err := d.app.FindRecordsByIds(collections.Functions, a.GetStringSlice("functions"))
	if err != nil {
		return nil, fmt.Errorf("functions of the assistant: %w", err)
	}
	var tools []string
	for _, f := range functions {
		if usable(f) && f.GetString("organization") == a.GetString("organization") {
			tools = append(tools, f.GetString(toolID))
		}
	}
	slices.Sort(tools) // the order has no meaning; a stable one causes no requests
	dto := toAssistant(d.dialable(a), tools, server)
	if dto.ArtifactPlan.StructuredOutputIDs, err = d.outputIDs(); err != nil {
		return nil, err
	}
	dto.Metadata = vapicopy.Metadata(mark)
	return dto, nil
}

// dialable is the assistant without numbers that must not be dialled: its row
// may be older than the policy.
func (d *domain) dialable(a *core.Record) *core.Record {
	number, settings := a.GetString("forwarding_phone_number"), advanced(a)
	if number == "" && len(settings) == 0 {
		return a
	}
	policy := dialing.Of(d.app, a.GetString("organization"))
	if _, problem := policy.Check(number); number != "" && problem != "" {
		a = a.Clone()
		a.Set("forwarding_phone_number", "")
	}
	for name, _ := policy.Settings(settings); name != ""; name, _ = policy.Settings(settings) {
		delete(settings, name)
		a = a.Clone()
		a.Set("config", settings)
	}
	return a
}

// usable tells whether an assistant may have this function.
func usable(f *core.Record) bool {
	return f.GetString(toolID) != "" && f.GetBool("is_active") && f.GetString("sync_status") != collections.SyncDeleting
}

func (d *domain) createAssistant(ctx context.Context, a *core.Record, keys map[string]any) (string, error) {
	made, err := d.Vapi.Assistants.Create(ctx, &vapi.AssistantDTO{Extra: keys})
	if err != nil {
		return "", d.doubtParts(a, err)
	}
	return made.ID, nil
}

func (d *domain) updateAssistant(ctx context.Context, a *core.Record, c mirror.Change) error {
	if err := d.withTheirs(ctx, c.ID, c.Keys); err != nil { // theirs.go
		return err
	}
	_, err := d.Vapi.Assistants.Update(ctx, c.ID, &vapi.AssistantDTO{Extra: c.Keys})
	return d.doubtParts(a, err)
}

func (d *domain) listAssistants() func(context.Context, time.Time) iter.Seq2[mirror.Object, error] {
	return vapicopy.List(d.Vapi.Assistants.All, func(one *vapi.Assistant) mirror.Object {
		return mirror.Object{ID: one.ID, Name: one.Name, Created: one.CreatedAt.Time, Mark: vapicopy.MarkOf(one.Raw)}
	})
}

func (d *domain) listFunctions() func(context.Context, time.Time) iter.Seq2[mirror.Object, error] {
	return vapicopy.List(d.Vapi.Tools.All, func(one *vapi.Tool) mirror.Object {
		name := one.Name
		if one.Function != nil {
			name = one.Function.Name
		}
		return mirror.Object{ID: one.ID, Name: name, Created: one.CreatedAt.Time, Mark: vapicopy.MarkOf(one.Raw)}
	})
}

// functionCopy is what a function's copy shall be.
func (d *domain) functionCopy(f *core.Record, mark mirror.Mark) (any, error) {
	server, err := d.server(f)
	if err != nil {
		return nil, err
	}
	maps.Copy(server.Headers, vapicopy.Headers(mark)) // tools have no metadata at Vapi
	return toTool(f, server), nil
}

func (d *domain) createFunction(ctx context.Context, _ *core.Record, keys map[string]any) (string, error) {
	made, err := d.Vapi.Tools.Create(ctx, &vapi.ToolDTO{Extra: keys})
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

func (d *domain) updateFunction(ctx context.Context, _ *core.Record, c mirror.Change) error {
	_, err := d.Vapi.Tools.Update(ctx, c.ID, &vapi.ToolDTO{Extra: c.Keys})
	return err
}

// followFunction pushes the assistants that use a function whose copy came,
// went or may not be used any more.
func (d *domain) followFunction(tx atomic.Tx, before, after *core.Record) error {
	if usable(before) == usable(after) && before.GetString(toolID) == after.GetString(toolID) {
		return nil
	}
	rows, err := tx.Query(`SELECT a.id FROM assistants a WHERE a.organization = ?
		AND EXISTS (SELECT 1 FROM json_each(a.functions) f WHERE f.value = ?)`, after.GetString("organization"), after.Id)
	if err != nil {
		return fmt.Errorf("assistants of a function: %w", err)
	}
	ids, err := idsOf(rows)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := d.Mirror.Touch(tx, collections.Assistants, id); err != nil {
			return err
		}
	}
	return nil
}

// idsOf reads the one column of rows and closes them, before anything is
// written: there is one connection.
func idsOf(rows *sql.Rows) (ids []string, err error) {
	for rows.Next() && err == nil {
		var id string
		if err = rows.Scan(&id); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, errors.Join(err, rows.Err(), rows.Close())
}
