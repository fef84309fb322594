package vapifacts

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/providers/vapi"
)

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// documentedReasons are the documented reasons by the outcome they mean.
func documentedReasons(t *testing.T) map[string][]string {
	t.Helper()
	var file struct{ Outcomes map[string][]string }
	if err := json.Unmarshal(sample(t, "ended-reasons.json"), &file); err != nil {
		t.Fatal(err)
	}
	return file.Outcomes
}

func TestApply_every_documented_reason_gives_its_outcome(t *testing.T) {
	state, err := vapi.ParseMessage(sample(t, "status-update.ended-assistant-request-failed.json"))
	if err != nil {
		t.Fatal(err)
	}
	finished, err := vapi.ParseMessage(sample(t, "end-of-call-report.json"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for outcome, all := range documentedReasons(t) {
		if !slices.Contains(collections.Outcomes, outcome) {
			t.Errorf("the column outcome does not take %s", outcome)
		}
		want := collections.CallCompleted
		if strings.HasPrefix(outcome, "failed") {
			want = collections.CallFailed
		}
		for _, reason := range all {
			count++
			for _, template := range []*vapi.Message{state, finished} {
				m := *template
				m.EndedReason = reason
				c, _ := fold.Apply(fold.Call{}, Of(&m), "US")
				if c.Status != want || c.Outcome != outcome || c.EndedReason != reason || c.EndedAt == 0 {
					t.Errorf("%s by %s: got %s %s, want %s %s", reason, m.Type, c.Status, c.Outcome, want, outcome)
				}
			}
		}
	}
	if count != 595 {
		t.Errorf("walked %d reasons, want 595", count)
	}
}

// The list is the whole enumeration of Vapi's OpenAPI document of August 2026:
// calls, campaigns and evals.
func TestApply_the_whole_enumeration_has_its_golden_outcome(t *testing.T) {
	count, families := 0, map[string]int{}
	for row := range strings.Lines(string(sample(t, "ended_reasons.golden"))) {
		reason, want, ok := strings.Cut(strings.TrimSpace(row), "\t")
		if strings.HasPrefix(reason, "#") {
			continue
		}
		if !ok || !slices.Contains(collections.Outcomes, want) {
			t.Fatalf("unreadable row %q", row)
		}
		count++
		families[want]++
		for _, connected := range []bool{true, false} {
			c := run(message(t, vapi.TypeEndOfCallReport, beginning+70_000, func(m *vapi.Message) {
				m.EndedReason, m.EndedAt = reason, fold.At(parse(t, "2026-11-18T15:05:10Z")).Time()
				if connected {
					m.StartedAt = m.EndedAt.Add(-time.Minute)
				}
			}))
			if c.Outcome != want || (c.Status == collections.CallFailed) != strings.HasPrefix(want, "failed") {
				t.Errorf("%s (connected %t): got %s %s, want %s", reason, connected, c.Status, c.Outcome, want)
			}
		}
	}
	if count != 603 || len(families) != len(vapi.Outcomes) {
		t.Errorf("walked %d reasons of %d families", count, len(families))
	}
}

// Vapi's list grows: an end nobody knows is the ordinary end of a call that was
// connected, whatever comes first of its messages.
func TestApply_an_unknown_reason_of_a_connected_call_is_completed(t *testing.T) {
	const unknown = "assistant-waved-goodbye"
	ended := fold.At(parse(t, "2026-11-18T15:05:10Z")).Time()
	state := func(status string, when int64) *vapi.Message {
		return message(t, vapi.TypeStatusUpdate, when, func(m *vapi.Message) { m.Status, m.EndedReason = status, unknown })
	}
	report := func(started bool, duration time.Duration) *vapi.Message {
		return message(t, vapi.TypeEndOfCallReport, beginning+90_000, func(m *vapi.Message) {
			m.EndedReason, m.EndedAt, m.Duration = unknown, ended, duration
			if started {
				m.StartedAt = ended.Add(-time.Minute)
			}
		})
	}
	answered, over := state("in-progress", beginning+2_000), state("ended", beginning+60_000)
	for name, one := range map[string]struct {
		messages []*vapi.Message
		want     string
	}{
		"a report":                      {[]*vapi.Message{report(true, 0)}, vapi.OutcomeCompleted},
		"a report with a duration only": {[]*vapi.Message{report(false, time.Minute)}, vapi.OutcomeCompleted},
		"a whole call":                  {[]*vapi.Message{answered, over, report(true, 0)}, vapi.OutcomeCompleted},
		"in another order":              {[]*vapi.Message{over, report(true, 0), answered}, vapi.OutcomeCompleted},
		"answered, no report yet":       {[]*vapi.Message{answered, over}, vapi.OutcomeCompleted},
		"answered heard late":           {[]*vapi.Message{over, answered}, vapi.OutcomeCompleted},
		"never connected":               {[]*vapi.Message{over, report(false, 0)}, vapi.OutcomeFailedSetup},
	} {
		c := run(one.messages...)
		if c.Outcome != one.want || (c.Status == collections.CallFailed) != (one.want == vapi.OutcomeFailedSetup) ||
			c.EndedReason != unknown {
			t.Errorf("%s: got %s %s %s, want %s", name, c.Status, c.Outcome, c.EndedReason, one.want)
		}
	}
}

func message(t *testing.T, kind string, when int64, change func(*vapi.Message)) *vapi.Message {
	t.Helper()
	m := &vapi.Message{Type: kind, Timestamp: when, Call: &vapi.MessageCall{ID: "c", Type: "inboundPhoneCall"}}
	if change != nil {
		change(m)
	}
	return m
}

// run applies messages one after the other.
func run(messages ...*vapi.Message) (c fold.Call) {
	for _, m := range messages {
		c, _ = fold.Apply(c, Of(m), "US")
	}
	return c
}

const beginning = 1_795_014_247_310

// Two messages in both orders end in the same call.
func TestApply_order_does_not_matter(t *testing.T) {
	started, ended := fold.At(parse(t, "2026-11-18T15:04:10Z")).Time(), fold.At(parse(t, "2026-11-18T15:05:10Z")).Time()
	state := func(status string, when int64, reason string) *vapi.Message {
		return message(t, vapi.TypeStatusUpdate, when,
			func(m *vapi.Message) { m.Status, m.EndedReason = status, reason })
	}
	for name, pair := range map[string][2]*vapi.Message{
		"two ends": {state("ended", beginning+50_000, "customer-ended-call"),
			state("ended", beginning+60_000, "silence-timed-out")},
		"an end without a reason": {state("ended", beginning+50_000, ""),
			state("ended", beginning+60_000, "silence-timed-out")},
		"answered twice": {state("in-progress", beginning+2_000, ""),
			state("in-progress", beginning+5_000, "")},
		"ended, then answered": {state("in-progress", beginning+2_000, ""),
			state("ended", beginning+60_000, "customer-ended-call")},
		"a report without an end": {
			state("ended", beginning+50_000, "customer-ended-call"),
			message(t, vapi.TypeEndOfCallReport, beginning+70_000,
				func(m *vapi.Message) { m.EndedReason = "customer-ended-call" }),
		},
		"a report with a duration": {
			state("ended", beginning+50_000, ""),
			message(t, vapi.TypeEndOfCallReport, beginning+70_000,
				func(m *vapi.Message) { m.StartedAt, m.Duration = started, ended.Sub(started) }),
		},
		"a report without a time": {
			state("in-progress", beginning+1_000, ""),
			message(t, vapi.TypeEndOfCallReport, 0, func(m *vapi.Message) { m.StartedAt, m.EndedAt = started, ended }),
		},
		"a report without any time": {
			state("ringing", beginning, ""),
			message(t, vapi.TypeEndOfCallReport, 0, nil),
		},
	} {
		if one, other := run(pair[0], pair[1]), run(pair[1], pair[0]); one != other {
			t.Errorf("%s:\n%+v\n%+v", name, one, other)
		} else if again := run(pair[0], pair[1], pair[1], pair[0]); again != one {
			t.Errorf("%s, repeated:\n%+v\n%+v", name, again, one)
		}
	}
}

// What was said decides; the report alone has all of it, and its word stays.
func TestApply_says_whether_a_call_was_answered_and_missed(t *testing.T) {
	started, ended := fold.At(parse(t, "2026-11-18T15:04:10Z")).Time(), fold.At(parse(t, "2026-11-18T15:05:10Z")).Time()
	state := func(status string, reason string) *vapi.Message {
		return message(t, vapi.TypeStatusUpdate, beginning+2_000,
			func(m *vapi.Message) { m.Status, m.EndedReason = status, reason })
	}
	report := func(reason string, roles ...string) *vapi.Message {
		return message(t, vapi.TypeEndOfCallReport, beginning+70_000, func(m *vapi.Message) {
			m.EndedReason, m.StartedAt, m.EndedAt = reason, started, ended
			for n, role := range roles {
				m.Artifact.Messages = append(m.Artifact.Messages,
					vapi.TranscriptLine{Role: role, Message: "Hello", Time: float64(beginning + n)})
			}
		})
	}
	unheard := func(m *vapi.Message) *vapi.Message { m.StartedAt = time.Time{}; return m }
	const hungUp, silence, broke = "customer-ended-call", vapi.ReasonSilence,
		"call.in-progress.error-vapifault-worker-died"
	for name, one := range map[string]struct {
		messages         []*vapi.Message
		answered, missed bool
	}{
		"it rings":                {[]*vapi.Message{state("ringing", "")}, false, false},
		"the assistant picked up": {[]*vapi.Message{state("in-progress", "")}, true, false},
		"over, not reported yet": {[]*vapi.Message{state("in-progress", ""), state("ended", hungUp)},
			true, false},
		"given up while it rang":            {[]*vapi.Message{state("ringing", ""), state("ended", hungUp)}, false, true},
		"a conversation":                    {[]*vapi.Message{report(hungUp, "bot", "user")}, true, false},
		"a conversation nothing is kept of": {[]*vapi.Message{report(hungUp)}, true, false},
		"they said nothing":                 {[]*vapi.Message{report(hungUp, "bot")}, false, true},
		"silence":                           {[]*vapi.Message{report(silence, "bot", "bot")}, false, true},
		"silence nothing is kept of":        {[]*vapi.Message{report(silence)}, false, true},
		"silence after a conversation":      {[]*vapi.Message{report(silence, "bot", "user", "bot")}, true, false},
		"it broke off":                      {[]*vapi.Message{report(broke, "bot", "user")}, true, false},
		"it broke before anybody picked up": {[]*vapi.Message{unheard(report(broke))}, false, true},
		"handed on and taken":               {[]*vapi.Message{report("assistant-forwarded-call", "bot")}, true, false},
		"handed on and taken by nobody": {[]*vapi.Message{report("call.forwarding.no-answer", "bot", "user")},
			true, true},
		"left while the person was being asked": {[]*vapi.Message{report("customer-ended-call-during-transfer",
			"bot", "user")}, true, true},
		"a mailbox": {[]*vapi.Message{report("voicemail", "user")}, false, true},
	} {
		before := run(one.messages...)
		last := one.messages[len(one.messages)-1]
		for how, c := range map[string]fold.Call{
			"once": before, "twice": run(append(one.messages, last)...),
			"with a late word": run(append(one.messages, message(t, vapi.TypeTranscript, beginning, nil))...),
		} {
			if c.Answered != one.answered || c.Missed != one.missed {
				t.Errorf("%s, %s: got answered %t, missed %t, want %t, %t", name, how, c.Answered, c.Missed,
					one.answered, one.missed)
			}
		}
		for _, m := range one.messages {
			m.Call.Type = "outboundPhoneCall"
		}
		if c := run(one.messages...); c.Answered != one.answered || c.Missed {
			t.Errorf("%s, a call of ours: got answered %t, missed %t", name, c.Answered, c.Missed)
		}
	}
}

func parse(t *testing.T, text string) (when time.Time) {
	t.Helper()
	if err := when.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return when
}

func TestApply_a_state_never_goes_back(t *testing.T) {
	order := []string{"scheduled", "queued", "ringing", "in-progress", "forwarding", "ended"}
	stored := []string{"", "queued", "ringing", "in_progress", "forwarding", "completed"}
	for i, earlier := range order {
		for j, later := range order[i:] {
			of := func(s string, when int64) *vapi.Message {
				return message(t, vapi.TypeStatusUpdate, when,
					func(m *vapi.Message) { m.Status, m.EndedReason = s, "customer-ended-call" })
			}
			c := run(of(later, beginning+1000), of(earlier, beginning))
			if want := stored[i+j]; want != "" && c.Status != want {
				t.Errorf("%s after %s: got %s, want %s", earlier, later, c.Status, want)
			}
		}
	}
	for _, odd := range []string{"not-found", "deletion-failed", "", "brand-new"} {
		c := run(message(t, vapi.TypeStatusUpdate, beginning, func(m *vapi.Message) { m.Status = odd }))
		if c.Status != collections.CallQueued {
			t.Errorf("%q: got %s", odd, c.Status)
		}
	}
}

func TestApply_a_report_leaves_what_people_wrote(t *testing.T) {
	mine := fold.Call{Summary: "Wants a refund.", Sentiment: "negative", Resolution: collections.ResolutionResolved,
		Priority: "urgent"}
	c, _ := fold.Apply(mine, Of(message(t, vapi.TypeEndOfCallReport, beginning,
		func(m *vapi.Message) { m.EndedReason = "customer-ended-call" })), "US")
	if c.Summary != mine.Summary || c.Sentiment != mine.Sentiment || c.Resolution != mine.Resolution ||
		c.Priority != mine.Priority {
		t.Errorf("got %+v", c)
	}
}

func TestApply_the_control_address_ends_with_the_call(t *testing.T) {
	c, _ := fold.Apply(fold.Call{ControlURL: "sealed", ListenURL: "sealed"},
		Of(message(t, vapi.TypeStatusUpdate, beginning, func(m *vapi.Message) { m.Status = "ended" })), "US")
	if c.ControlURL != "" || c.ListenURL != "" {
		t.Errorf("got %+v", c)
	}
}

func TestApply_a_report_tells_what_came_of_it(t *testing.T) {
	for _, one := range []struct{ reason, success, want string }{
		{"customer-ended-call", "true", collections.ResolutionResolved},
		{"customer-ended-call", "TRUE", collections.ResolutionResolved},
		{"customer-ended-call", "false", collections.ResolutionPending},
		{"customer-ended-call", "8", collections.ResolutionPending},
		{"assistant-forwarded-call", "true", collections.ResolutionEscalated},
		{"voicemail", "true", collections.ResolutionPending},
		{"call-start-error-neither-assistant-nor-server-set", "true", collections.ResolutionFailed},
	} {
		c, _ := fold.Apply(fold.Call{}, Of(message(t, vapi.TypeEndOfCallReport, beginning, func(m *vapi.Message) {
			m.EndedReason, m.Analysis.SuccessEvaluation = one.reason, one.success
		})), "US")
		if c.Resolution != one.want {
			t.Errorf("%s %s: got %s (outcome %s), want %s", one.reason, one.success, c.Resolution, c.Outcome, one.want)
		}
	}
}

func TestMicros_refuses_what_is_no_price(t *testing.T) {
	for dollars, want := range map[float64]int64{0: 0, 0.0501: 50100, 0.0000004: 0, 0.0000006: 1, -1: 0, 1e7: 0} {
		if got := micros(dollars); got != want {
			t.Errorf("%v: got %d, want %d", dollars, got, want)
		}
	}
}
