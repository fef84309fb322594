package identity

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
	"github.com/pocketline/pocketline/hooks/internal/rows"
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
func (s *Sessions) Fresh(e *core.RequestEvent) (bool, error) {
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
	return s.now().Sub(row.GetDateTime("created").Time()) < freshFor, nil
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

// Sessions are people's sessions and the tokens that belong to them.
type Sessions struct {
	terms      *Terms
	now        func() time.Time
	remembered *remembered.Cache[string, *place]

	mu       sync.RWMutex
	said     map[[sha256.Size]byte]string // token, hashed → the session it names
	renewals map[string]renewal           // by session
}

func newSessions(terms *Terms, now func() time.Time) *Sessions {
	return &Sessions{
		terms: terms, now: now, remembered: remembered.New[string, *place](most, now),
		said: map[[sha256.Size]byte]string{}, renewals: map[string]renewal{},
	}
}

// sessionOf is the session a token says it belongs to. The signature was
// checked when the caller became known. What a token says never changes, so it
// is read once.
func (s *Sessions) sessionOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	s.mu.RLock()
	id, ok := s.said[sum]
	s.mu.RUnlock()
	if ok {
		return id
	}
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return ""
	}
	id, _ = claims[claim].(string)
	s.mu.Lock()
	if len(s.said) >= most {
		clear(s.said)
	}
	s.said[sum] = id
	s.mu.Unlock()
	return id
}

func (s *Sessions) place(app core.App, id string) (*place, error) {
	return s.remembered.GetIn(app, id, func() (*place, time.Duration, error) {
		row, err := app.FindRecordById(collections.Sessions, id)
		if errors.Is(err, sql.ErrNoRows) {
			return &place{id: id, ended: true}, keep, nil
		}
		if err != nil {
			return nil, 0, err
		}
		return &place{
			id: id, user: row.GetString("user"), method: row.GetString("method"), ended: !row.GetDateTime("ended_at").IsZero(),
			factor:  row.GetBool("second_factor"),
			expires: row.GetDateTime("expires_at").Time(), seen: row.GetDateTime("last_seen_at").Time(),
		}, keep, nil
	})
}

// touch notes now and then that the session is in use.
func (s *Sessions) touch(app core.App, session string) {
	if p, err := s.place(app, session); err == nil && s.now().Sub(p.seen) > seenEvery {
		s.seen(app, p)
	}
}

// seen writes that a session as it was read is in use now.
func (s *Sessions) seen(app core.App, p *place) {
	now := s.now()
	copied := *p
	copied.seen = now
	remembered.Replace(s.remembered, p.id, p, &copied)
	_, err := app.NonconcurrentDB().NewQuery(`UPDATE sessions SET last_seen_at = {:now} WHERE id = {:id}`).
		Bind(dbx.Params{"now": rows.Stamp(now), "id": p.id}).Execute()
	if err != nil {
		// A missing sign of life must not cost an answer.
		app.Logger().Warn("session not marked as seen", "session", p.id, "error", err)
	}
}

// visit is an ordinary one of the person's.
func (s *Sessions) visit(app core.App, user *core.Record, method string, factor bool) visit {
	return visit{method: method, factor: factor, length: s.terms.length(app, user), refreshable: true}
}

// visit is what a session begins with.
type visit struct {
	method              string
	factor, refreshable bool
	length              time.Duration
}

// opened is a session that is stored and its token.
type opened struct{ session, token string }

// store makes the row of a session.
func (s *Sessions) store(app core.App, e *core.RequestEvent, user *core.Record, v visit) (opened, error) {
	c, err := app.FindCachedCollectionByNameOrId(collections.Sessions)
	if err != nil {
		return opened{}, err
	}
	now := s.now()
	row := core.NewRecord(c)
	row.Id = core.GenerateDefaultRandomId()
	token, err := s.token(user, row.Id, v)
	if err != nil {
		return opened{}, err
	}
	row.Load(map[string]any{
		"user": user.Id, "token_hash": rows.Hash(token), "method": v.method, "second_factor": v.factor,
		"ip_address": e.RealIP(),
		"user_agent": rows.Shorten(e.Request.UserAgent(), agentMax), "last_seen_at": now, "expires_at": now.Add(v.length),
	})
	return opened{row.Id, token}, app.Save(row)
}

// token is an auth token of PocketBase's making with the session's id in it.
// Two tokens made within a second differ by their id.
func (s *Sessions) token(user *core.Record, session string, v visit) (string, error) {
	return security.NewJWT(jwt.MapClaims{
		core.TokenClaimType: core.TokenTypeAuth, core.TokenClaimId: user.Id,
		core.TokenClaimCollectionId: user.Collection().Id,
		core.TokenClaimRefreshable:  v.refreshable, claim: session, "jti": security.RandomString(8),
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

// SignOut ends every session and token of a person, in the transaction tx is: it
// changes what every token of the account is signed with.
func SignOut(tx core.App, user *core.Record) error {
	user.IgnoreUnchangedFields(true)
	user.RefreshTokenKey()
	return tx.SaveNoValidate(user) // whatever else stands in the row
}

// MarkFactor notes that the session proved a second factor.
func (s *Sessions) MarkFactor(app core.App, session string) error {
	row, err := app.FindRecordById(collections.Sessions, session)
	if err != nil {
		return err
	}
	row.IgnoreUnchangedFields(true)
	row.Set("second_factor", true)
	return app.Save(row)
}

// shorten lets the open sessions of an organization's members last no longer than this
// from now.
func (s *Sessions) shorten(app core.App, organization string, length time.Duration) error {
	latest := rows.Stamp(s.now().Add(length))
	_, err := app.NonconcurrentDB().NewQuery(`UPDATE sessions SET expires_at = {:latest} WHERE expires_at > {:latest} AND ended_at = ''
		AND user IN (SELECT user FROM memberships WHERE organization = {:organization} AND status = 'active')`).
		Bind(dbx.Params{"latest": latest, "organization": organization}).Execute()
	s.forgetAll()
	return err
}

// forgetAll drops what is remembered of sessions, after one statement changed
// several rows.
func (s *Sessions) forgetAll() { s.remembered.Clear() }
