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
	"maps"
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

const (
	userShape = `{"id", "email", "name", "organization_id", "role": "admin"|"user", "created_at", "last_sign_in_at", "user_metadata", …}`
	session   = `{"access_token", "token_type": "bearer", "expires_in", "expires_at", "refresh_token", "user": ` + userShape + `}`
	// sent are what the library adds to a body.
	sent = `"gotrue_meta_security"?: {…}, "code_challenge"?, "code_challenge_method"?`
)

type door struct {
	app    core.App
	routes *facade.Facade
}

// Register binds the routes.
func Register(app core.App, routes *facade.Facade) {
	d := &door{app, routes}
	add := func(method, path, item string, auth facade.Auth, summary, body, answer, failures string, h func(*core.RequestEvent) error) {
		routes.Handle(facade.Route{
			Method: method, Path: "/auth/v1/" + path, Auth: auth, System: facade.AlloKoli, Item: item, Summary: summary,
			Body: body, Answer: answer, Errors: failures,
		}, func(e *core.RequestEvent) error { return worded(h(e)) })
	}
	add("POST", "signup", "S-013", facade.Guest, "Begins an account, where strangers may; nobody joins an organization by naming it.",
		`{"email", "password", "data"?: {"name"?, "full_name"?, "phone"?}, `+sent+`}`, session+`; where addresses are confirmed by mail the user alone`,
		"422 signup_disabled, user_already_exists (only where no mail can be sent), validation_failed · 429", d.signUp)
	add("POST", "token", "S-014", facade.Guest, "Signs in (grant_type=password), or gives the session another token (grant_type=refresh_token): once, a second try ends it.",
		`{"email", "password", "refresh_token", `+sent+`}`, session, "400 invalid_credentials, mfa_required, refresh_token_not_found · 429", d.token)
	add("GET", "user", "S-015", facade.SignedIn, "The caller.", "", userShape, "", func(e *core.RequestEvent) error {
		user, err := person(e)
		if err != nil {
			return err
		}
		return e.JSON(http.StatusOK, d.user(user))
	})
	add("POST", "logout", "", facade.SignedIn, "Ends the session (scope=local), the others (others), or all (global, as when nothing is said).", "", "204", "", d.logout)
	add("POST", "recover", "", facade.Guest, "Mails a link for another password; the answer does not tell whether there is an account.",
		`{"email", `+sent+`}`, "{}", "429", d.mail("request-password-reset"))
	add("POST", "otp", "", facade.Guest, "Mails a code to sign in with; the answer does not tell whether there is an account.",
		`{"email", "create_user"?, "data"?: {…}, `+sent+`}`, "{}", "422 otp_disabled without mail · 429", d.mail("request-otp"))
}

// refused is an error in the words the library looks for.
func refused(status int, word, sentence string, more ...map[string]any) error {
	extra := map[string]any{"error_code": word, "code": word, "msg": sentence}
	for _, m := range more {
		maps.Copy(extra, m)
	}
	return &facade.Failure{Status: status, Text: sentence, Extra: extra}
}

// worded gives errors of the routes behind this one the library's words.
func worded(err error) error {
	var failure *facade.Failure
	if err == nil || !errors.As(err, &failure) || failure.Extra["error_code"] != nil {
		return err
	}
	word := map[int]string{
		http.StatusUnauthorized: "no_authorization", http.StatusTooManyRequests: "over_request_rate_limit", http.StatusBadRequest: "validation_failed",
	}[failure.Status]
	if word == "" {
		word = "unexpected_failure"
	}
	text := failure.Text
	if text == "" {
		text = http.StatusText(failure.Status)
	}
	copied := *failure
	copied.Extra = map[string]any{"error_code": word, "msg": text}
	return &copied
}

// ask puts a question to a route as a guest.
func (d *door) ask(e *core.RequestEvent, path string, body any) (*facade.Inner, error) {
	e.Auth = nil
	in, err := d.routes.Do(e, http.MethodPost, path, nil, body)
	if err == nil && in.Header.Get("Retry-After") != "" {
		e.Response.Header().Set("Retry-After", in.Header.Get("Retry-After"))
	}
	return in, err
}

func text(body map[string]any, name string) string {
	s, _ := body[name].(string)
	return s
}

func (d *door) signUp(e *core.RequestEvent) error {
	body, err := facade.Body(e)
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
		return refused(http.StatusUnprocessableEntity, "signup_disabled", "Accounts here begin with an invitation")
	case in.Status == http.StatusConflict:
		return refused(http.StatusUnprocessableEntity, "user_already_exists", "This address has an account already: sign in")
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
		return e.JSON(http.StatusOK, map[string]any{
			"id": core.GenerateDefaultRandomId(), "aud": "authenticated", "email": address.Tidy(text(body, "email")), "name": name,
			"organization_id": nil, "role": "user", "user_metadata": map[string]any{"name": name}, "app_metadata": map[string]any{},
			"identities": []any{}, "confirmation_sent_at": nil, "created_at": nil, "last_sign_in_at": nil,
		})
	}
	return d.signIn(e, body)
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
	word, sentence := "validation_failed", "Invalid request data"
	for _, field := range []string{"email", "password", "fullName", "phone"} {
		if why := said.Details[field]; why != "" {
			sentence = why
			if field == "password" {
				word = "weak_password"
			}
			break
		}
	}
	return refused(http.StatusUnprocessableEntity, word, sentence, map[string]any{"details": said.Details})
}

func (d *door) token(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	switch e.Request.URL.Query().Get("grant_type") {
	case "password":
		return d.signIn(e, body)
	case "refresh_token":
		user, token, err := identity.Of(e.App).Refresh(e, text(body, "refresh_token"))
		if errors.Is(err, identity.ErrRefresh) {
			return refused(http.StatusBadRequest, "refresh_token_not_found", "Invalid Refresh Token: sign in again")
		}
		if err != nil {
			return err
		}
		return d.begun(e, user, token)
	}
	return refused(http.StatusBadRequest, "unsupported_grant_type", "grant_type is password or refresh_token")
}

func (d *door) signIn(e *core.RequestEvent, body map[string]any) error {
	in, err := d.ask(e, "/api/collections/"+collections.Users+"/auth-with-password", map[string]any{
		"identity": text(body, "email"), "password": text(body, "password"),
	})
	if err != nil {
		return err
	}
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
	switch {
	case in.Status == http.StatusUnauthorized && said.Ticket != "":
		return refused(http.StatusBadRequest, "mfa_required", "This account asks for a second factor: finish at POST /api/auth/second-factor",
			map[string]any{"ticket": said.Ticket, "methods": said.Methods})
	case in.Status == http.StatusBadRequest:
		return refused(http.StatusBadRequest, "invalid_credentials", "Invalid login credentials")
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
	claims, err := security.ParseUnverifiedJWT(token)
	if err != nil {
		return err
	}
	ends, err := claims.GetExpirationTime()
	if err != nil || ends == nil {
		return errors.New("a token without an end")
	}
	refresh, err := identity.RefreshToken(user, token)
	if err != nil {
		return err
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, map[string]any{
		"access_token": token, "token_type": "bearer", "refresh_token": refresh, "user": d.user(user),
		"expires_at": ends.Unix(), "expires_in": max(ends.Unix()-identity.Of(e.App).Now().Unix(), 0),
	})
}

func person(e *core.RequestEvent) (*core.Record, error) {
	if e.Auth.Collection().Name != collections.Users {
		return nil, facade.Error(http.StatusForbidden, "This is about a person's account; the operator has none")
	}
	return e.App.FindRecordById(collections.Users, e.Auth.Id)
}

// user is a person as the reference shows them, and as the library reads them.
func (d *door) user(user *core.Record) map[string]any {
	var organization any
	role := "user"
	if m := home(d.app, user); m != nil {
		organization = m.GetString("organization")
		if r := m.GetString("role"); r == collections.Owner || r == collections.Admin {
			role = "admin"
		}
	}
	var confirmed any
	if user.Verified() {
		confirmed = facade.Time(user.GetString("updated"))
	}
	var last string
	err := d.app.ConcurrentDB().NewQuery("SELECT coalesce(max(created), '') FROM sessions WHERE user = {:user}").
		Bind(map[string]any{"user": user.Id}).Row(&last)
	if err != nil {
		d.app.Logger().Warn("last sign-in not read", "user", user.Id, "error", err)
	}
	return map[string]any{
		"id": user.Id, "aud": "authenticated", "email": user.Email(), "name": user.GetString("name"), "phone": user.GetString("phone"),
		"organization_id": organization, "role": role, "created_at": facade.Time(user.GetString("created")),
		"updated_at": facade.Time(user.GetString("updated")), "last_sign_in_at": facade.Time(last), "email_confirmed_at": confirmed,
		"user_metadata": map[string]any{"name": user.GetString("name"), "organization_id": organization},
		"app_metadata":  map[string]any{"provider": "email", "providers": []string{"email"}}, "identities": []any{},
	}
}

// home is the person's membership in the organization they last chose, else in
// the default one, else in the oldest.
func home(app core.App, user *core.Record) (found *core.Record) {
	for _, m := range tenant.MembershipsOf(app, user.Id) {
		switch {
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
		return refused(http.StatusBadRequest, "validation_failed", "scope is global, local or others")
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
		body, err := facade.Body(e)
		if err != nil {
			return err
		}
		in, err := d.ask(e, "/api/collections/"+collections.Users+"/"+what, map[string]any{"email": text(body, "email")})
		if err != nil {
			return err
		}
		if in.Status == http.StatusForbidden {
			return refused(http.StatusUnprocessableEntity, "otp_disabled", "This installation sends no mail")
		}
		if err := in.Err(); err != nil {
			return err
		}
		return e.JSON(http.StatusOK, map[string]any{})
	}
}
