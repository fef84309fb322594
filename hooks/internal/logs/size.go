package logs

import (
	"context"
	"fmt"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// dropAtOnce is how many lines one statement drops: others write meanwhile.
const dropAtOnce = 5_000

// Schedule adds the job logs.size, which drops the oldest lines of the stored log
// while it takes more than most bytes: days alone bound nothing when somebody
// asks for the same address all night.
func Schedule(app core.App, jobs *schedule.Scheduler, most int64) {
	jobs.Add(schedule.Job{ID: "logs.size", Spec: "3-59/10 * * * *", Run: func(ctx context.Context, r *schedule.Run) error {
		for ctx.Err() == nil {
			size, err := sizeOf(app)
			if err != nil || size <= most {
				return err
			}
			n, err := dropOldest(app)
			if err != nil || n == 0 {
				return err
			}
			r.Add(int(n))
		}
		return ctx.Err()
	}})
}

// sizeOf is what the log's file holds; its empty pages are used again.
func sizeOf(app core.App) (size int64, err error) {
	err = app.AuxConcurrentDB().NewQuery(`SELECT (c.page_count - f.freelist_count) * s.page_size
		FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s`).Row(&size)
	if err != nil {
		return 0, fmt.Errorf("size of the log: %w", err)
	}
	return size, nil
}

func dropOldest(app core.App) (int64, error) {
	result, err := app.AuxNonconcurrentDB().NewQuery(fmt.Sprintf(
		`DELETE FROM _logs WHERE rowid IN (SELECT rowid FROM _logs ORDER BY rowid LIMIT %d)`, dropAtOnce)).Execute()
	if err != nil {
		return 0, fmt.Errorf("drop the oldest lines of the log: %w", err)
	}
	return result.RowsAffected()
}
