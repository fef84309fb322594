package facade

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/chain"
)

// lastSlash is a route's path with a slash at its end.
const lastSlash = "/{$}"

// withoutSlash makes a request with a slash at the end one without it, before
// anything looks at it: limits, keys and gates know a route by its pattern.
func withoutSlash() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.LastSlash, func(e *core.RequestEvent) error {
		if pattern, ok := strings.CutSuffix(e.Request.Pattern, lastSlash); ok {
			e.Request.Pattern = pattern
			e.Request.URL.Path = strings.TrimSuffix(e.Request.URL.Path, "/")
			e.Request.URL.RawPath = strings.TrimSuffix(e.Request.URL.RawPath, "/")
		}
		return e.Next()
	})
}

// nothingAt are the surfaces where a mistyped address is answered like a
// mistake, and what is said there. Pages of the dashboard are elsewhere.
var nothingAt = map[string]string{
	"/api/":         "There is no such route",
	functionsPrefix: "There is no such function",
	"/rest/v1/":     "Tables are not served here: use /api/collections/{name}/records",
	"/auth/v1/":     "There is no such route",
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (f *Facade) mountNothing(se *core.ServeEvent) {
	for prefix, sentence := range nothingAt {
		for _, method := range methods {
			se.Router.Route(method, prefix+"{path...}", func(e *core.RequestEvent) error {
				if path, ok := strings.CutSuffix(e.Request.URL.Path, "/"); ok && strings.HasPrefix(path, "/api/") {
					// PocketBase's own routes; the verb and the body stay.
					to := url.URL{Path: path, RawQuery: e.Request.URL.RawQuery}
					return e.Redirect(http.StatusPermanentRedirect, to.String())
				}
				if allowed := f.allowed(e.Request.URL.Path); len(allowed) > 0 && prefix == "/api/" {
					e.Response.Header().Set("Allow", strings.Join(allowed, ", "))
					return notHere(e, http.StatusMethodNotAllowed, "This address takes "+strings.Join(allowed, ", "))
				}
				return notHere(e, http.StatusNotFound, sentence)
			})
		}
	}
}

// notHere is an error in the shape of the documented routes, with what
// PocketBase's and other clients read beside it.
func notHere(e *core.RequestEvent, status int, sentence string) error {
	return answerError(e, &Failure{Status: status, Text: sentence, Extra: map[string]any{
		"status": status, "message": sentence, "data": map[string]any{},
	}})
}

// allowed are the methods of the documented routes at a path.
func (f *Facade) allowed(path string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []string
	asked := strings.Split(path, "/")
	for _, m := range f.mounted {
		if !slices.Contains(found, m.Method) && leads(strings.Split(m.Path, "/"), asked) {
			found = append(found, m.Method)
		}
	}
	slices.Sort(found)
	return found
}

// leads tells whether a route's path is the one that was asked for.
func leads(path, asked []string) bool {
	if len(path) != len(asked) {
		return false
	}
	for n, part := range path {
		if part != asked[n] && !strings.HasPrefix(part, "{") {
			return false
		}
	}
	return true
}
