package collections

import "github.com/pocketbase/pocketbase/core"

// AuditLogs say who did what. Nobody can change them.
const AuditLogs = "audit_logs"

func auditLogs() *core.Collection {
	c := base(AuditLogs,
		relation("organization", Organizations), // empty: the installation itself
		relation("user", Users),
		text("actor_name", shortMax),
		required(choice("actor_type", "user", "key", "superuser", "system", "guest")),
		required(text("action", nameMax)),
		text("resource", nameMax),
		text("record", 40),
		// {"field": {"before": …, "after": …}}, secrets redacted.
		object("details", SmallJSON*4),
		text("ip_address", 64),
		text("user_agent", descriptionMax),
		text("request_id", 64),
		// The chain (hooks/internal/audit). Entries from before it have no place.
		hidden(text("chain", 15)), // the organization, also after it is gone
		integer("position"),
		hidden(text("actor_id", 40)),
		hidden(text("salt", 64)),
		hidden(text("digest", 64)),
		text("hash", 64),
	)
	index(c, "organization, created")
	index(c, "organization, record") // what is said of a row, and an erasure of it
	index(c, "user")
	unique(c, "chain, position", "position > 0")
	readOnly(c, People(Role("organization", Owner, Admin)))
	return c
}

var _ = declare(AuditLogs, auditLogs, Traits{
	Personal: []string{"actor_name", "details", "ip_address", "user_agent"},
	Plain: []string{
		"action", "resource", "record", "request_id", "chain", "actor_id", "salt", "digest", "hash",
	},
	Kept: "keep_audit_days",
})

// AuditLeast is the shortest time an audit log may be kept, in days: AuditSQL refuses
// earlier deletions.
const AuditLeast = 30

// AuditSQL keeps the log from being changed, whatever is asked of the
// database. A person or organization that is gone is cleared; the details of
// an erased caller's rows may be emptied; lines may go after thirty days, or
// with an organization that is being deleted.
var AuditSQL = []string{
	`CREATE TRIGGER IF NOT EXISTS audit_logs_fixed BEFORE UPDATE ON audit_logs
	WHEN new.id IS NOT old.id OR new.actor_name IS NOT old.actor_name OR new.actor_type IS NOT old.actor_type OR new.action IS NOT old.action
		OR new.resource IS NOT old.resource OR new.record IS NOT old.record OR new.ip_address IS NOT old.ip_address
		OR new.user_agent IS NOT old.user_agent OR new.request_id IS NOT old.request_id OR new.created IS NOT old.created
		OR new.chain IS NOT old.chain OR new.position IS NOT old.position OR new.actor_id IS NOT old.actor_id OR new.digest IS NOT old.digest
		OR new.hash IS NOT old.hash OR (new.salt IS NOT old.salt AND (new.salt IS NOT '' OR new.details IS NOT '{"erased":true}'))
		OR (new.details IS NOT old.details AND new.details IS NOT '{"erased":true}')
		OR (new.organization IS NOT old.organization AND new.organization IS NOT '') OR (new.user IS NOT old.user AND new.user IS NOT '') BEGIN
		SELECT RAISE(ABORT, 'the audit log cannot be changed');
	END`,
	`CREATE TRIGGER IF NOT EXISTS audit_logs_kept BEFORE DELETE ON audit_logs
	WHEN old.created > strftime('%Y-%m-%d %H:%M:%fZ', 'now', '-30 days')
		AND NOT EXISTS (SELECT 1 FROM organizations WHERE id = old.organization AND deletes_at != '') BEGIN
		SELECT RAISE(ABORT, 'the audit log cannot be changed');
	END`,
}
