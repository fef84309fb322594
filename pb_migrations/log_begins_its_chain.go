package pb_migrations

import (
	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// Entries of the audit log from before it was a chain are counted, so that one
// put in later is told from them.
func init() {
	m.Register(func(txApp core.App) error {
		return execute(txApp, []string{
			`INSERT INTO audit_chains (id, chain, head, head_hash, base, base_hash, unchained, created, updated)
				SELECT substr(lower(hex(randomblob(8))), 1, 15), organization, 0, '', 0, '', count(*), strftime('%Y-%m-%d %H:%M:%fZ'), strftime('%Y-%m-%d %H:%M:%fZ')
				FROM audit_logs GROUP BY organization`,
		})
	}, nil, "1796030360_log_begins_its_chain.go")
}
