package mirror

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

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
	r := d.create("book")
	d.deliver()
	ours := d.ours()
	p.objects["second"] = map[string]any{"record": r.Id, "organization": testkit.Acme, "installation": ours}
	p.objects["young"] = map[string]any{"record": r.Id, "organization": testkit.Acme, "installation": ours,
		"age": time.Minute}
	p.objects["unmarked"] = map[string]any{"record": r.Id, "organization": testkit.Acme}
	p.objects["foreign"] = map[string]any{"record": r.Id, "organization": testkit.Acme, "installation": "another"}
	p.objects["moved"] = map[string]any{"record": r.Id, "organization": testkit.Bolt, "installation": ours}
	p.objects["gone"] = map[string]any{"record": "nobodyknowsthis", "installation": ours}
	p.objects["somebody's"] = map[string]any{}
	want := map[string]string{
		"unmarked": StrayUnknown, "foreign": StrayElsewhere, "moved": StrayOrganization, "gone": StrayRowGone,
		"second": StraySecond,
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
	for id, problem := range map[string]error{"gone": nil, "object-1": ErrNotStray, "somebody's": ErrNotStray,
		"young": ErrNotStray} {
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
			d.mirror.kinds[collections.Functions].Keep = true
		},
		"the row is being deleted": func(d *desk, _ *provider) {
			if _, err := d.DB().NewQuery("UPDATE functions SET sync_status = 'deleting' WHERE name = 'book'").
				Execute(); err != nil {
				d.t.Fatal(err)
			}
		},
		"after a restore": func(d *desk, _ *provider) {
			i, err := d.mirror.Installation.read()
			i.Restored = d.now().Add(-6 * 24 * time.Hour)
			if err != nil || d.mirror.Installation.write(i) != nil {
				d.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, p := setup(t)
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
