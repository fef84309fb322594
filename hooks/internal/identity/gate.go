package identity

import (
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Refusals with which an organization turns a member away; the dashboard says what to
// do next by their codes.
const (
	foreignAddress = "foreign_network"
	factorMissing  = "factor_missing"
	otherWay       = "other_sign_in"
)

// Gate tells whether the request may touch an organization's rows: with a session
// or key that still stands, which a long answer can outlive, from where the caller
// is, with the factors the session has and in the way it began. The error is a 401,
// or a 403 with a sentence for the caller. Who the caller is to the organization is
// not asked here. Superusers pass.
func (i *Identity) Gate(e *core.RequestEvent, organization string) error {
	if tenant.IsPerson(e.Auth) {
		if stands, err := i.stands(e.App, e.Auth, proofOf(e.Auth)); err != nil {
			return e.InternalServerError("", err)
		} else if !stands {
			return refusal.Of("unauthorized/again")
		}
	}
	if code := i.closed(e.App, e.Auth, organization); code != "" {
		return refusal.Of(code)
	}
	return nil
}

// closed is the refusal with which an organization turns a person away, or "".
func (i *Identity) closed(app core.App, caller *core.Record, organization string) string {
	if organization == "" || !tenant.IsPerson(caller) {
		return ""
	}
	s, p := i.Terms.Of(app, organization), proofOf(caller)
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

// hides is the refusal with which a row is kept from a person, or "". The own
// membership is seen in any case: it says where one belongs.
func (i *Identity) hides(app core.App, caller, row *core.Record) string {
	if !tenant.IsPerson(caller) || row.Collection().Name == collections.Memberships && row.GetString("user") == caller.Id {
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
	code := i.hides(i.app, e.RequestInfo.Auth, e.Record)
	switch {
	case code == "":
		i.sayClosed(e.RequestInfo.Auth, e.Record)
	case e.RequestInfo.Context == core.RequestInfoContextExpand:
		*e.Record = *core.NewRecord(e.Record.Collection())
	default:
		return refusal.Of(code)
	}
	return e.Next()
}

// sayClosed adds to a person's own membership why its organization turns them
// away, so that nobody has to ask for something to be refused.
func (i *Identity) sayClosed(caller, row *core.Record) {
	if !tenant.IsPerson(caller) || row.Collection().Name != collections.Memberships || row.GetString("user") != caller.Id {
		return
	}
	if code := i.closed(i.app, caller, row.GetString("organization")); code != "" {
		row.WithCustomData(true)
		row.Set("closed", code)
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
	if !tenant.IsPerson(e.Auth) {
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
	if caller, _ := e.Client.Get(streamAuth).(*core.Record); tenant.IsPerson(caller) {
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

// afterSettings makes new settings hold for what is open already: sessions get
// the shorter length, streams from addresses that are out end.
func (i *Identity) afterSettings(e *core.RecordEvent) error {
	organization := e.Record.GetString("organization")
	s := settingsOf(e.Record)
	if s.Session > 0 {
		if err := i.Sessions.shorten(e.App, organization, s.Session); err != nil {
			// The settings are stored; sessions keep their time until refreshed.
			e.App.Logger().Error("sessions not shortened", "organization", organization, "error", err)
		}
	}
	for _, client := range e.App.SubscriptionsBroker().Clients() {
		caller, _ := client.Get(streamAuth).(*core.Record)
		if tenant.IsPerson(caller) && tenant.MembershipOf(e.App, caller.Id, organization) != nil &&
			i.closed(e.App, caller, organization) != "" {
			i.Drop(caller.Id, organization)
		}
	}
	return e.Next()
}
