package audit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func bind(app core.App) {
	tenant.Register(app, tenant.AnswerLimits{})
	audit.Register(app)
}

// log are the entries with this action, newest first.
func log(t *testing.T, app core.App, action string) []*core.Record {
	t.Helper()
	rows, err := app.FindRecordsByFilter(collections.AuditLogs, "action = {:a}", "-id", 0, 0, map[string]any{"a": action})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestWrites_by_people_are_written_down(t *testing.T) {
	app := testkit.New(t, bind)
	api := testkit.API(t, app)
	path := "/api/collections/assistants/records"
	api.Do("PATCH", path+"/"+testkit.AcmeAssistant, testkit.AcmeOwner,
		map[string]any{"name": "New name", "system_prompt": strings.Repeat("x", 5000)}).Want(200)
	rows := log(t, app, "assistants.update")
	if len(rows) != 1 {
		t.Fatalf("got %d entries, want 1", len(rows))
	}
	row := rows[0]
	for field, want := range map[string]string{
		"organization": testkit.Acme, "user": testkit.User(testkit.AcmeOwner), "actor_type": audit.ActorUser,
		"actor_name": "Ada Owner",
		"resource":   collections.Assistants, "record": testkit.AcmeAssistant,
	} {
		if got := row.GetString(field); got != want {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
	var details map[string]audit.Change
	if err := row.UnmarshalJSONField("details", &details); err != nil {
		t.Fatal(err)
	}
	if details["name"] != (audit.Change{Before: "Front desk acme", After: "New name"}) {
		t.Errorf("name: got %+v", details["name"])
	}
	if after, _ := details["system_prompt"].After.(string); len([]rune(after)) != 500 {
		t.Errorf("the prompt is kept with %d characters, want 500", len([]rune(after)))
	}
	if _, noisy := details["updated"]; noisy || len(details) != 2 {
		t.Errorf("got %v, want two fields", details)
	}
	if row.GetString("ip_address") == "" {
		t.Error("no address")
	}
	api.Do("PATCH", path+"/"+testkit.AcmeAssistant, testkit.AcmeOwner, map[string]any{"name": "New name"}).Want(200)
	if n := len(log(t, app, "assistants.update")); n != 1 {
		t.Errorf("a save that changed nothing: got %d entries, want still 1", n)
	}
	api.Do("DELETE", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeAdmin, nil).Want(204)
	if n := len(log(t, app, "contacts.delete")); n != 1 {
		t.Errorf("delete: got %d entries, want 1", n)
	}
}

func TestSecrets_stay_out(t *testing.T) {
	app := testkit.New(t, bind)
	api := testkit.API(t, app)
	const marker = "marker-secret-value"
	api.Do("PATCH", "/api/collections/phone_numbers/records/"+testkit.AcmeNumber, testkit.Superuser,
		map[string]any{"twilio_auth_token": marker}).Want(200)
	api.Do("PATCH", "/api/collections/users/records/"+testkit.User(testkit.AcmeAgent), testkit.AcmeAgent, map[string]any{
		"oldPassword": testkit.Password, "password": marker, "passwordConfirm": marker,
	}).Want(200)
	api.Do("POST", "/api/collections/users/auth-with-password", testkit.Guest,
		map[string]string{"identity": testkit.AcmeOwner, "password": marker}).Want(400)
	var n int
	if err := app.DB().NewQuery("SELECT count(*) FROM audit_logs WHERE details LIKE '%" + marker +
		"%'").Row(&n); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("%d entries hold a secret", n)
	}
	if rows := log(t, app, "phone_numbers.update"); len(rows) != 1 ||
		!strings.Contains(rows[0].GetString("details"), "twilio_auth_token") {
		t.Errorf("the change of the secret itself is not written down: %v", rows)
	}
	if rows := log(t, app, "users.update"); len(rows) != 1 || !strings.Contains(rows[0].GetString("details"), "password") {
		t.Errorf("the change of the password is not written down: %v", rows)
	}
}

func TestSignIns_are_written_down(t *testing.T) {
	app := testkit.New(t, bind)
	api := testkit.API(t, app)
	try := func(identity, password string, status int) {
		t.Helper()
		api.Do("POST", "/api/collections/users/auth-with-password", testkit.Guest,
			map[string]string{"identity": identity, "password": password}).Want(status)
	}
	try(testkit.AcmeAgent, testkit.Password, 200)
	try(testkit.AcmeAgent, "wrong", 400)
	try("stranger@nowhere.test", "wrong", 400)
	if rows := log(t, app, "auth.sign_in"); len(rows) != 1 ||
		rows[0].GetString("user") != testkit.User(testkit.AcmeAgent) || rows[0].GetString("organization") != testkit.Acme {
		t.Errorf("sign-in: got %v", rows)
	}
	rows := log(t, app, "auth.failed")
	if len(rows) != 2 {
		t.Fatalf("failures: got %d, want 2", len(rows))
	}
	if rows[1].GetString("user") != testkit.User(testkit.AcmeAgent) ||
		rows[1].GetString("actor_type") != audit.ActorGuest || rows[0].GetString("user") != "" {
		t.Errorf("failures: got %v", rows)
	}
}

func TestChange_without_its_entry_is_undone(t *testing.T) {
	app := testkit.New(t, bind, func(app core.App) {
		// Later in the chain than the log's own hook, so it fails inside its transaction.
		app.OnRecordUpdate(collections.Assistants).BindFunc(func(e *core.RecordEvent) error {
			if err := e.Next(); err != nil {
				return err
			}
			return errors.New("a consequence failed")
		})
	})
	api := testkit.API(t, app)
	api.Do("PATCH", "/api/collections/assistants/records/"+testkit.AcmeAssistant, testkit.AcmeOwner,
		map[string]any{"name": "Never"}).Want(400)
	row, err := app.FindRecordById(collections.Assistants, testkit.AcmeAssistant)
	if err != nil {
		t.Fatal(err)
	}
	if row.GetString("name") == "Never" || len(log(t, app, "assistants.update")) != 0 {
		t.Error("the row or its entry was kept without the other")
	}
}

func TestDeletes_that_wait_for_a_provider_are_written_down(t *testing.T) {
	app := testkit.New(t, bind, func(app core.App) {
		app.OnRecordDeleteRequest(collections.Assistants).BindFunc(func(e *core.RecordRequestEvent) error {
			return e.NoContent(204) // what the mirror does: the row stays for now
		})
	})
	api := testkit.API(t, app)
	api.Do("DELETE", "/api/collections/assistants/records/"+testkit.AcmeAssistant, testkit.AcmeOwner, nil).Want(204)
	rows := log(t, app, "assistants.delete")
	if len(rows) != 1 || rows[0].GetString("user") != testkit.User(testkit.AcmeOwner) {
		t.Errorf("got %v, want one entry by the owner", rows)
	}
	api.Do("DELETE", "/api/collections/contacts/records/"+testkit.AcmeContact, testkit.AcmeOwner, nil).Want(204)
	if n := len(log(t, app, "contacts.delete")); n != 1 {
		t.Errorf("an ordinary delete: got %d entries, want 1", n)
	}
}

func TestNobody_changes_the_log(t *testing.T) {
	app := testkit.New(t, bind)
	api := testkit.API(t, app)
	path := "/api/collections/audit_logs/records/" + testkit.Row(testkit.Acme, "audit")
	api.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"action": "x"}).Want(403)
	api.Do("DELETE", path, testkit.AcmeOwner, nil).Want(403)
}
