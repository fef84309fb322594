package collections

import (
	"slices"
	"testing"

	"github.com/pocketbase/pocketbase/core"
)

// What goes with a call goes from the audit log with it.
func TestAboutCallers_are_calls_contacts_and_what_a_call_takes_along(t *testing.T) {
	for _, c := range All() {
		call, _ := c.Fields.GetByName("call").(*core.RelationField)
		want := c.Name == Calls || c.Name == Contacts || call != nil && call.CascadeDelete
		if got := slices.Contains(AboutCallers, c.Name); got != want {
			t.Errorf("%s: got %v, want %v", c.Name, got, want)
		}
	}
}
