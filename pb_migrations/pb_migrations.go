// Package pb_migrations is the frozen history of the database: each JSON file
// is one step, written by `go run . schema write <name>` from the difference
// between package collections and the steps before it.
//
// A step that has been released is never edited; released.sha256 holds the
// hash of each. Go files beside this one exist only to move data. The package
// may not import collections: a step must mean the same for ever.
package pb_migrations

import (
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
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
	for n, name := range names {
		m.Register(func(txApp core.App) error {
			raw, err := files.ReadFile(name)
			if err != nil {
				return err
			}
			if err := apply(txApp, raw, n > 0); err != nil {
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
// ones disappear. Collections of accounts keep what the operator sets. On an
// error the transaction must be rolled back.
func Apply(txApp core.App, raw []byte) error { return apply(txApp, raw, true) }

// apply is Apply; the first step alone, which meets PocketBase's own collection
// of accounts, decides all its options.
func apply(txApp core.App, raw []byte, later bool) error {
	var s step
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	if err := execute(txApp, s.DropSQL); err != nil {
		return err
	}
	if later {
		if err := keepOperators(txApp, s.Collections); err != nil {
			return err
		}
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

// operators are options of an account collection that whoever runs the
// installation sets in the panel: sign-in with accounts elsewhere, codes, the
// words of mails.
var operators = []string{
	"authAlert", "confirmEmailChangeTemplate", "mfa", "oauth2", "otp", "passwordAuth", "resetPasswordTemplate",
	"verificationTemplate",
}

// keepOperators takes those options out of a step for collections that are there
// already: a step holds their first values, and would undo the operator's.
func keepOperators(txApp core.App, changed []map[string]any) error {
	for _, c := range changed {
		if c["type"] != core.CollectionTypeAuth {
			continue
		}
		id, _ := c["id"].(string)
		if _, err := txApp.FindCollectionByNameOrId(id); errors.Is(err, sql.ErrNoRows) {
			continue
		} else if err != nil {
			return err
		}
		for _, option := range operators {
			delete(c, option)
		}
	}
	return nil
}

func execute(txApp core.App, statements []string) error {
	for _, sql := range statements {
		if _, err := txApp.NonconcurrentDB().NewQuery(sql).Execute(); err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	return nil
}
