package serving

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/network"
)

const (
	// ownFiles is what the program itself holds open: two databases with their logs
	// for each connection, the listener, files being sent, requests to providers.
	ownFiles = 120
	// leastConnections are taken however few files may be open.
	leastConnections = 16
	// silentFor is how long a new connection may say nothing before it may be
	// dropped for another: whoever has something to say says it at once.
	silentFor = time.Second
)

// fitting is how many connections fit what files may be open.
func fitting(all, files int) int {
	if files <= 0 {
		return all
	}
	fit := max(files-ownFiles, leastConnections)
	if all <= 0 {
		return fit
	}
	return min(all, fit)
}

// connections bounds how many are open: each costs memory before it has said a
// word. When all are taken, the one that has been idle longest makes room: a
// message is not refused for the sake of a browser that went to lunch.
type connections struct {
	all, each int
	// alone tells that only all counts: behind a trusted proxy every connection
	// is the proxy's.
	alone bool

	mu      sync.Mutex
	counted map[net.Conn]netip.Addr
	open    map[netip.Addr]int
	// quiet are those that wait for a request, since when.
	quiet map[net.Conn]time.Time
	now   func() time.Time
}

func newConnections(all, each int, behindProxy bool) *connections {
	return &connections{
		all: all, each: each, alone: behindProxy,
		counted: map[net.Conn]netip.Addr{}, open: map[netip.Addr]int{}, quiet: map[net.Conn]time.Time{}, now: time.Now,
	}
}

// watch is http.Server.ConnState. A connection too many is closed before
// anything is read of it.
func (c *connections) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if !c.admit(conn) {
			_ = conn.Close() // the server notices and forgets it
		}
	case http.StateIdle:
		c.hush(conn, c.now())
	case http.StateActive:
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.quiet, conn)
	case http.StateClosed, http.StateHijacked:
		c.forget(conn)
	}
}

func (c *connections) hush(conn net.Conn, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, counted := c.counted[conn]; counted {
		c.quiet[conn] = since
	}
}

// makeRoom drops the connection that has been quiet longest. The caller holds
// c.mu.
func (c *connections) makeRoom() bool {
	var longest net.Conn
	var since time.Time
	for conn, at := range c.quiet {
		if longest == nil || at.Before(since) {
			longest, since = conn, at
		}
	}
	if longest == nil || since.After(c.now()) {
		return false
	}
	c.drop(longest)
	_ = longest.Close() // the server notices and forgets it
	return true
}

func (c *connections) admit(conn net.Conn) bool {
	address := peer(conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.each > 0 && !c.alone && !address.IsLoopback() && c.open[address] >= c.each {
		return false
	}
	if c.all > 0 && len(c.counted) >= c.all && !c.makeRoom() {
		return false
	}
	c.counted[conn] = address
	c.open[address]++
	c.quiet[conn] = c.now().Add(silentFor)
	return true
}

func (c *connections) forget(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(conn)
}

// drop no longer counts a connection. The caller holds c.mu.
func (c *connections) drop(conn net.Conn) {
	address, ok := c.counted[conn]
	if !ok {
		return
	}
	delete(c.counted, conn)
	delete(c.quiet, conn)
	if c.open[address]--; c.open[address] <= 0 {
		delete(c.open, address)
	}
}

// peer is the address at the other end, for IPv6 the network one customer has;
// what cannot be read is one address.
func peer(conn net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	address := at.Addr().Unmap()
	if address.IsLoopback() {
		return address
	}
	return network.Prefix(address).Addr()
}
