package factors

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pquerna/otp/hotp"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// code is what an authenticator app with the secret shows now.
func (h *house) code(secret string) string {
	h.T.Helper()
	code, err := hotp.GenerateCode(secret, uint64(h.clock.Now().Unix()/step))
	if err != nil {
		h.T.Fatal(err)
	}
	return code
}

func nothing(core.App) error { return nil }

// meanwhile runs other when a person's authenticator is about to be written the next
// time. Where the writer holds the transaction nothing comes between, and other gets
// its turn afterwards. It returns a wait for other.
func (h *house) meanwhile(other func()) (wait func()) {
	var begun atomic.Bool
	done := make(chan struct{})
	h.App.OnRecordUpdate(collections.Authenticators).BindFunc(func(e *core.RecordEvent) error {
		if begun.CompareAndSwap(false, true) {
			go func() {
				defer close(done)
				other()
			}()
			if !e.App.IsTransactional() {
				<-done
			}
		}
		return e.Next()
	})
	return func() { <-done }
}

// Setting up an app anew and confirming the one before, at the same time: one of them
// comes first, and what is confirmed is what the person's app shows.
func TestFactor_confirmed_while_another_is_started_is_one_of_them(t *testing.T) {
	for name, run := range map[string]func(h *house, agent *core.Record) (confirmed error, secret string){
		"confirm during start": func(h *house, agent *core.Record) (confirmed error, secret string) {
			first, err := h.Factors.Start(h.App, agent)
			if err != nil {
				t.Fatal(err)
			}
			wait := h.meanwhile(func() {
				_, confirmed = h.Factors.Confirm(h.Request("198.51.100.7"), h.User(testkit.AcmeAgent),
					h.code(first.Secret), nothing)
			})
			if _, err := h.Factors.Start(h.App, agent); err != nil && !errors.Is(err, ErrSetUp) {
				t.Fatal(err)
			}
			wait()
			return confirmed, first.Secret
		},
		"start during confirm": func(h *house, agent *core.Record) (confirmed error, secret string) {
			first, err := h.Factors.Start(h.App, agent)
			if err != nil {
				t.Fatal(err)
			}
			var begun atomic.Bool
			h.Factors.Now = func() time.Time { // asked when the try is counted, after the row was read
				if begun.CompareAndSwap(false, true) {
					if _, err := h.Factors.Start(h.App, agent); err != nil {
						t.Error(err)
					}
				}
				return h.clock.Now()
			}
			_, confirmed = h.Factors.Confirm(h.Request("198.51.100.7"), h.User(testkit.AcmeAgent), h.code(first.Secret), nothing)
			return confirmed, first.Secret
		},
	} {
		h := houseOf(t)
		agent := h.User(testkit.AcmeAgent)
		confirmed, secret := run(h, agent)
		row, err := Of(h.App, agent.Id)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := h.Sealed.Open(row.GetString("totp_secret"),
			sealed.Place(collections.Authenticators, row.Id, "totp_secret"))
		if err != nil {
			t.Fatal(err)
		}
		on := !row.GetDateTime("confirmed_at").IsZero()
		if on != (confirmed == nil) || h.User(testkit.AcmeAgent).GetBool("two_factor") != on || on && kept != secret {
			t.Errorf("%s: confirmed %v; stored: confirmed %t, the app's secret %t, the account's mark %t", name,
				confirmed, on, kept == secret,
				h.User(testkit.AcmeAgent).GetBool("two_factor"))
		}
	}
}

// The second factor's tries are counted where a restart forgets none, by the same table.
func TestFactor_is_counted_in_its_row(t *testing.T) {
	h := houseOf(t)
	agent := h.User(testkit.AcmeAgent)
	most, locked := guesses.FactorRow()
	if _, err := h.Factors.Start(h.App, agent); err != nil {
		t.Fatal(err)
	}
	row, err := Of(h.App, agent.Id)
	if err != nil {
		t.Fatal(err)
	}
	h.Set(collections.Authenticators, row.Id, map[string]any{"confirmed_at": h.clock.Now()})
	wrong := func() error { return h.Factors.Check(h.Request("198.51.100.7"), agent, "aaaaa-aaaaa") }
	for n := range most {
		if err := wrong(); !errors.Is(err, ErrCode) {
			t.Fatalf("try %d: %v", n+1, err)
		}
	}
	h.Guesses.Forgive(agent)
	if err := wrong(); !errors.Is(err, guesses.ErrLocked) {
		t.Errorf("after %d tries, and a new password: %v", most, err)
	}
	// Where the account is used there are tries apart: strangers lock nobody out.
	h.Session(testkit.AcmeAgent, "192.0.2.1", h.clock.Now(), nil)
	there := func() error { return h.Factors.Check(h.Request("192.0.2.1"), agent, "aaaaa-aaaaa") }
	for n := range most {
		if err := there(); !errors.Is(err, ErrCode) {
			t.Fatalf("try %d from home: %v", n+1, err)
		}
	}
	if err := there(); !errors.Is(err, guesses.ErrLocked) {
		t.Errorf("after %d tries from home: %v", most, err)
	}
	h.clock.Move(locked)
	for _, err := range []error{wrong(), there()} {
		if !errors.Is(err, ErrCode) {
			t.Errorf("after %s: %v", locked, err)
		}
	}
}

func TestRecoveryCodes_are_ten_different_ones(t *testing.T) {
	codes, hashes := recoveryCodes()
	seen := map[string]bool{}
	for n, c := range codes {
		if seen[c] || len(c) != 11 || hashes[n] != recoveryHash(tidyCode(" "+c+" ")) {
			t.Errorf("code %d: %q", n, c)
		}
		seen[c] = true
	}
	if len(seen) != codesKept {
		t.Errorf("got %d codes", len(seen))
	}
}
