package identity

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
)

const (
	// claim carries the session's id in its tokens.
	claim = "sid"
	// seenEvery is how often last_seen_at is written: a sign of life, not a trace.
	seenEvery = 5 * time.Minute
	// cookieName is the cookie of browser sessions (hooks/system).
	cookieName = "pl_session"
	sessionKey = "pocketline.session"
	agentMax   = 500
)

// place is a session as requests need it.
type place struct {
	id, user string
	ended    bool
	factor   bool
	expires  time.Time
	seen     time.Time
}

// open tells whether the session is the person's and has not ended.
func (p *place) open(user string, now time.Time) bool {
	return !p.ended && p.user == user && (p.expires.IsZero() || !now.After(p.expires))
}

// Session is the id of the session the request belongs to, or "": the caller
// is a guest, a key, a superuser, or holds a token without a session.
func Session(e *core.RequestEvent) string {
	id, _ := e.Get(sessionKey).(string)
	return id
}

// sessionOf is the session a token says it belongs to. The signature was
// checked when the caller became known. What a token says never changes, so it
// is read once.
func (i *Identity) sessionOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	i.mu.RLock()
	id, ok := i.said[sum]
	i.mu.RUnlock()
	if ok {
		return id
	}
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return ""
	}
	id, _ = claims[claim].(string)
	i.mu.Lock()
	if len(i.said) >= most {
		clear(i.said)
	}
	i.said[sum] = id
	i.mu.Unlock()
	return id
}

func (i *Identity) place(app core.App, id string) (*place, error) {
	return recall(i, app, func() map[string]known[*place] { return i.places }, id, func() (*place, error) {
		row, err := app.FindRecordById(collections.Sessions, id)
		if errors.Is(err, sql.ErrNoRows) {
			return &place{id: id, ended: true}, nil
		}
		if err != nil {
			return nil, err
		}
		return &place{
			id: id, user: row.GetString("user"), ended: !row.GetDateTime("ended_at").IsZero(), factor: row.GetBool("second_factor"),
			expires: row.GetDateTime("expires_at").Time(), seen: row.GetDateTime("last_seen_at").Time(),
		}, nil
	})
}

// refuseEnded treats the caller as a guest when the session of the token has
// ended. Tokens without a session are as good as their signature.
func (i *Identity) refuseEnded(e *core.RequestEvent) error {
	if !person(e.Auth) {
		return e.Next()
	}
	token := bearer(e)
	if token == "" {
		if c, err := e.Request.Cookie(cookieName); err == nil {
			token = c.Value
		}
	}
	id := i.sessionOf(token)
	if id == "" {
		return e.Next()
	}
	p, err := i.place(e.App, id)
	if err != nil {
		return e.InternalServerError("", err)
	}
	now := i.Now()
	if !p.open(e.Auth.Id, now) {
		e.Auth = nil
		return e.Next()
	}
	e.Set(sessionKey, id)
	if now.Sub(p.seen) > seenEvery {
		i.touch(e.App, p, now)
	}
	return e.Next()
}

// deadToken is what an answer says of the token it was asked with (RFC 6750,
// 3.1; RFC 9110, 11.6.1 allows it beside any status).
const deadToken = `Bearer error="invalid_token"`

// sayDead tells a caller whose token is worth nothing any more. PocketBase
// answers it like a guest, with empty lists, and a program or a page would take
// those for the truth.
func sayDead(e *core.RequestEvent) error {
	if token := bearer(e); e.Auth == nil && (strings.Count(token, ".") == 2 || strings.HasPrefix(token, keyPrefix)) {
		e.Response.Header().Set("WWW-Authenticate", deadToken)
	}
	return e.Next()
}

// touch notes that the session is in use.
func (i *Identity) touch(app core.App, p *place, now time.Time) {
	copied := *p
	copied.seen = now
	i.mu.Lock()
	if _, ok := i.places[p.id]; ok {
		i.places[p.id] = known[*place]{&copied, now.Add(keep)}
	}
	i.mu.Unlock()
	_, err := app.NonconcurrentDB().NewQuery(`UPDATE sessions SET last_seen_at = {:now} WHERE id = {:id}`).
		Bind(dbx.Params{"now": stamp(now), "id": p.id}).Execute()
	if err != nil {
		// A missing sign of life must not cost an answer.
		app.Logger().Warn("session not marked as seen", "session", p.id, "error", err)
	}
}

// begin makes a session and the token that belongs to it.
func (i *Identity) begin(e *core.RecordAuthRequestEvent, method string, factor bool) error {
	c, err := e.App.FindCachedCollectionByNameOrId(collections.Sessions)
	if err != nil {
		return err
	}
	now, length := i.Now(), i.session(e.App, e.Record)
	row := core.NewRecord(c)
	row.Id = core.GenerateDefaultRandomId()
	token, err := i.token(e.Record, row.Id, length)
	if err != nil {
		return err
	}
	row.Load(map[string]any{
		"user": e.Record.Id, "token_hash": hash(token), "method": method, "second_factor": factor, "ip_address": e.RealIP(),
		"user_agent": cut(e.Request.UserAgent(), agentMax), "last_seen_at": now, "expires_at": now.Add(length),
	})
	if err := e.App.Save(row); err != nil {
		return e.InternalServerError("The session could not be stored.", err)
	}
	e.Token = token
	e.Set(sessionKey, row.Id)
	if ended(e.RequestEvent) {
		e.Meta = withEnded(e.Meta)
	}
	return e.Next()
}

// renew answers auth-refresh: the same session, a new token. A token without
// a session gets one now.
func (i *Identity) renew(e *core.RecordAuthRequestEvent) error {
	old := bearer(e.RequestEvent)
	if e.Token == old || e.Token == "" { // one that cannot be renewed
		return e.Next()
	}
	id := Session(e.RequestEvent)
	if id == "" {
		return i.begin(e, "token", false)
	}
	row, err := e.App.FindRecordById(collections.Sessions, id)
	if err != nil {
		return e.UnauthorizedError("Sign in again.", err)
	}
	now, length := i.Now(), i.session(e.App, e.Record)
	if e.Token, err = i.token(e.Record, id, length); err != nil {
		return err
	}
	row.IgnoreUnchangedFields(true)
	row.Load(map[string]any{
		"token_hash": hash(e.Token), "expires_at": now.Add(length), "last_seen_at": now, "ip_address": e.RealIP(),
		"user_agent": cut(e.Request.UserAgent(), agentMax),
	})
	if err := e.App.Save(row); err != nil {
		return e.InternalServerError("The session could not be stored.", err)
	}
	return e.Next()
}

// token is an auth token of PocketBase's making with the session's id in it.
// Two tokens made within a second differ by their id.
func (i *Identity) token(user *core.Record, session string, length time.Duration) (string, error) {
	return security.NewJWT(jwt.MapClaims{
		core.TokenClaimType: core.TokenTypeAuth, core.TokenClaimId: user.Id, core.TokenClaimCollectionId: user.Collection().Id,
		core.TokenClaimRefreshable: true, claim: session, "jti": security.RandomString(8),
	}, user.TokenKey()+user.Collection().AuthToken.Secret, length)
}

// End ends the session the request belongs to, if there is one.
func End(e *core.RequestEvent) error {
	id := Session(e)
	if id == "" {
		return nil
	}
	row, err := e.App.FindRecordById(collections.Sessions, id)
	if err != nil {
		return nil // it has ended already
	}
	row.IgnoreUnchangedFields(true)
	row.Set("ended_at", types.NowDateTime())
	return e.App.Save(row)
}

// MarkFactor notes that the session proved a second factor.
func (i *Identity) MarkFactor(app core.App, session string) error {
	if session == "" {
		return nil
	}
	row, err := app.FindRecordById(collections.Sessions, session)
	if err != nil {
		return err
	}
	row.IgnoreUnchangedFields(true)
	row.Set("second_factor", true)
	return app.Save(row)
}

// streamSession, streamKey, streamAddress and streamAuth are where a realtime client
// keeps whose it is.
const (
	streamSession = "pocketline.session"
	streamKey     = "pocketline.key"
	streamAddress = "pbRealtimeClientIP" // apis.RealtimeClientIPKey
	streamAuth    = "auth"               // apis.RealtimeClientAuthKey
)

// closeStreams ends the streams of a session (streamSession) or key (streamKey).
func (i *Identity) closeStreams(kind, of string) {
	for id, client := range i.app.SubscriptionsBroker().Clients() {
		if client.Get(kind) == of {
			i.app.SubscriptionsBroker().Unregister(id)
		}
	}
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func stamp(at time.Time) string { return at.UTC().Format(types.DefaultDateLayout) }

func cut(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most])
}
