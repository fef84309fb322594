package vapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// Error is every failure of this package's requests. Error() gives Vapi's own
// words, fit to be shown to whoever made the change; neither it nor any field
// holds a token or a control URL.
type Error struct {
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Messages are Vapi's words: one, or one per field for a validation error.
	Messages []string
	// Code is Vapi's short name of the error, for example "Bad Request".
	Code string
	// RequestID is what Vapi's support asks for.
	RequestID string
	// Body is the raw answer. It may hold personal data: do not log it.
	Body []byte
	// Header is the answer's header.
	Header http.Header
	// Method and Path say what was asked.
	Method string
	Path   string
	// RetryAfter is the wait Vapi asked for, 0 when it did not.
	RetryAfter time.Duration
	// Unclear means that Vapi may have done what was asked although no good
	// answer came: look before repeating.
	Unclear bool

	cause error
}

const maxErrorText = 600

// Error is Vapi's own words, or what kept them from us.
func (e *Error) Error() string {
	text := first(strings.Join(e.Messages, "; "), e.Code, http.StatusText(e.Status))
	if e.Status == 0 && len(e.Messages) == 0 && e.cause != nil {
		text = reasonOf(e.cause)
	}
	if r := []rune(text); len(r) > maxErrorText {
		text = string(r[:maxErrorText]) + "…"
	}
	if e.Status == 0 {
		return "vapi: " + text
	}
	return "vapi: " + text + " (" + strconv.Itoa(e.Status) + ")"
}

// reasonOf is the innermost sentence: method and path are fields already.
func reasonOf(err error) string {
	var core *httpjson.Error
	if errors.As(err, &core) && core.Err != nil {
		err = core.Err
	}
	return err.Error()
}

// Unwrap gives the cause when there was no answer.
func (e *Error) Unwrap() error { return e.cause }

// Temporary reports that the same request may succeed later.
func (e *Error) Temporary() bool {
	var core *httpjson.Error
	if errors.As(e.cause, &core) {
		return core.Temporary()
	}
	return e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError
}

// IsNotFound reports an id Vapi does not know.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsRateLimited reports that Vapi asks for patience.
func IsRateLimited(err error) bool { return hasStatus(err, http.StatusTooManyRequests) }

// IsPaymentRequired reports an account without card or completed payment.
func IsPaymentRequired(err error) bool { return hasStatus(err, http.StatusPaymentRequired) }

// IsUnauthorized reports a key that Vapi does not accept.
func IsUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsConflict reports an object that cannot be deleted because a version of
// another one pins it.
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// IsValidation reports that Vapi refused what was sent; Messages say why.
func IsValidation(err error) bool {
	return hasStatus(err, http.StatusBadRequest) || hasStatus(err, http.StatusUnprocessableEntity)
}

func hasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

func wrapError(err error) error {
	var core *httpjson.Error
	if !errors.As(err, &core) {
		return err
	}
	e := &Error{Status: core.Status, RequestID: core.RequestID, Body: core.Body, Header: core.Header,
		Method: core.Method, Path: core.Path, RetryAfter: core.RetryAfter, Unclear: core.Unclear, cause: core}
	e.Messages, e.Code = readErrorBody(core.Body)
	return e
}

// readErrorBody reads {"message": text or list, "error": text}, the shape Vapi
// answers with, and tolerates anything else.
func readErrorBody(body []byte) (messages []string, code string) {
	var doc struct {
		Message json.RawMessage `json:"message"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return nil, ""
	}
	messages = texts(doc.Message)
	if c := texts(doc.Error); len(c) > 0 {
		code = c[0]
	}
	return messages, code
}

// texts reads a string, or a list of strings and objects.
func texts(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		if one = strings.TrimSpace(one); one == "" {
			return nil
		}
		return []string{one}
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) == nil {
		var out []string
		for _, m := range many {
			if json.Unmarshal(m, &one) == nil {
				out = append(out, one)
			} else {
				out = append(out, string(m))
			}
		}
		return out
	}
	var nested struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &nested) == nil && nested.Message != "" {
		return []string{nested.Message}
	}
	return nil
}
