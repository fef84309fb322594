package sealed

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"

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
	all = slices.DeleteFunc(all, func(c column) bool { return !quiet(c.table) })
	if len(all) == 0 {
		return nil
	}
	var rows []Stored
	if err := app.DB().NewQuery(sample(all)).All(&rows); err != nil {
		return fmt.Errorf("check the master key: %w", err)
	}
	for _, r := range rows {
		if _, err := box.Open(r.Text, Place(r.Table, r.ID, r.Column)); err != nil {
			if collections.ByName(r.Table) == nil {
				continue // a table of the operator's own, with something else in it
			}
			return fmt.Errorf("check the master key (POCKETLINE_KEY, or %s in the data directory): %w", KeyFile, err)
		}
	}
	return nil
}

// Stored is a sealed value and where it stands.
type Stored struct{ Table, Column, ID, Text string }

// Samples are one stored secret of every kind that Check looks at, of a database that no
// app has opened. Tables and columns it does not have are passed over.
func Samples(db *sql.DB) (all []Stored, err error) {
	there, err := columnsOf(db)
	if err != nil || len(there) == 0 {
		return nil, err
	}
	rows, err := db.Query(sample(there))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s Stored
		if err := rows.Scan(&s.Table, &s.Column, &s.ID, &s.Text); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// columnsOf are the columns of ours in a database that hold what Check looks at.
func columnsOf(db *sql.DB) (there []column, err error) {
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			if text, ok := f.(*core.TextField); !ok || !secret(text) || !quiet(c.Name) {
				continue
			}
			var n int
			err := db.QueryRow("SELECT count(*) FROM sqlite_schema s, pragma_table_info(s.name) p "+
				"WHERE s.type = 'table' AND s.name = ? AND p.name = ?", c.Name, f.GetName()).Scan(&n)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				there = append(there, column{c.Name, f.GetName()})
			}
		}
	}
	return there, nil
}

// sample asks for one sealed value of each column.
func sample(all []column) string {
	kinds := make([]string, len(all))
	for i, c := range all {
		kinds[i] = fmt.Sprintf("SELECT * FROM (SELECT '%s' AS [[table]], '%s' AS [[column]], [[id]], [[%s]] AS [[text]] "+
			"FROM [[%s]] WHERE substr([[%s]], 1, %d) = '%s' LIMIT 1)", c.table, c.name, c.name, c.table, c.name, len(prefix), prefix)
	}
	query := strings.Join(kinds, " UNION ALL ")
	return strings.NewReplacer("[[", `"`, "]]", `"`).Replace(query)
}

// quiet tells whether secrets of a table live longer than a call.
func quiet(table string) bool { return !slices.Contains(collections.Ordered, table) }

// secret tells whether a column holds sealed values.
func secret(f *core.TextField) bool { return f.Hidden && slices.Contains(collections.Secrets, f.Name) }

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
			if text, ok := f.(*core.TextField); ok && secret(text) {
				all = append(all, column{c.Name, text.Name})
			}
		}
	}
	return all, nil
}
