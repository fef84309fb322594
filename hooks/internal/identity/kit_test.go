package identity

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// house is the package on a seeded app, with a clock that stands still.
type house struct {
	*Identity
	t      *testing.T
	app    *tests.TestApp
	clock  *testkit.Clock
	delays []time.Duration // how long answers were held back
}

func houseOf(t *testing.T) *house {
	t.Helper()
	box, err := sealed.New(bytes.Repeat([]byte{7}, sealed.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, clock: testkit.NewClock(time.Now().Truncate(time.Second))}
	h.app = testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		h.Identity = Register(app, Options{
			Sealed: box, Outbox: outbox.New(app), Now: h.clock.Now,
			Wait: func(_ context.Context, d time.Duration) { h.delays = append(h.delays, d) },
		})
	})
	return h
}

// row is a stored row by its id.
func (h *house) row(collection, id string) *core.Record {
	h.t.Helper()
	r, err := h.app.FindRecordById(collection, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) user(email string) *core.Record { return h.row(collections.Users, testkit.User(email)) }

// make stores a new row.
func (h *house) make(collection string, values map[string]any) *core.Record {
	h.t.Helper()
	c, err := h.app.FindCollectionByNameOrId(collection)
	if err != nil {
		h.t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Load(values)
	h.save(r)
	return r
}

func (h *house) save(r *core.Record) {
	h.t.Helper()
	if err := h.app.Save(r); err != nil {
		h.t.Fatal(err)
	}
}

// set changes columns of a row.
func (h *house) set(collection, id string, values map[string]any) {
	h.t.Helper()
	r := h.row(collection, id)
	r.Load(values)
	h.save(r)
}

// session stores one of the person's, with an address it was used from.
func (h *house) session(email, address string, more map[string]any) *core.Record {
	h.t.Helper()
	values := map[string]any{
		"user": testkit.User(email), "token_hash": hash(core.GenerateDefaultRandomId()), "method": collections.AuthPassword, "ip_address": address,
		"last_seen_at": h.clock.Now(), "expires_at": h.clock.Now().Add(time.Hour),
	}
	for name, value := range more {
		values[name] = value
	}
	return h.make(collections.Sessions, values)
}

// sessions is how many a person has.
func (h *house) sessions(user string) int {
	h.t.Helper()
	rows, err := h.app.FindAllRecords(collections.Sessions, dbx.HashExp{"user": user})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(rows)
}

// apiKey stores a key of Acme's, made by its admin.
func (h *house) apiKey() *core.Record {
	h.t.Helper()
	const email = "key@service.test"
	account := h.make(collections.Users, map[string]any{
		"email": email, "password": "a long password 1", "is_active": true, "is_service": true,
	})
	h.make(collections.Memberships, map[string]any{
		"organization": testkit.Acme, "user": account.Id, "email": email, "role": collections.Viewer,
		"status": collections.MembershipActive,
	})
	return h.make(collections.APIKeys, map[string]any{
		"organization": testkit.Acme, "name": "Till", "hash": hash("secret"), "acts_as": account.Id,
		"created_by": testkit.User(testkit.AcmeAdmin), "role": collections.Viewer,
	})
}

// request is one from an address.
func (h *house) request(address string) *core.RequestEvent {
	e := &core.RequestEvent{App: h.app}
	e.Request, e.Response = httptest.NewRequest("POST", "/api/x", strings.NewReader("")), httptest.NewRecorder()
	e.Request.RemoteAddr = address + ":4000"
	if strings.Contains(address, ":") {
		e.Request.RemoteAddr = "[" + address + "]:4000"
	}
	return e
}
