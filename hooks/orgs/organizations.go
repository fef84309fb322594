package orgs

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

var listOrganizationsRoute = facade.Route{
	Method: "GET", Path: "/api/organizations", Auth: facade.SignedIn, System: facade.CoreComm, Item: "S-269",
	Summary: "The organizations the caller belongs to, the one used last first. Of one whose rules turn the caller away, the own membership alone: the rest is empty.",
	Answer: `{"companies": [{"id", "name", "company_size", "member_key", "industry", "timezone", "member_count", "membership_role", "membership_status",
			"is_default", "joined_at", "last_accessed", "status", "paused", "deletes_at"}]}`,
}

var selectOrganizationRoute = facade.Route{
	Method: "POST", Path: "/api/organizations/select", Auth: facade.SignedIn, System: facade.CoreComm, Item: "S-270",
	Summary: "Makes an organization the active one and sets the cookie selected_company_id.",
	Body:    `{"companyId": id}`,
	Answer:  `{"success": true}`,
	Errors:  "403 for who does not belong to it",
}

var answerLimitsRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/limits", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "What the plan allows and what is used; 0 is no limit. Minutes are of this calendar month.",
	Answer:  `{"plan": …, "limits": {"minutes", "numbers", "members", "assistants"}, "used": {…}}`,
}

var answerOpenRoute = facade.Route{
	Method: "GET", Path: "/api/organizations/{organization}/open", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Whether the organization is open, why, and when that changes.",
	Query:   "at: RFC 3339, default now",
	Answer:  `{"open": bool, "reason": "always"|"hours"|"special_hours"|"outside_hours"|"day_off"|"closure", "closure"?: name of the special day, "next_change": time or null}`,
}

// fillOrganization sets what a new organization left out.
func fillOrganization(e *core.RecordEvent) error {
	for name, value := range map[string]string{
		"status": collections.OrganizationActive, "plan": collections.Plans[0], "balance_state": collections.BalanceOK,
		"timezone": "UTC", "language": collections.Languages[0], "currency": "USD",
	} {
		if e.Record.GetString(name) == "" {
			e.Record.Set(name, value)
		}
	}
	if e.Record.GetString("member_key") == "" {
		e.Record.Set("member_key", "mk_"+strings.ToLower(rand.Text()))
	}
	return e.Next()
}

// openAccount starts the money of a new organization: an empty wallet and a
// trial (requirements S-339).
func openAccount(tx atomic.Tx, _, organization *core.Record) error {
	now := time.Now()
	end := rows.Stamp(now.AddDate(0, 0, collections.TrialDays))
	if _, err := tx.Exec(`INSERT INTO wallets (id, organization, balance_minor, currency, created, updated) VALUES (?, ?, 0, ?, ?, ?)`,
		core.GenerateDefaultRandomId(), organization.Id, organization.GetString("currency"), rows.Stamp(now),
		rows.Stamp(now)); err != nil {
		return fmt.Errorf("wallet: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO subscriptions (id, organization, [plan], status, provider_subscription_id, provider_customer_id, trial_ends_at,
		current_period_start, current_period_end, canceled_at, created, updated) VALUES (?, ?, ?, ?, '', '', ?, ?, ?, '', ?, ?)`,
		core.GenerateDefaultRandomId(), organization.Id, organization.GetString("plan"), collections.SubscriptionTrialing,
		end, rows.Stamp(now), end,
		rows.Stamp(now), rows.Stamp(now)); err != nil {
		return fmt.Errorf("trial: %w", err)
	}
	return nil
}

var (
	twoLetters   = regexp.MustCompile(`^[A-Z]{2}$`)
	threeLetters = regexp.MustCompile(`^[A-Z]{3}$`)
)

// validateOrganization checks what the columns' types cannot: zone, hours,
// closures, country, currency, origins.
func validateOrganization(e *core.RecordEvent) error {
	o, found := e.Record, validation.Errors{}
	changed := func(name string) bool { return o.IsNew() || o.GetString(name) != o.Original().GetString(name) }
	say := func(name string, err error) {
		if err != nil {
			found[name] = validation.NewError("validation_invalid_"+name, err.Error())
		}
	}
	if changed("timezone") {
		_, err := hours.Zone(o.GetString("timezone"))
		say("timezone", err)
	}
	if changed("business_hours") {
		_, err := hours.Week(rows.JSON(o, "business_hours"))
		say("business_hours", err)
	}
	if changed("closures") {
		_, err := hours.Closures(rows.JSON(o, "closures"))
		say("closures", err)
	}
	if country := o.GetString("country"); changed("country") && country != "" && !twoLetters.MatchString(country) {
		say("country", fmt.Errorf("Use the country's two letters, for example FR."))
	}
	if changed("currency") && !threeLetters.MatchString(o.GetString("currency")) {
		say("currency", fmt.Errorf("Use the currency's three letters, for example USD."))
	}
	if changed("trusted_origins") {
		say("trusted_origins", checkOrigins(rows.JSON(o, "trusted_origins")))
	}
	if len(found) > 0 {
		return found
	}
	return e.Next()
}

// checkOrigins reads a list of web origins: scheme and host, nothing behind.
func checkOrigins(raw []byte) error {
	if raw == nil {
		return nil
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf(`Give a list like ["https://www.example.com"].`)
	}
	for _, origin := range list {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			return fmt.Errorf("%q is not an origin like https://www.example.com.", origin)
		}
	}
	return nil
}

const selectMine = `SELECT o.id, o.name, o.company_size, o.member_key, o.industry, o.timezone, o.status, o.paused, o.deletes_at,
	m.role, m.status, m.is_default, m.joined_at, m.last_accessed_at,
	(SELECT count(*) FROM memberships n JOIN users u ON u.id = n.user WHERE n.organization = o.id AND n.status = 'active' AND NOT u.is_service)
	FROM memberships m JOIN organizations o ON o.id = m.organization
	WHERE m.user = ? AND m.status = 'active' ORDER BY m.last_accessed_at DESC, m.created, m.id`

// listOrganizations is GET /api/organizations. What an organization says of
// itself is for whom its gate admits; the own membership is seen in any case.
func (d *domain) listOrganizations(e *core.RequestEvent) error {
	open, _ := tenant.Open(e)
	found, err := atomic.Reads(e.App).Query(selectMine, e.Auth.Id)
	if err != nil {
		return err
	}
	defer found.Close()
	companies := []map[string]any{}
	for found.Next() {
		var id, name, size, key, industry, zone, status, deletes, role, membership, joined, accessed string
		var paused, standard bool
		var people int
		if err := found.Scan(&id, &name, &size, &key, &industry, &zone, &status, &paused, &deletes, &role,
			&membership, &standard, &joined, &accessed, &people); err != nil {
			return err
		}
		if !slices.Contains(open, id) {
			name, size, key, industry, zone, status, deletes, paused, people = "", "", "", "", "", "", "", false, 0
		}
		companies = append(companies, map[string]any{
			"id": id, "name": name, "company_size": size, "member_key": key, "industry": industry, "timezone": zone,
			"member_count":    people,
			"membership_role": role, "membership_status": membership, "is_default": standard, "joined_at": rows.Said(joined),
			"last_accessed": rows.Said(accessed),
			"status":        status, "paused": paused, "deletes_at": rows.Said(deletes),
		})
	}
	if err := found.Err(); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"companies": companies})
}

// selectOrganization is POST /api/organizations/select.
func (d *domain) selectOrganization(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	id, _ := body["companyId"].(string)
	if id == "" {
		return refusal.Invalid(map[string]string{"companyId": "Required"})
	}
	t, err := tenant.In(e, id)
	if err != nil {
		// The document says 403; it is the same for organizations that do not exist.
		return refusal.Of("not_member/here")
	}
	if t.Membership != nil {
		if err := d.choose(e, t.UserID(), t.ID()); err != nil {
			return err
		}
	}
	tenant.SetCookie(e, t.ID(), d.PublicURL)
	return facade.JSON(e, http.StatusOK, map[string]any{"success": true})
}

// choose notes an organization as the person's last choice.
func (d *domain) choose(e *core.RequestEvent, user, organization string) error {
	return e.App.RunInTransaction(func(tx core.App) error {
		membership, err := tx.FindFirstRecordByFilter(collections.Memberships,
			"user = {:user} && organization = {:organization}",
			map[string]any{"user": user, "organization": organization})
		if err != nil {
			return err
		}
		membership.Set("last_accessed_at", types.NowDateTime())
		membership.Set("total_sessions", membership.GetInt("total_sessions")+1)
		membership.IgnoreUnchangedFields(true)
		if err := tx.SaveNoValidate(membership); err != nil {
			return err
		}
		person, err := tx.FindRecordById(collections.Users, user)
		if err != nil || person.GetString("last_organization") == organization {
			return err
		}
		person.Set("last_organization", organization)
		person.IgnoreUnchangedFields(true)
		return tx.SaveNoValidate(person)
	})
}

// answerOpen is GET /api/organizations/{organization}/open.
func answerOpen(e *core.RequestEvent) error {
	t, err := tenant.InPath(e)
	if err != nil {
		return err
	}
	at := time.Now()
	if asked := e.Request.URL.Query().Get("at"); asked != "" {
		if at, err = hours.From(asked, t.Organization.GetString("timezone")); err != nil {
			return refusal.Of("invalid_request/query").At("at", "Must be a time like 2026-12-24T18:00:00Z")
		}
	}
	o := t.Organization
	schedule, err := hours.Read(o.GetString("timezone"), rows.JSON(o, "business_hours"), rows.JSON(o, "closures"))
	if err != nil {
		return fmt.Errorf("stored hours of %s: %w", o.Id, err)
	}
	open, reason, next := hours.Open(schedule, at)
	answer := map[string]any{"open": open, "reason": reason, "next_change": rows.OrNil(rows.SaidAt(next))}
	if c := schedule.On(hours.DateOf(at.In(schedule.Zone))); c != nil && c.Name != "" {
		answer["closure"] = c.Name
	}
	return facade.JSON(e, http.StatusOK, answer)
}
