package sealed

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// Check opens one stored secret of every kind. The start is refused when one
// does not open (security.md S33): with the wrong key the product would run and
// every provider would refuse it.
//
// Only quiet collections are looked at; the hot ones hold secrets that live as
// long as a call. All kinds are asked for at once, because every start waits
// for the answer.
func Check(app core.App, box *Box) error {
	all, err := columns(app)
	if err != nil {
		return fmt.Errorf("check the master key: %w", err)
	}
	var kinds []string
	for _, c := range all {
		if slices.Contains(collections.Ordered, c.table) {
			continue
		}
		kinds = append(kinds,
			fmt.Sprintf("SELECT * FROM (SELECT '%s' AS [[table]], '%s' AS [[column]], [[id]], [[%s]] AS [[value]] FROM {{%s}} WHERE substr([[%s]], 1, 3) = {:p} LIMIT 1)",
				c.table, c.name, c.name, c.table, c.name))
	}
	if len(kinds) == 0 {
		return nil
	}
	var rows []struct{ Table, Column, ID, Value string }
	if err := app.DB().NewQuery(strings.Join(kinds, " UNION ALL ")).Bind(dbx.Params{"p": prefix}).All(&rows); err != nil {
		return fmt.Errorf("check the master key: %w", err)
	}
	for _, r := range rows {
		if _, err := box.Open(r.Value, Place(r.Table, r.ID, r.Column)); err != nil {
			if collections.ByName(r.Table) == nil {
				continue // a table of the operator's own, with something else in it
			}
			return fmt.Errorf("check the master key (POCKETLINE_KEY, or %s in the data directory): %w", KeyFile, err)
		}
	}
	return nil
}

// column is one that holds sealed values.
type column struct{ table, name string }

// columns are all of the database as it is: what the app knows already, because
// the definitions in Go take longer to make than a question takes to answer.
func columns(app core.App) (all []column, err error) {
	stored, ok := app.Store().Get(core.StoreKeyCachedCollections).([]*core.Collection)
	if !ok {
		if stored, err = app.FindAllCollections(); err != nil {
			return nil, err
		}
	}
	for _, c := range stored {
		if c.IsView() {
			continue
		}
		for _, f := range c.Fields {
			if text, ok := f.(*core.TextField); ok && text.Hidden && slices.Contains(collections.Secrets, text.Name) {
				all = append(all, column{c.Name, text.Name})
			}
		}
	}
	return all, nil
}
