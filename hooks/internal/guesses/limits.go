package guesses

import (
	"strconv"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

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
	"POST " + users + "auth-with-password": {group: "sign-in", most: 30, length: time.Minute,
		guess: guessPassword},
	"POST " + users + "auth-with-otp": {group: "sign-in", most: 30, length: time.Minute,
		guess: guessCode},
	"POST " + users + "auth-with-oauth2": {group: "sign-in", most: 30, length: time.Minute},
	"POST /api/auth/second-factor": {group: "factor", most: 30, length: time.Minute,
		guess: guessFactor},
	"POST /api/auth/second-factor/mail": {group: "mail", most: 10, length: 10 * time.Minute},
	"POST " + users + "request-otp": {group: "mail", most: 10,
		length: 10 * time.Minute, alike: true},
	"POST " + users + "request-password-reset": {group: "mail", most: 10,
		length: 10 * time.Minute, alike: true},
	"POST " + users + "request-verification": {group: "mail", most: 10,
		length: 10 * time.Minute, alike: true},
	"POST " + users + "request-email-change": {group: "mail", most: 10, length: 10 * time.Minute},
	"POST " + users + "confirm-password-reset": {group: "confirm", most: 20,
		length: 10 * time.Minute},
	"POST " + users + "confirm-verification": {group: "confirm", most: 20,
		length: 10 * time.Minute},
	"POST " + users + "confirm-email-change": {group: "confirm", most: 20,
		length: 10 * time.Minute, guess: guessAgain},
	"PATCH " + users + "records/{id}": {group: "records", most: 0, length: time.Minute,
		guess: guessAgain},
	"POST /api/auth/check-reset": {group: "confirm", most: 20,
		length: 10 * time.Minute},
	"POST /api/auth/signup": {group: "sign-up", most: 10,
		length: 10 * time.Minute, alike: true},
	"POST /api/auth/verify-invite": {group: "invite", most: 100,
		length: 10 * time.Minute},
	"POST /api/auth/accept-invite": {group: "invite", most: 100,
		length: 10 * time.Minute},
	"POST /api/team-members":        {group: "team", most: 60, length: 10 * time.Minute},
	"POST /api/team-members/resend": {group: "team", most: 60, length: 10 * time.Minute},
	"PUT /api/user/profile": {group: "profile", most: 60,
		length: 10 * time.Minute},
	"POST /api/integrations/test":                                    {group: "test", most: 20, length: time.Minute},
	"POST /api/messaging-channels/test":                              {group: "test", most: 20, length: time.Minute},
	"POST /api/organizations/{organization}/members/{id}/reset-link": {group: "mail", most: 10, length: 10 * time.Minute},
	"POST /api/organizations/{organization}/privacy/export": {group: "export", most: 30,
		length: 10 * time.Minute},
	"GET /api/organizations/{organization}/export": {group: "export", most: 30,
		length: 10 * time.Minute},
	"GET /api/organizations/{organization}/audit.csv": {group: "export", most: 30,
		length: 10 * time.Minute},
	"POST /api/me/two-factor/start": {group: "factor", most: 30, length: time.Minute,
		guess: guessAgain},
	"POST /api/me/two-factor/confirm": {group: "factor", most: 30, length: time.Minute,
		guess: guessFactor},
	"POST /api/me/two-factor/disable": {group: "factor", most: 30, length: time.Minute,
		guess: guessAgain},
	"POST /api/me/two-factor/recovery": {group: "factor", most: 30, length: time.Minute,
		guess: guessFactor},
	// These ask the doors of this table, which count again what is guessed there.
	"POST /auth/v1/token":   {group: "refresh", most: 120, length: time.Minute},
	"POST /auth/v1/signup":  {group: "sign-up there", most: 20, length: 10 * time.Minute, alike: true},
	"POST /auth/v1/recover": {group: "mail there", most: 20, length: 10 * time.Minute, alike: true},
	"POST /auth/v1/otp":     {group: "mail there", most: 20, length: 10 * time.Minute, alike: true},
	"POST /auth/v1/verify":  {group: "verify there", most: 60, length: time.Minute},
	"PUT /auth/v1/user":     {group: "user there", most: 60, length: time.Minute},
}

// limitAddress refuses more than an address, or somebody who is signed in, may
// ask.
func (g *Guard) limitAddress(e *core.RequestEvent) error {
	l, ok := limited[e.Request.Pattern]
	if !ok || l.most == 0 || e.HasSuperuserAuth() {
		return e.Next()
	}
	over := g.limits.Hit(l.group+" "+network.Of(e.RealIP()), l.length) > l.most
	if tenant.IsPerson(e.Auth) {
		over = g.limits.Hit(l.group+" by "+e.Auth.Id, l.length) > l.most || over
	}
	if over {
		return tooMany(e, l.length)
	}
	return e.Next()
}

func tooMany(e *core.RequestEvent, again time.Duration) error {
	e.Response.Header().Set("Retry-After", strconv.Itoa(int(again.Seconds())))
	return refusal.Answer(e, refusal.Of("too_many_requests/tries"))
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
