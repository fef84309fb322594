package fold_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
)

// line is a source that holds the line and not the conversation: it knows states,
// what was said, and how long it took.
type line struct{}

func (line) Outcome(reason string, connected bool) string {
	switch {
	case reason == "":
		return ""
	case reason == "busy", reason == "no-answer":
		return collections.OutcomeNoAnswer
	case reason == "completed", connected:
		return collections.OutcomeCompleted
	}
	return collections.OutcomeFailedSetup
}
func (line) Untaken(reason string) bool { return reason == "dial-no-answer" }
func (line) Silence(reason string) bool { return reason == "silent" }

const began = fold.Instant(1_795_014_247_000)

// tell is a message of the line, seconds after the call began.
func tell(seconds int, facts ...fold.Fact) *fold.Told {
	return &fold.Told{
		Call: fold.Source{Provider: "line", ID: "CA1"}, Direction: collections.Inbound, Channel: collections.ChannelPhone, Began: began,
		At: after(seconds), Ours: "+12025550101", Theirs: "+12025550190", Name: "Ada", Reasons: line{}, Facts: facts,
	}
}

func after(seconds int) fold.Instant { return began + fold.Instant(seconds*1000) }

// timeline is what is stored of the entries: of one key the earliest position.
type timeline map[string]fold.Instant

// run applies messages one after the other.
func run(messages []*fold.Told) (c fold.Call, t timeline) {
	t = timeline{}
	for _, m := range messages {
		var ch fold.Changes
		c, ch = fold.Apply(c, m, "US")
		for _, e := range ch.Events {
			if at, there := t[e.Key]; !there || e.Position < at {
				t[e.Key] = e.Position
			}
		}
	}
	return c, t
}

// orders gives every order of n things.
func orders(n int, yield func([]int)) {
	order := make([]int, 0, n)
	var next func()
	next = func() {
		if len(order) == n {
			yield(order)
		}
		for i := range n {
			if !slices.Contains(order, i) {
				order = append(order, i)
				next()
				order = order[:len(order)-1]
			}
		}
	}
	next()
}

func TestApply_any_order_of_a_lines_facts_ends_in_the_same_call(t *testing.T) {
	over := fold.Reported{Answered: after(4), Ended: after(64), Duration: time.Minute, Reason: "completed",
		CostMicros: 8500}
	for name, messages := range map[string][]*fold.Told{
		"a conversation": {
			tell(0, fold.Started{Status: collections.CallRinging, At: after(0)}),
			tell(4, fold.Started{Status: collections.CallInProgress, At: after(4)}),
			tell(20, fold.Used{Tool: fold.Tool{ID: "t1", Name: "book"}, At: after(20)}),
			tell(30, fold.Switched{Language: "fr", At: after(30)}),
			tell(64, fold.Ended{Reason: "completed", At: after(64)}, over),
			tell(70, fold.Recorded{}),
		},
		"nobody picked up": {
			tell(0, fold.Started{Status: collections.CallQueued, At: after(0)}),
			tell(1, fold.Started{Status: collections.CallRinging, At: after(1)}),
			tell(30, fold.Ended{Reason: "busy", At: after(30)}),
			tell(31, fold.Reported{Reason: "busy", Ended: after(30)}),
		},
		"handed on": {
			tell(4, fold.Started{Status: collections.CallInProgress, At: after(4)}),
			tell(9, fold.Started{Status: collections.CallForwarding, At: after(9)},
				fold.Transferred{To: "+12025550177", At: after(9)}),
			tell(12, fold.Transferred{To: "(202) 555-0177", At: after(12)}),
			tell(40, fold.Ended{Reason: "dial-no-answer", At: after(40)}),
		},
		"connected after all": {
			tell(3, fold.Ended{Reason: "never heard of", At: after(30)}),
			tell(4, fold.Started{Status: collections.CallInProgress, At: after(4)}),
			tell(8, fold.Hung{At: after(8)}),
		},
	} {
		want, stored := run(messages)
		orders(len(messages), func(order []int) {
			shuffled := make([]*fold.Told, 0, 2*len(order))
			for _, i := range order {
				shuffled = append(shuffled, messages[i])
			}
			shuffled = append(shuffled, messages...) // and everything once more
			got, entries := run(shuffled)
			if got != want {
				t.Errorf("%s, in the order %v:\n%+v\n%+v", name, order, got, want)
			}
			for key, at := range stored {
				if entries[key] != at || len(entries) != len(stored) {
					t.Errorf("%s, in the order %v: got the timeline %v, want %v", name, order, entries, stored)
				}
			}
		})
	}
}

func TestApply_a_line_tells_how_a_call_went(t *testing.T) {
	c, entries := run([]*fold.Told{
		tell(0, fold.Started{Status: collections.CallRinging, At: after(0)}),
		tell(4, fold.Started{Status: collections.CallInProgress, At: after(4)}),
		tell(64, fold.Ended{Reason: "completed", At: after(64)}),
		tell(65, fold.Reported{
			Answered: after(4), Ended: after(64), Reason: "completed", CostMicros: 8500, Facts: []fold.Fact{fold.Recorded{}},
		}),
	})
	if c.Status != collections.CallCompleted || c.Outcome != collections.OutcomeCompleted || c.DurationSeconds != 60 ||
		!c.Answered || c.Missed || !c.HasRecording || c.CostMicros != 8500 || c.ReportedAt != after(65) {
		t.Errorf("got %+v", c)
	}
	if c.Caller != "+12025550190" || c.Recipient != "+12025550101" || c.StartedAt != began {
		t.Errorf("got %+v", c)
	}
	if len(entries) != 3 {
		t.Errorf("got the timeline %v", entries)
	}
}

// A message may be applied again: what was made of it must not be found in it.
func TestApply_leaves_the_message_as_it_was(t *testing.T) {
	said := []fold.Line{{Role: collections.RoleUser, Content: "Hello\x00", Position: after(5)},
		{Role: collections.RoleUser, Position: after(6)}}
	m := tell(64, fold.Reported{Reason: "completed", Ended: after(64), Lines: said})
	_, ch := fold.Apply(fold.Call{}, m, "US")
	if len(ch.Lines) != 1 || ch.Lines[0].Content != "Hello" || !ch.Replace {
		t.Fatalf("got %+v", ch.Lines)
	}
	ch.Lines[0].ID, ch.Lines[0].Again = "id", true
	if said[0] != (fold.Line{Role: collections.RoleUser, Content: "Hello\x00", Position: after(5)}) || len(said) != 2 {
		t.Errorf("the message is now %+v", said)
	}
	if _, again := fold.Apply(fold.Call{}, m, "US"); again.Lines[0].ID != "" {
		t.Errorf("got %+v", again.Lines[0])
	}
}

func TestApply_a_source_need_not_read_its_reasons(t *testing.T) {
	messages := []*fold.Told{
		tell(0, fold.Started{Status: collections.CallInProgress, At: after(0)}),
		tell(9, fold.Ended{Reason: "in words of its own", At: after(9)}),
		tell(10, fold.Reported{Answered: after(0), Ended: after(9), Reason: "in words of its own"}),
	}
	for _, m := range messages {
		m.Reasons = nil
	}
	for n := range messages {
		c, _ := run(messages[:n+1])
		if n > 0 && (c.Status != collections.CallCompleted || c.Outcome != collections.OutcomeCompleted) ||
			!c.Answered || c.Missed {
			t.Errorf("after %d messages: %+v", n+1, c)
		}
	}
}
