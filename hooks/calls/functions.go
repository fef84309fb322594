package calls

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// functionShape is the documented call of the old French system.
const functionShape = `{"id", "assistant_id", "phone_number_id", "workflow_id", "customer_number", "status": "in_progress|completed|failed", "started_at", "ended_at", "duration", …}`

// functionRoutes binds AlloKoli's functions calls and messages.
func (e *engine) functionRoutes() {
	f := e.Facade
	route := func(method, path, item, summary, answer string) facade.Route {
		return facade.Route{Method: method, Path: "/functions/v1/" + path, Auth: facade.Member, System: facade.AlloKoli, Item: item, Summary: summary, Answer: answer}
	}
	f.Handle(route("GET", "calls", "S-100", "Calls, newest first.", `{"data": [`+functionShape+`], "pagination": {"page", "limit", "total", "totalPages"}}`), func(re *core.RequestEvent) error {
		rows, pagination, err := e.documentedList(re, 20, e.functionRow)
		if err != nil {
			return err
		}
		return re.JSON(http.StatusOK, facade.Functions(re, facade.Answer{List: true, Rows: rows, Pagination: pagination}))
	})
	f.Handle(route("GET", "calls/{id}", "S-101", "One call with transcript and cost.", `{"data": `+functionShape+`}`), func(re *core.RequestEvent) error {
		call, err := e.functionCall(re)
		if err != nil {
			return err
		}
		row := e.functionRow(exported(call))
		row["transcript"], row["cost_breakdown"] = e.reportOf(call.Id)
		return e.functionAnswer(re, http.StatusOK, row)
	})
	place := route("POST", "calls", "S-102", "Places a call.", `201 {"data": `+functionShape+`}`)
	place.Body = `{"assistant_id", "phone_number_id", "customer_number" or "to", "workflow_id"?, "force": false}`
	place.Query = "force=true (the same call again within a minute); header Idempotency-Key: one for each call that is wanted"
	place.Answer += ` · 202 the same, with placing waiting or unclear and a message: it is not known yet whether it rings`
	place.Errors = "400 a field is wrong or the country is not allowed · 402 the balance is empty · 403 role · " + placeErrors
	f.Handle(place, e.placeByFunction)
	change := route("PATCH", "calls/{id}", "S-103", "Changes what people write about a call.", `{"data": `+functionShape+`}`)
	change.Body = `{"resolution_status", "priority", "sentiment", "summary", "notes", "metadata": {…}}`
	f.Rows(facade.Row{
		Route: change, Collection: collections.Calls, Do: facade.Update, Envelope: facade.Functions, Out: e.functionRow, Finish: e.signRecording,
		Fields: slices.DeleteFunc(slices.Clone(coreCommFields), func(field facade.Field) bool {
			return slices.Contains([]string{"caller_number", "recipient_number", "duration", "transcript", "call_type"}, field.Name)
		}),
	}, facade.Row{
		Route:      route("DELETE", "calls/{id}", "S-104", "Deletes a call and the provider's copy.", `{"data": null, "message"}`),
		Collection: collections.Calls, Do: facade.Delete, Message: "Call deleted successfully", Envelope: facade.Functions,
	})
	end := route("POST", "calls/{id}/end", "S-105", "Hangs up.", `{"data": `+functionShape+`}`)
	end.Errors = "403 role · 409 the call is over · 502 the provider refused"
	f.Handle(end, func(re *core.RequestEvent) error {
		call, t, err := e.workCall(re)
		if err != nil {
			return err
		}
		if err := e.hangUp(re, call, t); err != nil {
			return err
		}
		return e.functionAnswer(re, http.StatusOK, e.functionRow(exported(call)))
	})
	listen := route("GET", "calls/{id}/listen", "S-106", "The call's events as they happen; with Accept: application/json where its sound can be heard.",
		`text/event-stream: event line|event|status|over, data {"type", "role", "content", "position", "offset_ms"…} · or {"success": true, "data": {"listen_url", "url"}}`)
	listen.Errors = "403 role · 409 the call is over (JSON)"
	f.Handle(listen, e.listen)

	f.Handle(route("GET", "messages/{id}", "S-107, S-109", "One message by its id, or the messages of a call in order by the call's id.",
		`{"data": {"id", "call_id", "content", "role", "created_at"}} or {"data": […], "pagination"}`), e.messagesOrOne)
	f.Handle(route("GET", "messages/{id}/{message}", "S-109", "One message of a call.", `{"data": {"id", "call_id", "content", "role", "created_at"}}`), e.oneMessage)
	byQuery := route("GET", "messages", "S-018", "The messages of a call in order.", `{"data": [{"id", "call_id", "content", "role", "created_at"}], "pagination"}`)
	byQuery.Query, byQuery.Errors = "call_id, page=1, limit=100", "400 no call_id"
	f.Handle(byQuery, func(re *core.RequestEvent) error {
		id := re.Request.URL.Query().Get("call_id")
		if id == "" {
			return facade.Error(http.StatusBadRequest, "Invalid query parameters", map[string]string{"call_id": "Required"})
		}
		re.Request.SetPathValue("id", id)
		return e.messagesOf(re)
	})
	add := route("POST", "messages/{id}", "S-108", "Adds a message to a call; a running call hears it.", `201 {"data": {"id", "call_id", "content", "role", "created_at"}}`)
	add.Body = `{"content": "text", "role": "assistant|user|system"}`
	add.Errors = "400 a field is wrong · 403 role · 502 the provider refused"
	f.Handle(add, func(re *core.RequestEvent) error {
		body, err := facade.Body(re)
		if err != nil {
			return err
		}
		return e.addMessage(re, body)
	})
	add.Path, add.Item = "/functions/v1/messages", "S-017"
	add.Body = `{"call_id", "content": "text", "role": "assistant|user|system"}`
	f.Handle(add, e.addMessageByBody)
}

// functionCall is the call of the path inside the active organization.
func (e *engine) functionCall(re *core.RequestEvent) (*core.Record, error) {
	call, _, err := e.callOf(re)
	if err != nil {
		return nil, err
	}
	t, err := tenant.Of(re)
	if err != nil {
		return nil, err
	}
	if call.GetString("organization") != t.ID() {
		return nil, facade.Error(http.StatusNotFound, "There is no such call")
	}
	return call, nil
}

// functionRow is a call in AlloKoli's words.
func (e *engine) functionRow(row map[string]any) map[string]any {
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
		"id": row["id"], "assistant_id": row["assistant"], "phone_number_id": row["phone_number"], "workflow_id": nil, "customer_number": customer,
		"caller_number": caller, "from": caller, "to": row["recipient_number"], "direction": row["call_type"], "status": status,
		"state": row["status"], "placing": row["placing"], "outcome": row["outcome"],
		"started_at": row["started_at"], "ended_at": row["ended_at"], "start_time": row["started_at"], "end_time": row["ended_at"],
		"duration": row["duration_seconds"], "duration_seconds": row["duration_seconds"], "recording_url": recordingURL(row),
		"summary": row["summary"], "resolution_status": row["resolution_status"], "priority": row["priority"], "sentiment": row["sentiment"],
		"notes": row["notes"], "metadata": row["metadata"], "vapi_call_id": row["vapi_call_id"], "created_at": row["created"], "updated_at": row["updated"],
	}
}

func (e *engine) placeByFunction(re *core.RequestEvent) error {
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
		return facade.Invalid(map[string]string{"workflow_id": "There is no such workflow"})
	}
	text := func(name string) string { s, _ := columns[name].(string); return s }
	force, _ := columns["force"].(bool)
	call, err := e.place(re, t, placeBody{
		Assistant: text("assistant"), PhoneNumber: text("phone_number"), CustomerNumber: text("customer_number"), Force: force,
	})
	if err != nil {
		return facade.Told(err, fields, body)
	}
	status, words := placedAnswer(call)
	return re.JSON(status, facade.Functions(re, facade.Answer{Row: e.functionRow(exported(call)), Message: words}))
}

func messageRow(r *core.Record) map[string]any {
	return map[string]any{
		"id": r.Id, "call_id": r.GetString("call"), "content": r.GetString("content"), "role": r.GetString("role"),
		"created_at": instant(r.GetInt64("position")).date(), "sequence_number": r.GetInt64("position"), "offset_ms": r.GetInt64("offset_ms"),
	}
}

// messagesOrOne resolves the old pattern that meant two things: a message's id
// first, then a call's (requirements G-36).
func (e *engine) messagesOrOne(re *core.RequestEvent) error {
	id := re.Request.PathValue("id")
	message, err := database.Found(e.app.FindRecordById(collections.Messages, id))
	if err != nil {
		return err
	}
	if message != nil {
		re.Request.SetPathValue("id", message.GetString("call"))
		if _, err := e.functionCall(re); err != nil {
			return err
		}
		return re.JSON(http.StatusOK, facade.Functions(re, facade.Answer{Row: messageRow(message)}))
	}
	return e.messagesOf(re)
}

// messagesOf answers a page of the messages of the path's call.
func (e *engine) messagesOf(re *core.RequestEvent) error {
	call, err := e.functionCall(re)
	if err != nil {
		return err
	}
	pageNumber, limit, err := facade.Page(re, 100)
	if err != nil {
		return err
	}
	records, err := e.app.FindRecordsByFilter(collections.Messages, "call = {:call}", "position", limit, (pageNumber-1)*limit, map[string]any{"call": call.Id})
	if err != nil {
		return err
	}
	var count int
	if err := e.reads.QueryRowContext(re.Request.Context(), `SELECT count(*) FROM messages WHERE call = ?`, call.Id).Scan(&count); err != nil {
		return err
	}
	rows := make([]map[string]any, len(records))
	for i, r := range records {
		rows[i] = messageRow(r)
	}
	return re.JSON(http.StatusOK, facade.Functions(re, facade.Answer{List: true, Rows: rows, Pagination: facade.NewPagination(pageNumber, limit, count)}))
}

func (e *engine) oneMessage(re *core.RequestEvent) error {
	call, err := e.functionCall(re)
	if err != nil {
		return err
	}
	message, err := database.Found(e.app.FindRecordById(collections.Messages, re.Request.PathValue("message")))
	if err != nil {
		return err
	}
	if message == nil || message.GetString("call") != call.Id {
		return facade.Error(http.StatusNotFound, "There is no such message in this call")
	}
	return re.JSON(http.StatusOK, facade.Functions(re, facade.Answer{Row: messageRow(message)}))
}

// addMessageByBody is addMessage for the call the body names, as the reference
// of the old system shows it.
func (e *engine) addMessageByBody(re *core.RequestEvent) error {
	body, err := facade.Body(re)
	if err != nil {
		return err
	}
	columns, err := facade.Read(append([]facade.Field{{Name: "call_id", Column: "call", Required: true, MaxLength: 15}}, messageFields...), body, true)
	if err != nil {
		return err
	}
	re.Request.SetPathValue("id", columns["call"].(string))
	return e.addMessage(re, body)
}

var messageFields = []facade.Field{
	{Name: "content", Column: "content", Required: true, MaxLength: 1000},
	{Name: "role", Column: "role", Required: true, OneOf: collections.MessageRoles},
}

// addMessage stores a line a person adds. A running call hears it: the
// assistant says an assistant's line, and takes the others into account.
func (e *engine) addMessage(re *core.RequestEvent, body map[string]any) error {
	if _, err := e.functionCall(re); err != nil {
		return err
	}
	call, _, err := e.workCall(re)
	if err != nil {
		return err
	}
	columns, err := facade.Read(messageFields, body, true)
	if err != nil {
		return err
	}
	role, content := columns["role"].(string), strings.TrimSpace(columns["content"].(string))
	if content == "" {
		return facade.Invalid(map[string]string{"content": "Cannot be empty"})
	}
	if stored := call.GetString("control_url"); stored != "" && !isOver(call) {
		url, err := e.Sealed.Open(stored, sealed.Place(collections.Calls, call.Id, "control_url"))
		if err != nil {
			return err
		}
		if role == collections.RoleAssistant {
			err = e.Vapi.Calls.Say(re.Request.Context(), url, content, false)
		} else {
			err = e.Vapi.Calls.AddMessage(re.Request.Context(), url, role, content, role == collections.RoleUser)
		}
		if err != nil {
			return providerError(err)
		}
	}
	id, err := e.keepLine(re.Request.Context(), call, line{Role: role, Content: content})
	if err != nil {
		return err
	}
	message, err := e.app.FindRecordById(collections.Messages, id)
	if err != nil {
		return err
	}
	return re.JSON(http.StatusCreated, facade.Functions(re, facade.Answer{Row: messageRow(message)}))
}

// keepLine stores a line a person added, after what was said so far. The line
// was said already: it is kept although the person left.
func (e *engine) keepLine(ctx context.Context, call *core.Record, l line) (id string, err error) {
	box, err := e.box()
	if err != nil {
		return "", err
	}
	now, c := time.Now(), fromRecord(call)
	l.ID = collections.NewID(now)
	err = box.Do(context.WithoutCancel(ctx), func(tx *inbox.Tx) (func(), error) {
		// Two lines of one millisecond stand one after the other.
		var next int64
		if err := tx.Get(`SELECT coalesce(max(position) + 1, 0) FROM messages WHERE call = ?`, []any{c.ID}, &next); err != nil {
			return nil, err
		}
		l.Position = max(at(now), instant(next))
		if started := at(call.GetDateTime("started_at").Time()); started != 0 {
			l.OffsetMS = max(0, int64(l.Position-started))
		}
		stamp := inbox.Date(now)
		_, err := tx.Exec(insertPersonLine, l.ID, c.Organization, c.ID, l.Role, l.Content, int64(l.Position), l.OffsetMS, stamp, stamp)
		return func() { e.tell(c, c, true, changes{lines: []line{l}}) }, err
	})
	return l.ID, err
}

const insertPersonLine = `INSERT INTO messages (id, organization, call, role, content, position, offset_ms, duration_ms, from_person, created, updated)
	VALUES (?, ?, ?, ?, ?, ?, ?, 0, TRUE, ?, ?)`
