package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// provider is a stand-in with memory: objects by id, and faults.
type provider struct {
	mu      sync.Mutex
	objects map[string]map[string]any // the object's keys; "record" is our mark
	created int
	log     []string // requests, in order
	// before and after fail a request; after fails it once it was carried out.
	before, after func(request string) error
	made          func() // called when an object was made, before the answer
	creating      string // the record a create is for
}

var (
	errRefused = errors.New("name must be shorter (400)")
	errMissing = errors.New("no such object (404)")
	errBroken  = errors.New("internal error (500)")
	errUnsent  = errors.New("cannot connect")
)

func judge(err error) Judgement {
	switch {
	case errors.Is(err, errRefused):
		return Judgement{Verdict: Refused}
	case errors.Is(err, errMissing):
		return Judgement{Verdict: Missing}
	}
	return Judgement{}
}

func (p *provider) do(request string, work func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, request)
	if p.before != nil {
		if err := p.before(request); err != nil {
			return err
		}
	}
	if err := work(); err != nil {
		return err
	}
	if p.after != nil {
		return p.after(request)
	}
	return nil
}

func desired(r *core.Record) map[string]any {
	d := map[string]any{"record": r.Id, "name": r.GetString("name")}
	if text := r.GetString("description"); text != "" {
		d["description"] = text
	}
	return d
}

func (p *provider) push(_ context.Context, r *core.Record) (string, error) {
	patch, hash, err := Diff(r, desired(r), "name", "description")
	if err != nil {
		return "", err
	}
	id := r.GetString("vapi_tool_id")
	if id == "" {
		p.mu.Lock()
		p.creating = r.Id
		p.mu.Unlock()
		err = p.do("create", func() error {
			p.created++
			id = fmt.Sprint("object-", p.created)
			p.objects[id] = desired(r)
			if p.made != nil {
				p.made()
			}
			return nil
		})
	} else if len(patch) > 0 {
		err = p.do("patch "+strings.Join(slices.Sorted(maps.Keys(patch)), ","), func() error {
			if p.objects[id] == nil {
				return errMissing
			}
			p.objects[id] = desired(r)
			return nil
		})
	}
	if err != nil {
		return "", err
	}
	r.Set("sync_hash", hash)
	r.Set("code", "seen by the provider") // something the answer brings
	return id, nil
}

func (p *provider) find(_ context.Context, r *core.Record) (found string, err error) {
	err = p.do("find", func() error {
		for id, object := range p.objects {
			if object["record"] == r.Id {
				found = id
			}
		}
		return nil
	})
	return found, err
}

func (p *provider) delete(_ context.Context, id string) error {
	return p.do("delete", func() error {
		if p.objects[id] == nil {
			return errMissing
		}
		delete(p.objects, id)
		return nil
	})
}

// desk is one process: an app, its mirror and its outbox, with a clock.
type desk struct {
	*tests.TestApp
	t      *testing.T
	mirror *Mirror
	outbox *outbox.Outbox

	mu sync.Mutex
	at time.Time
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(time.Millisecond) // versions of promises never collide
	return d.at
}

func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func longest(most time.Duration) time.Duration { return most }

func open(t *testing.T, app *tests.TestApp, p *provider) *desk {
	t.Helper()
	d := &desk{TestApp: app, t: t, at: time.Now()}
	d.outbox = outbox.New(app, outbox.WithClock(d.now, longest))
	d.mirror = New(app, d.outbox)
	d.mirror.now = d.now
	d.mirror.Add(Resource{
		Collection: collections.Functions, IDField: "vapi_tool_id", Fields: []string{"name", "description", "parameters"},
		Push: p.push, Find: p.find, Delete: p.delete, Judge: judge,
		Undone: func(err error) bool { return errors.Is(err, errUnsent) },
		Skip:   func(r *core.Record) bool { return r.GetBool("async") }, // a column to tell them apart by
		Hash: func(r *core.Record) (string, error) {
			_, hash, err := Diff(r, desired(r))
			return hash, err
		},
	})
	return d
}

func setup(t *testing.T) (*desk, *provider) {
	t.Helper()
	p := &provider{objects: map[string]map[string]any{}}
	return open(t, testkit.New(t), p), p
}

func (d *desk) deliver() int {
	d.t.Helper()
	n, err := d.outbox.Deliver(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func (d *desk) create(name string) *core.Record {
	d.t.Helper()
	c, err := d.FindCollectionByNameOrId(collections.Functions)
	if err != nil {
		d.t.Fatal(err)
	}
	r := core.NewRecord(c)
	r.Set("organization", testkit.Acme)
	r.Set("name", name)
	r.Set("description", "first")
	if err := d.Save(r); err != nil {
		d.t.Fatal(err)
	}
	return d.read(r.Id)
}

func (d *desk) read(id string) *core.Record {
	d.t.Helper()
	r, err := d.FindRecordById(collections.Functions, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) change(id, field string, value any) {
	d.t.Helper()
	r := d.read(id)
	r.Set(field, value)
	if err := d.Save(r); err != nil {
		d.t.Fatal(err)
	}
}

// want compares a row's status and provider id.
func (d *desk) want(id, status, providerID string) *core.Record {
	d.t.Helper()
	r := d.read(id)
	if r.GetString("sync_status") != status || r.GetString("vapi_tool_id") != providerID {
		d.t.Errorf("row is %q with copy %q, want %q with %q (%s)", r.GetString("sync_status"), r.GetString("vapi_tool_id"), status, providerID,
			r.GetString("sync_error"))
	}
	return r
}

func (p *provider) wantLog(t *testing.T, want ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.log, want) {
		t.Errorf("requests %q, want %q", p.log, want)
	}
	p.log = nil
}

func TestMirror_creates_then_sends_only_what_changed(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	d.want(r.Id, collections.SyncPending, "")
	d.deliver()
	r = d.want(r.Id, collections.SyncSynced, "object-1")
	if r.GetString("code") == "" || r.GetDateTime("synced_at").IsZero() {
		t.Error("what the answer brought is not stored")
	}
	d.change(r.Id, "description", "second")
	d.want(r.Id, collections.SyncPending, "object-1")
	d.deliver()
	d.change(r.Id, "timeout_ms", 500)
	if n := d.deliver(); n != 0 {
		t.Errorf("%d promises for a column the copy does not have", n)
	}
	d.change(r.Id, "description", "")
	d.deliver()
	d.want(r.Id, collections.SyncSynced, "object-1")
	p.wantLog(t, "create", "patch description", "patch description")
	if got := p.objects["object-1"]; got["description"] != nil || got["name"] != "book" {
		t.Errorf("the copy is %v", got)
	}
}

func TestMirror_pushes_a_burst_of_changes_once(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	for i := range 5 {
		d.change(r.Id, "description", fmt.Sprint("take ", i))
	}
	d.deliver()
	p.wantLog(t, "create")
	if got := p.objects["object-1"]["description"]; got != "take 4" {
		t.Errorf("the copy has %q", got)
	}
	d.want(r.Id, collections.SyncSynced, "object-1")
}

func TestMirror_shows_the_providers_words_and_tries_again_when_asked(t *testing.T) {
	d, p := setup(t)
	p.before = func(string) error { return errRefused }
	r := d.create("book")
	d.deliver()
	r = d.want(r.Id, collections.SyncFailed, "")
	if got := r.GetString("sync_error"); got != errRefused.Error() {
		t.Errorf("sync_error is %q", got)
	}
	d.later(time.Hour)
	if n := d.deliver(); n != 0 {
		t.Errorf("a refused change was tried again by itself %d times", n)
	}
	p.before = nil
	p.wantLog(t, "create")
	d.change(r.Id, "name", "book2")
	d.deliver()
	r = d.want(r.Id, collections.SyncSynced, "object-1")
	if r.GetString("sync_error") != "" {
		t.Error("the old words stay")
	}
	p.wantLog(t, "create") // a clear no leaves nothing to look for
}

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
	for name, die := range map[string]struct{ deleted bool }{"and the row stays": {false}, "and the row is deleted after the restart": {true}} {
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
				testkit.API(t, second.TestApp).Do("DELETE", "/api/collections/functions/records/"+r.Id, testkit.AcmeOwner, nil).Want(204)
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

func TestMirror_keeps_one_copy_when_the_commit_fails(t *testing.T) {
	d, p := setup(t)
	full := true
	d.OnRecordUpdateExecute(collections.Functions).BindFunc(func(e *core.RecordEvent) error {
		if full && d.mirror.isOwn(e.Record) {
			return errors.New("database or disk is full")
		}
		return e.Next()
	})
	r := d.create("book")
	d.deliver()
	r = d.want(r.Id, collections.SyncFailed, "object-1") // the person is told, and what was made is known
	if got := r.GetString("sync_error"); !strings.Contains(got, "could not be stored here") {
		t.Errorf("sync_error is %q", got)
	}
	full = false
	d.later(time.Minute)
	d.deliver()
	d.want(r.Id, collections.SyncSynced, "object-1")
	if len(p.objects) != 1 {
		t.Errorf("%d objects, want 1", len(p.objects))
	}
}

func TestMirror_leaves_a_change_during_the_push_pending(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	p.made = func() { d.change(r.Id, "description", "typed meanwhile") }
	if _, err := d.outbox.Deliver(context.Background()); err != nil {
		t.Fatal(err)
	}
	d.want(r.Id, collections.SyncSynced, "object-1")
	p.wantLog(t, "create", "patch description")
	if got := p.objects["object-1"]["description"]; got != "typed meanwhile" {
		t.Errorf("the copy has %q", got)
	}
}

func TestMirror_deletes_a_copy_that_was_being_made(t *testing.T) {
	d, p := setup(t)
	inside, release := make(chan struct{}), make(chan struct{})
	p.made = func() { close(inside); <-release }
	api := testkit.API(t, d.TestApp) // the worker runs
	r := d.create("book")
	<-inside
	api.Do("DELETE", "/api/collections/functions/records/"+r.Id, testkit.AcmeOwner, nil).Want(204)
	d.want(r.Id, collections.SyncDeleting, "")
	close(release)
	for { // one settling is the push, the next one the deletion
		if err := d.mirror.Wait(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		current, err := d.FindRecordById(collections.Functions, r.Id)
		if err != nil {
			break
		}
		if status := current.GetString("sync_status"); status != collections.SyncDeleting {
			t.Fatalf("the push made the row %s again", status)
		}
	}
	p.wantLog(t, "create", "delete")
	if len(p.objects) != 0 {
		t.Errorf("copies stay: %v", p.objects)
	}
}

func TestMirror_keeps_the_copys_id_when_an_older_record_is_saved(t *testing.T) {
	d, p := setup(t)
	old := d.create("book")
	d.deliver()
	old.Set("description", "from before the push")
	if err := d.Save(old); err != nil {
		t.Fatal(err)
	}
	d.want(old.Id, collections.SyncPending, "object-1")
	d.deliver()
	d.want(old.Id, collections.SyncSynced, "object-1")
	p.wantLog(t, "create", "patch description")
}

func TestMirror_makes_a_copy_again_that_was_removed_at_the_provider(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	d.deliver()
	delete(p.objects, "object-1")
	d.change(r.Id, "name", "book2")
	d.deliver()
	d.want(r.Id, collections.SyncSynced, "object-2")
	p.wantLog(t, "create", "patch name", "create")
}

func TestMirror_deletes_at_the_provider_first(t *testing.T) {
	d, p := setup(t)
	api := testkit.API(t, d.TestApp)
	url := "/api/collections/functions/records/"

	r := d.create("book")
	if err := d.mirror.Wait(t.Context(), r); err != nil || r.GetString("sync_status") != collections.SyncSynced {
		t.Fatalf("%s, %v", r.GetString("sync_status"), err)
	}
	p.mu.Lock()
	p.before = func(string) error { return errBroken }
	p.mu.Unlock()
	api.Do("DELETE", url+r.Id, testkit.BoltOwner, nil).Want(404)
	api.Do("DELETE", url+r.Id, testkit.AcmeViewer, nil).Want(404)
	api.Do("DELETE", url+r.Id, testkit.AcmeOwner, nil).Want(204)
	if err := d.mirror.Wait(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r = d.want(r.Id, collections.SyncDeleting, "object-1")
	if r.GetString("sync_error") != errBroken.Error() {
		t.Errorf("sync_error is %q", r.GetString("sync_error"))
	}
	api.Do("PATCH", url+r.Id, testkit.AcmeOwner, map[string]any{"name": "other"}).Want(400)
	p.mu.Lock()
	p.before = func(string) error { return errMissing } // 404 is as good as done
	p.mu.Unlock()
	api.Do("POST", "/api/sync/functions/"+r.Id+"/retry", testkit.AcmeOwner, nil).Want(202)
	if err := d.mirror.Wait(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := d.FindRecordById(collections.Functions, r.Id); err == nil {
		t.Error("the row stays although the provider does not know the copy")
	}
}

func TestMirror_removes_the_copy_of_a_row_that_went_by_itself(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	d.deliver()
	if err := d.Delete(d.read(r.Id)); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	p.wantLog(t, "create", "delete")

	// The same while nobody knows the id of the copy.
	p.after = func(string) error { return errBroken }
	r = d.create("order")
	d.deliver()
	p.after = nil
	if err := d.Delete(d.read(r.Id)); err != nil {
		t.Fatal(err)
	}
	d.later(time.Minute)
	d.deliver()
	if len(p.objects) != 0 {
		t.Errorf("copies stay: %v", p.objects)
	}
	p.wantLog(t, "create", "find", "delete")
}

func TestMirror_deletes_a_row_without_a_copy_at_once(t *testing.T) {
	d, p := setup(t)
	p.before = func(string) error { return errRefused }
	refused, skipped := d.create("book"), d.create("order")
	d.change(skipped.Id, "async", true)
	d.deliver()
	p.wantLog(t, "create")
	api := testkit.API(t, d.TestApp)
	for _, r := range []*core.Record{refused, skipped} {
		api.Do("DELETE", "/api/collections/functions/records/"+r.Id, testkit.AcmeOwner, nil).Want(204)
		if _, err := d.FindRecordById(collections.Functions, r.Id); err == nil {
			t.Errorf("%s stays after the answer", r.GetString("name"))
		}
	}
	p.wantLog(t)
}

func TestMirror_owes_the_copy_again_when_the_deletion_fails(t *testing.T) {
	d, p := setup(t)
	p.before = func(string) error { return errRefused }
	r := d.create("book")
	d.deliver()
	d.OnRecordDelete(collections.Functions).BindFunc(func(*core.RecordEvent) error { return errors.New("in use") })
	api := testkit.API(t, d.TestApp)
	api.Do("DELETE", "/api/collections/functions/records/"+r.Id, testkit.AcmeOwner, nil).Want(400)
	if err := d.mirror.Wait(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	d.want(r.Id, collections.SyncFailed, "")
	p.wantLog(t, "create", "create")
}

func TestMirror_has_no_copy_of_what_is_skipped(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	d.deliver()
	d.change(r.Id, "async", true)
	d.deliver()
	d.want(r.Id, "", "")
	d.change(r.Id, "name", "book2")
	if n := d.deliver(); n != 0 {
		t.Errorf("%d promises for a row without a copy", n)
	}
	d.change(r.Id, "async", false)
	d.deliver()
	d.want(r.Id, collections.SyncSynced, "object-2")
	p.wantLog(t, "create", "delete", "create")
}

func TestMirror_believes_no_client_about_the_copy(t *testing.T) {
	d, p := setup(t)
	api := testkit.API(t, d.TestApp)
	for name, value := range map[string]string{"vapi_tool_id": "tool-bolt-2", "sync_status": "synced", "sync_error": "x"} {
		body := map[string]any{"organization": testkit.Acme, "name": "mine", name: value}
		api.Do("POST", "/api/collections/functions/records", testkit.AcmeOwner, body).Want(400)
		api.Do("PATCH", "/api/collections/functions/records/"+testkit.AcmeFunction, testkit.AcmeOwner, map[string]any{name: value + "d"}).Want(404)
	}
	p.wantLog(t)
	var made struct{ ID string }
	api.Do("POST", "/api/collections/functions/records", testkit.AcmeOwner, map[string]any{
		"organization": testkit.Acme, "name": "mine", "sync_hash": "?", // hidden: dropped
	}).Want(200).JSON(&made)
	if err := d.mirror.Wait(t.Context(), d.read(made.ID)); err != nil {
		t.Fatal(err)
	}
	d.want(made.ID, collections.SyncSynced, "object-1")
	p.wantLog(t, "create")
}

func TestRetry_is_for_whoever_may_change_the_row(t *testing.T) {
	d, p := setup(t)
	p.before = func(string) error { return errRefused }
	r := d.create("book")
	d.deliver()
	api := testkit.API(t, d.TestApp)
	url := "/api/sync/functions/" + r.Id + "/retry"
	for email, want := range map[string]int{testkit.Guest: 401, testkit.BoltOwner: 404, testkit.Nobody: 404, testkit.AcmeViewer: 403} {
		api.Do("POST", url, email, nil).Want(want)
	}
	api.Do("POST", "/api/sync/users/"+r.Id+"/retry", testkit.AcmeOwner, nil).Want(404)
	api.Do("POST", "/api/sync/functions/unknown/retry", testkit.AcmeOwner, nil).Want(404)
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
	s := schedule.New(d.TestApp)
	d.mirror.Schedule(s)
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

	if _, err := atomic.Of(d).Exec(`UPDATE functions SET sync_status = 'pending', sync_hash = '' WHERE id = ?`, r.Id); err != nil {
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
	d.later(refusedPause + time.Minute)
	p.before = nil
	run()
	d.want(r.Id, collections.SyncSynced, "object-1")
}

func TestJob_goes_on_through_a_long_outage(t *testing.T) {
	d, p := setup(t)
	s := schedule.New(d.TestApp)
	d.mirror.Schedule(s)
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
	s := schedule.New(d.TestApp)
	d.mirror.Schedule(s)
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

func TestTouch_pushes_what_did_not_change_itself(t *testing.T) {
	d, p := setup(t)
	r := d.create("book")
	d.deliver()
	if _, err := atomic.Of(d).Exec(`UPDATE functions SET description = 'computed' WHERE id = ?`, r.Id); err != nil {
		t.Fatal(err)
	}
	if err := d.mirror.Touch(atomic.Of(d), collections.Functions, r.Id); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	p.wantLog(t, "create", "patch description")
	if err := d.mirror.Touch(atomic.Of(d), collections.Calls, r.Id); err == nil {
		t.Error("a collection without copies was touched")
	}
}

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
	if len(d.mirror.waiting) != 0 {
		t.Errorf("%d waiters stay", len(d.mirror.waiting))
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
	if err := d.mirror.again(d.mirror.resources[collections.Functions], r.Id); err != nil {
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
		"asked for": func(d *desk, r *core.Record) {
			r.Set("sync_status", collections.SyncDeleting)
			if err := d.mirror.save(d, r); err != nil {
				d.t.Fatal(err)
			}
		},
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
