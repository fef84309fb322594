package lists

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// hard are texts that break JSON written carelessly.
var hard = []string{
	"", "plain", `"`, `\`, `\\`, `\"`, `a\`, `a\\"`, `","x":"`, `],[`, "{}", "null", "line\nbreak\r\ttab", "\x00",
	"a\x00b", "\x01\x02\x1e\x1f\x7f", "\b\f",
	"é", "日本語", "🙂", "\u2028\u2029", "<script>&amp;</script>", "\ufeff", "\xff", "ab\xc3", "\xed\xa0\x80", "‹match›",
	`\u0041`, "'", "1", "-1", "true",
	strings.Repeat(`\"`, 200),
}

func TestRow_texts_arrive_as_they_are_stored(t *testing.T) {
	d := newDesk(t)
	var want []string
	for n, text := range hard {
		d.put(testkit.Acme, fmt.Sprintf("zhard%010d", n), map[string]any{
			"started_at": fmt.Sprintf("2026-10-02 09:00:%02d.000Z", n), "summary": text, "ended_reason": text,
			"vapi_call_id": fmt.Sprintf("%s-%d", text, n),
		}, text, "")
		want = append(want, strings.ToValidUTF8(text, "\ufffd"))
	}
	slices.Reverse(want)
	rec := d.want(200, "GET", acmeCalls+"?limit=200&from=2026-10-02", testkit.AcmeViewer)
	var p answered
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v in %s", err, rec.Body)
	}
	if len(p.Items) != len(want) {
		t.Fatalf("got %d rows, want %d", len(p.Items), len(want))
	}
	for n, i := range p.Items {
		if i.Summary != want[n] || i.EndedReason != want[n] || !strings.HasPrefix(i.VapiCallID, want[n]) {
			t.Errorf("got %q, %q and %q, want %q", i.Summary, i.EndedReason, i.VapiCallID, want[n])
		}
	}
}

// Every column of the list arrives under its own name, with its own type.
func TestRow_holds_what_the_columns_hold(t *testing.T) {
	d := newDesk(t)
	want := map[string]any{"contact_name": ""}
	for _, f := range rowFields {
		column, isCall := strings.CutPrefix(f.column, "c.")
		switch {
		case !isCall:
			continue
		case f.flag:
			want[column] = true
		case column == "duration_seconds" || column == "cost_micros":
			want[column] = float64(len(column))
		case column == "started_at":
			want[column] = "2027-01-01 09:00:00.000Z"
		default:
			want[column] = "v_" + column[:min(len(column), 9)]
		}
	}
	columns := map[string]any{}
	for name, v := range want {
		if name != "contact_name" {
			columns[name] = v
		}
	}
	d.put(testkit.Acme, want["id"].(string), columns, "", "")
	want["started_at"] = "2027-01-01T09:00:00.000Z"
	rec := d.want(200, "GET", acmeCalls+"?limit=1", testkit.AcmeViewer)
	items, _ := object(t, rec)["items"].([]any)
	if len(items) != 1 || !reflect.DeepEqual(items[0], any(want)) {
		t.Errorf("got\n%v, want\n%v", items, want)
	}
	// The struct of the export has the same names.
	kind := reflect.TypeFor[item]()
	var names []string
	for n := range kind.NumField() {
		names = append(names, strings.TrimSuffix(kind.Field(n).Tag.Get("json"), ",omitempty"))
	}
	listed := []string{"snippet"}
	for _, f := range rowFields {
		listed = append(listed, f.name)
	}
	slices.Sort(names)
	slices.Sort(listed)
	if !slices.Equal(names, listed) {
		t.Errorf("the export reads %v, the list writes %v", names, listed)
	}
}

func TestList_names_contacts_of_the_organization_only(t *testing.T) {
	d := newDesk(t)
	d.exec(`UPDATE contacts SET name = 'Nora "Né"' WHERE id = ?`, testkit.AcmeContact)
	d.exec(`UPDATE contacts SET name = 'Bolt''s own' WHERE id = ?`, testkit.BoltContact)
	d.put(testkit.Acme, "zknown000000000", map[string]any{"contact": testkit.AcmeContact}, "", "")
	d.put(testkit.Acme, "zforeign0000000", map[string]any{"contact": testkit.BoltContact}, "", "")
	d.put(testkit.Acme, "zgone0000000000", map[string]any{"contact": "nosuchcontact00"}, "", "")
	d.put(testkit.Acme, "znobody00000000", nil, "", "")
	rec := d.want(200, "GET", acmeCalls, testkit.AcmeViewer)
	var p answered
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, i := range p.Items {
		got[i.ID] = i.ContactName
	}
	for id, want := range map[string]string{"zknown000000000": `Nora "Né"`, "zforeign0000000": "",
		"zgone0000000000": "", "znobody00000000": ""} {
		if name, listed := got[id]; !listed || name != want {
			t.Errorf("%s: got %q (listed: %v), want %q", id, name, listed, want)
		}
	}
	if strings.Contains(rec.Body.String(), "Bolt") {
		t.Error("another organization's contact is named")
	}
}

// PocketBase's parameter works on this list too.
func TestList_answers_only_the_fields_asked_for(t *testing.T) {
	d := newDesk(t)
	rec := d.want(200, "GET", acmeCalls+"?limit=1&fields=items.id,next", testkit.AcmeViewer)
	got := object(t, rec)
	items, _ := got["items"].([]any)
	if len(got) != 2 || got["next"] == "" || len(items) != 1 || len(items[0].(map[string]any)) != 1 {
		t.Errorf("got %s", rec.Body)
	}
}

// A statement that looks at its values is planned again for each request.
func TestList_is_planned_once(t *testing.T) {
	d := newDesk(t)
	day := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	full := query{Organization: testkit.Acme, Sort: "started_at", Limit: 30, Status: []string{"completed", "live"},
		Outcome: []string{"failed", "completed"}, Direction: "inbound",
		Assistant: "a", PhoneNumber: "p", Contact: "c", Resolution: "pending", Priority: "high", From: day, To: day,
		Search: "bread", After: &cursor{"2026", "x"}}
	words := d.lists.searching(full)
	full.Search = "020 7946"
	number := d.lists.searching(full)
	for name, build := range map[string]func() (string, []any){
		"list": full.sql, "search": func() (string, []any) { return words.searchSQL("bread", 1) },
		"best":    func() (string, []any) { return words.bestSQL("bread", 1) },
		"walk":    func() (string, []any) { return words.walkSQL("bread", 1) },
		"callers": func() (string, []any) { return number.callersSQL(cursor{"2026", "x"}) },
		"number":  func() (string, []any) { return number.numberSQL(number.number.Beginnings[0], cursor{"+1", "x"}) },
	} {
		statement, args := build()
		bare := strings.ReplaceAll(statement, "+?", "")
		bare = strings.ReplaceAll(bare, "MATCH ?", "") // the index does not look
		if n := strings.Count(bare, "?"); n > 0 {
			t.Errorf("%s: %d values can be looked at in %s", name, n, statement)
		}
		rows, err := d.lists.reads.Query(statement, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRow_what_is_no_row_is_an_error(t *testing.T) {
	whole := "[" + strings.TrimSuffix(strings.Repeat(`"a",`, len(rowFields)), ",") + "]"
	if _, err := (row{raw: whole}).append(nil); err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{"", "[", "]", "[]", "{}", `["a"]`, whole[:len(whole)-1],
		strings.Replace(whole, `"a",`, `"a`, 1), strings.Replace(whole, `"a",`, `"a"x,`, 1), `["\"]`,
		strings.Replace(whole, "]", `,"a"]`, 1)} {
		if got, err := (row{raw: raw}).append(nil); err == nil {
			t.Errorf("%s: got %s", raw, got)
		}
		if _, err := (row{raw: raw}).value(0); err == nil {
			t.Errorf("%s has a value", raw)
		}
	}
}

func FuzzAppendText(f *testing.F) {
	for _, text := range hard {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		written := appendText([]byte("x"), text)
		var got string
		if err := json.Unmarshal(written[1:], &got); err != nil || written[0] != 'x' {
			t.Fatalf("%q: %v in %s", text, err, written)
		}
		var want string
		std, err := json.Marshal(text)
		if err != nil || json.Unmarshal(std, &want) != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Whatever texts are stored, a page of them is JSON with the same texts.
func FuzzPage(f *testing.F) {
	for n, text := range hard {
		f.Add(text, hard[len(hard)-1-n])
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	places := make([]string, len(rowFields))
	for i := range places {
		places[i] = "?"
	}
	statement := "SELECT json_array(" + strings.Join(places, ", ") + ")"
	f.Fuzz(func(t *testing.T, a, b string) {
		args := make([]any, len(rowFields))
		for i, field := range rowFields {
			switch {
			case field.flag:
				args[i] = i % 2
			case i == rowDuration || i == rowCost:
				args[i] = len(a)
			default:
				args[i] = []string{a, b}[i%2]
			}
		}
		var r row
		if err := db.QueryRow(statement, args...).Scan(&r.raw); err != nil {
			t.Fatal(err)
		}
		r.snippet = b
		body, err := page{rows: []row{r, r}, next: a}.json()
		if err != nil {
			t.Fatalf("%q, %q: %v in %s", a, b, err, r.raw)
		}
		var got struct {
			Items []map[string]any
			Next  string
		}
		if err := json.Unmarshal(body, &got); err != nil || len(got.Items) != 2 {
			t.Fatalf("%q, %q: %v in %s", a, b, err, body)
		}
		same := func(name string, got any, want string) {
			// Bytes that are no text are replaced, a run of them by one sign.
			if text, _ := got.(string); text != strings.ToValidUTF8(want, "\ufffd") &&
				strings.ToValidUTF8(want, "") == want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		same("next", got.Next, a)
		for i, field := range rowFields {
			v := got.Items[1][field.name]
			switch {
			case field.flag:
				if v != (i%2 == 1) {
					t.Errorf("%s: got %v", field.name, v)
				}
			case i == rowDuration || i == rowCost:
				if v != float64(len(a)) {
					t.Errorf("%s: got %v", field.name, v)
				}
			default:
				same(field.name, v, args[i].(string))
			}
		}
	})
}

// Samples of values make SQLite plan again for each value.
func TestSearch_works_on_without_samples_of_values(t *testing.T) {
	d := newDesk(t)
	drop := func() {
		t.Helper()
		if err := database.DropSamples(d.TestApp); err != nil {
			t.Fatal(err)
		}
	}
	d.exec("ANALYZE")
	if d.rows("SELECT count(*) > 0 FROM sqlite_stat4") != "1\n" {
		t.Fatal("there is nothing to drop")
	}
	drop()
	if got := d.rows("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat4'"); got != "0\n" {
		t.Errorf("got %s tables", got)
	}
	if d.rows("SELECT count(*) > 0 FROM sqlite_stat1") != "1\n" {
		t.Error("the statistics themselves are gone")
	}
	drop() // nothing left
	if ids := d.found("sourdough", ""); len(ids) != 1 {
		t.Errorf("search finds %v", ids)
	}
}
