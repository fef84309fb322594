package guesses

import (
	"context"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// house is the package on a seeded app, with a clock that stands still.
type house struct {
	*Guard
	testkit.Stored
	clock  *testkit.Clock
	delays []time.Duration // how long answers were held back
}

func houseOf(t *testing.T) *house {
	t.Helper()
	h := &house{clock: testkit.NewClock(time.Now().Truncate(time.Second))}
	h.Stored = testkit.Stored{T: t, App: testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		h.Guard = Register(app, Options{
			Now: h.clock.Now, Wait: func(_ context.Context, d time.Duration) { h.delays = append(h.delays, d) },
		})
	})}
	return h
}

// session stores one of the person's, with an address it was used from.
func (h *house) session(email, address string, more map[string]any) *core.Record {
	h.T.Helper()
	return h.Session(email, address, h.clock.Now(), more)
}
