package accounts

import (
	"errors"
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/factors"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

var startFactorRoute = facade.Route{
	Method: "POST", Path: "/api/me/two-factor/start", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "Makes a secret for an authenticator app. Signed in, or with the ticket of a sign-in that waits for one (methods [\"setup\"])." +
		" Ten minutes after signing in the password is asked for again: a stolen session sets up nothing.",
	Body:   `{"ticket" or "mfaId"?: …, "password"?: …}`,
	Answer: `{"secret": …, "uri": "otpauth://…"}`,
	Errors: "400 the password is missing or wrong · 409 one is set up already · 429 too many wrong passwords",
}

var confirmFactorRoute = facade.Route{
	Method: "POST", Path: "/api/me/two-factor/confirm", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "Turns the second factor on. With a ticket the sign-in is finished as well.",
	Body:    `{"code": "123456", "ticket" or "mfaId"?: …}`,
	Answer:  `{"recovery_codes": [10 texts]}; with a ticket {"token", "record", "meta": {"recovery_codes"}}`,
	Errors:  "400 wrong code · 429 too many wrong codes",
}

var disableFactorRoute = facade.Route{
	Method: "POST", Path: "/api/me/two-factor/disable", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Turns the second factor off.",
	Body:    `{"code": …} or {"password": …}`,
	Answer:  "204",
	Errors:  "400 wrong code or password · 403 an organization asks for it · 429",
}

var renewRecoveryRoute = facade.Route{
	Method: "POST", Path: "/api/me/two-factor/recovery", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "New recovery codes; the old ones stop working.",
	Body:    `{"code": …}`,
	Answer:  `{"recovery_codes": [10 texts]}`,
	Errors:  "400 wrong code · 429",
}

var completeFactorRoute = facade.Route{
	Method: "POST", Path: "/api/auth/second-factor", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "Finishes a sign-in that was answered with 401 {mfaId, ticket, methods}: a code of the app, a recovery code, or one sent by mail.",
	Body:    `{"ticket" or "mfa_id" or "mfaId": …, "code": …}`,
	Answer:  `{"token": …, "record": {…}}`,
	Errors:  "400 wrong code · 401 the sign-in is over · 429",
}

var mailFactorRoute = facade.Route{
	Method: "POST", Path: "/api/auth/second-factor/mail", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "Sends a code by mail instead (methods has \"otp\").",
	Body:    `{"ticket" or "mfaId": …}`,
	Answer:  "204",
	Errors:  "401 the sign-in is over, or mail is no way · 429",
}

// enrolling is who sets up an app: the caller, or the one a ticket waits for.
func (d *domain) enrolling(e *core.RequestEvent, ticket string) (*core.Record, error) {
	if e.Auth != nil {
		return caller(e)
	}
	if ticket == "" {
		return nil, refusal.Of("unauthorized")
	}
	user, setUp, err := d.Identity.Entrance.Waiting(e.App, ticket)
	if err != nil {
		return nil, factorFailure(err)
	}
	if !setUp {
		return nil, refusal.Of("factor_exists")
	}
	return user, nil
}

func ticketOf(body map[string]any) string { return facade.TextOf(body, "ticket", "mfa_id", "mfaId") }

func (d *domain) startFactor(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	user, err := d.enrolling(e, ticketOf(body))
	if err != nil {
		return err
	}
	if e.Auth != nil {
		if err := d.freshOrPassword(e, user, facade.TextOf(body, "password")); err != nil {
			return err
		}
	}
	made, err := d.Identity.Factors.Start(e.App, user)
	if err != nil {
		return factorFailure(err)
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return facade.JSON(e, http.StatusOK, made)
}

// freshOrPassword is nil for who signed in just now or gives the password.
func (d *domain) freshOrPassword(e *core.RequestEvent, user *core.Record, password string) error {
	if password != "" {
		return d.again(e, user, password)
	}
	fresh, err := d.Identity.Sessions.Fresh(e)
	if err != nil || fresh {
		return err
	}
	return refusal.Of("password_needed").At("password", "Enter your password, or sign in again")
}

// again takes the password of who is signed in already.
func (d *domain) again(e *core.RequestEvent, user *core.Record, password string) error {
	switch err := d.Identity.Guesses.CheckPassword(e, user, password); {
	case err == nil:
		return nil
	case errors.Is(err, guesses.ErrPassword):
		return refusal.Of("wrong_password").At("password", "Wrong password")
	}
	return refusal.Of("too_many_requests/tries")
}

func (d *domain) confirmFactor(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	on := func(tx core.App, user *core.Record) error { return noted(tx, e, user, "auth.two_factor_on", nil) }
	if e.Auth == nil {
		return factorFailure(d.Identity.Entrance.CompleteSetUp(e, ticketOf(body), facade.TextOf(body, "code"), on))
	}
	user, err := caller(e)
	if err != nil {
		return err
	}
	codes, err := d.Identity.Factors.Confirm(e, user, facade.TextOf(body, "code"), func(tx core.App) error {
		if err := d.Identity.Sessions.MarkFactor(tx, identity.Session(e)); err != nil {
			return err
		}
		return on(tx, user)
	})
	if err != nil {
		return factorFailure(err)
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return facade.JSON(e, http.StatusOK, map[string]any{"recovery_codes": codes})
}

func (d *domain) disableFactor(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	user, err := caller(e)
	if err != nil {
		return err
	}
	if id := d.Identity.Terms.FactorRequired(e.App, user.Id); id != "" {
		name := "An organization you belong to"
		if o := tenant.OrganizationOf(e.App, id); o != nil {
			name = o.GetString("name")
		}
		return refusal.Of("factor_required", name)
	}
	if password, ok := body["password"].(string); ok && password != "" {
		if err := d.again(e, user, password); err != nil {
			return err
		}
	} else if err := d.Identity.Factors.Check(e, user, facade.TextOf(body, "code")); err != nil {
		return factorFailure(err)
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		if err := d.Identity.Factors.End(tx, user); err != nil {
			return err
		}
		return noted(tx, e, user, "auth.two_factor_off", nil)
	})
	if err != nil {
		return err
	}
	return e.NoContent(http.StatusNoContent)
}

func (d *domain) renewRecovery(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	user, err := caller(e)
	if err != nil {
		return err
	}
	if err := d.Identity.Factors.Check(e, user, facade.TextOf(body, "code")); err != nil {
		return factorFailure(err)
	}
	var codes []string
	err = e.App.RunInTransaction(func(tx core.App) (err error) {
		if codes, err = d.Identity.Factors.Renew(tx, user.Id); err != nil {
			return err
		}
		return noted(tx, e, user, "auth.recovery_codes", nil)
	})
	if err != nil {
		return factorFailure(err)
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return facade.JSON(e, http.StatusOK, map[string]any{"recovery_codes": codes})
}

func (d *domain) completeFactor(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	err = d.Identity.Entrance.Complete(e, ticketOf(body), facade.TextOf(body, "code"))
	if errors.Is(err, factors.ErrNone) {
		return refusal.Of("factor_needed")
	}
	return factorFailure(err)
}

func (d *domain) mailFactor(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	if err := d.Identity.Entrance.MailCode(e.App, ticketOf(body)); err != nil {
		return factorFailure(err)
	}
	return e.NoContent(http.StatusNoContent)
}
