package intake

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
	"golang.org/x/sync/semaphore"

	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// bodies knows what is in memory.
type bodies struct {
	limits          Limits
	guests, members *semaphore.Weighted
	shares          shares
}

func newBodies(l Limits) *bodies {
	return &bodies{
		limits: l, guests: semaphore.NewWeighted(l.GuestBodies), members: semaphore.NewWeighted(l.MemberBodies),
		shares: shares{most: max(l.GuestBodies/guestShare, l.GuestBody+1), of: map[string]*share{}},
	}
}

// take reads the body of a request into memory, within the limit and the budget
// of whoever sends it. Uploads of people who are signed in are left to toDisk,
// and superusers to PocketBase.
func (b *bodies) take(e *core.RequestEvent) error {
	r := e.Request
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 || r.Context().Value(insideKey{}) != nil {
		return e.Next()
	}
	most, budgets := b.limits.GuestBody, []*semaphore.Weighted(nil)
	source := below(r.Body)
	switch {
	case e.Auth == nil:
		if strings.HasPrefix(r.URL.Path, "/api/collections/") {
			most = min(most, signInBody)
		}
		source = &paced{ReadCloser: source, on: http.NewResponseController(e.Response), patience: b.limits.GuestPatience,
			began: time.Now()}
		from := network.Of(e.RealIP())
		budgets = []*semaphore.Weighted{b.shares.enter(from), b.guests}
		defer b.shares.leave(from)
	case isUpload(r):
		return beginUpload(e)
	case e.HasSuperuserAuth():
		return e.Next()
	default:
		most, budgets = memberBody, []*semaphore.Weighted{b.members}
	}
	h, err := hold(source, r.ContentLength, most, prefix, budgets...)
	if err != nil {
		return refuseBody(e, err)
	}
	if h.values = memberValues; e.Auth == nil {
		h.values = guestValues
	}
	defer h.release()
	r.Body = &again{held: h}
	e.Set(heldKey, h)
	return e.Next()
}

const heldKey = "pocketlineHeldBody"

// Waits says that the answer to this request is held back on purpose: from now on
// its body is not counted, or everybody else would wait as well. Whoever holds
// answers back bounds how many.
func Waits(e *core.RequestEvent) {
	if h, ok := e.Get(heldKey).(*held); ok {
		h.uncount()
	}
}

// Answered says that nobody will read the body again, though the answer is held
// back.
func Answered(e *core.RequestEvent) {
	if h, ok := e.Get(heldKey).(*held); ok {
		h.release()
	}
}

// paced reads a guest's body as long as it keeps coming: what a telephone on a
// bad line sends arrives, and what drips is not waited for.
type paced struct {
	io.ReadCloser
	on       *http.ResponseController
	patience time.Duration
	began    time.Time
	read     int64
}

// guestPace are the bytes a second a guest's body comes with at least, on the
// whole.
const guestPace = 10 << 10

// deadline is until when the next piece must have come.
func (p *paced) deadline() time.Time {
	return p.began.Add(p.patience + time.Duration(p.read)*time.Second/guestPace)
}

func (p *paced) Read(to []byte) (int, error) {
	// Not every ResponseWriter of a test can do this, and nothing is lost then.
	_ = p.on.SetReadDeadline(p.deadline())
	n, err := p.ReadCloser.Read(to)
	p.read += int64(n)
	return n, err
}

func refuseBody(e *core.RequestEvent, err error) error {
	StopReading(e)
	switch {
	case errors.Is(err, ErrManyValues):
		return refusal.Answer(e, refusal.Of("too_large/values"))
	case errors.Is(err, ErrTooLarge):
		return refusal.Answer(e, refusal.Of("too_large/body"))
	case errors.Is(err, ErrBusy):
		e.Response.Header().Set("Retry-After", RetryAfter)
		return refusal.Answer(e, refusal.Of("unavailable/intake"))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusal.Answer(e, refusal.Of("timeout/body"))
	}
	return refusal.Answer(e, refusal.Of("unreadable_body"))
}

const (
	// signInBody is what a guest sends to PocketBase's own doors: a name and a
	// password, a code, a token.
	signInBody = 16 << 10
	// prefix is what is read of a guest's body at first, signedPrefix of a message
	// whose signature still has to be checked, provenPrefix of one whose header
	// proved the sender: what is no longer is read in one piece.
	prefix       = 1 << 10
	signedPrefix = 16 << 10
	provenPrefix = 64 << 10
)

// held is a body in memory.
type held struct {
	bytes   []byte
	taken   int64
	budgets []*semaphore.Weighted
	values  int // how many it may consist of
}

// parsed takes what parsing will make of n values from the budgets, before
// anybody parses them: "[]," has three bytes and becomes a hundred.
func (h *held) parsed(n int) error {
	if n > h.values {
		return ErrManyValues
	}
	return h.take(int64(n) * valueBytes)
}

func (h *held) take(more int64) error {
	for i, budget := range h.budgets {
		if !budget.TryAcquire(more) {
			for _, before := range h.budgets[:i] {
				before.Release(more)
			}
			return ErrBusy
		}
	}
	h.taken += more
	return nil
}

// hold reads a body to its end. What it holds is taken from the budgets as it
// grows: a body costs what was sent of it, not what was announced.
func hold(r io.Reader, announced, most, first int64, budgets ...*semaphore.Weighted) (*held, error) {
	if announced > most {
		return nil, ErrTooLarge
	}
	end := most + 1 // a byte more shows that there is more, and the end without growing
	if announced >= 0 {
		end = announced + 1
	}
	h := &held{budgets: budgets}
	for size := min(first, end); ; {
		if len(h.bytes) == cap(h.bytes) {
			if err := h.grow(size); err != nil {
				h.release()
				return nil, err
			}
			size = min(2*size, end)
		}
		n, err := r.Read(h.bytes[len(h.bytes):cap(h.bytes)])
		h.bytes = h.bytes[:len(h.bytes)+n]
		if int64(len(h.bytes)) > most {
			h.release()
			return nil, ErrTooLarge
		}
		if errors.Is(err, io.EOF) {
			return h, nil
		}
		if err != nil {
			h.release()
			return nil, err
		}
	}
}

func (h *held) grow(size int64) error {
	if err := h.take(size - h.taken); err != nil {
		return err
	}
	grown := make([]byte, len(h.bytes), size)
	copy(grown, h.bytes)
	h.bytes = grown
	return nil
}

// release gives the budgets back what was taken. The bytes must not be used
// any more.
func (h *held) release() {
	h.uncount()
	h.bytes = nil
}

func (h *held) uncount() {
	for _, budget := range h.budgets {
		budget.Release(h.taken)
	}
	h.taken = 0
}

// below is the body itself: PocketBase keeps a copy of what is read through its
// wrapper, for handlers that read it again.
func below(body io.ReadCloser) io.ReadCloser {
	if wrapped, ok := body.(*router.RereadableReadCloser); ok {
		return wrapped.ReadCloser
	}
	return body
}

// again is a body that begins anew at its end, as PocketBase's handlers expect.
type again struct {
	*held
	at int
}

var _ router.Rereader = (*again)(nil)

func (a *again) Read(p []byte) (int, error) {
	if a.at >= len(a.bytes) {
		a.at = 0
		return 0, io.EOF
	}
	n := copy(p, a.bytes[a.at:])
	a.at += n
	return n, nil
}

// Reread begins anew.
func (a *again) Reread() { a.at = 0 }

// Close does nothing: the connection's body belongs to the server.
func (a *again) Close() error { return nil }

type insideKey struct{}

// Inside marks the context of a request this server puts to itself: its body was
// taken in with the request it follows from.
func Inside(ctx context.Context) context.Context { return context.WithValue(ctx, insideKey{}, true) }

func isUpload(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "multipart/form-data"
}
