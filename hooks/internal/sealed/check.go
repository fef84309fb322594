package sealed

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// Check opens one stored secret of every kind. The start is refused when one
// does not open (security.md S33): with the wrong key the product would run and
// every provider would refuse it.
//
// Only quiet collections are looked at; the hot ones hold secrets that live as
// long as a call.
func Check(app core.App, box *Box) error {
	for _, c := range collections.All() {
		if slices.Contains(collections.Ordered, c.Name) {
			continue
		}
		for _, f := range c.Fields {
			text, ok := f.(*core.TextField)
			if !ok || !text.Hidden || text.System || !app.HasTable(c.Name) {
				continue
			}
			var row struct {
				ID    string `db:"id"`
				Value string `db:"value"`
			}
			err := app.DB().Select("id", "[["+text.Name+"]] AS value").From(c.Name).
				Where(dbx.NewExp("substr([["+text.Name+"]], 1, 3) = {:p}", dbx.Params{"p": prefix})).Limit(1).One(&row)
			if err != nil {
				if errors.Is(err, sql.ErrNoRows) {
					continue
				}
				return fmt.Errorf("check the master key: %w", err)
			}
			if _, err := box.Open(row.Value, Place(c.Name, row.ID, text.Name)); err != nil {
				return fmt.Errorf("check the master key (POCKETLINE_KEY, or %s in the data directory): %w", KeyFile, err)
			}
		}
	}
	return nil
}
