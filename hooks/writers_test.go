package hooks_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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

func TestMechanisms_alone_write_their_tables(t *testing.T) {
	constants := map[string]string{"collections.Outbox": "outbox", "collections.ProviderEvents": "provider_events",
		"collections.JobRuns": "job_runs"}
	own := map[string]int{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range writing.FindAllStringSubmatchIndex(string(raw), -1) {
			for group := 2; group < len(found); group += 2 {
				if found[group] < 0 {
					continue
				}
				table := string(raw[found[group]:found[group+1]])
				if constant, ok := constants[table]; ok {
					table = constant
				}
				home, ours := mechanisms[strings.ToLower(table)]
				switch {
				case !ours:
				case filepath.ToSlash(filepath.Dir(path)) == home:
					own[table]++
				default:
					t.Errorf("%s:%d writes %s, which %s writes alone", path, 1+strings.Count(string(raw[:found[0]]), "\n"),
						table, home)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for table := range mechanisms {
		if own[table] < 3 {
			t.Errorf("%d statements that write %s were found in its own package: the test reads them wrongly", own[table], table)
		}
	}
}
