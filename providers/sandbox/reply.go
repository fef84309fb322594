package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// apiError is an error in Vapi's shape: {message: text or list, error, statusCode}.
type apiError struct {
	status  int
	message any // string or []string
	extra   object
}

func (e *apiError) Error() string {
	if lines, ok := e.message.([]string); ok {
		return strings.Join(lines, "; ")
	}
	text, _ := e.message.(string)
	return text
}

func refuse(status int, message string) error { return &apiError{status: status, message: message} }

// invalid is the validation error: a list of messages under 400.
func invalid(messages ...string) error {
	return &apiError{status: http.StatusBadRequest, message: messages}
}

// nouns are the words of "Couldn't find that …".
var nouns = map[string]string{"phone-number": "phone number", "knowledge-base": "knowledge base",
	"structured-output": "structured output"}

func notFound(kind string) error {
	noun := kind
	if n := nouns[kind]; n != "" {
		noun = n
	}
	return refuse(http.StatusNotFound, "Couldn't find that "+noun+".")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // the client has gone; there is nobody to tell
}

func writeError(w http.ResponseWriter, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{status: http.StatusInternalServerError, message: err.Error()}
	}
	writeJSON(w, e.status,
		with(object{"message": e.message, "error": http.StatusText(e.status), "statusCode": e.status}, e.extra))
}

// readObject decodes a JSON object from the request; an empty body is an empty object.
func readObject(w http.ResponseWriter, r *http.Request) (object, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, refuse(http.StatusRequestEntityTooLarge, "request entity too large")
		}
		return nil, refuse(http.StatusBadRequest, "could not read the body")
	}
	if len(strings.TrimSpace(string(raw))) == 0 {
		return object{}, nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, refuse(http.StatusBadRequest, "Unexpected token in JSON: "+err.Error())
	}
	body, ok := v.(object)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "the body must be a JSON object")
	}
	return body, nil
}
