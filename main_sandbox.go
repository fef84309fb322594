package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks"
	"github.com/pocketline/pocketline/providers/sandbox"
)

const (
	// sandboxMark lies in data directories that were used with the sandbox: what
	// they hold was never real, demonstration accounts with a known password
	// included.
	sandboxMark = ".sandbox"
	// sandboxState is what the stand-ins remember over restarts.
	sandboxState = ".sandbox.json"
	// nowhere is an address at which nobody listens.
	nowhere = "http://127.0.0.1:1"
	// sandboxPatience is how long calls being played get to stop.
	sandboxPatience = 5 * time.Second

	// The demonstration's owner. The password is known to everybody, which is
	// why it exists in sandbox directories only.
	demoEmail        = "owner@demo.pocketline.test"
	demoPassword     = "demo-front-desk"
	demoOrganization = "Marlow Dental"
	// demoPatience is how long the demonstration may take to be made.
	demoPatience = 30 * time.Second
)

var (
	errSandboxData = errors.New("this data directory was made with the sandbox: start with --sandbox, or choose another directory with --dir")
	errRealData    = errors.New("this data directory holds what is, or was, at a real provider: the sandbox does not touch it; choose another directory with --dir")
)

// startSandbox puts the stand-ins in the place of the providers when that was
// asked for, and returns their address. Real and sandbox never mix, neither in
// a process nor in a data directory.
func (c *cli) startSandbox() (string, error) {
	if !c.usesData() {
		return "", nil
	}
	mark := filepath.Join(c.app.DataDir(), sandboxMark)
	_, err := os.Stat(mark)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	marked := err == nil
	if !c.serving() {
		if marked { // a job run by hand must not send a demonstration to the real provider
			c.useStandIns(mark)
		}
		return "", nil
	}
	if !c.cfg.Sandbox {
		return "", c.checkReal(marked)
	}
	if err := os.MkdirAll(c.app.DataDir(), 0o700); err != nil {
		return "", err
	}
	s, err := c.startStandIns(mark)
	if err != nil {
		return "", err
	}
	at, err := url.Parse(s.URL())
	if err != nil {
		return "", err
	}
	// Nothing of the real world is left in the configuration.
	c.cfg.VapiBaseURL, c.cfg.VapiAPIKey = s.URL(), s.Key()
	c.cfg.ControlHosts = append(c.cfg.ControlHosts, at.Host)
	c.cfg.AllowedHosts = append(c.cfg.AllowedHosts, at.Host)
	c.cfg.PublicURL = "http://" + reachable(c.cfg.HTTPAddr)
	c.sandboxURL = s.URL()

	c.app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := checkDemo(se.App, marked); err != nil {
			return err
		}
		// The mark holds the stand-ins' address: functions of the demonstration
		// point at it, so the next start takes the same one, and commands find it.
		if err := os.WriteFile(mark, []byte(at.Host+"\n"+s.Key()+"\n"), 0o600); err != nil {
			return err
		}
		return se.Next()
	})
	c.app.OnTerminate().Bind(&hook.Handler[*core.TerminateEvent]{
		Id: "pocketlineSandbox", Priority: -100_000, // before the server drains: nobody rings any more
		Func: func(te *core.TerminateEvent) error {
			ctx, cancel := context.WithTimeout(context.Background(), sandboxPatience)
			defer cancel()
			if err := s.Close(ctx); err != nil {
				te.App.Logger().Warn("the sandbox did not stop in time", "error", err)
			}
			return te.Next()
		},
	})
	return s.URL(), nil
}

// checkReal refuses to serve to real providers what belongs to the stand-ins.
func (c *cli) checkReal(marked bool) error {
	if c.demo {
		return errors.New("--demo fills in accounts with a known password: it needs --sandbox")
	}
	if marked {
		return errSandboxData
	}
	return nil
}

// checkDemo refuses to serve to the stand-ins what belongs to real providers.
func checkDemo(app core.App, marked bool) error {
	if marked {
		return nil
	}
	real, err := hasReal(app)
	if err != nil {
		return fmt.Errorf("look for real data: %w", err)
	}
	if real {
		return errRealData
	}
	return nil
}

// hasReal tells whether anything in the data is, or was, at a real provider. The
// account and the organization that `setup` made alone are not: with the sandbox they
// may be tried, and the directory is the sandbox's from then on.
func hasReal(app core.App) (bool, error) {
	for _, name := range []string{collections.Calls, collections.PhoneNumbers, collections.ProviderAccounts,
		collections.ProviderEvents} {
		if n, err := app.CountRecords(name); err != nil || n > 0 {
			return true, err
		}
	}
	for _, c := range collections.All() {
		if c.Fields.GetByName("sync_hash") == nil {
			continue
		}
		if n, err := app.CountRecords(c.Name, dbx.NewExp("sync_hash != '' OR sync_status NOT IN ('', {:pending}, {:failed})",
			dbx.Params{"pending": collections.SyncPending, "failed": collections.SyncFailed})); err != nil || n > 0 {
			return true, err
		}
	}
	return false, nil
}

// useStandIns points a command at the stand-ins of the server that runs beside
// it. Without one nobody listens there, and the command says so.
func (c *cli) useStandIns(mark string) {
	c.cfg.VapiAPIKey, c.cfg.VapiBaseURL = "", nowhere
	address, key := readMark(mark)
	if address == "" || key == "" {
		return
	}
	c.cfg.VapiAPIKey, c.cfg.VapiBaseURL = key, "http://"+address
	c.cfg.ControlHosts = append(c.cfg.ControlHosts, address)
	c.cfg.AllowedHosts = append(c.cfg.AllowedHosts, address)
}

// readMark is the address the stand-ins had, and the key they ask for; both empty
// where the mark does not say.
func readMark(path string) (address, key string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", ""
	}
	address, key, _ = strings.Cut(strings.TrimSpace(string(raw)), "\n")
	if _, _, err := net.SplitHostPort(address); err != nil {
		return "", ""
	}
	return address, key
}

// startStandIns starts them at the address they had the last time, or at another
// when that is taken.
func (c *cli) startStandIns(mark string) (*sandbox.Server, error) {
	config := sandbox.Config{Speed: c.cfg.SandboxSpeed, StateFile: filepath.Join(c.app.DataDir(), sandboxState)}
	if config.Addr, _ = readMark(mark); config.Addr != "" {
		if s, err := sandbox.Start(config); err == nil {
			return s, nil
		}
		config.Addr = ""
	}
	return sandbox.Start(config)
}

// now is the clock by which jobs are run: nil is the machine's. With the sandbox it
// can be moved, to see what a clock that jumps does.
func (c *cli) now() (func() time.Time, error) {
	if c.clockFile == "" || !c.serving() {
		return nil, nil
	}
	if !c.cfg.Sandbox {
		return nil, errors.New("--sandbox-clock moves the clock: it needs --sandbox")
	}
	off := func() (time.Duration, error) {
		raw, err := os.ReadFile(c.clockFile)
		if err != nil {
			return 0, err
		}
		return time.ParseDuration(strings.TrimSpace(string(raw)))
	}
	if _, err := off(); err != nil {
		return nil, fmt.Errorf("--sandbox-clock: %w", err)
	}
	return func() time.Time {
		by, err := off()
		if err != nil { // somebody is writing it
			by = 0
		}
		return time.Now().Add(by)
	}, nil
}

// fillDemo makes the demonstration the way a person would make the first
// account: through the setup route of the running server.
func (c *cli) fillDemo() error {
	code, err := hooks.SetupCode(c.app) // asked for where the server's own address leads through a proxy
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{
		"code": code, "name": "Robin Marlow", "email": demoEmail, "password": demoPassword, "organization": demoOrganization,
		"timezone": "Europe/London", "language": "en", "demo": true,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), demoPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.origin()+"/api/setup", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 2_000)) // only to say more
		return fmt.Errorf("the server answers %s: %s", res.Status, bytes.TrimSpace(answer))
	}
	return nil
}

// sayDemo prints the demonstration's sign-in when the database has it.
func (c *cli) sayDemo() {
	if _, err := c.app.FindAuthRecordByEmail(collections.Users, demoEmail); err == nil {
		fmt.Fprintf(c.out, "  sign in    %s  /  %s\n", demoEmail, demoPassword)
	}
}
