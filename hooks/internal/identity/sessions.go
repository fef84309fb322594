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
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// claim carries the session's id in its tokens.
	claim = "sid"
	// seenEvery is how often last_seen_at is written: a sign of life, not a trace.
	seenEvery = 5 * time.Minute
	agentMax  = 500
)

// freshFor is how long after signing in a person is not asked for the password
// again.
const freshFor = 10 * time.Minute

// Fresh tells whether the request's session began just now: whoever has it gave
// their password, a code, or the account elsewhere minutes ago. False when that
// cannot be told.
func (i *Identity) Fresh(e *core.RequestEvent) (bool, error) {
	id := Session(e)
	if id == "" {
		return false, nil
	}
	row, err := e.App.FindRecordById(collections.Sessions, id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return i.Now().Sub(row.GetDateTime("created").Time()) < freshFor, nil
}

// SessionCookie is the cookie of browser sessions (hooks/system): an auth token where
// no script can read it.
const SessionCookie = "pl_session"

// place is a session as requests need it.
type place struct {
	id, user string
	method   string // how it began
	ended    bool
	factor   bool
	expires  time.Time
	seen     time.Time
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
			id: id, user: row.GetString("user"), method: row.GetString("method"), ended: !row.GetDateTime("ended_at").IsZero(), factor: row.GetBool("second_factor"),
			expires: row.GetDateTime("expires_at").Time(), seen: row.GetDateTime("last_seen_at").Time(),
		}, nil
	})
}

// prove notes what the caller showed, and treats whoever showed nothing as a
// guest: the session of the token has ended, or the token names none. Only a
// superuser's needs no session. A request inside another one comes with the
// proof of the outer one.
func (i *Identity) prove(e *core.RequestEvent) error {
	i.byFileToken(e)
	if !person(e.Auth) {
		return e.Next()
	}
	p := proofOf(e.Auth)
	if p == (proof{}) {
		token := tenant.Bearer(e.Request)
		if token == "" {
			if c, err := e.Request.Cookie(SessionCookie); err == nil {
				token = c.Value
			}
		}
		p.session = i.sessionOf(token)
	}
	p.address = e.RealIP()
	stands, err := i.stands(e.App, e.Auth, p)
	if err != nil {
		return e.InternalServerError("", err)
	}
	if !stands {
		e.Auth = nil
		return e.Next()
	}
	p.give(e.Auth)
	if p.session != "" {
		i.touch(e.App, p.session)
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
	if token := tenant.Bearer(e.Request); e.Auth == nil && (strings.Count(token, ".") == 2 || strings.HasPrefix(token, keyPrefix)) {
		e.Response.Header().Set("WWW-Authenticate", deadToken)
	}
	return e.Next()
}

// touch notes now and then that the session is in use.
func (i *Identity) touch(app core.App, session string) {
	if p, err := i.place(app, session); err == nil && i.Now().Sub(p.seen) > seenEvery {
		i.seen(app, p)
	}
}

// seen writes that a session as it was read is in use now.
func (i *Identity) seen(app core.App, p *place) {
	now := i.Now()
	copied := *p
	copied.seen = now
	replace(i, func() map[string]known[*place] { return i.places }, p.id, p, &copied)
	_, err := app.NonconcurrentDB().NewQuery(`UPDATE sessions SET last_seen_at = {:now} WHERE id = {:id}`).
		Bind(dbx.Params{"now": stamp(now), "id": p.id}).Execute()
	if err != nil {
		// A missing sign of life must not cost an answer.
		app.Logger().Warn("session not marked as seen", "session", p.id, "error", err)
	}
}

// begin makes a session and the token that belongs to it.
func (i *Identity) begin(e *core.RecordAuthRequestEvent, method string, factor bool) error {
	return i.open(e, visit{method: method, factor: factor, length: i.session(e.App, e.Record), refreshable: true})
}

// impersonate gives the operator a session of the person: listed and ended like
// the person's own, without their second factor, and not renewed.
func (i *Identity) impersonate(e *core.RecordAuthRequestEvent) error {
	claims, err := security.ParseUnverifiedJWT(e.Token)
	if err != nil {
		return e.InternalServerError("", err)
	}
	ends, err := claims.GetExpirationTime()
	if err != nil || ends == nil {
		return e.InternalServerError("", err)
	}
	return i.open(e, visit{method: Impersonated, length: ends.Sub(i.Now())})
}

// visit is what a session begins with.
type visit struct {
	method              string
	factor, refreshable bool
	length              time.Duration
}

func (i *Identity) open(e *core.RecordAuthRequestEvent, v visit) error {
	c, err := e.App.FindCachedCollectionByNameOrId(collections.Sessions)
	if err != nil {
		return err
	}
	now := i.Now()
	row := core.NewRecord(c)
	row.Id = core.GenerateDefaultRandomId()
	token, err := i.token(e.Record, row.Id, v)
	if err != nil {
		return err
	}
	row.Load(map[string]any{
		"user": e.Record.Id, "token_hash": hash(token), "method": v.method, "second_factor": v.factor, "ip_address": e.RealIP(),
		"user_agent": cut(e.Request.UserAgent(), agentMax), "last_seen_at": now, "expires_at": now.Add(v.length),
	})
	if err := e.App.Save(row); err != nil {
		return e.InternalServerError("The session could not be stored.", err)
	}
	e.Token = token
	// The answer shows rows to the person, not to who asked.
	proof{session: row.Id, address: e.RealIP()}.give(e.Record)
	if ended(e.RequestEvent) {
		said, _ := e.Meta.(map[string]any)
		e.Meta = sayEnded(e.RequestEvent, said)
	}
	return e.Next()
}

// renew answers auth-refresh: the same session, a new token.
func (i *Identity) renew(e *core.RecordAuthRequestEvent) error {
	old := tenant.Bearer(e.Request)
	if e.Token == old || e.Token == "" { // one that cannot be renewed
		return e.Next()
	}
	id := Session(e.RequestEvent)
	row, err := database.Found(e.App.FindRecordById(collections.Sessions, id))
	if err != nil {
		return err
	}
	if row == nil {
		return e.UnauthorizedError("Sign in again.", nil)
	}
	now, length := i.Now(), i.session(e.App, e.Record)
	if e.Token, err = i.token(e.Record, id, visit{length: length, refreshable: true}); err != nil {
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
func (i *Identity) token(user *core.Record, session string, v visit) (string, error) {
	return security.NewJWT(jwt.MapClaims{
		core.TokenClaimType: core.TokenTypeAuth, core.TokenClaimId: user.Id, core.TokenClaimCollectionId: user.Collection().Id,
		core.TokenClaimRefreshable: v.refreshable, claim: session, "jti": security.RandomString(8),
	}, user.TokenKey()+user.Collection().AuthToken.Secret, v.length)
}

// End ends the session the request belongs to, if there is one.
func End(e *core.RequestEvent) error {
	id := Session(e)
	if id == "" {
		return nil
	}
	row, err := database.Found(e.App.FindRecordById(collections.Sessions, id))
	if err != nil || row == nil {
		return err // it has ended already
	}
	row.IgnoreUnchangedFields(true)
	row.Set("ended_at", types.NowDateTime())
	return e.App.Save(row)
}

// MarkFactor notes that the session proved a second factor.
func (i *Identity) MarkFactor(app core.App, session string) error {
	row, err := app.FindRecordById(collections.Sessions, session)
	if err != nil {
		return err
	}
	row.IgnoreUnchangedFields(true)
	row.Set("second_factor", true)
	return app.Save(row)
}

// closeStreams ends the streams that came with a session or key.
func (i *Identity) closeStreams(with func(p proof) bool) {
	for id, client := range i.app.SubscriptionsBroker().Clients() {
		if p, ok := client.Get(streamProof).(proof); ok && with(p) {
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
