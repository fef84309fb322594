// Package live tells people who are looking that something changed.
//
// Two kinds of topics go over PocketBase's own realtime stream, beside its
// record subscriptions:
//
//   - org/<organization>: says which rows changed, never what is in them. The
//     dashboard refetches. A member may subscribe; losing the membership ends it.
//   - call/<call>: the lines of a running call as they are said. A member who
//     may view calls may subscribe.
//
// A listener that does not keep up never holds anybody else: what waits for it
// is bounded, and then its stream is closed (reliability.md B6).
package live

import (
	"encoding/json"
	"sync"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
)

// Prefixes of the topics.
const (
	OrganizationTopic = "org/"
	CallTopic         = "call/"
)

// Access answers who may listen. It is read at each subscription.
type Access interface {
	// MayFollow tells whether the person is an active member of the organization.
	MayFollow(user *core.Record, organization string) bool
	// MayHear tells whether the person may view calls of the organization.
	MayHear(user *core.Record, organization string) bool
}

// Hub knows who listens to what.
type Hub struct {
	app    core.App
	access Access
	guests int // streams an address may hold before somebody signs in on them

	mu        sync.RWMutex
	outlets   map[string]*outlet              // by realtime client id
	topics    map[string]map[*outlet]struct{} // dashboards, by topic
	listeners map[string]map[*Listener]struct{}

	waiting sync.Mutex
	changes []told // not handed out yet
	handing bool
}

// told is a change on its way to an organization's dashboards.
type told struct {
	topic  string
	change Change
}

// New binds the hub to the app's realtime streams. guests is how many of them one
// address may hold open before somebody signs in on them; 0 is the usual number.
func New(app core.App, access Access, guests int) *Hub {
	if guests <= 0 {
		guests = guestStreams
	}
	h := &Hub{
		app: app, access: access, guests: guests,
		outlets:   map[string]*outlet{},
		topics:    map[string]map[*outlet]struct{}{},
		listeners: map[string]map[*Listener]struct{}{},
	}
	app.OnRealtimeConnectRequest().BindFunc(h.connect)
	app.OnRealtimeSubscribeRequest().Bind(&hook.Handler[*core.RealtimeSubscribeRequestEvent]{
		Id: "pocketlineStreamBounds", Priority: -20, Func: fits, // before anybody looks at the topics
	})
	app.OnRealtimeSubscribeRequest().BindFunc(h.subscribe)
	app.OnRealtimeMessageSend().BindFunc(limitWrite)
	h.followRecords()
	return h
}

// Change is one message of an organization's topic.
type Change struct {
	Collection string   `json:"collection"`
	IDs        []string `json:"ids"` // empty: more than could be named
}

// Changed tells the organization's dashboards which rows of a collection
// changed. It never waits, and does not even hand the message out: whoever wrote
// the row would otherwise wait for a thousand dashboards to be woken.
func (h *Hub) Changed(organization, collection string, ids ...string) {
	topic := OrganizationTopic + organization
	h.mu.RLock()
	audience := len(h.topics[topic])
	h.mu.RUnlock()
	if audience == 0 {
		return
	}
	if ids == nil || len(ids) > maxNamed {
		ids = []string{}
	}
	h.waiting.Lock()
	defer h.waiting.Unlock()
	h.changes = append(h.changes, told{topic, Change{Collection: collection, IDs: ids}})
	if !h.handing {
		h.handing = true
		go h.handOut()
	}
}

// handOut gives out changes until none waits. Those of the same collection
// become one message, so it never falls behind for long.
func (h *Hub) handOut() {
	for {
		h.waiting.Lock()
		changes := h.changes
		h.changes = nil
		if len(changes) == 0 {
			h.handing = false
			h.waiting.Unlock()
			return
		}
		h.waiting.Unlock()
		var merged []pending
		at := map[string]int{}
		for _, t := range changes {
			key := t.topic + " " + t.change.Collection
			if i, ok := at[key]; ok {
				merged[i].merge(t.change)
				continue
			}
			at[key] = len(merged)
			merged = append(merged, pending{topic: t.topic, change: t.change})
		}
		for _, p := range merged {
			h.give(p)
		}
	}
}

func (h *Hub) give(p pending) {
	data, err := json.Marshal(p.change)
	if err != nil {
		return // strings always encode
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for o := range h.topics[p.topic] {
		o.change(p.topic, p.change, data)
	}
}

// Line sends one message to those who follow a call. It never waits.
func (h *Hub) Line(call string, message any) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	topic := CallTopic + call
	if len(h.topics[topic]) == 0 && len(h.listeners[call]) == 0 {
		return
	}
	data, err := json.Marshal(message)
	if err != nil {
		h.app.Logger().Error("live line not encoded", "error", err)
		return
	}
	for o := range h.topics[topic] {
		o.line(topic, data)
	}
	for l := range h.listeners[call] {
		l.push(data)
	}
}

// Drop ends what a person hears of an organization: the membership is gone,
// suspended, or has lost the right.
func (h *Hub) Drop(user, organization string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.outlets {
		if o.user() != user {
			continue
		}
		for topic, owner := range o.topics {
			if owner == organization {
				delete(o.topics, topic)
				h.leave(o, topic)
				o.client.Unsubscribe(topic)
				o.end(topic)
			}
		}
	}
	for _, listeners := range h.listeners {
		for l := range listeners {
			if l.user == user && l.organization == organization {
				l.close()
			}
		}
	}
}

// Watching tells whether any stream has a PocketBase subscription to records of
// the collection, so that the writer can save itself the work of loading them.
func (h *Hub) Watching(collection string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, o := range h.outlets {
		if o.records[collection] {
			return true
		}
	}
	return false
}

// Streams counts open streams, for health and tests.
func (h *Hub) Streams() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.outlets)
}

func (h *Hub) join(o *outlet, topic string) {
	if h.topics[topic] == nil {
		h.topics[topic] = map[*outlet]struct{}{}
	}
	h.topics[topic][o] = struct{}{}
}

func (h *Hub) leave(o *outlet, topic string) {
	delete(h.topics[topic], o)
	if len(h.topics[topic]) == 0 {
		delete(h.topics, topic)
	}
}

// followRecords reports changes made through PocketBase's records; the inbox
// writer, whose SQL fires no hooks, reports its own.
func (h *Hub) followRecords() {
	report := func(e *core.RecordEvent) error {
		if organization := e.Record.GetString("organization"); organization != "" && !published(e.Context) {
			h.Changed(organization, e.Record.Collection().Name, e.Record.Id)
			if whole, id := partOf(e.App, e.Record); id != "" {
				h.Changed(organization, whole, id)
			}
		} else if e.Record.Collection().Name == "organizations" {
			h.Changed(e.Record.Id, "organizations", e.Record.Id)
		}
		return e.Next()
	}
	h.app.OnRecordAfterCreateSuccess().BindFunc(report)
	h.app.OnRecordAfterUpdateSuccess().BindFunc(report)
	h.app.OnRecordAfterDeleteSuccess().BindFunc(report)
}

// partOf is the collection and the row a record is shown as a part of, "" when it
// is shown by itself.
func partOf(app core.App, record *core.Record) (collection, id string) {
	traits, _ := collections.TraitsOf(record.Collection().Name)
	relation, ok := record.Collection().Fields.GetByName(traits.ToldWith).(*core.RelationField)
	if !ok {
		return "", ""
	}
	whole, err := app.FindCachedCollectionByNameOrId(relation.CollectionId)
	if err != nil {
		return "", "" // nobody shows what is not there
	}
	return whole.Name, record.GetString(traits.ToldWith)
}

func clientAuth(o *outlet) *core.Record {
	record, _ := o.client.Get(apis.RealtimeClientAuthKey).(*core.Record)
	return record
}
