package tenant_test

import (
	"context"
	"database/sql"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestPin_shows_one_organization(t *testing.T) {
	d := serve(t, register)
	const calls = "/api/collections/calls/records"
	filter := func(f string) string { return calls + "?filter=" + url.QueryEscape(f) }
	tests := []struct {
		name, person, url, header string
		organizations             string // of the rows, in any order
		rows                      int
	}{
		{"a guest sees an empty list", testkit.Guest, calls, "", "", 0},
		{"a person without organizations too", testkit.Nobody, calls, "", "", 0},
		{"a suspended member too", testkit.AcmeSuspended, calls + "?organization=" + testkit.Acme, "", "", 0},
		{"the only organization", testkit.AcmeViewer, calls, "", testkit.Acme, 2},
		{"the last choice of several", testkit.Sam, calls, "", testkit.Bolt, 2},
		{"the one of the query", testkit.Sam, calls + "?organization=" + testkit.Acme, "", testkit.Acme, 2},
		{"the one of the header", testkit.Sam, calls, testkit.Acme, testkit.Acme, 2},
		{"the one the filter fixes", testkit.Sam, filter("organization='" + testkit.Acme + "'"), "", testkit.Acme, 2},
		{"the one the filter fixes inside brackets", testkit.Sam,
			filter("(status='completed' && (organization = \"" + testkit.Acme + "\"))"), "", testkit.Acme, 1},
		{"a foreign one stays foreign", testkit.AcmeOwner, calls + "?organization=" + testkit.Bolt, "", "", 0},
		{"a foreign one in the filter stays foreign", testkit.AcmeOwner, filter("organization='" + testkit.Bolt + "'"),
			"", "", 0},
		{"an OR does not widen the pin", testkit.Sam, filter("status='completed' || organization='" + testkit.Acme + "'"),
			"", testkit.Bolt, 1},
		{"a closing comment does not cut it off", testkit.Sam, filter("status='completed' // me"), "", testkit.Bolt, 1},
		{"nor does a value with quotes and operators", testkit.Sam,
			filter(`summary ~ 'x\' || id != \'' || status='completed'`), "", testkit.Bolt, 1},
		{"the client's filter still narrows", testkit.AcmeViewer, filter("status='in_progress'"), "", testkit.Acme, 1},
		{"superusers see everything", testkit.Superuser, calls, "", "all", 6},
		{"superusers may ask for one", testkit.Superuser, calls + "?organization=" + testkit.Void, "", testkit.Void, 2},
		{"one's memberships in every organization", testkit.Sam,
			"/api/collections/memberships/records?filter=" + url.QueryEscape("user='"+testkit.User(testkit.Sam)+"'"),
			"", "all", 2},
		{"memberships of one organization", testkit.Sam, "/api/collections/memberships/records?organization=" + testkit.Bolt,
			"", testkit.Bolt, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := map[string]string{}
			if tt.header != "" {
				header[tenant.Header] = tt.header
			}
			got := d.list(t, tt.person, tt.url, header)
			if len(got.Items) != tt.rows {
				t.Errorf("got %d rows, want %d: %+v", len(got.Items), tt.rows, got.Items)
			}
			for _, row := range got.Items {
				if tt.organizations != "all" && row.Organization != tt.organizations {
					t.Errorf("got a row of %s, want %s", row.Organization, tt.organizations)
				}
			}
		})
	}
}

func TestPin_lists_one_own_organizations(t *testing.T) {
	d := serve(t, register)
	for person, want := range map[string]int{testkit.Guest: 0, testkit.Nobody: 0, testkit.AcmeAgent: 1,
		testkit.Sam: 2, testkit.Superuser: 3} {
		if got := d.list(t, person, "/api/collections/organizations/records", nil); len(got.Items) != want {
			t.Errorf("%q: got %d organizations, want %d", person, len(got.Items), want)
		}
	}
}

func TestPin_counts_little_and_what_is_asked(t *testing.T) {
	d := serve(t, register)
	for query, want := range map[string]int{"": 2, "?skipTotal=1": -1, "?skipTotal=false": 2, "?skipTotal=0": 2} {
		if got := d.list(t, testkit.AcmeViewer, "/api/collections/calls/records"+query, nil); got.TotalItems != want {
			t.Errorf("%q: got total %d, want %d", query, got.TotalItems, want)
		}
	}
	if got := d.list(t, testkit.Superuser, "/api/collections/calls/records", nil); got.TotalItems != 6 {
		t.Errorf("superuser: got total %d, want 6", got.TotalItems)
	}
}

// A foreign organization with many rows looks like one with none.
func TestPin_tells_nobody_how_many_rows_another_organization_has(t *testing.T) {
	d := serve(t, register)
	if _, err := d.app.NonconcurrentDB().NewQuery(`INSERT INTO calls (id, organization)
		WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i+1 FROM n WHERE i < 1500)
		SELECT printf('many%011d', i), {:o} FROM n`).Bind(map[string]any{"o": testkit.Bolt}).Execute(); err != nil {
		t.Fatal(err)
	}
	many, none := "?filter=organization='"+testkit.Bolt+"'", "?filter=organization='nowhere00000000'"
	for _, person := range []string{"", testkit.AcmeOwner} {
		with := d.list(t, person, "/api/collections/calls/records"+many, nil)
		without := d.list(t, person, "/api/collections/calls/records"+none, nil)
		if with.TotalItems != without.TotalItems {
			t.Errorf("%q is told %d of a foreign organization, %d of none", person, with.TotalItems, without.TotalItems)
		}
	}
}

func TestPin_bounds_pages(t *testing.T) {
	d := serve(t, register)
	tests := []struct {
		person, url string
		perPage     int
	}{
		{testkit.AcmeViewer, "/api/collections/calls/records", 30},
		{testkit.AcmeViewer, "/api/collections/calls/records?perPage=1000", 200},
		{testkit.AcmeViewer, "/api/collections/call_events/records?perPage=1000", 200},
		{testkit.AcmeViewer, "/api/collections/call_reports/records", 8}, // a row can have 2.2 MB
		{testkit.Superuser, "/api/collections/calls/records?perPage=1000", 1000},
	}
	for _, tt := range tests {
		if got := d.list(t, tt.person, tt.url, nil); got.PerPage != tt.perPage {
			t.Errorf("%s: got %d rows a page, want %d", tt.url, got.PerPage, tt.perPage)
		}
	}
}

func TestPin_refuses_sorts_without_an_index(t *testing.T) {
	d := serve(t, register)
	tests := []struct {
		name, person, collection, query string
		status                          int
	}{
		{"an offered sort", testkit.AcmeViewer, "calls", "sort=-started_at", 200},
		{"an offered sort with a tie break", testkit.AcmeViewer, "calls", "sort=-duration_seconds,-id", 200},
		{"a column without an index", testkit.AcmeViewer, "calls", "sort=summary", 400},
		{"a second column", testkit.AcmeViewer, "calls", "sort=-started_at,summary", 400},
		{"by chance", testkit.AcmeViewer, "calls", "sort=@random", 400},
		{"through a relation", testkit.AcmeViewer, "calls", "sort=assistant.name", 400},
		{"messages of an organization", testkit.AcmeViewer, "messages", "sort=content", 400},
		{"messages of one call", testkit.AcmeViewer, "messages",
			"sort=position&filter=" + url.QueryEscape("call='"+testkit.AcmeCall+"'"), 200},
		{"a small table", testkit.AcmeViewer, "assistants", "sort=description", 200},
		{"a superuser", testkit.Superuser, "calls", "sort=summary", 200},
		{"a filter that cannot be read", testkit.AcmeViewer, "calls", "filter=" + url.QueryEscape("status="), 400},
		{"a filter that leaves its brackets", testkit.AcmeViewer, "calls",
			"filter=" + url.QueryEscape("id='a') || (id!=''"), 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := d.ask(t, tt.person, "GET", "/api/collections/"+tt.collection+"/records?"+tt.query, nil, nil)
			if status != tt.status {
				t.Errorf("got %d %s, want %d", status, body, tt.status)
			}
		})
	}
}

// TestPin_lets_an_index_drive_every_list runs each list a member can ask for
// and reads SQLite's plan of the very statement PocketBase executed.
func TestPin_lets_an_index_drive_every_list(t *testing.T) {
	d := serve(t, register)
	db := d.app.ConcurrentDB().(*dbx.DB)
	var mu sync.Mutex
	var ran []string
	db.QueryLogFunc = func(_ context.Context, _ time.Duration, statement string, _ *sql.Rows, _ error) {
		mu.Lock()
		ran = append(ran, statement)
		mu.Unlock()
	}
	lists := []struct{ collection, query, sort string }{}
	for _, c := range collections.All() {
		if c.ListRule == nil || c.Name == collections.Users {
			continue
		}
		lists = append(lists, struct{ collection, query, sort string }{c.Name, "", ""})
		lists = append(lists, struct{ collection, query, sort string }{c.Name, "skipTotal=false", ""})
	}
	for _, sort := range collections.CallSorts {
		lists = append(lists, struct{ collection, query, sort string }{collections.Calls, "sort=-" + sort + ",-id", sort})
	}
	for _, collection := range []string{collections.Calls, collections.Messages, collections.CallEvents,
		collections.AuditLogs} {
		lists = append(lists, struct{ collection, query, sort string }{collection, "sort=-created", "created"})
	}
	for _, l := range lists {
		t.Run(l.collection+" "+l.query, func(t *testing.T) {
			d.list(t, testkit.Sam, "/api/collections/"+l.collection+"/records", nil) // fills the memory
			mu.Lock()
			ran = nil
			mu.Unlock()
			d.list(t, testkit.Sam, "/api/collections/"+l.collection+"/records?"+l.query, nil)
			mu.Lock()
			statements := ran
			mu.Unlock()
			checked := 0
			for _, statement := range statements {
				if !strings.Contains(statement, "FROM `"+l.collection+"`") || strings.HasPrefix(statement, "EXPLAIN") {
					continue
				}
				checked++
				plan := explain(t, db, statement)
				first := firstOf(plan, l.collection)
				if !strings.HasPrefix(first, "SEARCH ") || !strings.Contains(first, "INDEX") {
					t.Errorf("reads the whole table:\n%s\n%s", statement, strings.Join(plan, "\n"))
				}
				if slices.Contains(plan, "USE TEMP B-TREE FOR ORDER BY") {
					t.Errorf("sorts every row:\n%s\n%s", statement, strings.Join(plan, "\n"))
				}
				if l.sort != "" && !strings.Contains(first, l.sort) && strings.Contains(statement, "ORDER BY") {
					t.Errorf("sorts without an index:\n%s\n%s", statement, strings.Join(plan, "\n"))
				}
			}
			if checked == 0 {
				t.Errorf("no statement on %s was seen in %q", l.collection, statements)
			}
		})
	}
}

func explain(t *testing.T, db *dbx.DB, statement string) []string {
	t.Helper()
	rows, err := db.NewQuery("EXPLAIN QUERY PLAN " + statement).Rows()
	if err != nil {
		t.Fatalf("%v: %s", err, statement)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}

// firstOf is the plan's line about the list's own table.
func firstOf(plan []string, table string) string {
	for _, line := range plan {
		if line == "SCAN "+table || strings.HasPrefix(line, "SCAN "+table+" ") ||
			strings.HasPrefix(line, "SEARCH "+table+" ") {
			return line
		}
	}
	return ""
}

// Who asks the same with the same rights while it waits is answered by one reading;
// nobody is answered what somebody with other rights may see.
func TestPin_reads_once_for_equal_rights_alone(t *testing.T) {
	d := serve(t, register)
	testkit.Exec(t, d.app, `UPDATE memberships SET role = 'agent', can_view_calls = TRUE WHERE organization = '`+testkit.Acme+`'
		AND user IN ('`+testkit.User(testkit.AcmeAgent)+`', '`+testkit.User(testkit.AcmeViewer)+`')`)
	for _, capability := range collections.Capabilities {
		testkit.Exec(t, d.app, `UPDATE memberships SET `+capability+` = TRUE WHERE organization = '`+testkit.Acme+`'
			AND user IN ('`+testkit.User(testkit.AcmeAgent)+`', '`+testkit.User(testkit.AcmeViewer)+`')`)
	}
	var mu sync.Mutex
	read := map[string]int{}
	d.app.OnRecordsListRequest(collections.Calls).BindFunc(func(e *core.RecordsListRequestEvent) error {
		mu.Lock()
		defer mu.Unlock()
		read[e.Auth.Email()]++
		return e.Next()
	})
	target := "/api/collections/calls/records?skipTotal=0&organization=" + testkit.Acme + "&filter=" +
		url.QueryEscape("summary ~ '' && id != 'x'")
	people := map[string]int{testkit.AcmeAgent: 2, testkit.AcmeViewer: 2, testkit.AcmeOwner: 2, testkit.AcmeTrainee: 0,
		testkit.AcmeSuspended: 0, testkit.BoltOwner: 0, testkit.Sam: 2}
	free, waiting := tenant.Crowd(d.app)
	var asking sync.WaitGroup
	for person, want := range people {
		asking.Go(func() {
			status, body := d.ask(t, person, "GET", target, nil, nil)
			if got := strings.Count(string(body), `"collectionName":"calls"`); status != 200 || got != want ||
				!strings.Contains(string(body), `"totalItems":`+strconv.Itoa(want)+`,`) {
				t.Errorf("%s: got %d with %d calls, want 200 with %d: %.200s", person, status, got, want, body)
			}
		})
	}
	for waiting() < len(people) {
		runtime.Gosched()
	}
	free()
	asking.Wait()
	if n := read[testkit.AcmeAgent] + read[testkit.AcmeViewer]; n != 1 {
		t.Errorf("two with the same rights: %d readings, want 1", n)
	}
	for person := range people {
		if person != testkit.AcmeAgent && person != testkit.AcmeViewer && read[person] != 1 {
			t.Errorf("%s, who has other rights: %d readings, want 1", person, read[person])
		}
	}
}
