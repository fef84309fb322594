package words

import (
	"database/sql/driver"
	"unicode"
	"unicode/utf8"

	"modernc.org/sqlite"
)

// NameFunction is Name in SQL, in every connection of this program.
const NameFunction = "search_name"

// TextFunction is Text in SQL, in every connection of this program.
const TextFunction = "search_text"

func init() {
	for name, fold := range map[string]func(string) string{NameFunction: Name, TextFunction: Text} {
		sqlite.MustRegisterDeterministicScalarFunction(name, 1,
			func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
				text, _ := args[0].(string)
				return fold(text), nil
			})
	}
}

// Name returns somebody's name or address as a part of it is looked for: folded,
// without spaces, hyphens and apostrophes, so that "jean pierre" and "JeanPierre"
// find Jean-Pierre. Other signs stay.
func Name(text string) string {
	return kept(text, func(r rune) bool { return !isHyphen(r) && !unicode.IsSpace(r) })
}

// Text returns a text as a part of it is looked for: folded, all signs as they are.
func Text(text string) string { return kept(text, func(rune) bool { return true }) }

// kept folds a text. Of what stands between words it has what keep tells to keep.
func kept(text string, keep func(r rune) bool) string {
	out := make([]byte, 0, len(text))
	from := 0 // where letters not yet folded begin
	for i, r := range text {
		if kindOf(r) != apart {
			continue
		}
		out = appendFolded(out, text[from:i])
		from = i + utf8.RuneLen(r)
		if r == utf8.RuneError {
			from = i + 1 // bytes that are no text
		} else if keep(r) {
			out = utf8.AppendRune(out, unicode.ToLower(r))
		}
	}
	return string(appendFolded(out, text[from:]))
}
