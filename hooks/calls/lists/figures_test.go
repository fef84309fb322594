package lists

import (
	"fmt"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

const acmeHome = "/api/organizations/" + testkit.Acme + "/home"

func TestHome_says_what_keeps_the_phone_from_being_answered(t *testing.T) {
	d := newDesk(t)
	answering := func() string {
		a := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer))["answering"].(map[string]any)
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
		{collections.PhoneNumbers, testkit.AcmeNumber, "sync_status", collections.SyncPending, collections.SyncSynced, ""},
		{collections.PhoneNumbers, testkit.AcmeNumber, "vapi_phone_id", "", "phone_of_acme", "not_synced"},
		{collections.Assistants, testkit.AcmeAssistant, "status", collections.AssistantInactive,
			collections.AssistantActive, "assistant_off"},
		{collections.Assistants, testkit.AcmeAssistant, "vapi_assistant_id", "", "asst_of_acme", "not_synced"},
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
	for _, lacks := range []string{"no_key", "no_address"} {
		if d.lists.Lacks = lacks; answering() != lacks {
			t.Errorf("the server lacks something: got %q, want %q", answering(), lacks)
		}
	}
}

func TestHome_of_a_restored_server_says_that_the_phone_is_answered_as_before(t *testing.T) {
	d := newDesk(t)
	d.lists.Held = func() (bool, error) { return true, nil }
	d.set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"sync_status": collections.SyncPending})
	a := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer))["answering"].(map[string]any)
	if a["ok"] != true || a["reason"] != "held" {
		t.Errorf("got %v", a)
	}
	d.set(collections.PhoneNumbers, testkit.AcmeNumber, map[string]any{"assistant": ""})
	a = object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer))["answering"].(map[string]any)
	if a["ok"] != false || a["reason"] != "no_assistant" {
		t.Errorf("nobody answers: got %v", a)
	}
}

func TestHome_counts_this_week_and_the_one_before(t *testing.T) {
	d := newDesk(t)
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(zone)
	noon := func(daysAgo int) string {
		return rows.Stamp(time.Date(now.Year(), now.Month(), now.Day()-daysAgo, 0, 30, 0, 0, zone))
	}
	put := func(id string, daysAgo int, answered, missed bool, seconds int) {
		d.put(testkit.Acme, id, map[string]any{"started_at": noon(daysAgo), "answered": answered, "missed": missed,
			"ended_at": noon(daysAgo), "duration_seconds": seconds}, "", "")
	}
	put("ztoday000000000", 0, true, false, 60)
	put("zmissed00000000", 1, false, true, 0)
	put("zvoicemail00000", 6, false, true, 20)
	// It broke off, and what the assistant handed on nobody took.
	d.put(testkit.Acme, "zbroken00000000", map[string]any{"status": "failed", "answered": true, "missed": true,
		"started_at": noon(2)}, "", "")
	// Whom the desk called and did not reach has not been missed.
	d.put(testkit.Acme, "zoutgoing000000", map[string]any{"call_type": "outbound", "started_at": noon(6),
		"ended_at": noon(6)}, "", "")
	put("zbefore00000000", 7, true, false, 30)
	put("zold00000000000", 14, true, false, 30)
	d.put(testkit.Bolt, "ytoday000000000", map[string]any{"started_at": noon(0)}, "", "")
	got := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer))
	if week := fmt.Sprint(got["week"]); week != "map[answered:2 calls:5 failed:1 missed:3 seconds:80]" {
		t.Errorf("this week: got %s", week)
	}
	if before := fmt.Sprint(got["before"]); before != "map[answered:1 calls:1 failed:0 missed:0 seconds:30]" {
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
	d.exec(`UPDATE calls SET started_at = ? WHERE id = ?`, rows.Stamp(time.Now()), testkit.AcmeLiveCall)
	if got := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer))["live"]; got != 1.0 {
		t.Errorf("live: got %v", got)
	}
	d.exec(`UPDATE calls SET placing = ? WHERE id = ?`, collections.PlacingWaiting, testkit.AcmeLiveCall)
	if got := object(t, d.want(200, "GET", acmeHome, testkit.AcmeViewer))["live"]; got != 0.0 {
		t.Errorf("live, although it waits: got %v", got)
	}
}

func TestTotals_of_many_rows_are_used_again_for_a_moment(t *testing.T) {
	for counted, want := range map[int64]time.Duration{0: 0, totalLarge - 1: 0, totalLarge: totalFresh,
		9 * totalLarge: totalFresh} {
		if got := fresh(counted); got != want {
			t.Errorf("%d rows: got %v, want %v", counted, got, want)
		}
	}
}

func TestDocumented_metrics(t *testing.T) {
	d := newDesk(t)
	d.put(testkit.Acme, "zlong0000000000", map[string]any{"duration_seconds": 90, "resolution_status": "resolved"}, "",
		"")
	d.put(testkit.Acme, "zmissed00000000", map[string]any{"missed": true}, "", "")
	d.put(testkit.Bolt, "ylong0000000000", map[string]any{"duration_seconds": 5000, "resolution_status": "resolved"},
		"", "")
	d.exec(`UPDATE calls SET started_at = strftime('%Y-%m-%d %H:%M:%fZ', 'now') WHERE id = ?`, testkit.AcmeLiveCall)
	d.exec(`UPDATE call_events SET type = 'tool_call' WHERE id = ?`, testkit.Row(testkit.Acme, "event"))
	got := object(t, d.want(200, "GET", "/api/dashboard/metrics", testkit.AcmeViewer))
	want := "map[activeAgents:1 activeCalls:1 answeredCalls:2 avgDuration:1m 15s avgDurationSeconds:75 mcpActions:1 missedCalls:1 resolvedCalls:1 successRate:25 totalCalls:4]"
	if len(got) != 1 || fmt.Sprint(got["metrics"]) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	for seconds, want := range map[int64]string{0: "0m 0s", 59: "0m 59s", 60: "1m 0s", 3725: "62m 5s"} {
		if got := minutes(seconds); got != want {
			t.Errorf("%d: got %s, want %s", seconds, got, want)
		}
	}
}
