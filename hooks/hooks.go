// Package hooks is what happens when data changes, a request arrives or a
// clock ticks. Each domain has a package below; this file puts them together,
// one line each, in the order in which their hooks run.
package hooks

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/accounts"
	"github.com/pocketline/pocketline/hooks/assistants"
	"github.com/pocketline/pocketline/hooks/calls"
	"github.com/pocketline/pocketline/hooks/calls/lists"
	"github.com/pocketline/pocketline/hooks/demo"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/backup"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/live"
	"github.com/pocketline/pocketline/hooks/internal/logs"
	"github.com/pocketline/pocketline/hooks/internal/mailing"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/room"
	"github.com/pocketline/pocketline/hooks/internal/schedule"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/serving"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
	"github.com/pocketline/pocketline/hooks/messaging"
	"github.com/pocketline/pocketline/hooks/notifications"
	"github.com/pocketline/pocketline/hooks/numbers"
	"github.com/pocketline/pocketline/hooks/onboarding"
	"github.com/pocketline/pocketline/hooks/orgs"
	"github.com/pocketline/pocketline/hooks/privacy"
	"github.com/pocketline/pocketline/hooks/supabase"
	"github.com/pocketline/pocketline/hooks/system"
	"github.com/pocketline/pocketline/hooks/usage"
	"github.com/pocketline/pocketline/providers"
	"github.com/pocketline/pocketline/ui"
)

// Account is an address and its password.
type Account = system.Account

// Deps are what the domains need from outside.
type Deps struct {
	Config  providers.Config
	Clients *providers.Clients
	Keys    Keys
	// SandboxURL is the address of the stand-ins; "" when the providers are real.
	SandboxURL string
	// Demo is the account of the demonstration, known to everybody; it exists in
	// sandbox directories only.
	Demo Account
	// Serving is true for the command `serve` alone: it takes the data directory.
	Serving bool
	Version string
	// Restored says that this start put a backup in place.
	Restored bool
	// Killed says that the process before did not end by itself.
	Killed bool
	// Log receives what goes to the terminal.
	Log io.Writer
	// Now is the clock by which jobs are dated; nil is the machine's.
	Now func() time.Time
}

// commands are the product's commands that work on its data, by their first words.
var commands = map[string]func(*Desk) *cobra.Command{
	"audit":      func(d *Desk) *cobra.Command { return audit.Command(d.app) },
	"jobs":       func(d *Desk) *cobra.Command { return d.Schedule.Command() },
	"rotate-key": func(d *Desk) *cobra.Command { return d.rotation.command() },
	"security":   func(d *Desk) *cobra.Command { return accounts.Command(d.app) },
	"seed":       func(d *Desk) *cobra.Command { return demo.Command(d.app) },
	"setup":      func(d *Desk) *cobra.Command { return system.Command(d.app) },
	"strays":     func(d *Desk) *cobra.Command { return system.StraysCommand(d.app, d.copies, d.ready) },
}

// CommandNames are the first words of what Desk.Commands returns.
func CommandNames() []string { return slices.Sorted(maps.Keys(commands)) }

// Desk is the product, put together.
type Desk struct {
	app      core.App
	copies   *mirror.Mirror
	ready    bool // there is a key for the phone provider
	rotation *rotation
	held     *serving.Held
	Schedule *schedule.Scheduler
	Facade   *facade.Facade
}

// collectionsAgain is PocketBase's hook that reads every collection once more right
// after its own bootstrap has read them: a tenth of a start.
const collectionsAgain = "__pbCollectionSystemHook__"

// Register binds every domain to the app. Call it once, before the app starts;
// it opens nothing.
func Register(app core.App, d Deps) (*Desk, error) {
	c := d.Config
	app.OnBootstrap().Unbind(collectionsAgain)
	limits := fitting(c.Limits, debug.SetMemoryLimit(-1))
	box, err := d.Keys.masters().Box()
	if err != nil {
		return nil, err
	}
	if err := logs.Bind(app, logs.Options{Out: d.Log, Level: c.LogLevel, Format: c.LogFormat}); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	held := serving.Bind(app, serving.Options{Serving: d.Serving, AdminPanel: c.AdminPanel,
		TrustedProxyHeader: c.TrustedProxyHeader, Drain: c.DrainTimeout,
		Connections: limits.Connections, AddressConnections: limits.AddressConnections})
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := sealed.Check(se.App, box); err != nil {
			return err
		}
		return se.Next()
	})

	if d.Serving {
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			if err := backup.KeepVersion(se.App, d.Version); err != nil {
				return err
			}
			return se.Next()
		})
	}

	// The mechanisms.
	refusal.Register(app)
	intake.Register(app, bodies(limits))
	tenant.Register(app, tenant.AnswerLimits{
		Rows: limits.ExpandedRows, Bytes: limits.AnswerBytes, Lists: limits.Lists,
		Page: tenant.PageBytes(c.Limits.AnswerBytes),
	})
	untrusted.Register(app)
	mailing.Register(app)
	inbox.Register(app)
	hub := live.New(app, access{app}, c.Limits.GuestStreams)
	jobs := schedule.New(app)
	if d.Now != nil {
		jobs.SetClock(d.Now)
	}
	audit.Schedule(app, jobs)
	backups := &backups{app: app, config: c, version: d.Version, held: held}
	backups.bind(jobs, d.Restored)
	owed := outbox.New(app)
	owed.Schedule(jobs)
	doors := inbox.NewDoors(app, inbox.Deps{
		Intake: intake.NewDoor(bodies(limits)), Sealed: box, Schedule: jobs, Outbox: owed,
	})
	logs.Schedule(app, jobs, c.LogSize)
	bindIntegrity(app, jobs, d.Serving, d.Killed)
	copies := mirror.New(app, owed)
	copies.Schedule(jobs)
	d.Clients.Vapi.OnRecovered(func() { owed.Answers(collections.ProviderVapi) })
	routes := facade.New(app)
	erased, err := forgotten.New(d.Keys.Master)
	if err != nil {
		return nil, err
	}
	bindKeys(app, d.Keys, box, erased)
	secrets := keyring.New(app, box, map[string]keyring.Installation{
		collections.ProviderVapi: {Given: configured(c.VapiWebhookSecret), Derived: d.Keys.webhooks()},
	})
	secrets.Schedule(jobs, copies.Behind)
	vapiSecret := func(organization string) (string, error) {
		return secrets.Secret(collections.ProviderVapi, organization)
	}

	given := room.Tools{
		Facade: routes, Schedule: jobs, Outbox: owed, Mirror: copies, Hub: hub, Drop: hub.Drop, Sealed: box,
		Keyring: secrets, Forgotten: erased,
		Doors: doors, PublicURL: c.PublicURL, SignUp: c.SignUp, Now: time.Now,
	}

	// The domains.
	installation := system.Deps{
		Tools: given, Serving: d.Serving, Version: d.Version, SandboxURL: d.SandboxURL, Key: d.Keys.Master,
		DemoAccount: d.Demo,
		Vapi:        d.Clients.Vapi, VapiReady: d.Clients.VapiReady, VapiAddress: c.VapiBaseURL,
		Backups: backups.ofSystem(), MetricsToken: c.MetricsToken, HelpContact: c.HelpContact, AlertMail: c.AlertMail, AlertWebhook: c.AlertWebhook,
	}
	if c.Key == "" {
		installation.KeyFile = filepath.Join(app.DataDir(), sealed.KeyFile)
	}
	if d.SandboxURL != "" {
		// A demonstration makes copies at the provider: never at a real one.
		installation.Demo = demo.Fill(d.SandboxURL)
		installation.DemoSaved = func(string) {
			owed.Nudge()
			go hearDemo(app, jobs, d.SandboxURL)
		}
	}
	if err := system.Register(app, installation); err != nil {
		return nil, err
	}
	given.Identity = identity.Register(app, identity.Options{Sealed: box, Outbox: owed, Drop: hub.Drop})
	accounts.Register(app, accounts.Deps{Tools: given, Pictures: d.Clients.Pictures})
	privacy.Register(app, privacy.Deps{Tools: given, Installation: installed(d)})
	orgs.Register(app, orgs.Deps{Tools: given, Week: lists.WeekOf})
	onboarding.Register(onboarding.Deps{Tools: given, Wait: copies.Wait, PerPerson: c.OrganizationsPerPerson})
	assistants.Register(app, assistants.Deps{
		Tools: given, Vapi: d.Clients.Vapi, CheckURL: d.Clients.CheckURL, WebhookSecret: vapiSecret,
		Ready: d.Clients.VapiReady,
	})
	numbers.Register(app, numbers.Deps{Tools: given, Vapi: d.Clients.Vapi, WebhookSecret: vapiSecret})
	messaging.Register(app, given)
	supabase.Register(app, routes)
	usage.Register(app)
	notifications.Register(app, given)
	calls.Register(app, calls.Deps{
		Tools: given, Vapi: d.Clients.Vapi, Functions: d.Clients.Guarded, HMAC: hmacOf(c.VapiHMAC),
		Installation: copies.Installation.ID,
		Rate:         c.WebhookRate,
	})

	// Last, because it answers whatever no domain did.
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		routes.Mount(se)
		mountDashboard(se)
		chain.Sort(se.Router.Middlewares)
		return se.Next()
	})
	if d.SandboxURL != "" {
		bindSandbox(app, jobs)
	}
	if d.Serving {
		bindStart(app, jobs)
	}
	return &Desk{app: app, copies: copies, ready: d.Clients.VapiReady, held: held,
		rotation: &rotation{app: app, config: c, keys: d.Keys, erased: erased, owed: owed}, Schedule: jobs, Facade: routes}, nil
}

// Again tells whether the program is to start again: a restore lies ready.
func (d *Desk) Again() bool { return d.held.Again() }

// budgets are the limits of an installation, and of all lists under way.
type budgets struct {
	providers.Limits
	Lists int64
}

// fitting are the limits in a process that may have so much memory: the settings
// are the most, and all of them together leave a third of it to the rest.
func fitting(l providers.Limits, memory int64) budgets {
	fit := budgets{l, min(tenant.DefaultListBytes, memory/6)}
	fit.AnswerBytes = min(l.AnswerBytes, memory/16) // four are held at once
	fit.MemberBodies = min(l.MemberBodies, memory/10)
	fit.ProviderBodies = min(l.ProviderBodies, memory/12)
	fit.ProvenBodies = min(l.ProvenBodies, memory/36)
	fit.GuestBodies = min(l.GuestBodies, memory/36)
	fit.Connections = int(min(int64(l.Connections), memory/connection))
	return fit
}

// connection is what one may hold before it has sent a request: headers without an
// end, and what they are read into.
const connection = 120 << 10

// bodies are the limits of what requests bring.
func bodies(l budgets) intake.Limits {
	return intake.Limits{
		GuestBody: l.GuestBody, GuestBodies: l.GuestBodies, MemberBodies: l.MemberBodies,
		ProviderBody: l.ProviderBody, ProviderBodies: l.ProviderBodies, ProvenBodies: l.ProvenBodies,
	}
}

// Commands are the product's commands that work on its data.
func (d *Desk) Commands() []*cobra.Command {
	all := make([]*cobra.Command, 0, len(commands))
	for _, name := range CommandNames() {
		all = append(all, commands[name](d))
	}
	return all
}

// mountDashboard answers every path that is not a route.
func mountDashboard(se *core.ServeEvent) {
	dashboard := ui.Handler(ui.FS(), ui.Options{Logger: se.App.Logger()})
	se.Router.GET("/{path...}", func(e *core.RequestEvent) error {
		dashboard.ServeHTTP(e.Response, e.Request)
		return nil
	}).Bind(apis.SkipSuccessActivityLog())
}
