package lists

import (
	"encoding/json"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func (d *desk) found(search, more string) []string {
	d.t.Helper()
	ids, _ := d.listed("search=" + url.QueryEscape(search) + more)
	return ids
}

// library is a desk with calls about various things.
func library(t testing.TB) *desk {
	d := newDesk(t)
	d.put(testkit.Acme, "zcoffee00000000", map[string]any{"priority": "high"}, "Wants a café crème.",
		"User: Do you serve café crème?\nAI: We do.")
	d.put(testkit.Acme, "zbread000000000", nil, "Ordered bread.",
		"User: Two loaves of bread, please. Bread with seeds.")
	d.put(testkit.Acme, "zboth0000000000", nil, "Asked about coffee and bread.",
		"User: bread and cafe. The word order here: loaves of two.")
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
	d := newDesk(t)
	var want []string
	for n := range 25 {
		id := fmt.Sprintf("zcall%010d", n)
		d.put(testkit.Acme, id, map[string]any{"caller_number": fmt.Sprintf("+4420794600%02d", n%5)}, "",
			strings.Repeat("kumquat ", n%4+1))
		want = append(want, id)
	}
	for _, how := range []string{"search=kumquat", "search=kumquat&order=best", "search=%2B44207946",
		"search=%2B44+(20)+7946"} {
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
	d := newDesk(t)
	d.put(testkit.Acme, "zlondon00000000", map[string]any{"caller_number": "+442079460018"}, "", "")
	for search, want := range map[string]string{
		"+442079460018": "zlondon00000000", "+44 20 7946": "zlondon00000000", "442079460018": "zlondon00000000",
		"(44) 20-7946.0018": "zlondon00000000",
		"+43":               "", "+4": "zlondon00000000", "4420": "", "+12025550171": "", // Bolt's contact
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
		rec := d.want(200, "GET", acmeCalls+"?search="+url.QueryEscape(search), testkit.AcmeViewer)
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
		"OR", "NOT be", "a AND", "NEAR(to be)", "summary:bread", "organization:boltx", "-bread", "^bread", "bread*",
		"(bread", `b"r"ead"`, `"`, `"""`,
		"{summary} : x", "bread' OR '1'='1", "bread; DROP TABLE calls", "%", "_", "\x00", "bread\x00x", `\`, "🙂",
		"a\u0301", "\u0301\u0301\u0301", "½", "𝟙𝟙𝟙", "日本語",
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

func FuzzMatchText(f *testing.F) {
	d := library(f)
	e := d.lists
	for _, seed := range []string{"bread", `"two loaves`, "a OR b", "église", "\u0301", `x"y"z`, "\xff", "NEAR(a b)",
		"日本", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		match := matchText(testkit.Acme, typed)
		if match == "" {
			return
		}
		rows, err := e.reads.Query(`SELECT r.organization FROM call_words s JOIN call_reports r ON r.position = s.rowid
			WHERE call_words MATCH ?`, match)
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

func TestSearch_finds_a_word_however_it_is_written(t *testing.T) {
	d := newDesk(t)
	n := 0
	for said, typed := range map[string][]string{
		"Une sœur à l’hôtel.":          {"soeur", "SŒUR", "hotel", "l'hôtel", "lʼhotel", "l’hot", "lhotel"},
		"Herr Groß, Straße 5":          {"gross", "GROẞ", "strasse 5", `"straße 5"`},
		"Søren fra Łódź kommer":        {"soren", "lodz", "SØREN ŁÓDŹ"},
		"Nguyễn Thị Huệ ở Đà Nẵng":     {"nguyen thi hue", "da nang", "Đà Nẵng"},
		"İstanbul'da ışık yok":         {"istanbul", "isik", "ISTANBUL"},
		"ɓera na cikin ƙasa":           {"bera", "kasa"},
		"ŋanam la":                     {"nanam"},
		"Ẹ káàárọ̀, Ọlọ́run":           {"kaaaro", "olorun"},
		"Καλημέρα, ο Γιώργος εδώ":      {"καλημερα", "ΓΙΩΡΓΟΣ", "γιωργοσ", "γιωρ"},
		"Моя ёлка и чай":               {"елка", "ЁЛКА", "чаи"},
		"أُرِيدُ مَوْعِدًا في المدرسة": {"اريد موعدا", "المدرسه", "المدرســة"},
		"שָׁלוֹם, קוראים לי דָּוִד":    {"שלום", "דוד"},
		"क\u093cलम और हिन्दी में":      {"हिन्दी", "कलम"},
		"我想预订明天晚上七点的桌子":                {"预订", "明天晚上", "桌", "子", "订明", `"七点的桌子"`, "我"},
		"東京駅でｶﾒﾗを落としました":               {"東京", "京駅", "カメラ", "落とし", "駅"},
		"ฉันต้องการจองโต๊ะสำหรับสี่คน":  {"จอง", "จองโตะ", "สำหรับ"},
		"ຂ້ອຍຕ້ອງການຈອງໂຕະ":             {"ຈອງ"},
		"ខ្ញុំចង់កក់តុ":                 {"កក់", "ចង់"},
		"ကျွန်တော်စားပွဲကြိုတင်ချင်တယ်": {"စားပွဲ", "ချင်"},
		"예약을 하고 싶어요":                    {"예약", "싶어"},
		"ｆｕｌｌ ｗｉｄｔｈ １２３４":               {"full width", "1234"},
		"the ﬁle in the oﬃce":           {"file", "office"},
		"Mr O'Brien's e-mail and rendezvous": {"obrien", "o’brien", "O brien", "email", "e-mail", "e‑mail",
			"rendez-vous"},
		"iPhone坏了, 2026年11月19日": {"坏了", "iphone坏了", "2026年11月", "11月19日", "月"},
	} {
		n++
		id := fmt.Sprintf("zword%010d", n)
		d.put(testkit.Acme, id, nil, "", said)
		for _, text := range typed {
			rec := d.want(200, "GET", acmeCalls+"?search="+url.QueryEscape(text), testkit.AcmeViewer)
			var p answered
			if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil ||
				!slices.ContainsFunc(p.Items, func(i item) bool { return i.ID == id }) {
				t.Errorf("%q does not find %q", text, said)
				continue
			}
			at := slices.IndexFunc(p.Items, func(i item) bool { return i.ID == id })
			if shown := p.Items[at].Snippet; !strings.Contains(shown, "‹") ||
				strings.NewReplacer("‹", "", "›", "").Replace(shown) != said {
				t.Errorf("%q in %q shows %q", text, said, shown)
			}
		}
	}
}

func TestSearch_finds_no_other_word(t *testing.T) {
	d := newDesk(t)
	for n, said := range []string{"日本の首都は東京", "京都へ行く", "かき", "กัน", "rendez chez vous", "48 200 123", "お brien"} {
		d.put(testkit.Acme, fmt.Sprintf("zword%010d", n), nil, "", said)
	}
	for _, typed := range []string{"東都", "本首", "がき", "กิน", "rendez-vous", "48123", `"京東"`, "obrien"} {
		if got := d.found(typed, ""); len(got) > 0 {
			t.Errorf("%q finds %v", typed, got)
		}
	}
}

func TestSearch_digits_are_words_as_well(t *testing.T) {
	d := newDesk(t)
	d.put(testkit.Acme, "zsaid0000000000", nil, "Order 48123456",
		"User: My order is 48123456 and the postcode is 10115. On 2026-11-19 it cost 120.50 in 2026. Call (020) 7946 0018.")
	d.put(testkit.Acme, "zmember00000000", nil, "", "User: My number is 48 123 456.")
	for typed, want := range map[string]string{
		"order 48123456": "zsaid0000000000", "48123456": "zmember00000000 zsaid0000000000", "10115": "zsaid0000000000",
		"2026-11-19": "zsaid0000000000",
		"20261119":   "zsaid0000000000", "120.50": "zsaid0000000000", "2026": "zsaid0000000000",
		`"48123456"`: "zmember00000000 zsaid0000000000",
		"#48123456":  "zmember00000000 zsaid0000000000", "48 123 456": "zmember00000000 zsaid0000000000",
		"48-123-456": "zmember00000000 zsaid0000000000",
		"481234":     "zmember00000000 zsaid0000000000", "02079460018": "zsaid0000000000",
		"020 7946 0018": "zsaid0000000000", "48124": "",
	} {
		for _, order := range []string{"", "&order=best"} {
			got := d.found(typed, order)
			slices.Sort(got)
			if strings.Join(got, " ") != want {
				t.Errorf("%s%s: got %q, want %q", typed, order, got, want)
			}
		}
	}
}

// What was typed in full comes first, then what was said, then what only begins so.
func TestSearch_a_number_finds_its_calls_before_what_was_said(t *testing.T) {
	d := newDesk(t)
	d.exec(`UPDATE organizations SET country = 'GB' WHERE id = ?`, testkit.Acme)
	d.exec(`INSERT INTO contacts (id, organization, phone_number, name, created, updated)
		VALUES ('zcontact0000000', ?, '+442079460018', '', '', '')`, testkit.Acme)
	d.put(testkit.Acme, "zlonger00000000", map[string]any{"caller_number": "+4420794600180"}, "", "")
	d.put(testkit.Acme, "zsaid0000000000", nil, "", "User: Call me on 020 7946 0018.")
	d.put(testkit.Acme, "zcaller00000000",
		map[string]any{"caller_number": "+442079460018", "contact": "zcontact0000000"}, "",
		"User: I am on 020 7946 0018.")
	d.put(testkit.Acme, "zplaced00000000",
		map[string]any{"caller_number": "+12025550100", "recipient_number": "+442079460018", "call_type": "outbound",
			"contact": "zcontact0000000", "started_at": "2026-10-02 09:00:00.000Z"}, "", "")
	d.put(testkit.Bolt, "ycaller00000000", map[string]any{"caller_number": "+442079460018"}, "", "User: 020 7946 0018")
	want := []string{"zplaced00000000", "zcaller00000000", "zsaid0000000000", "zlonger00000000"}
	for _, typed := range []string{"020 7946 0018", "(0)20 7946 0018", "02079460018"} {
		for _, order := range []string{"", "&order=best"} {
			for _, limit := range []int{1, 2, 3, 4, 30} {
				if got := d.walk(fmt.Sprintf("search=%s&limit=%d%s", url.QueryEscape(typed), limit,
					order)); !slices.Equal(got, want) {
					t.Errorf("%s by %d%s: got %v, want %v", typed, limit, order, got, want)
				}
			}
		}
	}
	for typed, want := range map[string]string{
		"0018":             "zplaced00000000 zcaller00000000 zsaid0000000000", // the last digits
		"+44 20 7946 0018": "zplaced00000000 zcaller00000000 zlonger00000000",
		"020 7946":         "zcaller00000000 zsaid0000000000 zlonger00000000",
	} {
		if got := strings.Join(d.found(typed, ""), " "); got != want {
			t.Errorf("%s: got %s, want %s", typed, got, want)
		}
	}
}

func TestSearch_odd_texts_find_something_or_nothing(t *testing.T) {
	d := library(t)
	for _, typed := range []string{
		`"`, `""`, `"""`, `" "`, `"-"`, `'`, "''", "*", "**", "a*", `a"b`, `"a`, "(", ")", "()", "(a", "a)", "^", "^a",
		"-", "--", "-a", "+", "+a", "++44", "a:b", ":", "{a}",
		"NEAR", "NEAR(", "NEAR(a,2)", "AND", "OR", "NOT", "a AND", "AND a", "NOT NOT", "🙂", "👩‍👩‍👧 bread", "❤️",
		"\u0301", "\u200d", "\u202e", "\u3000", "ـ", "ʼ", "’’", "- - -",
		"\xff\xfe", "\x00", "\\", "%", "_", ";--", "1", "12", "123", "1234", "+1", "٣", "½", "١٢٣٤", "ﷺ",
		strings.Repeat("a ", 99), strings.Repeat("日", 200), strings.Repeat("1", 200),
		strings.Repeat(`"`, 200), strings.Repeat("-", 200), strings.Repeat("a-", 99), strings.Repeat("1 ", 99),
		strings.Repeat("\u1112\u1161", 90), "sip:", "tel:", "tel:+", "(0)",
	} {
		for _, order := range []string{"", "&order=best"} {
			d.want(200, "GET", acmeCalls+"?search="+url.QueryEscape(typed)+order, testkit.AcmeViewer)
			d.want(200, "GET", acmeCalls+"?limit=1&search="+url.QueryEscape(typed)+order, testkit.AcmeViewer)
		}
	}
}

// The list shows callers' names, so people look for them there.
func TestSearch_by_the_callers_name(t *testing.T) {
	d := newDesk(t)
	acme, bolt := testkit.Row(testkit.Acme, "contact"), testkit.Row(testkit.Bolt, "contact")
	d.exec(`DELETE FROM calls`)
	d.set("contacts", acme, map[string]any{"name": "Amélie O'Connor-Roy"})
	d.set("contacts", bolt, map[string]any{"name": "Amélie Bolt"})
	d.put(testkit.Acme, "zamelie00000000", map[string]any{"contact": acme, "priority": "high"},
		"Wants a cleaning.", "User: Hello.")
	d.put(testkit.Acme, "zamelie20000000", map[string]any{"contact": acme}, "", "")
	d.put(testkit.Acme, "zsaid0000000000", nil, "Amélie was mentioned.", "User: I know Roy.")
	d.put(testkit.Bolt, "ybolt0000000000", map[string]any{"contact": bolt}, "", "")
	const both = "zamelie00000000 zamelie20000000"
	find := func(search, more string) string {
		ids := d.found(search, more)
		slices.Sort(ids)
		return strings.Join(ids, " ")
	}
	for search, want := range map[string]string{
		"amelie": both + " zsaid0000000000", "Amélie Roy": both + " zsaid0000000000", "AMÉLIE o’connor": both,
		"oconnor": both, "connor-roy": both, "conn": both,
		"roy": both + " zsaid0000000000", "amelie cleaning": "", "bolt": "", `"` + acme + `"`: "", testkit.Acme: "",
		`name:amelie OR`: "",
	} {
		if got := find(search, ""); got != want {
			t.Errorf("%s: got %q, want %q", search, got, want)
		}
	}
	if got := d.found("amelie", ""); len(got) != 3 || got[2] != "zsaid0000000000" {
		t.Errorf("who called comes before who was spoken of: got %v", got)
	}
	if got := find("amelie roy", "&priority=high"); got != "zamelie00000000" {
		t.Errorf("with a filter: got %q", got)
	}
	for _, limit := range []int{1, 2, 3} {
		if got := d.walk(fmt.Sprintf("search=amelie&limit=%d", limit)); len(got) != 3 ||
			len(slices.Compact(slices.Sorted(slices.Values(got)))) != 3 {
			t.Errorf("by %d: got %v", limit, got)
		}
	}
	// A person who is renamed is found by the new name alone; one who is gone, not at all.
	d.set("contacts", acme, map[string]any{"name": "Zoë Ünal"})
	if old, now := find("connor", ""), find("zoe unal", ""); old != "" || now != both {
		t.Errorf("renamed: by the old name %q, by the new one %q", old, now)
	}
	d.exec(`UPDATE contacts SET name = '' WHERE id = ?`, acme)
	if got := find("zoe", ""); got != "" ||
		d.rows(`SELECT count(*) FROM contact_words WHERE contact_words MATCH 'zoe'`) != "0\n" {
		t.Errorf("without a name: got %q", got)
	}
	d.exec(`UPDATE contacts SET name = 'Zoe' WHERE id = ?`, bolt)
	d.exec(`DELETE FROM contacts WHERE id = ?`, bolt)
	if n := d.rows(`SELECT count(*) FROM contact_words WHERE contact_words MATCH 'zoe'`); n != "0\n" {
		t.Errorf("a deleted contact's name stays in the index: %s", n)
	}
}

// Contacts named before there was an index of names come into it, once each.
func TestSearch_by_name_finds_contacts_of_before_the_index(t *testing.T) {
	d := newDesk(t)
	d.exec(`UPDATE contacts SET name = 'Amélie' WHERE id = ?`, testkit.AcmeContact)
	d.exec(`DELETE FROM contact_words`) // as after the update
	d.put(testkit.Acme, "zamelie00000000", map[string]any{"contact": testkit.AcmeContact}, "", "")
	d.put(testkit.Acme, "znew00000000000", map[string]any{"contact": testkit.Row(testkit.Acme, "new")}, "", "")
	d.exec(`INSERT INTO contacts (id, organization, phone_number, name) VALUES (?, ?, '+14155550177', 'Amélie Two')`,
		testkit.Row(testkit.Acme, "new"), testkit.Acme)
	for range 2 {
		d.lists.named.Store(false)
		if err := d.Schedule.RunNow(t.Context(), "calls.index"); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.rows(`SELECT count(*) FROM contact_words WHERE contact_words MATCH 'name:amelie'`); got != "2\n" {
		t.Errorf("%s entries", got)
	}
	if got := d.found("amelie", ""); !slices.Contains(got, "zamelie00000000") || !slices.Contains(got, "znew00000000000") {
		t.Errorf("got %v", got)
	}
}

// Two hundred transcripts of a megabyte are not read to show a line of each.
func TestSearch_reads_little_of_long_texts(t *testing.T) {
	d := newDesk(t)
	long := strings.Repeat("x", 990_000)
	for i := range 40 {
		d.put(testkit.Acme, fmt.Sprintf("longlonglong%03d", i), nil, "", "the quokka "+long)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := d.do("GET", acmeCalls+"?limit=200&search=quokka", testkit.AcmeOwner)
	runtime.ReadMemStats(&after)
	if w.Code != 200 || strings.Count(w.Body.String(), "‹quokka›") != 40 {
		t.Fatalf("got %d %.300s", w.Code, w.Body)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 25<<20 {
		t.Errorf("a page of 40 took %d MB", took>>20)
	}
}

func TestSearch_shows_what_was_said_late_in_a_long_call(t *testing.T) {
	d := newDesk(t)
	filler := strings.Repeat("é ä ", 20_000) // 120,000 bytes
	for i, before := range []int{0, 64<<10 - 3, 64<<10 + 1, 62<<10 - 3, 100_000, 3 * 62 << 10} {
		text := (filler + filler)[:before] + " the red quokka sings " + filler
		d.put(testkit.Acme, fmt.Sprintf("longlonglong%03d", i), nil, "A long call.", strings.ToValidUTF8(text, "e"))
	}
	d.put(testkit.Acme, "longlonglong009", nil, "A quokka called.", filler)
	for search, want := range map[string]int{`"red quokka"`: 6, "quokka": 7, "quok": 7} {
		w := d.do("GET", acmeCalls+"?limit=200&search="+url.QueryEscape(search), testkit.AcmeOwner)
		if got := strings.Count(w.Body.String(), "‹"); w.Code != 200 || got < want || !utf8.Valid(w.Body.Bytes()) {
			t.Errorf("%s: got %d with %d of %d snippets: %.2000s", search, w.Code, got, want, w.Body)
		}
	}
}

func TestSearch_finds_hidden_callers_and_there_is_a_filter(t *testing.T) {
	d := newDesk(t)
	for id, columns := range map[string]map[string]any{
		"hid000000000001": {"caller_number": "anonymous", "started_at": "2026-10-02 09:00:00.000Z"},
		"hid000000000002": {"caller_number": "private", "started_at": "2026-10-02 08:00:00.000Z"},
		"hid000000000003": {"caller_number": "", "started_at": "2026-10-02 07:00:00.000Z"},
		"web000000000001": {"caller_number": "", "channel": "web", "started_at": "2026-10-02 06:00:00.000Z"},
	} {
		d.put(testkit.Acme, id, columns, "", "")
	}
	d.put(testkit.Acme, "said00000000001", map[string]any{"started_at": "2026-10-02 05:00:00.000Z"}, "",
		"Caller: I would like to stay anonymous.")
	d.put(testkit.Bolt, "hid000000000009", map[string]any{"caller_number": "anonymous"}, "", "")
	const hiddens = "hid000000000001 hid000000000002 hid000000000003"
	for query, want := range map[string]string{
		"caller=hidden": hiddens, "caller=hidden&call_type=outbound": "", "caller=hidden&search=nothing": "",
		"search=anonymous": hiddens + " said00000000001", "search=anonymous&limit=2": hiddens + " said00000000001",
		"search=masqu%C3%A9": hiddens, "search=Masque": hiddens, "search=num%C3%A9ro+masqu%C3%A9": hiddens,
		"search=Private+Number":          hiddens,
		"search=anonymous&caller=hidden": hiddens,
	} {
		if got := strings.Join(d.walk(query), " "); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	d.want(400, "GET", acmeCalls+"?caller=known", testkit.AcmeViewer)
}
