package untrusted

import (
	"encoding/json"
	"os"
	"testing"
)

func TestWord_has_one_spelling(t *testing.T) {
	// The dashboard spells them the same: ui/src/lib/words.test.ts reads these too.
	raw, err := os.ReadFile("testdata/words.json")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]string
	if err := json.Unmarshal(raw, &words); err != nil || len(words) < 10 {
		t.Fatalf("%d words, %v", len(words), err)
	}
	for typed, want := range words {
		got, err := Word(typed)
		if again, _ := Word(got); err != nil || got != want || again != want {
			t.Errorf("%q: got %q (%v), again %q, want %q", typed, got, err, again, want)
		}
	}
	for _, bad := range []string{
		"two words", "a/b", "a\u00a0b", "a\u3000b", "a\u2009b", "a\u202fb", "a\u205fb", "a\u1680b", "a\u2800b",
		"a\ufe0f", "a\u200b",
		"\u3164", "a\ue000", "a\u0378", "a\u202eb", "\u0301", "a\tb", "a\U000e0101", "a\u200db",
	} {
		if got, err := Word(bad); err == nil {
			t.Errorf("%q passes as %q", bad, got)
		}
	}
}

func TestShows_needs_something_to_see(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, " \n\u200b\u2060\u2800\ufe0f": false, "\u3164": false, "x": true, " .\n": true, "😀": true, "\u0301": false,
	} {
		if got := Shows(text); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}

func TestCleanText_turns_nothing_around(t *testing.T) {
	for text, want := range map[string]string{
		"pay \u202eoverride\u202c now": "pay override now", "\u2066a\u2069": "a", "it’s – fine…": "it’s – fine…",
		"a\u200fb": "a\u200fb",
	} {
		if got := CleanText(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
