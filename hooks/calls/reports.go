package calls

import (
	"fmt"
	"strings"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
)

const (
	lastReport   = `SELECT coalesce(max(position), 0) FROM call_reports`
	insertReport = `INSERT INTO call_reports (id, organization, call, position, summary, transcript, analysis, costs, performance, created, updated)
		VALUES `
	oneReport      = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	onceReport     = ` ON CONFLICT (call) DO NOTHING`
	selectReport   = `SELECT 1 FROM call_reports WHERE call = ?`
	reportHasLines = `SELECT transcript != '' FROM call_reports WHERE call = ?`

	reportRows = "report"
	// maxReports is how many one statement writes.
	maxReports = 16
)

// reportRow is a row of call_reports without its position.
type reportRow struct {
	id, organization, call, summary, transcript string
	analysis, costs, performance, stamp         string
}

// saveReport keeps a report back until the batch ends: the search index is
// flushed once for each statement that writes it.
func saveReport(tx *inbox.Tx, c call, r *report, now time.Time) error {
	row := reportRow{id: collections.NewID(now), organization: c.Organization, call: c.ID, summary: c.Summary, transcript: r.Transcript, stamp: inbox.Date(now)}
	for _, part := range []struct {
		value any
		into  *string
	}{{r.Analysis, &row.analysis}, {r.Costs, &row.costs}, {r.Performance, &row.performance}} {
		var err error
		if *part.into, err = encode(part.value); err != nil {
			return err
		}
	}
	tx.Gather(reportRows, row, writeReports)
	return nil
}

func writeReports(tx *inbox.Tx, rows []any) error {
	var position int64
	if err := tx.Get(lastReport, nil, &position); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for len(rows) > 0 {
		// By powers of two, so that few statements are kept prepared.
		n := maxReports
		for n > len(rows) {
			n /= 2
		}
		args := make([]any, 0, 11*n)
		for _, one := range rows[:n] {
			r := one.(reportRow)
			position++
			args = append(args, r.id, r.organization, r.call, position, r.summary, r.transcript, r.analysis, r.costs, r.performance, r.stamp, r.stamp)
		}
		rows = rows[n:]
		if _, err := tx.Exec(insertReport+strings.TrimSuffix(strings.Repeat(oneReport+", ", n), ", ")+onceReport, args...); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

// hasReportedLines tells whether a call's report brought the conversation.
func hasReportedLines(tx *inbox.Tx, id string) (bool, error) { return ofReport(tx, reportHasLines, id) }

// hasReport tells whether a call's report came.
func hasReport(tx *inbox.Tx, id string) (bool, error) { return ofReport(tx, selectReport, id) }

// ofReport asks one thing of a call's report; no report is false.
func ofReport(tx *inbox.Tx, query, id string) (has bool, err error) {
	if tx.Gathered(reportRows) {
		if err := tx.Flush(); err != nil {
			return false, err
		}
	}
	err = tx.Get(query, []any{id}, &has)
	return has, ignoreMissing(err)
}
