// Package password knows which passwords are tried first. It keeps none.
package password

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// commonOnes is searched where it lies in the program's file: a password
// is set seldom, and a table of it would be kept in memory for nothing.
//
//go:embed common_passwords.txt
var commonOnes string

const (
	whyCommon = "This is one of the passwords that are tried first: choose another one"
	whyOwn    = "Must not be made of your mail address, your name or the name of this product"
	// longest is beyond what the field takes; longer ones are left to it.
	longest = 255
	// commonHead is how many of the most used passwords are recognized in a row.
	commonHead = 200
	// leftLeast letters besides what is known make a password of one's own.
	leftLeast = 3
	product   = "pocketline"
)

// Weak says, for the person, why a password is refused: it is one of
// the most used, in any case, with other digits around it or letters replaced
// by digits, a walk along the keyboard, a repetition, or made of the person's
// own address and name. "" when it is good.
func Weak(password, email, name string) string {
	if len(password) > longest {
		return ""
	}
	own := ownWords(email, name)
	for _, form := range formsOf(password) {
		switch {
		case common(form):
			return whyCommon
		case ofOwn(form, own):
			return whyOwn
		}
	}
	return ""
}

// signs are letters as people replace them; figures are those of digits.
var (
	signs   = strings.NewReplacer("@", "a", "$", "s", "!", "i", "€", "e")
	figures = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t")
)

// formsOf are what a password may be at heart: small letters and digits, with
// and without what stands around the first and the last letter.
func formsOf(password string) []string {
	small := strings.ToLower(norm.NFKC.String(password))
	var forms []string
	for _, text := range []string{small, signs.Replace(small)} {
		whole, heart := plain(text), plain(heartOf(text))
		forms = append(forms, whole, heart, figures.Replace(heart), plain(signs.Replace(figures.Replace(heartOf(text)))))
	}
	slices.Sort(forms)
	return slices.DeleteFunc(slices.Compact(forms), func(form string) bool { return form == "" })
}

// plain drops what is neither letter nor digit.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

// heartOf is a text from its first letter to its last.
func heartOf(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
}

func common(form string) bool {
	unit := unitOf(form)
	if unit != form && (len(unit) <= 4 || heartOf(unit) == "" || listed(heartOf(unit))) {
		return true
	}
	return listed(form) || walks(form) || inARow(form, commonHeads(), 0)
}

func listed(word string) bool { return word != "" && strings.Contains(commonOnes, "\n"+word+"\n") }

// unitOf is what a text repeats, the last time perhaps not wholly; the text
// itself when it repeats nothing.
func unitOf(text string) string {
	for n := 1; n <= len(text)/2; n++ {
		if strings.HasPrefix(strings.Repeat(text[:n], len(text)/n+1), text) {
			return text[:n]
		}
	}
	return text
}

// rows are what fingers walk along.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop", "qsdfghjklm",
	"wxcvbn", "qwertzuiop", "yxcvbnm",
}

// walks tells whether a text is a few walks along rows, or keys held down, and
// next to nothing else.
func walks(text string) bool {
	left := 0
	for at := 0; at < len(text); {
		n := 1
		for _, row := range rows {
			n = max(n, along(text[at:], row), along(text[at:], reversed(row)))
		}
		n = max(n, len(text[at:])-len(strings.TrimLeft(text[at:], text[at:at+1])))
		if n < 3 {
			left, n = left+1, 1
		}
		at += n
	}
	return left < leftLeast
}

// along is how far a text goes along a row.
func along(text, row string) int {
	at := strings.IndexByte(row, text[0])
	if at < 0 {
		return 0
	}
	n := 0
	for n < len(text) && at+n < len(row) && text[n] == row[at+n] {
		n++
	}
	return n
}

func reversed(text string) string {
	b := []byte(text)
	slices.Reverse(b)
	return string(b)
}

// commonHeads are the most used passwords, as words others are put together of.
func commonHeads() []string {
	var heads []string
	for line := range strings.Lines(commonOnes) {
		if word := strings.TrimSpace(line); len(word) >= 4 && !strings.HasPrefix(word, "#") {
			heads = append(heads, word)
		}
		if len(heads) == commonHead {
			break
		}
	}
	return heads
}

// inARow tells whether a text is nothing but some of the words.
func inARow(text string, words []string, depth int) bool {
	if text == "" {
		return depth > 0
	}
	return depth < 6 && slices.ContainsFunc(words, func(w string) bool {
		rest, ok := strings.CutPrefix(text, w)
		return ok && inARow(rest, words, depth+1)
	})
}

// ownWords are what a person's passwords are made of first, longest first.
func ownWords(email, name string) []string {
	local, domain, _ := strings.Cut(strings.ToLower(norm.NFKC.String(email)), "@")
	name = strings.ToLower(norm.NFKC.String(name))
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	words := append([]string{product, local + domain, local, domain, name}, strings.FieldsFunc(local, apart)...)
	words = append(words, strings.FieldsFunc(name, apart)...)
	if labels := strings.Split(domain, "."); len(labels) > 1 {
		words = append(words, labels[:len(labels)-1]...)
	}
	for n, w := range words {
		words[n] = plain(w)
	}
	words = slices.DeleteFunc(words, func(w string) bool { return len(w) < leftLeast })
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}

// ofOwn tells whether a text is the person's own words and little else.
func ofOwn(form string, own []string) bool {
	rest := form
	for _, w := range own {
		rest = strings.ReplaceAll(rest, w, " ")
	}
	if rest == form {
		return false
	}
	rest = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, rest)
	return len(rest) < leftLeast || listed(rest)
}
