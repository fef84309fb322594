package peoplekit

import (
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Acme's keys, and one row of Acme's that any of its keys may read.
const (
	AcmeKeys = "/api/organizations/" + testkit.Acme + "/keys"
	AcmeOne  = "/api/collections/calls/records/" + testkit.AcmeCall
)

// Key is a key somebody made, with what it opened.
type Key struct {
	ID string
	// Secret is what requests carry, File a file token that was had with it, Stream one
	// that it follows.
	Secret, File string
	Stream       *subscriptions.DefaultClient

	d *Desk
}

// MakeKey makes a key over the wire, takes a file token with it and opens a stream.
func (d *Desk) MakeKey(maker, role string) Key {
	d.T.Helper()
	var made struct {
		Key    string
		Record struct{ ID, State, Acts_With string }
	}
	d.Ask(maker, "", "POST", AcmeKeys, map[string]string{"name": "Till", "role": role}).Want(201).Into(&made)
	if made.Record.State != identity.KeyActive || made.Record.Acts_With != role {
		d.T.Fatalf("got %+v, want an active key that acts with its role", made.Record)
	}
	k := Key{d: d, ID: made.Record.ID, Secret: made.Key, Stream: subscriptions.NewDefaultClient()}
	d.Ask(k.Secret, "", "GET", AcmeOne, nil).Want(200)
	k.File = d.Ask(k.Secret, "", "POST", "/api/files/token", nil).Want(200).Text("token")
	d.File(k.File).Want(200)
	d.SubscriptionsBroker().Register(k.Stream)
	d.Ask(k.Secret, "", "POST", "/api/realtime",
		map[string]any{"clientId": k.Stream.Id(), "subscriptions": []string{"calls/*"}}).Want(204)
	return k
}

// File asks for Acme's recording with a file token.
func (d *Desk) File(token string) Reply {
	d.T.Helper()
	sound := d.Find(collections.Recordings, "id = '"+testkit.AcmeRecording+"'")
	return d.Ask("", "", "GET", "/api/files/recordings/"+sound.Id+"/"+sound.GetString("file")+"?token="+token, nil)
}

// Ended checks that nothing of the key is left, and why.
func (k Key) Ended(why string) {
	k.d.T.Helper()
	k.d.Ask(k.Secret, "", "GET", "/api/organizations", nil).Want(401)
	k.d.Ask(k.Secret, "", "GET", AcmeOne, nil).Want(404)
	k.d.File(k.File).Want(404)
	if k.d.SubscriptionsBroker().Clients()[k.Stream.Id()] != nil {
		k.d.T.Error("the key's stream is open")
	}
	row := k.d.Find(collections.APIKeys, "id = '"+k.ID+"'")
	if row == nil {
		if why != "" {
			k.d.T.Error("the key's row is gone")
		}
		return
	}
	if row.GetString("revoked_at") == "" || row.GetString("ended_by") != why {
		k.d.T.Errorf("ended at %q by %q, want by %q", row.GetString("revoked_at"), row.GetString("ended_by"), why)
	}
	if account := row.GetString("acts_as"); k.d.Find(collections.Users, "id = '"+account+"' && is_active = true") != nil ||
		k.d.Find(collections.Memberships, "user = '"+account+"'") != nil {
		k.d.T.Error("the key's account is still a member")
	}
}

// MakeKeyOf makes a key and returns its id.
func (d *Desk) MakeKeyOf(maker string) string {
	d.T.Helper()
	return d.MakeKey(maker, collections.Viewer).ID
}

// Hears tells whether a message to the stream is sent.
func (d *Desk) Hears(stream *subscriptions.DefaultClient) (sent bool) {
	d.T.Helper()
	event := new(core.RealtimeMessageEvent)
	event.RequestEvent = &core.RequestEvent{App: d.TestApp}
	event.Client, event.Message = stream,
		&subscriptions.Message{Name: "calls/*", Data: []byte(`{"record":{"organization":"` + testkit.Acme + `"}}`)}
	if err := d.OnRealtimeMessageSend().Trigger(event,
		func(*core.RealtimeMessageEvent) error { sent = true; return nil }); err != nil {
		d.T.Fatal(err)
	}
	return sent
}
