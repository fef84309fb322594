package collections

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// Step is one frozen change of the database, as a file of pb_migrations holds
// it. The parts are applied in the order they are listed here.
type Step struct {
	// DropSQL are statements that must run before columns go: dropped triggers.
	DropSQL []string `json:"drop_sql,omitempty"`
	// Collections are the complete definitions of those that are new or differ.
	Collections []map[string]any `json:"collections,omitempty"`
	// DropFields names the columns that disappear, by collection.
	DropFields map[string][]string `json:"drop_fields,omitempty"`
	// DropCollections names the collections that disappear.
	DropCollections []string `json:"drop_collections,omitempty"`
	// SQL are statements for what collections cannot say: search tables and
	// triggers.
	SQL []string `json:"sql,omitempty"`
}

// Empty tells whether the step changes nothing.
func (s Step) Empty() bool {
	return len(s.DropSQL)+len(s.Collections)+len(s.DropFields)+len(s.DropCollections)+len(s.SQL) == 0
}

// Statements are the SQL objects beside the collections, each made by one
// CREATE statement.
func Statements() []string { return slices.Concat(SearchSQL, ContactSQL, AuditSQL) }

// Export writes collections as JSON that is the same for equal definitions:
// sorted by name, without times and without what an installation sets itself.
func Export(list []*core.Collection) ([]byte, error) {
	definitions := make([]map[string]any, 0, len(list))
	for _, c := range list {
		d, err := definition(c)
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, d)
	}
	slices.SortFunc(definitions, func(a, b map[string]any) int {
		return strings.Compare(a["name"].(string), b["name"].(string))
	})
	return encode(definitions)
}

// definition is a collection as a step stores it. Token secrets are never
// part of PocketBase's JSON; times, and OAuth2 providers, which belong to the
// installation, are left out, so that importing keeps what is there.
func definition(c *core.Collection) (map[string]any, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("export %s: %w", c.Name, err)
	}
	var d map[string]any
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("export %s: %w", c.Name, err)
	}
	delete(d, "created")
	delete(d, "updated")
	if oauth2, ok := d["oauth2"].(map[string]any); ok {
		delete(oauth2, "enabled")
		delete(oauth2, "providers")
	}
	return d, nil
}

// Diff says what turns the collections of a database into the defined ones.
// PocketBase's own collections are left alone. It fails for a change that
// would lose data silently: another type under the same name.
func Diff(database, defined []*core.Collection) (Step, error) {
	var step Step
	stored := map[string]*core.Collection{}
	for _, c := range database {
		stored[c.Id] = c
	}
	sorted := slices.Clone(defined)
	slices.SortFunc(sorted, func(a, b *core.Collection) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range sorted {
		want, err := definition(c)
		if err != nil {
			return step, err
		}
		old := stored[c.Id]
		delete(stored, c.Id)
		if old == nil {
			step.Collections = append(step.Collections, want)
			continue
		}
		have, err := definition(old)
		if err != nil {
			return step, err
		}
		if same(have, want) {
			continue
		}
		step.Collections = append(step.Collections, want)
		gone, err := goneFields(old, c)
		if err != nil {
			return step, err
		}
		if len(gone) > 0 {
			if step.DropFields == nil {
				step.DropFields = map[string][]string{}
			}
			step.DropFields[c.Name] = gone
		}
	}
	for _, c := range stored {
		if !c.System {
			step.DropCollections = append(step.DropCollections, c.Name)
		}
	}
	slices.Sort(step.DropCollections)
	return step, nil
}

// goneFields names the fields of the stored collection that the definition no
// longer has. A renamed field keeps its id and is not gone.
func goneFields(stored, defined *core.Collection) ([]string, error) {
	var gone []string
	for _, f := range stored.Fields {
		if kept := defined.Fields.GetById(f.GetId()); kept != nil {
			if kept.Type() != f.Type() {
				return nil, fmt.Errorf("%s.%s: a %s cannot become a %s; add a field with another name", defined.Name,
					f.GetName(), f.Type(), kept.Type())
			}
			continue
		}
		if other := defined.Fields.GetByName(f.GetName()); other != nil {
			return nil, fmt.Errorf("%s.%s: the stored field has id %s, the definition %s: keep the id, or take another name",
				defined.Name, f.GetName(), f.GetId(), other.GetId())
		}
		gone = append(gone, f.GetName())
	}
	return gone, nil
}

func same(a, b map[string]any) bool {
	x, errX := encode(a)
	y, errY := encode(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// diffSQL compares the CREATE statements with the virtual tables and triggers
// of the database: what it must drop, and what it must make.
func diffSQL(app core.App, statements []string) (drop, create []string, err error) {
	var objects []struct {
		Type string `db:"type"`
		Name string `db:"name"`
		SQL  string `db:"sql"`
	}
	err = app.DB().NewQuery(`SELECT type, name, sql FROM sqlite_master
		WHERE type = 'trigger' OR (type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%') ORDER BY type DESC, name`).All(&objects)
	if err != nil {
		return nil, nil, fmt.Errorf("read the database's triggers: %w", err)
	}
	wanted := map[string]bool{}
	for _, s := range statements {
		wanted[plain(s)] = true
	}
	stored := map[string]bool{}
	for _, o := range objects {
		stored[plain(o.SQL)] = true
		// What is left of the index before goes when the next one is filled.
		if !wanted[plain(o.SQL)] && o.Name != CallSearchBefore && !strings.HasPrefix(o.Name, CallSearchBefore+"_") {
			drop = append(drop, "DROP "+strings.ToUpper(o.Type)+" IF EXISTS "+o.Name)
		}
	}
	for _, s := range statements {
		if !stored[plain(s)] {
			create = append(create, s)
			if name, ok := strings.CutPrefix(plain(s), "CREATE VIRTUAL TABLE "); ok && strings.Contains(s, "content=") &&
				!strings.Contains(s, "content=''") {
				name, _, _ = strings.Cut(name, " ")
				create = append(create, fmt.Sprintf("INSERT INTO %s(%s) VALUES ('rebuild')", name, name))
			}
			if s == ContactSQL[0] {
				create = append(create, nameWiping)
			}
		}
	}
	return drop, create, nil
}

// plain is a CREATE statement as SQLite remembers it, spaces aside.
func plain(statement string) string {
	return strings.Replace(strings.Join(strings.Fields(statement), " "), " IF NOT EXISTS", "", 1)
}

// encode prints JSON with sorted keys, one value a line, and rules readable.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
