package placing_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/assistants"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/callskit/whole"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/numbers"
)

// newCounterWithCopies keeps the copies of assistants and numbers at the sandbox too, and
// loses the one of the fixtures' assistant there.
func newCounterWithCopies(t *testing.T) (c *callskit.Counter, lost string) {
	t.Helper()
	c = openCounterWithCopies(t)
	lost = copyOf(c)
	c.At("DELETE", "/assistant/"+lost, nil)
	return c, lost
}

func openCounterWithCopies(t *testing.T) *callskit.Counter {
	t.Helper()
	c := whole.NewCounter(t, false, func(d *callskit.Desk) {
		tools := d.Tools
		tools.PublicURL = "https://desk.example.com"
		assistants.Register(d, assistants.Deps{
			Tools: tools, Vapi: d.Vapi,
			WebhookSecret: func(string) (string, error) { return callskit.Secret, nil },
		})
		tools.Schedule = schedule.New(d)
		numbers.Register(d, numbers.Deps{
			Tools: tools, Vapi: d.Vapi,
			WebhookSecret: func(string) (string, error) { return callskit.Secret, nil },
		})
	})
	// The fixtures' tools and outputs are not at the sandbox.
	for _, statement := range []string{`UPDATE assistants SET functions = '[]'`, `DELETE FROM structured_outputs`} {
		if _, err := atomic.Of(c.TestApp).Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// copyOf is the assistant's id at the provider.
func copyOf(c *callskit.Counter) string {
	return strings.TrimSpace(c.Rows(`SELECT vapi_assistant_id FROM assistants WHERE id = ?`, testkit.AcmeAssistant))
}

// remade waits for a new copy of the assistant.
func remade(c *callskit.Counter, lost string) {
	c.T.Helper()
	callskit.Until(c.T, "a new copy", func() bool {
		c.Outbox.Nudge()
		id := copyOf(c)
		return id != "" && id != lost
	})
	c.At("GET", "/assistant/"+copyOf(c), nil)
	c.Settle() // the try that met it is written down, with the time of the next
}

var endedReason = regexp.MustCompile(`"endedReason": *"[^"]*"`)

// The state tells the reason first; the report repeats it.
func TestAssistant_that_is_gone_is_made_again_by_the_call_s_messages(t *testing.T) {
	c, lost := newCounterWithCopies(t)
	number := strings.TrimSpace(c.Rows(`SELECT vapi_phone_id FROM phone_numbers WHERE id = ?`, testkit.AcmeNumber))
	for _, line := range callskit.Lines(t, "call-outbound-no-answer.jsonl") {
		message := strings.NewReplacer(callskit.SampleAssistant, lost, callskit.SampleNumber, number).Replace(string(line))
		message = endedReason.ReplaceAllString(message, `"endedReason": "assistant-not-found"`)
		if rec := c.Send([]byte(message)); rec.Code != 200 {
			t.Fatalf("the message got %d: %s", rec.Code, rec.Body)
		}
	}
	if got := c.Rows(`SELECT count(*) FROM calls WHERE ended_reason = 'assistant-not-found'`); got != "1\n" {
		t.Fatalf("%s calls ended so", got)
	}
	remade(c, lost)
}

func TestPlace_an_assistant_that_is_gone_is_made_again_and_the_call_placed(t *testing.T) {
	for _, status := range []int{404, 400} {
		c, lost := newCounterWithCopies(t)
		if status == 400 {
			c.Fault(map[string]any{"kind": "refuse", "status": 400, "message": "Couldn't find that assistant."})
		}
		got := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
		if got["placing"] != collections.PlacingWaiting {
			t.Errorf("%d: got %v", status, got)
		}
		remade(c, lost)
		c.Pass(placing.RepairWait+time.Second, 1)
		if got := c.Pressed(); got != " | queued | "+c.Made()[0]+"\n" {
			t.Errorf("%d: the row is %q", status, got)
		}
	}
	t.Run("once", func(t *testing.T) {
		c, lost := newCounterWithCopies(t)
		c.Fault(map[string]any{"kind": "refuse", "status": 400, "message": "Couldn't find that assistant.", "count": 2})
		c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil))
		remade(c, lost)
		callskit.Until(t, "the call to be given up", func() bool {
			c.Pass(placing.RepairWait+time.Second, 0)
			return c.Pressed() == "refused | failed | \n"
		})
	})
}

// What the provider refuses to take again cannot be waited for.
func TestPlace_an_assistant_that_is_gone_and_refused_ends_the_call(t *testing.T) {
	c, _ := newCounterWithCopies(t)
	c.Fault(map[string]any{
		"match": map[string]any{"method": "POST", "pathPrefix": "/assistant"},
		"kind":  "refuse", "status": 400, "message": "model.model must be known", "count": 100,
	})
	got := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
	callskit.Until(t, "the copy to be refused", func() bool {
		c.Pass(placing.RepairWait+time.Second, 0)
		return c.Rows(`SELECT sync_status FROM assistants WHERE id = ?`, testkit.AcmeAssistant) == "failed\n"
	})
	callskit.Until(t, "the call to end", func() bool {
		c.Pass(placing.RepairWait+time.Second, 0)
		return c.Pressed() == "refused | failed | \n"
	})
	if got := c.Rows(`SELECT outcome, ended_reason FROM calls WHERE id = ?`,
		got["id"]); got != "failed_setup | The phone provider refused the assistant: its page says why\n" {
		t.Errorf("it ended as %q", got)
	}
}

// An imported number can be imported again; one of the provider's own would have other
// digits than those people ring.
func TestPlace_a_number_that_is_gone_is_imported_again_or_said_to_be_released(t *testing.T) {
	const column = `SELECT vapi_phone_id FROM phone_numbers WHERE id = ?`
	for name, number := range map[string]struct{ provider, ends string }{
		"imported":        {"telnyx", ""},
		"of the provider": {"vapi", "failed_setup | The phone provider refused the number: its page says why\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := openCounterWithCopies(t)
			// Not by a save: its push would find the number gone before the call does.
			if _, err := atomic.Of(c.TestApp).Exec(`UPDATE phone_numbers SET provider = ?, credential_id = 'cred' WHERE id = ?`,
				number.provider, testkit.AcmeNumber); err != nil {
				t.Fatal(err)
			}
			lost := strings.TrimSpace(c.Rows(column, testkit.AcmeNumber))
			c.At("DELETE", "/phone-number/"+lost, nil)
			got := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent, callskit.Order(nil)))
			if got["placing"] != collections.PlacingWaiting {
				t.Errorf("got %v", got)
			}
			callskit.Until(t, "the number to be looked at", func() bool {
				c.Outbox.Nudge()
				return c.Rows(`SELECT sync_status FROM phone_numbers WHERE id = ?`, testkit.AcmeNumber) != "pending\n"
			})
			c.Settle()
			if now := strings.TrimSpace(c.Rows(column, testkit.AcmeNumber)); (now != lost) != (number.ends == "") {
				t.Errorf("the number's copy was %s and is %s", lost, now)
			}
			if number.ends == "" {
				c.Pass(placing.RepairWait+time.Second, 1)
				if got := c.Pressed(); got != " | queued | "+c.Made()[0]+"\n" {
					t.Errorf("the row is %q", got)
				}
				return
			}
			callskit.Until(t, "the call to end", func() bool {
				c.Pass(placing.RepairWait+time.Second, 0)
				return c.Pressed() == "refused | failed | \n"
			})
			if got := c.Rows(`SELECT outcome, ended_reason FROM calls WHERE id = ?`, got["id"]); got != number.ends {
				t.Errorf("it ended as %q", got)
			}
		})
	}
}
