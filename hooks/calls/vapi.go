package calls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/calls/vapifacts"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
	"github.com/pocketline/pocketline/providers/vapi"
)

// provider is whose messages about calls come in.
const provider = collections.ProviderVapi

// source is Vapi's door: POST /api/webhooks/vapi (documented: S-332) and AlloKoli's
// POST /functions/v1/webhooks/receive (S-164).
func (e *engine) source() inbox.Source {
	return inbox.Source{
		Provider: provider, Paths: map[string]string{vapicopy.WebhookPath: "", vapicopy.OldWebhookPath: ""}, Rate: e.Rate,
		Received: inbox.Reply{Value: envelope{received{true}}}, Packing: packing,
		Trace:  "SELECT 1 FROM calls WHERE " + table.Has("", provider),
		Verify: e.verify, Read: e.letter,
	}
}

// webhookRoutes describe Vapi's door, by both of its addresses.
func webhookRoutes() []facade.Route {
	r := facade.Route{
		Method: "POST", Path: vapicopy.WebhookPath, Auth: facade.Signature, System: facade.CoreComm, Item: "S-332",
		Summary: "Takes in the messages Vapi sends about calls; proven by X-Vapi-Secret, a bearer token or an HMAC.",
		Body:    `{"message": {"type", "timestamp", "call", …}}, at most 5 MB`,
		Answer: `{"data": {"received": true}}; assistant-request: {"assistantId" | "destination" | "error", "data": {"assistant" | "error"}}; ` +
			`tool-calls: {"results": [{"toolCallId", "name", "result" | "error"}], "data": {"result"}}, always 200; function-call: {"result", "data": {"result"}}`,
		Errors: "401 no valid proof · 413 larger than 5 MB · 429 more than the organization's rate · 503 not stored, send it again",
	}
	old := r
	old.Path, old.System, old.Item = vapicopy.OldWebhookPath, facade.AlloKoli, "S-164"
	return []facade.Route{r, old}
}

// envelope is the answer the old system documented; providers ignore it.
type envelope struct {
	Data any `json:"data"`
}

type received struct {
	Received bool `json:"received"`
}

// verify takes the secret of an organization or of the installation, and where it is
// set up a signature over the body.
func (e *engine) verify(r *http.Request) (keyring.Proof, inbox.Signed, error) {
	proof, err := e.Keyring.Held(provider, vapi.PresentedSecret(r.Header))
	if !errors.Is(err, keyring.ErrUnknown) {
		return proof, nil, err
	}
	now := e.Now()
	if len(e.HMAC.Secrets) == 0 || vapi.CheckSignature(e.HMAC, r.Header, now) != nil {
		return keyring.Proof{}, nil, keyring.ErrUnknown
	}
	return keyring.Proof{}, func(body []byte) (keyring.Proof, error) {
		if vapi.VerifyHMAC(e.HMAC, r.Header, body, now) != nil {
			return keyring.Proof{}, keyring.ErrUnknown
		}
		return keyring.Operator, nil
	}, nil
}

// letter reads one message: whose it is, what it does, and who waits for an answer.
func (e *engine) letter(ctx context.Context, in inbox.Incoming) (*inbox.Letter, error) {
	m, err := vapi.ParseMessage(in.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", inbox.ErrUnread, err)
	}
	p, err := e.owner(ctx, m)
	if err != nil {
		return nil, err
	}
	if ok, err := e.covers(ctx, in.Proof, m, p); err != nil {
		return nil, err
	} else if !ok {
		return nil, inbox.ErrForeign
	}
	p.only = in.Proof.Organization()
	if m.Type == vapi.TypeSpeechUpdate {
		return e.speech(m, p), nil
	}
	now, t := e.Now(), vapifacts.Of(m)
	var own []fold.Event // what we did ourselves to answer it
	l := &inbox.Letter{
		Organization: p.organization,
		Message: func() inbox.Message {
			return inbox.Message{
				Key: m.EventKey(), Type: m.Type, Last: m.Type == vapi.TypeEndOfCallReport, Payload: m.Reduced(),
				Gone: func(tx *inbox.Tx) (bool, error) { return e.gone(tx, t, p, now) },
			}
		},
		Apply: func(tx *inbox.Tx) (func(), error) { return e.applyTo(tx, t, p, own, now) },
	}
	switch m.Type {
	case vapi.TypeAssistantRequest:
		l.Answer = func(ctx context.Context) inbox.Reply {
			numberID, _ := vapifacts.Line(m)
			return inbox.Reply{Value: e.whoAnswers(ctx, numberID, m.Customer.Number).reply()}
		}
	case vapi.TypeToolCalls, vapi.TypeFunctionCall:
		l.Acts = true // twice the same function is a booking made twice
		l.Answer = func(ctx context.Context) (reply inbox.Reply) {
			reply, own = e.answerTools(ctx, m, p)
			return reply
		}
	default:
		if m.NeedsAnswer() {
			l.Answer = func(ctx context.Context) inbox.Reply { return e.answerOther(ctx, m) }
		}
	}
	return l, nil
}

// speech tells who looks on at a call who is speaking.
func (e *engine) speech(m *vapi.Message, p place) *inbox.Letter {
	return &inbox.Letter{Organization: p.organization, Passing: func(ctx context.Context) {
		role, status := vapifacts.Speech(m)
		if role == "" || p.organization == "" {
			return
		}
		call, err := e.knownCall(ctx, vapifacts.Source(m.CallID()))
		if err != nil {
			e.app.Logger().Warn("who speaks in a call is not told", "error", err)
		} else if call.ID != "" && call.Organization == p.organization {
			e.store.Speaks(call.ID, role, status, fold.Instant(m.Timestamp))
		}
	}}
}

// bindAppeared has messages applied that came before what they name: a number that is
// taken over rings before we have its row.
func (e *engine) bindAppeared(collection, field string) {
	appeared := func(tx atomic.Tx, _, after *core.Record) error {
		if id := after.GetString(field); id != "" {
			return e.Doors.Appeared(tx, after.GetString("organization"), provider, id)
		}
		return nil
	}
	for _, when := range []atomic.When{atomic.Created, atomic.Updated} {
		atomic.On(e.app, collection, when, "calls: messages that waited for it are applied", appeared, field)
	}
}

// known has messages applied that came before a call's first and named the call alone.
func known(doors *inbox.Doors) func(tx atomic.Tx, organization string, source fold.Source) error {
	return func(tx atomic.Tx, organization string, source fold.Source) error {
		return doors.Known(tx, organization, inbox.Subject(source))
	}
}

// covers tells whether a proof speaks for everything a message names: number,
// assistant and call.
func (e *engine) covers(ctx context.Context, proof keyring.Proof, m *vapi.Message, p place) (bool, error) {
	if proof.Unlimited() {
		return true, nil
	}
	if !proof.Covers(p.organization) || !proof.Covers(p.other) {
		return false, nil
	}
	call, err := e.knownCall(ctx, vapifacts.Source(m.CallID()))
	return proof.Covers(call.Organization), err
}

// place says whose a message is: our ids, empty where unknown.
type place struct {
	organization, phone, assistant string
	// home is where the organization is, as phone.Read asks for it.
	home string
	// other is the organization of the assistant where that is not the number's.
	other string
	// only is the organization whose rows the message may change; "" is any.
	only string
}

// owner is a place as whoever places calls asks for it.
func (p place) owner() placing.Owner {
	return placing.Owner{Organization: p.organization, Phone: p.phone, Assistant: p.assistant, Home: p.home}
}

// owner finds whose a message is by the number or assistant the call runs on,
// and, when those are gone or transient, by the call we already know.
func (e *engine) owner(ctx context.Context, m *vapi.Message) (place, error) {
	numberID, assistantID := vapifacts.Line(m)
	p, err := e.directory.owner(ctx, numberID, assistantID)
	source := vapifacts.Source(m.CallID())
	if err != nil || p.organization != "" || source.ID == "" {
		return p, err
	}
	call, err := e.findCall(ctx, source)
	if p.organization = call.Organization; p.organization != "" {
		p.home = tenant.HomeOf(e.app, p.organization)
	}
	return p, err
}

// applyTo loads the call of a message, applies it and saves what changed. The
// function it returns tells dashboards.
func (e *engine) applyTo(tx *inbox.Tx, t *fold.Told, p place, own []fold.Event, now time.Time) (func(), error) {
	if p.organization == "" || t.Call.ID == "" {
		return nil, nil // parked, or not about a call
	}
	k, err := store.Recall(tx, t.Call)
	if err != nil {
		return nil, err
	}
	before, found := k.Call, k.Found
	if found && p.only != "" && before.Organization != p.only {
		return nil, nil // begun by another organization since it was asked for
	}
	if !found {
		if before, found, err = e.begin(tx, t, p, before, now); err != nil || before.ID == "" {
			return nil, err
		}
		if found {
			k.Call, k.Found = before, true
		}
	}
	if found && t.Reports() {
		if before, err = reported(tx, before); err != nil {
			return nil, err
		}
	}
	after, ch := fold.Apply(before, t, p.home)
	if after.Organization == p.organization {
		after.Assistant = cmp.Or(after.Assistant, p.assistant)
		after.PhoneNumber = cmp.Or(after.PhoneNumber, p.phone)
	}
	ch.Events = append(k.News(ch.Events), own...)
	if err := e.keepControl(&after, t); err != nil {
		return nil, err
	}
	if found && before.ReportedAt != 0 {
		if err := withoutReported(tx, before, &ch); err != nil {
			return nil, err
		}
	}
	touched, err := e.store.Save(tx, before, &after, found, ch, now)
	if err != nil {
		return nil, err
	}
	if touched {
		store.Forget(tx, after.Source)
	} else {
		k.Remember(tx, after, ch)
	}
	return func() { e.store.Tell(before, after, found, ch) }, nil
}

// begin is the call that a message of one we do not know belongs to: the row of a press
// that waits for it, or a new one, made of what is known. It has no id when late messages
// must not bring it back.
func (e *engine) begin(
	tx *inbox.Tx, t *fold.Told, p place, c fold.Call, now time.Time,
) (_ fold.Call, found bool, err error) {
	if gone, err := e.gone(tx, t, p, now); err != nil || gone {
		return fold.Call{}, false, err
	}
	adopted, found, err := e.placer.Adopted(tx, t, p.owner(), now)
	switch {
	case err != nil:
		return fold.Call{}, false, err
	case found:
		c = adopted
	default:
		c.Organization, c.ID = p.organization, collections.NewID(now)
	}
	return c, found, known(e.Doors)(tx, c.Organization, t.Call)
}

// withoutReported drops lines of a call whose report brought all of them.
func withoutReported(tx *inbox.Tx, c fold.Call, ch *fold.Changes) error {
	if len(ch.Lines) == 0 || ch.Replace {
		return nil
	}
	complete, err := store.HasReportedLines(tx, c.ID)
	if complete {
		ch.Lines = nil
	}
	return err
}

// keepControl remembers, sealed, the addresses that control a running call and
// let it be heard. One that does not lead to the provider is as good as none.
func (e *engine) keepControl(c *fold.Call, t *fold.Told) (err error) {
	if c.Over() {
		return nil
	}
	for _, one := range []struct {
		column, url string
		kept        *string
		check       func(string) error
	}{
		{"control_url", t.ControlURL, &c.ControlURL, e.Vapi.CheckControl},
		{"listen_url", t.ListenURL, &c.ListenURL, e.Vapi.CheckListen},
	} {
		if *one.kept != "" || one.url == "" {
			continue
		}
		if err := one.check(one.url); err != nil {
			e.app.Logger().Warn("a call's address is not kept", "kind", one.column, "call", c.ID, "error", err)
			continue
		}
		if *one.kept, err = e.Sealed.Seal(one.url, sealed.Place(collections.Calls, c.ID, one.column)); err != nil {
			return err
		}
	}
	return nil
}
