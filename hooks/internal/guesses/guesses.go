// Package guesses counts what can be guessed: passwords, codes and second factors, per
// account and per code, whatever addresses the tries come from; and the requests an
// address sends to a door (limits.go). A try counts before it is looked at; a right one
// is no guess.
package guesses

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/rate"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// What can be guessed at a door.
const (
	guessPassword = "password"             // at sign-in
	guessCode     = "code by mail"         // at sign-in
	guessFactor   = "second factor"        // an app's code, a recovery code, one by mail
	guessAgain    = "password, once again" // by somebody who is signed in or holds a link
)

// guess is how many tries there are, from whatever addresses they come. A try
// counts before it is looked at, so that tries at the same time count too.
// Accounts that do not exist count like those that do.
type guess struct {
	// late is after how many tries at an account in lateIn answers are held back.
	// Somebody at an address the account signed in from lately is not held back
	// unless the try was wrong.
	late   int
	lateIn time.Duration
	// own is how many tries one address has at one account in ownIn.
	own   int
	ownIn time.Duration
	// most is how many tries an account has in mostIn; then strangers' addresses
	// are refused, and those it signed in from are not, so that nobody can lock
	// the owner out. A new password begins the count anew.
	most   int
	mostIn time.Duration
	// each is how many tries one code, or one sign-in that waits for its second
	// factor, takes before it is worth nothing.
	each int
	// kept says that the tries at an account are counted in a row of it, so that a
	// restart forgives none: those at the second factor (attempt), which only who
	// knows the first one reaches. They end no session.
	kept bool
}

var table = map[string]guess{
	guessPassword: {late: 10, lateIn: 10 * time.Minute, own: 60, ownIn: time.Hour, most: 50, mostIn: time.Hour},
	// PocketBase refuses the sixth try of an address at an account in 3 minutes,
	// for accounts that exist; we do for all.
	guessCode: {late: 10, lateIn: 10 * time.Minute, own: 5, ownIn: 3 * time.Minute, most: 100,
		mostIn: time.Hour, each: 5},
	guessFactor: {most: 5, mostIn: 15 * time.Minute, each: FactorTries, kept: true},
	guessAgain:  {most: 5, mostIn: 15 * time.Minute},
}

const (
	// delayFirst doubles with each further try, up to delayMost.
	delayFirst = 500 * time.Millisecond
	delayMost  = 8 * time.Second
	// delayedMost bounds the answers held back at once; beyond it strangers are
	// refused instead, which costs no memory.
	delayedMost = 200
	// mailsMost is how many mails of a kind one account is sent in mailWindow.
	mailsMost  = 5
	mailWindow = 15 * time.Minute
	// wrongKeys is how many wrong keys an address may present in a minute.
	wrongKeys = 30
	// alikeFor is longer than any answer takes that must not tell, by its time,
	// whether an address has an account.
	alikeFor = 300 * time.Millisecond
)

// FactorTries is how many codes one sign-in that waits for its second factor takes.
const FactorTries = 8

// Errors of secrets that were tried.
var (
	ErrPassword = errors.New("the password is wrong")
	ErrLocked   = errors.New("too many wrong codes: try again in 15 minutes")
)

// Options are what the package needs.
type Options struct {
	// Now is the clock.
	Now func() time.Time
	// Wait delays an answer; nil waits that long, or until the caller is gone.
	Wait func(ctx context.Context, d time.Duration)
}

// Guard counts the tries. Make one with Register.
type Guard struct {
	Options
	app     core.App
	decoys  decoys
	delayed atomic.Int64 // answers held back now
	limits  rate.Windows
}

// Register counts what PocketBase's own routes compare, and what comes to every door.
func Register(app core.App, o Options) *Guard {
	if o.Wait == nil {
		o.Wait = wait
	}
	g := &Guard{Options: o, app: app}
	g.limits.Now = o.Now
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(
			chain.Middleware(chain.SignInLimit, g.limitAddress),
			chain.Middleware(chain.Alike, g.answerAlike),
			chain.Middleware(chain.Guesses, g.tryBody),
		)
		return se.Next()
	})
	app.OnRecordAuthWithPasswordRequest().BindFunc(g.tryPassword)
	app.OnRecordUpdateRequest().BindFunc(g.tryOldPassword)
	app.OnRecordRequestOTPRequest().BindFunc(g.requestCode)
	app.OnRecordRequestPasswordResetRequest().BindFunc(func(e *core.RecordRequestPasswordResetRequestEvent) error {
		return g.quiet(e.RequestEvent, "reset", e.Record, e.Next)
	})
	app.OnRecordRequestVerificationRequest().BindFunc(func(e *core.RecordRequestVerificationRequestEvent) error {
		return g.quiet(e.RequestEvent, "verify", e.Record, e.Next)
	})
	return g
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// target is whose secret is being guessed.
type target struct {
	account string       // the same text for every spelling of an address
	record  *core.Record // nil when nobody has it
}

// key is where tries at the account count.
func (t target) key(what string) string { return "try " + what + " " + t.account }

// accountOf is the account a record is, by its address; there is one each.
func accountOf(record *core.Record) target {
	return target{record.Collection().Name + " " + address.Tidy(record.Email()), record}
}

// tooOften is why a try was not looked at.
type tooOften struct{ again time.Duration }

func (tooOften) Error() string { return "too many tries" }

// try counts a try and looks at it unless there were too many, which it answers.
// look compares; what it answers for a wrong value is an error.
func (g *Guard) try(e *core.RequestEvent, what string, at target, look func() error) error {
	err := g.attemptAt(e, what, at, look)
	if often, ok := errors.AsType[tooOften](err); ok {
		return tooMany(e, often.again)
	}
	return err
}

// attemptAt is try for whoever answers in other words: too many are a tooOften.
func (g *Guard) attemptAt(e *core.RequestEvent, what string, at target, look func() error) error {
	rule, key, own := table[what], at.key(what), at.key(what)+" from "+network.Of(e.RealIP())
	n := g.limits.Hit(key, rule.lateIn)
	late := rule.late > 0 && n > rule.late
	if rule.own > 0 && g.limits.Hit(own, rule.ownIn) > rule.own {
		return tooOften{rule.ownIn}
	}
	// The two counts begin anew at times of their own: either one over is enough
	// to ask where the account is used.
	spent := g.limits.Hit(key+" all", rule.mostIn) > rule.most
	known := rule.late > 0 && (late || spent) && g.familiar(e, at.record)
	switch {
	case spent && !known:
		return tooOften{rule.mostIn}
	case late && !known && !g.hold(e, n-rule.late):
		return tooOften{rule.lateIn}
	}
	err := look()
	if err == nil || errors.Is(err, apis.ErrMFA) { // no guess
		if operator(at.record) {
			g.limits.Hit(usedFrom(e, at.record), familiarFor)
		}
		g.limits.Clear(own)
		g.limits.Undo(key)
		g.limits.Undo(key + " all")
		return err
	}
	if late && known {
		g.hold(e, n-rule.late)
	}
	return err
}

// hold keeps an answer back, longer with each try too many. It is false when
// too many are held back already.
func (g *Guard) hold(e *core.RequestEvent, over int) bool {
	held := g.delayed.Add(1)
	defer g.delayed.Add(-1)
	if held > delayedMost {
		return false
	}
	intake.Waits(e)
	g.Wait(e.Request.Context(), min(delayFirst<<min(over-1, 5), delayMost))
	return true
}

// Forgive begins an account's counts anew: its password or its address is
// another one.
func (g *Guard) Forgive(record *core.Record) {
	for what, rule := range table {
		if rule.kept {
			continue // the second factor is the same
		}
		key := accountOf(record).key(what)
		g.limits.Clear(key)
		g.limits.Clear(key + " all")
	}
}

// familiarFor is how long an account is at home in a network it was used from.
const familiarFor = 30 * 24 * time.Hour

// familiar tells whether the account was used lately from this caller's network: an
// address alone changes from day to day, of IPv6 from hour to hour.
func (g *Guard) familiar(e *core.RequestEvent, record *core.Record) bool {
	if operator(record) {
		return g.limits.Seen(usedFrom(e, record))
	}
	if !tenant.IsPerson(record) {
		return false
	}
	var addresses []string
	err := e.App.ConcurrentDB().NewQuery(`SELECT DISTINCT ip_address FROM sessions WHERE user = {:user} AND last_seen_at > {:since}`).
		Bind(map[string]any{"user": record.Id, "since": rows.Stamp(g.Now().Add(-familiarFor))}).Column(&addresses)
	if err != nil {
		e.App.Logger().Error("where an account is used could not be read; its caller counts as a stranger", "error", err)
		return false
	}
	here := network.Of(e.RealIP())
	return slices.ContainsFunc(addresses, func(address string) bool { return network.Of(address) == here })
}

// operator tells whether the account is a superuser's. They have no sessions: where
// they sign in from is remembered while the process runs.
func operator(record *core.Record) bool {
	return record != nil && record.Collection().Name == core.CollectionNameSuperusers
}

func usedFrom(e *core.RequestEvent, record *core.Record) string {
	return "used " + accountOf(record).account + " from " + network.Of(e.RealIP())
}

// Factor takes one of the tries at the second factor a person has in the network of the
// request, when the account is used from there: who found the password out elsewhere does
// not lock the owner out at home. home is false, and nothing was counted, elsewhere;
// ErrLocked when none is left.
func (g *Guard) Factor(e *core.RequestEvent, user *core.Record) (home bool, err error) {
	if !g.familiar(e, user) {
		return false, nil
	}
	if rule := table[guessFactor]; g.limits.Hit(atHome(e, user), rule.mostIn) > rule.most {
		return true, ErrLocked
	}
	return true, nil
}

// FactorRow is how many tries at the second factor the row of an account takes, and for how
// long it is locked then.
func FactorRow() (most int, locked time.Duration) {
	return table[guessFactor].most, table[guessFactor].mostIn
}

// FactorPassed ends the row of wrong codes from where the right one came.
func (g *Guard) FactorPassed(e *core.RequestEvent, user *core.Record) {
	g.limits.Clear(atHome(e, user))
}

func atHome(e *core.RequestEvent, user *core.Record) string {
	return accountOf(user).key(guessFactor) + " from " + network.Of(e.RealIP())
}

// MayMailCode counts a code by mail to the person; false when that is one too many for
// their mailbox.
func (g *Guard) MayMailCode(user *core.Record) bool {
	return g.limits.Hit("otp "+accountOf(user).account, mailWindow) <= mailsMost
}

// WrongKey counts a wrong API key, and answers an address that presents too many.
func (g *Guard) WrongKey(e *core.RequestEvent) error {
	if g.limits.Hit("wrongkey "+network.Of(e.RealIP()), time.Minute) > wrongKeys {
		return tooMany(e, time.Minute)
	}
	return e.Next() // a guest
}

// CheckPassword tells whether the password is that of somebody who is signed in
// already: ErrPassword when not, ErrLocked after too many tries, so that a
// session that was stolen does not find it out.
func (g *Guard) CheckPassword(e *core.RequestEvent, user *core.Record, password string) error {
	err := g.attemptAt(e, guessAgain, accountOf(user), func() error {
		if !user.ValidatePassword(password) {
			return ErrPassword
		}
		return nil
	})
	if _, ok := errors.AsType[tooOften](err); ok {
		return ErrLocked
	}
	return err
}

// tryPassword counts the password of a sign-in.
func (g *Guard) tryPassword(e *core.RecordAuthWithPasswordRequestEvent) error {
	at := target{e.Collection.Name + " " + address.Tidy(e.Identity), e.Record}
	if operator(e.Record) {
		// A new password begins the count anew, also one that a command set beside
		// this process.
		at.account += " " + e.Record.TokenKey()
	}
	return g.try(e.RequestEvent, guessPassword, at, e.Next)
}

// quiet answers without a mail when an account was sent too many, or belongs to a key.
func (g *Guard) quiet(e *core.RequestEvent, kind string, record *core.Record, next func() error) error {
	service := record.Collection().Name == collections.Users && record.GetBool("is_service")
	if service || g.limits.Hit(kind+" "+record.Id, mailWindow) > mailsMost {
		return e.NoContent(http.StatusNoContent)
	}
	return next()
}

// tryOldPassword counts the old password that comes with a new one.
func (g *Guard) tryOldPassword(e *core.RecordRequestEvent) error {
	if !e.Collection.IsAuth() || e.HasSuperuserAuth() {
		return e.Next()
	}
	info, err := e.RequestInfo()
	if err != nil {
		return e.BadRequestError("", err)
	}
	if old := info.Body["oldPassword"]; old == nil || old == "" {
		return e.Next()
	}
	return g.try(e.RequestEvent, guessAgain, accountOf(e.Record.Original()), e.Next)
}

// tryBody counts what is guessed with values of a body, before PocketBase reads
// them.
func (g *Guard) tryBody(e *core.RequestEvent) error {
	switch e.Request.Pattern {
	case "POST " + users + "auth-with-otp":
		return g.tryCode(e)
	case "POST " + users + "confirm-email-change":
		var form struct {
			Token string `form:"token" json:"token"`
		}
		if !intake.Peek(e, &form) {
			return e.Next()
		}
		record, err := e.App.FindAuthRecordByToken(form.Token, core.TokenTypeEmailChange)
		if err != nil {
			return e.Next() // the token is worth nothing, and neither is the password
		}
		return g.try(e, guessAgain, accountOf(record), e.Next)
	}
	return e.Next()
}

// answerAlike gives all answers of a door the same time.
func (g *Guard) answerAlike(e *core.RequestEvent) error {
	if !limited[e.Request.Pattern].alike {
		return e.Next()
	}
	began := g.Now()
	err := e.Next() // answers this short are sent when the handler has returned
	intake.Answered(e)
	g.Wait(e.Request.Context(), alikeFor-g.Now().Sub(began))
	return err
}
