package lists

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// NeverPlaced are the states of rows nobody was called for, as a query lists them: no
// figure counts them.
const NeverPlaced = `'` + collections.PlacingRefused + `', '` +
	collections.PlacingLost + `', '` + collections.PlacingCancelled + `'`

// Longest is how long the longest call takes.
const Longest = 12 * time.Hour

// figures are the calls of a stretch of time. One may be answered and failed: it broke
// off; and answered and missed: nobody took what the assistant handed on.
type figures struct {
	Calls    int64 `json:"calls"`
	Answered int64 `json:"answered"`
	Missed   int64 `json:"missed"`
	Failed   int64 `json:"failed"`
	Seconds  int64 `json:"seconds"`
}

type dayFigures struct {
	Day      string `json:"day"` // in the organization's zone
	Answered int64  `json:"answered"`
	Missed   int64  `json:"missed"`
}

type homeAnswer struct {
	Answering answering       `json:"answering"`
	Lines     []line          `json:"lines"`
	Callbacks json.RawMessage `json:"callbacks"`
	Open      json.RawMessage `json:"open"`
	Week      figures         `json:"week"`
	Before    figures         `json:"before"`
	Days      []dayFigures    `json:"days"`
	Live      int64           `json:"live"`
}

// home is GET /api/organizations/{organization}/home.
func (l *Lists) home(re *core.RequestEvent) error {
	t, err := MayHear(re)
	if err != nil {
		return err
	}
	ctx := re.Request.Context()
	zone, err := time.LoadLocation(t.Organization.GetString("timezone"))
	if err != nil {
		zone = time.UTC
	}
	now := time.Now().In(zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone)
	answer := homeAnswer{Days: make([]dayFigures, 0, 7)}
	// Fourteen days of one organization are a short stretch of one index.
	for d := -13; d <= 0; d++ {
		from, to := today.AddDate(0, 0, d), today.AddDate(0, 0, d+1)
		day, err := l.figuresOf(ctx, t.ID(), from, to)
		if err != nil {
			return err
		}
		into := &answer.Before
		if d > -7 {
			into = &answer.Week
			answer.Days = append(answer.Days, dayFigures{from.Format(time.DateOnly), day.Answered, day.Missed})
		}
		into.Calls += day.Calls
		into.Answered += day.Answered
		into.Missed += day.Missed
		into.Failed += day.Failed
		into.Seconds += day.Seconds
	}
	if answer.Live, err = l.live(ctx, t.ID()); err != nil {
		return err
	}
	if answer.Answering, answer.Lines, err = l.answering(ctx, t); err != nil {
		return err
	}
	if answer.Callbacks, err = l.work(ctx, t, callBack, today); err != nil {
		return err
	}
	if answer.Open, err = l.work(ctx, t, lookAt, today); err != nil {
		return err
	}
	return facade.JSON(re, http.StatusOK, answer)
}

func (l *Lists) figuresOf(ctx context.Context, organization string, from, to time.Time) (f figures, err error) {
	into := []any{&f.Calls, &f.Answered, &f.Missed, &f.Failed, &f.Seconds}
	err = l.one(ctx, into, `SELECT count(*), coalesce(sum(answered), 0), coalesce(sum(missed), 0),
		coalesce(sum(status = '`+collections.CallFailed+`'), 0), coalesce(sum(duration_seconds), 0)
		FROM calls INDEXED BY idx_calls_organization_started_at WHERE organization = +? AND started_at >= +? AND started_at < +?
		AND placing NOT IN (`+NeverPlaced+`)`,
		organization, rows.Stamp(from), rows.Stamp(to))
	return f, err
}

// one reads the only row of a prepared query.
func (l *Lists) one(ctx context.Context, into []any, text string, args ...any) error {
	found, err := l.query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	if !found.Next() {
		return errors.Join(found.Err(), sql.ErrNoRows)
	}
	if err := found.Scan(into...); err != nil {
		return err
	}
	return found.Close()
}

// live counts calls that are going on; one that waits to be placed, or of which it is
// not known whether it rings, does not. One without a word for half a day is a
// message that was lost; reconciliation closes it.
func (l *Lists) live(ctx context.Context, organization string) (n int64, err error) {
	args := append([]any{organization}, anys(collections.LiveStatuses)...)
	err = l.one(ctx, []any{&n}, `SELECT count(*) FROM calls WHERE organization = +? AND status IN (`+
		unseen(len(collections.LiveStatuses))+`) AND placing = '' AND started_at > +?`,
		append(args, rows.Stamp(time.Now().Add(-Longest)))...)
	return n, err
}

// The documented routes promise totals, and counting a million rows for every page
// is what makes them slow: answers about many rows are used again for a moment.
const (
	// totalFresh is how long.
	totalFresh = 15 * time.Second
	// totalLarge is from how many rows counting costs more than it tells; less is
	// always counted afresh.
	totalLarge = 5_000
	// totalsMost bounds the answers kept.
	totalsMost = 1_000
)

// fresh is how long an answer about so many rows is used again.
func fresh(counted int64) time.Duration {
	if counted < totalLarge {
		return 0
	}
	return totalFresh
}

// metricsAnswer is the documented form of GET /api/dashboard/metrics.
type metricsAnswer struct {
	Metrics struct {
		TotalCalls         int64   `json:"totalCalls"`
		ResolvedCalls      int64   `json:"resolvedCalls"`
		AnsweredCalls      int64   `json:"answeredCalls"`
		MissedCalls        int64   `json:"missedCalls"`
		AvgDuration        string  `json:"avgDuration"`
		AvgDurationSeconds int64   `json:"avgDurationSeconds"`
		MCPActions         int64   `json:"mcpActions"`
		ActiveCalls        int64   `json:"activeCalls"`
		ActiveAgents       int64   `json:"activeAgents"`
		SuccessRate        float64 `json:"successRate"`
	} `json:"metrics"`
}

// metrics is GET /api/dashboard/metrics.
func (l *Lists) metrics(re *core.RequestEvent) error {
	t, err := tenant.Of(re)
	if err != nil {
		return err
	}
	if !t.Can(collections.CanViewCalls) {
		return refusal.Of("forbidden/viewing")
	}
	ctx := re.Request.Context()
	a, err := l.metricsCache.Get(ctx, t.ID(), func() (metricsAnswer, time.Duration, error) {
		a, err := l.metricsOf(ctx, t.ID())
		return a, fresh(a.Metrics.TotalCalls), err
	})
	if err != nil {
		return err
	}
	return facade.JSON(re, http.StatusOK, a)
}

func (l *Lists) metricsOf(ctx context.Context, organization string) (a metricsAnswer, err error) {
	m := &a.Metrics
	var seconds, ended int64
	err = l.reads.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(resolution_status = 'resolved'), 0),
		coalesce(sum(answered), 0), coalesce(sum(missed), 0), coalesce(sum(duration_seconds), 0), coalesce(sum(duration_seconds > 0), 0)
		FROM calls WHERE organization = ? AND placing NOT IN (`+NeverPlaced+`)`, organization).
		Scan(&m.TotalCalls, &m.ResolvedCalls, &m.AnsweredCalls, &m.MissedCalls, &seconds, &ended)
	if err != nil {
		return a, err
	}
	if ended > 0 {
		m.AvgDurationSeconds = (seconds + ended/2) / ended
	}
	m.AvgDuration = minutes(m.AvgDurationSeconds)
	if m.TotalCalls > 0 {
		m.SuccessRate = float64(m.ResolvedCalls*1000/m.TotalCalls) / 10
	}
	if m.ActiveCalls, err = l.live(ctx, organization); err != nil {
		return a, err
	}
	err = l.reads.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM assistants WHERE organization = ? AND status = 'active'),
		(SELECT count(*) FROM call_events WHERE organization = ? AND type = 'tool_call')`, organization,
		organization).Scan(&m.ActiveAgents, &m.MCPActions)
	return a, err
}

func minutes(seconds int64) string {
	return strconv.FormatInt(seconds/60, 10) + "m " + strconv.FormatInt(int64(math.Mod(float64(seconds), 60)), 10) + "s"
}
