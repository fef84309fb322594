package mirror

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// begin is a start of the server, with what it does once it answers.
func (d *desk) begin() {
	d.t.Helper()
	same, err := d.mirror.Installation.begin()
	if err == nil && same {
		err = d.mirror.Installation.noteRun()
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestInstallation_notices_a_restored_database(t *testing.T) {
	d, _ := setup(t)
	restored := func(want bool) {
		t.Helper()
		d.begin()
		if got, err := d.mirror.Installation.restored(); err != nil || got != want {
			t.Errorf("restored is %v, want %v (%v)", got, want, err)
		}
	}
	id := d.ours()
	restored(false) // the first start
	restored(false)
	file := filepath.Join(d.DataDir(), installationFile)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil { // a backup has no such file
		t.Fatal(err)
	}
	restored(true)
	another := d.ours()
	if another == id {
		t.Error("the restored installation has the id of the one it came from")
	}
	d.later(afterRestore + time.Hour)
	restored(true) // nobody confirmed
	if err := d.mirror.Installation.Confirm(); err != nil {
		t.Fatal(err)
	}
	restored(false)
	if err := os.WriteFile(file, before, 0o600); err != nil { // an older database was put back
		t.Fatal(err)
	}
	restored(true)
	if now := d.ours(); now == id || now == another {
		t.Error("a database put back has an id from before")
	}
	if err := d.mirror.Installation.Confirm(); err != nil {
		t.Fatal(err)
	}
	d.later(afterRestore + time.Hour)
	i, err := d.mirror.Installation.read()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("thenext "+i.Run), 0o600); err != nil { // killed while starting
		t.Fatal(err)
	}
	restored(false)

	backup := &core.BackupEvent{App: d.TestApp}
	if err := d.OnBackupCreate().Trigger(backup, func(*core.BackupEvent) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(backup.Exclude, installationFile) {
		t.Errorf("a backup leaves out %q", backup.Exclude)
	}
}

// A copy of the directory has everything but the time at which data.db was made.
func TestInstallation_notices_a_copied_directory(t *testing.T) {
	d, _ := setup(t)
	d.begin()
	id, file := d.ours(), filepath.Join(d.DataDir(), installationFile)
	noted, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	run, _, marked := strings.Cut(string(noted), " "+bornMark)
	if !marked {
		t.Skip("nobody notes here when a file was made")
	}
	held := func(want bool) {
		t.Helper()
		d.begin()
		if got, err := d.mirror.Installation.Held(); err != nil || got != want || (d.ours() != id) != want {
			t.Errorf("held is %v, want %v; the id went from %s to %s (%v)", got, want, id, d.ours(), err)
		}
		id = d.ours()
	}
	held(false)
	i, err := d.mirror.Installation.read()
	if err != nil {
		t.Fatal(err)
	}
	// A version before this one noted no time.
	if err := os.WriteFile(file, []byte(i.Run), 0o600); err != nil || run == i.Run {
		t.Fatal(err, run)
	}
	held(false)
	if i, err = d.mirror.Installation.read(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(i.Run+" "+bornMark+"1.000000000"), 0o600); err != nil {
		t.Fatal(err)
	}
	held(true)
	if err := d.mirror.Installation.Confirm(); err != nil {
		t.Fatal(err)
	}
	held(false)
}

// The server answers meanwhile, and the operator may press.
func TestInstallation_notes_its_run_beside_what_else_goes_on(t *testing.T) {
	d, _ := setup(t)
	d.begin()
	for range 20 {
		i, err := d.mirror.Installation.read()
		if err != nil {
			t.Fatal(err)
		}
		i.Held = true
		if err := d.mirror.Installation.write(i); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(func() {
			if err := d.mirror.Installation.noteRun(); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := d.mirror.Installation.Confirm(); err != nil {
				t.Error(err)
			}
		})
		for range 4 {
			all.Go(func() {
				if _, moved, err := d.mirror.Installation.origin(); err != nil || moved {
					t.Errorf("a start looks like a restore (%v)", err)
				}
			})
		}
		all.Wait()
		if after, moved, err := d.mirror.Installation.origin(); err != nil || moved || after.Held || after.Run == i.Run ||
			after.ID != i.ID {
			t.Fatalf("from %+v to %+v, moved %v (%v)", i, after, moved, err)
		}
	}
}

func TestInstallation_restored_leaves_alone_what_was_there_until_confirmed(t *testing.T) {
	d, p := setup(t)
	old, doomed := d.create("book"), d.create("leave")
	d.deliver()
	d.begin()
	// The original made its copy after the backup, which has only the row.
	lost := d.create("cancel")
	for id, row := range map[string]string{"late": lost.Id, "second": old.Id} {
		p.objects[id] = map[string]any{"record": row, "organization": testkit.Acme, "installation": d.ours()}
	}
	if err := os.Remove(filepath.Join(d.DataDir(), installationFile)); err != nil {
		t.Fatal(err)
	}
	d.later(time.Minute)
	p.log = nil
	untouched := func(when string) {
		t.Helper()
		d.deliver()
		d.sweep()
		if len(p.log) != 0 || len(p.objects) != 4 {
			t.Fatalf("%s: the provider was asked %v and has %v", when, p.log, slices.Sorted(maps.Keys(p.objects)))
		}
	}
	r := d.read(old.Id)
	r.Set("name", "book_again")
	if err := d.Save(r); err != nil {
		t.Fatal(err)
	}
	untouched("a command before the first start")
	d.begin()
	if err := d.Delete(d.read(doomed.Id)); err != nil {
		t.Fatal(err)
	}
	d.later(2 * heldWait)
	untouched("the server")
	waits := func(id string) {
		t.Helper()
		got := d.read(id)
		if got.GetString("sync_error") != (&heldBack{"the toy"}).Error() || got.GetString("sync_status") != collections.SyncPending {
			t.Errorf("the row is %s and says %q", got.GetString("sync_status"), got.GetString("sync_error"))
		}
	}
	waits(old.Id)
	// What is owed without a promise, as everything is when the sandbox starts, is told too.
	if _, err := d.DB().NewQuery("UPDATE functions SET sync_error = '' WHERE id = {:id}").
		Bind(map[string]any{"id": lost.Id}).Execute(); err != nil {
		t.Fatal(err)
	}
	if err := d.jobs().RunNow(t.Context(), "mirror.retry"); err != nil {
		t.Fatal(err)
	}
	untouched("the first job")
	waits(lost.Id)
	changes := 0
	d.OnRecordUpdate(collections.Functions).BindFunc(func(e *core.RecordEvent) error {
		changes++
		return e.Next()
	})
	for range 3 { // nothing changes every five minutes until he says so
		if err := d.jobs().RunNow(t.Context(), "mirror.retry"); err != nil {
			t.Fatal(err)
		}
		untouched("the job")
		d.later(5 * time.Minute)
	}
	waits(old.Id)
	if changes > 0 {
		t.Errorf("rows that wait were changed %d times", changes)
	}
	if got := d.strays(); got["second"] != StrayElsewhere || got["object-1"] != "" {
		t.Errorf("told %v", got)
	}

	fresh := d.create("next")
	if _, err := d.DB().NewQuery("UPDATE functions SET created = '2099-01-01 00:00:00.000Z' WHERE id = {:id}").
		Bind(map[string]any{"id": fresh.Id}).Execute(); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	d.want(fresh.Id, collections.SyncSynced, "object-3") // it is nobody else's

	if err := d.mirror.Installation.Confirm(); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	d.want(lost.Id, collections.SyncSynced, "late") // looked for, not made twice
	copies := 0
	for _, o := range p.objects {
		if o["record"] == lost.Id {
			copies++
		}
	}
	if copies != 1 || p.objects["object-1"]["name"] != "book_again" || p.objects["object-2"] != nil {
		t.Errorf("there are %v", p.objects)
	}
}

// A database that does not say whether it was restored is no restored one: the copy of
// a row that is gone is removed with the next try, not in an hour.
func TestInstallation_a_database_in_trouble_is_not_taken_for_a_restored_one(t *testing.T) {
	d, _ := setup(t)
	doomed := d.create("leave")
	d.deliver()
	d.begin()
	tx := atomic.Of(d.TestApp)
	if _, err := tx.Exec("DELETE FROM functions WHERE id = ?", doomed.Id); err != nil {
		t.Fatal(err)
	}
	owed := promise{Collection: collections.Functions, Record: doomed.Id, ProviderID: "object-1",
		Gone: doomed.PublicExport()}
	if err := d.mirror.promise(tx, owed, testkit.Acme); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("ALTER TABLE _params RENAME TO away"); err != nil {
		t.Fatal(err)
	}
	d.deliver()
	if _, err := tx.Exec("ALTER TABLE away RENAME TO _params"); err != nil {
		t.Fatal(err)
	}
	var said, next string
	if err := atomic.One(tx, "SELECT error, next_at FROM outbox WHERE status = 'pending'", nil, &said, &next); err != nil {
		t.Fatal(err)
	}
	if at, err := types.ParseDateTime(next); strings.Contains(said, (&heldBack{"the toy"}).Error()) || err != nil ||
		at.Time().Sub(d.now()) >= heldWait {
		t.Errorf("tried again at %s because of %q", next, said)
	}
}
