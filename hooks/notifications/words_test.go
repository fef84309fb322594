package notifications

import (
	"testing"

	"github.com/pocketline/pocketline/collections"
)

// Whatever has a copy at a provider can fail to reach it: there are words for each.
func TestWords_are_there_for_every_kind_role_and_copy(t *testing.T) {
	for language, w := range languages {
		for _, name := range collections.Copied() {
			if w.failed[name] == "" {
				t.Errorf("%s: no sentence for %s that could not be sent (words.go)", language, name)
			}
		}
		for _, kind := range append([]string{NewDevice}, Choices...) {
			if w.one[kind] == "" || w.many[kind] == "" {
				t.Errorf("%s: no words for %s", language, kind)
			}
		}
		for _, role := range collections.Roles {
			if w.roles[role] == "" {
				t.Errorf("%s: no word for the role %s", language, role)
			}
		}
	}
}
