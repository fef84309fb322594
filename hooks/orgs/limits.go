package orgs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Limits are what a plan allows; 0 is no limit. Minutes are of calls in one
// calendar month of the organization's zone.
type Limits struct {
	Minutes    int `json:"minutes"`
	Numbers    int `json:"numbers"`
	Members    int `json:"members"`
	Assistants int `json:"assistants"`
}

// plans are the limits of each plan. The free one holds a whole small business:
// an installation that sells nothing is not in its own way.
var plans = map[string]Limits{
	"free":       {Minutes: 500, Numbers: 5, Members: 10, Assistants: 10},
	"pro":        {Minutes: 5_000, Numbers: 25, Members: 50, Assistants: 50},
	"enterprise": {},
}

// overrides are what organizations.limits may hold: the operator's exceptions
// from the plan, and the cap an agency sets on a client.
type overrides struct {
	Minutes    *int `json:"minutes,omitempty"`
	Numbers    *int `json:"numbers,omitempty"`
	Members    *int `json:"members,omitempty"`
	Assistants *int `json:"assistants,omitempty"`
	// MinutesCap can only lower what the plan allows.
	MinutesCap int `json:"minutes_cap,omitempty"`
}

// limitsOf are the limits of an organization: its plan's, the operator's
// exceptions, the agency's cap.
func limitsOf(plan string, stored []byte) Limits {
	l, ok := plans[plan]
	if !ok {
		l = plans[collections.Plans[0]]
	}
	var o overrides
	if len(stored) > 0 && json.Unmarshal(stored, &o) != nil {
		return l // something an operator wrote by hand: the plan counts
	}
	for value, into := range map[*int]*int{o.Minutes: &l.Minutes, o.Numbers: &l.Numbers, o.Members: &l.Members,
		o.Assistants: &l.Assistants} {
		if value != nil && *value >= 0 {
			*into = *value
		}
	}
	if o.MinutesCap > 0 && (l.Minutes == 0 || o.MinutesCap < l.Minutes) {
		l.Minutes = o.MinutesCap
	}
	return l
}

// Counts of what is used. People who wait for an invitation's answer hold a
// place; the accounts of API keys are nobody.
const (
	countAssistants = `SELECT count(*) FROM assistants WHERE organization = ? AND sync_status != 'deleting'`
	countNumbers    = `SELECT count(*) FROM phone_numbers WHERE organization = ? AND sync_status != 'deleting'`
	countMembers    = `SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user
		WHERE m.organization = ? AND m.status = 'active' AND NOT u.is_service`
	countInvited = `SELECT count(*) FROM invitations WHERE organization = ? AND status = 'pending'`
	countSeconds = `SELECT coalesce(sum(quantity), 0) FROM usage_events WHERE organization = ? AND at >= ? AND unit = 'second'`
)

// usedOf counts what an organization uses.
func usedOf(tx atomic.Tx, organization, zone string, now time.Time) (used Limits, err error) {
	for query, into := range map[string]*int{countAssistants: &used.Assistants, countNumbers: &used.Numbers,
		countMembers: &used.Members} {
		if *into, err = rows.Count(tx, query, organization); err != nil {
			return used, fmt.Errorf("limits: %w", err)
		}
	}
	invited, err := rows.Count(tx, countInvited, organization)
	if err != nil {
		return used, fmt.Errorf("limits: %w", err)
	}
	seconds, err := rows.Count(tx, countSeconds, organization, rows.Stamp(monthStart(now, zone)))
	if err != nil {
		return used, fmt.Errorf("limits: %w", err)
	}
	used.Members += invited
	used.Minutes = (seconds + 59) / 60
	return used, nil
}

// monthStart is when the month of now began in the organization's zone.
func monthStart(now time.Time, zone string) time.Time {
	location, err := hours.Zone(zone)
	if err != nil {
		location = time.UTC
	}
	local := now.In(location)
	return time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, location)
}

// The limits hold for everything that makes a row, whoever makes it.

func keepAssistants(tx atomic.Tx, _, after *core.Record) error {
	return keep(tx, after.GetString("organization"), "plan_full/assistants", countAssistants,
		func(l Limits) int { return l.Assistants }, 0)
}

func keepNumbers(tx atomic.Tx, _, after *core.Record) error {
	return keep(tx, after.GetString("organization"), "plan_full/phone_numbers", countNumbers,
		func(l Limits) int { return l.Numbers }, 0)
}

func keepMembers(tx atomic.Tx, before, after *core.Record) error {
	if after.GetString("status") != collections.MembershipActive || before != nil &&
		before.GetString("status") == collections.MembershipActive {
		return nil
	}
	if service, err := rows.Count(tx, `SELECT count(*) FROM users WHERE id = ? AND is_service`,
		after.GetString("user")); err != nil || service > 0 {
		return err
	}
	return keep(tx, after.GetString("organization"), "plan_full/members", countMembers, members, 0)
}

func members(l Limits) int { return l.Members }

// keep refuses with full when, in tx, more of something is there than the plan allows;
// more is what shall come on top of what is counted.
func keep(tx atomic.Tx, organization, full, query string, of func(Limits) int, more int) error {
	var plan, stored string
	if err := atomic.One(tx, `SELECT plan, coalesce(limits, '') FROM organizations WHERE id = ?`, []any{organization},
		&plan, &stored); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	most := of(limitsOf(plan, []byte(stored)))
	if most == 0 {
		return nil
	}
	n, err := rows.Count(tx, query, organization)
	if err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	if n+more <= most {
		return nil
	}
	return refusal.Of(full, most)
}

// answerLimits is GET /api/organizations/{organization}/limits.
func answerLimits(e *core.RequestEvent) error {
	t, err := tenant.InPath(e)
	if err != nil {
		return err
	}
	answer, err := limitsAnswer(e.App, t.Organization)
	if err != nil {
		return err
	}
	return e.JSON(http.StatusOK, answer)
}

func limitsAnswer(app core.App, organization *core.Record) (map[string]any, error) {
	used, err := usedOf(atomic.Reads(app), organization.Id, organization.GetString("timezone"), time.Now())
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"plan":   organization.GetString("plan"),
		"limits": limitsOf(organization.GetString("plan"), rows.JSON(organization, "limits")), "used": used,
	}, nil
}
