package identity

import (
	"errors"
	"net/http"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/factors"
)

// An account may have been made by somebody else with this person's address.
// Whoever proves the address later owns the account; the password from before
// ends with its sessions, so that who made it is out, and the owner is told: in the
// answer, by mail with a link to choose a new one, and in the audit log.

// passwordEnded is the key in an answer's meta that says so, and the request's
// own mark.
const passwordEnded = "password_ended"

// byLink is how the log calls a proof by the link of a verification mail.
const byLink = "link"

// bindProofs binds the ways to prove an address; an account elsewhere is one, too
// (link).
func (i *Identity) bindProofs() {
	const factor = "identity: the second factor of whoever made an account ends when its owner proves the address"
	atomic.OnRecord(i.app, collections.Users, atomic.Updated, factor, dropFactor, "verified")
	const told = "identity: who has the account is told by mail that its password or address changed"
	atomic.OnRecord(i.app, collections.Users, atomic.Updated, told, i.tellChange)
	i.app.OnRecordAuthWithOTPRequest(collections.Users).BindFunc(i.proveByCode)
	i.app.OnRecordConfirmVerificationRequest(collections.Users).BindFunc(i.proveByLink)
	// Links of mails that change the account are written down with what they change.
	i.app.OnRecordConfirmPasswordResetRequest(collections.Users).BindFunc(func(e *core.RecordConfirmPasswordResetRequestEvent) error {
		audit.With(e.Record, entryOf(e.RequestEvent, e.Record, "auth.password_reset", nil))
		return e.Next()
	})
	i.app.OnRecordConfirmEmailChangeRequest(collections.Users).BindFunc(func(e *core.RecordConfirmEmailChangeRequestEvent) error {
		audit.With(e.Record, entryOf(e.RequestEvent, e.Record, "auth.address_changed", nil))
		return e.Next()
	})
}

// handedOver is the mark on a record that handOver saves.
const handedOver = "@handed_over"

func ended(e *core.RequestEvent) bool {
	_, did := e.Get(passwordEnded).(accountmail.Lost)
	return did
}

// sayEnded adds what ended to what else an answer says.
func sayEnded(e *core.RequestEvent, answer map[string]any) map[string]any {
	also, did := e.Get(passwordEnded).(accountmail.Lost)
	if !did {
		return answer
	}
	if answer == nil {
		answer = map[string]any{}
	}
	answer[passwordEnded], answer["factor_ended"], answer["keys_ended"] = true, also.Factor, also.Keys
	return answer
}

// loses is what ends beside the password when an account goes to the owner of its
// address, asked before it does.
func loses(tx core.App, user *core.Record) (accountmail.Lost, error) {
	var keys int
	err := atomic.One(atomic.Of(tx), `SELECT EXISTS (SELECT 1 FROM api_keys WHERE created_by = ? AND revoked_at = '')`,
		[]any{user.Id}, &keys)
	return accountmail.Lost{Factor: user.GetBool("two_factor"), Keys: keys == 1}, err
}

// handOver gives an account that had not proved its address to whoever did now:
// all of it, or nothing.
func (i *Identity) handOver(e *core.RequestEvent, user *core.Record, method string,
	and ...func(tx core.App) error) error {
	var also accountmail.Lost
	err := e.App.RunInTransaction(func(tx core.App) (err error) {
		if also, err = loses(tx, user); err != nil {
			return err
		}
		user.Set(handedOver, true)
		user.Hide(handedOver)
		user.SetVerified(true)
		user.SetRandomPassword()
		user.Set("two_factor", false) // with dropFactor
		if err := tx.Save(user); err != nil {
			return err
		}
		for _, do := range and {
			if err := do(tx); err != nil {
				return err
			}
		}
		if err := audit.Add(tx, entryOf(e, user, "auth."+passwordEnded, map[string]any{"method": method})); err != nil {
			return err
		}
		return i.Mails.OweLost(tx, accountmail.PasswordEnded, user, also)
	})
	if refused := (*router.ApiError)(nil); errors.As(err, &refused) {
		return refused
	}
	if err != nil {
		return e.InternalServerError("", err)
	}
	user.Set(handedOver, false) // what follows is told
	e.Set(passwordEnded, also)
	return nil
}

// passwordHash is what a record says of its password.
const passwordHash = core.FieldNamePassword + ":hash"

// tellChange owes the mails of a changed account, whoever changed it and how.
func (i *Identity) tellChange(tx core.App, before, after *core.Record) error {
	if after.GetBool("is_service") {
		return nil
	}
	if was := before.Email(); was != after.Email() {
		if err := i.Mails.OweFormer(tx, after.Id, was); err != nil {
			return err
		}
	}
	if before.GetString(passwordHash) == after.GetString(passwordHash) || after.GetBool(handedOver) {
		return nil // that mail tells of the other
	}
	var also accountmail.Lost
	if ChangedHands(before, after) {
		var err error
		if also, err = loses(tx, before); err != nil {
			return err
		}
	}
	return i.Mails.OweLost(tx, accountmail.PasswordChanged, after, also)
}

// ChangedHands tells whether an account that had not proved its address went, with
// this change, to whoever did: another password came with the proof, whichever way it
// was given. What the one who made the account left in it goes.
func ChangedHands(before, after *core.Record) bool {
	return !before.Verified() && after.Verified() && before.GetString(passwordHash) != after.GetString(passwordHash)
}

// dropFactor removes the second factor of whoever made the account: it would keep its
// owner out.
func dropFactor(tx core.App, before, after *core.Record) error {
	if !ChangedHands(before, after) {
		return nil
	}
	row, err := factors.Of(tx, after.Id)
	if err != nil || row == nil {
		return err
	}
	if err := tx.Delete(row); err != nil {
		return err
	}
	_, err = atomic.Of(tx).Exec(`UPDATE users SET two_factor = FALSE WHERE id = ?`, after.Id)
	return err
}

// proveByCode lets a code by mail prove the address it was sent to.
func (i *Identity) proveByCode(e *core.RecordAuthWithOTPRequestEvent) error {
	user := e.Record
	if user.Verified() || e.OTP.SentTo() == "" || address.Tidy(e.OTP.SentTo()) != address.Tidy(user.Email()) {
		return e.Next()
	}
	if err := i.handOver(e.RequestEvent, user, collections.AuthCode); err != nil {
		return err
	}
	return e.Next()
}

// proveByLink lets the link of a verification mail prove the address it was sent
// to. Somebody who is signed in to the account at that moment has the mailbox and
// the password: both stay. Anybody else chooses a password now, with the token the
// answer brings; who has the mailbox could ask for it by mail as well.
func (i *Identity) proveByLink(e *core.RecordConfirmVerificationRequestEvent) error {
	user := e.Record
	if user.Verified() || e.Auth != nil && e.Auth.Id == user.Id && e.Auth.Collection().Id == user.Collection().Id {
		return e.Next()
	}
	if err := i.handOver(e.RequestEvent, user, byLink); err != nil {
		return err
	}
	token, err := user.NewPasswordResetToken()
	if err != nil {
		return e.InternalServerError("", err)
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, sayEnded(e.RequestEvent, map[string]any{"reset_token": token}))
}
