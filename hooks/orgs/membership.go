package orgs

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// ranks order the roles. A developer is a viewer who manages functions and
// integrations, which ranks alone do not say: see authority.mayGive.
var ranks = map[string]int{
	collections.Owner: 5, collections.Admin: 4, collections.Manager: 3, collections.Agent: 2, collections.Viewer: 1, collections.Developer: 1,
}

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
		return holdsAll(role) || m.GetBool(capability)
	}}
}

// actor is what the caller may give, read in the transaction of the change: who
// lost a right a moment ago does not use it any more.
func actor(tx core.App, e *core.RequestEvent, t *tenant.Tenant) (authority, error) {
	if t.Superuser {
		return authority{all: true, can: func(string) bool { return true }}, nil
	}
	m, err := membershipIn(tx, t.UserID(), t.ID())
	if err != nil {
		return authority{}, err
	}
	if m == nil || m.GetString("status") != collections.MembershipActive {
		return authority{}, e.ForbiddenError("You do not belong to this organization any more.", nil)
	}
	return authorityOf(m), nil
}

// manager is actor for who manages the team.
func manager(tx core.App, e *core.RequestEvent, t *tenant.Tenant) (authority, error) {
	a, err := actor(tx, e, t)
	if err == nil && !a.can(collections.CanManageTeam) {
		err = e.ForbiddenError("Your role does not allow this.", nil)
	}
	return a, err
}

// mayGive is nil when the role and the flags are the giver's to give, else a
// sentence (security.md S13).
func (a authority) mayGive(role string, flags []string) error {
	if a.all {
		return nil
	}
	if ranks[role] > ranks[a.role] {
		return refuse(http.StatusForbidden, fmt.Sprintf("You cannot give the role %s: it is above your own.", role))
	}
	if role == collections.Developer && a.role != collections.Developer && !a.can(collections.CanManageIntegrations) {
		return refuse(http.StatusForbidden, "You cannot give the role developer: it manages integrations, and you do not.")
	}
	for _, flag := range flags {
		if !a.can(flag) {
			return refuse(http.StatusForbidden, fmt.Sprintf("You cannot give %s: you do not hold it yourself.", strings.ReplaceAll(flag, "_", " ")))
		}
	}
	return nil
}

// mayTouch is nil when the giver may change or remove somebody of that role.
func (a authority) mayTouch(role string) error {
	if a.all || ranks[role] <= ranks[a.role] {
		return nil
	}
	return refuse(http.StatusForbidden, fmt.Sprintf("Only somebody whose role is at least %s can change this member.", role))
}

// flagsOf are the capability flags a row carries.
func flagsOf(r *core.Record) []string {
	return slices.DeleteFunc(slices.Clone(collections.Capabilities), func(flag string) bool { return !r.GetBool(flag) })
}

const lastOwner = "This is the last owner. Make somebody else an owner first."

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
	left, err := countIn(tx, `SELECT count(*) FROM memberships WHERE organization = ? AND role = 'owner' AND status = 'active'`, organization)
	if err != nil || left > 0 {
		return err
	}
	var status, deletes string
	err = atomic.One(tx, `SELECT status, deletes_at FROM organizations WHERE id = ?`, []any{organization}, &status, &deletes)
	if errors.Is(err, sql.ErrNoRows) || err == nil && status == collections.OrganizationClosed && deletes != "" && deletes <= stamp(time.Now()) {
		return nil
	}
	if err != nil {
		return err
	}
	return refuse(http.StatusConflict, lastOwner)
}

// revokeInvitations cancels what a person offered to others and could not
// offer any more.
func revokeInvitations(tx atomic.Tx, before, after *core.Record) error {
	rows, err := tx.Query(`SELECT id, role FROM invitations WHERE organization = ? AND invited_by = ? AND status = 'pending'`,
		before.GetString("organization"), before.GetString("user"))
	if err != nil {
		return err
	}
	offered := map[string]string{}
	for rows.Next() {
		var id, role string
		if err := rows.Scan(&id, &role); err != nil {
			rows.Close()
			return err
		}
		offered[id] = role
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for id, role := range offered {
		if after != nil && mayInvite(after) && authorityOf(after).mayGive(role, nil) == nil {
			continue
		}
		if _, err := tx.Exec(`UPDATE invitations SET status = ?, updated = ? WHERE id = ? AND status = 'pending'`,
			collections.InvitationCancelled, stamp(time.Now()), id); err != nil {
			return err
		}
	}
	return nil
}

// revokeAll cancels what a person offered who is deactivated or about to be
// deleted: without a name an invitation would pass for the operator's.
func revokeAll(tx atomic.Tx, user string) error {
	_, err := tx.Exec(`UPDATE invitations SET status = ?, updated = ? WHERE invited_by = ? AND status = 'pending'`,
		collections.InvitationCancelled, stamp(time.Now()), user)
	return err
}

// mayInvite tells whether a membership brings people in.
func mayInvite(m *core.Record) bool {
	return m.GetString("status") == collections.MembershipActive && authorityOf(m).can(collections.CanManageTeam)
}

// showPrivate gives what is written about a member to who manages the team.
func showPrivate(e *core.RecordEnrichEvent) error {
	auth := e.RequestInfo.Auth
	if auth != nil && !auth.GetBool("is_service") && tenant.Holds(e.App, auth.Id, e.Record.GetString("organization"), collections.CanManageTeam) {
		e.Record.Unhide(collections.MemberPrivate...)
	}
	return e.Next()
}

// watchMemberships binds what holds for every change of a membership, whoever
// makes it.
func (d *domain) watchMemberships() {
	watched := append([]string{"role", "status"}, collections.CanManageTeam, collections.CanManageIntegrations)
	d.app.OnRecordEnrich(collections.Memberships).BindFunc(showPrivate)
	atomic.On(d.app, collections.Memberships, atomic.Updated, "orgs: keep an owner", keepOwner, "role", "status")
	atomic.On(d.app, collections.Memberships, atomic.Deleted, "orgs: keep an owner", keepOwner)
	atomic.On(d.app, collections.Memberships, atomic.Updated, "orgs: cancel invitations of who may not invite any more", revokeInvitations, watched...)
	atomic.On(d.app, collections.Memberships, atomic.Deleted, "orgs: cancel invitations of who may not invite any more", revokeInvitations)
	atomic.On(d.app, collections.Users, atomic.Updated, "orgs: cancel invitations of who may not invite any more", func(tx atomic.Tx, _, after *core.Record) error {
		if after.GetBool("is_active") {
			return nil
		}
		return revokeAll(tx, after.Id)
	}, "is_active")
	// Before the row goes: PocketBase takes the name off the invitations with it.
	d.app.OnRecordDelete(collections.Users).BindFunc(func(e *core.RecordEvent) error {
		outer := e.App
		defer func() { e.App = outer }()
		return outer.RunInTransaction(func(tx core.App) error {
			e.App = tx
			if err := revokeAll(atomic.Of(tx), e.Record.Id); err != nil {
				return err
			}
			return e.Next()
		})
	})
}
