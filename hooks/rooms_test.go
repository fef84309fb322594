package hooks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A room with more files than this, or a receiver with more methods, holds more than
// one subject.
const (
	roomFiles   = 20
	roomMethods = 45
)

// receiver is the name of a method's type, "" for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

func TestRooms_hold_one_subject(t *testing.T) {
	files, methods := map[string]int{}, map[string]map[string]int{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		room := filepath.ToSlash(filepath.Dir(path))
		files[room]++
		for _, declared := range parsed.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && receiver(f) != "" {
				if methods[room] == nil {
					methods[room] = map[string]int{}
				}
				methods[room][receiver(f)]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Errorf("%d rooms were counted: the walk does not see the house", len(files))
	}
	for room, n := range files {
		if n > roomFiles {
			t.Errorf("hooks/%s has %d files, at most %d: how many subjects are in it?", room, n, roomFiles)
		}
		for of, n := range methods[room] {
			if n > roomMethods {
				t.Errorf("%s in hooks/%s has %d methods, at most %d: how many subjects are in it?", of, room, n, roomMethods)
			}
		}
	}
}
