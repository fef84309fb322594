// Package factors keeps people's second factors: the authenticator app, the recovery
// codes, and a code by mail in their place. A code of an app is good once, and so is a
// recovery code.
package factors

import (
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

const (
	// step is the time one code is shown; every app uses 30 s.
	step = 30
	// drift is how many steps a phone's clock may be off.
	drift = 1
	// codesKept is how many recovery codes a person gets.
	codesKept = 10
	// issuer is the name authenticator apps show.
	issuer = "Pocketline"
)

// Deps are what the package needs.
type Deps struct {
	// Sealed keeps the secrets of authenticator apps.
	Sealed *sealed.Box
	// Mails tell people that a factor was set up or taken off.
	Mails *accountmail.Mails
	// Guesses count the tries.
	Guesses *guesses.Guard
	// Now is the clock.
	Now func() time.Time
}

// Factors are people's second factors.
type Factors struct{ Deps }

// New makes them; there is nothing to bind.
func New(d Deps) *Factors { return &Factors{d} }

// Errors of second factors.
var (
	ErrCode  = errors.New("the code is wrong or was used already")
	ErrSetUp = errors.New("an authenticator app is set up already")
	ErrNone  = errors.New("no authenticator app is set up")
)

// Enrollment is what an authenticator app needs.
type Enrollment struct {
	Secret string `json:"secret"`
	URI    string `json:"uri"` // otpauth://…, as a QR code
}

// Start makes a new secret for the person. It counts once Confirm
// saw a code of it. ErrSetUp when one is confirmed already.
func (f *Factors) Start(app core.App, user *core.Record) (Enrollment, error) {
	made, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: user.Email(), SecretSize: 20})
	if err != nil {
		return Enrollment{}, fmt.Errorf("authenticator: %w", err)
	}
	err = app.RunInTransaction(func(tx core.App) error {
		row, err := Of(tx, user.Id)
		if err != nil {
			return err
		}
		if Confirmed(row) {
			return ErrSetUp
		}
		if row == nil {
			c, err := tx.FindCachedCollectionByNameOrId(collections.Authenticators)
			if err != nil {
				return err
			}
			row = core.NewRecord(c)
			row.Id = core.GenerateDefaultRandomId()
			row.Set("user", user.Id)
		}
		secret, err := f.Sealed.Seal(made.Secret(), sealed.Place(collections.Authenticators, row.Id, "totp_secret"))
		if err != nil {
			return err
		}
		row.IgnoreUnchangedFields(true)
		row.Set("totp_secret", secret)
		row.Set("last_step", 0)
		return tx.Save(row)
	})
	if err != nil {
		return Enrollment{}, err
	}
	return Enrollment{made.Secret(), made.URL()}, nil
}

// Confirm turns the second factor on when the code is right, and returns
// the recovery codes: the only time they are seen. also is done in the same
// transaction, so that nobody has a factor whose codes they were not shown. Like
// Check it must not run inside a transaction that may be undone.
func (f *Factors) Confirm(e *core.RequestEvent, user *core.Record, code string,
	also func(tx core.App) error) ([]string, error) {
	if _, err := unconfirmed(e.App, user.Id); err != nil {
		return nil, err
	}
	if err := f.attempt(e, user); err != nil {
		return nil, err
	}
	codes, hashes := recoveryCodes()
	err := e.App.RunInTransaction(func(tx core.App) error {
		row, err := unconfirmed(tx, user.Id) // as it is now, with the attempt
		if err != nil {
			return err
		}
		used, err := f.matches(row, code)
		if err != nil {
			return err
		}
		row.IgnoreUnchangedFields(true)
		row.Load(map[string]any{
			"confirmed_at": f.Now(), "last_step": used, "recovery_hashes": hashes, "failures": 0, "locked_until": "",
		})
		if err := tx.Save(row); err != nil {
			return err
		}
		user.IgnoreUnchangedFields(true)
		user.Set("two_factor", true)
		if err := tx.Save(user); err != nil {
			return err
		}
		if err := f.Mails.Owe(tx, accountmail.FactorOn, user, rows.Stamp(f.Now())); err != nil {
			return err
		}
		return also(tx)
	})
	if err != nil {
		return nil, err
	}
	f.Guesses.FactorPassed(e, user)
	return codes, nil
}

// Confirmed tells whether the app, if any, was confirmed by a code.
func Confirmed(app *core.Record) bool {
	return app != nil && !app.GetDateTime("confirmed_at").IsZero()
}

// unconfirmed is the person's authenticator that no code has confirmed: ErrNone
// without one, ErrSetUp when it is confirmed.
func unconfirmed(app core.App, user string) (*core.Record, error) {
	row, err := Of(app, user)
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, ErrNone
	case Confirmed(row):
		return nil, ErrSetUp
	}
	return row, nil
}

// Renew replaces the recovery codes and returns the new ones. Where more is
// to be stored with them, app is the transaction's.
func (f *Factors) Renew(app core.App, user string) ([]string, error) {
	row, err := Of(app, user)
	if err != nil {
		return nil, err
	}
	if !Confirmed(row) {
		return nil, ErrNone
	}
	codes, hashes := recoveryCodes()
	row.IgnoreUnchangedFields(true)
	row.Set("recovery_hashes", hashes)
	return codes, app.Save(row)
}

// End turns the second factor off.
func (f *Factors) End(app core.App, user *core.Record) error {
	row, err := Of(app, user.Id)
	if err != nil {
		return err
	}
	if row != nil {
		if err := app.Delete(row); err != nil {
			return err
		}
	}
	user.IgnoreUnchangedFields(true)
	user.Set("two_factor", false)
	return app.Save(user)
}

// TakeOff is End by somebody else, whom the person is told of by mail.
func (f *Factors) TakeOff(tx core.App, user *core.Record, by accountmail.Who) error {
	if err := f.End(tx, user); err != nil {
		return err
	}
	return f.Mails.OweBy(tx, accountmail.FactorOff, user, by)
}

// Check tells whether the code is the authenticator app's of now, or a
// recovery code; each is good once. ErrCode, guesses.ErrLocked or ErrNone otherwise.
// It must not run inside a transaction that may be undone: a failure counts.
func (f *Factors) Check(e *core.RequestEvent, user *core.Record, code string) error {
	row, err := Of(e.App, user.Id)
	if err != nil {
		return err
	}
	if !Confirmed(row) {
		return ErrNone
	}
	if err := f.attempt(e, user); err != nil {
		return err
	}
	code = tidyCode(code)
	if len(code) == 6 {
		var used int64
		if used, err = f.matches(row, code); err != nil {
			return err
		}
		// One statement decides who used the step first.
		err = one(atomic.Of(e.App).Exec(`UPDATE authenticators SET last_step = ?, failures = 0, locked_until = ''
			WHERE id = ? AND last_step < ?`, used, row.Id, used))
	} else {
		err = f.spend(e.App, row.Id, code)
	}
	if err == nil {
		f.Guesses.FactorPassed(e, user)
	}
	return err
}

// CheckMailed compares a code with the one that was mailed for a sign-in, of which kept
// is MailedHash. A right one ends the row of wrong ones, as an app's code does. ErrCode or
// guesses.ErrLocked otherwise; like Check it must not run inside a transaction that may be
// undone.
func (f *Factors) CheckMailed(e *core.RequestEvent, user *core.Record, code, kept string) error {
	if err := f.attempt(e, user); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(MailedHash(code)), []byte(kept)) != 1 {
		return ErrCode
	}
	f.Guesses.FactorPassed(e, user)
	return one(atomic.Of(e.App).Exec(`UPDATE authenticators SET failures = 0, locked_until = '' WHERE user = ?`, user.Id))
}

// mailedDigits is how long a code by mail is; an app's is shorter.
const mailedDigits = 8

// NewMailed makes a code to be mailed.
func NewMailed() string { return security.RandomStringWithAlphabet(mailedDigits, "1234567890") }

// IsMailed tells whether a code has the length of mailed ones.
func IsMailed(code string) bool { return len(tidyCode(code)) == mailedDigits }

// MailedHash is what is kept of a code that was mailed.
func MailedHash(code string) string { return rows.Hash("mailed " + tidyCode(code)) }

// spend uses up a recovery code.
func (f *Factors) spend(app core.App, id, code string) error {
	return app.RunInTransaction(func(tx core.App) error {
		row, err := tx.FindRecordById(collections.Authenticators, id)
		if err != nil {
			return err
		}
		var hashes []string
		if err := json.Unmarshal([]byte(row.GetString("recovery_hashes")), &hashes); err != nil {
			return ErrCode
		}
		given, found := []byte(recoveryHash(code)), -1
		for n, h := range hashes { // all of them, whichever fits
			if subtle.ConstantTimeCompare(given, []byte(h)) == 1 {
				found = n
			}
		}
		if found < 0 {
			return ErrCode
		}
		row.IgnoreUnchangedFields(true)
		row.Load(map[string]any{"recovery_hashes": slices.Delete(hashes, found, found+1), "failures": 0, "locked_until": ""})
		return tx.Save(row)
	})
}

// attempt takes one of the tries a person has, before the code is looked at,
// so that tries at the same time are counted too. guesses.ErrLocked when none is left.
func (f *Factors) attempt(e *core.RequestEvent, user *core.Record) error {
	if home, err := f.Guesses.Factor(e, user); home || err != nil {
		return err
	}
	most, locked := guesses.FactorRow()
	now := f.Now()
	err := one(atomic.Of(e.App).Exec(`UPDATE authenticators SET
		failures = CASE WHEN failures >= ? THEN 1 ELSE failures + 1 END,
		locked_until = CASE WHEN failures = ? THEN ? ELSE '' END
		WHERE user = ? AND (locked_until = '' OR locked_until <= ?)`, most, most-1, rows.Stamp(now.Add(locked)),
		user.Id, rows.Stamp(now)))
	if errors.Is(err, ErrCode) {
		return guesses.ErrLocked
	}
	return err
}

// matches returns the time step whose code was given; ErrCode when there is
// none, or it is not later than the last one used.
func (f *Factors) matches(row *core.Record, code string) (int64, error) {
	secret, err := f.Sealed.Open(row.GetString("totp_secret"),
		sealed.Place(collections.Authenticators, row.Id, "totp_secret"))
	if err != nil {
		return 0, err
	}
	code, now := tidyCode(code), f.Now().Unix()/step
	found := int64(0)
	for at := now - drift; at <= now+drift; at++ {
		want, err := hotp.GenerateCode(secret, uint64(at))
		if err != nil {
			return 0, fmt.Errorf("authenticator: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = at
		}
	}
	if found == 0 || found <= int64(row.GetInt("last_step")) {
		return 0, ErrCode
	}
	return found, nil
}

// Of is the person's authenticator app, nil when none was set up.
func Of(app core.App, user string) (*core.Record, error) {
	row, err := app.FindFirstRecordByFilter(collections.Authenticators, "user = {:user}", dbx.Params{"user": user})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return row, err
}

// recoveryCodes makes codes of 50 bits each, as people can copy them, and what
// is stored of them.
func recoveryCodes() (codes, hashes []string) {
	for range codesKept {
		var b [7]byte
		rand.Read(b[:]) // never fails (crypto/rand)
		text := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:10]
		codes = append(codes, text[:5]+"-"+text[5:])
		hashes = append(hashes, recoveryHash(text))
	}
	return codes, hashes
}

func recoveryHash(code string) string { return rows.Hash("recovery " + code) }

// tidyCode takes away what people add when they copy a code.
func tidyCode(code string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(code)))
}

// one is nil when a statement changed a row, and ErrCode when it changed none.
func one(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = ErrCode
	}
	return err
}
