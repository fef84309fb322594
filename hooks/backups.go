package hooks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/backup"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/serving"
	"github.com/pocketline/pocketline/hooks/system"
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

// backups are those of a running server.
type backups struct {
	app     core.App
	config  providers.Config
	version string
	held    *serving.Held
}

// bind adds the job of the night, takes the place of PocketBase's restore, and
// keeps what is no data out of PocketBase's archives.
func (b *backups) bind(jobs *schedule.Scheduler, restored bool) {
	if b.config.Backups.Dir != "" && b.config.Backups.Keep > 0 {
		jobs.Add(schedule.Job{ID: "backup.nightly", Spec: nightly, Run: b.nightly})
	}
	b.app.OnBackupCreate().BindFunc(func(e *core.BackupEvent) error {
		e.Exclude = append(e.Exclude, backup.NoData(e.App.DataDir())...)
		return e.Next()
	})
	b.app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(chain.Middleware(chain.Restore, b.fromPanel))
		if restored {
			entry := audit.Entry{Actor: audit.Actor{Type: audit.ActorSystem}, Action: "installation.restore"}
			if err := audit.Add(se.App, entry); err != nil {
				return err
			}
		}
		return se.Next()
	})
}

func (b *backups) nightly(ctx context.Context, r *schedule.Run) error {
	folder := b.config.Backups.Dir
	to := filepath.Join(folder, backup.Name(backup.Nightly, time.Now()))
	if _, _, err := BackUp(ctx, b.config, b.app.DataDir(), to, backup.Options{Version: b.version}); err != nil {
		return err
	}
	r.Add(1)
	_, err := backup.Prune(folder, backup.Nightly, b.config.Backups.Keep)
	return err
}

// fromPanel answers the panel's restore. PocketBase would replace the data while
// messages come in, without a look at what is in the archive, and end for good.
func (b *backups) fromPanel(e *core.RequestEvent) error {
	if e.Request.Pattern != "POST /api/backups/{key}/restore" || !e.HasSuperuserAuth() {
		return e.Next() // PocketBase refuses guests
	}
	path, done, err := b.fetch(e.Request.PathValue("key"))
	if err != nil {
		return e.BadRequestError("Missing or invalid backup file.", err)
	}
	defer done()
	if refused := b.restore(e, path); refused != nil {
		return e.Error(refused.Status, refused.Sentence+": "+refused.Reason.Error(), refused.Reason)
	}
	return e.NoContent(http.StatusNoContent)
}

// fetch is the path of an archive of the panel, which may lie at S3.
func (b *backups) fetch(key string) (path string, done func(), err error) {
	if !b.app.Settings().Backups.S3.Enabled {
		path = filepath.Join(backup.Folder(b.app.DataDir()), filepath.Base(key))
		_, err = os.Stat(path)
		return path, func() {}, err
	}
	files, err := b.app.NewBackupsFilesystem()
	if err != nil {
		return "", nil, err
	}
	defer files.Close()
	in, err := files.GetReader(key)
	if err != nil {
		return "", nil, err
	}
	defer in.Close()
	out, err := os.CreateTemp(b.app.DataDir(), ".backup-*")
	if err != nil {
		return "", nil, err
	}
	done = func() { os.Remove(out.Name()) }
	if _, err = io.Copy(out, in); errors.Join(err, out.Close()) != nil {
		done()
		return "", nil, err
	}
	return out.Name(), done, nil
}

// restore looks at an archive, makes it ready and has the program start again.
// From the first moment on nothing is acknowledged any more: it would be lost.
// What is refused changes nothing, and the server goes on.
func (b *backups) restore(e *core.RequestEvent, path string) *system.RestoreRefused {
	busy := &system.RestoreRefused{
		Status: http.StatusServiceUnavailable, Sentence: "Work is still under way; try again in a moment",
	}
	if busy.Reason = errMaking; b.app.Store().Has(core.StoreKeyActiveBackup) {
		return busy
	}
	wait, cancel := context.WithTimeout(e.Request.Context(), b.config.DrainTimeout)
	defer cancel()
	if busy.Reason = b.held.Gate.Close(wait); busy.Reason != nil {
		e.Response.Header().Set("Retry-After", "5")
		return busy
	}
	// It may take longer than the server waits with an answer.
	_ = http.NewResponseController(e.Response).SetWriteDeadline(time.Time{}) // a test's cannot, and nothing is lost
	// Whoever asked may hang up: what was begun is finished.
	ctx := context.WithoutCancel(e.Request.Context())
	m, err := stage(ctx, b.config, b.app.DataDir(), path, func(string, int64, int64) {})
	if err != nil {
		b.held.Gate.Open()
		return &system.RestoreRefused{
			Status: http.StatusBadRequest, Sentence: "The backup was not restored, and nothing was changed", Reason: err,
		}
	}
	b.app.Logger().Warn("a backup is restored: the server starts again", "backup", filepath.Base(path),
		"made", m.Made, "rows", m.Rows())
	b.held.StartAgain(b.app)
	return nil
}

// errMaking says that PocketBase writes an archive just now.
var errMaking = errors.New("a backup is being made")

// ofSystem is what the dashboard's operator does.
func (b *backups) ofSystem() system.Backups {
	made := system.Backups{
		Folder: backupFolder(b.config, b.app.DataDir()), Restore: b.restore,
		Write: func(ctx context.Context, progress func(string, int64, int64)) (string, error) {
			path, _, err := BackUp(ctx, b.config, b.app.DataDir(), "", backup.Options{Version: b.version, Progress: progress})
			return path, err
		},
	}
	if b.config.Backups.Dir != "" {
		made.Nightly = b.config.Backups.Keep
	}
	return made
}
