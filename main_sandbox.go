package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/providers/sandbox"
)

const (
	// sandboxMark lies in data directories that were used with the sandbox: what
	// they hold was never real, demonstration accounts with a known password
	// included.
	sandboxMark = ".sandbox"
	// sandboxPatience is how long calls being played get to stop.
	sandboxPatience = 5 * time.Second
)

var (
	errSandboxData = errors.New("this data directory was made with the sandbox: start with --sandbox, or choose another directory with --dir")
	errRealData    = errors.New("this data directory holds real data: the sandbox does not touch it; choose another directory with --dir")
)

// startSandbox puts the stand-ins in the place of the providers when that was
// asked for, and returns their address. Real and sandbox never mix, neither in
// a process nor in a data directory.
func (c *cli) startSandbox() (string, error) {
	if !c.serving() {
		return "", nil
	}
	mark := filepath.Join(c.app.DataDir(), sandboxMark)
	_, err := os.Stat(mark)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	marked := err == nil
	if !c.cfg.Sandbox {
		if c.demo {
			return "", errors.New("--demo fills in accounts with a known password: it needs --sandbox")
		}
		if marked {
			return "", errSandboxData
		}
		return "", nil
	}
	s, err := sandbox.Start(sandbox.Config{Speed: c.cfg.SandboxSpeed})
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
		if !marked {
			n, err := se.App.CountRecords(collections.Organizations)
			if err != nil {
				return fmt.Errorf("look for real data: %w", err)
			}
			if n > 0 {
				return errRealData
			}
			if err := os.WriteFile(mark, []byte("This directory was used with `serve --sandbox`.\n"), 0o600); err != nil {
				return err
			}
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
