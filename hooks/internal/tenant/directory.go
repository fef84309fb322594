package tenant

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
)

const (
	// keep bounds how long a remembered row is believed. Changes made in this
	// process are seen at once; only a command run beside the server (jobs,
	// superuser) can be seen this late.
	keep = 30 * time.Second
	// most bounds each map. At a full map it is emptied, which costs one query
	// per person who comes again.
	most = 20_000
)

// directory remembers people, memberships and organizations. The records in it
// are shared: they are read, never changed.
type directory struct {
	mu     sync.RWMutex
	change uint64 // counts forgets, so that a row read before a change is not kept after it
	people map[string]people
	orgs   map[string]organization
	tokens map[[sha256.Size]byte]identity
}

type people struct {
	memberships []*core.Record // active ones, oldest first
	until       time.Time
}

type organization struct {
	record *core.Record
	until  time.Time
}

type identity struct {
	record *core.Record
	until  time.Time
}

const storeKey = "pocketline.tenant"

func directoryOf(app core.App) *directory {
	return app.Store().GetOrSet(storeKey, func() any {
		d := &directory{}
		d.clear()
		return d
	}).(*directory)
}

func (d *directory) clear() {
	d.people, d.orgs, d.tokens = map[string]people{}, map[string]organization{}, map[[sha256.Size]byte]identity{}
}

// MembershipOf returns the person's active membership in the organization, or
// nil. It is answered from memory.
//
// NB! The record is shared: load your own copy before you change it.
func MembershipOf(app core.App, userID, organizationID string) *core.Record {
	return directoryOf(app).membership(app, userID, organizationID)
}

// MembershipsOf returns the person's active memberships, oldest first, from
// memory. NB! The records are shared: load your own copy before you change one.
func MembershipsOf(app core.App, userID string) []*core.Record {
	return directoryOf(app).memberships(app, userID)
}

// OrganizationOf returns an organization from memory, or nil when there is
// none. NB! The record is shared: load your own copy before you change it.
func OrganizationOf(app core.App, id string) *core.Record {
	o, err := directoryOf(app).organization(app, id)
	if err != nil {
		app.Logger().Error("an organization could not be read", "organization", id, "error", err)
	}
	return o
}

// Holds tells whether the person holds the capability in the organization. It
// is answered from memory: live streams ask it for every listener.
func Holds(app core.App, userID, organizationID, capability string) bool {
	return holds(MembershipOf(app, userID, organizationID), capability)
}

// Person returns the active user an auth token belongs to, or nil: from memory
// when the token was seen lately. The record is the caller's own.
func Person(app core.App, token string) *core.Record {
	if token == "" {
		return nil
	}
	if p := directoryOf(app).person(app, token); p != nil && p.GetBool("is_active") {
		return p
	}
	return nil
}

// Forget drops everything remembered. Record changes do it by themselves; call
// it after SQL changed users, memberships or organizations.
func Forget(app core.App) {
	d := directoryOf(app)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.change++
	d.clear()
}

func (d *directory) membership(app core.App, user, org string) *core.Record {
	for _, m := range d.memberships(app, user) {
		if m.GetString("organization") == org {
			return m
		}
	}
	return nil
}

func (d *directory) memberships(app core.App, user string) []*core.Record {
	if user == "" {
		return nil
	}
	d.mu.RLock()
	p, ok := d.people[user]
	change := d.change
	d.mu.RUnlock()
	if ok && time.Now().Before(p.until) && !app.IsTransactional() {
		return p.memberships
	}
	var rows []*core.Record
	err := app.RecordQuery(collections.Memberships).
		AndWhere(dbx.HashExp{"user": user, "status": collections.MembershipActive}).
		OrderBy("created", "id").All(&rows)
	if err != nil {
		// Nobody is let in on a failed read.
		app.Logger().Error("memberships could not be read", "user", user, "error", err)
		return nil
	}
	// A transaction sees rows that may never be committed.
	if !app.IsTransactional() {
		d.mu.Lock()
		if d.change == change {
			if len(d.people) >= most {
				clear(d.people)
			}
			d.people[user] = people{rows, time.Now().Add(keep)}
		}
		d.mu.Unlock()
	}
	return rows
}

// organization is nil when there is none.
func (d *directory) organization(app core.App, id string) (*core.Record, error) {
	if id == "" {
		return nil, nil
	}
	d.mu.RLock()
	o, ok := d.orgs[id]
	change := d.change
	d.mu.RUnlock()
	if ok && time.Now().Before(o.until) && !app.IsTransactional() {
		return o.record, nil
	}
	record, err := database.Found(app.FindRecordById(collections.Organizations, id))
	if err != nil || record == nil {
		return nil, err
	}
	if !app.IsTransactional() {
		d.mu.Lock()
		if d.change == change {
			if len(d.orgs) >= most {
				clear(d.orgs)
			}
			d.orgs[id] = organization{record, time.Now().Add(keep)}
		}
		d.mu.Unlock()
	}
	return record, nil
}

// onlyOrganization is the installation's organization when it has exactly one.
func (d *directory) onlyOrganization(app core.App) *core.Record {
	var rows []*core.Record
	if err := app.RecordQuery(collections.Organizations).Limit(2).All(&rows); err != nil || len(rows) != 1 {
		return nil
	}
	return rows[0]
}

// person returns the user a token belongs to, or nil when it is not one of a
// user's. It saves the user row and the signature check of every request.
func (d *directory) person(app core.App, token string) *core.Record {
	key := sha256.Sum256([]byte(token))
	d.mu.RLock()
	known, ok := d.tokens[key]
	change := d.change
	d.mu.RUnlock()
	if ok && time.Now().Before(known.until) {
		return known.record.Fresh() // handlers may change e.Auth
	}
	record, err := app.FindAuthRecordByToken(token, core.TokenTypeAuth)
	if err != nil || record.Collection().Name != collections.Users {
		return nil // PocketBase's own middleware looks at it next
	}
	until := time.Now().Add(keep)
	if claims, err := security.ParseUnverifiedJWT(token); err == nil {
		if exp, err := claims.GetExpirationTime(); err == nil && exp != nil && exp.Before(until) {
			until = exp.Time
		}
	}
	d.mu.Lock()
	if d.change == change {
		if len(d.tokens) >= most {
			clear(d.tokens)
		}
		d.tokens[key] = identity{record.Fresh(), until}
	}
	d.mu.Unlock()
	return record
}

// watch drops what is remembered when its row changes.
func (d *directory) watch(app core.App) {
	for _, name := range []string{collections.Users, collections.Memberships, collections.Organizations} {
		app.OnRecordAfterCreateSuccess(name).BindFunc(d.forget)
		app.OnRecordAfterUpdateSuccess(name).BindFunc(d.forget)
		app.OnRecordAfterDeleteSuccess(name).BindFunc(d.forget)
	}
	// Token secrets and field definitions live in the collection.
	app.OnCollectionAfterUpdateSuccess(collections.Users, collections.Memberships, collections.Organizations).
		BindFunc(func(e *core.CollectionEvent) error {
			Forget(e.App)
			return e.Next()
		})
}

func (d *directory) forget(e *core.RecordEvent) error {
	d.mu.Lock()
	d.change++
	switch e.Record.Collection().Name {
	case collections.Memberships:
		delete(d.people, e.Record.GetString("user"))
		delete(d.people, e.Record.Original().GetString("user"))
	case collections.Organizations:
		delete(d.orgs, e.Record.Id)
	case collections.Users:
		delete(d.people, e.Record.Id)
		for key, known := range d.tokens {
			if known.record.Id == e.Record.Id {
				delete(d.tokens, key)
			}
		}
	}
	d.mu.Unlock()
	return e.Next()
}
