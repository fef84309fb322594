package collections

import "github.com/pocketbase/pocketbase/core"

// CallReports hold what is big about a finished call: the transcript as text,
// the analysis, the costs. One per call; search runs over it.
const CallReports = "call_reports"

// CallSearch is the full-text index over call_reports. SearchSQL makes it.
const CallSearch = "call_search"

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
	index(c, "organization")
	readOnly(c, Can("organization", CanViewCalls))
	return c
}

// SearchSQL are the statements that make the full-text index and keep it equal
// to call_reports. The organization is a word of each entry, so that a search
// walks only entries of its own organization.
var SearchSQL = []string{
	`CREATE VIRTUAL TABLE IF NOT EXISTS call_search USING fts5(organization, summary, transcript,
		content='call_reports', content_rowid='position', tokenize='unicode61 remove_diacritics 2')`,
	`CREATE TRIGGER IF NOT EXISTS call_search_insert AFTER INSERT ON call_reports BEGIN
		INSERT INTO call_search(rowid, organization, summary, transcript)
		VALUES (new.position, new.organization, new.summary, new.transcript);
	END`,
	`CREATE TRIGGER IF NOT EXISTS call_search_delete AFTER DELETE ON call_reports BEGIN
		INSERT INTO call_search(call_search, rowid, organization, summary, transcript)
		VALUES ('delete', old.position, old.organization, old.summary, old.transcript);
	END`,
	`CREATE TRIGGER IF NOT EXISTS call_search_update AFTER UPDATE OF position, organization, summary, transcript ON call_reports BEGIN
		INSERT INTO call_search(call_search, rowid, organization, summary, transcript)
		VALUES ('delete', old.position, old.organization, old.summary, old.transcript);
		INSERT INTO call_search(rowid, organization, summary, transcript)
		VALUES (new.position, new.organization, new.summary, new.transcript);
	END`,
}
