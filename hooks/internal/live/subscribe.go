package live

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/network"
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
		return e.TooManyRequestsError("Too many open streams from this address.", nil)
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
		return e.BadRequestError("A stream can follow "+strconv.Itoa(most)+" topics.", nil)
	}
	options := 0
	for _, topic := range e.Subscriptions {
		if sentence := intake.CheckTopic(topic); sentence != "" {
			return e.BadRequestError(sentence, nil)
		}
		if strings.Contains(topic, "?") {
			options++
		}
	}
	if options > optionsMost {
		return e.BadRequestError("A stream can follow "+strconv.Itoa(optionsMost)+" topics with options.", nil)
	}
	return e.Next()
}

// subscribe lets through PocketBase's record topics (their rules decide at each
// message) and our two kinds, each after a check; anything else is refused.
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
				return e.ForbiddenError("You are not a member of this organization.", nil)
			}
			topics[topic] = id
		case strings.HasPrefix(topic, CallTopic):
			if e.Auth == nil {
				return e.NotFoundError("There is no such call.", nil)
			}
			organization, err := h.organizationOfCall(strings.TrimPrefix(topic, CallTopic))
			if err != nil || !h.may(e.Auth, topic, organization) {
				return e.NotFoundError("There is no such call.", err)
			}
			topics[topic] = organization
		default:
			name, _, found := strings.Cut(topic, "/")
			collection, err := e.App.FindCachedCollectionByNameOrId(name)
			if !found || err != nil {
				return e.BadRequestError("There is no topic "+strings.ToValidUTF8(name, "")+".", nil)
			}
			records[collection.Name] = true
		}
	}
	h.mu.RLock()
	open := 0
	for id, o := range h.outlets {
		if e.Auth != nil && id != e.Client.Id() && o.user() == e.Auth.Id {
			open++
		}
	}
	h.mu.RUnlock()
	if open >= streamsPerPerson {
		return e.TooManyRequestsError("Too many open streams: close some windows.", nil)
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
	if err := controller.SetWriteDeadline(time.Now().Add(writeDeadline)); err != nil && !errors.Is(err, http.ErrNotSupported) {
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
