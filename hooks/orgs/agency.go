package orgs

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// agencyMost bounds one overview and one bulk change.
const agencyMost = 500

// Reasons for attention, worst first.
var attentionOrder = []string{"closed", "suspended", "balance_empty", "paused", "no_number", "sync_failed", "incident", "minutes_used_up", "balance_low", "minutes_low"}

func (d *domain) agency() {
	d.Facade.Handle(facade.Route{
		Method: "GET", Path: "/api/agency", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "A row for each organization the caller owns or administers, those that need attention first. For people of two or more.",
		Answer: `{"organizations": [{"id", "name", "status", "paused", "calls_7d", "days": [n × 7], "answered_percent": n or null, "open_items", "balance_minor", "currency",
			"minutes_used", "minutes_limit": 0 for none, "last_incident": {"at", "what"} or null, "attention": ["` + strings.Join(attentionOrder, `"|"`) + `"]}]}`,
		Errors: "403 for who runs fewer than two",
	}, d.overview)
	d.Facade.Handle(facade.Route{
		Method: "POST", Path: "/api/agency/bulk", Auth: facade.SignedIn, System: facade.Pocketline,
		Summary: "One change to several organizations the caller owns or administers. limit lowers the minutes of a month below the plan's; 0 takes that back.",
		Body:    `{"organizations": [id], "action": "pause"|"resume"|"limit"|"invite", "minutes"?, and for invite the body of POST /api/team-members}`,
		Answer:  `{"results": [{"organization", "ok": bool, "error"?, "inviteLink"?, "emailSent"?}]}`, Errors: "400 with reasons",
	}, d.bulk)
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
		return refuse(http.StatusForbidden, "This overview is for who owns or administers two organizations or more.")
	}
	rows := make([]clientRow, 0, len(mine))
	for _, m := range mine[:min(len(mine), agencyMost)] {
		o := tenant.OrganizationOf(e.App, m.GetString("organization"))
		if o == nil {
			continue
		}
		row, err := clientOf(reads(e.App), o, time.Now())
		if err != nil {
			return err
		}
		row.Role = m.GetString("role")
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b clientRow) int {
		if by := urgency(a) - urgency(b); by != 0 {
			return by
		}
		if by := b.Calls - a.Calls; by != 0 {
			return by
		}
		return strings.Compare(a.Name, b.Name)
	})
	return e.JSON(http.StatusOK, map[string]any{"organizations": rows})
}

// urgency is the place of the worst reason.
func urgency(r clientRow) int {
	if len(r.Attention) == 0 {
		return len(attentionOrder)
	}
	return slices.Index(attentionOrder, r.Attention[0])
}

// countDays counts the calls of seven days in one walk over one index: answered
// ones, those that are over, those nobody has settled, and a sum for each day.
const countDays = `SELECT coalesce(sum(answered_at != '' AND outcome != 'voicemail'), 0), coalesce(sum(answered_at != '' OR ended_at != ''), 0),
	coalesce(sum(ended_at != '' AND resolution_status IN ('pending', 'escalated')), 0),
	coalesce(sum(started_at < ?), 0), coalesce(sum(started_at >= ? AND started_at < ?), 0), coalesce(sum(started_at >= ? AND started_at < ?), 0),
	coalesce(sum(started_at >= ? AND started_at < ?), 0), coalesce(sum(started_at >= ? AND started_at < ?), 0),
	coalesce(sum(started_at >= ? AND started_at < ?), 0), coalesce(sum(started_at >= ?), 0)
	FROM calls INDEXED BY idx_calls_organization_started_at WHERE organization = ? AND started_at >= ?`

// clientOf is one row: a handful of reads on indexes of one organization.
func clientOf(tx atomic.Tx, o *core.Record, now time.Time) (clientRow, error) {
	row := clientRow{
		ID: o.Id, Name: o.GetString("name"), Status: o.GetString("status"), Paused: o.GetBool("paused"), Currency: o.GetString("currency"), Attention: []string{},
		Limit: limitsOf(o.GetString("plan"), rawJSON(o, "limits")).Minutes,
	}
	zone, err := hours.Zone(o.GetString("timezone"))
	if err != nil {
		zone = time.UTC
	}
	y, m, day := now.In(zone).Date()
	var bounds [7]string // the beginnings of the last seven days, there
	for i := range bounds {
		bounds[i] = stamp(time.Date(y, m, day-6+i, 0, 0, 0, 0, zone))
	}
	args := []any{bounds[1]}
	for i := 1; i < 6; i++ {
		args = append(args, bounds[i], bounds[i+1])
	}
	args = append(args, bounds[6], o.Id, bounds[0])
	var answered, over int
	into := []any{&answered, &over, &row.Open}
	for i := range row.Days {
		into = append(into, &row.Days[i])
	}
	if err := atomic.One(tx, countDays, args, into...); err != nil {
		return row, fmt.Errorf("calls of %s: %w", o.Id, err)
	}
	for _, n := range row.Days {
		row.Calls += n
	}
	if over > 0 {
		percent := answered * 100 / over
		row.Answered = &percent
	}
	var seconds, numbers, broken int
	var failure string // "time outcome" of the last call that failed
	if err := atomic.One(tx, countRest, []any{o.Id, stamp(monthStart(now, o.GetString("timezone"))), o.Id, o.Id, o.Id, o.Id, o.Id, o.Id},
		&seconds, &row.Balance, &row.Currency, &numbers, &broken, &failure); err != nil {
		return row, fmt.Errorf("figures of %s: %w", o.Id, err)
	}
	row.Used = (seconds + 59) / 60
	at, outcome, failed := strings.Cut(failure, "|")
	if failed {
		row.Incident = &incident{said(at), outcome}
	}
	row.judge(o.GetString("balance_state"), numbers, broken, failed && at >= stamp(now.Add(-24*time.Hour)))
	return row, nil
}

// countRest is everything else about one organization, each part an index away.
const countRest = `SELECT (SELECT coalesce(sum(quantity), 0) FROM usage_events WHERE organization = ? AND at >= ? AND unit = 'second'),
	coalesce((SELECT balance_minor FROM wallets WHERE organization = ?), 0), coalesce((SELECT currency FROM wallets WHERE organization = ?), ''),
	(SELECT count(*) FROM phone_numbers WHERE organization = ? AND provider != 'other' AND sync_status != 'deleting'),
	(SELECT count(*) FROM phone_numbers WHERE organization = ? AND sync_status = 'failed') +
		(SELECT count(*) FROM assistants WHERE organization = ? AND sync_status = 'failed'),
	coalesce((SELECT started_at || '|' || outcome FROM calls WHERE organization = ? AND status = 'failed' ORDER BY started_at DESC LIMIT 1), '')`

// judge names what needs somebody.
func (r *clientRow) judge(balance string, numbers, broken int, failedToday bool) {
	is := map[string]bool{
		"closed": r.Status == collections.OrganizationClosed, "suspended": r.Status == collections.OrganizationSuspended, "paused": r.Paused,
		"balance_empty": balance == collections.BalanceEmpty, "balance_low": balance == collections.BalanceLow, "no_number": numbers == 0, "sync_failed": broken > 0,
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
		return facade.Invalid(map[string]string{"minutes": "Required"})
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
	return e.JSON(http.StatusOK, map[string]any{"results": results})
}

func idsOf(given []any) ([]string, error) {
	ids := make([]string, 0, len(given))
	for _, one := range given {
		id, ok := one.(string)
		if !ok {
			return nil, facade.Invalid(map[string]string{"organizations": "Must be a list of ids"})
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || len(ids) > agencyMost {
		return nil, facade.Invalid(map[string]string{"organizations": fmt.Sprintf("Must name 1 to %d organizations", agencyMost)})
	}
	return ids, nil
}

func (d *domain) bulkOne(e *core.RequestEvent, id, action string, minutes int, columns map[string]any, result *bulkResult) error {
	t, err := tenant.In(e, id)
	if err != nil || !t.Is(collections.Owner, collections.Admin) {
		return refuse(http.StatusForbidden, "You neither own nor administer this organization.")
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
		if power, err := actor(tx, e, t); err != nil || !power.all && power.role != collections.Owner && power.role != collections.Admin {
			return errors.Join(err, refuse(http.StatusForbidden, "You neither own nor administer this organization any more."))
		}
		o, err := tx.FindRecordById(collections.Organizations, id)
		if err != nil {
			return err
		}
		if o.GetString("status") == collections.OrganizationClosed {
			return refuse(http.StatusConflict, "This organization is being deleted.")
		}
		switch action {
		case "limit":
			var cap any
			if minutes > 0 {
				cap = minutes
			}
			err = setLimit(o, "minutes_cap", cap)
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
