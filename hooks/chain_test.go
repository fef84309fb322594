package hooks_test

import (
	"cmp"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Of two middlewares with one id PocketBase runs the last, silently; of two with
// one priority the one that was registered first runs first.
func TestChain_is_what_is_bound(t *testing.T) {
	var want []chain.Step
	for _, s := range chain.Steps() {
		// apis.Serve binds these two, which no test runs.
		if s.ID != apis.DefaultCorsMiddlewareId && s.ID != apis.DefaultWWWRedirectMiddlewareId {
			want = append(want, s)
		}
	}
	p := newProduct(t)
	p.OnServe().BindFunc(func(se *core.ServeEvent) error {
		bound := slices.Clone(se.Router.Middlewares)
		chain.Sort(bound)
		for at, m := range bound {
			if at >= len(want) {
				t.Fatalf("%q is not in the table", m.Id)
			}
			if w := want[at]; m.Id != w.ID || m.Priority != w.Priority {
				t.Fatalf("at %d: %q at %d is bound, the table has %s at %d", at, m.Id, m.Priority, w.ID, w.Priority)
			}
			written := runtime.FuncForPC(reflect.ValueOf(m.Func).Pointer()).Name()
			if of := cmp.Or(want[at].Package, "pocketbase/apis"); !strings.Contains(written, "/"+of+".") {
				t.Errorf("%s is written in %s, the table says %s", m.Id, written, of)
			}
		}
		if len(bound) < len(want) {
			t.Errorf("nobody binds %s", want[len(bound)].ID)
		}
		return se.Next()
	})
	testkit.Mux(t, p.TestApp)
}

// Routes of ours leave out the steps that look at PocketBase's own: none of them may
// lie where those look.
func TestChain_our_routes_lie_where_no_step_is_missed(t *testing.T) {
	for _, r := range newProduct(t).desk.Facade.Routes() {
		for _, stock := range []string{"/api/collections/", "/api/files/", "/api/backups/", "/api/sql", "/_/"} {
			if strings.HasPrefix(r.Path, stock) {
				t.Errorf("%s %s is beside PocketBase's %s", r.Method, r.Path, stock)
			}
		}
	}
}
