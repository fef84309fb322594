package assistants

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

// goneReasons are the ends of calls that Vapi could not give to the assistant:
// it does not have it any more, or not as it was.
var goneReasons = []string{
	"assistant-not-found", "assistant-not-valid", "assistant-request-returned-invalid-assistant",
	"call.start.error-get-assistant", "call-start-error-get-assistant", "call.start.assistant-version-error-validation",
}

// checkCopy follows a call that Vapi could not give to its assistant: what we
// believe of the copy is wrong, so it is made equal anew, and made when it is
// gone.
func (d *domain) checkCopy(tx atomic.Tx, _, call *core.Record) error {
	if !slices.Contains(goneReasons, call.GetString("ended_reason")) {
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
