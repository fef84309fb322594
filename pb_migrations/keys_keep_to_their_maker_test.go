package pb_migrations

import (
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
)

func TestKeys_that_have_more_than_their_maker_end(t *testing.T) {
	app, err := tests.NewTestAppWithConfig(core.BaseAppConfig{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Cleanup)
	insert := func(table string, row dbx.Params) {
		t.Helper()
		if _, err := app.DB().Insert(table, row).Execute(); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	person := func(id string, active, service bool) {
		insert("users", dbx.Params{"id": id, "email": id + "@x.test", "tokenKey": id, "password": "", "is_active": active,
			"is_service": service})
	}
	belongs := func(user, role, status string, sees bool) {
		insert("memberships", dbx.Params{"id": "m" + user, "organization": "o", "user": user, "role": role,
			"status": status, "can_view_calls": sees})
	}
	want := map[string]bool{} // by key: whether it is kept
	for _, k := range []struct {
		name, role, maker, status string // the key's role, its maker's role and state
		makerSees, makerActive    bool
		revoked                   string
		kept                      bool
	}{
		{"admins", "admin", "owner", "active", true, true, "", true},
		{"equal", "developer", "developer", "active", true, true, "", true},
		{"less", "viewer", "agent", "active", true, true, "", true},
		{"demoted", "admin", "viewer", "active", true, true, "", false},
		{"blind", "viewer", "agent", "active", false, true, "", false},
		{"suspended", "viewer", "admin", "suspended", true, true, "", false},
		{"deactivated", "viewer", "admin", "active", true, false, "", false},
		{"gone", "viewer", "", "", false, true, "", false},
		{"revoked", "viewer", "owner", "active", true, true, "2026-01-02 00:00:00.000Z", false},
	} {
		want[k.name] = k.kept
		person("by"+k.name, k.makerActive, false)
		person("as"+k.name, true, true)
		if k.maker != "" {
			belongs("by"+k.name, k.maker, k.status, k.makerSees)
		}
		belongs("as"+k.name, k.role, "active", true)
		insert("api_keys", dbx.Params{
			"id": k.name, "organization": "o", "name": k.name, "role": k.role, "hash": k.name, "acts_as": "as" + k.name,
			"created_by": "by" + k.name, "revoked_at": k.revoked,
		})
	}
	if err := app.RunInTransaction(keysKeepToTheirMaker); err != nil {
		t.Fatal(err)
	}
	for name, kept := range want {
		var open, member, active int
		for query, n := range map[string]*int{
			"SELECT count(*) FROM api_keys WHERE revoked_at = '' AND id = {:id}":                  &open,
			"SELECT count(*) FROM memberships WHERE user = 'as' || {:id}":                         &member,
			"SELECT count(*) FROM users WHERE is_active AND tokenKey = id AND id = 'as' || {:id}": &active,
		} {
			if err := app.DB().NewQuery(query).Bind(dbx.Params{"id": name}).Row(n); err != nil {
				t.Fatal(err)
			}
		}
		if kept != (open == 1) || kept != (member == 1) || kept != (active == 1) {
			t.Errorf("%s: kept %t, want %t (member %d, account %d)", name, open == 1, kept, member, active)
		}
		var maker int
		if err := app.DB().NewQuery("SELECT count(*) FROM users WHERE tokenKey = id AND id = 'by' || {:id}").
			Bind(dbx.Params{"id": name}).Row(&maker); err != nil || maker != 1 {
			t.Errorf("%s: its maker's account changed (%v)", name, err)
		}
	}
}
