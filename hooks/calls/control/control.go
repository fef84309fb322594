// Package control is what people do in a running call: they hang up, have the assistant
// say something, put the caller through, add a line, read what is said (listen.go) and
// hear it (sound.go).
package control

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/dialing"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Deps are what working in a call needs.
type Deps struct {
	Vapi   *vapi.Client
	Hub    *live.Hub
	Sealed *sealed.Box
	Facade *facade.Facade
	Store  *store.Store
	Placer *placing.Placer
	Now    func() time.Time
}

// Control works in calls.
type Control struct {
	Deps
	app     core.App
	hearing hearers
}

// Register binds the dashboard's routes.
func Register(app core.App, d Deps) *Control {
	co := &Control{Deps: d, app: app}
	d.Facade.Handle(facade.Route{
		Method: "POST", Path: "/api/calls/{id}/end", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Hangs up a running call, or takes back one that waits to be placed.", Answer: `{"ended": true}`,
		Errors: "403 viewers may not · 409 the call is over or cannot be controlled · 502 the provider refused",
	}, co.endCall)
	d.Facade.Handle(facade.Route{
		Method: "POST", Path: "/api/calls/{id}/say", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Lets the assistant say something in a running call.",
		Body:    `{"content": "text, at most 1,000 characters"}`, Answer: `{"said": true}`,
		Errors: "400 no text · 403 viewers may not · 409 the call is over or cannot be controlled · " +
			"502 the provider refused",
	}, co.sayInCall)
	d.Facade.Handle(facade.Route{
		Method: "POST", Path: "/api/calls/{id}/transfer", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Puts a running call through to a person: the assistant says so and is out of the call then.",
		Body:    `{"phone_number": "+15551234567", "content": "what the assistant says first, at most 1,000 characters; may be empty"}`,
		Answer:  `{"transferred": true}`,
		Errors: "400 not a number that may be called · 402 the balance is empty · 403 viewers may not · " +
			"409 the call is over or cannot be controlled · 502 the provider refused",
	}, co.transferCall)
	d.Facade.Handle(soundRoute, co.sound)
	return co
}

// endCall is POST /api/calls/{id}/end.
func (co *Control) endCall(re *core.RequestEvent) error {
	call, t, err := lists.CallToWork(co.app, re)
	if err != nil {
		return err
	}
	if err := co.HangUp(re, call, t); err != nil {
		return err
	}
	return facade.JSON(re, http.StatusOK, map[string]bool{"ended": true})
}

// HangUp ends a running call, or takes back one that waits to be placed, for who asked.
func (co *Control) HangUp(re *core.RequestEvent, call *core.Record, t *tenant.Tenant) error {
	switch call.GetString("placing") {
	case collections.PlacingWaiting:
		if err := co.Placer.TakeBack(call); err != nil {
			return err
		}
		now, err := database.Found(co.app.FindRecordById(collections.Calls, call.Id))
		if err != nil {
			return err
		}
		if now == nil || now.GetString("placing") != collections.PlacingCancelled {
			return refusal.Of("call_unclear/asked")
		}
		co.note(re, call, t, "cancel", nil)
		return nil
	case collections.PlacingUnclear:
		return refusal.Of("call_unclear")
	}
	url, err := co.controlURL(call)
	if err != nil {
		return err
	}
	if err := co.Vapi.Calls.End(deed(re), url); err != nil {
		return providerError(err)
	}
	co.note(re, call, t, "end", nil)
	return nil
}

type sayBody struct {
	Content string `json:"content"`
}

// sayInCall is POST /api/calls/{id}/say.
func (co *Control) sayInCall(re *core.RequestEvent) error {
	call, t, err := lists.CallToWork(co.app, re)
	if err != nil {
		return err
	}
	var body sayBody
	if err := re.BindBody(&body); err != nil {
		return refusal.Of("unreadable_body/json")
	}
	if body.Content = strings.TrimSpace(untrusted.CleanText(body.Content)); body.Content == "" ||
		utf8.RuneCountInString(body.Content) > 1000 {
		return refusal.Invalid(map[string]string{"content": "Must have 1 to 1,000 characters"})
	}
	url, err := co.controlURL(call)
	if err != nil {
		return err
	}
	if err := co.Vapi.Calls.Say(deed(re), url, body.Content, false); err != nil {
		return providerError(err)
	}
	co.note(re, call, t, "say", map[string]any{"content": body.Content})
	return facade.JSON(re, http.StatusOK, map[string]bool{"said": true})
}

type transferBody struct {
	PhoneNumber string `json:"phone_number"`
	Content     string `json:"content"`
}

// transferCall is POST /api/calls/{id}/transfer: whom an organization may not call is not
// reached this way either.
func (co *Control) transferCall(re *core.RequestEvent) error {
	call, t, err := lists.CallToWork(co.app, re)
	if err != nil {
		return err
	}
	var body transferBody
	if err := re.BindBody(&body); err != nil {
		return refusal.Of("unreadable_body/json")
	}
	if err := tenant.MaySpend(t.Organization); err != nil {
		return err
	}
	reasons := map[string]string{}
	number, problem := dialing.Of(co.app, t.ID()).Check(body.PhoneNumber)
	if problem != "" {
		reasons["phone_number"] = problem
	}
	if body.Content = strings.TrimSpace(untrusted.CleanText(body.Content)); utf8.RuneCountInString(body.Content) > 1000 {
		reasons["content"] = "Must have at most 1,000 characters"
	}
	if len(reasons) > 0 {
		return refusal.Invalid(reasons)
	}
	url, err := co.controlURL(call)
	if err != nil {
		return err
	}
	to := &vapi.Destination{Type: "number", Number: number}
	if err := co.Vapi.Calls.Transfer(deed(re), url, to, body.Content); err != nil {
		return providerError(err)
	}
	co.note(re, call, t, "transfer", map[string]any{"to": number})
	return facade.JSON(re, http.StatusOK, map[string]bool{"transferred": true})
}

// controlURL opens the address a running call is controlled by.
func (co *Control) controlURL(call *core.Record) (string, error) {
	if store.Of(call).Over() {
		return "", refusal.Of("call_over")
	}
	stored := call.GetString("control_url")
	if stored == "" {
		return "", refusal.Of("call_uncontrolled")
	}
	return co.Sealed.Open(stored, sealed.Place(collections.Calls, call.Id, "control_url"))
}

// Speak brings a line a person added into a running call: the assistant says its own,
// and takes the others into account. A call that cannot be controlled hears nothing.
func (co *Control) Speak(ctx context.Context, call *core.Record, role, content string) error {
	if call.GetString("control_url") == "" {
		return nil
	}
	url, err := co.controlURL(call)
	if err != nil {
		return err
	}
	if role == collections.RoleAssistant {
		err = co.Vapi.Calls.Say(ctx, url, content, false)
	} else {
		err = co.Vapi.Calls.AddMessage(ctx, url, role, content, role == collections.RoleUser)
	}
	if err != nil {
		return providerError(err)
	}
	return nil
}

// deed is the context of something done in a call: once the provider was asked, it is
// done and written down although whoever asked has left.
func deed(re *core.RequestEvent) context.Context { return context.WithoutCancel(re.Request.Context()) }

// note puts what a person did on the call's timeline. The deed is done; failing
// to note it is logged.
func (co *Control) note(re *core.RequestEvent, call *core.Record, t *tenant.Tenant, name string, data map[string]any) {
	if data == nil {
		data = map[string]any{}
	}
	if t.User != nil {
		data["by"] = t.User.GetString("name")
	}
	now := co.Now()
	c := store.Of(call)
	ev := fold.Event{Type: collections.EventControl, Name: name, Key: "control:" + name + ":" + collections.NewID(now),
		Position: fold.At(now), Data: data}
	box, err := inbox.Of(co.app)
	if err == nil {
		err = box.Do(deed(re), func(tx *inbox.Tx) (func(), error) {
			if there, err := store.Stays(tx, c.ID); err != nil || !there {
				return nil, err
			}
			return func() { co.Store.Tell(c, c, true, fold.Changes{Events: []fold.Event{ev}}) },
				store.SaveEvents(tx, c, []fold.Event{ev}, now)
		})
	}
	if err != nil {
		co.app.Logger().Warn("deed in a call not noted", "error", err)
	}
}

// providerError is a refusal of the provider to do something with a call.
func providerError(err error) error {
	if vapi.IsNotFound(err) || errors.Is(err, vapi.ErrCallOver) {
		return refusal.Of("call_over/provider")
	}
	return placing.RefusedBy(err)
}
