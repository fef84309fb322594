package calls

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
	"github.com/pocketline/pocketline/providers/vapi"
)

// provider is the name of Vapi among providers.
const provider = "vapi"

// webhookRoute binds POST /api/webhooks/vapi (documented: S-332) and AlloKoli's
// POST /functions/v1/webhooks/receive (S-164).
// No user signs these in, no request log is written, and PocketBase's per-address
// limiter does not see them: all of an account's calls come from few addresses.
func (e *engine) webhookRoute(se *core.ServeEvent) {
	for _, path := range []string{"/api/webhooks/vapi", "/functions/v1/webhooks/receive"} {
		e.Door.Opens(se.Router.POST(path, e.receive).Unbind(apis.DefaultActivityLoggerMiddlewareId,
			apis.DefaultRateLimitMiddlewareId, apis.DefaultLoadAuthTokenMiddlewareId))
	}
}

// envelope is the answer the old system documented; providers ignore it.
type envelope struct {
	Data any `json:"data"`
}

type received struct {
	Received bool `json:"received"`
}

// receive takes one message in and counts what became of it.
func (e *engine) receive(re *core.RequestEvent) error {
	err := e.take(re)
	// What strangers send is no message: it must not hide that others are refused.
	if status := vitals.StatusOf(re, err); status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		e.vitals.Messages.Note(status)
	}
	return err
}

// take looks at the header, reads and verifies the raw bytes, then answers or
// stores.
func (e *engine) take(re *core.RequestEvent) error {
	now := time.Now()
	proof, err := e.proof(re.Request.Header)
	known := err == nil
	if err != nil && !errors.Is(err, keyring.ErrUnknown) {
		return e.busy(re, err)
	}
	if !known && (len(e.HMAC.Secrets) == 0 || vapi.CheckSignature(e.HMAC, re.Request.Header, now) != nil) {
		return e.refuse(re) // without having read what a stranger sends
	}
	arrival := e.expect()
	defer arrival.Done()
	body, done, err := e.Door.Read(re.Request, known)
	if err != nil {
		return unread(re, err)
	}
	defer done()
	if !known {
		if vapi.VerifyHMAC(e.HMAC, re.Request.Header, body, now) != nil {
			return e.refuse(re)
		}
		proof = keyring.Operator
	}
	m, err := vapi.ParseMessage(body)
	if err != nil {
		if !e.pace.allow(proof.Organization(), now) {
			return tooMany(re)
		}
		return e.keepUnread(re, proof, body)
	}
	ctx := re.Request.Context()
	place, err := e.owner(ctx, m)
	if err != nil {
		return e.busy(re, err)
	}
	if ok, err := e.covers(ctx, proof, m, place); err != nil {
		return e.busy(re, err)
	} else if !ok {
		e.app.Logger().Warn("a message speaks of another organization than its secret does", "organization", proof.Organization(), "type", clip(m.Type, 100))
		return e.refuse(re)
	}
	place.only = proof.Organization()
	if !e.pace.allow(cmp.Or(place.organization, proof.Organization()), now) {
		return tooMany(re)
	}
	if m.NeedsAnswer() {
		arrival.Done() // answered first, stored after
	}
	switch m.Type {
	case vapi.TypeAssistantRequest:
		return e.answerRequest(re, m, place)
	case vapi.TypeToolCalls, vapi.TypeFunctionCall:
		return e.answerTools(re, m, place)
	case vapi.TypeTransferDestinationRequest, vapi.TypeHandoffDestinationRequest, vapi.TypeKnowledgeBaseRequest,
		vapi.TypeCampaignPredial, vapi.TypeCallEndpointingRequest:
		return e.answerOther(re, m, place)
	case vapi.TypeVoiceRequest:
		return e.answerVoice(re, m, place)
	}
	if !slices.Contains(vapi.ServerMessages, m.Type) && !slices.Contains(vapi.RequestMessages, m.Type) {
		e.unknown.Add(1)
	}
	if _, err := e.store(ctx, m, place, nil, arrival); err != nil {
		return e.busy(re, err)
	}
	return re.JSON(http.StatusOK, envelope{received{true}})
}

// proof looks at the head of a message alone: whose secret it carries.
func (e *engine) proof(header http.Header) (keyring.Proof, error) {
	return e.Keyring.Held(provider, vapi.PresentedSecret(header))
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
	owner, err := e.knownOwner(ctx, m.CallID())
	return proof.Covers(owner), err
}

// refuse counts a message without proof; nothing of it is stored.
func (e *engine) refuse(re *core.RequestEvent) error {
	e.refused.Add(1)
	intake.StopReading(re)
	return refusal.Answer(re, http.StatusUnauthorized, "The message does not carry a valid secret or signature.")
}

// busy tells the provider to try again.
func (e *engine) busy(re *core.RequestEvent, err error) error {
	e.untaken(err)
	e.app.Logger().Warn("provider message not taken in", "error", err)
	re.Response.Header().Set("Retry-After", "1")
	return refusal.Answer(re, http.StatusServiceUnavailable, "The message could not be stored; send it again.")
}

// untaken keeps why a message was not taken in; health says it.
func (e *engine) untaken(err error) {
	e.vitals.Messages.Because(err)
	if vitals.Damaged(err) {
		e.vitals.Found("data.db", vitals.Remedy(err.Error()))
	}
}

// tooMany tells the provider to slow down.
func tooMany(re *core.RequestEvent) error {
	re.Response.Header().Set("Retry-After", "1")
	return refusal.Answer(re, http.StatusTooManyRequests, "Too many messages a second for this organization.")
}

// unread answers for a message that was not taken in.
func unread(re *core.RequestEvent, err error) error {
	intake.StopReading(re)
	switch {
	case errors.Is(err, intake.ErrTooLarge):
		return refusal.Answer(re, http.StatusRequestEntityTooLarge, "The message is too large.")
	case errors.Is(err, intake.ErrBusy):
		re.Response.Header().Set("Retry-After", intake.RetryAfter)
		return refusal.Answer(re, http.StatusServiceUnavailable, "Too many messages are being taken in; send it again.")
	}
	return refusal.Answer(re, http.StatusBadRequest, "The message could not be read.")
}

// unreadKept is how much is kept of a body nobody can read, to see what it is.
const unreadKept = 64 << 10

// keepUnread stores the beginning of a signed body that is not a message we can
// read, sealed, because nobody knows what is in it. The key is the hash of all
// of it.
func (e *engine) keepUnread(re *core.RequestEvent, proof keyring.Proof, body []byte) error {
	sum := sha256.Sum256(body)
	key := "unread:" + hex.EncodeToString(sum[:])
	text, err := e.Sealed.Seal(base64.StdEncoding.EncodeToString(body[:min(len(body), unreadKept)]), sealed.Place(collections.ProviderEvents, key, "payload"))
	if err != nil {
		return e.busy(re, err)
	}
	box, err := e.box()
	if err != nil {
		return e.busy(re, err)
	}
	e.unknown.Add(1)
	m := inbox.Message{Provider: provider, Key: key, Type: "unread", Organization: proof.Organization(), Parked: true, Payload: []byte(text)}
	if _, err := box.Store(re.Request.Context(), m, nil); err != nil {
		return e.busy(re, err)
	}
	return re.JSON(http.StatusOK, envelope{received{true}})
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

// owner finds whose a message is by the number or assistant the call runs on,
// and, when those are gone or transient, by the call we already know.
func (e *engine) owner(ctx context.Context, m *vapi.Message) (place, error) {
	phoneID, assistantID := m.PhoneNumber.ID, ""
	if m.Call != nil {
		if m.Call.PhoneNumberID != "" {
			phoneID = m.Call.PhoneNumberID
		}
		assistantID = m.Call.AssistantID
	}
	if assistantID == "" {
		assistantID = m.AssistantID
	}
	if assistantID == "" {
		assistantID = m.Assistant.ID
	}
	switch {
	case m.Chat != nil && assistantID == "":
		assistantID = m.Chat.AssistantID
	case m.Session != nil && assistantID == "":
		assistantID = m.Session.AssistantID
	}
	p, err := e.directory.owner(ctx, phoneID, assistantID)
	if err != nil || p.organization != "" || m.CallID() == "" {
		return p, err
	}
	if p.organization, err = e.ownerOfCall(ctx, m.CallID()); p.organization != "" {
		p.home = tenant.HomeOf(e.app, p.organization)
	}
	return p, err
}

// expect tells the writer that a message is being read.
func (e *engine) expect() *inbox.Arrival {
	box, err := e.box()
	if err != nil {
		return nil // storing says why
	}
	return box.Expect()
}

// store keeps a message and applies it. events are what we did ourselves to
// answer it; arrival, when not nil, ends once the message is queued.
func (e *engine) store(ctx context.Context, m *vapi.Message, p place, events []event, arrival *inbox.Arrival) (inbox.Result, error) {
	box, err := e.box()
	if err != nil {
		return inbox.Result{}, err
	}
	now := time.Now()
	message := inbox.Message{
		Provider: provider, Key: m.EventKey(), Type: clip(m.Type, 100), Payload: m.Reduced(), ReceivedAt: now, Arrival: arrival,
		// What belongs to nobody waits with whom the secret speaks for.
		Organization: cmp.Or(p.organization, p.only), Parked: p.organization == "",
		Gone: func(tx *inbox.Tx) (bool, error) { return e.gone(tx, m, p, now) },
	}
	// The writer must not depend on the sender's patience.
	return box.Store(context.WithoutCancel(ctx), message, func(tx *inbox.Tx) (func(), error) {
		return e.applyTo(tx, m, p, events, now)
	})
}

// applyTo loads the call of a message, applies it and saves what changed. The
// function it returns tells dashboards.
func (e *engine) applyTo(tx *inbox.Tx, m *vapi.Message, p place, own []event, now time.Time) (func(), error) {
	if p.organization == "" || m.CallID() == "" || m.Call == nil {
		return nil, nil // parked, or not about a call
	}
	k, err := recall(tx, m.CallID())
	if err != nil {
		return nil, err
	}
	before, found := k.call, k.found
	if found && p.only != "" && before.Organization != p.only {
		return nil, nil // begun by another organization since it was asked for
	}
	if !found {
		if gone, err := e.gone(tx, m, p, now); err != nil || gone {
			return nil, err // late messages do not bring it back
		}
		if adopted, is, err := e.adopted(tx, m, p, now); err != nil {
			return nil, err
		} else if is {
			before, found = adopted, true
			k.call, k.found = adopted, true
		} else {
			before.Organization, before.ID = p.organization, collections.NewID(now)
		}
	}
	if m.Type == vapi.TypeEndOfCallReport && found {
		if before, err = reported(tx, before); err != nil {
			return nil, err
		}
	}
	after, ch := apply(before, m, p.home)
	if after.Organization == p.organization {
		fill(&after.Assistant, p.assistant)
		fill(&after.PhoneNumber, p.phone)
	}
	ch.events = append(k.news(ch.events), own...)
	if err := e.keepControl(&after, m); err != nil {
		return nil, err
	}
	if m.Type == vapi.TypeTranscript && found && before.ReportedAt != 0 {
		if complete, err := hasReportedLines(tx, before.ID); err != nil {
			return nil, err
		} else if complete {
			ch.lines = nil
		}
	}
	if err := e.save(tx, before, &after, found, ch, now); err != nil {
		return nil, err
	}
	if _, followed := e.followed(before, after, found); followed {
		tx.Forget(after.VapiID) // what followed may have changed the row
	} else {
		k.remember(tx, after, ch)
	}
	return func() { e.tell(before, after, found, ch) }, nil
}

// keepControl remembers, sealed, the addresses that control a running call and
// let it be heard. One that does not lead to the provider is as good as none.
func (e *engine) keepControl(c *call, m *vapi.Message) (err error) {
	if c.over() {
		return nil
	}
	for _, one := range []struct {
		column, url string
		kept        *string
		check       func(string) error
	}{
		{"control_url", m.Call.Monitor.ControlURL, &c.ControlURL, e.Vapi.CheckControl},
		{"listen_url", m.Call.Monitor.ListenURL, &c.ListenURL, e.Vapi.CheckListen},
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
