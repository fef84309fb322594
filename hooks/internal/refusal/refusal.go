// Package refusal writes what is answered to whoever is refused, before a handler
// or in one: each surface has its shape, and this package alone knows them.
package refusal

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
)

// FunctionsPrefix is where the functions of the old French system answer.
const FunctionsPrefix = "/functions/v1/"

// Refusal is what a documented route says: {error, code, details?}.
type Refusal struct {
	Status int
	Text   string
	// Code is a stable word; "" is the status's.
	Code    string
	Details any // field → reason, or a text; nil leaves it out
	// Extra stands beside them.
	Extra map[string]any
}

// codes are the stable words for statuses.
var codes = map[int]string{
	400: "invalid_request", 401: "unauthorized", 402: "payment_required", 403: "forbidden", 404: "not_found", 405: "not_allowed",
	408: "timeout", 409: "conflict", 410: "gone", 413: "too_large", 415: "unsupported_type", 422: "unprocessable", 423: "locked",
	429: "too_many_requests", 500: "internal", 501: "not_implemented", 502: "provider_failed", 503: "unavailable",
	504: "provider_timeout", 507: "disk_full",
}

// Write answers in the shape of the documented routes.
func Write(e *core.RequestEvent, r Refusal) error {
	body := map[string]any{"error": r.Text, "code": cmp.Or(r.Code, codes[r.Status], "failed")}
	if r.Details != nil {
		body["details"] = r.Details
	}
	maps.Copy(body, r.Extra)
	if strings.HasPrefix(e.Request.URL.Path, FunctionsPrefix) {
		body["success"], body["message"] = false, r.Text // what that system's pages read
	}
	return e.JSON(r.Status, body)
}

// stock are the beginnings of PocketBase's own routes.
var stock = []string{
	"/api/collections", "/api/realtime", "/api/files/", "/api/logs", "/api/settings", "/api/backups", "/api/crons", "/api/batch", "/api/sql",
	"/api/oauth2-redirect", "/_/",
}

func isStock(path string) bool {
	return slices.ContainsFunc(stock, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// Answer is for whoever stands before every route: in the shape of the one that was
// asked.
func Answer(e *core.RequestEvent, status int, sentence string) error {
	return Coded(e, status, "", sentence)
}

// Coded is Answer with a word of its own in place of the status's; PocketBase's routes
// say none.
func Coded(e *core.RequestEvent, status int, code, sentence string) error {
	if isStock(e.Request.URL.Path) {
		return e.Error(status, sentence, nil)
	}
	return Write(e, Refusal{Status: status, Text: strings.TrimSuffix(sentence, "."), Code: code})
}

// Field is Answer's 400 for a field or parameter that no handler has seen yet.
func Field(e *core.RequestEvent, field, reason string) error {
	if isStock(e.Request.URL.Path) {
		return e.BadRequestError("Invalid request data.", validation.Errors{field: validation.NewError("validation_untrusted", reason)})
	}
	return Write(e, Refusal{
		Status: http.StatusBadRequest, Text: "Invalid request data", Details: map[string]string{field: strings.TrimSuffix(reason, ".")},
	})
}
