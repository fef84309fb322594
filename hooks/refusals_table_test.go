package hooks_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

var errorsPage = filepath.Join("..", "docs", "errors.md")

// capital is a sentence as the catalogue holds it.
func capital(text string) string {
	first := []rune(text)
	first[0] = unicode.ToUpper(first[0])
	return string(first)
}

func TestRefusals_stand_in_one_table_in_both_languages(t *testing.T) {
	c := readCatalogue(t)
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*(/[a-z]+(_[a-z]+)*)?$`)
	seen, statuses := map[string]bool{}, map[string]int{}
	for _, r := range refusal.Table() {
		// The library that signs people in knows validation_failed for both of its statuses.
		if of := statuses[r.Code()]; of != 0 && of != r.Status && r.Code() != "validation_failed" {
			t.Errorf("%s has the status %d, and its code has %d elsewhere", r.Name, r.Status, of)
		}
		statuses[r.Code()] = r.Status
		switch {
		case !word.MatchString(r.Name):
			t.Errorf("%q is no code", r.Name)
		case seen[r.Name]:
			t.Errorf("%s stands there twice", r.Name)
		case r.Status < 400 || r.Status > 599:
			t.Errorf("%s refuses with %d", r.Name, r.Status)
		case r.English == "" || r.French == "" || strings.HasSuffix(r.English, ".") || strings.HasSuffix(r.French, "."):
			t.Errorf("%s lacks a sentence, or one ends with a full stop: %q, %q", r.Name, r.English, r.French)
		}
		seen[r.Name] = true
		french, ok := c.Sentences[capital(r.English)]
		if !ok {
			french = c.Pocketbase[capital(r.English)]
		}
		if french != r.French {
			t.Errorf("%s is %q in the table and %q in %s", r.Name, r.French, french, frenchSentences)
		}
	}
}

// sources are the parsed files below hooks, without tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files[filepath.ToSlash(path)], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Every name that is said stands in the table, and every row of it is said: those of a
// status alone by whatever is refused with it.
func TestRefusals_that_are_said_are_those_of_the_table(t *testing.T) {
	rows := map[string]bool{}
	for _, r := range refusal.Table() {
		rows[r.Name] = true
	}
	literals := map[string]bool{}
	for path, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil {
					literals[text] = true
				}
			case *ast.CallExpr:
				of, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || len(n.Args) == 0 {
					return true
				}
				from, _ := of.X.(*ast.Ident)
				name, _ := n.Args[0].(*ast.BasicLit)
				if from == nil || name == nil || from.Name != "refusal" || of.Sel.Name != "Of" && of.Sel.Name != "Saying" {
					return true
				}
				if text, _ := strconv.Unquote(name.Value); !rows[text] {
					t.Errorf("%s: the table has no refusal %q", path, text)
				}
			}
			return true
		})
	}
	ofStatus := map[int]bool{}
	for _, r := range refusal.Table() {
		if !literals[r.Name] && ofStatus[r.Status] {
			t.Errorf("nobody says %s any more: take it out of the table", r.Name)
		}
		ofStatus[r.Status] = true
	}
}

// otherWays are makers of PocketBase's errors.
var otherWays = regexp.MustCompile(`^(New)?(BadRequest|Unauthorized|Forbidden|NotFound|TooManyRequests|InternalServer|Api)Error$`)

// A refusal that says something is one of the table. What says nothing of its own, and
// what PocketBase says word for word where a hook stands in its place, may be made in
// its way.
func TestRefusals_are_made_in_one_way(t *testing.T) {
	c := readCatalogue(t)
	for path, file := range sources(t) {
		if strings.HasPrefix(path, "internal/refusal/") {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			of, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !otherWays.MatchString(of.Sel.Name) || len(call.Args) < 2 {
				return true
			}
			text, known := template(call.Args[0])
			if _, said := c.Pocketbase[plain(text)]; !known || text != "" && !said {
				t.Errorf("%s: %s(%q) is said beside the table: refusal.Of", path, of.Sel.Name, text)
			}
			return true
		})
	}
}

func TestErrorsPage_shows_the_table(t *testing.T) {
	want := errorsText()
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(errorsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(errorsPage)
	if err != nil {
		t.Fatalf("%v: run go test ./hooks -update", err)
	}
	if string(got) != want {
		t.Errorf("%s is not the table: run go test ./hooks -update", errorsPage)
	}
}

// errorsText writes docs/errors.md.
func errorsText() string {
	var b strings.Builder
	b.WriteString("# Errors\n\n" +
		"Printed from the code by `go test ./hooks -update`; do not edit.\n\n" +
		"Every answer of 400 or more is JSON with `error`, a sentence in English, and `code`, the word a program can switch on: it\n" +
		"stays what it is, while sentences may be worded better. What else a surface documents stands beside them:\n\n" +
		"- the documented routes add `details`: what is wrong with each field, in the order in which [routes.md](routes.md) names the\n" +
		"  fields, or a text;\n" +
		"- PocketBase's own routes (records, realtime, files) keep `status`, `message` and `data`, fields in the order of the\n" +
		"  collection, which its SDK reads;\n" +
		"- `/functions/v1` adds `success` and `message`, `/auth/v1` adds `error_code` and `msg`, which those clients read.\n\n" +
		"A request that is no HTTP, or whose address cannot be read (`/api/%zz`), or whose head is too long, is answered by Go's own\n" +
		"server before it reaches us: 400 or 431, a short plain text, and the connection is closed.\n\n" +
		"A refusal without a word of its own has the first one of its status. Sentences of fields are not listed here.\n\n" +
		"| Code | Status | English | French |\n|---|---|---|---|\n")
	for _, r := range refusal.Table() {
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", r.Code(), r.Status, r.English, r.French)
	}
	return b.String()
}
