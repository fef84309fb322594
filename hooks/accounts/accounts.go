// Package accounts is about people and how they prove who they are: how an account
// begins, what its person says of themselves, sessions, the second factor, a
// forgotten password, and the keys programs act with.
//
// How requests are told apart, and what a proof is worth, is in
// hooks/internal/identity; this package is what people and programs do with it.
// What an organization asks of its members stands in its security settings, which
// hold from the next request on.
//
// A key has what its maker has. However it ends, its account, file tokens and
// streams end with it.
package accounts

import (
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/room"
)

// Deps are what the domain needs.
type Deps struct {
	room.Tools
	// Pictures reaches addresses people chose (guarded); nil fetches none.
	Pictures *http.Client
}

type domain struct {
	Deps
	// fetching has a place for each picture that is fetched.
	fetching chan struct{}
}

// Register binds the domain.
func Register(app core.App, deps Deps) {
	d := &domain{Deps: deps, fetching: make(chan struct{}, picturesAtOnce)}
	f := d.Facade

	// How accounts begin, and what people say of themselves.
	d.Identity.BindAccounts(d.mayJoin)
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(chain.Middleware(chain.Beginning, sayWhereAccountsBegin))
		return se.Next()
	})
	f.Handle(signUpRoute, d.signUp)
	f.Handle(checkProfileRoute, d.checkProfile)
	f.Handle(showProfileRoute, d.showProfile)
	f.Handle(updateProfileRoute, d.updateProfile)
	f.Handle(showPreferencesRoute, showPreferences)
	f.Handle(mergePreferencesRoute, mergePreferences)
	app.OnRecordValidate(collections.Users).BindFunc(checkPhone)

	// Signing in: sessions, the second factor, a forgotten password.
	f.Handle(listSessionsRoute, d.listSessions)
	f.Handle(endSessionRoute, d.endSession)
	f.Handle(endOthersRoute, d.endOthers)
	f.Handle(endAllRoute, d.endAll)
	f.Handle(startFactorRoute, d.startFactor)
	f.Handle(confirmFactorRoute, d.confirmFactor)
	f.Handle(disableFactorRoute, d.disableFactor)
	f.Handle(renewRecoveryRoute, d.renewRecovery)
	f.Handle(completeFactorRoute, d.completeFactor)
	f.Handle(mailFactorRoute, d.mailFactor)
	f.Handle(resetLinkRoute, d.resetLink)
	f.Handle(checkResetRoute, checkReset)
	f.Handle(resetFactorRoute, d.resetFactor)
	app.OnRecordConfirmPasswordResetRequest(collections.Users).BindFunc(stillHelps)
	f.Handle(showSettingsRoute, showSettings)
	f.Handle(changeSettingsRoute, d.changeSettings)

	// Keys. However one ends, its account, file tokens and streams end with it; it
	// has what its maker has.
	f.Handle(listKeysRoute, d.listKeys)
	f.Handle(createKeyRoute, d.createKey)
	f.Handle(revokeKeyRoute, d.revokeKey)
	atomic.OnRecord(app, collections.APIKeys, atomic.Updated, "accounts: end the account of a key that ended",
		retireEnded, "revoked_at")
	atomic.OnRecord(app, collections.APIKeys, atomic.Deleted, "accounts: remove the account of a key", removeAccount)
	const follow = "accounts: keys keep to the rights of their maker"
	atomic.OnRecord(app, collections.Memberships, atomic.Updated, follow, followMembership,
		append([]string{"status", "role"}, collections.Capabilities...)...)
	atomic.OnRecord(app, collections.Memberships, atomic.Deleted, follow, followMembership)
	atomic.OnRecord(app, collections.Users, atomic.Updated, follow, followUser, "is_active")
	atomic.OnRecord(app, collections.Users, atomic.Deleted, follow, followUser)
	const handed = "accounts: the keys of whoever made an account end when its owner proves the address"
	atomic.OnRecord(app, collections.Users, atomic.Updated, handed, endHanded, "verified")
}
