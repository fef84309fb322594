package tenant_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestRows_stay_inside_their_organization(t *testing.T) {
	d := serve(t, register)
	tests := []struct {
		name, person, method, path string
		body                       map[string]any
		status                     int
		says                       string
	}{
		{"a relation to a foreign row", testkit.AcmeOwner, "POST", "calls/records",
			map[string]any{"organization": testkit.Acme, "call_type": "inbound", "assistant": testkit.BoltAssistant},
			400, "assistant"},
		{"one foreign row among own ones", testkit.AcmeOwner, "PATCH", "assistants/records/" + testkit.AcmeAssistant,
			map[string]any{"functions": []string{testkit.AcmeFunction, testkit.BoltFunction}}, 400, "functions"},
		{"a foreign row is not told from a missing one", testkit.AcmeOwner, "POST", "calls/records",
			map[string]any{"organization": testkit.Acme, "call_type": "inbound", "assistant": "nothing00000000"},
			400, "assistant"},
		{"a move to the other organization", testkit.Sam, "PATCH", "assistants/records/" + testkit.BoltAssistant,
			map[string]any{"organization": testkit.Acme}, 404, ""},
		{"not even a superuser moves a row", testkit.Superuser, "PATCH", "assistants/records/" + testkit.AcmeAssistant,
			map[string]any{"organization": testkit.Bolt}, 400, "organization"},
		{"nor links a foreign one", testkit.Superuser, "PATCH", "phone_numbers/records/" + testkit.AcmeNumber,
			map[string]any{"assistant": testkit.BoltAssistant}, 400, "assistant"},
		{"a creator from elsewhere", testkit.Superuser, "PATCH", "calls/records/" + testkit.AcmeCall,
			map[string]any{"created_by": testkit.User(testkit.BoltOwner)}, 400, "created_by"},
		{"rows of the same organization", testkit.AcmeOwner, "POST", "calls/records",
			map[string]any{"organization": testkit.Acme, "call_type": "inbound", "assistant": testkit.AcmeAssistant}, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := d.ask(t, tt.person, tt.method, "/api/collections/"+tt.path, tt.body, nil)
			if status != tt.status || !strings.Contains(string(body), tt.says) {
				t.Errorf("got %d %s, want %d with %q", status, body, tt.status, tt.says)
			}
		})
	}
	for _, id := range []string{testkit.AcmeAssistant, testkit.BoltAssistant} {
		row, err := d.app.FindRecordById(collections.Assistants, id)
		if err != nil || row.GetString("organization")[:4] != id[:4] {
			t.Errorf("%s moved: %v", id, err)
		}
	}
}

func TestCreate_ignores_the_id_a_client_names_and_notes_the_creator(t *testing.T) {
	d := serve(t, register)
	before := collections.NewID(time.Now())
	_, body := d.ask(t, testkit.AcmeAgent, "POST", "/api/collections/calls/records", map[string]any{
		"id": testkit.BoltCall, "organization": testkit.Acme, "call_type": "outbound",
	}, nil)
	var got struct{ ID, Created_by string }
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID <= before || len(got.ID) != 15 {
		t.Errorf("got id %q, want one made now (after %q): %s", got.ID, before, body)
	}
	if got.Created_by != testkit.User(testkit.AcmeAgent) {
		t.Errorf("got creator %q, want the caller", got.Created_by)
	}
}

func TestUpdate_writes_only_what_changed(t *testing.T) {
	d := serve(t, register, func(app core.App) {
		app.OnRecordUpdateRequest(collections.Assistants).BindFunc(func(e *core.RecordRequestEvent) error {
			// Somebody else saves another field after this request read the row.
			if _, err := e.App.NonconcurrentDB().NewQuery("UPDATE assistants SET description='theirs' WHERE id='" +
				e.Record.Id + "'").Execute(); err != nil {
				return err
			}
			return e.Next()
		})
	})
	status, body := d.ask(t, testkit.AcmeOwner, "PATCH", "/api/collections/assistants/records/"+testkit.AcmeAssistant,
		map[string]any{"name": "Mine"}, nil)
	if status != 200 {
		t.Fatalf("got %d %s", status, body)
	}
	row, err := d.app.FindRecordById(collections.Assistants, testkit.AcmeAssistant)
	if err != nil {
		t.Fatal(err)
	}
	if row.GetString("name") != "Mine" || row.GetString("description") != "theirs" {
		t.Errorf("got %q and %q, want both changes", row.GetString("name"), row.GetString("description"))
	}
}

func TestMemory_follows_changes_at_once(t *testing.T) {
	d := serve(t, withWho)
	role := func() (int, string) {
		status, body := d.ask(t, testkit.AcmeViewer, "GET", "/who", nil, nil)
		var got who
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		return status, got.Role
	}
	if status, got := role(); status != 200 || got != collections.Viewer {
		t.Fatalf("got %d %s, want a viewer", status, got)
	}
	change := func(collection, id, field string, value any) {
		t.Helper()
		row, err := d.app.FindRecordById(collection, id)
		if err != nil {
			t.Fatal(err)
		}
		row.Set(field, value)
		if err := d.app.Save(row); err != nil {
			t.Fatal(err)
		}
	}
	membership := testkit.UserMembership(testkit.AcmeViewer, testkit.Acme)
	change(collections.Memberships, membership, "role", collections.Admin)
	if status, got := role(); status != 200 || got != collections.Admin {
		t.Errorf("after the promotion: got %d %s, want admin", status, got)
	}
	change(collections.Memberships, membership, "status", collections.MembershipSuspended)
	if status, _ := role(); status != 403 {
		t.Errorf("after the suspension: got %d, want 403", status)
	}
	change(collections.Memberships, membership, "status", collections.MembershipActive)
	change(collections.Users, testkit.User(testkit.AcmeViewer), "is_active", false)
	if status, _ := role(); status != 401 {
		t.Errorf("after the deactivation: got %d, want 401", status)
	}
	change(collections.Users, testkit.User(testkit.AcmeViewer), "is_active", true)
	if status, _ := role(); status != 200 {
		t.Errorf("after the reactivation: got %d, want 200", status)
	}
	user, err := d.app.FindRecordById(collections.Users, testkit.User(testkit.AcmeViewer))
	if err != nil {
		t.Fatal(err)
	}
	user.RefreshTokenKey()
	if err := d.app.Save(user); err != nil {
		t.Fatal(err)
	}
	if status, _ := role(); status != 401 {
		t.Errorf("after the token key changed: got %d, want 401", status)
	}
}

func TestMembershipOf_does_not_believe_an_open_transaction(t *testing.T) {
	app := testkit.New(t, register)
	user := testkit.User(testkit.Nobody)
	if tenant.MembershipOf(app, user, testkit.Acme) != nil {
		t.Fatal("Nobody is a member")
	}
	undo := app.RunInTransaction(func(tx core.App) error {
		c, err := tx.FindCachedCollectionByNameOrId(collections.Memberships)
		if err != nil {
			return err
		}
		m := core.NewRecord(c)
		m.Load(map[string]any{"organization": testkit.Acme, "user": user, "role": collections.Owner,
			"status": collections.MembershipActive})
		if err := tx.Save(m); err != nil {
			return err
		}
		if tenant.MembershipOf(tx, user, testkit.Acme) == nil {
			t.Error("the transaction does not see its own row")
		}
		return errUndo
	})
	if undo != errUndo {
		t.Fatal(undo)
	}
	if tenant.MembershipOf(app, user, testkit.Acme) != nil {
		t.Error("a membership that was rolled back is remembered")
	}
}

func TestRequire_refuses_small_roles(t *testing.T) {
	d := serve(t, withWho)
	for person, want := range map[string]int{
		testkit.Guest: 401, testkit.Nobody: 403, testkit.AcmeViewer: 403, testkit.AcmeManager: 403,
		testkit.AcmeAdmin: 204, testkit.AcmeOwner: 204, testkit.Superuser: 400,
	} {
		if got, body := d.ask(t, person, "GET", "/admins", nil, nil); got != want {
			t.Errorf("%q: got %d %s, want %d", person, got, body, want)
		}
	}
	if got, body := d.ask(t, testkit.Superuser, "GET", "/admins?organization="+testkit.Bolt, nil, nil); got != 204 {
		t.Errorf("a superuser who names one: got %d %s, want 204", got, body)
	}
}

func BenchmarkOf(b *testing.B) {
	d := serve(b, withWho)
	for b.Loop() {
		if status, body := d.ask(b, testkit.AcmeViewer, "GET", "/who", nil, nil); status != 200 {
			b.Fatal(status, string(body))
		}
	}
}
