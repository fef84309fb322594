package collections

import "github.com/pocketbase/pocketbase/core"

// Users are the people who sign in. What they may do stands in memberships.
const Users = "users"

// Languages of the dashboard.
var Languages = []string{"en", "fr"}

// Themes of the dashboard.
var Themes = []string{"auto", "light", "dark"}

// PasswordMin is the shortest password accepted (security.md S15).
const PasswordMin = 12

func users() *core.Collection {
	c := core.NewAuthCollection(Users, idOf(Users))
	c.Fields.Add(
		text("name", nameMax),
		image("avatar"),
		text("phone", 40),
		choice("language", Languages...),
		choice("theme", Themes...),
		object("preferences", SmallJSON),
		boolean("is_active"),
		boolean("onboarding_completed"),
		relation("last_organization", Organizations),
		hidden(object("metadata", SmallJSON)),
		object("notifications", SmallJSON),
		boolean("two_factor"), // an authenticator app is set up
		boolean("is_service"), // an API key's account: nobody signs in as it
		&core.AutodateField{Name: "created", OnCreate: true},
		&core.AutodateField{Name: "updated", OnCreate: true, OnUpdate: true},
	)
	if f, ok := c.Fields.GetByName("password").(*core.PasswordField); ok {
		f.Min = PasswordMin
	}
	index(c, "last_organization")
	// One account an address, whatever case it is written in.
	c.AddIndex("idx_email_"+c.Id, true, "email COLLATE NOCASE", "email != ''")
	// No sign-up by REST: accounts begin at /setup or with an invitation. What
	// a person may change about the account is what the profile shows.
	access(c, Self, Self, "",
		Self+` && @request.body.is_active:changed = false && @request.body.last_organization:changed = false`+
			` && @request.body.two_factor:changed = false && @request.body.is_service:changed = false && @request.body.onboarding_completed:changed = false`, "")
	c.AuthRule = rule("is_active = true && is_service = false")
	c.AuthAlert.Enabled = false
	c.PasswordAuth.Enabled = true
	c.PasswordAuth.IdentityFields = []string{"email"}
	c.AuthToken.Duration = 12 * 60 * 60
	c.OAuth2.MappedFields.Name = "name"
	c.OAuth2.MappedFields.AvatarURL = "avatar"
	return c
}

var _ = declare(Users, users, Traits{
	Personal: []string{"email", "name", "avatar", "phone", "metadata"},
	Plain:    []string{"tokenKey", "preferences", "notifications"},
	Logged:   true,
})
