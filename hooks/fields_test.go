package hooks_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// mixed finds the paths of lists that begin with an object and hold something
// else as well: PocketBase takes all of their items for objects.
func mixed(path string, value any, found map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for name, below := range v {
			mixed(strings.TrimPrefix(path+"."+name, "."), below, found)
		}
	case []any:
		objects := 0
		for _, one := range v {
			if _, ok := one.(map[string]any); ok {
				objects++
			}
			mixed(path, one, found)
		}
		if objects > 0 && objects < len(v) {
			found[path] = true
		}
	}
}

func TestFields_into_lists_of_anything_are_answered_in_words(t *testing.T) {
	p := newProduct(t)
	var paths []string
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			if json, ok := f.(*core.JSONField); ok && !json.Hidden && c.Name != collections.AuditLogs {
				p.exec("UPDATE [" + c.Name + `] SET [` + json.Name + `] = '[{"a":2},1,"x",[{"b":1},3]]'`)
			}
		}
		if c.ListRule == nil {
			continue
		}
		list := "/api/collections/" + c.Name + "/records"
		paths = append(paths, list)
		var id string
		if err := p.DB().NewQuery("SELECT coalesce(min(id), '') FROM [" + c.Name +
			"] WHERE id LIKE 'acme%'").Row(&id); err != nil {
			t.Fatal(err)
		}
		if id != "" {
			paths = append(paths, list+"/"+id)
		}
	}
	for _, r := range p.desk.Facade.Routes() {
		if r.Method == http.MethodGet && r.Path != "/api/health" {
			paths = append(paths, strings.NewReplacer("{id}", testkit.AcmeCall, "{organization}",
				testkit.Acme).Replace(r.Path))
		}
	}
	api := testkit.API(t, p.TestApp)
	asked := 0
	for _, path := range paths {
		var answer any
		plain := api.Do("GET", path, testkit.AcmeOwner, nil)
		if plain.Status != 200 || json.Unmarshal(plain.Body, &answer) != nil {
			continue
		}
		found := map[string]bool{"*.a": true, "a..b": true, ".": true, "*.": true, "items": true,
			"id.a.b:excerpt(1)": true}
		inItems, _ := answer.(map[string]any)
		if items, ok := inItems["items"]; ok && strings.HasPrefix(path, "/api/collections/") {
			mixed("", items, found)
		} else {
			mixed("", answer, found)
		}
		for field := range found {
			for _, value := range []string{field, field + ".a", field + ".a.b", "id," + field + ".a:excerpt(3)"} {
				got := api.Do("GET", path+"?"+url.Values{"fields": {value}}.Encode(), testkit.AcmeOwner, nil)
				if asked++; got.Status != 200 && (got.Status != 400 || !strings.Contains(string(got.Body), "fields")) {
					t.Errorf("%s?fields=%s: %d %.200s", path, value, got.Status, got.Body)
				}
			}
		}
	}
	t.Log(asked, "asked")
	if asked < 500 {
		t.Errorf("only %d were asked", asked)
	}
}

// What was written is not answered with an error.
func TestFields_of_changes_lead_nowhere_into_values(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	before := p.rows()
	for _, fields := range []string{"metadata.a", "id,metadata.a.b", "expand.organization.business_hours.a", "*.a"} {
		query := "?expand=organization&" + url.Values{"fields": {fields}}.Encode()
		body := map[string]any{"metadata": []any{map[string]any{"a": 2}, 1, "x"}}
		for _, path := range []string{record("functions", testkit.AcmeFunction),
			"/functions/v1/assistants/" + testkit.AcmeAssistant} {
			got := api.Do("PATCH", path+query, testkit.AcmeOwner, body)
			if got.Status != 400 || !strings.Contains(string(got.Body), "parameter fields") {
				t.Errorf("%s: %d %.200s", path+query, got.Status, got.Body)
			}
		}
	}
	if after := p.rows(); after != before {
		t.Errorf("rows changed:\n%s\nwere\n%s", after, before)
	}
	api.Do("PATCH",
		record("functions", testkit.AcmeFunction)+
			"?expand=organization&fields=id,metadata,expand.organization.name,description:excerpt(9)",
		testkit.AcmeOwner, map[string]any{"metadata": []any{map[string]any{"a": 2}, 1, "x"}}).Want(200)
}

// PocketBase's choice of fields is not one of the documented routes: they answer whole.
func TestFields_are_passed_over_on_documented_routes(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	asked := 0
	for _, r := range p.desk.Facade.Routes() {
		if r.Method != http.MethodGet || r.Path == "/api/health" || r.Path == "/readyz" {
			continue // probes' are answered before anything is read
		}
		path := strings.NewReplacer("{id}", testkit.AcmeCall, "{organization}", testkit.Acme).Replace(r.Path)
		shape := func(path string) (names []string) {
			answer := map[string]any{}
			if a := api.Do("GET", path, testkit.AcmeOwner, nil); a.Status == 200 {
				_ = json.Unmarshal(a.Body, &answer) // a list of nothing but rows, a file
			}
			return slices.Sorted(maps.Keys(answer))
		}
		want := shape(path)
		if len(want) > 0 {
			asked++
		}
		if got := shape(path + "?fields=id,nothing"); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if asked < 20 {
		t.Errorf("only %d answered", asked)
	}
}
