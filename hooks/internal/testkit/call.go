package testkit

import (
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"
)

// PutCall stores a finished call behind everybody and, with words, its report.
func PutCall(t testing.TB, app core.App, organization, id string, columns map[string]any, summary, transcript string) {
	t.Helper()
	values := map[string]any{
		"id": id, "organization": organization, "vapi_call_id": "v-" + id, "status": "completed",
		"outcome": "completed", "call_type": "inbound",
		"channel": "phone", "caller_number": "+13105550100", "recipient_number": "+12025550100", "contact": "",
		"assistant": "", "phone_number": "",
		"started_at": "2026-10-01 09:00:00.000Z", "answered_at": "", "ended_at": "", "reported_at": "",
		"duration_seconds": 0, "cost_micros": 0,
		"ended_reason": "", "summary": summary, "resolution_status": "pending", "sentiment": "", "priority": "medium",
		"success_evaluation": "",
		"transferred_to":     "", "notes": "", "is_test": false, "has_recording": false, "answered": false, "missed": false,
		"control_url": "", "listen_url": "", "created_by": "",
		"created": "2026-10-01 09:00:00.000Z", "updated": "2026-10-01 09:00:00.000Z",
	}
	for k, v := range columns {
		values[k] = v
	}
	var names []string
	var args []any
	for k, v := range values {
		names = append(names, k)
		args = append(args, v)
	}
	Exec(t, app, "INSERT INTO calls ("+strings.Join(names, ", ")+") VALUES ("+
		strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ")+")", args...)
	if summary+transcript != "" {
		Exec(t, app, `INSERT INTO call_reports (id, organization, call, position, summary, transcript, analysis, costs, performance, created, updated)
			VALUES (?, ?, ?, (SELECT max(position) + 1 FROM call_reports), ?, ?, '{}', '{}', 'null', '', '')`,
			id[:1]+"R"+id[2:], organization, id, summary, transcript)
	}
}
