package identity

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pquerna/otp/hotp"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// code is what an authenticator app with the secret shows now.
func (h *house) code(secret string) string {
	h.t.Helper()
	code, err := hotp.GenerateCode(secret, uint64(h.clock.Now().Unix()/step))
	if err != nil {
		h.t.Fatal(err)
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
	h.app.OnRecordUpdate(collections.Authenticators).BindFunc(func(e *core.RecordEvent) error {
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
			first, err := h.StartFactor(h.app, agent)
			if err != nil {
				t.Fatal(err)
			}
			wait := h.meanwhile(func() {
				_, confirmed = h.ConfirmFactor(h.request("198.51.100.7"), h.user(testkit.AcmeAgent), h.code(first.Secret), nothing)
			})
			if _, err := h.StartFactor(h.app, agent); err != nil && !errors.Is(err, ErrSetUp) {
				t.Fatal(err)
			}
			wait()
			return confirmed, first.Secret
		},
		"start during confirm": func(h *house, agent *core.Record) (confirmed error, secret string) {
			first, err := h.StartFactor(h.app, agent)
			if err != nil {
				t.Fatal(err)
			}
			var begun atomic.Bool
			h.Now = func() time.Time { // asked when the try is counted, after the row was read
				if begun.CompareAndSwap(false, true) {
					if _, err := h.StartFactor(h.app, agent); err != nil {
						t.Error(err)
					}
				}
				return h.clock.Now()
			}
			_, confirmed = h.ConfirmFactor(h.request("198.51.100.7"), h.user(testkit.AcmeAgent), h.code(first.Secret), nothing)
			return confirmed, first.Secret
		},
	} {
		h := houseOf(t)
		agent := h.user(testkit.AcmeAgent)
		confirmed, secret := run(h, agent)
		row, err := authenticator(h.app, agent.Id)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := h.Sealed.Open(row.GetString("totp_secret"), sealed.Place(collections.Authenticators, row.Id, "totp_secret"))
		if err != nil {
			t.Fatal(err)
		}
		on := !row.GetDateTime("confirmed_at").IsZero()
		if on != (confirmed == nil) || h.user(testkit.AcmeAgent).GetBool("two_factor") != on || on && kept != secret {
			t.Errorf("%s: confirmed %v; stored: confirmed %t, the app's secret %t, the account's mark %t", name, confirmed, on, kept == secret,
				h.user(testkit.AcmeAgent).GetBool("two_factor"))
		}
	}
}
