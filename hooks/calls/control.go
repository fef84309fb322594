package calls

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
	"github.com/pocketline/pocketline/providers/vapi"
)

// endCall is POST /api/calls/{id}/end and the functions' twin.
func (e *engine) endCall(re *core.RequestEvent) error {
	call, t, err := e.workCall(re)
	if err != nil {
		return err
	}
	if err := e.hangUp(re, call, t); err != nil {
		return err
	}
	return re.JSON(http.StatusOK, map[string]bool{"ended": true})
}

func (e *engine) hangUp(re *core.RequestEvent, call *core.Record, t *tenant.Tenant) error {
	url, err := e.controlURL(call)
	if err != nil {
		return err
	}
	if err := e.Vapi.Calls.End(re.Request.Context(), url); err != nil {
		return providerError(err)
	}
	e.note(re, call, t, "end", nil)
	return nil
}

type sayBody struct {
	Content string `json:"content"`
}

// sayInCall is POST /api/calls/{id}/say.
func (e *engine) sayInCall(re *core.RequestEvent) error {
	call, t, err := e.workCall(re)
	if err != nil {
		return err
	}
	var body sayBody
	if err := re.BindBody(&body); err != nil {
		return facade.Error(http.StatusBadRequest, "The body is not the JSON this route takes")
	}
	if body.Content = strings.TrimSpace(untrusted.CleanText(body.Content)); body.Content == "" || utf8.RuneCountInString(body.Content) > 1000 {
		return facade.Invalid(map[string]string{"content": "Must have 1 to 1,000 characters"})
	}
	url, err := e.controlURL(call)
	if err != nil {
		return err
	}
	if err := e.Vapi.Calls.Say(re.Request.Context(), url, body.Content, false); err != nil {
		return providerError(err)
	}
	e.note(re, call, t, "say", map[string]any{"content": body.Content})
	return re.JSON(http.StatusOK, map[string]bool{"said": true})
}

func isOver(r *core.Record) bool { return fromRecord(r).over() }

// controlURL opens the address a running call is controlled by.
func (e *engine) controlURL(call *core.Record) (string, error) {
	if isOver(call) {
		return "", facade.Error(http.StatusConflict, "The call is over")
	}
	stored := call.GetString("control_url")
	if stored == "" {
		return "", facade.Error(http.StatusConflict, "This call cannot be controlled yet")
	}
	return e.Sealed.Open(stored, sealed.Place(collections.Calls, call.Id, "control_url"))
}

// note puts what a person did on the call's timeline. The deed is done; failing
// to note it is logged.
func (e *engine) note(re *core.RequestEvent, call *core.Record, t *tenant.Tenant, name string, data map[string]any) {
	if data == nil {
		data = map[string]any{}
	}
	if t.User != nil {
		data["by"] = t.User.GetString("name")
	}
	now := time.Now()
	c := fromRecord(call)
	ev := event{Type: collections.EventControl, Name: name, Key: "control:" + name + ":" + collections.NewID(now), Position: at(now), Data: data}
	box, err := e.box()
	if err == nil {
		err = box.Do(re.Request.Context(), func(tx *inbox.Tx) (func(), error) {
			if there, err := stays(tx, c.ID); err != nil || !there {
				return nil, err
			}
			return func() { e.tell(c, c, true, changes{events: []event{ev}}) }, saveEvents(tx, c, []event{ev}, now)
		})
	}
	if err != nil {
		e.app.Logger().Warn("deed in a call not noted", "error", err)
	}
}

// fromRecord is what telling and noting need of a call.
func fromRecord(r *core.Record) call {
	return call{ID: r.Id, Organization: r.GetString("organization"), Status: r.GetString("status"), Summary: r.GetString("summary")}
}

// providerError is a refusal of the provider in its own words.
func providerError(err error) error {
	switch {
	case vapi.IsRateLimited(err):
		return facade.Error(http.StatusTooManyRequests, "The phone provider is busy: try again in a moment")
	case vapi.IsNotFound(err), errors.Is(err, vapi.ErrCallOver):
		return facade.Error(http.StatusConflict, "The phone provider no longer has this call")
	}
	return facade.Error(http.StatusBadGateway, "The phone provider refused: "+clip(err.Error(), 300))
}

type placeBody struct {
	Assistant      string `json:"assistant"`
	PhoneNumber    string `json:"phone_number"`
	CustomerNumber string `json:"customer_number"`
	CustomerName   string `json:"customer_name"`
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
	return re.JSON(http.StatusCreated, map[string]string{"id": call.ID, "vapi_call_id": call.VapiID, "status": call.Status})
}

// place rings a number. The call's row is written after the provider has taken
// it, by the provider's id: whichever comes first, this or the call's first
// message, there is one row.
func (e *engine) place(re *core.RequestEvent, t *tenant.Tenant, body placeBody) (call, error) {
	if !mayWork(t) {
		return call{}, facade.Error(http.StatusForbidden, "Your role does not allow placing calls")
	}
	if t.Organization.GetString("status") != collections.OrganizationActive {
		return call{}, facade.Error(http.StatusForbidden, "This organization is not active: it cannot place calls")
	}
	if t.Organization.GetString("balance_state") == collections.BalanceEmpty {
		return call{}, facade.Error(http.StatusPaymentRequired, "The balance is empty: top up to place calls")
	}
	reasons := map[string]string{}
	assistant := e.ownRow(t, collections.Assistants, body.Assistant)
	if assistant == nil {
		reasons["assistant"] = "Pick an assistant of this organization"
	}
	number := e.ownRow(t, collections.PhoneNumbers, body.PhoneNumber)
	if number == nil {
		reasons["phone_number"] = "Pick a number of this organization"
	}
	customer, problem := dialing.Of(e.app, t.ID()).Check(body.CustomerNumber)
	if problem != "" {
		reasons["customer_number"] = problem
	}
	if utf8.RuneCountInString(body.CustomerName) > 100 {
		reasons["customer_name"] = "Must have at most 100 characters"
	} else if err := untrusted.Line(body.CustomerName); err != nil {
		reasons["customer_name"] = strings.TrimSuffix(err.Error(), ".")
	}
	if len(reasons) > 0 {
		return call{}, facade.Invalid(reasons)
	}
	if !e.outbound.allow(t.ID(), time.Now()) {
		return call{}, facade.Error(http.StatusTooManyRequests, "Too many calls a minute: wait a moment")
	}
	if assistant.GetString("vapi_assistant_id") == "" || number.GetString("vapi_phone_id") == "" {
		return call{}, facade.Error(http.StatusConflict, "The assistant or the number is not at the phone provider yet: see its sync status")
	}
	placed, err := e.Vapi.Calls.Create(re.Request.Context(), &vapi.CallDTO{
		AssistantID: assistant.GetString("vapi_assistant_id"), PhoneNumberID: number.GetString("vapi_phone_id"),
		Customer: &vapi.Customer{Number: customer, Name: body.CustomerName},
	})
	if err != nil {
		return call{}, providerError(err)
	}
	return e.record(re, t, assistant, number, customer, body.CustomerName, placed)
}

func (e *engine) ownRow(t *tenant.Tenant, collection, id string) *core.Record {
	r, err := e.app.FindRecordById(collection, id)
	if err != nil || r.GetString("organization") != t.ID() {
		return nil
	}
	return r
}

// record writes the row of a call the provider took.
func (e *engine) record(re *core.RequestEvent, t *tenant.Tenant, assistant, number *core.Record, customer, name string, placed *vapi.Call) (call, error) {
	box, err := e.box()
	if err != nil {
		return call{}, err
	}
	now, home := time.Now(), tenant.HomeOf(e.app, t.ID())
	var after call
	// The phone rings already: the row is written although the person left.
	err = box.Do(context.WithoutCancel(re.Request.Context()), func(tx *inbox.Tx) (func(), error) {
		before, found, err := load(tx, placed.ID)
		if err != nil {
			return nil, err
		}
		if !found {
			before.Organization, before.ID = t.ID(), collections.NewID(now)
		}
		m := &vapi.Message{
			Type: "placed", Timestamp: now.UnixMilli(), Customer: vapi.MessageCustomer{Number: customer, Name: name},
			PhoneNumber: vapi.MessagePhoneNumber{Number: number.GetString("phone_number")},
			Call:        &vapi.MessageCall{ID: placed.ID, Type: "outboundPhoneCall", CreatedAt: placed.CreatedAt.Time, Monitor: placed.Monitor},
		}
		var ch changes
		after, ch = apply(before, m, home)
		fill(&after.Assistant, assistant.Id)
		fill(&after.PhoneNumber, number.Id)
		if err := e.keepControl(&after, m); err != nil {
			return nil, err
		}
		if err := e.save(tx, before, &after, found, ch, now); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(`UPDATE calls SET created_by = ? WHERE id = ?`, t.UserID(), after.ID); err != nil {
			return nil, err
		}
		return func() { e.tell(before, after, found, ch) }, nil
	})
	return after, err
}
