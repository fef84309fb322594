package placing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"golang.org/x/sync/singleflight"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	// carryTimeout is what asking the provider once, or looking once, may take.
	carryTimeout = 60 * time.Second
	// stopGrace is what that gets when the program stops. What is cut off is looked
	// for after the next start.
	stopGrace = 10 * time.Second
	// waitLimit is how long a provider is waited for that is busy or does not answer:
	// a call that comes later is one that nobody expects any more.
	waitLimit = 10 * time.Minute
	// silentWait is how long it is left alone that cannot be reached.
	silentWait = 10 * time.Second
	// repairWait is how long a copy may take to be made again before
	// the call is tried again.
	repairWait = 2 * time.Second
	// stepAgain is when a step is taken again that failed here, or a look in vain.
	stepAgain = 30 * time.Second
	// lookLimit is when a call counts as lost although the provider could not be
	// looked at.
	lookLimit = time.Hour
	// lookSkew is how far the provider's clock may be behind ours.
	lookSkew = time.Hour
)

// lookWaits are the waits between looks for a call the provider may have made:
// one at once, then 5 s, 30 s and 2 min after it.
var lookWaits = []time.Duration{5 * time.Second, 25 * time.Second, 90 * time.Second}

// pause says why the next step of placing a call waits, and how long. Nothing
// failed.
type pause struct {
	wait time.Duration
	why  string
}

func (p *pause) Error() string { return p.why }

func unclearFor(wait time.Duration) *pause {
	return &pause{wait, "it is not known yet whether the call rings"}
}

func busyFor(wait time.Duration) *pause { return &pause{wait, "the provider cannot take the call yet"} }

var errRepairing = &pause{repairWait, "the assistant or the number is being made again at the provider"}

// mark is the name of a call of ours at the provider: whoever finds it there, or
// in a message, knows which row it is, and of which installation.
// The provider takes forty characters.
func mark(installation, id string) string { return markPrefix + rows.Clip(installation, 20) + ":" + id }

const markPrefix = "pl:"

// carry brings the placing of a call one step on: asks the provider, or looks what
// became of asking. It runs once at a time for each call, whoever asks for it,
// and does not end with whoever asked. The result is the id of the call's row; an
// error tells the promise when the next step is due, and never ends it.
func (pl *Placer) carry(id string) <-chan singleflight.Result {
	return pl.placing.DoChan(id, func() (any, error) {
		pl.later.Add(1)
		defer pl.later.Done()
		ctx, cancel := context.WithTimeout(pl.life, carryTimeout)
		defer cancel()
		row, err := pl.step(ctx, id)
		var waits *pause
		switch {
		case err == nil:
			return row, nil
		case errors.As(err, &waits):
			return row, outbox.In(waits.wait, err)
		}
		pl.app.Logger().Warn("a step of placing a call failed", "call", id, "error", err)
		return row, outbox.In(stepAgain, err)
	})
}

// step is advance, and survives its panic.
func (pl *Placer) step(ctx context.Context, id string) (row string, err error) {
	defer func() {
		if p := recover(); p != nil {
			row, err = id, fmt.Errorf("place a call: panic: %v", p)
		}
	}()
	return pl.advance(ctx, id)
}

// keepPlacing keeps the promise of writePress.
func (pl *Placer) keepPlacing(ctx context.Context, r outbox.Row) error {
	var owed owedPlacing
	if err := r.Decode(&owed); err != nil {
		return outbox.Dead(err)
	}
	select {
	case done := <-pl.carry(owed.Call):
		return done.Err
	case <-ctx.Done():
		return outbox.In(0, ctx.Err())
	}
}

// carried is a call that is being placed, as it is stored.
type carried struct {
	*core.Record
	placement
	pressed time.Time
}

func (c carried) after(now time.Time) time.Duration { return time.UnixMilli(c.Next).Sub(now) }

// advance takes the next step. A *pause is no failure.
func (pl *Placer) advance(ctx context.Context, id string) (string, error) {
	record, err := database.Found(pl.app.FindRecordById(collections.Calls, id))
	if err != nil || record == nil {
		return id, err // deleted
	}
	ctx = vapi.For(ctx, record.GetString("organization"))
	c := carried{Record: record, pressed: record.GetDateTime("created").Time()}
	state := record.GetString("placing")
	if state != collections.PlacingWaiting && state != collections.PlacingUnclear {
		return id, nil
	}
	if err := record.UnmarshalJSONField("placement", &c.placement); err != nil {
		return id, fmt.Errorf("place a call: %w", err)
	}
	wait := c.after(pl.Now())
	switch {
	case state == collections.PlacingWaiting && wait > 0:
		return id, busyFor(wait)
	case state == collections.PlacingWaiting:
		return pl.send(ctx, c)
	case wait > 0:
		return id, unclearFor(wait)
	}
	return pl.look(ctx, c)
}

// send asks the provider for the call, once. From before it is sent until a clear
// answer came the row says that nobody knows.
func (pl *Placer) send(ctx context.Context, c carried) (string, error) {
	if pl.Now().Sub(c.pressed) > waitLimit {
		return c.Id, pl.fail(c, ending{
			collections.PlacingRefused, collections.OutcomeFailedVapi, refusal.Of("provider_failed/late"),
		})
	}
	dto, err := pl.callOut(c)
	if err == nil {
		err = pl.mayStill(c)
	}
	var ours *refusal.Refusal
	switch {
	case errors.Is(err, errRepairing):
		return pl.putOff(c, collections.PlacingWaiting, errRepairing)
	case errors.As(err, &ours):
		outcome := collections.OutcomeFailedDesk
		if ours.Status == http.StatusConflict { // see unfit
			outcome = collections.OutcomeFailedSetup
		}
		return c.Id, pl.fail(c, ending{collections.PlacingRefused, outcome, ours})
	case err != nil:
		return c.Id, err
	case ctx.Err() != nil:
		return c.Id, ctx.Err() // nothing could be sent any more, and nothing is unclear
	}
	if moved, err := pl.move(c, collections.PlacingWaiting, collections.PlacingUnclear); err != nil || !moved {
		return c.Id, err
	}
	placed, err := pl.Vapi.Calls.Create(ctx, dto)
	var refused *vapi.Error
	switch {
	case err == nil && placed.ID != "":
		return pl.adopt(ctx, c, placed)
	case err == nil, ctx.Err() != nil, !errors.As(err, &refused),
		refused.Unclear, refused.Status == http.StatusRequestTimeout:
		pl.app.Logger().Warn("a call's placing is unclear", "call", c.Id, "error", err)
		pl.changed(c.Record)
		return pl.look(ctx, c)
	}
	return pl.refusedBy(c, dto, refused)
}

// refusedBy goes on after the provider refused a call: later when it is busy, once more
// when it lacks a copy that can be made again, else never.
func (pl *Placer) refusedBy(c carried, dto *vapi.CallDTO, refused *vapi.Error) (string, error) {
	if wait := later(refused); wait > 0 && pl.Now().Add(wait).Sub(c.pressed) <= waitLimit {
		return pl.putOff(c, collections.PlacingUnclear, busyFor(wait))
	}
	if collection, row := c.miss(dto, refused); collection != "" {
		if err := pl.Mirror.Check(atomic.Of(pl.app), collection, row); err != nil {
			return c.Id, fmt.Errorf("make a copy again: %w", err)
		}
		return pl.putOff(c, collections.PlacingUnclear, errRepairing)
	}
	return c.Id, pl.fail(c, refusalOf(refused))
}

// putOff lets a call wait, and dashboards know.
func (pl *Placer) putOff(c carried, from string, why *pause) (string, error) {
	c.Next = pl.Now().Add(why.wait).UnixMilli()
	if _, err := pl.move(c, from, collections.PlacingWaiting); err != nil {
		return c.Id, err
	}
	pl.changed(c.Record)
	return c.Id, why
}

// callOut is the order for the provider. Assistant and number are read as they are
// now: they may have been removed since the press.
func (pl *Placer) callOut(c carried) (*vapi.CallDTO, error) {
	assistant, err := database.Found(pl.app.FindRecordById(collections.Assistants, c.GetString("assistant")))
	if err != nil {
		return nil, err
	}
	if assistant == nil {
		return nil, unfit("assistant", "removed/assistant")
	}
	number, err := database.Found(pl.app.FindRecordById(collections.PhoneNumbers, c.GetString("phone_number")))
	if err != nil {
		return nil, err
	}
	if number == nil {
		return nil, unfit("phone_number", "removed/number")
	}
	there, line := assistant.GetString("vapi_assistant_id"), number.GetString("vapi_phone_id")
	unchecked := func(r *core.Record, copied, gone string) bool {
		return copied == "" || copied == gone && r.GetString("sync_status") != collections.SyncSynced
	}
	noAssistant, noLine := unchecked(assistant, there, c.Gone), unchecked(number, line, c.GoneNumber)
	switch refused := collections.SyncFailed; {
	case noAssistant && assistant.GetString("sync_status") == refused:
		return nil, unfit("assistant", "not_synced/assistant_refused")
	case noLine && number.GetString("sync_status") == refused:
		return nil, unfit("phone_number", "not_synced/number_refused")
	case noAssistant || noLine:
		return nil, errRepairing
	}
	return &vapi.CallDTO{
		Name: c.Mark, AssistantID: there, PhoneNumberID: line,
		Customer: &vapi.Customer{Number: c.GetString("recipient_number"), Name: c.Name},
	}, nil
}

// look looks for the call at the provider: found, the row has it; not found often
// enough, it was not placed.
func (pl *Placer) look(ctx context.Context, c carried) (string, error) {
	placed, err := pl.find(ctx, c)
	if err != nil {
		if pl.Now().Sub(c.pressed) > lookLimit {
			return c.Id, pl.fail(c, lost())
		}
		return c.Id, fmt.Errorf("look for a call: %w", err)
	}
	if placed != nil {
		return pl.adopt(ctx, c, placed)
	}
	if c.Looks >= len(lookWaits) {
		return c.Id, pl.fail(c, lost())
	}
	wait := lookWaits[c.Looks]
	c.Looks++
	c.Next = pl.Now().Add(wait).UnixMilli()
	if _, err := pl.move(c, collections.PlacingUnclear, collections.PlacingUnclear); err != nil {
		return c.Id, err
	}
	return c.Id, unclearFor(wait)
}

// find looks for the call among those the provider made since the press.
func (pl *Placer) find(ctx context.Context, c carried) (*vapi.Call, error) {
	o := vapi.CallListOptions{ListOptions: vapi.ListOptions{CreatedAtGt: c.pressed.Add(-lookSkew)}}
	number, err := database.Found(pl.app.FindRecordById(collections.PhoneNumbers, c.GetString("phone_number")))
	if err != nil {
		return nil, err
	}
	if number != nil {
		o.PhoneNumberID = number.GetString("vapi_phone_id")
	}
	for one, err := range pl.Vapi.Calls.All(ctx, &o) {
		if err != nil {
			return nil, err
		}
		if one.Name == c.Mark {
			return one, nil
		}
	}
	return nil, nil
}

var updatePlacing = `UPDATE calls SET placing = ?, placement = ?, updated = ?
	WHERE id = ? AND ` + collections.AtNoProvider("") + ` AND placing = ?`

// move changes the state of a call that is being placed; false when something else
// happened to it.
func (pl *Placer) move(c carried, from, to string) (moved bool, err error) {
	box, err := inbox.Of(pl.app)
	if err != nil {
		return false, err
	}
	how, err := store.Encode(c.placement)
	if err != nil {
		return false, err
	}
	err = box.Do(context.Background(), func(tx *inbox.Tx) (func(), error) {
		result, err := tx.Exec(updatePlacing, to, how, rows.Stamp(pl.Now()), c.Id, from)
		if err != nil {
			return nil, fmt.Errorf("place a call: %w", err)
		}
		n, err := result.RowsAffected()
		moved = n == 1
		return nil, err
	})
	if moved && err == nil {
		c.Set("placing", to)
	}
	return moved, err
}

// TakeBack cancels a call the provider was not asked for yet.
func (pl *Placer) TakeBack(call *core.Record) error {
	c := carried{Record: call}
	if err := call.UnmarshalJSONField("placement", &c.placement); err != nil {
		return err
	}
	return pl.fail(c, ending{
		collections.PlacingCancelled, collections.OutcomeCancelled, refusal.Of("call_cancelled"),
	})
}
