package mirror

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestWait_ends_with_its_context_and_the_change_is_still_owed(t *testing.T) {
	d, p := setup(t)
	release := make(chan struct{})
	p.made = func() { <-release }
	testkit.API(t, d.TestApp) // starts the worker
	r := d.create("book")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.mirror.Wait(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	close(release)
	if err := d.mirror.Wait(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	d.want(r.Id, collections.SyncSynced, "object-1")
	if len(d.mirror.waiting.by) != 0 {
		t.Errorf("%d waiters stay", len(d.mirror.waiting.by))
	}
}

// over is the context of somebody who waits no longer than it takes to look.
func over(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestWait_does_not_miss_a_deletion_that_failed_before_it_looked(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	d.deliver()
	p.before = func(string) error { return errBroken }
	d.doom(r.Id)
	d.deliver()
	if err := d.mirror.Wait(over(t), r); err != nil || r.GetString("sync_error") != errBroken.Error() {
		t.Errorf("it waits on for what was tried: %v, %q", err, r.GetString("sync_error"))
	}
}

func TestWait_for_a_deletion_is_not_ended_by_a_try_that_began_before_it(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	d.deliver()
	d.change(r.Id, "description", "second")
	p.before = func(request string) error {
		if strings.HasPrefix(request, "patch") {
			d.doom(r.Id)
			if err := d.mirror.Wait(over(t), r); !errors.Is(err, context.Canceled) {
				t.Errorf("nobody tried the deletion, and waiting for it ends with %v", err)
			}
			return errBroken
		}
		if got := d.read(r.Id).GetString("sync_error"); request == "delete" && got != "" {
			t.Errorf("the deletion, not tried yet, says %q", got)
		}
		return nil
	}
	d.deliver()
	p.wantLog(t, "create", "patch description", "delete")
}
