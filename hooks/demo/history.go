package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/reach"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// HistoryOptions say how many past calls are made, of whom and when.
type HistoryOptions struct {
	Organization string
	Assistant    string // answered them; may be empty
	Number       string // the line they came in on; may be empty
	Line         string // its digits; "" is ours
	Calls        int
	Days         int       // they are spread over the days before Until
	Until        time.Time // the newest call is before this
	Lines        bool      // their transcripts have a row a line, too
	Test         bool      // they are marked as tests
	Whole        bool      // their reports tell costs, waits and findings, as a provider's do
	Seed         uint64    // the same seed makes the same calls

	stories []story // of a practice when there are none
}

// ours is the number of the practice's main line in past calls. No contact has it.
const ours = "+14155550100"

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
	if o.stories == nil {
		o.stories = stories
	}
	if o.Line == "" {
		o.Line = ours
	}
	w := &writer{tx: atomic.Of(app), o: o, random: rand.New(rand.NewPCG(o.Seed, 11))}
	if err := atomic.One(w.tx, `SELECT coalesce(max(position), 0) FROM call_reports`, nil, &w.position); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	for n := range o.Calls {
		at := o.Until.Add(-span + time.Duration(float64(span)*(float64(n)+w.random.Float64()*0.9)/float64(o.Calls)))
		if o.Whole {
			at = openHours(at, o.Until)
		}
		w.add(at)
		if len(w.calls) >= rowsEach || n == o.Calls-1 {
			if err := w.flush(); err != nil {
				return fmt.Errorf("history: %w", err)
			}
		}
	}
	return nil
}

// openHours moves a moment into the hours of the demonstration's businesses on its day,
// in the same order; on the day of until into those that are over. Before they open
// that day it stays where it is.
func openHours(at, until time.Time) time.Time {
	office, err := time.LoadLocation(zone)
	if err != nil { // the zones are in the binary
		return at
	}
	local := at.In(office)
	clock := func(day, hour, minute int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+day, hour, minute, 0, 0, office)
	}
	begins, ends := clock(0, 0, 0), clock(1, 0, 0)
	opens, closes := clock(0, 8, 30), clock(0, 18, 0)
	if until.Before(ends) {
		ends = until
	}
	if until.Before(closes) {
		closes = until
	}
	if !closes.After(opens) {
		return at
	}
	share := float64(at.Sub(begins)) / float64(ends.Sub(begins))
	return opens.Add(time.Duration(share * float64(closes.Sub(opens))))
}

type writer struct {
	tx       atomic.Tx
	o        HistoryOptions
	random   *rand.Rand
	position int64

	calls, reports, lines, contacts [][]cell
}

// cell is a column of a row to write, and its value. All rows of a table have the same.
type cell struct {
	column string
	value  any
}

func (w *writer) add(at time.Time) {
	story := w.o.stories[w.random.IntN(len(w.o.stories))]
	// A number is always the same person's; those below belong to the practice.
	extension := 200 + w.random.IntN(9_800)
	name := firstNames[extension%len(firstNames)] + " " + lastNames[extension/len(firstNames)%len(lastNames)]
	number := fmt.Sprintf("+1415555%04d", extension)
	from, to := number, w.o.Line
	if story.outbound {
		from, to = w.o.Line, number
	}
	id, stamp := collections.NewID(at), rows.Stamp(at)
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
			w.lines = append(w.lines, []cell{
				{"id", collections.NewID(ended)}, {"organization", w.o.Organization}, {"call", id},
				{"role", role}, {"content", line}, {"position", ended.UnixMilli()},
				{"offset_ms", ended.Sub(answered).Milliseconds()}, {"duration_ms", took.Milliseconds()},
				{"from_person", false}, {"created", stamp}, {"updated", stamp},
			})
		}
		ended = ended.Add(took + 400*time.Millisecond)
	}
	duration := int64(ended.Sub(answered).Seconds())
	answeredAt := rows.Stamp(answered)
	if len(spoken) == 0 {
		duration, answeredAt = 0, ""
	}
	reached := reach.Call{
		Direction: story.direction(), Channel: collections.ChannelPhone, Outcome: story.outcome, Over: true, Test: w.o.Test,
		Connected: answeredAt != "", Silent: len(spoken) < 2,
	}
	cost := duration * 1_350
	summary := strings.ReplaceAll(story.summary, "{name}", name)
	w.calls = append(w.calls, []cell{
		{"id", id}, {"organization", w.o.Organization}, {"status", collections.CallCompleted},
		{"outcome", story.outcome}, {"call_type", story.direction()}, {"channel", collections.ChannelPhone},
		{"caller_number", from}, {"recipient_number", to}, {"assistant", w.o.Assistant},
		{"phone_number", w.o.Number}, {"started_at", stamp}, {"answered_at", answeredAt},
		{"ended_at", rows.Stamp(ended)}, {"reported_at", w.reportedAt(ended)}, {"duration_seconds", duration},
		{"cost_micros", cost}, {"ended_reason", story.reason}, {"summary", summary},
		{"resolution_status", w.resolution(story, at)}, {"sentiment", story.sentiment},
		{"priority", story.priority}, {"is_test", w.o.Test}, {"has_recording", false},
		{"answered", reached.Answered()}, {"missed", reached.Missed(reached.Answered())}, {"created", stamp},
		{"updated", stamp},
	})
	w.position++
	said := report{story: story, duration: duration, cost: cost, letters: transcript.Len()}
	if w.o.Whole {
		said.random = w.random
	}
	w.reports = append(w.reports, []cell{
		{"id", collections.NewID(ended)}, {"organization", w.o.Organization}, {"call", id},
		{"position", w.position}, {"summary", summary}, {"transcript", transcript.String()},
		{"costs", encoded(said.costs())}, {"performance", encoded(said.waits())},
		{"analysis", encoded(said.findings())}, {"created", stamp}, {"updated", stamp},
	})
	w.contacts = append(w.contacts, []cell{
		{"id", collections.NewID(at)}, {"organization", w.o.Organization}, {"phone_number", number},
		{"name", name}, {"first_seen_at", stamp}, {"last_seen_at", stamp}, {"created", stamp},
		{"updated", stamp},
	})
}

// reportedAt is when a call's report came; those that are not whole have none.
func (w *writer) reportedAt(ended time.Time) string {
	if !w.o.Whole {
		return ""
	}
	return rows.Stamp(ended)
}

// unsettled is how long what is left to do waits for people in a demonstration.
const unsettled = 48 * time.Hour

// resolution is what became of a call: of those that are told whole, people have
// settled all but the newest.
func (w *writer) resolution(s story, at time.Time) string {
	if w.o.Whole && at.Before(w.o.Until.Add(-unsettled)) {
		return collections.ResolutionResolved
	}
	return s.resolution
}

func (w *writer) flush() error {
	for _, batch := range []struct {
		table, tail string
		rows        *[][]cell
	}{
		{"contacts", " ON CONFLICT (organization, phone_number) DO UPDATE SET last_seen_at = max(last_seen_at, excluded.last_seen_at)",
			&w.contacts},
		{"calls", "", &w.calls},
		{"call_reports", "", &w.reports},
		{"messages", "", &w.lines},
	} {
		if err := insert(w.tx, batch.table, batch.tail, *batch.rows); err != nil {
			return fmt.Errorf("%s: %w", batch.table, err)
		}
		*batch.rows = (*batch.rows)[:0]
	}
	_, err := w.tx.Exec(`UPDATE calls SET contact = (SELECT id FROM contacts WHERE contacts.organization = calls.organization AND phone_number IN (caller_number, recipient_number))
		WHERE organization = ? AND contact = '' AND id IN (SELECT call FROM call_reports WHERE position > ?)`,
		w.o.Organization, w.position-rowsEach)
	return err
}

// insert writes rows into a table; tail follows each statement.
func insert(tx atomic.Tx, table, tail string, values [][]cell) error {
	for batch := range slices.Chunk(values, rowsEach) {
		var columns, marks []string
		for _, c := range batch[0] {
			columns, marks = append(columns, c.column), append(marks, "?")
		}
		one := "(" + strings.Join(marks, ", ") + ")"
		args := make([]any, 0, len(batch)*len(columns))
		for _, row := range batch {
			for _, c := range row {
				args = append(args, c.value)
			}
		}
		query := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " +
			strings.Join(slices.Repeat([]string{one}, len(batch)), ", ") + tail
		if _, err := tx.Exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}
