package schedule

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// keepRuns is how many rows of job_runs each job keeps: enough to see a trend,
// few enough that the table needs no job of its own.
const keepRuns = 50

// showEvery is how often a run under way writes how much it did.
const showEvery = 5 * time.Second

// maxError fits the column.
const maxError = 900

// Run is one run of a job, in the job's hands. Safe for concurrent use.
type Run struct {
	app core.App
	now func() time.Time
	job string

	mu        sync.Mutex
	started   time.Time
	watermark time.Time
	moved     bool
	processed int64
	row       *core.Record // nil until there is something to say
	shown     time.Time    // when the row was last written
	err       error        // the first failure to write the row
}

// Now is the scheduler's clock, by which marks are believed.
func (r *Run) Now() time.Time { return r.now() }

// Watermark is the instant everything before which has been worked on; the zero
// time when the job never set one, or none that can be believed.
func (r *Run) Watermark() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watermark
}

// SetWatermark says that everything before t has been worked on. It is stored
// when the run ends without an error.
func (r *Run) SetWatermark(t time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watermark, r.moved = t.UTC(), true
}

// Add counts n things the run did. The first one makes the run visible; a long
// run shows how far it is.
func (r *Run) Add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.processed += int64(n)
	if n <= 0 {
		return
	}
	r.show()
	if now := r.now(); r.row != nil && now.Sub(r.shown) >= showEvery {
		r.shown = now
		r.row.Set("processed", r.processed)
		if err := r.app.Save(r.row); err != nil {
			r.err = fmt.Errorf("write the job's row: %w", err)
		}
	}
}

// begin reads the watermark; a run started by hand is visible from its start.
func (r *Run) begin(byHand bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = r.now().UTC()
	if err := r.doubtFuture(); err != nil {
		return err
	}
	last, err := r.app.FindRecordsByFilter(collections.JobRuns, "job = {:job} && watermark != ''", "-watermark", 1, 0,
		dbx.Params{"job": r.job})
	if err != nil {
		return fmt.Errorf("read the watermark: %w", err)
	}
	if len(last) > 0 {
		r.watermark = last[0].GetDateTime("watermark").Time()
	}
	if byHand {
		r.show()
	}
	return r.err
}

// doubtFuture takes back marks of a clock that was ahead: nothing can have been
// worked on that is still to come. They would keep the job from its work until
// the day they name, and be believed on that day. The job begins from an older
// mark or from none, which repeats work and leaves none out.
func (r *Run) doubtFuture() error {
	result, err := r.app.NonconcurrentDB().NewQuery(`UPDATE job_runs SET watermark = '' WHERE job = {:job} AND watermark > {:now}`).
		Bind(dbx.Params{"job": r.job, "now": rows.Stamp(r.started)}).Execute()
	if err != nil {
		return fmt.Errorf("take back marks in the future: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	r.app.Logger().Warn("the clock was ahead: what a job noted then is not believed, its work is repeated", "job", r.job)
	return nil
}

// ForgetMarks makes a job begin anew, as if it had never run.
func (s *Scheduler) ForgetMarks(id string) error {
	_, err := s.app.NonconcurrentDB().NewQuery(`UPDATE job_runs SET watermark = '' WHERE job = {:job}`).Bind(dbx.Params{"job": id}).Execute()
	if err != nil {
		return fmt.Errorf("forget the marks of %s: %w", id, err)
	}
	return nil
}

// Failed tells whether the last run of a job that came to an end failed.
func (s *Scheduler) Failed(id string) (bool, error) {
	last, err := s.app.FindRecordsByFilter(collections.JobRuns, "job = {:job} && status != {:running}",
		"-created,-id", 1, 0,
		dbx.Params{"job": id, "running": collections.JobRunning})
	if err != nil {
		return false, fmt.Errorf("read the last run of %s: %w", id, err)
	}
	return len(last) > 0 && last[0].GetString("status") == collections.JobFailed, nil
}

// show makes the run's row, once. The caller holds r.mu.
func (r *Run) show() {
	if r.row != nil || r.err != nil {
		return
	}
	c, err := r.app.FindCachedCollectionByNameOrId(collections.JobRuns)
	if err != nil {
		r.err = err
		return
	}
	row := core.NewRecord(c)
	row.Id = collections.NewID(r.started)
	row.Set("job", r.job)
	row.Set("status", collections.JobRunning)
	row.Set("started_at", r.started)
	if err := r.app.Save(row); err != nil {
		r.err = fmt.Errorf("write the job's row: %w", err)
		return
	}
	r.row, r.shown = row, r.now()
}

// end stores what the run came to.
func (r *Run) end(failure error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.row == nil && failure == nil && r.moved {
		moved, err := r.moveWatermark()
		if err != nil || moved {
			return err
		}
	}
	if failure != nil || r.moved {
		r.show()
	}
	if r.row == nil {
		return r.err
	}
	r.row.Set("status", collections.JobDone)
	r.row.Set("finished_at", r.now().UTC())
	r.row.Set("processed", r.processed)
	if failure != nil {
		r.row.Set("status", collections.JobFailed)
		r.row.Set("error", short(failure))
	} else if !r.watermark.IsZero() {
		r.row.Set("watermark", r.watermark)
	}
	if err := r.app.Save(r.row); err != nil {
		return errors.Join(r.err, fmt.Errorf("write the job's row: %w", err))
	}
	return errors.Join(r.err, r.prune())
}

// moveWatermark stores the watermark of a run that did nothing in the job's
// newest finished row, so that an idle job adds no rows.
func (r *Run) moveWatermark() (bool, error) {
	mark, err := types.ParseDateTime(r.watermark)
	if err != nil {
		return false, err
	}
	result, err := r.app.NonconcurrentDB().NewQuery(`UPDATE job_runs SET watermark = {:mark} WHERE id = (
		SELECT id FROM job_runs WHERE job = {:job} AND status = {:done} ORDER BY created DESC, id DESC LIMIT 1)`).
		Bind(dbx.Params{"mark": mark.String(), "job": r.job, "done": collections.JobDone}).Execute()
	if err != nil {
		return false, fmt.Errorf("move the watermark: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// prune forgets old runs; the row that carries the watermark is the newest or
// near it, failures keep it among the rows that stay.
func (r *Run) prune() error {
	_, err := r.app.NonconcurrentDB().NewQuery(`DELETE FROM job_runs WHERE job = {:job} AND id NOT IN (
			SELECT id FROM job_runs WHERE job = {:job} ORDER BY created DESC, id DESC LIMIT {:keep})
		AND id IS NOT (SELECT id FROM job_runs WHERE job = {:job} AND watermark != '' ORDER BY watermark DESC LIMIT 1)`).
		Bind(dbx.Params{"job": r.job, "keep": keepRuns}).Execute()
	if err != nil {
		return fmt.Errorf("forget old runs: %w", err)
	}
	return nil
}

// closeInterrupted marks runs that a killed process left open.
func (s *Scheduler) closeInterrupted() error {
	_, err := s.app.NonconcurrentDB().NewQuery(`UPDATE job_runs SET status = {:failed}, finished_at = {:now},
		error = 'the process ended before the run did' WHERE status = {:running}`).
		Bind(dbx.Params{"failed": collections.JobFailed, "running": collections.JobRunning,
			"now": rows.Stamp(s.now())}).Execute()
	return err
}

// short is an error fit to be stored and shown.
func short(err error) string {
	return rows.Shorten(sealed.Redact(err.Error()), maxError)
}
