package placing_test

import (
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/callskit"
	"github.com/pocketline/pocketline/hooks/internal/callskit/whole"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// A stop leaves what was not sent as it is: nothing about it is unclear.
func TestPlace_sends_nothing_while_the_program_stops(t *testing.T) {
	delivers := make(chan bool, 1)
	c := whole.NewCounter(t, false, func(d *callskit.Desk) {
		d.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{Priority: -1, Func: func(te *core.TerminateEvent) error {
			delivers <- d.Outbox.Running()
			return te.Next()
		}})
	})
	c.Fault(map[string]any{"kind": "429", "retryAfterSeconds": 30})
	id := callskit.Object(t, c.Want(202, "POST", callskit.AcmeCalls, testkit.AcmeAgent,
		callskit.Order(nil)))["id"].(string)
	event := &core.TerminateEvent{App: c.TestApp}
	if err := c.OnTerminate().Trigger(event); err != nil {
		t.Fatal(err)
	}
	if <-delivers {
		t.Error("the outbox still delivers when calls have ended their work")
	}
	c.Ahead.Add(int64(time.Minute))
	if tried, err := c.Outbox.Deliver(t.Context()); err != nil || tried == 0 {
		t.Fatalf("tried %d promises, %v", tried, err)
	}
	if got := c.Rows(`SELECT placing FROM calls WHERE id = ?`, id); got != "waiting\n" || len(c.Made()) > 0 {
		t.Errorf("the call is %q", got)
	}
}
