// Package numbers keeps the phone numbers people ring.
//
// The row is the truth. A number has a copy at Vapi, which carries our server
// and no assistant: when it rings Vapi asks us who answers, so a new assignment
// takes effect with the next call and needs no request. If we cannot be asked,
// Vapi connects the caller to the number's fallback.
//
// Where a number comes from is its provider: a free one from Vapi (its digits
// arrive with the answer, sometimes minutes later), one imported from Twilio,
// Vonage or Telnyx, or a SIP trunk. A row of provider "other" is a note and has
// no copy. Deleting a row releases the number at Vapi first; an imported one
// stays with its carrier.
//
// A Twilio token is write-only: sealed when it comes in, opened only for the
// import (twilio_auth_token_set tells that there is one).
package numbers

import (
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Deps is what the domain needs.
type Deps struct {
	room.Tools
	Vapi *vapi.Client
	// WebhookSecret is the secret Vapi's messages carry.
	WebhookSecret func(organization string) (string, error)
}

// late runs a hook after those of other packages, which may change the
// record's id or refuse the request.
const late = 40

type domain struct {
	Deps
	app core.App
}

// Register binds the domain.
func Register(app core.App, deps Deps) {
	d := &domain{Deps: deps, app: app}

	// What people send (records.go).
	app.OnRecordCreateRequest(collections.PhoneNumbers).Bind(&hook.Handler[*core.RecordRequestEvent]{Priority: late,
		Func: d.createRequest})
	app.OnRecordUpdateRequest(collections.PhoneNumbers).Bind(&hook.Handler[*core.RecordRequestEvent]{Priority: late,
		Func: d.sealToken})
	app.OnRecordCreate(collections.PhoneNumbers).BindFunc(d.fill)
	app.OnRecordUpdate(collections.PhoneNumbers).BindFunc(d.normalize)
	app.OnRecordValidate(collections.PhoneNumbers).BindFunc(d.validate)
	app.OnRecordEnrich(collections.PhoneNumbers).BindFunc(d.showTokenSet)

	// Copies at Vapi (copies.go).
	d.Mirror.Add(mirror.Copy{
		Provider: vapicopy.Provider, Collection: collections.PhoneNumbers, IDField: phoneID, Fields: fields,
		Skip:    func(n *core.Record) bool { return n.GetString("provider") == "other" },
		Desired: d.copyOf, Clear: clearable, Once: once, Keep: true,
		Create: d.create, Update: d.update, Delete: d.Vapi.PhoneNumbers.Delete, List: d.list(),
	})
	d.Schedule.Add(schedule.Job{ID: "numbers.activate", Spec: "* * * * *", Run: d.activate})
}
