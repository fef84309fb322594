// Package placing rings numbers: the row comes first, with a promise to place it; the
// provider is asked in work of its own, and what became of asking is looked up when no
// clear answer came (carry.go). Nothing is asked for twice.
package placing

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
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"golang.org/x/sync/singleflight"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/calls/vapifacts"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rate"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
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
	wordsUnclear = "We do not know yet whether it rings"
	wordsWaiting = "The phone provider cannot take the call yet: it waits and is placed as soon as it can be"
)

// Errors are the refusals of both routes that place calls.
const Errors = "409 the assistant or number is not synced yet, or with code call_just_placed and call, the id: " +
	"the same call was placed less than a minute ago, or with placing waiting or unclear: it waits, or it is not " +
	"known yet whether it rings (place it again with force) · 422 the Idempotency-Key placed another call · " +
	"429 too many calls a minute · 502 the provider refused, in its words"

// Body is what a press sends.
type Body struct {
	Assistant      string `json:"assistant"`
	PhoneNumber    string `json:"phone_number"`
	CustomerNumber string `json:"customer_number"`
	CustomerName   string `json:"customer_name"`
	Force          bool   `json:"force"`
}

// hash tells one body from another. Force is how it is asked, not what.
func (b Body) hash() string {
	b.Force = false
	raw, _ := json.Marshal(b) // four texts
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// outboundRate is how many calls a minute one organization may place
// (security.md S40).
const outboundRate = 20

// Deps are what placing calls needs.
type Deps struct {
	Vapi   *vapi.Client
	Hub    *live.Hub
	Outbox *outbox.Outbox
	// Mirror makes an assistant or a number again that the provider does not know any
	// more.
	Mirror *mirror.Mirror
	Facade *facade.Facade
	Store  *store.Store
	// PerMinute is how many calls a minute one organization may place; 0 is outboundRate.
	PerMinute int
	// Installation tells this installation's calls from others' on the same account.
	Installation func() (string, error)
	// Now is the clock, After is how long people wait by.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
	// KeepControl remembers the addresses that control a call; Mend applies a call the
	// provider has finished.
	KeepControl func(*fold.Call, *fold.Told) error
	// Known is told whose a call at the provider is once a row has it.
	Known func(tx atomic.Tx, organization string, source fold.Source) error
	Mend  func(context.Context, *vapi.Call) error
}

// Placer places calls.
type Placer struct {
	Deps
	app     core.App
	pace    *rate.Pace         // calls out
	placing singleflight.Group // calls being placed, by id of the row
	life    context.Context    // ends with the program, a while after it was told to stop
	later   sync.WaitGroup     // steps that are under way
}

// Owner says whose a message of the provider is: our ids, empty where unknown.
type Owner struct {
	Organization, Phone, Assistant string
	// Home is where the organization is, as phone.Read asks for it.
	Home string
}

// Register binds the route and the promise. What is under way when the program stops
// gets a while.
func Register(app core.App, d Deps) *Placer {
	life, cut := context.WithCancel(context.Background())
	pl := &Placer{Deps: d, app: app, pace: rate.NewPace(cmp.Or(d.PerMinute, outboundRate), time.Minute, d.Now), life: life}
	app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		// After the outbox, which begins such work, and before the inbox stops.
		Priority: -1, Func: func(te *core.TerminateEvent) error {
			time.AfterFunc(stopGrace, cut)
			pl.later.Wait()
			cut()
			return te.Next()
		},
	})
	d.Outbox.Handle(placeKind, outbox.Kind{}, pl.keepPlacing) // a call keeps its own times: no Provider
	d.Facade.Handle(facade.Route{
		Method: "POST", Path: "/api/organizations/{organization}/calls", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Places a call: the assistant rings the number.",
		Body:    `{"assistant": "id", "phone_number": "id", "customer_number": "+15551234567", "customer_name": "optional", "force": false}`,
		Query:   "force=true (the same call again within a minute); header Idempotency-Key: one for each call that is wanted",
		Answer: `201 {"id", "vapi_call_id", "status"} · 202 {"id", "vapi_call_id": "", "status", "placing": "waiting|unclear", "message"}: ` +
			`the provider is busy, or it is not known yet whether it rings; the call's row says how it goes on`,
		Errors: "400 a field is wrong · 402 the balance is empty · 403 the role does not allow it · " + Errors,
	}, pl.placeCall)
	return pl
}

// placement is what placing a call needs, and how far it came. It is stored with
// the call and holds no number.
type placement struct {
	Body string `json:"body"`           // the hash of what was asked for
	Mark string `json:"mark"`           // the call's name at the provider, by which it is found there
	Name string `json:"name,omitempty"` // the customer's, until the provider has it
	// By is who pressed, until the provider has the call: it may be removed before.
	By string `json:"by,omitempty"`
	// Gone and GoneNumber are the copies of the assistant and of the number that the
	// provider did not know: they are made again.
	Gone       string `json:"gone,omitempty"`
	GoneNumber string `json:"gone_number,omitempty"`
	// Looks counts how often the provider was looked at in vain; Next is when it is
	// turned to again, in milliseconds since 1970.
	Looks int   `json:"looks,omitempty"`
	Next  int64 `json:"next,omitempty"`
	// Status, Code, Error and Fields are a refusal as it was told.
	Status int               `json:"status,omitempty"`
	Code   string            `json:"code,omitempty"`
	Error  string            `json:"error,omitempty"`
	Fields map[string]string `json:"fields,omitempty"`
}

// press is one wish to place a call, checked.
type press struct {
	body               Body
	key                string // the hash of the Idempotency-Key; "" without one
	assistant, phone   *core.Record
	customer, by       string
	organization, home string
}

// met is what the writer met in a press's place; "" is nothing.
type met struct {
	pressed, body  string // the row of the same key, and the hash of its body
	first, placing string // the same call a moment ago or under way, and its state
}

// placeCall is POST /api/organizations/{organization}/calls.
func (pl *Placer) placeCall(re *core.RequestEvent) error {
	t, err := lists.MayHear(re)
	if err != nil {
		return err
	}
	var body Body
	if err := re.BindBody(&body); err != nil {
		return refusal.Of("unreadable_body/json")
	}
	call, err := pl.Place(re, t, body)
	if err != nil {
		return err
	}
	answer := map[string]string{
		"id": call.Id, "vapi_call_id": call.GetString("vapi_call_id"), "status": call.GetString("status"),
	}
	status, words := Answered(call)
	if words != "" {
		answer["placing"], answer["message"] = call.GetString("placing"), words
	}
	return facade.JSON(re, status, answer)
}

// Answered is how a call is answered that nobody refused.
func Answered(call *core.Record) (status int, words string) {
	switch call.GetString("placing") {
	case collections.PlacingWaiting:
		return http.StatusAccepted, wordsWaiting
	case collections.PlacingUnclear:
		return http.StatusAccepted, wordsUnclear
	}
	return http.StatusCreated, ""
}

// Place rings a number. The row is written first, with a promise to place it; the
// provider is asked in work that does not end with the request (carry). The same
// Idempotency-Key finds the same row, whatever became of it.
func (pl *Placer) Place(re *core.RequestEvent, t *tenant.Tenant, body Body) (*core.Record, error) {
	if !lists.MayWork(t) {
		return nil, refusal.Of("forbidden/placing")
	}
	body.Force = body.Force || re.Request.URL.Query().Get("force") == "true"
	key, err := pressKey(re.Request)
	if err != nil {
		return nil, err
	}
	if id, err := pl.pressed(t.ID(), key, body); id != "" || err != nil {
		return pl.answerPress(re, id, err)
	}
	p, err := pl.checkPress(t, body)
	if err != nil {
		return nil, err
	}
	p.key = key
	id, err := pl.writePress(re.Request.Context(), p)
	return pl.answerPress(re, id, err)
}

// pressKey is the hash of the key a client gave this press.
func pressKey(r *http.Request) (string, error) {
	key := strings.TrimSpace(r.Header.Get("Idempotency-Key"))
	if key == "" {
		return "", nil
	}
	if len(key) > keyMax {
		return "", refusal.Of("invalid_request/idempotency_key")
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]), nil
}

const selectPressed = `SELECT id, coalesce(json_extract(placement, '$.body'), '') FROM calls
	WHERE organization = ? AND placing_key = ? AND placing_key != ''`

// pressed finds the call an earlier request with the key placed.
func (pl *Placer) pressed(organization, key string, body Body) (id string, err error) {
	if key == "" {
		return "", nil
	}
	var hash string
	err = atomic.One(atomic.Of(pl.app), selectPressed, []any{organization, key}, &id, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", pl.deletedPress(organization, key)
	}
	if err == nil && hash != body.hash() {
		return "", refusal.Of("idempotency_key_used")
	}
	return id, err
}

// deletedPress refuses the key of a call that was deleted since.
func (pl *Placer) deletedPress(organization, key string) error {
	there, err := PressMark(organization, key).There(atomic.Of(pl.app))
	if there {
		return refusal.Of("call_deleted/key")
	}
	return err
}

// PressMark is the mark of a press whose call was deleted.
func PressMark(organization, key string) inbox.Event {
	return inbox.Event{Provider: collections.ProviderVapi, Key: "press:" + organization + ":" + key}
}

// checkPress checks who calls whom. Two faults are told in the order of the fields.
func (pl *Placer) checkPress(t *tenant.Tenant, body Body) (*press, error) {
	if err := tenant.MaySpend(t.Organization); err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	p := &press{body: body, organization: t.ID(), by: t.UserID(), home: tenant.HomeOf(pl.app, t.ID())}
	var err error
	if p.assistant, err = pl.ownRow(t, collections.Assistants, body.Assistant); err != nil {
		return nil, err
	}
	if p.assistant == nil {
		reasons["assistant"] = "Pick an assistant of this organization"
	}
	if p.phone, err = pl.ownRow(t, collections.PhoneNumbers, body.PhoneNumber); err != nil {
		return nil, err
	}
	if p.phone == nil {
		reasons["phone_number"] = "Pick a number of this organization"
	}
	customer, problem := dialing.Of(pl.app, t.ID()).Check(body.CustomerNumber)
	if p.customer = customer; problem != "" {
		reasons["customer_number"] = problem
	}
	if utf8.RuneCountInString(body.CustomerName) > 100 {
		reasons["customer_name"] = "Must have at most 100 characters"
	} else if err := untrusted.Line(body.CustomerName); err != nil {
		reasons["customer_name"] = strings.TrimSuffix(err.Error(), ".")
	}
	if len(reasons) > 0 {
		return nil, refusal.Invalid(reasons)
	}
	if p.assistant.GetString("vapi_assistant_id") == "" {
		return nil, unfit("assistant", "not_synced/assistant")
	}
	if p.phone.GetString("vapi_phone_id") == "" {
		return nil, unfit("phone_number", "not_synced/number")
	}
	return p, nil
}

// unfit refuses a call because of what one of its fields names.
func unfit(field, name string) *refusal.Refusal {
	r := refusal.Of(name)
	return r.At(field, r.Text)
}

// mayStill tells why a call that waited may not be placed any more: what the press
// was checked for is checked again, as it is now.
func (pl *Placer) mayStill(c carried) error {
	id := c.GetString("organization")
	organization, err := database.Found(pl.app.FindRecordById(collections.Organizations, id))
	if err != nil {
		return err
	}
	if organization == nil {
		return refusal.Of("organization_deleted")
	}
	if err := tenant.MaySpend(organization); err != nil {
		return err
	}
	if by := cmp.Or(c.By, c.GetString("created_by")); by != "" { // "" is the operator
		user, err := database.Found(pl.app.FindRecordById(collections.Users, by))
		if err != nil {
			return err
		}
		t := &tenant.Tenant{Organization: organization, User: user, Membership: tenant.MembershipOf(pl.app, by, id)}
		if user == nil || !user.GetBool("is_active") || !lists.MayWork(t) {
			return refusal.Of("forbidden/asker")
		}
	}
	if _, problem := dialing.Of(pl.app, id).Check(c.GetString("recipient_number")); problem != "" {
		return refusal.Saying("invalid_request", problem).At("customer_number", strings.TrimSuffix(problem, "."))
	}
	return nil
}

// ownRow is a row of the organization, nil when there is none.
func (pl *Placer) ownRow(t *tenant.Tenant, collection, id string) (*core.Record, error) {
	r, err := database.Found(pl.app.FindRecordById(collection, id))
	if err != nil || r == nil || r.GetString("organization") != t.ID() {
		return nil, err
	}
	return r, nil
}

var (
	// A call that nobody was called by may be placed again at once.
	selectJustPlaced = `SELECT id, placing FROM calls INDEXED BY idx_calls_organization_started_at
		WHERE organization = ? AND started_at > ? AND created > ? AND call_type = '` + collections.Outbound + `'
		AND assistant = ? AND recipient_number = ? AND (` + collections.AtProvider("") + ` OR placing != '')
		AND placing NOT IN (` + lists.NeverPlaced + `) ORDER BY started_at LIMIT 1`
	// While nobody knows, or it waits, the same call is on its way whatever its age.
	selectUnderWay = `SELECT id, placing FROM calls INDEXED BY idx_calls_organization_status_started_at
		WHERE organization = ? AND status = 'queued' AND assistant = ? AND recipient_number = ?
		AND placing IN ('` + collections.PlacingWaiting + `', '` + collections.PlacingUnclear + `') LIMIT 1`
	updatePressed = `UPDATE calls SET created_by = ?, placing = ?, placing_key = ?, placement = ? WHERE id = ?`
)

// owedPlacing is the payload of the promise.
type owedPlacing struct {
	Call string `json:"call"`
}

// writePress writes the row and the promise to place it, unless the same press or
// the same call is there already. Two presses at once meet here one after the other,
// and one that places nothing takes none of the calls a minute.
func (pl *Placer) writePress(ctx context.Context, p *press) (id string, err error) {
	box, err := inbox.Of(pl.app)
	if err != nil {
		return "", err
	}
	installation, err := pl.Installation() // before the writer's turn: it may have to be written
	if err != nil {
		return "", err
	}
	now, there := pl.Now(), met{}
	// Once: what the writer does may be done again.
	allowed := sync.OnceValue(func() bool { return pl.pace.Allow(p.organization) })
	err = box.Do(context.WithoutCancel(ctx), func(tx *inbox.Tx) (_ func(), err error) {
		if there, err = p.meet(tx, now); err != nil || there != (met{}) || !allowed() {
			return nil, err
		}
		c := fold.Call{ID: collections.NewID(now), Organization: p.organization}
		t := outgoing(p.phone.GetString("phone_number"), p.customer, p.body.CustomerName, now, now)
		after, ch := fold.Apply(c, t, p.home)
		after.Assistant, after.PhoneNumber = p.assistant.Id, p.phone.Id
		if _, err := pl.Store.Save(tx, c, &after, false, ch, now); err != nil {
			return nil, err
		}
		how, err := store.Encode(placement{Body: p.body.hash(), Mark: mark(installation, after.ID),
			Name: p.body.CustomerName, By: p.by})
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(updatePressed, p.by, collections.PlacingWaiting, p.key, how, after.ID); err != nil {
			return nil, fmt.Errorf("place a call: %w", err)
		}
		id = after.ID
		return nil, pl.Outbox.Add(tx, outbox.Row{
			Organization: p.organization, Kind: placeKind, Key: placeKind + ":" + id, Payload: owedPlacing{id},
		})
	})
	switch {
	case err != nil:
		return "", err
	case there.pressed != "" && there.body != p.body.hash():
		return "", refusal.Of("idempotency_key_used")
	case there.pressed != "":
		return there.pressed, nil
	case there.first != "":
		return "", there.refusal()
	case !allowed():
		return "", refusal.Of("too_many_requests/calls")
	}
	return id, nil
}

// outgoing is what is known of a call of ours before the provider tells of it.
func outgoing(ours, theirs, name string, began, now time.Time) *fold.Told {
	return &fold.Told{
		Direction: collections.Outbound, Channel: collections.ChannelPhone, Began: fold.At(began), At: fold.At(now),
		Ours: ours, Theirs: theirs, Name: name, Reasons: vapifacts.Reasons{},
	}
}

// refusal tells whoever presses again what is known of the first call.
func (m met) refusal() error {
	var r *refusal.Refusal
	switch m.placing {
	case collections.PlacingWaiting:
		r = refusal.Of("call_just_placed/waiting").Beside("placing", m.placing)
	case collections.PlacingUnclear:
		r = refusal.Of("call_just_placed/unclear").Beside("placing", m.placing)
	default:
		r = refusal.Of("call_just_placed")
	}
	return r.Beside("call", m.first)
}

// meet looks for the row of the same key, and for the same call a moment ago.
func (p *press) meet(tx *inbox.Tx, now time.Time) (m met, err error) {
	if p.key != "" {
		err := tx.Get(selectPressed, []any{p.organization, p.key}, &m.pressed, &m.body)
		if err == nil || rows.IgnoreMissing(err) != nil {
			return m, err
		}
	}
	if p.body.Force {
		return m, nil
	}
	err = tx.Get(selectUnderWay, []any{p.organization, p.assistant.Id, p.customer}, &m.first, &m.placing)
	if err == nil || rows.IgnoreMissing(err) != nil {
		return m, err
	}
	err = tx.Get(selectJustPlaced, []any{
		p.organization, rows.Stamp(now.Add(-lookSkew)), rows.Stamp(now.Add(-repeatWindow)), p.assistant.Id, p.customer,
	}, &m.first, &m.placing)
	return m, rows.IgnoreMissing(err)
}

// answerPress waits for the provider as long as a person does, and reads what the
// call is by then.
func (pl *Placer) answerPress(re *core.RequestEvent, id string, err error) (*core.Record, error) {
	if err != nil {
		return nil, err
	}
	left := false
	select {
	case done := <-pl.carry(id):
		if row, ok := done.Val.(string); ok {
			id = row
		}
	case <-pl.After(personWaits):
		left = true
	case <-re.Request.Context().Done():
	}
	call, err := database.Found(pl.app.FindRecordById(collections.Calls, id))
	if err != nil {
		return nil, err
	}
	if call == nil {
		return nil, refusal.Of("call_deleted")
	}
	if left {
		pl.changed(call)
	}
	switch call.GetString("placing") {
	case collections.PlacingRefused:
		var how placement
		if err := call.UnmarshalJSONField("placement", &how); err != nil {
			return nil, err
		}
		r := refusal.Of("provider_failed/lost")
		if how.Error != "" {
			r = &refusal.Refusal{Status: cmp.Or(how.Status, http.StatusBadGateway), Code: how.Code, Text: how.Error}
		}
		if how.Fields != nil {
			r.Details = how.Fields
		}
		return nil, r.Beside("call", call.Id)
	case collections.PlacingLost:
		return nil, refusal.Of("provider_failed/lost").Beside("call", call.Id)
	case collections.PlacingCancelled:
		return nil, refusal.Of("call_cancelled").Beside("call", call.Id)
	}
	return call, nil
}

// changed lets the dashboards of an organization look at a call again.
func (pl *Placer) changed(call *core.Record) {
	pl.Hub.Changed(call.GetString("organization"), collections.Calls, call.Id)
}

// RefusedBy is a failure at the provider: its words, or that it gave no answer.
func RefusedBy(err error) *refusal.Refusal {
	var refused *vapi.Error
	switch told := errors.As(err, &refused); {
	case vapi.IsRateLimited(err):
		return refusal.Of("too_many_requests/provider")
	case told && refused.Status == 0:
		return refusal.Of("provider_failed/silent")
	}
	return refusal.Of("provider_failed/refused", rows.Clip(err.Error(), 300))
}
