package tenant

import (
	"database/sql"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// Memberships as they are stored, for changes: what somebody lost a moment ago
// counts for nothing in the transaction that asks.

// MemberIn is the person's membership, whatever its state; nil when there is none.
func MemberIn(tx core.App, user, organization string) (*core.Record, error) {
	var found []*core.Record
	err := tx.RecordQuery(collections.Memberships).AndWhere(dbx.HashExp{"user": user,
		"organization": organization}).Limit(1).All(&found)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// ActiveMember is the membership of a person who may act in the organization;
// nil when they may not.
func ActiveMember(tx core.App, user, organization string) (*core.Record, error) {
	if user == "" {
		return nil, nil
	}
	person, err := tx.FindRecordById(collections.Users, user)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (!person.GetBool("is_active") || person.GetBool("is_service")) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := MemberIn(tx, user, organization)
	if err != nil || m == nil || m.GetString("status") != collections.MembershipActive {
		return nil, err
	}
	return m, nil
}

// HoldsAll tells whether a role holds every capability whatever its flags say.
func HoldsAll(role string) bool { return role == collections.Owner || role == collections.Admin }

// Has tells whether a membership holds the capability.
func Has(membership *core.Record, capability string) bool { return holds(membership, capability) }

// Rank orders the roles: whoever has more may give less. A developer is a viewer
// who manages functions and integrations, which ranks alone do not say.
func Rank(role string) int { return ranks[role] }

var ranks = map[string]int{
	collections.Owner: 5, collections.Admin: 4, collections.Manager: 3, collections.Agent: 2, collections.Viewer: 1,
	collections.Developer: 1,
}

// InPath is who the request acts as in the organization of its path; with roles,
// only for callers who have one of them.
func InPath(e *core.RequestEvent, roles ...string) (*Tenant, error) {
	t, err := In(e, e.Request.PathValue("organization"))
	if err != nil {
		return nil, err
	}
	if len(roles) > 0 && !t.Is(roles...) {
		return nil, refusal.Of("forbidden/role")
	}
	return t, nil
}

// cookieAge is how long a browser keeps the choice of an organization.
const cookieAge = 365 * 24 * time.Hour

// SetCookie keeps the choice of an organization in the browser. publicURL is where
// the server is reached, "" when that is not known.
func SetCookie(e *core.RequestEvent, organization, publicURL string) {
	e.SetCookie(&http.Cookie{
		Name: Cookie, Value: organization, Path: "/", MaxAge: int(cookieAge.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: e.IsTLS() || strings.HasPrefix(publicURL, "https:"),
	})
}
