// Package keyroutes says what an API key may reach: which routes and which
// collections. What is not in its tables is closed to keys.
package keyroutes

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// keyRoutes says of every documented route whether an API key may call it. A
// route that is not in it is closed to keys, and fails a test (hooks): whoever
// adds one decides. Closed are people and what they may do, what an
// organization asks of them, keys themselves, whole exports, what cannot be
// undone for the organization, and the installation. Doors of providers, which
// have a proof of their own, are closed without a word here. The five routes of a
// documented collection follow what a key may do with its rows (collections.Traits).
var keyRoutes = map[string]bool{
	// Calls and what is counted of them.
	"GET /api/calls":                                  true,
	"POST /api/calls":                                 true,
	"GET /api/calls/{id}":                             true,
	"PUT /api/calls/{id}":                             true,
	"DELETE /api/calls/{id}":                          true,
	"GET /api/calls/{id}/recording":                   true,
	"POST /api/calls/{id}/say":                        true,
	"POST /api/calls/{id}/end":                        true,
	"POST /api/calls/{id}/transfer":                   true,
	"GET /api/calls/{id}/sound":                       true,
	"GET /api/organizations/{organization}/calls":     true,
	"POST /api/organizations/{organization}/calls":    true,
	"GET /api/organizations/{organization}/calls.csv": true, // the list, in another form
	"GET /api/organizations/{organization}/home":      true,
	// Putting contacts together, and a number that lists keep, are for people.
	"GET /api/organizations/{organization}/contacts":             true,
	"GET /api/organizations/{organization}/contacts.csv":         true,
	"POST /api/organizations/{organization}/contacts/{id}/merge": false,
	"POST /api/organizations/{organization}/contacts/{id}/split": false,
	"GET /api/organizations/{organization}/calls/{id}/numbers":   false,
	"GET /api/organizations/{organization}/open":                 true,
	"GET /api/organizations/{organization}/limits":               true,
	"GET /api/dashboard/activity":                                true,
	"GET /api/dashboard/metrics":                                 true,
	"POST /api/simulate":                                         true,
	"GET /functions/v1/calls":                                    true,
	"POST /functions/v1/calls":                                   true,
	"GET /functions/v1/calls/{id}":                               true,
	"PATCH /functions/v1/calls/{id}":                             true,
	"DELETE /functions/v1/calls/{id}":                            true,
	"POST /functions/v1/calls/{id}/end":                          true,
	"GET /functions/v1/calls/{id}/listen":                        true,
	"GET /functions/v1/messages":                                 true,
	"POST /functions/v1/messages":                                true,
	"GET /functions/v1/messages/{id}":                            true,
	"POST /functions/v1/messages/{id}":                           true,
	"GET /functions/v1/messages/{id}/{message}":                  true,
	"GET /functions/v1/organization/limits":                      true,

	// Assistants.
	"POST /api/assistants/{id}/try": false, // for people at an editor; the provider bills it
	"GET /api/assistant-choices":    true,  // what one can be made of: facts

	// The organization: reading it. The old client writes with POST and a
	// wrapper, whose inside is asked about again.
	"GET /api/organizations":           true,
	"GET /functions/v1/organization":   true,
	"PATCH /functions/v1/organization": false,
	"POST /functions/v1/organization":  false,

	"GET /functions/v1/organization/current":   true,
	"GET /functions/v1/organization/{id}":      true,
	"PATCH /functions/v1/organization/current": false,
	"PATCH /functions/v1/organization/{id}":    false,

	"GET /api/team-members": true,

	// What anybody may read.
	"GET /api/desk":   true,
	"GET /api/health": true,
	"GET /readyz":     true,

	// People: who is in, as what, and how they sign in.
	"POST /api/team-members":                                           false,
	"PUT /api/team-members/{id}":                                       false,
	"DELETE /api/team-members/{id}":                                    false,
	"POST /api/team-members/resend":                                    false,
	"POST /api/team-members/{id}/suspend":                              false,
	"POST /api/team-members/{id}/activate":                             false,
	"POST /api/organizations/{organization}/members/{id}/reset-factor": false,
	"POST /api/organizations/{organization}/members/{id}/reset-link":   false,
	"POST /api/organizations/{organization}/transfer":                  false,
	"POST /api/organizations/{organization}/leave":                     false,
	"POST /api/auth/accept-invite":                                     false,
	"POST /api/auth/verify-invite":                                     false,
	"POST /api/auth/check-reset":                                       false,
	"POST /api/auth/signup":                                            false,
	"GET /api/auth/check-profile":                                      false,
	"POST /api/auth/second-factor":                                     false,
	"POST /api/auth/second-factor/mail":                                false,
	"GET /api/me/sessions":                                             false,
	"POST /api/me/sessions/end-all":                                    false,
	"POST /api/me/sessions/end-others":                                 false,
	"DELETE /api/me/sessions/{id}":                                     false,
	"POST /api/me/two-factor/start":                                    false,
	"POST /api/me/two-factor/confirm":                                  false,
	"POST /api/me/two-factor/disable":                                  false,
	"POST /api/me/two-factor/recovery":                                 false,
	"GET /api/user/profile":                                            false,
	"PUT /api/user/profile":                                            false,
	"GET /api/user/preferences":                                        false,
	"POST /api/user/preferences":                                       false,
	"POST /api/session":                                                false,
	"DELETE /api/session":                                              false,
	"GET /api/csrf":                                                    false,
	"POST /auth/v1/signup":                                             false,
	"POST /auth/v1/token":                                              false,
	"POST /auth/v1/recover":                                            false,
	"POST /auth/v1/otp":                                                false,
	"POST /auth/v1/logout":                                             false,
	"GET /auth/v1/user":                                                false,
	"POST /auth/v1/verify":                                             false,
	"PUT /auth/v1/user":                                                false,

	// What an organization asks of its people, and what it knows of them.
	"GET /api/security/settings":                                   false,
	"PATCH /api/security/settings":                                 false,
	"GET /api/security/audit-logs":                                 false,
	"GET /api/security/compliance-docs":                            false,
	"GET /api/organizations/{organization}/audit.csv":              false,
	"GET /api/organizations/{organization}/keys":                   false,
	"POST /api/organizations/{organization}/keys":                  false,
	"DELETE /api/organizations/{organization}/keys/{id}":           false,
	"GET /api/organizations/{organization}/webhook-secret":         false,
	"POST /api/organizations/{organization}/webhook-secret/rotate": false,
	"GET /api/organizations/{organization}/privacy":                false,
	"POST /api/organizations/{organization}/privacy/erase":         false,
	"POST /api/organizations/{organization}/privacy/export":        false,

	// Organizations as a whole.
	"POST /api/organizations/create":                 false,
	"POST /api/organizations/select":                 false,
	"GET /api/organizations/{organization}/export":   false,
	"POST /api/organizations/{organization}/delete":  false,
	"POST /api/organizations/{organization}/restore": false,
	"POST /api/onboarding":                           false,
	"GET /api/agency":                                false,
	"POST /api/agency/bulk":                          false,

	// The installation, and doors with a proof of their own.
	"POST /api/setup":                         false,
	"GET /api/metrics":                        false,
	"GET /api/installation":                   false,
	"PUT /api/installation/mail":              false,
	"POST /api/installation/check/mail":       false,
	"POST /api/installation/check/provider":   false,
	"GET /api/installation/backups":           false,
	"POST /api/installation/backups":          false,
	"POST /api/installation/backups/restore":  false,
	"GET /api/installation/strays":            false,
	"POST /api/installation/strays/remove":    false,
	"POST /api/installation/restored/confirm": false,
	"GET /api/admin/migrate":                  false,
	"POST /api/admin/migrate":                 false,
}

// otherRoutes are what a key may call besides documented routes and records:
// PocketBase's own, and those that only say that there is nothing. Batches,
// impersonation, the panel and every way to sign in are closed.
var otherRoutes = map[string]bool{
	"POST /api/sync/{collection}/{id}/retry":            true,
	"POST /api/files/token":                             true,
	"GET /api/files/{collection}/{recordId}/{filename}": true,
	"GET /api/realtime":                                 true,
	"POST /api/realtime":                                true, // topics: see Topics
	"GET /{path...}":                                    true, // the dashboard's files
	"/":                                                 true, // not found
	"GET /functions/v1/{path...}":                       true, // not found; POST is the old client's wrapper
	"POST /functions/v1/{path...}":                      true,
	"PUT /functions/v1/{path...}":                       true,
	"PATCH /functions/v1/{path...}":                     true,
	"DELETE /functions/v1/{path...}":                    true,
	"GET /api/{path...}":                                true, // the same
	"POST /api/{path...}":                               true,
	"PUT /api/{path...}":                                true,
	"PATCH /api/{path...}":                              true,
	"DELETE /api/{path...}":                             true,
	"GET /rest/v1/{path...}":                            true,
	"POST /rest/v1/{path...}":                           true,
	"PATCH /rest/v1/{path...}":                          true,
	"DELETE /rest/v1/{path...}":                         true,
}

// deed is what a route does with rows.
type deed bool

const (
	reads  deed = false
	writes deed = true
)

// recordRoutes are PocketBase's record routes.
var recordRoutes = map[string]deed{
	"GET /api/collections/{collection}/records":         reads,
	"GET /api/collections/{collection}/records/{id}":    reads,
	"POST /api/collections/{collection}/records":        writes,
	"PATCH /api/collections/{collection}/records/{id}":  writes,
	"DELETE /api/collections/{collection}/records/{id}": writes,
}

// keyResources are documented collections whose path does not follow from their
// name, as /api/saved-replies does.
var keyResources = map[string]string{
	"/api/vapi/assistants":     collections.Assistants,
	"/functions/v1/assistants": collections.Assistants,
}

// five are the routes of a documented collection. With them a key may do what it
// may with the records.
var five = map[string]deed{"GET ": reads, "POST ": writes, "GET /{id}": reads, "PATCH /{id}": writes,
	"DELETE /{id}": writes}

// touch is what a route does with rows of a collection.
type touch struct {
	collection string
	deed       deed
}

// resourceRoutes are the routes of documented collections, as many as there may be.
var resourceRoutes = sync.OnceValue(func() map[string]touch {
	paths, routes := maps.Clone(keyResources), map[string]touch{}
	for _, name := range collections.Names() {
		paths["/api/"+strings.ReplaceAll(name, "_", "-")] = name
	}
	for path, collection := range paths {
		for route, deed := range five {
			method, rest, _ := strings.Cut(route, " ")
			routes[method+" "+path+rest] = touch{collection, deed}
		}
	}
	return routes
})

// Route tells whether a key may call the documented route with this pattern,
// and whether that was decided at all.
func Route(pattern string) (may, decided bool) {
	if may, decided = keyRoutes[pattern]; decided {
		return may, true
	}
	route, decided := resourceRoutes()[pattern]
	return decided && keyMay(route.collection, route.deed), decided
}

// keyMay tells whether a key may read, or write, rows of a collection.
func keyMay(collection string, deed deed) bool {
	traits, _ := collections.TraitsOf(collection)
	return traits.Keys == collections.KeysWrite || traits.Keys == collections.KeysRead && deed == reads
}

// Routes lists the patterns that were decided.
func Routes() []string { return slices.Sorted(maps.Keys(keyRoutes)) }

// Records tells whether a key may read and write rows of a collection.
func Records(collection string) (mayRead, mayWrite bool) {
	return keyMay(collection, reads), keyMay(collection, writes)
}

// Reach lets a key through to the routes it may call.
func Reach(e *core.RequestEvent) error {
	if !isKey(e.Auth) || mayCall(e) {
		return e.Next()
	}
	return refusal.Answer(e, refusal.Of("not_for_keys"))
}

// isKey tells whether the caller is the account of an API key.
func isKey(caller *core.Record) bool {
	return caller != nil && caller.Collection().Name == collections.Users && caller.GetBool("is_service")
}

func mayCall(e *core.RequestEvent) bool {
	pattern := e.Request.Pattern
	if deed, ok := recordRoutes[pattern]; ok {
		return mayTouch(e.App, e.Request.PathValue("collection"), deed)
	}
	documented, _ := Route(pattern)
	return documented || otherRoutes[pattern]
}

// mayTouch names a collection as PocketBase finds it: by name in any case, or
// by id. One that does not exist is for PocketBase to answer.
func mayTouch(app core.App, collection string, deed deed) bool {
	c, err := app.FindCachedCollectionByNameOrId(collection)
	return err != nil || keyMay(c.Name, deed)
}

// Topics refuses a key the rows of collections it may not read; the rules
// decide about the others at each message.
func Topics(e *core.RealtimeSubscribeRequestEvent) error {
	if !isKey(e.Auth) {
		return e.Next()
	}
	for _, subscription := range e.Subscriptions {
		topic, _, _ := strings.Cut(subscription, "?")
		if name, _, _ := strings.Cut(topic, "/"); !mayTouch(e.App, name, reads) {
			return refusal.Of("not_for_keys")
		}
	}
	return e.Next()
}
