package system

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/VictoriaMetrics/metrics"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

var metricsRoute = facade.Route{
	Method: "GET", Path: "/api/metrics", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "Figures for Prometheus: requests and errors, messages taken and refused, the writer's lag, what waits and since when, " +
		"disk and files. Asks for the token of POCKETLINE_METRICS_TOKEN (Authorization: Bearer …).",
	Answer: "text in Prometheus' format",
	Errors: "401 without the token, 404 when none is set",
}

// metrics answers GET /api/metrics in the words Prometheus reads. Figures of an
// organization never stand there: who watches the machine need not know its
// customers.
func (s *system) metrics(e *core.RequestEvent) error {
	if s.MetricsToken == "" {
		return refusal.Of("not_found/metrics")
	}
	given, bearer := strings.CutPrefix(e.Request.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.MetricsToken))
	if !bearer || subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		e.Response.Header().Set("WWW-Authenticate", "Bearer")
		return refusal.Of("unauthorized/metrics")
	}
	var w bytes.Buffer
	s.writeMetrics(e, &w)
	metrics.WriteProcessMetrics(&w)
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.Blob(http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", w.Bytes())
}

func (s *system) writeMetrics(e *core.RequestEvent, w *bytes.Buffer) {
	counter := func(name string, n uint64) { metrics.WriteCounterUint64(w, "pocketline_"+name, n) }
	gauge := func(name string, n float64) { metrics.WriteGaugeFloat64(w, "pocketline_"+name, n) }
	gauge(fmt.Sprintf("info{version=%q}", s.Version), 1)
	r := s.health.look(e.Request.Context())
	for name, c := range r.Checks {
		gauge(fmt.Sprintf("check_passes{check=%q}", name), map[string]float64{pass: 1, warn: 0.5}[c.Status])
	}
	v := vitals.Of(s.app)
	requests, messages := v.Requests.Since(), v.Messages.Since()
	counter("requests_total", requests.Good+requests.Bad)
	counter("request_errors_total", requests.Bad)
	counter("requests_left_total", requests.Left)
	counter("messages_taken_total", messages.Good)
	counter("messages_refused_total", messages.Bad)
	if box, err := inbox.Of(s.app); err == nil {
		f := box.Figures()
		gauge("writer_lag_seconds", f.Lag.Seconds())
		gauge("writer_queue", float64(box.Waiting()))
		counter("writer_commits_total", f.Commits)
		counter("writer_messages_total", f.Written)
	}
	if b, err := inbox.BacklogOf(e.Request.Context(), s.app); err == nil {
		gauge("inbox_waiting", float64(b.Waiting))
		gauge("inbox_oldest_seconds", b.Oldest.Seconds())
	}
	if s.Outbox != nil {
		if b, err := s.Outbox.Backlog(); err == nil {
			gauge("outbox_due", float64(b.Due))
			gauge("outbox_later", float64(b.Later))
			gauge("outbox_oldest_seconds", b.Oldest.Seconds())
			gauge("outbox_dead", float64(b.Dead))
		}
	}
	if free, total, err := s.health.space(s.app.DataDir()); err == nil {
		gauge("disk_free_bytes", float64(free))
		gauge("disk_bytes", float64(total))
	}
	for _, name := range []string{"data.db", "data.db-wal", "auxiliary.db"} {
		if info, err := os.Stat(filepath.Join(s.app.DataDir(), name)); err == nil {
			gauge(fmt.Sprintf("file_bytes{file=%q}", name), float64(info.Size()))
		}
	}
}
