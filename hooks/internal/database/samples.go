package database

import "github.com/pocketbase/pocketbase/core"

// DropSamples removes what a full ANALYZE leaves in sqlite_stat4. Where SQLite
// has samples of values it plans a query again for every value it is asked
// with: one search then plans a dozen times inside the search index alone.
// PocketBase's nightly optimization makes none; a hand, or a copy of the file
// may. Dropping the table makes all connections forget them.
func DropSamples(app core.App) error {
	var found int
	err := app.ConcurrentDB().NewQuery("SELECT EXISTS (SELECT 1 FROM sqlite_stat4)").Row(&found)
	if err != nil || found == 0 { // without a full ANALYZE there is no such table
		return nil
	}
	_, err = app.NonconcurrentDB().NewQuery("DROP TABLE sqlite_stat4").Execute()
	return err
}
