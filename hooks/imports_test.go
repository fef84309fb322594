package hooks_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module     = "github.com/pocketline/pocketline"
	pocketbase = "github.com/pocketbase/..."
	anything   = "..."
)

// imports says what a package may import besides the standard library. Words
// without a dot in their first part are folders of this repository; * stands
// for one folder, a trailing ... for everything below.
type imports struct {
	dir string
	may []string
	// tests are what its tests may import on top.
	tests []string
}

// importTable is the house's plan. The first line whose dir matches counts.
// Change it only with a reason.
var importTable = []imports{
	// The order of wiring.
	{dir: ".", may: []string{anything}},
	// What is stored: knows PocketBase and nothing of ours, but which words are the
	// same: the search index is stored so.
	{dir: "collections", may: []string{pocketbase, "collections/words"}, tests: []string{"collections", "pb_migrations"}},
	{dir: "collections/words", may: []string{outside}},
	// Frozen history: a step must mean the same for ever. Moving addresses needs
	// the tables of Unicode and of domain names.
	{
		dir:   "pb_migrations",
		may:   []string{pocketbase, "golang.org/x/net/idna", "golang.org/x/text/unicode/norm"},
		tests: []string{"pb_migrations"},
	},
	// The dashboard is files; it knows nobody.
	{dir: "ui", may: []string{pocketbase}, tests: []string{"ui"}},
	// Wires the domains.
	{dir: "hooks", may: []string{anything}},
	// A fresh seeded app, opened as the product opens it: the only one below hooks
	// that needs the steps.
	{
		dir: "hooks/internal/testkit",
		may: []string{pocketbase, "collections", "pb_migrations", "providers/sandbox", "hooks/internal/database"},
	},
	// The rooms about people and organizations, put together for their tests: what
	// one of them does is seen through the others.
	{dir: "hooks/internal/peoplekit", may: []string{external, "collections", "hooks/internal/...", "hooks/accounts",
		"hooks/privacy", "hooks/orgs", "hooks/onboarding", "hooks/calls/lists"}},
	// The desk of the tests of calls and their rooms; it binds none of them.
	{
		dir: "hooks/internal/callskit",
		may: []string{external, "collections", "hooks/internal/...", "hooks/usage", "providers/vapi", "providers/sandbox"},
	},
	// The same with calls bound, for the rooms of calls.
	{dir: "hooks/internal/callskit/whole", may: []string{"hooks/calls", "hooks/internal/callskit"}},
	// What all copies at Vapi share speaks to its client.
	{
		dir:   "hooks/internal/vapicopy",
		may:   []string{external, "collections", "hooks/internal/...", "providers/vapi"},
		tests: []string{"hooks/internal/..."},
	},
	{
		dir:   "hooks/internal/*",
		may:   []string{external, "collections", "collections/words", "hooks/internal/..."},
		tests: []string{"hooks/internal/...", "providers/sandbox", "pb_migrations"},
	},
	// The life of a call puts its rooms together.
	{
		dir: "hooks/calls",
		may: []string{external, "collections", "collections/words", "hooks/internal/...", "hooks/calls/*",
			"providers/catalog", "providers/vapi"},
		tests: []string{"hooks/*", "providers", "providers/sandbox"},
	},
	// What messages mean for a call, whoever sends them: it knows no provider.
	{dir: "hooks/calls/fold", may: []string{external, "collections", "hooks/internal/..."}},
	// What Vapi's messages say, in those words.
	{dir: "hooks/calls/vapifacts", may: []string{external, "collections", "hooks/calls/fold", "hooks/internal/...",
		"providers/vapi"}},
	// What the assistant does during a call.
	{
		dir:   "hooks/calls/tools",
		may:   []string{external, "collections", "hooks/calls/fold", "hooks/calls/table", "hooks/internal/..."},
		tests: []string{"hooks/calls", "providers"},
	},
	// The recordings.
	{
		dir: "hooks/calls/sound",
		may: []string{external, "collections", "hooks/calls/fold", "hooks/calls/lists", "hooks/calls/table",
			"hooks/internal/...", "providers/vapi"},
		tests: []string{"hooks/calls"},
	},
	// What is written of calls, and who is told.
	{
		dir: "hooks/calls/store",
		may: []string{external, "collections", "hooks/calls/fold", "hooks/calls/table", "hooks/internal/..."},
	},
	// Calls we make.
	{
		dir:   "hooks/calls/placing",
		may:   []string{external, "collections", "hooks/calls/*", "hooks/internal/...", "providers/vapi"},
		tests: []string{"hooks/*"},
	},
	// What people do in a running call.
	{
		dir: "hooks/calls/control",
		may: []string{external, "collections", "hooks/calls/*", "hooks/internal/...", "providers/vapi"},
	},
	// The routes of the old systems that speak of calls.
	{
		dir: "hooks/calls/documented",
		may: []string{external, "collections", "hooks/calls/*", "hooks/internal/..."},
	},
	// The people calls are with.
	{dir: "hooks/calls/contacts", may: []string{external, "collections", "hooks/calls/lists", "hooks/internal/..."},
		tests: []string{"hooks/calls", "hooks/internal/..."}},
	{dir: "hooks/calls/table", may: []string{"collections", "hooks/internal/...", "hooks/calls/fold"}},
	{dir: "hooks/calls/lists", may: []string{external, "collections", "collections/words", "hooks/internal/..."}},
	// A domain: rows, the shared mechanisms and the clients it needs. Never
	// another domain: the row is the message. A test may bind the domains that
	// react to its rows.
	{
		dir: "hooks/*",
		may: []string{
			external, "collections", "collections/words", "hooks/internal/...", "providers/catalog",
			"providers/vapi", "providers/twilio", "providers/flutterwave", "providers/channels",
		},
		tests: []string{"hooks/*", "providers", "providers/sandbox", "pb_migrations"},
	},
	// What Vapi offers is one table, for the copies and for the sandbox: it knows
	// nobody, so that it brings no struct of a client along.
	{dir: "providers/catalog", tests: []string{"providers/catalog"}},
	{dir: "providers/catalog/gen"},
	// The stand-ins share no struct with the clients, so that a wrong tag shows.
	// The table of what Vapi offers is facts: it says what to refuse.
	{dir: "providers/sandbox", may: []string{"providers/catalog"}, tests: []string{"providers/sandbox"}},
	{dir: "providers/internal/*", may: []string{outside}, tests: []string{"providers/internal/..."}},
	// Makes the clients from the configuration.
	{dir: "providers", may: []string{outside, "providers/..."}, tests: []string{"providers/..."}},
	// A client speaks to its provider and knows nothing of us.
	{dir: "providers/*", may: []string{outside, "providers/internal/httpjson"},
		tests: []string{"providers/...", "providers/sandbox"}},
	// Measuring the whole product.
	{dir: "bench", may: []string{anything}},
	{dir: "bench/*", may: []string{anything}},
	// Breaking the whole product; the root's tests drive the binary with the same rig.
	{dir: "faults", may: []string{anything}},
	{dir: "faults/*", may: []string{anything}},
}

const (
	// external is any module but ours; outside also excludes PocketBase.
	external = "external"
	outside  = "outside"
)

// kits are for tests alone.
var kits = map[string]bool{
	"hooks/internal/testkit": true, "hooks/internal/deskkit": true,
	"hooks/internal/peoplekit": true, "hooks/internal/callskit": true, "hooks/internal/callskit/whole": true,
}

// matches tells whether a folder or import path is meant by a pattern.
func matches(pattern, name string) bool {
	ours := !strings.Contains(strings.Split(name, "/")[0], ".") || name == "."
	switch pattern {
	case anything:
		return true
	case external:
		return !ours
	case outside:
		return !ours && !strings.HasPrefix(name, "github.com/pocketbase/")
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(name, below+"/")
	}
	ok, _ := path.Match(pattern, name)
	return ok
}

// standard tells whether an import is of Go's own library.
func standard(imported string) bool {
	return !strings.Contains(strings.Split(imported, "/")[0], ".")
}

// allowed says why a file may not import something; nil when it may.
func allowed(dir string, test bool, imported string) error {
	if standard(imported) {
		return nil
	}
	name := imported
	if ours, ok := strings.CutPrefix(imported, module); ok {
		name = strings.TrimPrefix(ours, "/")
		if name == "" {
			name = "."
		}
	}
	if kits[name] && !test && !kits[dir] {
		return fmt.Errorf("%s imports %s outside a test", dir, name)
	}
	for _, line := range importTable {
		if !matches(line.dir, dir) {
			continue
		}
		may := line.may
		if test {
			// External tests import the package itself, and any may use testkit.
			may = append(slices.Clone(may), append(line.tests, dir, pocketbase)...)
			if strings.HasPrefix(dir, "hooks") {
				may = append(may, "hooks/internal/testkit", "collections")
			}
		}
		if slices.ContainsFunc(may, func(pattern string) bool { return matches(pattern, name) }) {
			return nil
		}
		return fmt.Errorf("%s may not import %s", dir, name)
	}
	return fmt.Errorf("%s is not in the import table", dir)
}

func TestImports_follow_the_plan_of_the_house(t *testing.T) {
	const root = ".."
	files := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "node_modules" || n == "testdata" || n == "pb_data" || n == "dist" ||
				len(n) > 2 && n[0] == '.' {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if os.IsNotExist(err) {
			return nil // moved while the tests ran
		}
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if err := allowed(filepath.ToSlash(dir), strings.HasSuffix(name, "_test.go"), imported); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("read %d files only: the walk does not see the repository", files)
	}
}

func TestImports_table_refuses_what_must_never_be(t *testing.T) {
	const ours = module + "/"
	for _, c := range []struct {
		dir, imported string
		test, ok      bool
	}{
		{"hooks/calls", ours + "collections", false, true},
		{"hooks/calls", ours + "hooks/internal/tenant", false, true},
		{"hooks/calls", ours + "providers/vapi", false, true},
		{"hooks/calls", ours + "hooks/usage", false, false},
		{"hooks/calls", ours + "hooks/calls/lists", false, true},
		{"hooks/calls/lists", ours + "hooks/calls", false, false},
		{"hooks/calls/fold", ours + "providers/vapi", false, false},
		{"hooks/usage", ours + "hooks/calls/lists", false, false},
		{"hooks/calls", ours + "hooks/usage", true, true},
		{"hooks/calls", ours + "hooks/internal/testkit", false, false},
		{"hooks/calls", ours + "hooks/internal/testkit", true, true},
		{"hooks/orgs", ours + "hooks/internal/peoplekit", false, false},
		{"hooks/orgs", ours + "hooks/internal/peoplekit", true, true},
		{"hooks/internal/inbox", ours + "hooks/calls", false, false},
		{"hooks/internal/inbox", ours + "providers/vapi", false, false},
		{"hooks/internal/vapicopy", ours + "providers/vapi", false, true},
		{"hooks/internal/inbox", ours + "pb_migrations", false, false},
		{"providers/vapi", "github.com/pocketbase/pocketbase/core", false, false},
		{"providers/vapi", ours + "collections", false, false},
		{"providers/vapi", ours + "providers/twilio", false, false},
		{"providers/vapi", ours + "providers/internal/httpjson", false, true},
		{"providers/sandbox", ours + "providers/vapi", false, false},
		{"providers/sandbox", "github.com/google/uuid", false, false},
		{"providers/sandbox", "net/http", false, true},
		{"providers/sandbox", ours + "providers/catalog", false, true},
		{"providers/catalog", ours + "providers/vapi", false, false},
		{"providers/catalog", ours + "providers/sandbox", true, false},
		{"pb_migrations", ours + "collections", false, false},
		{"collections", ours + "pb_migrations", false, false},
		{"collections", "github.com/spf13/cobra", false, false},
		{"collections", "github.com/pocketbase/pocketbase/core", false, true},
		{"somewhere/new", "github.com/google/uuid", false, false},
	} {
		if err := allowed(c.dir, c.test, c.imported); (err == nil) != c.ok {
			t.Errorf("%s importing %s (test: %t): got %v, want allowed: %t", c.dir, c.imported, c.test, err, c.ok)
		}
	}
}
