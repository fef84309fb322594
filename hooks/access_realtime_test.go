package hooks_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// listener is a realtime client that keeps what it is sent.
type listener struct {
	*subscriptions.DefaultClient
	heard chan<- heard
	actor actor
}

type heard struct {
	actor actor
	topic string
	data  []byte
}

// Send takes the place of the stream to a browser.
func (l *listener) Send(m subscriptions.Message) { l.heard <- heard{l.actor, m.Name, m.Data} }

func TestAccess_realtime_tells_only_those_who_may_see(t *testing.T) {
	eachCollection(t, func(b *bench) {
		// PocketBase decides who is told while the row is saved, and sends after
		// it: the enrich hook says how many messages are on their way.
		coming := 0
		b.app.OnRecordEnrich().BindFunc(func(e *core.RecordEnrichEvent) error {
			if e.RequestInfo.Context == core.RequestInfoContextRealtime {
				coming++
			}
			return e.Next()
		})
		messages := make(chan heard, 1000)
		topics := []string{b.c.Name + "/*"}
		for _, organization := range organizations {
			if id := b.want.rowID(b.c.Name, organization); id != "" {
				topics = append(topics, b.c.Name+"/"+id)
			}
		}
		for _, a := range actors {
			l := &listener{subscriptions.NewDefaultClient(), messages, a}
			b.app.SubscriptionsBroker().Register(l)
			b.api.Do("POST", "/api/realtime", a.email, map[string]any{"clientId": l.Id(), "subscriptions": topics}).Want(204)
			if auth, _ := l.Get(apis.RealtimeClientAuthKey).(*core.Record); (auth == nil) != (a.email == testkit.Guest) {
				b.Fatalf("%s is not known to realtime", a.email)
			}
		}
		for _, organization := range organizations {
			id := b.want.rowID(b.c.Name, organization)
			if id == "" {
				continue
			}
			record, err := b.app.FindRecordById(b.c.Name, id)
			if err != nil {
				b.Fatal(err)
			}
			for field, value := range b.want.change {
				record.Set(field, value)
			}
			if err := b.app.Save(record); err != nil {
				b.Fatal(err)
			}
			got := map[string]int{}
			for ; coming > 0; coming-- {
				m := <-messages
				got[m.actor.email+" "+m.topic]++
				if strings.Contains(string(m.data), testkit.SealedValue) && m.actor.email != testkit.Superuser {
					b.Errorf("%s hears a sealed value of %s", m.actor.email, id)
				}
				var content struct {
					Record map[string]any `json:"record"`
				}
				if err := json.Unmarshal(m.data, &content); err != nil || content.Record["id"] != id {
					b.Errorf("%s hears of %v while %s changed (%v)", m.actor.email, content.Record["id"], id, err)
				}
			}
			want := map[string]int{}
			r := row{id: id, organization: organization}
			if b.c.Name == collections.Users {
				r.about = id
			} else if b.c.Name == collections.Memberships || b.c.Name == collections.Sessions {
				r.about = record.GetString("user")
			}
			for _, a := range actors {
				if a.maySee(b.c.Name, r) {
					want[a.email+" "+b.c.Name+"/*"]++
					want[a.email+" "+b.c.Name+"/"+id]++
				}
			}
			if !maps.Equal(got, want) {
				b.Errorf("%s %s changed: heard %v, want %v", b.c.Name, id, got, want)
			}
		}
	})
}
