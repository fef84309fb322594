package identity

import (
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Sentences with which an organization turns a member away.
const (
	foreignAddress = "This organization can be reached from certain networks only, and yours is not one of them."
	factorMissing  = "This organization asks for a second factor. Set one up, or sign in again with it."
	otherWay       = "This organization does not take the way you signed in. Sign out, and sign in again in one of its ways."
)

// programWords are the same for programs: the dashboard says what to do next by them.
var programWords = map[string]string{
	foreignAddress: "foreign_network", factorMissing: "factor_missing", otherWay: "other_sign_in",
}

// turnedAway is the gate's error.
type turnedAway struct{ *router.ApiError }

// Unwrap is how the answer's writers find the status.
func (t turnedAway) Unwrap() error { return t.ApiError }

// Word stands for the sentence in the answers of the documented routes.
func (t turnedAway) Word() string { return programWords[t.Message] }

// Gate tells whether the request may touch an organization's rows: with a session
// or key that still stands, which a long answer can outlive, from where the caller
// is, with the factors the session has and in the way it began. The error is a 401,
// or a 403 with a sentence for the caller. Who the caller is to the organization is
// not asked here. Superusers pass.
func (i *Identity) Gate(e *core.RequestEvent, organization string) error {
	if person(e.Auth) {
		if stands, err := i.stands(e.App, e.Auth, proofOf(e.Auth)); err != nil {
			return e.InternalServerError("", err)
		} else if !stands {
			return e.UnauthorizedError("Sign in again.", nil)
		}
	}
	if sentence := i.closed(e.App, e.Auth, organization); sentence != "" {
		return turnedAway{e.ForbiddenError(sentence, nil)}
	}
	return nil
}

// closed is the sentence with which an organization turns a person away, or "".
func (i *Identity) closed(app core.App, caller *core.Record, organization string) string {
	if organization == "" || !person(caller) {
		return ""
	}
	s, p := i.SettingsOf(app, organization), proofOf(caller)
	switch {
	case !s.Admits(p.address):
		return foreignAddress
	case s.TwoFactor && !i.factor(app, caller, p):
		return factorMissing
	case len(s.Methods) > 0 && p.key == "" && !s.Takes(i.method(app, p)):
		return otherWay
	}
	return ""
}

// hides is the sentence with which a row is kept from a person, or "". The own
// membership is seen in any case: it says where one belongs.
func (i *Identity) hides(app core.App, caller, row *core.Record) string {
	if !person(caller) || row.Collection().Name == collections.Memberships && row.GetString("user") == caller.Id {
		return ""
	}
	return i.closed(app, caller, collections.OrganizationOf(row))
}

// bindNetworks asks the gate wherever PocketBase itself hands out rows; our
// own routes ask it through tenant, and so does every list, before its query.
func (i *Identity) bindNetworks() {
	// A row behind the gate is answered like one that does not exist, or the
	// status would tell which there are. tenant told the caller's own
	// organization's sentence before the row was looked for.
	one := func(e *core.RecordRequestEvent) error {
		if i.hides(e.App, e.Auth, e.Record) != "" {
			return e.NotFoundError("", nil)
		}
		return e.Next()
	}
	i.app.OnRecordViewRequest().BindFunc(one)
	i.app.OnRecordUpdateRequest().BindFunc(one)
	i.app.OnRecordDeleteRequest().BindFunc(one)
	i.app.OnRecordCreateRequest().BindFunc(func(e *core.RecordRequestEvent) error {
		if err := i.Gate(e.RequestEvent, collections.OrganizationOf(e.Record)); err != nil {
			return err
		}
		return e.Next()
	})
	i.app.OnRecordEnrich().Bind(&hook.Handler[*core.RecordEnrichEvent]{
		Id: "pocketlineGate", Priority: -200, Func: i.enrich, // before anything adds to the row
	})
	i.app.OnFileDownloadRequest().BindFunc(i.download)
	i.app.OnRealtimeConnectRequest().BindFunc(func(e *core.RealtimeConnectRequestEvent) error {
		e.Client = stream{e.Client}
		return e.Next()
	})
	i.app.OnRealtimeSubscribeRequest().Bind(&hook.Handler[*core.RealtimeSubscribeRequestEvent]{
		Id: "pocketlineGate", Priority: -10, Func: i.subscribe, // before the hub says which calls there are
	})
	i.app.OnRealtimeMessageSend().BindFunc(i.send)
}

// enrich asks the gate about every row that leaves, of lists, views, answers to
// sign-ins and streams. An expanded row behind it is emptied, so that PocketBase
// neither finds a place for it nor looks for what hangs on it. Other rows were
// asked about before they got here; what is refused here was forgotten there.
func (i *Identity) enrich(e *core.RecordEnrichEvent) error {
	// i.app: the memory is not believed inside the transaction of a change.
	sentence := i.hides(i.app, e.RequestInfo.Auth, e.Record)
	switch {
	case sentence == "":
		i.sayClosed(e.RequestInfo.Auth, e.Record)
	case e.RequestInfo.Context == core.RequestInfoContextExpand:
		*e.Record = *core.NewRecord(e.Record.Collection())
	default:
		return router.NewForbiddenError(sentence, nil)
	}
	return e.Next()
}

// sayClosed adds to a person's own membership why its organization turns them
// away, so that nobody has to ask for something to be refused.
func (i *Identity) sayClosed(caller, row *core.Record) {
	if !person(caller) || row.Collection().Name != collections.Memberships || row.GetString("user") != caller.Id {
		return
	}
	if sentence := i.closed(i.app, caller, row.GetString("organization")); sentence != "" {
		row.WithCustomData(true)
		row.Set("closed", programWords[sentence])
	}
}

// download asks the gate for whom the file token names.
func (i *Identity) download(e *core.FileDownloadRequestEvent) error {
	if !e.FileField.Protected {
		return e.Next()
	}
	if err := i.bearFile(e.RequestEvent); err != nil {
		return err
	}
	if err := i.Gate(e.RequestEvent, collections.OrganizationOf(e.Record)); err != nil {
		return err
	}
	return e.Next()
}

// subscribe remembers whose stream it is and asks about our topics; record
// topics are asked about at each message.
func (i *Identity) subscribe(e *core.RealtimeSubscribeRequestEvent) error {
	for _, subscription := range e.Subscriptions {
		topic, _, _ := strings.Cut(subscription, "?")
		var err error
		if call, found := strings.CutPrefix(topic, "call/"); found {
			err = closedCall(e.RequestEvent, call)
		} else if organization, found := strings.CutPrefix(topic, "org/"); found {
			err = tenant.Closed(e.RequestEvent, organization)
		}
		if err != nil {
			return err
		}
	}
	e.Client.Set(streamProof, proofOf(e.Auth))
	return e.Next()
}

// closedCall is the gate's error about a call. Whoever an organization turns
// away hears it of any call they may not hear, there or not.
func closedCall(e *core.RequestEvent, id string) error {
	if !person(e.Auth) {
		return nil
	}
	open, refused := tenant.Open(e)
	if refused == nil {
		return nil
	}
	call, err := e.App.FindRecordById(collections.Calls, id)
	if err != nil {
		return refused
	}
	organization := call.GetString("organization")
	if !slices.Contains(open, organization) || !tenant.Holds(e.App, e.Auth.Id, organization, collections.CanViewCalls) {
		return refused
	}
	return nil
}

// send ends a stream whose session or key is over; what it may hear was decided
// when the message was made.
func (i *Identity) send(e *core.RealtimeMessageEvent) error {
	if caller, _ := e.Client.Get(streamAuth).(*core.Record); person(caller) {
		if stands, err := i.stands(e.App, caller, proofOf(caller)); err != nil || !stands {
			i.app.SubscriptionsBroker().Unregister(e.Client.Id())
			return nil
		}
	}
	return e.Next()
}

// Excluded says why a list of networks would turn the address away, or "".
func Excluded(list []string, address string) string {
	s := Settings{}
	for _, text := range list {
		p, err := network.Parse(text)
		if err != nil {
			return err.Error()
		}
		s.Networks = append(s.Networks, p)
	}
	if s.Admits(address) {
		return ""
	}
	return "Your own address " + address + " is not in the list: you would lock yourself out"
}
