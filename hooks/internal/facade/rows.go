package facade

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Action is what a row asks PocketBase's record routes to do.
type Action int

// Actions of rows.
const (
	ListRows Action = iota
	View
	Create
	Update
	Delete
)

// Row is a documented route that is one question to the record routes of a
// collection, inside the active organization. Path parameters are {id}.
type Row struct {
	Route
	Collection string
	Do         Action
	Status     int    // of success; 0 means 200
	Message    string // of success, where the envelope has one
	Envelope   Envelope

	// Where is a fixed condition in PocketBase's filter language.
	Where string
	// Filters, Search, Sort and Limit are of lists. Search names the columns
	// the parameter `search` looks into.
	Filters []Filter
	Search  []string
	Sort    string
	Limit   int // default page size; 0 means 20

	// Fields are the documented fields of a body.
	Fields []Field
	// In finishes the columns to store; body is what was sent. On create,
	// columns hold what a new row starts with.
	In func(e *core.RequestEvent, body, columns map[string]any) error
	// Defaults are columns of a new row that the body does not set.
	Defaults map[string]any
	// Saved runs after a create, update or delete that succeeded.
	Saved func(e *core.RequestEvent, id string) error
	// Gone tells of a stored row that the documented surface no longer has,
	// such as one that waits for the provider to agree to its end.
	Gone func(row map[string]any) bool
	// Force hands the parameter force of a delete to the record route.
	Force bool
	// Out makes the documented form of a stored row.
	Out func(row map[string]any) map[string]any
	// Finish adds to a row what depends on who asks.
	Finish func(e *core.RequestEvent, row map[string]any)
	// More adds to the answer of a view.
	More func(e *core.RequestEvent, id string) (map[string]any, error)
}

// Filter is a documented query parameter that narrows a list to equal values.
type Filter struct {
	Query, Column string
	OneOf         []string          // accepted words; empty accepts all
	Words         map[string]string // accepted word → stored one
}

// Rows adds routes that are questions to record routes.
func (f *Facade) Rows(rows ...Row) {
	for _, row := range rows {
		f.Handle(row.Route, func(e *core.RequestEvent) error { return f.row(e, row) })
	}
}

func (f *Facade) row(e *core.RequestEvent, row Row) error {
	t, err := tenant.Require(e)
	if err != nil {
		return err
	}
	a := Answer{Message: row.Message}
	switch row.Do {
	case ListRows:
		err = f.list(e, t, row, &a)
	case View:
		err = f.view(e, t, row, &a)
	case Create:
		err = f.create(e, t, row, &a)
	case Update:
		err = f.update(e, t, row, &a)
	case Delete:
		err = f.remove(e, t, row)
	}
	if err != nil {
		return err
	}
	if row.Finish != nil {
		for _, one := range append(a.Rows, a.Row) {
			if one != nil {
				row.Finish(e, one)
			}
		}
	}
	status := row.Status
	if status == 0 {
		status = http.StatusOK
	}
	return e.JSON(status, row.Envelope(e, a))
}

func records(collection string, id ...string) string {
	path := "/api/collections/" + collection + "/records"
	if len(id) > 0 {
		path += "/" + url.PathEscape(id[0])
	}
	return path
}

func (f *Facade) list(e *core.RequestEvent, t *tenant.Tenant, row Row, a *Answer) error {
	defaultLimit := row.Limit
	if defaultLimit == 0 {
		defaultLimit = 20
	}
	page, limit, err := Page(e, defaultLimit)
	if err != nil {
		return err
	}
	filter, err := condition(e, row)
	if err != nil {
		return err
	}
	query := url.Values{
		"organization": {t.ID()}, "page": {strconv.Itoa(page)}, "perPage": {strconv.Itoa(limit)}, "skipTotal": {"false"},
	}
	if filter != "" {
		query.Set("filter", filter)
	}
	if row.Sort != "" {
		query.Set("sort", row.Sort)
	}
	in, err := f.ask(e, http.MethodGet, records(row.Collection), query, nil)
	if err != nil {
		return err
	}
	var found struct {
		Items      []map[string]any `json:"items"`
		PerPage    int              `json:"perPage"`
		TotalItems int              `json:"totalItems"`
	}
	if err := in.Decode(&found); err != nil {
		return err
	}
	a.List = true
	a.Rows = make([]map[string]any, len(found.Items))
	for i, item := range found.Items {
		a.Rows[i] = row.out(item)
	}
	a.Pagination = NewPagination(page, max(found.PerPage, 1), found.TotalItems)
	return nil
}

// condition is the list's filter: the fixed one, the documented parameters and
// the search words, each value a quoted literal (requirements G-31).
func condition(e *core.RequestEvent, row Row) (string, error) {
	var terms []string
	reasons := map[string]string{}
	query := e.Request.URL.Query()
	if row.Where != "" {
		terms = append(terms, "("+row.Where+")")
	}
	for _, f := range row.Filters {
		value := query.Get(f.Query)
		if value == "" {
			continue
		}
		if stored, ok := f.Words[value]; ok {
			value = stored
		} else if len(f.OneOf) > 0 && !slices.Contains(f.OneOf, value) {
			reasons[f.Query] = "Must be one of " + strings.Join(f.OneOf, ", ")
			continue
		}
		terms = append(terms, f.Column+"="+tenant.Literal(value))
	}
	if search := strings.TrimSpace(query.Get("search")); search != "" && len(row.Search) > 0 {
		if len(search) > searchMax {
			reasons["search"] = "Must have at most " + strconv.Itoa(searchMax) + " characters"
		}
		words := make([]string, len(row.Search))
		for i, column := range row.Search {
			words[i] = column + "~" + tenant.Containing(search)
		}
		terms = append(terms, "("+strings.Join(words, " || ")+")")
	}
	if len(reasons) > 0 {
		return "", Error(http.StatusBadRequest, "Invalid query parameters", reasons)
	}
	return strings.Join(terms, " && "), nil
}

// searchMax keeps a search inside PocketBase's limit on filters.
const searchMax = 200

// own reads a row and makes sure it is of the active organization: a person of
// two sees here only the one they act in.
func (f *Facade) own(e *core.RequestEvent, t *tenant.Tenant, row Row) (map[string]any, error) {
	in, err := f.ask(e, http.MethodGet, records(row.Collection, e.Request.PathValue("id")), nil, nil)
	if err != nil {
		return nil, err
	}
	var found map[string]any
	if err := in.Decode(&found); err != nil {
		return nil, err
	}
	if found["organization"] != t.ID() || row.Gone != nil && row.Gone(found) {
		return nil, Error(http.StatusNotFound, "")
	}
	return found, nil
}

func (f *Facade) view(e *core.RequestEvent, t *tenant.Tenant, row Row, a *Answer) error {
	found, err := f.own(e, t, row)
	if err != nil {
		return err
	}
	a.Row = row.out(found)
	if row.More != nil {
		a.More, err = row.More(e, found["id"].(string))
	}
	return err
}

func (f *Facade) create(e *core.RequestEvent, t *tenant.Tenant, row Row, a *Answer) error {
	body, err := Body(e)
	if err != nil {
		return err
	}
	columns, err := Read(row.Fields, body, true)
	if err != nil {
		return err
	}
	for column, value := range row.Defaults {
		if _, set := columns[column]; !set {
			columns[column] = value
		}
	}
	if row.In != nil {
		if err := row.In(e, body, columns); err != nil {
			return err
		}
	}
	columns["organization"] = t.ID()
	in, err := f.ask(e, http.MethodPost, records(row.Collection), nil, columns)
	if err != nil {
		// PocketBase words a refusal by the access rule as a 400 without fields.
		if failure := failureOf(err); failure.Status == http.StatusBadRequest && failure.Details == nil {
			return Error(http.StatusForbidden, "Your role does not allow this")
		}
		return Told(err, row.Fields, body)
	}
	return f.saved(e, in, row, a)
}

func (f *Facade) update(e *core.RequestEvent, t *tenant.Tenant, row Row, a *Answer) error {
	if _, err := f.own(e, t, row); err != nil {
		return err
	}
	body, err := Body(e)
	if err != nil {
		return err
	}
	columns, err := Read(row.Fields, body, false)
	if err != nil {
		return err
	}
	if row.In != nil {
		if err := row.In(e, body, columns); err != nil {
			return err
		}
	}
	in, err := f.ask(e, http.MethodPatch, records(row.Collection, e.Request.PathValue("id")), nil, columns)
	if err != nil {
		return Told(seen(err), row.Fields, body)
	}
	return f.saved(e, in, row, a)
}

func (f *Facade) remove(e *core.RequestEvent, t *tenant.Tenant, row Row) error {
	if _, err := f.own(e, t, row); err != nil {
		return err
	}
	id := e.Request.PathValue("id")
	query := url.Values{}
	if row.Force {
		query.Set("force", e.Request.URL.Query().Get("force"))
	}
	if _, err := f.ask(e, http.MethodDelete, records(row.Collection, id), query, nil); err != nil {
		return seen(err)
	}
	if row.Saved != nil {
		return row.Saved(e, id)
	}
	return nil
}

// saved runs what follows a write and answers with the row as it is then.
func (f *Facade) saved(e *core.RequestEvent, in *Inner, row Row, a *Answer) error {
	var stored map[string]any
	if err := in.Decode(&stored); err != nil {
		return err
	}
	if row.Saved != nil {
		id, _ := stored["id"].(string)
		if err := row.Saved(e, id); err != nil {
			return err
		}
		again, err := f.ask(e, http.MethodGet, records(row.Collection, id), nil, nil)
		if err != nil {
			return err
		}
		stored = nil
		if err := again.Decode(&stored); err != nil {
			return err
		}
	}
	a.Row = row.out(stored)
	return nil
}

func (f *Facade) ask(e *core.RequestEvent, method, path string, query url.Values, body any) (*Inner, error) {
	in, err := f.Do(e, method, path, query, body)
	if err != nil {
		return nil, err
	}
	if after := in.Header.Get("Retry-After"); after != "" {
		e.Response.Header().Set("Retry-After", after)
	}
	return in, in.Err()
}

// seen words the refusal of a change to a row the caller may see: PocketBase
// says 404 whether the row is missing or the rule said no.
func seen(err error) error {
	if failureOf(err).Status == http.StatusNotFound {
		return Error(http.StatusForbidden, "Your role does not allow this")
	}
	return err
}

// Told names the fields of a failure as the caller wrote them in the body.
func Told(err error, fields []Field, body map[string]any) error {
	failure := failureOf(err)
	reasons, ok := failure.Details.(map[string]string)
	if !ok {
		return err
	}
	named := map[string]string{}
	for column, reason := range reasons {
		name := column
		for _, f := range fields {
			if f.Column == column || slices.Contains(f.Covers, column) {
				name, _ = f.sent(body)
				break
			}
		}
		named[name] = reason
	}
	copied := *failure
	copied.Details = named
	if failure.Status == http.StatusBadRequest && len(failure.Extra) == 0 {
		copied.Text = "Invalid request data"
	}
	return &copied
}

func (row Row) out(stored map[string]any) map[string]any {
	delete(stored, "collectionId")
	delete(stored, "collectionName")
	if row.Out == nil {
		return stored
	}
	return row.Out(stored)
}

// Time writes one of PocketBase's times as the documented surfaces do
// (RFC 3339, UTC), nil when it is empty.
func Time(stored any) any {
	text, _ := stored.(string)
	if text == "" {
		return nil
	}
	return strings.Replace(text, " ", "T", 1)
}
