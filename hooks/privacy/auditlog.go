package privacy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sheet"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// csvMost bounds one file, newest lines first.
const csvMost = 100_000

var listAuditRoute = facade.Route{
	Method: "GET", Path: "/api/security/audit-logs", Auth: facade.Admin, System: facade.CoreComm, Item: "S-308",
	Summary: "Who did what in the active organization, newest first.",
	Query:   "page=1, limit=20 (at most 100), actor (id of a person, or user|key|superuser|system|guest), action (a beginning: calls, calls.update), resource, record, from, to (a date is the organization's day, the last one included; or RFC 3339)",
	Answer:  `{"data": {"logs": [{"id", "company_id", "user_id", "actor_name", "actor_type", "action", "resource", "record", "details", "ip_address", "user_agent", "created_at"}], "pagination": {…}}}`,
	Errors:  "400 a parameter is wrong · 403",
}

var auditCSVRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/audit.csv", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "The audit log as a file, with the filters of the list; at most 100,000 lines.",
	Answer:  "text/csv",
	Errors:  "403",
}

var errFixed = errors.New("the audit log cannot be changed")

// keepEntry refuses a change of an entry, but that a person or organization that
// is gone is cleared. SQL changes none either (collections.AuditSQL).
func keepEntry(e *core.RecordEvent) error {
	before := e.Record.Original()
	for _, name := range []string{"actor_name", "actor_type", "action", "resource", "record", "details",
		"ip_address", "user_agent", "request_id"} {
		if before.GetString(name) != e.Record.GetString(name) {
			return errFixed
		}
	}
	for _, name := range []string{"organization", "user"} {
		if is := e.Record.GetString(name); is != "" && is != before.GetString(name) {
			return errFixed
		}
	}
	return e.Next()
}

// keepLog refuses the removal of an entry.
func keepLog(*core.RecordEvent) error { return errFixed }

// auditWhere are the conditions of a list.
func auditWhere(e *core.RequestEvent, organization *core.Record) (where string, args []any, err error) {
	query, reasons := e.Request.URL.Query(), map[string]string{}
	terms, args := []string{"organization = ?"}, []any{organization.Id}
	if actor := query.Get("actor"); actor != "" {
		switch actor {
		case audit.ActorUser, audit.ActorKey, audit.ActorSuperuser, audit.ActorSystem, audit.ActorGuest:
			terms = append(terms, "actor_type = ?")
		default:
			terms = append(terms, "user = ?")
		}
		args = append(args, actor)
	}
	if action := query.Get("action"); action != "" {
		terms = append(terms, "action >= ? AND action < ?")
		args = append(args, action, action+"\xff")
	}
	for _, name := range []string{"resource", "record"} {
		if value := query.Get(name); value != "" {
			terms = append(terms, name+" = ?")
			args = append(args, value)
		}
	}
	for _, one := range []struct {
		name, sign string
		read       func(text, zone string) (time.Time, error)
	}{{"from", ">=", hours.From}, {"to", "<", hours.Until}} {
		text := query.Get(one.name)
		if text == "" {
			continue
		}
		at, err := one.read(text, organization.GetString("timezone"))
		if err != nil {
			reasons[one.name] = "Must be a date or time like 2026-09-30 or 2026-09-30T12:00:00Z"
			continue
		}
		terms = append(terms, "created "+one.sign+" ?")
		args = append(args, rows.Stamp(at))
	}
	if len(reasons) > 0 {
		return "", nil, refusal.Of("invalid_request/query").With(reasons)
	}
	return strings.Join(terms, " AND "), args, nil
}

const auditColumns = `id, organization, user, actor_name, actor_type, action, resource, record, coalesce(details, ''), ip_address, user_agent, created`

type auditRow struct {
	id, organization, user, name, kind, action, resource, record, details, address, agent, created string
}

func (r *auditRow) scan() []any {
	return []any{&r.id, &r.organization, &r.user, &r.name, &r.kind, &r.action, &r.resource, &r.record,
		&r.details, &r.address, &r.agent, &r.created}
}

func listAudit(e *core.RequestEvent) error {
	t, err := tenant.Require(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	page, limit, err := facade.Page(e, 20)
	if err != nil {
		return err
	}
	where, args, err := auditWhere(e, t.Organization)
	if err != nil {
		return err
	}
	db := atomic.Reads(e.App)
	total, err := rows.Count(atomic.Reads(e.App), "SELECT count(*) FROM audit_logs WHERE "+where, args...)
	if err != nil {
		return err
	}
	found, err := db.Query("SELECT "+auditColumns+" FROM audit_logs WHERE "+where+
		" ORDER BY created DESC, id DESC LIMIT ? OFFSET ?",
		append(args, limit, (page-1)*limit)...)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	defer found.Close()
	list := []map[string]any{}
	for found.Next() {
		var r auditRow
		if err := found.Scan(r.scan()...); err != nil {
			return err
		}
		var details any
		if r.details != "" && json.Unmarshal([]byte(r.details), &details) != nil {
			details = nil
		}
		list = append(list, map[string]any{
			"id": r.id, "company_id": r.organization, "user_id": rows.OrNil(r.user), "actor_name": r.name, "actor_type": r.kind,
			"action":   r.action,
			"resource": r.resource, "record": r.record, "details": details, "ip_address": r.address, "user_agent": r.agent,
			"created_at": rows.Said(r.created),
		})
	}
	if err := found.Err(); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK,
		map[string]any{"data": map[string]any{"logs": list, "pagination": facade.NewPagination(page, limit, total)}})
}

func auditCSV(e *core.RequestEvent) error {
	t, err := tenant.InPath(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	where, args, err := auditWhere(e, t.Organization)
	if err != nil {
		return err
	}
	if err := audit.Add(e.App, audit.Entry{
		Organization: t.ID(), Actor: audit.ActorOf(e), Action: "audit_logs.export", Resource: collections.AuditLogs,
	}); err != nil {
		return err
	}
	found, err := atomic.Reads(e.App).Query("SELECT "+auditColumns+" FROM audit_logs WHERE "+where+
		" ORDER BY created DESC, id DESC LIMIT ?", append(args, csvMost)...)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	defer found.Close()
	header := e.Response.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="audit.csv"`)
	header.Set("Cache-Control", "private, no-store")
	w := sheet.New(e.Response, "time", "actor", "actor_type", "user", "action", "resource", "record", "details",
		"ip_address", "user_agent")
	for found.Next() {
		var r auditRow
		if err := found.Scan(r.scan()...); err != nil {
			return err
		}
		at, err := rows.Stamped(r.created)
		if err != nil {
			return err
		}
		w.Row(rows.SaidAt(at), r.name, r.kind, r.user, r.action, r.resource, r.record, r.details, r.address, r.agent)
	}
	return errors.Join(found.Err(), w.Flush())
}
