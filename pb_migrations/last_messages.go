package pb_migrations

import (
	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

func init() { m.Register(lastMessages, nil, "1796077282_last_messages.go") }

// lastMessages says of the messages that were there before the column which are the
// last about their call, also of those that wait: they may be applied yet.
func lastMessages(txApp core.App) error {
	return execute(txApp, []string{
		`UPDATE provider_events SET last = TRUE WHERE provider = 'vapi' AND type = 'end-of-call-report'`,
	})
}
