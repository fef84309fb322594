package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// These tests count what a reader of the house meets; `git ls-files` says what the
// house is.

// How far a function may branch: by gocyclo's rule (one, and one more for each if, for,
// case, && and ||) a reader can hold about fifteen ways through it in mind.
const (
	manyWays    = 15
	mostWays    = 25
	manyAllowed = 20 // functions above manyWays; above mostWays there is none
)

// Of the lines people write in Go at most this share is longer than lineMost characters.
const (
	lineMost    = 120
	longAllowed = 0.01
)

// For each line of code at least so many lines test it: package tests, the kits they
// use, and the faults the whole program is put through.
const (
	testShare         = 0.75
	testShareIdentity = 0.6
)

// written are the Go files of the repository that people write.
func written(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "*.go").Output()
	if err != nil {
		t.Skip("this is no checkout: ", err)
	}
	var files []string
	for _, name := range strings.Fields(string(out)) {
		if strings.Contains(name, "testdata/") || strings.HasPrefix(source(t, name), "// Code generated") {
			continue
		}
		files = append(files, name)
	}
	if len(files) < 500 {
		t.Fatalf("%d files: the house is not all here", len(files))
	}
	return files
}

func source(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "" // deleted, and not committed yet
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tests tells a file whose lines test others.
func tests(name string) bool {
	return strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "faults/") ||
		slices.ContainsFunc([]string{"testkit", "deskkit", "peoplekit", "callskit"}, func(kit string) bool {
			return strings.Contains(name, "/"+kit+"/")
		})
}

// ways is the cyclomatic complexity of a function.
func ways(f *ast.FuncDecl) int {
	n := 1
	ast.Inspect(f, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}

func TestHouse_functions_can_be_held_in_mind(t *testing.T) {
	var many []string
	for _, name := range written(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, source(t, name), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := ways(f)
			if n > mostWays {
				t.Errorf("%s: %d ways through %s, at most %d: what in it has a name of its own?",
					set.Position(f.Pos()), n, f.Name.Name, mostWays)
			}
			if n > manyWays {
				many = append(many, fmt.Sprintf("%3d %s %s", n, f.Name.Name, set.Position(f.Pos())))
			}
		}
	}
	slices.Sort(many)
	slices.Reverse(many)
	if len(many) > manyAllowed {
		t.Errorf("%d functions with more than %d ways through them, at most %d:\n%s",
			len(many), manyWays, manyAllowed, strings.Join(many, "\n"))
	}
}

// linesMost is how long a function may be: it fits on a page or two.
const linesMost = 100

func TestHouse_functions_are_short(t *testing.T) {
	for _, name := range written(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, source(t, name), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > linesMost {
				t.Errorf("%s: %s has %d lines, at most %d: what in it has a name of its own?",
					set.Position(f.Pos()), f.Name.Name, n, linesMost)
			}
		}
	}
}

func TestHouse_lines_fit_beside_another_page(t *testing.T) {
	lines, long := 0, map[string]int{}
	all := 0
	for _, name := range written(t) {
		for line := range strings.Lines(source(t, name)) {
			lines++
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > lineMost {
				long[name]++
				all++
			}
		}
	}
	if share := float64(all) / float64(lines); share > longAllowed {
		t.Errorf("%d of %d lines (%.1f %%) are longer than %d characters, at most %.0f %% may be:\n%v",
			all, lines, share*100, lineMost, longAllowed*100, long)
	}
}

func TestHouse_is_tested(t *testing.T) {
	share := func(under string) float64 {
		var code, test int
		for _, name := range written(t) {
			if !strings.HasPrefix(name, under) {
				continue
			}
			n := strings.Count(source(t, name), "\n")
			if tests(name) {
				test += n
			} else {
				code += n
			}
		}
		return float64(test) / float64(code)
	}
	if got := share(""); got < testShare {
		t.Errorf("%.2f lines of tests for a line of code, want %.2f", got, testShare)
	}
	if got := share("hooks/internal/identity"); got < testShareIdentity {
		t.Errorf("%.2f lines of tests for a line of hooks/internal/identity, want %.2f", got, testShareIdentity)
	}
}
