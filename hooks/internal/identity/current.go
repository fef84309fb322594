package identity

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// onlyCurrent refuses to save an account as it was read before its token key was
// renewed: by another password, another address, signing out everywhere. The save
// would bring the former password or key back, and what was proved with a token of
// the former key, such as the link that chose the password, is worth nothing any
// more. PocketBase renews the key only of a row that is as it was stored last.
func onlyCurrent(e *core.RecordEvent) error {
	if !e.Record.Collection().IsAuth() {
		return e.Next()
	}
	outer := e.App
	defer func() { e.App = outer }()
	return outer.RunInTransaction(func(tx core.App) error {
		e.App = tx
		stored, err := database.Found(tx.FindRecordById(e.Record.Collection(), e.Record.Id))
		if err != nil {
			return err
		}
		// A record that is saved twice holds the key of its first save.
		if stored != nil && stored.TokenKey() != e.Record.Original().TokenKey() && stored.TokenKey() != e.Record.TokenKey() {
			return refusal.Of("invalid_request/stale")
		}
		return e.Next()
	})
}
