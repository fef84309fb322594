package hooks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/backup"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/serving"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
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
		if err := cmp.Or(CheckDirectory(dir()), CheckBackups(*c, dir()), checkFolder(to, dir())); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		path, m, err := BackUp(ctx, *c, dir(), to, backup.Options{Version: version, Progress: spoken(os.Stderr)})
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s\n%d rows, %d files; written, read again and found whole.\n", path, m.Rows(), m.Files-1)
		for _, name := range m.Skipped {
			fmt.Fprintf(out, "NOT in it: %q, whose name cannot stand in an archive. Give it another one, or remove it.\n", name)
		}
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

// checkFolder refuses a file to write in a folder that is not there: it may be a
// disk that is not mounted, or a name that is misspelled. Nor may a restore move it aside.
func checkFolder(to, dir string) error {
	if to == "" {
		return nil
	}
	folder := filepath.Dir(to)
	if at, err := os.Stat(folder); err != nil || !at.IsDir() {
		return fmt.Errorf("there is no folder %s: make it first, or name another with --to", folder)
	}
	return checkOutside("the folder of --to", folder, dir)
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
	if err := cmp.Or(CheckDirectory(dir), CheckBackups(c, dir)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	_, before := os.Stat(dir)
	release, err := serving.Lock(dir)
	if errors.Is(err, serving.ErrTaken) {
		return fmt.Errorf("restore: stop the server first: %w", err)
	}
	if err != nil {
		return err
	}
	defer release()
	if backup.Pending(dir) {
		earlier, err := apply(c, dir, out)
		if err != nil || earlier == filepath.Base(path) {
			return err
		}
		return fmt.Errorf("restore: the restore of %s was not done and came first; run this again to restore %s",
			earlier, path)
	}
	if _, err := os.Stat(filepath.Join(dir, "data.db")); err == nil && !replace {
		return fmt.Errorf("restore: %s holds data; --replace moves them aside and puts the backup in their place", dir)
	}
	if _, err := stage(ctx, c, dir, path, spoken(progress)); err != nil {
		if errors.Is(before, fs.ErrNotExist) {
			release()
			if err := serving.Unmake(dir); err != nil {
				return fmt.Errorf("restore: remove %s, which was made for it: %w", dir, err)
			}
		}
		if strings.HasSuffix(err.Error(), nothingChanged) {
			return fmt.Errorf("restore: %w", err)
		}
		return fmt.Errorf("restore: %w%s", err, nothingChanged)
	}
	_, err = apply(c, dir, out)
	return err
}

// apply puts what lies ready in place, says so, and returns the archive's name.
func apply(c providers.Config, dir string, out io.Writer) (archive string, err error) {
	done, err := backup.Apply(dir)
	if errors.Is(err, backup.ErrGivenUp) || errors.Is(err, backup.ErrNote) {
		return "", fmt.Errorf("restore: %w", err)
	}
	if err != nil {
		return "", fmt.Errorf("restore: %w. Run it again, or start the server: it goes on", err)
	}
	m := done.Manifest
	fmt.Fprintf(out, "Restored: %d rows, %d files.\n", m.Rows(), max(m.Files-1, 0))
	if done.Aside != "" {
		fmt.Fprintf(out, "What was there before lies in %s: remove it when you need it no more.\n", done.Aside)
	}
	if given(c, dir).Missing() {
		fmt.Fprintf(out, "The master key is not here yet: put it at %s (mode 0600), "+
			"or set POCKETLINE_KEY, before you start the server.\n",
			filepath.Join(dir, sealed.KeyFile))
	}
	fmt.Fprintln(out, "Now start the server. It leaves what was at the phone provider before alone "+
		"until you confirm in Settings → Server that no other server uses these data.")
	return done.Archive, nil
}

// stage looks at an archive whole and makes it ready; a key that is there has to
// open it.
func stage(
	ctx context.Context, c providers.Config, dir, path string, progress func(string, int64, int64),
) (backup.Manifest, error) {
	return backup.Stage(ctx, dir, path, backup.StageOptions{Progress: progress, Free: system.FreeSpace,
		Opens: func(data backup.Data, keys string) error {
			from := given(c, dir)
			if keys != "" {
				from.Dir = keys
			}
			if from.Missing() {
				return nil // the start asks for it
			}
			return fits(from, data, path)
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
const (
	nightlyJob = "backup.nightly"
	nightly    = "20 2 * * *"
)

// backups are those of a running server.
type backups struct {
	app     core.App
	config  providers.Config
	version string
	held    *serving.Held

	restoring sync.Mutex // held while an archive is brought and made ready
	stopped   context.Context
}

// bind adds the job of the night, takes the place of PocketBase's restore, and
// keeps what is no data out of PocketBase's archives.
func (b *backups) bind(jobs *schedule.Scheduler, restored bool) {
	if b.config.Backups.Dir != "" && b.config.Backups.Keep > 0 {
		jobs.Add(schedule.Job{ID: nightlyJob, Spec: nightly, Run: b.nightly})
		b.app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			if err := b.lastNight(jobs); err != nil {
				return err
			}
			return se.Next()
		})
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stopped = ctx
	b.app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		Id: "pocketlineBackups", Priority: serving.BeforeDrain, Func: func(te *core.TerminateEvent) error {
			stop() // nobody waits for an archive that is looked at
			return te.Next()
		},
	})
	b.app.OnBackupCreate().BindFunc(func(e *core.BackupEvent) error {
		e.Exclude = append(e.Exclude, backup.NoData(e.App.DataDir())...)
		return e.Next()
	})
	b.app.OnServe().Bind(&hook.Handler[*core.ServeEvent]{
		// After everything a start may fail at, and before the first message is taken.
		Priority: 1000, Func: func(se *core.ServeEvent) error {
			if err := backup.Proven(se.App.DataDir()); err != nil {
				return fmt.Errorf("note that the server starts with what was restored: %w", err)
			}
			return se.Next()
		},
	})
	b.app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := backup.Clear(se.App.DataDir()); err != nil {
			return fmt.Errorf("remove what is left of a restore: %w", err)
		}
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
	o := backup.Options{Kind: backup.Full, Version: b.version, Free: system.FreeSpace, Now: r.Now}
	path, m, err := backup.WriteNew(ctx, b.app.DataDir(), folder, backup.Nightly, o)
	if err != nil {
		if ctx.Err() == nil {
			b.said(err)
		}
		return err
	}
	r.Add(1)
	b.said(nil)
	b.saySkipped(m)
	_, err = backup.Prune(folder, backup.Retention{
		Prefix: backup.Nightly, Installation: m.Installation, Keep: b.config.Backups.Keep, Newest: path, Now: r.Now(),
	})
	return err
}

// saySkipped names stored files that a backup could not take.
func (b *backups) saySkipped(m backup.Manifest) {
	if len(m.Skipped) > 0 {
		b.app.Logger().Warn("files are not in the backup: their names cannot stand in an archive", "files",
			fmt.Sprintf("%q", m.Skipped))
	}
}

// said has health say whether there was a backup of the night. It is read by everybody
// and names no folder.
func (b *backups) said(err error) {
	says := ""
	switch {
	case errors.Is(err, backup.ErrNoFolder):
		says = "none is made at night: the folder of POCKETLINE_BACKUP_DIR is not there; mount its disk or make it"
	case err != nil:
		says = "the last one of the night was not made: `pocketline jobs list` says why"
	}
	vitals.Of(b.app).Found("backups", says)
}

// lastNight tells health what is known of backups when the server starts.
func (b *backups) lastNight(jobs *schedule.Scheduler) error {
	if err := backup.Ready(b.app.DataDir(), b.config.Backups.Dir); err != nil {
		b.app.Logger().Error("no backup can be made", "error", err)
		b.said(err)
		return nil // the phone is answered all the same
	}
	failed, err := jobs.Failed(nightlyJob)
	if failed {
		b.said(errors.New("the last run failed"))
	}
	return err
}

// fromPanel answers the panel's restore. PocketBase would replace the data while
// messages come in, without a look at what is in the archive, and end for good.
func (b *backups) fromPanel(e *core.RequestEvent) error {
	if e.Request.Pattern != "POST /api/backups/{key}/restore" || !e.HasSuperuserAuth() {
		return e.Next() // PocketBase refuses guests
	}
	key := e.Request.PathValue("key")
	from := b.fetched(key)
	if !b.app.Settings().Backups.S3.Enabled {
		path := filepath.Join(backup.Folder(b.app.DataDir()), filepath.Base(key))
		if _, err := os.Stat(path); err != nil {
			return refusal.Of("missing_backup").For(err)
		}
		from = lies(path)
	}
	if refused := b.restore(e, filepath.Base(key), from); refused != nil {
		refused.Text += fmt.Sprintf(": %v", refused.Details) // the panel shows the sentence alone
		return refused
	}
	return e.NoContent(http.StatusNoContent)
}

// source brings an archive to where it can be read, and returns its path.
type source func(context.Context) (path string, err error)

// lies is a source where nothing has to be brought.
func lies(path string) source { return func(context.Context) (string, error) { return path, nil } }

// fetched is an archive of the panel that lies at S3.
func (b *backups) fetched(key string) source {
	return func(ctx context.Context) (string, error) {
		files, err := b.app.NewBackupsFilesystem()
		if err != nil {
			return "", err
		}
		defer files.Close()
		return backup.Fetch(ctx, b.app.DataDir(), func(ctx context.Context) (io.ReadCloser, error) {
			files.SetContext(ctx)
			return files.GetReader(key)
		}, system.FreeSpace)
	}
}

// restore looks at an archive, makes it ready and has the program start again. From the
// moment it lies ready nothing is acknowledged any more: it would be lost. What is
// refused changes nothing, and the server took messages all the while.
func (b *backups) restore(e *core.RequestEvent, name string, from source) *refusal.Refusal {
	if b.app.Store().Has(core.StoreKeyActiveBackup) {
		return underWay(errMaking)
	}
	if !b.restoring.TryLock() {
		return underWay(errRestoring)
	}
	defer b.restoring.Unlock()
	// It may take longer than the server waits with an answer.
	_ = http.NewResponseController(e.Response).SetWriteDeadline(time.Time{}) // a test's cannot, and nothing is lost
	var m backup.Manifest
	var err error
	open := b.held.Gate.Outside(func() { m, err = b.makeReady(from) })
	if err != nil {
		return refusal.Of("invalid_request/backup").With(err.Error()).For(err)
	}
	if !open {
		return underWay(errors.Join(errRestoring, backup.Unstage(b.app.DataDir())))
	}
	wait, cancel := context.WithTimeout(b.stopped, b.config.DrainTimeout)
	defer cancel()
	if err := b.held.Gate.Close(wait); err != nil {
		e.Response.Header().Set("Retry-After", "5")
		return underWay(errors.Join(err, backup.Unstage(b.app.DataDir())))
	}
	b.app.Logger().Warn("a backup is restored: the server starts again", "backup", name, "made", m.Made, "rows", m.Rows())
	b.held.StartAgain(b.app)
	return nil
}

// makeReady brings an archive and looks at it. Whoever asked may hang up: what was begun
// is finished, unless the server stops.
func (b *backups) makeReady(from source) (m backup.Manifest, err error) {
	defer func() { err = errors.Join(err, backup.Forget(b.app.DataDir())) }()
	path, err := from(b.stopped)
	if err != nil {
		return m, fmt.Errorf("bring it here: %w", err)
	}
	return stage(b.stopped, b.config, b.app.DataDir(), path, func(string, int64, int64) {})
}

// underWay refuses a restore for now.
func underWay(reason error) *refusal.Refusal {
	return refusal.Of("unavailable/work").With(reason.Error()).For(reason)
}

var (
	// errMaking says that PocketBase writes an archive just now.
	errMaking = errors.New("a backup is being made")
	// errRestoring says that somebody else's restore is being looked at.
	errRestoring = errors.New("another backup is being looked at")
)

// ofSystem is what the dashboard's operator does.
func (b *backups) ofSystem() system.Backups {
	made := system.Backups{
		Folder: backupFolder(b.config, b.app.DataDir()),
		Restore: func(e *core.RequestEvent, path string) *refusal.Refusal {
			return b.restore(e, filepath.Base(path), lies(path))
		},
		Write: func(ctx context.Context, progress func(string, int64, int64)) (string, error) {
			o := backup.Options{Version: b.version, Progress: progress}
			path, m, err := BackUp(ctx, b.config, b.app.DataDir(), "", o)
			b.saySkipped(m)
			return path, err
		},
	}
	if b.config.Backups.Dir != "" {
		made.Nightly = b.config.Backups.Keep
	}
	return made
}
