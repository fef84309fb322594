package untrusted

import (
	"errors"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// ErrWord is what is wrong with a text that should be one word.
var ErrWord = errors.New("Must be one word: no spaces, no slash, nothing that is not seen.")

// Word makes one spelling of a word people type to find something by: whatever letters
// it was typed with, large or small, composed or in parts, it is the same word.
//
// Example:
//
//	untrusted.Word(" ΟΔΟΣ ") // "οδοσ", as of "οδος"
func Word(s string) (string, error) {
	if !printable(s) {
		s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	}
	s = norm.NFC.String(strings.ToLower(strings.TrimSpace(s))) // Cherokee folds to large letters
	for i, r := range s {
		if !seen(r) || r == '/' || i == 0 && unicode.IsMark(r) {
			return s, ErrWord
		}
	}
	return s, nil
}

// Shows tells whether a text has anything to see.
func Shows(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return seen(r) && !unicode.IsMark(r) })
}

// seen tells of a character that leaves something on paper.
func seen(r rune) bool {
	const blankBraille = 0x2800
	return unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.P, unicode.S) && r != blankBraille &&
		!invisible(r) && !unicode.Is(unicode.Variation_Selector, r)
}
