package hooks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// A choice a row cannot be without is not taken back, wherever it is changed.
func TestChosen_is_not_emptied_by_a_change(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	const assistant = "/api/collections/assistants/records/" + testkit.AcmeAssistant
	walked := 0
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			if s, ok := f.(*core.SelectField); !ok || !collections.StaysChosen(c.Name, f) || s.Required {
				continue
			}
			var id string
			if p.DB().NewQuery(fmt.Sprintf("SELECT id FROM [%s] WHERE [%s] != '' LIMIT 1", c.Name,
				f.GetName())).Row(&id) != nil {
				continue
			}
			walked++
			for _, nothing := range []any{"", nil} {
				answer := api.Do("PATCH", "/api/collections/"+c.Name+"/records/"+id, testkit.Superuser,
					map[string]any{f.GetName(): nothing}).Want(400).Nothing()
				if says(t, answer, nil).in("data."+f.GetName()) == nil {
					t.Errorf("%s.%s: %s", c.Name, f.GetName(), answer.Body)
				}
			}
		}
	}
	if walked < 10 {
		t.Errorf("%d choices were tried", walked)
	}
	for _, name := range []string{"model_provider", "voice_provider", "transcriber_provider", "type",
		"status", "language"} {
		says(t, api.Do("PATCH", assistant, testkit.AcmeOwner, map[string]any{name: ""}).Want(400).Nothing(),
			map[string]any{"data." + name + ".code": "validation_required"})
	}
	says(t, api.Do("PATCH", "/api/collections/organizations/records/"+testkit.Acme, testkit.AcmeOwner,
		map[string]any{"timezone": ""}).Want(400).Nothing(),
		map[string]any{"data.timezone.code": "validation_required"})
	// The documented routes name their own field.
	for _, c := range []struct {
		path, field string
		body        any
	}{
		{"/api/vapi/assistants/", "model.provider", map[string]any{"model": map[string]any{"provider": ""}}},
		{"/functions/v1/assistants/", "model_provider", map[string]any{"model_provider": ""}},
		{"/functions/v1/assistants/", "status", map[string]any{"status": ""}},
	} {
		answer := api.Do("PATCH", c.path+testkit.AcmeAssistant, testkit.AcmeOwner, c.body).Want(400).Nothing()
		if !strings.Contains(string(answer.Body), `"`+c.field+`":"`) {
			t.Errorf("%s is not named: %s", c.field, answer.Body)
		}
	}
	api.Do("PATCH", "/api/collections/calls/records/"+testkit.AcmeCall, testkit.AcmeOwner,
		map[string]any{"resolution_status": ""}).Want(400).Nothing()
	api.Do("PATCH", "/api/collections/organizations/records/"+testkit.Acme, testkit.AcmeOwner,
		map[string]any{"company_size": ""}).Want(200)
	api.Do("PATCH", assistant, testkit.AcmeOwner, map[string]any{"description": "x"}).Want(200)
}
