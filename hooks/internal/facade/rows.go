package facade

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections/words"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// row answers one verb of a resource.
func (f *Facade) row(e *core.RequestEvent, row row) error {
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
			if one == nil {
				continue
			}
			if err := row.Finish(e, one); err != nil {
				return err
			}
		}
	}
	status := row.Status
	if status == 0 {
		status = http.StatusOK
	}
	return JSON(e, status, row.Envelope(e, a))
}

func records(collection string, id ...string) string {
	path := "/api/collections/" + collection + "/records"
	if len(id) > 0 {
		path += "/" + url.PathEscape(id[0])
	}
	return path
}

func (f *Facade) list(e *core.RequestEvent, t *tenant.Tenant, row row, a *Answer) error {
	page, limit, err := Page(e, row.limit())
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
		if a.Rows[i], err = f.out(row, item); err != nil {
			return err
		}
	}
	a.Pagination = NewPagination(page, max(found.PerPage, 1), found.TotalItems)
	return nil
}

// condition is the list's filter: the fixed one, the documented parameters and
// the search words, each value a quoted literal (requirements G-31).
func condition(e *core.RequestEvent, row row) (string, error) {
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
	found, reason := row.sought(query.Get("search"))
	switch {
	case reason != "":
		reasons["search"] = reason
	case found != "":
		terms = append(terms, found)
	}
	if len(reasons) > 0 {
		return "", refusal.Of("invalid_request/query").With(reasons)
	}
	return strings.Join(terms, " && "), nil
}

const (
	// searchMax and searchWords keep a search inside PocketBase's limits on filters:
	// 3,500 characters, 200 conditions.
	searchMax   = 200
	searchWords = 20
)

// sought is the condition of what somebody looks for: each word, folded, in one of the
// searched columns. A search that has letters and no word of its own, such as an accent
// alone, finds nothing.
func (r Resource) sought(typed string) (condition, reason string) {
	if r.Sought != nil {
		typed = r.Sought(typed)
	}
	typed = strings.TrimSpace(typed)
	if typed == "" || len(r.Search) == 0 {
		return "", ""
	}
	folded := words.Text(typed)
	if utf8.RuneCountInString(typed) > searchMax || utf8.RuneCountInString(folded) > searchMax {
		return "", "Must have at most " + strconv.Itoa(searchMax) + " characters"
	}
	found := strings.Fields(folded)
	if len(found) > searchWords {
		return "", "Must have at most " + strconv.Itoa(searchWords) + " words"
	}
	if len(found) == 0 {
		return "id=''", ""
	}
	return tenant.Holding(r.Search, found), ""
}

// own reads a row and makes sure it is of the active organization: a person of
// two sees here only the one they act in.
func (f *Facade) own(e *core.RequestEvent, t *tenant.Tenant, row row) (map[string]any, error) {
	in, err := f.ask(e, http.MethodGet, records(row.Collection, e.Request.PathValue("id")), nil, nil)
	if err != nil {
		return nil, err
	}
	var found map[string]any
	if err := in.Decode(&found); err != nil {
		return nil, err
	}
	if found["organization"] != t.ID() || row.Gone != nil && row.Gone(found) {
		return nil, refusal.Of("not_found")
	}
	return found, nil
}

func (f *Facade) view(e *core.RequestEvent, t *tenant.Tenant, row row, a *Answer) error {
	found, err := f.own(e, t, row)
	if err != nil {
		return err
	}
	id, _ := found["id"].(string)
	if a.Row, err = f.out(row, found); err != nil {
		return err
	}
	if row.More != nil {
		a.More, err = row.More(e, id)
	}
	return err
}

func (f *Facade) create(e *core.RequestEvent, t *tenant.Tenant, row row, a *Answer) error {
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
		failure := refusalOf(err)
		if failure.Status == http.StatusBadRequest && failure.Details == nil && in != nil && in.refused == nil {
			return refusal.Of("forbidden/role")
		}
		return Told(err, row.Fields, body)
	}
	return f.saved(e, in, row, a)
}

func (f *Facade) update(e *core.RequestEvent, t *tenant.Tenant, row row, a *Answer) error {
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
		return Told(f.seen(e, t, row, err), row.Fields, body)
	}
	return f.saved(e, in, row, a)
}

func (f *Facade) remove(e *core.RequestEvent, t *tenant.Tenant, row row) error {
	if _, err := f.own(e, t, row); err != nil {
		return err
	}
	id := e.Request.PathValue("id")
	query := url.Values{}
	if row.Force {
		query.Set("force", e.Request.URL.Query().Get("force"))
	}
	if _, err := f.ask(e, http.MethodDelete, records(row.Collection, id), query, nil); err != nil {
		return f.seen(e, t, row, err)
	}
	return nil
}

// saved runs what follows a write and answers with the row as it is then.
func (f *Facade) saved(e *core.RequestEvent, in *Inner, row row, a *Answer) (err error) {
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
	a.Row, err = f.out(row, stored)
	return err
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

// seen words the refusal of a change to a row the caller could see: PocketBase
// says 404 whether the row is missing, by now, or the rule said no.
func (f *Facade) seen(e *core.RequestEvent, t *tenant.Tenant, row row, err error) error {
	if refusalOf(err).Status != http.StatusNotFound {
		return err
	}
	if _, gone := f.own(e, t, row); gone != nil {
		return gone
	}
	return refusal.Of("forbidden/role")
}

// Told names the fields of a failure as the caller wrote them in the body.
func Told(err error, fields []Field, body map[string]any) error {
	failure := refusalOf(err)
	reasons, ok := failure.Details.(map[string]string)
	if !ok {
		return err
	}
	named := map[string]string{}
	for column, reason := range reasons {
		named[wrote(fields, column, body)] = reason
	}
	copied := *failure
	copied.Details = named
	if failure.Status == http.StatusBadRequest && len(failure.Extra) == 0 {
		copied.Text = "Invalid request data"
	}
	return &copied
}

// wrote is the field of the body that set a column, the first that would when none was sent.
func wrote(fields []Field, column string, body map[string]any) string {
	first := ""
	for _, f := range fields {
		if f.Column != column && !slices.Contains(f.Covers, column) {
			continue
		}
		name, value := f.sent(body)
		if value != nil {
			return name
		}
		first = cmp.Or(first, name)
	}
	return cmp.Or(first, column)
}

// out is a stored row as the route shows it.
func (f *Facade) out(row row, stored map[string]any) (map[string]any, error) {
	c, err := f.app.FindCachedCollectionByNameOrId(row.Collection)
	if err != nil {
		return nil, err
	}
	rows.Say(c, stored)
	delete(stored, "collectionId")
	delete(stored, "collectionName")
	return row.Out(stored), nil
}
