// Package system is about the installation itself: whether it is well, what it
// is, how it starts for the first time, how browsers sign in with a cookie, and
// what it says about itself in headers, mails and the log.
//
// Routes:
//
//	GET    /api/health    how it is, in the documented shape; 200 or 503
//	GET    /api/metrics   figures for Prometheus, with a token of the environment
//	GET    /readyz        whether it can take work: reads, writes, has room
//	GET    /api/desk      what this installation is, for the sign-in page
//	POST   /api/setup     the first account and its organization, once
//	GET    /api/csrf      a CSRF token and its cookie
//	POST   /api/session   a cookie session for a signed-in browser
//	DELETE /api/session   its end
//	POST   /api/simulate  a scripted caller rings (sandbox only)
//	GET|POST /api/admin/migrate  the database's built-in steps (superusers)
//	/api/installation…    mail and provider: settings, checks, what is left over there (operator)
package system

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/rate"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/providers/vapi"
)

// Deps are what the domain needs.
type Deps struct {
	room.Tools
	// Serving is true for the command serve: settings are only stored then.
	Serving bool
	Version string
	// SandboxURL is the address of the stand-ins; "" when providers are real.
	SandboxURL string
	// DemoAccount is what the sign-in page of a demonstration offers.
	DemoAccount Account
	// Vapi is asked whether it takes the key; VapiReady tells that there is one,
	// VapiAddress where it is sent.
	Vapi        *vapi.Client
	VapiReady   bool
	VapiAddress string
	// MetricsToken opens GET /api/metrics; "" leaves it closed.
	MetricsToken string
	// AlertMail and AlertWebhook are where the operator hears that something turned
	// bad; without an address mails go to the operator's own.
	AlertMail, AlertWebhook string
	// HelpContact is whom people ask for help, as the operator wrote it; "" is nobody in
	// particular.
	HelpContact string
	// Backups are this server's.
	Backups Backups
	// KeyFile is where the master key lies, "" when it came from the environment.
	KeyFile string
	// Key is the master key; the sessions' key is derived from it.
	Key []byte
	// Demo fills a new organization with a demonstration, in the transaction
	// that makes it. Nil when there is none.
	Demo func(tx core.App, organization, owner *core.Record) error
	// DemoSaved runs after that transaction, with the organization's id.
	DemoSaved func(organization string)
}

// Account is an address and its password.
type Account struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type system struct {
	Deps
	app     core.App
	health  *health
	session *session
	http    *http.Client
	checks  rate.Windows
	making  making
	mailing chan struct{} // a place for each test mail under way
}

// Register binds the domain. Call it before Facade.Mount's OnServe hook is bound.
func Register(app core.App, d Deps) error {
	key, err := hkdf.Key(sha256.New, d.Key, nil, "browser sessions", 32)
	if err != nil {
		return fmt.Errorf("system: %w", err)
	}
	s := &system{
		Deps: d, app: app, health: newHealth(app, d.Version), session: &session{key: key, publicURL: d.PublicURL},
		http:    operators(),
		mailing: make(chan struct{}, testsAtOnce),
	}
	s.health.owed = d.Outbox
	audit.Register(app)
	s.document()
	s.migrations()
	s.installation()
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if d.Serving {
			if err := storeSettings(se.App, d.PublicURL); err != nil {
				return err
			}
			if err := storeMails(se.App); err != nil {
				return err
			}
			if err := storeOperator(se.App); err != nil {
				return err
			}
			if _, err := SetupCode(se.App); err != nil {
				return err
			}
		}
		se.Router.Bind(s.answerHealth(), answerFull(), redactURL(), s.session.load(), headers(d.PublicURL))
		se.Router.GET("/readyz", s.readyz).Bind(apis.SkipSuccessActivityLog())
		se.Router.GET("/api/desk", s.desk).Bind(apis.SkipSuccessActivityLog())
		se.Router.POST("/api/setup", s.setup).Bind(apis.BodyLimit(64 << 10))
		se.Router.POST("/api/session", s.session.start)
		se.Router.DELETE("/api/session", s.session.end)
		se.Router.POST("/api/simulate", s.simulate).Bind(apis.BodyLimit(64 << 10))
		return se.Next()
	})
	if d.Serving {
		s.watchOver()
	}
	app.OnTerminate().BindFunc(func(te *core.TerminateEvent) error {
		s.making.stop()
		return te.Next()
	})
	app.OnFileDownloadRequest().BindFunc(keepFilePrivate)
	return nil
}

// operators is the client for addresses the operator gave: alerts, the sandbox. They may
// lie in the operator's own network, and lead nowhere else.
func operators() *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *system) document() {
	pocketline := func(method, path string, auth facade.Auth, summary, body, answer, errors string) {
		s.Facade.Document(facade.Route{Method: method, Path: path, Auth: auth, System: facade.Pocketline,
			Summary: summary, Body: body, Answer: answer, Errors: errors})
	}
	s.Facade.Document(facade.Route{
		Method: "GET", Path: "/api/health", Auth: facade.Guest, System: facade.CoreComm, Item: "S-259",
		Summary: "How the installation is.",
		Answer:  `{"status": "healthy"|"degraded"|"unhealthy", "checks": {"service"|"database"|"writes"|"disk"|"inbox"|"messages"|"requests"|"owed"|"files": {"status": "pass"|"warn"|"fail", "message": …}}, "timestamp": <ms>, "version": …}`,
		Errors:  "503 when unhealthy, in the same shape",
	})
	s.Facade.Handle(facade.Route{
		Method: "GET", Path: "/api/csrf", Auth: facade.Guest, System: facade.CoreComm, Item: "S-260",
		Summary: "A CSRF token for writes of a cookie session (header X-CSRF-Token), and its cookie.",
		Answer:  `{"token": …, "message": "CSRF token generated successfully"}`,
	}, s.session.csrf)
	s.Facade.Handle(facade.Route{
		Method: "GET", Path: "/api/metrics", Auth: facade.Guest, System: facade.Pocketline,
		Summary: "Figures for Prometheus: requests and errors, messages taken and refused, the writer's lag, what waits and since when, " +
			"disk and files. Asks for the token of POCKETLINE_METRICS_TOKEN (Authorization: Bearer …).",
		Answer: "text in Prometheus' format", Errors: "401 without the token, 404 when none is set",
	}, s.metrics)
	pocketline("GET", "/readyz", facade.Guest, "Whether it can take work: reads, writes to disk, has room.",
		"", `{"status": "ready"}`, "503 {status, reason}")
	pocketline("GET", "/api/desk", facade.Guest, "What this installation is.", "",
		`{"version": …, "sandbox": bool, "setup_needed": bool, "setup_code": bool, "public_url": …, "sign_up": "open"|"invite-only", "mail": bool, "operator": bool, "help_contact"? to who is signed in, "demo"?: {"email", "password"} of a demonstration with the sandbox}`, "")
	pocketline("POST", "/api/setup", facade.Guest, "The first account and its organization; only while no account exists.",
		`{"name", "email", "password", "organization", "timezone"?, "country"?, "language"?: "en"|"fr", "demo"?: bool, "code"?: what the server printed, unless the visitor is at its machine}`,
		`{"token": …, "record": user, "organization": {…}}`,
		"400 with reasons, 403 without the code, 409 once an account exists")
	pocketline("POST", "/api/session", facade.SignedIn, "Puts the bearer token into an HttpOnly cookie.",
		"", `{"token": <csrf token>}`, "")
	pocketline("DELETE", "/api/session", facade.Guest, "Ends the cookie session.", "", "204", "403 without the CSRF token")
	pocketline("POST", "/api/simulate", facade.Member,
		"A scripted caller rings one of the organization's numbers (sandbox only).",
		`{"phone_number": id, "script"?: …, "language"?: "en"|"fr"}`, `201 {"vapi_call_id": …}`,
		"403 for roles that do not work calls, 404 without a sandbox, 409 when the number is not at the provider yet")
}
