// Package logs sends what PocketBase logs to the terminal too, where a
// platform collects it, and takes secrets, tokens and phone numbers out of both
// copies. Stock PocketBase stores request addresses with their file tokens.
package logs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/logger"

	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// Options say what goes to the terminal; the stored log follows the settings.
type Options struct {
	// Out is usually os.Stderr.
	Out io.Writer
	// Level is "debug", "info", "warn" or "error".
	Level string
	// Format is "text" or "json".
	Format string
}

// Bind replaces the app's logger when it is bootstrapped.
func Bind(app core.App, o Options) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.Level)); err != nil {
		return err
	}
	options := &slog.HandlerOptions{Level: level}
	var terminal slog.Handler = slog.NewTextHandler(o.Out, options)
	if o.Format == "json" {
		terminal = slog.NewJSONHandler(o.Out, options)
	}
	app.OnModelCreate(core.LogsTableName).Bind(&hook.Handler[*core.ModelEvent]{Func: storeLine, Priority: -1000})
	var stored slog.Handler
	app.OnBootstrap().BindFunc(func(e *core.BootstrapEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		stored = e.App.Logger().Handler()
		// The pointer is what everybody holds, so the logger behind it changes.
		*e.App.Logger() = *slog.New(sealed.LogHandler(both{stored, terminal, &fullOnce{now: time.Now}}))
		return nil
	})
	// PocketBase only knows how to change the level of its own handler.
	app.OnSettingsReload().BindFunc(func(e *core.SettingsReloadEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		if h, ok := stored.(*logger.BatchHandler); ok && !e.App.IsDev() {
			h.SetLevel(slog.Level(e.App.Settings().Logs.MinLevel))
		}
		return nil
	})
	return nil
}

const insertLine = `INSERT INTO _logs (id, level, message, data, created) VALUES ({:id}, {:level}, {:message}, {:data}, {:created})`

// storeLine writes a line of the stored log as PocketBase would, without the
// hooks and checks of a model: every request writes one, and they took a tenth
// of a short request's time.
func storeLine(e *core.ModelEvent) error {
	line, ok := e.Model.(*core.Log)
	if !ok {
		return e.Next()
	}
	columns, err := line.DBExport(e.App)
	if err != nil {
		return err
	}
	if _, err := e.App.AuxNonconcurrentDB().NewQuery(insertLine).Bind(columns).Execute(); err != nil {
		return err
	}
	line.MarkAsNotNew()
	return nil
}

// both hands each record to the stored log and to the terminal, as far as each
// wants its level.
type both struct {
	stored, terminal slog.Handler
	full             *fullOnce
}

// Enabled implements slog.Handler.
func (b both) Enabled(ctx context.Context, level slog.Level) bool {
	return b.stored.Enabled(ctx, level) || b.terminal.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (b both) Handle(ctx context.Context, r slog.Record) error {
	if b.full.drops(r) {
		return nil
	}
	var failed error
	if b.stored.Enabled(ctx, r.Level) {
		failed = b.stored.Handle(ctx, r.Clone())
	}
	if b.terminal.Enabled(ctx, weight(r)) {
		failed = errors.Join(failed, b.terminal.Handle(ctx, r))
	}
	return failed
}

// weight is the level a record has on the terminal. PocketBase logs every
// refused request as an error, a mistyped address included; an error is what
// we did wrong.
func weight(r slog.Record) slog.Level {
	request, status := false, int64(0)
	r.Attrs(func(a slog.Attr) bool {
		switch v := a.Value.Resolve(); {
		case a.Key == "type" && v.Kind() == slog.KindString:
			request = v.String() == "request"
		case a.Key == "status" && v.Kind() == slog.KindInt64:
			status = v.Int64()
		}
		return true
	})
	if request && status > 0 && status < 500 {
		return slog.LevelInfo
	}
	return r.Level
}

// WithAttrs implements slog.Handler.
func (b both) WithAttrs(attrs []slog.Attr) slog.Handler {
	return both{b.stored.WithAttrs(attrs), b.terminal.WithAttrs(attrs), b.full}
}

// WithGroup implements slog.Handler.
func (b both) WithGroup(name string) slog.Handler {
	return both{b.stored.WithGroup(name), b.terminal.WithGroup(name), b.full}
}
