package hooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// registered are all routes of the product by path, ours and PocketBase's, with
// their methods. The router tells nobody, so that its fields are read.
func registered(t *testing.T, p *product) (http.Handler, map[string][]string) {
	t.Helper()
	paths := map[string][]string{}
	var walk func(group reflect.Value, prefix string)
	walk = func(group reflect.Value, prefix string) {
		prefix += group.FieldByName("Prefix").String()
		children := group.FieldByName("children")
		for n := range children.Len() {
			child := children.Index(n).Elem().Elem()
			if child.FieldByName("children").IsValid() {
				walk(child, prefix)
				continue
			}
			path := prefix + child.FieldByName("Path").String()
			paths[path] = append(paths[path], child.FieldByName("Method").String())
		}
	}
	p.OnServe().BindFunc(func(se *core.ServeEvent) error {
		walk(reflect.ValueOf(se.Router.RouterGroup).Elem(), "")
		return se.Next()
	})
	mux := testkit.Mux(t, p.TestApp)
	if len(paths) < 150 {
		t.Fatalf("%d paths were found: the walk does not see the routes", len(paths))
	}
	return mux, paths
}

// firstBytes keeps an answer; one that is no refusal is left, as streams have no end.
type firstBytes struct {
	*httptest.ResponseRecorder
	leave func()
}

func (w firstBytes) Flush() {
	w.ResponseRecorder.Flush()
	w.leave()
}

func (w firstBytes) Write(b []byte) (int, error) {
	n, err := w.ResponseRecorder.Write(b)
	if w.Code < 400 {
		w.leave()
	}
	return n, err
}

// pages are the dashboard's and the operator's panel's files, which speak to browsers.
func pages(path string) bool {
	return path == "/{path...}" || path == "/" || strings.HasPrefix(path, "/_/")
}

// Whatever is wrong with a request, the body says what in a sentence, and which of
// the known refusals it is.
func TestRefusal_of_every_route_has_a_sentence_and_a_code(t *testing.T) {
	known := map[string]bool{}
	for _, r := range refusal.Table() {
		known[fmt.Sprint(r.Status, r.Code())] = true
	}
	p := newProduct(t, "POCKETLINE_METRICS_TOKEN=token-of-the-metrics-0123456789")
	mux, paths := registered(t, p)
	verbs := []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
	sent, refused := 0, 0
	ask := func(verb, path, who, body string) {
		t.Helper()
		r := httptest.NewRequest(verb, path, strings.NewReader(body))
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		r = r.WithContext(ctx)
		sent++
		r.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4000", sent/250, sent%250)
		r.Header.Set("Content-Type", "application/json")
		if who != testkit.Guest {
			r.Header.Set("Authorization", testkit.As(t, who)["Authorization"])
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(firstBytes{w, leave}, r)
		if w.Code < 400 {
			return
		}
		refused++
		what := fmt.Sprintf("%s %s as %q with %.10q: %d %.200s", verb, path, who, body, w.Code, w.Body)
		var said struct {
			Error, Code string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
			t.Errorf("%s: %v", what, err)
		} else if said.Error == "" || strings.HasSuffix(said.Error, ".") || said.Code == "" {
			t.Errorf("%s: no sentence or no code", what)
		} else if !known[fmt.Sprint(w.Code, said.Code)] {
			t.Errorf("%s: the table does not have the code with this status", what)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if pages(path) || strings.Contains(path, "{path...}") {
			continue
		}
		missing := parameter.ReplaceAllString(path, "nobodyhasthisid")
		if strings.Contains(path, "{collection}") {
			missing = parameter.ReplaceAllString(strings.Replace(path, "{collection}", "calls", 1), "nobodyhasthisid")
		}
		for _, verb := range paths[path] {
			ask(verb, missing, testkit.Guest, "{}")
			ask(verb, missing, testkit.BoltOwner, "{}")
			ask(verb, missing, testkit.BoltOwner, "{")
			ask(verb, missing, testkit.BoltOwner, "[]")
			ask(verb, missing, testkit.Guest, strings.Repeat(" ", 70<<10))
			ask(verb, missing, testkit.BoltOwner, strings.Repeat(" ", 3<<20))
			ask(verb, missing+"?q=%00", testkit.BoltOwner, "")
		}
		for _, verb := range verbs {
			ask(verb, missing+"/below/nobodyhasthisid", testkit.Guest, "")
			if !slices.Contains(paths[path], verb) {
				ask(verb, missing, testkit.BoltOwner, "")
			}
		}
	}
	for _, surface := range []string{"/api", "/functions/v1", "/auth/v1", "/rest/v1"} {
		for _, verb := range verbs {
			ask(verb, surface, testkit.Guest, "")
			ask(verb, surface+"/nothing/is/here", testkit.BoltOwner, "")
		}
	}
	if refused < 2*len(paths) {
		t.Errorf("%d of %d requests were refused: the walk asks for nothing wrong", refused, sent)
	}
}

// What breaks, what is too much and what waits are told as everything else is.
func TestRefusal_of_what_is_nobodys_mistake_has_a_sentence_and_a_code(t *testing.T) {
	p := newProduct(t)
	p.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.GET("/api/test-panic", func(*core.RequestEvent) error { panic("broken") })
		se.Router.GET("/functions/v1/test-panic", func(*core.RequestEvent) error { panic("broken") })
		return se.Next()
	})
	api := testkit.API(t, p.TestApp)
	tell := func(a *testkit.Answer, status int, code string) {
		t.Helper()
		var said struct{ Error, Code string }
		if a.Want(status).JSON(&said); said.Error == "" || said.Code != code {
			t.Errorf("got %s, want the code %q", a.Body, code)
		}
	}
	for _, path := range []string{"/api/test-panic", "/functions/v1/test-panic"} {
		a := api.Do("GET", path, testkit.AcmeOwner, nil)
		if tell(a, 500, "internal"); strings.Contains(string(a.Body), "broken") {
			t.Errorf("%s: what broke is told: %s", path, a.Body)
		}
	}
	tell(api.Do("GET", "/api/metrics", "", nil), 404, "not_found")
	limits := p.Settings()
	limits.RateLimits.Enabled = true
	limits.RateLimits.Rules = []core.RateLimitRule{{Label: "/api/", MaxRequests: 1, Duration: 600}}
	if err := p.Save(limits); err != nil {
		t.Fatal(err)
	}
	api.Address = "198.18.200.1:4000"
	for _, path := range []string{"/api/organizations", "/api/collections/calls/records"} {
		api.Do("GET", path, testkit.AcmeOwner, nil)
		tell(api.Do("GET", path, testkit.AcmeOwner, nil), 429, "too_many_requests")
	}
}

// Of two fields that are wrong the first is told first, each time it is asked.
func TestRefusal_tells_fields_in_their_order(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for _, tt := range []struct {
		method, url string
		body        map[string]any
		fields      []string
	}{
		{"POST", "/api/collections/assistants/records",
			map[string]any{"organization": testkit.Acme, "name": "", "type": "nothing", "provider": "nobody"},
			[]string{"name", "type"}},
	} {
		for range 8 {
			a := api.Do(tt.method, tt.url, testkit.AcmeOwner, tt.body).Want(400).Nothing()
			at := -1
			for _, field := range tt.fields {
				next := strings.Index(string(a.Body), `"`+field+`":`)
				if next <= at {
					t.Fatalf("%s %s: %s does not come next: %s", tt.method, tt.url, field, a.Body)
				}
				at = next
			}
		}
	}
}
