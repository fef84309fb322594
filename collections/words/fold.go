// Package words decides which words are the same. Whoever looks for something
// types what the keyboard has: letters without accents, other quotes, digits of
// their own script. So both sides are folded alike: what is indexed (Index, in
// SQL as Function), and what is typed.
//
// It knows no language: a letter becomes the plain letter people type for it,
// everywhere.
package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// letters are the plain ones of those that Unicode does not take apart.
var letters = map[rune]string{
	// Latin: what people type without the key.
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l", 'ħ': "h", 'ŧ': "t", 'þ': "th",
	'ı': "i", 'ĸ': "k", 'ŋ': "n",
	'ɓ': "b", 'ɗ': "d", 'ƙ': "k", 'ƴ': "y", 'ɖ': "d", 'ɛ': "e", 'ɔ': "o", 'ə': "e", 'ǝ': "e", 'ɣ': "g",
	'ɲ': "n", 'ʋ': "v", 'ƒ': "f",
	'ɩ': "i", 'ɪ': "i", 'ʊ': "u", 'ƈ': "c", 'ɠ': "g", 'ƭ': "t", 'ƥ': "p", 'ȼ': "c", 'ƀ': "b", 'ɍ': "r",
	'ɏ': "y", 'ƶ': "z", 'ɨ': "i",
	'ʉ': "u", 'ɵ': "o", 'ⱥ': "a", 'ɇ': "e", 'ʃ': "s", 'ʒ': "z",
	'ς': "σ", 'ґ': "г",
	// Arabic: the forms of a letter that keyboards and writers mix up.
	'ٱ': "ا", 'ى': "ي", 'ی': "ي", 'ې': "ي", 'ة': "ه", 'ہ': "ه", 'ھ': "ه", 'ە': "ه", 'ک': "ك",
}

// Fold returns a word as it is compared: small plain letters and digits, without
// accents and other signs that are often left out.
func Fold(word string) string {
	for i := 0; i < len(word); i++ {
		if c := word[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return string(appendFolded(make([]byte, 0, len(word)+8), word))
		}
	}
	return word
}

// appendFolded adds a folded word.
func appendFolded(to []byte, word string) []byte {
	for i := 0; i < len(word); {
		if c := word[i]; c < utf8.RuneSelf {
			to = append(to, lower(c))
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(word[i:])
		switch {
		case r >= 0x4E00 && r <= 0x9FFF || r >= 0xAC00 && r <= 0xD7A3: // Chinese characters, Korean syllables: as they are
			to = append(to, word[i:i+size]...)
		case isJamo(r):
			size = norm.NFC.NextBoundaryInString(word[i:], true)
			to = appendSyllable(to, norm.NFC.String(word[i:i+size]))
		default:
			to = appendParts(to, r, norm.NFKD.PropertiesString(word[i:]).Decomposition())
		}
		i += size
	}
	return to
}

// appendSyllable adds a Korean syllable that was written in parts.
func appendSyllable(to []byte, syllable string) []byte {
	for _, r := range syllable {
		if unicode.IsLetter(r) {
			to = utf8.AppendRune(to, r)
		}
	}
	return to
}

// appendParts adds the folded parts of a character, itself when it has none.
func appendParts(to []byte, r rune, parts []byte) []byte {
	if parts == nil {
		return appendPart(to, r)
	}
	for len(parts) > 0 {
		part, size := utf8.DecodeRune(parts)
		to, parts = appendPart(to, part), parts[size:]
	}
	return to
}

func appendPart(to []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		if plain[r] != apart {
			to = append(to, lower(byte(r)))
		}
		return to
	}
	if r >= 0x0300 && r <= 0x036F { // the accents of Latin, Greek and Cyrillic
		return to
	}
	r = unicode.ToLower(r)
	if folded, ok := letters[r]; ok {
		return append(to, folded...)
	}
	switch {
	case unicode.IsMark(r):
		if silent(r) {
			return to
		}
	case unicode.IsDigit(r):
		return append(to, Digit(r))
	case kindOf(r) == apart || kindOf(r) == unseen:
		return to
	}
	return utf8.AppendRune(to, r)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// silent tells whether a mark is left out: accents, vowel points and tones, which
// people do not type, but not the vowels of scripts that write them as marks.
func silent(r rune) bool {
	const voiced, halfVoiced = 0x3099, 0x309A // Japanese: か and が are two letters
	if r == voiced || r == halfVoiced {
		return false
	}
	const thaana = 0x0780 // marks before it are of Latin, Greek, Cyrillic, Hebrew, Arabic and Syriac
	return r < thaana || unicode.Is(unicode.Diacritic, r) || unicode.Is(unicode.Inherited, r)
}

// Digit is the plain digit of any script's. Every script has its ten in a row.
func Digit(r rune) byte {
	for _, t := range unicode.Nd.R16 {
		if r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10)
		}
	}
	return '0'
}
