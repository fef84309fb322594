package inbox

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Sealed are the bodies that could not be read, for whoever seals them with another key.
func Sealed() sealed.Values {
	return sealed.Values{
		Name: "unread messages", Table: collections.ProviderEvents, Value: "[[payload]]",
		Place: "'" + collections.ProviderEvents + "/' || [[event_key]] || '/payload'",
		Replace: func(tx core.App, v sealed.Held, text string) (bool, error) {
			return rows.Changed(atomic.Of(tx).Exec(`UPDATE provider_events SET payload = ? WHERE id = ? AND payload = ?`,
				text, v.ID, v.Value))
		},
	}
}
