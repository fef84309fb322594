package tenant

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pocketbase/pocketbase/core"
)

// slowLists is how many lists may count or search big tables at once, and how many
// pages of ours beside them; the other readers stay free for short queries.
const slowLists = 2

// waitMost is how many lists of one account wait at most.
const waitMost = 16

var errCrowd = errors.New("too many lists of one account wait already")

// queue lets slowLists through at once, and one of each account. An organization has
// both places only while no other one waits: neither a person nor many people of one
// organization can keep everybody else's lists waiting.
type queue struct {
	mu      sync.Mutex
	running int
	waiting []*turn // in the order they came
	people  map[string]*share
	houses  map[string]*share
	begun   int // turns so far, by which shares tell when their last one was
}

// share is what one account or one organization has of a queue. It is forgotten with
// its last turn.
type share struct{ running, waiting, last int }

// party is whom a turn counts for: an account, and the organization that is read.
type party struct{ account, organization string }

// turn is one list in the queue.
type turn struct {
	person, house *share
	ready         chan struct{} // closed when it may begin
}

func newQueue() *queue {
	return &queue{people: map[string]*share{}, houses: map[string]*share{}}
}

// enter waits for a place. The returned function gives it back, once.
func (q *queue) enter(ctx context.Context, of party) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t, err := q.line(of)
	if err != nil {
		return nil, err
	}
	select {
	case <-t.ready:
		return func() { q.leave(t, of) }, nil
	case <-ctx.Done():
		q.leave(t, of)
		return nil, ctx.Err()
	}
}

// line puts a turn at the end, where it may begin at once.
func (q *queue) line(of party) (*turn, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	person := shareOf(q.people, of.account)
	if person.waiting >= waitMost {
		return nil, errCrowd
	}
	t := &turn{person: person, house: shareOf(q.houses, of.organization), ready: make(chan struct{})}
	t.person.waiting++
	t.house.waiting++
	q.waiting = append(q.waiting, t)
	q.next()
	return t, nil
}

// leave ends a turn, whether it had begun or not.
func (q *queue) leave(t *turn, of party) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, t); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		t.person.waiting--
		t.house.waiting--
	} else {
		q.running--
		t.person.running--
		t.house.running--
	}
	forget(q.people, of.account, t.person)
	forget(q.houses, of.organization, t.house)
	q.next()
}

// next lets begin whom there is a place for.
func (q *queue) next() {
	for q.running < slowLists {
		var first *turn
		for _, t := range q.waiting {
			if t.person.running == 0 && (first == nil || t.house.before(first.house)) {
				first = t
			}
		}
		if first == nil {
			return
		}
		q.waiting = slices.DeleteFunc(q.waiting, func(t *turn) bool { return t == first })
		q.running++
		q.begun++
		for _, s := range []*share{first.person, first.house} {
			s.waiting--
			s.running++
			s.last = q.begun
		}
		close(first.ready)
	}
}

// before tells whether a share comes before another: it has less at this moment, or had
// its last turn earlier.
func (s *share) before(other *share) bool {
	if s.running != other.running {
		return s.running < other.running
	}
	return s.last < other.last
}

func shareOf(all map[string]*share, id string) *share {
	s := all[id]
	if s == nil {
		s = &share{}
		all[id] = s
	}
	return s
}

func forget(all map[string]*share, id string, s *share) {
	if s.running == 0 && s.waiting == 0 {
		delete(all, id)
	}
}

const readsKey = "pocketline.tenant.reads"

// reads remembers which organization a member's request reads: its list counts for it.
func reads(e *core.RequestEvent, organization string) { e.Set(readsKey, organization) }

// account is whom a list's place counts for. Who reads no organization of theirs stands
// for themselves: nobody uses up another one's share.
func account(e *core.RequestEvent) party {
	if e.Auth == nil {
		return party{}
	}
	p := party{account: e.Auth.Id, organization: e.Auth.Id}
	if id, ok := e.Get(readsKey).(string); ok {
		p.organization = id
	}
	return p
}
