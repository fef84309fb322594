// Package schedule runs the product's jobs: named functions that start by the
// clock, one run at a time, each working from where the last one stopped
// (its watermark) to now.
//
// Every job is also listed in PocketBase's panel, where an operator can start
// it, and on the command line (`jobs list`, `jobs run <id>`). What a run did
// stands in job_runs; a run that found nothing to do leaves no row.
//
// Jobs are idempotent: a machine that slept, a deploy at the wrong moment or
// the same job started in a second process repeat work, they never break it.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/robfig/cron/v3"

	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// neverDue is how a job stands in PocketBase's own list: visible and startable
// there, while the clock is ours. There is no 31 February.
const neverDue = "0 0 31 2 *"

// stopGrace is how long the stop of the program waits for jobs that were told
// to end.
const stopGrace = 20 * time.Second

// ErrRunning says that the job is running already.
var ErrRunning = errors.New("this job is running already")

// ErrUnknown says that there is no job of this name.
var ErrUnknown = errors.New("there is no such job")

// Job is a function and when it runs.
type Job struct {
	// ID is "domain.verb", for example "usage.rollup".
	ID string
	// Spec is a cron expression in UTC, or "@every 30s".
	Spec string
	// Run does the work. It ends early, with the context's error, when the
	// program stops.
	Run func(ctx context.Context, r *Run) error
}

// Scheduler holds the jobs. Make one with New.
type Scheduler struct {
	app core.App
	now func() time.Time

	cron   *cron.Cron
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // runs under way, whoever started them

	mu      sync.Mutex
	jobs    []Job
	busy    map[string]bool
	stopped bool
}

// New returns a scheduler whose clock starts when the app serves and stops,
// waiting for what runs, when it ends.
func New(app core.App) *Scheduler {
	log := logger{app}
	s := &Scheduler{
		app: app, now: time.Now, busy: map[string]bool{},
		cron: cron.New(cron.WithLocation(time.UTC), cron.WithLogger(log),
			cron.WithChain(cron.Recover(log), cron.SkipIfStillRunning(log))),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		if err := s.closeInterrupted(); err != nil {
			e.App.Logger().Warn("job runs of the last process stay open", "error", err)
		}
		s.cron.Start()
		return e.Next()
	})
	app.OnTerminate().BindFunc(func(e *core.TerminateEvent) error {
		s.stop()
		return e.Next()
	})
	return s
}

// SetClock replaces the clock by which runs are dated and marks are believed,
// before the first run: to see what a clock that jumps does. When jobs start is
// decided by the machine's clock all the same.
func (s *Scheduler) SetClock(now func() time.Time) { s.now = now }

// Add registers a job. It panics when the id is taken or the spec cannot be
// read: both are mistakes in the program.
func (s *Scheduler) Add(job Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if job.ID == "" || job.Run == nil || slices.ContainsFunc(s.jobs, func(j Job) bool { return j.ID == job.ID }) {
		panic(fmt.Sprintf("schedule: job %q has no name, no function, or exists already", job.ID))
	}
	if _, err := s.cron.AddFunc(job.Spec, func() { s.tick(job) }); err != nil {
		panic(fmt.Sprintf("schedule: job %q: %v", job.ID, err))
	}
	s.app.Cron().MustAdd(job.ID, neverDue, func() {
		if err := s.start(s.ctx, job, true); err != nil && !errors.Is(err, ErrRunning) {
			s.app.Logger().Error("job failed", "job", job.ID, "error", err)
		}
	})
	s.jobs = append(s.jobs, job)
}

// Jobs lists what was added, in order.
func (s *Scheduler) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.jobs)
}

// RunNow runs a job and returns when it is over: its error, ErrRunning when it
// runs already, ErrUnknown when there is none of this name.
func (s *Scheduler) RunNow(ctx context.Context, id string) error {
	for _, job := range s.Jobs() {
		if job.ID == id {
			return s.start(ctx, job, true)
		}
	}
	return fmt.Errorf("%s: %w", id, ErrUnknown)
}

// Tick starts a job as the clock does: what there was to do, or went wrong, stands
// in job_runs and the log.
func (s *Scheduler) Tick(id string) {
	for _, job := range s.Jobs() {
		if job.ID == id {
			s.tick(job)
		}
	}
}

// tick is a start by the clock.
func (s *Scheduler) tick(job Job) {
	err := s.start(s.ctx, job, false)
	if err != nil && !errors.Is(err, ErrRunning) && s.ctx.Err() == nil {
		s.app.Logger().Error("job failed", "job", job.ID, "error", err)
	}
}

// start runs a job unless it runs already or the program is stopping.
func (s *Scheduler) start(ctx context.Context, job Job, byHand bool) (err error) {
	s.mu.Lock()
	switch {
	case s.stopped:
		s.mu.Unlock()
		return context.Canceled
	case s.busy[job.ID]:
		s.mu.Unlock()
		return fmt.Errorf("%s: %w", job.ID, ErrRunning)
	}
	s.busy[job.ID] = true
	s.wg.Add(1)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.busy, job.ID)
		s.mu.Unlock()
		s.wg.Done()
	}()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	r := &Run{app: s.app, now: s.now, job: job.ID}
	if err := r.begin(byHand); err != nil {
		return fmt.Errorf("%s: %w", job.ID, err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err = errors.Join(err, r.end(err)); err != nil {
			err = fmt.Errorf("%s: %w", job.ID, err)
		}
	}()
	err = job.Run(ctx, r)
	vitals.Of(s.app).Saw(err)
	return err
}

// stop ends the clock, tells runs to end and waits for them.
func (s *Scheduler) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.cancel()
	<-s.cron.Stop().Done() // its jobs are ours; they end with the context
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(stopGrace):
	}
}

// logger writes robfig/cron's messages to the app's log.
type logger struct{ app core.App }

// Info drops cron's account of every wake-up.
func (logger) Info(string, ...any) {}

// Error reports what cron recovered from.
func (l logger) Error(err error, msg string, facts ...any) {
	l.app.Logger().Error("scheduler: "+msg, append([]any{slog.Any("error", err)}, facts...)...)
}
