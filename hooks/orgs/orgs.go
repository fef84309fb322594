// Package orgs is about organizations and who belongs where: their columns, their
// plan's limits, their team, and the invitations that bring people in.
//
// A membership is the only thing that opens an organization. When it ends, is
// suspended or changes its rights, what the person still hears ends with it:
// dashboards subscribe again and are asked for their rights again. Whoever is
// removed is signed out. A person who is deactivated loses every stream at once.
package orgs

import (
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/mailing"
	"github.com/pocketline/pocketline/hooks/internal/reach"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// Deps are what the domain needs.
type Deps struct {
	room.Tools
	// Week counts an organization's calls of the last seven days in its zone.
	Week func(tx atomic.Tx, organization string, zone *time.Location, now time.Time) (reach.Week, error)
}

type domain struct {
	Deps
	app core.App
}

// Register binds the domain.
func Register(app core.App, deps Deps) {
	d := &domain{Deps: deps, app: app}
	f := d.Facade

	// Sessions and streams end when rights do.
	app.OnRecordDelete(collections.Memberships).BindFunc(signOutRemoved)
	app.OnRecordAfterUpdateSuccess(collections.Memberships).BindFunc(d.afterMembershipChanged)
	app.OnRecordAfterDeleteSuccess(collections.Memberships).BindFunc(d.afterMembershipChanged)
	app.OnRecordAfterUpdateSuccess(collections.Users).BindFunc(afterUserChanged)
	app.OnRecordAfterDeleteSuccess(collections.Users).BindFunc(afterUserChanged)

	// Organizations: their columns, their money, what their plan allows.
	app.OnRecordCreate(collections.Organizations).BindFunc(fillOrganization)
	app.OnRecordValidate(collections.Organizations).BindFunc(validateOrganization)
	atomic.On(app, collections.Organizations, atomic.Created, "orgs: open the wallet and start the trial", openAccount)
	atomic.On(app, collections.Assistants, atomic.Created, "orgs: keep to the plan's number of assistants", keepAssistants)
	atomic.On(app, collections.PhoneNumbers, atomic.Created, "orgs: keep to the plan's number of phone numbers",
		keepNumbers)
	atomic.On(app, collections.Memberships, atomic.Created, "orgs: keep to the plan's number of members", keepMembers)
	atomic.On(app, collections.Memberships, atomic.Updated, "orgs: keep to the plan's number of members",
		keepMembers, "status")
	f.Handle(listOrganizationsRoute, d.listOrganizations)
	f.Handle(selectOrganizationRoute, d.selectOrganization)
	f.Handle(answerLimitsRoute, answerLimits)
	f.Handle(answerOpenRoute, answerOpen)
	f.Handle(getEntityRoute, getEntity)
	f.Handle(patchEntityRoute, d.patchEntity)
	f.Handle(currentEntityRoute, showEntity)
	f.Handle(oneEntityRoute, showEntity)
	f.Handle(patchCurrentEntityRoute, d.patchEntity)
	f.Handle(patchOneEntityRoute, d.patchEntity)
	f.Handle(entityLimitsRoute, entityLimits)
	f.Handle(showSecretRoute, d.showSecret)
	f.Handle(rotateSecretRoute, d.rotateSecret)

	// People: who belongs, who is invited. The last owner stays.
	app.OnRecordEnrich(collections.Memberships).BindFunc(showPrivate)
	atomic.On(app, collections.Memberships, atomic.Updated, "orgs: keep an owner", keepOwner, "role", "status")
	atomic.On(app, collections.Memberships, atomic.Deleted, "orgs: keep an owner", keepOwner)
	const cancel = "orgs: cancel invitations of who may not invite any more"
	atomic.On(app, collections.Memberships, atomic.Updated, cancel, revokeInvitations,
		"role", "status", collections.CanManageTeam, collections.CanManageIntegrations)
	atomic.On(app, collections.Memberships, atomic.Deleted, cancel, revokeInvitations)
	atomic.On(app, collections.Users, atomic.Updated, cancel, revokeOfInactive, "is_active")
	app.OnRecordDelete(collections.Users).BindFunc(revokeOfDeleted)
	f.Handle(listTeamRoute, d.listTeam)
	f.Handle(inviteRoute, d.invite)
	f.Handle(changeMemberRoute, d.changeMember)
	f.Handle(removeMemberRoute, removeMember)
	f.Handle(resendRoute, d.resend)
	f.Handle(suspendRoute, d.setStatus(collections.MembershipSuspended))
	f.Handle(activateRoute, d.setStatus(collections.MembershipActive))
	f.Handle(transferRoute, transfer)
	f.Handle(leaveRoute, leave)
	f.Handle(verifyInviteRoute, d.verifyInvite)
	f.Handle(acceptInviteRoute, d.acceptInvite)
	d.Outbox.Handle(mailInvite, mailing.Kind.Seals(sealedToken), d.sendInvite)
	d.Schedule.Add(schedule.Job{ID: "invitations.expire", Spec: "17 * * * *", Run: d.expire})

	// Many at once: a row a client, bulk changes.
	f.Handle(overviewRoute, d.overview)
	f.Handle(bulkRoute, d.bulk)
}

// rights are the columns of a membership that open or close something.
var rights = append([]string{"status", "role", "user", "organization"}, collections.Capabilities...)

func (d *domain) afterMembershipChanged(e *core.RecordEvent) error {
	before := e.Record.Original()
	changed := e.Type == core.ModelEventTypeDelete
	for _, column := range rights {
		changed = changed || before.GetString(column) != e.Record.GetString(column)
	}
	if changed && d.Drop != nil {
		d.Drop(e.Record.GetString("user"), e.Record.GetString("organization"))
	}
	return e.Next()
}

// afterUserChanged ends the streams of a person who may no longer be here.
func afterUserChanged(e *core.RecordEvent) error {
	if e.Type == core.ModelEventTypeDelete || !e.Record.GetBool("is_active") {
		for id, client := range e.App.SubscriptionsBroker().Clients() {
			if auth, ok := client.Get(apis.RealtimeClientAuthKey).(*core.Record); ok && auth != nil && auth.Id == e.Record.Id {
				e.App.SubscriptionsBroker().Unregister(id)
			}
		}
	}
	return e.Next()
}
