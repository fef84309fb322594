package assistants

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/providers/vapi"
)

// webhookPath is where Vapi's messages arrive.
const webhookPath = "/api/webhooks/vapi"

// errNoAddress is shown at the row, so it is a sentence.
var errNoAddress = errors.New("Vapi cannot reach this server: its public address is not known (POCKETLINE_PUBLIC_URL)")

// server is where Vapi sends the messages of a row's copy.
func (d *domain) server(r *core.Record) (*vapi.Server, error) {
	if d.PublicURL == "" {
		return nil, errNoAddress
	}
	secret, err := d.WebhookSecret(r.GetString("organization"))
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	return vapi.NewServer(strings.TrimRight(d.PublicURL, "/")+webhookPath, secret), nil
}

// judge says what an error of Vapi means for the next try.
func judge(err error) mirror.Judgement {
	var e *vapi.Error
	if !errors.As(err, &e) {
		return mirror.Judgement{}
	}
	return mirror.JudgeStatus(e.Status, e.Unclear, e.RetryAfter)
}

// undone tells that nothing happened at Vapi: an error of our own came before
// the request, or Vapi turned it away.
func undone(err error) bool {
	var e *vapi.Error
	return !errors.As(err, &e) || !e.Unclear && e.Status != http.StatusRequestTimeout
}

// since narrows the search for the copy of a row.
func since(record *core.Record) *vapi.ListOptions {
	if record.GetDateTime("created").IsZero() {
		return nil
	}
	return &vapi.ListOptions{CreatedAtGt: record.GetDateTime("created").Time().Add(-mirror.ClockSkew)}
}

// assistantCopy is what an assistant's copy shall be.
func (d *domain) assistantCopy(a *core.Record) (*vapi.AssistantDTO, error) {
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
	mark, err := d.Mirror.Mark(a)
	if err != nil {
		return nil, err
	}
	dto := toAssistant(d.dialable(a), tools, server)
	if dto.ArtifactPlan.StructuredOutputIDs, err = d.outputIDs(); err != nil {
		return nil, err
	}
	dto.Metadata = mark.Metadata()
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

func (d *domain) pushAssistant(ctx context.Context, a *core.Record) (string, error) {
	ctx = vapi.For(ctx, a.GetString("organization"))
	if copied, err := d.linked(ctx, a); err != nil {
		return "", err
	} else if copied != nil {
		return copied.ID, d.link(ctx, a, copied) // link.go
	}
	dto, err := d.assistantCopy(a)
	if err != nil {
		return "", err
	}
	patch, hash, err := mirror.Diff(a, dto, clearable...)
	if err != nil {
		return "", err
	}
	id := a.GetString(assistantID)
	switch {
	case id == "":
		made, err := d.Vapi.Assistants.Create(ctx, dto)
		if err != nil {
			return "", d.doubtOutputs(err)
		}
		id = made.ID
	case len(patch) > 0:
		if err := d.withTheirs(ctx, id, patch); err != nil { // theirs.go
			return "", err
		}
		if _, err := d.Vapi.Assistants.Update(ctx, id, &vapi.AssistantDTO{Extra: patch}); err != nil {
			return "", d.doubtOutputs(err)
		}
	}
	a.Set("sync_hash", hash)
	return id, nil
}

func (d *domain) findAssistant(ctx context.Context, a *core.Record) (string, error) {
	for one, err := range d.Vapi.Assistants.All(ctx, since(a)) {
		if err != nil {
			return "", err
		}
		if mirror.Marked(one.Raw, a.Id) {
			return one.ID, nil
		}
	}
	return "", nil
}

func (d *domain) assistantHash(a *core.Record) (string, error) {
	dto, err := d.assistantCopy(a)
	if err != nil {
		return "", err
	}
	_, hash, err := mirror.Diff(a, dto)
	return hash, err
}

// listAssistants is every assistant of the account, for the sweep.
func (d *domain) listAssistants(ctx context.Context) (all []mirror.Object, err error) {
	for one, err := range d.Vapi.Assistants.All(ctx, nil) {
		if err != nil {
			return nil, err
		}
		all = append(all, mirror.Object{ID: one.ID, Name: one.Name, Created: one.CreatedAt.Time, Raw: one.Raw})
	}
	return all, nil
}

// listFunctions is every tool of the account, for the sweep.
func (d *domain) listFunctions(ctx context.Context) (all []mirror.Object, err error) {
	for one, err := range d.Vapi.Tools.All(ctx, nil) {
		if err != nil {
			return nil, err
		}
		name := one.Name
		if one.Function != nil {
			name = one.Function.Name
		}
		all = append(all, mirror.Object{ID: one.ID, Name: name, Created: one.CreatedAt.Time, Raw: one.Raw})
	}
	return all, nil
}

// functionCopy is what a function's copy shall be.
func (d *domain) functionCopy(f *core.Record) (*vapi.ToolDTO, error) {
	server, err := d.server(f)
	if err != nil {
		return nil, err
	}
	mark, err := d.Mirror.Mark(f)
	if err != nil {
		return nil, err
	}
	maps.Copy(server.Headers, mark.Headers()) // tools have no metadata at Vapi
	return toTool(f, server), nil
}

func (d *domain) pushFunction(ctx context.Context, f *core.Record) (string, error) {
	ctx = vapi.For(ctx, f.GetString("organization"))
	dto, err := d.functionCopy(f)
	if err != nil {
		return "", err
	}
	patch, hash, err := mirror.Diff(f, dto, "messages")
	if err != nil {
		return "", err
	}
	delete(patch, "type") // it never changes, and a change need not repeat it
	id := f.GetString(toolID)
	switch {
	case id == "":
		made, err := d.Vapi.Tools.Create(ctx, dto)
		if err != nil {
			return "", err
		}
		id = made.ID
	case len(patch) > 0:
		if _, err := d.Vapi.Tools.Update(ctx, id, &vapi.ToolDTO{Extra: patch}); err != nil {
			return "", err
		}
	}
	f.Set("sync_hash", hash)
	return id, nil
}

func (d *domain) findFunction(ctx context.Context, f *core.Record) (string, error) {
	for one, err := range d.Vapi.Tools.All(ctx, since(f)) {
		if err != nil {
			return "", err
		}
		if mirror.Marked(one.Raw, f.Id) {
			return one.ID, nil
		}
	}
	return "", nil
}

func (d *domain) functionHash(f *core.Record) (string, error) {
	dto, err := d.functionCopy(f)
	if err != nil {
		return "", err
	}
	_, hash, err := mirror.Diff(f, dto)
	return hash, err
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
