package calls

import (
	"slices"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// The summary people edit and the transcript they write are found too.
func TestSearch_follows_what_people_change(t *testing.T) {
	d := newDesk(t, nil)
	d.Want(200, "PATCH", "/api/collections/calls/records/"+testkit.AcmeCall, testkit.AcmeAgent,
		map[string]any{"summary": "A wedding cake."})
	if got := d.Found("wedding"); !slices.Equal(got, []string{testkit.AcmeCall}) {
		t.Errorf("got %v", got)
	}
	if got := d.Rows(`SELECT summary FROM call_reports WHERE call = ?`, testkit.AcmeCall); got != "A wedding cake.\n" {
		t.Errorf("got %q", got)
	}
}
