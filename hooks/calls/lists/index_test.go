package lists

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// former gives the desk the search index of the first release.
func (d *desk) former() {
	d.t.Helper()
	for _, statement := range []string{
		`CREATE VIRTUAL TABLE call_search USING fts5(organization, summary, transcript,
			content='call_reports', content_rowid='position', tokenize='unicode61 remove_diacritics 2')`,
		`CREATE TRIGGER call_search_insert AFTER INSERT ON call_reports BEGIN
			INSERT INTO call_search(rowid, organization, summary, transcript) VALUES (new.position, new.organization, new.summary, new.transcript);
		END`,
		`CREATE TRIGGER call_search_delete AFTER DELETE ON call_reports BEGIN
			INSERT INTO call_search(call_search, rowid, organization, summary, transcript)
			VALUES ('delete', old.position, old.organization, old.summary, old.transcript);
		END`,
		`INSERT INTO call_search(call_search) VALUES ('rebuild')`,
		`INSERT INTO call_words(call_words) VALUES ('delete-all')`,
	} {
		d.exec(statement)
	}
	if err := d.lists.lookForFormer(context.Background(), d.lists.reads); err != nil {
		d.t.Fatal(err)
	}
}

func TestIndex_is_filled_while_searches_go_on(t *testing.T) {
	d := newDesk(t)
	const many = 2*indexBatch + 7
	for n := range many {
		d.put(testkit.Acme, fmt.Sprintf("zcall%010d", n), nil, "", "User: A café in Łódź, please.")
	}
	d.former()
	if got := len(d.found("cafe", "&limit=200")); got != 200 {
		t.Errorf("before: found %d", got)
	}
	d.put(testkit.Acme, "zlate0000000000", nil, "", "User: A café in Łódź, too.")
	d.exec(`DELETE FROM calls WHERE id = 'zcall0000000003'`)
	d.exec(`DELETE FROM call_reports WHERE call = 'zcall0000000003'`)

	stopped, stop := context.WithCancel(t.Context())
	stop()
	e := d.lists
	box, err := inbox.Of(d.TestApp)
	if err != nil {
		t.Fatal(err)
	}
	if n, _, err := e.indexBatch(t.Context(), box, 0); err != nil || n != indexBatch {
		t.Fatalf("one batch: %d, %v", n, err)
	}
	if err := e.keepIndexes(stopped, nil); err == nil {
		t.Error("a job that was stopped says it is done")
	}
	if got := e.searched(); got != collections.CallSearchBefore {
		t.Errorf("half way: searches look into %s", got)
	}
	if got := d.found("cafe", "&limit=1"); strings.Join(got, "") != "zlate0000000000" {
		t.Errorf("half way: found %v", got)
	}

	if err := d.Schedule.RunNow(t.Context(), "calls.index"); err != nil {
		t.Fatal(err)
	}
	if got := e.searched(); got != collections.CallSearch {
		t.Errorf("afterwards: searches look into %s", got)
	}
	if got := len(d.walk("search=lodz&limit=100")); got != many {
		t.Errorf("afterwards: found %d, want %d", got, many)
	}
	if got := d.rows(`SELECT name FROM sqlite_master WHERE name LIKE 'call\_search%' ESCAPE '\'`); got != "" {
		t.Errorf("left of the index before: %s", got)
	}
	if got := d.rows(`SELECT status, processed FROM job_runs WHERE job = 'calls.index' ORDER BY created DESC
		LIMIT 1`); got != d.rows(`SELECT 'done', count(*) - ? FROM call_reports`, indexBatch+1) {
		t.Errorf("the job's row: %q", got)
	}
	if err := d.Schedule.RunNow(t.Context(), "calls.index"); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestIndex_searches_ask_the_one_before_when_nothing_tells(t *testing.T) {
	d := newDesk(t)
	d.former()
	e := d.lists
	if err := e.Open(); err != nil {
		t.Fatal(err)
	}
	if err := e.reads.Close(); err != nil {
		t.Fatal(err)
	}
	if got := e.searched(); got != collections.CallSearchBefore {
		t.Errorf("searches look into %s, which is not filled", got)
	}
}

func TestIndex_pieces_are_put_together(t *testing.T) {
	d := newDesk(t)
	const many = 12 // a commit each
	for n := range many {
		d.put(testkit.Acme, fmt.Sprintf("zcall%010d", n), nil, "", "User: A café in Łódź, please.")
		d.exec(fmt.Sprintf(`INSERT INTO contacts (id, organization, phone_number, name)
			VALUES ('zcontact%07d', '%s', '+1415555%04d', 'Zoë Łuczak')`, n, testkit.Acme, n))
	}
	pieces := func(index string) int {
		n, err := strconv.Atoi(strings.TrimSpace(d.rows(`SELECT count(DISTINCT segid) FROM ` + index + `_idx`)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, index := range []string{collections.CallSearch, collections.ContactSearch} {
		if got := pieces(index); got < many {
			t.Fatalf("%s has %d pieces before: nothing to merge", index, got)
		}
	}
	if err := d.Schedule.RunNow(t.Context(), "calls.index"); err != nil {
		t.Fatal(err)
	}
	for _, index := range []string{collections.CallSearch, collections.ContactSearch} {
		if got := pieces(index); got >= 4 {
			t.Errorf("%s has %d pieces", index, got)
		}
		d.exec(`INSERT INTO ` + index + `(` + index + `) VALUES ('integrity-check')`)
	}
	if got := len(d.found("lodz", "&limit=100")); got != many {
		t.Errorf("found %d, want %d", got, many)
	}
}

func TestIndex_names_that_are_all_in_it_are_not_asked_for_again(t *testing.T) {
	d := newDesk(t)
	d.exec(`INSERT INTO contacts (id, organization, phone_number, name)
		VALUES ('znamed000000000', ?, '+14155550199', 'Amélie')`, testkit.Acme)
	box, err := inbox.Of(d.TestApp)
	if err != nil {
		t.Fatal(err)
	}
	before := box.Figures().Commits
	if err := d.lists.fillNames(t.Context(), box); err != nil {
		t.Fatal(err)
	}
	if got := box.Figures().Commits - before; got != 0 || !d.lists.named.Load() {
		t.Errorf("%d commits", got)
	}
}
