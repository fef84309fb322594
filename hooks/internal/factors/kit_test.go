package factors

import (
	"bytes"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// house is the package on a seeded app, with a clock that stands still.
type house struct {
	*Factors
	testkit.Stored
	clock *testkit.Clock
}

func houseOf(t *testing.T) *house {
	t.Helper()
	box, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{clock: testkit.NewClock(time.Now().Truncate(time.Second))}
	h.Stored = testkit.Stored{T: t, App: testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		h.Factors = New(Deps{
			Sealed: box, Now: h.clock.Now, Guesses: guesses.Register(app, guesses.Options{Now: h.clock.Now}),
			Mails: accountmail.Register(app, accountmail.Deps{Sealed: box, Outbox: outbox.New(app)}),
		})
	})}
	return h
}
