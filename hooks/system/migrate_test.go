package system

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestMigrate_is_for_the_operator_and_runs_built_in_steps_only(t *testing.T) {
	s := serve(t, Deps{})
	for person, want := range map[string]int{testkit.Guest: 401, testkit.AcmeOwner: 403, testkit.Nobody: 403,
		testkit.Superuser: 200} {
		for _, method := range []string{"GET", "POST"} {
			if got := s.ask(person, method, "/api/admin/migrate", map[string]string{"sql": "DROP TABLE calls"},
				nil); got.status != want {
				t.Errorf("%s by %q: got %d %s, want %d", method, person, got.status, got.body, want)
			}
		}
	}
	var state struct {
		Applied, Pending, Ran []string
		UpToDate              bool `json:"up_to_date"`
	}
	read := func(method string) {
		t.Helper()
		answer := s.ask(testkit.Superuser, method, "/api/admin/migrate", nil, nil)
		if err := json.Unmarshal([]byte(answer.body), &state); err != nil {
			t.Fatalf("%d %s: %v", answer.status, answer.body, err)
		}
	}
	read("GET")
	if !state.UpToDate || len(state.Pending) != 0 || len(state.Applied) == 0 ||
		s.count("SELECT count(*) FROM calls") == 0 {
		t.Fatalf("got %+v", state)
	}
	// A step that is forgotten is pending, and applied again: each may be repeated.
	last := state.Applied[len(state.Applied)-1]
	if !strings.HasSuffix(last, ".json") {
		last = "1795173898_people.json"
	}
	if _, err := s.app.NonconcurrentDB().NewQuery("DELETE FROM _migrations WHERE file = '" + last +
		"'").Execute(); err != nil {
		t.Fatal(err)
	}
	read("GET")
	if state.UpToDate || len(state.Pending) != 1 || state.Pending[0] != last {
		t.Fatalf("got %+v, want %s pending", state, last)
	}
	read("POST")
	if !state.UpToDate || len(state.Ran) != 1 || state.Ran[0] != last {
		t.Errorf("got %+v, want %s run", state, last)
	}
}

func (s *site) count(query string) (n int) {
	s.t.Helper()
	if err := s.app.DB().NewQuery(query).Row(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}
