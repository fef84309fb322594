package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// keepDone is how long kept promises stay to be looked at, and protect against
// the same promise made twice; dead ones stay.
const keepDone = 7 * 24 * time.Hour

// Schedule adds the job outbox.deliver: it delivers what is due when the worker
// does not run (`jobs run outbox.deliver`), and once an hour forgets promises
// kept more than a week ago.
func (o *Outbox) Schedule(s *schedule.Scheduler) {
	s.Add(schedule.Job{ID: "outbox.deliver", Spec: "* * * * *", Run: func(ctx context.Context, r *schedule.Run) error {
		n, err := o.Deliver(ctx)
		r.Add(n)
		if err != nil {
			return err
		}
		now := o.now()
		if now.Sub(r.Watermark()) < time.Hour {
			return nil
		}
		if err := o.forget(now.Add(-keepDone)); err != nil {
			return err
		}
		r.SetWatermark(now)
		return nil
	}})
}

func (o *Outbox) forget(before time.Time) error {
	_, err := atomic.Of(o.app).Exec(`DELETE FROM outbox WHERE status = ? AND next_at < ?`, collections.OutboxDone,
		rows.Stamp(before))
	if err != nil {
		return fmt.Errorf("outbox: forget: %w", err)
	}
	return nil
}
