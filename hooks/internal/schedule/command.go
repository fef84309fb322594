package schedule

import (
	"fmt"
	"text/tabwriter"

	"github.com/pocketbase/dbx"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/collections"
)

// Command is `jobs`: what runs when, and any of it now. It works while the
// server runs too.
func (s *Scheduler) Command() *cobra.Command {
	jobs := &cobra.Command{Use: "jobs", Short: "List the scheduled jobs, or run one now", SilenceUsage: true}
	jobs.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the scheduled jobs and their last run", Args: cobra.NoArgs, SilenceUsage: true,
			RunE: func(cmd *cobra.Command, _ []string) error {
				if err := s.app.RunAllMigrations(); err != nil {
					return fmt.Errorf("prepare the database: %w", err)
				}
				return s.list(cmd)
			},
		},
		&cobra.Command{
			Use: "run <id>", Short: "Run a job now and wait for it", Args: cobra.ExactArgs(1), SilenceUsage: true,
			RunE: func(cmd *cobra.Command, args []string) error {
				// A command sees the database before its migrations have run.
				if err := s.app.RunAllMigrations(); err != nil {
					return fmt.Errorf("prepare the database: %w", err)
				}
				if err := s.RunNow(cmd.Context(), args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is done.\n", args[0])
				return err
			},
		},
	)
	return jobs
}

func (s *Scheduler) list(cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "JOB\tWHEN (UTC)\tLAST RUN\tRESULT\tWORKED ON")
	for _, job := range s.Jobs() {
		last, err := s.app.FindRecordsByFilter(collections.JobRuns, "job = {:job}", "-created", 1, 0,
			dbx.Params{"job": job.ID})
		if err != nil {
			return fmt.Errorf("%s: %w", job.ID, err)
		}
		if len(last) == 0 {
			fmt.Fprintf(w, "%s\t%s\t-\t-\t-\n", job.ID, job.Spec)
			continue
		}
		result := last[0].GetString("status")
		if text := last[0].GetString("error"); text != "" {
			result += ": " + text
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", job.ID, job.Spec,
			last[0].GetDateTime("started_at").Time().Format("2006-01-02 15:04:05"),
			result, last[0].GetInt("processed"))
	}
	return w.Flush()
}
