package mirror

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestMirror_deletes_a_copy_that_was_being_made(t *testing.T) {
	d, p := setup(t)
	inside, release := make(chan struct{}), make(chan struct{})
	p.made = func() { close(inside); <-release }
	goOn := sync.OnceFunc(func() { close(release) })
	defer goOn()                     // also when the test fails before
	api := testkit.API(t, d.TestApp) // the worker runs
	r := d.create("book")
	<-inside
	api.Do("DELETE", "/api/collections/functions/records/"+r.Id, testkit.AcmeOwner, nil).Want(204)
	d.want(r.Id, collections.SyncDeleting, "")
	goOn()
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
	api.Do("DELETE", url+r.Id, testkit.BoltOwner, nil).Want(404).Nothing(collections.Outbox)
	api.Do("DELETE", url+r.Id, testkit.AcmeViewer, nil).Want(404).Nothing(collections.Outbox)
	api.Do("DELETE", url+r.Id, testkit.AcmeOwner, nil).Want(204)
	if err := d.mirror.Wait(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r = d.want(r.Id, collections.SyncDeleting, "object-1")
	if r.GetString("sync_error") != errBroken.Error() {
		t.Errorf("sync_error is %q", r.GetString("sync_error"))
	}
	api.Do("PATCH", url+r.Id, testkit.AcmeOwner, map[string]any{"name": "other"}).Want(400).Nothing(collections.Outbox)
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
	// Its being wanted was stored before; that the row is wanted again is, too.
	api.Do("DELETE", "/api/collections/functions/records/"+r.Id, testkit.AcmeOwner,
		nil).Want(400).Nothing(collections.Functions, collections.Outbox)
	if err := d.mirror.Wait(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	d.want(r.Id, collections.SyncFailed, "")
	p.wantLog(t, "create", "create")
}

func TestMirror_believes_no_client_about_the_copy(t *testing.T) {
	d, p := setup(t)
	api := testkit.API(t, d.TestApp)
	for name, value := range map[string]string{"vapi_tool_id": "tool-bolt-2", "sync_status": "synced", "sync_error": "x"} {
		body := map[string]any{"organization": testkit.Acme, "name": "mine", name: value}
		api.Do("POST", "/api/collections/functions/records", testkit.AcmeOwner, body).Want(400).Nothing()
		api.Do("PATCH", "/api/collections/functions/records/"+testkit.AcmeFunction, testkit.AcmeOwner,
			map[string]any{name: value + "d"}).Want(404).Nothing()
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
