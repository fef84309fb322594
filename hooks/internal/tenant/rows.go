package tenant

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pocketbase/dbx"
	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
)

// onCreateRequest sets what a client does not choose: the id (a chosen one
// tells which ids exist, security.md S5) and who made the row.
func onCreateRequest(e *core.RecordRequestEvent) error {
	if e.HasSuperuserAuth() || !collections.Tenant(e.Collection) {
		return e.Next()
	}
	e.Record.Set("id", "")
	if e.Collection.Fields.GetByName("created_by") != nil {
		creator := ""
		if e.Auth != nil && e.Auth.Collection().Name == collections.Users {
			creator = e.Auth.Id
		}
		e.Record.Set("created_by", creator)
	}
	return e.Next()
}

// onUpdateRequest writes only the columns that changed, so that two people who
// edit different fields of one row do not undo each other.
func onUpdateRequest(e *core.RecordRequestEvent) error {
	e.Record.IgnoreUnchangedFields(true)
	return e.Next()
}

// taken tells of a refused unique value the fields a client chose: that the
// organization belongs to the index is nothing they can mend.
func taken(e *core.RecordRequestEvent) error {
	err := e.Next()
	var refused *router.ApiError
	if !errors.As(err, &refused) || len(refused.Data) < 2 || !collections.Tenant(e.Collection) {
		return err
	}
	if said, ok := refused.Data["organization"].(map[string]any); ok && said["code"] == "validation_not_unique" {
		delete(refused.Data, "organization")
	}
	return err
}

// orderedID gives rows of hot tables an id that sorts by creation.
var orderedID = &hook.Handler[*core.RecordEvent]{
	Id: "pocketlineOrderedID",
	// Before PocketBase fills empty ids at -99.
	Priority: -200,
	Func: func(e *core.RecordEvent) error {
		if e.Record.Id == "" && slices.Contains(collections.Ordered, e.Record.Collection().Name) {
			e.Record.Id = collections.NewID(time.Now())
		}
		return e.Next()
	},
}

// onValidate keeps a row in its organization, and its relations with it.
// PocketBase checks neither (security.md S4, S2).
func onValidate(e *core.RecordEvent) error {
	c := e.Record.Collection()
	if !collections.Tenant(c) {
		return e.Next()
	}
	organization := e.Record.GetString("organization")
	before := e.Record.Original()
	if !e.Record.IsNew() && before.GetString("organization") != organization {
		return validation.Errors{"organization": validation.NewError("validation_organization_fixed",
			"A row cannot move to another organization.")}
	}
	if organization == "" { // rows of the installation itself
		return e.Next()
	}
	problems := validation.Errors{}
	for _, f := range c.Fields {
		relation, ok := f.(*core.RelationField)
		if !ok || relation.Name == "organization" {
			continue
		}
		var added []string
		for _, id := range e.Record.GetStringSlice(relation.Name) {
			// A relation that was there may outlive a membership.
			if e.Record.IsNew() || !slices.Contains(before.GetStringSlice(relation.Name), id) {
				added = append(added, id)
			}
		}
		if len(added) == 0 {
			continue
		}
		foreign, err := outside(e.App, c, relation, organization, added)
		if err != nil {
			return fmt.Errorf("check relation %s of %s: %w", relation.Name, c.Name, err)
		}
		if foreign {
			// The words PocketBase uses for a row that does not exist.
			problems[relation.Name] = validation.NewError("validation_missing_rel_records",
				"Failed to find all relation records with the provided ids.")
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return e.Next()
}

// outside tells whether one of the rows is not of the organization. People are
// of it when they have a membership, whatever its state.
func outside(app core.App, c *core.Collection, relation *core.RelationField, organization string,
	ids []string) (bool, error) {
	target, err := app.FindCachedCollectionByNameOrId(relation.CollectionId)
	if err != nil {
		return false, err
	}
	values := make([]any, len(ids))
	for i, id := range ids {
		values[i] = id
	}
	query := app.DB().Select("count(*)")
	switch {
	case target.Name == collections.Users && c.Name == collections.Memberships:
		return false, nil // this row is what brings the person in
	case target.Name == collections.Users:
		query.From(collections.Memberships).
			Where(dbx.HashExp{"organization": organization}).AndWhere(dbx.In("user", values...))
	case collections.Tenant(target):
		query.From(target.Name).
			Where(dbx.HashExp{"organization": organization}).AndWhere(dbx.In("id", values...))
	default:
		return false, nil
	}
	var n int
	if err := query.Row(&n); err != nil {
		return false, err
	}
	return n != len(slices.Compact(slices.Sorted(slices.Values(ids)))), nil
}
