package identity

import (
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// proof is what a caller showed when they came in. It stays with the caller's
// record, so that whatever is done for them (requests inside requests, expanded
// rows, batches, streams) meets the gate with the same proof. A caller without
// one has shown nothing (security.md S65).
type proof struct {
	session string // the session of the token, or ""
	key     string // the API key, or ""
	address string
}

// proofField is where a record keeps it: no field of the collection, so it is
// neither stored nor exported, and its type is one no body can make.
const proofField = "pocketline.proof"

func proofOf(caller *core.Record) proof {
	if caller == nil {
		return proof{}
	}
	p, _ := caller.GetRaw(proofField).(proof)
	return p
}

// give puts the proof on the caller's record.
func (p proof) give(caller *core.Record) { caller.SetRaw(proofField, p) }

// stands tells whether the session or key of the proof still lets the person
// in. Without either nothing does.
func (i *Identity) stands(app core.App, caller *core.Record, p proof) (bool, error) {
	if p.key != "" {
		k, err := i.Keys.key(app, p.key)
		return err == nil && i.Keys.standing(app, k).State == KeyActive && k.user.Id == caller.Id, err
	}
	if p.session == "" {
		return false, nil
	}
	s, err := i.Sessions.place(app, p.session)
	return err == nil && s.good(caller.Id, i.Now()), err
}

// good tells whether the session is the person's and not over.
func (s *place) good(user string, now time.Time) bool {
	return !s.ended && s.user == user && (s.expires.IsZero() || !now.After(s.expires))
}

// factor tells whether the caller needs to show no second factor any more: the
// session has, or a key is asked for none.
func (i *Identity) factor(app core.App, caller *core.Record, p proof) bool {
	if p.key != "" {
		return caller.GetBool("is_service")
	}
	if p.session == "" {
		return false
	}
	s, err := i.Sessions.place(app, p.session)
	return err == nil && s.factor
}

// method is how the session of the proof began, "" without one.
func (i *Identity) method(app core.App, p proof) string {
	if p.session == "" {
		return ""
	}
	s, err := i.Sessions.place(app, p.session)
	if err != nil {
		return ""
	}
	return s.method
}

// Method is how the session the request belongs to began, or "".
func (i *Identity) Method(e *core.RequestEvent) string { return i.method(e.App, proofOf(e.Auth)) }

// Session is the id of the session the request belongs to, or "": the caller
// is a guest, a key or a superuser.
func Session(e *core.RequestEvent) string { return proofOf(e.Auth).session }

// Key is the id of the API key the request came with, or "".
func Key(e *core.RequestEvent) string { return proofOf(e.Auth).key }

// Proved tells whether the caller's session proved a second factor.
func (i *Identity) Proved(e *core.RequestEvent) bool {
	return e.Auth != nil && i.factor(e.App, e.Auth, proofOf(e.Auth))
}

// Where a realtime client keeps whose it is.
const (
	streamProof = "pocketline.proof"
	streamAuth  = "auth" // apis.RealtimeClientAuthKey
)

// stream keeps the proof of whoever subscribed. PocketBase exchanges the
// caller's record of a stream when the person's row is saved, for one that
// carries nothing, or the proof of the request that saved it.
type stream struct{ subscriptions.Client }

// Set implements subscriptions.Client.
func (s stream) Set(key string, value any) {
	if caller, ok := value.(*core.Record); ok && key == streamAuth && caller != nil {
		own := caller.Fresh() // of this stream alone
		p, _ := s.Get(streamProof).(proof)
		p.give(own)
		value = own
	}
	s.Client.Set(key, value)
}

// prove notes what the caller showed, and treats whoever showed nothing as a
// guest: the session of the token has ended, or the token names none. Only a
// superuser's needs no session. A request inside another one comes with the
// proof of the outer one.
func (i *Identity) prove(e *core.RequestEvent) error {
	i.byFileToken(e)
	if !tenant.IsPerson(e.Auth) {
		return e.Next()
	}
	p := proofOf(e.Auth)
	if p == (proof{}) {
		token := tenant.Bearer(e.Request)
		if token == "" {
			if c, err := e.Request.Cookie(SessionCookie); err == nil {
				token = c.Value
			}
		}
		p.session = i.Sessions.sessionOf(token)
	}
	p.address = e.RealIP()
	stands, err := i.stands(e.App, e.Auth, p)
	if err != nil {
		return e.InternalServerError("", err)
	}
	if !stands {
		e.Auth = nil
		return e.Next()
	}
	p.give(e.Auth)
	if p.session != "" {
		i.Sessions.touch(e.App, p.session)
	}
	return e.Next()
}

// deadToken is what an answer says of the token it was asked with (RFC 6750,
// 3.1; RFC 9110, 11.6.1 allows it beside any status).
const deadToken = `Bearer error="invalid_token"`

// sayDead tells a caller whose token is worth nothing any more. PocketBase
// answers it like a guest, with empty lists, and a program or a page would take
// those for the truth.
func sayDead(e *core.RequestEvent) error {
	if token := tenant.Bearer(e.Request); e.Auth == nil &&
		(strings.Count(token, ".") == 2 || strings.HasPrefix(token, keyPrefix)) {
		e.Response.Header().Set("WWW-Authenticate", deadToken)
	}
	return e.Next()
}

// closeStreams ends the streams that came with a session or key.
func (i *Identity) closeStreams(with func(p proof) bool) {
	for id, client := range i.app.SubscriptionsBroker().Clients() {
		if p, ok := client.Get(streamProof).(proof); ok && with(p) {
			i.app.SubscriptionsBroker().Unregister(id)
		}
	}
}
