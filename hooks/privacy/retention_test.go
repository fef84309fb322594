package privacy_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/pocketbase/dbx"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// The fixtures' calls are of 1 September 2026; the clock stands 80 days later.
func TestRetention_purges_what_is_older_and_a_legal_hold_stops_it(t *testing.T) {
	b := openAt(t)
	b.Clock.At = testkit.Start.AddDate(0, 0, 80)
	keep := func(organization string, values map[string]any) {
		values["keep_audit_days"] = 3650
		b.Set(collections.SecuritySettings, testkit.Row(organization, "security"), values)
	}
	keep(testkit.Acme, map[string]any{"keep_recordings_days": 60, "keep_transcripts_days": 70, "keep_messages_days": 0,
		"keep_events_days": 3650, "legal_hold": true})
	keep(testkit.Bolt, map[string]any{"keep_recordings_days": 90, "keep_transcripts_days": 0, "keep_messages_days": 0,
		"keep_events_days": 0})
	keep(testkit.Void, map[string]any{"keep_events_days": 30})
	old := func(id string) {
		t.Helper()
		_, err := b.NonconcurrentDB().NewQuery(fmt.Sprintf(`INSERT INTO audit_logs (id, organization, user, actor_name,
			actor_type, action, resource, record, details,
			ip_address, user_agent, request_id, created, updated)
			VALUES ('%s', '%s', '', '', 'system', 'old', '', '', '{}', '', '', '',
			'2010-01-01 00:00:00.000Z', '2010-01-01 00:00:00.000Z')`, id, testkit.Acme)).Execute()
		if err != nil {
			t.Fatal(err)
		}
	}
	old("oldaudit0000000")
	of := func(table, organization string) int {
		return b.Count(fmt.Sprintf("SELECT count(*) FROM %s WHERE organization = '%s'", table, organization))
	}
	run := func() {
		t.Helper()
		if err := b.Schedule.RunNow(context.Background(), "retention.purge"); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if of("messages", testkit.Acme) != 3 ||
		b.Find(collections.Recordings, "id = '"+testkit.AcmeRecording+"'").GetString("status") != collections.RecordingReady {
		t.Fatal("a legal hold did not hold")
	}
	if of("call_events", testkit.Void) != 0 || of("messages", testkit.Void) != 3 {
		t.Errorf("Void keeps %d events and %d lines, want 0 and 3", of("call_events", testkit.Void),
			of("messages", testkit.Void))
	}
	keep(testkit.Acme, map[string]any{"legal_hold": false})
	run()

	recording := b.Find(collections.Recordings, "id = '"+testkit.AcmeRecording+"'")
	if recording.GetString("status") != collections.RecordingGone || recording.GetString("file") != "" {
		t.Errorf("Acme's recording is %s with file %q", recording.GetString("status"), recording.GetString("file"))
	}
	if b.Find(collections.Calls, "id = '"+testkit.AcmeCall+"'").GetBool("has_recording") {
		t.Error("the call says it has a recording")
	}
	if row := b.Find(collections.Outbox, "key = 'calls.erase:call-acme'"); row == nil {
		t.Error("nobody owes the deletion at the provider")
	}
	if n := of("messages", testkit.Acme); n != 0 {
		t.Errorf("%d lines outlive their transcript", n)
	}
	report := b.Find(collections.CallReports, "id = '"+testkit.AcmeReport+"'")
	if report.GetString("transcript") != "" || report.GetString("summary") == "" {
		t.Error("the transcript stays, or the summary went")
	}
	found := func(word string) int {
		return b.Count(`SELECT count(*) FROM call_words WHERE call_words MATCH 'transcript: ` + word + `'`)
	}
	if found("sourdough") != 0 || found("rye") == 0 {
		t.Errorf("search finds %d of Acme's and %d of Bolt's", found("sourdough"), found("rye"))
	}
	if of("call_events", testkit.Acme) != 2 || of("messages", testkit.Bolt) != 3 {
		t.Error("what is kept longer is gone")
	}
	if b.Find(collections.AuditLogs, "id = 'oldaudit0000000'") != nil {
		t.Error("a line of 2010 stays in the audit log")
	}
	line := b.Find(collections.AuditLogs, "action = 'retention.purge' && organization = '"+testkit.Acme+"'")
	if line == nil || line.GetString("actor_type") != "system" {
		t.Fatal("the purge is not written down")
	}
	runs := b.Find(collections.JobRuns, "job = 'retention.purge'")
	if runs.GetString("status") != collections.JobDone || runs.GetInt("processed") < 6 {
		t.Errorf("the run says %s, %d", runs.GetString("status"), runs.GetInt("processed"))
	}
	before := b.Audited("retention.purge")
	run() // nothing left to do
	if b.Audited("retention.purge") != before {
		t.Error("a second run did something")
	}
}

// What came with the operator's own secret about nothing anybody owns.
func TestRetention_messages_of_nobody_go(t *testing.T) {
	b := openAt(t)
	b.Clock.At = testkit.Start.AddDate(0, 0, 80)
	row := func(key, kind, status string, days int) {
		t.Helper()
		came := b.Clock.At.AddDate(0, 0, -days).UTC().Format("2006-01-02 15:04:05.000Z")
		query := `INSERT INTO provider_events (id, organization, provider, event_key, type, status, payload, created, updated)
			VALUES ({:key}, '', 'vapi', {:key}, {:kind}, {:status}, '{"customer":"+12025550199"}', {:came}, {:came})`
		values := dbx.Params{"key": key, "kind": kind, "status": status, "came": came}
		if _, err := b.NonconcurrentDB().NewQuery(query).Bind(values).Execute(); err != nil {
			t.Fatal(err)
		}
	}
	row("parkedold000000", "status-update", "parked", 91)
	row("failedold000000", "status-update", "failed", 91)
	row("parkednew000000", "status-update", "parked", 89)
	row("markold00000000", "deleted", "applied", 400)
	others := b.Count("SELECT count(*) FROM provider_events WHERE organization != ''")
	if err := b.Schedule.RunNow(context.Background(), "retention.purge"); err != nil {
		t.Fatal(err)
	}
	if got := b.Count("SELECT count(*) FROM provider_events WHERE id IN ('parkedold000000', 'failedold000000')"); got != 0 {
		t.Errorf("%d messages of nobody stay", got)
	}
	if got := b.Count("SELECT count(*) FROM provider_events WHERE id IN ('parkednew000000', 'markold00000000')"); got != 2 {
		t.Errorf("%d of what stays is there, want 2", got)
	}
	if got := b.Count("SELECT count(*) FROM provider_events WHERE organization != ''"); got != others {
		t.Errorf("%d messages of organizations are left of %d", got, others)
	}
}
