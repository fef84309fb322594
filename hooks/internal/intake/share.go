package intake

import (
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
