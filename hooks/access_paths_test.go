package hooks_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// steps are the relations of a collection and those that point at it, as paths
// write them, and where they lead.
func steps(c *core.Collection) map[string]*core.Collection {
	found := map[string]*core.Collection{}
	for _, r := range relations() {
		if r.from.Name == c.Name {
			found[r.field.Name] = r.to
		}
		if r.to.Name == c.Name {
			found[r.from.Name+"_via_"+r.field.Name] = r.from
		}
	}
	return found
}

// way is a path through relations.
type way struct {
	name string
	from *core.Collection
	to   *core.Collection
	hops int
}

// paths are all ways of at most so many steps.
func paths(c *core.Collection, most int) []way {
	found, last := []way(nil), []way{{from: c, to: c}}
	for range most {
		var next []way
		for _, p := range last {
			for name, to := range steps(p.to) {
				next = append(next, way{strings.TrimPrefix(p.name+"."+name, "."), c, to, p.hops + 1})
			}
		}
		found, last = append(found, next...), next
	}
	return found
}

// behind tells what of a JSON answer stands behind Acme's gate for a person:
// rows of Acme but the own membership, and rows without anything in them.
func behind(t *testing.T, answer []byte, email string) (found []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		t.Fatalf("%v in %.200s", err, answer)
	}
	var walk func(v any, where string)
	walk = func(v any, where string) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one, where)
			}
		case map[string]any:
			name, _ := v["collectionName"].(string)
			r := rowOf(name, v)
			own := name == collections.Memberships && r.about == testkit.User(email)
			if name != "" && (r.organization == testkit.Acme && !own || r.id == "") {
				found = append(found, where+" "+name+" "+r.id)
			}
			for key, one := range v {
				walk(one, where+"."+key)
			}
		}
	}
	walk(v, "")
	return found
}

// listed is what a list answers to somebody behind Acme's gate.
func listed(c *core.Collection, email string, query url.Values) int {
	switch filter, organization := query.Get("filter"), query.Get("organization"); {
	case !collections.Tenant(c) && filter != "":
		return 400 // there is no such column
	case !collections.Tenant(c), c.Name == collections.Memberships: // of which they see their own
		return 200
	case organization == testkit.Bolt, organization == "" && filter == "" && email == testkit.Sam:
		return 200 // nothing of Acme's is asked for
	}
	return 403
}

// Where a filter or a sort may go, and that nothing lies there which the asker
// may not see, whoever it is.
func TestPaths_of_filters_lead_to_nothing_that_is_not_seen_anyway(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	var allowed []string
	for _, c := range collections.All() {
		if c.ListRule == nil {
			continue
		}
		base := "/api/collections/" + c.Name + "/records?organization=" + testkit.Acme
		ways := paths(c, 2)
		for name := range steps(collections.ByName(collections.Organizations)) {
			ways = append(ways, way{"memberships_via_user.organization." + name, c, nil, 3})
		}
		for _, w := range ways {
			var status int
			for _, query := range []string{
				"&filter=" + url.QueryEscape(w.name+".created ?> '2000'"),
				"&filter=" + url.QueryEscape(w.name+".created < '2000'"),
				"&filter=" + url.QueryEscape("id != '' && ('2000' != "+w.name+".created || id = '')"), "&filter=" +
					url.QueryEscape(w.name+".id:lower ?~ 'a'"),
				"&filter=" + url.QueryEscape("geoDistance(1, 2, "+w.name+".created, 3) > 5"),
				"&sort=id,-" + url.QueryEscape(w.name+".created"),
			} {
				a := api.Do("GET", base+query, testkit.AcmeOwner, nil)
				if status = a.Status; w.hops > 1 && status != 400 {
					t.Errorf("%s by %s: got %d, want 400", c.Name, query, status)
				}
				if status == 200 {
					break
				}
			}
			if status == 200 {
				allowed = append(allowed, c.Name+" "+w.name)
				for _, role := range matrix[c.Name].see {
					if !slices.Contains(matrix[w.to.Name].see, role) {
						t.Errorf("%s may be filtered by %s, which %s may not see", c.Name, w.name, role)
					}
				}
			}
		}
	}
	slices.Sort(allowed)
	for _, want := range []string{"assistants functions", "calls assistant", "calls contact", "calls messages_via_call",
		"messages call"} {
		if !slices.Contains(allowed, want) {
			t.Errorf("%s cannot be used; these can: %s", want, strings.Join(allowed, ", "))
		}
	}
	for _, a := range allowed {
		if strings.HasPrefix(a, "users") || strings.HasPrefix(a, "memberships") || strings.Contains(a, "organization") {
			t.Errorf("%s leads out of the organization", a)
		}
	}
	// A relation by its own value, and what lies in a JSON field, are no path.
	for _, filter := range []string{"assistant.id = 'x'", "organization.id = '" + testkit.Acme + "'",
		"metadata.some.thing = 1"} {
		api.Do("GET", "/api/collections/calls/records?filter="+url.QueryEscape(filter), testkit.AcmeOwner,
			nil).Want(200)
	}
}

// A stream's filter may ask no more than a list's.
func TestPaths_of_streams_are_those_of_lists(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for filter, want := range map[string]int{
		"notes != ''": 204, "messages_via_call.content ?~ 'x'": 204, "assistant.name = 'x'": 204,
		"organization.wallets_via_organization.balance_minor > 1": 400,
		"created_by.memberships_via_user.role ?= 'owner'":         400, "((": 400,
	} {
		l := &listener{subscriptions.NewDefaultClient(), make(chan heard, 1), actor{}}
		p.SubscriptionsBroker().Register(l)
		options, _ := json.Marshal(map[string]any{"query": map[string]any{"filter": filter}})
		api.Do("POST", "/api/realtime", testkit.AcmeViewer, map[string]any{
			"clientId": l.Id(), "subscriptions": []string{"calls/*?options=" + url.QueryEscape(string(options))},
		}).Outcome(want)
	}
}
