package demo

import (
	"fmt"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
)

// chunk is how many calls one transaction of the command holds.
const chunk = 10_000

// Command is `seed`: it fills an organization with past calls, to see how the
// desk behaves when it has many.
func Command(app core.App) *cobra.Command {
	o := HistoryOptions{Test: true}
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Fill an organization with past calls, marked as tests",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.RunAllMigrations(); err != nil {
				return err
			}
			if o.Organization == "" {
				first, err := database.Found(app.FindFirstRecordByFilter(collections.Organizations, "status = 'active'"))
				if err != nil {
					return err
				}
				if first == nil {
					return fmt.Errorf("there is no organization yet: start the server and set it up first")
				}
				o.Organization = first.Id
			}
			return seed(app, o, func(done int) { fmt.Fprintf(cmd.OutOrStdout(), "\r%d of %d calls", done, o.Calls) }, cmd)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Organization, "organization", "", "the organization's id (default: the first one)")
	flags.IntVar(&o.Calls, "calls", 1_000, "how many calls")
	flags.IntVar(&o.Days, "days", 365, "over how many days before now")
	flags.BoolVar(&o.Lines, "lines", false, "a row for each line said, too")
	flags.Uint64Var(&o.Seed, "seed", 1, "the same seed makes the same calls")
	return cmd
}

// seed writes the calls in transactions of a bounded size, oldest first.
func seed(app core.App, o HistoryOptions, progress func(int), cmd *cobra.Command) error {
	if o.Calls < 1 {
		return fmt.Errorf("--calls must be at least 1")
	}
	until, span := time.Now(), time.Duration(max(o.Days, 1))*24*time.Hour
	for done := 0; done < o.Calls; {
		n := min(chunk, o.Calls-done)
		part := o
		part.Calls = n
		part.Seed = o.Seed + uint64(done)
		part.Until = until.Add(-span + time.Duration(float64(span)*float64(done+n)/float64(o.Calls)))
		err := app.RunInTransaction(func(tx core.App) error {
			return history(tx, part, time.Duration(float64(span)*float64(n)/float64(o.Calls)))
		})
		if err != nil {
			return err
		}
		done += n
		progress(done)
	}
	fmt.Fprintln(cmd.OutOrStdout())
	return nil
}
