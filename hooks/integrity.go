package hooks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

const checkJob = "data.check"

// checkRest is how long after a whole look at the database another one begins because
// some work found it damaged.
const checkRest = time.Minute

// integrity knows when the database was looked at last.
type integrity struct {
	app  core.App
	jobs *schedule.Scheduler

	mu      sync.Mutex
	looks   bool      // one has been asked for
	until   time.Time // when the next one may be
	damaged bool      // the last one found damage: another one finds it too
}

// bindIntegrity looks whether the database is whole: at the start whether it has
// the message that was acknowledged last, and every page of it once a night, at once
// after that failed, when some work met damage, and when the process before was killed.
// What is found stands in health.
func bindIntegrity(app core.App, jobs *schedule.Scheduler, serving, killed bool) {
	i := &integrity{app: app, jobs: jobs}
	jobs.Add(schedule.Job{ID: checkJob, Spec: "17 2 * * *", Run: i.check})
	if !serving {
		return
	}
	vitals.Of(app).OnDamage(i.look)
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		err := se.Next()
		if err == nil && killed {
			i.look()
		}
		return err
	})
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		lost, err := lookForLast(se.App)
		switch {
		case vitals.Damaged(err):
			// What is whole still answers callers; health says what to do.
			se.App.Logger().Error("the database is damaged", "error", err)
			vitals.Of(se.App).Saw(err)
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
		i.look()
		return nil
	})
}

// check looks at every page.
func (i *integrity) check(ctx context.Context, r *schedule.Run) error {
	err := database.QuickCheck(ctx, i.app)
	damaged := errors.Is(err, database.ErrDamaged) || vitals.Damaged(err)
	switch {
	case damaged:
		vitals.Of(i.app).Found(vitals.Database, vitals.Remedy(vitals.SaysMalformed))
	case err == nil:
		vitals.Of(i.app).Found(vitals.Database, "")
		r.Add(1)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.until, i.damaged = time.Now().Add(checkRest), damaged
	return err
}

// look has every page looked at in the background, unless that has just been done.
func (i *integrity) look() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.looks || i.damaged || time.Now().Before(i.until) {
		return
	}
	i.looks = true
	go func() {
		i.jobs.Tick(checkJob)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.looks = false
	}()
}

// lookForLast is the message that was acknowledged last, when it is missing.
func lookForLast(app core.App) (*inbox.Mark, error) {
	began := time.Now()
	lost, err := inbox.Missing(app)
	app.Logger().Debug("looked for what was acknowledged last", "took", time.Since(began))
	return lost, err
}
