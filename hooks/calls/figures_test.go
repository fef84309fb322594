package calls

import (
	"fmt"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const acmeHome = "/api/organizations/" + testkit.Acme + "/home"

func TestHome_says_what_keeps_the_phone_from_being_answered(t *testing.T) {
	d := newDesk(t, nil)
	answering := func() string {
		a := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer, nil))["answering"].(map[string]any)
		if (a["reason"] == "") != a["ok"].(bool) {
			t.Errorf("got %v", a)
		}
		return a["reason"].(string)
	}
	if got := answering(); got != "" {
		t.Errorf("all is well: got %q", got)
	}
	for _, one := range []struct {
		collection, id, field, value, back, want string
	}{
		{collections.PhoneNumbers, testkit.AcmeNumber, "assistant", "", testkit.AcmeAssistant, "no_assistant"},
		{collections.PhoneNumbers, testkit.AcmeNumber, "status", collections.NumberInactive, collections.NumberActive,
			"number_off"},
		{collections.PhoneNumbers, testkit.AcmeNumber, "sync_status", collections.SyncFailed, collections.SyncSynced,
			"not_synced"},
		{collections.Assistants, testkit.AcmeAssistant, "status", collections.AssistantInactive,
			collections.AssistantActive, "assistant_off"},
		{collections.Assistants, testkit.AcmeAssistant, "vapi_assistant_id", "", sampleAssistant, "not_synced"},
		{collections.Organizations, testkit.Acme, "status", collections.OrganizationSuspended,
			collections.OrganizationActive, "closed"},
		{collections.Organizations, testkit.Acme, "balance_state", collections.BalanceEmpty, collections.BalanceOK,
			"balance"},
		{collections.PhoneNumbers, testkit.AcmeNumber, "organization", testkit.Bolt, testkit.Acme, "no_number"},
	} {
		d.set(one.collection, one.id, map[string]any{one.field: one.value})
		if got := answering(); got != one.want {
			t.Errorf("%s %q: got %q, want %q", one.field, one.value, got, one.want)
		}
		d.set(one.collection, one.id, map[string]any{one.field: one.back})
	}
	if got := answering(); got != "" {
		t.Errorf("all is well again: got %q", got)
	}
}

func TestHome_counts_this_week_and_the_one_before(t *testing.T) {
	d := newDesk(t, nil)
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(zone)
	noon := func(daysAgo int) string {
		return at(time.Date(now.Year(), now.Month(), now.Day()-daysAgo, 0, 30, 0, 0, zone)).date()
	}
	put := func(id string, daysAgo int, answered, outcome string, seconds int) {
		d.put(testkit.Acme, id, map[string]any{"started_at": noon(daysAgo), "answered_at": answered,
			"ended_at": noon(daysAgo), "outcome": outcome, "duration_seconds": seconds}, "", "")
	}
	put("ztoday000000000", 0, noon(0), "completed", 60)
	put("zmissed00000000", 1, "", "no_answer", 0)
	put("zvoicemail00000", 6, noon(6), "voicemail", 20)
	put("zbefore00000000", 7, noon(7), "completed", 30)
	put("zold00000000000", 14, noon(14), "completed", 30)
	d.put(testkit.Bolt, "ytoday000000000", map[string]any{"started_at": noon(0)}, "", "")
	got := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer, nil))
	if week := fmt.Sprint(got["week"]); week != "map[answered:1 calls:3 missed:2 seconds:80]" {
		t.Errorf("this week: got %s", week)
	}
	if before := fmt.Sprint(got["before"]); before != "map[answered:1 calls:1 missed:0 seconds:30]" {
		t.Errorf("the week before: got %s", before)
	}
	days := got["days"].([]any)
	if len(days) != 7 {
		t.Fatalf("got %d days", len(days))
	}
	for i, want := range map[int]string{
		6: "map[answered:1 day:" + now.Format(time.DateOnly) + " missed:0]",
		0: "map[answered:0 day:" + now.AddDate(0, 0, -6).Format(time.DateOnly) + " missed:1]",
	} {
		if fmt.Sprint(days[i]) != want {
			t.Errorf("day %d: got %v, want %s", i, days[i], want)
		}
	}
	if got["live"] != 0.0 { // the fixtures' live call began long ago
		t.Errorf("live: got %v", got["live"])
	}
	d.exec(`UPDATE calls SET started_at = ? WHERE id = ?`, at(time.Now()).date(), testkit.AcmeLiveCall)
	if got := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer, nil))["live"]; got != 1.0 {
		t.Errorf("live: got %v", got)
	}
}

func TestRemembered_answers_about_many_rows_are_used_again_for_a_moment(t *testing.T) {
	totals, asked := newRemembered[int](), 0
	now := testkit.Start
	count := func(n int) func() (int, int64, error) {
		return func() (int, int64, error) { asked++; return n, int64(n), nil }
	}
	for _, step := range []struct {
		key   string
		after time.Duration
		n     int
		want  int
		asked int
	}{
		{"small", 0, 3, 3, 1}, {"small", 0, 4, 4, 2}, // small lists are counted each time
		{"large", 0, totalLarge, totalLarge, 3}, {"large", 0, totalLarge + 1, totalLarge, 3},
		{"other", 0, totalLarge + 2, totalLarge + 2, 4},
		{"large", totalFresh, totalLarge + 3, totalLarge + 3, 5},
	} {
		got, err := totals.get(step.key, now.Add(step.after), count(step.n))
		if err != nil || got != step.want || asked != step.asked {
			t.Errorf("%+v: got %d after %d counts, %v", step, got, asked, err)
		}
	}
}
