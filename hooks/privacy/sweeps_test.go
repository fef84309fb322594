package privacy

import (
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
)

// What is declared to stay only for a while goes.
func TestSweeps_are_there_for_every_collection_that_is_kept_for_a_time(t *testing.T) {
	d := &domain{}
	d.Now = time.Now
	sweeps := d.sweeps()
	for _, c := range collections.All() {
		traits, _ := collections.TraitsOf(c.Name)
		if _, goes := sweeps[c.Name]; goes != (traits.Kept != "") {
			t.Errorf("%s: kept as %q says, and a sweep is there: %v; add it in retention.go, or take Kept out",
				c.Name, traits.Kept, goes)
		}
	}
}
