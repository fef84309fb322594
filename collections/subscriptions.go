package collections

import "github.com/pocketbase/pocketbase/core"

// Subscriptions say which plan an organization is on, and until when.
const Subscriptions = "subscriptions"

// States of a subscription.
const (
	SubscriptionTrialing = "trialing"
	SubscriptionActive   = "active"
)

// SubscriptionStatuses are the states of a subscription.
var SubscriptionStatuses = []string{SubscriptionActive, "past_due", "canceled", "incomplete", "incomplete_expired",
	SubscriptionTrialing, "unpaid"}

// TrialDays is how long a new organization may try everything.
const TrialDays = 14

func subscriptions() *core.Collection {
	c := tenant(Subscriptions,
		required(text("plan", nameMax)),
		required(choice("status", SubscriptionStatuses...)),
		text("provider_subscription_id", shortMax),
		text("provider_customer_id", shortMax),
		date("trial_ends_at"),
		date("current_period_start"),
		date("current_period_end"),
		date("canceled_at"),
	)
	unique(c, "organization", "")
	unique(c, "provider_subscription_id", "provider_subscription_id != ''")
	readOnly(c, Role("organization", Owner, Admin))
	return c
}

var _ = declare(Subscriptions, subscriptions, Traits{
	Plain: []string{"plan", "provider_subscription_id", "provider_customer_id"},
	Keys:  KeysRead,
})
