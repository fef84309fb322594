package collections

import (
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections/words"
)

// CallReports hold what is big about a finished call: the transcript as text,
// the analysis, the costs. One per call; search runs over it.
const CallReports = "call_reports"

// CallSearch is the full-text index over call_reports. SearchSQL makes it.
const CallSearch = "call_words"

// CallSearchBefore is the index of releases before it. An installation that has
// it searches there until the other one is filled.
const CallSearchBefore = "call_search"

func callReports() *core.Collection {
	c := tenant(CallReports,
		owned(required(relation("call", Calls)).(*core.RelationField)),
		// The search index's row number: it grows with time, so newest first is
		// a walk downwards (performance.md 3.3).
		required(integer("position")),
		text("summary", 10_000),
		text("transcript", LargeJSON),
		object("analysis", LargeJSON),
		object("costs", SmallJSON*4),
		object("performance", SmallJSON),
	)
	unique(c, "call", "")
	// With the organization, so that a walk over the search index reads nothing of
	// other organizations' rows.
	unique(c, "position, organization", "")
	index(c, "organization, created")
	readOnly(c, Can("organization", CanViewCalls))
	return c
}

var _ = declare(CallReports, callReports, Traits{
	Personal: []string{"summary", "transcript", "analysis"},
	Plain:    []string{"costs", "performance"},
	ToldWith: "call",
	Kept:     "keep_transcripts_days",
	Keys:     KeysRead,
})

// SearchSQL are the statements that make the full-text index and keep it equal
// to call_reports. The organization is a word of each entry, so that a search
// walks only entries of its own organization.
//
// The index holds the words as package words folds them, not the texts. What is
// deleted is named by its words, because only then are they wiped from the file
// (deleting by number leaves them until the index is merged). So a text must be
// folded as it was when it came: whoever changes what is folded makes an index of
// another name; calls.index fills it (hooks/calls/lists: index.go).
var SearchSQL = []string{
	`CREATE VIRTUAL TABLE IF NOT EXISTS ` + CallSearch + ` USING fts5(organization, summary, transcript,
		content='', tokenize='` + words.Tokenizer + `')`,
	`CREATE TRIGGER IF NOT EXISTS call_words_insert AFTER INSERT ON call_reports BEGIN
		` + indexNew + `
	END`,
	`CREATE TRIGGER IF NOT EXISTS call_words_delete AFTER DELETE ON call_reports BEGIN
		` + indexOld + `
	END`,
	`CREATE TRIGGER IF NOT EXISTS call_words_update AFTER UPDATE OF position, organization, summary, transcript ON call_reports BEGIN
		` + indexOld + `
		` + indexNew + `
	END`,
}

// indexOld takes an entry out; one that is not there yet while the index is
// filled stays out.
const indexOld = `INSERT INTO ` + CallSearch + `(` + CallSearch + `, rowid, organization, summary, transcript)
		SELECT 'delete', old.position, old.organization, ` + words.Function + `(old.summary), ` + words.Function + `(old.transcript)
		WHERE EXISTS (SELECT 1 FROM ` + CallSearch + `_docsize WHERE id = old.position);`

const indexNew = `INSERT INTO ` + CallSearch + `(rowid, organization, summary, transcript)
		VALUES (new.position, new.organization, ` + words.Function + `(new.summary), ` + words.Function + `(new.transcript));`
