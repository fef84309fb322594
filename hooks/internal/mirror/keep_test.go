package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

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
