package identity

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/remembered"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Settings are an organization's security settings, read and checked.
type Settings struct {
	// TwoFactor asks every member for a second factor.
	TwoFactor bool
	// Methods are the allowed ways to sign in; empty allows all. Sessions that began
	// in another way are turned away.
	Methods []string
	// Session is how long a session lasts without use; 0 is the installation's.
	Session time.Duration
	// Networks are the addresses members may come from; empty is everywhere.
	Networks []netip.Prefix
	// Closed says that the list of networks cannot be read, which lets nobody in.
	Closed bool
}

// sessionDefault is the old system's default: a day, in minutes.
const sessionDefault = 1_440

// SettingsDefaults is a new row of security_settings.
var SettingsDefaults = map[string]any{
	"two_factor_enabled": false, "allowed_auth_methods": collections.AuthMethods,
	"session_timeout_minutes": sessionDefault, "ip_whitelist": []string{},
	"keep_recordings_days": collections.RecordingsKept, "keep_transcripts_days": collections.TranscriptsKept,
	"keep_messages_days": collections.MessagesKept, "keep_events_days": collections.EventsKept,
	"keep_audit_days": collections.AuditKept,
	"legal_hold":      false,
}

// SettingsRow is the organization's settings, made when there are none.
func SettingsRow(app core.App, organization string) (*core.Record, error) {
	row, err := app.FindFirstRecordByData(collections.SecuritySettings, "organization", organization)
	if !errors.Is(err, sql.ErrNoRows) {
		return row, err
	}
	values := map[string]any{"organization": organization}
	for k, v := range SettingsDefaults {
		values[k] = v
	}
	row, err = rows.Make(app, collections.SecuritySettings, values)
	// Read again: somebody else may have been faster, and a record that was just
	// made does not know what it was.
	if again, found := app.FindFirstRecordByData(collections.SecuritySettings, "organization",
		organization); found == nil {
		return again, nil
	}
	return row, err
}

// Terms are what organizations ask of who signs in.
type Terms struct {
	remembered *remembered.Cache[string, Settings]
}

// Of returns the organization's settings, from memory. Without a row
// nothing is asked for.
func (t *Terms) Of(app core.App, organization string) Settings {
	s, err := t.remembered.GetIn(app, organization, func() (Settings, time.Duration, error) {
		row, err := app.FindFirstRecordByData(collections.SecuritySettings, "organization", organization)
		if errors.Is(err, sql.ErrNoRows) {
			return Settings{}, keep, nil
		}
		if err != nil {
			return Settings{}, 0, err
		}
		return settingsOf(row), keep, nil
	})
	if err != nil {
		// Nobody is let in on a failed read.
		app.Logger().Error("security settings could not be read", "organization", organization, "error", err)
		return Settings{Closed: true}
	}
	return s
}

func settingsOf(row *core.Record) Settings {
	s := Settings{
		TwoFactor: row.GetBool("two_factor_enabled"), Methods: texts(row, "allowed_auth_methods"),
		Session: time.Duration(row.GetInt("session_timeout_minutes")) * time.Minute,
	}
	if !slices.ContainsFunc(collections.AuthMethods, func(m string) bool { return !slices.Contains(s.Methods, m) }) {
		s.Methods = nil
	}
	for _, text := range texts(row, "ip_whitelist") {
		p, err := network.Parse(text)
		if err != nil {
			s.Closed = true
			continue
		}
		s.Networks = append(s.Networks, p)
	}
	return s
}

// texts is a JSON column that holds a list of strings.
func texts(row *core.Record, field string) []string {
	var list []string
	if raw := row.GetString(field); raw != "" && raw != "null" {
		if json.Unmarshal([]byte(raw), &list) != nil {
			return nil
		}
	}
	return list
}

// Admits tells whether the address is in one of the networks. Without networks
// every address is.
func (s Settings) Admits(address string) bool {
	if s.Closed {
		return false
	}
	if len(s.Networks) == 0 {
		return true
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(s.Networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Takes tells whether somebody who came in this way may stay. The mailed link of an
// invitation shows what a code by mail does, and comes with a password chosen then;
// the first account counts as much. The operator who acts as a person came in by none of the ways.
func (s Settings) Takes(method string) bool {
	if len(s.Methods) == 0 || method == Impersonated {
		return true
	}
	if method == Invited || method == SetUp {
		return slices.Contains(s.Methods, collections.AuthCode) || slices.Contains(s.Methods, collections.AuthPassword)
	}
	return slices.Contains(s.Methods, method)
}

// length is how long the person's sessions last: the shortest of what the
// organizations ask for, otherwise the installation's.
func (t *Terms) length(app core.App, user *core.Record) time.Duration {
	usual := user.Collection().AuthToken.DurationTime()
	chosen := time.Duration(0)
	for _, m := range tenant.MembershipsOf(app, user.Id) {
		if s := t.Of(app, m.GetString("organization")).Session; s > 0 && (chosen == 0 || s < chosen) {
			chosen = s
		}
	}
	if chosen > 0 {
		return chosen
	}
	return usual
}

// NeedsFactor tells whether the person must give a second factor: because one
// is set up, or because an organization asks for it.
func (t *Terms) NeedsFactor(app core.App, user *core.Record) bool {
	if user.GetBool("two_factor") {
		return true
	}
	return t.FactorRequired(app, user.Id) != ""
}

// FactorRequired returns an organization of the person that asks for a second
// factor, or "".
func (t *Terms) FactorRequired(app core.App, user string) string {
	for _, m := range tenant.MembershipsOf(app, user) {
		if id := m.GetString("organization"); t.Of(app, id).TwoFactor {
			return id
		}
	}
	return ""
}

// words for ways to sign in.
var words = map[string]string{
	collections.AuthPassword: "a password", collections.AuthCode: "a code by mail",
	collections.AuthOAuth: "an account elsewhere",
}

// refusedMethod is the refusal of a way to sign in, or nil.
func (t *Terms) refusedMethod(app core.App, user, method string) *refusal.Refusal {
	for _, m := range tenant.MembershipsOf(app, user) {
		id := m.GetString("organization")
		set := t.Of(app, id)
		if set.Takes(method) {
			continue
		}
		var ways []string
		for _, a := range set.Methods {
			ways = append(ways, words[a])
		}
		taken := strings.Join(ways, " or ")
		if o := tenant.OrganizationOf(app, id); o != nil {
			return refusal.Of("sign_in_not_taken", o.GetString("name"), taken)
		}
		return refusal.Of("sign_in_not_taken/unnamed", taken)
	}
	return nil
}
