package facade

import (
	"errors"
	"net/http"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/vitals"
)

// answerError writes err in the routes' error shape, fields in the order in which the
// route documents them. Server errors keep their words for the log.
func answerError(e *core.RequestEvent, r Route, err error) error {
	if err == nil {
		return nil
	}
	refused := refusalOf(err)
	if refusal.Left(e, err) {
		refused = refusal.Of("client_left")
	}
	if vitals.DamagedFor(err) {
		vitals.Of(e.App).Saw(vitals.CauseOf(err))
		refused = refusal.Of("unavailable/damaged")
	}
	if refused.Status >= http.StatusInternalServerError && refused.Status != http.StatusServiceUnavailable {
		e.App.Logger().Error("documented route failed", "method", e.Request.Method, "pattern",
			e.Request.Pattern, "error", err)
	}
	if e.Written() {
		return nil
	}
	return refusal.Write(e, refused, r.place)
}

// place is where the route documents a field of its body or query; what it does not
// document comes last.
func (r Route) place(field string) int {
	head, _, _ := strings.Cut(field, ".")
	for at, documented := range []string{r.Body, r.Query} {
		if found := strings.Index(documented, `"`+head+`"`); found >= 0 {
			return at*lastPlace + found
		}
		if found := wordAt(documented, head); found >= 0 {
			return at*lastPlace + found
		}
	}
	return 2 * lastPlace
}

// wordAt is where a name stands in a text by itself, not in another name; -1 is nowhere.
func wordAt(text, name string) int {
	in := func(b byte) bool {
		return b == '_' || b == '-' || '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
	}
	for from := 0; name != ""; {
		found := strings.Index(text[from:], name)
		if found < 0 {
			break
		}
		start, end := from+found, from+found+len(name)
		if (start == 0 || !in(text[start-1])) && (end == len(text) || !in(text[end])) {
			return start
		}
		from = end
	}
	return -1
}

// lastPlace is beyond the longest documented body.
const lastPlace = 1 << 20

// refusalOf is what an error is told as.
func refusalOf(err error) *refusal.Refusal {
	if vitals.DiskFull(err) {
		return refusal.Of("disk_full")
	}
	if refused := refusal.From(err); refused != nil {
		return refused
	}
	var fields validation.Errors
	if errors.As(err, &fields) {
		reasons := map[string]string{}
		for name, reason := range fields {
			reasons[name] = reason.Error()
		}
		return refusal.Invalid(reasons)
	}
	var api *router.ApiError
	if !errors.As(err, &api) {
		// A plain error is ours, not the caller's.
		if api = router.ToApiError(err); api.Status == http.StatusBadRequest {
			return refusal.Of("internal")
		}
	}
	if api.Status == http.StatusUnauthorized {
		return refusal.Of("unauthorized")
	}
	refused := &refusal.Refusal{Status: api.Status, Text: strings.TrimSuffix(api.Message, ".")}
	if reasons := reasonsOf(api.Data); len(reasons) > 0 {
		refused.Details = reasons
	}
	return refused
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
