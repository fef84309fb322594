package lists

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// library24 is a desk with 24 calls of Acme, newest last: text(n) was said, and by
// Bolt as often as others says, in the calls between.
func library24(t *testing.T, others int, text func(n int) string) *desk {
	d := newDesk(t)
	for n := range 24 {
		d.put(testkit.Acme, numbered(n), map[string]any{"priority": []string{"high", "low"}[n%2]}, "", text(n))
		for m := range others {
			d.put(testkit.Bolt, fmt.Sprintf("y%06d%08d", m, n), nil, "", text(n))
		}
	}
	return d
}

func numbered(n int) string { return fmt.Sprintf("zcall%010d", n) }

// newestOf are the calls of 23 down to 0 that keep holds for.
func newestOf(keep func(n int) bool) (ids []string) {
	for n := 23; n >= 0; n-- {
		if keep(n) {
			ids = append(ids, numbered(n))
		}
	}
	return ids
}

func TestSearch_whole_words_come_before_those_that_only_begin_so(t *testing.T) {
	d := library24(t, 1, func(n int) string {
		return []string{"a kumquat tree", "two kumquats, tree", "kumquat and kumquats, tree", "a kumquatery",
			"apple tree", "kum tree"}[n%6]
	})
	whole := newestOf(func(n int) bool { return n%6 == 0 || n%6 == 2 })
	low := func(ids []string) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id[14]%2 == 0 })
	}
	begun := newestOf(func(n int) bool { return n%6 == 1 || n%6 == 3 })
	trees := newestOf(func(n int) bool { return n%6 == 1 })
	for typed, want := range map[string][]string{
		"kumquat": slices.Concat(whole, begun),
		"kumqua":  newestOf(func(n int) bool { return n%6 < 4 }),
		"kum": slices.Concat(newestOf(func(n int) bool { return n%6 == 5 }),
			newestOf(func(n int) bool { return n%6 < 4 })),
		`"kumquat"`:      whole,
		"kumquats":       newestOf(func(n int) bool { return n%6 == 1 || n%6 == 2 }),
		"tree kumquat":   slices.Concat(whole, trees),
		`"kumquat tree"`: newestOf(func(n int) bool { return n%6 == 0 }),
		"kumquaterys":    nil,
	} {
		for _, limit := range []int{1, 3, 7, 8, 16, 100} {
			for filter, keep := range map[string]func([]string) []string{"": slices.Clone[[]string],
				"&priority=low": low} {
				got := d.walk(fmt.Sprintf("search=%s&limit=%d%s", url.QueryEscape(typed), limit, filter))
				if want := keep(want); !slices.Equal(got, want) {
					t.Errorf("%s%s by %d: got\n%v, want\n%v", typed, filter, limit, got, want)
				}
			}
		}
	}
}

// Where most of what was said belongs to others, an organization finds its own
// all the same, and only them.
func TestSearch_of_a_small_organization_among_others(t *testing.T) {
	d := library24(t, 20, func(n int) string { return []string{"a kumquat tree", "two kumquats"}[n%8/7] })
	whole, begun := newestOf(func(n int) bool { return n%8 != 7 }), newestOf(func(n int) bool { return n%8 == 7 })
	for _, limit := range []int{1, 5, 21, 24, 100} {
		if got, want := d.walk(fmt.Sprintf("search=kumquat&limit=%d", limit)), slices.Concat(whole,
			begun); !slices.Equal(got, want) {
			t.Errorf("by %d: got\n%v, want\n%v", limit, got, want)
		}
		if got := d.walk(fmt.Sprintf("search=kumquat&limit=%d&priority=high", limit)); len(got) != 12 ||
			strings.Contains(strings.Join(got, ""), "y") {
			t.Errorf("filtered by %d: got %v", limit, got)
		}
	}
}
