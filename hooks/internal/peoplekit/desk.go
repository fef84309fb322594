// Package peoplekit puts the rooms about people and organizations together for their
// tests, over the wire: what one does the others see, as in the product.
package peoplekit

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/accounts"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/internal/deskkit"
	"github.com/pocketline/pocketline/hooks/onboarding"
	"github.com/pocketline/pocketline/hooks/orgs"
	"github.com/pocketline/pocketline/hooks/privacy"
)

// Rooms are what each room is given.
type Rooms struct {
	Accounts   accounts.Deps
	Privacy    privacy.Deps
	Orgs       orgs.Deps
	Onboarding onboarding.Deps
}

// Desk is the rooms on a seeded app.
type Desk struct {
	*deskkit.Desk
	// Clock is what OpenAt's rooms go by.
	Clock *Clock
	// Delays are how long OpenAt's answers were held back.
	Delays []time.Duration
	// Serial counts the requests from addresses of their own.
	Serial int
}

// OpenAt opens a desk whose clock tests move, where strangers may begin accounts and
// nobody waits for an answer that is held back.
func OpenAt(t testing.TB, bind ...func(core.App)) *Desk {
	t.Helper()
	d := &Desk{Clock: newClock()}
	d.open(t, deskkit.Settings{
		Now:  d.Clock.Now,
		Wait: func(_ context.Context, length time.Duration) { d.Delays = append(d.Delays, length) },
	}, func(r *Rooms) { r.Accounts.SignUp = "open" }, bind...)
	return d
}

// Open opens a desk; more changes what the rooms are given (nil is nothing), bind
// adds hooks.
func Open(t testing.TB, more func(*Rooms), bind ...func(core.App)) *Desk {
	t.Helper()
	d := &Desk{Clock: newClock()}
	d.open(t, deskkit.Settings{}, more, bind...)
	return d
}

func (d *Desk) open(t testing.TB, s deskkit.Settings, more func(*Rooms), bind ...func(core.App)) {
	t.Helper()
	d.Desk = s.Open(t, func(on *deskkit.Desk) {
		for _, b := range bind {
			b(on.TestApp)
		}
		r := Rooms{
			Accounts: accounts.Deps{Tools: on.Tools}, Privacy: privacy.Deps{Tools: on.Tools},
			Orgs:       orgs.Deps{Tools: on.Tools, Week: lists.WeekOf},
			Onboarding: onboarding.Deps{Tools: on.Tools, PerPerson: 10},
		}
		if more != nil {
			more(&r)
		}
		accounts.Register(on, r.Accounts)
		privacy.Register(on, r.Privacy)
		orgs.Register(on, r.Orgs)
		onboarding.Register(r.Onboarding)
	})
}

// Handler serves the desk to several callers at once.
func (d *Desk) Handler() http.Handler {
	d.T.Helper()
	mux, err := d.Router.BuildMux()
	if err != nil {
		d.T.Fatal(err)
	}
	return mux
}
