package calls

import (
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
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
	switch call.GetString("placing") {
	case collections.PlacingWaiting:
		if err := e.takeBack(call); err != nil {
			return err
		}
		if now, err := e.app.FindRecordById(collections.Calls, call.Id); err == nil && now.GetString("placing") == collections.PlacingCancelled {
			e.note(re, call, t, "cancel", nil)
			return nil
		}
		return facade.Error(http.StatusConflict, "The phone provider was just asked to place this call: look again in a moment")
	case collections.PlacingUnclear:
		return facade.Error(http.StatusConflict, "It is not known yet whether this call rings: look again in two minutes")
	}
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
