package hooks_test

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

var reactionsPage = filepath.Join("..", "docs", "reactions.md")

// reacting are the reactions of the product as it is put together.
func reacting(t *testing.T) []atomic.Entry {
	t.Helper()
	app := testkit.New(t, func(app core.App) {
		cfg, err := providers.Load(func(string) string { return "" }, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		_, err = hooks.Register(app, hooks.Deps{
			Config: cfg, Clients: providers.New(cfg, "test"), Keys: hooks.NoKeys(), SandboxURL: "http://127.0.0.1:1",
			Version: "test", Log: io.Discard,
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	return atomic.Reactions(app)
}

func TestReactionsPage_shows_who_reacts_to_what(t *testing.T) {
	want := reactionsText(reacting(t))
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(reactionsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reactionsPage)
	if err != nil {
		t.Fatalf("%v: run go test ./hooks -update", err)
	}
	if string(got) != want {
		t.Errorf("%s is not what is bound: run go test ./hooks -update", reactionsPage)
	}
}

// A reaction is named "domain: what it does", watches fields that exist, and is
// bound once: a second binding would do its work twice.
func TestReactions_are_named_and_bound_once(t *testing.T) {
	defined := map[string]*core.Collection{}
	for _, c := range collections.All() {
		defined[c.Name] = c
	}
	seen := map[string]bool{}
	for _, r := range reacting(t) {
		c := defined[r.Collection]
		if c == nil {
			t.Errorf("%q follows %s, which is no collection", r.Name, r.Collection)
			continue
		}
		if domain, does, ok := strings.Cut(r.Name, ": "); !ok || domain == "" || does == "" {
			t.Errorf("%q of %s is not named \"domain: what it does\"", r.Name, r.Collection)
		}
		for _, field := range r.Watched {
			if c.Fields.GetByName(field) == nil {
				t.Errorf("%q watches %s.%s, which does not exist", r.Name, r.Collection, field)
			}
		}
		one := fmt.Sprint(r.Collection, r.When, r.Name)
		if seen[one] {
			t.Errorf("%q is bound twice to %s %s", r.Name, r.Collection, r.When)
		}
		seen[one] = true
	}
	if len(seen) == 0 {
		t.Error("nothing reacts to anything")
	}
}

// reactionsText writes docs/reactions.md.
func reactionsText(all []atomic.Entry) string {
	var b strings.Builder
	b.WriteString("# Reactions\n\n" +
		"Printed from the code by `go test ./hooks -update`; do not edit.\n\n" +
		"What follows from a change of a row, in the same transaction: both are stored, or neither. A reaction runs whichever way\n" +
		"the row changed: through the API, a job, or a provider's message. The word before the colon is the domain that binds it.\n")
	by := map[string][]atomic.Entry{}
	for _, r := range all {
		by[r.Collection] = append(by[r.Collection], r)
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		fmt.Fprintf(&b, "\n## %s\n\n| change | of fields | what follows |\n|---|---|---|\n", name)
		for _, r := range by[name] {
			fields := "any"
			if len(r.Watched) > 0 {
				fields = "`" + strings.Join(r.Watched, "`, `") + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.When, fields, r.Name)
		}
	}
	return b.String()
}
