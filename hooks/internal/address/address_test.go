package address

import "testing"

func TestTidy_is_one_spelling(t *testing.T) {
	for text, want := range map[string]string{
		"Ann.Owner@Example.com": "ann.owner@example.com", " ann@example.com\t\n": "ann@example.com",
		"\u200bann@example.com\ufeff": "ann@example.com",
		"an\u00adn\u200d@example.com": "ann@example.com", "\u202aann@example.com\u202c": "ann@example.com",
		"\u00a0ann@example.com\u3000": "ann@example.com",
		"Jo@BÜCHER.example":           "jo@xn--bcher-kva.example", "jo@XN--BCHER-KVA.example": "jo@xn--bcher-kva.example",
		"jo@bu\u0308cher.example": "jo@xn--bcher-kva.example",
		"É@x.test":                "é@x.test", "e\u0301@x.test": "é@x.test", "ann+desk@x.test": "ann+desk@x.test",
		"a@b@C.test": "a@b@c.test",
		// Others, whatever they look like.
		"\u212aim@x.test": "\u212aim@x.test", "\u0130da@x.test": "\u0130da@x.test", "f\u0131rst@x.test": "f\u0131rst@x.test",
		"\u017fam@x.test": "\u017fam@x.test",
		"ann\uff20x.test": "ann\uff20x.test", "": "", "Ann": "ann", "ann @x.test": "ann @x.test",
		"ann@ex ample.test": "ann@ex ample.test",
	} {
		if got := Tidy(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzTidy(f *testing.F) {
	for _, text := range []string{"Ann@Example.com", "\u212a@x", "@", "a@xn--", "e\u0301@BÜCHER.example"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if once := Tidy(text); Tidy(once) != once {
			t.Errorf("%q became %q, which becomes %q", text, once, Tidy(once))
		}
	})
}
