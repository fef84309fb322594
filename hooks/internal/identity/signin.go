package identity

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/mails"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/factors"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	refreshPattern     = "POST /api/collections/{collection}/auth-refresh"
	impersonatePattern = "POST /api/collections/{collection}/impersonate/{id}"
	// ticketFor is how long a sign-in waits for its second factor.
	ticketFor   = 10 * time.Minute
	ticketsMost = 10_000
	passedKey   = "pocketline.factor"
)

// Ways to give the second factor.
const (
	FactorApp      = "totp"
	FactorRecovery = "recovery"
	FactorMail     = "otp"
	FactorSetUp    = "setup" // none yet, and the organization asks for one
)

// Ways a session begins besides those an organization allows (collections.AuthMethods).
const (
	Invited      = "invitation"    // accepting one by the link that was mailed, with a new account
	SetUp        = "setup"         // the first account
	Impersonated = "impersonation" // the operator as the person
)

// ErrTicket says that a sign-in is unknown, over or tried too often.
var ErrTicket = errors.New("this sign-in is over: begin again")

// ticket is a sign-in that waits for its second factor. It lives in memory:
// after a restart people begin again.
type ticket struct {
	user, method string
	methods      []string
	ends         time.Time
	tries        int
	mailed       string // hash of the code sent by mail
	// as is who the person was when the ticket was made: with another password,
	// another address or another second factor it is over.
	as string
}

type tickets struct {
	mu   sync.Mutex
	open map[string]*ticket // by hash
}

// Entrance decides about sign-ins, and asks for second factors.
type Entrance struct {
	terms    *Terms
	sessions *Sessions
	guesses  *guesses.Guard
	factors  *factors.Factors
	now      func() time.Time
	tickets  tickets
}

// passed marks a request whose second factor was proved. made is the session that
// was stored with the proof, if it was.
type passed struct{ made *opened }

// signIn decides about every token PocketBase is about to hand out.
func (n *Entrance) signIn(e *core.RecordAuthRequestEvent) error {
	switch e.Request.Pattern {
	case impersonatePattern: // the operator
		return n.impersonate(e)
	case refreshPattern:
		return n.renew(e)
	}
	if e.Record.GetBool("is_service") {
		return refusal.Of("account_closed")
	}
	if p, ok := e.Get(passedKey).(passed); ok {
		if p.made != nil {
			return n.hand(e, *p.made)
		}
		return n.begin(e, e.AuthMethod, true)
	}
	method := e.AuthMethod
	if method == "" { // whoever lets somebody in says how they proved who they are
		return e.ForbiddenError("", errors.New("a sign-in by no method"))
	}
	if refused := n.terms.refusedMethod(e.App, e.Record.Id, method); refused != nil {
		n.note(e, "auth.refused", map[string]any{"method": method})
		return refused
	}
	if !n.terms.NeedsFactor(e.App, e.Record) {
		return n.begin(e, method, false)
	}
	return n.ask(e, method)
}

// Enter signs in somebody who proved who they are otherwise than by a route of
// PocketBase's, through the same hook as every sign-in, and hands the token to
// answer.
func Enter(e *core.RequestEvent, user *core.Record, method string, answer func(token string) error) error {
	token, err := user.NewAuthToken()
	if err != nil {
		return err
	}
	event := new(core.RecordAuthRequestEvent)
	event.RequestEvent, event.Collection, event.Record = e, user.Collection(), user
	event.Token, event.AuthMethod = token, method
	return e.App.OnRecordAuthRequest().Trigger(event,
		func(e *core.RecordAuthRequestEvent) error { return answer(e.Token) })
}

// ask answers a sign-in with a ticket instead of a token.
func (n *Entrance) ask(e *core.RecordAuthRequestEvent, method string) error {
	row, err := factors.Of(e.App, e.Record.Id)
	if err != nil {
		return e.InternalServerError("", err)
	}
	methods := []string{FactorSetUp}
	if factors.Confirmed(row) {
		methods = []string{FactorApp, FactorRecovery}
		if e.App.Settings().SMTP.Enabled && method != collections.AuthCode {
			methods = append(methods, FactorMail)
		}
	}
	t := &ticket{user: e.Record.Id, method: method, methods: methods, ends: n.now().Add(ticketFor),
		as: asNow(e.Record, row)}
	id := n.tickets.add(t, n.now())
	e.Response.Header().Set("Cache-Control", "no-store")
	// mfaId is what PocketBase's own clients look for.
	asked := refusal.Of("second_factor_required")
	answer := map[string]any{
		"mfaId": id, "ticket": id, "methods": methods,
		"error": asked.Text, "code": asked.Code,
	}
	if err := e.JSON(http.StatusUnauthorized, sayEnded(e.RequestEvent, answer)); err != nil {
		return err
	}
	return apis.ErrMFA
}

func (t *tickets) add(one *ticket, now time.Time) string {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	id := base64.RawURLEncoding.EncodeToString(b[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.open) >= ticketsMost {
		for k, old := range t.open {
			if now.After(old.ends) {
				delete(t.open, k)
			}
		}
		if len(t.open) >= ticketsMost {
			clear(t.open)
		}
	}
	t.open[rows.Hash(id)] = one
	return id
}

// take counts a try with the ticket and returns a copy of it.
func (t *tickets) take(id string, now time.Time) (ticket, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.open[rows.Hash(id)]
	if one == nil {
		return ticket{}, ErrTicket
	}
	if one.tries++; now.After(one.ends) || one.tries > guesses.FactorTries {
		delete(t.open, rows.Hash(id))
		return ticket{}, ErrTicket
	}
	return *one, nil
}

// asNow changes with the person's password, address and second factor.
func asNow(user, authenticator *core.Record) string {
	factor := ""
	if factors.Confirmed(authenticator) {
		factor = authenticator.Id + authenticator.GetString("confirmed_at")
	}
	return rows.Hash(user.TokenKey() + " " + factor)
}

// present counts a try with the ticket and returns it with its person, if both
// are still as they were.
func (n *Entrance) present(app core.App, id string) (ticket, *core.Record, error) {
	t, err := n.tickets.take(id, n.now())
	if err != nil {
		return t, nil, err
	}
	user, err := database.Found(app.FindRecordById(collections.Users, t.user))
	if err != nil {
		return t, nil, err
	}
	if user == nil || !user.GetBool("is_active") {
		return t, nil, ErrTicket
	}
	row, err := factors.Of(app, user.Id)
	if err != nil {
		return t, nil, err
	}
	if t.as != asNow(user, row) {
		n.tickets.end(id)
		return t, nil, ErrTicket
	}
	return t, user, nil
}

func (t *tickets) end(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, rows.Hash(id))
}

// Waiting returns the person whose sign-in the ticket is, and whether it waits
// for an authenticator app to be set up. It counts as a try.
func (n *Entrance) Waiting(app core.App, id string) (user *core.Record, setUp bool, err error) {
	t, user, err := n.present(app, id)
	if err != nil {
		return nil, false, err
	}
	return user, t.methods[0] == FactorSetUp, nil
}

// MailCode sends the ticket's person a code, as another way than the app.
func (n *Entrance) MailCode(app core.App, id string) error {
	t, user, err := n.present(app, id)
	if err != nil {
		return err
	}
	if t.methods[len(t.methods)-1] != FactorMail {
		return ErrTicket
	}
	if !n.guesses.MayMailCode(user) {
		return guesses.ErrLocked
	}
	code := factors.NewMailed()
	n.tickets.mu.Lock()
	if one := n.tickets.open[rows.Hash(id)]; one != nil {
		one.mailed = factors.MailedHash(code)
	}
	n.tickets.mu.Unlock()
	return mails.SendRecordOTP(app, user, "", code)
}

// Complete finishes a sign-in: the ticket's person gave the code. It answers
// the request like any sign-in, with a session that knows of the factor.
func (n *Entrance) Complete(e *core.RequestEvent, id, code string) error {
	t, user, err := n.present(e.App, id)
	if err != nil {
		return err
	}
	if t.methods[0] == FactorSetUp {
		return factors.ErrNone
	}
	mailed := t.mailed != "" && factors.IsMailed(code)
	if mailed {
		err = n.factors.CheckMailed(e, user, code, t.mailed)
	} else {
		err = n.factors.Check(e, user, code)
	}
	if err != nil {
		if errors.Is(err, factors.ErrCode) || errors.Is(err, guesses.ErrLocked) {
			n.failed(e, user)
		}
		return err
	}
	return n.finish(e, id, t, user, passed{}, nil)
}

// CompleteSetUp finishes a sign-in that had to set up an authenticator app:
// the code confirms it, and also is done with that; the session is stored with both,
// so that nobody has a factor whose codes they were not shown. The answer's meta holds
// the recovery codes.
func (n *Entrance) CompleteSetUp(e *core.RequestEvent, id, code string,
	also func(tx core.App, user *core.Record) error) error {
	t, user, err := n.present(e.App, id)
	if err != nil {
		return err
	}
	if t.methods[0] != FactorSetUp {
		return ErrTicket
	}
	var made opened
	codes, err := n.factors.Confirm(e, user, code, func(tx core.App) (err error) {
		if made, err = n.sessions.store(tx, e, user, n.sessions.visit(tx, user, t.method, true)); err != nil {
			return err
		}
		return also(tx, user)
	})
	if err != nil {
		return err
	}
	return n.finish(e, id, t, user, passed{&made}, map[string]any{"recovery_codes": codes})
}

func (n *Entrance) finish(e *core.RequestEvent, id string, t ticket, user *core.Record, p passed, meta any) error {
	n.tickets.end(id)
	e.Set(passedKey, p)
	e.Response.Header().Set("Cache-Control", "no-store")
	return apis.RecordAuthResponse(e, user, t.method, meta)
}

// failed writes down a wrong second factor.
func (n *Entrance) failed(e *core.RequestEvent, user *core.Record) {
	writeDown(e, entryOf(e, user, "auth.failed", map[string]any{"method": "second_factor"}))
}

func (n *Entrance) note(e *core.RecordAuthRequestEvent, action string, details any) {
	writeDown(e.RequestEvent, entryOf(e.RequestEvent, e.Record, action, details))
}

// entryOf is about a person's own account, by whoever asks.
func entryOf(e *core.RequestEvent, user *core.Record, action string, details any) audit.Entry {
	actor := audit.ActorOf(e)
	actor.User, actor.Name = user.Id, user.GetString("name")
	return audit.Entry{
		Organization: user.GetString("last_organization"), Actor: actor, Action: action,
		Resource: collections.Users, Record: user.Id, Details: details,
	}
}

// begin makes a session and the token that belongs to it.
func (n *Entrance) begin(e *core.RecordAuthRequestEvent, method string, factor bool) error {
	return n.open(e, n.sessions.visit(e.App, e.Record, method, factor))
}

// impersonate gives the operator a session of the person: listed and ended like
// the person's own, without their second factor, and not renewed.
func (n *Entrance) impersonate(e *core.RecordAuthRequestEvent) error {
	claims, err := security.ParseUnverifiedJWT(e.Token)
	if err != nil {
		return e.InternalServerError("", err)
	}
	ends, err := claims.GetExpirationTime()
	if err != nil || ends == nil {
		return e.InternalServerError("", err)
	}
	return n.open(e, visit{method: Impersonated, length: ends.Sub(n.now())})
}

func (n *Entrance) open(e *core.RecordAuthRequestEvent, v visit) error {
	made, err := n.sessions.store(e.App, e.RequestEvent, e.Record, v)
	if err != nil {
		return refusal.Of("internal/session").For(err)
	}
	return n.hand(e, made)
}

// hand gives a session's token to the answer.
func (n *Entrance) hand(e *core.RecordAuthRequestEvent, made opened) error {
	e.Token = made.token
	// The answer shows rows to the person, not to who asked.
	proof{session: made.session, address: e.RealIP()}.give(e.Record)
	if ended(e.RequestEvent) {
		said, _ := e.Meta.(map[string]any)
		e.Meta = sayEnded(e.RequestEvent, said)
	}
	return e.Next()
}

// renew answers auth-refresh: the same session, a new token.
func (n *Entrance) renew(e *core.RecordAuthRequestEvent) error {
	old := tenant.Bearer(e.Request)
	if e.Token == old || e.Token == "" { // one that cannot be renewed
		return e.Next()
	}
	id := Session(e.RequestEvent)
	row, err := database.Found(e.App.FindRecordById(collections.Sessions, id))
	if err != nil {
		return err
	}
	if row == nil {
		return refusal.Of("unauthorized/again")
	}
	now, length := n.now(), n.terms.length(e.App, e.Record)
	if e.Token, err = n.sessions.token(e.Record, id, visit{length: length, refreshable: true}); err != nil {
		return err
	}
	row.IgnoreUnchangedFields(true)
	row.Load(map[string]any{
		"token_hash": rows.Hash(e.Token), "expires_at": now.Add(length), "last_seen_at": now, "ip_address": e.RealIP(),
		"user_agent": rows.Shorten(e.Request.UserAgent(), agentMax),
	})
	if err := e.App.Save(row); err != nil {
		return refusal.Of("internal/session").For(err)
	}
	return e.Next()
}

// writeDown adds an entry to the audit log; the answer must not depend on it.
func writeDown(e *core.RequestEvent, entry audit.Entry) {
	if err := audit.Add(e.App, entry); err != nil {
		e.App.Logger().Error("sign-in not written down", "action", entry.Action, "error", err)
	}
}
