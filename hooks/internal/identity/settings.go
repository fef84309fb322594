package identity

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/network"
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

// SettingsOf returns the organization's settings, from memory. Without a row
// nothing is asked for.
func (i *Identity) SettingsOf(app core.App, organization string) Settings {
	s, err := recall(i, app, func() map[string]known[Settings] { return i.settings }, organization, func() (Settings, error) {
		row, err := app.FindFirstRecordByData(collections.SecuritySettings, "organization", organization)
		if errors.Is(err, sql.ErrNoRows) {
			return Settings{}, nil
		}
		if err != nil {
			return Settings{}, err
		}
		return settingsOf(row), nil
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

// session is how long the person's sessions last: the shortest of what the
// organizations ask for, otherwise the installation's.
func (i *Identity) session(app core.App, user *core.Record) time.Duration {
	length := user.Collection().AuthToken.DurationTime()
	chosen := time.Duration(0)
	for _, m := range tenant.MembershipsOf(app, user.Id) {
		if s := i.SettingsOf(app, m.GetString("organization")).Session; s > 0 && (chosen == 0 || s < chosen) {
			chosen = s
		}
	}
	if chosen > 0 {
		return chosen
	}
	return length
}

// NeedsFactor tells whether the person must give a second factor: because one
// is set up, or because an organization asks for it.
func (i *Identity) NeedsFactor(app core.App, user *core.Record) bool {
	if user.GetBool("two_factor") {
		return true
	}
	return i.FactorRequired(app, user.Id) != ""
}

// FactorRequired returns an organization of the person that asks for a second
// factor, or "".
func (i *Identity) FactorRequired(app core.App, user string) string {
	for _, m := range tenant.MembershipsOf(app, user) {
		if id := m.GetString("organization"); i.SettingsOf(app, id).TwoFactor {
			return id
		}
	}
	return ""
}

// words for ways to sign in.
var words = map[string]string{
	collections.AuthPassword: "a password", collections.AuthCode: "a code by mail", collections.AuthOAuth: "an account elsewhere",
}

// refusedMethod is the sentence with which a way to sign in is refused, or "".
func (i *Identity) refusedMethod(app core.App, user, method string) string {
	for _, m := range tenant.MembershipsOf(app, user) {
		id := m.GetString("organization")
		set := i.SettingsOf(app, id)
		if set.Takes(method) {
			continue
		}
		var ways []string
		for _, a := range set.Methods {
			ways = append(ways, words[a])
		}
		name := "An organization you belong to"
		if o := tenant.OrganizationOf(app, id); o != nil {
			name = o.GetString("name")
		}
		return name + " lets people sign in with " + strings.Join(ways, " or ") + " only."
	}
	return ""
}

// afterSettings makes new settings hold for what is open already: sessions get
// the shorter length, streams from addresses that are out end.
func (i *Identity) afterSettings(e *core.RecordEvent) error {
	organization := e.Record.GetString("organization")
	s := settingsOf(e.Record)
	if s.Session > 0 {
		if err := i.shorten(e.App, organization, s.Session); err != nil {
			// The settings are stored; sessions keep their time until refreshed.
			e.App.Logger().Error("sessions not shortened", "organization", organization, "error", err)
		}
	}
	for _, client := range e.App.SubscriptionsBroker().Clients() {
		caller, _ := client.Get(streamAuth).(*core.Record)
		if person(caller) && tenant.MembershipOf(e.App, caller.Id, organization) != nil && i.closed(e.App, caller, organization) != "" {
			i.Drop(caller.Id, organization)
		}
	}
	return e.Next()
}

func (i *Identity) shorten(app core.App, organization string, length time.Duration) error {
	latest := stamp(i.Now().Add(length))
	_, err := app.NonconcurrentDB().NewQuery(`UPDATE sessions SET expires_at = {:latest} WHERE expires_at > {:latest} AND ended_at = ''
		AND user IN (SELECT user FROM memberships WHERE organization = {:organization} AND status = 'active')`).
		Bind(dbx.Params{"latest": latest, "organization": organization}).Execute()
	i.forgetPlaces()
	return err
}
