package mirror

import (
	"time"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

// Owed counts what an organization's copies are owed: promises that are open, and
// those that were given up. Given up before an instant, they are owed again first.
func (m *Mirror) Owed(tx atomic.Tx, organization string, again time.Time) (open, dead int, err error) {
	if err := m.outbox.Revive(tx, organization, kind, again); err != nil {
		return 0, 0, err
	}
	open, dead, err = m.outbox.Owed(tx, organization, kind)
	if open > 0 {
		m.outbox.Nudge()
	}
	return open, dead, err
}
