// Package identity decides, at each request, whether the one who asks is
// really who the token says, and whether an organization lets them in from
// where they are.
//
//   - Sessions: every sign-in is a row of sessions; the tokens of one session
//     carry its id, so ending the row ends them all, each by itself.
//   - API keys: "pk_<id>_<secret>" in the Authorization header acts as the
//     key's own account, whose membership holds the key's role or, when that is
//     less, its maker's (hooks/orgs keeps it so). It reaches the routes of
//     keyRoutes alone; there the same rules hold for it as for any member.
//   - Second factor: a sign-in that needs one is answered with a ticket, and
//     completed by a code.
//   - Networks: an organization may be reached from listed addresses only.
//   - Limits: doors count per address (limits.go), and what can be guessed there
//     per account and per code, whatever addresses the tries come from (guesses.go).
//
// Settings, sessions and keys are answered from memory and dropped when their
// rows change, so that an end takes effect with the next request.
package identity

import (
	"context"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// keep bounds how long a remembered row is believed; changes made in this
// process are seen at once (see tenant's directory).
const keep = 30 * time.Second

// most bounds each map; a full one is emptied.
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
	app core.App

	mu       sync.RWMutex
	change   uint64 // counts forgets: a row read before one is not kept after it
	settings map[string]known[Settings]
	places   map[string]known[*place]
	keys     map[string]known[*key]
	said     map[[sha256.Size]byte]string // token, hashed → the session it names

	tickets tickets
	decoys  decoys
	delayed atomic.Int64 // answers held back now
	limits  Limiter
}

// known is a remembered value.
type known[T any] struct {
	value T
	until time.Time
}

// Register binds the package to requests, sign-ins and streams. Call it after
// tenant.Register.
func Register(app core.App, o Options) *Identity {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	if o.Drop == nil {
		o.Drop = func(string, string) {}
	}
	i := &Identity{Options: o, app: app}
	i.clear()
	i.said = map[[sha256.Size]byte]string{}
	i.tickets.open = map[string]*ticket{}
	i.limits.Now = o.Now
	i.watch()
	tenant.SetGate(app, i.Gate)
	app.Store().Set(storeKey, i)

	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(
			chain.Middleware(chain.Keys, i.loadKey),
			chain.Middleware(chain.SessionEnd, i.prove),
			chain.Middleware(chain.KeyRoutes, keyReaches),
			chain.Middleware(chain.DeadToken, sayDead),
			chain.Middleware(chain.SignInLimit, i.limitAddress),
			chain.Middleware(chain.Alike, i.answerAlike),
			chain.Middleware(chain.Spelling, i.tidyAsked),
			chain.Middleware(chain.Guesses, i.tryBody),
		)
		return se.Next()
	})
	app.OnRecordAuthRequest(collections.Users).BindFunc(i.signIn)
	i.bindAddresses()
	app.OnRecordValidate(collections.Users).BindFunc(i.refuseWeak)
	i.bindProofs()
	i.bindGuesses()
	i.bindMails()
	i.bindStock()
	i.bindNetworks()
	i.bindKeys()
	return i
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (i *Identity) clear() {
	i.settings, i.places, i.keys = map[string]known[Settings]{}, map[string]known[*place]{}, map[string]known[*key]{}
}

// watch drops what is remembered when its row changes.
func (i *Identity) watch() {
	forget := func(e *core.RecordEvent) error {
		i.Forget(e.Record)
		return e.Next()
	}
	for _, name := range []string{collections.SecuritySettings, collections.Sessions, collections.APIKeys, collections.Users} {
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
		Bind(map[string]any{"now": stamp(i.Now()), "user": e.Record.Id}).Execute()
	stored(e.App, func() { i.afterKey(e.Record) })
	return err
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

// afterKey ends what is open with a person's old token key. The statement that
// ended the sessions fired no hook, so what is remembered of them goes here.
func (i *Identity) afterKey(user *core.Record) {
	i.forgive(user)
	i.forgetPlaces()
	for id, client := range i.app.SubscriptionsBroker().Clients() {
		if auth, _ := client.Get(streamAuth).(*core.Record); auth != nil && auth.Id == user.Id {
			i.app.SubscriptionsBroker().Unregister(id)
		}
	}
}

// forgetPlaces drops what is remembered of sessions, after one statement changed
// several rows.
func (i *Identity) forgetPlaces() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.change++
	clear(i.places)
}

// Forget drops what is remembered of a row of sessions, api_keys,
// security_settings or users; record changes do it by themselves.
func (i *Identity) Forget(record *core.Record) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.change++
	switch record.Collection().Name {
	case collections.SecuritySettings:
		delete(i.settings, record.GetString("organization"))
	case collections.Sessions:
		delete(i.places, record.Id)
	case collections.APIKeys:
		delete(i.keys, record.Id)
	case collections.Users:
		for id, k := range i.keys { // a handful
			if k.value.about(record.Id) {
				delete(i.keys, id)
			}
		}
	}
}

// recall answers from a map or reads and remembers. Inside a transaction it
// neither believes the memory nor fills it.
func recall[T any](i *Identity, app core.App, m func() map[string]known[T], id string, read func() (T, error)) (T, error) {
	now := i.Now()
	i.mu.RLock()
	found, ok := m()[id]
	change := i.change
	i.mu.RUnlock()
	if ok && now.Before(found.until) && !app.IsTransactional() {
		return found.value, nil
	}
	value, err := read()
	if err != nil || app.IsTransactional() {
		return value, err
	}
	i.mu.Lock()
	if i.change == change {
		if len(m()) >= most {
			clear(m())
		}
		m()[id] = known[T]{value, now.Add(keep)}
	}
	i.mu.Unlock()
	return value, nil
}

// replace remembers a changed copy of what was read, unless something else is
// remembered by now: the row may have ended since.
func replace[T comparable](i *Identity, m func() map[string]known[T], id string, was, is T) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if found, ok := m()[id]; ok && found.value == was {
		m()[id] = known[T]{is, found.until}
	}
}

// person tells whether the caller is one who signs in: neither a guest nor a
// superuser.
func person(auth *core.Record) bool {
	return auth != nil && auth.Collection().Name == collections.Users
}
