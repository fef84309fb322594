package system

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
)

const (
	appName = "Pocketline"
	// logDays is how long the request log is kept (security.md S36).
	logDays = 7
)

// limits are per visitor's address. PocketBase counts in memory and does not
// limit superusers; webhooks leave the limiter out.
var limits = []core.RateLimitRule{
	{Label: "*:auth", MaxRequests: 30, Duration: 60},
	{Label: "*:requestPasswordReset", MaxRequests: 5, Duration: 300},
	{Label: "*:requestVerification", MaxRequests: 5, Duration: 300},
	{Label: "*:requestOTP", MaxRequests: 5, Duration: 300},
	{Label: "*:requestEmailChange", MaxRequests: 5, Duration: 300},
	{Label: "/api/setup", MaxRequests: 10, Duration: 60},
	{Label: "/api/auth/verify-invite", MaxRequests: 30, Duration: 60},
	{Label: "/api/auth/accept-invite", MaxRequests: 15, Duration: 60},
	{Label: "POST /api/team-members", MaxRequests: 60, Duration: 300},
	{Label: "/api/team-members/resend", MaxRequests: 30, Duration: 300},
	{Label: "/api/simulate", MaxRequests: 60, Duration: 60},
	{Label: "*:create", MaxRequests: 300, Duration: 10},
	{Label: "/api/", MaxRequests: 1_000, Duration: 10},
	{Label: "/functions/", MaxRequests: 1_000, Duration: 10},
}

// What PocketBase starts with: a value that is still this was not chosen.
const (
	stockName    = "Acme"
	stockLogDays = 5
)

var stockLimits = []core.RateLimitRule{
	{Label: "*:auth", MaxRequests: 2, Duration: 3},
	{Label: "*:create", MaxRequests: 20, Duration: 5},
	{Label: "/api/batch", MaxRequests: 3, Duration: 1},
	{Label: "/api/", MaxRequests: 300, Duration: 10},
}

// storeSettings brings PocketBase's settings to where a new installation should
// start. What the operator changed later is left alone, the address excepted,
// which the environment decides.
func storeSettings(app core.App, publicURL string) error {
	settings := app.Settings()
	changed := false
	if settings.Meta.AppName == stockName {
		settings.Meta.AppName, settings.Meta.SenderName = appName, appName
		changed = true
	}
	if publicURL != "" && settings.Meta.AppURL != publicURL {
		settings.Meta.AppURL = publicURL
		changed = true
	}
	if !settings.RateLimits.Enabled && reflect.DeepEqual(settings.RateLimits.Rules, stockLimits) {
		settings.RateLimits.Enabled, settings.RateLimits.Rules = true, slices.Clone(limits)
		changed = true
	}
	if settings.Logs.MaxDays == stockLogDays {
		settings.Logs.MaxDays = logDays
		changed = true
	}
	if !changed {
		return nil
	}
	if err := app.Save(settings); err != nil {
		return fmt.Errorf("store settings: %w", err)
	}
	return nil
}

// tokenMark is where PocketBase puts the token into a mail.
const tokenMark = "{TOKEN}"

// ourPages are the dashboard's pages, with the token in the fragment, for those
// of the panel and for links of earlier versions, which had it in the path.
var ourPages = strings.NewReplacer(
	"/_/#/auth/confirm-password-reset/"+tokenMark, accountmail.Link("", accountmail.ResetPage, tokenMark),
	"/_/#/auth/confirm-verification/"+tokenMark, accountmail.Link("", accountmail.VerifyPage, tokenMark),
	"/_/#/auth/confirm-email-change/"+tokenMark, accountmail.Link("", accountmail.ConfirmEmailPage, tokenMark),
	"{APP_URL}/reset/"+tokenMark, accountmail.Link("{APP_URL}", accountmail.ResetPage, tokenMark),
	"{APP_URL}/verify/"+tokenMark, accountmail.Link("{APP_URL}", accountmail.VerifyPage, tokenMark),
	"{APP_URL}/confirm-email/"+tokenMark, accountmail.Link("{APP_URL}", accountmail.ConfirmEmailPage, tokenMark),
)

func mailTemplates(users *core.Collection) []*core.EmailTemplate {
	return []*core.EmailTemplate{&users.ResetPasswordTemplate, &users.VerificationTemplate,
		&users.ConfirmEmailChangeTemplate}
}

// storeMails points the links of mails at the dashboard's pages instead of
// PocketBase's panel. Templates the operator wrote are left alone.
func storeMails(app core.App) error {
	// The one the app holds: nearly every start has nothing to change.
	users, err := app.FindCachedCollectionByNameOrId(collections.Users)
	if err != nil {
		return fmt.Errorf("mail templates: %w", err)
	}
	if !slices.ContainsFunc(mailTemplates(users),
		func(t *core.EmailTemplate) bool { return ourPages.Replace(t.Body) != t.Body }) {
		return nil
	}
	if users, err = app.FindCollectionByNameOrId(collections.Users); err != nil { // one of our own to change
		return fmt.Errorf("mail templates: %w", err)
	}
	for _, t := range mailTemplates(users) {
		t.Body = ourPages.Replace(t.Body)
	}
	if err := app.Save(users); err != nil {
		return fmt.Errorf("mail templates: %w", err)
	}
	return nil
}
