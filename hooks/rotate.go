package hooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/forgotten"
	"github.com/pocketline/pocketline/hooks/internal/inbox"
	"github.com/pocketline/pocketline/hooks/internal/keyring"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/serving"
	"github.com/pocketline/pocketline/providers"
)

// How the master key changes (security.md S33). While it does there are two
// keys: everything opens with both, and is sealed with the new one. The command
// rotate-key
//
//  1. keeps what was derived from the old key and cannot be made again: the key
//     of erased callers, and the webhook secret that old copies still present;
//  2. seals every stored secret again;
//  3. encrypts PocketBase's settings again, last: by the key they open with it is
//     known whether the old key is still the data's own;
//  4. drops the old key.
//
// Killed anywhere, it goes on from there, and the server starts with both keys.

// errOtherKey says that the keys do not fit the data.
var errOtherKey = errors.New("this data was sealed with another master key: neither POCKETLINE_KEY (or " +
	sealed.KeyFile +
	" in the data directory) nor POCKETLINE_KEY_BEFORE opens it; while a key is being replaced both are needed, until `pocketline rotate-key` is done")

// settingsRow is where PocketBase keeps its settings.
const settingsRow = "FROM {{_params}} WHERE [[id]] = 'settings'"

// bindKeys lets an app start whose data is on its way from one master key to the
// next, and says what is wrong when no key fits.
func bindKeys(app core.App, keys Keys, box *sealed.Box, erased *forgotten.Callers) {
	app.OnSettingsReload().BindFunc(func(e *core.SettingsReloadEvent) error {
		if keys.Before != nil {
			use, err := settingsKey(e.App, keys)
			if err != nil {
				return err
			}
			// Saved settings keep the key they have until the rotation is done.
			if err := os.Setenv(e.App.EncryptionEnv(), use); err != nil {
				return err
			}
		}
		if err := e.Next(); err != nil {
			return fmt.Errorf("%w (%w)", errOtherKey, err)
		}
		return nil
	})
	app.OnBootstrap().BindFunc(func(e *core.BootstrapEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		master := keys.Master
		if keys.Before != nil && os.Getenv(e.App.EncryptionEnv()) == keys.Before.Settings {
			master = keys.Before.Master
		}
		if err := erased.Restore(e.App, box, master); err != nil {
			return fmt.Errorf("%w (%w)", errOtherKey, err)
		}
		return nil
	})
}

// settingsKey is the one the stored settings open with, the new one when there
// are none that need a key.
func settingsKey(app core.App, keys Keys) (string, error) {
	var value string
	if err := app.DB().NewQuery("SELECT [[value]] " + settingsRow).Row(&value); err != nil {
		return "", fmt.Errorf("read the settings: %w", err)
	}
	if _, err := decrypt(value, keys.Before.Settings); err == nil {
		return keys.Before.Settings, nil
	}
	return keys.Settings, nil
}

// rotation is the command rotate-key.
type rotation struct {
	app    core.App
	config providers.Config
	keys   Keys // as the start found them
	erased *forgotten.Callers
	owed   *outbox.Outbox
	out    io.Writer
}

func (r *rotation) command() *cobra.Command {
	return &cobra.Command{
		Use: "rotate-key", Short: "Seal every stored secret again with a new master key (docs/backup.md)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r.out = cmd.OutOrStdout()
			release, err := serving.Lock(r.app.DataDir())
			if err != nil {
				return fmt.Errorf("rotate-key works alone, stop the server first: %w", err)
			}
			defer release()
			return r.run()
		},
	}
}

func (r *rotation) run() error {
	from := given(r.config, r.app.DataDir())
	masters, err := from.Load()
	if err != nil {
		return err
	}
	if !masters.Equal(r.keys.masters()) {
		return errors.New("the master key was changed while this began: run it again")
	}
	if err := r.app.RunAllMigrations(); err != nil {
		return err
	}
	begun := masters.Before != nil
	if masters, err = from.Begin(masters); err != nil {
		return err
	}
	if !begun {
		fmt.Fprintf(r.out,
			"A new master key was made. %s holds it and the one before until this is done; killed, it is run again.\n",
			from.Path())
	}
	keys, err := derive(masters)
	if err != nil {
		return err
	}
	if err := r.keep(keys); err != nil {
		return err
	}
	if err := sealed.Reseal(r.app, masters, append(r.owed.Sealed(), inbox.Sealed()), r.said); err != nil {
		return err
	}
	if err := r.settings(keys); err != nil {
		return err
	}
	if err := from.Finish(masters); err != nil {
		return err
	}
	return r.done()
}

// keep stores what only the old key can make.
func (r *rotation) keep(keys Keys) error {
	box, err := keys.masters().Box()
	if err != nil {
		return err
	}
	return r.app.RunInTransaction(func(tx core.App) error {
		if err := r.erased.Keep(tx, box); err != nil {
			return err
		}
		return keyring.New(r.app, box, nil).KeepDerived(tx, collections.ProviderVapi, keys.Before.Webhook)
	})
}

// settings encrypts PocketBase's settings with the new key. Settings that were
// never encrypted stay so.
func (r *rotation) settings(keys Keys) error {
	return r.app.RunInTransaction(func(tx core.App) error {
		var value string
		if err := tx.DB().NewQuery("SELECT [[value]] " + settingsRow).Row(&value); err != nil {
			return fmt.Errorf("read the settings: %w", err)
		}
		if _, err := decrypt(value, keys.Settings); err == nil || json.Valid([]byte(value)) {
			return nil
		}
		plain, err := decrypt(value, keys.Before.Settings)
		if err != nil {
			return fmt.Errorf("%w (%w)", errOtherKey, err)
		}
		if value, err = security.Encrypt(plain, keys.Settings); err != nil {
			return fmt.Errorf("encrypt the settings: %w", err)
		}
		_, err = tx.DB().NewQuery("UPDATE {{_params}} SET [[value]] = {:value} WHERE [[id]] = 'settings'").Bind(dbx.Params{"value": value}).Execute()
		return err
	})
}

func (r *rotation) said(kind string, values int) error {
	_, err := fmt.Fprintf(r.out, "%s: %d sealed again\n", kind, values)
	return err
}

func (r *rotation) done() error {
	end := "The key before is gone from " + given(r.config, r.app.DataDir()).Path() +
		", which holds the new one: keep a copy of it."
	if r.config.Key != "" || r.config.KeyBefore != "" {
		end = "Unset POCKETLINE_KEY_BEFORE."
	}
	_, err := fmt.Fprintf(r.out,
		"Every stored secret opens with the new master key alone. %s\nBackups from before need the key before.\n", end)
	return err
}
