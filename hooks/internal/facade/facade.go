// Package facade answers the documented routes of the two systems this product
// replaces, by asking PocketBase's own record routes: same access rules, same
// hooks, same limits, another path and another envelope.
//
// A domain hands in values (Resource) for what is a plain list, view, create,
// update or delete, and handlers (Handle) for what does work. Errors
// on these routes are always {"error": …, "code": …} (requirements S-093,
// S-256), never PocketBase's shape.
package facade

import (
	"net/http"
	"slices"
	"sync"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Auth says who may call a route at all. What they may touch stands in the
// access rules.
type Auth string

// Who may call a route.
const (
	Guest     Auth = "anybody"
	SignedIn  Auth = "signed in"
	Member    Auth = "member"         // of the active organization
	Admin     Auth = "owner or admin" // of the active organization
	Superuser Auth = "superuser"
	Signature Auth = "provider" // proves itself by a signature the handler checks
)

// Systems whose documents describe a route.
const (
	CoreComm   = "CoreComm"
	AlloKoli   = "AlloKoli"
	Pocketline = "Pocketline"
)

// Route is one documented route. Besides Method, Path and Auth everything is
// for docs/routes.md: short text or JSON, in the words of the caller.
type Route struct {
	Method, Path string // Path in Go's pattern language: /api/calls/{id}
	Auth         Auth
	System       string
	Item         string // S-number of the requirements, when it has one
	Summary      string // one sentence
	Query        string // parameters, with defaults
	Body         string // JSON accepted
	Answer       string // JSON answered, with its status when it is not 200
	Errors       string // statuses besides 401, 404 and 500, and when
}

// Facade holds the documented routes until they are mounted.
type Facade struct {
	app     core.App
	mu      sync.Mutex
	mounted []mounted

	routes *router.Router[*core.RequestEvent]
	once   sync.Once
	mux    http.Handler
	muxErr error
}

type mounted struct {
	Route
	handler func(e *core.RequestEvent) error
}

// New returns a facade without routes. Call Mount in OnServe, after every
// domain has registered.
func New(app core.App) *Facade {
	bindSlash(app)
	return &Facade{app: app}
}

// Handle adds a route with a handler of its own. The handler runs after the
// caller met r.Auth; with Member and Admin, tenant.Of(e) is known to succeed.
// Errors it returns are put into the routes' error shape.
func (f *Facade) Handle(r Route, h func(e *core.RequestEvent) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do := warned(r, h)
	f.mounted = append(f.mounted, mounted{r, func(e *core.RequestEvent) error {
		err := admit(e, r.Auth)
		if err == nil {
			err = do(e)
		}
		return answerError(e, r, err)
	}})
}

// Document lists a route that is served elsewhere: by a middleware, or outside
// the documented surfaces' error shape.
func (f *Facade) Document(r Route) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mounted = append(f.mounted, mounted{Route: r})
}

// Routes lists the documented routes, sorted by path and method.
func (f *Facade) Routes() []Route {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Route, len(f.mounted))
	for i, m := range f.mounted {
		all[i] = m.Route
	}
	slices.SortFunc(all, func(a, b Route) int {
		return compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return all
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Mount adds the routes to the server.
func (f *Facade) Mount(se *core.ServeEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.routes = se.Router
	se.Router.Bind(insideRequest(), f.invoke())
	ours := chain.Ours(se.Router)
	for _, m := range f.mounted {
		if m.handler != nil {
			ours.Route(m.Method, m.Path, m.handler)
		}
	}
	f.mountNothing(ours)
	if !se.Router.HasRoute("", "/") {
		ours.Route("", "/", f.nothing) // other methods
	}
}

func admit(e *core.RequestEvent, who Auth) error {
	switch who {
	case Guest, Signature:
		return nil
	case Superuser:
		if e.Auth != nil && !e.HasSuperuserAuth() {
			return refusal.Of("forbidden/operator")
		}
	case Member:
		_, err := tenant.Require(e)
		return err
	case Admin:
		_, err := tenant.Require(e, collections.Owner, collections.Admin)
		return err
	}
	if e.Auth == nil {
		return refusal.Of("unauthorized")
	}
	return nil
}
