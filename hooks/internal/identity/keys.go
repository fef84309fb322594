package identity

import (
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
)

const (
	keyPrefix = "pk_"
	keyStore  = "pocketline.key"
	// usedEvery is how often the last use of a key is written.
	usedEvery = time.Minute
	// wrongKeys is how many wrong keys an address may present in a minute.
	wrongKeys = 30
)

// key is an API key as requests need it.
type key struct {
	id, hash, organization string
	user                   *core.Record
	expires                time.Time
	revoked                bool
	usedAt                 time.Time
	usedIP                 string
}

// good tells whether there is a key, and it may still be used.
func (k *key) good(now time.Time) bool {
	return k != nil && !k.revoked && k.user != nil && k.user.GetBool("is_active") && (k.expires.IsZero() || now.Before(k.expires))
}

// NewKey makes the secret of the key with this id: what its owner sees once,
// and the hash that is stored.
func NewKey(id string) (shown, hashed string) {
	var secret [32]byte
	rand.Read(secret[:]) // never fails (crypto/rand)
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	return keyPrefix + id + "_" + text, hash(text)
}

// Key is the id of the API key the request came with, or "".
func Key(e *core.RequestEvent) string {
	id, _ := e.Get(keyStore).(string)
	return id
}

// loadKey makes the caller the account of the API key in the header.
func (i *Identity) loadKey(e *core.RequestEvent) error {
	if e.Auth != nil {
		return e.Next()
	}
	rest, ok := strings.CutPrefix(bearer(e), keyPrefix)
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
	if !k.good(now) || !right {
		if i.limits.Hit("wrongkey "+network(e.RealIP()), time.Minute) > wrongKeys {
			return tooMany(e, time.Minute)
		}
		return e.Next() // a guest
	}
	e.Auth = k.user.Fresh() // handlers may change it
	e.Set(keyStore, id)
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
			revoked: !row.GetDateTime("revoked_at").IsZero(), usedAt: row.GetDateTime("last_used_at").Time(), usedIP: row.GetString("last_used_ip"),
		}
		user, err := app.FindRecordById(collections.Users, row.GetString("acts_as"))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if user != nil && user.GetBool("is_service") { // never a person's account
			k.user = user
		}
		return k, nil
	})
}

// used writes the last use of a key; a use from a new address, or the first in
// a day, is written down in the audit log as well.
func (i *Identity) used(e *core.RequestEvent, k *key, now time.Time) {
	copied := *k
	copied.usedAt, copied.usedIP = now, e.RealIP()
	i.mu.Lock()
	if _, ok := i.keys[k.id]; ok {
		i.keys[k.id] = known[*key]{&copied, now.Add(keep)}
	}
	i.mu.Unlock()
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

// keyScope keeps keys away from what only a person does: accounts, sessions,
// other organizations, other keys.
func keyScope(e *core.RequestEvent) error {
	if !person(e.Auth) || !e.Auth.GetBool("is_service") {
		return e.Next()
	}
	path, read := e.Request.URL.Path, e.Request.Method == http.MethodGet || e.Request.Method == http.MethodHead
	personal := false
	for _, prefix := range []string{
		"/api/me/", "/api/auth/", "/api/user/", "/api/session", "/api/organizations/create", "/api/organizations/select", "/api/onboarding", "/api/agency",
	} {
		personal = personal || strings.HasPrefix(path, prefix)
	}
	if rest, ok := strings.CutPrefix(path, "/api/collections/"); ok && !read {
		_, action, _ := strings.Cut(rest, "/")
		named := e.Request.PathValue("collection") // a name or an id
		personal = personal || named == e.Auth.Collection().Name || named == e.Auth.Collection().Id || strings.HasPrefix(action, "auth-") ||
			strings.HasPrefix(action, "request-") || strings.HasPrefix(action, "confirm-")
	}
	if rest, ok := strings.CutPrefix(path, "/api/organizations/"); ok && !read {
		_, action, _ := strings.Cut(rest, "/")
		for _, word := range []string{"keys", "delete", "restore", "transfer", "leave", "privacy", "members"} {
			personal = personal || action == word || strings.HasPrefix(action, word+"/")
		}
	}
	if personal {
		return refuse(e, http.StatusForbidden, "forbidden", "An API key cannot do this; a person has to sign in.")
	}
	return e.Next()
}
