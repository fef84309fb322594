package mirror

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestRetry_is_for_whoever_may_change_the_row(t *testing.T) {
	d, p := setup(t)
	p.before = func(string) error { return errRefused }
	r := d.create("book")
	d.deliver()
	api := testkit.API(t, d.TestApp)
	url := "/api/sync/functions/" + r.Id + "/retry"
	for email, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.Nobody: 404,
		testkit.AcmeViewer: 403} {
		api.Do("POST", url, email, nil).Want(want).Nothing()
	}
	api.Do("POST", "/api/sync/users/"+r.Id+"/retry", testkit.AcmeOwner, nil).Want(404).Nothing()
	api.Do("POST", "/api/sync/functions/unknown/retry", testkit.AcmeOwner, nil).Want(404).Nothing()
	p.mu.Lock()
	p.before = nil
	p.mu.Unlock()
	var answer map[string]string
	api.Do("POST", url, testkit.AcmeDeveloper, nil).Want(202).JSON(&answer)
	if answer["sync_status"] == "" {
		t.Errorf("answer %v", answer)
	}
	if err := d.mirror.Wait(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	d.want(r.Id, collections.SyncSynced, "object-1")
	api.Do("POST", url, testkit.AcmeOwner, nil).Want(202)
	d.want(r.Id, collections.SyncSynced, "object-1")
}

func TestJob_mends_rows_nobody_owes_and_hurries_when_the_provider_is_back(t *testing.T) {
	d, p := setup(t)
	s := d.jobs()
	run := func() {
		t.Helper()
		if err := s.RunNow(t.Context(), "mirror.retry"); err != nil {
			t.Fatal(err)
		}
		d.deliver()
	}

	p.before = func(string) error { return errUnsent }
	r := d.create("book")
	d.deliver() // and is due again in five seconds of a clock that stands still
	p.before = nil
	run()
	d.want(r.Id, collections.SyncSynced, "object-1")

	if _, err := atomic.Of(d).Exec(`UPDATE functions SET sync_status = 'pending', sync_hash = '' WHERE id = ?`,
		r.Id); err != nil {
		t.Fatal(err)
	}
	run()
	d.want(r.Id, collections.SyncSynced, "object-1")

	p.before = func(string) error { return errRefused }
	d.change(r.Id, "name", "book2")
	d.deliver()
	p.wantLog(t, "create", "create", "patch description,name,record", "patch name")
	run()
	p.wantLog(t) // refused a moment ago

	// Mended, and owed again for a reason of its own: the refusal was of another wish.
	p.before = nil
	d.change(r.Id, "name", "book3")
	d.deliver()
	if _, err := atomic.Of(d).Exec(`UPDATE functions SET sync_status = 'pending', sync_hash = '' WHERE id = ?`,
		r.Id); err != nil {
		t.Fatal(err)
	}
	run()
	d.want(r.Id, collections.SyncSynced, "object-1")

	p.before = func(string) error { return errRefused }
	d.change(r.Id, "name", "book4")
	d.deliver()
	p.wantLog(t, "patch name", "patch description,name,record", "patch name")
	run()
	p.wantLog(t)
	d.later(refusedPause + time.Minute)
	p.before = nil
	run()
	d.want(r.Id, collections.SyncSynced, "object-1")
}

func TestJob_goes_on_through_a_long_outage(t *testing.T) {
	d, p := setup(t)
	s := d.jobs()
	p.before = func(string) error { return errBroken }
	r := d.create("book")
	run := func() {
		t.Helper()
		if err := s.RunNow(t.Context(), "mirror.retry"); err != nil {
			t.Fatal(err)
		}
		d.deliver()
		d.later(5 * time.Minute)
	}
	for range 60 { // five hours
		run()
	}
	d.want(r.Id, collections.SyncFailed, "")
	p.before = nil
	run()
	d.want(r.Id, collections.SyncSynced, "object-1")
}

func TestJob_compares_every_row_once_with_what_was_sent(t *testing.T) {
	d, p := setup(t)
	s := d.jobs()
	r := d.create("book")
	d.deliver()
	if _, err := atomic.Of(d).Exec(`UPDATE functions SET name = 'changed_elsewhere' WHERE id = ?`, r.Id); err != nil {
		t.Fatal(err)
	}
	run := func() {
		t.Helper()
		if err := s.RunNow(t.Context(), "mirror.retry"); err != nil {
			t.Fatal(err)
		}
	}
	run()
	d.want(r.Id, collections.SyncSynced, "object-1") // a command, not the server
	d.mirror.serving.Store(true)
	run()
	run()
	d.deliver()
	if got := p.objects["object-1"]["name"]; got != "changed_elsewhere" {
		t.Errorf("the copy is named %q", got)
	}
	d.want(r.Id, collections.SyncSynced, "object-1")
	patches := 0
	for _, request := range p.log {
		if request == "patch name" {
			patches++
		}
	}
	if patches != 1 {
		t.Errorf("requests %q, want one patch of the name", p.log)
	}
}

func TestRetry_asked_for_during_a_try_that_fails_is_tried_at_once(t *testing.T) {
	for name, prepare := range map[string]func(d *desk, id string){
		"a change":   func(d *desk, id string) { d.change(id, "description", "second") },
		"a deletion": func(d *desk, id string) { d.doom(id) },
	} {
		t.Run(name, func(t *testing.T) {
			d, p := setup(t)
			r := d.create("book")
			d.deliver()
			prepare(d, r.Id)
			p.wantLog(t, "create")
			asked := false
			p.before = func(string) error {
				if asked {
					return nil
				}
				asked = true
				if err := d.mirror.kinds[collections.Functions].again(r.Id); err != nil {
					t.Error(err)
				}
				return errBroken
			}
			d.deliver()
			if n := len(p.log); n != 2 {
				t.Errorf("tried %d times, want 2: %q", n, p.log)
			}
		})
	}
}

func TestRetry_of_a_deletion_waits_for_its_own_try(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	d.deliver()
	p.before = func(string) error { return errBroken }
	d.doom(r.Id)
	d.deliver()
	if err := d.mirror.kinds[collections.Functions].again(r.Id); err != nil {
		t.Fatal(err)
	}
	if err := d.mirror.Wait(over(t), r); !errors.Is(err, context.Canceled) {
		t.Errorf("the words of the try before end the waiting: %v", err)
	}
	p.before = nil
	d.deliver()
	if err := d.mirror.Wait(over(t), r); err != nil {
		t.Error(err)
	}
	if len(p.objects) != 0 {
		t.Errorf("copies stay: %v", p.objects)
	}
}
