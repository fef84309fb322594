package accounts

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
	"github.com/pocketline/pocketline/hooks/internal/accountmail"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/password"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// signUpOpen is the policy (POCKETLINE_SIGN_UP) under which strangers may
// begin an account.
const signUpOpen = "open"

var signUpRoute = facade.Route{
	Method: "POST", Path: "/api/auth/signup", Auth: facade.Guest, System: facade.CoreComm, Item: "S-262",
	Summary: "Begins an account, where the installation lets strangers in; signed in, it completes the caller's own. An account for somebody else cannot be made, whatever userId says.",
	Body:    `{"email", "fullName", "password" (guests), "phone"?, "userId"? (must be the caller's own)}`,
	Answer:  `{"data": {"user": {…}}, "message": "User profile created successfully"}; guests also "email_sent" and, without mail, "reason"`,
	Errors:  "400 with details · 403 by invitation only, or somebody else's userId · 409 taken (only when no mail can be sent) · 429",
}

var checkProfileRoute = facade.Route{
	Method: "GET", Path: "/api/auth/check-profile", Auth: facade.Guest, System: facade.CoreComm, Item: "S-261",
	Summary: "What the server knows of the caller.",
	Answer:  `{"authenticated": true, "user": {"id", "email", "email_confirmed_at", "user_metadata"}, "profile": {…}, "profileError": null, "hasProfile": bool, "hasCompanyId": bool}`,
	Errors:  `401 {"error": "Not authenticated", "details"}`,
}

// sayWhereAccountsBegin answers who makes an account with PocketBase's route,
// which is the operator's alone, as clients of PocketBase's do first.
func sayWhereAccountsBegin(e *core.RequestEvent) error {
	if e.Request.Pattern == "POST /api/collections/{collection}/records" && !e.HasSuperuserAuth() {
		c, err := e.App.FindCachedCollectionByNameOrId(e.Request.PathValue("collection"))
		if err == nil && c.Name == collections.Users {
			return refusal.Of("invitation_needed/sdk")
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
		Bind(dbx.Params{"email": address.Tidy(email), "now": rows.Stamp(d.Now())}).Row(&one)
	return err == nil && one == 1
}

func (d *domain) signUp(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	email, name, phone, id := address.Tidy(facade.TextOf(body, "email")), facade.TextOf(body, "fullName", "full_name"),
		facade.TextOf(body, "phone"), facade.TextOf(body, "userId", "user_id")
	if e.Auth != nil {
		return d.completeAccount(e, email, name, phone, id)
	}
	if id != "" {
		// The old system took anybody's id here (requirements G-29).
		return refusal.Of("unauthorized/complete")
	}
	if d.SignUp != signUpOpen {
		return refusal.Of("invitation_needed")
	}
	if n, err := e.App.CountRecords(collections.Users); err != nil {
		return err
	} else if n == 0 {
		return refusal.Of("setup_needed")
	}
	chosen, _ := body["password"].(string)
	reasons := wrongOfAccount(email, name, phone, chosen)
	if len(reasons) > 0 {
		return refusal.Invalid(reasons)
	}
	return d.beginAccount(e, email, name, phone, chosen)
}

// wrongOfAccount says by field what an account cannot begin with.
func wrongOfAccount(email, name, phone, chosen string) map[string]string {
	reasons := map[string]string{}
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email {
		reasons["email"] = "Must be a mail address"
	}
	if name == "" || len([]rune(name)) > 100 {
		reasons["fullName"] = "Must be 1 to 100 characters"
	}
	if len([]rune(chosen)) < collections.PasswordMin || len(chosen) > 71 {
		reasons["password"] = fmt.Sprintf("Must be at least %d characters", collections.PasswordMin)
	} else if why := password.Weak(chosen, email, name); why != "" {
		reasons["password"] = why
	}
	if why := notAPhone(phone); why != "" {
		reasons["phone"] = why
	}
	return reasons
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
			return d.Identity.Mails.Owe(tx, accountmail.Verify, user, "sign-up")
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
		"data":       map[string]any{"user": map[string]any{"email": email, "full_name": name, "phone": rows.OrNil(phone)}},
		"message":    "User profile created successfully",
		"email_sent": mailed,
	}
	switch {
	case taken && !mailed:
		return refusal.Of("account_exists")
	case taken:
		// Once a day: nobody's mailbox is filled by strangers.
		if err := d.Identity.Mails.Owe(e.App, accountmail.Taken, existing, d.Now().UTC().Format(time.DateOnly)); err != nil {
			return err
		}
	case !mailed:
		answer["reason"] = "This installation sends no mail, so the address is not confirmed. The operator can turn mail on."
	}
	return facade.JSON(e, http.StatusOK, answer)
}

// completeAccount fills the caller's own profile.
func (d *domain) completeAccount(e *core.RequestEvent, email, name, phone, id string) error {
	user, err := caller(e)
	if err != nil {
		return err
	}
	if id != "" && id != user.Id {
		return refusal.Of("forbidden/account")
	}
	if email != address.Tidy(user.Email()) {
		return refusal.Invalid(map[string]string{"email": "Must be the address of your account"})
	}
	if name == "" {
		return refusal.Invalid(map[string]string{"fullName": "Must not be empty"})
	}
	if err := saveProfile(e, user, map[string]any{"name": name, "phone": phone}); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"data": map[string]any{"user": d.profileOf(e, user)},
		"message": "User profile created successfully"})
}

func (d *domain) checkProfile(e *core.RequestEvent) error {
	if e.Auth == nil {
		return refusal.Of("unauthorized/session").With("No session")
	}
	user, err := caller(e)
	if err != nil {
		return err
	}
	profile := d.profileOf(e, user)
	var confirmed any
	if user.Verified() { // when is not stored; readers ask whether it is set
		confirmed = rows.Said(user.GetString("created"))
	}
	metadata := map[string]any{"full_name": user.GetString("name")}
	if phone := user.GetString("phone"); phone != "" {
		metadata["phone"] = phone
	}
	return facade.JSON(e, http.StatusOK, map[string]any{
		"authenticated": true,
		"user": map[string]any{"id": user.Id, "email": user.Email(), "email_confirmed_at": confirmed,
			"user_metadata": metadata},
		"profile": profile, "profileError": nil, "hasProfile": true, "hasCompanyId": profile["company_id"] != nil,
	})
}
