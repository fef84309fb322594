package phone_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/phone"
)

// The dashboard knows the reasons by a list of its own.
func TestHidden_callers_are_known_to_the_dashboard(t *testing.T) {
	source, err := os.ReadFile("../../../ui/src/lib/phone.ts")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`const hidden = new Set\(\[(.*)\]\)`).FindSubmatch(source)
	if list == nil {
		t.Fatal("ui/src/lib/phone.ts has no list of hidden callers")
	}
	want := []string{phone.Anonymous, phone.Restricted, phone.Unknown, phone.Unavailable, phone.Private, phone.Blocked}
	got := strings.Split(strings.NewReplacer("'", "", " ", "").Replace(string(list[1])), ",")
	if !slices.Equal(got, want) {
		t.Errorf("the dashboard knows %v, calls store %v", got, want)
	}
}
