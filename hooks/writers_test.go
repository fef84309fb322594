package hooks_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
)

// mechanisms are the tables that a mechanism writes alone, and where it lives. Whoever
// wants another change of them asks it for a verb.
var mechanisms = map[string]string{
	"outbox":          "internal/outbox",
	"job_runs":        "internal/schedule",
	"provider_events": "internal/inbox",
}

// writing finds statements that change a table, also with its name as a constant.
var writing = regexp.MustCompile("(?i)\\b(?:INSERT(?: OR \\w+)? INTO|REPLACE INTO|UPDATE(?: OR \\w+)?|DELETE FROM)\\s+" +
	"(?:[`\"\\[{]*(\\w+)\\b|[`\"]\\s*\\+\\s*(collections\\.\\w+))" +
	"|\\.(?:Insert|Update|Upsert|Delete)\\((?:\"(\\w+)\"|(collections\\.\\w+))")

// computed finds statements that change a table whose name the program computes. dbx's
// builder changes one as well.
var computed = regexp.MustCompile("\\b(?:INSERT(?: OR \\w+)? INTO|REPLACE INTO|UPDATE(?: OR \\w+)?|DELETE FROM)" +
	"\\s+(?:[`\"\\[{]*[`\"]\\s*\\+\\s*([\\w.]+)|[\\[{`]*%)" +
	"|DB\\(\\)\\.(?:Insert|Update|Upsert|Delete)\\(\\s*([a-z][\\w.]*)")

// computing are the files with such statements, how many, and which tables they are
// about. Whoever adds a line says why it can be none of a mechanism's.
var computing = map[string]struct {
	statements int
	tables     string
}{
	"calls/lists/index.go":         {1, "the indexes of the search"},
	"calls/records.go":             {1, "the indexes of the search"},
	"calls/table/column.go":        {2, "calls and what goes with them: its columns are declared in calls/table"},
	"demo/history.go":              {1, "what a demonstration is filled with"},
	"internal/database/discard.go": {1, "the mechanism's that asks: it names its own"},
	"internal/mirror/keep.go":      {3, "collections with a copy at a provider"},
	"internal/mirror/mirror.go":    {2, "collections with a copy at a provider"},
	"internal/mirror/records.go":   {2, "collections with a copy at a provider"},
	"internal/mirror/settle.go":    {3, "collections with a copy at a provider"},
	"internal/sealed/reseal.go":    {1, "collections with a column of secrets"},
	"privacy/purge.go":             {1, "an organization's rows; the mechanisms drop theirs themselves"},
	"sandbox.go":                   {1, "collections with a copy at a provider"},
}

func TestMechanisms_alone_write_tables_with_computed_names(t *testing.T) {
	found := map[string]int{}
	eachSource(t, func(path, source string) {
		for _, match := range computed.FindAllStringSubmatch(source, -1) {
			if name := match[1] + match[2]; !strings.HasPrefix(name, "collections.") {
				found[path]++
			}
		}
	})
	for path, n := range found {
		if n != computing[path].statements {
			t.Errorf("%s: %d statements change a table with a computed name, %d are known: can it be a mechanism's?",
				path, n, computing[path].statements)
		}
	}
	for path := range computing {
		if found[path] == 0 {
			t.Errorf("%s has no such statement any more", path)
		}
	}
	// What the list says of two of them.
	for table := range mechanisms {
		c := collections.ByName(table)
		if c.Fields.GetByName("sync_hash") != nil {
			t.Errorf("%s has a copy at a provider: the mirror writes it", table)
		}
		for _, secret := range collections.Secrets {
			if c.Fields.GetByName(secret) != nil {
				t.Errorf("%s.%s is sealed: package sealed writes it", table, secret)
			}
		}
	}
}

func TestMechanisms_statements_with_computed_names_are_seen(t *testing.T) {
	for source, sees := range map[string]bool{
		"`DELETE FROM `+collection+` WHERE": true, `"UPDATE {{" + r.table + "}} SET`: true, `"INSERT INTO %s (a)"`: true,
		"tx.NonconcurrentDB().Update(c.Name, x)": true, `tx.DB().Delete(table, x)`: true, "app.Delete(record)": false,
		"`UPDATE calls SET`": false, "c.Update(ctx, record)": false, `DB().Update("calls", x)`: false,
	} {
		if got := computed.MatchString(source); got != sees {
			t.Errorf("%s: seen %t, want %t", source, got, sees)
		}
	}
}

// eachSource hands over the product's files below hooks, by their path there.
func eachSource(t *testing.T, do func(path, source string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			do(filepath.ToSlash(path), string(raw))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMechanisms_alone_write_their_tables(t *testing.T) {
	constants := map[string]string{"collections.Outbox": "outbox", "collections.ProviderEvents": "provider_events",
		"collections.JobRuns": "job_runs"}
	own := map[string]int{}
	eachSource(t, func(path, source string) {
		for _, found := range writing.FindAllStringSubmatchIndex(source, -1) {
			for group := 2; group < len(found); group += 2 {
				if found[group] < 0 {
					continue
				}
				table := source[found[group]:found[group+1]]
				if constant, ok := constants[table]; ok {
					table = constant
				}
				home, ours := mechanisms[strings.ToLower(table)]
				switch {
				case !ours:
				case filepath.ToSlash(filepath.Dir(path)) == home:
					own[table]++
				default:
					t.Errorf("%s:%d writes %s, which %s writes alone", path, 1+strings.Count(source[:found[0]], "\n"),
						table, home)
				}
			}
		}
	})
	for table := range mechanisms {
		if own[table] < 3 {
			t.Errorf("%d statements that write %s were found in its own package: the test reads them wrongly", own[table], table)
		}
	}
}
