// Package identity decides, at each request, whether the one who asks is
// really who the token says, and whether an organization lets them in from
// where they are.
//
//   - Sessions: every sign-in is a row of sessions; the tokens of one session
//     carry its id, so ending the row ends them all, each by itself.
//   - API keys: "pk_<id>_<secret>" in the Authorization header acts as the
//     key's own account, whose membership holds the key's role or, when that is
//     less, its maker's (hooks/accounts keeps it so). It reaches the routes of
//     hooks/internal/keyroutes alone; there the same rules hold for it as for any member.
//   - Second factor: a sign-in that needs one is answered with a ticket, and
//     completed by a code.
//   - Networks: an organization may be reached from listed addresses only.
//   - Limits: doors count per address, and what can be guessed there per account and
//     per code (hooks/internal/guesses).
//
// Settings, sessions and keys are answered from memory and dropped when their
// rows change, so that an end takes effect with the next request.
package identity

import (
	"context"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/factors"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/keyroutes"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// keep bounds how long a remembered row is believed; changes made in this
// process are seen at once (see tenant's directory).
const keep = 30 * time.Second

// most bounds what is remembered of each kind.
const most = 20_000

// Options are what the package needs.
type Options struct {
	// Sealed keeps the secrets of authenticator apps.
	Sealed *sealed.Box
	// Outbox sends the mails about accounts.
	Outbox *outbox.Outbox
	// Drop ends what a person hears of an organization (live.Hub.Drop).
	Drop func(user, organization string)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Wait delays an answer; nil waits that long, or until the caller is gone.
	Wait func(ctx context.Context, d time.Duration)
}

// Identity holds what is remembered. Make one with Register.
type Identity struct {
	Options
	// Mails tell people of their accounts.
	Mails *accountmail.Mails
	// Guesses count what is tried at the doors.
	Guesses *guesses.Guard
	// Factors are people's second factors.
	Factors *factors.Factors

	// Terms are what organizations ask, Sessions and Keys what callers come with.
	Terms    *Terms
	Sessions *Sessions
	Keys     *Keys
	// Entrance decides about sign-ins.
	Entrance *Entrance

	app core.App
}

const storeKey = "pocketline.identity"

// Of is the identity of the app, once it is registered.
func Of(app core.App) *Identity {
	i, _ := app.Store().Get(storeKey).(*Identity)
	return i
}

// Register binds the package to requests, sign-ins and streams. Call it after
// tenant.Register.
func Register(app core.App, o Options) *Identity {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Drop == nil {
		o.Drop = func(string, string) {}
	}
	i := &Identity{Options: o, app: app}
	now := func() time.Time { return i.Now() }
	i.Terms = &Terms{remembered.New[string, Settings](most, now)}
	i.Sessions = newSessions(i.Terms, now)
	i.Mails = accountmail.Register(app, accountmail.Deps{Sealed: o.Sealed, Outbox: o.Outbox})
	i.Guesses = guesses.Register(app, guesses.Options{Now: now, Wait: o.Wait})
	i.Factors = factors.New(factors.Deps{Sealed: o.Sealed, Mails: i.Mails, Guesses: i.Guesses, Now: now})
	i.Keys = &Keys{i.Terms, i.Guesses, now, remembered.New[string, *key](most, now)}
	i.Entrance = &Entrance{
		terms: i.Terms, sessions: i.Sessions, guesses: i.Guesses, factors: i.Factors, now: now,
		tickets: tickets{open: map[string]*ticket{}},
	}
	i.watch()
	tenant.SetGate(app, i.Gate)
	app.Store().Set(storeKey, i)

	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(
			chain.Middleware(chain.Keys, i.Keys.load),
			chain.Middleware(chain.SessionEnd, i.prove),
			chain.Middleware(chain.KeyRoutes, keyroutes.Reach),
			chain.Middleware(chain.DeadToken, sayDead),
			chain.Middleware(chain.Spelling, i.tidyAsked),
		)
		return se.Next()
	})
	app.OnRecordAuthRequest(collections.Users).BindFunc(i.Entrance.signIn)
	i.bindAddresses()
	app.OnRecordValidate(collections.Users).BindFunc(i.refuseWeak)
	i.bindProofs()
	i.bindNetworks()
	app.OnFileTokenRequest().BindFunc(i.fileToken)
	app.OnRealtimeSubscribeRequest().BindFunc(keyroutes.Topics)
	return i
}

// watch drops what is remembered when its row changes.
func (i *Identity) watch() {
	forget := func(e *core.RecordEvent) error {
		i.Forget(e.Record)
		return e.Next()
	}
	for _, name := range []string{collections.SecuritySettings, collections.Sessions, collections.APIKeys,
		collections.Users} {
		i.app.OnRecordAfterCreateSuccess(name).BindFunc(forget)
		i.app.OnRecordAfterUpdateSuccess(name).BindFunc(forget)
		i.app.OnRecordAfterDeleteSuccess(name).BindFunc(forget)
	}
	for _, kind := range []struct {
		collection, end string
		of              func(p proof) string
	}{
		{collections.Sessions, "ended_at", func(p proof) string { return p.session }},
		{collections.APIKeys, "revoked_at", func(p proof) string { return p.key }},
	} {
		end := func(e *core.RecordEvent) error {
			i.closeStreams(func(p proof) bool { return kind.of(p) == e.Record.Id })
			return e.Next()
		}
		i.app.OnRecordAfterUpdateSuccess(kind.collection).BindFunc(func(e *core.RecordEvent) error {
			if e.Record.GetDateTime(kind.end).IsZero() {
				return e.Next()
			}
			return end(e)
		})
		i.app.OnRecordAfterDeleteSuccess(kind.collection).BindFunc(end)
	}
	i.app.OnRecordUpdate().BindFunc(onlyCurrent)
	i.app.OnRecordUpdate(collections.Users).BindFunc(i.endWithKey)
	i.app.OnRecordAfterUpdateSuccess(collections.SecuritySettings).BindFunc(i.afterSettings)
	i.app.OnRecordAfterCreateSuccess(collections.SecuritySettings).BindFunc(i.afterSettings)
}

// endWithKey ends the sessions of a person whose tokens all stop working: a new
// password, a new address, signing out everywhere.
func (i *Identity) endWithKey(e *core.RecordEvent) error {
	before := e.Record.Original().TokenKey()
	if err := e.Next(); err != nil || before == "" || before == e.Record.TokenKey() {
		return err
	}
	_, err := e.App.NonconcurrentDB().NewQuery(`UPDATE sessions SET ended_at = {:now} WHERE user = {:user} AND ended_at = ''`).
		Bind(map[string]any{"now": rows.Stamp(i.Now()), "user": e.Record.Id}).Execute()
	stored(e.App, func() { i.afterKey(e.Record) })
	return err
}

// afterKey ends what is open with a person's old token key. The statement that
// ended the sessions fired no hook, so what is remembered of them goes here.
func (i *Identity) afterKey(user *core.Record) {
	i.Guesses.Forgive(user)
	i.Sessions.forgetAll()
	for id, client := range i.app.SubscriptionsBroker().Clients() {
		if auth, _ := client.Get(streamAuth).(*core.Record); auth != nil && auth.Id == user.Id {
			i.app.SubscriptionsBroker().Unregister(id)
		}
	}
}

// Forget drops what is remembered of a row of sessions, api_keys,
// security_settings or users; record changes do it by themselves.
func (i *Identity) Forget(record *core.Record) {
	switch record.Collection().Name {
	case collections.SecuritySettings:
		i.Terms.remembered.Forget(record.GetString("organization"))
	case collections.Sessions:
		i.Sessions.remembered.Forget(record.Id)
	case collections.APIKeys:
		i.Keys.remembered.Forget(record.Id)
	case collections.Users:
		i.Keys.remembered.ForgetIf(func(k *key) bool { return k.about(record.Id) })
	}
}

// stored does what follows from a change once it is stored for good, and never
// when it is undone.
func stored(app core.App, do func()) {
	tx := app.TxInfo()
	if tx == nil {
		do()
		return
	}
	tx.OnComplete(func(err error) error {
		if err == nil {
			do()
		}
		return nil
	})
}
