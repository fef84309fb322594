// Package assistants keeps the people-made side of a conversation: assistants,
// who answer the phone, and functions, what they can do besides talking.
//
// The rows are the truth. A voice assistant has a copy at Vapi (an assistant),
// every function has one (a tool), and the mirror keeps them equal: vapi.go says
// what a copy is made of, copies.go which requests it takes. An
// assistant names its functions by the ids their copies have, so it is pushed
// again when one of them gets, loses or changes its copy.
//
// Inactive assistants stay mirrored: whether one answers is decided when the
// phone rings. Types other than voice have no copy.
//
// A function's headers are write-only: a client sends them as an object, they
// are sealed, and answers say only that there are some (headers_set).
package assistants

import (
	"context"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/rate"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Deps is what the domain needs.
type Deps struct {
	room.Tools
	Vapi *vapi.Client
	// WebhookSecret is the secret Vapi's messages about an organization carry.
	WebhookSecret func(organization string) (string, error)
	// CheckURL tells whether a function's address may ever be called
	// (providers.Clients.CheckURL).
	CheckURL func(string) error
	// Ready tells that Vapi has a key to be asked with.
	Ready bool
}

// late runs a hook after those of other packages, which may change the
// record's id or refuse the request.
const late = 40

type domain struct {
	Deps
	tries rate.Windows
	app   core.App
	// wait returns when the provider's copy is equal or has failed (mirror.Wait).
	wait func(ctx context.Context, record *core.Record) error
}

// Register binds the domain.
func Register(app core.App, deps Deps) {
	d := &domain{Deps: deps, app: app, wait: deps.Mirror.Wait}

	// What the two old systems' clients ask (documented.go).
	d.Facade.Handle(choicesRoute, serveChoices)
	d.Facade.Handle(tryRoute, d.try) // try.go
	d.Facade.Resources(d.coreComm(), d.alloKoli())

	// What people send (records.go).
	app.OnRecordCreateRequest(collections.Assistants).BindFunc(d.fillNumbersAndFlags)
	app.OnRecordUpdateRequest(collections.Assistants).BindFunc(d.keepUnset)
	app.OnRecordCreate(collections.Assistants).BindFunc(d.fillAssistant)
	app.OnRecordUpdate(collections.Assistants).BindFunc(d.normalizeAssistant)
	app.OnRecordValidate(collections.Assistants).BindFunc(d.validateAssistant)
	app.OnRecordDeleteRequest(collections.Assistants).BindFunc(d.keepUsed)
	app.OnRecordEnrich(collections.Assistants).BindFunc(d.showUnset)
	app.OnRecordEnrich(collections.Assistants).BindFunc(d.showNotSent) // config.go

	// What of it Vapi would refuse (choices.go).
	app.OnRecordEnrich(collections.Assistants).BindFunc(d.showChoices)

	// Functions (functions.go).
	app.OnRecordCreateRequest(collections.Functions).Bind(&hook.Handler[*core.RecordRequestEvent]{Priority: late,
		Func: d.sealHeaders})
	app.OnRecordUpdateRequest(collections.Functions).Bind(&hook.Handler[*core.RecordRequestEvent]{Priority: late,
		Func: d.sealHeaders})
	app.OnRecordCreate(collections.Functions).BindFunc(d.fillFunction)
	app.OnRecordValidate(collections.Functions).BindFunc(d.validateFunction)
	app.OnRecordEnrich(collections.Functions).BindFunc(d.showHeadersSet)

	// Copies at Vapi (copies.go).
	d.Mirror.Add(mirror.Copy{
		Provider: vapicopy.Provider, Collection: collections.Functions, IDField: toolID, Fields: toolFields,
		Desired: d.functionCopy, Clear: []string{"messages"}, Once: []string{"type"},
		Create: d.createFunction, Update: d.updateFunction, Delete: d.Vapi.Tools.Delete, List: d.listFunctions(),
	})
	d.Mirror.Add(mirror.Copy{
		Provider: vapicopy.Provider, Collection: collections.Assistants, IDField: assistantID, Fields: assistantFields,
		Skip:    func(a *core.Record) bool { return a.GetString("type") != "voice" },
		Desired: d.assistantCopy, Clear: clearable, Link: d.link,
		Create: d.createAssistant, Update: d.updateAssistant, Delete: d.Vapi.Assistants.Delete, List: d.listAssistants(),
	})
	atomic.On(app, collections.Functions, atomic.Updated, "assistants: follow a function's copy", d.followFunction)

	// What is told of finished calls (outputs.go).
	d.Mirror.Add(mirror.Copy{
		Provider: vapicopy.Provider, Collection: collections.StructuredOutputs, IDField: outputID, Fields: []string{"name"},
		Desired: outputCopy, Find: d.findOutput, Shared: true,
		Create: d.createOutput, Update: d.updateOutput, Delete: d.Vapi.StructuredOutputs.Delete, List: d.listOutputs,
	})
	atomic.On(app, collections.StructuredOutputs, atomic.Updated, "assistants: name the account's outputs", d.followOutput)
	if d.Ready {
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			if err := ensureOutputs(se.App); err != nil {
				return err
			}
			return se.Next()
		})
	}

	// What calls, and refusals, tell of the copies (gone.go).
	const check = "assistants: make a copy again that Vapi could not use"
	atomic.On(app, collections.Calls, atomic.Created, check, d.checkCopy, "ended_reason")
	atomic.On(app, collections.Calls, atomic.Updated, check, d.checkCopy, "ended_reason")
}
