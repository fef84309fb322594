package calls

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	// placeKind is the promise to ask the provider for a call, or to find out what
	// became of asking.
	placeKind = "calls.place"
	// personWaits is how long a person waits for the provider. What it does goes on
	// without them.
	personWaits = 5 * time.Second
	// repeatWindow is how long the same call again is taken for a second press, after
	// it is known what became of the first.
	repeatWindow = time.Minute
	// keyMax bounds an Idempotency-Key.
	keyMax = 255
)

// What people read of a call that is not at the provider yet.
const (
	wordsUnclear   = "We do not know yet whether it rings"
	wordsWaiting   = "The phone provider is busy: the call waits and is placed as soon as it can be"
	wordsLost      = "The call was not placed: the phone provider does not know it"
	wordsCancelled = "The call was cancelled before it was placed"
	wordsBusy      = "The phone provider stayed busy: nobody was called"
)

// placeErrors are the refusals of both routes that place calls.
const placeErrors = "409 the assistant or number is not synced yet, or with code call_just_placed and call, the id: " +
	"the same call was placed less than a minute ago, waits, or it is not known yet whether it rings " +
	"(place it again with force) · 422 the Idempotency-Key placed another call · " +
	"429 too many calls a minute · 502 the provider refused, in its words"

type placeBody struct {
	Assistant      string `json:"assistant"`
	PhoneNumber    string `json:"phone_number"`
	CustomerNumber string `json:"customer_number"`
	CustomerName   string `json:"customer_name"`
	Force          bool   `json:"force"`
}

// hash tells one body from another. Force is how it is asked, not what.
func (b placeBody) hash() string {
	b.Force = false
	raw, _ := json.Marshal(b) // four texts
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// placement is what placing a call needs, and how far it came. It is stored with
// the call and holds no number.
type placement struct {
	Body string `json:"body"`           // the hash of what was asked for
	Mark string `json:"mark"`           // the call's name at the provider, by which it is found there
	Name string `json:"name,omitempty"` // the customer's, until the provider has it
	// By is who pressed, until the provider has the call: it may be removed before.
	By string `json:"by,omitempty"`
	// Gone is the assistant's copy that the provider did not know: it is made again.
	Gone string `json:"gone,omitempty"`
	// Looks counts how often the provider was looked at in vain; Next is when it is
	// turned to again, in milliseconds since 1970.
	Looks int   `json:"looks,omitempty"`
	Next  int64 `json:"next,omitempty"`
	// Status and Error are a refusal as it was told.
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
}

// press is one wish to place a call, checked.
type press struct {
	body                    placeBody
	key                     string // the hash of the Idempotency-Key; "" without one
	assistant, phone        *core.Record
	customer, by            string
	organization, home      string
	found, first, otherBody string // what the writer met in its place
}

// placeCall is POST /api/organizations/{organization}/calls.
func (e *engine) placeCall(re *core.RequestEvent) error {
	t, err := e.mayHear(re)
	if err != nil {
		return err
	}
	var body placeBody
	if err := re.BindBody(&body); err != nil {
		return facade.Error(http.StatusBadRequest, "The body is not the JSON this route takes")
	}
	call, err := e.place(re, t, body)
	if err != nil {
		return err
	}
	answer := map[string]string{
		"id": call.Id, "vapi_call_id": call.GetString("vapi_call_id"), "status": call.GetString("status"),
	}
	status, words := placedAnswer(call)
	if words != "" {
		answer["placing"], answer["message"] = call.GetString("placing"), words
	}
	return re.JSON(status, answer)
}

// placedAnswer is how a call is answered that nobody refused.
func placedAnswer(call *core.Record) (status int, words string) {
	switch call.GetString("placing") {
	case collections.PlacingWaiting:
		return http.StatusAccepted, wordsWaiting
	case collections.PlacingUnclear:
		return http.StatusAccepted, wordsUnclear
	}
	return http.StatusCreated, ""
}

// place rings a number. The row is written first, with a promise to place it; the
// provider is asked in work that does not end with the request (carry). The same
// Idempotency-Key finds the same row, whatever became of it.
func (e *engine) place(re *core.RequestEvent, t *tenant.Tenant, body placeBody) (*core.Record, error) {
	if !mayWork(t) {
		return nil, facade.Error(http.StatusForbidden, "Your role does not allow placing calls")
	}
	body.Force = body.Force || re.Request.URL.Query().Get("force") == "true"
	key, err := pressKey(re.Request)
	if err != nil {
		return nil, err
	}
	if id, err := e.pressed(t.ID(), key, body); id != "" || err != nil {
		return e.answerPress(re, id, err)
	}
	p, err := e.checkPress(t, body)
	if err != nil {
		return nil, err
	}
	p.key = key
	id, err := e.writePress(re.Request.Context(), p)
	return e.answerPress(re, id, err)
}

// pressKey is the hash of the key a client gave this press.
func pressKey(r *http.Request) (string, error) {
	key := strings.TrimSpace(r.Header.Get("Idempotency-Key"))
	if key == "" {
		return "", nil
	}
	if len(key) > keyMax {
		return "", facade.Error(http.StatusBadRequest, "The header Idempotency-Key must have at most 255 characters")
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]), nil
}

const selectPressed = `SELECT id, coalesce(json_extract(placement, '$.body'), '') FROM calls
	WHERE organization = ? AND placing_key = ? AND placing_key != ''`

// pressed finds the call an earlier request with the key placed.
func (e *engine) pressed(organization, key string, body placeBody) (id string, err error) {
	if key == "" {
		return "", nil
	}
	var hash string
	err = atomic.One(atomicOf(e.app), selectPressed, []any{organization, key}, &id, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", e.deletedPress(organization, key)
	}
	if err == nil && hash != body.hash() {
		return "", errOtherBody
	}
	return id, err
}

var errOtherBody = facade.Error(http.StatusUnprocessableEntity,
	"This Idempotency-Key placed another call: send a new key with every new call")

// deletedPress refuses the key of a call that was deleted since.
func (e *engine) deletedPress(organization, key string) error {
	var one int
	err := atomic.One(atomicOf(e.app), selectTombstone, []any{pressTombstone(organization, key)}, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		return facade.Error(http.StatusConflict, "The call this Idempotency-Key placed was deleted")
	}
	return err
}

func pressTombstone(organization, key string) string { return "press:" + organization + ":" + key }

// checkPress checks who calls whom. Two faults are told in the order of the fields.
func (e *engine) checkPress(t *tenant.Tenant, body placeBody) (*press, error) {
	if err := mayCall(t.Organization); err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	p := &press{body: body, organization: t.ID(), by: t.UserID(), home: tenant.HomeOf(e.app, t.ID())}
	var err error
	if p.assistant, err = e.ownRow(t, collections.Assistants, body.Assistant); err != nil {
		return nil, err
	}
	if p.assistant == nil {
		reasons["assistant"] = "Pick an assistant of this organization"
	}
	if p.phone, err = e.ownRow(t, collections.PhoneNumbers, body.PhoneNumber); err != nil {
		return nil, err
	}
	if p.phone == nil {
		reasons["phone_number"] = "Pick a number of this organization"
	}
	customer, problem := dialing.Of(e.app, t.ID()).Check(body.CustomerNumber)
	if p.customer = customer; problem != "" {
		reasons["customer_number"] = problem
	}
	if utf8.RuneCountInString(body.CustomerName) > 100 {
		reasons["customer_name"] = "Must have at most 100 characters"
	} else if err := untrusted.Line(body.CustomerName); err != nil {
		reasons["customer_name"] = strings.TrimSuffix(err.Error(), ".")
	}
	if len(reasons) > 0 {
		return nil, facade.Invalid(reasons)
	}
	if !e.outbound.allow(t.ID(), time.Now()) {
		return nil, facade.Error(http.StatusTooManyRequests, "Too many calls a minute: wait a moment")
	}
	if p.assistant.GetString("vapi_assistant_id") == "" || p.phone.GetString("vapi_phone_id") == "" {
		return nil, facade.Error(http.StatusConflict, "The assistant or the number is not at the phone provider yet: see its sync status")
	}
	return p, nil
}

// mayCall tells why an organization may not call anybody.
func mayCall(organization *core.Record) error {
	if organization.GetString("status") != collections.OrganizationActive {
		return facade.Error(http.StatusForbidden, "This organization is not active: it cannot place calls")
	}
	if organization.GetString("balance_state") == collections.BalanceEmpty {
		return facade.Error(http.StatusPaymentRequired, "The balance is empty: top up to place calls")
	}
	return nil
}

// mayStill tells why a call that waited may not be placed any more: what the press
// was checked for is checked again, as it is now.
func (e *engine) mayStill(c carried) error {
	id := c.GetString("organization")
	organization, err := database.Found(e.app.FindRecordById(collections.Organizations, id))
	if err != nil {
		return err
	}
	if organization == nil {
		return facade.Error(http.StatusConflict, "The organization was removed before it could call")
	}
	if err := mayCall(organization); err != nil {
		return err
	}
	if by := cmp.Or(c.By, c.GetString("created_by")); by != "" { // "" is the operator
		user, err := database.Found(e.app.FindRecordById(collections.Users, by))
		if err != nil {
			return err
		}
		t := &tenant.Tenant{Organization: organization, User: user, Membership: tenant.MembershipOf(e.app, by, id)}
		if user == nil || !user.GetBool("is_active") || !mayWork(t) {
			return facade.Error(http.StatusForbidden, "Whoever asked for this call may not place calls any more")
		}
	}
	if _, problem := dialing.Of(e.app, id).Check(c.GetString("recipient_number")); problem != "" {
		return facade.Invalid(map[string]string{"customer_number": problem})
	}
	return nil
}

// ownRow is a row of the organization, nil when there is none.
func (e *engine) ownRow(t *tenant.Tenant, collection, id string) (*core.Record, error) {
	r, err := database.Found(e.app.FindRecordById(collection, id))
	if err != nil || r == nil || r.GetString("organization") != t.ID() {
		return nil, err
	}
	return r, nil
}

const (
	// A call that nobody was called by may be placed again at once.
	selectJustPlaced = `SELECT id FROM calls INDEXED BY idx_calls_organization_started_at
		WHERE organization = ? AND started_at > ? AND created > ? AND call_type = '` + collections.Outbound + `'
		AND assistant = ? AND recipient_number = ? AND (vapi_call_id != '' OR placing != '') AND placing NOT IN (` + neverPlaced + `) ORDER BY started_at LIMIT 1`
	// While nobody knows, or it waits, the same call is on its way whatever its age.
	selectUnderWay = `SELECT id FROM calls INDEXED BY idx_calls_organization_status_started_at
		WHERE organization = ? AND status = 'queued' AND assistant = ? AND recipient_number = ?
		AND placing IN ('` + collections.PlacingWaiting + `', '` + collections.PlacingUnclear + `') LIMIT 1`
	updatePressed = `UPDATE calls SET created_by = ?, placing = ?, placing_key = ?, placement = ? WHERE id = ?`
)

// neverPlaced are the states of rows nobody was called for: no figure counts them.
const neverPlaced = `'` + collections.PlacingRefused + `', '` +
	collections.PlacingLost + `', '` + collections.PlacingCancelled + `'`

// owedPlacing is the payload of the promise.
type owedPlacing struct {
	Call string `json:"call"`
}

// writePress writes the row and the promise to place it, unless the same press or
// the same call is there already. Two presses at once meet here one after the other.
func (e *engine) writePress(ctx context.Context, p *press) (id string, err error) {
	box, err := e.box()
	if err != nil {
		return "", err
	}
	installation, err := e.Installation() // before the writer's turn: it may have to be written
	if err != nil {
		return "", err
	}
	now := e.Now()
	err = box.Do(context.WithoutCancel(ctx), func(tx *inbox.Tx) (func(), error) {
		id, p.found, p.first, p.otherBody = "", "", "", ""
		if err := p.meet(tx, now); err != nil || p.found != "" || p.first != "" {
			return nil, err
		}
		c := call{ID: collections.NewID(now), Organization: p.organization}
		m := &vapi.Message{
			Type: "placed", Timestamp: now.UnixMilli(),
			Customer:    vapi.MessageCustomer{Number: p.customer, Name: p.body.CustomerName},
			PhoneNumber: vapi.MessagePhoneNumber{Number: p.phone.GetString("phone_number")},
			Call:        &vapi.MessageCall{Type: "outboundPhoneCall", CreatedAt: now},
		}
		after, ch := apply(c, m, p.home)
		after.Assistant, after.PhoneNumber = p.assistant.Id, p.phone.Id
		if err := e.save(tx, c, &after, false, ch, now); err != nil {
			return nil, err
		}
		how, err := encode(placement{Body: p.body.hash(), Mark: mark(installation, after.ID), Name: p.body.CustomerName, By: p.by})
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(updatePressed, p.by, collections.PlacingWaiting, p.key, how, after.ID); err != nil {
			return nil, fmt.Errorf("place a call: %w", err)
		}
		id = after.ID
		return nil, e.Outbox.Add(tx, outbox.Row{
			Organization: p.organization, Kind: placeKind, Key: placeKind + ":" + id, Payload: owedPlacing{id},
		})
	})
	switch {
	case err != nil:
		return "", err
	case p.found != "" && p.otherBody != p.body.hash():
		return "", errOtherBody
	case p.first != "":
		return "", &facade.Failure{
			Status: http.StatusConflict, Text: "You have just called this number with this assistant: say force to call again",
			Extra: map[string]any{"code": "call_just_placed", "call": p.first},
		}
	}
	return cmp.Or(p.found, id), nil
}

// meet looks for the row of the same key, and for the same call a moment ago.
func (p *press) meet(tx *inbox.Tx, now time.Time) error {
	if p.key != "" {
		err := tx.Get(selectPressed, []any{p.organization, p.key}, &p.found, &p.otherBody)
		if err == nil || ignoreMissing(err) != nil {
			return err
		}
	}
	if p.body.Force {
		return nil
	}
	err := tx.Get(selectUnderWay, []any{p.organization, p.assistant.Id, p.customer}, &p.first)
	if err == nil || ignoreMissing(err) != nil {
		return err
	}
	err = tx.Get(selectJustPlaced, []any{
		p.organization, inbox.Date(now.Add(-lookSkew)), inbox.Date(now.Add(-repeatWindow)), p.assistant.Id, p.customer,
	}, &p.first)
	return ignoreMissing(err)
}

// answerPress waits for the provider as long as a person does, and reads what the
// call is by then.
func (e *engine) answerPress(re *core.RequestEvent, id string, err error) (*core.Record, error) {
	if err != nil {
		return nil, err
	}
	select {
	case done := <-e.carry(id):
		if row, ok := done.Val.(string); ok {
			id = row
		}
	case <-e.After(personWaits):
		e.told(id)
	case <-re.Request.Context().Done():
	}
	call, err := database.Found(e.app.FindRecordById(collections.Calls, id))
	if err != nil {
		return nil, err
	}
	if call == nil {
		return nil, facade.Error(http.StatusConflict, "The call was deleted while it was being placed")
	}
	switch call.GetString("placing") {
	case collections.PlacingRefused:
		var how placement
		if err := call.UnmarshalJSONField("placement", &how); err != nil {
			return nil, err
		}
		return nil, &facade.Failure{
			Status: cmp.Or(how.Status, http.StatusBadGateway), Text: cmp.Or(how.Error, wordsLost),
			Extra: map[string]any{"call": call.Id},
		}
	case collections.PlacingLost:
		return nil, &facade.Failure{Status: http.StatusBadGateway, Text: wordsLost, Extra: map[string]any{"call": call.Id}}
	case collections.PlacingCancelled:
		return nil, &facade.Failure{Status: http.StatusConflict, Text: wordsCancelled, Extra: map[string]any{"call": call.Id}}
	}
	return call, nil
}

// told lets the dashboards of an organization look at a call again.
func (e *engine) told(id string) {
	if call, err := e.app.FindRecordById(collections.Calls, id); err == nil {
		e.Hub.Changed(call.GetString("organization"), collections.Calls, id)
	}
}
