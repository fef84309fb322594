package collections

import "github.com/pocketbase/pocketbase/core"

// APIKeys let programs act for an organization with a role, as far as whoever
// made them has it now. The key is shown once; only its hash is kept.
const APIKeys = "api_keys"

// How a key ended before its time.
const (
	KeyEndedRevoked = "revoked" // by somebody who looks after keys
	KeyEndedMaker   = "maker"   // with the membership or the account of whoever made it
)

func apiKeys() *core.Collection {
	c := tenant(APIKeys,
		required(text("name", nameMax)),
		required(choice("role", Admin, Manager, Agent, Viewer, Developer)),
		// The first signs of the key, to recognize it by.
		text("prefix", 24),
		hidden(text("hash", 64)),
		// The account the key acts as: made with it, without a way to sign in.
		relation("acts_as", Users),
		relation("created_by", Users),
		date("expires_at"),
		date("revoked_at"),
		choice("ended_by", KeyEndedRevoked, KeyEndedMaker),
		date("last_used_at"),
		text("last_used_ip", 64),
	)
	unique(c, "hash", "hash != ''")
	index(c, "organization, created")
	index(c, "acts_as")
	index(c, "created_by")
	readOnly(c, People(RoleOrCan("organization", CanManageIntegrations, Developer)))
	return c
}

var _ = declare(APIKeys, apiKeys, Traits{
	Personal: []string{"last_used_ip"},
	Plain:    []string{"name", "prefix", "hash"},
	Last:     true,
	Logged:   true,
})
