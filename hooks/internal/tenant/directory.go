package tenant

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
)

const (
	// keep bounds how long a remembered row is believed. Changes made in this
	// process are seen at once; only a command run beside the server (jobs,
	// superuser) can be seen this late.
	keep = 30 * time.Second
	// most bounds what is remembered of each kind.
	most = 20_000
)

// directory remembers people, memberships and organizations. The records in it
// are shared: they are read, never changed.
type directory struct {
	people *remembered.Cache[string, []*core.Record] // active memberships, oldest first, by person
	orgs   *remembered.Cache[string, *core.Record]
	tokens *remembered.Cache[[sha256.Size]byte, *core.Record]
}

const storeKey = "pocketline.tenant"

func directoryOf(app core.App) *directory {
	return app.Store().GetOrSet(storeKey, func() any {
		return &directory{
			people: remembered.New[string, []*core.Record](most, nil),
			orgs:   remembered.New[string, *core.Record](most, nil),
			tokens: remembered.New[[sha256.Size]byte, *core.Record](most, nil),
		}
	}).(*directory)
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
	d.people.Clear()
	d.orgs.Clear()
	d.tokens.Clear()
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
	memberships, err := d.people.GetIn(app, user, func() (rows []*core.Record, _ time.Duration, err error) {
		err = app.RecordQuery(collections.Memberships).
			AndWhere(dbx.HashExp{"user": user, "status": collections.MembershipActive}).
			OrderBy("created", "id").All(&rows)
		return rows, keep, err
	})
	if err != nil {
		// Nobody is let in on a failed read.
		app.Logger().Error("memberships could not be read", "user", user, "error", err)
		return nil
	}
	return memberships
}

// organization is nil when there is none.
func (d *directory) organization(app core.App, id string) (*core.Record, error) {
	if id == "" {
		return nil, nil
	}
	return d.orgs.GetIn(app, id, func() (*core.Record, time.Duration, error) {
		record, err := database.Found(app.FindRecordById(collections.Organizations, id))
		if err != nil || record == nil {
			return nil, 0, err
		}
		return record, keep, nil
	})
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
	record, err := d.tokens.Get(context.Background(), sha256.Sum256([]byte(token)),
		func() (*core.Record, time.Duration, error) {
			record, err := app.FindAuthRecordByToken(token, core.TokenTypeAuth)
			if err != nil || record.Collection().Name != collections.Users {
				return nil, 0, err
			}
			return record, believed(token), nil
		})
	if err != nil || record == nil {
		return nil // PocketBase's own middleware looks at it next
	}
	return record.Fresh() // handlers may change e.Auth
}

// believed is how long a token's person is remembered: never longer than it is good.
func believed(token string) time.Duration {
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return keep
	}
	if exp, err := claims.GetExpirationTime(); err == nil && exp != nil {
		return min(keep, time.Until(exp.Time))
	}
	return keep
}

// watch drops what is remembered when its row changes.
func (d *directory) watch(app core.App) {
	remembered.OnChange(app, d.forget, collections.Users, collections.Memberships, collections.Organizations)
	// Token secrets and field definitions live in the collection.
	app.OnCollectionAfterUpdateSuccess(collections.Users, collections.Memberships, collections.Organizations).
		BindFunc(func(e *core.CollectionEvent) error {
			Forget(e.App)
			return e.Next()
		})
}

func (d *directory) forget(r *core.Record) {
	switch r.Collection().Name {
	case collections.Memberships:
		d.people.Forget(r.GetString("user"))
		d.people.Forget(r.Original().GetString("user"))
	case collections.Organizations:
		d.orgs.Forget(r.Id)
	case collections.Users:
		d.people.Forget(r.Id)
		d.tokens.ForgetIf(func(of *core.Record) bool { return of.Id == r.Id })
	}
}
