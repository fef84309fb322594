package hooks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

// actionWriters are the functions that are given an action to write down, beside the field
// Action of an entry.
var actionWriters = []string{"noted", "note", "entryOf", "signIn"}

var anAction = regexp.MustCompile(`^[a-z_]+\.[a-z_]+$`)

// actionsWritten are the actions the program writes into the audit log, with where.
func actionsWritten(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		add := func(e ast.Expr) {
			if literal, ok := e.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if action, err := strconv.Unquote(literal.Value); err == nil && anAction.MatchString(action) {
					found[action] = set.Position(literal.Pos()).String()
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if name, ok := n.Key.(*ast.Ident); ok && name.Name == "Action" {
					add(n.Value)
				}
			case *ast.CallExpr:
				if slices.Contains(actionWriters, calledName(n)) {
					for _, arg := range n.Args {
						add(arg)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// Nobody reads "installation.mail" in the log.
func TestAudit_every_action_has_its_words_on_the_page(t *testing.T) {
	page, err := os.ReadFile("../ui/src/routes/settings/audit.ts")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)const known = \[(.*?)\] as const`).FindSubmatch(page)
	if list == nil {
		t.Fatal("the page has no list of actions")
	}
	known := map[string]bool{}
	for _, found := range regexp.MustCompile(`'([a-z_.]+)'`).FindAllSubmatch(list[1], -1) {
		known[string(found[1])] = true
	}
	for _, c := range collections.All() {
		if traits, _ := collections.TraitsOf(c.Name); traits.Logged {
			for _, verb := range []string{"create", "update", "delete"} {
				known[c.Name+"."+verb] = true
			}
		}
	}
	written := actionsWritten(t)
	if len(written) < 30 {
		t.Errorf("%d actions were found", len(written))
	}
	for action, where := range written {
		if !known[action] {
			t.Errorf("%s: %s has no words: add it to `known` in ui/src/routes/settings/audit.ts, and settings.audit.actions in both languages", where, action)
		}
	}
}
