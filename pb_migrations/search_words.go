package pb_migrations

import (
	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// A search index of words folded alike takes the place of the first one. Where
// calls are, a job fills it and searches go on in the first meanwhile; where there
// are none yet, the first goes at once.
func init() {
	m.Register(func(txApp core.App) error {
		var calls int
		if err := txApp.NonconcurrentDB().NewQuery("SELECT count(*) FROM (SELECT 1 FROM call_reports LIMIT 1)").Row(&calls); err != nil || calls > 0 {
			return err
		}
		return execute(txApp, []string{
			"DROP TRIGGER IF EXISTS call_search_insert", "DROP TRIGGER IF EXISTS call_search_update",
			"DROP TRIGGER IF EXISTS call_search_delete",
			"DROP TABLE IF EXISTS call_search",
		})
	}, nil, "1796026500_search_words.go")
}
