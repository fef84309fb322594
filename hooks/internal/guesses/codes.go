package guesses

import (
	"errors"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/intake"
)

// Codes by mail are PocketBase's. An address nobody has is given the id of a
// code too, a decoy, and trying it counts, waits and fails like a real one. A
// code that was tried too often is a decoy from then on.

// decoysMost bounds the memory; a full map is emptied.
const decoysMost = 10_000

type decoy struct {
	account string
	ends    time.Time
}

type decoys struct {
	mu  sync.Mutex
	all map[string]decoy
}

func (d *decoys) add(id, account string, now time.Time, length time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.all) >= decoysMost {
		maps.DeleteFunc(d.all, func(_ string, old decoy) bool { return now.After(old.ends) })
	}
	if d.all == nil || len(d.all) >= decoysMost {
		d.all = map[string]decoy{}
	}
	d.all[id] = decoy{account, now.Add(length)}
}

func (d *decoys) account(id string, now time.Time) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one, ok := d.all[id]
	return one.account, ok && now.Before(one.ends)
}

// requestCode answers all addresses alike; a mailbox is not flooded.
func (g *Guard) requestCode(e *core.RecordCreateOTPRequestEvent) error {
	var form struct {
		Email string `form:"email" json:"email"`
	}
	intake.Peek(e.RequestEvent, &form)
	account := e.Collection.Name + " " + address.Tidy(form.Email)
	r := e.Record
	closed := r != nil && r.Collection().Name == collections.Users && (!r.GetBool("is_active") || r.GetBool("is_service"))
	if g.limits.Hit("otp "+account, mailWindow) <= mailsMost && r != nil && !closed {
		return e.Next()
	}
	id := core.GenerateDefaultRandomId()
	g.decoys.add(id, account, g.Now(), e.Collection.OTP.DurationTime())
	return e.JSON(http.StatusOK, map[string]string{"otpId": id})
}

// tryCode counts a try at a code, and burns the code after its last one.
func (g *Guard) tryCode(e *core.RequestEvent) error {
	var form struct {
		ID string `form:"otpId" json:"otpId"`
	}
	if !intake.Peek(e, &form) {
		return e.Next()
	}
	code, err := e.App.FindOTPById(form.ID)
	var at target
	if err == nil {
		record, err := e.App.FindRecordById(code.CollectionRef(), code.RecordRef())
		if err != nil {
			return e.Next()
		}
		at = accountOf(record)
	} else if account, ok := g.decoys.account(form.ID, g.Now()); ok {
		at.account = account
	} else {
		return e.Next() // there is none
	}
	n, most := g.limits.Hit("code "+form.ID, table[guessCode].mostIn), table[guessCode].each
	if n > most { // burnt: nothing is looked at any more
		return wrongCode(e)
	}
	return g.try(e, guessCode, at, func() error {
		if at.record == nil {
			core.NewOTP(e.App).SetPassword("00000000") // takes as long as comparing
			return wrongCode(e)
		}
		err := e.Next()
		if err == nil || errors.Is(err, apis.ErrMFA) || n < most {
			return err
		}
		g.decoys.add(code.Id, at.account, g.Now(), at.record.Collection().OTP.DurationTime())
		if gone := e.App.Delete(code); gone != nil {
			e.App.Logger().Error("a code tried too often was not deleted; it is refused while the server runs", "error", gone)
		}
		return err
	})
}

// wrongCode is PocketBase's answer.
func wrongCode(e *core.RequestEvent) error { return e.BadRequestError("Invalid or expired OTP", nil) }
