package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
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
	return Judgement{Undone: errors.Is(err, errUnsent)}
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

func desired(r *core.Record, _ Mark) (any, error) {
	d := map[string]any{"record": r.Id, "name": r.GetString("name")}
	if text := r.GetString("description"); text != "" {
		d["description"] = text
	}
	return d, nil
}

func (p *provider) create(_ context.Context, r *core.Record, keys map[string]any) (id string, err error) {
	p.mu.Lock()
	p.creating = r.Id
	p.mu.Unlock()
	err = p.do("create", func() error {
		p.created++
		id = fmt.Sprint("object-", p.created)
		p.objects[id] = plain(keys)
		if p.made != nil {
			p.made()
		}
		return nil
	})
	r.Set("code", "seen by the provider") // something the answer brings
	return id, err
}

func (p *provider) update(_ context.Context, r *core.Record, c Change) error {
	return p.do("patch "+strings.Join(slices.Sorted(maps.Keys(c.Keys)), ","), func() error {
		object := p.objects[c.ID]
		if object == nil {
			return errMissing
		}
		maps.Copy(object, plain(c.Keys))
		maps.DeleteFunc(object, func(_ string, value any) bool { return value == nil })
		return nil
	})
}

// plain are keys as they arrive.
func plain(keys map[string]any) (arrived map[string]any) {
	raw, err := json.Marshal(keys)
	if err == nil {
		err = json.Unmarshal(raw, &arrived)
	}
	if err != nil {
		panic(err)
	}
	return arrived
}

// list tells what there is, each object an hour old unless it says how old it is.
func (p *provider) list(now func() time.Time) func(context.Context, time.Time) iter.Seq2[Object, error] {
	return func(_ context.Context, since time.Time) iter.Seq2[Object, error] {
		var all []Object
		look := func() error {
			for _, id := range slices.Sorted(maps.Keys(p.objects)) {
				o := p.objects[id]
				age, young := o["age"].(time.Duration)
				if !young {
					age = time.Hour
				}
				word := func(name string) string { text, _ := o[name].(string); return text }
				all = append(all, Object{ID: id, Name: id, Created: now().Add(-age), Price: "dear",
					Mark: Mark{word("record"), word("organization"), word("installation")}})
			}
			return nil
		}
		var err error
		if since.IsZero() { // the sweep's, which nothing disturbs
			p.mu.Lock()
			err = look()
			p.mu.Unlock()
		} else {
			err = p.do("find", look)
		}
		return func(yield func(Object, error) bool) {
			if err != nil {
				yield(Object{}, err)
				return
			}
			for _, o := range all {
				if !yield(o, nil) {
					return
				}
			}
		}
	}
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

	scheduler *schedule.Scheduler // made by jobs

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
	d.mirror = New(app, d.outbox, WithClock(d.now))
	d.mirror.Add(Copy{
		Provider:   Provider{Called: "the toy", Judge: judge},
		Collection: collections.Functions, IDField: "vapi_tool_id", Fields: []string{"name", "description", "parameters"},
		Desired: desired, Clear: []string{"name", "description"},
		Create: p.create, Update: p.update, Delete: p.delete, List: p.list(d.now),
		Skip: func(r *core.Record) bool { return r.GetBool("async") }, // a column to tell them apart by
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
		d.t.Errorf("row is %q with copy %q, want %q with %q (%s)", r.GetString("sync_status"), r.GetString("vapi_tool_id"),
			status, providerID,
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

// doom marks a row as one to be deleted, as the request does.
func (d *desk) doom(id string) {
	d.t.Helper()
	r := d.read(id)
	r.Set("sync_status", collections.SyncDeleting)
	r.Set("sync_error", "")
	if err := d.mirror.save(d, r); err != nil {
		d.t.Fatal(err)
	}
	owed := promise{Collection: collections.Functions, Record: id}
	if err := d.mirror.promise(atomic.Of(d), owed, testkit.Acme); err != nil {
		d.t.Fatal(err)
	}
}

// ours is this installation's id.
func (d *desk) ours() string {
	d.t.Helper()
	id, err := d.mirror.Installation.ID()
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// jobs are the mirror's.
func (d *desk) jobs() *schedule.Scheduler {
	if d.scheduler == nil {
		d.scheduler = schedule.New(d.TestApp)
		d.mirror.Schedule(d.scheduler)
	}
	return d.scheduler
}
