package calls

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// figures are the calls of a stretch of time.
type figures struct {
	Calls    int64 `json:"calls"`
	Answered int64 `json:"answered"`
	Missed   int64 `json:"missed"` // nobody spoke: not answered, voicemail, or broken
	Seconds  int64 `json:"seconds"`
}

type dayFigures struct {
	Day      string `json:"day"` // in the organization's zone
	Answered int64  `json:"answered"`
	Missed   int64  `json:"missed"`
}

type answering struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason"` // no_number, no_assistant, number_off, assistant_off, not_synced, closed, balance, or ""
	Number string `json:"number"`
}

type homeAnswer struct {
	Answering answering    `json:"answering"`
	Week      figures      `json:"week"`
	Before    figures      `json:"before"`
	Days      []dayFigures `json:"days"`
	Live      int64        `json:"live"`
}

// home is GET /api/organizations/{organization}/home.
func (e *engine) home(re *core.RequestEvent) error {
	t, err := e.mayHear(re)
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
		day, err := e.figuresOf(ctx, t.ID(), from, to)
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
		into.Seconds += day.Seconds
	}
	if answer.Live, err = e.live(ctx, t.ID()); err != nil {
		return err
	}
	if answer.Answering, err = e.answering(ctx, t); err != nil {
		return err
	}
	return re.JSON(http.StatusOK, answer)
}

func (e *engine) figuresOf(ctx context.Context, organization string, from, to time.Time) (f figures, err error) {
	err = e.one(ctx, []any{&f.Calls, &f.Answered, &f.Missed, &f.Seconds}, `SELECT count(*), coalesce(sum(answered_at != '' AND outcome != 'voicemail'), 0),
		coalesce(sum(ended_at != '' AND (answered_at = '' OR outcome = 'voicemail')), 0), coalesce(sum(duration_seconds), 0)
		FROM calls INDEXED BY idx_calls_organization_started_at WHERE organization = +? AND started_at >= +? AND started_at < +?
		AND placing NOT IN (`+neverPlaced+`)`,
		organization, at(from).date(), at(to).date())
	return f, err
}

// one reads the only row of a prepared query.
func (e *engine) one(ctx context.Context, into []any, text string, args ...any) error {
	rows, err := e.query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return errors.Join(rows.Err(), sql.ErrNoRows)
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	return rows.Close()
}

// live counts calls that are going on. One without a word for half a day is a
// message that was lost; reconciliation closes it.
func (e *engine) live(ctx context.Context, organization string) (n int64, err error) {
	args := append([]any{organization}, anys(collections.LiveStatuses)...)
	err = e.one(ctx, []any{&n}, `SELECT count(*) FROM calls WHERE organization = +? AND status IN (`+unseen(len(collections.LiveStatuses))+`) AND started_at > +?`,
		append(args, at(time.Now().Add(-listenLimit)).date())...)
	return n, err
}

// answering says whether the phone is answered, and if not, the first thing to
// mend.
func (e *engine) answering(ctx context.Context, t *tenant.Tenant) (answering, error) {
	rows, err := e.reads.QueryContext(ctx, `SELECT p.id, p.status, p.sync_status, coalesce(a.id, ''), coalesce(a.status, ''), coalesce(a.vapi_assistant_id, '')
		FROM phone_numbers p LEFT JOIN assistants a ON a.id = p.assistant WHERE p.organization = ? AND p.provider != 'other' ORDER BY p.created LIMIT 50`, t.ID())
	if err != nil {
		return answering{}, err
	}
	defer rows.Close()
	found := answering{Reason: "no_number"}
	for rows.Next() {
		var id, status, sync, assistant, assistantStatus, assistantID string
		if err := rows.Scan(&id, &status, &sync, &assistant, &assistantStatus, &assistantID); err != nil {
			return answering{}, err
		}
		reason := ""
		switch {
		case assistant == "":
			reason = "no_assistant"
		case status == collections.NumberInactive || status == collections.NumberSuspended:
			reason = "number_off"
		case assistantStatus != collections.AssistantActive:
			reason = "assistant_off"
		case assistantID == "" || sync != collections.SyncSynced:
			reason = "not_synced"
		}
		if found.Number == "" || reason == "" {
			found = answering{OK: reason == "", Reason: reason, Number: id}
		}
		if found.OK {
			break
		}
	}
	switch {
	case t.Organization.GetString("status") != collections.OrganizationActive, t.Organization.GetBool("paused"):
		found.OK, found.Reason = false, "closed"
	case t.Organization.GetString("balance_state") == collections.BalanceEmpty:
		found.OK, found.Reason = false, "balance"
	}
	return found, rows.Err()
}

// remembered keeps answers about many rows for a moment. The documented routes
// promise totals, and counting a million rows for every page is what makes them
// slow; small organizations are always counted afresh.
type remembered[T any] struct {
	mu    sync.Mutex
	byKey map[string]answerAt[T]
}

type answerAt[T any] struct {
	answer T
	at     time.Time
}

const (
	// totalFresh is how long an answer about many rows is used again.
	totalFresh = 15 * time.Second
	// totalLarge is from how many rows counting costs more than it tells.
	totalLarge = 5_000
	// rememberedMax bounds the answers kept.
	rememberedMax = 1_000
)

func newRemembered[T any]() *remembered[T] { return &remembered[T]{byKey: map[string]answerAt[T]{}} }

// get returns the answer of key; compute says how many rows it is about.
func (r *remembered[T]) get(key string, now time.Time, compute func() (T, int64, error)) (T, error) {
	r.mu.Lock()
	known, ok := r.byKey[key]
	r.mu.Unlock()
	if ok && now.Sub(known.at) < totalFresh {
		return known.answer, nil
	}
	answer, rows, err := compute()
	if err != nil {
		return answer, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byKey, key)
	if rows >= totalLarge {
		if len(r.byKey) >= rememberedMax {
			clear(r.byKey)
		}
		r.byKey[key] = answerAt[T]{answer, now}
	}
	return answer, nil
}

// metricsAnswer is the documented form of GET /api/dashboard/metrics.
type metricsAnswer struct {
	Metrics struct {
		TotalCalls         int64   `json:"totalCalls"`
		ResolvedCalls      int64   `json:"resolvedCalls"`
		AvgDuration        string  `json:"avgDuration"`
		AvgDurationSeconds int64   `json:"avgDurationSeconds"`
		MCPActions         int64   `json:"mcpActions"`
		ActiveCalls        int64   `json:"activeCalls"`
		ActiveAgents       int64   `json:"activeAgents"`
		SuccessRate        float64 `json:"successRate"`
	} `json:"metrics"`
}

// metrics is GET /api/dashboard/metrics.
func (e *engine) metrics(re *core.RequestEvent) error {
	t, err := tenant.Of(re)
	if err != nil {
		return err
	}
	if !t.Can(collections.CanViewCalls) {
		return facade.Error(http.StatusForbidden, "Your role does not allow viewing calls")
	}
	a, err := e.metricsCache.get(t.ID(), time.Now(), func() (metricsAnswer, int64, error) {
		a, err := e.metricsOf(re.Request.Context(), t.ID())
		return a, a.Metrics.TotalCalls, err
	})
	if err != nil {
		return err
	}
	return re.JSON(http.StatusOK, a)
}

func (e *engine) metricsOf(ctx context.Context, organization string) (a metricsAnswer, err error) {
	m := &a.Metrics
	var seconds, ended int64
	err = e.reads.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(resolution_status = 'resolved'), 0), coalesce(sum(duration_seconds), 0),
		coalesce(sum(duration_seconds > 0), 0) FROM calls WHERE organization = ? AND placing NOT IN (`+neverPlaced+`)`, organization).Scan(&m.TotalCalls, &m.ResolvedCalls, &seconds, &ended)
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
	if m.ActiveCalls, err = e.live(ctx, organization); err != nil {
		return a, err
	}
	err = e.reads.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM assistants WHERE organization = ? AND status = 'active'),
		(SELECT count(*) FROM call_events WHERE organization = ? AND type = 'tool_call')`, organization, organization).Scan(&m.ActiveAgents, &m.MCPActions)
	return a, err
}
