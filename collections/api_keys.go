package collections

import "github.com/pocketbase/pocketbase/core"

// APIKeys let programs act for an organization with a role. The key is shown
// once; only its hash is kept.
const APIKeys = "api_keys"

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
		date("last_used_at"),
		text("last_used_ip", 64),
	)
	unique(c, "hash", "hash != ''")
	index(c, "organization, created")
	index(c, "acts_as")
	index(c, "created_by")
	readOnly(c, RoleOrCan("organization", CanManageIntegrations, Developer))
	return c
}
