package lists

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/sheet"
)

// badField answers for a query that names what there is not.
func badField(err error) error {
	var f fieldError
	if errors.As(err, &f) {
		return refusal.Of("invalid_request/query").At(f.field, f.text)
	}
	return err
}

// exportMax bounds one CSV file.
const exportMax = 50_000

// exportCalls writes the filtered list page by page.
func (l *Lists) exportCalls(re *core.RequestEvent) error {
	q, organization, err := asked(re)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(organization.GetString("timezone"))
	if err != nil {
		zone = time.UTC
	}
	done, err := q.turn(re)
	if err != nil {
		return err
	}
	defer done()
	q.Limit, q.After = pageMax, nil
	Download(re, "calls-"+time.Now().In(zone).Format(time.DateOnly)+".csv", "text/csv; charset=utf-8")
	w := sheet.New(re.Response, "id", "started_at", "call_type", "caller_number", "caller_name", "recipient_number",
		"status", "outcome",
		"answered", "missed", "duration_seconds", "cost_usd", "resolution_status", "priority", "sentiment",
		"ended_reason", "summary", "time_zone")
	for written := 0; written < exportMax; {
		p, err := l.list(re.Request, q)
		if err != nil {
			l.app.Logger().Warn("export cut short", "error", err)
			break
		}
		for _, r := range p.rows {
			r.masked = q.Masked
			i, err := r.item()
			if err != nil {
				l.app.Logger().Warn("call left out of an export", "error", err)
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
	if at, err := types.ParseDateTime(i.StartedAt); err == nil && !at.IsZero() {
		started = at.Time().In(zone).Format("2006-01-02 15:04:05")
	}
	return []string{i.ID, started, i.CallType, shown(caller), i.ContactName, shown(i.RecipientNumber), i.Status, i.Outcome,
		strconv.FormatBool(i.Answered), strconv.FormatBool(i.Missed), strconv.FormatInt(i.DurationSeconds, 10),
		fmt.Sprintf("%.4f", float64(i.CostMicros)/1e6), i.ResolutionStatus, i.Priority, i.Sentiment, i.EndedReason, i.Summary,
		zone.String()}
}

// Download begins an answer that is a file of the given name.
func Download(re *core.RequestEvent, name, contentType string) {
	header := re.Response.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	header.Set("Cache-Control", "private, no-store")
	re.Response.WriteHeader(http.StatusOK)
}
