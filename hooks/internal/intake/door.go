package intake

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
	"golang.org/x/sync/semaphore"

	"github.com/pocketline/pocketline/hooks/internal/chain"
)

// Door is where messages of providers come in. All doors of an installation
// share one, and with it one budget.
type Door struct {
	most      int64
	all       *semaphore.Weighted
	strangers *semaphore.Weighted // the part of all that needs no proof
}

// NewDoor returns a door with these limits.
func NewDoor(l Limits) *Door {
	l = l.filled()
	return &Door{
		most:      l.ProviderBody,
		all:       semaphore.NewWeighted(l.ProviderBodies),
		strangers: semaphore.NewWeighted(max(l.ProviderBodies-l.ProvenBodies, 0)),
	}
}

// Within is the same door, with the same budget, for messages of at most so many
// bytes; 0 leaves its own limit, which is never exceeded.
func (d *Door) Within(most int64) *Door {
	if most <= 0 || most >= d.most {
		return d
	}
	return &Door{most: most, all: d.all, strangers: d.strangers}
}

// Opens takes a route out of what other requests pass, and of what reads their bodies:
// a message is read once, by Read, as it was signed.
func (d *Door) Opens(route *router.Route[*core.RequestEvent]) {
	chain.Messages(route)
}

// Read reads a provider's message whole. proven tells that a header alone held
// proof of the sender (a shared secret, not a signature, which needs the body):
// only then does the message reach the part of the budget kept for those.
//
// The error is ErrTooLarge, ErrBusy or the connection's. Otherwise the caller
// calls done once the message is answered: from then on it is not counted. With
// ErrManyValues the body is there as well: it may be kept, not parsed.
//
// The route is one of Opens.
func (d *Door) Read(r *http.Request, proven bool) (body []byte, done func(), err error) {
	first, budgets := int64(provenPrefix), []*semaphore.Weighted{d.all}
	if !proven {
		first, budgets = signedPrefix, []*semaphore.Weighted{d.strangers, d.all}
	}
	if r.Body == nil {
		return nil, func() {}, nil
	}
	h, err := hold(below(r.Body), r.ContentLength, d.most, first, budgets...)
	if err != nil {
		return nil, nil, err
	}
	h.values = providerObjects
	if n := bytes.Count(h.bytes, []byte("{")) + bytes.Count(h.bytes, []byte("[")); n > fewObjects {
		if err := h.parsed(n); errors.Is(err, ErrManyValues) {
			return h.bytes, h.release, err
		} else if err != nil {
			h.release()
			return nil, nil, err
		}
	}
	return h.bytes, h.release, nil
}
