package lists

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSnippet_shows_the_stretch_with_most_of_what_was_typed(t *testing.T) {
	long := strings.Repeat("So it goes on and on. ", 20)
	for typed, one := range map[string]struct{ text, want string }{
		"bread":        {"User: Two loaves of Bread, please.", "User: Two loaves of ‹Bread›, please."},
		"creme brulee": {"AI: A crème brûlée?", "AI: A ‹crème› ‹brûlée›?"},
		"CRÈME":        {"a creme", "a ‹creme›"},
		`"half past eight"`: {"eight, or half past eight, half past nine",
			"eight, or ‹half past eight›, half past nine"},
		"appoin":  {"My appointments.", "My ‹appointments›."},
		"appoin ": {"My appoin", "My ‹appoin›"},
		"cat":     {"a cathedral, no pet", "a ‹cathedral›, no pet"},
		`"cat"`:   {"a cathedral, no pet", ""},
		"seat window ": {"The seat. " + long + "The window seat is yours. " + long,
			"…on and on. The ‹window› ‹seat› is yours. So it goes on and on. So it goes on and on. So it goes on…"},
		"end": {long + "The end",
			"…goes on and on. So it goes on and on. So it goes on and on. So it goes on and on. The ‹end›"},
		"nowhere":            {"somewhere", ""},
		"日本語":                {"日本語", "‹日本語›"},
		"1400":               {"Flight 1400 leaves", "Flight ‹1400› leaves"},
		"\u0301":             {"a text", ""},
		"e\u0301tage":        {"premier étage", "premier ‹étage›"},
		"some words without": {"", ""},
	} {
		got, matched := snippet(one.text, termsOf(typed))
		if got != one.want || (matched > 0) != (one.want != "") {
			t.Errorf("%q: got %q (%d), want %q", typed, got, matched, one.want)
		}
	}
}

func FuzzSnippet(f *testing.F) {
	for _, seed := range [][2]string{{"bread", "Two loaves of bread."}, {`"a b" c`, "a b c a b"}, {"\u0301", "e\u0301"},
		{"ss", "ß"}, {"İ", "i̇"}, {"ﬁ", "ﬁ"}, {"\xff", "\xff"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, typed, text string) {
		got, matched := snippet(text, termsOf(typed))
		if matched == 0 && got != "" || matched > 0 && !strings.Contains(got, "‹") {
			t.Errorf("%q in %q: got %q with %d terms", typed, text, got, matched)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q in %q: got %q, cut inside a character", typed, text, got)
		}
		// Nothing is shown that is not in the text.
		plain := strings.NewReplacer("‹", "", "›", "", "…", "")
		if !strings.Contains(plain.Replace(text), plain.Replace(got)) {
			t.Errorf("%q is not part of %q", got, text)
		}
	})
}
