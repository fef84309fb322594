package outbox

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

func TestForget_and_Sweep_take_what_is_meant_and_nothing_else(t *testing.T) {
	app, o, c := setup(t)
	for _, key := range []string{"k:1", "k:2", "k:3"} {
		add(t, app, o, "k", key)
	}
	theirs := Row{Organization: "org000000000002", Kind: "k", Key: "k:4", Payload: map[string]string{"n": "k:1"}}
	if err := o.Add(atomic.Of(app), theirs); err != nil {
		t.Fatal(err)
	}
	about := func(payload string) bool { return strings.Contains(payload, "k:1") }
	if n, err := o.Forget(context.Background(), "org000000000001", c.Now().Add(-time.Second), about); err != nil ||
		n != 0 {
		t.Errorf("forgot %d (%v) that came later", n, err)
	}
	n, err := o.Forget(context.Background(), "org000000000001", c.Now(), about)
	if err != nil || n != 1 || row(t, app, "k:2") == nil || row(t, app, "k:4") == nil {
		t.Errorf("forgot %d (%v), want the one of this organization", n, err)
	}
	if _, err := atomic.Of(app).Exec("UPDATE outbox SET status = 'dead', done_at = ? WHERE [key] = 'k:2'",
		rows.Stamp(c.Now())); err != nil {
		t.Fatal(err)
	}
	if n, err := o.Sweep(context.Background(), "org000000000001", c.Now().Add(time.Hour)); err != nil ||
		n != 1 || row(t, app, "k:3") == nil {
		t.Errorf("swept %d (%v), want what is over", n, err)
	}
}

func TestOwed_counts_and_Revive_owes_again(t *testing.T) {
	app, o, c := setup(t)
	add(t, app, o, "k", "k:1")
	add(t, app, o, "k", "k:2")
	if _, err := atomic.Of(app).Exec("UPDATE outbox SET status = 'dead', done_at = ? WHERE [key] = 'k:2'",
		rows.Stamp(c.Now())); err != nil {
		t.Fatal(err)
	}
	want := func(open, dead int) {
		t.Helper()
		if a, b, err := o.Owed(atomic.Of(app), "org000000000001", "k"); err != nil || a != open || b != dead {
			t.Errorf("%d are open and %d dead (%v), want %d and %d", a, b, err, open, dead)
		}
	}
	want(1, 1)
	for _, before := range []time.Duration{0, time.Second} { // not yet; now
		if err := o.Revive(atomic.Of(app), "org000000000001", "k", c.Now().Add(before)); err != nil {
			t.Fatal(err)
		}
	}
	want(2, 0)
	if err := o.Strip(atomic.Of(app), row(t, app, "k:1").Id, "n"); err != nil {
		t.Fatal(err)
	}
	if r := row(t, app, "k:1"); r.GetString("payload") != "{}" || r.GetString("status") != collections.OutboxPending {
		t.Errorf("stripped, the promise is %s %s", r.GetString("status"), r.GetString("payload"))
	}
}
