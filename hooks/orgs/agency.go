package orgs

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// agencyMost bounds one overview and one bulk change.
const agencyMost = 500

// Reasons for attention, worst first.
var attentionOrder = []string{"closed", "suspended", "balance_empty", "paused", "no_number", "sync_failed",
	"incident", "minutes_used_up", "balance_low", "minutes_low"}

var overviewRoute = facade.Route{
	Method: "GET", Path: "/api/agency", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "A row for each organization the caller owns or administers, those that need attention first. For people of two or more.",
	Answer: `{"organizations": [{"id", "name", "status", "paused", "calls_7d", "days": [n × 7], "answered_percent": n or null, "open_items", "balance_minor", "currency",
			"minutes_used", "minutes_limit": 0 for none, "last_incident": {"at", "what"} or null, "attention": ["` + strings.Join(attentionOrder, `"|"`) + `"]}]}`,
	Errors: "403 for who runs fewer than two",
}

var bulkRoute = facade.Route{
	Method: "POST", Path: "/api/agency/bulk", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "One change to several organizations the caller owns or administers. limit lowers the minutes of a month below the plan's; 0 takes that back.",
	Body: `{"organizations": [id], "action": "pause"|"resume"|"limit"|"invite", "minutes"?}; for invite also ` +
		memberBody,
	Answer: `{"results": [{"organization", "ok": bool, "error"?, "inviteLink"?, "emailSent"?}]}`,
	Errors: "400 with reasons",
}

type clientRow struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Status   string    `json:"status"`
	Paused   bool      `json:"paused"`
	Role     string    `json:"role"`
	Calls    int       `json:"calls_7d"`
	Days     [7]int    `json:"days"`
	Answered *int      `json:"answered_percent"`
	Open     int       `json:"open_items"`
	Balance  int64     `json:"balance_minor"`
	Currency string    `json:"currency"`
	Used     int       `json:"minutes_used"`
	Limit    int       `json:"minutes_limit"`
	Incident *incident `json:"last_incident"`
	// Attention are words of attentionOrder; empty when all is well.
	Attention []string `json:"attention"`
}

type incident struct {
	At   any    `json:"at"`
	What string `json:"what"` // an outcome of calls
}

// managed are the organizations the caller owns or administers.
func managed(e *core.RequestEvent) []*core.Record {
	return slices.DeleteFunc(slices.Clone(tenant.MembershipsOf(e.App, e.Auth.Id)), func(m *core.Record) bool {
		role := m.GetString("role")
		return role != collections.Owner && role != collections.Admin || tenant.Admit(e, m.GetString("organization")) != nil
	})
}

// overview is GET /api/agency.
func (d *domain) overview(e *core.RequestEvent) error {
	mine := managed(e)
	if len(mine) < 2 {
		return refusal.Of("forbidden/agency")
	}
	found := make([]clientRow, 0, len(mine))
	for _, m := range mine[:min(len(mine), agencyMost)] {
		o := tenant.OrganizationOf(e.App, m.GetString("organization"))
		if o == nil {
			continue
		}
		row, err := d.clientOf(atomic.Reads(e.App), o, time.Now())
		if err != nil {
			return err
		}
		row.Role = m.GetString("role")
		found = append(found, row)
	}
	slices.SortStableFunc(found, func(a, b clientRow) int {
		if by := urgency(a) - urgency(b); by != 0 {
			return by
		}
		if by := b.Calls - a.Calls; by != 0 {
			return by
		}
		return strings.Compare(a.Name, b.Name)
	})
	return facade.JSON(e, http.StatusOK, map[string]any{"organizations": found})
}

// urgency is the place of the worst reason.
func urgency(r clientRow) int {
	if len(r.Attention) == 0 {
		return len(attentionOrder)
	}
	return slices.Index(attentionOrder, r.Attention[0])
}

// clientOf is one row: a handful of reads on indexes of one organization.
func (d *domain) clientOf(tx atomic.Tx, o *core.Record, now time.Time) (clientRow, error) {
	row := clientRow{
		ID: o.Id, Name: o.GetString("name"), Status: o.GetString("status"), Paused: o.GetBool("paused"),
		Currency: o.GetString("currency"), Attention: []string{},
		Limit: limitsOf(o.GetString("plan"), rows.JSON(o, "limits")).Minutes,
	}
	zone, err := hours.Zone(o.GetString("timezone"))
	if err != nil {
		zone = time.UTC
	}
	week, err := d.Week(tx, o.Id, zone, now)
	if err != nil {
		return row, err
	}
	row.Days, row.Open = week.Days, week.Open
	for _, n := range row.Days {
		row.Calls += n
	}
	if rang := week.Answered + week.Missed; rang > 0 {
		percent := week.Answered * 100 / rang
		row.Answered = &percent
	}
	var seconds, numbers, broken int
	if err := atomic.One(tx, countRest, []any{o.Id, rows.Stamp(monthStart(now, o.GetString("timezone"))),
		o.Id, o.Id, o.Id, o.Id, o.Id},
		&seconds, &row.Balance, &row.Currency, &numbers, &broken); err != nil {
		return row, fmt.Errorf("figures of %s: %w", o.Id, err)
	}
	row.Used = (seconds + 59) / 60
	if week.FailedAt != "" {
		row.Incident = &incident{rows.Said(week.FailedAt), week.Outcome}
	}
	row.judge(o.GetString("balance_state"), numbers, broken, week.FailedAt >= rows.Stamp(now.Add(-24*time.Hour)))
	return row, nil
}

// countRest is everything else about one organization, each part an index away.
const countRest = `SELECT (SELECT coalesce(sum(quantity), 0) FROM usage_events WHERE organization = ? AND at >= ? AND unit = 'second'),
	coalesce((SELECT balance_minor FROM wallets WHERE organization = ?), 0), coalesce((SELECT currency FROM wallets WHERE organization = ?), ''),
	(SELECT count(*) FROM phone_numbers WHERE organization = ? AND provider != 'other' AND sync_status != 'deleting'),
	(SELECT count(*) FROM phone_numbers WHERE organization = ? AND sync_status = 'failed') +
		(SELECT count(*) FROM assistants WHERE organization = ? AND sync_status = 'failed')`

// judge names what needs somebody.
func (r *clientRow) judge(balance string, numbers, broken int, failedToday bool) {
	is := map[string]bool{
		"closed": r.Status == collections.OrganizationClosed, "suspended": r.Status == collections.OrganizationSuspended,
		"paused":        r.Paused,
		"balance_empty": balance == collections.BalanceEmpty, "balance_low": balance == collections.BalanceLow,
		"no_number": numbers == 0, "sync_failed": broken > 0,
		"incident":        failedToday,
		"minutes_used_up": r.Limit > 0 && r.Used >= r.Limit,
		"minutes_low":     r.Limit > 0 && r.Used < r.Limit && r.Used*10 >= r.Limit*8,
	}
	for _, reason := range attentionOrder {
		if is[reason] {
			r.Attention = append(r.Attention, reason)
		}
	}
}

type bulkResult struct {
	Organization string `json:"organization"`
	OK           bool   `json:"ok"`
	Error        string `json:"error,omitempty"`
	InviteLink   string `json:"inviteLink,omitempty"`
	EmailSent    *bool  `json:"emailSent,omitempty"`
}

// bulk is POST /api/agency/bulk. Each organization is its own change: one that
// is refused does not hold back the others.
func (d *domain) bulk(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	if _, err := facade.Read([]facade.Field{
		{Name: "organizations", Kind: facade.List, Required: true},
		{Name: "action", Required: true, OneOf: []string{"pause", "resume", "limit", "invite"}},
		{Name: "minutes", Kind: facade.Integer, Max: 1e7},
	}, body, true); err != nil {
		return err
	}
	action := body["action"].(string)
	ids, err := idsOf(body["organizations"].([]any))
	if err != nil {
		return err
	}
	minutes, given := body["minutes"].(float64)
	if action == "limit" && !given {
		return refusal.Invalid(map[string]string{"minutes": "Required"})
	}
	var columns map[string]any
	if action == "invite" {
		if columns, err = readInvite(body); err != nil {
			return err
		}
	}
	results := make([]bulkResult, 0, len(ids))
	for _, id := range ids {
		result := bulkResult{Organization: id}
		err := d.bulkOne(e, id, action, int(minutes), columns, &result)
		if err != nil {
			result.Error = d.spoken(e, err)
		}
		result.OK = err == nil
		results = append(results, result)
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"results": results})
}

func idsOf(given []any) ([]string, error) {
	ids := make([]string, 0, len(given))
	for _, one := range given {
		id, ok := one.(string)
		if !ok {
			return nil, refusal.Invalid(map[string]string{"organizations": "Must be a list of ids"})
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || len(ids) > agencyMost {
		return nil,
			refusal.Invalid(map[string]string{"organizations": fmt.Sprintf("Must name 1 to %d organizations", agencyMost)})
	}
	return ids, nil
}

func (d *domain) bulkOne(e *core.RequestEvent, id, action string, minutes int, columns map[string]any,
	result *bulkResult) error {
	t, err := tenant.In(e, id)
	if err != nil || !t.Is(collections.Owner, collections.Admin) {
		return refusal.Of("forbidden/administer")
	}
	if action == "invite" {
		_, link, err := d.offer(e, t.Organization, columns, func(tx core.App) (authority, error) { return manager(tx, e, t) })
		if err != nil {
			return err
		}
		answer := d.linkAnswer(e, link)
		sent := answer["emailSent"].(bool)
		result.InviteLink, result.EmailSent = answer["inviteLink"].(string), &sent
		return nil
	}
	return e.App.RunInTransaction(func(tx core.App) error {
		if power, err := actor(tx, e, t); err != nil || !power.all && power.role != collections.Owner &&
			power.role != collections.Admin {
			return errors.Join(err, refusal.Of("forbidden/administer_no_more"))
		}
		o, err := tx.FindRecordById(collections.Organizations, id)
		if err != nil {
			return err
		}
		if o.GetString("status") == collections.OrganizationClosed {
			return refusal.Of("organization_deleted/begun")
		}
		switch action {
		case "limit":
			var cap any
			if minutes > 0 {
				cap = minutes
			}
			err = rows.SetKey(o, "limits", "minutes_cap", cap)
		default:
			o.Set("paused", action == "pause")
		}
		if err != nil {
			return err
		}
		audit.By(e, o)
		return tx.Save(o)
	})
}

// spoken is an error's sentence; what is the server's own goes to the log.
func (d *domain) spoken(e *core.RequestEvent, err error) string {
	if text := sentenceOf(err); text != "" {
		return text
	}
	e.App.Logger().Error("bulk change failed", "error", err)
	return "This did not work. Try again."
}

// sentenceOf is what an error tells the caller, "" when it is none of theirs.
func sentenceOf(err error) string {
	if refused := refusal.From(err); refused != nil {
		return refused.Text
	}
	var api *router.ApiError
	if errors.As(err, &api) {
		return api.Message
	}
	return ""
}
