package identity

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// Limiter counts in fixed windows, in memory. The zero value counts with the
// machine's clock. Safe for concurrent use.
type Limiter struct {
	Now func() time.Time

	mu      sync.Mutex
	windows map[string]window
}

type window struct {
	ends time.Time
	n    int
}

// windowsMost bounds the memory; when it is full, what has ended goes first,
// then what was counted least: a flood of new keys must not begin the count of
// an account anew that is being tried.
const windowsMost = 50_000

// Hit counts one more for the key and returns how many that makes in its
// window, which begins with its first.
func (l *Limiter) Hit(key string, length time.Duration) int {
	now := time.Now()
	if l.Now != nil {
		now = l.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.windows[key]
	if !ok || !now.Before(w.ends) {
		if len(l.windows) >= windowsMost {
			l.makeRoom(now)
		}
		if l.windows == nil {
			l.windows = map[string]window{}
		}
		w = window{ends: now.Add(length)}
	}
	w.n++
	l.windows[key] = w
	return w.n
}

// Seen tells whether the key was counted in its window.
func (l *Limiter) Seen(key string) bool {
	now := time.Now()
	if l.Now != nil {
		now = l.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.windows[key]
	return ok && w.n > 0 && now.Before(w.ends)
}

// Clear begins the count of the key anew.
func (l *Limiter) Clear(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.windows, key)
}

// Undo takes one back: it turned out to be none.
func (l *Limiter) Undo(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w, ok := l.windows[key]; ok && w.n > 0 {
		w.n--
		l.windows[key] = w
	}
}

func (l *Limiter) makeRoom(now time.Time) {
	maps.DeleteFunc(l.windows, func(_ string, w window) bool { return !now.Before(w.ends) })
	for least := 1; len(l.windows) >= windowsMost; least *= 2 {
		maps.DeleteFunc(l.windows, func(_ string, w window) bool { return w.n <= least })
	}
}

// limit is how many requests one address, and one person who is signed in, may
// send to a door in a window. An IPv6 customer has a whole /64, so that is one
// address.
type limit struct {
	group  string // doors of one group share the counter
	most   int
	length time.Duration
	// guess is what somebody who tries values at this door would find, a row of
	// guesses. "" is for what nobody finds: signatures and 32 random bytes.
	guess string
	// alike says that neither the answer nor its time may tell whether an address
	// has an account.
	alike bool
}

const users = "/api/collections/{collection}/"

// limited are the doors that guess, mail or test something, or carry much away.
// A test holds it against all routes there are, and another one tries each
// guess from many addresses.
var limited = map[string]limit{
	"POST " + users + "auth-with-password":                           {group: "sign-in", most: 30, length: time.Minute, guess: guessPassword},
	"POST " + users + "auth-with-otp":                                {group: "sign-in", most: 30, length: time.Minute, guess: guessCode},
	"POST " + users + "auth-with-oauth2":                             {group: "sign-in", most: 30, length: time.Minute},
	"POST /api/auth/second-factor":                                   {group: "factor", most: 30, length: time.Minute, guess: guessFactor},
	"POST /api/auth/second-factor/mail":                              {group: "mail", most: 10, length: 10 * time.Minute},
	"POST " + users + "request-otp":                                  {group: "mail", most: 10, length: 10 * time.Minute, alike: true},
	"POST " + users + "request-password-reset":                       {group: "mail", most: 10, length: 10 * time.Minute, alike: true},
	"POST " + users + "request-verification":                         {group: "mail", most: 10, length: 10 * time.Minute, alike: true},
	"POST " + users + "request-email-change":                         {group: "mail", most: 10, length: 10 * time.Minute},
	"POST " + users + "confirm-password-reset":                       {group: "confirm", most: 20, length: 10 * time.Minute},
	"POST " + users + "confirm-verification":                         {group: "confirm", most: 20, length: 10 * time.Minute},
	"POST " + users + "confirm-email-change":                         {group: "confirm", most: 20, length: 10 * time.Minute, guess: guessAgain},
	"PATCH " + users + "records/{id}":                                {group: "records", most: 0, length: time.Minute, guess: guessAgain},
	"POST /api/auth/check-reset":                                     {group: "confirm", most: 20, length: 10 * time.Minute},
	"POST /api/auth/signup":                                          {group: "sign-up", most: 10, length: 10 * time.Minute, alike: true},
	"POST /api/auth/verify-invite":                                   {group: "invite", most: 100, length: 10 * time.Minute},
	"POST /api/auth/accept-invite":                                   {group: "invite", most: 100, length: 10 * time.Minute},
	"POST /api/team-members":                                         {group: "team", most: 60, length: 10 * time.Minute},
	"POST /api/team-members/resend":                                  {group: "team", most: 60, length: 10 * time.Minute},
	"PUT /api/user/profile":                                          {group: "profile", most: 60, length: 10 * time.Minute},
	"POST /api/integrations/test":                                    {group: "test", most: 20, length: time.Minute},
	"POST /api/messaging-channels/test":                              {group: "test", most: 20, length: time.Minute},
	"POST /api/organizations/{organization}/members/{id}/reset-link": {group: "mail", most: 10, length: 10 * time.Minute},
	"POST /api/organizations/{organization}/privacy/export":          {group: "export", most: 30, length: 10 * time.Minute},
	"GET /api/organizations/{organization}/export":                   {group: "export", most: 30, length: 10 * time.Minute},
	"GET /api/organizations/{organization}/audit.csv":                {group: "export", most: 30, length: 10 * time.Minute},
	"POST /api/me/two-factor/start":                                  {group: "factor", most: 30, length: time.Minute, guess: guessAgain},
	"POST /api/me/two-factor/confirm":                                {group: "factor", most: 30, length: time.Minute, guess: guessFactor},
	"POST /api/me/two-factor/disable":                                {group: "factor", most: 30, length: time.Minute, guess: guessAgain},
	"POST /api/me/two-factor/recovery":                               {group: "factor", most: 30, length: time.Minute, guess: guessFactor},
	// These ask the doors of this table, which count again what is guessed there.
	"POST /auth/v1/token":   {group: "refresh", most: 120, length: time.Minute},
	"POST /auth/v1/signup":  {group: "sign-up there", most: 20, length: 10 * time.Minute, alike: true},
	"POST /auth/v1/recover": {group: "mail there", most: 20, length: 10 * time.Minute, alike: true},
	"POST /auth/v1/otp":     {group: "mail there", most: 20, length: 10 * time.Minute, alike: true},
}

// limitAddress refuses more than an address, or somebody who is signed in, may
// ask.
func (i *Identity) limitAddress(e *core.RequestEvent) error {
	l, ok := limited[e.Request.Pattern]
	if !ok || l.most == 0 || e.HasSuperuserAuth() {
		return e.Next()
	}
	over := i.limits.Hit(l.group+" "+network.Of(e.RealIP()), l.length) > l.most
	if person(e.Auth) {
		over = i.limits.Hit(l.group+" by "+e.Auth.Id, l.length) > l.most || over
	}
	if over {
		return tooMany(e, l.length)
	}
	return e.Next()
}

func tooMany(e *core.RequestEvent, again time.Duration) error {
	e.Response.Header().Set("Retry-After", strconv.Itoa(int(again.Seconds())))
	return refusal.Answer(e, http.StatusTooManyRequests, "Too many tries; wait a little and try again.")
}

// Limited tells which doors are counted, and what can be guessed at each: ""
// where nothing can. For the tests that walk them.
func Limited() map[string]string {
	doors := map[string]string{}
	for pattern, l := range limited {
		doors[pattern] = l.guess
	}
	return doors
}
