package documented

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// functionShape is the documented call of the old French system.
const functionShape = `{"id", "assistant_id", "phone_number_id", "workflow_id", "customer_number", "status": "in_progress|completed|failed", "started_at", "ended_at", "duration", "answered": bool, "missed": bool, …}`

// functionMessage is the documented message of it.
const functionMessage = `{"id", "call_id", "content", "role", "created_at"}`

// AlloKoli's functions calls and messages.

var functionCallsRoute = facade.Route{
	Method: "GET", Path: "/functions/v1/calls", Auth: facade.Member, System: facade.AlloKoli, Item: "S-100",
	Summary: "Calls, newest first.",
	Answer:  `{"data": [` + functionShape + `], "pagination": {"page", "limit", "total", "totalPages"}}`,
}

var functionCallRoute = facade.Route{
	Method: "GET", Path: "/functions/v1/calls/{id}", Auth: facade.Member, System: facade.AlloKoli, Item: "S-101",
	Summary: "One call with transcript and cost.",
	Answer:  `{"data": ` + functionShape + `}`,
}

var functionPlaceRoute = facade.Route{
	Method: "POST", Path: "/functions/v1/calls", Auth: facade.Member, System: facade.AlloKoli, Item: "S-102",
	Summary: "Places a call.",
	Query:   "force=true (the same call again within a minute); header Idempotency-Key: one for each call that is wanted",
	Body:    `{"assistant_id", "phone_number_id", "customer_number" or "to", "workflow_id"?, "force": false}`,
	Answer: `201 {"data": ` + functionShape + `} · 202 the same, with placing waiting or unclear and a message: ` +
		`it is not known yet whether it rings`,
	Errors: "400 a field is wrong or the country is not allowed · 402 the balance is empty · 403 role · " +
		placing.Errors,
}

var functionEndRoute = facade.Route{
	Method: "POST", Path: "/functions/v1/calls/{id}/end", Auth: facade.Member, System: facade.AlloKoli, Item: "S-105",
	Summary: "Hangs up.",
	Answer:  `{"data": ` + functionShape + `}`,
	Errors:  "403 role · 409 the call is over · 502 the provider refused",
}

var functionListenRoute = facade.Route{
	Method: "GET", Path: "/functions/v1/calls/{id}/listen", Auth: facade.Member, System: facade.AlloKoli, Item: "S-106",
	Summary: "The call's events as they happen; with Accept: application/json where its sound can be heard.",
	Answer: `text/event-stream: event line|event|status|over|speech, data {"type", "role", "content", "position", "offset_ms"…} · ` +
		`or {"success": true, "data": {"listen_url", "url"}}`,
	Errors: "403 role · 409 the call is over (JSON)",
}

var messagesOrOneRoute = facade.Route{
	Method: "GET", Path: "/functions/v1/messages/{id}", Auth: facade.Member, System: facade.AlloKoli, Item: "S-107, S-109",
	Summary: "One message by its id, or the messages of a call in order by the call's id.",
	Answer:  `{"data": ` + functionMessage + `} or {"data": […], "pagination"}`,
}

var oneMessageRoute = facade.Route{
	Method: "GET", Path: "/functions/v1/messages/{id}/{message}", Auth: facade.Member, System: facade.AlloKoli, Item: "S-109",
	Summary: "One message of a call.",
	Answer:  `{"data": ` + functionMessage + `}`,
}

var messagesByQueryRoute = facade.Route{
	Method: "GET", Path: "/functions/v1/messages", Auth: facade.Member, System: facade.AlloKoli, Item: "S-018",
	Summary: "The messages of a call in order.",
	Query:   "call_id, page=1, limit=100",
	Answer:  `{"data": [` + functionMessage + `], "pagination"}`,
	Errors:  "400 no call_id",
}

var addMessageRoute = facade.Route{
	Method: "POST", Path: "/functions/v1/messages/{id}", Auth: facade.Member, System: facade.AlloKoli, Item: "S-108",
	Summary: "Adds a message to a call; a running call hears it.",
	Body:    `{"content": "text", "role": "assistant|user|system"}`,
	Answer:  `201 {"data": ` + functionMessage + `}`,
	Errors:  "400 a field is wrong · 403 role · 502 the provider refused",
}

var addMessageByBodyRoute = facade.Route{
	Method: "POST", Path: "/functions/v1/messages", Auth: facade.Member, System: facade.AlloKoli, Item: "S-017",
	Summary: addMessageRoute.Summary,
	Body:    `{"call_id", "content": "text", "role": "assistant|user|system"}`,
	Answer:  addMessageRoute.Answer,
	Errors:  addMessageRoute.Errors,
}

// bindFunctions binds them.
func (rt *routes) bindFunctions() {
	f := rt.Facade
	f.Handle(functionCallsRoute, rt.functionCalls)
	f.Handle(functionCallRoute, rt.showFunctionCall)
	f.Handle(functionPlaceRoute, rt.placeByFunction)
	f.Resources(rt.functionResource())
	f.Handle(functionEndRoute, rt.endByFunction)
	f.Handle(functionListenRoute, rt.Control.Listen)
	f.Handle(messagesOrOneRoute, rt.messagesOrOne)
	f.Handle(oneMessageRoute, rt.oneMessage)
	f.Handle(messagesByQueryRoute, rt.messagesByQuery)
	f.Handle(addMessageRoute, rt.addMessageOf)
	f.Handle(addMessageByBodyRoute, rt.addMessageByBody)
}

// functionResource is what people write about a call, and its end.
func (rt *routes) functionResource() facade.Resource {
	return facade.Resource{
		Collection: collections.Calls, Path: "/functions/v1/calls", System: facade.AlloKoli, Envelope: facade.Functions,
		Fields: slices.DeleteFunc(slices.Clone(coreCommFields), func(field facade.Field) bool {
			return slices.Contains([]string{"caller_number", "recipient_number", "duration", "transcript", "call_type"},
				field.Name)
		}),
		Body: `{"resolution_status", "priority", "sentiment", "summary", "notes", "metadata": {…}}`,
		Out:  functionRow, Finish: rt.signRecording,
		Verbs: []facade.Verb{
			{Do: facade.Update, Item: "S-103", Summary: "Changes what people write about a call.",
				Answer: `{"data": ` + functionShape + `}`},
			{
				Do: facade.Delete, Item: "S-104", Summary: "Deletes a call and the provider's copy.",
				Message: "Call deleted successfully", Answer: `{"data": null, "message"}`,
			},
		},
	}
}

func (rt *routes) functionCalls(re *core.RequestEvent) error {
	found, pagination, err := rt.documentedList(re, 20, functionRow, rt.signRecordings)
	if err != nil {
		return err
	}
	return facade.JSON(re, http.StatusOK,
		facade.Functions(re, facade.Answer{List: true, Rows: found, Pagination: pagination}))
}

func (rt *routes) showFunctionCall(re *core.RequestEvent) error {
	call, t, err := rt.functionCall(re)
	if err != nil {
		return err
	}
	row := functionRow(exported(t, call))
	if row["transcript"], row["cost_breakdown"], err = rt.reportOf(call.Id); err != nil {
		return err
	}
	return rt.functionAnswer(re, http.StatusOK, row)
}

func (rt *routes) endByFunction(re *core.RequestEvent) error {
	call, t, err := lists.CallToWork(rt.app, re)
	if err != nil {
		return err
	}
	if err := rt.Control.HangUp(re, call, t); err != nil {
		return err
	}
	if call, _, err = rt.functionCall(re); err != nil { // as it is now
		return err
	}
	return rt.functionAnswer(re, http.StatusOK, functionRow(exported(t, call)))
}

func (rt *routes) messagesByQuery(re *core.RequestEvent) error {
	id := re.Request.URL.Query().Get("call_id")
	if id == "" {
		return refusal.Of("invalid_request/query").At("call_id", "Required")
	}
	re.Request.SetPathValue("id", id)
	return rt.messagesOf(re)
}

func (rt *routes) addMessageOf(re *core.RequestEvent) error {
	body, err := facade.Body(re)
	if err != nil {
		return err
	}
	return rt.addMessage(re, body)
}

// functionCall is the call of the path inside the active organization.
func (rt *routes) functionCall(re *core.RequestEvent) (*core.Record, *tenant.Tenant, error) {
	call, _, err := lists.CallToView(rt.app, re)
	if err != nil {
		return nil, nil, err
	}
	t, err := tenant.Of(re)
	if err != nil {
		return nil, nil, err
	}
	if call.GetString("organization") != t.ID() {
		return nil, nil, refusal.Of("not_found/call")
	}
	return call, t, nil
}

// functionRow is a call in AlloKoli's words.
func functionRow(row map[string]any) map[string]any {
	status := "in_progress"
	switch row["status"] {
	case collections.CallCompleted:
		status = "completed"
	case collections.CallFailed:
		status = "failed"
	}
	customer, caller := row["caller_number"], row["caller_number"]
	if row["call_type"] == collections.Outbound {
		customer = row["recipient_number"]
	}
	return map[string]any{
		"id": row["id"], "assistant_id": row["assistant"], "phone_number_id": row["phone_number"], "workflow_id": nil,
		"customer_number": customer,
		"caller_number":   caller, "from": caller, "to": row["recipient_number"], "direction": row["call_type"],
		"status": status,
		"state":  row["status"], "placing": row["placing"], "outcome": row["outcome"],
		"answered": row["answered"], "missed": row["missed"],
		"started_at": row["started_at"], "ended_at": row["ended_at"], "start_time": row["started_at"],
		"end_time": row["ended_at"],
		"duration": row["duration_seconds"], "duration_seconds": row["duration_seconds"], "recording_url": recordingURL(row),
		"summary": row["summary"], "resolution_status": row["resolution_status"], "priority": row["priority"],
		"sentiment": row["sentiment"],
		"notes":     row["notes"], "metadata": row["metadata"], "vapi_call_id": row["vapi_call_id"],
		"created_at": row["created"],
		"updated_at": row["updated"],
	}
}

func (rt *routes) placeByFunction(re *core.RequestEvent) error {
	t, err := tenant.Of(re)
	if err != nil {
		return err
	}
	body, err := facade.Body(re)
	if err != nil {
		return err
	}
	fields := []facade.Field{
		{Name: "assistant_id", Column: "assistant", Required: true, MaxLength: 15},
		{Name: "phone_number_id", Column: "phone_number", Required: true, MaxLength: 15},
		{Name: "customer_number", Also: []string{"to"}, Column: "customer_number", Required: true, MaxLength: 40},
		{Name: "workflow_id", MaxLength: 40},
		{Name: "force", Column: "force", Kind: facade.Boolean},
	}
	columns, err := facade.Read(fields, body, true)
	if err != nil {
		return err
	}
	if id, _ := body["workflow_id"].(string); id != "" {
		return refusal.Invalid(map[string]string{"workflow_id": "There is no such workflow"})
	}
	text := func(name string) string { s, _ := columns[name].(string); return s }
	force, _ := columns["force"].(bool)
	call, err := rt.Placer.Place(re, t, placing.Body{
		Assistant: text("assistant"), PhoneNumber: text("phone_number"), CustomerNumber: text("customer_number"),
		Force: force,
	})
	if err != nil {
		return facade.Told(err, fields, body)
	}
	status, words := placing.Answered(call)
	return facade.JSON(re, status, facade.Functions(re, facade.Answer{Row: functionRow(exported(t, call)), Message: words}))
}

func messageRow(r *core.Record) map[string]any {
	return map[string]any{
		"id": r.Id, "call_id": r.GetString("call"), "content": r.GetString("content"), "role": r.GetString("role"),
		"created_at": rows.SaidAt(fold.Instant(r.GetInt64("position")).Time()), "sequence_number": r.GetInt64("position"),
		"offset_ms": r.GetInt64("offset_ms"),
	}
}

// messagesOrOne resolves the old pattern that meant two things: a message's id
// first, then a call's (requirements G-36).
func (rt *routes) messagesOrOne(re *core.RequestEvent) error {
	id := re.Request.PathValue("id")
	message, err := database.Found(rt.app.FindRecordById(collections.Messages, id))
	if err != nil {
		return err
	}
	if message != nil {
		re.Request.SetPathValue("id", message.GetString("call"))
		if _, _, err := rt.functionCall(re); err != nil {
			return err
		}
		return facade.JSON(re, http.StatusOK, facade.Functions(re, facade.Answer{Row: messageRow(message)}))
	}
	return rt.messagesOf(re)
}

// messagesOf answers a page of the messages of the path's call.
func (rt *routes) messagesOf(re *core.RequestEvent) error {
	call, _, err := rt.functionCall(re)
	if err != nil {
		return err
	}
	pageNumber, limit, err := facade.Page(re, 100)
	if err != nil {
		return err
	}
	records, err := rt.app.FindRecordsByFilter(collections.Messages, "call = {:call}", "position", limit,
		(pageNumber-1)*limit, map[string]any{"call": call.Id})
	if err != nil {
		return err
	}
	reads, err := database.Reading(rt.app)
	if err != nil {
		return err
	}
	var count int
	if err := reads.QueryRowContext(re.Request.Context(), `SELECT count(*) FROM messages WHERE call = ?`,
		call.Id).Scan(&count); err != nil {
		return err
	}
	found := make([]map[string]any, len(records))
	for i, r := range records {
		found[i] = messageRow(r)
	}
	return facade.JSON(re, http.StatusOK,
		facade.Functions(re,
			facade.Answer{List: true, Rows: found, Pagination: facade.NewPagination(pageNumber, limit, count)}))
}

func (rt *routes) oneMessage(re *core.RequestEvent) error {
	call, _, err := rt.functionCall(re)
	if err != nil {
		return err
	}
	message, err := database.Found(rt.app.FindRecordById(collections.Messages, re.Request.PathValue("message")))
	if err != nil {
		return err
	}
	if message == nil || message.GetString("call") != call.Id {
		return refusal.Of("not_found/message")
	}
	return facade.JSON(re, http.StatusOK, facade.Functions(re, facade.Answer{Row: messageRow(message)}))
}

// addMessageByBody is addMessage for the call the body names, as the reference
// of the old system shows it.
func (rt *routes) addMessageByBody(re *core.RequestEvent) error {
	body, err := facade.Body(re)
	if err != nil {
		return err
	}
	columns, err := facade.Read(append([]facade.Field{{Name: "call_id", Column: "call", Required: true, MaxLength: 15}},
		messageFields...), body, true)
	if err != nil {
		return err
	}
	re.Request.SetPathValue("id", columns["call"].(string))
	return rt.addMessage(re, body)
}

var messageFields = []facade.Field{
	{Name: "content", Column: "content", Required: true, MaxLength: 1000},
	{Name: "role", Column: "role", Required: true, OneOf: collections.MessageRoles},
}

// addMessage stores a line a person adds. A running call hears it: the
// assistant says an assistant's line, and takes the others into account.
func (rt *routes) addMessage(re *core.RequestEvent, body map[string]any) error {
	if _, _, err := rt.functionCall(re); err != nil {
		return err
	}
	call, _, err := lists.CallToWork(rt.app, re)
	if err != nil {
		return err
	}
	columns, err := facade.Read(messageFields, body, true)
	if err != nil {
		return err
	}
	role, content := columns["role"].(string), strings.TrimSpace(columns["content"].(string))
	if content == "" {
		return refusal.Invalid(map[string]string{"content": "Cannot be empty"})
	}
	if !store.Of(call).Over() {
		if err := rt.Control.Speak(re.Request.Context(), call, role, content); err != nil {
			return err
		}
	}
	id, err := rt.keepLine(re.Request.Context(), call, fold.Line{Role: role, Content: content})
	if err != nil {
		return err
	}
	message, err := rt.app.FindRecordById(collections.Messages, id)
	if err != nil {
		return err
	}
	return facade.JSON(re, http.StatusCreated, facade.Functions(re, facade.Answer{Row: messageRow(message)}))
}

// keepLine stores a line a person added, after what was said so far. The line
// was said already: it is kept although the person left.
func (rt *routes) keepLine(ctx context.Context, call *core.Record, l fold.Line) (id string, err error) {
	box, err := inbox.Of(rt.app)
	if err != nil {
		return "", err
	}
	now, c := rt.Now(), store.Of(call)
	l.ID = collections.NewID(now)
	err = box.Do(context.WithoutCancel(ctx), func(tx *inbox.Tx) (func(), error) {
		// Two lines of one millisecond stand one after the other.
		var next int64
		if err := tx.Get(`SELECT coalesce(max(position) + 1, 0) FROM messages WHERE call = ?`, []any{c.ID},
			&next); err != nil {
			return nil, err
		}
		l.Position = max(fold.At(now), fold.Instant(next))
		if started := fold.At(call.GetDateTime("started_at").Time()); started != 0 {
			l.OffsetMS = max(0, int64(l.Position-started))
		}
		stamp := rows.Stamp(now)
		_, err := tx.Exec(insertPersonLine, l.ID, c.Organization, c.ID, l.Role, l.Content, int64(l.Position),
			l.OffsetMS, stamp, stamp)
		return func() { rt.Store.Tell(c, c, true, fold.Changes{Lines: []fold.Line{l}}) }, err
	})
	return l.ID, err
}

const insertPersonLine = `INSERT INTO messages (id, organization, call, role, content, position, offset_ms, duration_ms, from_person, created, updated)
	VALUES (?, ?, ?, ?, ?, ?, ?, 0, TRUE, ?, ?)`
