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
	index := func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, _ := args[0].(string) // what is no text has no words
		return Index(text), nil
	}
	sqlite.MustRegisterDeterministicScalarFunction(Function, 1, index)
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
	for len(all) > 0 {
		n := group(all, Joined)
		if size := len(to); n > 1 {
			if to = appendOne(to, text, all[:n]); len(to) > size {
				to = append(to, ' ')
			}
		}
		all = all[n:]
	}
	return to
}

// group counts the first tokens that follow each other so, or nearer.
func group(all []Token, link Link) int {
	n := 1
	for n < len(all) && all[n].Link >= link {
		n++
	}
	return n
}

// appendOne adds tokens written as one word, when they can be.
func appendOne(to []byte, text string, tokens []Token) []byte {
	if tokens[len(tokens)-1].To-tokens[0].From > joinedMost || hasCharacters(tokens) {
		return to
	}
	for _, t := range tokens {
		to = appendFolded(to, text[t.From:t.To])
	}
	return to
}

func hasCharacters(tokens []Token) bool {
	for _, t := range tokens {
		if t.Kind != Word {
			return true
		}
	}
	return false
}

// Groups are the tokens of a text, those without a gap between them together.
func Groups(all []Token) (groups [][]Token) {
	for len(all) > 0 {
		n := group(all, Adjacent)
		groups = append(groups, all[:n])
		all = all[n:]
	}
	return groups
}

// Join returns a group of tokens as the one word they may be written as; empty
// when they are one already, or never written so.
func Join(text string, tokens []Token) string {
	if len(tokens) < 2 {
		return ""
	}
	return string(appendOne(nil, text, tokens))
}
