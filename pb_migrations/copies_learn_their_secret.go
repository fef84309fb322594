package pb_migrations

import (
	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// Copies at the provider present a secret that all organizations shared. It stays
// good for each organization until its copies have been told its own: they are
// marked as pending here, and the job mirror.retry tells them.
func init() {
	const now = `strftime('%Y-%m-%d %H:%M:%fZ')`
	m.Register(func(txApp core.App) error {
		return execute(txApp, []string{
			`INSERT INTO provider_accounts (id, organization, provider, name, created, updated)
				SELECT substr(lower(hex(randomblob(8))), 1, 15), o.id, 'vapi', 'Vapi', ` + now + `, ` + now + ` FROM organizations o
				WHERE NOT EXISTS (SELECT 1 FROM provider_accounts a WHERE a.organization = o.id AND a.provider = 'vapi')`,
			`UPDATE provider_accounts SET installation_secret = TRUE WHERE provider = 'vapi' AND organization != ''`,
			`UPDATE assistants SET sync_status = 'pending' WHERE sync_status = 'synced' AND vapi_assistant_id != ''`,
			`UPDATE functions SET sync_status = 'pending' WHERE sync_status = 'synced' AND vapi_tool_id != ''`,
			`UPDATE phone_numbers SET sync_status = 'pending' WHERE sync_status = 'synced' AND vapi_phone_id != ''`,
		})
	}, nil, "1796029114_copies_learn_their_secret.go")
}
