package calls

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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Limits of functions (security.md S43).
const (
	// maxToolCalls is how many functions one call may use.
	maxToolCalls = 20
	// maxToolOutput is how much of a result reaches the assistant, in bytes.
	maxToolOutput = 8 << 10
	// toolTimeout is how long a function may take unless it says otherwise.
	toolTimeout = 10 * time.Second
)

type toolsAnswer struct {
	vapi.ToolCallsReply
	Data toolsData `json:"data"`
}

type functionAnswer struct {
	vapi.FunctionCallReply
	Data toolsData `json:"data"`
}

type toolsData struct {
	Result string `json:"result"`
}

// outcome is what one tool call came to. Exactly this is answered again when
// the same tool call comes again: a booking is not made twice.
type outcome struct {
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

// answerTools runs the functions of a message and answers each, in order, with
// HTTP 200 whatever came of it: Vapi ignores any other status.
func (e *engine) answerTools(re *core.RequestEvent, m *vapi.Message, p place) error {
	results := make([]outcome, len(m.ToolCalls))
	var wait sync.WaitGroup
	tools := identified(m)
	for i, tool := range tools {
		wait.Go(func() { results[i] = e.runTool(re.Request.Context(), m, p, tool, i) })
	}
	wait.Wait()

	reply := toolsAnswer{ToolCallsReply: vapi.ToolCallsReply{Results: []vapi.ToolResult{}}}
	events := make([]event, len(results))
	for i, r := range results {
		tool := tools[i]
		reply.Results = append(reply.Results, vapi.ToolResult{ToolCallID: m.ToolCalls[i].ID, Name: tool.Name, Result: r.Result, Error: r.Error})
		if i == 0 {
			reply.Data.Result = r.Result + r.Error
		}
		events[i] = toolEvent(tool, instant(m.Timestamp))
		events[i].Data = r.data(events[i].Data)
	}
	if _, err := e.store(re.Request.Context(), m, p, events, nil); err != nil {
		// The caller is waiting for the result; it is remembered in memory for a
		// repeat, and the report brings the timeline.
		e.app.Logger().Warn("tool call not stored", "error", err)
	}
	if m.Type == vapi.TypeFunctionCall {
		return re.JSON(http.StatusOK, functionAnswer{vapi.FunctionCallReply{Result: reply.Data.Result}, reply.Data})
	}
	return re.JSON(http.StatusOK, reply)
}

// identified are the tool calls of a message, each with an id to recognize a
// repeat by: the older function-call has none, but the message itself has.
func identified(m *vapi.Message) []vapi.ToolCall {
	tools := slices.Clone(m.ToolCalls)
	for i := range tools {
		if tools[i].ID == "" {
			_, event, _ := strings.Cut(m.EventKey(), ":")
			tools[i].ID = fmt.Sprintf("%s:%d", event, i)
		}
	}
	return tools
}

func (o outcome) data(into map[string]any) map[string]any {
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

// runTool gives the result of one tool call: the stored one when it was run
// before, a shared one while it is running, else it runs. beside counts the tool
// calls before it in the same message.
func (e *engine) runTool(ctx context.Context, m *vapi.Message, p place, tool vapi.ToolCall, beside int) outcome {
	if tool.Err != nil {
		return outcome{Error: "The arguments could not be read."}
	}
	if p.organization == "" {
		return outcome{Error: "This call is not known here."}
	}
	key := p.organization + "/" + m.CallID() + "/" + tool.ID
	if o, ok := e.recent.get(key); ok {
		return o
	}
	shared, _, _ := e.running.Do(key, func() (any, error) {
		// The sender may hang up and try again; the function still runs once.
		ctx := context.WithoutCancel(ctx)
		o, found, err := e.storedOutcome(ctx, p.organization, m.CallID(), toolKey(tool.ID))
		if err != nil {
			e.app.Logger().Warn("stored tool result not read", "error", err)
		}
		if !found {
			o = e.callFunction(ctx, m, p, tool, beside)
		}
		e.recent.put(key, o)
		return o, nil
	})
	return shared.(outcome)
}

// storedOutcome is what the timeline holds of a tool call that ran before.
func (e *engine) storedOutcome(ctx context.Context, organization, callID, key string) (o outcome, found bool, err error) {
	var data string
	err = e.reads.QueryRowContext(ctx, `SELECT ev.data FROM call_events ev JOIN calls c ON c.id = ev.call
		WHERE c.vapi_call_id = ? AND c.vapi_call_id != '' AND c.organization = ? AND ev.key = ?`, callID, organization, key).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	if err != nil {
		return o, false, err
	}
	var stored struct {
		Answer *string `json:"answer"`
		Error  string  `json:"error"`
	}
	if err := json.Unmarshal([]byte(data), &stored); err != nil {
		return o, false, err
	}
	if stored.Answer == nil && stored.Error == "" {
		return o, false, nil // only the report's word of it
	}
	if stored.Answer != nil {
		o.Result = *stored.Answer
	}
	o.Error = stored.Error
	return o, true, nil
}

// callFunction posts the arguments to the organization's own server.
func (e *engine) callFunction(ctx context.Context, m *vapi.Message, p place, tool vapi.ToolCall, beside int) (o outcome) {
	started := time.Now()
	// What runs here was written by a customer, on a goroutine whose panic would
	// end the process for everybody.
	defer func() {
		if caught := recover(); caught != nil {
			e.app.Logger().Error("function panicked", "panic", fmt.Sprint(caught), "stack", string(debug.Stack()))
			o = outcome{Error: "The function could not be run."}
		}
	}()
	f, err := e.findFunction(ctx, p.organization, tool.Name)
	if err != nil {
		e.app.Logger().Error("function not looked up", "error", err)
		return outcome{Error: "The function could not be looked up."}
	}
	if f == nil {
		return outcome{Error: "There is no function named " + clip(tool.Name, 64) + "."}
	}
	if used, err := e.toolsUsed(ctx, m.CallID()); err != nil {
		e.app.Logger().Warn("functions of the call not counted", "error", err)
	} else if used+beside >= maxToolCalls {
		return outcome{Error: "This call has used all the functions it may."}
	}
	if problem := e.checkArguments(f, tool.Arguments); problem != "" {
		return outcome{Error: problem}
	}
	timeout := toolTimeout
	if f.TimeoutMS > 0 {
		timeout = time.Duration(f.TimeoutMS) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	text, err := e.post(ctx, f, m, tool)
	o = outcome{Result: text, TookMS: time.Since(started).Milliseconds()}
	if err != nil {
		e.app.Logger().Info("function failed", "function", f.ID, "error", err)
		o.Result, o.Error = "", functionError(err)
	}
	return o
}

const selectFunction = `SELECT id, name, webhook_url, headers, coalesce(parameters, '') AS parameters, timeout_ms FROM functions
	WHERE organization = {:organization} AND name = {:name} AND is_active = TRUE`

func (e *engine) findFunction(ctx context.Context, organization, name string) (*function, error) {
	f := new(function)
	err := e.app.ConcurrentDB().NewQuery(selectFunction).WithContext(ctx).Bind(dbx.Params{"organization": organization, "name": name}).One(f)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return f, err
}

func (e *engine) toolsUsed(ctx context.Context, callID string) (n int, err error) {
	err = e.reads.QueryRowContext(ctx, `SELECT count(*) FROM call_events ev JOIN calls c ON c.id = ev.call
		WHERE c.vapi_call_id = ? AND c.vapi_call_id != '' AND ev.type = 'tool_call'`, callID).Scan(&n)
	return n, err
}

// checkArguments holds the arguments against the function's schema. It returns
// a sentence for the assistant, or "". A schema is bounded here as well: rows
// may be older than the checks they would be saved with today.
func (e *engine) checkArguments(f *function, arguments json.RawMessage) string {
	if f.Parameters == "" || f.Parameters == "null" || f.Parameters == "{}" {
		return ""
	}
	schema, err := untrusted.NewSchema([]byte(f.Parameters))
	if err != nil {
		e.app.Logger().Warn("function's parameters cannot be used", "function", f.ID, "error", err)
		return "The function's parameters are not set up rightly."
	}
	if err := schema.Check(arguments); err != nil {
		return "The arguments do not fit: " + clip(err.Error(), 300)
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
func (e *engine) post(ctx context.Context, f *function, m *vapi.Message, tool vapi.ToolCall) (string, error) {
	body, err := json.Marshal(functionRequest{f.Name, tool.ID, tool.Arguments, functionCaller{m.CallID(), m.Customer.Number}})
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
		plain, err := e.Sealed.Open(f.Headers, sealed.Place(collections.Functions, f.ID, "headers"))
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
	resp, err := e.Functions.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxToolOutput*4))
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
	return clip(strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " "), maxToolOutput)
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
	byKey map[string]outcome
	order []string
}

const maxRecent = 1024

func newRecentAnswers() *recentAnswers { return &recentAnswers{byKey: map[string]outcome{}} }

func (r *recentAnswers) get(key string) (outcome, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, ok := r.byKey[key]
	return o, ok
}

func (r *recentAnswers) put(key string, o outcome) {
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
