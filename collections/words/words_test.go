package words

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFold_makes_equal_what_people_type_for_it(t *testing.T) {
	for name, same := range map[string][]string{
		"accents":              {"creme", "crème", "CRÈME", "cre\u0300me", "ｃｒｅｍｅ", "CrÈMe"},
		"joined letters":       {"coeur", "cœur", "CŒUR"},
		"ae":                   {"laerer", "lærer", "LÆRER"},
		"sharp s":              {"strasse", "straße", "STRAẞE", "STRASSE"},
		"o with a stroke":      {"soren", "Søren", "SØREN"},
		"l with a stroke":      {"lodz", "Łódź"},
		"d with a stroke":      {"dam vinh hung", "Đàm Vĩnh Hưng"},
		"Vietnamese":           {"nguyen thi hue", "Nguyễn Thị Huệ", "Nguye\u0302\u0303n Thi\u0323 Hue\u0323\u0302"},
		"Turkish":              {"istanbul isik", "İstanbul ışık", "ISTANBUL ISIK", "istanbul ışık"},
		"Hausa":                {"bera dan kasa yar", "ɓera ɗan ƙasa ƴar", "ƁERA ƊAN ƘASA ƳAR"},
		"Wolof":                {"nanam", "ŋanam", "Ŋanam"},
		"Yoruba":               {"ojo sango", "Ọjọ́ Ṣàngó", "o\u0323jo\u0323\u0301 s\u0323a\u0300ngo\u0301"},
		"Ewe and Akan":         {"edo fia no", "ɛɖo ƒia nɔ"},
		"Greek":                {"αθηνα", "Αθήνα", "ΑΘΗΝΑ", "Ἀθηνᾶ"},
		"a last sigma":         {"γιωργοσ", "Γιώργος", "ΓΙΩΡΓΟΣ"},
		"Russian":              {"елка", "ёлка", "Ёлка", "е\u0308лка"},
		"Russian й":            {"чаи", "чай", "ЧАЙ"},
		"Ukrainian":            {"гава", "ґава"},
		"harakat":              {"محمد", "مُحَمَّد", "مـحـمـد"},
		"alef":                 {"احمد", "أحمد", "إحمد", "آحمد", "ٱحمد"},
		"yeh":                  {"علي", "على", "علی"},
		"teh marbuta":          {"مدرسه", "مدرسة"},
		"presentation forms":   {"سلام", "ﺳﻼﻡ"},
		"kaf":                  {"كتاب", "کتاب"},
		"niqqud":               {"שלומ", "שָׁלוֹמ"},
		"Hebrew presentations": {"שלומ", "שׁלוֹמ"},
		"nukta":                {"जर\u0942र", "ज\u093cर\u0942र", "\u095bर\u0942र"},
		"Thai tones":           {"นา", "น้า", "น\u0e49า"},
		"narrow Japanese":      {"カメラ", "ｶﾒﾗ"},
		"narrow and voiced":    {"ガス", "ｶﾞｽ", "カ\u3099ス"},
		"Korean in parts":      {"한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"},
		"ligatures":            {"office", "oﬃce", "ofﬁce"},
		"digits":               {"2026", "２０２６", "٢٠٢٦", "۲۰۲۶", "२०२६", "๒๐๒๖", "𝟚𝟘𝟚𝟞"},
		"an unseen hyphen":     {"rendezvous", "rendez\u00advous"},
	} {
		for _, one := range same[1:] {
			if got, want := Fold(one), Fold(same[0]); got != want {
				t.Errorf("%s: %q folds to %q, %q to %q", name, one, got, same[0], want)
			}
		}
	}
}

// The dashboard's lists are searched in the browser, which finds the same alike:
// ui/src/lib/words.test.ts reads these too.
func TestFold_makes_equal_what_the_dashboard_does(t *testing.T) {
	raw, err := os.ReadFile("testdata/alike.json")
	if err != nil {
		t.Fatal(err)
	}
	var groups map[string][]string
	if err := json.Unmarshal(raw, &groups); err != nil || len(groups) < 10 {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	for name, same := range groups {
		for _, one := range same[1:] {
			if got, want := Fold(one), Fold(same[0]); got != want {
				t.Errorf("%s: %q folds to %q, %q to %q", name, one, got, same[0], want)
			}
		}
	}
}

func TestFold_keeps_apart_what_is_another_word(t *testing.T) {
	for _, pair := range [][2]string{{"か", "が"}, {"はし", "ぱし"}, {"กิน", "กัน"}, {"कल", "काल"}, {"मिल", "मील"},
		{"ক", "কি"}, {"a", "b"}, {"1", "2"}} {
		if a, b := Fold(pair[0]), Fold(pair[1]); a == b {
			t.Errorf("%q and %q both fold to %q", pair[0], pair[1], a)
		}
	}
}

func TestIndex(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"Two loaves, please.":     "Two loaves, please.",
		"Près de l'église":        "pres de l eglise  · leglise ",
		"I don’t":                 "i don t  · dont ",
		"I don't":                 "I don't · dont ",
		"rendez\u2011vous":        "rendez vous  · rendezvous ",
		"order 48-123 456, not 9": "order 48-123 456, not 9 · 48123456 ",
		"Call (020) 7946 1234":    "Call (020) 7946 1234 · 02079461234 ",
		"SW1A 1AA":                "SW1A 1AA · sw1a1aa ",
		"in 12. 15 people":        "in 12. 15 people",
		strings.Repeat("1 ", 30):  strings.Repeat("1 ", 30) + " · ",
		"我要订位":                    "我要 要订 订位 位 ",
		"店":                       "店 ",
		"我的iPhone坏了":              "我的 的 iphone 坏了 了 ",
		"2026年11月19日":             "2026 年 11 月 19 日 ",
		"กินข้าว":                 "กิน นข ขา าว ว ",
		"예약을 해요":                  "예약 약을 을 해요 요 ",
		"مُحَمَّد هنا":            "محمد هنا ",
		"नमस\u094dते":             "नमसते ",
		"love ❤️ you 👩‍👩‍👧":       "love you ",
		"\u0301 \u200e ـ":         "",
		"\xff\xfe bad":            "bad ",
		"½ liter":                 "12 liter ",
		"ﷺ":                       Fold("ﷺ") + " ",
	} {
		if got := Index(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestIndex_of_plain_text_allocates_nothing(t *testing.T) {
	text := strings.Repeat("User: Two loaves of bread, please. AI: Of course! ", 20)
	Index(text)
	if n := testing.AllocsPerRun(100, func() { Index(text) }); n >= 1 {
		t.Errorf("got %v allocations", n)
	}
}

func TestSplit_knows_where_words_stand(t *testing.T) {
	text := "L’Été à 東京駅 Nguye\u0302\u0303n"
	var got []string
	for _, one := range Split(nil, text) {
		got = append(got, fmt.Sprintf("%s/%s/%d", text[one.From:one.To], text[one.From:one.First], one.Link))
	}
	want := "L/L/0 Été/Été/2 à/à/0 東京/東/0 京駅/京/1 駅/駅/1 Nguye\u0302\u0303n/Nguye\u0302\u0303n/0"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

func FuzzIndex(f *testing.F) {
	for _, seed := range []string{"", "bread", "l'église", "我的iPhone", "กินข้าว", "\u0301", "\xff", "½",
		"ﷺ", "1️⃣", "ﾞﾞ", "\u1160", "ʼʼ", "한\u11ab"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := int32(0)
		for _, one := range Split(nil, text) {
			if one.From < last || one.From >= one.First || one.First > one.To || int(one.To) > len(text) {
				t.Fatalf("%q: token %+v after %d", text, one, last)
			}
			last = one.From
			word := Fold(text[one.From:one.To])
			if strings.ContainsFunc(word, func(r rune) bool { return r < utf8.RuneSelf && plain[r] == apart }) {
				t.Errorf("%q: %q folds to %q", text, text[one.From:one.To], word)
			}
		}
		if !utf8.ValidString(Index(text)) && utf8.ValidString(text) {
			t.Errorf("%q: broken", text)
		}
	})
}

const (
	english = "User: I'd like to book a cleaning for Tuesday, half past eight if that's possible. AI: Of course! Your number is 020 7946 0018? User: Yes, that's it. "
	french  = "User: J'aimerais réserver une table près de la fenêtre, à huit heures, s'il vous plaît. AI: Très bien, c'est noté pour l'été. "
)

func BenchmarkIndex(b *testing.B) {
	for name, text := range map[string]string{"plain": "User: Two loaves of bread, please. AI: Of course! ",
		"english": english, "french": french, "chinese": "我想预订明天晚上七点的四人桌，靠窗的位置可以吗？",
		"arabic": "أُرِيدُ أَنْ أَحْجِزَ طَاوِلَةً لِأَرْبَعَةِ أَشْخَاصٍ "} {
		text = strings.Repeat(text, 1200/len(text))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				Index(text)
			}
		})
	}
}

func TestName_is_found_by_a_part_of_it(t *testing.T) {
	for name, parts := range map[string][]string{
		"Jean-Pierre Müller-Łoś":    {"jean pierre", "JEANPIERRE", "muller", "müller-los", "loś"},
		"Siân O’Brien":              {"o'brien", "obrien", "sian o"},
		"Ọláyẹ̀mí Ṣàngó":            {"olayemi", "sango"},
		"王小明":                       {"小明", "王"},
		"محمد أحمد":                 {"احمد", "مُحَمَّد"},
		"ann.owner@example.com":     {"Ann.Owner@", "example.com"},
		"\u1112\u1161\u11ab Minseo": {"한"},
	} {
		for _, part := range parts {
			if !strings.Contains(Name(name), Name(part)) {
				t.Errorf("%q (%q) is not found by %q (%q)", name, Name(name), part, Name(part))
			}
		}
	}
	for name, part := range map[string]string{"Ann": "%", "admin": "_dmin", "Müller": "mill", "a\xffb": "a\xfe\xfeb."} {
		if strings.Contains(Name(name), Name(part)) {
			t.Errorf("%q is found by %q", name, part)
		}
	}
}

// Entries leave the index by the words they came with. A Go or a table of Unicode
// that folds something else needs an index of another name: see collections.SearchSQL.
func TestIndex_folds_as_it_did_when_the_index_was_named(t *testing.T) {
	const want = "b016b6cb4b9c8fe764ecb739fd01c30ab33ddf54cf0e20d923093d8556b57546"
	sum := sha256.New()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		fmt.Fprint(sum, Index("a"+string(r)+"b"))
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
