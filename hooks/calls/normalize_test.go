package calls

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/calls/vapifacts"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestNormalize_joins_what_is_one_caller(t *testing.T) {
	d := newDesk(t, nil)
	tx := atomic.Of(d.TestApp)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := tx.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	contact := func(id, number, name, notes string) {
		exec(`INSERT INTO contacts (id, organization, phone_number, phone_number_raw, name, email, notes, first_seen_at,
			last_seen_at, created, updated)
			VALUES (?, ?, ?, '', ?, '', ?, ?, ?, '', '')`, id, testkit.Acme, number, name, notes,
			"2026-0"+id[1:2]+"-01 00:00:00.000Z", "2026-0"+id[1:2]+"-02 00:00:00.000Z")
	}
	contact("c1raw0000000000", "1 415-555-2671", "Annie", "likes rye")
	contact("c2clean00000000", "+14155552671", "Ann", "")
	contact("c3sip0000000000", "sip:+14155552671@host.example", "", "pays late")
	contact("c4alone00000000", "tel:+14155552672", "Bea", "")
	contact("c5hidden0000000", "Anonymous", "Nadia P.", "")
	contact("c6keyed00000000", "+266696687", "Oskar W.", "a note somebody wrote")
	call := func(n int, contact, number string) {
		d.PutCall(testkit.Acme, fmt.Sprintf("zn%013d", n), map[string]any{"contact": contact, "caller_number": number}, "",
			"")
	}
	call(1, "c1raw0000000000", "1 415-555-2671")
	call(2, "c2clean00000000", "+14155552671")
	call(3, "c3sip0000000000", "sip:+14155552671@host.example")
	call(4, "c4alone00000000", "tel:+14155552672")
	for n := range normalizeWrite + 3 {
		call(100+n, "c5hidden0000000", "Anonymous")
	}
	call(5, "c6keyed00000000", "+266696687")
	exec(`UPDATE calls SET transferred_to = '(415) 555-2673' WHERE id = 'zn0000000000001'`)
	exec(`UPDATE calls SET transferred_to = 'Front Desk' WHERE id = 'zn0000000000002'`)
	d.SendAll([][]byte{update(t, "gone", "+14155552679", nil)})
	exec(`UPDATE provider_events SET event_key = 'gone:late' WHERE event_key LIKE 'gone:%'`)
	if err := tombstone(vapifacts.Source("gone")).Bury(atomic.Of(d.TestApp), testkit.Acme, testkit.Start); err != nil {
		t.Fatal(err)
	}

	stop, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Schedule.RunNow(stop, "calls.normalize"); err == nil {
		t.Error("a run that was stopped says it is done")
	}
	for range 2 {
		if err := d.Schedule.RunNow(context.Background(), "calls.normalize"); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.Rows(`SELECT id, phone_number, phone_number_raw, name, replace(notes, char(10), '/'),
		substr(first_seen_at, 1, 10), substr(last_seen_at, 1, 10)
		FROM contacts WHERE id LIKE 'c_%0000' AND id GLOB 'c[0-9]*' ORDER BY id`); got != strings.Join([]string{
		"c2clean00000000 | +14155552671 | 1 415-555-2671 | Ann | likes rye/Annie/pays late | 2026-01-01 | 2026-03-02",
		"c4alone00000000 | +14155552672 | tel:+14155552672 | Bea |  | 2026-04-01 | 2026-04-02",
		"c6keyed00000000 | +266696687 |  | Oskar W. | a note somebody wrote | 2026-06-01 | 2026-06-02", "",
	}, "\n") {
		t.Errorf("contacts:\n%s", got)
	}
	if got := d.Rows(`SELECT contact, caller_number, caller_number_raw, transferred_to FROM calls
		WHERE id BETWEEN 'zn0000000000001' AND 'zn0000000000005' ORDER BY id`); got != strings.Join([]string{
		"c2clean00000000 | +14155552671 | 1 415-555-2671 | +14155552673",
		"c2clean00000000 | +14155552671 |  | Front Desk",
		"c2clean00000000 | +14155552671 | sip:+14155552671@host.example | ",
		"c4alone00000000 | +14155552672 | tel:+14155552672 | ",
		" | anonymous | +266696687 | ", "",
	}, "\n") {
		t.Errorf("calls:\n%s", got)
	}
	if got := d.Rows(`SELECT DISTINCT contact, caller_number, caller_number_raw FROM calls WHERE id >= 'zn0000000000100'
		AND id LIKE 'zn%'`); got != " | anonymous | Anonymous\n" {
		t.Errorf("hidden callers: %q", got)
	}
	if got := d.Rows(`SELECT type, payload FROM provider_events WHERE event_key = 'gone:late'`); got != "deleted | \n" {
		t.Errorf("a late message is %q", got)
	}
}

// Between the look for a number's other contact and the change, a message may
// bring it: the job ends for good after this run, so it has to join them now.
func TestNormalize_joins_a_caller_who_came_meanwhile(t *testing.T) {
	d := newDesk(t, nil)
	insert := `INSERT INTO contacts (id, organization, phone_number, phone_number_raw, name, email, notes, first_seen_at,
		last_seen_at, created, updated)
		VALUES (?, ?, ?, '', ?, '', '', '', '', '', '')`
	d.Execute(insert, "c1raw0000000000", testkit.Acme, "1 415-555-2671", "Annie")
	d.Execute(insert, "c2clean00000000", testkit.Acme, "+14155552671", "")
	e := d.engine
	if err := e.open(); err != nil {
		t.Fatal(err)
	}
	d.Schedule.Add(schedule.Job{ID: "test.join", Spec: "0 0 1 1 *",
		Run: func(ctx context.Context, r *schedule.Run) error {
			n := &normalizer{engine: e, run: r, homes: map[string]string{}}
			if spelled, err := n.spell(ctx, "c1raw0000000000", "+14155552671"); err != nil || spelled {
				t.Errorf("a number of another: spelled %t, %v", spelled, err)
			}
			return n.contact(ctx, storedContact{"c1raw0000000000", testkit.Acme, "1 415-555-2671"})
		}})
	if err := d.Schedule.RunNow(t.Context(), "test.join"); err != nil {
		t.Fatal(err)
	}
	if got := d.Rows(`SELECT id, name FROM contacts
		WHERE id IN ('c1raw0000000000', 'c2clean00000000')`); got != "c2clean00000000 | Annie\n" {
		t.Errorf("got %q", got)
	}
}
