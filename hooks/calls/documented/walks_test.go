package documented

import (
	"net/url"
	"testing"
)

func TestWalks_knows_pages_that_read_far_more_than_they_show(t *testing.T) {
	for _, one := range []struct {
		page, limit int
		query       string
		want        bool
	}{
		{1, 100, "", false}, {50, 100, "status=completed", false}, {51, 100, "", true},
		{1, 20, "search=(415)+555", true}, {1, 20, "search=", false},
	} {
		values, err := url.ParseQuery(one.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := walks(one.page, one.limit, values); got != one.want {
			t.Errorf("page %d by %d of %q: got %v, want %v", one.page, one.limit, one.query, got, one.want)
		}
	}
}
