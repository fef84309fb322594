package collections

import "github.com/pocketbase/pocketbase/core"

// JobRuns are the runs of scheduled jobs (hooks/internal/schedule).
const JobRuns = "job_runs"

// States of a run.
const (
	JobRunning = "running"
	JobDone    = "done"
	JobFailed  = "failed"
)

func jobRuns() *core.Collection {
	c := base(JobRuns,
		required(text("job", nameMax)),
		required(choice("status", JobRunning, JobDone, JobFailed)),
		date("started_at"),
		date("finished_at"),
		// Everything before this instant has been worked on.
		date("watermark"),
		integer("processed"),
		text("error", descriptionMax*2),
	)
	index(c, "job, created")
	readOnly(c, "")
	return c
}

var _ = declare(JobRuns, jobRuns, Traits{
	Plain: []string{"job", "error"},
})
