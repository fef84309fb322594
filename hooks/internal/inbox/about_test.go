package inbox

import (
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestSubject_verbs_take_its_own_messages_only(t *testing.T) {
	app, i := open(t)
	tx, now := atomic.Of(app), testkit.Start
	for _, key := range []string{"c1:a", "c1:b", "c10:a", "d:a"} {
		m := message(key)
		m.Provider = "vapi"
		if _, err := i.Store(t.Context(), m, effectless); err != nil {
			t.Fatal(err)
		}
	}
	left := func(of string, want int) {
		t.Helper()
		if n := count(t, app, "SELECT count(*) FROM provider_events WHERE provider = 'vapi' AND "+of); n != want {
			t.Errorf("%s: %d rows, want %d", of, n, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c1, mark := Subject{"vapi", "c1"}, Event{"vapi", "c1:deleted"}
	must(c1.Pack(tx, testkit.Acme, "c1:packed", "all of it", now))
	left("event_key LIKE 'c1:%' AND payload = 'all of it' AND type = 'packed'", 1)
	left("event_key LIKE 'c1:%'", 1)
	must(mark.Bury(tx, testkit.Acme, now))
	must(mark.Bury(tx, testkit.Acme, now))
	must(c1.Drop(tx, mark.Key))
	left("event_key LIKE 'c1:%'", 1)
	left("event_key = 'c1:deleted' AND type = 'deleted' AND payload = ''", 1)
	must(Subject{"vapi", "d"}.Cut(tx))
	left("event_key = 'd:a' AND type = 'deleted' AND payload = ''", 1)
	left("event_key = 'c10:a' AND type != 'deleted' AND payload != ''", 1)

	if err := (Subject{"vapi", "c1"}).Pack(tx, testkit.Acme, mark.Key, "lost", now); err == nil {
		t.Error("packed into a row that is there")
	}
}
