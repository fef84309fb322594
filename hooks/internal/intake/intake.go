// Package intake bounds what a request may bring, before anything of ours reads
// it and before it is asked who sends it (security.md S57, S61, S63).
//
//   - Text: a query string, a filter, a sort, an expand has a length, a nesting
//     and a number of terms (text.go).
//   - Bodies: a guest's is small, a member's has a size; what of them lies in
//     memory at once has a budget (body.go). What may stand in them and in
//     addresses is package untrusted's to say (look.go).
//   - Uploads of people who are signed in go to disk as they come (upload.go).
//   - Doors: a provider's message is read inside a budget of its own, a part of
//     which no stranger reaches (door.go).
//
// A budget that is spent answers 503 with Retry-After and never waits: whoever
// waits holds a connection, and strangers could make everybody wait.
package intake

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/chain"
)

// Limits of bodies, in bytes. A zero is the default.
type Limits struct {
	// GuestBody is the largest body of somebody who is not signed in.
	GuestBody int64
	// GuestBodies is what all of theirs may hold in memory at once.
	GuestBodies int64
	// GuestPatience is how long a guest's body may take at least, however little
	// of it comes.
	GuestPatience time.Duration
	// MemberBodies is the same for people who are signed in. Uploads go to disk.
	MemberBodies int64
	// ProviderBody is the largest message of a provider.
	ProviderBody int64
	// ProviderBodies is what all messages being taken in may hold at once;
	// ProvenBodies of it are kept for those whose header proved the sender.
	ProviderBodies, ProvenBodies int64
}

// Defaults are the limits of an installation that says nothing: together they
// fit a machine with 256 MB.
func Defaults() Limits {
	return Limits{
		GuestBody:      64 << 10, // forms: sign-in, sign-up, a subscription
		GuestBodies:    4 << 20,
		GuestPatience:  4 * time.Second,
		MemberBodies:   16 << 20,
		ProviderBody:   5 << 20, // the report of a long call is some hundred KB
		ProviderBodies: 12 << 20,
		ProvenBodies:   4 << 20,
	}
}

// memberBody bounds what somebody who is signed in may send in one piece: more
// than any row a person types.
const memberBody = 2 << 20

// What a body consists of, as untrusted.Scanner counts: values, names and
// separators. A row a person types has some hundred.
const (
	memberValues = 50_000
	guestValues  = 2_000
	// valueBytes is about what one of them takes once it is parsed, small objects
	// being the dearest.
	valueBytes = 128
	// providerObjects are the objects and lists of a provider's message. The report
	// of a call of two hours names each of 18,000 words twice.
	providerObjects = 50_000
	// fewObjects are not counted: a message during a call has some dozen.
	fewObjects = 1_000
)

func (l Limits) filled() Limits {
	d := Defaults()
	for _, one := range []struct {
		is        *int64
		otherwise int64
	}{
		{&l.GuestBody, d.GuestBody}, {&l.GuestBodies, d.GuestBodies}, {&l.MemberBodies, d.MemberBodies},
		{&l.ProviderBody, d.ProviderBody}, {&l.ProviderBodies, d.ProviderBodies}, {&l.ProvenBodies, d.ProvenBodies},
	} {
		if *one.is <= 0 {
			*one.is = one.otherwise
		}
	}
	if l.GuestPatience <= 0 {
		l.GuestPatience = d.GuestPatience
	}
	return l
}

// Register binds the bounds to every request. Call it once.
func Register(app core.App, l Limits) {
	b := newBodies(l.filled())
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(
			chain.Middleware(chain.Text, checkText),
			chain.Middleware(chain.Address, readAddress),
			chain.Middleware(chain.Body, b.take),
			chain.Middleware(chain.BodyText, readBody),
			chain.Middleware(chain.Upload, b.toDisk),
		)
		return se.Next()
	})
}

// Refusals of a body.
var (
	// ErrTooLarge is answered 413.
	ErrTooLarge = errors.New("intake: the body is too large")
	// ErrManyValues is ErrTooLarge of a body whose bytes would do.
	ErrManyValues = fmt.Errorf("%w: too many values", ErrTooLarge)
	// ErrBusy is answered 503 with Retry-After: the budget is spent.
	ErrBusy = errors.New("intake: too many bytes are being taken in at once")
)

// RetryAfter is what a spent budget answers in the header of that name: bodies
// are read and answered within seconds.
const RetryAfter = "2"

// StopReading says that what is left of a body is not wanted: the answer goes
// out at once instead of after 256 KB more of it (net/http reads on to keep the
// connection), and the connection ends.
func StopReading(e *core.RequestEvent) {
	w := e.Response
	for {
		wrapped, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = wrapped.Unwrap()
	}
	// A reader over its limit is how a server is told to close without cutting
	// off the answer.
	over := http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0)
	_, _ = io.Copy(io.Discard, over) // fails, which is the point
	// Not every ResponseWriter of a test can do this, and nothing is lost then.
	if err := http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)); err != nil {
		e.App.Logger().Debug("read deadline not changed", "error", err)
	}
}
