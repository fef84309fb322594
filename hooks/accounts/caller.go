package accounts

import (
	"errors"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/factors"
	"github.com/pocketline/pocketline/hooks/internal/guesses"
	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// caller is the person who asks: 403 for superusers, who have no profile.
func caller(e *core.RequestEvent) (*core.Record, error) {
	if e.Auth == nil {
		return nil, refusal.Of("unauthorized")
	}
	if e.Auth.Collection().Name != collections.Users {
		return nil, refusal.Of("forbidden/person")
	}
	return e.App.FindRecordById(collections.Users, e.Auth.Id)
}

// noted writes an entry about the caller's own account.
func noted(app core.App, e *core.RequestEvent, user *core.Record, action string, details any) error {
	actor := audit.ActorOf(e)
	if actor.User == "" {
		actor.Type, actor.User, actor.Name = audit.ActorUser, user.Id, user.GetString("name")
	}
	return audit.Add(app, audit.Entry{
		Organization: user.GetString("last_organization"), Actor: actor, Action: action,
		Resource: collections.Users, Record: user.Id, Details: details,
	})
}

// factorFailure is the answer to a second factor that was not accepted.
func factorFailure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, factors.ErrCode):
		return refusal.Of("wrong_code").At("code", "Wrong code")
	case errors.Is(err, guesses.ErrLocked):
		return refusal.Of("too_many_requests/codes")
	case errors.Is(err, identity.ErrTicket):
		return refusal.Of("sign_in_over")
	case errors.Is(err, factors.ErrSetUp):
		return refusal.Of("factor_exists")
	case errors.Is(err, factors.ErrNone):
		return refusal.Of("factor_none")
	}
	return err
}
