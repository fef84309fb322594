package calls

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"golang.org/x/sync/singleflight"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	// carryTimeout is what asking the provider once, or looking once, may take.
	carryTimeout = 60 * time.Second
	// stopGrace is what that gets when the program stops. What is cut off is looked
	// for after the next start.
	stopGrace = 10 * time.Second
	// waitLimit is how long a busy provider is waited for: a call that comes later
	// is one that nobody expects any more.
	waitLimit = 10 * time.Minute
	// repairWait is how long an assistant's copy may take to be made again before
	// the call is tried again.
	repairWait = 2 * time.Second
	// lookLimit is when a call counts as lost although the provider could not be
	// looked at.
	lookLimit = time.Hour
	// lookSkew is how far the provider's clock may be behind ours.
	lookSkew = time.Hour
)

// lookWaits are the waits between looks for a call the provider may have made:
// one at once, then 5 s, 30 s and 2 min after it.
var lookWaits = []time.Duration{5 * time.Second, 25 * time.Second, 90 * time.Second}

var (
	errStillUnclear = errors.New("it is not known yet whether the call rings")
	errStillWaiting = errors.New("the provider is busy")
	errRepairing    = errors.New("the assistant or the number is being made again at the provider")
)

// mark is the name of a call of ours at the provider: whoever finds it there, or
// in a message, knows which row it is, and of which installation.
// The provider takes forty characters.
func mark(installation, id string) string { return markPrefix + clip(installation, 20) + ":" + id }

const markPrefix = "pl:"

// carry brings the placing of a call one step on: asks the provider, or looks what
// became of asking. It runs once at a time for each call, whoever asks for it,
// and does not end with whoever asked. The result is the id of the call's row.
func (e *engine) carry(id string) <-chan singleflight.Result {
	return e.placing.DoChan(id, func() (row any, err error) {
		e.later.Add(1)
		defer e.later.Done()
		defer func() {
			if p := recover(); p != nil {
				row, err = id, fmt.Errorf("place a call: panic: %v", p)
			}
		}()
		ctx, cancel := context.WithTimeout(e.life, carryTimeout)
		defer cancel()
		return e.advance(ctx, id)
	})
}

// keepPlacing keeps the promise of writePress.
func (e *engine) keepPlacing(ctx context.Context, r outbox.Row) error {
	var owed owedPlacing
	if err := r.Decode(&owed); err != nil {
		return outbox.Dead(err)
	}
	select {
	case done := <-e.carry(owed.Call):
		return done.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

const selectPlacing = `SELECT c.id FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_status_started_at
	WHERE c.organization = o.id AND c.status = 'queued' AND c.placing != '' LIMIT ?`

// carryAll carries every call on that is being placed: after a start, and what the
// outbox gave up.
func (e *engine) carryAll(ctx context.Context) error {
	ids, err := e.ids(ctx, selectPlacing, reconcileBatch)
	if err != nil {
		return err
	}
	for _, id := range ids {
		select {
		case <-e.carry(id): // what it says is for the outbox
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// carried is a call that is being placed, as it is stored.
type carried struct {
	*core.Record
	placement
	pressed time.Time
}

func (c carried) after(now time.Time) time.Duration { return time.UnixMilli(c.Next).Sub(now) }

// advance takes the next step. An error that says when (outbox.After) is no failure.
func (e *engine) advance(ctx context.Context, id string) (string, error) {
	record, err := database.Found(e.app.FindRecordById(collections.Calls, id))
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
	if state == collections.PlacingWaiting {
		if wait := c.after(e.Now()); wait > 0 {
			return id, outbox.After(wait, errStillWaiting)
		}
		return e.send(ctx, c)
	}
	if wait := c.after(e.Now()); wait > 0 {
		return id, outbox.After(wait, errStillUnclear)
	}
	return e.look(ctx, c)
}

// send asks the provider for the call, once. From before it is sent until a clear
// answer came the row says that nobody knows.
func (e *engine) send(ctx context.Context, c carried) (string, error) {
	if e.Now().Sub(c.pressed) > waitLimit {
		return c.Id, e.fail(c, collections.PlacingRefused, &facade.Failure{Status: http.StatusTooManyRequests, Text: wordsBusy})
	}
	dto, err := e.callOut(c)
	if err == nil {
		err = e.mayStill(c)
	}
	var gone *facade.Failure
	if errors.Is(err, errRepairing) {
		return e.repairing(c, collections.PlacingWaiting)
	}
	if err != nil && !errors.As(err, &gone) {
		return c.Id, err
	}
	if err != nil {
		return c.Id, e.fail(c, collections.PlacingRefused, err)
	}
	if moved, err := e.move(c, collections.PlacingWaiting, collections.PlacingUnclear); err != nil || !moved {
		return c.Id, err
	}
	placed, err := e.Vapi.Calls.Create(ctx, dto)
	var refused *vapi.Error
	switch {
	case err == nil && placed.ID != "":
		return e.adopt(ctx, c, placed)
	case err == nil, ctx.Err() != nil, !errors.As(err, &refused), refused.Unclear, refused.Status == http.StatusRequestTimeout:
		e.app.Logger().Warn("a call's placing is unclear", "call", c.Id, "error", err)
		e.told(c.Id)
		return e.look(ctx, c)
	case refused.RetryAfter > 0 && vapi.IsRateLimited(err) && e.Now().Add(refused.RetryAfter).Sub(c.pressed) <= waitLimit:
		c.Next = e.Now().Add(refused.RetryAfter).UnixMilli()
		if _, err := e.move(c, collections.PlacingUnclear, collections.PlacingWaiting); err != nil {
			return c.Id, err
		}
		e.told(c.Id)
		return c.Id, outbox.After(refused.RetryAfter, errStillWaiting)
	}
	if c.Gone == "" && lacksAssistant(refused) {
		if err := e.Mirror.Check(atomicOf(e.app), collections.Assistants, c.GetString("assistant")); err != nil {
			return c.Id, fmt.Errorf("make the assistant's copy again: %w", err)
		}
		c.Gone = dto.AssistantID
		return e.repairing(c, collections.PlacingUnclear)
	}
	err = providerError(err)
	if refused.Status == http.StatusNotFound {
		err = facade.Error(http.StatusConflict, "The phone provider does not know the assistant or the number: see its sync status")
	}
	return c.Id, e.fail(c, collections.PlacingRefused, err)
}

// lacksAssistant tells that the provider refused a call for want of its assistant.
func lacksAssistant(refused *vapi.Error) bool {
	words := strings.ToLower(refused.Error())
	return (refused.Status == http.StatusNotFound || refused.Status == http.StatusBadRequest) &&
		strings.Contains(words, "find") && strings.Contains(words, "assistant")
}

// repairing lets a call wait for a copy that is being made again.
func (e *engine) repairing(c carried, from string) (string, error) {
	c.Next = e.Now().Add(repairWait).UnixMilli()
	if _, err := e.move(c, from, collections.PlacingWaiting); err != nil {
		return c.Id, err
	}
	e.told(c.Id)
	return c.Id, outbox.After(repairWait, errRepairing)
}

// callOut is the order for the provider. Assistant and number are read as they are
// now: they may have been removed since the press.
func (e *engine) callOut(c carried) (*vapi.CallDTO, error) {
	assistant, err := database.Found(e.app.FindRecordById(collections.Assistants, c.GetString("assistant")))
	if err != nil {
		return nil, err
	}
	if assistant == nil {
		return nil, facade.Error(http.StatusConflict, "The assistant was removed before it could call")
	}
	number, err := database.Found(e.app.FindRecordById(collections.PhoneNumbers, c.GetString("phone_number")))
	if err != nil {
		return nil, err
	}
	if number == nil {
		return nil, facade.Error(http.StatusConflict, "The number was removed before it could call")
	}
	there, line := assistant.GetString("vapi_assistant_id"), number.GetString("vapi_phone_id")
	unchecked := there == c.Gone && assistant.GetString("sync_status") != collections.SyncSynced
	if there == "" || line == "" || unchecked {
		return nil, errRepairing
	}
	return &vapi.CallDTO{
		Name: c.Mark, AssistantID: there, PhoneNumberID: line,
		Customer: &vapi.Customer{Number: c.GetString("recipient_number"), Name: c.Name},
	}, nil
}

// look looks for the call at the provider: found, the row has it; not found often
// enough, it was not placed.
func (e *engine) look(ctx context.Context, c carried) (string, error) {
	placed, err := e.find(ctx, c)
	if err != nil {
		if e.Now().Sub(c.pressed) > lookLimit {
			return c.Id, e.fail(c, collections.PlacingLost, facade.Error(http.StatusBadGateway, wordsLost))
		}
		return c.Id, fmt.Errorf("look for a call: %w", err)
	}
	if placed != nil {
		return e.adopt(ctx, c, placed)
	}
	if c.Looks >= len(lookWaits) {
		return c.Id, e.fail(c, collections.PlacingLost, facade.Error(http.StatusBadGateway, wordsLost))
	}
	wait := lookWaits[c.Looks]
	c.Looks++
	c.Next = e.Now().Add(wait).UnixMilli()
	if _, err := e.move(c, collections.PlacingUnclear, collections.PlacingUnclear); err != nil {
		return c.Id, err
	}
	return c.Id, outbox.After(wait, errStillUnclear)
}

// find looks for the call among those the provider made since the press.
func (e *engine) find(ctx context.Context, c carried) (*vapi.Call, error) {
	o := vapi.CallListOptions{ListOptions: vapi.ListOptions{CreatedAtGt: c.pressed.Add(-lookSkew)}}
	number, err := database.Found(e.app.FindRecordById(collections.PhoneNumbers, c.GetString("phone_number")))
	if err != nil {
		return nil, err
	}
	if number != nil {
		o.PhoneNumberID = number.GetString("vapi_phone_id")
	}
	for one, err := range e.Vapi.Calls.All(ctx, &o) {
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
func (e *engine) move(c carried, from, to string) (moved bool, err error) {
	box, err := e.box()
	if err != nil {
		return false, err
	}
	how, err := encode(c.placement)
	if err != nil {
		return false, err
	}
	err = box.Do(context.Background(), func(tx *inbox.Tx) (func(), error) {
		result, err := tx.Exec(updatePlacing, to, how, inbox.Date(e.Now()), c.Id, from)
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

// fail ends a call that was not placed, with the words it is told in. A call that
// has become the provider's meanwhile stays.
func (e *engine) fail(c carried, to string, failure error) error {
	var told *facade.Failure
	if !errors.As(failure, &told) {
		return failure
	}
	c.Status, c.Error, c.Name, c.By, c.Gone, c.Next = told.Status, told.Text, "", "", "", 0
	how, err := encode(c.placement)
	if err != nil {
		return err
	}
	box, err := e.box()
	if err != nil {
		return err
	}
	now := e.Now()
	return box.Do(context.Background(), func(tx *inbox.Tx) (func(), error) {
		before, found, err := loadRow(tx, c.Id)
		if err != nil || !found || before.VapiID != "" {
			return nil, err
		}
		result, err := tx.Exec(updatePlacing, to, how, inbox.Date(now), c.Id, c.GetString("placing"))
		if err != nil {
			return nil, fmt.Errorf("place a call: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return nil, err
		}
		after := before
		after.Status, after.Outcome = collections.CallFailed, failedOutcome(told.Status)
		after.EndedReason, after.EndedAt = oneLine(told.Text, 255), at(now)
		if to == collections.PlacingCancelled {
			after.Status, after.Outcome = collections.CallCompleted, vapi.OutcomeCancelled
		} else if after.Resolution == collections.ResolutionPending {
			after.Resolution = collections.ResolutionFailed
		}
		if err := e.save(tx, before, &after, true, changes{}, now); err != nil {
			return nil, err
		}
		return func() { e.tell(before, after, true, changes{}) }, nil
	})
}

// failedOutcome sorts a refusal: payment and limits are the account's.
func failedOutcome(status int) string {
	if status == http.StatusPaymentRequired || status == http.StatusTooManyRequests {
		return vapi.OutcomeFailedAccount
	}
	return vapi.OutcomeFailedVapi
}

// A row that was given up goes on: what really happened wins.
const updateAdopted = `UPDATE calls SET vapi_call_id = ?, placing = '', placement = json_object('body', json_extract(placement, '$.body')),
	status = 'queued', outcome = '', ended_at = '', ended_reason = '',
	resolution_status = CASE resolution_status WHEN 'failed' THEN 'pending' ELSE resolution_status END, updated = ?
	WHERE id = ? AND organization = ? AND vapi_call_id = '' AND placing != ''`

// take gives a row the call it placed; taken is false when the row is not being
// placed, or not there.
func take(tx *inbox.Tx, id, organization, vapiID string, now time.Time) (c call, taken bool, err error) {
	result, err := tx.Exec(updateAdopted, vapiID, inbox.Date(now), id, organization)
	if err != nil {
		return c, false, fmt.Errorf("adopt a call: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return c, false, err
	}
	return load(tx, vapiID)
}

// adopt gives the row the provider's call. Whichever comes first, this or the
// call's first message, there is one row.
func (e *engine) adopt(ctx context.Context, c carried, placed *vapi.Call) (id string, err error) {
	box, err := e.box()
	if err != nil {
		return c.Id, err
	}
	organization := c.GetString("organization")
	now, home := e.Now(), tenant.HomeOf(e.app, organization)
	m := &vapi.Message{
		Type: "placed", Timestamp: now.UnixMilli(),
		Customer:    vapi.MessageCustomer{Number: c.GetString("recipient_number"), Name: c.Name},
		PhoneNumber: vapi.MessagePhoneNumber{Number: c.GetString("caller_number")},
		// It began when somebody pressed: the provider's clock is not ours.
		Call: &vapi.MessageCall{ID: placed.ID, Type: "outboundPhoneCall", CreatedAt: c.pressed, Monitor: placed.Monitor},
	}
	if !placed.StartedAt.IsZero() && placed.Status != "ended" {
		m.Type, m.Status, m.Timestamp = vapi.TypeStatusUpdate, placed.Status, placed.StartedAt.UnixMilli()
	}
	// The phone rings already: the row learns it although the program is stopping.
	err = box.Do(context.WithoutCancel(ctx), func(tx *inbox.Tx) (func(), error) {
		before, found, err := load(tx, placed.ID)
		if err == nil && !found {
			before, found, err = take(tx, c.Id, organization, placed.ID, now)
		} else if err == nil && before.ID != c.Id {
			err = give(tx, c, before.ID)
		}
		if err != nil || !found {
			return nil, err
		}
		id = before.ID
		after, ch := apply(before, m, home)
		fill(&after.Assistant, c.GetString("assistant"))
		fill(&after.PhoneNumber, c.GetString("phone_number"))
		if err := e.keepControl(&after, m); err != nil {
			return nil, err
		}
		if err := e.save(tx, before, &after, true, ch, now); err != nil {
			return nil, err
		}
		tx.Forget(placed.ID)
		return func() {
			told := before
			told.Status = ""
			e.tell(told, after, true, ch)
		}, nil
	})
	if err != nil || id == "" {
		return c.Id, err
	}
	if placed.Status == "ended" {
		return id, e.mend(ctx, placed)
	}
	return id, nil
}

const (
	updateGiven = `UPDATE calls SET created_by = ?, placing_key = ?, placement = ? WHERE id = ?`
	deletePress = `DELETE FROM calls WHERE id = ? AND vapi_call_id = '' AND placing != ''`
)

// give makes a call's row that its messages began the row of the press, when they
// did not say whose they are: the press has no other row then.
func give(tx *inbox.Tx, c carried, id string) error {
	how, err := encode(placement{Body: c.Body})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(deletePress, c.Id); err != nil {
		return fmt.Errorf("one row of two: %w", err)
	}
	if _, err := tx.Exec(updateGiven, c.GetString("created_by"), c.GetString("placing_key"), how, id); err != nil {
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

// adopted finds the row of a press that a message of an unknown call is about: by
// the call's name or, when the message says none, by who calls whom.
func (e *engine) adopted(tx *inbox.Tx, m *vapi.Message, p place, now time.Time) (c call, found bool, err error) {
	if m.Call.Type != "outboundPhoneCall" {
		return c, false, nil
	}
	var id string
	switch name := m.Call.Name; {
	case strings.HasPrefix(name, markPrefix):
		row := name[strings.LastIndexByte(name, ':')+1:]
		err = ignoreMissing(tx.Get(selectMarked, []any{row, p.organization, name}, &id))
	case name == "" && p.assistant != "" && p.phone != "":
		id, err = alike(tx, m, p, now)
	}
	if err != nil || id == "" {
		return c, false, err
	}
	return take(tx, id, p.organization, m.CallID(), now)
}

// alike is the only press that may have placed a call without a name.
func alike(tx *inbox.Tx, m *vapi.Message, p place, now time.Time) (id string, err error) {
	customer := phone.Read(theirNumber(m), p.home).Text
	rows, err := tx.Query(selectAlike, p.organization, inbox.Date(now.Add(-lookLimit)), p.assistant, p.phone, customer)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		if n == 1 {
			return "", rows.Err() // two: nobody can tell which
		}
		if err := rows.Scan(&id); err != nil {
			return "", err
		}
	}
	return id, rows.Err()
}

// takeBack cancels a call the provider was not asked for yet.
func (e *engine) takeBack(call *core.Record) error {
	c := carried{Record: call}
	if err := call.UnmarshalJSONField("placement", &c.placement); err != nil {
		return err
	}
	return e.fail(c, collections.PlacingCancelled, facade.Error(http.StatusConflict, wordsCancelled))
}
