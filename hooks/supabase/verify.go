package supabase

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/network"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// mailedMost bounds how many codes are remembered; a full memory is emptied.
const mailedMost = 10_000

// asker is an address together with the network that asked for a code to it: the
// library knows a code by its address alone, and a stranger who asks for another
// one must not make the first worth nothing.
func asker(e *core.RequestEvent, email string) string {
	return address.Tidy(email) + " from " + network.Of(e.RealIP())
}

// remember keeps which code was mailed, or seemed to be.
func (d *door) remember(e *core.RequestEvent, email string, in *facade.Inner) {
	var said struct {
		Code string `json:"otpId"`
	}
	if in.Decode(&said) != nil || said.Code == "" {
		return // a link was mailed
	}
	if !d.mailed.SetIfLessThanLimit(asker(e, email), said.Code, mailedMost) {
		d.mailed.RemoveAll()
		d.mailed.Set(asker(e, email), said.Code)
	}
}

func expired() error {
	return refusal.Of("otp_expired")
}

func (d *door) verify(e *core.RequestEvent) error {
	body, err := read(e)
	if err != nil {
		return err
	}
	token := cmp.Or(text(body, "token_hash"), text(body, "token"))
	linked := strings.Count(token, ".") == 2
	switch text(body, "type") {
	case "mfa":
		return d.secondFactor(e, text(body, "ticket"), token)
	case "recovery":
		return d.recovered(e, token)
	case "email", "magiclink", "signup":
		if linked {
			return d.confirmed(e, token)
		}
		return d.byCode(e, text(body, "email"), token)
	}
	return refusal.Of("validation_failed/type")
}

// secondFactor finishes a sign-in that was answered with mfa_required.
func (d *door) secondFactor(e *core.RequestEvent, ticket, code string) error {
	in, err := d.ask(e, "/api/auth/second-factor", map[string]any{"ticket": ticket, "code": code})
	if err != nil {
		return err
	}
	switch in.Status {
	case http.StatusBadRequest:
		return refusal.Of("mfa_verification_failed")
	case http.StatusUnauthorized:
		return refusal.Of("mfa_challenge_expired")
	case http.StatusForbidden:
		return refusal.Of("mfa_factor_not_found")
	}
	return d.entered(e, in)
}

// byCode signs in with a code by mail.
func (d *door) byCode(e *core.RequestEvent, email, code string) error {
	id := d.mailed.Get(asker(e, email))
	if id == "" {
		return expired()
	}
	in, err := d.ask(e, "/api/collections/"+collections.Users+"/auth-with-otp",
		map[string]any{"otpId": id, "password": code})
	if err != nil {
		return err
	}
	switch in.Status {
	case http.StatusBadRequest:
		return expired()
	case http.StatusForbidden:
		return d.shut(e, in, email, "otp_disabled")
	}
	return d.entered(e, in)
}

// recovered takes the token of a link for another password. What the library keeps
// as its session is that token, which chooses the password and does nothing else.
func (d *door) recovered(e *core.RequestEvent, token string) error {
	in, err := d.ask(e, "/api/auth/check-reset", map[string]any{"token": token})
	if err != nil {
		return err
	}
	if err := in.Err(); err != nil {
		return err
	}
	var said struct {
		Valid bool `json:"valid"`
	}
	if err := in.Decode(&said); err != nil {
		return err
	}
	user := ofLink(e.App, token)
	if !said.Valid || user == nil {
		return expired()
	}
	return held(e, token, token, nobodys(user.Id, user.Email(), user.GetString("name")))
}

// ofLink is whose password a token may choose, or nil.
func ofLink(app core.App, token string) *core.Record {
	user, err := app.FindAuthRecordByToken(token, core.TokenTypePasswordReset)
	if err != nil || user.Collection().Name != collections.Users {
		return nil
	}
	return user
}

// confirmed takes the token of a link that proves an address. Whoever proves it now
// chooses a password; there is no session where it was proved before.
func (d *door) confirmed(e *core.RequestEvent, token string) error {
	in, err := d.ask(e, "/api/collections/"+collections.Users+"/confirm-verification", map[string]any{"token": token})
	if err != nil {
		return err
	}
	switch in.Status {
	case http.StatusNoContent:
		return facade.JSON(e, http.StatusOK, map[string]any{"user": nil})
	case http.StatusBadRequest:
		return expired()
	}
	if err := in.Err(); err != nil {
		return err
	}
	var said struct {
		Token string `json:"reset_token"`
	}
	if err := in.Decode(&said); err != nil {
		return err
	}
	return d.recovered(e, said.Token)
}

// change is PUT /auth/v1/user.
func (d *door) change(e *core.RequestEvent) error {
	body, err := read(e)
	if err != nil {
		return err
	}
	if e.Auth == nil {
		return d.choose(e, body)
	}
	user, err := person(e)
	if err != nil {
		return err
	}
	email := address.Tidy(text(body, "email"))
	if email == address.Tidy(user.Email()) {
		email = ""
	}
	if email != "" && text(body, "password") != "" {
		// A new password ends the session, and a mail cannot be taken back when it is refused.
		return refusal.Of("validation_failed/one")
	}
	asked, err := asksOf(body)
	if err != nil {
		return err
	}
	if len(asked) > 0 {
		in, err := d.do(e, http.MethodPatch, "/api/collections/"+collections.Users+"/records/"+user.Id, asked)
		if err != nil {
			return err
		}
		if err := refusedChange(in); err != nil {
			return err
		}
	}
	if email != "" { // last: a mail cannot be taken back when something else is refused
		in, err := d.do(e, http.MethodPost, "/api/collections/"+collections.Users+"/request-email-change",
			map[string]any{"newEmail": email})
		if err != nil {
			return err
		}
		if err := in.Err(); err != nil {
			return err
		}
	}
	if user, err = e.App.FindRecordById(collections.Users, user.Id); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, d.user(e, user))
}

// asksOf is what a body would change of an account, beside its address.
func asksOf(body map[string]any) (map[string]any, error) {
	asked := map[string]any{}
	if data, ok := body["data"].(map[string]any); ok {
		if name := cmp.Or(strings.TrimSpace(text(data, "name")), strings.TrimSpace(text(data, "full_name"))); name != "" {
			asked["name"] = name
		}
		if phone, given := data["phone"]; given {
			asked["phone"] = phone
		}
	}
	if chosen := text(body, "password"); chosen != "" {
		if text(body, "current_password") == "" {
			return nil, refusal.Of("current_password_required")
		}
		asked["password"], asked["passwordConfirm"], asked["oldPassword"] = chosen, chosen, text(body, "current_password")
	}
	return asked, nil
}

// choose sets the password of whoever followed a link.
func (d *door) choose(e *core.RequestEvent, body map[string]any) error {
	token := tenant.Bearer(e.Request)
	user := ofLink(e.App, token)
	if user == nil {
		return refusal.Of("unauthorized")
	}
	chosen := text(body, "password")
	if chosen == "" || body["data"] != nil || body["email"] != nil {
		return refusal.Of("validation_failed/password")
	}
	in, err := d.ask(e, "/api/collections/"+collections.Users+"/confirm-password-reset", map[string]any{
		"token": token, "password": chosen, "passwordConfirm": chosen,
	})
	if err != nil {
		return err
	}
	if err := refusedChange(in); err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, nobodys(user.Id, user.Email(), user.GetString("name")))
}

// refusedChange is why a change of the account was refused, in the library's words,
// or nil.
func refusedChange(in *facade.Inner) error {
	said := refusal.From(in.Err())
	if in.Status != http.StatusBadRequest || said == nil {
		return in.Err()
	}
	reasons, _ := said.Details.(map[string]string)
	switch {
	case reasons["oldPassword"] != "":
		return refusal.Of("current_password_invalid").At("current_password", "Wrong password")
	case len(reasons) == 0 || reasons["token"] != "":
		return expired()
	}
	return reasoned(reasons)
}
