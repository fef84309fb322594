package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/cmd"
	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/providers"
	"github.com/pocketline/pocketline/providers/sandbox"
)

const (
	// settingsKeyEnv carries the key of PocketBase's own settings, made from the
	// master key; PocketBase reads it from the environment and nowhere else.
	settingsKeyEnv = "PL_SETTINGS_KEY"
	// noData marks commands that need no data directory, so that none is made.
	noData = "pocketline:no-data"
	// healthTimeout is below the 5 s that Docker and Fly give a check.
	healthTimeout = 4 * time.Second
)

// built is set by the linker: -X main.built=v1.2.3.
var built string

// version is what was built: the release, or the commit of a source build.
func version() string {
	if built != "" {
		return built
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}

func warnUnknown(environ []string) {
	for _, name := range providers.Unknown(environ) {
		fmt.Fprintf(os.Stderr,
			"pocketline: %s is set, but Pocketline does not know it; docs/env.md lists what it reads\n", name)
	}
}

// cli is the command line: what was asked for, and what it needs.
type cli struct {
	app   *pocketbase.PocketBase
	cfg   *providers.Config
	out   io.Writer
	serve *cobra.Command
	asked *cobra.Command // nil for help, for nothing, and for a misspelled command
	words []string       // the arguments; where a command of a domain is asked for its name is the first

	demo       bool
	clockFile  string // says how far the jobs' clock is off
	keyMade    string
	rotating   bool // there is a master key before
	restored   bool // this start put a backup in place
	killed     bool // the process before did not end by itself
	listener   net.Listener
	sandboxURL string
}

func newCLI(app *pocketbase.PocketBase, cfg *providers.Config) *cli {
	c := &cli{app: app, cfg: cfg, out: os.Stdout}
	root := app.RootCmd
	root.Use, root.Short, root.Version = "pocketline", "A self-hosted AI phone desk", version()
	root.SilenceUsage, root.SilenceErrors = true, true // main prints the error, once
	root.FParseErrWhitelist.UnknownFlags = false       // a misspelled flag is an error
	root.AddCommand(hooks.SuperuserCommand(app), c.serveCommand(), sandboxCommand(), versionCommand(), healthCommand(cfg),
		schemaCommand(), typegenCommand())
	for _, command := range []*cobra.Command{
		hooks.BackupCommand(cfg, app.DataDir, version()), hooks.RestoreCommand(cfg, app.DataDir),
	} {
		command.Annotations = map[string]string{noData: "yes"}
		root.AddCommand(command)
	}

	for _, name := range []string{"encryptionEnv", "queryTimeout"} { // decided here, not by hand
		root.PersistentFlags().Lookup(name).Hidden = true
	}

	args := os.Args[1:]
	c.words = append(args[:len(args):len(args)], "")
	found, rest, err := root.Find(args)
	switch {
	case slices.ContainsFunc(args, isHelp):
	case err != nil && len(args) > 0 && slices.Contains(hooks.CommandNames(), args[0]):
		c.asked = root // added once the domains exist
	case err == nil && found != root:
		c.asked = found
	}
	if c.asked == c.serve && c.serve.ParseFlags(rest) != nil {
		c.asked = nil // execute will say what is wrong with the flag
	}
	return c
}

func isHelp(arg string) bool {
	return slices.Contains([]string{"-h", "--help", "-v", "--version"}, arg)
}

// usesData tells whether the command works on the data directory.
func (c *cli) usesData() bool { return c.asked != nil && c.asked.Annotations[noData] == "" }

// serving tells whether the command is `serve`.
func (c *cli) serving() bool { return c.asked == c.serve }

// execute runs the command that was asked for.
func (c *cli) execute() error {
	sayArguments(c.app.RootCmd)
	if !c.usesData() {
		return c.app.RootCmd.Execute()
	}
	return c.app.Execute()
}

// sayArguments makes every command say which argument is missing, or is too much, and
// one that is only a name for others which of them there is none of.
func sayArguments(command *cobra.Command) {
	for _, one := range command.Commands() {
		sayArguments(one)
	}
	if command.HasParent() && command.HasSubCommands() && !command.Runnable() {
		command.Args = cobra.NoArgs
		command.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	name, argument, takes := strings.Cut(command.Use, " ")
	check := command.Args
	if !takes || check == nil {
		return
	}
	command.Args = func(c *cobra.Command, args []string) error {
		switch err := check(c, args); {
		case err == nil:
			return nil
		case len(args) == 0:
			return fmt.Errorf("%s: the %s is missing: %s %s", name, strings.Trim(argument, "<>"), c.CommandPath(), argument)
		default:
			return fmt.Errorf("%s: one %s at a time: %s %s", name, strings.Trim(argument, "<>"), c.CommandPath(), argument)
		}
	}
}

// checkData finishes a restore, and refuses data that this version or this key
// must not open.
func (c *cli) checkData() error {
	if !c.usesData() {
		return nil
	}
	if err := cmp.Or(hooks.CheckDirectory(c.app.DataDir()), hooks.CheckBackups(*c.cfg, c.app.DataDir())); err != nil {
		return err
	}
	aside := ""
	var err error
	if c.restored, aside, err = hooks.FinishRestore(c.app.DataDir(), c.serving(), os.Stderr); err != nil {
		return err
	}
	if c.restored {
		fmt.Fprintln(os.Stderr, restored(aside))
	}
	data, err := hooks.Look(c.app.DataDir())
	if err != nil {
		return err
	}
	c.killed = data.Killed
	if err := hooks.CheckData(*c.cfg, data, c.app.DataDir(), version()); err != nil {
		return err
	}
	switch {
	case c.serving():
	case c.words[0] == "setup":
		if err := hooks.CheckSetup(c.words[1:]); err != nil {
			return err
		}
	default:
		reads := c.words[0] == "audit" || slices.Equal(c.words[:min(2, len(c.words))], []string{"jobs", "list"})
		if err := hooks.CheckInstallation(data, c.app.DataDir(), version(), reads); err != nil {
			return err
		}
	}
	return hooks.BackUpBeforeUpdate(*c.cfg, data, c.app.DataDir(), version(), os.Stderr)
}

// restored says that a restore is done, and what is left to do.
func restored(aside string) string {
	said := "pocketline: the backup is restored"
	if aside != "" {
		said += "; what was there before lies in " + aside + ": remove it when you need it no more"
	}
	return said +
		"\npocketline: what was at the phone provider before is left alone until you confirm in Settings → Server " +
		"that no other server uses these data"
}

// keys finds or makes what seals secrets.
func (c *cli) keys() (hooks.Keys, error) {
	if !c.usesData() {
		return hooks.NoKeys(), nil
	}
	keys, err := hooks.LoadKeys(*c.cfg, c.app.DataDir())
	if err != nil {
		return hooks.Keys{}, err
	}
	c.keyMade, c.rotating = keys.Made, keys.Before != nil
	if keys.Made != "" && !c.serving() { // serve says it in its banner
		fmt.Fprintf(os.Stderr, "pocketline: a master key was made: %s\n", keys.Made)
	}
	return keys, os.Setenv(settingsKeyEnv, keys.Settings)
}

func (c *cli) serveCommand() *cobra.Command {
	c.serve = cmd.NewServeCommand(c.app, false)
	c.serve.Short = "Answer the phone: start the server"
	flags := c.serve.Flags()
	flags.BoolVar(&c.cfg.Sandbox, "sandbox", c.cfg.Sandbox, "use stand-ins on this machine in place of every provider")
	flags.Float64Var(&c.cfg.SandboxSpeed, "sandbox-speed", c.cfg.SandboxSpeed,
		"how fast the sandbox's callers talk: 1 real time, 0 without waiting")
	flags.BoolVar(&c.demo, "demo", false, "fill an empty data directory with a demonstration (only with --sandbox)")
	flags.StringVar(&c.clockFile, "sandbox-clock", "",
		"a file that says how far the jobs' clock is off, as -1h or 24h, and may change (only with --sandbox)")
	c.serve.PersistentFlags().Lookup("http").Usage = "host:port to listen on (default POCKETLINE_HTTP_ADDR, or 0.0.0.0:80 when domains are given)"
	origins := c.serve.PersistentFlags().Lookup("origins")
	origins.Usage = "origins that may use the API from a browser (default: the own one and POCKETLINE_ALLOWED_ORIGINS)"
	origins.DefValue = ""
	return c.serve
}

// listen takes the address before anything else happens: a port that is taken
// stops the start before the database is touched, and port 0 becomes a number.
func (c *cli) listen() error {
	if !c.serving() {
		return nil
	}
	flags := c.serve.PersistentFlags()
	plain := c.serve.Flags().NArg() == 0 && !flags.Changed("https")
	if plain {
		address := c.cfg.HTTPAddr
		if flags.Changed("http") {
			address = flags.Lookup("http").Value.String()
		}
		listener, err := net.Listen("tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			return taken(address, "--http (POCKETLINE_HTTP_ADDR)")
		}
		if err != nil {
			return fmt.Errorf("%w; choose another address with --http (POCKETLINE_HTTP_ADDR)", err)
		}
		c.listener, c.cfg.HTTPAddr = listener, listener.Addr().String()
		if err := flags.Set("http", c.cfg.HTTPAddr); err != nil {
			return err
		}
	}
	if !flags.Changed("origins") {
		own := append([]string{c.origin()}, c.cfg.AllowedOrigins...)
		if err := flags.Set("origins", strings.Join(own, ",")); err != nil {
			return err
		}
	}
	c.app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.InstallerFunc = nil // it would print a superuser's token; the first account is made at /setup
		if c.listener != nil {
			se.Listener = c.listener
		}
		if err := se.Next(); err != nil {
			return err
		}
		return c.banner()
	})
	return nil
}

// taken says that an address is in use, and what chooses another.
func taken(address, by string) error {
	return fmt.Errorf("another program listens on %s: stop it, or choose another address with %s", address, by)
}

// origin is where a browser finds this server.
func (c *cli) origin() string {
	if c.cfg.PublicURL != "" {
		return c.cfg.PublicURL
	}
	return "http://" + reachable(c.cfg.HTTPAddr)
}

// reachable turns a listen address into one that can be dialled from here.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if unspecified(host) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// unspecified tells whether the host of a listen address stands for all of them.
func unspecified(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

func (c *cli) banner() error {
	fmt.Fprintf(c.out, "\nPocketline %s\n\n  dashboard  %s\n", version(), c.origin())
	c.notes()
	people, err := c.app.CountRecords(collections.Users)
	if err != nil {
		return err
	}
	switch {
	case people == 0 && c.demo:
		go func() { // it waits for the server, which begins to answer when this function has returned
			if err := c.fillDemo(); err != nil {
				fmt.Fprintln(os.Stderr, "pocketline: the demonstration was not made:", err)
				return
			}
			c.sayDemo()
			fmt.Fprintln(c.out)
		}()
		return nil
	case people == 0:
		code, err := hooks.SetupCode(c.app)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "  first      open %s/setup#code=%s to create the owner's account\n", c.origin(), code)
	case c.sandboxURL != "":
		c.sayDemo()
	}
	fmt.Fprintln(c.out)
	return nil
}

// notes says what whoever runs the program should know of this start.
func (c *cli) notes() {
	if c.keyMade != "" {
		fmt.Fprintf(c.out, "  key        made: %s (mode 0600). Without it the stored secrets cannot be read: keep a copy.\n",
			c.keyMade)
	}
	if c.rotating {
		fmt.Fprintln(c.out,
			"  NOTE       there are two master keys: stop the server, and `pocketline rotate-key` finishes the change")
	}
	if c.sandboxURL != "" {
		fmt.Fprintf(c.out, "  SANDBOX    %s stands in for every provider: no call is real and nothing costs money\n",
			c.sandboxURL)
	}
	if host, _, err := net.SplitHostPort(c.cfg.HTTPAddr); err == nil && c.cfg.TrustedProxyHeader != "" &&
		unspecified(host) {
		fmt.Fprintf(c.out,
			"  NOTE       %s is believed from whoever connects, and this server listens on every address: close the port to all but the proxy\n",
			c.cfg.TrustedProxyHeader)
	}
	if c.cfg.PublicURL == "" && c.cfg.VapiAPIKey != "" {
		fmt.Fprintln(c.out,
			"  NOTE       POCKETLINE_PUBLIC_URL is not set: Vapi cannot reach this server, so no call will be answered")
	}
}

func sandboxCommand() *cobra.Command {
	var config sandbox.Config
	c := &cobra.Command{
		Use: "sandbox", Short: "Run the sandbox alone: Vapi's API on this machine, with scripted callers", Args: cobra.NoArgs,
		Annotations: map[string]string{noData: "yes"},
		RunE: func(*cobra.Command, []string) error {
			err := sandbox.Main(config)
			if errors.Is(err, syscall.EADDRINUSE) {
				return taken(config.Addr, "--http")
			}
			return err
		},
	}
	flags := c.Flags()
	flags.StringVar(&config.Addr, "http", sandbox.DefaultAddr, "loopback host:port to listen on")
	flags.StringVar(&config.Addr, "addr", sandbox.DefaultAddr, "the older name of --http")
	flags.StringVar(&config.Key, "key", sandbox.DefaultKey, "bearer key clients must send")
	flags.Float64Var(&config.Speed, "speed", 1, "how fast calls play: 1 real time, 10 ten times faster, 0 without waiting")
	flags.Lookup("addr").Hidden = true
	return c
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs, Annotations: map[string]string{noData: "yes"},
		Run: func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), version()) },
	}
}

// healthCommand asks a running server; container images have no shell to do it.
func healthCommand(cfg *providers.Config) *cobra.Command {
	address := "http://" + reachable(cfg.HTTPAddr)
	c := &cobra.Command{
		Use: "health", Short: "Ask a running server whether it is well; exits 1 when not", Args: cobra.NoArgs,
		Annotations: map[string]string{noData: "yes"},
	}
	c.Flags().StringVar(&address, "url", address, "the server's address")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(address, "/")+"/api/health", nil)
		if err != nil {
			return err
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Do(r)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("health: no server listens at %s: start it, or name its address with --url", address)
		}
		if err != nil {
			return fmt.Errorf("health: %w; --url names another address", err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("health: the server answers %s", res.Status)
		}
		fmt.Fprintln(c.OutOrStdout(), "well")
		return nil
	}
	return c
}

// schemaCommand and typegenCommand are for developers, in the repository.
func schemaCommand() *cobra.Command {
	schema := &cobra.Command{Use: "schema", Short: "Work on the database's definition (in the source repository)",
		Annotations: map[string]string{noData: "yes"}}
	schema.AddCommand(&cobra.Command{
		Use: "write <name>", Short: "Write what differs from the frozen steps as one more step", Args: cobra.ExactArgs(1),
		Annotations: map[string]string{noData: "yes"},
		RunE: func(c *cobra.Command, args []string) error {
			if err := inRepository(); err != nil {
				return err
			}
			path, err := collections.Write(".", args[0])
			if err == nil && path == "" {
				path = "nothing differs: no step was written"
			}
			if err == nil {
				fmt.Fprintln(c.OutOrStdout(), path)
			}
			return err
		},
	})
	return schema
}

func typegenCommand() *cobra.Command {
	return &cobra.Command{
		Use: "typegen", Short: "Write what is generated from the collections (in the source repository)", Args: cobra.NoArgs,
		Annotations: map[string]string{noData: "yes"},
		RunE: func(*cobra.Command, []string) error {
			if err := inRepository(); err != nil {
				return err
			}
			return collections.Generate(".")
		},
	}
}

func inRepository() error {
	if _, err := os.Stat(filepath.Join("collections", "collections.go")); err != nil {
		return errors.New("run this in the repository's directory")
	}
	return nil
}
