package tenant

import (
	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/chain"
)

// fillOrganization gives a new row that names no organization the active one,
// before the rule is asked: it would refuse the row without a word about which
// field is missing, or is the server's own.
func fillOrganization() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.Filled, func(e *core.RequestEvent) error {
		if e.Request.Pattern != "POST "+recordsPath || e.Auth == nil || e.HasSuperuserAuth() {
			return e.Next()
		}
		c, err := e.App.FindCachedCollectionByNameOrId(e.Request.PathValue("collection"))
		if err != nil || !collections.Tenant(c) || c.CreateRule == nil {
			return e.Next()
		}
		info, err := e.RequestInfo()
		if err != nil {
			return e.Next() // PocketBase words the error
		}
		if found := serverOnly(c, info.Body); len(found) > 0 {
			return e.BadRequestError("Failed to create record.", found)
		}
		if named := info.Body["organization"]; named != nil && named != "" {
			return e.Next()
		}
		t, err := Of(e)
		if err != nil {
			return err
		}
		info.Body["organization"] = t.ID()
		return e.Next()
	})
}

// serverOnly are the fields of a body that only the server writes.
func serverOnly(c *core.Collection, body map[string]any) validation.Errors {
	found := validation.Errors{}
	for _, field := range collections.ServerOnly(c) {
		if value := body[field]; value != nil && value != "" && value != false {
			found[field] = validation.NewError("validation_server_only", "Only the server writes this.")
		}
	}
	return found
}
