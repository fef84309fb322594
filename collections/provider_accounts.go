package collections

import "github.com/pocketbase/pocketbase/core"

// ProviderAccounts hold keys of providers, sealed. A row without an
// organization is the installation's own account. No client reads or writes it.
const ProviderAccounts = "provider_accounts"

func providerAccounts() *core.Collection {
	c := base(ProviderAccounts,
		relation("organization", Organizations),
		required(choice("provider", ProviderVapi, ProviderTwilio, ProviderFlutterwave)),
		text("name", nameMax),
		secret("api_key"),
		secret("webhook_secret"),
		secret("webhook_secret_before"), // still accepted while copies at the provider learn the new one
		date("secret_changed_at"),
		boolean("installation_secret"), // copies made before organizations had secrets present the installation's
		text("account_id", shortMax),
		date("checked_at"),
		text("error", descriptionMax),
	)
	unique(c, "organization, provider", "")
	readOnly(c, "")
	return c
}

var _ = declare(ProviderAccounts, providerAccounts, Traits{
	Plain:       []string{"name", "account_id", "error"},
	NotExported: "keys of providers",
})
