package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/rangetable"
)

// Token is a word of a text, or a stretch of two characters in scripts that put
// no space between words.
type Token struct {
	From, To int
	// First is where a pair's first character ends; To of others.
	First int
	Link  Link
	Kind  Kind
}

// Link says how a token follows the one before.
type Link uint8

const (
	// Separate tokens stand apart.
	Separate Link = iota
	// Adjacent ones have nothing between them: characters without spaces.
	Adjacent
	// Joined ones may be written as one: rendez-vous, O'Brien, 48 123.
	Joined
)

// Kind says what a token is.
type Kind uint8

const (
	// Word is letters and digits.
	Word Kind = iota
	// Pair is two characters of a script without spaces.
	Pair
	// Char is the last character of a run of them.
	Char
)

// kind is what splitting needs to know of a rune.
type kind uint8

const (
	apart  kind = iota // between words
	letter             // of a word
	number             // of a word with a digit
	char               // of a script without spaces
	mark               // belongs to what it follows
	unseen             // neither ends a word nor shows
)

// plain is what ASCII characters are.
var plain = func() (t [utf8.RuneSelf]kind) {
	for c := range t {
		switch r := rune(c); {
		case unicode.IsDigit(r):
			t[c] = number
		case unicode.IsLetter(r):
			t[c] = letter
		}
	}
	return t
}()

// spaceless are the scripts whose words are not set apart, and Korean, whose
// words take endings.
var spaceless = rangetable.Merge(unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Hangul, unicode.Yi,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tai_Le, unicode.New_Tai_Lue, unicode.Tai_Tham, unicode.Tai_Viet,
	unicode.Balinese, unicode.Javanese, unicode.Tibetan, rangetable.New('ー', 'ｰ'))

// isHyphen tells what stands inside words, or between two that may be one:
// hyphens and apostrophes of any keyboard.
func isHyphen(r rune) bool {
	switch r {
	case '\'', '’', '‘', '‛', 'ʼ', 'ʻ', 'ʽ', 'ʾ', 'ʿ', 'ʹ', '`', '´', '′', '＇', '׳', '״', 'ꞌ',
		'-', '‐', '\u2011', '‒', '–', '−', '－', '﹣', '־', '·':
		return true
	}
	return false
}

// isSpacer tells what sets the parts of a number apart.
func isSpacer(r rune) bool {
	switch r {
	case ' ', '.', ',', '/', ':', '(', ')', '-', '\u00a0', '\u2009', '\u2011', '–', '\u202f':
		return true
	}
	return false
}

// isJamo tells whether a rune is a part of a Korean syllable.
func isJamo(r rune) bool { return r >= 0x1100 && r <= 0x11FF }

func kindOf(r rune) kind {
	const (
		soft, tatweel    = 0x00AD, 0x0640 // where a word may break; a line that makes it longer
		vowel, lastJamo  = 0x1160, 0x11FF // parts of a Korean syllable after the first
		voiced, half     = 0xFF9E, 0xFF9F // of narrow Japanese letters
		firstOfSpaceless = 0x0E00
	)
	switch {
	case r < utf8.RuneSelf:
		return plain[r]
	case r >= 'À' && r <= 'ɏ' && r != '×' && r != '÷', r >= 'Ѐ' && r <= 'ҁ': // most of what is not ASCII
		return letter
	case r >= 0x4E00 && r <= 0x9FFF:
		return char
	case r == soft, r == tatweel, unicode.Is(unicode.Cf, r):
		return unseen
	case isHyphen(r):
		return apart
	case unicode.IsMark(r), r >= vowel && r <= lastJamo, r == voiced, r == half:
		return mark
	case unicode.IsNumber(r) && !(r >= firstOfSpaceless && unicode.Is(unicode.Han, r)):
		return number
	case r >= firstOfSpaceless && unicode.Is(spaceless, r) && (unicode.IsLetter(r) || unicode.IsNumber(r)):
		return char
	case unicode.IsLetter(r):
		return letter
	}
	return apart
}

// splitter is where splitting a text stands.
type splitter struct {
	into []Token
	// The word or the last character that is open, none when from is negative.
	from, to int
	open     kind
	digits   bool // the word has a digit
	before   span // the character before it, in the same run
	link     Link // of the run's next token

	wasDigits bool // the last word had one
	// What is between the last word and here: its last rune, how many, whether
	// all could stand in a number, and one is a bracket.
	gap             rune
	gaps            int
	spaced, bracket bool
}

type span struct{ from, to int }

// Split adds the tokens of a text. They are in order; a pair overlaps the next.
func Split(into []Token, text string) []Token {
	s := splitter{into: into, from: -1}
	for i := 0; i < len(text); {
		var k kind
		r, size := rune(text[i]), 1
		if r < utf8.RuneSelf {
			k = plain[r]
		} else {
			r, size = utf8.DecodeRuneInString(text[i:])
			k = kindOf(r)
		}
		switch k {
		case apart:
			s.apart(r)
		case letter, number:
			s.letter(i, i+size, k)
			for i+size < len(text) && text[i+size] < utf8.RuneSelf && plain[text[i+size]] != apart { // most of most texts
				s.digits = s.digits || plain[text[i+size]] == number
				size++
				s.to = i + size
			}
		case char:
			s.char(i, i+size)
		case mark:
			s.to = i + size // of nothing when no word is open
		}
		i += size
	}
	s.end()
	return s.into
}

func (s *splitter) apart(r rune) {
	s.end()
	s.gap = r
	s.gaps++
	s.spaced = (s.gaps == 1 || s.spaced) && isSpacer(r)
	s.bracket = s.bracket || r == '(' || r == ')'
}

func (s *splitter) letter(from, to int, k kind) {
	if s.from < 0 || s.open == char {
		s.end()
		s.from, s.open, s.digits = from, letter, false
	}
	s.to = to
	s.digits = s.digits || k == number
}

func (s *splitter) char(from, to int) {
	switch {
	case s.from < 0 || s.open != char:
		s.end()
		s.link = s.linked(false)
		s.before = span{-1, -1}
	default:
		s.pair()
		s.before = span{s.from, s.to}
	}
	s.from, s.to, s.open = from, to, char
}

// pair adds the open character with the one before it.
func (s *splitter) pair() {
	if s.before.from >= 0 {
		s.add(Token{From: s.before.from, First: s.before.to, To: s.to, Link: s.link, Kind: Pair})
		s.link = Adjacent
	}
}

// end closes what is open.
func (s *splitter) end() {
	if s.from < 0 {
		return
	}
	if s.open == char {
		s.pair()
		s.add(Token{From: s.from, First: s.to, To: s.to, Link: s.link, Kind: Char})
		s.digits = false
	} else {
		s.add(Token{From: s.from, First: s.to, To: s.to, Link: s.linked(s.digits), Kind: Word})
	}
	s.from, s.wasDigits, s.gap, s.gaps, s.spaced, s.bracket = -1, s.digits, 0, 0, false, false
}

func (s *splitter) add(t Token) { s.into = append(s.into, t) }

// linked says how what begins after the gap follows what was before.
func (s *splitter) linked(digits bool) Link {
	switch {
	case len(s.into) == 0:
		return Separate
	case s.gaps == 0:
		return Adjacent
	case s.gaps == 1 && isHyphen(s.gap):
		return Joined
	case digits && s.wasDigits && s.spaced && (s.gaps == 1 || s.gaps == 2 && s.bracket):
		return Joined
	}
	return Separate
}
