package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// listing makes the stand-in tell what it has, each object an hour old unless it
// says how old it is.
func (d *desk) listing(p *provider) {
	r := d.mirror.resources[collections.Functions]
	r.List = func(context.Context) (all []Object, err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(p.objects)) {
			o := p.objects[id]
			age, young := o["age"].(time.Duration)
			if !young {
				age = time.Hour
			}
			raw, err := json.Marshal(map[string]any{"metadata": map[string]any{
				"recordId": o["record"], "organizationId": o["organization"], "installationId": o["installation"],
			}})
			if err != nil {
				return nil, err
			}
			all = append(all, Object{ID: id, Name: id, Created: d.now().Add(-age), Raw: raw})
		}
		return all, nil
	}
	r.Price = func(Object) string { return "dear" }
	d.mirror.resources[collections.Functions] = r
}

// ours is this installation's id.
func (d *desk) ours() string {
	d.t.Helper()
	id, err := d.mirror.InstallationID()
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

func (d *desk) sweep() int {
	d.t.Helper()
	n, err := d.mirror.Sweep(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// strays are the ids of what no row names, with why.
func (d *desk) strays() map[string]string {
	d.t.Helper()
	list, err := d.mirror.Strays(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	found := map[string]string{}
	for _, s := range list {
		found[s.ID] = s.Reason
		if s.Price != "dear" || s.Name != s.ID || s.Created.IsZero() {
			d.t.Errorf("told %+v", s)
		}
	}
	return found
}

func TestSweep_removes_second_copies_of_living_rows_and_tells_the_rest(t *testing.T) {
	d, p := setup(t)
	d.listing(p)
	r := d.create("book")
	d.deliver()
	ours := d.ours()
	p.objects["second"] = map[string]any{"record": r.Id, "organization": testkit.Acme, "installation": ours}
	p.objects["young"] = map[string]any{"record": r.Id, "organization": testkit.Acme, "installation": ours, "age": time.Minute}
	p.objects["unmarked"] = map[string]any{"record": r.Id, "organization": testkit.Acme}
	p.objects["foreign"] = map[string]any{"record": r.Id, "organization": testkit.Acme, "installation": "another"}
	p.objects["moved"] = map[string]any{"record": r.Id, "organization": testkit.Bolt, "installation": ours}
	p.objects["gone"] = map[string]any{"record": "nobodyknowsthis", "installation": ours}
	p.objects["somebody's"] = map[string]any{}
	want := map[string]string{
		"unmarked": StrayUnknown, "foreign": StrayElsewhere, "moved": StrayOrganization, "gone": StrayRowGone, "second": StraySecond,
	}
	if got := d.strays(); !maps.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	if d.sweep(); p.objects["second"] != nil || len(p.objects) != 7 {
		t.Errorf("left %v", slices.Sorted(maps.Keys(p.objects)))
	}
	delete(want, "second")
	if got := d.strays(); !maps.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}

	// A person removes what is told, and nothing else.
	for id, problem := range map[string]error{"gone": nil, "object-1": ErrNotStray, "somebody's": ErrNotStray, "young": ErrNotStray} {
		if err := d.mirror.RemoveStray(t.Context(), collections.Functions, id); !errors.Is(err, problem) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if p.objects["gone"] != nil || len(p.objects) != 6 {
		t.Errorf("left %v", slices.Sorted(maps.Keys(p.objects)))
	}
}

func TestSweep_keeps_second_copies_whose_first_is_not_there_or_that_people_ring(t *testing.T) {
	for name, change := range map[string]func(*desk, *provider){
		"the first is gone": func(_ *desk, p *provider) { delete(p.objects, "object-1") },
		"numbers": func(d *desk, _ *provider) {
			r := d.mirror.resources[collections.Functions]
			r.Keep = true
			d.mirror.resources[collections.Functions] = r
		},
		"the row is being deleted": func(d *desk, _ *provider) {
			if _, err := d.DB().NewQuery("UPDATE functions SET sync_status = 'deleting' WHERE name = 'book'").Execute(); err != nil {
				d.t.Fatal(err)
			}
		},
		"after a restore": func(d *desk, _ *provider) {
			i, err := d.mirror.readInstallation()
			i.Restored = d.now().Add(-6 * 24 * time.Hour)
			if err != nil || d.mirror.writeInstallation(i) != nil {
				d.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, p := setup(t)
			d.listing(p)
			r := d.create("book")
			d.deliver()
			p.objects["second"] = map[string]any{"record": r.Id, "organization": testkit.Acme, "installation": d.ours()}
			change(d, p)
			d.sweep()
			if p.objects["second"] == nil {
				t.Error("the second copy was removed")
			}
			if got := d.strays(); got["second"] != StraySecond {
				t.Errorf("told %v", got)
			}
		})
	}
}

func TestSweep_makes_copies_again_that_the_provider_lost(t *testing.T) {
	d, p := setup(t)
	d.listing(p)
	r := d.create("book")
	d.deliver()
	delete(p.objects, "object-1")
	d.sweep()
	d.want(r.Id, collections.SyncSynced, "object-1") // made a moment ago: the list may be older
	if _, err := d.DB().NewQuery("UPDATE functions SET synced_at = '2020-01-01 00:00:00.000Z' WHERE id = {:id}").
		Bind(map[string]any{"id": r.Id}).Execute(); err != nil {
		t.Fatal(err)
	}
	d.sweep()
	d.want(r.Id, collections.SyncPending, "object-1")
	d.deliver()
	r = d.read(r.Id)
	if id := r.GetString("vapi_tool_id"); id == "object-1" || p.objects[id]["record"] != r.Id {
		t.Errorf("row is %s with copy %s", r.GetString("sync_status"), id)
	}
}

func TestInstallation_notices_a_restored_database(t *testing.T) {
	d, _ := setup(t)
	restored := func(want bool) {
		t.Helper()
		if err := d.mirror.begin(); err != nil {
			t.Fatal(err)
		}
		if got, err := d.mirror.restored(); err != nil || got != want {
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
	if err := d.mirror.Confirm(); err != nil {
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
	if err := d.mirror.Confirm(); err != nil {
		t.Fatal(err)
	}
	d.later(afterRestore + time.Hour)
	i, err := d.mirror.readInstallation()
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

func TestMarkOf_reads_metadata_and_headers(t *testing.T) {
	want := Mark{"r", "o", "i"}
	headers, err := json.Marshal(map[string]any{"server": map[string]any{"headers": want.Headers()}})
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := json.Marshal(map[string]any{"metadata": want.Metadata()})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range [][]byte{headers, metadata} {
		if got := MarkOf(raw); got != want {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}

func TestInstallation_restored_leaves_alone_what_was_there_until_confirmed(t *testing.T) {
	d, p := setup(t)
	d.listing(p)
	old, doomed := d.create("book"), d.create("leave")
	d.deliver()
	if err := d.mirror.begin(); err != nil {
		t.Fatal(err)
	}
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
	if err := d.mirror.begin(); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(d.read(doomed.Id)); err != nil {
		t.Fatal(err)
	}
	d.later(2 * heldWait)
	untouched("the server")
	if got := d.read(old.Id); got.GetString("sync_error") != errHeld.Error() {
		t.Errorf("the row says %q", got.GetString("sync_error"))
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

	if err := d.mirror.Confirm(); err != nil {
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
