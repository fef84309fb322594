package collections

import (
	"slices"
	"testing"

	"github.com/pocketbase/pocketbase/core"
)

// Whoever stores something says what it is: of every collection, and of every
// column that holds text.
func TestTraits_are_declared_of_every_collection_and_of_every_text(t *testing.T) {
	for _, c := range All() {
		traits, ok := TraitsOf(c.Name)
		if !ok {
			t.Errorf("%s has no traits: add `var _ = declare(…, Traits{…})` under its definition in collections/%s.go, with "+
				"Personal and Plain: which columns of text may say something about a person, and which cannot", c.Name, c.Name)
			continue
		}
		for _, f := range c.Fields {
			name := f.GetName()
			personal, plain := slices.Contains(traits.Personal, name), slices.Contains(traits.Plain, name)
			switch {
			case personal && plain:
				t.Errorf("%s.%s is both Personal and Plain", c.Name, name)
			case holdsText(f) && !saidOtherwise(name) && !personal && !plain:
				t.Errorf("%s.%s holds text: name it in the traits in collections/%s.go, in Personal if it may say who somebody is, how or "+
					"from where they are reached, or what they said or wrote, else in Plain", c.Name, name, c.Name)
			case (personal || plain) && (!holdsText(f) || saidOtherwise(name)):
				t.Errorf("%s.%s need not be named: it holds no text, or is a secret or the mirror's", c.Name, name)
			}
		}
		columns := slices.Concat(traits.Personal, traits.Plain, traits.Clearable, traits.Chosen, traits.Masked)
		if traits.ToldWith != "" {
			columns = append(columns, traits.ToldWith)
		}
		for _, name := range columns {
			if c.Fields.GetByName(name) == nil {
				t.Errorf("%s has no column %s, which its traits name", c.Name, name)
			}
		}
	}
	for name := range declared {
		if ByName(name) == nil {
			t.Errorf("traits are declared of %s, which no definition has", name)
		}
	}
}

// holdsText tells whether a column can hold words: a text, an address, an object or
// a file. A password is only a hash.
func holdsText(f core.Field) bool {
	switch f := f.(type) {
	case *core.TextField:
		return !f.PrimaryKey
	case *core.EditorField, *core.EmailField, *core.URLField, *core.JSONField, *core.FileField:
		return true
	}
	return false
}

// saidOtherwise tells whether the definition says already what a column holds.
func saidOtherwise(name string) bool {
	return slices.Contains(Secrets, name) || name == "sync_error" || name == "sync_hash"
}

func TestTraits_agree_with_the_definitions(t *testing.T) {
	settings := ByName(SecuritySettings)
	for _, c := range All() {
		traits, _ := TraitsOf(c.Name)
		if traits.Kept != "" && settings.Fields.GetByName(traits.Kept) == nil {
			t.Errorf("%s: security_settings has no column %s", c.Name, traits.Kept)
		}
		if traits.ToldWith != "" {
			if _, ok := c.Fields.GetByName(traits.ToldWith).(*core.RelationField); !ok {
				t.Errorf("%s.%s points at no row that could be told of", c.Name, traits.ToldWith)
			}
		}
		if traits.Keys != KeysClosed && !Tenant(c) && c.Name != Organizations {
			t.Errorf("%s: a key may read rows that are no organization's", c.Name)
		}
		written := c.CreateRule != nil || c.UpdateRule != nil || c.DeleteRule != nil
		if traits.Keys == KeysWrite && !written {
			t.Errorf("%s: keys may write what nobody may", c.Name)
		}
		if written && !traits.Logged {
			t.Errorf("%s is changed by people: Logged, with its word in settings.audit.one", c.Name)
		}
		if traits.Callers && len(traits.Personal) == 0 {
			t.Errorf("%s is about callers and has nothing personal", c.Name)
		}
		if (traits.Last || traits.NotExported != "") && !Tenant(c) {
			t.Errorf("%s is no organization's: it goes with none, and no export holds it", c.Name)
		}
	}
}

// What goes with a call goes from the audit log with it.
func TestAboutCallers_are_calls_contacts_and_what_a_call_takes_along(t *testing.T) {
	if got, want := WithCall(), []string{CallEvents, CallReports, Messages, Recordings}; !slices.Equal(got, want) {
		t.Errorf("with a call: got %v, want %v", got, want)
	}
	want := append([]string{Calls, Contacts}, WithCall()...)
	if got := slices.Sorted(slices.Values(AboutCallers())); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("about callers: got %v, want %v", got, want)
	}
	if got, want := Copied(), []string{Functions, Assistants, PhoneNumbers}; !slices.Equal(got, want) {
		t.Errorf("copied: got %v, want %v", got, want)
	}
}
