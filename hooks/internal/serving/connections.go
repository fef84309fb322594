package serving

import (
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/pocketline/pocketline/hooks/internal/network"
)

// connections bounds how many are open: each costs memory before it has said a
// word.
type connections struct {
	all, each int
	// alone tells that only all counts: behind a trusted proxy every connection
	// is the proxy's.
	alone bool

	mu      sync.Mutex
	counted map[net.Conn]netip.Addr
	open    map[netip.Addr]int
}

func newConnections(all, each int, behindProxy bool) *connections {
	return &connections{
		all: all, each: each, alone: behindProxy,
		counted: map[net.Conn]netip.Addr{}, open: map[netip.Addr]int{},
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
	case http.StateClosed, http.StateHijacked:
		c.forget(conn)
	}
}

func (c *connections) admit(conn net.Conn) bool {
	address := peer(conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all > 0 && len(c.counted) >= c.all {
		return false
	}
	if c.each > 0 && !c.alone && !address.IsLoopback() && c.open[address] >= c.each {
		return false
	}
	c.counted[conn] = address
	c.open[address]++
	return true
}

func (c *connections) forget(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	address, ok := c.counted[conn]
	if !ok {
		return
	}
	delete(c.counted, conn)
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
