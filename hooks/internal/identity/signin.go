package identity

import (
	"crypto/rand"
	"crypto/subtle"
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
	"github.com/pocketline/pocketline/hooks/internal/atomic"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/database"
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

// passed marks a request whose second factor was proved.
type passed struct{}

// signIn decides about every token PocketBase is about to hand out.
func (i *Identity) signIn(e *core.RecordAuthRequestEvent) error {
	switch e.Request.Pattern {
	case impersonatePattern: // the operator
		return i.impersonate(e)
	case refreshPattern:
		return i.renew(e)
	}
	if e.Record.GetBool("is_service") {
		return e.ForbiddenError("This account cannot sign in.", nil)
	}
	if _, ok := e.Get(passedKey).(passed); ok {
		return i.begin(e, e.AuthMethod, true)
	}
	method := e.AuthMethod
	if method == "" { // whoever lets somebody in says how they proved who they are
		return e.ForbiddenError("", errors.New("a sign-in by no method"))
	}
	if sentence := i.refusedMethod(e.App, e.Record.Id, method); sentence != "" {
		i.note(e, "auth.refused", map[string]any{"method": method})
		return e.ForbiddenError(sentence, nil)
	}
	if !i.NeedsFactor(e.App, e.Record) {
		return i.begin(e, method, false)
	}
	return i.ask(e, method)
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
	return e.App.OnRecordAuthRequest().Trigger(event, func(e *core.RecordAuthRequestEvent) error { return answer(e.Token) })
}

// ask answers a sign-in with a ticket instead of a token.
func (i *Identity) ask(e *core.RecordAuthRequestEvent, method string) error {
	row, err := authenticator(e.App, e.Record.Id)
	if err != nil {
		return e.InternalServerError("", err)
	}
	methods := []string{FactorSetUp}
	if row != nil && !row.GetDateTime("confirmed_at").IsZero() {
		methods = []string{FactorApp, FactorRecovery}
		if e.App.Settings().SMTP.Enabled && method != collections.AuthCode {
			methods = append(methods, FactorMail)
		}
	}
	t := &ticket{user: e.Record.Id, method: method, methods: methods, ends: i.Now().Add(ticketFor), as: asNow(e.Record, row)}
	id := i.tickets.add(t, i.Now())
	e.Response.Header().Set("Cache-Control", "no-store")
	// mfaId is what PocketBase's own clients look for.
	answer := map[string]any{"mfaId": id, "ticket": id, "methods": methods}
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
	t.open[hash(id)] = one
	return id
}

// take counts a try with the ticket and returns a copy of it.
func (t *tickets) take(id string, now time.Time) (ticket, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.open[hash(id)]
	if one == nil {
		return ticket{}, ErrTicket
	}
	if one.tries++; now.After(one.ends) || one.tries > guesses[guessFactor].each {
		delete(t.open, hash(id))
		return ticket{}, ErrTicket
	}
	return *one, nil
}

// asNow changes with the person's password, address and second factor.
func asNow(user, authenticator *core.Record) string {
	factor := ""
	if authenticator != nil && !authenticator.GetDateTime("confirmed_at").IsZero() {
		factor = authenticator.Id + authenticator.GetString("confirmed_at")
	}
	return hash(user.TokenKey() + " " + factor)
}

// present counts a try with the ticket and returns it with its person, if both
// are still as they were.
func (i *Identity) present(app core.App, id string) (ticket, *core.Record, error) {
	t, err := i.tickets.take(id, i.Now())
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
	row, err := authenticator(app, user.Id)
	if err != nil {
		return t, nil, err
	}
	if t.as != asNow(user, row) {
		i.tickets.end(id)
		return t, nil, ErrTicket
	}
	return t, user, nil
}

func (t *tickets) end(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, hash(id))
}

// Waiting returns the person whose sign-in the ticket is, and whether it waits
// for an authenticator app to be set up. It counts as a try.
func (i *Identity) Waiting(app core.App, id string) (user *core.Record, setUp bool, err error) {
	t, user, err := i.present(app, id)
	if err != nil {
		return nil, false, err
	}
	return user, t.methods[0] == FactorSetUp, nil
}

// MailCode sends the ticket's person a code, as another way than the app.
func (i *Identity) MailCode(app core.App, id string) error {
	t, user, err := i.present(app, id)
	if err != nil {
		return err
	}
	if t.methods[len(t.methods)-1] != FactorMail {
		return ErrTicket
	}
	if i.limits.Hit("otp "+accountOf(user).account, mailWindow) > mailsMost {
		return ErrLocked
	}
	code := security.RandomStringWithAlphabet(8, "1234567890")
	i.tickets.mu.Lock()
	if one := i.tickets.open[hash(id)]; one != nil {
		one.mailed = hash("mailed " + code)
	}
	i.tickets.mu.Unlock()
	return mails.SendRecordOTP(app, user, "", code)
}

// Complete finishes a sign-in: the ticket's person gave the code. It answers
// the request like any sign-in, with a session that knows of the factor.
func (i *Identity) Complete(e *core.RequestEvent, id, code string) error {
	t, user, err := i.present(e.App, id)
	if err != nil {
		return err
	}
	if t.methods[0] == FactorSetUp {
		return ErrNone
	}
	mailed := t.mailed != "" && len(tidyCode(code)) == 8
	if mailed {
		err = i.checkMailed(e, t, user, code)
	} else {
		err = i.CheckFactor(e, user, code)
	}
	if err != nil {
		if errors.Is(err, ErrCode) || errors.Is(err, ErrLocked) {
			i.failed(e, user)
		}
		return err
	}
	return i.finish(e, id, t, user, nil)
}

// checkMailed compares a code that was mailed for this ticket. A right one ends
// the row of wrong ones, as an app's code does.
func (i *Identity) checkMailed(e *core.RequestEvent, t ticket, user *core.Record, code string) error {
	if err := i.attempt(e, user); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(hash("mailed "+tidyCode(code))), []byte(t.mailed)) != 1 {
		return ErrCode
	}
	i.passed(e, user)
	return one(atomic.Of(e.App).Exec(`UPDATE authenticators SET failures = 0, locked_until = '' WHERE user = ?`, t.user))
}

// CompleteSetUp finishes a sign-in that had to set up an authenticator app:
// the code confirms it, and also is done with that. The answer's meta holds the
// recovery codes.
func (i *Identity) CompleteSetUp(e *core.RequestEvent, id, code string, also func(tx core.App, user *core.Record) error) error {
	t, user, err := i.present(e.App, id)
	if err != nil {
		return err
	}
	if t.methods[0] != FactorSetUp {
		return ErrTicket
	}
	codes, err := i.ConfirmFactor(e, user, code, func(tx core.App) error { return also(tx, user) })
	if err != nil {
		return err
	}
	return i.finish(e, id, t, user, map[string]any{"recovery_codes": codes})
}

func (i *Identity) finish(e *core.RequestEvent, id string, t ticket, user *core.Record, meta any) error {
	i.tickets.end(id)
	e.Set(passedKey, passed{})
	e.Response.Header().Set("Cache-Control", "no-store")
	return apis.RecordAuthResponse(e, user, t.method, meta)
}

// failed writes down a wrong second factor.
func (i *Identity) failed(e *core.RequestEvent, user *core.Record) {
	i.writeDown(e, entryOf(e, user, "auth.failed", map[string]any{"method": "second_factor"}))
}

func (i *Identity) note(e *core.RecordAuthRequestEvent, action string, details any) {
	i.writeDown(e.RequestEvent, entryOf(e.RequestEvent, e.Record, action, details))
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

func (i *Identity) writeDown(e *core.RequestEvent, entry audit.Entry) {
	if err := audit.Add(e.App, entry); err != nil {
		// The answer must not depend on it.
		e.App.Logger().Error("sign-in not written down", "action", entry.Action, "error", err)
	}
}
