package hooks_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// changes are the routes that change one thing, with what may stand in the body.
var changes = []struct {
	method, path string
	body         map[string]any // what is stored is set again
	null, named  string         // a field that always has a value, and how it is named
}{
	{"PATCH", "/api/saved-replies/" + testkit.Row(testkit.Acme, "reply"), map[string]any{"shortcut": " /HOURS"},
		"text", "text"},
	{"PATCH", "/api/vapi/assistants/" + testkit.AcmeAssistant, nil, "name", "name"},
	{"PATCH", "/api/vapi/assistants/" + testkit.AcmeAssistant, nil, "model", "model"},
	{"PATCH", "/functions/v1/assistants/" + testkit.AcmeAssistant, nil, "name", "name"},
	{"PATCH", "/functions/v1/assistants/" + testkit.AcmeAssistant, nil, "voice", "voice"},
	{"PUT", "/api/calls/" + testkit.AcmeCall, nil, "notes", "notes"},
	{"PATCH", "/functions/v1/calls/" + testkit.AcmeCall, nil, "", ""},
	{"PATCH", "/functions/v1/organization", nil, "name", "name"},
	{"PUT", "/api/team-members/" + testkit.UserMembership(testkit.AcmeAgent, testkit.Acme),
		map[string]any{"department": ""}, "full_name", "full_name"},
	{"PUT", "/api/user/profile", nil, "full_name", "full_name"},
	{"PATCH", "/api/security/settings", map[string]any{"legal_hold": false}, "legal_hold", "legal_hold"},
}

func TestChange_of_nothing_moves_nothing(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for _, c := range changes {
		for _, body := range []map[string]any{{}, c.body} {
			if body == nil {
				continue
			}
			before := p.rows()
			api.Do(c.method, c.path, testkit.AcmeOwner, body).Want(200)
			if after := p.rows(); after != before {
				t.Errorf("%s %s %v: rows changed:\n%s\nwere\n%s", c.method, c.path, body, after, before)
			}
		}
		if c.null == "" {
			continue
		}
		before := p.rows()
		got := api.Do(c.method, c.path, testkit.AcmeOwner, map[string]any{c.null: nil}).Want(400)
		if !strings.Contains(string(got.Body), `"details":{"`+c.named+`":"`) {
			t.Errorf("%s %s with %s null: %s", c.method, c.path, c.null, got.Body)
		}
		if after := p.rows(); after != before {
			t.Errorf("%s %s with %s null: rows changed", c.method, c.path, c.null)
		}
	}
}

// The record routes do the same, with every value a row was answered with.
func TestChange_to_what_is_stored_moves_nothing(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	asked := 0
	for _, c := range collections.All() {
		var id string
		if err := p.DB().NewQuery("SELECT coalesce(min(id), '') FROM [" + c.Name +
			"] WHERE id LIKE 'acme%'").Row(&id); err != nil {
			t.Fatal(err)
		}
		if id == "" || c.UpdateRule == nil {
			continue
		}
		row := map[string]any{}
		a := api.Do("GET", record(c.Name, id), testkit.AcmeOwner, nil)
		if a.Status != 200 || json.Unmarshal(a.Body, &row) != nil {
			continue
		}
		maps.DeleteFunc(row, func(name string, _ any) bool {
			return c.Fields.GetByName(name) == nil || name == "id" || name == "created" || name == "updated"
		})
		for _, body := range []map[string]any{{}, row} {
			before := p.rows()
			a := api.Do("PATCH", record(c.Name, id), testkit.AcmeOwner, body)
			if a.Status == 200 {
				asked++
			}
			if after := p.rows(); after != before {
				t.Errorf("%s: %d, rows changed:\n%s\nwere\n%s", c.Name, a.Status, after, before)
			}
		}
	}
	if asked < 10 {
		t.Errorf("only %d were taken", asked)
	}
}
