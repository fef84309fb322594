package identity

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	keyPrefix = "pk_"
	// usedEvery is how often the last use of a key is written.
	usedEvery = time.Minute
)

// States of a key.
const (
	KeyActive = "active"
	KeyPaused = "paused"
	KeyEnded  = "ended"
)

// Why a key is not active.
const (
	WhyFactor  = "factor"                    // its maker lacks the second factor the organization requires
	WhyExpired = "expired"                   // its time is over
	WhyRevoked = collections.KeyEndedRevoked // somebody revoked it
	WhyMaker   = collections.KeyEndedMaker   // whoever made it is not an active member any more
)

// Standing is how a key stands now, and why when it is not active.
type Standing struct{ State, Why string }

// key is an API key as requests need it.
type key struct {
	id, hash, organization string
	user                   *core.Record // the account it acts as
	maker                  *core.Record // who made it, whose rights are the most it has
	expires                time.Time
	ended                  string // why, or ""
	usedAt                 time.Time
	usedIP                 string
}

// Keys are the organizations' API keys.
type Keys struct {
	terms      *Terms
	guesses    *guesses.Guard
	now        func() time.Time
	remembered *remembered.Cache[string, *key]
}

// about tells whether a user is the key's account or its maker.
func (k *key) about(user string) bool {
	return k != nil && (k.user != nil && k.user.Id == user || k.maker != nil && k.maker.Id == user)
}

// standing is how the key stands at this request; it is answered from memory.
func (s *Keys) standing(app core.App, k *key) Standing {
	return s.stands(app, k, func(user string) bool { return tenant.MembershipOf(app, user, k.organization) != nil })
}

// stands is standing, with who tells whether the maker is an active member.
func (s *Keys) stands(app core.App, k *key, member func(user string) bool) Standing {
	switch {
	case k == nil:
		return Standing{KeyEnded, WhyRevoked}
	case k.ended != "":
		return Standing{KeyEnded, k.ended}
	case !k.expires.IsZero() && !s.now().Before(k.expires):
		return Standing{KeyEnded, WhyExpired}
	case k.user == nil || !k.user.GetBool("is_active"):
		return Standing{KeyEnded, WhyRevoked}
	case k.maker == nil || !k.maker.GetBool("is_active") || !member(k.maker.Id):
		return Standing{KeyEnded, WhyMaker}
	case s.terms.Of(app, k.organization).TwoFactor && !k.maker.GetBool("two_factor"):
		return Standing{KeyPaused, WhyFactor}
	}
	return Standing{State: KeyActive}
}

// StandingOf is how the key of a row stands now. users are the accounts and members the
// active memberships of the key's organization, both by the user's id: whoever lists
// keys has read them for all.
func (s *Keys) StandingOf(app core.App, row *core.Record, users, members map[string]*core.Record) Standing {
	k := keyOf(row)
	// Never a person's account, and never made by another key.
	if user := users[row.GetString("acts_as")]; user != nil && user.GetBool("is_service") {
		k.user = user
	}
	if user := users[row.GetString("created_by")]; user != nil && !user.GetBool("is_service") {
		k.maker = user
	}
	return s.stands(app, k, func(user string) bool { return members[user] != nil })
}

// NewKey makes the secret of the key with this id: what its owner sees once,
// and the hash that is stored.
func NewKey(id string) (shown, hashed string) {
	var secret [32]byte
	rand.Read(secret[:]) // never fails (crypto/rand)
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	return keyPrefix + id + "_" + text, rows.Hash(text)
}

// load makes the caller the account of the API key in the header.
func (s *Keys) load(e *core.RequestEvent) error {
	if e.Auth != nil {
		return e.Next()
	}
	rest, ok := strings.CutPrefix(tenant.Bearer(e.Request), keyPrefix)
	if !ok {
		return e.Next()
	}
	id, secret, ok := strings.Cut(rest, "_")
	var k *key
	if ok && len(id) == 15 {
		var err error
		if k, err = s.key(e.App, id); err != nil {
			return e.InternalServerError("", err)
		}
	}
	// Compared also when there is no such key, so that the time tells nothing.
	stored := rows.Hash("")
	if k != nil {
		stored = k.hash
	}
	right := subtle.ConstantTimeCompare([]byte(rows.Hash(secret)), []byte(stored)) == 1
	now := s.now()
	is := s.standing(e.App, k)
	if is.State == KeyEnded || !right {
		return s.guesses.WrongKey(e)
	}
	if is.State == KeyPaused {
		return refusal.Answer(e, refusal.Of("key_paused"))
	}
	e.Auth = k.user.Fresh() // handlers may change it
	proof{key: id}.give(e.Auth)
	if now.Sub(k.usedAt) > usedEvery || k.usedIP != e.RealIP() {
		s.used(e, k, now)
	}
	return e.Next()
}

func (s *Keys) key(app core.App, id string) (*key, error) {
	return s.remembered.GetIn(app, id, func() (*key, time.Duration, error) {
		row, err := app.FindRecordById(collections.APIKeys, id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, keep, nil
		}
		if err != nil {
			return nil, 0, err
		}
		k := keyOf(row)
		// Never a person's account, and never made by another key.
		if k.user, err = account(app, row.GetString("acts_as"), true); err != nil {
			return nil, 0, err
		}
		k.maker, err = account(app, row.GetString("created_by"), false)
		return k, keep, err
	})
}

// keyOf is the key of a row, without the accounts.
func keyOf(row *core.Record) *key {
	k := &key{
		id: row.Id, hash: row.GetString("hash"), organization: row.GetString("organization"),
		expires: row.GetDateTime("expires_at").Time(),
		usedAt:  row.GetDateTime("last_used_at").Time(), usedIP: row.GetString("last_used_ip"),
	}
	if !row.GetDateTime("revoked_at").IsZero() {
		k.ended = cmp.Or(row.GetString("ended_by"), WhyRevoked)
	}
	return k
}

// account is a person's account or a key's, nil when there is none of the kind.
func account(app core.App, id string, service bool) (*core.Record, error) {
	user, err := app.FindRecordById(collections.Users, id)
	if errors.Is(err, sql.ErrNoRows) || err == nil && user.GetBool("is_service") != service {
		return nil, nil
	}
	return user, err
}

// used writes the last use of a key; a use from a new address, or the first in
// a day, is written down in the audit log as well.
func (s *Keys) used(e *core.RequestEvent, k *key, now time.Time) {
	copied := *k
	copied.usedAt, copied.usedIP = now, e.RealIP()
	remembered.Replace(s.remembered, k.id, k, &copied)
	_, err := e.App.NonconcurrentDB().NewQuery(`UPDATE api_keys SET last_used_at = {:now}, last_used_ip = {:ip} WHERE id = {:id}`).
		Bind(dbx.Params{"now": rows.Stamp(now), "ip": copied.usedIP, "id": k.id}).Execute()
	if err == nil && (k.usedIP != copied.usedIP || now.Sub(k.usedAt) > 24*time.Hour) {
		err = audit.Add(e.App, audit.Entry{
			Organization: k.organization, Actor: audit.ActorOf(e), Action: "api_keys.use", Resource: collections.APIKeys,
			Record: k.id,
		})
	}
	if err != nil {
		e.App.Logger().Warn("use of a key not written down", "key", k.id, "error", err)
	}
}
