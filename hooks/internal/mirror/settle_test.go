package mirror

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestMirror_keeps_one_copy_when_the_answer_to_a_create_is_lost(t *testing.T) {
	d, p := setup(t)
	lost := true
	p.after = func(request string) error {
		if request == "create" && lost {
			lost = false
			return errBroken
		}
		return nil
	}
	r := d.create("book")
	d.deliver()
	d.want(r.Id, collections.SyncPending, "")
	d.change(r.Id, "description", "meanwhile")
	d.later(time.Minute)
	d.deliver()
	d.want(r.Id, collections.SyncSynced, "object-1")
	if len(p.objects) != 1 || p.objects["object-1"]["description"] != "meanwhile" {
		t.Errorf("objects %v", p.objects)
	}
	p.wantLog(t, "create", "find", "patch description,name,record")
}

func TestMirror_keeps_one_copy_when_the_process_dies_before_the_commit(t *testing.T) {
	for name, die := range map[string]struct{ deleted bool }{"and the row stays": {false},
		"and the row is deleted after the restart": {true}} {
		t.Run(name, func(t *testing.T) {
			first, p := setup(t)
			var second *desk
			p.made = func() {
				// The disk as it is when the process dies: object made, answer not
				// stored, the promise still claimed.
				app, err := tests.NewTestApp(first.DataDir())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(app.Cleanup)
				second = open(t, app, p)
			}
			r := first.create("book")
			first.deliver()
			p.made = nil
			p.wantLog(t, "create")

			second.want(r.Id, collections.SyncPending, "")
			if n := second.deliver(); n != 0 {
				t.Fatalf("%d promises were taken from a process that may live", n)
			}
			if die.deleted {
				testkit.API(t, second.TestApp).Do("DELETE", "/api/collections/functions/records/"+r.Id,
					testkit.AcmeOwner, nil).Want(204)
			}
			second.later(2 * time.Minute)
			if !die.deleted {
				second.deliver()
			} else {
				second.outbox.Nudge() // the requests' mux started the worker
				if err := second.mirror.Wait(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				if _, err := second.FindRecordById(collections.Functions, r.Id); err == nil || len(p.objects) != 0 {
					t.Errorf("row or copy stay: %v, %v", err, p.objects)
				}
				return
			}
			second.want(r.Id, collections.SyncSynced, "object-1")
			if len(p.objects) != 1 {
				t.Errorf("%d objects, want 1", len(p.objects))
			}
		})
	}
}

// late makes the next creates lose their answers; what they make appears by the
// desk's clock.
func (d *desk) late(p *provider, by ...time.Duration) {
	var coming []func()
	p.before = func(request string) error {
		for _, come := range coming {
			come()
		}
		if request != "create" || len(by) == 0 {
			return nil
		}
		wait, at, done := by[0], d.now(), false
		by = by[1:]
		p.created++
		id, object := fmt.Sprint("object-", p.created), map[string]any{"record": p.creating}
		coming = append(coming, func() {
			if !done && wait >= 0 && d.now().Sub(at) >= wait {
				p.objects[id], done = object, true
			}
		})
		return errBroken
	}
}

func TestMirror_makes_one_copy_however_late_the_first_one_comes(t *testing.T) {
	for _, seconds := range []int{0, 3, 18, 25, 30, 100} {
		wait := time.Duration(seconds) * time.Second
		t.Run(wait.String(), func(t *testing.T) {
			d, p := setup(t)
			d.late(p, wait)
			r := d.create("book")
			for range 200 {
				d.deliver()
				d.later(time.Second)
			}
			d.want(r.Id, collections.SyncSynced, "object-1")
			if len(p.objects) != 1 || p.objects["object-1"]["name"] != "book" {
				t.Errorf("objects %v", p.objects)
			}
		})
	}
}

func TestMirror_repeats_a_lost_create_only_after_several_looks_over_two_minutes(t *testing.T) {
	d, p := setup(t)
	d.late(p, -1) // never made
	r := d.create("book")
	for range 115 {
		d.deliver()
		d.later(time.Second)
	}
	p.wantLog(t, "create", "find", "find")
	r = d.want(r.Id, collections.SyncPending, "")
	if got := r.GetString("sync_error"); !strings.Contains(got, "not known yet") {
		t.Errorf("sync_error is %q", got)
	}
	// Nobody's impatience makes a second one.
	if err := d.mirror.kinds[collections.Functions].again(r.Id); err != nil {
		t.Fatal(err)
	}
	d.change(r.Id, "description", "typed meanwhile")
	d.deliver()
	d.later(10 * time.Second)
	d.deliver()
	d.want(r.Id, collections.SyncSynced, "object-2")
	if p.created != 2 || len(p.objects) != 1 {
		t.Errorf("%d creates, objects %v", p.created, p.objects)
	}
}

func TestMirror_adopts_what_the_refusal_of_a_repeat_points_at(t *testing.T) {
	for name, comes := range map[string]time.Duration{"with the refusal": 0, "long after": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			d, p := setup(t)
			d.late(p, map[bool]time.Duration{true: -1, false: comes}[comes == 0])
			lost := p.before
			p.before = func(request string) error {
				first := p.created == 0
				if err := lost(request); err != nil || request != "create" || first {
					return err
				}
				if comes == 0 {
					p.objects["object-1"] = map[string]any{"record": p.creating}
				}
				return errRefused // "this number exists already"
			}
			r := d.create("book")
			for range 150 {
				d.deliver()
				d.later(time.Second)
			}
			if comes > 2*time.Minute+10*time.Second {
				d.want(r.Id, collections.SyncFailed, "")
				d.later(comes)
				// The mark stayed, so the deletion looks before the row goes.
				testkit.API(t, d.TestApp).Do("DELETE", "/api/collections/functions/records/"+r.Id, testkit.AcmeOwner, nil).Want(204)
				if err := d.mirror.Wait(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				if _, err := d.FindRecordById(collections.Functions, r.Id); err == nil || len(p.objects) != 0 {
					t.Errorf("row or copy stay: %v, %v", err, p.objects)
				}
				return
			}
			d.want(r.Id, collections.SyncSynced, "object-1")
		})
	}
}

func TestMirror_waits_with_a_deletion_until_a_late_copy_would_have_come(t *testing.T) {
	for name, remove := range map[string]func(*desk, *core.Record){
		"asked for": func(d *desk, r *core.Record) { d.doom(r.Id) },
		"by a program": func(d *desk, r *core.Record) {
			if err := d.Delete(r); err != nil {
				d.t.Fatal(err)
			}
		},
		"wanted no more": func(d *desk, r *core.Record) { d.change(r.Id, "async", true) },
	} {
		t.Run(name, func(t *testing.T) {
			d, p := setup(t)
			d.late(p, 25*time.Second)
			r := d.create("book")
			d.deliver()
			remove(d, d.read(r.Id))
			for range 130 {
				d.deliver()
				d.later(time.Second)
			}
			if len(p.objects) != 0 || p.created != 1 {
				t.Errorf("%d creates, objects %v", p.created, p.objects)
			}
			if left, err := d.FindRecordById(collections.Functions, r.Id); err == nil && left.GetString("sync_status") != "" {
				t.Errorf("the row is %q", left.GetString("sync_status"))
			}
		})
	}
}
