package facade

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// Failure is an error with its place in the routes' error shape.
type Failure struct {
	Status  int
	Text    string
	Details any // field → reason, or a text; nil leaves it out
	Extra   map[string]any
}

// DiskFull is what anybody is told whose change finds no room.
const DiskFull = "The server's disk is full and nothing was changed; its operator has to make room"

// Error is the failure's text, for logs.
func (f *Failure) Error() string { return fmt.Sprintf("%d: %s", f.Status, f.Text) }

// Error makes an error with a status, a sentence for the caller and, when
// given, details: a map of field → reason, or a text.
func Error(status int, text string, details ...any) error {
	f := &Failure{Status: status, Text: text}
	if len(details) > 0 {
		f.Details = details[0]
	}
	return f
}

// Invalid is the 400 of a body with wrong fields: field → reason.
func Invalid(reasons map[string]string) error {
	return Error(http.StatusBadRequest, "Invalid request data", reasons)
}

// answerError writes err in the routes' error shape. Server errors keep their
// words for the log.
func answerError(e *core.RequestEvent, err error) error {
	if err == nil {
		return nil
	}
	failure := failureOf(err)
	if failure.Status >= http.StatusInternalServerError && failure.Status != http.StatusServiceUnavailable {
		e.App.Logger().Error("documented route failed", "method", e.Request.Method, "pattern", e.Request.Pattern, "error", err)
	}
	if e.Written() {
		return nil
	}
	return refusal.Write(e, refusal.Refusal{
		Status: failure.Status, Text: failure.Text, Details: failure.Details, Extra: failure.Extra,
	})
}

func failureOf(err error) *Failure {
	if vitals.DiskFull(err) {
		return &Failure{Status: http.StatusInsufficientStorage, Text: DiskFull}
	}
	var failure *Failure
	if errors.As(err, &failure) {
		if failure.Text == "" {
			copied := *failure
			copied.Text = wording(failure.Status)
			return &copied
		}
		return failure
	}
	var fields validation.Errors
	if errors.As(err, &fields) {
		reasons := map[string]string{}
		for name, reason := range fields {
			reasons[name] = reason.Error()
		}
		return &Failure{Status: http.StatusBadRequest, Text: "Invalid request data", Details: reasons}
	}
	var api *router.ApiError
	if !errors.As(err, &api) {
		// A plain error is ours, not the caller's.
		if api = router.ToApiError(err); api.Status == http.StatusBadRequest {
			return &Failure{Status: http.StatusInternalServerError, Text: "Internal server error"}
		}
	}
	failure = &Failure{Status: api.Status, Text: strings.TrimSuffix(api.Message, ".")}
	if api.Status == http.StatusUnauthorized {
		failure.Text = wording(api.Status)
	}
	if reasons := reasonsOf(api.Data); len(reasons) > 0 {
		failure.Details = reasons
	}
	// An error may have a word of its own in place of its status's.
	var word interface{ Word() string }
	if errors.As(err, &word) && word.Word() != "" {
		failure.Extra = map[string]any{"code": word.Word()}
	}
	return failure
}

func wording(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Authentication required"
	case http.StatusInternalServerError:
		return "Internal server error"
	}
	return http.StatusText(status)
}

// reasonsOf turns PocketBase's {field: {code, message}} into field → reason.
func reasonsOf(data map[string]any) map[string]string {
	reasons := map[string]string{}
	for name, value := range data {
		if m, ok := value.(map[string]any); ok {
			if message, ok := m["message"].(string); ok {
				reasons[name] = strings.TrimSuffix(message, ".")
				continue
			}
		}
		reasons[name] = "Invalid value"
	}
	return reasons
}
