package sealed

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
)

// LogHandler returns a handler that passes records on without secrets, tokens
// and phone numbers: it looks at the message, at every text, error and object
// among the attributes, and at their names.
func LogHandler(next slog.Handler) slog.Handler { return logHandler{next} }

type logHandler struct{ next slog.Handler }

// Enabled implements slog.Handler.
func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Redact(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redactAttr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redactAttr(a)
	}
	return logHandler{h.next.WithAttrs(clean)}
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.next.WithGroup(name)} }

func redactAttr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(redactNamed(a.Key, a.Value.String()))
	case slog.KindGroup:
		group := a.Value.Group()
		clean := make([]slog.Attr, len(group))
		for i, one := range group {
			clean[i] = redactAttr(one)
		}
		a.Value = slog.GroupValue(clean...)
	case slog.KindAny:
		a.Value = slog.AnyValue(redactAny(a.Key, a.Value.Any()))
	}
	return a
}

func redactAny(name string, value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case error:
		return redactNamed(name, v.Error())
	case []byte:
		return string(RedactJSON(v))
	case fmt.Stringer:
		return redactNamed(name, v.String())
	}
	data, err := json.Marshal(value)
	if err != nil {
		return redactNamed(name, fmt.Sprint(value))
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		return Redacted
	}
	return redactValue(name, doc)
}
