package outbox

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Sealed says which field of a kind's payloads is sealed, and what it is bound to: the
// kind and the row of Collection whose id the field Row holds. The names are our own,
// never a customer's.
type Sealed struct{ Field, Collection, Row string }

// Seals is k whose payloads have a sealed field.
func (k Kind) Seals(s Sealed) Kind {
	k.sealed = s
	return k
}

// Sealed are the sealed fields of promises, for whoever seals them with another key.
func (o *Outbox) Sealed() (all []sealed.Values) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, k := range o.handlers {
		s := k.sealed
		if s.Field == "" {
			continue
		}
		all = append(all, sealed.Values{
			Name: "promises of " + name, Table: collections.Outbox,
			Value: "CASE WHEN [[kind]] = '" + name + "' THEN json_extract([[payload]], '$." + s.Field + "') END",
			Place: "'" + s.Collection + "/' || json_extract([[payload]], '$." + s.Row + "') || '/" + name + "'",
			Replace: func(tx core.App, v sealed.Held, text string) (bool, error) {
				return rows.Changed(atomic.Of(tx).Exec(`UPDATE outbox SET payload = json_set(payload, '$.' || ?, ?)
					WHERE id = ? AND json_extract(payload, '$.' || ?) = ?`, s.Field, text, v.ID, s.Field, v.Value))
			},
		})
	}
	return all
}
