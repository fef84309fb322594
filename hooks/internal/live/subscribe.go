package live

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// writeDeadline is how long one message may take to reach a stream. A client
// that stopped reading is then closed instead of holding memory for ever.
const writeDeadline = 5 * time.Second

// streamsPerPerson bounds the open streams of one person: eight browser tabs
// and a phone, with room.
const streamsPerPerson = 20

const (
	// guestStreams is the usual limit of streams nobody has signed in on: each is
	// that for the moment between its two requests.
	guestStreams = 20
	// guestTopics is what a page needs that waits for a sign-in, and topicsMost
	// what one of ours asks for, many times over. Each is looked through at each
	// write.
	guestTopics = 10
	topicsMost  = 200
	// optionsMost is how many of them may have a filter or a form of their own:
	// those are read and asked anew for each message.
	optionsMost = 20
)

func (h *Hub) connect(e *core.RealtimeConnectRequestEvent) error {
	from := network.Of(e.RealIP())
	h.mu.Lock()
	if e.Auth == nil && h.guestsOf(from) >= h.guests {
		h.mu.Unlock()
		e.Response.Header().Del("Content-Type") // PocketBase has begun a stream
		e.Response.Header().Set("Retry-After", "10")
		return refusal.Of("too_many_requests/address")
	}
	client := adopt(e)
	o := newOutlet(client, from)
	h.outlets[client.Id()] = o
	h.mu.Unlock()
	go o.pump(client.gone)
	defer func() {
		client.Discard() // ends the pump too
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.outlets, client.Id())
		for topic := range o.topics {
			h.leave(o, topic)
		}
	}()
	return e.Next()
}

// guestsOf counts the streams from a network that nobody has signed in on. The
// caller holds the lock.
func (h *Hub) guestsOf(network string) int {
	n := 0
	for _, o := range h.outlets {
		if o.network == network && o.user() == "" {
			n++
		}
	}
	return n
}

// fits bounds what a stream asks for before anything of it is looked up.
func fits(e *core.RealtimeSubscribeRequestEvent) error {
	most := topicsMost
	switch {
	case e.HasSuperuserAuth():
		return e.Next()
	case e.Auth == nil:
		most = guestTopics
	}
	if len(e.Subscriptions) > most {
		return refusal.Of("invalid_request/topics", most)
	}
	options := 0
	for _, topic := range e.Subscriptions {
		if sentence := intake.CheckTopic(topic); sentence != "" {
			return refusal.Saying("invalid_request", sentence)
		}
		if strings.Contains(topic, "?") {
			options++
		}
	}
	if options > optionsMost {
		return refusal.Of("invalid_request/topic_options", optionsMost)
	}
	return e.Next()
}

// subscribe lets through PocketBase's record topics of what the API shows (the rules
// decide at each message) and our two kinds, each after a check; anything else is
// refused.
func (h *Hub) subscribe(e *core.RealtimeSubscribeRequestEvent) error {
	topics := map[string]string{}
	records := map[string]bool{}
	for _, sub := range e.Subscriptions {
		topic, _, _ := strings.Cut(sub, "?")
		switch {
		case topic == "PB_CONNECT": // the SDK names its own greeting when a page listens for it
		case topic == "@oauth2": // PocketBase tells a guest's page here that a sign-in elsewhere came back, and nobody else
		case strings.HasPrefix(topic, OrganizationTopic):
			id := strings.TrimPrefix(topic, OrganizationTopic)
			if !h.may(e.Auth, topic, id) {
				return refusal.Of("not_member/this")
			}
			topics[topic] = id
		case strings.HasPrefix(topic, CallTopic):
			organization, err := h.heardOf(e.Auth, topic)
			if err != nil {
				return refusal.Of("not_found/call").For(err)
			}
			topics[topic] = organization
		default:
			name, row, _ := strings.Cut(topic, "/")
			collection, err := e.App.FindCachedCollectionByNameOrId(name)
			if err != nil || !reaches(e, collection, row) {
				return refusal.Of("invalid_request/topic", strings.ToValidUTF8(name, ""))
			}
			records[collection.Name] = true
		}
	}
	if e.Auth != nil && h.othersOf(e.Auth.Id, e.Client.Id()) >= streamsPerPerson {
		return refusal.Of("too_many_requests/streams")
	}
	if err := e.Next(); err != nil {
		return err
	}
	h.follow(e.Client.Id(), topics, records)
	// A right that was lost between the check above and now was dropped too
	// early to reach this stream.
	for topic, organization := range topics {
		if !h.may(e.Auth, topic, organization) {
			h.Drop(e.Auth.Id, organization)
		}
	}
	return nil
}

// heardOf is the organization of a call that somebody may hear; an error for others.
func (h *Hub) heardOf(auth *core.Record, topic string) (string, error) {
	if auth == nil {
		return "", errors.New("a guest hears no call")
	}
	organization, err := h.organizationOfCall(strings.TrimPrefix(topic, CallTopic))
	if err == nil && !h.may(auth, topic, organization) {
		err = errors.New("not of this organization")
	}
	return organization, err
}

// othersOf is how many streams a person has open beside one.
func (h *Hub) othersOf(user, client string) (open int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for id, o := range h.outlets {
		if id != client && o.user() == user {
			open++
		}
	}
	return open
}

// reaches tells whether somebody could ever hear of a collection's row, or of all ("*"):
// of PocketBase's own, and of those no rule opens, the operator alone (security.md S11).
func reaches(e *core.RealtimeSubscribeRequestEvent, c *core.Collection, row string) bool {
	rule := c.ViewRule
	if row == "*" {
		rule = c.ListRule
	}
	return row != "" && (e.HasSuperuserAuth() || e.Auth != nil && !c.System && rule != nil)
}

// follow replaces what a stream listens to.
func (h *Hub) follow(client string, topics map[string]string, records map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.outlets[client]
	if o == nil {
		return // the stream ended meanwhile
	}
	for topic := range o.topics {
		h.leave(o, topic)
	}
	o.topics, o.records = topics, records
	for topic := range topics {
		h.join(o, topic)
	}
}

// may tells whether a person may listen to a topic of an organization.
func (h *Hub) may(person *core.Record, topic, organization string) bool {
	if person == nil {
		return false
	}
	if strings.HasPrefix(topic, CallTopic) {
		return h.access.MayHear(person, organization)
	}
	return h.access.MayFollow(person, organization)
}

func (h *Hub) organizationOfCall(id string) (string, error) {
	var organization string
	err := h.app.ConcurrentDB().NewQuery("SELECT organization FROM calls WHERE id = {:id}").
		Bind(map[string]any{"id": id}).Row(&organization)
	return organization, err
}

func limitWrite(e *core.RealtimeMessageEvent) error {
	controller := http.NewResponseController(e.Response)
	if err := controller.SetWriteDeadline(time.Now().Add(writeDeadline)); err != nil &&
		!errors.Is(err, http.ErrNotSupported) {
		return err
	}
	err := e.Next()
	if clear := controller.SetWriteDeadline(time.Time{}); err == nil && !errors.Is(clear, http.ErrNotSupported) {
		err = clear
	}
	return err
}

type publishedKey struct{}

// Published marks a context: the change was already told to dashboards.
func Published(ctx context.Context) context.Context {
	return context.WithValue(ctx, publishedKey{}, true)
}

func published(ctx context.Context) bool { return ctx != nil && ctx.Value(publishedKey{}) != nil }
