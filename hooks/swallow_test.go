package hooks_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A read that failed is not a row that is not there: while the database is busy or
// its disk is full, whoever takes one for the other signs people out, leaves what
// was to be erased and orphans what was to be deleted. database.Found tells them
// apart.
//
// What is found here: the error of a call named Find…, Row, One or AccountOf is
// compared with nil, and what is done then neither uses it nor asks for
// sql.ErrNoRows. An error that goes through another variable or a helper is not seen.
func TestReads_that_fail_are_not_taken_for_rows_that_are_not_there(t *testing.T) {
	files, met := token.NewFileSet(), map[string]bool{}
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.HasPrefix(path, "internal/testkit/") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, at := range swallowed(file) {
			where := fmt.Sprintf("%s:%s", filepath.Dir(path), at.function)
			met[where] = true
			if mayFail[where] != "" {
				continue
			}
			t.Errorf("%s: a failed read counts as a row that is not there; use database.Found", files.Position(at.pos))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for where := range mayFail {
		if !met[where] {
			t.Errorf("%s drops no error any more: take it off the list", where)
		}
	}
}

// mayFail are functions, by their folder, in which a failed read may count as nothing, and why.
var mayFail = map[string]string{
	"internal/atomic:stored":        "the save that follows fails by itself",
	"internal/database:DropSamples": "without a full ANALYZE there is no such table",
	"internal/guesses:tryCode":      "PocketBase reads it again and says what is wrong",
	"internal/identity:closedCall":  "the call stays closed",
	"internal/outbox:untilNext":     "the worker looks again half a minute later",
	"internal/identity:SettingsRow": "the row as it was made will do",
	"notifications:caller":          "the number stands for the name",
	"orgs:verifyInvite":             "the inviter's name is not needed",
	"orgs:inviteMessage":            "a mail without the inviter's name, in the organization's language",
	".:keptAddress":                 "PocketBase asks again and complains",
}

type swallow struct {
	pos      token.Pos
	function string
}

// swallowed are the places of a file where the error of a read is dropped.
func swallowed(file *ast.File) (all []swallow) {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			var list []ast.Stmt
			switch n := n.(type) {
			case *ast.BlockStmt:
				list = n.List
			case *ast.CaseClause:
				list = n.Body
			case *ast.CommClause:
				list = n.Body
			case *ast.IfStmt:
				if n.Init != nil && drops(n.Init, n) {
					all = append(all, swallow{n.Pos(), f.Name.Name})
				}
			}
			for i := 1; i < len(list); i++ {
				if branch, ok := list[i].(*ast.IfStmt); ok && branch.Init == nil && drops(list[i-1], branch) {
					all = append(all, swallow{branch.Pos(), f.Name.Name})
				}
			}
			return true
		})
	}
	return all
}

// drops tells whether a branch forgets the error of the read before it.
func drops(read ast.Stmt, branch *ast.IfStmt) bool {
	assign, ok := read.(*ast.AssignStmt)
	if !ok || len(assign.Rhs) != 1 {
		return false
	}
	call, ok := assign.Rhs[0].(*ast.CallExpr)
	if !ok || !reads(call) {
		return false
	}
	failure, ok := assign.Lhs[len(assign.Lhs)-1].(*ast.Ident)
	if !ok || failure.Name == "_" {
		return false
	}
	switch compared(branch.Cond, failure.Name) {
	case token.NEQ:
		return !mentions(branch.Body, failure.Name)
	case token.EQL: // the other branch is the one that fails; without one, what follows may ask
		return branch.Init != nil && (branch.Else == nil || !mentions(branch.Else, failure.Name))
	}
	return false
}

// reads tells whether a call reads a row.
func reads(call *ast.CallExpr) bool {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	// Collections are in memory, and what is wrong with a token is no failed read.
	if strings.HasPrefix(name, "FindCached") || strings.HasPrefix(name, "FindCollection") ||
		name == "FindAuthRecordByToken" {
		return false
	}
	return strings.HasPrefix(name, "Find") || name == "Row" || name == "One" || name == "AccountOf"
}

// compared is how a condition compares an error with nil: alone, or as a term of
// || (!= nil) or && (== nil).
func compared(cond ast.Expr, failure string) token.Token {
	b, ok := cond.(*ast.BinaryExpr)
	if !ok {
		return token.ILLEGAL
	}
	if b.Op == token.LOR || b.Op == token.LAND {
		for _, side := range []ast.Expr{b.X, b.Y} {
			op := compared(side, failure)
			if b.Op == token.LOR && op == token.NEQ || b.Op == token.LAND && op == token.EQL {
				return op
			}
		}
		return token.ILLEGAL
	}
	x, isName := b.X.(*ast.Ident)
	y, isNil := b.Y.(*ast.Ident)
	if isName && isNil && x.Name == failure && y.Name == "nil" {
		return b.Op
	}
	return token.ILLEGAL
}

func mentions(in ast.Node, name string) (found bool) {
	ast.Inspect(in, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			found = true
		}
		return !found
	})
	return found
}
