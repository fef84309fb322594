package hooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/hooks/internal/backup"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/serving"
	"github.com/pocketline/pocketline/providers"
)

// The commands `backup` and `restore` work on the data directory itself: they
// open no app, make no key and apply no step.

// BackupCommand is `pocketline backup`. dir is asked when the flags are known.
func BackupCommand(c *providers.Config, dir func() string, version string) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "backup", Args: cobra.NoArgs,
		Short: "Write everything but the master key into one file, while the server runs (docs/backup.md)",
	}
	cmd.Flags().StringVar(&to, "to", "",
		"the file to write (default: a new one in POCKETLINE_BACKUP_DIR, or in backups in the data directory)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		path, m, err := BackUp(ctx, *c, dir(), to, backup.Options{Version: version, Progress: spoken(os.Stderr)})
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s\n%d rows, %d files; written, read again and found whole.\n", path, m.Rows(), len(m.Files)-1)
		if c.Key != "" {
			fmt.Fprintln(out, "The master key is not in it: keep POCKETLINE_KEY apart from it. "+
				"Without the key it cannot be started.")
			return nil
		}
		fmt.Fprintf(out, "The master key is not in it: keep a copy of %s apart from it. "+
			"Without the key it cannot be started.\n",
			filepath.Join(dir(), sealed.KeyFile))
		return nil
	}
	return cmd
}

// RestoreCommand is `pocketline restore`.
func RestoreCommand(c *providers.Config, dir func() string) *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use: "restore <file>", Args: cobra.ExactArgs(1),
		Short: "Put a backup in place of what is in the data directory; the server is stopped (docs/backup.md)",
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "although the data directory holds data: they are moved aside")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		return restore(ctx, *c, dir(), args[0], replace, cmd.OutOrStdout(), os.Stderr)
	}
	return cmd
}

func restore(ctx context.Context, c providers.Config, dir, path string, replace bool, out, progress io.Writer) error {
	release, err := serving.Lock(dir)
	if errors.Is(err, serving.ErrTaken) {
		return fmt.Errorf("restore: stop the server first: %w", err)
	}
	if err != nil {
		return err
	}
	defer release()
	if _, err := os.Stat(filepath.Join(dir, "data.db")); err == nil && !replace {
		return fmt.Errorf("restore: %s holds data; --replace moves them aside and puts the backup in their place", dir)
	}
	m, err := stage(ctx, c, dir, path, spoken(progress))
	if err != nil {
		return fmt.Errorf("restore: %w. Nothing was changed", err)
	}
	_, aside, err := backup.Apply(dir)
	if err != nil {
		return fmt.Errorf("restore: %w. Run it again, or start the server: it goes on", err)
	}
	fmt.Fprintf(out, "Restored: %d rows, %d files.\n", m.Rows(), max(len(m.Files)-1, 0))
	if aside != "" {
		fmt.Fprintf(out, "What was there before lies in %s: remove it when you need it no more.\n", aside)
	}
	if given(c, dir).Missing() {
		fmt.Fprintf(out, "The master key is not here yet: put it at %s (mode 0600), "+
			"or set POCKETLINE_KEY, before you start the server.\n",
			filepath.Join(dir, sealed.KeyFile))
	}
	return nil
}

// stage looks at an archive whole and makes it ready; a key that is there has to
// open it.
func stage(
	ctx context.Context, c providers.Config, dir, path string, progress func(string, int64, int64),
) (backup.Manifest, error) {
	return backup.Stage(ctx, dir, path, backup.StageOptions{Progress: progress, Opens: func(settings, keys string) error {
		from := given(c, dir)
		if keys != "" {
			from.Dir = keys
		}
		if from.Missing() {
			return nil // the start asks for it
		}
		return fits(from, settings, path)
	}})
}

// spoken tells progress, a line for each twentieth.
func spoken(out io.Writer) func(string, int64, int64) {
	var last string
	return func(what string, done, total int64) {
		line := what
		if total > 0 {
			line = fmt.Sprintf("%s: %d %%", what, done*20/total*5)
		}
		if line != last {
			last = line
			fmt.Fprintln(out, line)
		}
	}
}

// nightly is when the backup of the night is made: before the jobs of the
// morning, and not on the hour.
const nightly = "20 2 * * *"

// bindNightly makes a backup each night where the configuration says where to.
func bindNightly(app core.App, jobs *schedule.Scheduler, c providers.Config, version string) {
	if c.Backups.Dir == "" || c.Backups.Keep == 0 {
		return
	}
	jobs.Add(schedule.Job{ID: "backup.nightly", Spec: nightly, Run: func(ctx context.Context, r *schedule.Run) error {
		to := filepath.Join(c.Backups.Dir, backup.Name(backup.Nightly, time.Now()))
		if _, _, err := BackUp(ctx, c, app.DataDir(), to, backup.Options{Version: version}); err != nil {
			return err
		}
		r.Add(1)
		_, err := backup.Prune(c.Backups.Dir, backup.Nightly, c.Backups.Keep)
		return err
	}})
}
