package calls

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func (d *desk) found(search, more string) []string {
	d.t.Helper()
	ids, _ := d.listed("search=" + url.QueryEscape(search) + more)
	return ids
}

// library is a desk with calls about various things.
func library(t testing.TB) *desk {
	d := newDesk(t, nil)
	d.put(testkit.Acme, "zcoffee00000000", map[string]any{"priority": "high"}, "Wants a café crème.", "User: Do you serve café crème?\nAI: We do.")
	d.put(testkit.Acme, "zbread000000000", nil, "Ordered bread.", "User: Two loaves of bread, please. Bread with seeds.")
	d.put(testkit.Acme, "zboth0000000000", nil, "Asked about coffee and bread.", "User: bread and cafe. The word order here: loaves of two.")
	d.put(testkit.Acme, "zchurch00000000", nil, "", "User: C'est près de l'église, au 12 rue Hébert.")
	d.put(testkit.Acme, "zoperators00000", nil, "", "User: to be OR NOT to be NEAR organization summary")
	d.put(testkit.Bolt, "ycoffee00000000", nil, "Bolt's café.", "User: bread and cafe at Bolt, église.")
	return d
}

func TestSearch_finds_what_was_said(t *testing.T) {
	d := library(t)
	for search, want := range map[string]string{
		"café":               "zboth0000000000 zcoffee00000000",
		"cafe":               "zboth0000000000 zcoffee00000000",
		"CAFÉ":               "zboth0000000000 zcoffee00000000",
		"cafe creme":         "zcoffee00000000",
		"bread cafe":         "zboth0000000000",
		"église":             "zchurch00000000",
		"l'église":           "zchurch00000000",
		"egl":                "zchurch00000000", // a word being typed
		"eg":                 "",                // too short for a beginning
		"hebert 12":          "zchurch00000000",
		`"loaves of bread"`:  "zbread000000000",
		`"loaves of two"`:    "zboth0000000000",
		`"bread of loaves"`:  "",
		`"loaves of`:         "zboth0000000000 zbread000000000", // a phrase being typed
		`bread "two loaves"`: "zbread000000000",
		"sourdough":          testkit.AcmeCall,
		"rye":                "", // Bolt's
		"Bolt":               "",
		"nothing":            "",
		"…":                  "",
		`""`:                 "",
		"acme00000000000":    "", // the organization is no word of the text
	} {
		if got := strings.Join(d.found(search, ""), " "); got != want {
			t.Errorf("%s: got %q, want %q", search, got, want)
		}
	}
	if got := d.found("cafe", "&priority=high"); !slices.Equal(got, []string{"zcoffee00000000"}) {
		t.Errorf("with a filter: got %v", got)
	}
}

func TestSearch_best_first_or_newest_first(t *testing.T) {
	d := library(t)
	if got := d.found("bread", ""); !slices.Equal(got, []string{"zboth0000000000", "zbread000000000"}) {
		t.Errorf("newest first: got %v", got)
	}
	if got := d.found("bread", "&order=best"); !slices.Equal(got, []string{"zbread000000000", "zboth0000000000"}) {
		t.Errorf("best first: got %v", got)
	}
}

func TestSearch_pages_have_no_gaps_and_no_repeats(t *testing.T) {
	d := newDesk(t, nil)
	var want []string
	for n := range 25 {
		id := fmt.Sprintf("zcall%010d", n)
		d.put(testkit.Acme, id, map[string]any{"caller_number": fmt.Sprintf("+4420794600%02d", n%5)}, "", strings.Repeat("kumquat ", n%4+1))
		want = append(want, id)
	}
	for _, how := range []string{"search=kumquat", "search=kumquat&order=best", "search=%2B44207946", "search=%2B44+(20)+7946"} {
		for _, limit := range []int{1, 4, 25, 26} {
			got := d.walk(fmt.Sprintf("%s&limit=%d", how, limit))
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s by %d: got %v", how, limit, got)
			}
		}
	}
}

func TestSearch_by_number(t *testing.T) {
	d := newDesk(t, nil)
	d.put(testkit.Acme, "zlondon00000000", map[string]any{"caller_number": "+442079460018"}, "", "")
	for search, want := range map[string]string{
		"+442079460018": "zlondon00000000", "+44 20 7946": "zlondon00000000", "442079460018": "zlondon00000000", "(44) 20-7946.0018": "zlondon00000000",
		"+43": "", "+4": "zlondon00000000", "4420": "", "+12025550171": "", // Bolt's contact
	} {
		if got := strings.Join(d.found(search, ""), " "); got != want {
			t.Errorf("%s: got %q, want %q", search, got, want)
		}
	}
	if got := d.found("+12025550170", "&status=completed"); !slices.Equal(got, []string{testkit.AcmeCall}) {
		t.Errorf("with a filter: got %v", got)
	}
}

func TestSearch_shows_where_it_matched(t *testing.T) {
	d := library(t)
	for search, want := range map[string]string{
		"loaves seeds": "User: Two ‹loaves› of bread, please. Bread with ‹seeds›.",
		"creme":        "‹crème›",
		"hebert":       "rue ‹Hébert›",
	} {
		rec := d.want(200, "GET", acmeCalls+"?search="+url.QueryEscape(search), testkit.AcmeViewer, nil)
		var p answered
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || len(p.Items) != 1 {
			t.Fatalf("%s: got %s", search, rec.Body)
		}
		if got := p.Items[0].Snippet; !strings.Contains(got, want) || strings.Contains(got, "acme0") {
			t.Errorf("%s: got %q, want %q", search, got, want)
		}
	}
}

func TestSearch_what_is_typed_is_never_an_operator(t *testing.T) {
	d := library(t)
	for _, search := range []string{
		"OR", "NOT be", "a AND", "NEAR(to be)", "summary:bread", "organization:boltx", "-bread", "^bread", "bread*", "(bread", `b"r"ead"`, `"`, `"""`,
		"{summary} : x", "bread' OR '1'='1", "bread; DROP TABLE calls", "%", "_", "\x00", "bread\x00x", `\`, "🙂", "a\u0301", "\u0301\u0301\u0301", "½", "𝟙𝟙𝟙", "日本語",
		`organization:"bolt00000000000"`, `" OR organization:"bolt00000000000`,
	} {
		for _, order := range []string{"", "&order=best"} {
			for _, id := range d.found(search, order) {
				if !strings.HasPrefix(id, "z") && !strings.HasPrefix(id, "acme") {
					t.Errorf("%q finds %s", search, id)
				}
			}
		}
	}
	if got := d.found("to be OR NOT", ""); !slices.Equal(got, []string{"zoperators00000"}) {
		t.Errorf("the words themselves: got %v", got)
	}
}

// The summary people edit and the transcript they write are found too.
func TestSearch_follows_what_people_change(t *testing.T) {
	d := newDesk(t, nil)
	d.want(200, "PATCH", "/api/collections/calls/records/"+testkit.AcmeCall, testkit.AcmeAgent, map[string]any{"summary": "A wedding cake."})
	if got := d.found("wedding", ""); !slices.Equal(got, []string{testkit.AcmeCall}) {
		t.Errorf("got %v", got)
	}
	if got := d.rows(`SELECT summary FROM call_reports WHERE call = ?`, testkit.AcmeCall); got != "A wedding cake.\n" {
		t.Errorf("got %q", got)
	}
}

func FuzzMatchText(f *testing.F) {
	d := library(f)
	e := d.engine()
	for _, seed := range []string{"bread", `"two loaves`, "a OR b", "église", "\u0301", `x"y"z`, "\xff", "NEAR(a b)", "日本", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		match := matchText(testkit.Acme, typed)
		if match == "" {
			return
		}
		rows, err := e.reads.Query(`SELECT r.organization FROM call_search s JOIN call_reports r ON r.position = s.rowid WHERE call_search MATCH ?`, match)
		if err != nil {
			t.Fatalf("%q makes %s: %v", typed, match, err)
		}
		defer rows.Close()
		for rows.Next() {
			var organization string
			if err := rows.Scan(&organization); err != nil {
				t.Fatal(err)
			}
			if organization != testkit.Acme {
				t.Fatalf("%q makes %s and finds %s", typed, match, organization)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatalf("%q makes %s: %v", typed, match, err)
		}
	})
}
