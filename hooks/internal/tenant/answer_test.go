package tenant_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

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
		{"many ways to the same", "GET",
			acme + "?expand=contacts_via_organization,calls_via_organization,memberships_via_organization", nil, 400},
		{"the same row below each", "GET", rows + "?expand=organization.contacts_via_organization", nil, 400},
		{"a list of few", "GET", "/api/collections/organizations/records?expand=contacts_via_organization.organization",
			nil, 400},
		{"there and back", "GET",
			rows + "/" + testkit.AcmeContact + "?expand=organization.contacts_via_organization.organization", nil, 400},
		{"with few fields", "GET", rows + "?fields=id&expand=organization.contacts_via_organization", nil, 400},
		{"a change that would show as much", "PATCH",
			rows + "/" + testkit.AcmeContact + "?expand=organization.contacts_via_organization.organization",
			map[string]any{"name": "Changed"}, 400},
		{"a change that shows little", "PATCH", rows + "/" + testkit.AcmeContact + "?expand=organization",
			map[string]any{"notes": "Changed"}, 200},
		{"a new row", "POST", rows + "?expand=organization.contacts_via_organization.organization",
			map[string]any{"organization": testkit.Acme, "name": "New", "phone_number": "+12025552000"}, 400},
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
		t.Errorf("got %q and %q: a refused change was written, or a good one was not", row.GetString("name"),
			row.GetString("notes"))
	}
	if n, err := d.app.CountRecords(collections.Contacts); err != nil || n != 3+9 {
		t.Errorf("%d contacts, %v: a refused row was written", n, err)
	}
	if status, _ := d.ask(t, testkit.Superuser, "GET", rows+"?expand=organization.contacts_via_organization",
		nil, nil); status != 200 {
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
	for path, want := range map[string]int{"?expand=contacts_via_organization.organization": 400,
		"?expand=contacts_via_organization": 200} {
		left = -1
		status, body := d.ask(t, testkit.AcmeOwner, "GET", "/api/collections/organizations/records/"+testkit.Acme+path,
			nil, nil)
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
	if o, err := d.app.FindRecordById(collections.Organizations, testkit.Acme); err != nil ||
		o.GetString("industry") != "Bakery 200" {
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

// A change shows related rows as a list does, and holds them as well.
func TestAnswer_that_takes_too_long_says_so(t *testing.T) {
	d := limited(t, tenant.AnswerLimits{Reading: time.Nanosecond})
	status, body := d.ask(t, testkit.AcmeViewer, "GET", "/api/collections/calls/records?filter=summary~'x'", nil, nil)
	if status != 503 || !strings.Contains(string(body), "took longer than") {
		t.Errorf("got %d %s", status, body)
	}
}

func TestAnswers_of_changes_have_the_same_budget(t *testing.T) {
	arrived, end := make(chan struct{}, 9), make(chan struct{})
	d := serve(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{Bytes: 256 << 10})
		app.OnRecordUpdateRequest(collections.Organizations).BindFunc(func(e *core.RecordRequestEvent) error {
			err := e.Next()
			if err == nil && e.Request.Header.Get("X-Test-Wait") != "" {
				arrived <- struct{}{}
				<-end // the change is made and its answer in memory
			}
			return err
		})
	})
	contacts(t, d, 40, strings.Repeat("n", 5_000))
	large := "/api/collections/organizations/records/" + testkit.Acme + "?expand=contacts_via_organization"
	first := make(chan int)
	go func() {
		status, _ := d.ask(t, testkit.AcmeOwner, "PATCH", large, map[string]any{"industry": "First"},
			map[string]string{"X-Test-Wait": "1"})
		first <- status
	}()
	<-arrived
	status, said := d.ask(t, testkit.AcmeOwner, "PATCH", large, map[string]any{"industry": "Second"}, nil)
	if o, err := d.app.FindRecordById(collections.Organizations, testkit.Acme); status != 503 || err != nil ||
		o.GetString("industry") != "First" {
		t.Errorf("a second change at the same time: got %d %.200s, stored %q %v", status, said, o.GetString("industry"), err)
	}
	close(end)
	if status := <-first; status != 200 {
		t.Errorf("the first change: got %d", status)
	}
	if status, said := d.ask(t, testkit.AcmeOwner, "PATCH", large, map[string]any{"industry": "Third"},
		nil); status != 200 {
		t.Errorf("afterwards: got %d %.200s", status, said)
	}
}

// lots answers with JSON of a size, which it says it has read.
func lots(app core.App) {
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.GET("/lots/{spent}/{size}", func(e *core.RequestEvent) error {
			spent, _ := strconv.Atoi(e.Request.PathValue("spent"))
			size, _ := strconv.Atoi(e.Request.PathValue("size"))
			if err := tenant.Spend(e, int64(spent)); err != nil {
				return err
			}
			e.Response.Header().Set("Content-Length", strconv.Itoa(size+2))
			return e.JSON(200, strings.Repeat("x", size))
		})
		return se.Next()
	})
}

// Every JSON answer goes through one door, whichever route gives it.
func TestAnswer_of_any_route_has_a_size(t *testing.T) {
	d := serve(t, lots, func(app core.App) { tenant.Register(app, tenant.AnswerLimits{Bytes: 64 << 10}) })
	for url, want := range map[string]int{
		"/lots/0/60000": 200, "/lots/0/70000": 400, "/lots/60000/10": 200, "/lots/70000/10": 400,
		"/lots/40000/10?fields=id": 400,
	} {
		for _, person := range []string{testkit.Guest, testkit.AcmeViewer} {
			status, body := d.ask(t, person, "GET", url, nil, nil)
			if status != want || want == 400 && !strings.Contains(string(body), "larger than 64 KB") {
				t.Errorf("%s: got %d %.200s, want %d", url, status, body, want)
			}
		}
		if status, body := d.ask(t, testkit.Superuser, "GET", url, nil, nil); status != 200 {
			t.Errorf("%s as a superuser: got %d %.200s", url, status, body)
		}
	}
}

// Whoever asks for much and reads nothing holds the others' room.
func TestAnswer_nobody_reads_is_let_go(t *testing.T) {
	over := make(chan struct{}, 1)
	d := serve(t, lots, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{Patience: time.Second / 2})
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			se.Router.Bind(&hook.Handler[*core.RequestEvent]{Priority: -2_000, Func: func(e *core.RequestEvent) error {
				err := e.Next()
				if e.Request.Header.Get("X-Test-Slow") != "" {
					over <- struct{}{}
				}
				return err
			}})
			return se.Next()
		})
	})
	server := httptest.NewServer(d.mux)
	defer server.Close()
	const large = "/lots/8000000/15000000"
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nX-Test-Slow: 1\r\nAuthorization: %s\r\n\r\n", large,
		testkit.As(t, testkit.AcmeViewer)["Authorization"])
	select {
	case <-over:
	case <-time.After(20 * time.Second):
		t.Fatal("an answer that nobody reads is still held")
	}
	if status, body := d.ask(t, testkit.AcmeViewer, "GET", large, nil, nil); status != 200 {
		t.Errorf("the next one: got %d %.200s", status, body)
	}
	// What is read as it comes arrives whole, and the connection goes on.
	for range 2 {
		res, err := server.Client().Get(server.URL + "/lots/0/2000000")
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if n != 2_000_002 || err != nil {
			t.Errorf("read %d bytes, %v", n, err)
		}
	}
}
