package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/ozzo-validation/v4/is"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/providers/vapi"
)

const (
	// providerPatience bounds the question at the provider, its repeats included.
	providerPatience = 12 * time.Second
	// Checks are for one installation, whoever asks: a mail server that is asked
	// too often with a wrong password locks the account.
	mailChecksMost     = 6
	providerChecksMost = 20
	checksWindow       = 10 * time.Minute
)

// operatorOnly keeps what the server was told about mail and the provider, and whether
// it works, to the operator.
func operatorOnly(h func(e *core.RequestEvent) error) func(e *core.RequestEvent) error {
	return func(e *core.RequestEvent) error {
		if err := requireOperator(e); err != nil {
			return err
		}
		e.Response.Header().Set("Cache-Control", "no-store")
		return h(e)
	}
}

const (
	operatorAlone = "403 for all but the operator, who set the installation up"
	mailShape     = `{"enabled": bool, "host", "port", "username", "tls": bool, "auth_method": "PLAIN"|"LOGIN", "sender_name", "sender_address"`
	resultShape   = `{"ok": bool, "code": word, "message": sentence, "detail"?: the other side's words}`
)

var showInstallationRoute = facade.Route{
	Method: "GET", Path: "/api/installation", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "What this installation was told about mail and the phone provider; never a secret.",
	Answer: `{"mail": ` + mailShape + `, "password_set": bool}, ` +
		`"provider": {"name": "Vapi", "key_set": bool, "address": URL, "sandbox": bool}, "restored": {"held": bool}, ` +
		`"server": {"version", "public_url": "" when not set, "health": as GET /api/health, ` +
		`"alerts": {"mail": address, "webhook": bool}, "key_file": path, "" when the key is in POCKETLINE_KEY}}`,
	Errors: operatorAlone,
}

var saveMailRoute = facade.Route{
	Method: "PUT", Path: "/api/installation/mail", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Sets how mail is sent. Without password the stored one stays, unless host, port or user name change; " +
		"an empty one removes it.",
	Body:   mailShape + `, "password"?: …}`,
	Answer: `{"mail": {…}}`,
	Errors: operatorAlone + " · 400 with details",
}

var checkMailRoute = facade.Route{
	Method: "POST", Path: "/api/installation/check/mail", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Sends a test mail to the caller, with the stored settings or with those of the body, which are not stored.",
	Body:    `{"settings"?: as for PUT /api/installation/mail}`,
	Answer:  `{"to": address, …} and ` + resultShape,
	Errors:  operatorAlone + " · 400 with details · 409 two are under way · 429 after 6 in ten minutes",
}

var showBackupsRoute = facade.Route{
	Method: "GET", Path: "/api/installation/backups", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "The backups there are, and how far the one is that is being made.",
	Answer: `{"folder", "nightly": how many of the night are kept, "backups": [{"name", "size", "made", ` +
		`"kind": "by_hand"|"nightly"|"before_update"|"panel"}], "running": {"step", "done", "total"}|null, "failed": why the last one was not made, ` +
		`"aside": [{"path", "size", "made"}]: what restores left of the data before}`,
	Errors: operatorAlone,
}

var makeBackupRoute = facade.Route{
	Method: "POST", Path: "/api/installation/backups", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Begins a backup; the list says how far it is.",
	Answer:  `202 {"started": true}`,
	Errors:  operatorAlone + " · 409 while one is made",
}

var restoreBackupRoute = facade.Route{
	Method: "POST", Path: "/api/installation/backups/restore", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Puts a backup in place of all data and starts the server again. It works on while it looks at the backup; " +
		"once that lies ready nothing else is taken (503).",
	Body:   `{"name"}`,
	Answer: `202 {"restarting": true}`,
	Errors: operatorAlone + " · 400 it is no whole backup of this installation · 404 · 503 requests are still under way",
}

var showStraysRoute = facade.Route{
	Method: "GET", Path: "/api/installation/strays", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "What bears our mark at the phone provider and is no row's copy. Nothing removes it but a person.",
	Answer: `{"strays": [{"collection", "id", "name", "record", "organization", "created", "price": word, ` +
		`"reason": "row_gone"|"other_installation"|"no_installation"|"second_copy"|"not_wanted"|"other_organization"}]}`,
	Errors: operatorAlone + " · 409 there is no key · 502 when the provider does not answer",
}

var removeStrayRoute = facade.Route{
	Method: "POST", Path: "/api/installation/strays/remove", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Removes one of them at the provider, after looking anew: what a row names stays.",
	Body:    `{"collection", "id"}`,
	Answer:  `{"removed": true}`,
	Errors:  operatorAlone + " · 409 it is in use here, is not ours, the provider refuses, or there is no key · 502 when the provider does not answer",
}

var confirmRestoredRoute = facade.Route{
	Method: "POST", Path: "/api/installation/restored/confirm", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Says that no other server uses what a restored database names at the phone provider: it is changed from here again.",
	Answer:  `{"confirmed": true}`,
	Errors:  operatorAlone,
}

var checkProviderRoute = facade.Route{
	Method: "POST", Path: "/api/installation/check/provider", Auth: facade.SignedIn, System: facade.Pocketline,
	Summary: "Asks the phone provider whether it takes the key.",
	Answer:  resultShape,
	Errors:  operatorAlone + " · 429 after 20 in ten minutes",
}

// result is what a check came to.
type result struct {
	OK      bool   `json:"ok"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
	To      string `json:"to,omitempty"`
}

func (s *system) showInstallation(e *core.RequestEvent) error {
	held, err := s.Mirror.Installation.Held()
	if err != nil {
		return err
	}
	alerts := s.AlertMail
	if alerts == "" {
		if alerts, err = s.operatorAddress(e.Request.Context()); err != nil {
			return err
		}
	}
	return facade.JSON(e, http.StatusOK, map[string]any{
		"server": map[string]any{
			"version": s.Version, "public_url": s.PublicURL, "health": s.health.look(e.Request.Context()),
			"alerts": map[string]any{"mail": alerts, "webhook": s.AlertWebhook != ""}, "key_file": s.KeyFile,
		},
		"restored": map[string]any{"held": held},
		"mail":     shownMail(e.App.Settings()),
		"provider": map[string]any{
			"name": "Vapi", "key_set": s.VapiReady, "address": s.VapiAddress, "sandbox": s.SandboxURL != "",
		},
	})
}

func shownMail(settings *core.Settings) map[string]any {
	m := settings.SMTP
	method := m.AuthMethod
	if method == "" {
		method = mailer.SMTPAuthPlain
	}
	return map[string]any{
		"enabled": m.Enabled, "host": m.Host, "port": m.Port, "username": m.Username, "password_set": m.Password != "",
		"tls":         m.TLS,
		"auth_method": method, "sender_name": settings.Meta.SenderName, "sender_address": settings.Meta.SenderAddress,
	}
}

// mailForm is what the operator says about the mail server.
type mailForm struct {
	Enabled       bool    `json:"enabled"`
	Host          string  `json:"host"`
	Port          int     `json:"port"`
	Username      string  `json:"username"`
	Password      *string `json:"password"`
	TLS           bool    `json:"tls"`
	AuthMethod    string  `json:"auth_method"`
	SenderName    string  `json:"sender_name"`
	SenderAddress string  `json:"sender_address"`
}

// over puts the form over the settings as they are.
func (f mailForm) over(current *core.Settings) (*core.Settings, error) {
	f.Host, f.Username, f.SenderName, f.SenderAddress = strings.TrimSpace(f.Host), strings.TrimSpace(f.Username),
		strings.TrimSpace(f.SenderName), strings.TrimSpace(f.SenderAddress)
	plain := validation.By(func(value any) error {
		text, _ := value.(string)
		if strings.ContainsFunc(text, unicode.IsControl) {
			return errors.New("must not contain line breaks")
		}
		return nil
	})
	err := validation.ValidateStruct(&f,
		validation.Field(&f.Host, validation.When(f.Enabled, validation.Required), validation.Length(0, 255), is.Host),
		validation.Field(&f.Port, validation.When(f.Enabled || f.Port != 0, validation.Required), validation.Min(0),
			validation.Max(65535)),
		validation.Field(&f.Username, validation.Length(0, 255), plain),
		validation.Field(&f.Password, validation.Length(0, 1_000)),
		validation.Field(&f.AuthMethod, validation.In(mailer.SMTPAuthPlain, mailer.SMTPAuthLogin)),
		validation.Field(&f.SenderName, validation.Required, validation.Length(1, 100), plain),
		validation.Field(&f.SenderAddress, validation.Required, validation.Length(1, 255), is.EmailFormat),
	)
	if err != nil {
		return nil, err
	}
	next, err := current.Clone()
	if err != nil {
		return nil, fmt.Errorf("mail settings: %w", err)
	}
	was := current.SMTP
	password := was.Password
	switch {
	case f.Password != nil:
		password = *f.Password
	case password != "" && (f.Host != was.Host || f.Port != was.Port || f.Username != was.Username):
		// Whoever sits at an operator's open browser must not be able to have the
		// password sent to a server of their own.
		return nil, validation.Errors{"password": errors.New("enter the password again: the server or the user name changed")}
	}
	next.SMTP.Enabled, next.SMTP.Host, next.SMTP.Port, next.SMTP.Username, next.SMTP.Password = f.Enabled,
		f.Host, f.Port, f.Username, password
	next.SMTP.TLS, next.SMTP.AuthMethod = f.TLS, f.AuthMethod
	next.Meta.SenderName, next.Meta.SenderAddress = f.SenderName, f.SenderAddress
	return next, nil
}

// saveMail stores the settings where PocketBase keeps them: the password is
// sealed with the installation's key and never shown.
func (s *system) saveMail(e *core.RequestEvent) error {
	var form mailForm
	if err := e.BindBody(&form); err != nil {
		return refusal.Of("unreadable_body/json")
	}
	before := shownMail(e.App.Settings())
	next, err := form.over(e.App.Settings())
	if err != nil {
		return err
	}
	after := shownMail(next)
	changes := map[string]audit.Change{}
	for name, value := range after {
		if before[name] != value {
			changes[name] = audit.Change{Before: before[name], After: value}
		}
	}
	if form.Password != nil {
		changes["password"] = audit.Change{After: sealed.Redacted}
	}
	err = e.App.RunInTransaction(func(tx core.App) error {
		if err := tx.Save(next); err != nil {
			return err
		}
		return audit.Add(tx, audit.Entry{Actor: audit.ActorOf(e), Action: "installation.mail", Details: changes})
	})
	if err != nil {
		return mailProblems(err)
	}
	return facade.JSON(e, http.StatusOK, map[string]any{"mail": after})
}

// mailProblems takes what PocketBase itself refuses out of its groups.
func mailProblems(err error) error {
	var groups validation.Errors
	if !errors.As(err, &groups) {
		return err
	}
	names := map[string]string{"authMethod": "auth_method", "senderName": "sender_name", "senderAddress": "sender_address"}
	reasons := validation.Errors{}
	for group, problem := range groups {
		var fields validation.Errors
		if !errors.As(problem, &fields) {
			reasons[group] = problem
			continue
		}
		for name, reason := range fields {
			if ours, ok := names[name]; ok {
				name = ours
			}
			reasons[name] = reason
		}
	}
	return reasons
}

// checkMail sends a test mail to whoever asks, and says how it went.
func (s *system) checkMail(e *core.RequestEvent) error {
	body, err := facade.Body(e)
	if err != nil {
		return err
	}
	settings := e.App.Settings()
	if given, ok := body["settings"]; ok && given != nil {
		var form mailForm
		raw, err := json.Marshal(given)
		if err == nil {
			err = json.Unmarshal(raw, &form)
		}
		if err != nil {
			return refusal.Of("unreadable_body/json")
		}
		form.Enabled = true // it is tried, whether or not it is switched on
		if settings, err = form.over(settings); err != nil {
			return err
		}
	}
	if s.checks.Hit("mail", checksWindow) > mailChecksMost {
		return tooMany(e, "too_many_requests/mails")
	}
	select {
	case s.mailing <- struct{}{}:
	default:
		return refusal.Of("mails_on_their_way")
	}
	over := func() { <-s.mailing }
	answer := result{Code: "off", Message: "Mail is not set up."}
	if settings.SMTP.Enabled {
		answer = tryMail(e.Request.Context(), settings, e.Auth.Email(), e.Auth.GetString("language"), usualPatience, over)
	} else {
		over()
	}
	answer.To = e.Auth.Email()
	err = audit.Add(e.App, audit.Entry{Actor: audit.ActorOf(e), Action: "installation.check_mail",
		Details: map[string]any{"result": answer.Code, "host": settings.SMTP.Host}})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, answer)
}

// checkProvider asks Vapi for one assistant: the cheapest question a wrong key
// cannot answer.
func (s *system) checkProvider(e *core.RequestEvent) error {
	if s.checks.Hit("provider", checksWindow) > providerChecksMost {
		return tooMany(e, "too_many_requests/checks")
	}
	answer := result{Code: "no_key",
		Message: "No key is set. Put your private key into VAPI_API_KEY and start the server again."}
	if s.VapiReady && s.Vapi != nil {
		ctx, cancel := context.WithTimeout(e.Request.Context(), providerPatience)
		defer cancel()
		_, err := s.Vapi.Assistants.List(ctx, &vapi.ListOptions{Limit: 1})
		answer = providerResult(ctx, err)
	}
	err := audit.Add(e.App, audit.Entry{Actor: audit.ActorOf(e), Action: "installation.check_provider",
		Details: map[string]any{"result": answer.Code}})
	if err != nil {
		return err
	}
	return facade.JSON(e, http.StatusOK, answer)
}

func tooMany(e *core.RequestEvent, name string) error {
	e.Response.Header().Set("Retry-After", strconv.Itoa(int(checksWindow.Seconds())))
	return refusal.Of(name)
}

// providerResult puts the provider's answer into words.
func providerResult(ctx context.Context, err error) result {
	if err == nil {
		return result{OK: true, Code: "works", Message: "The provider takes the key."}
	}
	detail := sealed.Redact(err.Error())
	var said *vapi.Error
	status := 0
	if errors.As(err, &said) {
		status = said.Status
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return result{Code: "wrong_key",
			Message: "The provider does not take this key. Use the private key, and the right VAPI_BASE_URL: keys of the European deployment work only there.", Detail: detail}
	case status == http.StatusPaymentRequired:
		return result{Code: "unpaid", Message: "The key is right, but the provider's account wants a payment.",
			Detail: detail}
	case status == http.StatusTooManyRequests:
		return result{Code: "busy", Message: "The provider asks for patience: too many requests. Try again in a minute.",
			Detail: detail}
	case status >= http.StatusInternalServerError:
		return result{Code: "down", Message: "The provider has trouble of its own. Try again later.", Detail: detail}
	case status != 0:
		return result{Code: "refused", Message: "The provider refused the question.", Detail: detail}
	case ctx.Err() != nil:
		return result{Code: "silent", Message: "The provider did not answer in time."}
	}
	return result{Code: "unreachable", Message: "The provider cannot be reached from this server.", Detail: detail}
}
