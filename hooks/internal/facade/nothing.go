package facade

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// bindSlash makes a request with a slash at the end one without it, before a
// route is looked for: limits, keys and gates know a route by its pattern.
func bindSlash(app core.App) {
	app.OnServe().Bind(&hook.Handler[*core.ServeEvent]{Id: "pocketlineLastSlash", Priority: outermost,
		Func: func(se *core.ServeEvent) error {
			if err := se.Next(); err != nil || se.Server == nil || se.Server.Handler == nil {
				return err
			}
			se.Server.Handler = withoutSlash(se.Server.Handler)
			return nil
		}})
}

// outermost is before everybody else's OnServe, so that the handler stands when the
// rest of it has run.
const outermost = -200_000

func withoutSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if prefix := surfaceOf(r.URL.Path); prefix != "" && r.URL.Path != prefix &&
			strings.HasSuffix(r.URL.EscapedPath(), "/") {
			at := *r.URL
			at.Path, at.RawPath = strings.TrimSuffix(at.Path, "/"), strings.TrimSuffix(at.RawPath, "/")
			copied := *r
			copied.URL, r = &at, &copied
		}
		next.ServeHTTP(w, r)
	})
}

// nothingAt are the surfaces where a mistyped address is answered like a
// mistake, and the refusal that says so. Pages of the dashboard are elsewhere.
var nothingAt = map[string]string{
	"/api/":            "not_found/route",
	functionsPrefix:    "not_found/function",
	"/rest/v1/":        "not_found/tables",
	refusal.AuthPrefix: "not_found/route",
}

// surfaceOf is the surface an address is in, or "".
func surfaceOf(path string) string {
	for prefix := range nothingAt {
		if strings.HasPrefix(path, prefix) || path+"/" == prefix {
			return prefix
		}
	}
	return ""
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (f *Facade) mountNothing(ours *router.RouterGroup[*core.RequestEvent]) {
	for prefix := range nothingAt {
		for _, method := range methods {
			ours.Route(method, prefix+"{path...}", f.nothing)
			ours.Route(method, strings.TrimSuffix(prefix, "/"), f.nothing)
		}
	}
}

func (f *Facade) nothing(e *core.RequestEvent) error {
	prefix := surfaceOf(e.Request.URL.Path)
	if prefix == "" {
		return e.NotFoundError("", nil)
	}
	if allowed := f.allowed(e.Request.URL.Path); len(allowed) > 0 && prefix == "/api/" {
		e.Response.Header().Set("Allow", strings.Join(allowed, ", "))
		return notHere(e, refusal.Of("not_allowed/verb", strings.Join(allowed, ", ")))
	}
	return notHere(e, refusal.Of(nothingAt[prefix]))
}

// notHere answers in the shape of the documented routes, with what
// PocketBase's and other clients read beside it.
func notHere(e *core.RequestEvent, r *refusal.Refusal) error {
	r = r.Beside("status", r.Status).Beside("message", r.Text).Beside("data", map[string]any{})
	return refusal.Write(e, r, nil)
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
