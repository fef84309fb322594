package untrusted

import "errors"

// MaxDepth is how deep JSON from outside may nest: settings people write reach
// ten levels, and every walk over a value of theirs is bounded by it.
const MaxDepth = 64

// What is wrong with a JSON text.
var (
	ErrDeep = errors.New("This is nested too deeply.")
	ErrNUL  = errors.New("This has a character that cannot be stored (NUL).")
)

// Scanner looks at a JSON text that is written to it, in pieces of any size,
// without keeping it: how deep it nests and whether a text in it holds a NUL.
// Whether it is JSON at all is left to whoever parses it.
type Scanner struct {
	// Field is the outermost name under which Err was found, "" when there is
	// none.
	Field string
	// Err is ErrDeep or ErrNUL, nil while nothing is wrong.
	Err error
	// Values counts what the text consists of: values, names and separators.
	Values int

	bare   []byte // the beginning of what stands in no text, list or object
	depth  int
	text   bool // inside a string
	escape int  // what is left of an escape: 5 after a backslash, 4 to 1 for digits
	code   int  // of the escape
	word   []byte
}

// maxField is how much of a field's name an error shows.
const maxField = 100

// Write looks at the next piece. It never fails: Err says what was found.
func (s *Scanner) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && s.Err == nil {
		if s.text {
			p = s.inText(p)
		} else {
			p = s.between(p)
		}
	}
	return n, nil
}

// between looks at structure up to the next string.
func (s *Scanner) between(p []byte) []byte {
	for i, b := range p {
		switch b {
		case '"':
			s.text, s.word = true, s.word[:0]
			s.Values++
			return p[i+1:]
		case '{', '[':
			s.Values++
			if s.depth++; s.depth > MaxDepth {
				s.Err = ErrDeep
				return nil
			}
		case '}', ']':
			s.depth--
		case ':':
			if s.depth == 1 {
				s.Field = string(s.word)
			}
		case ',':
			s.Values++
			if s.depth == 1 {
				s.Field = ""
			}
		case 0:
			s.Err = ErrNUL
			return nil
		case ' ', '\t', '\n', '\r':
		default:
			if s.depth == 0 && len(s.bare) <= len("null") {
				s.bare = append(s.bare, b)
			}
		}
	}
	return nil
}

// Null tells of a text that is nothing but the word null: whoever parses it takes it for
// an object, or for a form, and has none.
func (s *Scanner) Null() bool { return s.Values == 0 && string(s.bare) == "null" }

// inText looks at a string up to its end.
func (s *Scanner) inText(p []byte) []byte {
	for i, b := range p {
		switch {
		case b == 0:
			s.Err = ErrNUL
			return nil
		case s.escape == 5 && b == 'u':
			s.escape, s.code = 4, 0
		case s.escape == 5:
			s.escape = 0
		case s.escape > 0:
			s.code = s.code<<4 | (int(b) - '0') // only whether all four are 0 counts
			if s.escape--; s.escape == 0 && s.code == 0 {
				s.Err = ErrNUL
				return nil
			}
		case b == '\\':
			s.escape = 5
		case b == '"':
			s.text = false
			return p[i+1:]
		case s.depth == 1 && len(s.word) < maxField:
			s.word = append(s.word, b)
		}
	}
	return nil
}

// JSON says what is wrong with a JSON text, nil when nothing is.
func JSON(raw []byte) error {
	var s Scanner
	s.Write(raw) //nolint:errcheck // never fails
	return s.Err
}
