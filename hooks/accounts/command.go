package accounts

import (
	"database/sql"
	"errors"
	"fmt"
	"net/mail"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/identity"
)

// Command is `pocketline security`: the way back in for who locked everybody
// out, for whoever has the machine.
func Command(app core.App) *cobra.Command {
	root := &cobra.Command{Use: "security", Short: "Open what security settings have locked"}
	var organization, email string
	reset := &cobra.Command{
		Use: "reset", Short: "Take an organization's sign-in and network restrictions away", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.RunAllMigrations(); err != nil {
				return err
			}
			if err := resetSecurity(app, organization); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(),
				"Networks, ways to sign in and the required second factor are open again. A running server follows within 30 seconds.")
			return nil
		},
	}
	reset.Flags().StringVar(&organization, "organization", "", "the organization's id")
	_ = reset.MarkFlagRequired("organization") // fails only for a flag that does not exist
	factor := &cobra.Command{
		Use: "factor-off", Short: "Take a person's second factor away, so that a new one can be set up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.RunAllMigrations(); err != nil {
				return err
			}
			if err := factorOff(app, email); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The second factor is off.")
			return nil
		},
	}
	factor.Flags().StringVar(&email, "email", "", "the person's address")
	_ = factor.MarkFlagRequired("email")
	kind := "reset"
	link := &cobra.Command{
		Use: "link", Short: "Print the link a mail would have carried: for installations without mail", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.RunAllMigrations(); err != nil {
				return err
			}
			text, err := accountLink(app, email, kind, app.Settings().Meta.AppURL)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), text)
			return nil
		},
	}
	link.Flags().StringVar(&email, "email", "", "the person's address")
	link.Flags().StringVar(&kind, "kind", kind, "reset (a new password) or verify (the address)")
	_ = link.MarkFlagRequired("email")
	var user string
	address := &cobra.Command{
		Use: "address", Short: "Give a person another mail address; it signs them out, and the new address has to be proved",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := changeAddress(app, user, email); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The address was changed.")
			return nil
		},
	}
	address.Flags().StringVar(&user, "user", "", "the person's id")
	address.Flags().StringVar(&email, "email", "", "the new address")
	_ = address.MarkFlagRequired("user")
	_ = address.MarkFlagRequired("email")
	root.AddCommand(reset, factor, link, address)
	return root
}

func resetSecurity(app core.App, organization string) error {
	row, err := app.FindFirstRecordByData(collections.SecuritySettings, "organization", organization)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("organization %q has no security settings", organization)
	}
	if err != nil {
		return err
	}
	return app.RunInTransaction(func(tx core.App) error {
		row.IgnoreUnchangedFields(true)
		row.Load(map[string]any{"ip_whitelist": []string{}, "allowed_auth_methods": collections.AuthMethods,
			"two_factor_enabled": false})
		if err := tx.Save(row); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Organization: organization, Actor: console, Action: "security_settings.reset",
			Resource: collections.SecuritySettings, Record: row.Id,
		})
	})
}

// changeAddress gives a person another address. Its SQL fits a database whose
// newer steps have not run, because those may wait for exactly this
// (pb_migrations/addresses_alike.go).
func changeAddress(app core.App, id, email string) error {
	email = address.Tidy(email)
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email {
		return fmt.Errorf("not a mail address: %q", email)
	}
	taken, err := identity.AccountOf(app, collections.Users, email)
	if err != nil {
		return err
	}
	if taken != nil && taken.Id != id {
		return fmt.Errorf("the account %s has the address %s", taken.Id, taken.Email())
	}
	var former string
	err = app.NonconcurrentDB().NewQuery(`SELECT email FROM users WHERE id = {:id}`).Bind(dbx.Params{"id": id}).Row(&former)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("change the address of %s: %w", id, err)
	}
	result, err := app.NonconcurrentDB().NewQuery(`UPDATE users SET email = {:email}, "tokenKey" = {:key}, verified = FALSE WHERE id = {:id}`).
		Bind(dbx.Params{"email": email, "key": security.RandomString(50), "id": id}).Execute()
	if err != nil {
		return fmt.Errorf("change the address of %s: %w", id, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("nobody has the id %s", id))
	}
	if err := app.RunAllMigrations(); err != nil {
		return fmt.Errorf("the address was changed; the database is not ready yet: %w", err)
	}
	return app.RunInTransaction(func(tx core.App) error {
		if err := identity.Of(app).Mails.OweFormer(tx, id, former); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{Actor: console, Action: "auth.address", Resource: collections.Users, Record: id})
	})
}

// console is whoever has the machine.
var console = audit.Actor{Type: audit.ActorSystem, Name: "console"}

func factorOff(app core.App, email string) error {
	user, err := identity.AccountOf(app, collections.Users, email)
	if err != nil {
		return err
	}
	if user == nil {
		return fmt.Errorf("nobody has the address %s", email)
	}
	return app.RunInTransaction(func(tx core.App) error {
		if err := identity.Of(app).Factors.TakeOff(tx, user, accountmail.Who{}); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Organization: user.GetString("last_organization"), Actor: console,
			Action: "auth.two_factor_off", Resource: collections.Users, Record: user.Id,
		})
	})
}

// accountLink is the link of a reset or verification mail.
func accountLink(app core.App, email, kind, base string) (string, error) {
	user, err := identity.AccountOf(app, collections.Users, email)
	if err != nil {
		return "", err
	}
	if user == nil || user.GetBool("is_service") {
		return "", fmt.Errorf("nobody has the address %s", email)
	}
	var token, page, mail string
	switch kind {
	case "reset":
		page, mail = accountmail.ResetPage, accountmail.ResetLink
		token, err = user.NewPasswordResetToken()
	case "verify":
		page, mail = accountmail.VerifyPage, accountmail.VerifyLink
		token, err = user.NewVerificationToken()
	default:
		return "", fmt.Errorf("kind is reset or verify, not %q", kind)
	}
	if err != nil {
		return "", err
	}
	err = app.RunInTransaction(func(tx core.App) error {
		if err := identity.Of(app).Mails.OweBy(tx, mail, user, accountmail.Who{}); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Organization: user.GetString("last_organization"), Actor: console, Action: "auth.link",
			Resource: collections.Users, Record: user.Id, Details: map[string]any{"kind": kind},
		})
	})
	if err != nil {
		return "", err
	}
	return accountmail.Link(base, page, token), nil
}
