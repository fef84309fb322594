package identity

import (
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
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
	i.app.OnRecordAuthWithOTPRequest(collections.Users).BindFunc(i.proveByCode)
	i.app.OnRecordConfirmVerificationRequest(collections.Users).BindFunc(i.proveByLink)
}

func ended(e *core.RequestEvent) bool { return e.Get(passwordEnded) == true }

// withEnded adds to what else an answer says.
func withEnded(meta any) any {
	said, ok := meta.(map[string]any)
	if !ok {
		said = map[string]any{}
	}
	said[passwordEnded] = true
	return said
}

// handOver gives an account that had not proved its address to whoever did now:
// all of it, or nothing.
func (i *Identity) handOver(e *core.RequestEvent, user *core.Record, method string, and ...func(tx core.App) error) error {
	err := e.App.RunInTransaction(func(tx core.App) error {
		user.SetVerified(true)
		user.SetRandomPassword()
		user.Set("two_factor", false) // with dropFactor
		if err := tx.Save(user); err != nil {
			return err
		}
		for _, also := range and {
			if err := also(tx); err != nil {
				return err
			}
		}
		if err := audit.Add(tx, entryOf(e, user, "auth."+passwordEnded, map[string]any{"method": method})); err != nil {
			return err
		}
		return i.Owe(tx, mailEnded, user, hash(user.TokenKey())[:16])
	})
	if err != nil {
		return e.InternalServerError("", err)
	}
	e.Set(passwordEnded, true)
	return nil
}

// ChangedHands tells whether an account that had not proved its address went, with
// this change, to whoever did: another password came with the proof, whichever way it
// was given. What the one who made the account left in it goes.
func ChangedHands(before, after *core.Record) bool {
	const kept = core.FieldNamePassword + ":hash"
	return !before.Verified() && after.Verified() && before.GetString(kept) != after.GetString(kept)
}

// dropFactor removes the second factor of whoever made the account: it would keep its
// owner out.
func dropFactor(tx core.App, before, after *core.Record) error {
	if !ChangedHands(before, after) {
		return nil
	}
	row, err := authenticator(tx, after.Id)
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
	return e.JSON(http.StatusOK, map[string]any{passwordEnded: true, "reset_token": token})
}
