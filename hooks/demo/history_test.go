package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestHistory_calls_belong_to_the_person_they_tell_of(t *testing.T) {
	app := testkit.New(t)
	if _, err := app.NonconcurrentDB().NewQuery("DELETE FROM calls").Execute(); err != nil {
		t.Fatal(err)
	}
	err := History(app, HistoryOptions{Organization: testkit.Void, Calls: 300, Days: 30, Until: time.Now(), Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	calls, err := app.FindAllRecords(collections.Calls)
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	for _, c := range calls {
		from, to := c.GetString("caller_number"), c.GetString("recipient_number")
		if c.GetString("call_type") == collections.Outbound {
			from, to = to, from
			called[from] = true
		}
		contact, err := app.FindRecordById(collections.Contacts, c.GetString("contact"))
		if err != nil || to != ours || from == ours || contact.GetString("phone_number") != from {
			t.Fatalf("%s: between %s and %s, of contact %v (%v)", c.GetString("call_type"), from, to, contact, err)
		}
		name, summary := contact.GetString("name"), c.GetString("summary")
		if summary != "The caller said nothing." && !strings.Contains(summary, name) {
			t.Errorf("the call of %s says %q", name, summary)
		}
	}
	if len(called) < 20 {
		t.Errorf("only %d people were called", len(called))
	}
}

func TestHistory_of_a_demonstration_is_in_the_hours_of_its_businesses(t *testing.T) {
	office, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	for name, until := range map[string]time.Time{
		"in the evening":       time.Date(2026, 11, 30, 21, 43, 0, 0, office),
		"before it opens":      time.Date(2026, 11, 30, 6, 0, 0, 0, office),
		"as the clocks change": time.Date(2026, 11, 2, 20, 0, 0, 0, office),
	} {
		t.Run(name, func(t *testing.T) {
			app := testkit.New(t)
			if _, err := app.NonconcurrentDB().NewQuery("DELETE FROM calls").Execute(); err != nil {
				t.Fatal(err)
			}
			o := HistoryOptions{Organization: testkit.Void, Calls: 60, Days: 14, Until: until, Whole: true, Seed: 1}
			if err := History(app, o); err != nil {
				t.Fatal(err)
			}
			calls, err := app.FindAllRecords(collections.Calls)
			if err != nil || len(calls) != o.Calls {
				t.Fatalf("%d calls (%v)", len(calls), err)
			}
			for _, c := range calls {
				at := c.GetDateTime("started_at").Time().In(office)
				today := at.YearDay() == until.YearDay()
				if at.After(until) || !today && (at.Hour() < 8 || at.Hour() >= 18) {
					t.Errorf("a call at %s, it is %s", at, until)
				}
			}
		})
	}
}

func TestOpenHours_keep_the_order_of_calls(t *testing.T) {
	office, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	for hour := range 24 {
		until := time.Date(2026, 11, 30, hour, 20, 0, 0, office)
		var before time.Time
		for at := until.Add(-48 * time.Hour); at.Before(until); at = at.Add(7 * time.Minute) {
			moved := openHours(at, until)
			if moved.Before(before) || moved.After(until) {
				t.Fatalf("at %s, %s is moved to %s, behind %s", until, at, moved, before)
			}
			before = moved
		}
	}
}
