package system

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/phone"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

type setupForm struct {
	Name         string `json:"name"`
	Email        string `json:"email"`
	Password     string `json:"password"`
	Organization string `json:"organization"`
	Timezone     string `json:"timezone"`
	Country      string `json:"country"`
	Language     string `json:"language"`
	Demo         bool   `json:"demo"`
	Code         string `json:"code"`

	theme string // the browser's
}

var errSettled = errors.New("an account exists")

var setupRoute = facade.Route{
	Method: "POST", Path: "/api/setup", Auth: facade.Guest, System: facade.Pocketline,
	Summary: "The first account and its organization; only while no account exists.",
	Body: `{"name", "email", "password", "organization", "timezone"?, "country"?, "language"?: "en"|"fr", "demo"?: bool, ` +
		`"code"?: what the server printed, unless the visitor is at its machine}`,
	Answer: `{"token": …, "record": user, "organization": {…}}`,
	Errors: "400 with reasons, 403 without the code, 409 once an account exists",
}

// setup makes the first account, its organization and its membership, or
// nothing at all. Two people who try at once: the second is told that there is
// an account.
func (s *system) setup(e *core.RequestEvent) error {
	var form setupForm
	if needed, err := setupNeeded(e.App); err != nil {
		return e.InternalServerError("", err)
	} else if !needed {
		return taken()
	}
	if err := e.BindBody(&form); err != nil {
		return refusal.Of("unreadable_body").For(err)
	}
	if err := proveSetup(e, form.Code); err != nil {
		return err
	}
	looks := identity.Looks(e, "")
	form.Language, form.theme = cmp.Or(form.Language, looks.Language), looks.Theme
	if problems := form.tidy(); len(problems) > 0 {
		return refusal.Of("invalid_request/attention").For(problems)
	}
	actor := audit.ActorOf(e)
	actor.Type, actor.Name = audit.ActorUser, form.Name
	user, organization, err := s.begin(e.App, form, actor)
	var problems validation.Errors
	switch {
	case errors.Is(err, errSettled):
		return taken()
	case errors.As(err, &problems):
		return refusal.Of("invalid_request/attention").For(problems)
	case err != nil:
		return refusal.Of("internal/account").For(err)
	}
	if form.Demo && s.Demo != nil && s.DemoSaved != nil {
		s.DemoSaved(organization.Id)
	}
	err = identity.Enter(e, user, identity.SetUp, func(token string) error {
		user.IgnoreEmailVisibility(true)
		return e.JSON(http.StatusOK, map[string]any{"token": token, "record": user, "organization": organization})
	})
	if err != nil {
		return refusal.Of("internal/sign_in").For(err)
	}
	return nil
}

// begin makes the first account, its organization and what belongs to them in one
// transaction; errSettled when there is an account already.
func (s *system) begin(app core.App, form setupForm, actor audit.Actor) (user, organization *core.Record, err error) {
	err = app.RunInTransaction(func(tx core.App) (err error) {
		if needed, err := setupNeeded(tx); err != nil {
			return err
		} else if !needed {
			return errSettled
		}
		if user, organization, err = form.save(tx); err != nil {
			return err
		}
		if form.Demo && s.Demo != nil {
			if err := s.Demo(tx, organization, user); err != nil {
				return err
			}
		}
		actor.User = user.Id
		return audit.Add(tx, audit.Entry{
			Organization: organization.Id, Actor: actor, Action: "organizations.setup",
			Resource: collections.Organizations, Record: organization.Id,
			Details: map[string]any{"demo": form.Demo && s.Demo != nil},
		})
	})
	if err != nil {
		return nil, nil, err
	}
	settled(app).Store(true)
	if err := dropSetupCode(app); err != nil { // worth nothing from now on
		app.Logger().Warn("the used setup code stays in the data directory", "error", err)
	}
	return user, organization, nil
}

func taken() error {
	return refusal.Of("installed_already")
}

// tidy fills what may be left out and returns what is wrong.
func (f *setupForm) tidy() validation.Errors {
	f.Name, f.Email, f.Organization = strings.TrimSpace(f.Name), strings.TrimSpace(f.Email),
		strings.TrimSpace(f.Organization)
	if !slices.Contains(collections.Languages, f.Language) {
		f.Language = collections.Languages[0]
	}
	if _, err := time.LoadLocation(f.Timezone); err != nil || f.Timezone == "" || f.Timezone == "Local" {
		f.Timezone = "UTC"
	}
	if f.Country = strings.ToUpper(strings.TrimSpace(f.Country)); !phone.Country(f.Country) {
		f.Country = ""
	}
	problems := validation.Errors{}
	for name, value := range map[string]string{"name": f.Name, "email": f.Email, "password": f.Password,
		"organization": f.Organization} {
		if value == "" {
			problems[name] = validation.ErrRequired
		}
	}
	return problems
}

// save stores the three rows. Reasons of the organization's fields are given
// the names of the form.
func (f *setupForm) save(tx core.App) (user, organization *core.Record, err error) {
	make := func(collection string, values map[string]any) (*core.Record, error) {
		c, err := tx.FindCachedCollectionByNameOrId(collection)
		if err != nil {
			return nil, err
		}
		r := core.NewRecord(c)
		r.Load(values)
		if password, ok := values["password"].(string); ok {
			r.SetPassword(password)
		}
		return r, tx.Save(r)
	}
	user, err = make(collections.Users, map[string]any{
		"name": f.Name, "email": f.Email, "password": f.Password, "verified": true, "is_active": true,
		"language": f.Language, "theme": cmp.Or(f.theme, collections.Themes[0]),
		"metadata": map[string]any{operatorKey: true},
	})
	if err != nil {
		return nil, nil, err
	}
	organization, err = make(collections.Organizations, map[string]any{
		"name": f.Organization, "status": collections.OrganizationActive, "plan": collections.Plans[0],
		"balance_state": collections.BalanceOK,
		"timezone":      f.Timezone, "country": f.Country, "language": f.Language, "currency": "USD", "created_by": user.Id,
	})
	if err != nil {
		var problems validation.Errors
		if errors.As(err, &problems) && problems["name"] != nil {
			return nil, nil, validation.Errors{"organization": problems["name"]}
		}
		return nil, nil, err
	}
	membership := map[string]any{
		"organization": organization.Id, "user": user.Id, "role": collections.Owner, "status": collections.MembershipActive,
		"is_default": true, "full_name": f.Name, "email": f.Email, "timezone": f.Timezone, "joined_at": types.NowDateTime(),
	}
	for _, capability := range collections.Capabilities {
		membership[capability] = true
	}
	if _, err = make(collections.Memberships, membership); err != nil {
		return nil, nil, err
	}
	user.Set("last_organization", organization.Id)
	if err := tx.Save(user); err != nil {
		return nil, nil, err
	}
	return user, organization, nil
}
