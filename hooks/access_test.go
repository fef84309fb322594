package hooks_test

import (
	"fmt"
	"maps"
	"slices"
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
	"tenant": {func(app core.App) { tenant.Register(app, tenant.AnswerLimits{}) }},
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
// fixtures may manage agents and read analytics, managers and agents may see
// messages, and all but the trainee may see calls.
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
		fixed: map[string]any{
			"is_active": false, "last_organization": testkit.Void, "two_factor": true, "is_service": true,
			"onboarding_completed": false,
		},
	},
	collections.Organizations: {
		see: members, create: nobody, update: chiefs, remove: nobody,
		change: map[string]any{"description": "Changed"},
		fixed: map[string]any{
			"status": "closed", "plan": "enterprise", "balance_state": "empty", "limits": map[string]any{"calls": 9},
			"member_key": "stolen", "created_by": testkit.User(testkit.AcmeViewer), "paused": true,
			"deletes_at": "2026-10-01 00:00:00.000Z",
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
		change: map[string]any{"description": "Changed"},
		fixed: map[string]any{"vapi_tool_id": "stolen", "sync_status": "pending", "sync_error": "x",
			"synced_at": "2026-10-01 00:00:00.000Z"},
		claimed: map[string]any{"vapi_tool_id": "stolen", "sync_status": "synced", "sync_error": "x",
			"synced_at": "2026-10-01 00:00:00.000Z"},
	},
	collections.PhoneNumbers: {
		row: "number", see: members, create: chiefs, update: chiefs, remove: chiefs,
		new: func(organization string, n int64) map[string]any {
			return map[string]any{
				"organization": organization, "provider": "byo", "credential_id": "trunk",
				"phone_number": fmt.Sprintf("+1202556%04d", n),
			}
		},
		change: map[string]any{"friendly_name": "Changed"},
		fixed: map[string]any{
			"vapi_phone_id": "stolen", "sync_status": "pending", "sync_error": "x", "synced_at": "2026-10-01 00:00:00.000Z",
			"provider": "byo", "created_by": testkit.User(testkit.AcmeViewer),
		},
		claimed: map[string]any{"vapi_phone_id": "stolen", "sync_status": "synced", "sync_error": "x",
			"synced_at": "2026-10-01 00:00:00.000Z"},
	},
	collections.Contacts: {
		row: "contact", see: callers, create: workers, update: workers, remove: chiefs,
		new: func(organization string, n int64) map[string]any {
			return map[string]any{"organization": organization, "phone_number": fmt.Sprintf("+1202557%04d", n)}
		},
		change: map[string]any{"name": "Changed"},
		fixed: map[string]any{
			"phone_number": "+12025559999", "phone_number_raw": "202 555 9999",
			"first_seen_at": "2026-10-01 00:00:00.000Z", "last_seen_at": "2026-10-01 00:00:00.000Z",
			"merged_into": testkit.Row(testkit.Acme, "contact"),
		},
		claimed: map[string]any{"merged_into": testkit.Row(testkit.Acme, "contact")},
	},
	collections.SavedReplies: {
		row: "reply", see: members, create: workers, update: workers, remove: workers,
		new: func(organization string, n int64) map[string]any {
			return map[string]any{"organization": organization, "shortcut": fmt.Sprint("new", n), "text": "We are closed."}
		},
		change: map[string]any{"text": "Changed"},
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
			"status": "queued", "outcome": "voicemail", "call_type": "outbound", "channel": "web",
			"caller_number":     "+12025559999",
			"caller_number_raw": "202 555 9999", "recipient_number_raw": "202 555 9998",
			"recipient_number": "+12025559999", "assistant": "", "phone_number": "", "started_at": "2026-10-01 00:00:00.000Z",
			"answered_at": "2026-10-01 00:00:00.000Z", "ended_at": "2026-10-01 00:00:00.000Z", "duration_seconds": 1,
			"cost_micros":  1,
			"ended_reason": "x", "has_recording": false, "answered": false, "missed": true, "placing": "waiting",
		},
		claimed: map[string]any{
			"vapi_call_id": "stolen", "placing": "waiting", "reported_at": "2026-10-01 00:00:00.000Z",
			"answered": true, "missed": true,
		},
	},
	collections.CallReports:      {row: "report", see: callers, change: map[string]any{"summary": "Changed"}},
	collections.Messages:         {row: "message", see: callers, change: map[string]any{"content": "Changed"}},
	collections.CallEvents:       {row: "event", see: callers, change: map[string]any{"name": "changed"}},
	collections.Recordings:       {row: "recording", see: callers, change: map[string]any{"error": "changed"}},
	collections.UsageEvents:      {row: "usage", see: analysts, change: map[string]any{"quantity": 1}},
	collections.AuditLogs:        {row: "audit", see: chiefs, change: map[string]any{"action": "changed"}},
	collections.Invitations:      {row: "invite", see: chiefs, change: map[string]any{"role": "owner"}},
	collections.SecuritySettings: {row: "security", see: chiefs, change: map[string]any{"keep_audit_days": 9}},
	collections.APIKeys: {row: "key", see: roles{"owner", "admin", "developer"},
		change: map[string]any{"role": "admin"}},
	collections.Sessions: {row: "session", see: onlySelf,
		change: map[string]any{"ended_at": "2026-10-01 00:00:00.000Z"}},
	collections.Authenticators:    {row: "totp", see: nobody, change: map[string]any{"last_step": 9}},
	collections.Wallets:           {row: "wallet", see: chiefs, change: map[string]any{"balance_minor": 9}},
	collections.LedgerEntries:     {row: "ledger", see: chiefs, change: map[string]any{"amount_minor": 9}},
	collections.Subscriptions:     {row: "plan", see: chiefs, change: map[string]any{"plan": "enterprise"}},
	collections.PrivacyRequests:   {row: "privacy", see: chiefs, change: map[string]any{"status": "done"}},
	collections.ProviderAccounts:  {row: "account", see: nobody, change: map[string]any{"name": "Changed"}},
	collections.ProviderEvents:    {row: "inbox", see: nobody, change: map[string]any{"status": "parked"}},
	collections.Outbox:            {row: "promise", see: nobody, change: map[string]any{"status": "pending"}},
	collections.AuditChains:       {row: "chain", see: nobody, change: map[string]any{"head": 9}},
	collections.StructuredOutputs: {row: "output", see: nobody, change: map[string]any{"sync_status": "failed"}},
	collections.JobRuns:           {row: "job", see: nobody, change: map[string]any{"processed": 9}},
}

// rowID is the row of a collection that belongs to an organization; empty when
// there is none.
func (a access) rowID(collection, organization string) string {
	people := map[string]string{testkit.Acme: testkit.AcmeViewer, testkit.Bolt: testkit.BoltOwner,
		testkit.Void: testkit.Nobody}
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
	case collections.Memberships, collections.Sessions:
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
	// narrowed tells that the product stands around the rules.
	narrowed bool
}

func benchOf(t *testing.T, c *core.Collection, bind []func(core.App)) *bench {
	app := testkit.New(t, bind...)
	// The matrix is about rules. That the database itself lets nobody change the
	// audit log is tested where the log is (hooks/privacy).
	if _, err := app.DB().NewQuery("DROP TRIGGER audit_logs_fixed").Execute(); err != nil {
		t.Fatal(err)
	}
	return &bench{T: t, app: app, api: testkit.API(t, app), c: c, want: matrix[c.Name],
		path: "/api/collections/" + c.Name + "/records", narrowed: len(bind) > 0}
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
