package accountmail

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

// text is a string of the source, put together where it stands on several lines. What
// is not written there (a name) is left out.
func text(t *testing.T, e ast.Expr) string {
	t.Helper()
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		return s
	case *ast.BinaryExpr:
		return text(t, e.X) + text(t, e.Y)
	}
	return ""
}

// written are the texts of letters.go by language: each a text with its translation, or
// the parts of a letter with theirs.
func written(t *testing.T) (all []map[string][]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "letters.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if _, ok := lit.Type.(*ast.MapType); !ok {
			return true
		}
		one := map[string][]string{}
		for _, e := range lit.Elts {
			pair := e.(*ast.KeyValueExpr)
			language, parts := text(t, pair.Key), []ast.Expr{pair.Value}
			if letter, ok := pair.Value.(*ast.CompositeLit); ok {
				parts = letter.Elts
			}
			for _, part := range parts {
				one[language] = append(one[language], text(t, part))
			}
		}
		all = append(all, one)
		return false
	})
	if len(all) < 15 {
		t.Fatalf("found %d texts", len(all))
	}
	return all
}

// A letter of ours is in every language; PocketBase has the English of its own.
func TestLetters_say_the_same_in_every_language(t *testing.T) {
	stock := 0
	for _, one := range written(t) {
		if one["en"] == nil {
			stock++
			one["en"] = one["fr"]
		}
		for _, language := range collections.Languages {
			if len(one[language]) != len(one["en"]) {
				t.Errorf("%s has %d parts, English %d: %q", language, len(one[language]), len(one["en"]), one["en"])
				continue
			}
			for i, part := range one[language] {
				english := one["en"][i]
				if strings.Count(part, "%s") != strings.Count(english, "%s") || (part == "") != (english == "") {
					t.Errorf("%q is not %q in %s", part, english, language)
				}
			}
		}
	}
	if stock != 4 {
		t.Errorf("%d letters are for PocketBase's mails, want 4", stock)
	}
}

// French keeps a narrow space before ? ! ; and a wide one before : and inside « », none
// of which a line may break at. Neither language has typewriter quotes.
func TestLetters_are_set_as_each_language_is(t *testing.T) {
	wrong := regexp.MustCompile(`[^\x{202F}][?!;]|[^\x{00A0}][:»]|«[^\x{00A0}]|['"]`)
	for _, one := range written(t) {
		for _, part := range one["fr"] {
			if at := wrong.FindString(part); at != "" {
				t.Errorf("%q in %q", at, part)
			}
		}
		for _, part := range one["en"] {
			if strings.ContainsAny(part, `'"`) {
				t.Errorf("typewriter quotes in %q", part)
			}
		}
	}
}
