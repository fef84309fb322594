package hooks_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
)

const signedIn = `@request.auth.id != ""`

func rules(c *core.Collection) map[string]*string {
	return map[string]*string{"list": c.ListRule, "view": c.ViewRule, "create": c.CreateRule, "update": c.UpdateRule,
		"delete": c.DeleteRule}
}

func TestRules_begin_with_the_signed_in_term(t *testing.T) {
	for _, c := range collections.All() {
		for action, rule := range rules(c) {
			if rule != nil && !strings.HasPrefix(*rule, signedIn+" && ") {
				t.Errorf("%s %s rule is open to guests: %s", c.Name, action, *rule)
			}
		}
		if c.IsAuth() && c.ManageRule != nil {
			t.Errorf("%s has a manage rule: it lets people set each other's passwords", c.Name)
		}
	}
}

func TestRules_of_updates_keep_the_organization_and_what_the_matrix_fixes(t *testing.T) {
	for _, c := range collections.All() {
		if c.UpdateRule == nil {
			continue
		}
		if collections.Tenant(c) && !strings.Contains(*c.UpdateRule, "@request.body.organization:changed = false") {
			t.Errorf("%s rows can move to another organization", c.Name)
		}
		fixed := map[string]bool{}
		for _, m := range regexp.MustCompile(`@request\.body\.(\w+):changed = false`).FindAllStringSubmatch(*c.UpdateRule,
			-1) {
			fixed[m[1]] = true
		}
		delete(fixed, "organization")
		got, want := slices.Sorted(maps.Keys(fixed)), slices.Sorted(maps.Keys(matrix[c.Name].fixed))
		if !slices.Equal(got, want) {
			t.Errorf("%s: the rule fixes\n%v\nthe matrix tests\n%v", c.Name, got, want)
		}
	}
}

func TestRules_name_only_fields_that_exist(t *testing.T) {
	users := collections.ByName(collections.Users)
	auth, body := regexp.MustCompile(`@request\.auth\.(\w+)`), regexp.MustCompile(`@request\.body\.(\w+)`)
	for _, c := range collections.All() {
		for action, rule := range rules(c) {
			if rule == nil {
				continue
			}
			for _, m := range auth.FindAllStringSubmatch(*rule, -1) {
				if users.Fields.GetByName(m[1]) == nil {
					t.Errorf("%s %s rule: users have no field %s, so it is always empty", c.Name, action, m[1])
				}
			}
			for _, m := range body.FindAllStringSubmatch(*rule, -1) {
				if c.Fields.GetByName(m[1]) == nil {
					t.Errorf("%s %s rule: there is no field %s", c.Name, action, m[1])
				}
			}
			if strings.Contains(*rule, "@request.headers") || strings.Contains(*rule, "@request.query") {
				t.Errorf("%s %s rule believes the request: %s", c.Name, action, *rule)
			}
		}
	}
}

// indexed tells whether a complete index begins with the column.
func indexed(c *core.Collection, column string) bool {
	first := regexp.MustCompile("(?i)INDEX\\s+`?\\w+`?\\s+ON\\s+`?\\w+`?\\s*\\(\\s*`?(\\w+)`?")
	for _, index := range c.Indexes {
		m := first.FindStringSubmatch(index)
		if m != nil && m[1] == column && !strings.Contains(strings.ToUpper(index), " WHERE ") {
			return true
		}
	}
	return false
}

func TestFields_are_bounded_indexed_and_protected(t *testing.T) {
	for _, c := range collections.All() {
		for _, f := range c.Fields {
			name := c.Name + "." + f.GetName()
			switch f := f.(type) {
			case *core.RelationField:
				if !f.IsMultiple() && !indexed(c, f.Name) {
					t.Errorf("%s: no complete index begins with it, so each delete reads the whole table", name)
				}
				if f.Name == "organization" && f.CascadeDelete {
					t.Errorf("%s: deleting an organization would hold the write lock; a job does it in steps", name)
				}
			case *core.TextField:
				if f.Max == 0 {
					t.Errorf("%s: no Max, which PocketBase reads as 5,000", name)
				}
			case *core.JSONField:
				if f.MaxSize == 0 {
					t.Errorf("%s: no MaxSize", name)
				}
			case *core.FileField:
				if !f.Protected || f.MaxSize == 0 || len(f.MimeTypes) == 0 {
					t.Errorf("%s: files are protected and have a size and types", name)
				}
			case *core.SelectField:
				if len(f.Values) == 0 {
					t.Errorf("%s: no values", name)
				}
			}
		}
	}
}

func TestTenants_have_one_organization_and_unique_values_within_it(t *testing.T) {
	for _, c := range collections.All() {
		f, ok := c.Fields.GetByName("organization").(*core.RelationField)
		if !ok {
			continue
		}
		if f.IsMultiple() || f.CollectionId != collections.ByName(collections.Organizations).Id {
			t.Errorf("%s.organization is not one organization", c.Name)
		}
		// A row a client may write belongs to somebody.
		if (c.CreateRule != nil || c.UpdateRule != nil) && !f.Required {
			t.Errorf("%s.organization may be empty", c.Name)
		}
	}
}
