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

	// How it is, what it is, and its first account.
	f := s.Facade
	f.Document(healthRoute)
	f.Document(readyRoute)
	f.Document(deskRoute)
	f.Document(setupRoute)
	f.Handle(metricsRoute, s.metrics)
	f.Document(simulateRoute)

	// Sessions of browsers.
	f.Handle(csrfRoute, s.session.csrf)
	f.Document(startSessionRoute)
	f.Document(endSessionRoute)

	// The database's own steps.
	f.Handle(stepsRoute, showSteps)
	f.Handle(migrateRoute, migrate)

	// What the operator sees and checks (installation.go, backups.go, strays.go).
	f.Handle(showInstallationRoute, operatorOnly(s.showInstallation))
	f.Handle(saveMailRoute, operatorOnly(s.saveMail))
	f.Handle(checkMailRoute, operatorOnly(s.checkMail))
	f.Handle(showBackupsRoute, operatorOnly(s.showBackups))
	f.Handle(makeBackupRoute, operatorOnly(s.makeBackup))
	f.Handle(restoreBackupRoute, operatorOnly(s.restoreBackup))
	f.Handle(showStraysRoute, operatorOnly(s.showStrays))
	f.Handle(removeStrayRoute, operatorOnly(s.removeStray))
	f.Handle(confirmRestoredRoute, operatorOnly(s.confirmRestored))
	f.Handle(checkProviderRoute, operatorOnly(s.checkProvider))

	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if d.Serving {
			if err := storeAll(se.App, d.PublicURL); err != nil {
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
		w := newWatching(s)
		app.OnServe().BindFunc(w.begin)
		app.OnTerminate().BindFunc(w.end)
	}
	app.OnTerminate().BindFunc(func(te *core.TerminateEvent) error {
		s.making.stop()
		return te.Next()
	})
	app.OnFileDownloadRequest().BindFunc(keepFilePrivate)
	return nil
}

// storeAll stores what a server finds in its directory when nobody stored it before.
func storeAll(app core.App, publicURL string) error {
	if err := storeSettings(app, publicURL); err != nil {
		return err
	}
	if err := storeMails(app); err != nil {
		return err
	}
	if err := storeOperator(app); err != nil {
		return err
	}
	_, err := SetupCode(app)
	return err
}

// operators is the client for addresses the operator gave: alerts, the sandbox. They may
// lie in the operator's own network, and lead nowhere else.
func operators() *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
