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
	app.OnBootstrap().Unbind(collectionsAgain)
	m, err := newMechanisms(app, d)
	if err != nil {
		return nil, err
	}
	if err := m.domains(d); err != nil {
		return nil, err
	}

	// Last, because it answers whatever no domain did.
	app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		m.Facade.Mount(se)
		mountDashboard(se)
		chain.Sort(se.Router.Middlewares)
		return se.Next()
	})
	if d.SandboxURL != "" {
		bindSandbox(app, m.Schedule)
	}
	if d.Serving {
		bindStart(app, m.Schedule)
	}
	return &Desk{
		app: app, copies: m.Mirror, ready: d.Clients.VapiReady, held: m.held, Schedule: m.Schedule, Facade: m.Facade,
		rotation: &rotation{app: app, config: d.Config, keys: d.Keys, erased: m.Forgotten, owed: m.Outbox},
	}, nil
}

// mechanisms are what the domains stand on: what each of them is given, and what some
// of them are.
type mechanisms struct {
	room.Tools
	app     core.App
	held    *serving.Held
	backups *backups
}

// newMechanisms binds them, in the order in which their hooks run.
func newMechanisms(app core.App, d Deps) (*mechanisms, error) {
	c := d.Config
	limits := fitting(c.Limits, debug.SetMemoryLimit(-1))
	box, err := d.Keys.masters().Box()
	if err != nil {
		return nil, err
	}
	if err := logs.Bind(app, logs.Options{Out: d.Log, Level: c.LogLevel, Format: c.LogFormat}); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	m := &mechanisms{app: app, Tools: room.Tools{Sealed: box, PublicURL: c.PublicURL, SignUp: c.SignUp, Now: time.Now}}
	m.held = serving.Bind(app, serving.Options{Serving: d.Serving, AdminPanel: c.AdminPanel,
		TrustedProxyHeader: c.TrustedProxyHeader, Drain: c.DrainTimeout,
		Connections: limits.Connections, AddressConnections: limits.AddressConnections})
	bindData(app, d, box)

	// What comes in.
	refusal.Register(app)
	intake.Register(app, bodies(limits))
	tenant.Register(app, tenant.AnswerLimits{
		Rows: limits.ExpandedRows, Bytes: limits.AnswerBytes, Lists: limits.Lists,
		Page: tenant.PageBytes(c.Limits.AnswerBytes),
	})
	untrusted.Register(app)
	mailing.Register(app)
	inbox.Register(app)

	// What is told, done by the clock, kept and owed.
	m.Hub = live.New(app, access{app}, c.Limits.GuestStreams)
	m.Drop = m.Hub.Drop
	m.Schedule = schedule.New(app)
	if d.Now != nil {
		m.Schedule.SetClock(d.Now)
	}
	audit.Schedule(app, m.Schedule)
	m.backups = &backups{app: app, config: c, version: d.Version, held: m.held}
	m.backups.bind(m.Schedule, d.Restored)
	m.Outbox = outbox.New(app)
	m.Outbox.Schedule(m.Schedule)
	m.Doors = inbox.NewDoors(app, inbox.Deps{
		Intake: intake.NewDoor(bodies(limits)), Sealed: box, Schedule: m.Schedule, Outbox: m.Outbox,
	})
	logs.Schedule(app, m.Schedule, c.LogSize)
	bindIntegrity(app, m.Schedule, d.Serving, d.Killed)
	m.Mirror = mirror.New(app, m.Outbox)
	m.Mirror.Schedule(m.Schedule)
	d.Clients.Vapi.OnRecovered(func() { m.Outbox.Answers(collections.ProviderVapi) })
	m.Facade = facade.New(app)
	return m, m.bindProofs(d)
}

// bindData refuses data that another key sealed, and keeps that of an earlier version.
func bindData(app core.App, d Deps, box *sealed.Box) {
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
}

// bindProofs binds keys and who asks: what everything else is asked by.
func (m *mechanisms) bindProofs(d Deps) (err error) {
	if m.Forgotten, err = forgotten.New(d.Keys.Master); err != nil {
		return err
	}
	bindKeys(m.app, d.Keys, m.Sealed, m.Forgotten)
	m.Keyring = keyring.New(m.app, m.Sealed, map[string]keyring.Installation{
		collections.ProviderVapi: {Given: configured(d.Config.VapiWebhookSecret), Derived: d.Keys.webhooks()},
	})
	m.Keyring.Schedule(m.Schedule, m.Mirror.Behind)
	audit.Register(m.app)
	m.Identity = identity.Register(m.app, identity.Options{Sealed: m.Sealed, Outbox: m.Outbox, Drop: m.Hub.Drop})
	return nil
}

// domains binds them, one after the other.
func (m *mechanisms) domains(d Deps) error {
	app, given, c := m.app, m.Tools, d.Config
	vapiSecret := func(organization string) (string, error) {
		return m.Keyring.Secret(collections.ProviderVapi, organization)
	}
	if err := system.Register(app, m.installation(d)); err != nil {
		return err
	}
	accounts.Register(app, accounts.Deps{Tools: given, Pictures: d.Clients.Pictures})
	privacy.Register(app, privacy.Deps{Tools: given, Installation: installed(d)})
	orgs.Register(app, orgs.Deps{Tools: given, Week: lists.WeekOf})
	onboarding.Register(onboarding.Deps{Tools: given, Wait: m.Mirror.Wait, PerPerson: c.OrganizationsPerPerson})
	assistants.Register(app, assistants.Deps{
		Tools: given, Vapi: d.Clients.Vapi, CheckURL: d.Clients.CheckURL, WebhookSecret: vapiSecret,
		Ready: d.Clients.VapiReady,
	})
	numbers.Register(app, numbers.Deps{Tools: given, Vapi: d.Clients.Vapi, WebhookSecret: vapiSecret})
	messaging.Register(app, given)
	supabase.Register(app, m.Facade)
	usage.Register(app)
	notifications.Register(app, given)
	calls.Register(app, calls.Deps{
		Tools: given, Vapi: d.Clients.Vapi, Functions: d.Clients.Guarded, HMAC: hmacOf(c.VapiHMAC),
		Installation: m.Mirror.Installation.ID,
		Rate:         c.WebhookRate,
	})
	return nil
}

// installation is what the domain about the installation needs.
func (m *mechanisms) installation(d Deps) system.Deps {
	c := d.Config
	i := system.Deps{
		Tools: m.Tools, Serving: d.Serving, Version: d.Version, SandboxURL: d.SandboxURL, Key: d.Keys.Master,
		DemoAccount: d.Demo,
		Vapi:        d.Clients.Vapi, VapiReady: d.Clients.VapiReady, VapiAddress: c.VapiBaseURL,
		Backups: m.backups.ofSystem(), MetricsToken: c.MetricsToken, HelpContact: c.HelpContact,
		AlertMail: c.AlertMail, AlertWebhook: c.AlertWebhook,
	}
	if c.Key == "" {
		i.KeyFile = filepath.Join(m.app.DataDir(), sealed.KeyFile)
	}
	if d.SandboxURL != "" {
		// A demonstration makes copies at the provider: never at a real one.
		i.Demo = demo.Fill(d.SandboxURL)
		i.DemoSaved = func(string) {
			m.Outbox.Nudge()
			go hearDemo(m.app, m.Schedule, d.SandboxURL)
		}
	}
	return i
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
