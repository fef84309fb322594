package hooks_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// The whole matrix runs twice: on the rules alone, which must be enough, and
// with what the product binds around them.
var harnesses = map[string][]func(core.App){
	"rules":  nil,
	"tenant": {tenant.Register},
}

// actor is somebody who asks, and what they are in each organization. A
// trainee is an agent without any capability.
type actor struct {
	email string
	roles map[string]string
}

var actors = []actor{
	{testkit.Guest, nil},
	{testkit.Nobody, nil},
	{testkit.AcmeOwner, map[string]string{testkit.Acme: "owner"}},
	{testkit.AcmeAdmin, map[string]string{testkit.Acme: "admin"}},
	{testkit.AcmeManager, map[string]string{testkit.Acme: "manager"}},
	{testkit.AcmeAgent, map[string]string{testkit.Acme: "agent"}},
	{testkit.AcmeViewer, map[string]string{testkit.Acme: "viewer"}},
	{testkit.AcmeDeveloper, map[string]string{testkit.Acme: "developer"}},
	{testkit.AcmeTrainee, map[string]string{testkit.Acme: "trainee"}},
	{testkit.AcmeSuspended, nil},
	{testkit.BoltOwner, map[string]string{testkit.Bolt: "owner"}},
	{testkit.Sam, map[string]string{testkit.Bolt: "owner", testkit.Acme: "viewer"}},
	{testkit.Superuser, nil},
}

var organizations = []string{testkit.Acme, testkit.Bolt, testkit.Void}

// roles is who may do something in their own organization. A manager of the
// fixtures may manage agents and read analytics, and all but the trainee may
// see calls.
type roles []string

var (
	nobody    = roles{}
	members   = roles{"owner", "admin", "manager", "agent", "viewer", "developer", "trainee"}
	callers   = roles{"owner", "admin", "manager", "agent", "viewer", "developer"}
	workers   = roles{"owner", "admin", "manager", "agent"}
	builders  = roles{"owner", "admin", "manager"}
	coders    = roles{"owner", "admin", "manager", "developer"}
	analysts  = roles{"owner", "admin", "manager"}
	chiefs    = roles{"owner", "admin"}
	onlySelf  = roles{"self"}           // the person the row is about
	orOneself = append(members, "self") // members, and the person the row is about
)

// access is what the product promises about one collection.
type access struct {
	row string // the fixtures' word for its row, see testkit.Row

	see, create, update, remove roles

	// new is a valid new row; n makes it unique. Only where clients create.
	new func(organization string, n int64) map[string]any
	// change is something a person who may update can change.
	change map[string]any
	// fixed are values nobody can give a row that is there, and claimed those
	// nobody can begin a row with.
	fixed, claimed map[string]any
}

// matrix is the expected access to every collection. A collection that is
// missing here fails the test.
var matrix = map[string]access{
	collections.Users: {
		see: onlySelf, create: nobody, update: onlySelf, remove: nobody,
		change: map[string]any{"name": "Changed"},
		fixed:  map[string]any{"is_active": false, "last_organization": testkit.Void},
	},
	collections.Organizations: {
		see: members, create: nobody, update: chiefs, remove: nobody,
		change: map[string]any{"description": "Changed"},
		fixed: map[string]any{
			"status": "closed", "plan": "enterprise", "balance_state": "empty", "limits": map[string]any{"calls": 9},
			"member_key": "stolen", "created_by": testkit.User(testkit.AcmeViewer),
		},
	},
	collections.Memberships: {
		see: orOneself, create: nobody, update: nobody, remove: nobody,
		change: map[string]any{"role": "owner"},
	},
	collections.Assistants: {
		row: "assistant", see: members, create: builders, update: builders, remove: builders,
		new: func(organization string, n int64) map[string]any {
			return map[string]any{"organization": organization, "name": fmt.Sprint("New ", n), "type": "voice"}
		},
		change: map[string]any{"first_message": "Changed"},
		fixed: map[string]any{
			"vapi_assistant_id": "stolen", "sync_status": "pending", "sync_error": "x", "synced_at": "2026-10-01 00:00:00.000Z",
			"created_by": testkit.User(testkit.AcmeViewer),
		},
		claimed: map[string]any{
			"vapi_assistant_id": "stolen", "sync_status": "synced", "sync_error": "x", "synced_at": "2026-10-01 00:00:00.000Z",
		},
	},
	collections.Functions: {
		row: "function", see: members, create: coders, update: coders, remove: coders,
		new: func(organization string, n int64) map[string]any {
			return map[string]any{"organization": organization, "name": fmt.Sprint("new_", n), "type": "http"}
		},
		change:  map[string]any{"description": "Changed"},
		fixed:   map[string]any{"vapi_tool_id": "stolen", "sync_status": "pending", "sync_error": "x", "synced_at": "2026-10-01 00:00:00.000Z"},
		claimed: map[string]any{"vapi_tool_id": "stolen", "sync_status": "synced", "sync_error": "x", "synced_at": "2026-10-01 00:00:00.000Z"},
	},
	collections.PhoneNumbers: {
		row: "number", see: members, create: chiefs, update: chiefs, remove: chiefs,
		new: func(organization string, n int64) map[string]any {
			return map[string]any{"organization": organization, "provider": "byo", "phone_number": fmt.Sprintf("+1202556%04d", n)}
		},
		change: map[string]any{"friendly_name": "Changed"},
		fixed: map[string]any{
			"vapi_phone_id": "stolen", "sync_status": "pending", "sync_error": "x", "synced_at": "2026-10-01 00:00:00.000Z",
			"provider": "byo", "created_by": testkit.User(testkit.AcmeViewer),
		},
		claimed: map[string]any{"vapi_phone_id": "stolen", "sync_status": "synced", "sync_error": "x", "synced_at": "2026-10-01 00:00:00.000Z"},
	},
	collections.Contacts: {
		row: "contact", see: callers, create: workers, update: workers, remove: chiefs,
		new: func(organization string, n int64) map[string]any {
			return map[string]any{"organization": organization, "phone_number": fmt.Sprintf("+1202557%04d", n)}
		},
		change: map[string]any{"name": "Changed"},
		fixed: map[string]any{
			"phone_number": "+12025559999", "first_seen_at": "2026-10-01 00:00:00.000Z", "last_seen_at": "2026-10-01 00:00:00.000Z",
		},
	},
	collections.Calls: {
		row: "call", see: callers, create: workers, update: workers, remove: chiefs,
		new: func(organization string, n int64) map[string]any {
			return map[string]any{"organization": organization, "call_type": "inbound", "notes": fmt.Sprint("New ", n)}
		},
		change: map[string]any{"notes": "Changed"},
		fixed: map[string]any{
			"vapi_call_id": "stolen", "created_by": testkit.User(testkit.AcmeViewer), "reported_at": "2026-10-01 00:00:00.000Z",
			// The provider knows the fixtures' call, so these are facts.
			"status": "queued", "outcome": "voicemail", "call_type": "outbound", "channel": "web", "caller_number": "+12025559999",
			"recipient_number": "+12025559999", "assistant": "", "phone_number": "", "started_at": "2026-10-01 00:00:00.000Z",
			"answered_at": "2026-10-01 00:00:00.000Z", "ended_at": "2026-10-01 00:00:00.000Z", "duration_seconds": 1, "cost_micros": 1,
			"ended_reason": "x", "has_recording": false,
		},
		claimed: map[string]any{"vapi_call_id": "stolen", "reported_at": "2026-10-01 00:00:00.000Z"},
	},
	collections.CallReports:      {row: "report", see: callers, change: map[string]any{"summary": "Changed"}},
	collections.Messages:         {row: "message", see: callers, change: map[string]any{"content": "Changed"}},
	collections.CallEvents:       {row: "event", see: callers, change: map[string]any{"name": "changed"}},
	collections.Recordings:       {row: "recording", see: callers, change: map[string]any{"error": "changed"}},
	collections.UsageEvents:      {row: "usage", see: analysts, change: map[string]any{"quantity": 1}},
	collections.AuditLogs:        {row: "audit", see: chiefs, change: map[string]any{"action": "changed"}},
	collections.ProviderAccounts: {row: "account", see: nobody, change: map[string]any{"name": "Changed"}},
	collections.ProviderEvents:   {row: "inbox", see: nobody, change: map[string]any{"status": "parked"}},
	collections.Outbox:           {row: "promise", see: nobody, change: map[string]any{"status": "pending"}},
	collections.JobRuns:          {row: "job", see: nobody, change: map[string]any{"processed": 9}},
}

// rowID is the row of a collection that belongs to an organization; empty when
// there is none.
func (a access) rowID(collection, organization string) string {
	people := map[string]string{testkit.Acme: testkit.AcmeViewer, testkit.Bolt: testkit.BoltOwner, testkit.Void: testkit.Nobody}
	switch {
	case collection == collections.Users:
		return testkit.User(people[organization])
	case collection == collections.Memberships && organization == testkit.Void:
		return "" // nobody belongs to it
	case collection == collections.Memberships:
		return testkit.UserMembership(people[organization], organization)
	case collection == collections.Organizations:
		return organization
	}
	return testkit.Row(organization, a.row)
}

// admits tells whether the actor is among the roles for a row of the
// organization that is about the person with this id.
func (r roles) admits(a actor, organization, about string) bool {
	if a.email == testkit.Superuser {
		return true
	}
	if role := a.roles[organization]; role != "" && slices.Contains(r, role) {
		return true
	}
	return slices.Contains(r, "self") && a.email != testkit.Guest && about == testkit.User(a.email)
}

// row is what matters of a row to know who may see it.
type row struct{ id, organization, about string }

// rowOf reads a row as the database has it.
func rowOf(collection string, columns map[string]any) row {
	text := func(name string) string { s, _ := columns[name].(string); return s }
	r := row{id: text("id"), organization: text("organization")}
	switch collection {
	case collections.Users:
		r.about = r.id
	case collections.Memberships:
		r.about = text("user")
	case collections.Organizations:
		r.organization = r.id
	}
	return r
}

func (a actor) maySee(collection string, r row) bool {
	return matrix[collection].see.admits(a, r.organization, r.about)
}

// refused is PocketBase's answer to a request the rule does not admit.
func refused(rule *string, otherwise int) int {
	if rule == nil {
		return 403
	}
	return otherwise
}

// stored is a row as it is in the database, to compare.
func stored(t *testing.T, app core.App, collection, id string) dbx.NullStringMap {
	t.Helper()
	found := dbx.NullStringMap{}
	if err := app.DB().Select("*").From(collection).Where(dbx.HashExp{"id": id}).One(found); err != nil {
		t.Fatalf("%s %s: %v", collection, id, err)
	}
	return found
}

// bench is one app and its mux for many requests about one collection.
type bench struct {
	*testing.T
	app  *tests.TestApp
	api  *testkit.Client
	c    *core.Collection
	want access
	path string
}

func benchOf(t *testing.T, c *core.Collection, bind []func(core.App)) *bench {
	app := testkit.New(t, bind...)
	return &bench{T: t, app: app, api: testkit.API(t, app), c: c, want: matrix[c.Name], path: "/api/collections/" + c.Name + "/records"}
}

// eachCollection runs a test on every collection with every harness.
func eachCollection(t *testing.T, test func(b *bench)) {
	for _, name := range slices.Sorted(maps.Keys(harnesses)) {
		for _, c := range collections.All() {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				test(benchOf(t, c, harnesses[name]))
			})
		}
	}
}

var serial atomic.Int64

func TestMatrix_lists_every_collection_and_no_other(t *testing.T) {
	var defined []string
	for _, c := range collections.All() {
		defined = append(defined, c.Name)
	}
	slices.Sort(defined)
	if listed := slices.Sorted(maps.Keys(matrix)); !slices.Equal(listed, defined) {
		t.Errorf("the matrix lists\n%v\nwant\n%v", listed, defined)
	}
}

func TestAccess_list_and_view(t *testing.T) {
	eachCollection(t, func(b *bench) {
		for _, a := range actors {
			for _, organization := range organizations {
				id := b.want.rowID(b.c.Name, organization)
				if id == "" {
					continue
				}
				r := row{id: id, organization: organization}
				if b.c.Name == collections.Users || b.c.Name == collections.Memberships {
					r.about = testkit.User(map[string]string{testkit.Acme: testkit.AcmeViewer, testkit.Bolt: testkit.BoltOwner, testkit.Void: testkit.Nobody}[organization])
				}
				b.list(a, organization, r)
				status := refused(b.c.ViewRule, 404)
				if a.maySee(b.c.Name, r) {
					status = 200
				}
				answer := b.api.Do("GET", b.path+"/"+id, a.email, nil).Want(status)
				if strings.Contains(string(answer.Body), testkit.SealedValue) && a.email != testkit.Superuser {
					b.Errorf("%s sees a sealed value of %s", a.email, id)
				}
			}
		}
	})
}

// list checks that the actor's list holds the row or not, and nothing else the
// actor may not see.
func (b *bench) list(a actor, organization string, r row) {
	b.Helper()
	answer := b.api.Do("GET", b.path+"?perPage=200&organization="+organization, a.email, nil)
	if answer.Status != 200 {
		forbidden := answer.Status == 403 || answer.Status == 404 || answer.Status == 401
		if !forbidden || a.maySee(b.c.Name, r) {
			b.Errorf("%s lists %s of %s: got %d: %.200s", a.email, b.c.Name, organization, answer.Status, answer.Body)
		}
		return
	}
	var list struct {
		Items []map[string]any `json:"items"`
	}
	answer.JSON(&list)
	found := false
	for _, item := range list.Items {
		got := rowOf(b.c.Name, item)
		found = found || got.id == r.id
		if !a.maySee(b.c.Name, got) {
			b.Errorf("%s lists %s %s of %s", a.email, b.c.Name, got.id, got.organization)
		}
	}
	if want := a.maySee(b.c.Name, r); found != want {
		b.Errorf("%s lists %s %s: %t, want %t", a.email, b.c.Name, r.id, found, want)
	}
	if strings.Contains(string(answer.Body), testkit.SealedValue) && a.email != testkit.Superuser {
		b.Errorf("%s sees a sealed value in a list of %s", a.email, b.c.Name)
	}
}

func TestAccess_create(t *testing.T) {
	eachCollection(t, func(b *bench) {
		for _, a := range actors {
			for _, organization := range organizations {
				body := map[string]any{"organization": organization}
				if b.want.new != nil {
					body = b.want.new(organization, serial.Add(1))
				}
				status := refused(b.c.CreateRule, 400)
				if b.want.new != nil && b.want.create.admits(a, organization, "") {
					status = 200
				} else if a.email == testkit.Superuser {
					continue // valid rows are the server's business
				}
				before, _ := b.app.CountRecords(b.c.Name)
				b.api.Do("POST", b.path, a.email, body).Want(status)
				after, _ := b.app.CountRecords(b.c.Name)
				if made := after > before; made != (status == 200) {
					b.Errorf("%s creates in %s of %s: row made: %t", a.email, b.c.Name, organization, made)
				}
			}
		}
		for field, value := range b.want.claimed {
			body := b.want.new(testkit.Acme, serial.Add(1))
			body[field] = value
			b.api.Do("POST", b.path, testkit.AcmeOwner, body).Want(400)
		}
		if b.c.Fields.GetByName("created_by") != nil && b.want.new != nil {
			body := b.want.new(testkit.Acme, serial.Add(1))
			body["created_by"] = testkit.User(testkit.AcmeViewer)
			b.api.Do("POST", b.path, testkit.AcmeOwner, body).Want(400)
			body["created_by"] = testkit.User(testkit.AcmeOwner)
			b.api.Do("POST", b.path, testkit.AcmeOwner, body).Want(200)
		}
	})
}

func TestAccess_update(t *testing.T) {
	eachCollection(t, func(b *bench) {
		for _, a := range actors {
			for _, organization := range organizations {
				id := b.want.rowID(b.c.Name, organization)
				if id == "" {
					continue
				}
				about := ""
				if b.c.Name == collections.Users {
					about = id
				}
				status := refused(b.c.UpdateRule, 404)
				if b.want.update.admits(a, organization, about) {
					status = 200
				}
				before := stored(b.T, b.app, b.c.Name, id)
				b.api.Do("PATCH", b.path+"/"+id, a.email, b.want.change).Want(status)
				after := stored(b.T, b.app, b.c.Name, id)
				for field, value := range b.want.change {
					if status == 200 && after[field].String != fmt.Sprint(value) {
						b.Errorf("%s changes %s %s: stored %q", a.email, b.c.Name, field, after[field].String)
					}
				}
				if status != 200 && !maps.Equal(before, after) {
					b.Errorf("%s was refused, but %s %s changed", a.email, b.c.Name, id)
				}
				b.restore(id, before)
			}
		}
	})
}

// restore puts a row back, so that the next actor's change is a change again.
func (b *bench) restore(id string, columns dbx.NullStringMap) {
	b.Helper()
	values := dbx.Params{}
	for field := range b.want.change {
		values[field] = columns[field].String
	}
	if _, err := b.app.DB().Update(b.c.Name, values, dbx.HashExp{"id": id}).Execute(); err != nil {
		b.Fatal(err)
	}
}

func TestAccess_fixed_fields_and_moving_to_another_organization(t *testing.T) {
	eachCollection(t, func(b *bench) {
		if b.c.UpdateRule == nil {
			return
		}
		id, who := b.want.rowID(b.c.Name, testkit.Acme), testkit.AcmeOwner
		if b.c.Name == collections.Users {
			who = testkit.AcmeViewer
		}
		before := stored(b.T, b.app, b.c.Name, id)
		for field, value := range b.want.fixed {
			b.api.Do("PATCH", b.path+"/"+id, who, map[string]any{field: value}).Want(404)
		}
		if collections.Tenant(b.c) {
			bolts := b.want.rowID(b.c.Name, testkit.Bolt)
			boltBefore := stored(b.T, b.app, b.c.Name, bolts)
			for _, to := range []string{testkit.Bolt, testkit.Void, ""} {
				b.api.Do("PATCH", b.path+"/"+id, testkit.AcmeOwner, map[string]any{"organization": to}).Want(404)
			}
			// Sam owns Bolt and only looks at Acme.
			b.api.Do("PATCH", b.path+"/"+bolts, testkit.Sam, map[string]any{"organization": testkit.Acme}).Want(404)
			b.api.Do("PATCH", b.path+"/"+id, testkit.Sam, map[string]any{"organization": testkit.Bolt}).Want(404)
			if !maps.Equal(boltBefore, stored(b.T, b.app, b.c.Name, bolts)) {
				b.Errorf("%s %s changed", b.c.Name, bolts)
			}
		}
		if !maps.Equal(before, stored(b.T, b.app, b.c.Name, id)) {
			b.Errorf("%s %s changed", b.c.Name, id)
		}
	})
}

func TestAccess_delete(t *testing.T) {
	eachCollection(t, func(b *bench) {
		for _, a := range actors {
			if a.email == testkit.Superuser {
				continue // may delete whatever PocketBase allows
			}
			for _, organization := range organizations {
				id := b.want.rowID(b.c.Name, organization)
				if id == "" {
					continue
				}
				status := refused(b.c.DeleteRule, 404)
				if b.want.remove.admits(a, organization, "") {
					status = 204
					id = b.victim(organization)
				}
				b.api.Do("DELETE", b.path+"/"+id, a.email, nil).Want(status)
				left, err := b.app.CountRecords(b.c.Name, dbx.HashExp{"id": id})
				if err != nil {
					b.Fatal(err)
				}
				if gone := left == 0; gone != (status == 204) {
					b.Errorf("%s deletes %s %s: gone: %t", a.email, b.c.Name, id, gone)
				}
			}
		}
	})
}

// victim saves a row that can be deleted.
func (b *bench) victim(organization string) string {
	b.Helper()
	r := core.NewRecord(b.appCollection())
	for field, value := range b.want.new(organization, serial.Add(1)) {
		r.Set(field, value)
	}
	if err := b.app.Save(r); err != nil {
		b.Fatal(err)
	}
	return r.Id
}

func (b *bench) appCollection() *core.Collection {
	b.Helper()
	c, err := b.app.FindCollectionByNameOrId(b.c.Name)
	if err != nil {
		b.Fatal(err)
	}
	return c
}
