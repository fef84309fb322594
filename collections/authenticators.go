package collections

import "github.com/pocketbase/pocketbase/core"

// Authenticators are the second factors of people: an authenticator app's
// secret, sealed, and hashes of recovery codes. No client reads or writes it.
const Authenticators = "authenticators"

func authenticators() *core.Collection {
	c := base(Authenticators,
		owned(required(relation("user", Users)).(*core.RelationField)),
		secret("totp_secret"),
		date("confirmed_at"),
		// The last time step a code was used for: each is good once.
		integer("last_step"),
		hidden(object("recovery_hashes", SmallJSON)),
		integer("failures"),
		date("locked_until"),
	)
	unique(c, "user", "")
	readOnly(c, "")
	return c
}

var _ = declare(Authenticators, authenticators, Traits{
	Plain:  []string{"recovery_hashes"},
	Logged: true,
})
