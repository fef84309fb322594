package logs

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// fullEvery is how often a full disk is worth a line: everything that is tried
// meanwhile fails for the same reason.
const fullEvery = time.Minute

// fullOnce lets one line about a full disk through in that time.
type fullOnce struct {
	now  func() time.Time
	last atomic.Int64 // nanoseconds since 1970
}

// drops tells whether a record is one line too many.
func (f *fullOnce) drops(r slog.Record) bool {
	if r.Level < slog.LevelWarn || !ofFullDisk(r) {
		return false
	}
	now, last := f.now().UnixNano(), f.last.Load()
	if last != 0 && now-last < int64(fullEvery) && now >= last {
		return true
	}
	return !f.last.CompareAndSwap(last, now) // somebody else says it
}

func ofFullDisk(r slog.Record) (is bool) {
	r.Attrs(func(a slog.Attr) bool {
		switch v := a.Value.Resolve(); {
		case a.Key == "status" && v.Kind() == slog.KindInt64:
			is = v.Int64() == http.StatusInsufficientStorage
		case v.Kind() == slog.KindString:
			is = vitals.SaysDiskFull(v.String())
		case v.Kind() == slog.KindAny:
			err, ok := v.Any().(error)
			is = ok && vitals.DiskFull(err)
		}
		return !is
	})
	return is
}
