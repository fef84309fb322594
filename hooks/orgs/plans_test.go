package orgs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// No request reads more than the rows of its own organization or person: every
// table in these statements is reached by an index on one of them.
func TestQueries_read_one_organizations_rows(t *testing.T) {
	app := testkit.New(t)
	id := testkit.Acme
	for name, q := range map[string]struct {
		sql  string
		args []any
	}{
		"organizations of a person": {selectMine, []any{"u"}},
		"team":                      {people, []any{id, id}},
		"members":                   {countMembers, []any{id}},
		"members and invitations":   {countPlaces, []any{id}},
		"assistants":                {countAssistants, []any{id}},
		"numbers":                   {countNumbers, []any{id}},
		"invitations":               {countInvited, []any{id}},
		"minutes":                   {countSeconds, []any{id, "2026-01-01"}},
		"the rest of a client":      {countRest, []any{id, "2026-01-01", id, id, id, id, id}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := atomic.Reads(app).Query("EXPLAIN QUERY PLAN "+q.sql, q.args...)
			if err != nil {
				t.Fatal(err)
			}
			defer found.Close()
			lines := 0
			for found.Next() {
				var node, parent, unused int
				var detail string
				if err := found.Scan(&node, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				lines++
				if scan.MatchString(detail) && !strings.HasPrefix(detail, "SCAN CONSTANT") {
					t.Errorf("reads a whole table: %s", detail)
				}
			}
			if err := found.Err(); err != nil || lines == 0 {
				t.Errorf("no plan (%v)", err)
			}
		})
	}
}

// scan is a plan's line about reading all of a stored table, by name or alias.
var scan = regexp.MustCompile(`^SCAN (` + strings.Join(names(), "|") + `|[mnui])\b`)

func names() []string {
	var all []string
	for _, c := range collections.All() {
		all = append(all, c.Name)
	}
	return all
}

func FuzzReadToken_never_accepts_what_is_no_link(f *testing.F) {
	f.Add("abcdefghijklmno." + random() + "." + random())
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := readToken(text)
		if !ok {
			return
		}
		if len(got.id) != 15 || len(got.secret) < 40 || len(got.tail) < 40 || got.String() != strings.TrimSpace(text) {
			t.Fatalf("%q was read as %+v", text, got)
		}
	})
}
