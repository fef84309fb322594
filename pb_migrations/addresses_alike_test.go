package pb_migrations

import (
	"strings"
	"testing"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"
)

// older is an app with the tables as they were: addresses letter by letter.
func older(t *testing.T, addresses map[string]string) core.App {
	t.Helper()
	app, err := tests.NewTestAppWithConfig(core.BaseAppConfig{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Cleanup)
	if _, err := app.DB().NewQuery("DROP INDEX idx_email__pb_users_auth_").Execute(); err != nil {
		t.Fatal(err)
	}
	for id, email := range addresses {
		for _, sql := range []string{
			"INSERT INTO users (id, email, tokenKey, password, created) VALUES ({:id}, {:email}, {:id}, '', '2026-01-02 00:00:00.000Z')",
			"INSERT INTO memberships (id, email, created, organization, [[user]]) VALUES ({:id}, {:email}, '', {:id}, {:id})",
		} {
			if _, err := app.DB().NewQuery(sql).Bind(dbx.Params{"id": id, "email": email}).Execute(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return app
}

func emailsOf(t *testing.T, app core.App, table string) map[string]string {
	t.Helper()
	rows, err := addressesIn(app, table)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, r := range rows {
		all[r.ID] = r.Email
	}
	return all
}

func TestAddresses_get_one_spelling(t *testing.T) {
	app := older(t, map[string]string{
		"one": "Ann.Owner@Example.com", "two": "bo@example.com", "three": " carl@example.com\u200b",
		"four": "Dora@BÜCHER.example",
		"five": "\u212aim@example.com", "six": "kim@example.com", "seven": "e\u0301va@x.test",
	})
	if err := app.RunInTransaction(addressesAlike); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"one": "ann.owner@example.com", "two": "bo@example.com", "three": "carl@example.com",
		"four": "dora@xn--bcher-kva.example",
		"five": "\u212aim@example.com", "six": "kim@example.com", "seven": "éva@x.test",
	}
	for _, table := range []string{"users", "memberships"} {
		got := emailsOf(t, app, table)
		for id, email := range want {
			if got[id] != email {
				t.Errorf("%s %s: got %q, want %q", table, id, got[id], email)
			}
		}
	}
}

func TestAddresses_that_become_the_same_stop_the_step_and_are_named(t *testing.T) {
	before := map[string]string{"one": "Ann@example.com", "two": "ann@Example.com", "three": "Bo@example.com",
		"four": "eve@x.test", "five": "EVE@x.test"}
	app := older(t, before)
	err := app.RunInTransaction(addressesAlike)
	if err == nil {
		t.Fatal("two accounts of one address were let through")
	}
	for _, word := range []string{"one (written Ann@example.com", "two (written ann@Example.com", "four",
		"five", "pocketline security address --user"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
	if strings.Contains(err.Error(), "three") {
		t.Errorf("an account without a twin is named: %v", err)
	}
	for id, email := range emailsOf(t, app, "users") {
		if before[id] != email {
			t.Errorf("%s became %q", id, email)
		}
	}
}

// olderOperators makes operators' accounts as they were stored before addresses had one
// spelling, and a collection of accounts that an operator added.
func olderOperators(t *testing.T, app core.App, addresses map[string]string) {
	t.Helper()
	if err := app.Save(core.NewAuthCollection("guests")); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{core.CollectionNameSuperusers, "guests"} {
		for id, email := range addresses {
			_, err := app.DB().NewQuery("INSERT INTO {{" + table +
				"}} (id, email, tokenKey, password) VALUES ({:id}, {:email}, {:id}, '')").
				Bind(dbx.Params{"id": id, "email": email}).Execute()
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAddresses_of_every_collection_of_accounts_get_one_spelling(t *testing.T) {
	app := older(t, nil)
	olderOperators(t, app, map[string]string{"one": "Root@Example.COM", "two": "root2@example.com"})
	if err := app.RunInTransaction(everyAddressAlike); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{core.CollectionNameSuperusers, "guests"} {
		if got := emailsOf(t, app, table); got["one"] != "root@example.com" || got["two"] != "root2@example.com" {
			t.Errorf("%s: got %v", table, got)
		}
	}
}

func TestAddresses_of_operators_that_become_the_same_stop_the_step_and_are_named(t *testing.T) {
	app := older(t, nil)
	before := map[string]string{"one": "Root@example.com", "two": "root@example.com", "three": "Other@example.com"}
	olderOperators(t, app, before)
	err := app.RunInTransaction(everyAddressAlike)
	if err == nil {
		t.Fatal("two operators of one address were let through")
	}
	for _, word := range []string{"_superusers: ", "guests: ", "one (written Root@example.com",
		"two (written root@example.com", "pocketline superuser delete"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
	for id, email := range emailsOf(t, app, core.CollectionNameSuperusers) {
		if known := before[id]; known != "" && known != email {
			t.Errorf("%s became %q", id, email)
		}
	}
}
