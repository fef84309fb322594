package facade

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// Of two fields that are wrong the one comes first that the route documents first: those
// of the body, then those of the query, then all others by name. A name that stands in
// another one, or in a sentence about one, is not taken for it.
func TestRefusal_fields_are_told_as_the_route_documents_them(t *testing.T) {
	for _, tt := range []struct {
		route  Route
		wanted []string
	}{
		{Route{Body: `{"name", "email"?, "age": 3}`}, []string{"name", "email", "age", "also", "zone"}},
		{Route{Body: `{"zone", "model": {"name", "age"}, "name"}`}, []string{"zone", "model.age", "name"}},
		{Route{Body: `{"full_name", "name_day", "name"}`}, []string{"full_name", "name_day", "name"}},
		{Route{Body: `{"email": "the name's address", "name"}`}, []string{"email", "name"}},
		{Route{Query: "page=1, limit=20, sort"}, []string{"page", "limit", "sort", "also"}},
		{Route{Query: "sort_by, paged, page=1, sort (by page or name)"},
			[]string{"sort_by", "paged", "page", "sort", "name"}},
		{Route{Body: `{"text"}`, Query: "limit=20"}, []string{"text", "limit", "also"}},
	} {
		for range 8 {
			reasons := map[string]string{}
			for _, field := range tt.wanted {
				reasons[field] = "Wrong"
			}
			w := httptest.NewRecorder()
			e := new(core.RequestEvent)
			e.Request, e.Response = httptest.NewRequest("POST", "/api/x", nil), w
			if err := answerError(e, tt.route, refusal.Invalid(reasons)); err != nil {
				t.Fatal(err)
			}
			told := slices.Clone(tt.wanted)
			slices.SortFunc(told, func(a, b string) int {
				return strings.Index(w.Body.String(), `"`+a+`"`) - strings.Index(w.Body.String(), `"`+b+`"`)
			})
			if !slices.Equal(told, tt.wanted) {
				t.Fatalf("%q %q: got %s, want the order %v", tt.route.Body, tt.route.Query, w.Body, tt.wanted)
			}
		}
	}
}
