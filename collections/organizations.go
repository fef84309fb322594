package collections

import "github.com/pocketbase/pocketbase/core"

// Organizations are the businesses whose phone is answered: the tenants.
const Organizations = "organizations"

// States of an organization.
const (
	OrganizationActive    = "active"
	OrganizationSuspended = "suspended" // reads work, calls are not answered
	OrganizationClosed    = "closed"    // deletion is under way
)

// What the wallet allows, kept here so that answering a call needs one row.
const (
	BalanceOK    = "ok"
	BalanceLow   = "low"
	BalanceEmpty = "empty" // inbound calls go to the fallback, outbound are refused
)

// Plans an organization may be on. Only billing changes it.
var Plans = []string{"free", "pro", "enterprise"}

// CompanySizes as the old system named them.
var CompanySizes = []string{"small", "medium", "large"}

// Trades are what the dashboard offers as the trade of an organization, and the
// demonstration uses: each but the last has an assistant to begin with. The field
// takes any text, as the documented routes always did; what is none of these is
// shown as it was written.
var Trades = []string{"dental", "restaurant", "craft", "law", "shop", "other"}

func organizations() *core.Collection {
	c := base(Organizations,
		required(text("name", nameMax)),
		text("description", descriptionMax),
		choice("status", OrganizationActive, OrganizationSuspended, OrganizationClosed),
		choice("plan", Plans...),
		choice("balance_state", BalanceOK, BalanceLow, BalanceEmpty),
		choice("company_size", CompanySizes...),
		text("industry", nameMax),
		text("country", 2),
		text("timezone", 64),
		choice("language", Languages...),
		text("currency", 3),
		image("logo"),
		object("business_hours", SmallJSON),
		object("closures", SmallJSON),
		object("primary_goals", SmallJSON),
		number("expected_volume"),
		text("success_metrics", noteMax),
		text("current_volume", shortMax),
		text("current_solution", shortMax),
		text("member_key", 40),
		url("webhook_url"),
		object("trusted_origins", SmallJSON),
		object("limits", SmallJSON),
		object("metadata", SmallJSON),
		boolean("onboarding_completed"),
		object("setup_steps_completed", SmallJSON),
		relation("created_by", Users),
		boolean("paused"),  // an agency's switch: calls go to the fallback
		date("deletes_at"), // the grace period of a deletion ends
		// Callers' numbers are kept from MaskedRoles.
		boolean("mask_numbers"),
	)
	unique(c, "member_key", "member_key != ''")
	index(c, "created_by")
	access(c, Member(""), Member(""), "",
		frozen(Role("", Owner, Admin), "status", "plan", "balance_state", "limits", "member_key", "created_by",
			"paused", "deletes_at"), "")
	return c
}

var _ = declare(Organizations, organizations, Traits{
	Personal: []string{"name", "description", "metadata"},
	Plain: []string{
		"industry", "country", "timezone", "currency", "logo", "business_hours", "closures", "primary_goals",
		"success_metrics", "current_volume", "current_solution", "member_key", "webhook_url", "trusted_origins",
		"limits", "setup_steps_completed",
	},
	Keys:      KeysRead,
	Logged:    true,
	Clearable: []string{"company_size"},
	Chosen:    []string{"timezone"},
})

// frozen adds fields an update may not change to a rule of a collection that
// is not a tenant's.
func frozen(rule string, fields ...string) string {
	for _, f := range fields {
		rule += ` && @request.body.` + f + `:changed = false`
	}
	return rule
}
