package pb_migrations

import (
	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

func init() { m.Register(keysKeepToTheirMaker, nil, "1796028306_keys_keep_to_their_maker.go") }

// keysKeepToTheirMaker ends keys, made before keys kept to the rights of
// whoever made them, that have more than their maker has now, and takes away
// what ended keys left behind.
func keysKeepToTheirMaker(txApp core.App) error {
	// Of a key k: m is its maker's membership, o its account's.
	const allowed = `SELECT 1 FROM memberships m JOIN users u ON u.id = m.user LEFT JOIN memberships o ON o.user = k.acts_as AND o.organization = k.organization
		WHERE m.user = k.created_by AND m.organization = k.organization AND m.status = 'active' AND u.is_active AND NOT u.is_service
		AND (m.role IN ('owner', 'admin') OR (k.role IN ('viewer', m.role)
			AND coalesce(o.can_access_analytics, 0) <= m.can_access_analytics AND coalesce(o.can_manage_integrations, 0) <= m.can_manage_integrations
			AND coalesce(o.can_manage_team, 0) <= m.can_manage_team AND coalesce(o.can_manage_agents, 0) <= m.can_manage_agents
			AND coalesce(o.can_view_calls, 0) <= m.can_view_calls AND coalesce(o.can_view_messages, 0) <= m.can_view_messages
			AND coalesce(o.can_view_emails, 0) <= m.can_view_emails))`
	const ended = `SELECT id FROM users WHERE is_service AND id IN (SELECT acts_as FROM api_keys WHERE revoked_at != '' AND acts_as != '')`
	return execute(txApp, []string{
		`UPDATE api_keys AS k SET revoked_at = strftime('%Y-%m-%d %H:%M:%fZ'), ended_by = 'maker' WHERE revoked_at = '' AND NOT EXISTS (` + allowed + `)`,
		`DELETE FROM memberships WHERE user IN (` + ended + `)`,
		`UPDATE users SET is_active = FALSE, tokenKey = lower(hex(randomblob(25))) WHERE is_active AND id IN (` + ended + `)`,
	})
}
