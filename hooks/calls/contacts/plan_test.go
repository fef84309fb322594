package contacts

import (
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Who is looked for is found once, not again for each contact of the list.
func TestSearch_reads_what_it_finds_once(t *testing.T) {
	app := testkit.New(t)
	for _, search := range []string{"priya", "0142", "+14155550142"} {
		q := query{organization: testkit.Acme, search: search, limit: pageDefault}
		statement, args := q.sql(q.found("US"))
		found, err := atomic.Reads(app).Query("EXPLAIN QUERY PLAN "+statement, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		var steps []string
		for found.Next() {
			var id, parent, unused int
			var step string
			if err := found.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			steps = append(steps, step)
		}
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(steps, "\n")
		if strings.Contains(plan, "CORRELATED LIST") || !strings.Contains(plan, "LIST SUBQUERY") {
			t.Errorf("%q:\n%s", search, plan)
		}
	}
}
