package words

import (
	"database/sql/driver"
	"sync"
	"unicode/utf8"

	"modernc.org/sqlite"
)

// Function is Index in SQL, in every connection of this program: the triggers
// that fill a search table call it.
const Function = "search_words"

// Tokenizer is the FTS5 tokenizer of what Index returns. Index has found the
// words; this one takes all that is not ASCII for part of a word.
const Tokenizer = "ascii"

func init() {
	sqlite.MustRegisterDeterministicScalarFunction(Function, 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, _ := args[0].(string) // what is no text has no words
		return Index(text), nil
	})
}

// joinedMost is how many bytes words written as one may have: a list of digits
// somebody read out is no number to look for.
const joinedMost = 40

// end stands between a text and what is written as one in it, so that no phrase
// reaches over.
const end = " · "

// tokens are lists to use again.
var tokens = sync.Pool{New: func() any { return new([]Token) }}

// Index returns the words of a text for the search index, folded and apart, and
// then once more as one those that may be written so: "48-123" is found by 48123.
// A text in ASCII with none of these is returned as it is.
func Index(text string) string {
	space := tokens.Get().(*[]Token)
	defer tokens.Put(space)
	*space = Split((*space)[:0], text)
	all := *space
	joined := hasJoined(all)
	ascii := isASCII(text)
	if ascii && !joined {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8+16)
	if ascii {
		out = append(out, text...)
	} else {
		for _, t := range all {
			out = append(appendFolded(out, text[t.From:t.To]), ' ')
		}
	}
	if joined {
		out = appendJoined(append(out, end...), text, all)
	}
	return string(out)
}

func isASCII(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func hasJoined(all []Token) bool {
	for _, t := range all {
		if t.Link == Joined {
			return true
		}
	}
	return false
}

// appendJoined adds each group of joined words as one.
func appendJoined(to []byte, text string, all []Token) []byte {
	for i := 0; i < len(all); {
		last := i + 1
		for last < len(all) && all[last].Link == Joined {
			last++
		}
		if one := all[i:last]; len(one) > 1 && one[len(one)-1].To-one[0].From <= joinedMost {
			for _, t := range one {
				to = appendFolded(to, text[t.From:t.To])
			}
			to = append(to, ' ')
		}
		i = last
	}
	return to
}

// Terms are the tokens of what somebody typed, each stretch without a gap
// together: to be looked for as a phrase.
func Terms(typed string) (terms [][]Token) {
	all := Split(nil, typed)
	for i := 0; i < len(all); {
		last := i + 1
		for last < len(all) && all[last].Link != Separate {
			last++
		}
		terms = append(terms, all[i:last])
		i = last
	}
	return terms
}
