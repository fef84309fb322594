package tenant

import (
	"errors"
	"strings"

	"github.com/ganigeorgiev/fexpr"
	"github.com/pocketbase/pocketbase/tools/search"

	"github.com/pocketline/pocketline/collections/words"
)

// Folded is a function of the filter language: a column as words are looked for in it,
// in small letters without accents. What it is compared with has to be folded alike.
//
// Example: folded(name)~'coeur'
const Folded = "folded"

func init() {
	search.TokenFunctions[Folded] = func(resolve func(fexpr.Token) (*search.ResolverResult, error),
		args ...fexpr.Token) (*search.ResolverResult, error) {
		if len(args) != 1 || args[0].Type != fexpr.TokenIdentifier {
			return nil, errors.New("folded expects one column")
		}
		column, err := resolve(args[0])
		if err != nil {
			return nil, err
		}
		if column.MultiMatchSubQuery != nil {
			return nil, errors.New("folded expects a column of the row itself")
		}
		column.Identifier = words.TextFunction + "(" + column.Identifier + ")"
		column.NullFallback = search.NullFallbackDisabled // of no text it is ""
		return column, nil
	}
}

// Holding is the condition that each word of what somebody typed stands in one of the
// columns, in whatever letters; "" when there is no word.
func Holding(columns, sought []string) string {
	terms := make([]string, len(sought))
	for i, word := range sought {
		ways := make([]string, len(columns))
		for n, column := range columns {
			ways[n] = Folded + "(" + column + ")~" + Containing(word)
		}
		terms[i] = "(" + strings.Join(ways, " || ") + ")"
	}
	return strings.Join(terms, " && ")
}

// Literal writes a value as a text literal of PocketBase's filter language, so
// that quotes, operators and comments in it stay text. A NUL, which ends a
// filter, is left out: no stored text holds one.
func Literal(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\x00", "").Replace(value) + "'"
}

// Containing writes a value as the right side of `~`, so that % and _ in it
// are the characters themselves. `~` knows no capitals: words that PocketBase
// refuses wherever they stand in a filter are written with one.
func Containing(value string) string {
	return Literal(strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`,
		"@request.", "@Request.", "@collection.", "@Collection.").Replace(value))
}

// conditions is what a client's filter fixes: the fields it compares with one
// literal value, outside any OR.
type conditions struct {
	equal map[string]string
	// more tells that the filter has other conditions besides.
	more bool
	// names are all the fields and paths the filter speaks of.
	names []string
}

// conditionsOf reads a client's filter. The error is the parser's, for a 400.
func conditionsOf(filter string) (conditions, error) {
	c := conditions{equal: map[string]string{}}
	if strings.TrimSpace(filter) == "" {
		return c, nil
	}
	groups, err := fexpr.Parse(filter)
	if errors.Is(err, fexpr.ErrEmpty) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	c.read(groups)
	c.names = namesIn(groups, nil)
	return c, nil
}

func (c *conditions) read(groups []fexpr.ExprGroup) {
	for i, g := range groups {
		// The first group's join is meaningless; one OR frees all of them.
		if i > 0 && g.Join == fexpr.JoinOr {
			c.more = true
			return
		}
	}
	for _, g := range groups {
		switch item := g.Item.(type) {
		case []fexpr.ExprGroup:
			c.read(item)
		case fexpr.Expr:
			if item.Op == fexpr.SignEq && item.Left.Type == fexpr.TokenIdentifier && item.Right.Type == fexpr.TokenText {
				c.equal[item.Left.Literal] = item.Right.Literal
			} else {
				c.more = true
			}
		}
	}
}

// and joins a condition of ours with the client's filter. The line break ends
// a comment the filter may close with.
func and(ours, client string) string {
	if strings.TrimSpace(client) == "" {
		return ours
	}
	return ours + " && (" + client + "\n)"
}
