package collections

import "github.com/pocketbase/pocketbase/core"

// SecuritySettings say how people must sign in to an organization, from where,
// and how long what it keeps is kept. One row per organization.
const SecuritySettings = "security_settings"

// Ways to sign in an organization may allow.
const (
	AuthPassword = "password"
	AuthCode     = "otp"    // one-time code by mail
	AuthOAuth    = "oauth2" // an account elsewhere
)

// AuthMethods are the ways to sign in an organization may allow.
var AuthMethods = []string{AuthPassword, AuthCode, AuthOAuth}

// Retention until an organization says otherwise, in days (security.md S51).
const (
	RecordingsKept  = 90
	TranscriptsKept = 365
	MessagesKept    = 365
	EventsKept      = 90
	AuditKept       = 730
)

func securitySettings() *core.Collection {
	days := func(name string) *core.NumberField {
		f := between(name, 0, 3650) // 0: for ever
		f.OnlyInt = true
		return f
	}
	c := tenant(SecuritySettings,
		boolean("two_factor_enabled"),
		object("allowed_auth_methods", SmallJSON),
		between("session_timeout_minutes", 0, 525_600),
		object("ip_whitelist", SmallJSON),
		days("keep_recordings_days"),
		days("keep_transcripts_days"),
		days("keep_messages_days"),
		days("keep_events_days"),
		days("keep_audit_days"),
		boolean("legal_hold"),
	)
	unique(c, "organization", "")
	readOnly(c, People(Role("organization", Owner, Admin)))
	return c
}

var _ = declare(SecuritySettings, securitySettings, Traits{
	Plain:  []string{"allowed_auth_methods", "ip_whitelist"},
	Logged: true,
})
