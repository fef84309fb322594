// Package tenant says which organization and role a request acts as, and keeps
// every list, relation and new row inside one organization.
//
// The access rules of the collections stay the protection; what this package
// adds is speed (lists walk an index of one organization instead of reading a
// table), and what rules cannot say (a relation never leaves its organization,
// clients do not choose ids). People, memberships and organizations are kept
// in memory and dropped when their rows change.
package tenant

import (
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// Ways to name the organization a request acts in, strongest first. After
// these come the person's last choice, the default membership, the oldest one.
const (
	QueryCompany      = "companyId"           // the old system's parameter
	QueryOrganization = "organization"        // ours
	Header            = "X-Organization"      // the dashboard and SDK users
	Cookie            = "selected_company_id" // the old system's cookie
)

// Tenant is who a request acts as, and where.
type Tenant struct {
	// Organization is nil only for a superuser who named none.
	Organization *core.Record
	// Membership is the caller's active membership there; nil for superusers.
	Membership *core.Record
	// User is the caller; nil for superusers.
	User *core.Record
	// Superuser tells that the caller is the installation's operator.
	Superuser bool
}

// ID returns the organization's id, or "" when a superuser named none.
func (t *Tenant) ID() string {
	if t.Organization == nil {
		return ""
	}
	return t.Organization.Id
}

// UserID returns the caller's id, or "" for superusers: the value of created_by.
func (t *Tenant) UserID() string {
	if t.User == nil {
		return ""
	}
	return t.User.Id
}

// Role returns the caller's role in the organization, or "" for superusers.
func (t *Tenant) Role() string {
	if t.Membership == nil {
		return ""
	}
	return t.Membership.GetString("role")
}

// Is tells whether the caller has one of the roles. Superusers have all.
func (t *Tenant) Is(roles ...string) bool {
	return t.Superuser || slices.Contains(roles, t.Role())
}

// Can tells whether the caller holds the capability (collections.CanViewCalls,
// …): owner and admin hold all, others by the flag of their membership.
func (t *Tenant) Can(capability string) bool {
	return t.Superuser || holds(t.Membership, capability)
}

func holds(membership *core.Record, capability string) bool {
	if membership == nil {
		return false
	}
	return HoldsAll(membership.GetString("role")) || membership.GetBool(capability)
}

// MaySpend tells why an organization may not do what a provider bills: nil when it may.
func MaySpend(organization *core.Record) error {
	if organization.GetString("status") != collections.OrganizationActive {
		return refusal.Of("organization_inactive")
	}
	if organization.GetString("balance_state") == collections.BalanceEmpty {
		return refusal.Of("balance_empty")
	}
	return nil
}

const eventKey = "pocketline.tenant"

// Of returns who the request acts as, in its active organization: the one
// named by query, header or cookie, else the person's last choice, else the
// default membership, else the oldest one.
//
// Guests get 401. An organization named by query or header that the caller
// does not belong to gets 404; a person without any membership 403. A cookie
// or last choice that no longer holds is passed over.
func Of(e *core.RequestEvent) (*Tenant, error) {
	if t, ok := e.Get(eventKey).(*Tenant); ok && same(t, e.Auth) {
		return t, nil
	}
	if e.Auth == nil {
		return nil, refusal.Of("unauthorized")
	}
	t, err := resolve(e)
	if err != nil {
		return nil, err
	}
	e.Set(eventKey, t)
	return t, nil
}

// In returns who the request acts as in one organization, whatever the active
// one is: for routes that carry its id in the body. It fails as Of does.
func In(e *core.RequestEvent, organization string) (*Tenant, error) {
	if e.Auth == nil {
		return nil, refusal.Of("unauthorized")
	}
	return inside(e, organization)
}

// Require is Of for callers with one of the roles, or any role when none is
// given; others get 403. A superuser must name an organization when there are
// several.
func Require(e *core.RequestEvent, roles ...string) (*Tenant, error) {
	t, err := Of(e)
	if err != nil {
		return nil, err
	}
	if t.Organization == nil {
		return nil, refusal.Of("invalid_request/organization")
	}
	if len(roles) > 0 && !t.Is(roles...) {
		return nil, refusal.Of("forbidden/role")
	}
	return t, nil
}

// RequireCan is Require for callers who hold the capability.
func RequireCan(e *core.RequestEvent, capability string) (*Tenant, error) {
	t, err := Require(e)
	if err != nil {
		return nil, err
	}
	if !t.Can(capability) {
		return nil, refusal.Of("forbidden/role")
	}
	return t, nil
}

// same tells whether a remembered answer is still about this caller.
func same(t *Tenant, auth *core.Record) bool {
	return auth != nil && (t.Superuser && auth.IsSuperuser() || t.User != nil && t.User.Id == auth.Id)
}

func resolve(e *core.RequestEvent) (*Tenant, error) {
	if id := named(e); id != "" {
		return inside(e, id)
	}
	d := directoryOf(e.App)
	if e.Auth.IsSuperuser() {
		return &Tenant{Superuser: true, Organization: d.onlyOrganization(e.App)}, nil
	}
	m := active(e, d.memberships(e.App, e.Auth.Id))
	if m == nil {
		return nil, refusal.Of("not_member/anywhere")
	}
	return inside(e, m.GetString("organization"))
}

// named is the organization the request insists on.
func named(e *core.RequestEvent) string {
	query := e.Request.URL.Query()
	for _, id := range []string{query.Get(QueryCompany), query.Get(QueryOrganization), e.Request.Header.Get(Header)} {
		if id != "" {
			return id
		}
	}
	return ""
}

// active picks the membership of a person who named no organization.
func active(e *core.RequestEvent, all []*core.Record) *core.Record {
	find := func(organization string) *core.Record {
		for _, m := range all {
			if organization != "" && m.GetString("organization") == organization {
				return m
			}
		}
		return nil
	}
	if c, err := e.Request.Cookie(Cookie); err == nil {
		if m := find(c.Value); m != nil {
			return m
		}
	}
	if m := find(e.Auth.GetString("last_organization")); m != nil {
		return m
	}
	for _, m := range all {
		if m.GetBool("is_default") {
			return m
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return nil
}

func inside(e *core.RequestEvent, organization string) (*Tenant, error) {
	d := directoryOf(e.App)
	t := &Tenant{Superuser: e.Auth.IsSuperuser()}
	if !t.Superuser {
		t.User = e.Auth
		if t.Membership = d.membership(e.App, e.Auth.Id, organization); t.Membership == nil {
			return nil, refusal.Of("not_found/organization")
		}
	}
	var err error
	if t.Organization, err = d.organization(e.App, organization); err != nil {
		return nil, err
	}
	if t.Organization == nil {
		return nil, refusal.Of("not_found/organization")
	}
	if err := Admit(e, organization); err != nil {
		return nil, err
	}
	reads(e, organization)
	return t, nil
}

// IsPerson tells whether the caller is one who signs in or a key's account: neither a
// guest nor a superuser.
func IsPerson(auth *core.Record) bool {
	return auth != nil && auth.Collection().Name == collections.Users
}
