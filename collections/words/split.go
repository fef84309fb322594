package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/rangetable"
)

// Token is a word of a text, or a stretch of two characters in scripts that put
// no space between words.
type Token struct {
	From, To int32 // bytes of the text
	// First is where a pair's first character ends; To of others.
	First int32
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
var spaceless = rangetable.Merge(unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo,
	unicode.Hangul, unicode.Yi,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tai_Le, unicode.New_Tai_Lue,
	unicode.Tai_Tham, unicode.Tai_Viet,
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
	const firstOfSpaceless = 0x0E00
	switch {
	case r < utf8.RuneSelf:
		return plain[r]
	case isUsual(r):
		return letter
	case r >= 0x4E00 && r <= 0x9FFF:
		return char
	case isUnseen(r):
		return unseen
	case isHyphen(r):
		return apart
	case isMark(r):
		return mark
	case unicode.IsNumber(r) && !(r >= firstOfSpaceless && unicode.Is(unicode.Han, r)):
		return number
	case r >= firstOfSpaceless && unicode.Is(spaceless, r) && unicode.In(r, unicode.L, unicode.N):
		return char
	case unicode.IsLetter(r):
		return letter
	}
	return apart
}

// isUsual tells most letters that are not ASCII, without looking them up.
func isUsual(r rune) bool {
	return r >= 'À' && r <= 'ɏ' && r != '×' && r != '÷' || r >= 'Ѐ' && r <= 'ҁ'
}

// isUnseen tells a rune that changes how a word is set and not which it is.
func isUnseen(r rune) bool {
	const soft, tatweel = 0x00AD, 0x0640 // where a word may break; a line that makes it longer
	return r == soft || r == tatweel || unicode.Is(unicode.Cf, r)
}

// isMark tells a part of the letter before it.
func isMark(r rune) bool {
	const (
		vowel, lastJamo = 0x1160, 0x11FF // parts of a Korean syllable after the first
		voiced, half    = 0xFF9E, 0xFF9F // of narrow Japanese letters
	)
	return unicode.IsMark(r) || r >= vowel && r <= lastJamo || r == voiced || r == half
}

// splitter is where splitting a text stands.
type splitter struct {
	text string
	into []Token
	// The word or the last character that is open, none when from is negative.
	from, to int
	open     kind
	digits   bool // the word has a digit
	before   span // the character before it, in the same run
	link     Link // of the run's next token

	ended     int  // where the last token ended
	wasDigits bool // it had a digit
}

type span struct{ from, to int }

// Split adds the tokens of a text. They are in order; a pair overlaps the next.
func Split(into []Token, text string) []Token {
	s := splitter{text: text, into: into, from: -1}
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i = s.plain(i)
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch kindOf(r) {
		case apart:
			s.end()
		case letter:
			s.letter(i, i+size, false)
		case number:
			s.letter(i, i+size, true)
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

// plain takes what is ASCII from a place on, most of most texts, and returns
// where that ends. A word that ends there may go on.
func (s *splitter) plain(i int) int {
	if s.from >= 0 {
		from := i
		i, s.digits = s.plainWord(i, s.digits && s.open == letter)
		if i > from {
			s.letter(from, i, s.digits)
		}
		if i < len(s.text) && s.text[i] >= utf8.RuneSelf {
			return i
		}
		s.end()
	}
	for i < len(s.text) && s.text[i] < utf8.RuneSelf {
		if plain[s.text[i]] == apart {
			i++
			continue
		}
		from, digits := i, false
		i, digits = s.plainWord(i, false)
		if i < len(s.text) && s.text[i] >= utf8.RuneSelf {
			s.letter(from, i, digits)
			return i
		}
		s.add(from, i, digits)
	}
	return i
}

// plainWord returns where the ASCII letters and digits from a place on end, and
// whether there is a digit.
func (s *splitter) plainWord(i int, digits bool) (int, bool) {
	for i < len(s.text) && s.text[i] < utf8.RuneSelf && plain[s.text[i]] != apart {
		digits = digits || plain[s.text[i]] == number
		i++
	}
	return i, digits
}

// letter opens or goes on with a word.
func (s *splitter) letter(from, to int, digits bool) {
	if s.from < 0 || s.open == char {
		s.end()
		s.from, s.open, s.digits = from, letter, false
	}
	s.to = to
	s.digits = s.digits || digits
}

func (s *splitter) char(from, to int) {
	if s.from < 0 || s.open != char {
		s.end()
		s.link = s.linked(from, false)
		s.before = span{-1, -1}
	} else {
		s.pair()
		s.before = span{s.from, s.to}
	}
	s.from, s.to, s.open = from, to, char
}

// pair adds the open character with the one before it.
func (s *splitter) pair() {
	if s.before.from < 0 {
		return
	}
	s.into = append(s.into, Token{From: int32(s.before.from), First: int32(s.before.to), To: int32(s.to),
		Link: s.link, Kind: Pair})
	s.link = Adjacent
}

// end closes what is open.
func (s *splitter) end() {
	switch {
	case s.from < 0:
	case s.open == char:
		s.pair()
		s.into = append(s.into, Token{From: int32(s.from), First: int32(s.to), To: int32(s.to), Link: s.link, Kind: Char})
		s.from, s.ended, s.wasDigits = -1, s.to, false
	default:
		s.add(s.from, s.to, s.digits)
	}
}

// add adds a word.
func (s *splitter) add(from, to int, digits bool) {
	link := Separate
	if digits || from != s.ended+1 || s.text[s.ended] != ' ' { // one space is nearly always between
		link = s.linked(from, digits)
	}
	s.into = append(s.into, Token{From: int32(from), First: int32(to), To: int32(to), Link: link, Kind: Word})
	s.from, s.ended, s.wasDigits = -1, to, digits
}

// linked says how what begins at a place follows the last token.
func (s *splitter) linked(from int, digits bool) Link {
	gap := s.text[s.ended:from]
	switch {
	case len(s.into) == 0:
		return Separate
	case gap == "":
		return Adjacent
	}
	return between(gap, digits && s.wasDigits)
}

// between says how tokens with a gap follow each other; digits tells that both
// have some.
func between(gap string, digits bool) Link {
	seen, hyphen, spaced, bracket := 0, false, true, false
	for _, r := range gap {
		if k := kindOf(r); k == unseen || k == mark {
			continue
		}
		seen++
		hyphen = isHyphen(r)
		spaced = spaced && isSpacer(r)
		bracket = bracket || r == '(' || r == ')'
	}
	switch {
	case seen == 0:
		return Adjacent
	case seen == 1 && hyphen:
		return Joined
	case digits && spaced && (seen == 1 || seen == 2 && bracket):
		return Joined
	}
	return Separate
}
