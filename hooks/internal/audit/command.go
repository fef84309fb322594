package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/hooks/internal/schedule"
)

// ErrBroken says that a chain of the log does not hold.
var ErrBroken = errors.New("the audit log is not what was written")

// Command is `pocketline audit verify`.
func Command(app core.App) *cobra.Command {
	root := &cobra.Command{Use: "audit", Short: "Look after the audit log"}
	var organization string
	verify := &cobra.Command{
		Use: "verify", Short: "Follow the chains of the audit log and name the first entry where one breaks",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var only []string
			if cmd.Flags().Changed("organization") {
				only = append(only, organization)
			}
			chains, err := Verify(cmd.Context(), app, only...)
			if err != nil {
				return err
			}
			if len(chains) == 0 {
				return fmt.Errorf("nothing was checked: there is no audit log of %q; without --organization all there are are checked", organization)
			}
			for _, c := range chains {
				fmt.Fprintln(cmd.OutOrStdout(), c)
				if c.Broken != nil {
					err = ErrBroken
				}
			}
			return err
		},
	}
	verify.Flags().StringVar(&organization, "organization", "",
		`only this organization's log, by id; "" is the installation's own`)
	root.AddCommand(verify)
	return root
}

// String is a line about the chain.
func (c Chain) String() string {
	name := "organization " + c.Organization
	if c.Organization == "" {
		name = "installation"
	}
	if c.Broken == nil {
		return fmt.Sprintf("%s: %d entries hold (%d of them erased), head %d %s", name, c.Entries, c.Erased,
			c.Position, c.Head)
	}
	if c.Broken.ID == "" {
		return fmt.Sprintf("%s: BROKEN after %d entries: %s", name, c.Entries, c.Broken.Reason)
	}
	return fmt.Sprintf("%s: BROKEN at entry %s of %s: %s", name, c.Broken.ID, c.Broken.At.Format("2006-01-02 15:04:05Z"),
		c.Broken.Reason)
}

// Schedule adds the job audit.head: once a day the head of each chain goes to the
// log, where whoever changes the database does not reach it. And audit.forget: what
// is left in the log of deleted calls and callers is emptied.
func Schedule(app core.App, s *schedule.Scheduler) {
	s.Add(schedule.Job{ID: "audit.forget", Spec: "37 * * * *", Run: func(ctx context.Context, r *schedule.Run) error {
		n, err := ForgetGone(ctx, app)
		r.Add(n)
		return err
	}})
	s.Add(schedule.Job{ID: "audit.head", Spec: "7 0 * * *", Run: func(_ context.Context, r *schedule.Run) error {
		rows, err := app.DB().Select("chain", "head", "head_hash").From("audit_chains").OrderBy("chain").Rows()
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var chain, hash string
			var head int64
			if err := rows.Scan(&chain, &head, &hash); err != nil {
				return err
			}
			app.Logger().Info("head of an audit log", "organization", chain, "entries", head, "hash", hash)
			r.Add(1)
		}
		return rows.Err()
	}})
}
