package store

import (
	"fmt"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

const (
	lastReport     = `SELECT coalesce(max(position), 0) FROM call_reports`
	selectReport   = `SELECT 1 FROM call_reports WHERE call = ?`
	reportHasLines = `SELECT transcript != '' FROM call_reports WHERE call = ?`

	reportsOwed = "report"
	// maxReports is how many one statement writes.
	maxReports = 16
)

// owedReport is a row of call_reports that has no position yet.
type owedReport struct {
	row   table.Report
	stamp string
}

// SaveReport keeps a report back until the batch ends: the search index is
// flushed once for each statement that writes it.
func SaveReport(tx *inbox.Tx, c fold.Call, r *fold.Report, now time.Time) error {
	row := table.Report{
		ID: collections.NewID(now), Organization: c.Organization, Call: c.ID, Summary: c.Summary, Transcript: r.Transcript,
	}
	for _, part := range []struct {
		value any
		into  *string
	}{{r.Analysis, &row.Analysis}, {r.Costs, &row.Costs}, {r.Performance, &row.Performance}} {
		var err error
		if *part.into, err = Encode(part.value); err != nil {
			return err
		}
	}
	tx.Gather(reportsOwed, owedReport{row, rows.Stamp(now)}, writeReports)
	return nil
}

func writeReports(tx *inbox.Tx, owing []any) error {
	var position int64
	if err := tx.Get(lastReport, nil, &position); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for len(owing) > 0 {
		// By powers of two, so that few statements are kept prepared.
		n := maxReports
		for n > len(owing) {
			n /= 2
		}
		var args []any
		for _, one := range owing[:n] {
			owed := one.(owedReport)
			position++
			owed.row.Position = position
			args = append(args, table.Values(owed.stamp, owed.row.Columns())...)
		}
		owing = owing[n:]
		if _, err := tx.Exec(table.Reports.Inserts(n), args...); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

// HasReportedLines tells whether a call's report brought the conversation.
func HasReportedLines(tx *inbox.Tx, id string) (bool, error) { return ofReport(tx, reportHasLines, id) }

// HasReport tells whether a call's report came.
func HasReport(tx *inbox.Tx, id string) (bool, error) { return ofReport(tx, selectReport, id) }

// ofReport asks one thing of a call's report; no report is false.
func ofReport(tx *inbox.Tx, query, id string) (has bool, err error) {
	if tx.Gathered(reportsOwed) {
		if err := tx.Flush(); err != nil {
			return false, err
		}
	}
	err = tx.Get(query, []any{id}, &has)
	return has, rows.IgnoreMissing(err)
}
