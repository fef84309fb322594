// Package documented is the routes of the two old systems that speak of calls: CoreComm's
// and AlloKoli's functions calls and messages (functions.go).
package documented

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/calls/control"
	"github.com/pocketline/pocketline/hooks/calls/fold"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/calls/placing"
	"github.com/pocketline/pocketline/hooks/calls/store"
	"github.com/pocketline/pocketline/hooks/calls/table"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// rowShape is the documented call row (requirements 3.1, table calls).
const rowShape = `{"id", "caller_number", "recipient_number", "duration", "transcript", "resolution_status", "call_type", "summary", "sentiment", "priority", ` +
	`"company_id", "vapi_call_id", "vapi_assistant_id", "recording_url", "cost_breakdown": {"transcription", "llm", "tts", "vapi", "total"}, "ended_reason", ` +
	`"answered": bool, "missed": bool, "created_at", "updated_at", …}`

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

// Deps are what the routes need.
type Deps struct {
	Facade  *facade.Facade
	Lists   *lists.Lists
	Placer  *placing.Placer
	Control *control.Control
	Store   *store.Store
	// PublicURL is where this server is reached.
	PublicURL string
	Now       func() time.Time
}

type routes struct {
	Deps
	app core.App
}

// Register binds the routes.
func Register(app core.App, d Deps) {
	rt := &routes{Deps: d, app: app}
	f := d.Facade
	route := func(path, item, summary string) facade.Route {
		return facade.Route{Method: http.MethodGet, Path: path, Auth: facade.Member, System: facade.CoreComm,
			Item: item, Summary: summary}
	}
	list := route("/api/calls", "S-278", "Calls of the active organization, newest first.")
	list.Query = "page=1, limit=10 (at most 100), resolution_status, call_type, priority, search"
	list.Answer = `{"data": {"calls": [` + rowShape + `], "pagination": {"page", "limit", "total", "totalPages"}}}`
	list.Errors = "400 a parameter is wrong · 403 the person may not view calls"
	f.Handle(list, func(re *core.RequestEvent) error {
		found, pagination, err := rt.documentedList(re, 10, coreCommRow, rt.finishCoreComms)
		if err != nil {
			return err
		}
		return facade.JSON(re, http.StatusOK,
			map[string]any{"data": map[string]any{"calls": found, "pagination": pagination}})
	})
	f.Resources(facade.Resource{
		Collection: collections.Calls, Path: "/api/calls", System: facade.CoreComm, Fields: coreCommFields,
		Body: `{"caller_number", "recipient_number"?, "duration": 0, "transcript"?, "resolution_status"?: "pending", "call_type"?: "inbound", ` +
			`"summary"?, "sentiment"?, "priority"?: "medium", "notes"?, "metadata"?: {…}}`,
		Answer: `{"data": ` + rowShape + `}`,
		In:     rt.readBody, Saved: rt.saveTranscript, Out: coreCommRow, Finish: rt.finishCoreComm,
		Verbs: []facade.Verb{
			{
				Do: facade.Create, Item: "S-279", Summary: "Writes down a call that happened elsewhere.",
				Message: "Call created successfully",
				Answer:  `{"data": ` + rowShape + `, "message": "Call created successfully"}`,
				Errors:  "400 with reasons: caller_number and duration are required · 403 role",
			},
			{Do: facade.View, Item: "S-280", Summary: "One call."},
			{
				Do: facade.Update, Method: http.MethodPut, Item: "S-281",
				Summary: "Changes some fields; what the provider reported stays.",
				Message: "Call updated successfully", Answer: `{"data": ` + rowShape + `, "message": "Call updated successfully"}`,
			},
			{
				Do: facade.Delete, Item: "S-282", Summary: "Deletes a call, its lines, recording and the provider's copy.",
				Message: "Call deleted successfully", Answer: `{"data": null, "message": "Call deleted successfully"}`,
			},
		},
	})

	activity := route("/api/dashboard/activity", "S-284", "The newest calls.")
	activity.Query, activity.Answer = "limit=10 (at most 100)", `{"calls": [`+rowShape+`]}`
	f.Handle(activity, func(re *core.RequestEvent) error {
		found, _, err := rt.documentedList(re, 10, coreCommRow, rt.finishCoreComms)
		if err != nil {
			return err
		}
		return facade.JSON(re, http.StatusOK, map[string]any{"calls": found})
	})
	rt.bindFunctions()
}

const transcriptKey = "pocketline.transcript"

// readBody finishes a documented body. It names the fields the provider
// reported, which the access rule would refuse without a word, and remembers
// the transcript, which has a row of its own.
func (rt *routes) readBody(re *core.RequestEvent, body, columns map[string]any) error {
	text, given := body["transcript"].(string)
	if given {
		re.Set(transcriptKey, text)
	}
	id := re.Request.PathValue("id")
	if id == "" {
		return nil // a new call
	}
	call, err := database.Found(rt.app.FindRecordById(collections.Calls, id))
	if err != nil {
		return err
	}
	if call == nil {
		return refusal.Of("not_found")
	}
	if table.SourceOf(call).ID == "" {
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
	if given {
		before, _, err := rt.reportOf(id)
		if err != nil {
			return err
		}
		if text != before {
			reasons["transcript"] = reported
		}
	}
	if len(reasons) > 0 {
		return refusal.Invalid(reasons)
	}
	return nil
}

// saveTranscript stores it beside the call, where search finds it.
func (rt *routes) saveTranscript(re *core.RequestEvent, id string) error {
	text, given := re.Get(transcriptKey).(string)
	if !given {
		return nil
	}
	record, err := rt.app.FindRecordById(collections.Calls, id)
	if err != nil {
		return err
	}
	box, err := inbox.Of(rt.app)
	if err != nil {
		return err
	}
	now, c := rt.Now(), store.Of(record)
	return box.Do(re.Request.Context(), func(tx *inbox.Tx) (func(), error) {
		if there, err := store.Stays(tx, id); err != nil || !there {
			return nil, err
		}
		if err := store.SaveReport(tx, c, &fold.Report{Transcript: text}, now); err != nil {
			return nil, err
		}
		if err := tx.Flush(); err != nil {
			return nil, err
		}
		_, err := tx.Exec(`UPDATE call_reports SET transcript = ?, updated = ? WHERE call = ? AND transcript != ?`,
			text, rows.Stamp(now), id, text)
		return nil, err
	})
}

// deepRow is the row number from which a page by number waits for its turn.
const deepRow = 5_000

// walks tells whether a page by number reads far more rows than it shows: all before
// it, or all that match, to be counted.
func walks(pageNumber, limit int, values url.Values) bool {
	return pageNumber*limit > deepRow || values.Get("search") != ""
}

// numbered is a page by number: whose ids, and how many there are in all.
type numbered struct {
	ids   []string
	count int
}

// documentedList answers a page by number. Deep pages cost what OFFSET costs,
// over one index; the dashboard pages by key.
func (rt *routes) documentedList(re *core.RequestEvent, defaultLimit int,
	out func(row map[string]any) map[string]any, finish func(re *core.RequestEvent, list []map[string]any) error,
) ([]map[string]any, facade.Pagination, error) {
	t, err := tenant.Of(re)
	if err != nil {
		return nil, facade.Pagination{}, err
	}
	if !t.Can(collections.CanViewCalls) {
		return nil, facade.Pagination{}, refusal.Of("forbidden/viewing")
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
	read := func() (p numbered, err error) {
		p.ids, p.count, err = rt.Lists.Numbered(inner, t, pageNumber, limit)
		return p, err
	}
	var p numbered
	if walks(pageNumber, limit, values) {
		key := fmt.Sprintln("numbered", t.ID(), t.Masked(), pageNumber, limit, values.Encode())
		p, err = tenant.Together(re, key, read)
	} else {
		p, err = read()
	}
	if err != nil {
		return nil, facade.Pagination{}, err
	}
	records, err := rt.app.FindRecordsByIds(collections.Calls, p.ids)
	if err != nil {
		return nil, facade.Pagination{}, err
	}
	place := make(map[string]int, len(p.ids))
	for n, id := range p.ids {
		place[id] = n
	}
	slices.SortFunc(records, func(a, b *core.Record) int { return place[a.Id] - place[b.Id] })
	list := make([]map[string]any, len(records)) // some may be deleted since
	for n, record := range records {
		if err := tenant.Spend(re, tenant.Weight(record)); err != nil {
			return nil, facade.Pagination{}, err
		}
		list[n] = out(exported(t, record))
	}
	if err := finish(re, list); err != nil {
		return nil, facade.Pagination{}, err
	}
	return list, facade.NewPagination(pageNumber, limit, p.count), nil
}

// exported is the row as PocketBase's routes show it to somebody, its times as answers
// have them.
func exported(t *tenant.Tenant, r *core.Record) map[string]any {
	if t.Masked() {
		r = r.Clone()
		tenant.MaskRecord(r)
	}
	row := map[string]any{}
	b, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(b, &row)
	}
	if err != nil {
		return map[string]any{"id": r.Id}
	}
	rows.Say(r.Collection(), row)
	return row
}

// coreCommRow is a call in CoreComm's words: every documented key, and ours
// beside them.
func coreCommRow(row map[string]any) map[string]any {
	out := maps.Clone(row)
	delete(out, "collectionId")
	delete(out, "collectionName")
	delete(out, "expand")
	out["duration"] = row["duration_seconds"]
	out["company_id"] = row["organization"]
	out["created_at"], out["updated_at"] = row["created"], row["updated"]
	out["recording_url"] = recordingURL(row)
	return out
}

// finishCoreComm is finishCoreComms of one call.
func (rt *routes) finishCoreComm(re *core.RequestEvent, row map[string]any) error {
	return rt.finishCoreComms(re, []map[string]any{row})
}

// finishCoreComms adds what has rows of its own: the report, and the assistant's id
// at the provider. A page costs as many statements as one call.
func (rt *routes) finishCoreComms(re *core.RequestEvent, list []map[string]any) error {
	byID, ids, assistants := map[string]map[string]any{}, []string{}, []string{}
	for _, row := range list {
		id, _ := row["id"].(string)
		assistant, _ := row["assistant"].(string)
		byID[id], ids, assistants = row, append(ids, id), append(assistants, assistant)
		row["transcript"], row["cost_breakdown"] = "", map[string]any{}
	}
	err := eachReport(re.Request.Context(), rt.app, ids, func(id, transcript string, breakdown map[string]any) error {
		byID[id]["transcript"], byID[id]["cost_breakdown"] = transcript, breakdown
		return tenant.Spend(re, int64(len(transcript)))
	})
	if err != nil {
		return err
	}
	known, err := vapiAssistants(re.Request.Context(), rt.app, assistants)
	if err != nil {
		return err
	}
	for n, row := range list {
		row["vapi_assistant_id"] = known[assistants[n]]
	}
	return rt.signRecordings(re, list)
}

func recordingURL(row map[string]any) any {
	if has, _ := row["has_recording"].(bool); has {
		return "/api/calls/" + row["id"].(string) + "/recording"
	}
	return nil
}

// signRecording makes the address of the sound one that a page can play which
// has nothing but the address.
func (rt *routes) signRecording(re *core.RequestEvent, row map[string]any) error {
	if path, ok := row["recording_url"].(string); ok {
		row["recording_url"] = rt.PublicURL + identity.FilePath(re, path)
	}
	return nil
}

func (rt *routes) signRecordings(re *core.RequestEvent, list []map[string]any) error {
	for _, row := range list {
		if err := rt.signRecording(re, row); err != nil {
			return err
		}
	}
	return nil
}

// functionAnswer is a call in AlloKoli's words and envelope.
func (rt *routes) functionAnswer(re *core.RequestEvent, status int, row map[string]any) error {
	if err := rt.signRecording(re, row); err != nil {
		return err
	}
	return facade.JSON(re, status, facade.Functions(re, facade.Answer{Row: row}))
}

// reportOf is the transcript and the cost breakdown of a call, empty when there
// is no report yet.
func (rt *routes) reportOf(id string) (transcript string, breakdown map[string]any, err error) {
	breakdown = map[string]any{}
	err = eachReport(context.Background(), rt.app, []string{id}, func(_, said string, told map[string]any) error {
		transcript, breakdown = said, told
		return nil
	})
	return transcript, breakdown, err
}

// eachReport reads the reports of calls, one after the other: each may be long.
func eachReport(ctx context.Context, app core.App, ids []string,
	do func(id, transcript string, breakdown map[string]any) error) error {
	found, err := among(ctx, app, `SELECT call, transcript, coalesce(costs, '') FROM call_reports WHERE call`, ids)
	if err != nil {
		return fmt.Errorf("reports: %w", err)
	}
	defer found.Close()
	for found.Next() {
		var id, transcript, costs string
		if err := found.Scan(&id, &transcript, &costs); err != nil {
			return fmt.Errorf("reports: %w", err)
		}
		var parsed struct {
			Breakdown map[string]any `json:"breakdown"`
		}
		if json.Unmarshal([]byte(costs), &parsed) != nil || parsed.Breakdown == nil {
			parsed.Breakdown = map[string]any{} // none was told
		}
		if err := do(id, transcript, parsed.Breakdown); err != nil {
			return err
		}
	}
	return found.Err()
}

// vapiAssistants are the ids assistants have at the provider. One that was deleted has
// none any more; its calls stay.
func vapiAssistants(ctx context.Context, app core.App, ids []string) (map[string]string, error) {
	found, err := among(ctx, app, `SELECT id, vapi_assistant_id FROM assistants WHERE id`, ids)
	if err != nil {
		return nil, fmt.Errorf("assistants of calls: %w", err)
	}
	defer found.Close()
	known := map[string]string{}
	for found.Next() {
		var id, there string
		if err := found.Scan(&id, &there); err != nil {
			return nil, fmt.Errorf("assistants of calls: %w", err)
		}
		known[id] = there
	}
	return known, found.Err()
}

// among asks for the rows whose last named column is one of the values.
func among(ctx context.Context, app core.App, query string, values []string) (*sql.Rows, error) {
	args := make([]any, len(values))
	for n, value := range values {
		args[n] = value
	}
	reads, err := database.Reading(app)
	if err != nil {
		return nil, err
	}
	return reads.QueryContext(ctx, query+" IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")+")", args...)
}
