package facade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// What a route documents as its body is what it knows: a field of a request that
// does not stand there is named in the answer's warnings, because it was passed
// over, as both old systems did without a word.

// names are the fields of a documented object.
type names struct {
	open bool // others are welcome
	sub  map[string]*names
}

// namesOf reads the short form in which routes document JSON: "…" for whatever
// one likes, "?" and parentheses for people, "or" between two forms.
func namesOf(body string) *names {
	found := &names{sub: map[string]*names{}}
	for rest := body; ; {
		at := strings.IndexByte(rest, '{')
		if at < 0 {
			return found
		}
		rest = found.object(rest[at+1:])
	}
}

// object reads up to the end of an object and returns what follows it.
func (n *names) object(text string) string {
	var keys []string // whose value comes next
	value := false
	for text != "" {
		switch {
		case text[0] == '}':
			return text[1:]
		case text[0] == '{':
			inner := &names{sub: map[string]*names{}}
			text = inner.object(text[1:])
			for _, key := range keys {
				n.sub[key] = inner.and(n.sub[key])
			}
			continue
		case text[0] == '(':
			_, after, _ := strings.Cut(text, ")")
			text = after
			continue
		case text[0] == '"':
			word, after, _ := strings.Cut(text[1:], `"`)
			if !value {
				keys = append(keys, word)
				n.sub[word] = n.sub[word].and(nil)
			}
			text = after
			continue
		case text[0] == ':':
			value = true
		case text[0] == ',':
			keys, value = nil, false
		case strings.HasPrefix(text, "…"):
			n.open = n.open || !value
		}
		text = text[1:]
	}
	return ""
}

// and joins two forms of a value.
func (n *names) and(other *names) *names {
	if n == nil || other == nil {
		if n == nil {
			return other
		}
		return n
	}
	joined := &names{open: n.open || other.open, sub: maps.Clone(n.sub)}
	for key, sub := range other.sub {
		joined.sub[key] = joined.sub[key].and(sub)
	}
	return joined
}

// unknown are the fields of a value that do not stand in n, in order.
func (n *names) unknown(value any, prefix string) (found []string) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			found = append(found, n.unknown(one, prefix)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if sub, ok := n.sub[key]; !ok && !n.open {
				found = append(found, prefix+key)
			} else if sub != nil {
				found = append(found, sub.unknown(value[key], prefix+key+".")...)
			}
		}
	}
	return slices.Compact(found)
}

// warned names what a route did not look at.
func warned(r Route, h func(e *core.RequestEvent) error) func(e *core.RequestEvent) error {
	if r.Method == http.MethodGet {
		return h
	}
	takes := namesOf(r.Body)
	return func(e *core.RequestEvent) error {
		if strings.HasPrefix(e.Request.Header.Get("Content-Type"), "multipart/") {
			return h(e) // its parts are files
		}
		raw, err := bodyOf(e)
		if err != nil {
			return h(e) // the handler meets it too
		}
		var body any
		if json.Unmarshal(raw, &body) != nil {
			return h(e)
		}
		fields := takes.unknown(body, "")
		if len(fields) == 0 {
			return h(e)
		}
		w := &warnedAnswer{ResponseWriter: e.Response}
		e.Response = w
		err = answerError(e, r, h(e))
		e.Response = w.ResponseWriter
		w.send(fields)
		return err
	}
}

const (
	// warningsMost is how many fields an answer names, warningLongest how many
	// bytes of each name: a body may have a hundred thousand.
	warningsMost   = 20
	warningLongest = 80
)

// Warnings are the sentences about fields that were passed over: the first of
// them by name, and how many more there are.
func Warnings(fields ...string) []string {
	list := make([]string, 0, min(len(fields), warningsMost)+1)
	for _, field := range fields[:min(len(fields), warningsMost)] {
		if len(field) > warningLongest {
			field = strings.ToValidUTF8(field[:warningLongest], "") + "…"
		}
		list = append(list, field+" is not known here and was ignored")
	}
	if more := len(fields) - warningsMost; more > 0 {
		list = append(list, fmt.Sprintf("%d more fields are not known here and were ignored", more))
	}
	return list
}

// warnedAnswer keeps an answer until the warnings can be put into it.
type warnedAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader remembers the status.
func (w *warnedAnswer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write keeps a part of the answer.
func (w *warnedAnswer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Written tells PocketBase that there is an answer.
func (w *warnedAnswer) Written() bool { return w.status != 0 }

// Status is the answer's, for PocketBase.
func (w *warnedAnswer) Status() int { return w.status }

// Unwrap lets http.ResponseController reach the connection.
func (w *warnedAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// send adds the warnings, when the answer is an object. A client that left
// misses it.
func (w *warnedAnswer) send(fields []string) {
	if w.status == 0 {
		return
	}
	raw, object := w.body.Bytes(), map[string]json.RawMessage{}
	if json.Unmarshal(raw, &object) == nil && object != nil {
		if list, err := json.Marshal(Warnings(fields...)); err == nil {
			object["warnings"] = list
		}
		if more, err := json.Marshal(object); err == nil {
			raw = more
		}
	}
	w.ResponseWriter.WriteHeader(w.status)
	_, _ = w.ResponseWriter.Write(raw)
}
