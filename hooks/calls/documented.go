package calls

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// rowShape is the documented call row (requirements 3.1, table calls).
const rowShape = `{"id", "caller_number", "recipient_number", "duration", "transcript", "resolution_status", "call_type", "summary", "sentiment", "priority", ` +
	`"company_id", "vapi_call_id", "vapi_assistant_id", "recording_url", "cost_breakdown": {"transcription", "llm", "tts", "vapi", "total"}, "ended_reason", "created_at", "updated_at", …}`

var coreCommFields = []facade.Field{
	{Name: "caller_number", Column: "caller_number", Required: true, MaxLength: 80},
	{Name: "recipient_number", Column: "recipient_number", MaxLength: 80},
	{Name: "duration", Column: "duration_seconds", Kind: facade.Integer, Required: true, Min: 0, Max: 86_400},
	{Name: "transcript", MaxLength: 1 << 20},
	{Name: "resolution_status", Column: "resolution_status", OneOf: collections.ResolutionStatuses},
	{Name: "call_type", Column: "call_type", OneOf: []string{collections.Inbound, collections.Outbound}},
	{Name: "summary", Column: "summary", MaxLength: 10_000},
	{Name: "sentiment", Column: "sentiment", OneOf: collections.Sentiments},
	{Name: "priority", Column: "priority", OneOf: collections.Priorities},
	{Name: "notes", Column: "notes", MaxLength: 5_000},
	{Name: "metadata", Column: "metadata", Kind: facade.Object},
}

// documented binds the routes of the two old systems that speak of calls.
func (e *engine) documented() {
	f := e.Facade
	route := func(method, path, item, summary string) facade.Route {
		return facade.Route{Method: method, Path: path, Auth: facade.Member, System: facade.CoreComm, Item: item, Summary: summary}
	}
	list := route("GET", "/api/calls", "S-278", "Calls of the active organization, newest first.")
	list.Query = "page=1, limit=10 (at most 100), resolution_status, call_type, priority, search"
	list.Answer = `{"data": {"calls": [` + rowShape + `], "pagination": {"page", "limit", "total", "totalPages"}}}`
	list.Errors = "400 a parameter is wrong · 403 the person may not view calls"
	f.Handle(list, func(re *core.RequestEvent) error {
		rows, pagination, err := e.documentedList(re, 10, e.coreCommRow)
		if err != nil {
			return err
		}
		return re.JSON(http.StatusOK, map[string]any{"data": map[string]any{"calls": rows, "pagination": pagination}})
	})
	create := route("POST", "/api/calls", "S-279", "Writes down a call that happened elsewhere.")
	create.Body = `{"caller_number", "recipient_number"?, "duration": 0, "transcript"?, "resolution_status"?: "pending", "call_type"?: "inbound", ` +
		`"summary"?, "sentiment"?, "priority"?: "medium", "notes"?, "metadata"?: {…}}`
	create.Errors = "400 with reasons: caller_number and duration are required · 403 role"
	create.Answer = `{"data": ` + rowShape + `, "message": "Call created successfully"}`
	view := route("GET", "/api/calls/{id}", "S-280", "One call.")
	view.Answer = `{"data": ` + rowShape + `}`
	update := route("PUT", "/api/calls/{id}", "S-281", "Changes some fields; what the provider reported stays.")
	update.Body, update.Answer = create.Body, `{"data": `+rowShape+`, "message": "Call updated successfully"}`
	remove := route("DELETE", "/api/calls/{id}", "S-282", "Deletes a call, its lines, recording and the provider's copy.")
	remove.Answer = `{"data": null, "message": "Call deleted successfully"}`
	base := facade.Row{
		Collection: collections.Calls, Envelope: facade.EnvelopeData, Fields: coreCommFields, Out: e.coreCommRow, Finish: e.signRecording,
	}
	with := func(r facade.Route, do facade.Action, message string, more func(*facade.Row)) facade.Row {
		row := base
		row.Route, row.Do, row.Message = r, do, message
		if more != nil {
			more(&row)
		}
		return row
	}
	f.Rows(
		with(create, facade.Create, "Call created successfully", func(r *facade.Row) { r.In, r.Saved = e.readBody, e.saveTranscript }),
		with(view, facade.View, "", nil),
		with(update, facade.Update, "Call updated successfully", func(r *facade.Row) { r.In, r.Saved = e.readBody, e.saveTranscript }),
		with(remove, facade.Delete, "Call deleted successfully", nil),
	)

	metrics := route("GET", "/api/dashboard/metrics", "S-283", "Figures of the active organization.")
	metrics.Answer = `{"metrics": {"totalCalls", "resolvedCalls", "avgDuration": "0m 0s", "avgDurationSeconds", "mcpActions", "activeCalls", "activeAgents", "successRate"}}`
	f.Handle(metrics, e.metrics)
	activity := route("GET", "/api/dashboard/activity", "S-284", "The newest calls.")
	activity.Query, activity.Answer = "limit=10 (at most 100)", `{"calls": [`+rowShape+`]}`
	f.Handle(activity, func(re *core.RequestEvent) error {
		rows, _, err := e.documentedList(re, 10, e.coreCommRow)
		if err != nil {
			return err
		}
		return re.JSON(http.StatusOK, map[string]any{"calls": rows})
	})
	e.functionRoutes()
}

const transcriptKey = "pocketline.transcript"

// readBody finishes a documented body. It names the fields the provider
// reported, which the access rule would refuse without a word, and remembers
// the transcript, which has a row of its own.
func (e *engine) readBody(re *core.RequestEvent, body, columns map[string]any) error {
	text, given := body["transcript"].(string)
	if given {
		re.Set(transcriptKey, text)
	}
	id := re.Request.PathValue("id")
	if id == "" {
		return nil // a new call
	}
	call, err := database.Found(e.app.FindRecordById(collections.Calls, id))
	if err != nil {
		return err
	}
	if call == nil {
		return facade.Error(http.StatusNotFound, "")
	}
	if call.GetString("vapi_call_id") == "" {
		return nil
	}
	reasons := map[string]string{}
	const reported = "This was reported by the phone provider and cannot be changed"
	for _, field := range coreCommFields {
		value, set := columns[field.Column]
		if set && slices.Contains(collections.CallFacts, field.Column) && fmt.Sprint(value) != call.GetString(field.Column) {
			reasons[field.Name] = reported
		}
	}
	if before, _ := e.reportOf(id); given && text != before {
		reasons["transcript"] = reported
	}
	if len(reasons) > 0 {
		return facade.Invalid(reasons)
	}
	return nil
}

// saveTranscript stores it beside the call, where search finds it.
func (e *engine) saveTranscript(re *core.RequestEvent, id string) error {
	text, given := re.Get(transcriptKey).(string)
	if !given {
		return nil
	}
	record, err := e.app.FindRecordById(collections.Calls, id)
	if err != nil {
		return err
	}
	box, err := e.box()
	if err != nil {
		return err
	}
	now, c := time.Now(), fromRecord(record)
	return box.Do(re.Request.Context(), func(tx *inbox.Tx) (func(), error) {
		if there, err := stays(tx, id); err != nil || !there {
			return nil, err
		}
		if err := saveReport(tx, c, &report{Transcript: text}, now); err != nil {
			return nil, err
		}
		if err := tx.Flush(); err != nil {
			return nil, err
		}
		_, err := tx.Exec(`UPDATE call_reports SET transcript = ?, updated = ? WHERE call = ? AND transcript != ?`, text, inbox.Date(now), id, text)
		return nil, err
	})
}

// documentedList answers a page by number. Deep pages cost what OFFSET costs,
// over one index; the dashboard pages by key.
func (e *engine) documentedList(re *core.RequestEvent, defaultLimit int, out func(map[string]any) map[string]any) ([]map[string]any, facade.Pagination, error) {
	t, err := tenant.Of(re)
	if err != nil {
		return nil, facade.Pagination{}, err
	}
	if !t.Can(collections.CanViewCalls) {
		return nil, facade.Pagination{}, facade.Error(http.StatusForbidden, "Your role does not allow viewing calls")
	}
	pageNumber, limit, err := facade.Page(re, defaultLimit)
	if err != nil {
		return nil, facade.Pagination{}, err
	}
	inner := re.Request.Clone(re.Request.Context())
	values := inner.URL.Query()
	for _, own := range []string{"page", "limit", "after", "sort"} {
		values.Del(own)
	}
	if values.Get("status") == "in_progress" { // AlloKoli's word for every call that is not over
		values.Set("status", collections.CallScheduled+",live")
	}
	inner.URL.RawQuery = values.Encode()
	q, err := parseQuery(inner, t.Organization)
	if err != nil {
		return nil, facade.Pagination{}, badField(re, err)
	}
	ids, count, err := e.pageIDs(re.Request.Context(), q, pageNumber, limit)
	if err != nil {
		return nil, facade.Pagination{}, err
	}
	rows := make([]map[string]any, 0, len(ids))
	for _, id := range ids {
		record, err := database.Found(e.app.FindRecordById(collections.Calls, id))
		if err != nil {
			return nil, facade.Pagination{}, err
		}
		if record == nil {
			continue // deleted since
		}
		row := out(exported(record))
		transcript, _ := row["transcript"].(string)
		if err := tenant.Spend(re, tenant.Weight(record)+int64(len(transcript))); err != nil {
			return nil, facade.Pagination{}, err
		}
		e.signRecording(re, row)
		rows = append(rows, row)
	}
	return rows, facade.NewPagination(pageNumber, limit, count), nil
}

// exported is the row as PocketBase's routes show it.
func exported(r *core.Record) map[string]any {
	row := map[string]any{}
	b, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(b, &row)
	}
	if err != nil {
		return map[string]any{"id": r.Id}
	}
	return row
}

func (e *engine) pageIDs(ctx context.Context, q query, pageNumber, limit int) (ids []string, count int, err error) {
	terms, args := q.conditions()
	from := "calls c"
	if q.Search != "" {
		found, more := e.searching(q).found()
		if found == "" {
			return nil, 0, nil
		}
		from, args = "("+found+") f CROSS JOIN calls c ON c.id = f.id", append(more, args...)
	}
	where := " FROM " + from + " WHERE " + strings.Join(terms, " AND ")
	key := fmt.Sprint(where, args)
	count, err = e.totals.get(key, time.Now(), func() (n int, rows int64, err error) {
		err = e.reads.QueryRowContext(ctx, "SELECT count(*)"+where, args...).Scan(&n)
		return n, int64(n), err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count calls: %w", err)
	}
	rows, err := e.reads.QueryContext(ctx, "SELECT c.id"+where+" ORDER BY c.started_at DESC, c.id DESC LIMIT ? OFFSET ?", append(args, limit, (pageNumber-1)*limit)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list calls: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, 0, err
		}
		ids = append(ids, id)
	}
	return ids, count, rows.Err()
}

// coreCommRow is a call in CoreComm's words: every documented key, and ours
// beside them.
func (e *engine) coreCommRow(row map[string]any) map[string]any {
	id, _ := row["id"].(string)
	out := maps.Clone(row)
	delete(out, "collectionId")
	delete(out, "collectionName")
	delete(out, "expand")
	out["duration"] = row["duration_seconds"]
	out["company_id"] = row["organization"]
	out["created_at"], out["updated_at"] = row["created"], row["updated"]
	out["recording_url"] = recordingURL(row)
	out["transcript"], out["cost_breakdown"] = e.reportOf(id)
	out["vapi_assistant_id"] = e.vapiAssistant(row["assistant"])
	return out
}

func recordingURL(row map[string]any) any {
	if has, _ := row["has_recording"].(bool); has {
		return "/api/calls/" + row["id"].(string) + "/recording"
	}
	return nil
}

// signRecording makes the address of the sound one that a page can play which
// has nothing but the address.
func (e *engine) signRecording(re *core.RequestEvent, row map[string]any) {
	if path, ok := row["recording_url"].(string); ok {
		row["recording_url"] = e.PublicURL + identity.FilePath(re, path)
	}
}

// functionAnswer is a call in AlloKoli's words and envelope.
func (e *engine) functionAnswer(re *core.RequestEvent, status int, row map[string]any) error {
	e.signRecording(re, row)
	return re.JSON(status, facade.Functions(re, facade.Answer{Row: row}))
}

// reportOf is the transcript and the cost breakdown of a call, empty when there
// is no report.
func (e *engine) reportOf(id string) (transcript string, breakdown any) {
	var costs string
	if err := e.reads.QueryRow(`SELECT transcript, coalesce(costs, '') FROM call_reports WHERE call = ?`, id).Scan(&transcript, &costs); err != nil {
		return "", map[string]any{} // no report yet
	}
	var parsed struct {
		Breakdown map[string]any `json:"breakdown"`
	}
	if json.Unmarshal([]byte(costs), &parsed) != nil || parsed.Breakdown == nil {
		return transcript, map[string]any{}
	}
	return transcript, parsed.Breakdown
}

func (e *engine) vapiAssistant(id any) string {
	var found string
	// An assistant that was deleted has no id any more; the call stays.
	_ = e.reads.QueryRow(`SELECT vapi_assistant_id FROM assistants WHERE id = ?`, id).Scan(&found)
	return found
}

func minutes(seconds int64) string {
	return strconv.FormatInt(seconds/60, 10) + "m " + strconv.FormatInt(int64(math.Mod(float64(seconds), 60)), 10) + "s"
}
