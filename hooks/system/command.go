package system

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/hours"
	"github.com/pocketline/pocketline/hooks/internal/phone"
)

// Command is `setup`: the first account and its organization from the console. It
// prints the link under which the owner chooses a password, so that none stands
// in a command line.
func Command(app core.App) *cobra.Command {
	var form setupForm
	cmd := &cobra.Command{
		Use: "setup", Short: "Make the first account and print the link for its password", Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error { return form.spelled() },
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := app.RunAllMigrations(); err != nil {
				return err
			}
			link, err := setUp(app, form)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Choose the password within half an hour:\n%s\n", link)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&form.Email, "email", "", "the owner's address")
	flags.StringVar(&form.Name, "name", "", "the owner's name")
	flags.StringVar(&form.Organization, "organization", "", "the organization's name")
	flags.StringVar(&form.Timezone, "timezone", "UTC", "the organization's time zone, as in Europe/Paris")
	flags.StringVar(&form.Country, "country", "",
		"the organization's country, two letters as in FR: numbers are read as they are written there")
	flags.StringVar(&form.Language, "language", collections.Languages[0], "en or fr")
	for _, name := range []string{"email", "name", "organization"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that does not exist
	}
	return cmd
}

// CheckFlags says what is wrong with the flags of the command, whose arguments these
// are: before anything is made. Those of the program itself are let pass.
func CheckFlags(args []string) error {
	cmd := Command(nil)
	flags := cmd.PersistentFlags()
	for _, name := range []string{"dir", "encryptionEnv"} {
		flags.String(name, "", "")
	}
	flags.Int("queryTimeout", 0, "")
	flags.Bool("dev", false, "")
	if err := cmd.ParseFlags(args); err != nil {
		return err
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	return cmd.PreRunE(cmd, nil)
}

// spelled refuses a language, a country or a time zone there is not; the page's form falls back
// on others, because a browser may name any.
func (f *setupForm) spelled() error {
	if !slices.Contains(collections.Languages, f.Language) {
		return fmt.Errorf("--language: %q is none of %s", f.Language, strings.Join(collections.Languages, ", "))
	}
	if _, err := hours.Zone(f.Timezone); err != nil {
		return fmt.Errorf("--timezone: %q is no time zone like Europe/Paris", f.Timezone)
	}
	if f.Country != "" && !phone.Country(strings.ToUpper(f.Country)) {
		return fmt.Errorf("--country: %q is no country's two letters, like FR", f.Country)
	}
	return nil
}

// setUp makes the account with a password nobody knows, and returns the link.
func setUp(app core.App, form setupForm) (string, error) {
	form.Password = rand.Text()
	if problems := form.tidy(); len(problems) > 0 {
		return "", told(problems)
	}
	var s system // a demonstration is made by the server alone
	user, _, err := s.begin(app, form, audit.Actor{Type: audit.ActorSystem, Name: "console"})
	var problems validation.Errors
	switch {
	case errors.Is(err, errSettled):
		return "",
			errors.New("this installation has an account already; `pocketline security link` prints a link for its password")
	case errors.As(err, &problems):
		return "", told(problems)
	case err != nil:
		return "", err
	}
	token, err := user.NewPasswordResetToken()
	if err != nil {
		return "", err
	}
	return accountmail.Link(app.Settings().Meta.AppURL, accountmail.ResetPage, token), nil
}

// told puts the first reason, in the order of the flags' names, into a line.
func told(problems validation.Errors) error {
	name := slices.Min(slices.Collect(maps.Keys(problems)))
	return fmt.Errorf("--%s: %w", name, problems[name])
}
