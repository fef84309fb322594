package tenant

import "sync"

const (
	// answersAtOnce is how many of the largest answers may be in memory together,
	// each as rows and as JSON; one person has half of that.
	answersAtOnce = 2
	// smallAnswer is not counted: whoever looks at a row does not wait for those
	// who look at a thousand.
	smallAnswer = 32 << 10
)

// budget bounds what all answers under way hold in memory. It never waits: an
// answer that waited for it in its turn of listing would keep the turn.
type budget struct {
	most, each int64

	mu    sync.Mutex
	taken int64
	of    map[string]int64 // by person
}

func newBudget(answer int64) *budget {
	return &budget{most: 2 * answersAtOnce * answer, each: answersAtOnce * answer, of: map[string]int64{}}
}

// spending is what one answer holds. Its owner is one request: it is not safe
// for several goroutines.
type spending struct {
	budget *budget
	of     string
	size   int64
	taken  int64
}

// take counts n bytes more, and tells whether there is room for them.
func (s *spending) take(n int64) bool {
	s.size += n
	more := s.size - max(s.taken, smallAnswer)
	if more <= 0 {
		return true
	}
	if s.taken == 0 {
		more = s.size
	}
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken+more > b.most || b.of[s.of]+more > b.each {
		return false
	}
	b.taken += more
	b.of[s.of] += more
	s.taken += more
	return true
}

// end gives everything back.
func (s *spending) end() {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= s.taken
	if b.of[s.of] -= s.taken; b.of[s.of] <= 0 {
		delete(b.of, s.of)
	}
	s.size, s.taken = 0, 0
}
