package identity

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// house is the package on a seeded app, with a clock that stands still.
type house struct {
	*Identity
	testkit.Stored
	clock  *testkit.Clock
	delays []time.Duration // how long answers were held back
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
		h.Identity = Register(app, Options{
			Sealed: box, Outbox: outbox.New(app), Now: h.clock.Now,
			Wait: func(_ context.Context, d time.Duration) { h.delays = append(h.delays, d) },
		})
	})}
	return h
}

// session stores one of the person's, with an address it was used from.
func (h *house) session(email, address string, more map[string]any) *core.Record {
	h.T.Helper()
	return h.Session(email, address, h.clock.Now(), more)
}

// sessions is how many a person has.
func (h *house) sessions(user string) int {
	h.T.Helper()
	return h.Count(collections.Sessions, map[string]any{"user": user})
}

// apiKey stores a key of Acme's, made by its admin.
func (h *house) apiKey() *core.Record {
	h.T.Helper()
	const email = "key@service.test"
	account := h.Make(collections.Users, map[string]any{
		"email": email, "password": "a long password 1", "is_active": true, "is_service": true,
	})
	h.Make(collections.Memberships, map[string]any{
		"organization": testkit.Acme, "user": account.Id, "email": email, "role": collections.Viewer,
		"status": collections.MembershipActive,
	})
	return h.Make(collections.APIKeys, map[string]any{
		"organization": testkit.Acme, "name": "Till", "hash": rows.Hash("secret"), "acts_as": account.Id,
		"created_by": testkit.User(testkit.AcmeAdmin), "role": collections.Viewer,
	})
}
