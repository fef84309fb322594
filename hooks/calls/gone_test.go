package calls

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/assistants"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// newCounterWithCopies keeps assistants' copies at the sandbox too, and loses the one
// of the fixtures' assistant there.
func newCounterWithCopies(t *testing.T) (c *counter, lost string) {
	t.Helper()
	c = newCounter(t, false, func(app core.App, d *desk) {
		assistants.Register(app, assistants.Deps{
			Vapi: d.vapi, Mirror: d.copies, Sealed: d.sealed, PublicURL: "https://desk.example.com",
			WebhookSecret: func(string) (string, error) { return secret, nil },
		})
	})
	// The fixtures' tools and outputs are not at the sandbox.
	for _, statement := range []string{`UPDATE assistants SET functions = '[]'`, `DELETE FROM structured_outputs`} {
		if _, err := atomicOf(c.TestApp).Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	lost = c.copyOf()
	c.at("DELETE", "/assistant/"+lost, nil)
	return c, lost
}

// copyOf is the assistant's id at the provider.
func (c *counter) copyOf() string {
	return strings.TrimSpace(c.rows(`SELECT vapi_assistant_id FROM assistants WHERE id = ?`, testkit.AcmeAssistant))
}

// remade waits for a new copy of the assistant.
func (c *counter) remade(lost string) {
	c.t.Helper()
	until(c.t, "a new copy", func() bool {
		c.outbox.Nudge()
		id := c.copyOf()
		return id != "" && id != lost
	})
	c.at("GET", "/assistant/"+c.copyOf(), nil)
	c.settle() // the try that met it is written down, with the time of the next
}

var endedReason = regexp.MustCompile(`"endedReason": *"[^"]*"`)

// The state tells the reason first; the report repeats it.
func TestAssistant_that_is_gone_is_made_again_by_the_call_s_messages(t *testing.T) {
	c, lost := newCounterWithCopies(t)
	number := strings.TrimSpace(c.rows(`SELECT vapi_phone_id FROM phone_numbers WHERE id = ?`, testkit.AcmeNumber))
	for _, line := range lines(t, "call-outbound-no-answer.jsonl") {
		message := strings.NewReplacer(sampleAssistant, lost, sampleNumber, number).Replace(string(line))
		message = endedReason.ReplaceAllString(message, `"endedReason": "assistant-not-found"`)
		if rec := c.send([]byte(message)); rec.Code != 200 {
			t.Fatalf("the message got %d: %s", rec.Code, rec.Body)
		}
	}
	if got := c.rows(`SELECT count(*) FROM calls WHERE ended_reason = 'assistant-not-found'`); got != "1\n" {
		t.Fatalf("%s calls ended so", got)
	}
	c.remade(lost)
}

func TestPlace_an_assistant_that_is_gone_is_made_again_and_the_call_placed(t *testing.T) {
	for _, status := range []int{404, 400} {
		c, lost := newCounterWithCopies(t)
		if status == 400 {
			c.fault(map[string]any{"kind": "refuse", "status": 400, "message": "Couldn't find that assistant."})
		}
		got := object(t, c.want(202, "POST", acmeCalls, testkit.AcmeAgent, order(nil)))
		if got["placing"] != collections.PlacingWaiting {
			t.Errorf("%d: got %v", status, got)
		}
		c.remade(lost)
		c.pass(repairWait+time.Second, 1)
		if got := c.pressed(); got != " | queued | "+c.made()[0]+"\n" {
			t.Errorf("%d: the row is %q", status, got)
		}
	}
	t.Run("once", func(t *testing.T) {
		c, lost := newCounterWithCopies(t)
		c.fault(map[string]any{"kind": "refuse", "status": 400, "message": "Couldn't find that assistant.", "count": 2})
		c.want(202, "POST", acmeCalls, testkit.AcmeAgent, order(nil))
		c.remade(lost)
		until(t, "the call to be given up", func() bool {
			c.pass(repairWait+time.Second, 0)
			return c.pressed() == "refused | failed | \n"
		})
	})
}
