package intake

import (
	"net/netip"
	"sync"

	"golang.org/x/sync/semaphore"
)

// guestShare is the part of the guests' budget one network may hold, an eighth:
// whoever sends slowly from one place keeps nobody else from signing in.
const guestShare = 8

// shares are the budgets of the networks whose bodies are in memory now.
type shares struct {
	most int64

	mu sync.Mutex
	of map[string]*share
}

type share struct {
	budget *semaphore.Weighted
	bodies int // that use it; without any it is forgotten
}

// enter returns the budget of a network; leave must follow when the body is
// released.
func (s *shares) enter(network string) *semaphore.Weighted {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of[network]
	if one == nil {
		one = &share{budget: semaphore.NewWeighted(s.most)}
		s.of[network] = one
	}
	one.bodies++
	return one.budget
}

func (s *shares) leave(network string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.of[network]; one.bodies > 1 {
		one.bodies--
		return
	}
	delete(s.of, network)
}

// Network is the part of an address one customer has, as a text. What is no
// address is its own.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if p := NetworkOf(a); p.Addr().Is6() {
		return p.String()
	}
	return a.Unmap().String()
}

// NetworkOf is the part of an address one customer has: of IPv6 a /64, of IPv4
// the address.
func NetworkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked()
}
