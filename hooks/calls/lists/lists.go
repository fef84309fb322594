// Package lists is how calls are found again: a page of them by key or by number, by
// what was said, by a number or a name, as a file, and as figures.
//
// It reads and never writes a call. Rows leave the database as the JSON they are
// answered as (row.go); a search walks its index in stages, nearest first (search.go);
// the indexes are filled and merged by a job (index.go).
package lists

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Deps are what the lists need.
type Deps struct {
	Facade   *facade.Facade
	Schedule *schedule.Scheduler
	// Lacks is what this server lacks to be rung by the phone provider: no_key,
	// no_address, or "".
	Lacks string
	// Held tells whether what was at the provider before a restore waits for the
	// operator's word; nil is never.
	Held func() (bool, error)
}

// Lists reads calls.
type Lists struct {
	Deps
	app          core.App
	opening      sync.Mutex
	reads        *sql.DB
	totals       *remembered.Cache[string, int]
	metricsCache *remembered.Cache[string, metricsAnswer]
	former       atomic.Bool // the search index of a release before is there (index.go)
	named        atomic.Bool // every contact's name is in its index (index.go)
	kept         sync.Map    // query → *sql.Stmt
	keeps        atomic.Int32
}

// Register binds the lists, the figures and the job that keeps the indexes.
func Register(app core.App, d Deps) *Lists {
	if d.Held == nil {
		d.Held = func() (bool, error) { return false, nil }
	}
	l := &Lists{
		Deps: d, app: app,
		totals:       remembered.New[string, int](totalsMost, nil),
		metricsCache: remembered.New[string, metricsAnswer](totalsMost, nil),
	}
	d.Facade.Handle(listRoute, l.listCalls)
	d.Facade.Handle(exportRoute, l.exportCalls)
	d.Facade.Handle(homeRoute, l.home)
	d.Facade.Handle(metricsRoute, l.metrics)
	d.Schedule.Add(schedule.Job{ID: "calls.index", Spec: "* * * * *", Run: l.keepIndexes})
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := l.Open(); err != nil {
			return err
		}
		return se.Next()
	})
	return l
}

// Open finds the read connections; the database opens after Register. What failed is
// tried again by who comes next.
func (l *Lists) Open() error {
	l.opening.Lock()
	defer l.opening.Unlock()
	if l.reads != nil {
		return nil
	}
	reads, err := database.Reading(l.app)
	if err != nil {
		return fmt.Errorf("lists of calls: %w", err)
	}
	if err := l.lookForFormer(context.Background(), reads); err != nil {
		return err
	}
	l.reads = reads
	return nil
}

const filters = "status, outcome (comma lists; status=live, outcome=failed), answered=true|false, missed=true|false, " +
	"call_type, assistant, phone_number, contact, resolution_status, priority, caller=hidden, " +
	"from, to (a date is the organization's day, the last one included; or RFC 3339), " +
	"search (words, \"a phrase\", a caller's name, \"anonymous\" for hidden callers, or a number as people write it, or its last digits: callers come first, then what was said; " +
	"words that only begin with the last one come after whole words), order=newest (best match first, among the newest 10,000 hits: best)"

var listRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/calls", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "A page of calls, newest first, by key: any depth costs the same.",
	Query: filters +
		", sort (started_at, duration_seconds, cost_micros; leading - falls), limit=30 (1–200), after (the page before's next)",
	Answer: `{"items": [{"id", "status", "outcome", "answered": bool, "missed": bool, "call_type", "caller_number", "recipient_number", "contact", "contact_name", "started_at", "duration_seconds", "cost_micros", "summary", "snippet"…}], "next": "cursor or empty"}`,
	Errors: "400 a parameter is wrong · 403 the person may not view calls",
}

var exportRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/calls.csv", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "The filtered calls as a CSV file, at most 50,000 rows, times in the organization's zone.",
	Query:   filters, Answer: "text/csv with a byte order mark",
	Errors: "400 a parameter is wrong · 403 the person may not view calls",
}

var homeRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/home", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "What the home page shows: is the phone answered and by whom, who expects a call back, what is to be looked at, and this week against the last.",
	Answer:  `{"answering": {"ok": bool, "reason": "word", "number": "id"}, "lines": [{"id", "phone_number", "name", "assistant", "assistant_name", "reason"}], "callbacks": {"count", "items": [calls as in the list]}, "open": {"count", "items"}, "week": {"calls", "answered", "missed", "failed", "seconds"}, "before": {…}, "days": [{"day", "answered", "missed"}], "live": n}`,
	Errors:  "403 the person may not view calls",
}

var metricsRoute = facade.Route{
	Method: "GET", Path: "/api/dashboard/metrics", Auth: facade.Member, System: facade.CoreComm, Item: "S-283",
	Summary: "Figures of the active organization.",
	Answer:  `{"metrics": {"totalCalls", "resolvedCalls", "answeredCalls", "missedCalls", "avgDuration": "0m 0s", "avgDurationSeconds", "mcpActions", "activeCalls", "activeAgents", "successRate"}}`,
}

// MayHear is the caller in the path's organization, when calls may be viewed.
func MayHear(re *core.RequestEvent) (*tenant.Tenant, error) {
	t, err := tenant.InPath(re)
	if err != nil {
		return nil, err
	}
	if !t.Can(collections.CanViewCalls) {
		return nil, refusal.Of("forbidden/viewing")
	}
	return t, nil
}

// maxKept bounds the prepared queries: a list's text depends on which filters
// are set, and people use few sets.
const maxKept = 64

// query reads with a prepared statement where the text was seen before: parsing
// and planning take longer than reading a page.
func (l *Lists) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if s, ok := l.kept.Load(text); ok {
		return s.(*sql.Stmt).QueryContext(ctx, args...)
	}
	if l.keeps.Add(1) > maxKept {
		l.keeps.Add(-1)
		return l.reads.QueryContext(ctx, text, args...)
	}
	// The statement outlives the request that asked first.
	s, err := l.reads.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		l.keeps.Add(-1)
		return nil, err
	}
	if other, loaded := l.kept.LoadOrStore(text, s); loaded {
		l.keeps.Add(-1)
		s.Close()
		s = other.(*sql.Stmt)
	}
	return s.QueryContext(ctx, args...)
}
