package system

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// States of a check and of the whole.
const (
	pass = "pass"
	warn = "warn"
	fail = "fail"

	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
)

const (
	// probeTime bounds all checks together.
	probeTime = 3 * time.Second
	// probeEvery is how long an answer is good: probes of anybody must not cost
	// more than this many disk writes.
	probeEvery = 2 * time.Second
	// slowLock is a wait for the write connection that is worth a word.
	slowLock = time.Second
	// roomLeast is the free space below which nothing new is taken on; on small
	// volumes a fiftieth of the volume, but never less than roomFloor.
	roomLeast = 64 << 20
	roomFloor = 4 << 20
	// roomLow is when the operator should hear of it.
	roomLow = 512 << 20
	// refusedMany is how many refusals in five minutes are more than an accident;
	// refusedMost is the share of refused messages at which the work is not done,
	// failedMost that of failed requests.
	refusedMany = 5
	refusedMost = 0.5
	failedMost  = 0.1
	// lagLong is a commit that comes too late for whoever waits on the phone.
	lagLong = 2 * time.Second
	// owedLong is how long what is due may wait for its turn.
	owedLong = 10 * time.Minute
	// backlogLong is how many messages of providers may wait to be applied
	// again before it is worth a word.
	backlogLong = 100
)

// storageMissing is read by everybody and names no folder.
const storageMissing = "storage: it is missing or empty, and the database names files in it: mount its disk or put it back " +
	"(docs/backup.md); nothing has to be restarted, and calls are answered meanwhile"

// check is one line of the report.
type check struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// report is the documented answer of GET /api/health.
type report struct {
	Status    string           `json:"status"`
	Checks    map[string]check `json:"checks"`
	Timestamp int64            `json:"timestamp"` // milliseconds since 1970
	Version   string           `json:"version"`
}

func (r report) code() int {
	if r.Status == unhealthy {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// health remembers its answers for a moment.
type health struct {
	app      core.App
	version  string
	patience time.Duration
	space    func(dir string) (free, total uint64, err error)
	vitals   *vitals.Vitals
	owed     *outbox.Outbox  // nil in tests that owe nothing
	stored   *vitals.Storage // under mu

	mu     sync.Mutex
	report report
	until  time.Time

	writes      sync.Mutex
	writesErr   error
	writesUntil time.Time
}

func newHealth(app core.App, version string) *health {
	return &health{app: app, version: version, patience: probeTime, space: FreeSpace, vitals: vitals.Of(app),
		stored: &vitals.Storage{App: app}}
}

var healthRoute = facade.Route{
	Method: "GET", Path: "/api/health", Auth: facade.Guest, System: facade.CoreComm, Item: "S-259",
	Summary: "How the installation is.",
	Answer: `{"status": "healthy"|"degraded"|"unhealthy", "checks": {"service"|"database"|"writes"|"disk"|"inbox"|"messages"|` +
		`"requests"|"owed"|"files": {"status": "pass"|"warn"|"fail", "message": …}}, "timestamp": <ms>, "version": …}`,
	Errors: "503 when unhealthy, in the same shape",
}

// answerHealth answers GET /api/health before PocketBase's own route does. It
// runs before the request log and the rate limiter, so probes fill neither.
func (s *system) answerHealth() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.Health, func(e *core.RequestEvent) error {
		if e.Request.Pattern != "GET /api/health" {
			err := e.Next()
			s.health.vitals.Requests.Note(vitals.StatusOf(e, err))
			return err
		}
		r := s.health.look(e.Request.Context())
		h := e.Response.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", apiPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		answer := struct {
			report
			Data  *panel `json:"data,omitempty"`
			Error string `json:"error,omitempty"`
			Code  string `json:"code,omitempty"`
		}{report: r, Data: panelFor(e, r)}
		if r.Status == unhealthy {
			said := refusal.Of("unavailable/health")
			answer.Error, answer.Code = said.Text, said.Code
		}
		return facade.JSON(e, r.code(), answer)
	})
}

// panel is what PocketBase's own panel asks of this route: it waits for canBackup
// when a backup or a restore is under way.
type panel struct {
	CanBackup bool   `json:"canBackup"`
	RealIP    string `json:"realIP"`
}

// panelFor is nil for everybody but a superuser. Nobody is signed in yet here; a
// database that does not answer is not asked once more.
func panelFor(e *core.RequestEvent, r report) *panel {
	token := strings.TrimPrefix(e.Request.Header.Get("Authorization"), "Bearer ")
	if token == "" || r.Checks["database"].Status == fail {
		return nil
	}
	who, err := e.App.FindAuthRecordByToken(token, core.TokenTypeAuth)
	if err != nil || !who.IsSuperuser() {
		return nil // a probe may bring any header
	}
	return &panel{CanBackup: !e.App.Store().Has(core.StoreKeyActiveBackup), RealIP: e.RealIP()}
}

// answerFull tells everybody whose request found no room, or a damaged database, that
// it was not theirs to mend: PocketBase answers 400.
func answerFull() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.DiskFull, func(e *core.RequestEvent) error {
		err := e.Next()
		if err != nil && !e.Written() && vitals.DiskFull(err) {
			return refusal.Of("disk_full")
		}
		// What the logs' own routes read is another file, which may be lost.
		if vitals.DamagedFor(err) && !strings.HasPrefix(e.Request.URL.Path, "/api/logs") {
			vitals.Of(e.App).Saw(vitals.CauseOf(err))
			if !e.Written() {
				return refusal.Of("unavailable/damaged").For(err)
			}
		}
		return err
	})
}

func (h *health) look(ctx context.Context) report {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) {
		return h.report
	}
	// The caller may hang up; the answer is for the next ones as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.patience)
	defer cancel()
	checks := map[string]check{
		"service":  {pass, "running"},
		"database": h.reads(ctx),
		"writes":   h.lock(ctx),
		"disk":     h.disk(),
		"inbox":    h.inbox(ctx),
		"messages": h.messages(),
		"requests": h.requests(),
		"owed":     h.promises(),
		"files":    h.files(ctx),
	}
	status := healthy
	for _, c := range checks {
		switch {
		case c.Status == fail:
			status = unhealthy
		case c.Status == warn && status == healthy:
			status = degraded
		}
	}
	now := time.Now()
	h.report = report{Status: status, Checks: checks, Timestamp: now.UnixMilli(), Version: h.version}
	h.until = now.Add(probeEvery)
	return h.report
}

// problem logs what went wrong; strangers read only that something did.
func (h *health) problem(name, says string, err error) check {
	h.app.Logger().Error("health check failed", "check", name, "error", err)
	return check{fail, says}
}

func (h *health) reads(ctx context.Context) check {
	var n int
	if err := h.app.ConcurrentDB().NewQuery("SELECT count(*) FROM (SELECT 1 FROM organizations LIMIT 1)").WithContext(ctx).Row(&n); err != nil {
		return h.problem("database", "the database cannot be read", err)
	}
	return check{pass, "readable"}
}

// lock takes the write lock and gives it back.
func (h *health) lock(ctx context.Context) check {
	db, ok := h.app.NonconcurrentDB().(*dbx.DB)
	if !ok {
		return check{fail, "the write connection is in use"}
	}
	began := time.Now()
	conn, err := db.DB().Conn(ctx)
	if err != nil {
		return h.problem("writes", "writes are not getting through", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return h.problem("writes", "writes are not getting through", err)
	}
	if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		return h.problem("writes", "writes are not getting through", err)
	}
	if waited := time.Since(began); waited > slowLock {
		return check{warn, fmt.Sprintf("waited %d ms for the write lock", waited.Milliseconds())}
	}
	return check{pass, "writable"}
}

func (h *health) disk() check {
	free, total, err := h.space(h.app.DataDir())
	if err != nil {
		return h.problem("disk", "free space is not known", err)
	}
	message := fmt.Sprintf("%d MB free", free>>20)
	switch {
	case free < spare(total):
		return check{fail, message}
	case free < roomLow && free < total/10:
		return check{warn, message}
	}
	return check{pass, message}
}

// spare is the free space a volume of this size needs.
func spare(total uint64) uint64 { return max(min(roomLeast, total/50), roomFloor) }

func (h *health) inbox(ctx context.Context) check {
	b, err := inbox.BacklogOf(ctx, h.app)
	if err != nil {
		return h.problem("inbox", "the inbox cannot be read", err)
	}
	if b.Waiting > backlogLong {
		return check{warn, fmt.Sprintf("%d messages wait to be applied again, the first for %v", b.Waiting,
			b.Oldest.Round(time.Second))}
	}
	return check{pass, fmt.Sprintf("%d waiting", b.Waiting)}
}

// messages looks at the work itself: whether what providers send is taken in, and
// in time.
func (h *health) messages() check {
	lately, why := h.vitals.Messages.Lately()
	all := lately.Good + lately.Bad
	if lately.Bad < refusedMany {
		if box, err := inbox.Of(h.app); err == nil && all > 0 && box.Figures().Lag > lagLong {
			return check{warn, fmt.Sprintf("a message waited %v for its commit", box.Figures().Lag.Round(time.Millisecond))}
		}
		return check{pass, fmt.Sprintf("%d of %d refused in five minutes", lately.Bad, all)}
	}
	says := fmt.Sprintf("%d of %d messages of providers were refused in five minutes", lately.Bad, all)
	says += because(why)
	if lately.Share() >= refusedMost {
		return check{fail, says}
	}
	return check{warn, says}
}

// because goes on in a sentence about refused messages with what is to be done.
func because(why string) string {
	if remedy := vitals.Remedy(why); remedy != "" {
		return ": " + remedy
	}
	switch {
	case strings.Contains(why, intake.ErrBusy.Error()):
		return ": more came at once than POCKETLINE_PROVIDER_BODIES lets into memory"
	case strings.Contains(why, inbox.ErrBusy.Error()):
		return ": more came than the disk could write; they are sent again"
	}
	return "; the log says why"
}

func (h *health) requests() check {
	lately, _ := h.vitals.Requests.Lately()
	says := fmt.Sprintf("%d of %d failed in five minutes", lately.Bad, lately.Good+lately.Bad)
	if lately.Bad >= refusedMany && lately.Share() >= failedMost {
		return check{warn, says + "; the log says why"}
	}
	return check{pass, says}
}

// promises are what is owed to providers and customers.
func (h *health) promises() check {
	if h.owed == nil {
		return check{pass, "nothing is owed"}
	}
	b, err := h.owed.Backlog()
	if err != nil {
		return h.problem("owed", "what is owed cannot be read", err)
	}
	says := fmt.Sprintf("%d due, %d later", b.Due, b.Later)
	if b.Oldest > owedLong {
		return check{warn, fmt.Sprintf("%s; the first has been due for %v", says, b.Oldest.Round(time.Second))}
	}
	return check{pass, says}
}

// files is what was found wrong with them.
func (h *health) files(ctx context.Context) check {
	damage := h.vitals.Damage()
	if says, ok := damage["data.db"]; ok {
		return check{fail, says}
	}
	for _, name := range slices.Sorted(maps.Keys(damage)) {
		return check{warn, name + ": " + damage[name]}
	}
	lost, err := h.stored.Lost(ctx)
	if err != nil {
		h.app.Logger().Warn("the folder of stored files was not looked at", "error", err)
		return check{warn, "the folder of stored files cannot be looked at; the log says why"}
	}
	if lost {
		return check{warn, storageMissing}
	}
	return check{pass, "whole"}
}

var readyRoute = facade.Route{
	Method: "GET", Path: "/readyz", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "Whether it can take work: reads, writes to disk, has room.",
	Answer:  `{"status": "ready"}`,
	Errors:  "503 {status, reason}",
}

// readyz says whether a load balancer should send work here. Unlike health it
// proves that a write reaches the disk.
func (s *system) readyz(e *core.RequestEvent) error {
	e.Response.Header().Set("Cache-Control", "no-store")
	answer := func(code int, status, reason string) error {
		body := map[string]string{"status": status}
		if reason != "" {
			said := refusal.Of("unavailable/ready", reason)
			body["reason"], body["error"], body["code"] = reason, said.Text, said.Code
		}
		return facade.JSON(e, code, body)
	}
	if r := s.health.look(e.Request.Context()); r.Status == unhealthy {
		for _, name := range []string{"disk", "database", "writes", "inbox"} {
			if c := r.Checks[name]; c.Status == fail {
				return answer(http.StatusServiceUnavailable, "not ready", name+": "+c.Message)
			}
		}
	}
	if err := s.health.write(e.Request.Context()); err != nil {
		s.app.Logger().Error("write probe failed", "error", err)
		return answer(http.StatusServiceUnavailable, "not ready", "writes: cannot write to the data directory")
	}
	return answer(http.StatusOK, "ready", "")
}

// write makes one small durable write into the database and one beside it.
func (h *health) write(ctx context.Context) error {
	h.writes.Lock()
	defer h.writes.Unlock()
	if time.Now().Before(h.writesUntil) {
		return h.writesErr
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.patience)
	defer cancel()
	h.writesErr = h.probe(ctx)
	h.writesUntil = time.Now().Add(probeEvery)
	return h.writesErr
}

func (h *health) probe(ctx context.Context) error {
	var version int
	db := h.app.NonconcurrentDB()
	if err := db.NewQuery("PRAGMA user_version").WithContext(ctx).Row(&version); err != nil {
		return err
	}
	// Nobody uses this number; writing it commits one page.
	if _, err := db.NewQuery(fmt.Sprintf("PRAGMA user_version = %d", version^1)).WithContext(ctx).Execute(); err != nil {
		return err
	}
	path := filepath.Join(h.app.DataDir(), ".probe")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	defer file.Close()
	if _, err := file.Write(make([]byte, 64<<10)); err != nil {
		return err
	}
	return file.Sync()
}
