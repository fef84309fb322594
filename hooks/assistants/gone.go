package assistants

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/providers/vapi"
)

// checkCopy follows a call that Vapi could not give to its assistant: what we
// believe of the copy is wrong, so it is made equal anew, and made when it is
// gone.
func (d *domain) checkCopy(tx atomic.Tx, _, call *core.Record) error {
	if !vapi.CopyGone(call.GetString("ended_reason")) {
		return nil
	}
	id := call.GetString("assistant")
	if number := call.GetString("phone_number"); id == "" && number != "" {
		err := atomic.One(tx, `SELECT assistant FROM phone_numbers WHERE id = ?`, []any{number}, &id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("assistant of number %s: %w", number, err)
		}
	}
	if id == "" {
		return nil
	}
	return d.Mirror.Check(tx, collections.Assistants, id)
}

// aboutOutputs and aboutTools match Vapi's words about what a copy names and the
// account lacks: "Couldn't find that structured output.",
// "artifactPlan.structuredOutputIds.0 must be …", "Couldn't find that tool.".
var (
	aboutOutputs = regexp.MustCompile(`(?i)structured[ -]?output`)
	aboutTools   = regexp.MustCompile(`(?i)find[^.]*\btool`)
)

// doubtParts looks at the account's outputs, or at the assistant's functions, when Vapi
// refuses a copy because of one: somebody deleted it there. With a new one the copy is
// pushed again.
func (d *domain) doubtParts(a *core.Record, refusal error) error {
	if !vapi.IsValidation(refusal) {
		return refusal
	}
	err := d.app.RunInTransaction(func(tx core.App) error {
		var parts []*core.Record
		var err error
		switch words := refusal.Error(); {
		case aboutOutputs.MatchString(words):
			parts, err = tx.FindAllRecords(collections.StructuredOutputs)
		case aboutTools.MatchString(words):
			parts, err = tx.FindRecordsByIds(collections.Functions, a.GetStringSlice("functions"))
		}
		for _, part := range parts {
			err = errors.Join(err, d.Mirror.Check(atomic.Of(tx), part.Collection().Name, part.Id))
		}
		return err
	})
	if err != nil {
		d.app.Logger().Error("what a copy names is not looked at", "assistant", a.Id, "error", err)
	}
	return refusal
}
