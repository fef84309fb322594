package serving

import (
	"mime"
	"net/http"
	"net/netip"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// forwarding are headers that only a proxy sets. A request that has one came
// from somewhere else than its connection says.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Real-IP", "Fly-Client-IP", "CF-Connecting-IP", "True-Client-IP"}

// guardPanel hides the operator's panel, the sign-in of superusers and the SQL
// console. A superuser token equals root on this installation, so the internet
// does not get to try passwords for one unless the operator says so.
func guardPanel(who string) func(*core.RequestEvent) error {
	return func(e *core.RequestEvent) error {
		if who == "on" || !ofPanel(e) || who == "local" && isLocal(e) {
			return e.Next()
		}
		return e.NotFoundError("", nil)
	}
}

func ofPanel(e *core.RequestEvent) bool {
	if name := e.Request.PathValue("collection"); name != "" {
		// By looking it up, because names are found in any case and by id too.
		c, err := e.App.FindCachedCollectionByNameOrId(name)
		return err == nil && c.Name == core.CollectionNameSuperusers
	}
	path := e.Request.URL.Path
	return path == "/_" || strings.HasPrefix(path, "/_/") || path == "/api/sql"
}

// isLocal tells whether the visitor sits at this machine or in its private
// network. Behind a proxy that nobody told us to trust, the answer is no.
func isLocal(e *core.RequestEvent) bool {
	if len(e.App.Settings().TrustedProxy.Headers) == 0 {
		for _, name := range forwarding {
			if e.Request.Header.Get(name) != "" {
				return false
			}
		}
	}
	ip, err := netip.ParseAddr(e.RealIP())
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsPrivate()
}

func isUpload(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "multipart/form-data"
}
