package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// acting has messages of the toy's that ask for an answer do something to give it.
func (p *porch) acting() {
	one := p.doors.open["twilio"]
	read := one.Read
	one.Read = func(ctx context.Context, in Incoming) (*Letter, error) {
		letter, err := read(ctx, in)
		if letter != nil {
			letter.Acts = letter.Answer != nil
		}
		return letter, err
	}
}

// full lets no message be stored, as a full disk does, until the returned function is called.
func (p *porch) full() (free func()) {
	p.t.Helper()
	testkit.Exec(p.t, p.TestApp, `CREATE TRIGGER full BEFORE INSERT ON provider_events
		BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`)
	return func() { testkit.Exec(p.t, p.TestApp, `DROP TRIGGER full`) }
}

// What it did is done, and its answer is waited for: it must not get lost.
func TestDoor_keeps_what_it_answered_on_a_full_disk(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	p.acting()
	free := p.full()
	for n := range 3 {
		if w := p.send(toyRing, text(testkit.Acme, acmeLine, fmt.Sprint("k", n))); w.Code != 200 ||
			!strings.Contains(w.Body.String(), "Hello") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	}
	if got := p.stored(); got != "" {
		t.Fatalf("on a full disk: stored %q", got)
	}
	if lately, why := vitals.Of(p.TestApp).Messages.Lately(); lately.Bad < 3 || !vitals.SaysDiskFull(why) {
		t.Errorf("health counts %v, because %q", lately, why)
	}
	free()
	want := strings.ReplaceAll("k0:ring | applied | A\nk1:ring | applied | A\nk2:ring | applied | A\n", "A", testkit.Acme)
	until(t, "the messages", func() bool { return strings.Count(p.stored(), "\n") == 3 })
	if got := p.stored(); strings.Join(slices.Sorted(strings.Lines(got)), "") != want {
		t.Errorf("once there is room: %q", got)
	}
	if got := p.effects(); strings.Count(got, "\n") != 3 {
		t.Errorf("they did %q", got)
	}
}

func TestDoor_stores_what_it_kept_before_it_stops(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	p.acting()
	free := p.full()
	p.send(toyRing, text(testkit.Acme, acmeLine, "k1"))
	free()
	p.doors.lastTry()
	if got := p.stored(); got != "k1:ring | applied | "+testkit.Acme+"\n" {
		t.Errorf("stored %q", got)
	}
}

// What it could not keep it does not do.
func TestDoor_refuses_to_act_when_too_much_is_kept(t *testing.T) {
	p := newPorch(t, intake.Limits{})
	p.acting()
	p.doors.kept.bytes = keptBytes
	refused(t, "one more", p.send(toyRing, text(testkit.Acme, acmeLine, "k1")), 503, "unavailable")
	if got := p.stored(); got != "" {
		t.Errorf("stored %q", got)
	}
}
