package audit_test

import (
	"context"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// words counts entries of the log in which a text stands.
func words(t *testing.T, app core.App, text string) (n int) {
	t.Helper()
	err := app.DB().NewQuery("SELECT count(*) FROM audit_logs WHERE details LIKE {:text}").
		Bind(map[string]any{"text": "%" + text + "%"}).Row(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Whoever deletes a call or a contact was told that its notes disappear.
func TestDeleted_rows_about_callers_leave_no_words_in_the_log(t *testing.T) {
	for collection, id := range map[string]string{
		collections.Calls: testkit.Row(testkit.Acme, "call"), collections.Contacts: testkit.AcmeContact,
	} {
		app := testkit.New(t, bind)
		api := testkit.API(t, app)
		path := "/api/collections/" + collection + "/records/" + id
		before, err := app.FindRecordById(collection, id)
		if err != nil {
			t.Fatal(err)
		}
		api.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"notes": "zanzibar and gout"}).Want(200)
		api.Do("PATCH", path, testkit.AcmeOwner, map[string]any{"notes": "zanzibar, later"}).Want(200)
		if words(t, app, "zanzibar") == 0 {
			t.Fatalf("%s: the log says nothing that could disappear", collection)
		}
		api.Do("DELETE", path, testkit.AcmeOwner, nil).Want(204)
		for _, text := range []string{"zanzibar", before.GetString("name"), before.GetString("phone_number"),
			before.GetString("summary")} {
			if n := words(t, app, text); text != "" && n != 0 {
				t.Errorf("%s: %d entries still say %q", collection, n, text)
			}
		}
		rows := log(t, app, collection+".delete")
		if len(rows) != 1 || rows[0].GetString("user") != testkit.User(testkit.AcmeOwner) ||
			rows[0].GetString("record") != id {
			t.Errorf("%s: who deleted it is not written down: %v", collection, rows)
		}
		if n := len(log(t, app, collection+".update")); n != 2 {
			t.Errorf("%s: got %d entries of its changes, want 2", collection, n)
		}
		if b := verify(t, app); b != nil {
			t.Errorf("%s: %+v", collection, b)
		}
	}
}

// A row that goes without a person who asked for it, and one that goes with what
// it belonged to.
func TestRows_that_go_by_themselves_leave_no_words_in_the_log(t *testing.T) {
	app := testkit.New(t, bind)
	api := testkit.API(t, app)
	call := testkit.Row(testkit.Acme, "call")
	api.Do("PATCH", "/api/collections/calls/records/"+call, testkit.AcmeOwner,
		map[string]any{"notes": "zanzibar"}).Want(200)
	report, err := app.FindFirstRecordByData(collections.CallReports, "call", call)
	if err != nil {
		t.Fatal(err)
	}
	api.Do("PATCH", "/api/collections/call_reports/records/"+report.Id, testkit.Superuser,
		map[string]any{"summary": "zanzibar"}).Want(200)
	row, err := app.FindRecordById(collections.Calls, call)
	if err != nil {
		t.Fatal(err)
	}
	if n := words(t, app, "zanzibar"); n != 2 {
		t.Fatalf("%d entries say it, want 2", n)
	}
	if err := app.Delete(row); err != nil {
		t.Fatal(err)
	}
	if n := words(t, app, "zanzibar"); n != 0 {
		t.Errorf("%d entries still say it", n)
	}
}

// What an earlier version left, and rows removed with SQL: the job empties them and
// nothing else, in pieces.
func TestForgetGone_empties_entries_of_rows_that_are_gone(t *testing.T) {
	app := testkit.New(t, bind)
	for n := range 1_100 {
		record := "gone" + strings.Repeat("x", n%3)
		add(t, app, testkit.Acme, record, map[string]string{"notes": "zanzibar"})
	}
	add(t, app, testkit.Acme, testkit.Row(testkit.Acme, "call"), map[string]string{"notes": "stays"})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := audit.ForgetGone(ctx, app); err == nil {
		t.Error("goes on after the program stops")
	}
	n, err := audit.ForgetGone(t.Context(), app)
	if err != nil || n != 1_100 {
		t.Errorf("emptied %d, %v", n, err)
	}
	if words(t, app, "zanzibar") != 0 || words(t, app, "stays") != 1 {
		t.Errorf("%d of gone rows, %d of the one that is there", words(t, app, "zanzibar"), words(t, app, "stays"))
	}
	if n, err := audit.ForgetGone(t.Context(), app); err != nil || n != 0 {
		t.Errorf("again: %d, %v", n, err)
	}
	if b := verify(t, app); b != nil {
		t.Errorf("%+v", b)
	}
}
