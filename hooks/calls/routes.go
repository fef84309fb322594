package calls

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/sheet"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// routes are the dashboard's own: the documented ones are in documented.go.
func (e *engine) routes() {
	f := e.Facade
	const filters = "status, outcome (comma lists; status=live, outcome=failed), call_type, assistant, phone_number, contact, resolution_status, priority, " +
		"from, to (a date is the organization's day, the last one included; or RFC 3339), " +
		"search (words, \"a phrase\", a caller's name, or a number as people write it, or its last digits: callers come first, then what was said; " +
		"words that only begin with the last one come after whole words), order=newest (best match first: best)"
	f.Handle(facade.Route{
		Method: "GET", Path: "/api/organizations/{organization}/calls", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "A page of calls, newest first, by key: any depth costs the same.",
		Query:   filters + ", sort (started_at, duration_seconds, cost_micros; leading - falls), limit=30 (1–200), after (the page before's next)",
		Answer:  `{"items": [{"id", "status", "outcome", "call_type", "caller_number", "recipient_number", "contact", "contact_name", "started_at", "duration_seconds", "cost_micros", "summary", "snippet"…}], "next": "cursor or empty"}`,
		Errors:  "400 a parameter is wrong · 403 the person may not view calls",
	}, e.listCalls)
	f.Handle(facade.Route{
		Method: "GET", Path: "/api/organizations/{organization}/calls.csv", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "The filtered calls as a CSV file, at most 50,000 rows, times in the organization's zone.",
		Query:   filters, Answer: "text/csv with a byte order mark", Errors: "400 a parameter is wrong · 403 the person may not view calls",
	}, e.exportCalls)
	f.Handle(facade.Route{
		Method: "POST", Path: "/api/organizations/{organization}/calls", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Places a call: the assistant rings the number.",
		Body:    `{"assistant": "id", "phone_number": "id", "customer_number": "+15551234567", "customer_name": "optional", "force": false}`,
		Query:   "force=true (the same call again within a minute); header Idempotency-Key: one for each call that is wanted",
		Answer: `201 {"id", "vapi_call_id", "status"} · 202 {"id", "vapi_call_id": "", "status", "placing": "waiting|unclear", "message"}: ` +
			`the provider is busy, or it is not known yet whether it rings; the call's row says how it goes on`,
		Errors: "400 a field is wrong · 402 the balance is empty · 403 the role does not allow it · " + placeErrors,
	}, e.placeCall)
	f.Handle(facade.Route{
		Method: "GET", Path: "/api/organizations/{organization}/home", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "What the home page shows: is the phone answered, and this week against the last.",
		Answer:  `{"answering": {"ok": bool, "reason": "word", "number": "id"}, "week": {"calls", "answered", "missed", "seconds"}, "before": {…}, "days": [{"day", "answered", "missed"}], "live": n}`,
		Errors:  "403 the person may not view calls",
	}, e.home)
	f.Handle(facade.Route{
		Method: "GET", Path: "/api/calls/{id}/recording", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "The recording, with range requests.", Answer: "audio/wav or audio/mpeg", Errors: "403 the person may not view calls · 404 there is none (yet)",
	}, e.serveRecording)
	f.Handle(facade.Route{
		Method: "POST", Path: "/api/calls/{id}/end", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Hangs up a running call, or takes back one that waits to be placed.", Answer: `{"ended": true}`, Errors: "403 viewers may not · 409 the call is over or cannot be controlled · 502 the provider refused",
	}, e.endCall)
	f.Handle(facade.Route{
		Method: "POST", Path: "/api/calls/{id}/say", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "Lets the assistant say something in a running call.", Body: `{"content": "text, at most 1,000 characters"}`,
		Answer: `{"said": true}`, Errors: "400 no text · 403 viewers may not · 409 the call is over or cannot be controlled · 502 the provider refused",
	}, e.sayInCall)
}

// documentWebhook describes the routes webhookRoute binds.
func (e *engine) documentWebhook() {
	r := facade.Route{
		Method: "POST", Path: "/api/webhooks/vapi", Auth: facade.Signature, System: facade.CoreComm, Item: "S-332",
		Summary: "Takes in the messages Vapi sends about calls; proven by X-Vapi-Secret, a bearer token or an HMAC.",
		Body:    `{"message": {"type", "timestamp", "call", …}}, at most 5 MB`,
		Answer: `{"data": {"received": true}}; assistant-request: {"assistantId" | "destination" | "error", "data": {"assistant" | "error"}}; ` +
			`tool-calls: {"results": [{"toolCallId", "name", "result" | "error"}], "data": {"result"}}, always 200; function-call: {"result", "data": {"result"}}`,
		Errors: "401 no valid proof · 413 larger than 5 MB · 429 more than the organization's rate · 503 not stored, send it again",
	}
	e.Facade.Document(r)
	r.Path, r.System, r.Item = "/functions/v1/webhooks/receive", facade.AlloKoli, "S-164"
	e.Facade.Document(r)
}

// mayHear is the caller in the path's organization, when calls may be viewed.
func (e *engine) mayHear(re *core.RequestEvent) (*tenant.Tenant, error) {
	t, err := tenant.In(re, re.Request.PathValue("organization"))
	if err != nil {
		return nil, err
	}
	if !t.Can(collections.CanViewCalls) {
		return nil, facade.Error(http.StatusForbidden, "Your role does not allow viewing calls")
	}
	return t, nil
}

// callOf is the call of the path, in its organization; 404 for everybody who
// may not view it.
func (e *engine) callOf(re *core.RequestEvent) (*core.Record, *tenant.Tenant, error) {
	call, err := database.Found(e.app.FindRecordById(collections.Calls, re.Request.PathValue("id")))
	if err != nil {
		return nil, nil, err
	}
	if call == nil {
		return nil, nil, facade.Error(http.StatusNotFound, "There is no such call")
	}
	t, err := tenant.In(re, call.GetString("organization"))
	if err != nil {
		return nil, nil, facade.Error(http.StatusNotFound, "There is no such call")
	}
	if !t.Can(collections.CanViewCalls) {
		return nil, nil, facade.Error(http.StatusForbidden, "Your role does not allow viewing calls")
	}
	return call, t, nil
}

// workCall is callOf for people who may act in calls.
func (e *engine) workCall(re *core.RequestEvent) (*core.Record, *tenant.Tenant, error) {
	call, t, err := e.callOf(re)
	if err == nil && !mayWork(t) {
		return nil, nil, facade.Error(http.StatusForbidden, "Your role does not allow acting in calls")
	}
	return call, t, err
}

// mayWork tells who may act in calls: the roles that work them, when they may
// view them.
func mayWork(t *tenant.Tenant) bool {
	return t.Can(collections.CanViewCalls) && t.Is(collections.Owner, collections.Admin, collections.Manager, collections.Agent)
}

func badField(_ *core.RequestEvent, err error) error {
	var f fieldError
	if errors.As(err, &f) {
		return facade.Error(http.StatusBadRequest, "Invalid query parameters", map[string]string{f.field: f.text})
	}
	return err
}

// exportMax bounds one CSV file.
const exportMax = 50_000

// exportCalls writes the filtered list page by page.
func (e *engine) exportCalls(re *core.RequestEvent) error {
	t, err := e.mayHear(re)
	if err != nil {
		return err
	}
	q, err := parseQuery(re.Request, t.Organization)
	if err != nil {
		return badField(re, err)
	}
	zone, err := time.LoadLocation(t.Organization.GetString("timezone"))
	if err != nil {
		zone = time.UTC
	}
	q.Limit, q.After = pageMax, nil
	download(re, "calls-"+time.Now().In(zone).Format(time.DateOnly)+".csv", "text/csv; charset=utf-8")
	w := sheet.New(re.Response, "id", "started_at", "call_type", "caller_number", "caller_name", "recipient_number", "status", "outcome", "duration_seconds",
		"cost_usd", "resolution_status", "priority", "sentiment", "ended_reason", "summary", "time_zone")
	for written := 0; written < exportMax; {
		p, err := e.list(re.Request, q)
		if err != nil {
			e.app.Logger().Warn("export cut short", "error", err)
			break
		}
		for _, r := range p.rows {
			i, err := r.item()
			if err != nil {
				e.app.Logger().Warn("call left out of an export", "error", err)
				continue
			}
			w.Row(csvRow(i, zone, re.Auth.GetString("language"))...)
		}
		written += len(p.rows)
		if w.Flush() != nil || p.next == "" { // the reader left, or the end
			break
		}
		c, err := decodeCursor(p.next)
		if err != nil {
			return err
		}
		q.After = &c
	}
	return nil
}

// csvRow is a call for people: a hidden caller is called so in their language, as
// the list does, and so is one of whom no number came; whoever calls from a page
// has none. The zone has a column of its own: a spreadsheet takes a time with a zone
// beside it for text.
func csvRow(i item, zone *time.Location, language string) []string {
	shown := func(number string) string {
		switch {
		case !phone.IsHidden(number):
			return number
		case language == "fr":
			return "masqué"
		}
		return "hidden"
	}
	caller := i.CallerNumber
	if caller == "" && i.CallType == collections.Inbound && i.Channel != "web" {
		caller = phone.Unknown
	}
	started := i.StartedAt
	if at, err := parseInstant(i.StartedAt); err == nil && at != 0 {
		started = at.Time().In(zone).Format("2006-01-02 15:04:05")
	}
	return []string{i.ID, started, i.CallType, shown(caller), i.ContactName, shown(i.RecipientNumber), i.Status, i.Outcome, strconv.FormatInt(i.DurationSeconds, 10),
		fmt.Sprintf("%.4f", float64(i.CostMicros)/1e6), i.ResolutionStatus, i.Priority, i.Sentiment, i.EndedReason, i.Summary,
		zone.String()}
}
