// Package refusal is how this product says no: one table of all refusals with a code
// for programs and a sentence for people in both languages (table.json,
// docs/errors.md), and the shapes in which each surface tells them.
//
// A handler, a hook or a middleware returns refusal.Of("call_over"); which words stand
// in the answer's body is nobody else's business.
package refusal

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"
)

// FunctionsPrefix is where the functions of the old French system answer.
const FunctionsPrefix = "/functions/v1/"

// AuthPrefix is where the client library of that system signs people in.
const AuthPrefix = "/auth/v1/"

// libraryCodes are the words that library knows for statuses; it reads them in
// error_code, and the sentence in msg.
var libraryCodes = map[int]string{
	400: "validation_failed", 401: "no_authorization", 429: "over_request_rate_limit", 500: "unexpected_failure",
}

// Refusal is an error for whoever asked, as the documented routes tell it:
// {error, code, details?}. PocketBase's routes take it for one of their own.
type Refusal struct {
	Status int
	Text   string
	// Code is the table's word; "" is the status's.
	Code    string
	Details any // field → reason, or a text; nil leaves it out
	// Extra stands beside them.
	Extra map[string]any
	cause error
}

// Of is a refusal of the table; what varies in its sentence follows in order. It
// panics when the table has none of the name.
//
// Example: refusal.Of("call_over"), refusal.Of("not_found/call")
func Of(name string, gaps ...any) *Refusal {
	row, ok := byName()[name]
	if !ok {
		panic("refusal: the table has no " + name)
	}
	return &Refusal{Status: row.Status, Text: filled(row.English, gaps), Code: row.Code()}
}

// Saying is a refusal of the table in a sentence made elsewhere, by a rule that many
// places ask.
func Saying(name, sentence string) *Refusal {
	r := Of(name)
	r.Text = strings.TrimSuffix(sentence, ".")
	return r
}

// Invalid is the 400 of a body with wrong fields: field → reason.
func Invalid(reasons map[string]string) *Refusal { return Of("invalid_request").With(reasons) }

// With is the refusal with details: field → reason, or a text. Like At, Beside and For
// it leaves r as it is, so that one may be kept and told to many.
func (r *Refusal) With(details any) *Refusal {
	c := *r
	c.Details = details
	return &c
}

// At is the refusal with what is wrong with a field.
func (r *Refusal) At(field, reason string) *Refusal {
	return r.With(map[string]string{field: reason})
}

// Beside is the refusal with what stands beside the sentence in the answer.
func (r *Refusal) Beside(name string, value any) *Refusal {
	c := *r
	c.Extra = map[string]any{name: value}
	for beside, old := range r.Extra {
		if beside != name {
			c.Extra[beside] = old
		}
	}
	return &c
}

// For is the refusal with what lies behind it, which the log is told.
func (r *Refusal) For(err error) *Refusal {
	c := *r
	c.cause = err
	return &c
}

// Error is the refusal with what lies behind it, for logs.
func (r *Refusal) Error() string {
	if r.cause != nil {
		return fmt.Sprintf("%d: %s: %v", r.Status, r.Text, r.cause)
	}
	return fmt.Sprintf("%d: %s", r.Status, r.Text)
}

// Unwrap is what lies behind it.
func (r *Refusal) Unwrap() error { return r.cause }

// As lets PocketBase take it for an error of its own, and for what its fields are
// told by.
func (r *Refusal) As(target any) bool {
	switch target := target.(type) {
	case **router.ApiError:
		*target = router.NewApiError(r.Status, r.Text, r)
		return true
	case *validation.Errors:
		reasons, ok := r.Details.(map[string]string)
		if !ok {
			return false
		}
		*target = validation.Errors{}
		for field, reason := range reasons {
			(*target)[field] = validation.NewError(cmp.Or(r.Code, codeOf(r.Status)), reason)
		}
		return true
	}
	return false
}

// From is the refusal in an error, also in one that PocketBase made an error of its
// own of; nil when it is none.
func From(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	var api *router.ApiError
	if errors.As(err, &api) {
		if behind, ok := api.RawData().(error); ok {
			if r, ok := errors.AsType[*Refusal](behind); ok {
				return r
			}
		}
	}
	return nil
}

// Text a client sent may stand in a sentence about it: head and tail of it are kept.
const headMost, tailMost = 300, 150

// Short is a sentence without the middle of what is too long to be read.
func Short(sentence string) string {
	if len(sentence) <= headMost+tailMost {
		return sentence
	}
	return strings.ToValidUTF8(sentence[:headMost], "") + "…" + strings.ToValidUTF8(sentence[len(sentence)-tailMost:], "")
}

// details are what a refusal may have as such, short, fields in their order.
func (r *Refusal) details(order func(field string) int) any {
	switch d := r.Details.(type) {
	case string:
		return Short(d)
	case map[string]string:
		reasons := make(object, 0, len(d))
		for name, reason := range d {
			reasons = append(reasons, member{name, Short(reason)})
		}
		reasons.sort(order)
		return reasons
	}
	return r.Details
}

// Write answers in the shape of the documented routes. order is the place of a field
// among those of the route; nil is by name.
func Write(e *core.RequestEvent, r *Refusal, order func(field string) int) error {
	return e.JSON(r.Status, told(e, r, order))
}

// told is the answer's body.
func told(e *core.RequestEvent, r *Refusal, order func(field string) int) object {
	text := Short(strings.TrimSuffix(r.Text, "."))
	body := object{{"error", text}, {"code", cmp.Or(r.Code, codeOf(r.Status))}}
	if r.Details != nil {
		body = append(body, member{"details", r.details(order)})
	}
	if strings.HasPrefix(e.Request.URL.Path, AuthPrefix) {
		word := r.Code
		if known := libraryCodes[r.Status]; known != "" && cmp.Or(r.Code, codeOf(r.Status)) == codeOf(r.Status) {
			word = known
		}
		body = append(body, member{"error_code", cmp.Or(word, codeOf(r.Status))}, member{"msg", text})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Extra)) {
		body = body.set(name, r.Extra[name])
	}
	if strings.HasPrefix(e.Request.URL.Path, FunctionsPrefix) {
		body = body.set("success", false).set("message", text) // what that system's pages read
	}
	return body
}

// stock are the beginnings of PocketBase's own routes.
var stock = []string{
	"/api/collections", "/api/realtime", "/api/files/", "/api/logs", "/api/settings", "/api/backups", "/api/crons",
	"/api/batch", "/api/sql",
	"/api/oauth2-redirect", "/_/",
}

// IsStock tells whether a path is one of PocketBase's own routes, whose clients read its
// shapes.
func IsStock(path string) bool {
	return slices.ContainsFunc(stock, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// Answer is for whoever stands before every route: in the shape of the one that was
// asked.
func Answer(e *core.RequestEvent, r *Refusal) error {
	if IsStock(e.Request.URL.Path) {
		return r
	}
	return Write(e, r, nil)
}

// Field is Answer's 400 for a field or parameter that no handler has seen yet.
func Field(e *core.RequestEvent, field, reason string) error {
	if IsStock(e.Request.URL.Path) {
		return e.BadRequestError("Invalid request data.",
			validation.Errors{field: validation.NewError("validation_untrusted", reason)})
	}
	return Write(e, Of("invalid_request").At(field, strings.TrimSuffix(reason, ".")), nil)
}
