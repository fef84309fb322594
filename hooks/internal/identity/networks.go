package identity

import (
	"encoding/json"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/search"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Sentences with which an organization turns a member away.
const (
	foreignAddress = "This organization can be reached from certain networks only, and yours is not one of them."
	factorMissing  = "This organization asks for a second factor. Set one up, or sign in again with it."
)

// Gate tells whether the request may touch an organization's rows: from where
// the caller is, and with the factors the session has. The error is a 403 with
// a sentence for the caller. Who the caller is to the organization is not
// asked here. Superusers pass.
func (i *Identity) Gate(e *core.RequestEvent, organization string) error {
	if organization == "" || e.Auth == nil || e.Auth.IsSuperuser() {
		return nil
	}
	s := i.SettingsOf(e.App, organization)
	if !s.Admits(e.RealIP()) {
		return e.ForbiddenError(foreignAddress, nil)
	}
	if s.TwoFactor && !e.Auth.GetBool("is_service") {
		if id := Session(e); id != "" {
			if p, err := i.place(e.App, id); err != nil || !p.factor {
				return e.ForbiddenError(factorMissing, err)
			}
		}
	}
	return nil
}

// bindNetworks asks the gate wherever PocketBase itself hands out rows; our
// own routes ask it through tenant.
func (i *Identity) bindNetworks() {
	one := func(e *core.RecordRequestEvent) error {
		if err := i.Gate(e.RequestEvent, organizationOf(e.Record)); err != nil {
			return err
		}
		return e.Next()
	}
	i.app.OnRecordViewRequest().BindFunc(one)
	i.app.OnRecordCreateRequest().BindFunc(one)
	i.app.OnRecordUpdateRequest().BindFunc(one)
	i.app.OnRecordDeleteRequest().BindFunc(one)
	i.app.OnRecordsListRequest().BindFunc(i.list)
	i.app.OnFileDownloadRequest().BindFunc(i.download)
	i.app.OnRealtimeSubscribeRequest().BindFunc(i.subscribe)
	i.app.OnRealtimeMessageSend().BindFunc(i.send)
}

func organizationOf(record *core.Record) string {
	if record.Collection().Name == collections.Organizations {
		return record.Id
	}
	if collections.Tenant(record.Collection()) {
		return record.GetString("organization")
	}
	return ""
}

// list leaves out rows of organizations that turn the caller away. A list of
// one such organization is refused with its sentence. Lists of memberships and
// organizations stay whole: they are how the dashboard says which those are.
func (i *Identity) list(e *core.RecordsListRequestEvent) error {
	if e.Auth == nil || e.Collection.Name == collections.Memberships || e.Collection.Name == collections.Organizations {
		return e.Next()
	}
	asked := map[string]error{}
	kept := make([]*core.Record, 0, len(e.Records))
	var refused error
	for _, r := range e.Records {
		organization := organizationOf(r)
		err, ok := asked[organization]
		if !ok {
			err = i.Gate(e.RequestEvent, organization)
			asked[organization] = err
		}
		if err == nil {
			kept = append(kept, r)
			continue
		}
		refused = err
	}
	if refused != nil && len(kept) == 0 {
		return refused
	}
	if refused != nil {
		e.Records = kept
		e.Result = &search.Result{
			Items: kept, Page: e.Result.Page, PerPage: e.Result.PerPage, TotalItems: -1, TotalPages: -1,
		}
	}
	return e.Next()
}

// download asks the gate for whom the file token names.
func (i *Identity) download(e *core.FileDownloadRequestEvent) error {
	if !e.FileField.Protected {
		return e.Next()
	}
	if err := i.bearFile(e.RequestEvent); err != nil {
		return err
	}
	if err := i.Gate(e.RequestEvent, organizationOf(e.Record)); err != nil {
		return err
	}
	return e.Next()
}

// subscribe remembers whose stream it is and asks about our topics; record
// topics are asked about at each message.
func (i *Identity) subscribe(e *core.RealtimeSubscribeRequestEvent) error {
	for _, subscription := range e.Subscriptions {
		topic, _, _ := strings.Cut(subscription, "?")
		organization, ok := strings.CutPrefix(topic, "org/")
		if call, found := strings.CutPrefix(topic, "call/"); found {
			record, err := e.App.FindRecordById(collections.Calls, call)
			if err != nil {
				continue // the hub words it
			}
			organization, ok = record.GetString("organization"), true
		}
		if ok {
			if err := i.Gate(e.RequestEvent, organization); err != nil {
				return err
			}
		}
	}
	e.Client.Set(streamSession, Session(e.RequestEvent))
	e.Client.Set(streamKey, Key(e.RequestEvent))
	return e.Next()
}

// send drops messages about rows of an organization that turns the listener
// away.
func (i *Identity) send(e *core.RealtimeMessageEvent) error {
	auth, _ := e.Client.Get(streamAuth).(*core.Record)
	if id, _ := e.Client.Get(streamKey).(string); id != "" {
		if k, err := i.key(e.App, id); err != nil || i.standing(e.App, k).State != KeyActive {
			i.app.SubscriptionsBroker().Unregister(e.Client.Id()) // the key's time is over
			return nil
		}
	}
	// Our own topics are decided about when they are asked for; new settings end
	// them, and the listener has to hear that.
	if !person(auth) || !strings.Contains(e.Message.Name, "/") || strings.HasPrefix(e.Message.Name, "call/") || strings.HasPrefix(e.Message.Name, "org/") {
		return e.Next()
	}
	closed := map[string]bool{}
	for _, m := range tenant.MembershipsOf(e.App, auth.Id) {
		if id := m.GetString("organization"); !i.hears(e.App, auth, e.Client, i.SettingsOf(e.App, id)) {
			closed[id] = true
		}
	}
	if len(closed) == 0 {
		return e.Next()
	}
	var message struct {
		Record struct {
			ID           string `json:"id"`
			Collection   string `json:"collectionName"`
			Organization string `json:"organization"`
		} `json:"record"`
	}
	if json.Unmarshal(e.Message.Data, &message) != nil {
		return nil
	}
	organization := message.Record.Organization
	if message.Record.Collection == collections.Organizations {
		organization = message.Record.ID
	}
	// With ?fields= a message may not say whose row it is.
	if closed[organization] || organization == "" && message.Record.Collection != collections.Users {
		return nil
	}
	return e.Next()
}

// Excluded says why a list of networks would turn the address away, or "".
func Excluded(list []string, address string) string {
	s := Settings{}
	for _, text := range list {
		p, err := ParseNetwork(text)
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

// Proved tells whether the caller's session proved a second factor, or holds a
// token without a session, which says nothing of it.
func (i *Identity) Proved(e *core.RequestEvent) bool {
	id := Session(e)
	if id == "" {
		return true
	}
	p, err := i.place(e.App, id)
	return err == nil && p.factor
}
