package hooks

import (
	"context"
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// selectKnown tells whether a call has been at the provider or is on its way there.
// Each half reads an index: a start waits for it, however many calls are stored.
var selectKnown = `SELECT EXISTS (SELECT 1 FROM calls WHERE ` + collections.AtProvider("") + `)
	OR EXISTS (SELECT 1 FROM organizations o CROSS JOIN calls c INDEXED BY idx_calls_organization_status_started_at
		WHERE c.organization = o.id AND c.status = 'queued' AND c.placing != '')`

// answersFirst is how long whoever waits for a start to answer has it alone.
const answersFirst = time.Second

// bindStart asks the provider after calls once the server runs and answers: calls went
// on while it was away, and the job's clock begins anew with each start. An
// installation that never had a call has nothing to ask for. Before it serves,
// samples of values are dropped from the database.
func bindStart(app core.App, jobs *schedule.Scheduler) {
	ending, end := context.WithCancel(context.Background())
	app.OnTerminate().BindFunc(func(e *core.TerminateEvent) error {
		end()
		return e.Next()
	})
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := database.DropSamples(se.App); err != nil {
			app.Logger().Warn("samples of values not dropped, queries are planned more often", "error", err)
		}
		var known bool
		err := atomic.One(atomic.Of(se.App), selectKnown, nil, &known)
		if err != nil {
			return fmt.Errorf("look for calls: %w", err)
		}
		if err := se.Next(); err != nil || !known {
			return err
		}
		go func() {
			select {
			case <-ending.Done():
				return
			case <-time.After(answersFirst):
			}
			jobs.Tick(calls.NormalizeJob) // the first start after an update
			if err := jobs.RunNow(context.Background(), "calls.reconcile"); err != nil {
				app.Logger().Warn("calls were not asked after at the start; the job tries again by its clock", "error", err)
			}
		}()
		return nil
	})
}
