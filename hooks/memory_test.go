package hooks

import (
	"math"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/providers"
)

// What requests may hold together leaves room for the rest of the process, and the
// largest of each kind still passes.
func TestFitting_leaves_room_in_a_small_machine(t *testing.T) {
	c, err := providers.Load(func(string) string { return "" }, nil)
	if err != nil {
		t.Fatal(err)
	}
	usual := c.Limits
	for _, machine := range []int64{256 << 20, 512 << 20, 1 << 30} {
		memory := int64(float64(machine) * database.Share)
		l := fitting(usual, memory)
		all := 4*l.AnswerBytes + l.Lists + l.MemberBodies + l.ProviderBodies + l.GuestBodies
		if all > memory*2/3 {
			t.Errorf("%d MB: requests may hold %d MB of the process's %d", machine>>20, all>>20, memory>>20)
		}
		if headers := int64(l.Connections) * connection; headers > memory {
			t.Errorf("%d MB: headers may hold %d MB", machine>>20, headers>>20)
		}
		if l.MemberBodies < 9<<20 || l.ProviderBodies < l.ProviderBody+50_000*128 || l.ProvenBodies >= l.ProviderBodies ||
			l.Connections < 1_000 {
			t.Errorf("%d MB: the largest body does not pass: %+v", machine>>20, l)
		}
		if machine > 512<<20 && (l.Limits != usual) {
			t.Errorf("%d MB: got %+v, want the settings", machine>>20, l.Limits)
		}
	}
	if l := fitting(usual, math.MaxInt64); l.Limits != usual {
		t.Errorf("without a limit: got %+v", l.Limits)
	}
	if l := fitting(providers.Limits{}, 64<<20); bodies(l) != (intake.Limits{}) {
		t.Errorf("what is not set stays the default: %+v", l)
	}
}
