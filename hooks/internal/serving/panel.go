package serving

import (
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// guardPanel hides the operator's panel, the sign-in of superusers and the SQL
// console. A superuser token equals root on this installation, so the internet
// does not get to try passwords for one unless the operator says so.
func guardPanel(who string) func(*core.RequestEvent) error {
	return func(e *core.RequestEvent) error {
		if who == "on" || !ofPanel(e) || who == "local" && Local(e) {
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
