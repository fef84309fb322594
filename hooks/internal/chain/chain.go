// Package chain is the order in which a request passes what stands before every
// handler: one table of PocketBase's middlewares and ours (hooks/chain_test.go
// holds it against what is bound).
package chain

import (
	"cmp"
	"slices"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"
)

// Ids of our middlewares, first to last.
const (
	ReadDeadline = "pocketlineReadDeadline"
	Health       = "pocketlineHealth"
	Refusals     = "pocketlineRefusals"
	DiskFull     = "pocketlineDiskFull"
	RedactURL    = "pocketlineRedactURL"
	Text         = "pocketlineText"
	Panel        = "pocketlinePanel"
	Address      = "pocketlineNoNULInAddress"
	Restoring    = "pocketlineRestoring"
	Inner        = "pocketlineFacadeInner"
	Keys         = "pocketlineKeys"
	Identify     = "pocketlineIdentify"
	Session      = "pocketlineSession"
	StillActive  = "pocketlineStillActive"
	SessionEnd   = "pocketlineSessionEnd"
	KeyRoutes    = "pocketlineKeyRoutes"
	DeadToken    = "pocketlineDeadToken"
	Headers      = "pocketlineHeaders"
	SignInLimit  = "pocketlineSignInLimit"
	Body         = "pocketlineIntake"
	BodyText     = "pocketlineNoNULInBody"
	Upload       = "pocketlineUpload"
	Alike        = "pocketlineAlike"
	Spelling     = "pocketlineSpelling"
	Guesses      = "pocketlineGuesses"
	Answer       = "pocketlineAnswer"
	Gate         = "pocketlineAskGate"
	ListPin      = "pocketlineListPin"
	Filled       = "pocketlineFillOrganization"
	Beginning    = "pocketlineAccountsBegin"
	Thumbnail    = "pocketlineThumbnail"
	Invoke       = "pocketlineInvoke"
	Restore      = "pocketlineRestore"
)

// Step is one middleware and its place.
type Step struct {
	ID       string
	Priority int
	// Package is where ours is written, "" for PocketBase's own.
	Package string
	// Why it stands where it does.
	Why string
}

// Steps are all middlewares, first to last. No two share a priority: which of
// them runs first would depend on who was registered first.
func Steps() []Step {
	const (
		www      = apis.DefaultWWWRedirectMiddlewarePriority
		logger   = apis.DefaultActivityLoggerMiddlewarePriority
		recovery = apis.DefaultPanicRecoverMiddlewarePriority
		caller   = apis.DefaultLoadAuthTokenMiddlewarePriority
		headers  = apis.DefaultSecurityHeadersMiddlewarePriority
		rate     = apis.DefaultRateLimitMiddlewarePriority
		body     = apis.DefaultBodyLimitMiddlewarePriority
	)
	return []Step{
		{ReadDeadline, www - 101, "serving",
			"Before what may take long: a stream lasts longer than the server waits for a body."},
		{apis.DefaultWWWRedirectMiddlewareId, www, "", "Only with domains on the command line."},
		{Health, logger - 2, "system", "Before the log and the limiter: probes fill neither."},
		{apis.DefaultCorsMiddlewareId, apis.DefaultCorsMiddlewarePriority, "", "Answers preflights before they are counted."},
		{apis.DefaultActivityLoggerMiddlewareId, logger, "", "Logs what everything below answered."},
		{RedactURL, logger + 1, "system", "Just inside the log: takes secrets out of what it is about to store."},
		{Refusals, logger + 2, "refusal", "Around all that refuses: what nobody answered yet gets the shape of its surface."},
		{DiskFull, logger + 3, "system",
			"Inside the log, which keeps the status: what found no room is no mistake of the visitor's."},
		{apis.DefaultPanicRecoverMiddlewareId, recovery, "", "Turns a panic of anything below into an answer."},
		{Text, recovery + 1, "intake", "Before everything that reads a parameter."},
		{Panel, recovery + 2, "serving", "Who may not see the operator's panel gets nothing of it."},
		{Address, recovery + 3, "intake", "Before anything looks for what the address names."},
		{Restoring, recovery + 4, "serving", "Keeps out what would be lost, before anybody is looked for."},
		{Inner, caller - 4, "facade", "Our own requests to ourselves carry their caller; nobody else is looked for."},
		{Keys, caller - 3, "identity", "API keys, which would not be read as tokens."},
		{Identify, caller - 2, "tenant", "Finds the caller of a token in memory; PocketBase asks the database."},
		{Session, caller - 1, "system", "A browser's cookie, when no header says who it is."},
		{apis.DefaultLoadAuthTokenMiddlewareId, caller, "", "The caller of any other token."},
		{StillActive, caller + 1, "tenant", "Whoever was deactivated is a guest from here on."},
		{SessionEnd, caller + 2, "identity", "So is whoever signed out."},
		{KeyRoutes, caller + 3, "keyroutes", "Once the key is known: which routes it reaches."},
		{DeadToken, caller + 4, "identity", "Once it is clear that a token found nobody."},
		{apis.DefaultSuperuserIPsWhitelistMiddlewareId, apis.DefaultSuperuserIPsWhitelistMiddlewarePriority,
			"", "Needs the caller."},
		{apis.DefaultSecurityHeadersMiddlewareId, headers, "", "Headers of every answer."},
		{Headers, headers + 1, "system", "What those lack, and without what browsers dropped."},
		{apis.DefaultRateLimitMiddlewareId, rate, "", "Counts requests of an address."},
		{SignInLimit, rate + 1, "guesses", "Counts tries at sign-in doors, before their body is read."},
		{Body, body - 5, "intake", "Reads the body, once the caller is known and counted, before the first reader."},
		{BodyText, body - 4, "intake", "Looks at what stands in it before anybody acts on it."},
		{apis.DefaultBodyLimitMiddlewareId, body, "", "Bounds uploads by the collection's file fields."},
		{Upload, body + 1, "intake", "Reads uploads to disk within that bound."},
		{Alike, body + 2, "guesses", "Around all that tells whether an address has an account."},
		{Spelling, body + 3, "identity", "Addresses are spelled one way before tries are counted by them."},
		{Guesses, body + 4, "guesses", "Counts a try before it is looked at."},
		{Answer, body + 5, "tenant", "Around everything that reads rows for the answer."},
		{Gate, body + 6, "tenant", "Before a row is looked for."},
		{ListPin, body + 7, "tenant",
			"Last before PocketBase's list reads the filter: its turn is not spent on what is refused."},
		{Filled, body + 8, "tenant",
			"Once the gate was asked: a new row without an organization gets one before the rule is asked."},
		{Beginning, body + 9, "accounts", "In place of a refusal that does not say where to go."},
		{Thumbnail, body + 10, "untrusted",
			"Before PocketBase's download makes one of an image nobody asked the gate about."},
		{Invoke, body + 11, "facade", "In place of the handler: the request inside a request."},
		{Restore, body + 12, "hooks", "In place of PocketBase's restore, which looks at nothing and loses messages."},
	}
}

var places = func() map[string]int {
	all := map[string]int{}
	for _, s := range Steps() {
		all[s.ID] = s.Priority
	}
	return all
}()

// Middleware is a middleware of ours at its place. It panics when the table has
// none of the id.
func Middleware(id string, do func(*core.RequestEvent) error) *hook.Handler[*core.RequestEvent] {
	priority, ok := places[id]
	if !ok {
		panic("chain: no place for " + id)
	}
	return &hook.Handler[*core.RequestEvent]{Id: id, Priority: priority, Func: do}
}

// ofStock are the steps that look at PocketBase's own routes alone.
var ofStock = []string{Panel, Spelling, Guesses, Gate, ListPin, Filled, Beginning, Thumbnail, Restore}

// ofMessages are the steps that a provider's message passes. It is proven by its door,
// which reads its body as it was signed and keeps its own pace: nobody is signed in, no
// row is read for an answer, and all messages of an account come from few addresses.
// The request log would hold nothing else.
var ofMessages = []string{ReadDeadline, apis.DefaultWWWRedirectMiddlewareId, Health, apis.DefaultCorsMiddlewareId, Refusals,
	DiskFull, apis.DefaultPanicRecoverMiddlewareId, Text, Address, Restoring, Inner, Keys, KeyRoutes,
	apis.DefaultSecurityHeadersMiddlewareId, Headers}

// Ours is where our routes are added, which leave those steps out: each one costs a
// start, and every request.
func Ours(r *router.Router[*core.RequestEvent]) *router.RouterGroup[*core.RequestEvent] {
	return r.Group("").Unbind(ofStock...)
}

// Messages leaves a provider's door the steps that its messages pass.
func Messages(route *router.Route[*core.RequestEvent]) {
	for _, s := range Steps() {
		if !slices.Contains(ofMessages, s.ID) {
			route.Unbind(s.ID)
		}
	}
}

// Sort brings what is bound into its order. PocketBase sorts the middlewares of each
// route with every one it adds, which takes a start less time when they stand so.
func Sort(bound []*hook.Handler[*core.RequestEvent]) {
	slices.SortStableFunc(bound, func(a, b *hook.Handler[*core.RequestEvent]) int {
		return cmp.Compare(a.Priority, b.Priority)
	})
}
