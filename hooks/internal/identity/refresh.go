package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// A refresh token is for clients that keep one beside the token of the session
// (hooks/supabase). It names the session and the token it was given out with,
// so a new token makes it worth nothing: whoever shows it again later than again
// allows may have stolen it, and the session ends for both.

// again is how long a refresh token that was used brings the same answer once
// more: the first one was lost on its way, or two tabs asked at once.
const again = 10 * time.Second

// renewal is what the last refresh of a session answered.
type renewal struct {
	with, token string // the refresh token's part, the new token
	at          time.Time
}

// ErrRefresh says that a refresh token is worth nothing.
var ErrRefresh = errors.New("the refresh token, or its session, is over")

// RefreshToken is the one that goes with a token of a session.
func RefreshToken(user *core.Record, token string) (string, error) {
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return "", err
	}
	session, _ := claims[claim].(string)
	return refreshToken(user, session, rows.Hash(token)), nil
}

func refreshToken(user *core.Record, session, with string) string {
	mac := hmac.New(sha256.New, []byte(user.TokenKey()+user.Collection().AuthToken.Secret))
	mac.Write([]byte("refresh " + session + " " + with))
	return session + "." + with + "." + hex.EncodeToString(mac.Sum(nil))
}

// Refresh gives the session of a refresh token another token, and that one alone.
// ErrRefresh when there is nothing to refresh.
func (s *Sessions) Refresh(e *core.RequestEvent, refresh string) (user *core.Record, token string, err error) {
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
		was, err := s.place(tx, session)
		if err != nil {
			return err
		}
		if !was.good(user.Id, s.now()) || !user.GetBool("is_active") || user.GetBool("is_service") {
			return ErrRefresh
		}
		row.IgnoreUnchangedFields(true)
		if newest := row.GetString("token_hash"); newest != with {
			if token = s.renewedTo(session, with); token != "" && newest == rows.Hash(token) {
				return nil
			}
			reused = true
			row.Set("ended_at", s.now())
			return tx.Save(row)
		}
		length := s.terms.length(tx, user)
		if token, err = s.token(user, session, visit{length: length, refreshable: true}); err != nil {
			return err
		}
		now := s.now()
		row.Load(map[string]any{
			"token_hash": rows.Hash(token), "expires_at": now.Add(length), "last_seen_at": now, "ip_address": e.RealIP(),
			"user_agent": rows.Shorten(e.Request.UserAgent(), agentMax),
		})
		// Before the commit, so that the next one to ask finds it; without the commit
		// the session's row does not know the token.
		s.renewed(session, renewal{with, token, now})
		return tx.Save(row)
	})
	if err == nil && reused {
		entry := entryOf(e, user, "auth.refresh_reused", map[string]any{"session": session})
		entry.Actor.Type = audit.ActorUser
		writeDown(e, entry)
		return nil, "", ErrRefresh
	}
	return user, token, err
}

// renewed remembers what a session's refresh answers.
func (s *Sessions) renewed(session string, r renewal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.renewals) >= most {
		maps.DeleteFunc(s.renewals, func(_ string, old renewal) bool { return r.at.Sub(old.at) > again })
		if len(s.renewals) >= most {
			clear(s.renewals)
		}
	}
	s.renewals[session] = r
}

// renewedTo is the token that was answered just now to the same refresh token, or "".
func (s *Sessions) renewedTo(session, with string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.renewals[session]; r.with == with && s.now().Sub(r.at) <= again {
		return r.token
	}
	return ""
}
