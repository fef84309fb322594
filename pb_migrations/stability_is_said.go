package pb_migrations

import (
	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// A voice's stability of 0 meant that nobody chose one. It is a value now, so
// those get what the provider took them for.
func init() {
	m.Register(func(txApp core.App) error {
		return execute(txApp, []string{`UPDATE assistants SET voice_stability = 0.5 WHERE voice_stability = 0`})
	}, nil, "1796028600_stability_is_said.go")
}
