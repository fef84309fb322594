// Command pocketline is a self-hosted AI phone desk in one binary.
//
// This file is the order in which it is put together and decides nothing:
// configuration, PocketBase, sandbox, clients, domains, commands.
package main

import (
	"fmt"
	"os"
	_ "time/tzdata" // organizations have zones, and small images have no zone files

	"github.com/pocketbase/pocketbase"

	"github.com/pocketline/pocketline/hooks"
	_ "github.com/pocketline/pocketline/pb_migrations"
	"github.com/pocketline/pocketline/providers"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pocketline:", err)
		os.Exit(1)
	}
}

func run() error {
	cfg, err := providers.Load(os.Getenv, os.ReadFile)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	warnUnknown(os.Environ())

	app := pocketbase.NewWithConfig(hooks.Bounded(pocketbase.Config{
		HideStartBanner: true, DefaultDataDir: cfg.DataDir, DefaultEncryptionEnv: settingsKeyEnv,
	}))
	cli := newCLI(app, &cfg)
	if err := cli.listen(); err != nil {
		return err
	}
	if err := cli.checkData(); err != nil {
		return err
	}
	sandbox, err := cli.startSandbox()
	if err != nil {
		return err
	}
	keys, err := cli.keys()
	if err != nil {
		return err
	}
	now, err := cli.now()
	if err != nil {
		return err
	}
	desk, err := hooks.Register(app, hooks.Deps{
		Config: cfg, Clients: providers.New(cfg, version()), Keys: keys, SandboxURL: sandbox,
		Demo:    hooks.Account{Email: demoEmail, Password: demoPassword},
		Serving: cli.serving(), Version: version(), Restored: cli.restored, Killed: cli.killed, Log: os.Stderr, Now: now,
	})
	if err != nil {
		return err
	}
	app.RootCmd.AddCommand(desk.Commands()...)
	if err := cli.execute(); err != nil || !desk.Again() {
		return err
	}
	return startAgain()
}
