package facade

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

// Action is what a verb asks PocketBase's record routes to do.
type Action int

// Actions of verbs.
const (
	ListRows Action = iota
	View
	Create
	Update
	Delete
)

// Resource is a documented collection: its rows under a path, in the words of
// the wire. Each verb is one question to the record routes of the collection,
// inside the active organization, so who may do what stands in the access rules.
type Resource struct {
	Collection string
	Path       string // of the list; a row is at Path/{id}
	System     string // "" is Pocketline
	// Verbs are its routes; nil are all five, in words made of One, Many and Fields.
	Verbs []Verb
	// One and Many are the noun in sentences: "saved reply", "saved replies".
	One, Many string
	Envelope  Envelope // nil is EnvelopeData

	// Fields are the documented fields of a body; see Columns.
	Fields []Field
	// Body and Answer are the JSON that is accepted by writes and answered by all
	// but lists and deletes, for docs/routes.md; "" is made of Fields.
	Body, Answer string

	// Where is a fixed condition of the list, in PocketBase's filter language.
	Where string
	// Filters, Search, Sort and Limit are the list's. Search names the columns
	// the parameter `search` looks into, each word by itself, without accents and
	// capitals; Sought makes what is looked for of what was typed.
	Filters []Filter
	Search  []string
	Sought  func(typed string) string
	Sort    string
	Limit   int // default page size; 0 means 20

	// In finishes the columns to store; body is what was sent. On create,
	// columns hold what a new row starts with.
	In func(e *core.RequestEvent, body, columns map[string]any) error
	// Defaults are columns of a new row that the body does not set.
	Defaults map[string]any
	// Saved runs after a create or update that succeeded.
	Saved func(e *core.RequestEvent, id string) error
	// Gone tells of a stored row that the documented surface no longer has,
	// such as one that waits for the provider to agree to its end.
	Gone func(row map[string]any) bool
	// Force hands the parameter force of a delete to the record route.
	Force bool
	// Out makes the documented form of a stored row, whose times are as answers have
	// them; nil shows Fields.
	Out func(row map[string]any) map[string]any
	// Finish adds to a documented row what is stored elsewhere or depends on who asks.
	Finish func(e *core.RequestEvent, row map[string]any) error
	// More adds to the answer of a view.
	More func(e *core.RequestEvent, id string) (map[string]any, error)
}

// Verb is one route of a resource. All but Do may be left out.
type Verb struct {
	Do      Action
	Method  string // of an update that is not a PATCH
	Auth    Auth   // "" is Member
	Status  int    // of success; 0 means 200
	Message string // of success, where the envelope has one
	// For docs/routes.md, see Route.
	Item, Summary, Query, Answer, Errors string
}

// Filter is a documented query parameter that narrows a list to equal values.
type Filter struct {
	Query, Column string
	OneOf         []string          // accepted words; empty accepts all
	Words         map[string]string // accepted word → stored one
}

// row is one verb of a resource.
type row struct {
	Resource
	Verb
}

// Resources adds the routes of documented collections.
func (f *Facade) Resources(all ...Resource) {
	for _, r := range all {
		if r.Envelope == nil {
			r.Envelope = EnvelopeData
		}
		if r.Out == nil {
			r.Out = shown(r.Fields)
		}
		verbs := r.Verbs
		if verbs == nil {
			verbs = r.five()
		}
		for _, v := range verbs {
			f.Handle(r.route(v), func(e *core.RequestEvent) error { return f.row(e, row{r, v}) })
		}
	}
}

var methodOf = map[Action]string{
	ListRows: http.MethodGet, View: http.MethodGet, Create: http.MethodPost, Update: http.MethodPatch,
	Delete: http.MethodDelete,
}

// route is what a verb documents.
func (r Resource) route(v Verb) Route {
	route := Route{
		Method: cmp.Or(v.Method, methodOf[v.Do]), Path: r.Path, Auth: cmp.Or(v.Auth, Member),
		System: cmp.Or(r.System, Pocketline),
		Item:   v.Item, Summary: v.Summary, Query: v.Query, Answer: cmp.Or(v.Answer, r.Answer), Errors: v.Errors,
	}
	if v.Do != ListRows && v.Do != Create {
		route.Path += "/{id}"
	}
	if v.Do == Create || v.Do == Update {
		route.Body = cmp.Or(r.Body, bodyOfFields(r.Fields))
	}
	return route
}

// five are the verbs of a resource that says nothing of them.
func (r Resource) five() []Verb {
	query := fmt.Sprintf("page=1, limit=%d", r.limit())
	for _, f := range r.Filters {
		query += ", " + f.Query
	}
	if len(r.Search) > 0 {
		query += ", search"
	}
	shape := cmp.Or(r.Answer, `{"data": `+shapeOfFields(r.Fields)+`}`)
	const refused = "400 with reasons · 403 for other roles"
	return []Verb{
		{Do: ListRows, Summary: "The organization's " + r.Many + ".", Query: query,
			Answer: `{"data": [{…}], "pagination": {…}}`},
		{Do: View, Summary: "One " + r.One + ".", Answer: shape},
		{Do: Create, Summary: "A new " + r.One + ".", Status: http.StatusCreated, Answer: "201 " + shape, Errors: refused},
		{Do: Update, Summary: "Changes the named fields.", Answer: shape, Errors: refused},
		{Do: Delete, Summary: "Deletes a " + r.One + ".", Answer: `{"data": null}`, Errors: "403 for other roles"},
	}
}

// limit is how many rows a page has when nobody asks for more or fewer.
func (r Resource) limit() int { return cmp.Or(r.Limit, 20) }

// bodyOfFields documents a body.
func bodyOfFields(fields []Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = `"` + f.Name + `"`
		if !f.Required {
			parts[i] += "?"
		}
		if len(f.OneOf) > 0 {
			parts[i] += `: "` + strings.Join(f.OneOf, `"|"`) + `"`
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// shapeOfFields documents a row of shown.
func shapeOfFields(fields []Field) string {
	names := []string{"id"}
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return `{"` + strings.Join(append(names, "created_at", "updated_at"), `", "`) + `"}`
}

// shown is the documented form of a row whose fields are its columns.
func shown(fields []Field) func(row map[string]any) map[string]any {
	return func(row map[string]any) map[string]any {
		out := map[string]any{"id": row["id"], "created_at": row["created"], "updated_at": row["updated"]}
		for _, f := range fields {
			out[f.Name] = row[f.Column]
		}
		return out
	}
}

// Columns are documented fields that are called like the columns they set, with
// their types and limits; how many a list holds, the column sees to. It panics when the
// collection has no such column, or one that no JSON body brings, such as a file.
func Columns(collection string, names ...string) []Field {
	c := collections.ByName(collection)
	fields := make([]Field, len(names))
	for i, name := range names {
		fields[i] = Field{Name: name, Column: name}
		fields[i].as(c.Fields.GetByName(name))
	}
	return fields
}

// as takes a column's type and limits.
func (f *Field) as(column core.Field) {
	switch column := column.(type) {
	case *core.TextField:
		f.Required, f.MinLength, f.MaxLength = column.Required, column.Min, column.Max
	case *core.SelectField:
		f.Required, f.OneOf = column.Required, slices.Clone(column.Values)
	case *core.EmailField:
		f.Required = column.Required
	case *core.URLField:
		f.Required = column.Required
	case *core.DateField:
		f.Required = column.Required
	case *core.EditorField:
		f.Required = column.Required
	case *core.RelationField:
		f.Required = column.Required
	case *core.BoolField:
		f.Kind, f.Required = Boolean, column.Required
	case *core.JSONField:
		f.Kind, f.Required = Any, column.Required
	case *core.NumberField:
		f.numbers(column)
	default:
		panic(fmt.Sprintf("facade: the column %s of a documented body is %T", f.Name, column))
	}
	if many, ok := column.(core.MultiValuer); ok && many.IsMultiple() {
		f.Kind = List
	}
}

// numbers takes a number column's limits. One that it has not is infinite.
func (f *Field) numbers(column *core.NumberField) {
	f.Kind, f.Required = Number, column.Required
	if column.OnlyInt {
		f.Kind = Integer
	}
	if column.Min == nil && column.Max == nil {
		return
	}
	f.Min, f.Max = math.Inf(-1), math.Inf(1)
	if column.Min != nil {
		f.Min = *column.Min
	}
	if column.Max != nil {
		f.Max = *column.Max
	}
}
