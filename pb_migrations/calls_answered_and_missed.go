package pb_migrations

import (
	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

func init() { m.Register(callsAnsweredAndMissed, nil, "1796065001_calls_answered_and_missed.go") }

// callsAnsweredAndMissed says of calls that were there before the columns whether
// they were answered and whether they were missed. Most rows are written once: those
// of whom neither is true stay as they are.
func callsAnsweredAndMissed(txApp core.App) error {
	const (
		connected = `(answered_at != '' OR duration_seconds > 0)`
		// Whom it was handed to did not take it.
		untaken = `(ended_reason LIKE 'call.forwarding.%'
			OR ended_reason LIKE '%-transfer%' AND ended_reason NOT LIKE '%hook-executed-transfer')`
		// The report is there, and in it the other side says nothing.
		silent = `(reported_at != ''
			AND (ended_reason = 'silence-timed-out' OR EXISTS (SELECT 1 FROM messages m WHERE m.call = calls.id))
			AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.call = calls.id AND m.role = 'user'))`
		answered = `CASE
			WHEN outcome = 'transferred' THEN TRUE
			WHEN outcome = 'voicemail' THEN FALSE
			WHEN outcome = 'no_answer' AND NOT ` + untaken + ` THEN FALSE
			WHEN outcome = 'completed' AND vapi_call_id = '' AND placing = '' THEN TRUE
			ELSE ` + connected + ` AND NOT ` + silent + ` END`
		inbound = `call_type = 'inbound' AND channel = 'phone' AND NOT is_test AND status IN ('completed', 'failed')`
	)
	return execute(txApp, []string{
		`UPDATE calls SET answered = TRUE, missed = ` + inbound + ` AND ` + untaken + ` WHERE ` + answered,
		`UPDATE calls SET missed = TRUE WHERE NOT answered AND ` + inbound,
	})
}
