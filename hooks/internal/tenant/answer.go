package tenant

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// AnswerLimits bound what a JSON answer holds. A zero is the
// default. Superusers are not bound.
type AnswerLimits struct {
	// Rows is how many expanded rows, each counted as often as it is shown.
	Rows int
	// Bytes is how much JSON, and how much of it expanded rows.
	Bytes int64
	// Page is what one page of a list can weigh when every row is as big as its
	// fields allow; a little more than an answer, because none is full of such rows.
	Page int64
	// Lists is what all lists under way can weigh together, so that no number of
	// requests can take a small machine's memory (performance.md 5, 8).
	Lists int64
	// Patience is how long nothing of a large answer may be read. It must be read
	// with answerPace on the whole as well, or is cut off.
	Patience time.Duration
	// Reading is how long the queries of one list may take.
	Reading time.Duration
}

// Defaults of AnswerLimits. A page of 200 rows that shows ten relations of each
// is the most anybody asked for; larger sets are for exports.
const (
	DefaultAnswerRows  = 2_000
	DefaultAnswerBytes = 16 << 20
	DefaultListBytes   = 40 << 20
	defaultPatience    = 20 * time.Second
)

const (
	// expandIDs bounds how many related rows are looked at, shown or not.
	expandIDs = 50_000
	// expandStep is how much is read between two looks at the limits.
	expandStep = 4 << 20
	// answerPace are the bytes a second a large answer is read with at least.
	answerPace = 32 << 10
	// defaultReading is PocketBase's own patience with a query.
	defaultReading = 30 * time.Second
)

func (l AnswerLimits) filled() AnswerLimits {
	if l.Rows <= 0 {
		l.Rows = DefaultAnswerRows
	}
	if l.Bytes <= 0 {
		l.Bytes = DefaultAnswerBytes
	}
	if l.Page <= 0 {
		l.Page = PageBytes(l.Bytes)
	}
	if l.Lists <= 0 {
		l.Lists = DefaultListBytes
	}
	if l.Reading <= 0 {
		l.Reading = defaultReading
	}
	if l.Patience <= 0 {
		l.Patience = defaultPatience
	}
	return l
}

// bound keeps JSON answers within their limits. An answer is held back until it is
// whole, so that one which is too much is a 400 and not half an answer. What is
// held has a budget that all answers share, and a pace at which it must be read.
// On the record routes what is read for it is counted as well; handlers of ours
// that read much say so with Spend.
func bound(limits AnswerLimits, b *budget) *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.Answer, func(e *core.RequestEvent) error {
		if e.HasSuperuserAuth() {
			return e.Next()
		}
		spent := &spending{budget: b}
		defer spent.end()
		if e.Auth != nil {
			spent.of = e.Auth.Id
		}
		r := e.Request
		a := &answer{App: e.App, limits: limits, expands: r.URL.Query().Get("expand") != "", spent: spent}
		a.reads = r.Method == http.MethodGet || r.Method == http.MethodHead
		e.Set(answerKey, a)
		w := &heldAnswer{ResponseWriter: e.Response, most: limits.Bytes, patience: limits.Patience}
		if a.reads { // a change that is made is answered
			w.spent = spent
		}
		e.Response = w
		if a.expands || strings.Contains(r.Pattern, recordsPath) {
			if a.reads {
				ctx, cancel := context.WithTimeout(r.Context(), limits.Reading)
				defer cancel()
				a.reading = ctx
			}
			e.App = a
		}
		err := e.Next()
		e.App, e.Response = a.App, w.ResponseWriter
		if err != nil && a.late(r.Context()) {
			return refusal.Of("unavailable/slow", limits.Reading.Seconds()).For(err)
		}
		if a.over == nil {
			a.over = w.over
		}
		if a.over != nil && !w.passed {
			e.Response.Header().Del("Content-Length") // of the answer that is not given
			return a.refuse(e)
		}
		w.send()
		return err
	})
}

const answerKey = "pocketlineAnswerOf"

// Spend counts n bytes that a handler has read for its answer beside those it has
// counted before. The error refuses the request: the answer would be too large, or
// too many are being made. Whoever reads a list of long rows asks after each.
func Spend(e *core.RequestEvent, n int64) error {
	a, ok := e.Get(answerKey).(*answer)
	if !ok { // a superuser's
		return nil
	}
	if e.Request.URL.Query().Get("fields") != "" || !a.reads {
		n *= 2 // PocketBase copies all of it to pick the fields; answers of changes are not counted as they are written
	}
	a.bytes += n
	if a.over == nil {
		a.over = a.exceeds(a.rows, a.bytes)
	}
	if a.over == nil && !a.spent.take(n) {
		a.over = errAnswerBusy
	}
	if a.over != nil {
		return a.refusal()
	}
	return nil
}

// answer is the app of one request: related rows it expands are counted, and
// what it reads ends with the request.
type answer struct {
	core.App
	limits  AnswerLimits
	expands bool
	reads   bool
	reading context.Context // nil for requests that write
	spent   *spending

	// written tells that the answer was tried and counted: once there is a change,
	// it is shown.
	written bool

	ids   int
	rows  int
	bytes int64
	over  error
}

var (
	errAnswerRows  = errors.New("the answer shows too many related rows")
	errAnswerBytes = errors.New("the answer is too large")
	errAnswerBusy  = errors.New("too many large answers at once")
)

// late tells that reading was ended because it took too long, not because the
// client left.
func (a *answer) late(request context.Context) bool {
	return a.reading != nil && request.Err() == nil && errors.Is(a.reading.Err(), context.DeadlineExceeded)
}

func (a *answer) refuse(e *core.RequestEvent) error {
	refused := a.refusal()
	if refused.Status == http.StatusServiceUnavailable {
		e.Response.Header().Set("Retry-After", retryAfter)
	}
	return refusal.Answer(e, refused)
}

func (a *answer) refusal() *refusal.Refusal {
	switch {
	case errors.Is(a.over, errAnswerBusy):
		return refusal.Of("unavailable/answers").For(a.over)
	case errors.Is(a.over, errAnswerRows):
		return refusal.Of("invalid_request/related", a.limits.Rows).For(a.over)
	}
	return refusal.Of("invalid_request/answer", size(a.limits.Bytes)).For(a.over)
}

// size is a number of bytes in words.
func size(bytes int64) string {
	if bytes < 1<<20 {
		return strconv.FormatInt(bytes>>10, 10) + " KB"
	}
	return strconv.FormatInt(bytes>>20, 10) + " MB"
}

// RecordQuery is PocketBase's, ended when the client leaves.
func (a *answer) RecordQuery(collection any) *dbx.SelectQuery {
	q := a.App.RecordQuery(collection)
	if a.reading != nil && q.Context() == nil {
		q.WithContext(a.reading)
	}
	return q
}

// ExpandRecord is ExpandRecords for one row.
func (a *answer) ExpandRecord(record *core.Record, expands []string, fetch core.ExpandFetchFunc) map[string]error {
	return a.ExpandRecords([]*core.Record{record}, expands, fetch)
}

// ExpandRecords is PocketBase's, within the limits.
func (a *answer) ExpandRecords(records []*core.Record, expands []string, fetch core.ExpandFetchFunc) map[string]error {
	if fetch == nil {
		fetch = func(c *core.Collection, ids []string) ([]*core.Record, error) {
			return a.App.FindRecordsByIds(c.Id, ids)
		}
	}
	failed := a.App.ExpandRecords(records, expands, func(c *core.Collection, ids []string) ([]*core.Record, error) {
		return a.fetch(c, ids, fetch)
	})
	if a.over == nil {
		_, a.over = a.shown(records, Weight)
	}
	if a.over != nil { // or PocketBase would write them all, to be thrown away
		for _, r := range records {
			r.SetExpand(nil)
		}
	}
	return failed
}

// fetch reads related rows in steps, until there are too many of them.
func (a *answer) fetch(c *core.Collection, ids []string, fetch core.ExpandFetchFunc) ([]*core.Record, error) {
	if a.ids += len(ids); a.ids > expandIDs {
		a.over = errAnswerRows
	}
	var all []*core.Record
	for step := range slices.Chunk(ids, max(int(expandStep/rowBytes(c)), 1)) {
		if a.over != nil {
			return nil, a.over
		}
		if a.reading != nil && a.reading.Err() != nil {
			return nil, a.reading.Err()
		}
		rows, err := fetch(c, step)
		if err != nil {
			return nil, err
		}
		// What the gate emptied is not counted, or the count would tell of it.
		rows = slices.DeleteFunc(rows, func(r *core.Record) bool { return r.Id == "" })
		all = append(all, rows...)
		a.rows += len(rows)
		more := int64(0)
		for _, r := range rows {
			more += Weight(r)
		}
		a.bytes += more
		if a.over = a.exceeds(a.rows, a.bytes); a.over == nil && !a.written && !a.spent.take(more) {
			a.over = errAnswerBusy
		}
	}
	return all, a.over
}

func (a *answer) exceeds(rows int, bytes int64) error {
	switch {
	case rows > a.limits.Rows:
		return errAnswerRows
	case bytes > a.limits.Bytes:
		return errAnswerBytes
	}
	return nil
}

// shown counts expanded rows as often as the answer shows them: a row that was
// read once may stand below every row of a page.
func (a *answer) shown(records []*core.Record, weigh func(*core.Record) int64) (bytes int64, err error) {
	rows := 0
	weights := map[*core.Record]int64{}
	var walk func(r *core.Record) error
	see := func(r *core.Record) error {
		if _, known := weights[r]; !known {
			weights[r] = weigh(r)
		}
		rows++
		bytes += weights[r]
		if err := a.exceeds(rows, bytes); err != nil {
			return err
		}
		return walk(r)
	}
	walk = func(r *core.Record) error {
		for _, below := range r.Expand() {
			switch below := below.(type) {
			case *core.Record:
				if err := see(below); err != nil {
					return err
				}
			case []*core.Record:
				for _, one := range below {
					if err := see(one); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	for _, r := range records {
		if err := walk(r); err != nil {
			return bytes, err
		}
	}
	return bytes, nil
}

// Weight is about how many bytes a row takes in an answer.
func Weight(r *core.Record) int64 {
	total := int64(0)
	for _, f := range r.Collection().Fields {
		total += int64(len(f.GetName()) + 6)
		switch value := r.GetRaw(f.GetName()).(type) {
		case string:
			total += int64(len(value))
		case types.JSONRaw:
			total += int64(len(value))
		default:
			total += 8
		}
	}
	return total
}

// written is Weight as JSON, where some characters take six bytes.
func written(r *core.Record) int64 {
	total := Weight(r)
	for _, f := range r.Collection().Fields {
		if text, ok := r.GetRaw(f.GetName()).(string); ok {
			for i := range len(text) {
				switch c := text[i]; {
				case c < ' ':
					total += 5
				case c == '"' || c == '\\':
					total++
				case c >= 0x80:
					total += 2 // what is not UTF-8 becomes a character of three bytes
				}
			}
		}
	}
	return total
}

// expandFirst refuses a write whose answer would be too much before anything is
// written, and takes what the answer will hold from the budget.
func expandFirst(e *core.RecordRequestEvent) error {
	a, ok := e.App.(*answer)
	if !ok {
		return e.Next()
	}
	shown := int64(0)
	if a.expands {
		trial := e.Record.Clone()
		if trial.Id == "" {
			trial.Id = nowhere // nothing points at a row that does not exist yet
		}
		if err := apis.EnrichRecord(e.RequestEvent, trial); err != nil {
			return err
		}
		if a.over == nil {
			shown, a.over = a.shown([]*core.Record{trial}, written)
		}
	}
	if a.over == nil && !a.spent.take(shown+written(e.Record)) {
		a.over = errAnswerBusy
	}
	if a.over != nil {
		return a.refuse(e.RequestEvent)
	}
	a.ids, a.rows, a.bytes, a.written = 0, 0, 0, true
	return e.Next()
}

// heldAnswer keeps JSON back until it is whole. Anything else passes.
type heldAnswer struct {
	http.ResponseWriter
	most     int64
	patience time.Duration
	status   int
	size     int64
	parts    net.Buffers
	passed   bool      // not JSON: it was not held
	spent    *spending // nil: not counted
	over     error
}

// WriteHeader begins the answer.
func (w *heldAnswer) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		w.passed = true
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write keeps a part of the answer.
func (w *heldAnswer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.passed {
		return w.ResponseWriter.Write(p)
	}
	if w.size += int64(len(p)); w.size > w.most {
		w.over = errAnswerBytes
	} else if w.spent != nil && !w.spent.take(int64(len(p))) {
		w.over = errAnswerBusy
	}
	if w.over != nil {
		w.parts = nil
		return 0, w.over
	}
	w.parts = append(w.parts, slices.Clone(p))
	return len(p), nil
}

// ReadFrom lets a file reach the connection as the server likes it best.
func (w *heldAnswer) ReadFrom(r io.Reader) (int64, error) {
	w.WriteHeader(http.StatusOK)
	if w.passed {
		return io.Copy(w.ResponseWriter, r)
	}
	return io.Copy(struct{ io.Writer }{w}, r)
}

// send gives out what was held. A client that left misses it, and so does one
// that does not read: a large answer holds a part of the budget until it is gone.
func (w *heldAnswer) send() {
	if w.passed || w.status == 0 {
		return
	}
	w.ResponseWriter.WriteHeader(w.status)
	if w.size <= smallAnswer {
		_, _ = w.parts.WriteTo(w.ResponseWriter)
		return
	}
	// Where the writer knows no deadlines there is none to move, and nothing is lost.
	on, began, sent := http.NewResponseController(w.ResponseWriter), time.Now(), 0
	for _, part := range w.parts {
		for piece := range slices.Chunk(part, answerPace) {
			// The pace alone would wait long for one who reads nothing: a connection takes megabytes.
			pace, stall := began.Add(w.patience+time.Duration(sent/answerPace)*time.Second), time.Now().Add(w.patience)
			if stall.Before(pace) {
				pace = stall
			}
			_ = on.SetWriteDeadline(pace)
			if _, err := w.ResponseWriter.Write(piece); err != nil {
				return
			}
			sent += len(piece)
		}
	}
	_ = on.Flush()
	_ = on.SetWriteDeadline(time.Time{})
}

// Written tells PocketBase that there is an answer.
func (w *heldAnswer) Written() bool { return w.status != 0 }

// Status is the answer's, for PocketBase.
func (w *heldAnswer) Status() int { return w.status }

// Unwrap lets http.ResponseController reach the connection.
func (w *heldAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
