// Package pb_migrations is the frozen history of the database: each JSON file
// is one step, written by `go run . schema write <name>` from the difference
// between package collections and the steps before it.
//
// A step that has been released is never edited; released.sha256 holds the
// hash of each. Go files beside this one exist only to move data. The package
// may not import collections: a step must mean the same for ever.
package pb_migrations

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

//go:embed *.json
var files embed.FS

func init() {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		panic(err) // only a malformed pattern
	}
	for _, name := range names {
		m.Register(func(txApp core.App) error {
			raw, err := files.ReadFile(name)
			if err != nil {
				return err
			}
			if err := Apply(txApp, raw); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}, nil, name)
	}
}

// step is what a file holds; its parts are applied in this order.
type step struct {
	DropSQL         []string            `json:"drop_sql"`
	Collections     []map[string]any    `json:"collections"`
	DropFields      map[string][]string `json:"drop_fields"`
	DropCollections []string            `json:"drop_collections"`
	SQL             []string            `json:"sql"`
}

// Apply runs one step, the content of a file, inside the migration's
// transaction. Rows keep their data: fields are matched by id, and only named
// ones disappear. On an error the transaction must be rolled back.
func Apply(txApp core.App, raw []byte) error {
	var s step
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	if err := execute(txApp, s.DropSQL); err != nil {
		return err
	}
	if len(s.Collections) > 0 {
		if err := txApp.ImportCollections(s.Collections, false); err != nil {
			return err
		}
	}
	for _, collection := range slices.Sorted(maps.Keys(s.DropFields)) {
		c, err := txApp.FindCollectionByNameOrId(collection)
		if err != nil {
			return fmt.Errorf("find %s: %w", collection, err)
		}
		for _, field := range s.DropFields[collection] {
			c.Fields.RemoveByName(field)
		}
		if err := txApp.Save(c); err != nil {
			return fmt.Errorf("drop fields of %s: %w", collection, err)
		}
	}
	for _, collection := range s.DropCollections {
		c, err := txApp.FindCollectionByNameOrId(collection)
		if err != nil {
			return fmt.Errorf("find %s: %w", collection, err)
		}
		if err := txApp.Delete(c); err != nil {
			return fmt.Errorf("drop %s: %w", collection, err)
		}
	}
	return execute(txApp, s.SQL)
}

func execute(txApp core.App, statements []string) error {
	for _, sql := range statements {
		if _, err := txApp.NonconcurrentDB().NewQuery(sql).Execute(); err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	return nil
}
