package hooks_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/keyroutes"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

const (
	documentedFile = "testdata/documented_routes.txt"
	pendingFile    = "testdata/pending_routes.txt"
)

var routesPage = filepath.Join("..", "docs", "routes.md")

func init() {
	if flag.Lookup("update") == nil { // another test of this package may have it
		flag.Bool("update", false, "rewrite the files generated from the code")
	}
}

// served are the documented routes of the product as it is put together.
func served(t *testing.T) []facade.Route {
	t.Helper()
	var desk *hooks.Desk
	testkit.New(t, func(app core.App) {
		cfg, err := providers.Load(func(string) string { return "" }, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		desk, err = hooks.Register(app, hooks.Deps{
			Config: cfg, Clients: providers.New(cfg, "test"), Keys: hooks.NoKeys(), SandboxURL: "http://127.0.0.1:1",
			Version: "test", Log: io.Discard,
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	return desk.Facade.Routes()
}

// additions are routes of the old surfaces that no document lists, and why they
// are there.
var additions = map[string]string{
	"GET /functions/v1/messages/{}/{}":         "G-36: GET messages/{id} can mean a call or a message; the old code had this one as well",
	"POST /auth/v1/logout":                     "that system's library calls it",
	"POST /auth/v1/recover":                    "the same",
	"POST /auth/v1/otp":                        "the same",
	"POST /auth/v1/verify":                     "the same",
	"PUT /auth/v1/user":                        "the same",
	"GET /functions/v1/organization/current":   "that system's pages call it",
	"PATCH /functions/v1/organization/current": "the same",
	"GET /functions/v1/organization/{}":        "the same",
	"PATCH /functions/v1/organization/{}":      "the same",
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// key is a route without the names of its parameters.
func key(method, path string) string {
	return method + " " + parameter.ReplaceAllString(path, "{}")
}

// list reads a file of routes: item, verb, path. Two items may be one pattern
// (requirements G-36).
func list(t *testing.T, name string) (items map[string]string, keys []string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	items = map[string]string{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Fields(line)
		if len(parts) != 3 {
			t.Fatalf("%s: %q is not item, verb, path", name, line)
		}
		if items[parts[0]] != "" {
			t.Errorf("%s: %s stands twice", name, parts[0])
		}
		items[parts[0]] = key(parts[1], parts[2])
		keys = append(keys, items[parts[0]])
	}
	return items, keys
}

func TestDocumentedRoutes_are_served_or_pending(t *testing.T) {
	documented, all := list(t, documentedFile)
	pending, _ := list(t, pendingFile)
	if len(documented) != 170+10 {
		t.Errorf("%d routes are listed, the documents have 81 + 79 + 10, and 10 for entities alone", len(documented))
	}
	built := map[string]bool{}
	for _, r := range served(t) {
		k := key(r.Method, r.Path)
		if built[k] {
			t.Errorf("%s is served twice", k)
		}
		built[k] = true
		for item := range strings.SplitSeq(r.Item, ", ") {
			if item != "" && documented[item] != k && additions[k] == "" {
				t.Errorf("%s says it is %s, which is %s", k, item, documented[item])
			}
		}
		if r.System != facade.Pocketline && !slices.Contains(all, k) && additions[k] == "" {
			t.Errorf("%s says %s documents it, but it is not in %s", k, r.System, documentedFile)
		}
	}
	for item, k := range documented {
		switch {
		case built[k] && pending[item] != "":
			t.Errorf("%s %s is served: delete its line in %s", item, k, pendingFile)
		case !built[k] && pending[item] == "":
			t.Errorf("%s %s is neither served nor in %s", item, k, pendingFile)
		}
	}
	for item, k := range pending {
		if documented[item] != k {
			t.Errorf("%s %s is pending, but documented as %q", item, k, documented[item])
		}
	}
}

// What a route of the old systems documents as its body is what it knows: other
// fields are named in its answer's warnings.
func TestDocumentedRoutes_show_their_bodies_as_objects(t *testing.T) {
	for _, r := range served(t) {
		if r.System != facade.Pocketline && r.Body != "" && !strings.HasPrefix(r.Body, "{") {
			t.Errorf("%s %s documents its body as %q", r.Method, r.Path, r.Body)
		}
	}
}

// Whoever adds a route or a collection decides whether keys may use it.
func TestKeys_are_let_in_or_kept_out_by_every_route_and_collection(t *testing.T) {
	listed := map[string]bool{}
	for _, r := range served(t) {
		pattern := r.Method + " " + r.Path
		listed[pattern] = true
		if _, decided := keyroutes.Route(pattern); decided == (r.Auth == facade.Signature) {
			t.Errorf("%s: keyRoutes (hooks/internal/keyroutes) says of every route but those of providers whether an API key may call it", pattern)
		}
	}
	for _, pattern := range keyroutes.Routes() {
		if !listed[pattern] {
			t.Errorf("keyRoutes names %s, which is not served", pattern)
		}
	}
	for _, c := range collections.All() {
		reads, writes := keyroutes.Records(c.Name)
		if writes && c.UpdateRule == nil {
			t.Errorf("keys may write %s, which nobody may", c.Name)
		}
		// What a list refuses must not come in by an expanded row or a filter.
		if people := c.ListRule == nil || strings.Contains(*c.ListRule, "@request.auth.is_service = false"); !reads &&
			!people && c.Name != collections.Users && c.Name != collections.Sessions {
			t.Errorf("keys may not read %s, but its rule admits them: write People(…)", c.Name)
		}
	}
}

func TestRoutesPage_shows_what_is_served(t *testing.T) {
	want := page(served(t))
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(routesPage), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(routesPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(routesPage)
	if err != nil {
		t.Fatalf("%v: run go test ./hooks -update", err)
	}
	if string(got) != want {
		t.Errorf("%s is not what is served: run go test ./hooks -update", routesPage)
	}
}

// page writes docs/routes.md.
func page(routes []facade.Route) string {
	var b strings.Builder
	b.WriteString("# Routes\n\n" +
		"Printed from the code by `go test ./hooks -update`; do not edit.\n\n" +
		"Besides these, PocketBase's own REST, realtime and file routes serve every collection; who may do what stands in\n" +
		"[access.md](access.md). Tokens go into the `Authorization` header. The organization a request acts in is `companyId` or\n" +
		"`organization` in the query, else the header `X-Organization`, else the cookie `selected_company_id`, else the person's\n" +
		"last choice. API keys reach the routes that say so, `/api/files`, `/api/realtime`, and the rows of the collections that\n" +
		"[security.md](security.md) names.\n\n" +
		"The documented surfaces answer errors as `{\"error\": text, \"code\": word, \"details\"?: {field: reason}}`\n" +
		"([errors.md](errors.md)): 401 for guests, 404 for\n" +
		"rows of other organizations. Lists take `page` (from 1) and `limit` (at most 100). The functions answer the bare array or row\n" +
		"with `?shape=array` or the header `" + facade.ShapeHeader + ": array`, and take the old client's wrapper\n" +
		"`{\"method\", \"data\", \"id\"?, \"action\"?}` as the body of a POST. A slash at the end of an\n" +
		"address changes nothing. Fields of a body that a route of the old systems does not know are named in the list `warnings` of\n" +
		"its answer.\n")
	for _, system := range []string{facade.Pocketline, facade.CoreComm, facade.AlloKoli} {
		fmt.Fprintf(&b, "\n## %s\n", system)
		for _, r := range routes {
			if r.System != system {
				continue
			}
			fmt.Fprintf(&b, "\n### %s %s\n\n", r.Method, r.Path)
			if r.Summary != "" {
				fmt.Fprintf(&b, "%s\n\n", r.Summary)
			}
			fmt.Fprintf(&b, "- Who: %s\n", r.Auth)
			if may, _ := keyroutes.Route(r.Method + " " + r.Path); may {
				b.WriteString("- API keys: yes\n")
			}
			for _, part := range []struct{ name, text string }{
				{"Query", r.Query}, {"Body", r.Body}, {"Answer", r.Answer}, {"Errors", r.Errors}, {"Requirement", r.Item},
			} {
				if part.text == "" {
					continue
				}
				text := strings.Join(strings.Fields(part.text), " ")
				if part.name == "Body" || part.name == "Answer" {
					text = "`" + text + "`"
				}
				fmt.Fprintf(&b, "- %s: %s\n", part.name, text)
			}
		}
	}
	return b.String()
}
