// Package tools is what the assistant does during a call: functions are called through
// the guarded client and their results kept by the tool call's id, so that a repeat is
// answered and runs nothing.
package tools

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"golang.org/x/sync/singleflight"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

// Limits of functions (security.md S43).
const (
	// MaxCalls is how many functions one call may use.
	MaxCalls = 20
	// toolTimeout is how long a function may take unless it says otherwise.
	toolTimeout = 10 * time.Second
)

// Runner runs functions of organizations.
type Runner struct {
	Deps
	app     core.App
	running singleflight.Group // tool calls in flight, by id
	recent  *recentAnswers
}

// Deps are what running a function needs.
type Deps struct {
	Sealed *sealed.Box
	// Functions reaches the URLs organizations chose (guarded).
	Functions *http.Client
}

// New makes a runner that remembers nothing.
func New(app core.App, d Deps) *Runner { return &Runner{Deps: d, app: app, recent: newRecentAnswers()} }

// Outcome is what one tool call came to. Exactly this is answered again when
// the same tool call comes again: a booking is not made twice.
type Outcome struct {
	Result string `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
	TookMS int64  `json:"took_ms,omitempty"`
}

// function is the row of functions a tool call runs.
type function struct {
	ID         string `db:"id"`
	Name       string `db:"name"`
	URL        string `db:"webhook_url"`
	Headers    string `db:"headers"`
	Parameters string `db:"parameters"`
	TimeoutMS  int64  `db:"timeout_ms"`
}

// Caller is the call a function is used in.
type Caller struct {
	Organization string // whose it is; "" when nobody knows
	Call         fold.Source
	Customer     string // the number at the other end as it came
}

// Run runs functions beside each other; the results are in their order.
func (r *Runner) Run(ctx context.Context, by Caller, tools []fold.Tool) []Outcome {
	results := make([]Outcome, len(tools))
	var wait sync.WaitGroup
	for i, tool := range tools {
		wait.Go(func() { results[i] = r.one(ctx, by, tool, i) })
	}
	wait.Wait()
	return results
}

// Data puts what came of it beside what is known of a use on the timeline.
func (o Outcome) Data(into map[string]any) map[string]any {
	if o.Result != "" || o.Error == "" {
		into["answer"] = o.Result
	}
	if o.Error != "" {
		into["error"] = o.Error
	}
	if o.TookMS > 0 {
		into["took_ms"] = o.TookMS
	}
	return into
}

// one gives the result of one tool call: the stored one when it was run
// before, a shared one while it is running, else it runs. beside counts the tool
// calls before it in the same message.
func (r *Runner) one(ctx context.Context, by Caller, tool fold.Tool, beside int) Outcome {
	if tool.Unreadable {
		return Outcome{Error: "The arguments could not be read."}
	}
	if by.Organization == "" {
		return Outcome{Error: "This call is not known here."}
	}
	key := by.Organization + "/" + by.Call.String() + "/" + tool.ID
	if o, ok := r.recent.get(key); ok {
		return o
	}
	shared, _, _ := r.running.Do(key, func() (any, error) {
		// The sender may hang up and try again; the function still runs once.
		ctx := context.WithoutCancel(ctx)
		o, found, err := r.stored(ctx, by, fold.ToolKey(tool.ID))
		if err != nil { // whether it ran is unknown: it must not run twice
			r.app.Logger().Error("stored tool result not read", "error", err)
			return Outcome{Error: "It could not be found out whether this was done before."}, nil
		}
		if !found {
			o = r.callFunction(ctx, by, tool, beside)
		}
		r.recent.put(key, o)
		return o, nil
	})
	return shared.(Outcome)
}

// stored is what the timeline holds of a tool call that ran before.
func (r *Runner) stored(ctx context.Context, by Caller, key string) (o Outcome, found bool, err error) {
	var data string
	reads, err := database.Reading(r.app)
	if err != nil {
		return o, false, err
	}
	err = reads.QueryRowContext(ctx, `SELECT ev.data FROM call_events ev JOIN calls c ON c.id = ev.call
		WHERE `+table.Has("c.", by.Call.Provider)+` AND c.organization = ? AND ev.key = ?`, by.Call.ID,
		by.Organization, key).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	if err != nil {
		return o, false, err
	}
	var kept struct {
		Answer *string `json:"answer"`
		Error  string  `json:"error"`
	}
	if err := json.Unmarshal([]byte(data), &kept); err != nil {
		return o, false, err
	}
	if kept.Answer == nil && kept.Error == "" {
		return o, false, nil // only the report's word of it
	}
	if kept.Answer != nil {
		o.Result = *kept.Answer
	}
	o.Error = kept.Error
	return o, true, nil
}

// callFunction posts the arguments to the organization's own server.
func (r *Runner) callFunction(ctx context.Context, by Caller, tool fold.Tool, beside int) (o Outcome) {
	started := time.Now()
	// What runs here was written by a customer, on a goroutine whose panic would
	// end the process for everybody.
	defer func() {
		if caught := recover(); caught != nil {
			r.app.Logger().Error("function panicked", "panic", fmt.Sprint(caught), "stack", string(debug.Stack()))
			o = Outcome{Error: "The function could not be run."}
		}
	}()
	f, err := r.findFunction(ctx, by.Organization, tool.Name)
	if err != nil {
		r.app.Logger().Error("function not looked up", "error", err)
		return Outcome{Error: "The function could not be looked up."}
	}
	if f == nil {
		return Outcome{Error: "There is no function named " + rows.Clip(tool.Name, 64) + "."}
	}
	if used, err := r.toolsUsed(ctx, by.Call); err != nil {
		r.app.Logger().Warn("functions of the call not counted", "error", err)
	} else if used+beside >= MaxCalls {
		return Outcome{Error: "This call has used all the functions it may."}
	}
	if problem := r.checkArguments(f, tool.Arguments); problem != "" {
		return Outcome{Error: problem}
	}
	timeout := toolTimeout
	if f.TimeoutMS > 0 {
		timeout = time.Duration(f.TimeoutMS) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	text, err := r.post(ctx, f, by, tool)
	o = Outcome{Result: text, TookMS: time.Since(started).Milliseconds()}
	if err != nil {
		r.app.Logger().Info("function failed", "function", f.ID, "error", err)
		o.Result, o.Error = "", functionError(err)
	}
	return o
}

const selectFunction = `SELECT id, name, webhook_url, headers, coalesce(parameters, '') AS parameters, timeout_ms FROM functions
	WHERE organization = {:organization} AND name = {:name} AND is_active = TRUE`

func (r *Runner) findFunction(ctx context.Context, organization, name string) (*function, error) {
	f := new(function)
	err := r.app.ConcurrentDB().NewQuery(selectFunction).WithContext(ctx).Bind(dbx.Params{"organization": organization,
		"name": name}).One(f)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return f, err
}

func (r *Runner) toolsUsed(ctx context.Context, call fold.Source) (n int, err error) {
	reads, err := database.Reading(r.app)
	if err != nil {
		return 0, err
	}
	err = reads.QueryRowContext(ctx, `SELECT count(*) FROM call_events ev JOIN calls c ON c.id = ev.call
		WHERE `+table.Has("c.", call.Provider)+` AND ev.type = 'tool_call'`, call.ID).Scan(&n)
	return n, err
}

// checkArguments holds the arguments against the function's schema. It returns
// a sentence for the assistant, or "". A schema is bounded here as well: rows
// may be older than the checks they would be saved with today.
func (r *Runner) checkArguments(f *function, arguments json.RawMessage) string {
	if f.Parameters == "" || f.Parameters == "null" || f.Parameters == "{}" {
		return ""
	}
	schema, err := untrusted.NewSchema([]byte(f.Parameters))
	if err != nil {
		r.app.Logger().Warn("function's parameters cannot be used", "function", f.ID, "error", err)
		return "The function's parameters are not set up rightly."
	}
	if err := schema.Check(arguments); err != nil {
		return "The arguments do not fit: " + rows.Clip(err.Error(), 300)
	}
	return ""
}

// functionRequest is what an organization's server receives.
type functionRequest struct {
	Name       string          `json:"name"`
	ToolCallID string          `json:"tool_call_id"`
	Arguments  json.RawMessage `json:"arguments"`
	Call       functionCaller  `json:"call"`
}

type functionCaller struct {
	ID             string `json:"id"` // the provider's id of the call
	CustomerNumber string `json:"customer_number"`
}

var errStatus = errors.New("status")

// post sends the call out through the guarded client. The tool call's id goes
// along as Idempotency-Key, so that a server can recognize a repeat after a
// crash of ours.
func (r *Runner) post(ctx context.Context, f *function, by Caller, tool fold.Tool) (string, error) {
	body, err := json.Marshal(functionRequest{f.Name, tool.ID, tool.Arguments, functionCaller{by.Call.ID, by.Customer}})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.URL, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("function address: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/plain")
	req.Header.Set("Idempotency-Key", tool.ID)
	if f.Headers != "" {
		plain, err := r.Sealed.Open(f.Headers, sealed.Place(collections.Functions, f.ID, "headers"))
		if err != nil {
			return "", err
		}
		var headers map[string]string
		if err := json.Unmarshal([]byte(plain), &headers); err != nil {
			return "", fmt.Errorf("function headers: %w", err)
		}
		for name, value := range headers {
			req.Header.Set(name, value)
		}
	}
	resp, err := r.Functions.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, fold.ResultMax*4))
	if err != nil {
		return "", err
	}
	if resp.StatusCode/100 != 2 {
		return "", fmt.Errorf("%w %d", errStatus, resp.StatusCode)
	}
	return resultText(answer), nil
}

// resultText is the answer on one line: the text itself, the field `result` of
// an object, or the whole object as compact JSON.
func resultText(answer []byte) string {
	answer = bytes.TrimSpace(answer)
	var object struct {
		Result json.RawMessage `json:"result"`
	}
	if json.Unmarshal(answer, &object) == nil && len(object.Result) > 0 {
		answer = object.Result
	}
	var text string
	if json.Unmarshal(answer, &text) != nil {
		var compact bytes.Buffer
		if json.Compact(&compact, answer) == nil {
			text = compact.String()
		} else {
			text = string(answer)
		}
	}
	return rows.Clip(strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " "), fold.ResultMax)
}

// functionError is what the assistant is told; addresses and details stay in
// the log.
func functionError(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "The service did not answer in time."
	case errors.Is(err, errStatus):
		return "The service answered with an error (" + strings.TrimPrefix(err.Error(), "status ") + ")."
	}
	return "The service could not be reached."
}

// recentAnswers remembers the latest results in memory, for repeats that come
// before, or without, the stored row.
type recentAnswers struct {
	mu    sync.Mutex
	byKey map[string]Outcome
	order []string
}

const maxRecent = 1024

func newRecentAnswers() *recentAnswers { return &recentAnswers{byKey: map[string]Outcome{}} }

func (r *recentAnswers) get(key string) (Outcome, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, ok := r.byKey[key]
	return o, ok
}

func (r *recentAnswers) put(key string, o Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.byKey[key]; !known {
		if len(r.order) >= maxRecent {
			delete(r.byKey, r.order[0])
			r.order = r.order[1:]
		}
		r.order = append(r.order, key)
	}
	r.byKey[key] = o
}
