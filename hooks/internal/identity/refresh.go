package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
)

// A refresh token is for clients that keep one beside the token of the session
// (hooks/supabase). It names the session and the token it was given out with,
// so a new token makes it worth nothing: whoever shows it again may have stolen
// it, and the session ends for both.

// ErrRefresh says that a refresh token is worth nothing.
var ErrRefresh = errors.New("the refresh token, or its session, is over")

const storeKey = "pocketline.identity"

// Of is the identity of the app, once it is registered.
func Of(app core.App) *Identity {
	i, _ := app.Store().Get(storeKey).(*Identity)
	return i
}

// RefreshToken is the one that goes with a token of a session.
func RefreshToken(user *core.Record, token string) (string, error) {
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return "", err
	}
	session, _ := claims[claim].(string)
	return refreshToken(user, session, hash(token)), nil
}

func refreshToken(user *core.Record, session, with string) string {
	mac := hmac.New(sha256.New, []byte(user.TokenKey()+user.Collection().AuthToken.Secret))
	mac.Write([]byte("refresh " + session + " " + with))
	return session + "." + with + "." + hex.EncodeToString(mac.Sum(nil))
}

// Refresh gives the session of a refresh token another token, once. ErrRefresh
// when there is nothing to refresh.
func (i *Identity) Refresh(e *core.RequestEvent, refresh string) (user *core.Record, token string, err error) {
	session, rest, _ := strings.Cut(refresh, ".")
	with, _, _ := strings.Cut(rest, ".")
	reused := false
	err = e.App.RunInTransaction(func(tx core.App) error {
		row, err := database.Found(tx.FindRecordById(collections.Sessions, session))
		if err != nil {
			return err
		}
		if row == nil {
			return ErrRefresh
		}
		if user, err = database.Found(tx.FindRecordById(collections.Users, row.GetString("user"))); err != nil {
			return err
		}
		if user == nil {
			return ErrRefresh
		}
		if !hmac.Equal([]byte(refresh), []byte(refreshToken(user, session, with))) {
			return ErrRefresh
		}
		s, err := i.place(tx, session)
		if err != nil {
			return err
		}
		if !s.good(user.Id, i.Now()) || !user.GetBool("is_active") || user.GetBool("is_service") {
			return ErrRefresh
		}
		row.IgnoreUnchangedFields(true)
		if row.GetString("token_hash") != with {
			reused = true
			row.Set("ended_at", i.Now())
			return tx.Save(row)
		}
		length := i.session(tx, user)
		if token, err = i.token(user, session, visit{length: length, refreshable: true}); err != nil {
			return err
		}
		now := i.Now()
		row.Load(map[string]any{
			"token_hash": hash(token), "expires_at": now.Add(length), "last_seen_at": now, "ip_address": e.RealIP(),
			"user_agent": cut(e.Request.UserAgent(), agentMax),
		})
		return tx.Save(row)
	})
	if err == nil && reused {
		entry := entryOf(e, user, "auth.refresh_reused", map[string]any{"session": session})
		entry.Actor.Type = audit.ActorUser
		i.writeDown(e, entry)
		return nil, "", ErrRefresh
	}
	return user, token, err
}
