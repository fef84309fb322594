package assistants

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/providers/vapi"
)

// This file is what Vapi tells of every finished call: summary, success and mood,
// as structured outputs. They belong to the account, so there is one set of rows,
// mirrored like the rest; every assistant's copy names it
// (artifactPlan.structuredOutputIds). Reports are read in hooks/calls.

const outputID = "vapi_output_id"

// outputMark ends the description of an output, which is all that Vapi keeps for
// us. The number changes with the definition: installations of several versions
// on one account do not change each other's.
const outputMark = " (pocketline.%s.1)"

// definitions are what the outputs ask for.
var definitions = map[string]struct {
	description string
	schema      map[string]any
}{
	collections.OutputSummary: {"What the call was about and what came of it", map[string]any{
		"type":        "string",
		"description": "Two or three sentences, in the language of the conversation: what the caller wanted and what came of it",
	}},
	collections.OutputSuccess: {"Whether the call reached its aim", map[string]any{
		"type":        "boolean",
		"description": "true when the assistant did what its instructions are for and what the caller wanted",
	}},
	collections.OutputMood: {"How the caller felt, and what they wanted", map[string]any{
		"type": "object",
		"properties": map[string]any{
			"sentiment": map[string]any{
				"type": "string", "enum": collections.Sentiments, "description": "How the caller felt at the end of the call",
			},
			"intent": map[string]any{"type": "string", "description": "What the caller wanted, in two or three words"},
		},
		"required": []string{"sentiment"},
	}},
}

// toOutput is the copy of an output.
// https://docs.vapi.ai/api-reference/structured-outputs/create
func toOutput(name string) *vapi.StructuredOutputDTO {
	d := definitions[name]
	return &vapi.StructuredOutputDTO{
		Name: collections.OutputTitle(name), Type: "ai", Description: d.description + fmt.Sprintf(outputMark, name),
		Schema: d.schema,
	}
}

// isOurOutput tells whether an output is one that toOutput makes, or made before.
func isOurOutput(o *vapi.StructuredOutput) bool {
	return slices.ContainsFunc(collections.Outputs, func(name string) bool {
		return o.Name == collections.OutputTitle(name) && strings.Contains(o.Description, "(pocketline."+name+".")
	})
}

// ensureOutputs makes the rows that are missing; the mirror makes their copies.
func ensureOutputs(app core.App) error {
	rows, err := app.FindAllRecords(collections.StructuredOutputs)
	if err != nil {
		return fmt.Errorf("structured outputs: %w", err)
	}
	c, err := app.FindCachedCollectionByNameOrId(collections.StructuredOutputs)
	if err != nil {
		return err
	}
	for _, name := range collections.Outputs {
		if slices.ContainsFunc(rows, func(r *core.Record) bool { return r.GetString("name") == name }) {
			continue
		}
		r := core.NewRecord(c)
		r.Set("name", name)
		if err := app.Save(r); err != nil {
			return fmt.Errorf("structured output %s: %w", name, err)
		}
	}
	return nil
}

// outputIDs are the outputs an assistant's copy names, in a stable order.
func (d *domain) outputIDs() ([]string, error) {
	rows, err := d.app.FindRecordsByFilter(collections.StructuredOutputs, outputID+" != ''", outputID, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("structured outputs: %w", err)
	}
	ids := []string{} // empty, not nil: it clears the list
	for _, r := range rows {
		ids = append(ids, r.GetString(outputID))
	}
	return ids, nil
}

func outputCopy(r *core.Record, _ mirror.Mark) (any, error) {
	return toOutput(r.GetString("name")), nil
}

func (d *domain) createOutput(ctx context.Context, _ *core.Record, keys map[string]any) (string, error) {
	made, err := d.Vapi.StructuredOutputs.Create(ctx, &vapi.StructuredOutputDTO{Extra: keys})
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

func (d *domain) updateOutput(ctx context.Context, _ *core.Record, c mirror.Change) error {
	_, err := d.Vapi.StructuredOutputs.Update(ctx, c.ID, &vapi.StructuredOutputDTO{Extra: c.Keys})
	return err
}

// findOutput finds the account's output by name and mark, the oldest of several.
func (d *domain) findOutput(ctx context.Context, r *core.Record) (string, error) {
	name := r.GetString("name")
	all, err := d.outputs(ctx, url.Values{"name": {collections.OutputTitle(name)}})
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(o vapi.StructuredOutput) bool {
		return !strings.HasSuffix(o.Description, fmt.Sprintf(outputMark, name))
	})
	if len(all) == 0 {
		return "", nil
	}
	oldest := slices.MinFunc(all, func(a, b vapi.StructuredOutput) int {
		if c := a.CreatedAt.Compare(b.CreatedAt.Time); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return oldest.ID, nil
}

// listOutputs is every output of the account, for the sweep: it finds that one of
// ours was deleted.
func (d *domain) listOutputs(ctx context.Context, _ time.Time) iter.Seq2[mirror.Object, error] {
	return func(yield func(mirror.Object, error) bool) {
		outputs, err := d.outputs(ctx, nil)
		if err != nil {
			yield(mirror.Object{}, err)
			return
		}
		for _, o := range outputs {
			if !yield(mirror.Object{ID: o.ID, Name: o.Name, Created: o.CreatedAt.Time}, nil) {
				return
			}
		}
	}
}

func (d *domain) outputs(ctx context.Context, filter url.Values) (all []vapi.StructuredOutput, err error) {
	const limit = 100
	for page := 1; ; page++ {
		one, err := d.Vapi.StructuredOutputs.List(ctx, &vapi.PageOptions{Page: page, Limit: limit, Filter: filter})
		if err != nil {
			return nil, err
		}
		all = append(all, one.Results...)
		if len(one.Results) < limit {
			return all, nil
		}
	}
}

// followOutput pushes every assistant when the set is whole and not the one they
// name.
func (d *domain) followOutput(tx atomic.Tx, before, after *core.Record) error {
	if before.GetString(outputID) == after.GetString(outputID) {
		return nil
	}
	var missing int
	if err := atomic.One(tx, `SELECT count(*) FROM structured_outputs WHERE vapi_output_id = ''`, nil,
		&missing); err != nil {
		return fmt.Errorf("structured outputs: %w", err)
	}
	if missing > 0 {
		return nil
	}
	rows, err := tx.Query(`SELECT id FROM assistants WHERE sync_status != ''`)
	if err != nil {
		return fmt.Errorf("assistants: %w", err)
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
