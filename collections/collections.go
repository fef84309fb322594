// Package collections is what is stored and who may touch it: one file per
// collection, written once, in Go.
//
// The database follows this package by frozen steps (pb_migrations), which
// `go run . schema write <name>` generates from the difference; a test fails
// when they disagree. To read who may do what, see docs/access.md, printed
// from here.
package collections

import "github.com/pocketbase/pocketbase/core"

// All returns every collection of the product, in an order in which each one
// stands after those its relations point at. The values are fresh on each
// call, so a caller may change them.
func All() []*core.Collection {
	return []*core.Collection{
		users(),
		organizations(),
		memberships(),
		invitations(),
		securitySettings(),
		apiKeys(),
		sessions(),
		authenticators(),
		wallets(),
		ledgerEntries(),
		subscriptions(),
		privacyRequests(),
		assistants(),
		functions(),
		phoneNumbers(),
		contacts(),
		calls(),
		callReports(),
		messages(),
		callEvents(),
		recordings(),
		usageEvents(),
		auditLogs(),
		auditChains(),
		providerAccounts(),
		providerEvents(),
		structuredOutputs(),
		outbox(),
		jobRuns(),
	}
}

// AboutCallers are the collections whose rows hold what callers said, are called
// or were called about: what the audit log says of such a row goes with it.
var AboutCallers = []string{Calls, CallReports, Messages, CallEvents, Recordings, Contacts}

// ByName returns the definition of one collection, or nil when there is none.
func ByName(name string) *core.Collection {
	for _, c := range All() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Tenant tells whether rows of this collection belong to one organization:
// whether it has the relation field `organization`.
func Tenant(c *core.Collection) bool {
	return c.Fields.GetByName("organization") != nil
}

// OrganizationOf is the organization a row belongs to or is, "" for rows of the
// installation.
func OrganizationOf(r *core.Record) string {
	if r.Collection().Name == Organizations {
		return r.Id
	}
	if Tenant(r.Collection()) {
		return r.GetString("organization")
	}
	return ""
}
