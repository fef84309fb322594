package orgs

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// authority is what somebody may give to others: what they hold themselves.
type authority struct {
	role string
	can  func(capability string) bool
	all  bool // the operator
}

// authorityOf is the authority of a membership as it is stored.
func authorityOf(m *core.Record) authority {
	role := m.GetString("role")
	return authority{role: role, can: func(capability string) bool {
		return tenant.HoldsAll(role) || m.GetBool(capability)
	}}
}

// actor is what the caller may give, read in the transaction of the change: who
// lost a right a moment ago does not use it any more.
func actor(tx core.App, e *core.RequestEvent, t *tenant.Tenant) (authority, error) {
	if t.Superuser {
		return authority{all: true, can: func(string) bool { return true }}, nil
	}
	m, err := tenant.MemberIn(tx, t.UserID(), t.ID())
	if err != nil {
		return authority{}, err
	}
	if m == nil || m.GetString("status") != collections.MembershipActive {
		return authority{}, refusal.Of("not_member/any_more")
	}
	return authorityOf(m), nil
}

// manager is actor for who manages the team.
func manager(tx core.App, e *core.RequestEvent, t *tenant.Tenant) (authority, error) {
	a, err := actor(tx, e, t)
	if err == nil && !a.can(collections.CanManageTeam) {
		err = refusal.Of("forbidden/role")
	}
	return a, err
}

// mayGive is nil when the role and the flags are the giver's to give, else a
// sentence (security.md S13).
func (a authority) mayGive(role string, flags []string) error {
	if a.all {
		return nil
	}
	if tenant.Rank(role) > tenant.Rank(a.role) {
		return refusal.Of("forbidden/give_role", role)
	}
	if role == collections.Developer && a.role != collections.Developer && !a.can(collections.CanManageIntegrations) {
		return refusal.Of("forbidden/give_developer")
	}
	for _, flag := range flags {
		if !a.can(flag) {
			return refusal.Of("forbidden/give_right", strings.ReplaceAll(flag, "_", " "))
		}
	}
	return nil
}

// mayTouch is nil when the giver may change or remove somebody of that role.
func (a authority) mayTouch(role string) error {
	if a.all || tenant.Rank(role) <= tenant.Rank(a.role) {
		return nil
	}
	return refusal.Of("forbidden/rank", role)
}

// flagsOf are the capability flags a row carries.
func flagsOf(r *core.Record) []string {
	return slices.DeleteFunc(slices.Clone(collections.Capabilities), func(flag string) bool { return !r.GetBool(flag) })
}

// keepOwner undoes what would leave an organization without an owner: a
// removal, a demotion, a suspension, the end of an account. Only the end of the
// organization itself may.
func keepOwner(tx atomic.Tx, before, after *core.Record) error {
	owns := func(m *core.Record) bool {
		return m != nil && m.GetString("role") == collections.Owner && m.GetString("status") == collections.MembershipActive
	}
	if !owns(before) || owns(after) {
		return nil
	}
	organization := before.GetString("organization")
	left, err := rows.Count(tx,
		`SELECT count(*) FROM memberships WHERE organization = ? AND role = 'owner' AND status = 'active'`, organization)
	if err != nil || left > 0 {
		return err
	}
	var status, deletes string
	err = atomic.One(tx, `SELECT status, deletes_at FROM organizations WHERE id = ?`, []any{organization},
		&status, &deletes)
	if errors.Is(err, sql.ErrNoRows) || err == nil && status == collections.OrganizationClosed && deletes != "" &&
		deletes <= rows.Stamp(time.Now()) {
		return nil
	}
	if err != nil {
		return err
	}
	return refusal.Of("last_owner")
}

// revokeInvitations cancels what a person offered to others and could not
// offer any more.
func revokeInvitations(tx atomic.Tx, before, after *core.Record) error {
	found, err := tx.Query(`SELECT id, role FROM invitations WHERE organization = ? AND invited_by = ? AND status = 'pending'`,
		before.GetString("organization"), before.GetString("user"))
	if err != nil {
		return err
	}
	offered := map[string]string{}
	for found.Next() {
		var id, role string
		if err := found.Scan(&id, &role); err != nil {
			found.Close()
			return err
		}
		offered[id] = role
	}
	if err := errors.Join(found.Err(), found.Close()); err != nil {
		return err
	}
	for id, role := range offered {
		if after != nil && mayInvite(after) && authorityOf(after).mayGive(role, nil) == nil {
			continue
		}
		if _, err := tx.Exec(`UPDATE invitations SET status = ?, updated = ? WHERE id = ? AND status = 'pending'`,
			collections.InvitationCancelled, rows.Stamp(time.Now()), id); err != nil {
			return err
		}
	}
	return nil
}

// revokeAll cancels what a person offered who is deactivated or about to be
// deleted: without a name an invitation would pass for the operator's.
func revokeAll(tx atomic.Tx, user string) error {
	_, err := tx.Exec(`UPDATE invitations SET status = ?, updated = ? WHERE invited_by = ? AND status = 'pending'`,
		collections.InvitationCancelled, rows.Stamp(time.Now()), user)
	return err
}

// mayInvite tells whether a membership brings people in.
func mayInvite(m *core.Record) bool {
	return m.GetString("status") == collections.MembershipActive && authorityOf(m).can(collections.CanManageTeam)
}

// showPrivate gives what is written about a member to who manages the team.
func showPrivate(e *core.RecordEnrichEvent) error {
	auth := e.RequestInfo.Auth
	if auth != nil && !auth.GetBool("is_service") && tenant.Holds(e.App, auth.Id, e.Record.GetString("organization"),
		collections.CanManageTeam) {
		e.Record.Unhide(collections.MemberPrivate...)
	}
	return e.Next()
}

// revokeOfInactive is revokeAll for an account that was deactivated.
func revokeOfInactive(tx atomic.Tx, _, after *core.Record) error {
	if after.GetBool("is_active") {
		return nil
	}
	return revokeAll(tx, after.Id)
}

// revokeOfDeleted is revokeAll for an account that goes. It runs before the row
// does: PocketBase takes the name off the invitations with it.
func revokeOfDeleted(e *core.RecordEvent) error {
	outer := e.App
	defer func() { e.App = outer }()
	return outer.RunInTransaction(func(tx core.App) error {
		e.App = tx
		if err := revokeAll(atomic.Of(tx), e.Record.Id); err != nil {
			return err
		}
		return e.Next()
	})
}
