package outbox

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

func TestAdd_waits_until_a_promise_is_due(t *testing.T) {
	app, o, c := setup(t)
	o.Handle("note", Kind{}, func(context.Context, Row) error { return nil })
	if err := o.Add(atomic.Of(app), Row{Kind: "note", Key: "n:1", Due: c.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if err := o.Add(atomic.Of(app), Row{Kind: "note", Key: "n:2", Due: c.Now().Add(-time.Minute)}); err != nil {
		t.Fatal(err)
	}
	deliver(t, o, 1)
	c.Move(time.Minute)
	deliver(t, o, 1)
}

func TestRenew_owes_again_what_is_over_and_leaves_what_is_open(t *testing.T) {
	app, o, c := setup(t)
	var answer error
	var said []int
	o.Handle("note", Kind{}, func(_ context.Context, r Row) error {
		var n int
		err := r.Decode(&n)
		said = append(said, n, r.Attempt)
		return errors.Join(answer, err)
	})
	renew := func(payload int, want bool) {
		t.Helper()
		owed, err := o.Renew(atomic.Of(app), Row{Kind: "note", Key: "n:1", Payload: payload})
		if err != nil || owed != want {
			t.Fatalf("owed now: %v, %v; want %v", owed, err, want)
		}
	}
	renew(1, true)
	renew(2, false)
	id := row(t, app, "n:1").Id
	answer = Dead(errors.New("no"))
	deliver(t, o, 1)
	renew(3, true)
	if r := row(t, app, "n:1"); r.Id != id || r.GetString("error") != "" || !r.GetDateTime("done_at").IsZero() {
		t.Errorf("the promise made again is %v", r.PublicExport())
	}
	answer = errors.New("not now")
	deliver(t, o, 1)
	renew(4, false)
	c.Move(time.Hour)
	answer = nil
	deliver(t, o, 1)
	renew(5, true)
	deliver(t, o, 1)
	want := []int{1, 1, 3, 1, 3, 2, 5, 1}
	for i, n := range want {
		if len(said) != len(want) || said[i] != n {
			t.Fatalf("payloads and tries %v, want %v", said, want)
		}
	}
}

func TestExtend_and_Last_see_one_promise(t *testing.T) {
	app, o, _ := setup(t)
	var said []string
	o.Handle("note", Kind{}, func(_ context.Context, r Row) error {
		var payload map[string]string
		err := r.Decode(&payload)
		said = append(said, payload["n"])
		return err
	})
	for _, key := range []string{"n:1:a", "n:1:b", "n:10:c"} {
		add(t, app, o, "note", key)
	}
	tx := atomic.Of(app)
	last, err := o.Last(tx, "n:1:")
	if err != nil || last == nil || last.Key != "n:1:b" || last.Status != collections.OutboxPending {
		t.Fatalf("last is %+v, %v", last, err)
	}
	if none, err := o.Last(tx, "n:2:"); none != nil || err != nil {
		t.Errorf("found %+v, %v", none, err)
	}
	err = app.RunInTransaction(func(txApp core.App) error {
		for _, more := range []string{" more", ""} {
			if err := o.Extend(atomic.Of(txApp), last.ID, func(s State) (any, error) {
				var payload map[string]string
				if err := s.Decode(&payload); err != nil || more == "" {
					return nil, err
				}
				payload["n"] += more
				return payload, nil
			}); err != nil {
				return err
			}
		}
		return o.Extend(atomic.Of(txApp), "gone", func(State) (any, error) { return 1, nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, o, 3)
	if len(said) != 3 || said[0] != "n:1:a" || said[1] != "n:1:b more" || said[2] != "n:10:c" {
		t.Errorf("delivered %q", said)
	}
	if last, err := o.Last(tx, "n:1:"); err != nil || last.Status != collections.OutboxDone {
		t.Errorf("then it is %+v, %v", last, err)
	}
}
