package pb_migrations

import (
	"maps"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
)

func TestCalls_of_before_are_answered_or_missed(t *testing.T) {
	app, err := tests.NewTestAppWithConfig(core.BaseAppConfig{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Cleanup)
	insert := func(table string, row dbx.Params) {
		t.Helper()
		if _, err := app.DB().Insert(table, row).Execute(); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	spoken, never := dbx.Params{"answered_at": "2026-01-02 00:00:00.000Z"}, dbx.Params{}
	with := func(more ...dbx.Params) dbx.Params {
		row := dbx.Params{}
		for _, columns := range append([]dbx.Params{spoken}, more...) {
			maps.Copy(row, columns)
		}
		return row
	}
	reason := func(text string) dbx.Params { return dbx.Params{"ended_reason": text} }
	for _, c := range []struct {
		id, outcome      string
		columns          dbx.Params
		lines            []string // who said them
		answered, missed bool
	}{
		{"conversation", "completed", with(reason("customer-ended-call")), []string{"assistant", "user"}, true, false},
		{"nolines", "completed", with(reason("customer-ended-call")), nil, true, false},
		{"lengthonly", "completed", dbx.Params{"duration_seconds": 60}, nil, true, false},
		{"silence", "completed", with(reason("silence-timed-out")), nil, false, true},
		{"fellsilent", "completed", with(reason("silence-timed-out")), []string{"user"}, true, false},
		{"nottheirs", "completed", with(reason("customer-ended-call")), []string{"assistant"}, false, true},
		{"unreported", "completed", with(dbx.Params{"reported_at": ""}), []string{"assistant"}, true, false},
		{"rang", "cancelled", never, nil, false, true},
		{"brokeoff", "failed_provider", with(dbx.Params{"status": "failed"}), nil, true, false},
		{"broken", "failed_desk", dbx.Params{"status": "failed"}, nil, false, true},
		{"mailbox", "voicemail", with(), []string{"user"}, false, true},
		{"handed", "transferred", with(reason("assistant-forwarded-call")), []string{"user"}, true, false},
		{"byhook", "transferred", with(reason("call.ringing.hook-executed-transfer")), nil, true, false},
		{"untaken", "no_answer", with(reason("call.forwarding.no-answer")), nil, true, true},
		{"waited", "cancelled", with(reason("customer-ended-call-during-transfer")), nil, true, true},
		{"untakenout", "no_answer", with(reason("call.forwarding.no-answer"), dbx.Params{"call_type": "outbound"}),
			nil, true, false},
		{"busy", "no_answer", with(reason("customer-busy"), dbx.Params{"call_type": "outbound"}), nil, false, false},
		{"page", "cancelled", dbx.Params{"channel": "web"}, nil, false, false},
		{"test", "cancelled", dbx.Params{"is_test": true}, nil, false, false},
		{"rings", "", dbx.Params{"status": "ringing", "reported_at": ""}, nil, false, false},
		{"live", "", with(dbx.Params{"status": "in_progress", "reported_at": ""}), []string{"assistant"}, true, false},
		{"written", "completed", dbx.Params{"vapi_call_id": "", "reported_at": ""}, nil, true, false},
		{"waiting", "", dbx.Params{"vapi_call_id": "", "placing": "waiting", "call_type": "outbound", "status": "queued",
			"reported_at": ""}, nil, false, false},
	} {
		t.Run(c.id, func(t *testing.T) {
			row := dbx.Params{
				"id": c.id, "organization": "o", "vapi_call_id": c.id, "status": "completed", "outcome": c.outcome,
				"call_type": "inbound",
				"channel":   "phone", "reported_at": "2026-01-02 00:00:00.000Z",
			}
			maps.Copy(row, c.columns)
			insert("calls", row)
			for n, role := range c.lines {
				insert("messages", dbx.Params{"id": c.id + role, "call": c.id, "role": role, "content": "x", "position": n})
			}
			if err := app.RunInTransaction(callsAnsweredAndMissed); err != nil {
				t.Fatal(err)
			}
			var answered, missed bool
			if err := app.DB().NewQuery("SELECT answered, missed FROM calls WHERE id = {:id}").Bind(dbx.Params{"id": c.id}).
				Row(&answered, &missed); err != nil {
				t.Fatal(err)
			}
			if answered != c.answered || missed != c.missed {
				t.Errorf("got answered %t, missed %t, want %t, %t", answered, missed, c.answered, c.missed)
			}
		})
	}
}
