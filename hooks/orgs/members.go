package orgs

import (
	"database/sql"
	"errors"
	"net/http"
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// profileFields are what anybody may say about themselves.
var profileFields = []facade.Field{
	{Name: "full_name", Column: "full_name", MinLength: 1, MaxLength: 100},
	{Name: "phone_number", Column: "phone_number", MaxLength: 40},
	{Name: "timezone", Column: "timezone", MaxLength: 64},
}

// memberFields are what who manages the team says about others.
var memberFields = slices.Concat(profileFields, []facade.Field{
	{Name: "role", Column: "role", OneOf: collections.Roles},
	{Name: "department", Column: "department", MaxLength: 100},
	{Name: "permissions", Column: "permissions", Kind: facade.Object},
	{Name: "notes", Column: "notes", MaxLength: 5_000},
	{Name: "config", Column: "config", Kind: facade.Object},
}, capabilityFields())

func capabilityFields() []facade.Field {
	fields := make([]facade.Field, len(collections.Capabilities))
	for i, capability := range collections.Capabilities {
		fields[i] = facade.Field{Name: capability, Column: capability, Kind: facade.Boolean}
	}
	return fields
}

// subject finds the member or the open invitation of the path, of the active
// organization only.
func subject(tx core.App, e *core.RequestEvent, t *tenant.Tenant) (*core.Record, error) {
	id := e.Request.PathValue("id")
	m, err := tx.FindRecordById(collections.Memberships, id)
	if errors.Is(err, sql.ErrNoRows) {
		m, err = tx.FindRecordById(collections.Invitations, id)
		if err == nil && m.GetString("status") != collections.InvitationPending {
			return nil, refusal.Of("not_found/member")
		}
	}
	if errors.Is(err, sql.ErrNoRows) || err == nil && m.GetString("organization") != t.ID() {
		return nil, refusal.Of("not_found/member")
	}
	if err != nil || m.Collection().Name == collections.Invitations {
		return m, err
	}
	// The account of an API key is changed where keys are.
	service, err := rows.Count(atomic.Of(tx), `SELECT count(*) FROM users WHERE id = ? AND is_service`,
		m.GetString("user"))
	if err == nil && service > 0 {
		err = refusal.Of("not_found/member")
	}
	return m, err
}

// changeMember is PUT /api/team-members/{id}.
func (d *domain) changeMember(e *core.RequestEvent) error {
	t, err := tenant.Require(e)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	manages := t.Can(collections.CanManageTeam)
	fields := memberFields
	if manages {
		fields = append(slices.Clone(fields), facade.Field{Name: "status", Column: "status",
			OneOf: []string{collections.MembershipActive, collections.MembershipInactive, collections.MembershipSuspended,
				collections.MembershipInvited}})
	}
	columns, err := facade.Read(fields, body, false)
	if err != nil {
		return err
	}
	if zone, given := columns["timezone"].(string); given {
		if _, err := hours.Zone(zone); err != nil {
			return refusal.Invalid(map[string]string{"timezone": "Must be a time zone like Europe/Paris"})
		}
	}
	var changed *core.Record
	err = e.App.RunInTransaction(func(tx core.App) error {
		m, err := subject(tx, e, t)
		if err != nil {
			return err
		}
		changed = m
		return change(tx, e, t, m, columns)
	})
	if err != nil {
		return err
	}
	return d.answerMember(e, t, changed)
}

// change sets columns of a member or an invitation as far as the caller may.
func change(tx core.App, e *core.RequestEvent, t *tenant.Tenant, m *core.Record, columns map[string]any) error {
	power, err := actor(tx, e, t)
	if err != nil {
		return err
	}
	self := m.Collection().Name == collections.Memberships && m.GetString("user") == t.UserID() && t.UserID() != ""
	if !power.can(collections.CanManageTeam) {
		if err := aboutOneself(e, m, self, columns); err != nil {
			return err
		}
	}
	if err := statusFits(m, columns); err != nil {
		return err
	}
	if err := power.mayChange(e, m, self, rightsIn(m, columns)); err != nil {
		return err
	}
	takeManaging(m, columns)
	for column, value := range columns {
		m.Set(column, value)
	}
	if tenant.Unchanged(m) {
		return nil
	}
	m.IgnoreUnchangedFields(true)
	audit.By(e, m)
	return tx.Save(m)
}

// aboutOneself refuses what somebody who does not manage the team may not change:
// others, and anything but what people say of themselves. What is private comes back
// as it was shown, empty, and is passed over.
func aboutOneself(e *core.RequestEvent, m *core.Record, self bool, columns map[string]any) error {
	if !self {
		return refusal.Of("forbidden/role")
	}
	for column, value := range columns {
		if slices.Contains(collections.MemberPrivate, column) && empty(value) {
			delete(columns, column)
			continue
		}
		own := slices.ContainsFunc(profileFields, func(f facade.Field) bool { return f.Column == column })
		if !own && !equal(m, column, value) {
			return refusal.Of("forbidden/team")
		}
	}
	return nil
}

// statusFits refuses to make a member of an invitation, or the other way round.
func statusFits(m *core.Record, columns map[string]any) error {
	status, given := columns["status"]
	if m.Collection().Name == collections.Invitations {
		if given && status != collections.MembershipInvited {
			return refusal.Invalid(map[string]string{"status": "An invitation stays invited until it is accepted"})
		}
		delete(columns, "status")
		return nil
	}
	if status == collections.MembershipInvited && m.GetString("status") != collections.MembershipInvited {
		return refusal.Invalid(map[string]string{"status": "A member cannot be invited again"})
	}
	return nil
}

// asked are the rights a change is about.
type asked struct {
	role  string   // what it will be
	given []string // flags that are not held yet
	any   bool     // role, status or a flag changes
}

func rightsIn(m *core.Record, columns map[string]any) asked {
	a := asked{role: m.GetString("role")}
	for column, value := range columns {
		if equal(m, column, value) {
			continue
		}
		switch {
		case column == "role":
			a.role, a.any = value.(string), true
		case column == "status":
			a.any = true
		case slices.Contains(collections.Capabilities, column):
			a.any = true
			if value == true {
				a.given = append(a.given, column)
			}
		}
	}
	return a
}

// mayChange is nil when the giver may change the member so.
func (a authority) mayChange(e *core.RequestEvent, m *core.Record, self bool, rights asked) error {
	if !self {
		if err := a.mayTouch(m.GetString("role")); err != nil {
			return err
		}
	}
	if !rights.any {
		return nil
	}
	if self {
		return refusal.Of("forbidden/own")
	}
	return a.mayGive(rights.role, rights.given)
}

// takeManaging takes from an owner or admin who becomes less what they held by their
// role: flags nobody looked at. Whoever demotes may name the ones that stay.
func takeManaging(m *core.Record, columns map[string]any) {
	role, changed := columns["role"].(string)
	if !changed || !tenant.HoldsAll(m.GetString("role")) || tenant.HoldsAll(role) {
		return
	}
	for _, capability := range managing {
		if _, named := columns[capability]; !named {
			m.Set(capability, false)
		}
	}
}

// managing are the flags that let somebody change things for others.
var managing = []string{collections.CanAccessAnalytics, collections.CanManageIntegrations, collections.CanManageTeam,
	collections.CanManageAgents}

// equal tells whether a column holds a value of a body already.
func equal(m *core.Record, column string, value any) bool {
	switch v := value.(type) {
	case string:
		return m.GetString(column) == v
	case bool:
		return m.GetBool(column) == v
	}
	return false
}

// empty tells whether a value of a body says nothing.
func empty(value any) bool {
	fields, object := value.(map[string]any)
	return value == nil || value == "" || object && len(fields) == 0
}

// setStatus answers suspend and activate.
func (d *domain) setStatus(status string) func(*core.RequestEvent) error {
	return func(e *core.RequestEvent) error {
		t, err := tenant.RequireCan(e, collections.CanManageTeam)
		if err != nil {
			return err
		}
		var changed *core.Record
		err = e.App.RunInTransaction(func(tx core.App) error {
			m, err := subject(tx, e, t)
			if err != nil {
				return err
			}
			if m.Collection().Name == collections.Invitations {
				return refusal.Of("not_found/member")
			}
			changed = m
			return change(tx, e, t, m, map[string]any{"status": status})
		})
		if err != nil {
			return err
		}
		return d.answerMember(e, t, changed)
	}
}

func (d *domain) answerMember(e *core.RequestEvent, t *tenant.Tenant, m *core.Record) error {
	kind := 0
	if m.Collection().Name == collections.Invitations {
		kind = 1
	}
	var ids [2][]string
	ids[kind] = []string{m.Id}
	found, err := d.shown(e.App, t, ids)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return refusal.Of("not_found/member")
	}
	return facade.JSON(e, http.StatusOK, found[0])
}

// removeMember is DELETE /api/team-members/{id}.
func removeMember(e *core.RequestEvent) error {
	t, err := tenant.RequireCan(e, collections.CanManageTeam)
	if err != nil {
		return err
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		m, err := subject(tx, e, t)
		if err != nil {
			return err
		}
		power, err := manager(tx, e, t)
		if err != nil {
			return err
		}
		if err := power.mayTouch(m.GetString("role")); err != nil {
			return err
		}
		if m.Collection().Name == collections.Invitations {
			m.Set("status", collections.InvitationCancelled)
			audit.By(e, m)
			return tx.Save(m)
		}
		if m.GetString("user") == t.UserID() {
			return refusal.Of("forbidden/own_remove")
		}
		audit.By(e, m)
		return tx.Delete(m)
	})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"success": true})
}

// transfer is POST /api/organizations/{organization}/transfer.
func transfer(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	user, _ := body["user"].(string)
	if user == "" || user == t.UserID() {
		return refusal.Invalid(map[string]string{"user": "Choose another member"})
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		next, err := heir(e, tx, user, t.ID())
		if err != nil {
			return err
		}
		next.Set("role", collections.Owner)
		for _, capability := range collections.Capabilities {
			next.Set(capability, true)
		}
		audit.By(e, next)
		if err := tx.Save(next); err != nil || t.Membership == nil {
			return err
		}
		// Read anew: two transfers at once must not both start from an owner.
		own, err := tenant.MemberIn(tx, t.UserID(), t.ID())
		if err != nil {
			return err
		}
		if own == nil || own.GetString("role") != collections.Owner ||
			own.GetString("status") != collections.MembershipActive {
			return refusal.Of("forbidden/own_no_more")
		}
		own.Set("role", collections.Admin)
		audit.By(e, own)
		return tx.Save(own)
	})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"success": true})
}

// heir is the membership of whoever may become owner: an active person in it.
func heir(e *core.RequestEvent, tx core.App, user, organization string) (*core.Record, error) {
	next, err := tenant.MemberIn(tx, user, organization)
	if err != nil {
		return nil, err
	}
	if next == nil || next.GetString("status") != collections.MembershipActive {
		return nil, refusal.Of("not_found/active_member")
	}
	person, err := tx.FindRecordById(collections.Users, user)
	if err != nil {
		return nil, err
	}
	if person.GetBool("is_service") || !person.GetBool("is_active") {
		return nil, refusal.Of("not_found/active_member")
	}
	return next, nil
}

// leave is POST /api/organizations/{organization}/leave.
func leave(e *core.RequestEvent) error {
	t, err := tenant.InPath(e)
	if err != nil {
		return err
	}
	if t.Membership == nil {
		return refusal.Of("not_member")
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		m, err := tenant.MemberIn(tx, t.UserID(), t.ID())
		if err != nil || m == nil {
			return err
		}
		audit.By(e, m)
		return tx.Delete(m)
	})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"success": true})
}
