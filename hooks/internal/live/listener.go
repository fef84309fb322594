package live

import "sync"

// Listener follows one call outside PocketBase's realtime: the server-sent
// events of GET /functions/v1/calls/:id/listen.
type Listener struct {
	hub                      *Hub
	call, user, organization string

	once   sync.Once
	lines  chan []byte
	closed chan struct{}
}

// Listen starts following a call. The caller has checked that the person may;
// it must call Close.
func (h *Hub) Listen(call, user, organization string) *Listener {
	l := &Listener{
		hub: h, call: call, user: user, organization: organization,
		lines: make(chan []byte, maxWaiting), closed: make(chan struct{}),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners[call] == nil {
		h.listeners[call] = map[*Listener]struct{}{}
	}
	h.listeners[call][l] = struct{}{}
	return l
}

// Lines delivers the call's messages as JSON.
func (l *Listener) Lines() <-chan []byte { return l.lines }

// Done is closed when the listener was cut off: it fell behind or lost the
// right to listen.
func (l *Listener) Done() <-chan struct{} { return l.closed }

// Close ends following.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	delete(l.hub.listeners[l.call], l)
	if len(l.hub.listeners[l.call]) == 0 {
		delete(l.hub.listeners, l.call)
	}
	l.close()
}

func (l *Listener) push(data []byte) {
	select {
	case l.lines <- data:
	default:
		l.close()
	}
}

func (l *Listener) close() { l.once.Do(func() { close(l.closed) }) }
