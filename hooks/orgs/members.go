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
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// profileFields are what anybody may say about themselves.
var profileFields = []facade.Field{
	{Name: "full_name", Column: "full_name", MinLength: 1, MaxLength: 100},
	{Name: "phone_number", Column: "phone_number", MaxLength: 40},
	{Name: "timezone", Column: "timezone", MaxLength: 64},
	{Name: "avatar_url", MaxLength: 2_000}, // taken and passed over: the picture is the person's own file
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
			return nil, e.NotFoundError("There is no such member.", nil)
		}
	}
	if errors.Is(err, sql.ErrNoRows) || err == nil && m.GetString("organization") != t.ID() {
		return nil, e.NotFoundError("There is no such member.", nil)
	}
	if err != nil || m.Collection().Name == collections.Invitations {
		return m, err
	}
	// The account of an API key is changed where keys are.
	service, err := countIn(atomic.Of(tx), `SELECT count(*) FROM users WHERE id = ? AND is_service`, m.GetString("user"))
	if err == nil && service > 0 {
		err = e.NotFoundError("There is no such member.", nil)
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
			OneOf: []string{collections.MembershipActive, collections.MembershipInactive, collections.MembershipSuspended, collections.MembershipInvited}})
	}
	columns, err := facade.Read(fields, body, false)
	if err != nil {
		return err
	}
	if zone, given := columns["timezone"].(string); given {
		if _, err := hours.Zone(zone); err != nil {
			return facade.Invalid(map[string]string{"timezone": "Must be a time zone like Europe/Paris"})
		}
	}
	var changed *core.Record
	err = e.App.RunInTransaction(func(tx core.App) error {
		m, err := subject(tx, e, t)
		if err != nil {
			return err
		}
		changed = m
		return d.change(tx, e, t, m, columns)
	})
	if err != nil {
		return err
	}
	return d.answerMember(e, t, changed)
}

// change sets columns of a member or an invitation as far as the caller may.
func (d *domain) change(tx core.App, e *core.RequestEvent, t *tenant.Tenant, m *core.Record, columns map[string]any) error {
	power, err := actor(tx, e, t)
	if err != nil {
		return err
	}
	self := m.Collection().Name == collections.Memberships && m.GetString("user") == t.UserID() && t.UserID() != ""
	if !power.can(collections.CanManageTeam) {
		if !self {
			return e.ForbiddenError("Your role does not allow this.", nil)
		}
		for column, value := range columns {
			if slices.Contains(collections.MemberPrivate, column) && empty(value) {
				delete(columns, column) // sent back as it was shown, without what is private
				continue
			}
			if !slices.ContainsFunc(profileFields, func(f facade.Field) bool { return f.Column == column }) && !equal(m, column, value) {
				return e.ForbiddenError("Only who manages the team can change this.", nil)
			}
		}
	}
	if m.Collection().Name == collections.Invitations {
		if status, given := columns["status"]; given && status != collections.MembershipInvited {
			return facade.Invalid(map[string]string{"status": "An invitation stays invited until it is accepted"})
		}
		delete(columns, "status")
	} else if columns["status"] == collections.MembershipInvited && m.GetString("status") != collections.MembershipInvited {
		return facade.Invalid(map[string]string{"status": "A member cannot be invited again"})
	}
	var given []string
	role, touches := m.GetString("role"), false
	for column, value := range columns {
		if equal(m, column, value) {
			continue
		}
		switch {
		case column == "role":
			role, touches = value.(string), true
		case column == "status":
			touches = true
		case slices.Contains(collections.Capabilities, column):
			touches = true
			if value == true {
				given = append(given, column)
			}
		}
	}
	if !self {
		if err := power.mayTouch(m.GetString("role")); err != nil {
			return err
		}
	}
	if touches {
		if self {
			return e.ForbiddenError("You cannot change your own role, rights or status. Ask somebody else who manages the team.", nil)
		}
		if err := power.mayGive(role, given); err != nil {
			return err
		}
	}
	if holdsAll(m.GetString("role")) && !holdsAll(role) {
		// What an owner or admin held by their role they do not keep by flags
		// nobody looked at; whoever demotes may name the ones that stay.
		for _, capability := range managing {
			if _, named := columns[capability]; !named {
				m.Set(capability, false)
			}
		}
	}
	for column, value := range columns {
		m.Set(column, value)
	}
	m.IgnoreUnchangedFields(true)
	audit.By(e, m)
	return tx.Save(m)
}

// managing are the flags that let somebody change things for others.
var managing = []string{collections.CanAccessAnalytics, collections.CanManageIntegrations, collections.CanManageTeam, collections.CanManageAgents}

// holdsAll tells whether a role holds every capability whatever its flags say.
func holdsAll(role string) bool { return role == collections.Owner || role == collections.Admin }

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
				return e.NotFoundError("There is no such member.", nil)
			}
			changed = m
			return d.change(tx, e, t, m, map[string]any{"status": status})
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
	rows, err := d.shown(e.App, t, ids)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return e.NotFoundError("There is no such member.", nil)
	}
	return e.JSON(http.StatusOK, rows[0])
}

// removeMember is DELETE /api/team-members/{id}.
func (d *domain) removeMember(e *core.RequestEvent) error {
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
			return e.ForbiddenError("You cannot remove yourself. Leave the organization instead.", nil)
		}
		audit.By(e, m)
		return tx.Delete(m)
	})
	if err != nil {
		return err
	}
	return e.JSON(http.StatusOK, map[string]any{"success": true})
}

// transfer is POST /api/organizations/{organization}/transfer.
func (d *domain) transfer(e *core.RequestEvent) error {
	t, err := d.in(e, collections.Owner)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	user, _ := body["user"].(string)
	if user == "" || user == t.UserID() {
		return facade.Invalid(map[string]string{"user": "Choose another member"})
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		next, err := membershipIn(tx, user, t.ID())
		if err != nil {
			return err
		}
		if next == nil || next.GetString("status") != collections.MembershipActive {
			return e.NotFoundError("This person is not an active member.", nil)
		}
		person, err := tx.FindRecordById(collections.Users, user)
		if err != nil {
			return err
		}
		if person.GetBool("is_service") || !person.GetBool("is_active") {
			return e.NotFoundError("This person is not an active member.", nil)
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
		own, err := membershipIn(tx, t.UserID(), t.ID())
		if err != nil {
			return err
		}
		if own == nil || own.GetString("role") != collections.Owner || own.GetString("status") != collections.MembershipActive {
			return e.ForbiddenError("You do not own this organization any more.", nil)
		}
		own.Set("role", collections.Admin)
		audit.By(e, own)
		return tx.Save(own)
	})
	if err != nil {
		return err
	}
	return e.JSON(http.StatusOK, map[string]any{"success": true})
}

// leave is POST /api/organizations/{organization}/leave.
func (d *domain) leave(e *core.RequestEvent) error {
	t, err := d.in(e)
	if err != nil {
		return err
	}
	if t.Membership == nil {
		return e.ForbiddenError("You are not a member.", nil)
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		m, err := membershipIn(tx, t.UserID(), t.ID())
		if err != nil || m == nil {
			return err
		}
		audit.By(e, m)
		return tx.Delete(m)
	})
	if err != nil {
		return err
	}
	return e.JSON(http.StatusOK, map[string]any{"success": true})
}

// membershipIn is the person's membership, whatever its state; nil when there
// is none.
func membershipIn(tx core.App, user, organization string) (*core.Record, error) {
	var rows []*core.Record
	err := tx.RecordQuery(collections.Memberships).AndWhere(hash{"user": user, "organization": organization}).Limit(1).All(&rows)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}
