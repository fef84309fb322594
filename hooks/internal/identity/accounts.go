package identity

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pocketbase/dbx"
	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/security"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/address"
	"github.com/pocketline/pocketline/hooks/internal/database"
	"github.com/pocketline/pocketline/hooks/internal/password"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/rows"
)

// BindAccounts lets people in by mail code when mail can be sent, and by
// accounts elsewhere when the operator configured some in PocketBase's panel.
// mayJoin tells whether an address may begin an account here.
func (i *Identity) BindAccounts(mayJoin func(app core.App, email string) bool) {
	i.app.OnServe().BindFunc(func(se *core.ServeEvent) error {
		if err := codesFollowMail(se.App); err != nil {
			return err
		}
		return se.Next()
	})
	i.app.OnSettingsReload().BindFunc(func(e *core.SettingsReloadEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		if e.App.IsBootstrapped() && !e.App.IsTransactional() {
			if err := codesFollowMail(e.App); err != nil {
				e.App.Logger().Warn("sign-in by mail code not switched", "error", err)
			}
		}
		return nil
	})
	i.app.OnRecordAuthWithOAuth2Request(collections.Users).BindFunc(func(e *core.RecordAuthWithOAuth2RequestEvent) error {
		if err := alike(e); err != nil {
			return err
		}
		if e.Record == nil {
			return join(e, mayJoin)
		}
		return i.link(e)
	})
}

// codesFollowMail offers codes by mail exactly while mail can be sent.
func codesFollowMail(app core.App) error {
	want := app.Settings().SMTP.Enabled
	if known, err := app.FindCachedCollectionByNameOrId(collections.Users); err != nil || known.OTP.Enabled == want {
		return nil // there is none before the first step
	}
	c, err := app.FindCollectionByNameOrId(collections.Users) // one of our own to change
	if err != nil {
		return fmt.Errorf("codes by mail: %w", err)
	}
	c.OTP.Enabled = want
	if err := app.Save(c); err != nil {
		return fmt.Errorf("codes by mail: %w", err)
	}
	return nil
}

// alike finds the account of an address that the other service writes
// differently from us.
func alike(e *core.RecordAuthWithOAuth2RequestEvent) (err error) {
	if e.OAuth2User == nil || e.OAuth2User.Email == "" {
		return nil
	}
	e.OAuth2User.Email = address.Tidy(e.OAuth2User.Email)
	if e.Record == nil {
		if e.Record, err = AccountOf(e.App, e.Collection, e.OAuth2User.Email); err != nil {
			return e.InternalServerError("", err)
		}
		e.IsNewRecord = e.Record == nil
	}
	return nil
}

// join begins an account for somebody a provider vouches for. PocketBase gives
// us the address only when the provider has verified it.
func join(e *core.RecordAuthWithOAuth2RequestEvent, mayJoin func(app core.App, email string) bool) error {
	address := ""
	if e.OAuth2User != nil {
		address = e.OAuth2User.Email
	}
	if address == "" {
		return refusal.Of("unverified_address")
	}
	if !mayJoin(e.App, address) {
		return refusal.Of("invitation_needed/ask")
	}
	user := core.NewRecord(e.Collection)
	user.SetEmail(address)
	user.SetVerified(true)
	user.SetPassword(security.RandomString(40))
	user.Load(map[string]any{"name": rows.Shorten(e.OAuth2User.Name, 200), "is_active": true})
	Looks(e.RequestEvent, "").Set(user)
	if err := e.App.Save(user); err != nil {
		return refusal.Of("invalid_request/account").For(err)
	}
	e.Record = user
	return e.Next()
}

// ThemeHeader carries the theme that was chosen in a browser.
const ThemeHeader = "X-Theme"

// Look is what a new account begins with, until its person chooses.
type Look struct{ Language, Theme string }

// Looks are the language and the theme of the browser that makes an account.
// otherwise is the language for one that asks for none of the dashboard's; "" is
// the first of these.
func Looks(e *core.RequestEvent, otherwise string) Look {
	theme := e.Request.Header.Get(ThemeHeader)
	if !slices.Contains(collections.Themes, theme) {
		theme = collections.Themes[0]
	}
	return Look{language(e, cmp.Or(otherwise, collections.Languages[0])), theme}
}

// Set writes the look into a new account.
func (l Look) Set(user *core.Record) {
	user.Set("language", l.Language)
	user.Set("theme", l.Theme)
}

// language is the first of the dashboard's languages a browser asks for.
func language(e *core.RequestEvent, otherwise string) string {
	for _, wish := range strings.Split(e.Request.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(wish), ";")
		tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
		if slices.Contains(collections.Languages, tag) {
			return tag
		}
	}
	return otherwise
}

// link ties an account elsewhere to one here only when the one here has proved
// its address, or is signed in: otherwise whoever registered the address first
// would be handed to its real owner, or the reverse.
func (i *Identity) link(e *core.RecordAuthWithOAuth2RequestEvent) error {
	if e.Record.Verified() || e.Auth != nil && e.Auth.Id == e.Record.Id {
		return e.Next()
	}
	known, err := database.Found(e.App.FindFirstExternalAuthByExpr(dbx.HashExp{
		"collectionRef": e.Collection.Id, "provider": e.ProviderName, "providerId": e.OAuth2User.Id, "recordRef": e.Record.Id,
	}))
	if err != nil {
		return err
	}
	if known == nil {
		return refusal.Of("unproved_account").For(errors.New("unverified account"))
	}
	// PocketBase replaces the password of an account that has not proved its
	// address, each time. Here it does so once, when the other service proves it.
	if e.OAuth2User.Email == "" || e.OAuth2User.Email != address.Tidy(e.Record.Email()) {
		e.Auth = e.Record // whoever linked it was signed in
		return e.Next()
	}
	err = i.handOver(e.RequestEvent, e.Record, collections.AuthOAuth, func(tx core.App) error {
		// Whoever made the account may have tied others to it; the one that proved the
		// address stays.
		if err := tx.DeleteAllExternalAuthsByRecord(e.Record); err != nil {
			return err
		}
		kept := core.NewExternalAuth(tx)
		kept.SetCollectionRef(known.CollectionRef())
		kept.SetRecordRef(known.RecordRef())
		kept.SetProvider(known.Provider())
		kept.SetProviderId(known.ProviderId())
		return tx.Save(kept)
	})
	if err != nil {
		return err
	}
	return e.Next()
}

// refuseWeak checks a password wherever one is set.
func (i *Identity) refuseWeak(e *core.RecordEvent) error {
	why := ""
	if plain := e.Record.GetString("password"); plain != "" {
		why = password.Weak(plain, e.Record.Email(), e.Record.GetString("name"))
	}
	err := e.Next()
	if why == "" {
		return err
	}
	problems := validation.Errors{}
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	if problems["password"] == nil { // too short is said first
		problems["password"] = validation.NewError("validation_weak_password", why)
	}
	return problems
}
