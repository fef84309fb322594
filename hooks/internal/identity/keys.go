package identity

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	keyPrefix = "pk_"
	// usedEvery is how often the last use of a key is written.
	usedEvery = time.Minute
	// wrongKeys is how many wrong keys an address may present in a minute.
	wrongKeys = 30
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

// keyPaused is the answer to a key that waits for its maker's second factor.
const keyPaused = "This API key is paused: this organization asks for a second factor, and whoever made the key has none. " +
	"It works again once they have set one up."

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

// about tells whether a user is the key's account or its maker.
func (k *key) about(user string) bool {
	return k != nil && (k.user != nil && k.user.Id == user || k.maker != nil && k.maker.Id == user)
}

// standing is how the key stands at this request; it is answered from memory.
func (i *Identity) standing(app core.App, k *key) Standing {
	switch {
	case k == nil:
		return Standing{KeyEnded, WhyRevoked}
	case k.ended != "":
		return Standing{KeyEnded, k.ended}
	case !k.expires.IsZero() && !i.Now().Before(k.expires):
		return Standing{KeyEnded, WhyExpired}
	case k.user == nil || !k.user.GetBool("is_active"):
		return Standing{KeyEnded, WhyRevoked}
	case k.maker == nil || !k.maker.GetBool("is_active") || tenant.MembershipOf(app, k.maker.Id, k.organization) == nil:
		return Standing{KeyEnded, WhyMaker}
	case i.SettingsOf(app, k.organization).TwoFactor && !k.maker.GetBool("two_factor"):
		return Standing{KeyPaused, WhyFactor}
	}
	return Standing{State: KeyActive}
}

// KeyStanding is how the key with this id stands now.
func (i *Identity) KeyStanding(app core.App, id string) (Standing, error) {
	k, err := i.key(app, id)
	if err != nil {
		return Standing{}, err
	}
	return i.standing(app, k), nil
}

// bindKeys binds what tokens and streams of keys are asked for.
func (i *Identity) bindKeys() {
	i.app.OnFileTokenRequest().BindFunc(i.fileToken)
	i.app.OnRealtimeSubscribeRequest().BindFunc(keyTopics)
}

// NewKey makes the secret of the key with this id: what its owner sees once,
// and the hash that is stored.
func NewKey(id string) (shown, hashed string) {
	var secret [32]byte
	rand.Read(secret[:]) // never fails (crypto/rand)
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	return keyPrefix + id + "_" + text, hash(text)
}

// loadKey makes the caller the account of the API key in the header.
func (i *Identity) loadKey(e *core.RequestEvent) error {
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
		if k, err = i.key(e.App, id); err != nil {
			return e.InternalServerError("", err)
		}
	}
	// Compared also when there is no such key, so that the time tells nothing.
	stored := hash("")
	if k != nil {
		stored = k.hash
	}
	right := subtle.ConstantTimeCompare([]byte(hash(secret)), []byte(stored)) == 1
	now := i.Now()
	is := i.standing(e.App, k)
	if is.State == KeyEnded || !right {
		if i.limits.Hit("wrongkey "+network.Of(e.RealIP()), time.Minute) > wrongKeys {
			return tooMany(e, time.Minute)
		}
		return e.Next() // a guest
	}
	if is.State == KeyPaused {
		return refusal.Coded(e, http.StatusForbidden, "key_paused", keyPaused)
	}
	e.Auth = k.user.Fresh() // handlers may change it
	proof{key: id}.give(e.Auth)
	if now.Sub(k.usedAt) > usedEvery || k.usedIP != e.RealIP() {
		i.used(e, k, now)
	}
	return e.Next()
}

func (i *Identity) key(app core.App, id string) (*key, error) {
	return recall(i, app, func() map[string]known[*key] { return i.keys }, id, func() (*key, error) {
		row, err := app.FindRecordById(collections.APIKeys, id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		k := &key{
			id: id, hash: row.GetString("hash"), organization: row.GetString("organization"), expires: row.GetDateTime("expires_at").Time(),
			usedAt: row.GetDateTime("last_used_at").Time(), usedIP: row.GetString("last_used_ip"),
		}
		if !row.GetDateTime("revoked_at").IsZero() {
			k.ended = cmp.Or(row.GetString("ended_by"), WhyRevoked)
		}
		// Never a person's account, and never made by another key.
		if k.user, err = account(app, row.GetString("acts_as"), true); err != nil {
			return nil, err
		}
		k.maker, err = account(app, row.GetString("created_by"), false)
		return k, err
	})
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
func (i *Identity) used(e *core.RequestEvent, k *key, now time.Time) {
	copied := *k
	copied.usedAt, copied.usedIP = now, e.RealIP()
	replace(i, func() map[string]known[*key] { return i.keys }, k.id, k, &copied)
	_, err := e.App.NonconcurrentDB().NewQuery(`UPDATE api_keys SET last_used_at = {:now}, last_used_ip = {:ip} WHERE id = {:id}`).
		Bind(dbx.Params{"now": stamp(now), "ip": copied.usedIP, "id": k.id}).Execute()
	if err == nil && (k.usedIP != copied.usedIP || now.Sub(k.usedAt) > 24*time.Hour) {
		err = audit.Add(e.App, audit.Entry{
			Organization: k.organization, Actor: audit.ActorOf(e), Action: "api_keys.use", Resource: collections.APIKeys, Record: k.id,
		})
	}
	if err != nil {
		e.App.Logger().Warn("use of a key not written down", "key", k.id, "error", err)
	}
}
