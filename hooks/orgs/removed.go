package orgs

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/identity"
)

// signOutRemoved signs whoever is removed out everywhere, with the removal or not at
// all (security.md S13). Whoever leaves by themselves stays signed in, and so does who
// is suspended: their pages say so, and show nothing else of the organization.
func signOutRemoved(e *core.RecordEvent) error {
	user := e.Record.GetString("user")
	if audit.DoneBy(e.Record) == user {
		return e.Next()
	}
	outer := e.App
	defer func() { e.App = outer }()
	return outer.RunInTransaction(func(tx core.App) error {
		e.App = tx
		if err := e.Next(); err != nil {
			return err
		}
		return signOut(tx, user)
	})
}

func signOut(tx core.App, id string) error {
	user, err := database.Found(tx.FindRecordById(collections.Users, id))
	if err != nil || user == nil || user.GetBool("is_service") {
		return err // gone as well, or the account of a key, which ends with it
	}
	return identity.SignOut(tx, user)
}
