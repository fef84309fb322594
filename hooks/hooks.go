// Package hooks is what happens when data changes, a request arrives or a
// clock ticks. Each domain has a package below; this file puts them together,
// one line each, in the order in which their hooks run.
package hooks

import (
	"fmt"
	"io"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/hooks/internal/logs"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/serving"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/providers"
	"github.com/pocketline/pocketline/ui"
)

// Deps are what the domains need from outside.
type Deps struct {
	Config  providers.Config
	Clients *providers.Clients
	// Serving is true for the command `serve` alone: it takes the data directory.
	Serving bool
	// Key is the master key, 32 bytes.
	Key []byte
	// SandboxURL is the address of the stand-ins; "" when the providers are real.
	SandboxURL string
	Version    string
	// Log receives what goes to the terminal.
	Log io.Writer
}

// CommandNames are the first words of what Desk.Commands returns.
var CommandNames = []string{}

// Desk is the product, put together.
type Desk struct{}

// Register binds every domain to the app. Call it once, before the app starts;
// it opens nothing.
func Register(app core.App, d Deps) (*Desk, error) {
	c := d.Config
	box, err := sealed.New(d.Key)
	if err != nil {
		return nil, err
	}
	if err := logs.Bind(app, logs.Options{Out: d.Log, Level: c.LogLevel, Format: c.LogFormat}); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	serving.Bind(app, serving.Options{Serving: d.Serving, AdminPanel: c.AdminPanel, TrustedProxyHeader: c.TrustedProxyHeader, Drain: c.DrainTimeout})
	tenant.Register(app)

	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := sealed.Check(se.App, box); err != nil {
			return err
		}
		mountDashboard(se)
		return se.Next()
	})
	return &Desk{}, nil
}

// Commands are the product's commands that work on its data.
func (d *Desk) Commands() []*cobra.Command { return nil }

// mountDashboard answers whatever no other route does.
func mountDashboard(se *core.ServeEvent) {
	dashboard := ui.Handler(ui.FS(), ui.Options{Logger: se.App.Logger()})
	se.Router.GET("/{path...}", func(e *core.RequestEvent) error {
		dashboard.ServeHTTP(e.Response, e.Request)
		return nil
	}).Bind(apis.SkipSuccessActivityLog())
}
