package facade

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

const functionsPrefix = refusal.FunctionsPrefix

// wrapper is how the old client library wrapped a request to a function: the
// real verb in method, the body (or, for GET, the query) in data, the rest of
// the path in id and action.
type wrapper struct {
	Method string         `json:"method"`
	Data   map[string]any `json:"data"`
	ID     string         `json:"id"`
	Action string         `json:"action"`
}

var wrapperKeys = []string{"method", "data", "id", "action"}

// invoke answers POST /functions/v1/<function> with a wrapper as its body like
// the request inside (requirements S-046, S-053).
func (f *Facade) invoke() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.Invoke, func(e *core.RequestEvent) error {
		function, ok := strings.CutPrefix(e.Request.URL.Path, functionsPrefix)
		if !ok || e.Request.Method != http.MethodPost || function == "" ||
			strings.Contains(strings.TrimSuffix(function, "/"), "/") {
			return e.Next()
		}
		raw, err := bodyOf(e)
		if err != nil {
			return answerError(e, Route{}, err)
		}
		w, ok := unwrap(raw)
		if !ok {
			return e.Next()
		}
		return answerError(e, Route{}, f.forward(e, strings.TrimSuffix(function, "/"), w))
	})
}

// unwrap recognizes a wrapper: an object with method or action and nothing
// but the wrapper's keys.
func unwrap(raw []byte) (wrapper, bool) {
	var keys map[string]any
	if json.Unmarshal(raw, &keys) != nil {
		return wrapper{}, false
	}
	if keys["method"] == nil && keys["action"] == nil {
		return wrapper{}, false
	}
	for key := range keys {
		if !slices.Contains(wrapperKeys, key) {
			return wrapper{}, false
		}
	}
	var w wrapper
	if json.Unmarshal(raw, &w) != nil {
		return wrapper{}, false
	}
	w.Method = strings.ToUpper(w.Method)
	if w.Method == "" {
		w.Method = http.MethodPost
	}
	switch w.Method {
	case http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete:
		return w, true
	}
	return wrapper{}, false
}

func (f *Facade) forward(e *core.RequestEvent, function string, w wrapper) error {
	path := functionsPrefix + function
	id := w.ID
	if id == "" && w.Method != http.MethodPost {
		id, _ = w.Data["id"].(string)
	}
	for _, part := range []string{id, w.Action} {
		if strings.ContainsAny(part, "/?#") || part == "." || part == ".." {
			return refusal.Of("invalid_request/words")
		}
		if part != "" {
			path += "/" + part
		}
	}
	query := e.Request.URL.Query()
	var body any
	if w.Method == http.MethodGet || w.Method == http.MethodDelete {
		for key, value := range w.Data {
			if key != "id" {
				query.Set(key, fmt.Sprint(value))
			}
		}
	} else {
		if w.Data == nil {
			w.Data = map[string]any{}
		}
		body = w.Data
	}
	in, err := f.Do(e, w.Method, path, url.Values(query), body)
	if err != nil {
		return err
	}
	if kind := in.Header.Get("Content-Type"); kind != "" {
		e.Response.Header().Set("Content-Type", kind)
	}
	e.Response.WriteHeader(in.Status)
	_, err = e.Response.Write(in.Body)
	return err
}

// bodyMax bounds the JSON these routes read: 2 MB.
const bodyMax = 2 << 20

// bodyOf reads the request's body and leaves it readable again.
func bodyOf(e *core.RequestEvent) ([]byte, error) {
	if e.Request.Body == nil {
		return nil, nil
	}
	if e.Request.ContentLength > bodyMax {
		return nil, refusal.Of("too_large/object")
	}
	raw, err := io.ReadAll(io.LimitReader(e.Request.Body, bodyMax+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > bodyMax {
		return nil, refusal.Of("too_large/object")
	}
	if again, ok := e.Request.Body.(router.Rereader); ok {
		again.Reread()
	}
	return raw, nil
}

// Body reads a JSON object. An empty body is an empty object; anything else,
// and duplicate keys, are a 400.
func Body(e *core.RequestEvent) (map[string]any, error) {
	raw, err := bodyOf(e)
	if err != nil {
		return nil, err
	}
	body := map[string]any{}
	if len(strings.TrimSpace(string(raw))) == 0 {
		return body, nil
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, refusal.Of("unreadable_body/object").With(unreadable(err))
	}
	if body == nil { // the literal null
		return nil, refusal.Of("unreadable_body/object").With(unreadable(nil))
	}
	return body, nil
}

// unreadable says why a body could not be read; nil stands for JSON of another kind.
func unreadable(err error) string {
	broken, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok:
		return "It is JSON of another kind: an object begins with {"
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Sprintf("The field %s stands there twice", broken.JSONPointer.LastToken())
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "It ends before the object does"
	}
	return fmt.Sprintf("It is not JSON from byte %d on", broken.ByteOffset+1)
}

// TextOf is the first text of a body that says something under one of the names,
// without spaces around it.
func TextOf(body map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := body[name].(string); ok && strings.TrimSpace(s) != "" {
			return strings.TrimSpace(s)
		}
	}
	return ""
}
