package identity

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

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/network"
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

// Errors of second factors.
var (
	ErrCode   = errors.New("the code is wrong or was used already")
	ErrLocked = errors.New("too many wrong codes: try again in 15 minutes")
	ErrSetUp  = errors.New("an authenticator app is set up already")
	ErrNone   = errors.New("no authenticator app is set up")
)

// Enrollment is what an authenticator app needs.
type Enrollment struct {
	Secret string `json:"secret"`
	URI    string `json:"uri"` // otpauth://…, as a QR code
}

// StartFactor makes a new secret for the person. It counts once ConfirmFactor
// saw a code of it. ErrSetUp when one is confirmed already.
func (i *Identity) StartFactor(app core.App, user *core.Record) (Enrollment, error) {
	made, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: user.Email(), SecretSize: 20})
	if err != nil {
		return Enrollment{}, fmt.Errorf("authenticator: %w", err)
	}
	err = app.RunInTransaction(func(tx core.App) error {
		row, err := authenticator(tx, user.Id)
		if err != nil {
			return err
		}
		if row != nil && !row.GetDateTime("confirmed_at").IsZero() {
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
		secret, err := i.Sealed.Seal(made.Secret(), sealed.Place(collections.Authenticators, row.Id, "totp_secret"))
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

// ConfirmFactor turns the second factor on when the code is right, and returns
// the recovery codes: the only time they are seen. also is done in the same
// transaction, so that nobody has a factor whose codes they were not shown. Like
// CheckFactor it must not run inside a transaction that may be undone.
func (i *Identity) ConfirmFactor(e *core.RequestEvent, user *core.Record, code string,
	also func(tx core.App) error) ([]string, error) {
	if _, err := unconfirmed(e.App, user.Id); err != nil {
		return nil, err
	}
	if err := i.attempt(e, user); err != nil {
		return nil, err
	}
	codes, hashes := recoveryCodes()
	err := e.App.RunInTransaction(func(tx core.App) error {
		row, err := unconfirmed(tx, user.Id) // as it is now, with the attempt
		if err != nil {
			return err
		}
		used, err := i.matches(row, code)
		if err != nil {
			return err
		}
		row.IgnoreUnchangedFields(true)
		row.Load(map[string]any{
			"confirmed_at": i.Now(), "last_step": used, "recovery_hashes": hashes, "failures": 0, "locked_until": "",
		})
		if err := tx.Save(row); err != nil {
			return err
		}
		user.IgnoreUnchangedFields(true)
		user.Set("two_factor", true)
		if err := tx.Save(user); err != nil {
			return err
		}
		if err := i.Owe(tx, mailFactor, user, stamp(i.Now())); err != nil {
			return err
		}
		return also(tx)
	})
	if err != nil {
		return nil, err
	}
	i.passed(e, user)
	return codes, nil
}

// unconfirmed is the person's authenticator that no code has confirmed: ErrNone
// without one, ErrSetUp when it is confirmed.
func unconfirmed(app core.App, user string) (*core.Record, error) {
	row, err := authenticator(app, user)
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, ErrNone
	case !row.GetDateTime("confirmed_at").IsZero():
		return nil, ErrSetUp
	}
	return row, nil
}

// RenewRecovery replaces the recovery codes and returns the new ones. Where more is
// to be stored with them, app is the transaction's.
func (i *Identity) RenewRecovery(app core.App, user string) ([]string, error) {
	row, err := authenticator(app, user)
	if err != nil {
		return nil, err
	}
	if row == nil || row.GetDateTime("confirmed_at").IsZero() {
		return nil, ErrNone
	}
	codes, hashes := recoveryCodes()
	row.IgnoreUnchangedFields(true)
	row.Set("recovery_hashes", hashes)
	return codes, app.Save(row)
}

// EndFactor turns the second factor off.
func (i *Identity) EndFactor(app core.App, user *core.Record) error {
	row, err := authenticator(app, user.Id)
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

// TakeFactorOff is EndFactor by somebody else, whom the person is told of by mail.
func (i *Identity) TakeFactorOff(tx core.App, user *core.Record, by Who) error {
	if err := i.EndFactor(tx, user); err != nil {
		return err
	}
	return i.OweBy(tx, MailFactorOff, user, by)
}

// CheckFactor tells whether the code is the authenticator app's of now, or a
// recovery code; each is good once. ErrCode, ErrLocked or ErrNone otherwise.
// It must not run inside a transaction that may be undone: a failure counts.
func (i *Identity) CheckFactor(e *core.RequestEvent, user *core.Record, code string) error {
	row, err := authenticator(e.App, user.Id)
	if err != nil {
		return err
	}
	if row == nil || row.GetDateTime("confirmed_at").IsZero() {
		return ErrNone
	}
	if err := i.attempt(e, user); err != nil {
		return err
	}
	code = tidyCode(code)
	if len(code) == 6 {
		var used int64
		if used, err = i.matches(row, code); err != nil {
			return err
		}
		// One statement decides who used the step first.
		err = one(atomic.Of(e.App).Exec(`UPDATE authenticators SET last_step = ?, failures = 0, locked_until = ''
			WHERE id = ? AND last_step < ?`, used, row.Id, used))
	} else {
		err = i.spend(e.App, row.Id, code)
	}
	if err == nil {
		i.passed(e, user)
	}
	return err
}

// spend uses up a recovery code.
func (i *Identity) spend(app core.App, id, code string) error {
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
// so that tries at the same time are counted too. ErrLocked when none is left. A
// network the account is used from has tries of its own: who found the password
// out does not lock the owner out at home.
func (i *Identity) attempt(e *core.RequestEvent, user *core.Record) error {
	g, now := guesses[guessFactor], i.Now()
	if i.familiar(e, user) {
		if i.limits.Hit(atHome(e, user), g.mostIn) > g.most {
			return ErrLocked
		}
		return nil
	}
	err := one(atomic.Of(e.App).Exec(`UPDATE authenticators SET
		failures = CASE WHEN failures >= ? THEN 1 ELSE failures + 1 END,
		locked_until = CASE WHEN failures = ? THEN ? ELSE '' END
		WHERE user = ? AND (locked_until = '' OR locked_until <= ?)`, g.most, g.most-1, stamp(now.Add(g.mostIn)), user.Id, stamp(now)))
	if errors.Is(err, ErrCode) {
		return ErrLocked
	}
	return err
}

// passed ends the row of wrong codes from where the right one came.
func (i *Identity) passed(e *core.RequestEvent, user *core.Record) { i.limits.Clear(atHome(e, user)) }

func atHome(e *core.RequestEvent, user *core.Record) string {
	return accountOf(user).key(guessFactor) + " from " + network.Of(e.RealIP())
}

// matches returns the time step whose code was given; ErrCode when there is
// none, or it is not later than the last one used.
func (i *Identity) matches(row *core.Record, code string) (int64, error) {
	secret, err := i.Sealed.Open(row.GetString("totp_secret"), sealed.Place(collections.Authenticators, row.Id, "totp_secret"))
	if err != nil {
		return 0, err
	}
	code, now := tidyCode(code), i.Now().Unix()/step
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

func authenticator(app core.App, user string) (*core.Record, error) {
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

func recoveryHash(code string) string { return hash("recovery " + code) }

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
