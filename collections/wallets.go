package collections

import "github.com/pocketbase/pocketbase/core"

// Wallets and Ledger: an organization's money. A balance is the sum of the
// ledger's entries; the wallet's column repeats it for reading.
const (
	Wallets       = "wallets"
	LedgerEntries = "ledger_entries"
	Subscriptions = "subscriptions"
)

// Kinds of ledger entries, the old system's words.
var LedgerKinds = []string{"top_up", "usage", "monthly_grant", "bonus", "refund", "adjustment", "addon_purchase"}

// States of a subscription.
const (
	SubscriptionTrialing = "trialing"
	SubscriptionActive   = "active"
)

// SubscriptionStatuses are the states of a subscription.
var SubscriptionStatuses = []string{SubscriptionActive, "past_due", "canceled", "incomplete", "incomplete_expired", SubscriptionTrialing, "unpaid"}

// TrialDays is how long a new organization may try everything.
const TrialDays = 14

func wallets() *core.Collection {
	c := tenant(Wallets,
		signed("balance_minor"),
		required(text("currency", 3)),
	)
	unique(c, "organization", "")
	readOnly(c, Role("organization", Owner, Admin))
	return c
}

func ledgerEntries() *core.Collection {
	c := tenant(LedgerEntries,
		required(relation("wallet", Wallets)),
		required(signed("amount_minor")),
		required(text("currency", 3)),
		required(choice("kind", LedgerKinds...)),
		required(text("reference", shortMax)),
		text("description", descriptionMax),
	)
	unique(c, "organization, reference", "")
	index(c, "wallet, created")
	readOnly(c, Role("organization", Owner, Admin))
	return c
}

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
