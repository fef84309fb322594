package lists

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// answered is a page of calls as clients read it.
type answered struct {
	Items []item
	Next  string
}

// listed is one page of calls.
func (d *desk) listed(query string) (ids []string, next string) {
	d.t.Helper()
	rec := d.want(200, "GET", acmeCalls+"?"+query, testkit.AcmeViewer)
	var p answered
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		d.t.Fatalf("%s: %v in %s", query, err, rec.Body)
	}
	for _, i := range p.Items {
		ids = append(ids, i.ID)
	}
	return ids, p.Next
}

// walk is every page of a list, in order.
func (d *desk) walk(query string) (ids []string) {
	d.t.Helper()
	for after := ""; ; {
		page, next := d.listed(query + "&after=" + url.QueryEscape(after))
		ids = append(ids, page...)
		if after = next; next == "" {
			return ids
		}
		if len(ids) > 1000 {
			d.t.Fatal("the list never ends")
		}
	}
}

func TestList_is_for_members_who_may_view_calls(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{acmeCalls, acmeCalls + ".csv", "/api/organizations/" + testkit.Acme + "/home"} {
		for _, who := range testkit.Everyone {
			want := 200
			switch who {
			case testkit.Guest:
				want = 401
			case testkit.BoltOwner, testkit.Nobody, testkit.AcmeSuspended:
				want = 404
			case testkit.AcmeTrainee:
				want = 403
			}
			rec := d.want(want, "GET", path, who)
			if want != 200 && (strings.Contains(rec.Body.String(), "sourdough") || object(t, rec)["error"] == nil) {
				t.Errorf("%s as %q: got %s", path, who, rec.Body)
			}
			if strings.Contains(rec.Body.String(), "boltcall") ||
				strings.Contains(rec.Body.String(), testkit.SealedValue) {
				t.Errorf("%s as %q shows what it must not", path, who)
			}
		}
	}
}

func TestList_pages_have_no_gaps_and_no_repeats(t *testing.T) {
	d := newDesk(t)
	want := []string{testkit.AcmeCall, testkit.AcmeLiveCall}
	for n := range 40 {
		id := fmt.Sprintf("zcall%010d", n)
		// Many equal values of each sort.
		d.put(testkit.Acme, id, map[string]any{"started_at": fmt.Sprintf("2026-10-0%d 09:00:00.000Z", n%3+1),
			"duration_seconds": n % 2, "cost_micros": n % 4 * 100}, "", "")
		d.put(testkit.Bolt, fmt.Sprintf("ycall%010d", n), nil, "", "")
		want = append(want, id)
	}
	slices.Sort(want)
	for _, sort := range []string{"", "started_at", "-started_at", "duration_seconds", "-duration_seconds",
		"cost_micros", "-cost_micros", "%2Bcost_micros"} {
		for _, limit := range []int{1, 7, 42, 100} {
			got := d.walk(fmt.Sprintf("sort=%s&limit=%d", sort, limit))
			in := slices.Clone(got)
			slices.Sort(in)
			if !slices.Equal(in, want) {
				t.Errorf("sort %q by %d: got %d calls, want %d: %v", sort, limit, len(got), len(want), got)
			}
			column := strings.TrimLeft(strings.TrimPrefix(sort, "%2B"), "-")
			if column == "" {
				column = "started_at"
			}
			order := "DESC"
			if sort != "" && !strings.HasPrefix(sort, "-") {
				order = "ASC"
			}
			sorted := strings.Fields(d.rows("SELECT id FROM calls WHERE organization = 'acme00000000000' ORDER BY " +
				column + " " + order + ", id " + order))
			if !slices.Equal(got, sorted) {
				t.Errorf("sort %q by %d: got order %v, want %v", sort, limit, got, sorted)
			}
		}
	}
	if _, next := d.listed("limit=42"); next != "" {
		t.Error("the last page has a next one")
	}
}

func TestList_filters_narrow(t *testing.T) {
	d := newDesk(t)
	d.put(testkit.Acme, "zvoicemail00000",
		map[string]any{"outcome": "voicemail", "missed": true, "priority": "urgent", "resolution_status": "escalated",
			"started_at": "2026-10-02 09:00:00.000Z"}, "", "")
	d.put(testkit.Acme, "zbroken00000000",
		map[string]any{"status": "failed", "outcome": "failed_provider", "answered": true, "call_type": "outbound",
			"started_at": "2026-10-03 09:00:00.000Z"}, "", "")
	d.put(testkit.Acme, "zcarrier0000000",
		map[string]any{"status": "failed", "outcome": "failed_telephony", "started_at": "2026-10-04 09:00:00.000Z"}, "",
		"")
	d.put(testkit.Acme, "zringing0000000",
		map[string]any{"status": "ringing", "outcome": "", "started_at": "2026-10-05 09:00:00.000Z"}, "", "")
	for query, want := range map[string]string{
		"":                                   "zringing0000000 zcarrier0000000 zbroken00000000 zvoicemail00000 acmelive0000000 acmecall0000000",
		"status=failed":                      "zcarrier0000000 zbroken00000000",
		"status=live":                        "zringing0000000 acmelive0000000",
		"status=ringing":                     "zringing0000000",
		"status=live,failed":                 "zringing0000000 zcarrier0000000 zbroken00000000 acmelive0000000",
		"outcome=failed":                     "zcarrier0000000 zbroken00000000",
		"outcome=voicemail":                  "zvoicemail00000",
		"outcome=voicemail,failed":           "zcarrier0000000 zbroken00000000 zvoicemail00000",
		"outcome=voicemail&status=failed":    "",
		"call_type=outbound":                 "zbroken00000000",
		"answered=true":                      "zbroken00000000 acmelive0000000 acmecall0000000",
		"answered=false&status=failed":       "zcarrier0000000",
		"missed=true":                        "zvoicemail00000",
		"missed=false&outcome=failed":        "zcarrier0000000 zbroken00000000",
		"priority=urgent":                    "zvoicemail00000",
		"resolution_status=escalated":        "zvoicemail00000",
		"assistant=" + testkit.AcmeAssistant: "acmelive0000000 acmecall0000000",
		"phone_number=" + testkit.AcmeNumber: "acmelive0000000 acmecall0000000",
		"contact=" + testkit.AcmeContact:     "acmelive0000000 acmecall0000000",
		"contact=" + testkit.BoltContact:     "",
		"assistant=" + testkit.BoltAssistant: "",
		"from=2026-10-03":                    "zringing0000000 zcarrier0000000 zbroken00000000",
		"to=2026-10-03":                      "zbroken00000000 zvoicemail00000 acmelive0000000 acmecall0000000",
		"from=2026-10-03&to=2026-10-04":      "zcarrier0000000 zbroken00000000",
		"from=2026-10-03T11:00:00%2B02:00":   "zringing0000000 zcarrier0000000 zbroken00000000",
		"from=2026-10-03T11:00:01%2B02:00":   "zringing0000000 zcarrier0000000",
		"organization=" + testkit.Bolt +
			"&x=1": "zringing0000000 zcarrier0000000 zbroken00000000 zvoicemail00000 acmelive0000000 acmecall0000000",
		"sort=duration_seconds&status=failed": "zbroken00000000 zcarrier0000000",
		"limit=1":                             "zringing0000000",
		"limit=9999":                          "zringing0000000 zcarrier0000000 zbroken00000000 zvoicemail00000 acmelive0000000 acmecall0000000",
	} {
		got, _ := d.listed(query)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", query, got, want)
		}
	}
}

func TestList_wrong_parameters_are_named(t *testing.T) {
	d := newDesk(t)
	for query, field := range map[string]string{
		"answered=yes": "answered", "missed=1": "missed", "status=nope": "status", "status=live,nope": "status",
		"outcome=lost":        "outcome",
		"call_type=sideways":  "call_type",
		"resolution_status=x": "resolution_status", "priority=x": "priority", "from=yesterday": "from",
		"to=2026-13-01":                "to",
		"assistant=muchtoolongforanid": "assistant", "phone_number=muchtoolongforanid": "phone_number",
		"contact=muchtoolongforanid": "contact",
		"sort=summary":               "sort", "sort=-": "sort", "limit=0": "limit", "limit=-1": "limit", "limit=x": "limit",
		"after=!":                     "after",
		"after=" + "bm90IGEgY3Vyc29y": "after", "search=" + strings.Repeat("x", 201): "search", "order=random": "order",
	} {
		for _, path := range []string{acmeCalls, acmeCalls + ".csv"} {
			got := object(t, d.want(400, "GET", path+"?"+query, testkit.AcmeViewer))
			details, _ := got["details"].(map[string]any)
			if len(details) != 1 || details[field] == nil {
				t.Errorf("%s: got %v, want %s named", query, got, field)
			}
		}
	}
	for range 10 { // of several the first in the order of the parameters, each time
		got := object(t,
			d.want(400, "GET",
				acmeCalls+"?contact=muchtoolongforanid&phone_number=muchtoolongforanid&assistant=muchtoolongforanid",
				testkit.AcmeViewer))
		if details, _ := got["details"].(map[string]any); details["assistant"] == nil {
			t.Fatalf("got %v, want assistant named", got)
		}
	}
	if rec := d.do("GET", acmeCalls+"?search="+url.QueryEscape(strings.Repeat("é", 200)),
		testkit.AcmeViewer); rec.Code != 200 {
		t.Errorf("200 characters: got %d %s", rec.Code, rec.Body)
	}
}

func TestCSV_is_for_spreadsheets(t *testing.T) {
	d := newDesk(t)
	d.put(testkit.Acme, "zformula0000000",
		map[string]any{"caller_number": "+12025550199", "started_at": "2026-10-02 03:30:00.000Z",
			"cost_micros": 123456},
		`=HYPERLINK("http://evil.example","x")`, "")
	d.put(testkit.Acme, "zquotes00000000",
		map[string]any{"caller_number": "@sip", "started_at": "2026-10-02 03:31:00.000Z"}, "a \"quoted\",\nline", "")
	rec := d.want(200, "GET", acmeCalls+".csv?from=2026-10-01", testkit.AcmeViewer)
	text, found := strings.CutPrefix(rec.Body.String(), "\ufeff")
	if !found {
		t.Error("no byte order mark")
	}
	if h := rec.Header(); !strings.HasPrefix(h.Get("Content-Type"), "text/csv") ||
		!strings.HasPrefix(h.Get("Content-Disposition"), `attachment; filename="calls-20`) ||
		h.Get("Cache-Control") != "private, no-store" {
		t.Errorf("got %v", h)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("got %d rows, %v", len(rows), err)
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	if got := column(rows[1], "summary"); got != "a \"quoted\",\nline" {
		t.Errorf("got %q", got)
	}
	if got := column(rows[1], "caller_number"); got != "'@sip" {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]string{
		"summary": `'=HYPERLINK("http://evil.example","x")`, "caller_number": "'+12025550199",
		"started_at": "2026-10-01 23:30:00", // New York
		"cost_usd":   "0.1235",
	} {
		if got := column(rows[2], name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if strings.Contains(text, "boltcall") {
		t.Error("another organization's call is in the file")
	}
}

func TestCSV_names_callers_and_says_hidden_in_the_readers_language(t *testing.T) {
	d := newDesk(t)
	d.exec(`DELETE FROM calls`)
	d.exec(`UPDATE contacts SET name = 'Amélie Roy' WHERE id = ?`, testkit.Row(testkit.Acme, "contact"))
	d.put(testkit.Acme, "zknown000000000",
		map[string]any{"started_at": "2026-10-02 03:30:00.000Z", "contact": testkit.Row(testkit.Acme, "contact")}, "", "")
	d.put(testkit.Acme, "zhidden00000000",
		map[string]any{"caller_number": "anonymous", "started_at": "2026-10-02 03:31:00.000Z"}, "", "")
	d.put(testkit.Acme, "znone0000000000", map[string]any{"caller_number": "", "started_at": "2026-10-02 03:29:00.000Z"},
		"", "")
	for language, hidden := range map[string]string{"en": "hidden", "fr": "masqué"} {
		d.set("users", testkit.User(testkit.AcmeViewer), map[string]any{"language": language})
		text := d.want(200, "GET", acmeCalls+".csv", testkit.AcmeViewer).Body.String()
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
		if err != nil || len(rows) != 4 {
			t.Fatalf("got %d rows, %v", len(rows), err)
		}
		column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
		if got := column(rows[1], "caller_number") + "|" + column(rows[1], "caller_name"); got != hidden+"|" ||
			strings.Contains(text, "anonymous") {
			t.Errorf("%s: a hidden caller reads %q", language, got)
		}
		if got := column(rows[3], "caller_number"); got != hidden {
			t.Errorf("%s: a caller without a number reads %q", language, got)
		}
		if zone := column(rows[1], "time_zone"); zone == "" {
			t.Errorf("the times have no zone")
		}
		if got := column(rows[2], "caller_name"); got != "Amélie Roy" {
			t.Errorf("%s: got %q", language, got)
		}
	}
}

func TestCSV_holds_more_than_one_page(t *testing.T) {
	d := newDesk(t)
	for n := range pageMax + 10 {
		d.put(testkit.Acme, fmt.Sprintf("zcall%010d", n), nil, "", "")
	}
	rec := d.want(200, "GET", acmeCalls+".csv?limit=5", testkit.AcmeViewer)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(rec.Body.String(), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 1+pageMax+10+2 {
		t.Errorf("got %d rows, %v", len(rows), err)
	}
}

// Each way of listing walks the index it names, and nothing reads the table.
func TestList_walks_indexes(t *testing.T) {
	d := newDesk(t)
	e := d.lists
	plan := func(statement string, args ...any) string {
		t.Helper()
		rows, err := e.reads.Query("EXPLAIN QUERY PLAN "+statement, args...)
		if err != nil {
			t.Fatalf("%v in %s", err, statement)
		}
		defer rows.Close()
		var all []string
		for rows.Next() {
			var a, b, c int
			var detail string
			if err := rows.Scan(&a, &b, &c, &detail); err != nil {
				t.Fatal(err)
			}
			if detail != "SCAN w VIRTUAL TABLE INDEX 0:M3" { // the names that match, no others
				all = append(all, detail)
			}
		}
		return strings.Join(all, "\n")
	}
	day := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	base := query{Organization: testkit.Acme, Sort: "started_at", Limit: 30}
	with := func(change func(*query)) query { q := base; change(&q); return q }
	for index, queries := range map[string][]query{
		"idx_calls_organization_started_at": {base, with(func(q *query) { q.From, q.To = day, day }),
			with(func(q *query) { q.After = &cursor{"2026", "x"} }),
			with(func(q *query) {
				q.Outcome, q.Priority = []string{"failed"},
					"urgent"
			}), with(func(q *query) { q.Status = []string{"live"} })},
		"idx_calls_organization_duration_seconds": {with(func(q *query) {
			q.Sort = "duration_seconds"
			q.After = &cursor{"1",
				"x"}
		})},
		"idx_calls_organization_cost_micros":       {with(func(q *query) { q.Sort = "cost_micros"; q.Ascending = true })},
		"idx_calls_organization_status_started_at": {with(func(q *query) { q.Status = []string{"failed"} })},
		"idx_calls_contact_started_at":             {with(func(q *query) { q.Contact = testkit.AcmeContact })},
		"idx_calls_assistant_started_at":           {with(func(q *query) { q.Assistant = testkit.AcmeAssistant })},
		"idx_calls_phone_number_started_at":        {with(func(q *query) { q.PhoneNumber = testkit.AcmeNumber })},
	} {
		for _, q := range queries {
			statement, args := q.sql()
			got := plan(statement, args...)
			if !strings.Contains(got, "SEARCH c USING INDEX "+index) || strings.Contains(got, "SCAN") {
				t.Errorf("%s: got\n%s", index, got)
			}
		}
	}
	for name, q := range map[string]query{"words": with(func(q *query) { q.Search = "bread" }),
		"best": with(func(q *query) { q.Search, q.Best = "bread", true })} {
		s := e.searching(q)
		statement, args := s.searchSQL(matchText(q.Organization, q.Search), math.MaxInt64)
		scans := 1
		if q.Best { // those who match, their order, the page
			scans = 3
			statement, args = s.bestSQL(matchText(q.Organization, q.Search), 0)
		}
		got := plan(statement, args...)
		if !strings.Contains(got, "SCAN s VIRTUAL TABLE INDEX") || !strings.Contains(got, "SEARCH r USING") ||
			!strings.Contains(got, "SEARCH c USING") ||
			strings.Count(got, "SCAN") != scans || name == "words" && strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
	s := e.searching(base)
	statement, args := s.walkSQL(anywhere(`"bread"`), math.MaxInt64)
	if got := plan(statement, args...); !strings.Contains(got, "SCAN s VIRTUAL TABLE INDEX") ||
		!strings.Contains(got,
			"SEARCH r USING INDEX uq_call_reports_position_organization (position=? AND organization=?)") ||
		!strings.Contains(got, "SEARCH c USING INDEX sqlite_autoindex_calls") || strings.Count(got, "SCAN") != 1 ||
		strings.Contains(got, "TEMP B-TREE") {
		t.Errorf("walk: got\n%s", got)
	}
	s = e.searching(with(func(q *query) { q.Search = "(202) 555-0170" }))
	statement, args = s.numberSQL(s.number.Beginnings[0], cursor{"+1", "x"})
	if got := plan(statement, args...); !strings.Contains(got,
		"SEARCH c USING INDEX idx_calls_organization_caller_number") ||
		strings.Count(got, "SCAN") != 1 || !regexp.MustCompile(`LIST SUBQUERY \d+\s+SCAN s VIRTUAL TABLE`).MatchString(got) {
		t.Errorf("numbers: got\n%s", got)
	}
	statement, args = s.callersSQL(cursor{"2026", "x"})
	if got := plan(statement, args...); !strings.Contains(got,
		"SEARCH p USING INDEX idx_contacts_organization_ending (organization=? AND <expr>=?)") ||
		!strings.Contains(got, "SEARCH c USING INDEX sqlite_autoindex_calls_1") ||
		strings.Count(got, "SCAN") != strings.Count(got, "SCAN f") {
		t.Errorf("callers: got\n%s", got)
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{"", "status=live,failed&sort=-started_at&limit=5",
		"after=" + (cursor{"2026-10-01 09:00:00.000Z", "x"}).String(), "from=2026-01-01&search=%22a%20b"} {
		f.Add(seed)
	}
	acme := core.NewRecord(core.NewBaseCollection("organizations"))
	acme.Id = testkit.Acme
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = text
		q, err := parseQuery(r, acme)
		if err != nil {
			return
		}
		if q.Limit < 1 || q.Limit > pageMax || !slices.Contains(collections.CallSorts, q.Sort) ||
			q.Organization != testkit.Acme {
			t.Errorf("%q gives %+v", text, q)
		}
		statement, args := q.sql()
		if strings.Count(statement, "?") != len(args) {
			t.Errorf("%q: %d arguments for %s", text, len(args), statement)
		}
	})
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add((cursor{"2026-10-01 09:00:00.000Z", "zcall0000000001"}).String())
	f.Add("AAAA")
	f.Add("not base64 ✓")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := decodeCursor(text)
		if err != nil {
			return
		}
		if again, err := decodeCursor(c.String()); err != nil || again != c {
			t.Errorf("%q: %v became %v, %v", text, c, again, err)
		}
	})
}

func TestQuery_that_walks_waits_for_its_turn(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "sort=-cost_micros": false, "status=completed": false, "assistant=a": false, "search=bread": false,
		"from=2026-01-01": false, "status=live": true, "status=completed,failed": true, "outcome=failed": true,
		"priority=urgent": true, "missed=true": true, "caller=hidden": true, "search=bread&order=best": true, "search=(415)+555": true,
		"status=completed&sort=-cost_micros": true,
	} {
		q, err := parseQuery(httptest.NewRequest("GET", "/?"+text, nil),
			core.NewRecord(core.NewBaseCollection("organizations")))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := q.walks(); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

// The key of a shared page is the query as JSON, which leaves out what is not exported.
func TestQuery_is_whole_in_its_key(t *testing.T) {
	for f := range reflect.TypeFor[query]().Fields() {
		if !f.IsExported() || f.Tag.Get("json") != "" {
			t.Errorf("%s of a query is not in the key of its page", f.Name)
		}
	}
}
