package tenant_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// limited serves an app whose answers show few related rows.
func limited(t *testing.T, l tenant.AnswerLimits) *desk {
	return serve(t, func(app core.App) { tenant.Register(app, l) })
}

// contacts adds rows to Acme.
func contacts(t *testing.T, d *desk, n int, note string) {
	t.Helper()
	c, err := d.app.FindCollectionByNameOrId(collections.Contacts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := core.NewRecord(c)
		r.Set("organization", testkit.Acme)
		r.Set("name", "Caller")
		r.Set("phone_number", fmt.Sprintf("+1202555%04d", 1000+i))
		r.Set("notes", note)
		if err := d.app.Save(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnswer_shows_a_bounded_number_of_related_rows(t *testing.T) {
	d := limited(t, tenant.AnswerLimits{Rows: 12})
	contacts(t, d, 9, "") // ten with the fixture's
	acme, rows := "/api/collections/organizations/records/"+testkit.Acme, "/api/collections/contacts/records"
	for _, one := range []struct {
		name, method, url string
		body              any
		want              int
	}{
		{"few", "GET", acme + "?expand=contacts_via_organization", nil, 200},
		{"without", "GET", rows, nil, 200},
		{"each row's own", "GET", rows + "?expand=organization", nil, 200},
		{"many ways to the same", "GET", acme + "?expand=contacts_via_organization,calls_via_organization,memberships_via_organization", nil, 400},
		{"the same row below each", "GET", rows + "?expand=organization.contacts_via_organization", nil, 400},
		{"a list of few", "GET", "/api/collections/organizations/records?expand=contacts_via_organization.organization", nil, 400},
		{"there and back", "GET", rows + "/" + testkit.AcmeContact + "?expand=organization.contacts_via_organization.organization", nil, 400},
		{"with few fields", "GET", rows + "?fields=id&expand=organization.contacts_via_organization", nil, 400},
		{"a change that would show as much", "PATCH", rows + "/" + testkit.AcmeContact + "?expand=organization.contacts_via_organization.organization", map[string]any{"name": "Changed"}, 400},
		{"a change that shows little", "PATCH", rows + "/" + testkit.AcmeContact + "?expand=organization", map[string]any{"notes": "Changed"}, 200},
		{"a new row", "POST", rows + "?expand=organization.contacts_via_organization.organization", map[string]any{"organization": testkit.Acme, "name": "New", "phone_number": "+12025552000"}, 400},
	} {
		status, body := d.ask(t, testkit.AcmeOwner, one.method, one.url, one.body, nil)
		if status != one.want {
			t.Errorf("%s: got %d %.300s, want %d", one.name, status, body, one.want)
		}
		if one.want == 400 && !strings.Contains(string(body), "more than 12 related rows") {
			t.Errorf("%s: got %s", one.name, body)
		}
	}
	row, err := d.app.FindRecordById(collections.Contacts, testkit.AcmeContact)
	if err != nil {
		t.Fatal(err)
	}
	if row.GetString("name") == "Changed" || row.GetString("notes") != "Changed" {
		t.Errorf("got %q and %q: a refused change was written, or a good one was not", row.GetString("name"), row.GetString("notes"))
	}
	if n, err := d.app.CountRecords(collections.Contacts); err != nil || n != 3+9 {
		t.Errorf("%d contacts, %v: a refused row was written", n, err)
	}
	if status, _ := d.ask(t, testkit.Superuser, "GET", rows+"?expand=organization.contacts_via_organization", nil, nil); status != 200 {
		t.Errorf("a superuser: got %d", status)
	}
}

// A page of sixty rows can stand for hundreds of megabytes of JSON.
func TestAnswer_that_shows_too_much_is_not_written_first(t *testing.T) {
	left := -1
	d := serve(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{Rows: 12})
		app.OnRecordViewRequest().BindFunc(func(e *core.RecordRequestEvent) error {
			err := e.Next()
			left = len(e.Record.Expand())
			return err
		})
	})
	contacts(t, d, 9, "")
	for path, want := range map[string]int{"?expand=contacts_via_organization.organization": 400, "?expand=contacts_via_organization": 200} {
		left = -1
		status, body := d.ask(t, testkit.AcmeOwner, "GET", "/api/collections/organizations/records/"+testkit.Acme+path, nil, nil)
		if status != want || (left > 0) != (want == 200) {
			t.Errorf("%s: %d %.200s, and %d relations were to be written", path, status, body, left)
		}
	}
}

func TestAnswer_has_a_size(t *testing.T) {
	d := limited(t, tenant.AnswerLimits{Bytes: 64 << 10})
	contacts(t, d, 40, strings.Repeat("n", 1_800))
	for url, want := range map[string]int{
		"/api/collections/contacts/records?perPage=10":                                                           200,
		"/api/collections/contacts/records?perPage=50&expand=organization.contacts_via_organization":             400,
		"/api/collections/organizations/records/" + testkit.Acme + "?expand=contacts_via_organization":           400,
		"/api/collections/organizations/records/" + testkit.Acme + "?expand=contacts_via_organization&fields=id": 400,
		"/api/collections/organizations/records/" + testkit.Acme:                                                 200,
	} {
		status, body := d.ask(t, testkit.AcmeOwner, "GET", url, nil, nil)
		if status != want {
			t.Errorf("%s: got %d %.200s, want %d", url, status, body, want)
		}
		if status == 400 && !strings.Contains(string(body), "larger than 64 KB") {
			t.Errorf("%s says %s", url, body)
		}
	}
	// Pages are as short as answers have to be.
	status, body := d.ask(t, testkit.AcmeOwner, "GET", "/api/collections/contacts/records?perPage=200", nil, nil)
	if n := strings.Count(string(body), `"phone_number"`); status != 200 || n == 0 || n > 36 {
		t.Errorf("a long page: got %d with %d rows", status, n)
	}
}

func TestAnswers_of_all_have_a_budget_together(t *testing.T) {
	arrived, end := make(chan struct{}, 9), make(chan struct{})
	d := serve(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{Bytes: 256 << 10})
		app.OnRecordViewRequest(collections.Organizations).BindFunc(func(e *core.RecordRequestEvent) error {
			err := e.Next()
			if err == nil && e.Request.Header.Get("X-Test-Wait") != "" {
				arrived <- struct{}{}
				<-end // the answer is in memory
			}
			return err
		})
	})
	contacts(t, d, 40, strings.Repeat("n", 5_000))
	acme := "/api/collections/organizations/records/" + testkit.Acme
	large := acme + "?expand=contacts_via_organization"
	answers := make(chan int, 2)
	for _, person := range []string{testkit.AcmeOwner, testkit.AcmeAdmin} {
		go func() {
			status, _ := d.ask(t, person, "GET", large, nil, map[string]string{"X-Test-Wait": "1"})
			answers <- status
		}()
		<-arrived
	}
	for _, one := range []struct {
		person, method, url string
		want                int
	}{
		{testkit.AcmeOwner, "GET", large, 503},
		{testkit.AcmeManager, "GET", large, 503},
		{testkit.AcmeOwner, "GET", "/api/collections/organizations/records?expand=contacts_via_organization", 503},
		{testkit.AcmeOwner, "PATCH", large, 503},
		{testkit.AcmeOwner, "GET", acme, 200},
		{testkit.AcmeOwner, "PATCH", acme, 200},
		{testkit.AcmeManager, "GET", "/api/collections/contacts/records?perPage=5", 200},
	} {
		var body any
		if one.method == "PATCH" {
			body = map[string]any{"industry": "Bakery " + strconv.Itoa(one.want)}
		}
		if status, said := d.ask(t, one.person, one.method, one.url, body, nil); status != one.want {
			t.Errorf("%s %s %s: got %d %.200s, want %d", one.person, one.method, one.url, status, said, one.want)
		}
	}
	if o, err := d.app.FindRecordById(collections.Organizations, testkit.Acme); err != nil || o.GetString("industry") != "Bakery 200" {
		t.Errorf("a refused change is stored: %v %v", o.GetString("industry"), err)
	}
	close(end)
	for range 2 {
		if status := <-answers; status != 200 {
			t.Errorf("an answer that was first: got %d", status)
		}
	}
	if status, said := d.ask(t, testkit.AcmeManager, "GET", large, nil, nil); status != 200 {
		t.Errorf("afterwards: got %d %.200s", status, said)
	}
}

func TestAnswer_reading_ends_with_the_client(t *testing.T) {
	d := serve(t, register)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", "/api/collections/organizations/records", nil)
	for k, v := range testkit.As(t, testkit.AcmeOwner) {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	if w.Code == 200 {
		t.Errorf("a client that left got %s", w.Body)
	}
}
