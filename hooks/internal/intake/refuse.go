package intake

import (
	"net/http"
	"slices"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
)

// stock are the beginnings of PocketBase's own routes.
var stock = []string{
	"/api/collections", "/api/realtime", "/api/files/", "/api/logs", "/api/settings", "/api/backups", "/api/crons", "/api/batch", "/api/sql",
	"/api/oauth2-redirect", "/_/",
}

func isStock(path string) bool {
	return slices.ContainsFunc(stock, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// Refuse answers in the shape of the surface that was asked: the documented
// routes' {error, code} or PocketBase's.
func Refuse(e *core.RequestEvent, status int, code, sentence string) error {
	if isStock(e.Request.URL.Path) {
		return e.Error(status, sentence, nil)
	}
	return e.JSON(status, map[string]string{"error": strings.TrimSuffix(sentence, "."), "code": code})
}

// refuseField is the 400 for a field or parameter that no handler has seen yet.
func refuseField(e *core.RequestEvent, field, reason string) error {
	if isStock(e.Request.URL.Path) {
		return e.BadRequestError("Invalid request data.", validation.Errors{field: validation.NewError("validation_untrusted", reason)})
	}
	return e.JSON(http.StatusBadRequest, map[string]any{
		"error": "Invalid request data", "code": "invalid_request", "details": map[string]string{field: strings.TrimSuffix(reason, ".")},
	})
}
