package system

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/backup"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// Backups are what a running server can do about them.
type Backups struct {
	// Folder is where they go, Nightly how many of the night are kept there.
	Folder  string
	Nightly int
	// Write makes one and returns its path.
	Write func(ctx context.Context, progress func(what string, done, total int64)) (string, error)
	// Restore puts one in place: the server starts again. Nil is yes.
	Restore func(e *core.RequestEvent, path string) *refusal.Refusal
}

// making is the backup that is being written by hand.
type making struct {
	mu      sync.Mutex
	running bool
	what    string
	done    int64
	total   int64
	failed  string // why the last one failed
	cancel  context.CancelFunc
	over    chan struct{}
}

// shownBackup is one archive.
type shownBackup struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Made string `json:"made"`
	Kind string `json:"kind"`
}

// kindOf tells by its name who made an archive.
func kindOf(name string) string {
	for prefix, kind := range map[string]string{
		backup.ByHand: "by_hand", backup.Nightly: "nightly", backup.BeforeUpdate: "before_update",
	} {
		if strings.HasPrefix(name, prefix) {
			return kind
		}
	}
	return "panel"
}

// folders are where archives lie: copies from before updates, and those of the
// panel, stay with the data.
func (s *system) folders() []string {
	return slices.Compact([]string{s.Backups.Folder, backup.Folder(s.app.DataDir())})
}

func (s *system) showBackups(e *core.RequestEvent) error {
	all := []shownBackup{}
	for _, folder := range s.folders() {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for _, f := range entries {
			info, err := f.Info()
			if err != nil || !info.Mode().IsRegular() || filepath.Ext(f.Name()) != ".zip" {
				continue
			}
			all = append(all, shownBackup{f.Name(), info.Size(), rows.SaidAt(info.ModTime()), kindOf(f.Name())})
		}
	}
	slices.SortStableFunc(all, func(a, b shownBackup) int { return strings.Compare(b.Made, a.Made) })
	kept, err := backup.Aside(s.app.DataDir())
	if err != nil {
		return err
	}
	aside := make([]map[string]any, len(kept))
	for i, k := range kept {
		aside[i] = map[string]any{"path": k.Path, "size": k.Size, "made": rows.SaidAt(k.Made)}
	}
	m := &s.making
	m.mu.Lock()
	defer m.mu.Unlock()
	var running any
	if m.running {
		running = map[string]any{"step": m.what, "done": m.done, "total": m.total}
	}
	return facade.JSON(e, http.StatusOK, map[string]any{
		"folder": s.Backups.Folder, "nightly": s.Backups.Nightly, "backups": all, "running": running, "failed": m.failed,
		"aside": aside,
	})
}

// makeBackup begins one; how far it is, the list says.
func (s *system) makeBackup(e *core.RequestEvent) error {
	m := &s.making
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running {
		return refusal.Of("backup_running")
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.running, m.what, m.done, m.total, m.failed, m.cancel, m.over = true, "", 0, 0, "", cancel, make(chan struct{})
	actor := audit.ActorOf(e)
	go func() {
		defer close(m.over)
		defer cancel()
		path, err := s.Backups.Write(ctx, func(what string, done, total int64) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.what, m.done, m.total = what, done, total
		})
		if err == nil {
			err = audit.Add(s.app, audit.Entry{
				Actor: actor, Action: "installation.backup", Details: map[string]any{"file": filepath.Base(path)},
			})
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.running = false
		if err != nil && ctx.Err() == nil {
			m.failed = err.Error()
			s.app.Logger().Error("the backup was not made", "error", err)
		}
	}()
	return facade.JSON(e, http.StatusAccepted, map[string]any{"started": true})
}

// stop ends what is being written when the server stops.
func (m *making) stop() {
	m.mu.Lock()
	cancel, over := m.cancel, m.over
	m.mu.Unlock()
	if cancel != nil {
		cancel()
		<-over
	}
}

func (s *system) restoreBackup(e *core.RequestEvent) error {
	var body struct {
		Name string `json:"name"`
	}
	if err := e.BindBody(&body); err != nil {
		return refusal.Of("unreadable_body")
	}
	if body.Name == "" || body.Name != filepath.Base(body.Name) || filepath.Ext(body.Name) != ".zip" {
		return refusal.Invalid(map[string]string{"name": "Choose one of the list"})
	}
	for _, folder := range s.folders() {
		path := filepath.Join(folder, body.Name)
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if refused := s.Backups.Restore(e, path); refused != nil {
			return refused
		}
		return facade.JSON(e, http.StatusAccepted, map[string]any{"restarting": true})
	}
	return refusal.Of("not_found/backup")
}
