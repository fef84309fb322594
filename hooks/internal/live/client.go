package live

import (
	"context"
	"sync"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"
)

// client is PocketBase's realtime client with an end that races with nobody:
// PocketBase's own closes the channel others may be sending to, and lives from
// recovering the panic.
type client struct {
	subscriptions.Client
	out  chan subscriptions.Message // never closed
	gone chan struct{}              // closed when the stream is over
	once sync.Once
	end  func() // ends the request the stream is the answer of
}

func newClient(inner subscriptions.Client, end func()) *client {
	return &client{Client: inner, out: make(chan subscriptions.Message), gone: make(chan struct{}), end: end}
}

// adopt gives a stream our client, and Discard a way to end the stream.
func adopt(e *core.RealtimeConnectRequestEvent) *client {
	ctx, end := context.WithCancel(e.Request.Context())
	e.Request = e.Request.WithContext(ctx)
	c := newClient(e.Client, end)
	e.Client = c
	return c
}

// Channel delivers what is sent. It is not closed at the end: the request is.
func (c *client) Channel() chan subscriptions.Message { return c.out }

// Send hands a message to the stream; it waits until the stream has taken it or
// is over.
func (c *client) Send(m subscriptions.Message) {
	select {
	case c.out <- m:
	case <-c.gone:
	}
}

// Discard ends the stream. It does not wait.
func (c *client) Discard() {
	c.once.Do(func() {
		close(c.gone)
		c.end()
	})
}

// IsDiscarded tells whether the stream is over.
func (c *client) IsDiscarded() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}
