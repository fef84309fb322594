package system

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/vapicopy"
)

const (
	csrfCookie = "pl_csrf"
	// CSRFHeader carries the token of GET /api/csrf on writes of a cookie session.
	CSRFHeader = "X-CSRF-Token"
	// csrfAge is how long a CSRF token is good: as long as a session can be.
	csrfAge = 12 * time.Hour
)

// session signs browsers in with a cookie. Tokens in the Authorization header
// come first and need nothing of this: a foreign page cannot send them.
type session struct {
	key       []byte
	publicURL string
}

// open are routes a person must reach to become signed in, or that prove
// themselves otherwise: there the cookie is passed over, not refused.
func open(path string) bool {
	for _, prefix := range []string{
		"/api/webhooks/", vapicopy.OldWebhookPath, "/api/setup", "/api/auth/second-factor", "/api/auth/signup",
		"/api/auth/verify-invite",
		"/api/auth/check-reset",
	} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	rest, ok := strings.CutPrefix(path, "/api/collections/")
	if !ok {
		return false
	}
	_, action, _ := strings.Cut(rest, "/")
	for _, prefix := range []string{"auth-", "request-", "confirm-"} {
		if strings.HasPrefix(action, prefix) {
			return true
		}
	}
	return false
}

// load takes the caller from the cookie: for reads as it is, for writes only
// with the CSRF token of this session and from our own pages.
func (s *session) load() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.Session, func(e *core.RequestEvent) error {
		if e.Auth != nil || e.Request.Header.Get("Authorization") != "" {
			return e.Next()
		}
		person := tenant.Person(e.App, cookie(e, identity.SessionCookie))
		if person == nil || open(e.Request.URL.Path) {
			return e.Next()
		}
		switch e.Request.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
		default:
			if !s.ownPage(e) || !s.valid(e) {
				return refusal.Answer(e, refusal.Of("forbidden/csrf"))
			}
		}
		e.Auth = person
		return e.Next()
	})
}

var csrfRoute = facade.Route{
	Method: "GET", Path: "/api/csrf", Auth: facade.Guest, System: facade.CoreComm, Item: "S-260",
	Summary: "A CSRF token for writes of a cookie session (header X-CSRF-Token), and its cookie.",
	Answer:  `{"token": …, "message": "CSRF token generated successfully"}`,
}

// csrf answers GET /api/csrf.
func (s *session) csrf(e *core.RequestEvent) error {
	token := s.issue(e, cookie(e, identity.SessionCookie))
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, map[string]string{"token": token, "message": "CSRF token generated successfully"})
}

var startSessionRoute = facade.Route{
	Method: "POST", Path: "/api/session", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Puts the bearer token into an HttpOnly cookie.",
	Answer:  `{"token": <csrf token>}`,
}

// start puts the caller's header token into the cookie.
func (s *session) start(e *core.RequestEvent) error {
	raw := tenant.Bearer(e.Request)
	if e.Auth == nil || tenant.Person(e.App, raw) == nil {
		return refusal.Of("unauthorized/header")
	}
	s.set(e, identity.SessionCookie, raw, lifetime(raw))
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, map[string]string{"token": s.issue(e, raw)})
}

var endSessionRoute = facade.Route{
	Method: "DELETE", Path: "/api/session", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "Ends the cookie session.",
	Answer:  "204",
	Errors:  "403 without the CSRF token",
}

// end signs out: the session ends, with every token of it, and the cookies go.
func (s *session) end(e *core.RequestEvent) error {
	if err := identity.End(e); err != nil {
		return refusal.Of("internal/session_end").For(err)
	}
	s.set(e, identity.SessionCookie, "", -1)
	s.set(e, csrfCookie, "", -1)
	return e.NoContent(http.StatusNoContent)
}

// lifetime is how long the token is still good.
func lifetime(token string) time.Duration {
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return 0
	}
	exp, err := claims.GetExpirationTime()
	if err != nil || exp == nil {
		return 0
	}
	return time.Until(exp.Time)
}

// issue makes a token bound to the session and sets its cookie.
func (s *session) issue(e *core.RequestEvent, session string) string {
	var nonce [18]byte
	rand.Read(nonce[:]) // never fails (crypto/rand)
	random := base64.RawURLEncoding.EncodeToString(nonce[:])
	token := random + "." + s.proof(random, session)
	s.set(e, csrfCookie, token, csrfAge)
	return token
}

// proof binds a token to one session: a token made before signing in, or for
// somebody else's cookie, does not fit.
func (s *session) proof(random, session string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(random))
	mac.Write([]byte{0})
	mac.Write([]byte(session))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// valid tells whether header and cookie hold the same token of this session.
func (s *session) valid(e *core.RequestEvent) bool {
	sent, kept := e.Request.Header.Get(CSRFHeader), cookie(e, csrfCookie)
	random, proof, ok := strings.Cut(sent, ".")
	if !ok || random == "" {
		return false
	}
	same := hmac.Equal([]byte(sent), []byte(kept))
	fits := hmac.Equal([]byte(proof), []byte(s.proof(random, cookie(e, identity.SessionCookie))))
	return same && fits
}

// ownPage tells whether the browser says that the request comes from a page of
// ours. Clients that are no browsers say nothing; they need the token as well.
func (s *session) ownPage(e *core.RequestEvent) bool {
	switch e.Request.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	from := e.Request.Header.Get("Origin")
	if from == "" {
		return true
	}
	u, err := url.Parse(from)
	if err != nil || u.Host == "" {
		return false
	}
	return from == s.publicURL || u.Host == e.Request.Host
}

func (s *session) set(e *core.RequestEvent, name, value string, age time.Duration) {
	seconds := int(age.Seconds())
	if age < 0 {
		seconds = -1
	}
	e.SetCookie(&http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(origin(e, s.publicURL), "https:"),
	})
}

func cookie(e *core.RequestEvent, name string) string {
	c, err := e.Request.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// origin is how browsers reach this server: as configured, else as this
// request did.
func origin(e *core.RequestEvent, configured string) string {
	if configured != "" {
		return configured
	}
	if e.IsTLS() {
		return "https://" + e.Request.Host
	}
	return "http://" + e.Request.Host
}
