// Package privacy is about what is kept of whom, and for how long: everything about a
// caller exported or erased, everything of an organization exported or taken down,
// what is older than its settings allow removed, and what was done written down.
//
// An erasure, once asked for, is owed until nothing is left (erasure.go). An
// organization that is deleted can be restored for a while, then it is taken down in
// steps that can be repeated (delete.go, purge.go). A legal hold keeps everything.
package privacy

import (
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// Deps are what the domain needs.
type Deps struct {
	room.Tools
	// Installation is what the compliance pack says of the server.
	Installation Installation
}

type domain struct {
	Deps
	app core.App
	// exporting holds the organizations an export of which is under way.
	exporting sync.Map
	// erasing holds who waits for an erasure: a channel a request.
	erasing sync.Map
}

// Register binds the domain.
func Register(app core.App, deps Deps) {
	d := &domain{Deps: deps, app: app}
	f := d.Facade

	// What was done, and what is true here.
	f.Handle(listAuditRoute, listAudit)
	f.Handle(auditCSVRoute, auditCSV)
	app.OnRecordUpdate(collections.AuditLogs).BindFunc(keepEntry)
	app.OnRecordDelete(collections.AuditLogs).BindFunc(keepLog)
	f.Handle(compliancePackRoute, d.compliancePack)

	// Callers: everything about one, exported or erased.
	f.Handle(listPrivacyRoute, d.listPrivacy)
	f.Handle(exportSubjectRoute, d.exportSubject)
	f.Handle(eraseSubjectRoute, d.eraseSubject)
	const again = "privacy: a call of an erased caller that comes back is erased again"
	atomic.On(app, collections.Calls, atomic.Created, again, d.afterReturn)
	atomic.On(app, collections.Calls, atomic.Updated, again, d.afterReturn, "caller_number", "recipient_number")
	// One at a time in an organization.
	d.Outbox.Handle(eraseKind, outbox.Kind{Serial: true}.Seals(whoIsErased), d.eraseOwed)
	d.Outbox.Handle(againKind, outbox.Kind{}, d.eraseAgain)
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := endBroken(se.App, d.Now()); err != nil {
			return err
		}
		return se.Next()
	})

	// Organizations: everything of one as an archive, and its end.
	f.Handle(exportRoute, d.export)
	f.Handle(closeOrganizationRoute, d.closeOrganization)
	f.Handle(restoreOrganizationRoute, d.restoreOrganization)
	d.Schedule.Add(schedule.Job{ID: "organizations.purge", Spec: "*/10 * * * *", Run: d.takeDownDue})
	d.Schedule.Add(schedule.Job{ID: "retention.purge", Spec: "17 2 * * *", Run: d.purge})
}
