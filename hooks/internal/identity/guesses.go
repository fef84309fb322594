package identity

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/network"
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

var guesses = map[string]guess{
	guessPassword: {late: 10, lateIn: 10 * time.Minute, own: 60, ownIn: time.Hour, most: 50, mostIn: time.Hour},
	// PocketBase refuses the sixth try of an address at an account in 3 minutes,
	// for accounts that exist; we do for all.
	guessCode:   {late: 10, lateIn: 10 * time.Minute, own: 5, ownIn: 3 * time.Minute, most: 100, mostIn: time.Hour, each: 5},
	guessFactor: {most: 5, mostIn: 15 * time.Minute, each: 8, kept: true},
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
	// alikeFor is longer than any answer takes that must not tell, by its time,
	// whether an address has an account.
	alikeFor = 300 * time.Millisecond
)

// ErrPassword says that the password is not the account's.
var ErrPassword = errors.New("the password is wrong")

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
func (i *Identity) try(e *core.RequestEvent, what string, at target, look func() error) error {
	err := i.attemptAt(e, what, at, look)
	if often, ok := errors.AsType[tooOften](err); ok {
		return tooMany(e, often.again)
	}
	return err
}

// attemptAt is try for whoever answers in other words: too many are a tooOften.
func (i *Identity) attemptAt(e *core.RequestEvent, what string, at target, look func() error) error {
	g, key, own := guesses[what], at.key(what), at.key(what)+" from "+network.Of(e.RealIP())
	n := i.limits.Hit(key, g.lateIn)
	late := g.late > 0 && n > g.late
	if g.own > 0 && i.limits.Hit(own, g.ownIn) > g.own {
		return tooOften{g.ownIn}
	}
	// The two counts begin anew at times of their own: either one over is enough
	// to ask where the account is used.
	spent := i.limits.Hit(key+" all", g.mostIn) > g.most
	known := g.late > 0 && (late || spent) && i.familiar(e, at.record)
	switch {
	case spent && !known:
		return tooOften{g.mostIn}
	case late && !known && !i.hold(e, n-g.late):
		return tooOften{g.lateIn}
	}
	err := look()
	if err == nil || errors.Is(err, apis.ErrMFA) { // no guess
		if operator(at.record) {
			i.limits.Hit(usedFrom(e, at.record), familiarFor)
		}
		i.limits.Clear(own)
		i.limits.Undo(key)
		i.limits.Undo(key + " all")
		return err
	}
	if late && known {
		i.hold(e, n-g.late)
	}
	return err
}

// hold keeps an answer back, longer with each try too many. It is false when
// too many are held back already.
func (i *Identity) hold(e *core.RequestEvent, over int) bool {
	held := i.delayed.Add(1)
	defer i.delayed.Add(-1)
	if held > delayedMost {
		return false
	}
	intake.Waits(e)
	i.Wait(e.Request.Context(), min(delayFirst<<min(over-1, 5), delayMost))
	return true
}

// forgive begins an account's counts anew: its password or its address is
// another one.
func (i *Identity) forgive(record *core.Record) {
	for what, g := range guesses {
		if g.kept {
			continue // the second factor is the same
		}
		key := accountOf(record).key(what)
		i.limits.Clear(key)
		i.limits.Clear(key + " all")
	}
}

// familiarFor is how long an account is at home in a network it was used from.
const familiarFor = 30 * 24 * time.Hour

// familiar tells whether the account was used lately from this caller's network: an
// address alone changes from day to day, of IPv6 from hour to hour.
func (i *Identity) familiar(e *core.RequestEvent, record *core.Record) bool {
	if operator(record) {
		return i.limits.Seen(usedFrom(e, record))
	}
	if !person(record) {
		return false
	}
	var addresses []string
	err := e.App.ConcurrentDB().NewQuery(`SELECT DISTINCT ip_address FROM sessions WHERE user = {:user} AND last_seen_at > {:since}`).
		Bind(map[string]any{"user": record.Id, "since": stamp(i.Now().Add(-familiarFor))}).Column(&addresses)
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

// CheckPassword tells whether the password is that of somebody who is signed in
// already: ErrPassword when not, ErrLocked after too many tries, so that a
// session that was stolen does not find it out.
func (i *Identity) CheckPassword(e *core.RequestEvent, user *core.Record, password string) error {
	err := i.attemptAt(e, guessAgain, accountOf(user), func() error {
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

// bindGuesses counts per account what PocketBase's own routes compare.
func (i *Identity) bindGuesses() {
	i.app.OnRecordAuthWithPasswordRequest().BindFunc(func(e *core.RecordAuthWithPasswordRequestEvent) error {
		at := target{e.Collection.Name + " " + address.Tidy(e.Identity), e.Record}
		if operator(e.Record) {
			// A new password begins the count anew, also one that a command set beside
			// this process.
			at.account += " " + e.Record.TokenKey()
		}
		return i.try(e.RequestEvent, guessPassword, at, e.Next)
	})
	i.app.OnRecordUpdateRequest().BindFunc(i.tryOldPassword)
	i.bindCodes()
	quiet := func(e *core.RequestEvent, kind string, record *core.Record, next func() error) error {
		service := record.Collection().Name == collections.Users && record.GetBool("is_service")
		if service || i.limits.Hit(kind+" "+record.Id, mailWindow) > mailsMost {
			return e.NoContent(http.StatusNoContent)
		}
		return next()
	}
	i.app.OnRecordRequestPasswordResetRequest().BindFunc(func(e *core.RecordRequestPasswordResetRequestEvent) error {
		return quiet(e.RequestEvent, "reset", e.Record, e.Next)
	})
	i.app.OnRecordRequestEmailChangeRequest().BindFunc(i.oweChange)
	i.app.OnRecordRequestVerificationRequest().BindFunc(func(e *core.RecordRequestVerificationRequestEvent) error {
		return quiet(e.RequestEvent, "verify", e.Record, e.Next)
	})
}

// tryOldPassword counts the old password that comes with a new one.
func (i *Identity) tryOldPassword(e *core.RecordRequestEvent) error {
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
	return i.try(e.RequestEvent, guessAgain, accountOf(e.Record.Original()), e.Next)
}

// tryBody counts what is guessed with values of a body, before PocketBase reads
// them.
func (i *Identity) tryBody(e *core.RequestEvent) error {
	switch e.Request.Pattern {
	case "POST " + users + "auth-with-otp":
		return i.tryCode(e)
	case "POST " + users + "confirm-email-change":
		var form struct {
			Token string `form:"token" json:"token"`
		}
		if !peek(e, &form) {
			return e.Next()
		}
		record, err := e.App.FindAuthRecordByToken(form.Token, core.TokenTypeEmailChange)
		if err != nil {
			return e.Next() // the token is worth nothing, and neither is the password
		}
		return i.try(e, guessAgain, accountOf(record), e.Next)
	}
	return e.Next()
}

// answerAlike gives all answers of a door the same time.
func (i *Identity) answerAlike(e *core.RequestEvent) error {
	if !limited[e.Request.Pattern].alike {
		return e.Next()
	}
	began := i.Now()
	err := e.Next() // answers this short are sent when the handler has returned
	intake.Answered(e)
	i.Wait(e.Request.Context(), alikeFor-i.Now().Sub(began))
	return err
}
