package words

import (
	"database/sql/driver"
	"unicode"
	"unicode/utf8"

	"modernc.org/sqlite"
)

// NameFunction is Name in SQL, in every connection of this program.
const NameFunction = "search_name"

func init() {
	name := func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, _ := args[0].(string)
		return Name(text), nil
	}
	sqlite.MustRegisterDeterministicScalarFunction(NameFunction, 1, name)
}

// Name returns somebody's name or address as a part of it is looked for: folded,
// without spaces, hyphens and apostrophes, so that "jean pierre" and "JeanPierre"
// find Jean-Pierre. Other signs stay.
func Name(text string) string {
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
		} else if !isHyphen(r) && !unicode.IsSpace(r) {
			out = utf8.AppendRune(out, unicode.ToLower(r))
		}
	}
	return string(appendFolded(out, text[from:]))
}
