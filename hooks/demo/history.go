package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
)

// HistoryOptions say how many past calls are made, of whom and when.
type HistoryOptions struct {
	Organization string
	Assistant    string // answered them; may be empty
	Calls        int
	Days         int       // they are spread over the days before Until
	Until        time.Time // the newest call is before this
	Lines        bool      // their transcripts have a row a line, too
	Test         bool      // they are marked as tests
	Seed         uint64    // the same seed makes the same calls
}

// rowsEach bounds one INSERT: the driver looks for each named argument among all
// of them.
const rowsEach = 20

// History writes past calls with their reports, oldest first, so that the search
// index's rows stand in the order of time. It uses plain SQL: no hook runs, no
// usage is metered. The caller chooses the transaction.
func History(app core.App, o HistoryOptions) error {
	return history(app, o, time.Duration(max(o.Days, 1))*24*time.Hour)
}

func history(app core.App, o HistoryOptions, span time.Duration) error {
	w := &writer{tx: atomic.Of(app), o: o, random: rand.New(rand.NewPCG(o.Seed, 11))}
	if err := atomic.One(w.tx, `SELECT coalesce(max(position), 0) FROM call_reports`, nil, &w.position); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	for n := range o.Calls {
		at := o.Until.Add(-span + time.Duration(float64(span)*(float64(n)+w.random.Float64()*0.9)/float64(o.Calls)))
		w.add(at)
		if len(w.calls) >= rowsEach || n == o.Calls-1 {
			if err := w.flush(); err != nil {
				return fmt.Errorf("history: %w", err)
			}
		}
	}
	return nil
}

type writer struct {
	tx       atomic.Tx
	o        HistoryOptions
	random   *rand.Rand
	position int64

	calls, reports, lines, contacts [][]any
}

const (
	callColumns = `id, organization, status, outcome, call_type, channel, caller_number, recipient_number, assistant, started_at, answered_at,
		ended_at, duration_seconds, cost_micros, ended_reason, summary, resolution_status, sentiment, priority, is_test, has_recording, created, updated`
	reportColumns  = `id, organization, call, position, summary, transcript, costs, created, updated`
	lineColumns    = `id, organization, call, role, content, position, offset_ms, duration_ms, from_person, created, updated`
	contactColumns = `id, organization, phone_number, name, first_seen_at, last_seen_at, created, updated`
)

func (w *writer) add(at time.Time) {
	story := stories[w.random.IntN(len(stories))]
	name := firstNames[w.random.IntN(len(firstNames))] + " " + lastNames[w.random.IntN(len(lastNames))]
	number := fmt.Sprintf("+1415555%04d", w.random.IntN(10_000))
	id, stamp := collections.NewID(at), date(at)
	spoken := story.lines(w.random, name)
	answered, ended := at.Add(4*time.Second), at.Add(4*time.Second)
	var transcript strings.Builder
	for n, line := range spoken {
		role, label := collections.RoleAssistant, "AI: "
		if n%2 == 1 {
			role, label = collections.RoleUser, "User: "
		}
		transcript.WriteString(label + line + "\n")
		took := time.Duration(900+55*len(line)) * time.Millisecond
		if w.o.Lines {
			w.lines = append(w.lines, []any{collections.NewID(ended), w.o.Organization, id, role, line, ended.UnixMilli(), ended.Sub(answered).Milliseconds(), took.Milliseconds(), false, stamp, stamp})
		}
		ended = ended.Add(took + 400*time.Millisecond)
	}
	duration := int64(ended.Sub(answered).Seconds())
	answeredAt := date(answered)
	if story.outcome == "no_answer" {
		duration, answeredAt = 0, ""
	}
	cost := duration * 1_350
	summary := strings.ReplaceAll(story.summary, "{name}", name)
	w.calls = append(w.calls, []any{id, w.o.Organization, collections.CallCompleted, story.outcome, story.direction(), "phone", number, "+14155550100", w.o.Assistant,
		stamp, answeredAt, date(ended), duration, cost, story.reason, summary, story.resolution, story.sentiment, story.priority, w.o.Test, false, stamp, stamp})
	w.position++
	costs, _ := json.Marshal(map[string]any{"breakdown": map[string]float64{"total": float64(cost) / 1e6}}) // numbers always encode
	w.reports = append(w.reports, []any{collections.NewID(ended), w.o.Organization, id, w.position, summary, transcript.String(), string(costs), stamp, stamp})
	w.contacts = append(w.contacts, []any{collections.NewID(at), w.o.Organization, number, name, stamp, stamp, stamp, stamp})
}

func (w *writer) flush() error {
	for _, batch := range []struct {
		table, columns, tail string
		rows                 *[][]any
	}{
		{"contacts", contactColumns, " ON CONFLICT (organization, phone_number) DO UPDATE SET last_seen_at = max(last_seen_at, excluded.last_seen_at)", &w.contacts},
		{"calls", callColumns, "", &w.calls},
		{"call_reports", reportColumns, "", &w.reports},
		{"messages", lineColumns, "", &w.lines},
	} {
		if err := insert(w.tx, batch.table, batch.columns, batch.tail, *batch.rows); err != nil {
			return fmt.Errorf("%s: %w", batch.table, err)
		}
		*batch.rows = (*batch.rows)[:0]
	}
	_, err := w.tx.Exec(`UPDATE calls SET contact = (SELECT id FROM contacts WHERE contacts.organization = calls.organization AND phone_number = caller_number)
		WHERE organization = ? AND contact = '' AND id IN (SELECT call FROM call_reports WHERE position > ?)`, w.o.Organization, w.position-rowsEach)
	return err
}

func insert(tx atomic.Tx, table, columns, tail string, rows [][]any) error {
	for len(rows) > 0 {
		n := min(len(rows), rowsEach)
		one := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(rows[0])), ", ") + ")"
		args := make([]any, 0, n*len(rows[0]))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		query := "INSERT INTO " + table + " (" + columns + ") VALUES " + strings.TrimSuffix(strings.Repeat(one+", ", n), ", ") + tail
		if _, err := tx.Exec(query, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func date(t time.Time) string { return t.UTC().Format(types.DefaultDateLayout) }
