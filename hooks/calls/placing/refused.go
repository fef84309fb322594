package placing

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/providers/vapi"
)

// What a refusal of the provider makes of a call.

// miss notes, once, for want of whose copy the provider refused the call, and tells
// which row is to have it made again; "" for another reason.
func (c *carried) miss(dto *vapi.CallDTO, refused *vapi.Error) (collection, row string) {
	collection = lacking(refused)
	row, gone, copied := c.GetString("assistant"), &c.Gone, dto.AssistantID
	if collection == collections.PhoneNumbers {
		row, gone, copied = c.GetString("phone_number"), &c.GoneNumber, dto.PhoneNumberID
	}
	if collection == "" || *gone != "" {
		return "", ""
	}
	*gone = copied
	return collection, row
}

// later is when the provider can be asked again that asked for a wait, or to which
// nothing could be sent; 0 when it refused.
func later(refused *vapi.Error) time.Duration {
	switch {
	case refused.Status == 0:
		return silentWait
	case vapi.IsRateLimited(refused):
		return refused.RetryAfter
	}
	return 0
}

// lacking is the collection of what the provider refused a call for want of; ""
// for another reason.
func lacking(refused *vapi.Error) string {
	words := strings.ToLower(refused.Error())
	switch missing := refused.Status == http.StatusNotFound || refused.Status == http.StatusBadRequest; {
	case !missing || !strings.Contains(words, "find"):
		return ""
	case strings.Contains(words, "assistant"):
		return collections.Assistants
	case strings.Contains(words, "phone number"):
		return collections.PhoneNumbers
	}
	return ""
}

// refusalOf is how a call ends that the provider refused.
func refusalOf(refused *vapi.Error) ending {
	how := ending{collections.PlacingRefused, collections.OutcomeFailedVapi, RefusedBy(refused)}
	switch missing := lacking(refused); {
	case missing == collections.Assistants:
		how.outcome = collections.OutcomeFailedSetup
		how.told = unfit("assistant", "not_synced/assistant_unknown")
	case missing == collections.PhoneNumbers:
		how.outcome = collections.OutcomeFailedSetup
		how.told = unfit("phone_number", "not_synced/number_unknown")
	case refused.Status >= http.StatusBadRequest && refused.Status < http.StatusInternalServerError:
		how.outcome = collections.OutcomeFailedAccount
	}
	return how
}

// ending is how a call ends that was not placed.
type ending struct {
	placing string // the row's state
	outcome string
	told    *refusal.Refusal // what whoever asks is told
}

// lost is the end of a call nobody knows anything of any more. It is made when it is
// needed: the table of refusals is read with the first one.
func lost() ending {
	return ending{collections.PlacingLost, collections.OutcomeFailedVapi, refusal.Of("provider_failed/lost")}
}

// fail ends a call that was not placed. A call that has become the provider's
// meanwhile stays.
func (pl *Placer) fail(c carried, how ending) error {
	c.Status, c.Code, c.Error = how.told.Status, how.told.Code, how.told.Text
	c.Name, c.By, c.Next = "", "", 0
	c.Gone, c.GoneNumber = "", ""
	c.Fields, _ = how.told.Details.(map[string]string)
	placement, err := store.Encode(c.placement)
	if err != nil {
		return err
	}
	box, err := inbox.Of(pl.app)
	if err != nil {
		return err
	}
	now := pl.Now()
	return box.Do(context.Background(), func(tx *inbox.Tx) (func(), error) {
		before, found, err := store.LoadRow(tx, c.Id)
		if err != nil || !found || before.Source.ID != "" {
			return nil, err
		}
		result, err := tx.Exec(updatePlacing, how.placing, placement, rows.Stamp(now), c.Id, c.GetString("placing"))
		if err != nil {
			return nil, fmt.Errorf("place a call: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return nil, err
		}
		after := before
		after.Status, after.Outcome = collections.CallFailed, how.outcome
		after.EndedReason, after.EndedAt = fold.OneLine(how.told.Text, 255), fold.At(now)
		if how.placing == collections.PlacingCancelled {
			after.Status = collections.CallCompleted
		} else if after.Resolution == collections.ResolutionPending {
			after.Resolution = collections.ResolutionFailed
		}
		if _, err := pl.Store.Save(tx, before, &after, true, fold.Changes{}, now); err != nil {
			return nil, err
		}
		return func() { pl.Store.Tell(before, after, true, fold.Changes{}) }, nil
	})
}
