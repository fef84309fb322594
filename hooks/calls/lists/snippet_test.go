package lists

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestSearch_shows_where_it_matched_never_the_organization(t *testing.T) {
	d := newDesk(t)
	if _, err := atomic.Of(d.TestApp).Exec(`UPDATE call_reports SET summary = 'Ordered a marzipan cake.' WHERE id = ?`,
		testkit.AcmeReport); err != nil {
		t.Fatal(err)
	}
	e := d.lists
	for typed, want := range map[string]string{"sourdough": "‹sourdough›", "marzipan": "‹marzipan›"} {
		r := httptest.NewRequest("GET", "/", nil)
		p, err := e.list(r, query{Organization: testkit.Acme, Search: typed, Limit: 10})
		if err != nil || len(p.rows) != 1 {
			t.Fatalf("%s: got %d calls, %v", typed, len(p.rows), err)
		}
		if got := p.rows[0].snippet; !strings.Contains(got, want) || strings.Contains(got, testkit.Acme) {
			t.Errorf("%s: got %q, want %q in it", typed, got, want)
		}
	}
}
