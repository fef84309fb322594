package tenant

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/dbutils"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

const (
	recordsPath = "/api/collections/{collection}/records"
	listPattern = "GET " + recordsPath

	// pageMax is the most rows a client gets at once (security.md S57).
	pageMax = 200
	// pageDefault is PocketBase's own.
	pageDefault = 30
	// deepRow is the row number from which paging by number counts as slow.
	deepRow = 5_000
	// pinMost bounds how many organizations one list may span; PocketBase takes
	// 200 conditions and 3,500 characters.
	pinMost = 100

	// nowhere is an organization no row belongs to: ids have 15 characters.
	nowhere = "none"
)

// pin narrows a client's list to one organization before PocketBase's handler
// reads it: the literal condition lets the index of the organization drive the
// query (performance.md 2.1). It can only hide rows; the rule still decides.
//
// The organization is the one of the query parameter `organization`, or the
// one the filter fixes, or the active one. Superusers are not touched unless
// they use the parameter.
func pin(g *guard, page int64) *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.ListPin, func(e *core.RequestEvent) error {
		if !isList(e) {
			return e.Next()
		}
		c, err := e.App.FindCachedCollectionByNameOrId(e.Request.PathValue("collection"))
		if err != nil || c == nil {
			return e.Next() // PocketBase words the error
		}
		l, err := narrow(e, c, page)
		if err != nil {
			return err
		}
		return g.answer(e, l)
	})
}

// PageBytes is the usual Page beside answers of a size: a hundred assistants are a
// documented page.
func PageBytes(answer int64) int64 { return answer * 9 / 8 }

func isList(e *core.RequestEvent) bool {
	return e.Request.Pattern == listPattern && (e.Request.Method == http.MethodGet || e.Request.Method == http.MethodHead)
}

// list is what a narrowed list will cost.
type list struct {
	bytes int64 // of one page, at most
	slow  bool  // counts or reads more than the page
	free  bool  // not to be guarded: a superuser's
	// same is what the answer depends on, "" when others have no use for it.
	same func() string
}

func narrow(e *core.RequestEvent, c *core.Collection, page int64) (list, error) {
	query := e.Request.URL.Query()
	super := e.HasSuperuserAuth()
	asked := query.Get(QueryOrganization)
	isTenant := collections.Tenant(c)
	if super && (asked == "" || !isTenant) {
		return list{free: true}, nil
	}
	// Remembered before the change: rules and PocketBase's own checks shall see
	// what the client sent.
	if _, err := e.RequestInfo(); err != nil {
		return list{}, err
	}
	filter := query.Get("filter")
	conds, err := conditionsOf(filter)
	if err != nil {
		return list{}, refusal.Of("invalid_request/filter").For(err)
	}
	if super {
		query.Set("filter", and("organization="+Literal(asked), filter))
		e.Request.URL.RawQuery = query.Encode()
		return list{free: true}, nil
	}
	if err := checkPaths(e.App, c, conds.names, sortNames(query.Get("sort"))); err != nil {
		return list{}, refusal.Saying("invalid_request/filter", err.Error())
	}
	if err := pinFilter(e, c, query, filter, conds); err != nil {
		return list{}, err
	}
	if Masked(e.App, e.Auth, conds.equal["organization"]) {
		if err := checkMasked(e.App, c, conds.names, sortNames(query.Get("sort"))); err != nil {
			return list{}, refusal.Saying("invalid_request/filter", err.Error())
		}
	}
	l, err := costOf(e, c, query, page, conds, cmp.Or(asked, conds.equal["organization"]))
	if err == nil {
		e.Request.URL.RawQuery = query.Encode()
	}
	return l, err
}

// costOf bounds a list's page and says what the list will cost.
func costOf(e *core.RequestEvent, c *core.Collection, query url.Values, page int64, conds conditions,
	of string) (list, error) {
	l := list{bytes: rowBytes(c)}
	perPage := fitPage(query, page, l.bytes)
	l.bytes *= int64(perPage)
	counted := false // without being asked
	if collections.Tenant(c) && query.Get("skipTotal") == "" {
		if counted = few(e, c, of); !counted {
			query.Set("skipTotal", "1")
		}
	}
	if big(c) {
		if err := sortable(e, c, query.Get("sort"), conds); err != nil {
			return list{}, err
		}
		skip, _ := strconv.ParseBool(query.Get("skipTotal"))
		number, _ := strconv.Atoi(query.Get("page"))
		l.slow = !skip && !counted || number*perPage > deepRow || conds.more || !covered(c, conds)
		l.same = func() string { return sameAs(e, c, query, conds.equal["organization"]) }
	}
	return l, nil
}

// pinFilter narrows the filter of a list to what its caller may see of it, so that an
// index finds the rows and the rule only confirms them.
func pinFilter(e *core.RequestEvent, c *core.Collection, query url.Values, filter string, conds conditions) error {
	asked, named := query.Get(QueryOrganization), conds.equal["organization"]
	switch {
	case c.Name == collections.Organizations:
		query.Set("filter", and(mine(e, "id", ""), filter))
	case c.Name == collections.Memberships:
		query.Set("filter", and(fellows(e, cmp.Or(asked, named)), filter))
	case collections.Tenant(c):
		of := cmp.Or(asked, named)
		if of == "" {
			of = activeID(e)
		}
		if err := Closed(e, of); err != nil {
			return err
		}
		if e.Auth != nil && MembershipOf(e.App, e.Auth.Id, of) != nil {
			reads(e, of)
		}
		if asked != "" || named == "" {
			query.Set("filter", and("organization="+Literal(of), filter))
		}
		conds.equal["organization"] = of
	}
	return nil
}

// fitPage is how many rows a page has: what was asked for, and no more than fit
// into the bytes of one.
func fitPage(query url.Values, page, rowBytes int64) int {
	perPage, err := strconv.Atoi(query.Get("perPage"))
	if err != nil || perPage <= 0 {
		perPage = pageDefault
	}
	if most := min(max(int(page/rowBytes), 1), pageMax); perPage > most {
		perPage = most
		query.Set("perPage", strconv.Itoa(perPage))
	}
	return perPage
}

// countMost is up to how many rows of an organization a list is counted without
// being asked, as PocketBase's own clients expect.
const countMost = 1_000

// few tells whether counting a list is cheap: its organization, or all the
// caller's when it names none of them, have few rows in the table. How many a
// foreign one has shows in nothing.
func few(e *core.RequestEvent, c *core.Collection, organization string) bool {
	if e.Auth == nil {
		return true // a guest's list is of nowhere
	}
	var ids []any
	for _, m := range MembershipsOf(e.App, e.Auth.Id) {
		if id := m.GetString("organization"); organization == "" || organization == id {
			ids = append(ids, id)
		}
	}
	rows := e.App.ConcurrentDB().Select("(1)").From(c.Name).Where(dbx.In("organization", ids...)).Limit(countMost +
		1).Build()
	var n int
	err := e.App.ConcurrentDB().NewQuery("SELECT count(*) FROM (" + rows.SQL() + ")").Bind(rows.Params()).
		WithContext(e.Request.Context()).Row(&n)
	return err == nil && n <= countMost
}

// mine is the condition that leaves only the caller's organizations that are
// open, in the field org; with a field user also the caller's own rows.
func mine(e *core.RequestEvent, org, user string) string {
	var terms []string
	if e.Auth != nil {
		open, _ := Open(e)
		for _, id := range open[:min(len(open), pinMost)] {
			terms = append(terms, org+"="+Literal(id))
		}
		if user != "" {
			terms = append(terms, user+"="+Literal(e.Auth.Id))
		}
	}
	if len(terms) == 0 {
		return org + "=" + Literal(nowhere)
	}
	return "(" + strings.Join(terms, " || ") + ")"
}

// fellows is the condition on memberships: those of one organization, or of
// all the caller's when none is named, which the switcher lists. Of a closed
// organization it leaves the own one.
func fellows(e *core.RequestEvent, organization string) string {
	if organization == "" {
		return mine(e, "organization", "user")
	}
	condition := "organization=" + Literal(organization)
	if Closed(e, organization) != nil {
		condition += " && user=" + Literal(e.Auth.Id)
	}
	return condition
}

// activeID is the organization a list without one is about.
func activeID(e *core.RequestEvent) string {
	if e.Auth == nil {
		return nowhere
	}
	if id := e.Request.URL.Query().Get(QueryCompany); id != "" {
		return id
	}
	if id := e.Request.Header.Get(Header); id != "" {
		return id
	}
	if m := active(e, MembershipsOf(e.App, e.Auth.Id)); m != nil {
		return m.GetString("organization")
	}
	return nowhere
}

// big tells whether the collection grows with every call.
func big(c *core.Collection) bool {
	return slices.Contains(collections.Ordered, c.Name) && collections.Tenant(c)
}

// sortable refuses sorts no index serves: each would read the whole
// organization. Rows of one call may be sorted by anything, they are few.
func sortable(e *core.RequestEvent, c *core.Collection, sort string, conds conditions) error {
	if strings.TrimSpace(sort) == "" || conds.equal["call"] != "" {
		return nil
	}
	offered := sorts(c, conds)
	for i, term := range strings.Split(sort, ",") {
		column := strings.TrimLeft(strings.TrimSpace(term), "+-")
		if i == 0 && slices.Contains(offered, column) || i > 0 && (column == "id" || column == "@rowid") {
			continue
		}
		return refusal.Of("invalid_request/sort", strconv.Quote(column), strings.Join(offered, ", "))
	}
	return nil
}

// sorts are the columns an index can sort by once the filter has fixed the
// index's leading columns.
func sorts(c *core.Collection, conds conditions) []string {
	var offered []string
	for _, columns := range indexes(c) {
		for i, column := range columns {
			if _, fixed := conds.equal[column]; fixed {
				continue
			}
			if i > 0 && !slices.Contains(offered, column) {
				offered = append(offered, column)
			}
			break
		}
	}
	return offered
}

// covered tells whether one index holds every column the filter fixes.
func covered(c *core.Collection, conds conditions) bool {
	if len(conds.equal) <= 1 { // the organization alone
		return true
	}
	if conds.equal["call"] != "" || conds.equal["id"] != "" {
		return true
	}
	return slices.ContainsFunc(indexes(c), func(columns []string) bool {
		n := 0
		for _, column := range columns {
			if _, fixed := conds.equal[column]; !fixed {
				break
			}
			n++
		}
		return n == len(conds.equal)
	})
}

// indexes are the columns of the collection's full indexes, in order.
func indexes(c *core.Collection) [][]string {
	all := make([][]string, 0, len(c.Indexes))
	for _, raw := range c.Indexes {
		if columns := indexed(raw); columns != nil {
			all = append(all, columns)
		}
	}
	return all
}

// parsed holds what indexed read: definitions are few, and reading one takes
// longer than planning a list.
var parsed sync.Map // definition → []string

// indexed are the columns of an index over all rows, nil for one over some.
func indexed(definition string) []string {
	if columns, ok := parsed.Load(definition); ok {
		return columns.([]string)
	}
	var columns []string
	if index := dbutils.ParseIndex(definition); index.Where == "" {
		for _, column := range index.Columns {
			columns = append(columns, column.Name)
		}
	}
	parsed.Store(definition, columns)
	return columns
}

// rowBytes is how big one row can get.
func rowBytes(c *core.Collection) int64 {
	total := int64(1_000)
	for _, f := range c.Fields {
		if f.GetHidden() {
			continue
		}
		switch f := f.(type) {
		case *core.TextField:
			total += int64(f.Max)
		case *core.JSONField:
			total += f.MaxSize
		}
	}
	return total
}
