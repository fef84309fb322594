package live

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/tools/subscriptions"
)

const (
	// maxWaiting bounds what waits for one stream: a reader 256 messages behind
	// is not reading (security.md S11).
	maxWaiting = 256
	// maxNamed is how many rows of a collection one change names; with more the
	// reader is told to refetch the list.
	maxNamed = 50
	// keepAlive is how often a quiet stream says something: proxies cut streams
	// that are silent for a minute.
	keepAlive = 25 * time.Second
)

// outlet feeds one realtime stream. PocketBase's client takes one message at a
// time and blocks until the stream has written it, so each outlet has its own
// goroutine and a bounded memory.
type outlet struct {
	client  subscriptions.Client
	network string // where it comes from, see network.Of

	// Guarded by the hub's lock.
	topics  map[string]string // topic → organization
	records map[string]bool   // collections of record subscriptions

	mu      sync.Mutex
	lines   []subscriptions.Message
	changes []pending
	wake    chan struct{}
	closed  bool
}

// pending are the changes of one collection since the last message.
type pending struct {
	topic  string
	change Change
	data   []byte // change as JSON, nil once it was merged
}

func newOutlet(client subscriptions.Client, network string) *outlet {
	return &outlet{
		client: client, network: network, topics: map[string]string{}, records: map[string]bool{},
		wake: make(chan struct{}, 1),
	}
}

func (o *outlet) user() string {
	if record := clientAuth(o); record != nil {
		return record.Id
	}
	return ""
}

// change remembers that rows changed; what waits for the same collection is
// merged, so a slow reader gets fewer and larger messages, never a queue.
func (o *outlet) change(topic string, c Change, data []byte) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	for i := range o.changes {
		if p := &o.changes[i]; p.topic == topic && p.change.Collection == c.Collection {
			p.merge(c)
			o.mu.Unlock()
			return
		}
	}
	o.changes = append(o.changes, pending{topic, c, data})
	o.mu.Unlock()
	o.nudge()
}

func (p *pending) merge(c Change) {
	p.data = nil
	if len(p.change.IDs) == 0 {
		return
	}
	if len(c.IDs) == 0 {
		p.change.IDs = c.IDs
		return
	}
	merged := append([]string{}, p.change.IDs...)
	for _, id := range c.IDs {
		if !slices.Contains(merged, id) {
			merged = append(merged, id)
		}
	}
	if len(merged) > maxNamed {
		merged = []string{}
	}
	p.change.IDs = merged
}

// line queues one message in order. A reader too far behind is cut off: it
// reconnects and reads the saved transcript.
func (o *outlet) line(topic string, data []byte) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	if len(o.lines) >= maxWaiting {
		o.closed, o.lines, o.changes = true, nil, nil
		o.mu.Unlock()
		o.client.Discard()
		o.nudge()
		return
	}
	o.lines = append(o.lines, subscriptions.Message{Name: topic, Data: data})
	o.mu.Unlock()
	o.nudge()
}

// end tells the reader that a topic is over for it.
func (o *outlet) end(topic string) { o.line(topic, []byte(`{"ended":true}`)) }

func (o *outlet) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// pump writes what waits until the stream is done.
func (o *outlet) pump(done <-chan struct{}) {
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			o.client.Send(subscriptions.Message{Name: "ping", Data: []byte("{}")})
		case <-o.wake:
			lines, changes, closed := o.take()
			if closed {
				return
			}
			for _, m := range lines {
				o.client.Send(m)
			}
			for _, p := range changes {
				if p.data == nil {
					p.data, _ = json.Marshal(p.change) // strings always encode
				}
				o.client.Send(subscriptions.Message{Name: p.topic, Data: p.data})
			}
		}
	}
}

func (o *outlet) take() ([]subscriptions.Message, []pending, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines, changes := o.lines, o.changes
	o.lines, o.changes = nil, nil
	return lines, changes, o.closed
}
