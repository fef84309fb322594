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
	)
	index(c, "organization, created")
	index(c, "user")
	readOnly(c, Role("organization", Owner, Admin))
	return c
}
