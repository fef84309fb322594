package orgs

import (
	"errors"
	"net/http"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

func (d *domain) secondFactor() {
	d.handle("POST", "/api/me/two-factor/start", facade.Guest,
		"Makes a secret for an authenticator app. Signed in, or with the ticket of a sign-in that waits for one (methods [\"setup\"])."+
			" Ten minutes after signing in the password is asked for again: a stolen session sets up nothing.",
		`{"ticket"?: …, "password"?: …}`, `{"secret": …, "uri": "otpauth://…"}`,
		"400 the password is missing or wrong · 409 one is set up already · 429 too many wrong passwords", d.startFactor)
	d.handle("POST", "/api/me/two-factor/confirm", facade.Guest,
		"Turns the second factor on. With a ticket the sign-in is finished as well.",
		`{"code": "123456", "ticket"?: …}`, `{"recovery_codes": [10 texts]}; with a ticket {"token", "record", "meta": {"recovery_codes"}}`,
		"400 wrong code · 429 too many wrong codes", d.confirmFactor)
	d.handle("POST", "/api/me/two-factor/disable", facade.SignedIn, "Turns the second factor off.",
		`{"code": …} or {"password": …}`, "204", "400 wrong code or password · 403 an organization asks for it · 429", d.disableFactor)
	d.handle("POST", "/api/me/two-factor/recovery", facade.SignedIn, "New recovery codes; the old ones stop working.",
		`{"code": …}`, `{"recovery_codes": [10 texts]}`, "400 wrong code · 429", d.renewRecovery)
	d.handle("POST", "/api/auth/second-factor", facade.Guest,
		"Finishes a sign-in that was answered with 401 {mfaId, ticket, methods}: a code of the app, a recovery code, or one sent by mail.",
		`{"ticket" or "mfa_id": …, "code": …}`, `{"token": …, "record": {…}}`, "400 wrong code · 401 the sign-in is over · 429", d.completeFactor)
	d.handle("POST", "/api/auth/second-factor/mail", facade.Guest, "Sends a code by mail instead (methods has \"otp\").",
		`{"ticket": …}`, "204", "401 the sign-in is over, or mail is no way · 429", d.mailFactor)
}

// enrolling is who sets up an app: the caller, or the one a ticket waits for.
func (d *domain) enrolling(e *core.RequestEvent, ticket string) (*core.Record, error) {
	if e.Auth != nil {
		return caller(e)
	}
	if ticket == "" {
		return nil, facade.Error(http.StatusUnauthorized, "")
	}
	user, setUp, err := d.identity.Waiting(e.App, ticket)
	if err != nil {
		return nil, factorFailure(err)
	}
	if !setUp {
		return nil, facade.Error(http.StatusConflict, "An authenticator app is set up already")
	}
	return user, nil
}

func ticketOf(body map[string]any) string { return textOf(body, "ticket", "mfa_id", "mfaId") }

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
		if err := d.freshOrPassword(e, user, textOf(body, "password")); err != nil {
			return err
		}
	}
	made, err := d.identity.StartFactor(e.App, user)
	if err != nil {
		return factorFailure(err)
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, made)
}

// freshOrPassword is nil for who signed in just now or gives the password.
func (d *domain) freshOrPassword(e *core.RequestEvent, user *core.Record, password string) error {
	if password != "" {
		return d.again(e, user, password)
	}
	fresh, err := d.identity.Fresh(e)
	if err != nil || fresh {
		return err
	}
	return facade.Error(http.StatusBadRequest, "Enter your password, or sign in again",
		map[string]string{"password": "Enter your password, or sign in again"})
}

// again takes the password of who is signed in already.
func (d *domain) again(e *core.RequestEvent, user *core.Record, password string) error {
	switch err := d.identity.CheckPassword(e, user, password); {
	case err == nil:
		return nil
	case errors.Is(err, identity.ErrPassword):
		return facade.Error(http.StatusBadRequest, "The password is wrong", map[string]string{"password": "Wrong password"})
	}
	return facade.Error(http.StatusTooManyRequests, "Too many tries; wait a little and try again.")
}

func (d *domain) confirmFactor(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	on := func(tx core.App, user *core.Record) error { return noted(tx, e, user, "auth.two_factor_on", nil) }
	if e.Auth == nil {
		return factorFailure(d.identity.CompleteSetUp(e, ticketOf(body), textOf(body, "code"), on))
	}
	user, err := caller(e)
	if err != nil {
		return err
	}
	codes, err := d.identity.ConfirmFactor(e, user, textOf(body, "code"), func(tx core.App) error {
		if err := d.identity.MarkFactor(tx, identity.Session(e)); err != nil {
			return err
		}
		return on(tx, user)
	})
	if err != nil {
		return factorFailure(err)
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, map[string]any{"recovery_codes": codes})
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
	if id := d.identity.FactorRequired(e.App, user.Id); id != "" {
		name := "An organization you belong to"
		if o := tenant.OrganizationOf(e.App, id); o != nil {
			name = o.GetString("name")
		}
		return facade.Error(http.StatusForbidden, name+" asks its members for a second factor")
	}
	if password, ok := body["password"].(string); ok && password != "" {
		if err := d.again(e, user, password); err != nil {
			return err
		}
	} else if err := d.identity.CheckFactor(e, user, textOf(body, "code")); err != nil {
		return factorFailure(err)
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		if err := d.identity.EndFactor(tx, user); err != nil {
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
	if err := d.identity.CheckFactor(e, user, textOf(body, "code")); err != nil {
		return factorFailure(err)
	}
	var codes []string
	err = e.App.RunInTransaction(func(tx core.App) (err error) {
		if codes, err = d.identity.RenewRecovery(tx, user.Id); err != nil {
			return err
		}
		return noted(tx, e, user, "auth.recovery_codes", nil)
	})
	if err != nil {
		return factorFailure(err)
	}
	e.Response.Header().Set("Cache-Control", "no-store")
	return e.JSON(http.StatusOK, map[string]any{"recovery_codes": codes})
}

func (d *domain) completeFactor(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	err = d.identity.Complete(e, ticketOf(body), textOf(body, "code"))
	if errors.Is(err, identity.ErrNone) {
		return facade.Error(http.StatusForbidden, "Set up an authenticator app first: your organization asks for it")
	}
	return factorFailure(err)
}

func (d *domain) mailFactor(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	if err := d.identity.MailCode(e.App, ticketOf(body)); err != nil {
		return factorFailure(err)
	}
	return e.NoContent(http.StatusNoContent)
}
