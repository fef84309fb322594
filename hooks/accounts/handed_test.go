package accounts

import (
	"slices"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

// What may be handed out is what a key of the role comes to in its maker's hands.
func TestHanded_are_the_roles_that_a_key_keeps_whole(t *testing.T) {
	for _, maker := range collections.Roles {
		for _, role := range collections.Roles[1:] {
			if got, want := slices.Contains(collections.Handed(maker), role), lesser(role, maker) == role; got != want {
				t.Errorf("%s makes a key of %s: got %v, want %v", maker, role, got, want)
			}
		}
		if slices.Contains(collections.Handed(maker), collections.Owner) {
			t.Errorf("%s makes a key of an owner", maker)
		}
	}
}
