package collections

import "github.com/pocketbase/pocketbase/core"

// LedgerEntries are every movement of an organization's money. Nobody changes
// or removes one; a balance is their sum.
const LedgerEntries = "ledger_entries"

// LedgerKinds are the kinds of entries, in the old system's words.
var LedgerKinds = []string{"top_up", "usage", "monthly_grant", "bonus", "refund", "adjustment", "addon_purchase"}

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

var _ = declare(LedgerEntries, ledgerEntries, Traits{
	Plain: []string{"currency", "reference", "description"},
	Keys:  KeysRead,
})
