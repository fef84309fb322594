package inbox

import (
	"errors"
	"testing"
)

func TestExpect_ends_once_however_the_message_ends(t *testing.T) {
	_, i := open(t)
	var never *Arrival
	never.Done() // a message nobody announced

	refused := i.Expect()
	stored, failing := i.Expect(), i.Expect()
	if n := i.coming.Load(); n != 3 {
		t.Fatalf("three announced: got %d", n)
	}
	refused.Done()
	refused.Done()

	m := message("call:1")
	m.Arrival = stored
	if _, err := i.Store(t.Context(), m, nil); err != nil {
		t.Fatal(err)
	}
	stored.Done() // the handler's deferred end

	i.Stop()
	m = message("call:2")
	m.Arrival = failing
	if _, err := i.Store(t.Context(), m, nil); !errors.Is(err, ErrStopped) {
		t.Fatalf("after the stop: got %v", err)
	}
	if n := i.coming.Load(); n != 0 {
		t.Errorf("the writer would wait for messages that never come: %d", n)
	}
}
