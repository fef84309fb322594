// Package supabase answers /auth/v1 as the French system's client library asks
// it (@supabase/supabase-js: auth.signUp, signInWithPassword, getUser, …), so
// that its pages work by a changed address.
//
// It has no accounts and no doors of its own: every request becomes one to our
// own routes or PocketBase's, with the caller's address, and passes what stands
// before them: counters, delays, networks, second factors, the policy of who may
// sign up. A session begun here is a row of sessions like any other.
package supabase

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"
	"github.com/pocketbase/pocketbase/tools/store"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	userShape = `{"id", "email", "name", "organization_id", "role": "admin"|"user", "created_at", "last_sign_in_at", "user_metadata", …}`
	session   = `{"access_token", "token_type": "bearer", "expires_in", "expires_at", "refresh_token", "user": ` +
		userShape + `}`
	// sent are what the library adds to a body.
	sent = `"gotrue_meta_security"?: {…}, "code_challenge"?, "code_challenge_method"?`
)

type door struct {
	app    core.App
	routes *facade.Facade
	mailed *store.Store[string, string] // codes on their way, by asker (verify.go)
}

// Register binds the routes.
func Register(app core.App, routes *facade.Facade) {
	d := &door{app, routes, store.New[string, string](nil)}
	routes.Handle(signUpRoute, d.signUp)
	routes.Handle(tokenRoute, d.token)
	routes.Handle(verifyRoute, d.verify)
	routes.Handle(userRoute, d.showUser)
	routes.Handle(changeRoute, d.change)
	routes.Handle(logoutRoute, d.logout)
	routes.Handle(recoverRoute, d.mail("request-password-reset"))
	routes.Handle(otpRoute, d.mail("request-otp"))
}

var signUpRoute = facade.Route{
	Method: "POST", Path: "/auth/v1/signup", Auth: facade.Guest, System: facade.AlloKoli, Item: "S-013",
	Summary: "Begins an account, where strangers may; nobody joins an organization by naming it.",
	Body:    `{"email", "password", "data"?: {"name"?, "full_name"?, "phone"?}, ` + sent + `}`,
	Answer:  session + `; where addresses are confirmed by mail the user alone`,
	Errors:  "422 signup_disabled, user_already_exists (only where no mail can be sent), validation_failed · 429",
}

var tokenRoute = facade.Route{
	Method: "POST", Path: "/auth/v1/token", Auth: facade.Guest, System: facade.AlloKoli, Item: "S-014",
	Summary: "Signs in (grant_type=password), or gives the session another token (grant_type=refresh_token): once. " +
		"The same token within 10 seconds gets the same answer, later it ends the session.",
	Body:   `{"email", "password", "refresh_token", ` + sent + `}`,
	Answer: session,
	Errors: "400 invalid_credentials, mfa_required with ticket and methods, refresh_token_not_found · " +
		"403 user_banned · 422 email_provider_disabled · 429",
}

var verifyRoute = facade.Route{
	Method: "POST", Path: "/auth/v1/verify", Auth: facade.Guest, System: facade.AlloKoli,
	Summary: "Finishes what a mail or a second factor is for: a code by mail (email with token) begins a session; " +
		"the token of a mailed link (token_hash) begins one that can only choose a password; " +
		"type mfa with the ticket of mfa_required and a code in token finishes that sign-in.",
	Body:   `{"type": "email"|"magiclink"|"signup"|"recovery"|"mfa", "email"?, "token"?, "token_hash"?, "ticket"?, ` + sent + `}`,
	Answer: session,
	Errors: "400 mfa_required · 403 otp_expired, user_banned · " +
		"422 mfa_verification_failed, mfa_challenge_expired, otp_disabled · 429",
}

var userRoute = facade.Route{
	Method: "GET", Path: "/auth/v1/user", Auth: facade.SignedIn, System: facade.AlloKoli, Item: "S-015",
	Summary: "The caller.",
	Answer:  userShape,
}

var changeRoute = facade.Route{
	Method: "PUT", Path: "/auth/v1/user", Auth: facade.Guest, System: facade.AlloKoli,
	Summary: "Changes the caller's name, phone and password; after another password every session is over. " +
		"With the session a mailed link began, password alone.",
	Body: `{"password"?, "current_password"?, "data"?: {"name"?, "full_name"?, "phone"?}, ` +
		`"email"? (a mail asks to confirm it), "nonce"?, ` + sent + `}`,
	Answer: userShape,
	Errors: "400 current_password_required, current_password_invalid · 403 otp_expired · " +
		"422 weak_password, validation_failed · 429",
}

var logoutRoute = facade.Route{
	Method: "POST", Path: "/auth/v1/logout", Auth: facade.SignedIn, System: facade.AlloKoli,
	Summary: "Ends the session (scope=local), the others (others), or all (global, as when nothing is said).",
	Answer:  "204",
}

var recoverRoute = facade.Route{
	Method: "POST", Path: "/auth/v1/recover", Auth: facade.Guest, System: facade.AlloKoli,
	Summary: "Mails a link for another password; the answer does not tell whether there is an account.",
	Body:    `{"email", ` + sent + `}`,
	Answer:  "{}",
	Errors:  "422 otp_disabled without mail · 429",
}

var otpRoute = facade.Route{
	Method: "POST", Path: "/auth/v1/otp", Auth: facade.Guest, System: facade.AlloKoli,
	Summary: "Mails a code to sign in with; the answer does not tell whether there is an account.",
	Body:    `{"email", "create_user"?, "data"?: {…}, ` + sent + `}`,
	Answer:  "{}",
	Errors:  "422 otp_disabled without mail · 429",
}

func (d *door) showUser(e *core.RequestEvent) error {
	user, err := person(e)
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, d.user(e, user))
}

// ask puts a question to a route as a guest.
func (d *door) ask(e *core.RequestEvent, path string, body any) (*facade.Inner, error) {
	e.Auth = nil
	return d.do(e, http.MethodPost, path, body)
}

// do puts a question to a route as the caller.
func (d *door) do(e *core.RequestEvent, method, path string, body any) (*facade.Inner, error) {
	in, err := d.routes.Do(e, method, path, nil, body)
	if err == nil && in.Header.Get("Retry-After") != "" {
		e.Response.Header().Set("Retry-After", in.Header.Get("Retry-After"))
	}
	return in, err
}

// texts are the fields of a body and of its data that may be left away.
var texts = []string{"email", "password", "current_password", "name", "full_name", "phone"}

// read is the body. What is no text must not be taken for what was not sent.
func read(e *core.RequestEvent) (map[string]any, error) {
	body, err := facade.Body(e)
	if err != nil {
		return nil, err
	}
	data, object := body["data"].(map[string]any)
	if body["data"] != nil && !object {
		return nil, refusedField("data", "Must be an object")
	}
	for _, name := range texts {
		if !textOrNone(body[name]) {
			return nil, refusedField(name, "Must be a text")
		}
		if !textOrNone(data[name]) {
			return nil, refusedField("data."+name, "Must be a text")
		}
	}
	return body, nil
}

func textOrNone(value any) bool {
	_, text := value.(string)
	return text || value == nil
}

func refusedField(name, why string) error {
	return refusal.Saying("validation_failed", why).At(name, why)
}

func text(body map[string]any, name string) string {
	s, _ := body[name].(string)
	return s
}

func (d *door) signUp(e *core.RequestEvent) error {
	body, err := read(e)
	if err != nil {
		return err
	}
	data, _ := body["data"].(map[string]any)
	local, _, _ := strings.Cut(text(body, "email"), "@")
	name := cmp.Or(strings.TrimSpace(text(data, "name")), strings.TrimSpace(text(data, "full_name")), local)
	asked := map[string]any{"email": body["email"], "password": body["password"], "fullName": name}
	if phone := text(data, "phone"); phone != "" {
		asked["phone"] = phone
	}
	in, err := d.ask(e, "/api/auth/signup", asked)
	if err != nil {
		return err
	}
	switch err := in.Err(); {
	case in.Status == http.StatusForbidden:
		return refusal.Of("signup_disabled")
	case in.Status == http.StatusConflict:
		return refusal.Of("user_already_exists")
	case in.Status == http.StatusBadRequest:
		return refusedFields(in)
	case err != nil:
		return err
	}
	var begun struct {
		Mailed bool `json:"email_sent"`
	}
	if err := in.Decode(&begun); err != nil {
		return err
	}
	if begun.Mailed {
		// Alike for an address that has an account, whose owner has a mail now.
		return facade.JSON(e, http.StatusOK, nobodys(core.GenerateDefaultRandomId(), address.Tidy(text(body, "email")), name))
	}
	return d.signIn(e, body)
}

// nobodys is an account as those see it who may not know whether it is one, or have
// not signed in to it.
func nobodys(id, email, name string) map[string]any {
	return map[string]any{
		"id": id, "aud": "authenticated", "email": email, "name": name,
		"organization_id": nil, "role": "user", "user_metadata": map[string]any{"name": name},
		"app_metadata": map[string]any{},
		"identities":   []any{}, "confirmation_sent_at": nil, "created_at": nil, "last_sign_in_at": nil,
	}
}

// refusedFields are the reasons of a body with wrong fields, the password's with
// a word of its own.
func refusedFields(in *facade.Inner) error {
	var said struct {
		Details map[string]string `json:"details"`
	}
	if err := in.Decode(&said); err != nil {
		return err
	}
	return reasoned(said.Details)
}

func reasoned(reasons map[string]string) error {
	refused := refusal.Of("validation_failed")
	for _, field := range []string{"email", "password", "fullName", "name", "phone"} {
		if why := reasons[field]; why != "" {
			refused = refusal.Saying("validation_failed", why)
			if field == "password" {
				refused = refusal.Saying("weak_password", why)
			}
			break
		}
	}
	return refused.With(reasons)
}

func (d *door) token(e *core.RequestEvent) error {
	body, err := read(e)
	if err != nil {
		return err
	}
	switch e.Request.URL.Query().Get("grant_type") {
	case "password":
		return d.signIn(e, body)
	case "refresh_token":
		user, token, err := identity.Of(e.App).Sessions.Refresh(e, text(body, "refresh_token"))
		if errors.Is(err, identity.ErrRefresh) {
			return refusal.Of("refresh_token_not_found")
		}
		if err != nil {
			return err
		}
		return d.begun(e, user, token)
	}
	return refusal.Of("unsupported_grant_type")
}

func (d *door) signIn(e *core.RequestEvent, body map[string]any) error {
	in, err := d.ask(e, "/api/collections/"+collections.Users+"/auth-with-password", map[string]any{
		"identity": text(body, "email"), "password": text(body, "password"),
	})
	if err != nil {
		return err
	}
	switch in.Status {
	case http.StatusBadRequest:
		return refusal.Of("invalid_credentials")
	case http.StatusForbidden:
		return d.shut(e, in, text(body, "email"), "email_provider_disabled")
	}
	return d.entered(e, in)
}

// shut is the refusal of somebody who proved who they are: the account is closed, or
// their organization takes another way to sign in.
func (d *door) shut(e *core.RequestEvent, in *facade.Inner, email, word string) error {
	user, err := identity.AccountOf(e.App, collections.Users, email)
	if err != nil {
		return err
	}
	if user == nil || !user.GetBool("is_active") || user.GetBool("is_service") {
		return refusal.Of("user_banned")
	}
	said := refusal.From(in.Err())
	if said == nil {
		return in.Err()
	}
	return refusal.Saying(word, said.Text)
}

// entered answers what a route said that signs in.
func (d *door) entered(e *core.RequestEvent, in *facade.Inner) error {
	var said struct {
		Token   string   `json:"token"`
		Ticket  string   `json:"ticket"`
		Methods []string `json:"methods"`
		Record  struct {
			ID string `json:"id"`
		} `json:"record"`
	}
	if err := in.Decode(&said); err != nil {
		return err
	}
	if in.Status == http.StatusUnauthorized && said.Ticket != "" {
		return refusal.Of("mfa_required").Beside("ticket", said.Ticket).Beside("methods", said.Methods)
	}
	if err := in.Err(); err != nil {
		return err
	}
	user, err := e.App.FindRecordById(collections.Users, said.Record.ID)
	if err != nil {
		return err
	}
	return d.begun(e, user, said.Token)
}

// begun answers with a session.
func (d *door) begun(e *core.RequestEvent, user *core.Record, token string) error {
	refresh, err := identity.RefreshToken(user, token)
	if err != nil {
		return err
	}
	return held(e, token, refresh, d.user(e, user))
}

// held answers with what the library keeps as its session.
func held(e *core.RequestEvent, token, refresh string, user map[string]any) error {
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return err
	}
	ends, err := claims.GetExpirationTime()
	if err != nil || ends == nil {
		return errors.New("a token without an end")
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return facade.JSON(e, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "bearer", "refresh_token": refresh, "user": user,
		"expires_at": ends.Unix(), "expires_in": max(ends.Unix()-identity.Of(e.App).Now().Unix(), 0),
	})
}

func person(e *core.RequestEvent) (*core.Record, error) {
	if e.Auth.Collection().Name != collections.Users {
		return nil, refusal.Of("forbidden/person")
	}
	return e.App.FindRecordById(collections.Users, e.Auth.Id)
}

// user is a person as the reference shows them, and as the library reads them.
func (d *door) user(e *core.RequestEvent, user *core.Record) map[string]any {
	var organization any
	role := "user"
	if m := home(e, user); m != nil {
		organization = m.GetString("organization")
		if r := m.GetString("role"); r == collections.Owner || r == collections.Admin {
			role = "admin"
		}
	}
	var confirmed any
	if user.Verified() { // when is not stored; readers ask whether it is set
		confirmed = rows.Said(user.GetString("created"))
	}
	var last string
	err := d.app.ConcurrentDB().NewQuery("SELECT coalesce(max(created), '') FROM sessions WHERE user = {:user}").
		Bind(map[string]any{"user": user.Id}).Row(&last)
	if err != nil {
		d.app.Logger().Warn("last sign-in not read", "user", user.Id, "error", err)
	}
	return map[string]any{
		"id": user.Id, "aud": "authenticated", "email": user.Email(), "name": user.GetString("name"),
		"phone":           user.GetString("phone"),
		"organization_id": organization, "role": role, "created_at": rows.Said(user.GetString("created")),
		"updated_at": rows.Said(user.GetString("updated")), "last_sign_in_at": rows.Said(last),
		"email_confirmed_at": confirmed,
		"user_metadata":      map[string]any{"name": user.GetString("name"), "organization_id": organization},
		"app_metadata":       map[string]any{"provider": "email", "providers": []string{"email"}}, "identities": []any{},
	}
}

// home is the person's membership in the organization they last chose, else in
// the default one, else in the oldest, of those that do not turn the request away.
func home(e *core.RequestEvent, user *core.Record) (found *core.Record) {
	for _, m := range tenant.MembershipsOf(e.App, user.Id) {
		switch {
		case tenant.Admit(e, m.GetString("organization")) != nil:
		case m.GetString("organization") == user.GetString("last_organization"):
			return m
		case found == nil, m.GetBool("is_default") && !found.GetBool("is_default"):
			found = m
		}
	}
	return found
}

// logout ends sessions by the routes of the account's own page.
func (d *door) logout(e *core.RequestEvent) error {
	method, path := http.MethodPost, "/api/me/sessions/end-all"
	switch scope := e.Request.URL.Query().Get("scope"); scope {
	case "", "global":
	case "local":
		method, path = http.MethodDelete, "/api/me/sessions/current"
	case "others":
		path = "/api/me/sessions/end-others"
	default:
		return refusal.Of("validation_failed/scope")
	}
	in, err := d.routes.Do(e, method, path, nil, nil)
	if err != nil {
		return err
	}
	if err := in.Err(); err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}

// mail asks one of PocketBase's routes to send something.
func (d *door) mail(what string) func(e *core.RequestEvent) error {
	return func(e *core.RequestEvent) error {
		body, err := read(e)
		if err != nil {
			return err
		}
		noMail := refusal.Of("otp_disabled")
		if !e.App.Settings().SMTP.Enabled {
			return noMail
		}
		in, err := d.ask(e, "/api/collections/"+collections.Users+"/"+what, map[string]any{"email": text(body, "email")})
		if err != nil {
			return err
		}
		if in.Status == http.StatusForbidden {
			return noMail
		}
		if err := in.Err(); err != nil {
			return err
		}
		d.remember(e, text(body, "email"), in)
		return facade.JSON(e, http.StatusOK, map[string]any{})
	}
}
