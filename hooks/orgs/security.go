package orgs

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/mail"
	"slices"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
	"github.com/spf13/cobra"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// sessionDefault is the old system's default: a day, in minutes.
	sessionDefault = 1_440
	// sessionLeast keeps people from being signed out between two clicks.
	sessionLeast = 5
	networksMost = 200
	// auditLeast is the shortest time an audit log may be kept, in days; the
	// database refuses earlier deletions (collections.AuditSQL).
	auditLeast = 30
)

// settingsDefaults is a new row of security_settings.
var settingsDefaults = map[string]any{
	"two_factor_enabled": false, "allowed_auth_methods": collections.AuthMethods, "session_timeout_minutes": sessionDefault, "ip_whitelist": []string{},
	"keep_recordings_days": collections.RecordingsKept, "keep_transcripts_days": collections.TranscriptsKept,
	"keep_messages_days": collections.MessagesKept, "keep_events_days": collections.EventsKept, "keep_audit_days": collections.AuditKept,
	"legal_hold": false,
}

// methodNames are the old system's names for ways to sign in.
var methodNames = map[string]string{
	"password": collections.AuthPassword, "email": collections.AuthPassword, "otp": collections.AuthCode, "magic_link": collections.AuthCode,
	"oauth": collections.AuthOAuth, "oauth2": collections.AuthOAuth, "google": collections.AuthOAuth, "github": collections.AuthOAuth,
}

func (d *domain) security() {
	const shape = `{"id", "company_id", "two_factor_enabled", "allowed_auth_methods", "session_timeout_minutes", "ip_whitelist", "keep_recordings_days",
		"keep_transcripts_days", "keep_messages_days", "keep_events_days", "keep_audit_days", "legal_hold", "your_address", "created_at", "updated_at"}`
	d.documented("GET", "/api/security/settings", "S-306", facade.Admin, "How people sign in to the active organization, and what is kept how long; made with defaults at the first read.",
		"", "", `{"data": {"settings": `+shape+`}}`, "403", func(e *core.RequestEvent) error {
			t, err := tenant.Require(e, collections.Owner, collections.Admin)
			if err != nil {
				return err
			}
			row, err := securityRow(e.App, t.ID())
			if err != nil {
				return err
			}
			return e.JSON(http.StatusOK, settingsAnswer(e, row))
		})
	d.documented("PATCH", "/api/security/settings", "S-307", facade.Admin,
		"Changes security settings; they hold from the next request on. Days of 0 are for ever. A list of networks without the caller's own address is refused.",
		"", `{"two_factor_enabled"?, "allowed_auth_methods"?: ["password"|"otp"|"oauth2"], "session_timeout_minutes"?, "ip_whitelist"?: ["192.0.2.0/24"], "legal_hold"?,
 "keep_recordings_days"?, "keep_transcripts_days"?, "keep_messages_days"?, "keep_events_days"?, "keep_audit_days"?}`,
		`{"data": {"settings": `+shape+`}}`, "400 with details · 403", d.changeSettings)
	d.auditLog()
}

// securityRow is the organization's settings, made when there are none.
func securityRow(app core.App, organization string) (*core.Record, error) {
	row, err := app.FindFirstRecordByData(collections.SecuritySettings, "organization", organization)
	if !errors.Is(err, sql.ErrNoRows) {
		return row, err
	}
	values := map[string]any{"organization": organization}
	for k, v := range settingsDefaults {
		values[k] = v
	}
	row, err = makeRow(app, collections.SecuritySettings, values)
	// Read again: somebody else may have been faster, and a record that was just
	// made does not know what it was.
	if again, found := app.FindFirstRecordByData(collections.SecuritySettings, "organization", organization); found == nil {
		return again, nil
	}
	return row, err
}

func settingsAnswer(e *core.RequestEvent, row *core.Record) map[string]any {
	out := map[string]any{
		"id": row.Id, "company_id": row.GetString("organization"), "your_address": e.RealIP(),
		"created_at": said(row.GetString("created")), "updated_at": said(row.GetString("updated")),
	}
	for name, value := range settingsDefaults {
		switch value.(type) {
		case bool:
			out[name] = row.GetBool(name)
		case int:
			out[name] = row.GetInt(name)
		default:
			list := []string{}
			if raw := rawJSON(row, name); raw != nil {
				_ = row.UnmarshalJSONField(name, &list) // a list that cannot be read shows as empty and lets nobody in
			}
			if name == "allowed_auth_methods" && len(list) == 0 {
				list = collections.AuthMethods
			}
			out[name] = list
		}
	}
	return map[string]any{"data": map[string]any{"settings": out}}
}

func (d *domain) changeSettings(e *core.RequestEvent) error {
	t, err := tenant.Require(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	columns, reasons := readSettings(body)
	if list, ok := columns["allowed_auth_methods"].([]string); ok {
		if reason := d.reachable(e.App, list); reason != "" {
			reasons["allowed_auth_methods"] = reason
		} else if !t.Superuser && !(identity.Settings{Methods: list}).Takes(d.identity.Method(e)) {
			reasons["allowed_auth_methods"] = "You signed in another way: sign in again in one of these, or you would lock yourself out"
		}
	}
	if columns["two_factor_enabled"] == true && !t.Superuser {
		switch {
		case !e.Auth.GetBool("two_factor"):
			reasons["two_factor_enabled"] = "Set up your own second factor first"
		case !d.identity.Proved(e):
			reasons["two_factor_enabled"] = "Sign in again with your second factor first"
		}
	}
	if list, ok := columns["ip_whitelist"].([]string); ok && len(list) > 0 && !t.Superuser {
		if reason := identity.Excluded(list, e.RealIP()); reason != "" {
			reasons["ip_whitelist"] = reason
		}
	}
	if len(reasons) > 0 {
		return facade.Invalid(reasons)
	}
	row, err := securityRow(e.App, t.ID())
	if err != nil {
		return err
	}
	row.IgnoreUnchangedFields(true)
	row.Load(columns)
	audit.By(e, row)
	if err := e.App.Save(row); err != nil {
		return err
	}
	return e.JSON(http.StatusOK, settingsAnswer(e, row))
}

// reachable says why nobody could sign in any more, or "".
func (d *domain) reachable(app core.App, methods []string) string {
	if slices.Contains(methods, collections.AuthPassword) {
		return ""
	}
	users, err := app.FindCachedCollectionByNameOrId(collections.Users)
	if err != nil {
		return "The ways to sign in could not be read"
	}
	if slices.Contains(methods, collections.AuthCode) && app.Settings().SMTP.Enabled {
		return ""
	}
	if slices.Contains(methods, collections.AuthOAuth) && users.OAuth2.Enabled && len(users.OAuth2.Providers) > 0 {
		return ""
	}
	return "None of these works on this installation yet: codes need mail, accounts elsewhere need a provider"
}

// readSettings checks a body, field by field; unknown fields are passed over,
// as the old system did.
func readSettings(body map[string]any) (columns map[string]any, reasons map[string]string) {
	columns, reasons = map[string]any{}, map[string]string{}
	for name, standard := range settingsDefaults {
		value, given := body[name]
		if !given {
			continue
		}
		switch standard.(type) {
		case bool:
			b, ok := value.(bool)
			if !ok {
				reasons[name] = "Must be true or false"
			}
			columns[name] = b
		case int:
			n, ok := value.(float64)
			if reason := wrongNumber(name, n, ok); reason != "" {
				reasons[name] = reason
			}
			columns[name] = int(n)
		default:
			list, reason := readList(name, value)
			if reason != "" {
				reasons[name] = reason
			}
			columns[name] = list
		}
	}
	return columns, reasons
}

func wrongNumber(name string, n float64, number bool) string {
	least, most := 0.0, 3_650.0
	switch name {
	case "session_timeout_minutes":
		least, most = sessionLeast, 525_600
	case "keep_audit_days":
		least = auditLeast
	}
	if !number || n != math.Trunc(n) || n != 0 && n < least || n < 0 || n > most {
		return fmt.Sprintf("Must be 0 or a whole number from %.0f to %.0f", max(least, 1), most)
	}
	return ""
}

func readList(name string, value any) (list []string, reason string) {
	items, ok := value.([]any)
	if !ok {
		return nil, "Must be a list"
	}
	list = []string{}
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, "Must be a list of texts"
		}
		if name == "ip_whitelist" {
			p, err := network.Parse(text)
			if err != nil {
				return nil, fmt.Sprintf("%q is not an address or network like 192.0.2.0/24 or 2001:db8::/32", text)
			}
			text = p.String()
		} else if text = methodNames[text]; text == "" {
			return nil, "Takes password, otp and oauth2"
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	if name == "allowed_auth_methods" && len(list) == 0 {
		return nil, "Allow at least one way to sign in"
	}
	if len(list) > networksMost {
		return nil, fmt.Sprintf("At most %d entries", networksMost)
	}
	return list, ""
}

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
			fmt.Fprintln(cmd.OutOrStdout(), "Networks, ways to sign in and the required second factor are open again. A running server follows within 30 seconds.")
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
		Use: "address", Short: "Give a person another mail address; it signs them out, and the new address has to be proved", Args: cobra.NoArgs,
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
		row.Load(map[string]any{"ip_whitelist": []string{}, "allowed_auth_methods": collections.AuthMethods, "two_factor_enabled": false})
		if err := tx.Save(row); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{
			Organization: organization, Actor: console, Action: "security_settings.reset", Resource: collections.SecuritySettings, Record: row.Id,
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
		if err := identity.Of(app).OweFormer(tx, id, former); err != nil {
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
		if err := identity.Of(app).TakeFactorOff(tx, user, identity.Who{}); err != nil {
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
		page, mail = identity.ResetPage, identity.MailResetLink
		token, err = user.NewPasswordResetToken()
	case "verify":
		page, mail = identity.VerifyPage, identity.MailVerifyLink
		token, err = user.NewVerificationToken()
	default:
		return "", fmt.Errorf("kind is reset or verify, not %q", kind)
	}
	if err != nil {
		return "", err
	}
	err = app.RunInTransaction(func(tx core.App) error {
		if err := identity.Of(app).OweBy(tx, mail, user, identity.Who{}); err != nil {
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
	return identity.Link(base, page, token), nil
}
