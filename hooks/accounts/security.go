package accounts

import (
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	// sessionLeast keeps people from being signed out between two clicks.
	sessionLeast = 5
	networksMost = 200
)

// methodNames are the old system's names for ways to sign in.
var methodNames = map[string]string{
	"password": collections.AuthPassword, "email": collections.AuthPassword, "otp": collections.AuthCode,
	"magic_link": collections.AuthCode,
	"oauth":      collections.AuthOAuth, "oauth2": collections.AuthOAuth, "google": collections.AuthOAuth,
	"github": collections.AuthOAuth,
}

// settingsShape is what the routes say of the settings.
const settingsShape = `{"id", "company_id", "two_factor_enabled", "allowed_auth_methods", "session_timeout_minutes", "ip_whitelist", "keep_recordings_days",
		"keep_transcripts_days", "keep_messages_days", "keep_events_days", "keep_audit_days", "legal_hold", "your_address", "created_at", "updated_at"}`

func showSettings(e *core.RequestEvent) error {
	t, err := tenant.Require(e, collections.Owner, collections.Admin)
	if err != nil {
		return err
	}
	row, err := identity.SettingsRow(e.App, t.ID())
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, settingsAnswer(e, row))
}

var showSettingsRoute = facade.Route{
	Method: "GET", Path: "/api/security/settings", Auth: facade.Admin, System: facade.CoreComm, Item: "S-306",
	Summary: "How people sign in to the active organization, and what is kept how long; made with defaults at the first read.",
	Answer:  `{"data": {"settings": ` + settingsShape + `}}`,
	Errors:  "403",
}

var changeSettingsRoute = facade.Route{
	Method: "PATCH", Path: "/api/security/settings", Auth: facade.Admin, System: facade.CoreComm, Item: "S-307",
	Summary: "Changes security settings; they hold from the next request on. Days of 0 are for ever. A list of networks without the caller's own address is refused.",
	Body: `{"two_factor_enabled"?, "allowed_auth_methods"?: ["password"|"otp"|"oauth2"], "session_timeout_minutes"?, "ip_whitelist"?: ["192.0.2.0/24"], "legal_hold"?,
 "keep_recordings_days"?, "keep_transcripts_days"?, "keep_messages_days"?, "keep_events_days"?, "keep_audit_days"?}`,
	Answer: `{"data": {"settings": ` + settingsShape + `}}`,
	Errors: "400 with details · 403",
}

func settingsAnswer(e *core.RequestEvent, row *core.Record) map[string]any {
	out := map[string]any{
		"id": row.Id, "company_id": row.GetString("organization"), "your_address": e.RealIP(),
		"created_at": rows.Said(row.GetString("created")), "updated_at": rows.Said(row.GetString("updated")),
	}
	for name, value := range identity.SettingsDefaults {
		switch value.(type) {
		case bool:
			out[name] = row.GetBool(name)
		case int:
			out[name] = row.GetInt(name)
		default:
			list := []string{}
			if raw := rows.JSON(row, name); raw != nil {
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
	d.lockedOut(e, t, columns, reasons)
	if len(reasons) > 0 {
		return refusal.Invalid(reasons)
	}
	row, err := identity.SettingsRow(e.App, t.ID())
	if err != nil {
		return err
	}
	row.IgnoreUnchangedFields(true)
	row.Load(columns)
	if row.IsNew() || !tenant.Unchanged(row) {
		audit.By(e, row)
		if err := e.App.Save(row); err != nil {
			return err
		}
	}
	return facade.JSON(e, http.StatusOK, settingsAnswer(e, row))
}

// lockedOut says which settings nobody, or not whoever sets them, could sign in under.
func (d *domain) lockedOut(e *core.RequestEvent, t *tenant.Tenant, columns map[string]any, reasons map[string]string) {
	if list, ok := columns["allowed_auth_methods"].([]string); ok {
		if reason := d.reachable(e.App, list); reason != "" {
			reasons["allowed_auth_methods"] = reason
		} else if !t.Superuser && !(identity.Settings{Methods: list}).Takes(d.Identity.Method(e)) {
			reasons["allowed_auth_methods"] = "You signed in another way: sign in again in one of these, or you would lock yourself out"
		}
	}
	if t.Superuser {
		return
	}
	if columns["two_factor_enabled"] == true {
		switch {
		case !e.Auth.GetBool("two_factor"):
			reasons["two_factor_enabled"] = "Set up your own second factor first"
		case !d.Identity.Proved(e):
			reasons["two_factor_enabled"] = "Sign in again with your second factor first"
		}
	}
	if list, ok := columns["ip_whitelist"].([]string); ok && len(list) > 0 {
		if reason := identity.Excluded(list, e.RealIP()); reason != "" {
			reasons["ip_whitelist"] = reason
		}
	}
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
	for name, standard := range identity.SettingsDefaults {
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
		least = collections.AuditLeast
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
