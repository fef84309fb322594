package hooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

const checkJob = "data.check"

// bindIntegrity looks whether the database is whole: at the start whether it has
// the message that was acknowledged last, and once a night, and at once after
// that failed, every page of it. What is found stands in health.
func bindIntegrity(app core.App, jobs *schedule.Scheduler, serving bool) {
	jobs.Add(schedule.Job{ID: checkJob, Spec: "17 2 * * *", Run: func(ctx context.Context, r *schedule.Run) error {
		err := database.QuickCheck(ctx, app)
		if errors.Is(err, database.ErrDamaged) {
			vitals.Of(app).Found("data.db", vitals.Remedy(vitals.SaysMalformed))
		} else if err == nil {
			vitals.Of(app).Found("data.db", "")
		}
		if err == nil {
			r.Add(1)
		}
		return err
	}})
	if !serving {
		return
	}
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		lost, err := lookForLast(se.App)
		switch {
		case vitals.Damaged(err):
			// What is whole still answers callers; health says what to do.
			se.App.Logger().Error("the database is damaged", "error", err)
			vitals.Of(se.App).Found("data.db", vitals.Remedy(err.Error()))
			return se.Next()
		case err != nil:
			return err
		case lost == nil:
			return se.Next()
		}
		says := fmt.Sprintf("messages acknowledged until %s are missing: the database or its log (data.db-wal) was damaged, cut off or replaced "+
			"by an older one. Calls of the last day are being asked for again; for the rest restore the newest backup "+
			"(docs/backup.md)", lost.At.Format("2006-01-02 15:04:05 UTC"))
		se.App.Logger().Error("the database lacks what was acknowledged", "key", lost.Key, "at", lost.At)
		vitals.Of(se.App).Found("data.db-wal", says)
		// What the job noted may be from before what is missing.
		if err := jobs.ForgetMarks("calls.reconcile"); err != nil {
			se.App.Logger().Warn("calls are asked for since the last time only", "error", err)
		}
		if err := se.Next(); err != nil {
			return err
		}
		go jobs.Tick(checkJob)
		return nil
	})
}

// lookForLast is the message that was acknowledged last, when it is missing.
func lookForLast(app core.App) (*inbox.Mark, error) {
	db, ok := app.ConcurrentDB().(*dbx.DB)
	if !ok {
		return nil, errors.New("look for what was acknowledged last: inside a transaction")
	}
	began := time.Now()
	lost, err := inbox.Missing(db.DB(), app.DataDir())
	app.Logger().Debug("looked for what was acknowledged last", "took", time.Since(began))
	return lost, err
}
