package facade

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ganigeorgiev/fexpr"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections/words"
)

// FuzzCondition_keeps_values_values proves that no value of a query parameter
// becomes part of the filter's grammar: whatever is sent, the filter has the
// same three conditions.
func FuzzCondition_keeps_values_values(f *testing.F) {
	for _, s := range []string{"x", `'`, `\`, `\'`, `' || id != '`, "a\n// b", "%", `\%_'`, "')) || ((id!='",
		"\x00", "é", "@request.auth.id", "//"} {
		f.Add(s, s)
	}
	row := row{Resource: Resource{
		Where: "type='voice'", Filters: []Filter{{Query: "status", Column: "status"}},
		Search: []string{"name", "description"},
	}}
	f.Fuzz(func(t *testing.T, status, search string) {
		e := new(core.RequestEvent)
		e.Request = httptest.NewRequest("GET", "/?"+url.Values{"status": {status}, "search": {search}}.Encode(), nil)
		filter, err := condition(e, row)
		if err != nil {
			return // refused: too long
		}
		groups, err := fexpr.Parse(filter)
		if err != nil {
			t.Fatalf("%q: %v", filter, err)
		}
		want := 1
		if status != "" {
			want++
		}
		if strings.TrimSpace(search) != "" {
			want += max(len(strings.Fields(words.Text(search))), 1)
		}
		if len(groups) != want {
			t.Fatalf("%q has %d conditions, want %d", filter, len(groups), want)
		}
		for i, g := range groups {
			if i > 0 && g.Join != fexpr.JoinAnd {
				t.Fatalf("%q: a value widened the list", filter)
			}
		}
		if status != "" {
			if one, ok := groups[1].Item.(fexpr.Expr); !ok || one.Right.Type != fexpr.TokenText || one.Left.Literal != "status" {
				t.Fatalf("%q: the value broke out", filter)
			}
		}
	})
}

// FuzzPage_never_leaves_its_bounds covers the paging parameters.
func FuzzPage_never_leaves_its_bounds(f *testing.F) {
	for _, s := range []string{"1", "0", "-1", "101", "99999999999999999999", "1e3", " 1", "١"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, page, limit string) {
		e := new(core.RequestEvent)
		e.Request = httptest.NewRequest("GET", "/?"+url.Values{"page": {page}, "limit": {limit}}.Encode(), nil)
		p, l, err := Page(e, 20)
		if err == nil && (p < 1 || p > pageMax || l < 1 || l > limitMax) {
			t.Fatalf("page %q limit %q: got %d and %d", page, limit, p, l)
		}
	})
}

// FuzzUnwrap_and_Read never panic, whatever a body holds.
func FuzzUnwrap_and_Read(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `{"method":"POST","data":{}}`, `{"method":1}`, `{"model":{"provider":[]}}`,
		`{"name":null}`, `[1]`, `{"model":"x"}`} {
		f.Add(s)
	}
	fields := []Field{{Name: "name", Column: "name", Required: true},
		{Name: "model.provider", Column: "p", OneOf: []string{"a"}}, {Name: "n", Column: "n", Kind: Integer, Max: 5}}
	f.Fuzz(func(t *testing.T, body string) {
		unwrap([]byte(body))
		e := new(core.RequestEvent)
		e.Request = httptest.NewRequest("POST", "/", strings.NewReader(body))
		object, err := Body(e)
		if err != nil {
			return
		}
		columns, err := Read(fields, object, true)
		if err != nil {
			return
		}
		if name, ok := columns["name"].(string); !ok || name == "" {
			t.Fatalf("%s: a required field is missing: %v", body, columns)
		}
	})
}
