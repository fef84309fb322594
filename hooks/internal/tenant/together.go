package tenant

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// This file is how a costly question that several ask at once is read once. Whoever asks
// while it waits for its turn is given the same answer; whoever asks once it is being
// read asks anew: nobody is told what was there before they asked.

// questions are those that wait for their turn, by all that their answer depends on.
type questions struct {
	mu      sync.Mutex
	waiting map[string]*question
}

// question is asked by one, the others wait.
type question struct {
	done   chan struct{} // closed once there is an answer, or none for the others
	others int
	answer any
	given  bool
}

// join tells whether the caller is the one who asks.
func (q *questions) join(key string) (one *question, asks bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if one = q.waiting[key]; one != nil {
		one.others++
		return one, false
	}
	one = &question{done: make(chan struct{})}
	if q.waiting == nil {
		q.waiting = map[string]*question{}
	}
	q.waiting[key] = one
	return one, true
}

// begin lets nobody join any more.
func (q *questions) begin(key string, one *question) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting[key] == one {
		delete(q.waiting, key)
	}
}

// together asks a question, or waits for who asks the same. turn waits for the turn;
// read says whether its answer is good for the others as well. What failed is not
// shared: then the next one asks, and is refused when they have waited too long. asked
// tells that it was the caller.
func together[V any](ctx context.Context, q *questions, key string, turn func() (func(), error),
	read func() (v V, share bool, err error)) (v V, asked bool, err error) {
	for {
		one, asks := q.join(key)
		if asks {
			v, err = ask(q, key, one, turn, read)
			return v, true, err
		}
		select {
		case <-one.done:
		case <-ctx.Done():
			return v, false, ctx.Err() // nobody waits any more
		}
		if one.given {
			return one.answer.(V), false, nil
		}
	}
}

func ask[V any](q *questions, key string, one *question, turn func() (func(), error),
	read func() (V, bool, error)) (v V, err error) {
	defer close(one.done) // a panic lets nobody wait for ever
	defer q.begin(key, one)
	done, err := turn()
	if err != nil {
		return v, err
	}
	defer done()
	q.begin(key, one)
	v, share, err := read()
	if err == nil && share {
		one.answer, one.given = v, true
	}
	return v, err
}

// Together reads a page of ours that may read far more rows than it shows, in its turn
// (Turn). key is all that the page depends on, the organization among it, and says
// nothing of who asks: whether they may was asked before. The value is shared: it is
// read and never changed.
//
// Example: tenant.Together(e, "calls "+t.ID()+" "+query, func() (page, error) {…})
func Together[V any](e *core.RequestEvent, key string, read func() (V, error)) (V, error) {
	g, ok := e.App.Store().Get(guardKey).(*guard)
	if !ok { // without Register there is no queue
		return read()
	}
	patience, cancel := context.WithTimeout(e.Request.Context(), g.wait)
	defer cancel()
	v, _, err := together(e.Request.Context(), &g.pages, key,
		func() (func(), error) { return g.turn(patience, e) },
		func() (V, bool, error) { v, err := read(); return v, true, err })
	return v, err
}

// answer lets a list that is costly be read once for all who ask it at once with the
// same rights.
func (g *guard) answer(e *core.RequestEvent, l list) error {
	patience, cancel := context.WithTimeout(e.Request.Context(), g.wait)
	defer cancel()
	enter := func() (func(), error) { return g.enter(patience, e, l) }
	key := ""
	if l.slow && l.same != nil {
		key = l.same()
	}
	if key != "" {
		parts, asked, err := together(e.Request.Context(), &g.lists, key, enter, func() (net.Buffers, bool, error) {
			err := e.Next()
			parts := held(e)
			return parts, parts != nil, err
		})
		if err != nil || asked {
			return err
		}
		if l.same() == key { // the rights are still those
			return give(e, parts)
		}
	}
	release, err := enter()
	if err != nil {
		return err
	}
	defer release()
	return e.Next()
}

// held is the whole answer of a request, nil when others have no use for it. What it
// consists of is not changed any more.
func held(e *core.RequestEvent) net.Buffers {
	w, ok := e.Response.(*heldAnswer)
	if !ok || w.passed || w.over != nil || w.status != http.StatusOK {
		return nil
	}
	return slices.Clone(w.parts)
}

// give answers with what another request was answered.
func give(e *core.RequestEvent, parts net.Buffers) error {
	e.Response.Header().Set("Content-Type", "application/json")
	e.Response.WriteHeader(http.StatusOK)
	for _, part := range parts {
		if _, err := e.Response.Write(part); err != nil {
			return nil // the answer's limits word it
		}
	}
	return nil
}

// ofMember matches the rules whose verdict is the same for all rows of an organization
// and for all who have the same rights there: all they ask about is in rightsIn.
var ofMember = regexp.MustCompile(`^(?:organization\.memberships_via_organization\.(?:user|status|role|` +
	strings.Join(collections.Capabilities, "|") + `)|@request\.auth\.(?:id|is_service)|"[a-z_]*"|true|false|[ ()=?!&|])+$`)

// sameAs is what the answer to a list of an organization depends on, "" when that is
// more than the rights and the question: expanded rows have rules of their own.
func sameAs(e *core.RequestEvent, c *core.Collection, query url.Values, organization string) string {
	if e.Auth == nil || c.ListRule == nil || !ofMember.MatchString(*c.ListRule) || query.Get("expand") != "" {
		return ""
	}
	rights := rightsIn(e, organization)
	if rights == "" {
		return ""
	}
	return strings.Join([]string{e.Request.Method, c.Name, organization, rights, query.Encode()}, " ")
}

// rightsIn are the caller's rights in an organization as they are stored, "" for who has
// none.
func rightsIn(e *core.RequestEvent, organization string) string {
	m, err := MemberIn(e.App, e.Auth.Id, organization)
	if err != nil || m == nil || m.GetString("status") != collections.MembershipActive {
		return ""
	}
	rights := fmt.Sprint(m.GetString("role"), e.Auth.GetBool("is_service"), Masked(e.App, e.Auth, organization))
	for _, capability := range collections.Capabilities {
		rights += " " + strconv.FormatBool(m.GetBool(capability))
	}
	return rights
}
