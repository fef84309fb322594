package hooks

import (
	"slices"

	"github.com/pocketbase/pocketbase/cmd"
	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/identity"
)

// SuperuserCommand is PocketBase's `superuser`, which takes the operator's
// address in any spelling.
func SuperuserCommand(app core.App) *cobra.Command {
	root := cmd.NewSuperuserCommand(app)
	for _, c := range root.Commands() {
		run := c.RunE
		if run == nil || c.Name() == "ips" { // it takes networks
			continue
		}
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				args = slices.Clone(args)
				args[0] = keptAddress(app, args[0])
			}
			return run(c, args)
		}
	}
	return root
}

// keptAddress is an operator's address as it is stored, or will be: as it was typed
// first, because two in other letters are told apart until the database is brought
// up to date. A database that cannot be asked is PocketBase's to complain about.
func keptAddress(app core.App, typed string) string {
	if _, err := app.FindAuthRecordByEmail(core.CollectionNameSuperusers, typed); err == nil {
		return typed
	}
	known, err := identity.AccountOf(app, core.CollectionNameSuperusers, typed)
	if err == nil && known != nil {
		return known.Email()
	}
	return address.Tidy(typed)
}
