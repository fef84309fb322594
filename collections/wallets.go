package collections

import "github.com/pocketbase/pocketbase/core"

// Wallets show an organization's balance: the sum of its ledger entries, repeated
// here for reading.
const Wallets = "wallets"

func wallets() *core.Collection {
	c := tenant(Wallets,
		signed("balance_minor"),
		required(text("currency", 3)),
	)
	unique(c, "organization", "")
	readOnly(c, Role("organization", Owner, Admin))
	return c
}

var _ = declare(Wallets, wallets, Traits{
	Plain: []string{"currency"},
	Keys:  KeysRead,
})
