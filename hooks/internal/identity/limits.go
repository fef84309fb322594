package identity

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
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

// windowsMost bounds the memory; when it is full, what has ended goes, and if
// nothing has, everything.
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
			for k, old := range l.windows {
				if !now.Before(old.ends) {
					delete(l.windows, k)
				}
			}
			if len(l.windows) >= windowsMost {
				clear(l.windows)
			}
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

// limit is how many requests one address may send to a route in a window.
type limit struct {
	group  string // routes of one group share the counter
	most   int
	length time.Duration
}

const users = "/api/collections/{collection}/"

// limited are the routes that guess, mail or test something, or carry much away. An IPv6 customer
// has a whole /64, so that is one address.
var limited = map[string]limit{
	"POST " + users + "auth-with-password":                           {"sign-in", 30, time.Minute},
	"POST " + users + "auth-with-otp":                                {"sign-in", 30, time.Minute},
	"POST " + users + "auth-with-oauth2":                             {"sign-in", 30, time.Minute},
	"POST /api/auth/second-factor":                                   {"factor", 30, time.Minute},
	"POST /api/auth/second-factor/mail":                              {"mail", 10, 10 * time.Minute},
	"POST " + users + "request-otp":                                  {"mail", 10, 10 * time.Minute},
	"POST " + users + "request-password-reset":                       {"mail", 10, 10 * time.Minute},
	"POST " + users + "request-verification":                         {"mail", 10, 10 * time.Minute},
	"POST " + users + "request-email-change":                         {"mail", 10, 10 * time.Minute},
	"POST " + users + "confirm-password-reset":                       {"confirm", 20, 10 * time.Minute},
	"POST " + users + "confirm-verification":                         {"confirm", 20, 10 * time.Minute},
	"POST " + users + "confirm-email-change":                         {"confirm", 20, 10 * time.Minute},
	"POST /api/auth/signup":                                          {"sign-up", 10, 10 * time.Minute},
	"POST /api/auth/verify-invite":                                   {"invite", 30, 10 * time.Minute},
	"POST /api/auth/accept-invite":                                   {"invite", 30, 10 * time.Minute},
	"POST /api/team-members":                                         {"team", 60, 10 * time.Minute},
	"POST /api/team-members/resend":                                  {"team", 60, 10 * time.Minute},
	"POST /api/integrations/test":                                    {"test", 20, time.Minute},
	"POST /api/messaging-channels/test":                              {"test", 20, time.Minute},
	"POST /api/organizations/{organization}/members/{id}/reset-link": {"mail", 10, 10 * time.Minute},
	"POST /api/organizations/{organization}/privacy/export":          {"export", 30, 10 * time.Minute},
	"GET /api/organizations/{organization}/export":                   {"export", 30, 10 * time.Minute},
	"GET /api/organizations/{organization}/audit.csv":                {"export", 30, 10 * time.Minute},
	"POST /api/me/two-factor/start":                                  {"factor", 30, time.Minute},
	"POST /api/me/two-factor/confirm":                                {"factor", 30, time.Minute},
	"POST /api/me/two-factor/disable":                                {"factor", 30, time.Minute},
}

// limitAddress refuses more than an address, or somebody who is signed in, may
// ask.
func (i *Identity) limitAddress(e *core.RequestEvent) error {
	l, ok := limited[e.Request.Pattern]
	if !ok || e.HasSuperuserAuth() {
		return e.Next()
	}
	over := i.limits.Hit(l.group+" "+network(e.RealIP()), l.length) > l.most
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
	return refuse(e, http.StatusTooManyRequests, "too_many_requests", "Too many tries; wait a little and try again.")
}

// network is the part of an address one customer has.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

const (
	// accountTries is how many sign-ins one account sees in accountWindow before
	// answers are delayed. A delay, never a lock: otherwise a stranger could
	// lock the owner out.
	accountTries  = 10
	accountWindow = 10 * time.Minute
	// delayFirst doubles with each further try, up to delayMost.
	delayFirst = 500 * time.Millisecond
	delayMost  = 8 * time.Second
	// delayedMost bounds the answers held back at once; beyond it strangers are
	// refused instead, which costs no memory.
	delayedMost = 200
	// mailsMost is how many mails one account is sent in mailWindow.
	mailsMost  = 5
	mailWindow = 15 * time.Minute
)

// bindLimits counts per account: what was typed, or whom it belongs to.
func (i *Identity) bindLimits() {
	i.app.OnRecordAuthWithPasswordRequest().BindFunc(func(e *core.RecordAuthWithPasswordRequestEvent) error {
		if e.Record == nil { // the operator's address may be kept in other letters
			var err error
			if e.Record, err = AccountOf(e.App, e.Collection, e.Identity); err != nil {
				return e.InternalServerError("", err)
			}
		}
		if stop := i.slow(e.RequestEvent, strings.ToLower(e.Identity), e.Record); stop != nil {
			return stop
		}
		return e.Next()
	})
	i.app.OnRecordAuthWithOTPRequest().BindFunc(func(e *core.RecordAuthWithOTPRequestEvent) error {
		if e.Record != nil {
			if stop := i.slow(e.RequestEvent, e.Record.Id, e.Record); stop != nil {
				return stop
			}
		}
		return e.Next()
	})
	i.app.OnRecordRequestOTPRequest(collections.Users).BindFunc(func(e *core.RecordCreateOTPRequestEvent) error {
		if e.Record != nil && (!e.Record.GetBool("is_active") || e.Record.GetBool("is_service")) {
			e.Record = nil // answered as for an address nobody has
		}
		if e.Record != nil && i.limits.Hit("otp "+e.Record.Id, mailWindow) > mailsMost {
			// The same answer as for an address nobody has: who is asked about is
			// nobody's business, and the mailbox stays quiet.
			e.Record = nil
		}
		return e.Next()
	})
	quiet := func(e *core.RecordRequestPasswordResetRequestEvent) error {
		if i.limits.Hit("reset "+e.Record.Id, mailWindow) > mailsMost || e.Record.GetBool("is_service") {
			return e.NoContent(http.StatusNoContent)
		}
		return e.Next()
	}
	i.app.OnRecordRequestPasswordResetRequest(collections.Users).BindFunc(quiet)
}

// slow holds the answer back when an account is tried too often. Somebody at
// an address the account signed in from lately is not held back.
func (i *Identity) slow(e *core.RequestEvent, account string, record *core.Record) error {
	n := i.limits.Hit("account "+account, accountWindow)
	if n <= accountTries || i.familiar(e, record) {
		return nil
	}
	delay := delayFirst << min(n-accountTries-1, 5)
	held := i.delayed.Add(1)
	defer i.delayed.Add(-1)
	if held > delayedMost {
		return tooMany(e, accountWindow)
	}
	i.Wait(e.Request.Context(), min(delay, delayMost))
	return nil
}

// familiar tells whether the account had a session from this address.
func (i *Identity) familiar(e *core.RequestEvent, record *core.Record) bool {
	if !person(record) {
		return false
	}
	var one int
	err := e.App.ConcurrentDB().NewQuery(`SELECT 1 FROM sessions WHERE user = {:user} AND ip_address = {:ip} AND created > {:since} LIMIT 1`).
		Bind(map[string]any{"user": record.Id, "ip": e.RealIP(), "since": stamp(i.Now().AddDate(0, 0, -30))}).Row(&one)
	return err == nil && one == 1
}
