package placing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"golang.org/x/sync/singleflight"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/calls/vapifacts"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
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

const updatePlacing = `UPDATE calls SET placing = ?, placement = ?, updated = ? WHERE id = ? AND vapi_call_id = '' AND placing = ?`

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

// A row that was given up goes on: what really happened wins.
const adopting = `placing = '', placement = json_object('body', json_extract(placement, '$.body')),
	status = 'queued', outcome = '', ended_at = '', ended_reason = '',
	resolution_status = CASE resolution_status WHEN 'failed' THEN 'pending' ELSE resolution_status END, updated = ?
	WHERE id = ? AND organization = ? AND vapi_call_id = '' AND placing != ''`

// take gives a row the call it placed; taken is false when the row is not being
// placed, or not there.
func take(
	tx *inbox.Tx, id, organization string, source fold.Source, now time.Time,
) (c fold.Call, taken bool, err error) {
	set := "UPDATE calls SET " + table.IDColumn(source.Provider) + " = ?, "
	result, err := tx.Exec(set+adopting, source.ID, rows.Stamp(now), id, organization)
	if err != nil {
		return c, false, fmt.Errorf("adopt a call: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return c, false, err
	}
	return store.Load(tx, source)
}

// adopt gives the row the provider's call. Whichever comes first, this or the
// call's first message, there is one row.
func (pl *Placer) adopt(ctx context.Context, c carried, placed *vapi.Call) (id string, err error) {
	box, err := inbox.Of(pl.app)
	if err != nil {
		return c.Id, err
	}
	organization := c.GetString("organization")
	now, home := pl.Now(), tenant.HomeOf(pl.app, organization)
	// It began when somebody pressed: the provider's clock is not ours.
	t := outgoing(c.GetString("caller_number"), c.GetString("recipient_number"), c.Name, c.pressed, now)
	t.Call, t.ControlURL, t.ListenURL = vapifacts.Source(placed.ID), placed.Monitor.ControlURL, placed.Monitor.ListenURL
	if status := vapifacts.Status(placed.Status); status != "" && !placed.StartedAt.IsZero() {
		t.At = fold.At(placed.StartedAt.Time)
		t.Facts = []fold.Fact{fold.Started{Status: status, At: t.At}}
	}
	// The phone rings already: the row learns it although the program is stopping.
	err = box.Do(context.WithoutCancel(ctx), func(tx *inbox.Tx) (func(), error) {
		before, found, err := store.Load(tx, t.Call)
		if err == nil && !found {
			if before, found, err = take(tx, c.Id, organization, t.Call, now); found {
				err = pl.Known(tx, organization, t.Call)
			}
		} else if err == nil && before.ID != c.Id {
			err = give(tx, c, before.ID)
		}
		if err != nil || !found {
			return nil, err
		}
		id = before.ID
		after, ch := fold.Apply(before, t, home)
		after.Assistant = cmp.Or(after.Assistant, c.GetString("assistant"))
		after.PhoneNumber = cmp.Or(after.PhoneNumber, c.GetString("phone_number"))
		if err := pl.KeepControl(&after, t); err != nil {
			return nil, err
		}
		if _, err := pl.Store.Save(tx, before, &after, true, ch, now); err != nil {
			return nil, err
		}
		store.Forget(tx, t.Call)
		return func() {
			queued := before
			queued.Status = ""
			pl.Store.Tell(queued, after, true, ch)
		}, nil
	})
	if err != nil || id == "" {
		return c.Id, err
	}
	if id != c.Id {
		err = pl.drop(c.Id)
	}
	if err == nil && placed.Status == "ended" {
		return id, pl.Mend(ctx, placed)
	}
	return id, err
}

const (
	updateGiving = `UPDATE calls SET placing_key = '' WHERE id = ? AND vapi_call_id = '' AND placing != ''`
	updateGiven  = `UPDATE calls SET created_by = ?, placing_key = coalesce(nullif(?, ''), placing_key), placement = ?
		WHERE id = ?`
)

// give makes a call's row that its messages began the row of the press, when they
// did not say whose they are. The press's own row is dropped afterwards; should
// the program die before, the press finds the same call again.
func give(tx *inbox.Tx, c carried, id string) error {
	how, err := store.Encode(placement{Body: c.Body})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(updateGiving, c.Id); err != nil {
		return fmt.Errorf("one row of two: %w", err)
	}
	if _, err := tx.Exec(updateGiven, c.GetString("created_by"), c.GetString("placing_key"), how, id); err != nil {
		return fmt.Errorf("one row of two: %w", err)
	}
	return nil
}

// drop deletes the row of a press whose call has another, as anybody deletes one:
// whoever shows it is told.
func (pl *Placer) drop(id string) error {
	record, err := database.Found(pl.app.FindRecordById(collections.Calls, id))
	if err != nil || record == nil {
		return err
	}
	if err := pl.app.Delete(record); err != nil {
		return fmt.Errorf("one row of two: %w", err)
	}
	return nil
}

const (
	selectMarked = `SELECT id FROM calls WHERE id = ? AND organization = ? AND vapi_call_id = ''
		AND json_extract(placement, '$.mark') = ?`
	selectAlike = `SELECT id FROM calls INDEXED BY idx_calls_organization_status_started_at
		WHERE organization = ? AND status = 'queued' AND started_at > ? AND placing = '` + collections.PlacingUnclear + `'
		AND assistant = ? AND phone_number = ? AND recipient_number = ? LIMIT 2`
)

// Adopted finds the row of a press that a message of an unknown call is about: by
// the call's name or, when the message says none, by who calls whom.
func (pl *Placer) Adopted(tx *inbox.Tx, t *fold.Told, p Owner, now time.Time) (c fold.Call, found bool, err error) {
	if t.Direction != collections.Outbound {
		return c, false, nil
	}
	var id string
	switch name := t.Mark; {
	case strings.HasPrefix(name, markPrefix):
		row := name[strings.LastIndexByte(name, ':')+1:]
		err = rows.IgnoreMissing(tx.Get(selectMarked, []any{row, p.Organization, name}, &id))
	case name == "" && p.Assistant != "" && p.Phone != "":
		id, err = alike(tx, t, p, now)
	}
	if err != nil || id == "" {
		return c, false, err
	}
	return take(tx, id, p.Organization, t.Call, now)
}

// alike is the only press that may have placed a call without a name.
func alike(tx *inbox.Tx, t *fold.Told, p Owner, now time.Time) (id string, err error) {
	customer := phone.Read(t.Theirs, p.Home).Text
	found, err := tx.Query(selectAlike, p.Organization, rows.Stamp(now.Add(-lookLimit)), p.Assistant, p.Phone, customer)
	if err != nil {
		return "", err
	}
	defer found.Close()
	for n := 0; found.Next(); n++ {
		if n == 1 {
			return "", found.Err() // two: nobody can tell which
		}
		if err := found.Scan(&id); err != nil {
			return "", err
		}
	}
	return id, found.Err()
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
