package collections

import "github.com/pocketbase/pocketbase/core"

// AuditChains say where the chain of each organization's audit log begins and
// ends, so that rows missing there are missed too (hooks/internal/audit).
const AuditChains = "audit_chains"

func auditChains() *core.Collection {
	c := base(AuditChains,
		text("chain", 15), // the organization's id; "" is the installation's own log
		integer("head"),   // the last entry's position
		text("head_hash", 64),
		integer("base"), // entries up to here were removed by retention
		text("base_hash", 64),
		integer("unchained"), // entries from before there was a chain
	)
	unique(c, "chain", "")
	readOnly(c, "")
	return c
}

var _ = declare(AuditChains, auditChains, Traits{
	Plain: []string{"chain", "head_hash", "base_hash"},
})
