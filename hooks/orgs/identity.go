package orgs

import (
	"errors"
	"net/http"
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/identity"
)

// people binds what a person does with the account, and what an organization
// asks of the people in it. How requests are told apart is in
// hooks/internal/identity.
func (d *domain) people() {
	d.identity = identity.Register(d.app, identity.Options{
		Sealed: d.Sealed, Outbox: d.Outbox, Drop: d.Drop, Now: d.Now, Wait: d.Delay,
	})
	d.identity.BindAccounts(d.mayJoin)
	d.accounts()     // sign-up, check-profile (signup.go)
	d.profile()      // profile and preferences (profile.go, preferences.go)
	d.sessions()     // sessions (sessions.go)
	d.secondFactor() // second factor (twofactor.go)
	d.keys()         // API keys (keys.go)
	d.links()        // a forgotten password, without mail (links.go)
	d.security()     // settings, audit log (security.go, auditlog.go)
	d.secrets()      // what providers prove themselves by (secrets.go)
	d.compliance()   // the compliance pack (compliance.go)
	d.privacy()      // export and erase a caller (privacy.go)
	d.retention()    // what is kept how long (retention.go)
}

// handle adds a route of ours.
func (d *domain) handle(method, path string, auth facade.Auth, summary, body, answer, failures string, h func(e *core.RequestEvent) error) {
	d.Facade.Handle(facade.Route{
		Method: method, Path: path, Auth: auth, System: facade.Pocketline, Summary: summary, Body: body, Answer: answer, Errors: failures,
	}, h)
}

// documented adds a route of the CoreComm reference.
func (d *domain) documented(method, path, item string, auth facade.Auth, summary, query, body, answer, failures string, h func(e *core.RequestEvent) error) {
	d.Facade.Handle(facade.Route{
		Method: method, Path: path, Item: item, Auth: auth, System: facade.CoreComm, Summary: summary, Query: query, Body: body, Answer: answer, Errors: failures,
	}, h)
}

// caller is the person who asks: 403 for superusers, who have no profile.
func caller(e *core.RequestEvent) (*core.Record, error) {
	if e.Auth == nil {
		return nil, facade.Error(http.StatusUnauthorized, "")
	}
	if e.Auth.Collection().Name != collections.Users {
		return nil, facade.Error(http.StatusForbidden, "This is about a person's account; the operator has none")
	}
	return e.App.FindRecordById(collections.Users, e.Auth.Id)
}

// textOf is a text of a body, without spaces around it.
func textOf(body map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := body[name].(string); ok && strings.TrimSpace(s) != "" {
			return strings.TrimSpace(s)
		}
	}
	return ""
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
	case errors.Is(err, identity.ErrCode):
		return facade.Error(http.StatusBadRequest, "The code is wrong or was used already", map[string]string{"code": "Wrong code"})
	case errors.Is(err, identity.ErrLocked):
		return facade.Error(http.StatusTooManyRequests, "Too many wrong codes: try again in 15 minutes")
	case errors.Is(err, identity.ErrTicket):
		return facade.Error(http.StatusUnauthorized, "This sign-in is over; begin again")
	case errors.Is(err, identity.ErrSetUp):
		return facade.Error(http.StatusConflict, "An authenticator app is set up already")
	case errors.Is(err, identity.ErrNone):
		return facade.Error(http.StatusConflict, "No authenticator app is set up")
	}
	return err
}
