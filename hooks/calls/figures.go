package calls

import (
	"context"
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
	err = e.reads.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(answered_at != '' AND outcome != 'voicemail'), 0),
		coalesce(sum(ended_at != '' AND (answered_at = '' OR outcome = 'voicemail')), 0), coalesce(sum(duration_seconds), 0)
		FROM calls INDEXED BY idx_calls_organization_started_at WHERE organization = ? AND started_at >= ? AND started_at < ?`,
		organization, at(from).date(), at(to).date()).Scan(&f.Calls, &f.Answered, &f.Missed, &f.Seconds)
	return f, err
}

// live counts calls that are going on. One without a word for half a day is a
// message that was lost; reconciliation closes it.
func (e *engine) live(ctx context.Context, organization string) (n int64, err error) {
	args := append([]any{organization}, anys(collections.LiveStatuses)...)
	err = e.reads.QueryRowContext(ctx, `SELECT count(*) FROM calls WHERE organization = ? AND status IN (`+marks(len(collections.LiveStatuses))+`) AND started_at > ?`,
		append(args, at(time.Now().Add(-listenLimit)).date())...).Scan(&n)
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
	case t.Organization.GetString("status") != collections.OrganizationActive:
		found.OK, found.Reason = false, "closed"
	case t.Organization.GetString("balance_state") == collections.BalanceEmpty:
		found.OK, found.Reason = false, "balance"
	}
	return found, rows.Err()
}

// totals remember counts of filtered lists for a moment: the documented lists
// promise a total, and counting a million rows for every page is what makes
// lists slow.
type totals struct {
	mu    sync.Mutex
	byKey map[string]total
}

type total struct {
	n  int
	at time.Time
}

// totalFresh is how long a count of a large list is used again.
const totalFresh = 15 * time.Second

// totalLarge is from where counting costs more than it tells.
const totalLarge = 5_000

func newTotals() *totals { return &totals{byKey: map[string]total{}} }

func (t *totals) get(key string, now time.Time, count func() (int, error)) (int, error) {
	t.mu.Lock()
	known, ok := t.byKey[key]
	t.mu.Unlock()
	if ok && known.n >= totalLarge && now.Sub(known.at) < totalFresh {
		return known.n, nil
	}
	n, err := count()
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byKey) > 1000 {
		clear(t.byKey)
	}
	t.byKey[key] = total{n, now}
	return n, nil
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
	ctx := re.Request.Context()
	var a metricsAnswer
	m := &a.Metrics
	var seconds, ended int64
	err = e.reads.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(resolution_status = 'resolved'), 0), coalesce(sum(duration_seconds), 0),
		coalesce(sum(duration_seconds > 0), 0) FROM calls WHERE organization = ?`, t.ID()).Scan(&m.TotalCalls, &m.ResolvedCalls, &seconds, &ended)
	if err != nil {
		return err
	}
	if ended > 0 {
		m.AvgDurationSeconds = (seconds + ended/2) / ended
	}
	m.AvgDuration = minutes(m.AvgDurationSeconds)
	if m.TotalCalls > 0 {
		m.SuccessRate = float64(m.ResolvedCalls*1000/m.TotalCalls) / 10
	}
	if m.ActiveCalls, err = e.live(ctx, t.ID()); err != nil {
		return err
	}
	err = e.reads.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM assistants WHERE organization = ? AND status = 'active'),
		(SELECT count(*) FROM call_events WHERE organization = ? AND type = 'tool_call')`, t.ID(), t.ID()).Scan(&m.ActiveAgents, &m.MCPActions)
	if err != nil {
		return err
	}
	return re.JSON(http.StatusOK, a)
}
