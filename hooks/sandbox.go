package hooks

import (
	"context"
	"fmt"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/demo"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// bindSandbox makes every copy at the sandbox equal again at the start: this
// server may have another address than the last time, and the file that holds
// the sandbox's memory may be gone.
func bindSandbox(app core.App, jobs *schedule.Scheduler) {
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		owed := int64(0)
		for _, c := range collections.All() {
			if c.Fields.GetByName("sync_hash") == nil {
				continue
			}
			result, err := se.App.NonconcurrentDB().Update(c.Name,
				dbx.Params{"sync_status": collections.SyncPending, "sync_hash": ""},
				dbx.HashExp{"sync_status": collections.SyncSynced}).Execute()
			if err != nil {
				return fmt.Errorf("make the sandbox's copies again: %w", err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			owed += n
		}
		if err := se.Next(); err != nil || owed == 0 {
			return err
		}
		go func() {
			if err := jobs.RunNow(context.Background(), "mirror.retry"); err != nil {
				app.Logger().Warn("the sandbox's copies are not made yet", "error", err)
			}
		}()
		return nil
	})
}

// hearDemo has the sound of a demonstration's newest calls fetched as any call's is.
func hearDemo(app core.App, jobs *schedule.Scheduler, sandboxURL string) {
	ctx := context.Background()
	err := demo.Tell(ctx, app, sandboxURL)
	if err == nil {
		err = jobs.RunNow(ctx, "recordings.fetch")
	}
	if err != nil { // the calls are there, and say that their recordings are being copied
		app.Logger().Warn("the demonstration has no sound yet", "error", err)
	}
}
