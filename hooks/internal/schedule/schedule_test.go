package schedule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/collections"
)

func testApp(t *testing.T) *tests.TestApp {
	t.Helper()
	app, err := tests.NewTestApp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Cleanup)
	if err := app.Save(collections.New(collections.JobRuns)); err != nil {
		t.Fatal(err)
	}
	return app
}

func runs(t *testing.T, app core.App, job string) []*core.Record {
	t.Helper()
	rows, err := app.FindRecordsByFilter(collections.JobRuns, "job = {:job}", "-created,-id", 0, 0, dbx.Params{"job": job})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func noop(context.Context, *Run) error { return nil }

func TestRun_works_from_the_watermark_of_the_last_good_run(t *testing.T) {
	app := testApp(t)
	s := New(app)
	first := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	var seen time.Time
	var fail error
	mark := first
	s.Add(Job{ID: "t.mark", Spec: "@hourly", Run: func(_ context.Context, r *Run) error {
		seen = r.Watermark()
		r.Add(3)
		r.SetWatermark(mark)
		return fail
	}})
	if err := s.RunNow(t.Context(), "t.mark"); err != nil || !seen.IsZero() {
		t.Fatalf("first run: watermark %v, %v", seen, err)
	}
	mark, fail = first.Add(time.Hour), errors.New("the disk token=abc is full")
	if err := s.RunNow(t.Context(), "t.mark"); !errors.Is(err, fail) || !seen.Equal(first) {
		t.Fatalf("second run: watermark %v, %v; want %v", seen, err, first)
	}
	fail = nil
	if err := s.RunNow(t.Context(), "t.mark"); err != nil || !seen.Equal(first) {
		t.Fatalf("a failed run moved the watermark to %v (%v)", seen, err)
	}
	rows := runs(t, app, "t.mark")
	var got []string
	for _, row := range rows {
		got = append(got, fmt.Sprint(row.GetString("status"), row.GetInt("processed"), " ", row.GetString("error")))
	}
	want := []string{"done3 ", "failed3 the disk token=[redacted] is full", "done3 "}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRun_that_did_nothing_leaves_no_row_but_moves_the_watermark(t *testing.T) {
	app := testApp(t)
	s := New(app)
	var seen time.Time
	mark := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	n := 1
	job := Job{ID: "t.idle", Spec: "@hourly", Run: func(_ context.Context, r *Run) error {
		seen = r.Watermark()
		r.Add(n)
		r.SetWatermark(mark)
		return nil
	}}
	quiet := Job{ID: "t.quiet", Spec: "@hourly", Run: noop}
	s.Add(job)
	s.Add(quiet)
	s.tick(job)
	n = 0
	for range 5 {
		mark = mark.Add(time.Minute)
		s.tick(job)
		s.tick(quiet)
	}
	s.tick(job)
	if !seen.Equal(mark) {
		t.Errorf("watermark %v, want %v", seen, mark)
	}
	if got := len(runs(t, app, "t.idle")); got != 1 {
		t.Errorf("%d rows, want the one that did something", got)
	}
	if got := len(runs(t, app, "t.quiet")); got != 0 {
		t.Errorf("%d rows of a job that never did anything", got)
	}
	if err := s.RunNow(t.Context(), "t.quiet"); err != nil || len(runs(t, app, "t.quiet")) != 1 {
		t.Errorf("a run by hand left %d rows, %v", len(runs(t, app, "t.quiet")), err)
	}
}

func TestRun_does_not_believe_marks_of_a_clock_that_was_ahead(t *testing.T) {
	app := testApp(t)
	s := New(app)
	noon := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	at := noon
	s.now = func() time.Time { return at }
	var seen time.Time
	job := Job{ID: "t.mark", Spec: "@hourly", Run: func(_ context.Context, r *Run) error {
		seen = r.Watermark()
		r.Add(1)
		r.SetWatermark(r.Now())
		return nil
	}}
	s.Add(job)
	s.tick(job)
	at = noon.Add(24 * time.Hour)
	s.tick(job)
	at = noon.Add(time.Hour)
	s.tick(job)
	if !seen.Equal(noon) {
		t.Errorf("after the jump the mark is %v, want the one before it, %v", seen, noon)
	}
	at = noon.Add(25 * time.Hour) // nothing ran for a day
	s.tick(job)
	if want := noon.Add(time.Hour); !seen.Equal(want) {
		t.Errorf("on the day the clock had named, the mark is %v, want %v", seen, want)
	}
}

func TestRun_shows_how_far_it_is(t *testing.T) {
	app := testApp(t)
	s := New(app)
	at := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return at }
	s.Add(Job{ID: "t.long", Spec: "@hourly", Run: func(_ context.Context, r *Run) error {
		var seen []int
		for range 3 {
			r.Add(10)
			at = at.Add(showEvery / 2)
			seen = append(seen, runs(t, app, "t.long")[0].GetInt("processed"))
		}
		if want := []int{0, 0, 30}; !slices.Equal(seen, want) {
			t.Errorf("the row says %v, want %v", seen, want)
		}
		return nil
	}})
	if err := s.RunNow(t.Context(), "t.long"); err != nil {
		t.Fatal(err)
	}
}

func TestScheduler_keeps_the_last_runs_and_the_watermark(t *testing.T) {
	app := testApp(t)
	s := New(app)
	at := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	s.now = func() time.Time { at = at.Add(time.Second); return at }
	fail := errors.New("no")
	var seen time.Time
	runErr := error(nil)
	job := Job{ID: "t.many", Spec: "@hourly", Run: func(_ context.Context, r *Run) error {
		seen = r.Watermark()
		r.SetWatermark(at)
		return runErr
	}}
	s.Add(job)
	s.tick(job)
	mark := at
	runErr = fail
	for range keepRuns + 5 {
		s.tick(job)
	}
	if got := len(runs(t, app, "t.many")); got < keepRuns || got > keepRuns+1 {
		t.Errorf("%d rows, want %d and the one with the watermark", got, keepRuns)
	}
	if seen.IsZero() || seen.After(mark) {
		t.Errorf("the watermark is %v, want the one of the good run", seen)
	}
}

func TestScheduler_runs_a_job_once_at_a_time_and_survives_a_panic(t *testing.T) {
	app := testApp(t)
	s := New(app)
	inside, release := make(chan struct{}), make(chan struct{})
	s.Add(Job{ID: "t.slow", Spec: "@hourly", Run: func(context.Context, *Run) error {
		close(inside)
		<-release
		panic("boom")
	}})
	done := make(chan error)
	go func() { done <- s.RunNow(context.Background(), "t.slow") }()
	<-inside
	if err := s.RunNow(t.Context(), "t.slow"); !errors.Is(err, ErrRunning) {
		t.Errorf("got %v, want ErrRunning", err)
	}
	close(release)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v, want the panic", err)
	}
	rows := runs(t, app, "t.slow")
	if len(rows) != 1 || rows[0].GetString("status") != collections.JobFailed {
		t.Errorf("%d rows, want one that failed", len(rows))
	}
	if err := s.RunNow(t.Context(), "t.none"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}

func TestScheduler_stops_runs_before_the_database_closes(t *testing.T) {
	app := testApp(t)
	s := New(app)
	inside := make(chan struct{})
	s.Add(Job{ID: "t.long", Spec: "@hourly", Run: func(ctx context.Context, _ *Run) error {
		close(inside)
		<-ctx.Done()
		return ctx.Err()
	}})
	done := make(chan error, 1)
	go func() { done <- s.RunNow(context.Background(), "t.long") }()
	<-inside
	var rowsAtClose []*core.Record
	e := new(core.TerminateEvent)
	e.App = app
	if err := app.OnTerminate().Trigger(e, func(*core.TerminateEvent) error {
		rowsAtClose = runs(t, app, "t.long")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if len(rowsAtClose) != 1 || rowsAtClose[0].GetString("status") != collections.JobFailed {
		t.Errorf("the run was not closed before the database: %v", rowsAtClose)
	}
	if err := s.RunNow(t.Context(), "t.long"); !errors.Is(err, context.Canceled) {
		t.Errorf("a job started after the stop: %v", err)
	}
}

func TestScheduler_shows_its_jobs_in_the_panel_without_their_clock(t *testing.T) {
	app := testApp(t)
	s := New(app)
	ran := 0
	s.Add(Job{ID: "t.panel", Spec: "*/5 * * * *", Run: func(context.Context, *Run) error { ran++; return nil }})
	found := false
	for _, entry := range app.Cron().Jobs() {
		if entry.Id() == "t.panel" {
			found = true
			if entry.Expression() != neverDue {
				t.Errorf("the panel's entry is due at %q", entry.Expression())
			}
			entry.Run()
		}
	}
	if !found || ran != 1 || len(runs(t, app, "t.panel")) != 1 {
		t.Errorf("found %v, ran %d times, %d rows", found, ran, len(runs(t, app, "t.panel")))
	}
}

func TestScheduler_closes_runs_of_a_killed_process(t *testing.T) {
	app := testApp(t)
	s := New(app)
	r := &Run{app: app, now: time.Now, job: "t.killed"}
	if err := r.begin(true); err != nil {
		t.Fatal(err)
	}
	if err := s.closeInterrupted(); err != nil {
		t.Fatal(err)
	}
	if rows := runs(t, app, "t.killed"); rows[0].GetString("status") != collections.JobFailed ||
		rows[0].GetString("error") == "" {
		t.Errorf("the run stays %q", rows[0].GetString("status"))
	}
}

func TestAdd_refuses_mistakes(t *testing.T) {
	s := New(testApp(t))
	s.Add(Job{ID: "t.one", Spec: "@hourly", Run: noop})
	for name, job := range map[string]Job{
		"twice": {ID: "t.one", Spec: "@hourly", Run: noop}, "bad spec": {ID: "t.two", Spec: "61 * * * *", Run: noop},
		"no function": {ID: "t.three", Spec: "@hourly"}, "no name": {Spec: "@hourly", Run: noop},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: accepted", name)
				}
			}()
			s.Add(job)
		}()
	}
}

func TestCommand_lists_and_runs(t *testing.T) {
	app := testApp(t)
	s := New(app)
	s.Add(Job{ID: "t.cli", Spec: "@daily", Run: func(_ context.Context, r *Run) error { r.Add(7); return nil }})
	call := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := s.Command()
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs(args)
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if out, err := call("run", "t.cli"); err != nil || !strings.Contains(out, "t.cli is done") {
		t.Errorf("run: %q, %v", out, err)
	}
	out, err := call("list")
	if err != nil || !strings.Contains(out, "@daily") || !strings.Contains(out, "done") || !strings.Contains(out, "7") {
		t.Errorf("list: %q, %v", out, err)
	}
	if _, err := call("run", "t.none"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}
