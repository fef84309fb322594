package orgs

import (
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"time"

	"github.com/pocketbase/dbx"
	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/password"
)

// signUpOpen is the policy (POCKETLINE_SIGN_UP) under which strangers may
// begin an account.
const signUpOpen = "open"

func (d *domain) accounts() {
	d.app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.Bind(chain.Middleware(chain.Beginning, sayWhereAccountsBegin))
		return se.Next()
	})
	d.documented("POST", "/api/auth/signup", "S-262", facade.Guest,
		"Begins an account, where the installation lets strangers in; signed in, it completes the caller's own. An account for somebody else cannot be made, whatever userId says.",
		"", `{"email", "fullName", "password" (guests), "phone"?, "userId"? (must be the caller's own)}`,
		`{"data": {"user": {…}}, "message": "User profile created successfully"}; guests also "email_sent" and, without mail, "reason"`,
		"400 with details · 403 by invitation only, or somebody else's userId · 409 taken (only when no mail can be sent) · 429", d.signUp)
	d.documented("GET", "/api/auth/check-profile", "S-261", facade.Guest, "What the server knows of the caller.", "", "",
		`{"authenticated": true, "user": {"id", "email", "email_confirmed_at", "user_metadata"}, "profile": {…}, "profileError": null, "hasProfile": bool, "hasCompanyId": bool}`,
		`401 {"error": "Not authenticated", "details"}`, d.checkProfile)
}

// sayWhereAccountsBegin answers who makes an account with PocketBase's route,
// which is the operator's alone, as clients of PocketBase's do first.
func sayWhereAccountsBegin(e *core.RequestEvent) error {
	if e.Request.Pattern == "POST /api/collections/{collection}/records" && !e.HasSuperuserAuth() {
		c, err := e.App.FindCachedCollectionByNameOrId(e.Request.PathValue("collection"))
		if err == nil && c.Name == collections.Users {
			return e.ForbiddenError("Accounts begin at POST /api/auth/signup, or with an invitation: POST /api/team-members.", nil)
		}
	}
	return e.Next()
}

// mayJoin tells whether an address may begin an account without a route of its
// own: by the policy, or because somebody invited it.
func (d *domain) mayJoin(app core.App, email string) bool {
	if d.SignUp == signUpOpen {
		return true
	}
	var one int
	err := app.DB().NewQuery(`SELECT 1 FROM invitations WHERE email = {:email} COLLATE NOCASE AND status = 'pending' AND expires_at > {:now} LIMIT 1`).
		Bind(dbx.Params{"email": address.Tidy(email), "now": stamp(d.now())}).Row(&one)
	return err == nil && one == 1
}

func (d *domain) signUp(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	email, name, phone, id := address.Tidy(textOf(body, "email")), textOf(body, "fullName", "full_name"), textOf(body, "phone"), textOf(body, "userId", "user_id")
	if e.Auth != nil {
		return d.completeAccount(e, email, name, phone, id)
	}
	if id != "" {
		// The old system took anybody's id here (requirements G-29).
		return facade.Error(http.StatusUnauthorized, "Sign in to complete an account")
	}
	if d.SignUp != signUpOpen {
		return facade.Error(http.StatusForbidden, "Accounts here begin with an invitation")
	}
	if n, err := e.App.CountRecords(collections.Users); err != nil {
		return err
	} else if n == 0 {
		return facade.Error(http.StatusForbidden, "This installation is not set up yet: open /setup")
	}
	reasons := map[string]string{}
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email {
		reasons["email"] = "Must be a mail address"
	}
	if name == "" || len([]rune(name)) > 100 {
		reasons["fullName"] = "Must be 1 to 100 characters"
	}
	chosen, _ := body["password"].(string)
	if len([]rune(chosen)) < collections.PasswordMin || len(chosen) > 71 {
		reasons["password"] = fmt.Sprintf("Must be at least %d characters", collections.PasswordMin)
	} else if why := password.Weak(chosen, email, name); why != "" {
		reasons["password"] = why
	}
	if why := notAPhone(phone); why != "" {
		reasons["phone"] = why
	}
	if len(reasons) > 0 {
		return facade.Invalid(reasons)
	}
	return d.beginAccount(e, email, name, phone, chosen)
}

// beginAccount makes the account. Where mail can be sent, an address that has
// an account gets the same answer as one that has not, and its owner a mail.
func (d *domain) beginAccount(e *core.RequestEvent, email, name, phone, password string) error {
	c, err := e.App.FindCachedCollectionByNameOrId(collections.Users)
	if err != nil {
		return err
	}
	user := core.NewRecord(c)
	user.SetEmail(email)
	user.SetPassword(password) // hashed in any case: the time shall tell nothing
	user.Load(map[string]any{"name": name, "phone": phone, "is_active": true})
	identity.Looks(e, "").Set(user)
	mailed := e.App.Settings().SMTP.Enabled
	existing, err := identity.AccountOf(e.App, collections.Users, email)
	if err != nil {
		return err
	}
	taken := existing != nil
	if !taken {
		err = e.App.RunInTransaction(func(tx core.App) error {
			if err := tx.Save(user); err != nil {
				return err
			}
			if err := noted(tx, e, user, "auth.sign_up", nil); err != nil {
				return err
			}
			return d.identity.Owe(tx, identity.MailVerify, user, "sign-up")
		})
		var problems validation.Errors
		if errors.As(err, &problems) && problems[core.FieldNameEmail] != nil {
			existing, _ = identity.AccountOf(e.App, collections.Users, email)
			taken = existing != nil // somebody was faster
		}
		if err != nil && !taken {
			return err
		}
	}
	answer := map[string]any{
		"data":       map[string]any{"user": map[string]any{"email": email, "full_name": name, "phone": nilIfEmpty(phone)}},
		"message":    "User profile created successfully",
		"email_sent": mailed,
	}
	switch {
	case taken && !mailed:
		return facade.Error(http.StatusConflict, "This address has an account already: sign in")
	case taken:
		// Once a day: nobody's mailbox is filled by strangers.
		if err := d.identity.Owe(e.App, identity.MailTaken, existing, d.now().UTC().Format(time.DateOnly)); err != nil {
			return err
		}
	case !mailed:
		answer["reason"] = "This installation sends no mail, so the address is not confirmed. The operator can turn mail on."
	}
	return e.JSON(http.StatusOK, answer)
}

// completeAccount fills the caller's own profile.
func (d *domain) completeAccount(e *core.RequestEvent, email, name, phone, id string) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	if id != "" && id != user.Id {
		return facade.Error(http.StatusForbidden, "That is somebody else's account")
	}
	if email != address.Tidy(user.Email()) {
		return facade.Invalid(map[string]string{"email": "Must be the address of your account"})
	}
	if name == "" {
		return facade.Invalid(map[string]string{"fullName": "Must not be empty"})
	}
	if err := saveProfile(e, user, map[string]any{"name": name, "phone": phone}); err != nil {
		return err
	}
	return e.JSON(http.StatusOK, map[string]any{"data": map[string]any{"user": d.profileOf(e, user)}, "message": "User profile created successfully"})
}

func (d *domain) checkProfile(e *core.RequestEvent) error {
	if e.Auth == nil {
		return facade.Error(http.StatusUnauthorized, "Not authenticated", "No session")
	}
	user, err := caller(e)
	if err != nil {
		return err
	}
	profile := d.profileOf(e, user)
	var confirmed any
	if user.Verified() {
		confirmed = said(user.GetString("updated"))
	}
	metadata := map[string]any{"full_name": user.GetString("name")}
	if phone := user.GetString("phone"); phone != "" {
		metadata["phone"] = phone
	}
	return e.JSON(http.StatusOK, map[string]any{
		"authenticated": true,
		"user":          map[string]any{"id": user.Id, "email": user.Email(), "email_confirmed_at": confirmed, "user_metadata": metadata},
		"profile":       profile, "profileError": nil, "hasProfile": true, "hasCompanyId": profile["company_id"] != nil,
	})
}

func nilIfEmpty(text string) any {
	if text == "" {
		return nil
	}
	return text
}
