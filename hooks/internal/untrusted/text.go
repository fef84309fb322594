package untrusted

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrLine is what is wrong with a name or another text of one line.
var ErrLine = errors.New("Must be one line of visible characters.")

// ErrText is what is wrong with a text of several lines.
var ErrText = errors.New("Must be a text without control characters.")

// Line says what is wrong with a text that stands on one line (a name, a label,
// an address): it has no control characters, no line breaks, no marks that turn
// the direction of what follows, nothing that is there and not seen.
func Line(s string) error {
	switch {
	case printable(s):
		return nil
	case strings.ContainsRune(s, 0):
		return ErrNUL
	case !utf8.ValidString(s) || CleanLine(s) != strings.TrimSpace(s):
		return ErrLine
	}
	return nil
}

// CleanLine makes one visible line of what a provider sent: breaks become
// blanks, what is not seen is left out.
func CleanLine(s string) string {
	if printable(s) {
		return strings.TrimSpace(s)
	}
	runes := []rune(strings.ToValidUTF8(s, ""))
	at := func(i int) rune {
		if i < 0 || i >= len(runes) {
			return ' '
		}
		return runes[i]
	}
	var b strings.Builder
	for i, r := range runes {
		switch {
		case strings.ContainsRune("\t\n\r\u0085\u2028\u2029", r):
			b.WriteByte(' ')
		case invisible(r), joiner(r) && !(joined(at(i-1)) && joined(at(i+1))), tag(r) && at(i-1) != blackFlag &&
			!tag(at(i-1)):
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// CleanText is a text of several lines: of the control characters only line
// feed and tab stay, a line break is a line feed. What would show it in another order
// than it is written in is left out.
func CleanText(s string) string {
	if clean(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if control(r) || turns(r) {
			return -1
		}
		return r
	}, s)
}

// printable tells of a text that has nothing to look at more closely.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clean tells of a text without control characters, by its bytes: transcripts
// come in while somebody talks. Those above ASCII begin with one byte.
func clean(s string) bool {
	for i := range len(s) {
		if b := s[i]; b < ' ' && b != '\n' && b != '\t' || b == 0x7f || b == 0xc2 || b == 0xe2 && turnsAt(s[i:]) {
			return false
		}
	}
	return true
}

// control tells of control characters other than line feed and tab.
func control(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }

// turns tells of Unicode's embeddings, overrides and isolates.
func turns(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

// turnsAt is turns of the first character of a text.
func turnsAt(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return turns(r)
}

// invisibles are characters that are there and not seen, or that change how
// what follows them is shown (Unicode's bidirectional controls).
var invisibles = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00ad, 0x00ad, 1}, {0x034f, 0x034f, 1}, {0x061c, 0x061c, 1}, {0x115f, 0x1160, 1}, {0x17b4, 0x17b5, 1},
		{0x180e, 0x180e, 1},
		{0x200b, 0x200b, 1}, {0x200e, 0x200f, 1}, {0x2028, 0x202e, 1}, {0x2060, 0x206f, 1}, {0x3164, 0x3164, 1},
		{0xfeff, 0xfeff, 1},
		{0xffa0, 0xffa0, 1}, {0xfff0, 0xfffb, 1}, {0xfffe, 0xffff, 1},
	},
	R32: []unicode.Range32{{0x1bca0, 0x1bca3, 1}, {0x1d173, 0x1d17a, 1}, {0xe0000, 0xe001f, 1}},
}

func invisible(r rune) bool { return unicode.IsControl(r) || unicode.Is(invisibles, r) }

// joiner tells of the two that shape what stands at both sides of them: emoji
// of several parts, Persian and Indic words.
func joiner(r rune) bool { return r == 0x200c || r == 0x200d }

func joined(r rune) bool { return !unicode.IsSpace(r) && !joiner(r) && !invisible(r) }

// tag tells of what the flags of regions are written with, behind a black flag.
func tag(r rune) bool { return r >= 0xe0020 && r <= 0xe007f }

const blackFlag = 0x1f3f4
