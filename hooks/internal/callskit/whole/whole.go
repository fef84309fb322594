// Package whole opens the desk of callskit with calls bound as the product binds them,
// for the rooms of calls that are tested over the wire.
package whole

import (
	"net/http"
	"testing"

	"github.com/pocketline/pocketline/hooks/calls"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
)

// Open opens a desk of calls; provider answers for Vapi and may be nil, more changes what
// they are given (nil is nothing), with binds other domains beside them.
func Open(t testing.TB, provider http.Handler, more func(*calls.Deps), with ...func(*callskit.Desk)) *callskit.Desk {
	t.Helper()
	return callskit.Open(t, provider, append([]func(*callskit.Desk){func(d *callskit.Desk) {
		given := calls.Deps{
			Tools: d.Tools, Vapi: d.Vapi, Functions: d.Functions, Rate: 1_000_000, After: d.After,
			Installation: func() (string, error) { return "desk", nil },
		}
		if more != nil {
			more(&given)
		}
		calls.Register(d, given)
	}}, with...)...)
}

// NewCounter is a desk whose provider is the sandbox; with messages it also tells the
// desk what happens.
func NewCounter(t testing.TB, messages bool, with ...func(*callskit.Desk)) *callskit.Counter {
	t.Helper()
	return callskit.NewCounter(Open(t, nil, nil, with...), messages)
}
