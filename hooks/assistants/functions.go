package assistants

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	validation "github.com/pocketbase/ozzo-validation/v4"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

const (
	// maxHeaders and maxHeaderBytes are far above what a server asks for and
	// fit the column when sealed.
	maxHeaders     = 20
	maxHeaderBytes = 3_000
	maxHeaderName  = 100
	// defaultTimeout fits a spoken conversation: callers hang up on silence.
	defaultTimeout = 10_000
)

// headerName is RFC 9110's token. Its length is compared: counted in the
// expression it would take 130 kB.
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// fixedHeaders are set by the request itself.
var fixedHeaders = []string{"Host", "Content-Length", "Content-Type", "Connection", "Transfer-Encoding",
	"Upgrade", "Trailer", "Te"}

// fillFunction sets what was left out.
func (d *domain) fillFunction(e *core.RecordEvent) error {
	if e.Record.GetString("type") == "" {
		e.Record.Set("type", collections.FunctionHTTP)
	}
	if e.Record.GetFloat("timeout_ms") == 0 {
		e.Record.Set("timeout_ms", defaultTimeout)
	}
	return e.Next()
}

// sealHeaders takes the body's headers, which a client may write and nobody
// reads: PocketBase itself drops a hidden field silently.
func (d *domain) sealHeaders(e *core.RecordRequestEvent) error {
	// The body as it was sent: RequestInfo has lost hidden fields by now.
	body := map[string]any{}
	if err := e.BindBody(&body); err != nil {
		return refusal.Of("unreadable_body").For(err)
	}
	if _, given := body["is_active"]; !given && e.Record.IsNew() {
		e.Record.Set("is_active", true)
	}
	value, given := body["headers"]
	if !given {
		return e.Next()
	}
	headers, err := readHeaders(value)
	if err != nil {
		return refusal.Of("invalid_request/headers").For(validation.Errors{
			"headers": validation.NewError("validation_invalid_headers", err.Error()),
		})
	}
	if e.Record.Id == "" {
		e.Record.Id = core.GenerateDefaultRandomId()
	}
	text := ""
	if len(headers) > 0 {
		data, err := json.Marshal(headers)
		if err != nil {
			return e.InternalServerError("", err)
		}
		if text, err = d.Sealed.Seal(string(data), sealed.Place(collections.Functions, e.Record.Id, "headers")); err != nil {
			return refusal.Of("internal/headers").For(err)
		}
	}
	e.Record.Set("headers", text)
	return e.Next()
}

// readHeaders reads {"Name": "value"}; null and {} are none. A form sends it as
// text.
func readHeaders(value any) (map[string]string, error) {
	object, err := headersObject(value)
	if object == nil || err != nil {
		return nil, err
	}
	if len(object) > maxHeaders {
		return nil, errors.New("These are too many headers.")
	}
	headers, size := map[string]string{}, 0
	for name, one := range object {
		text, ok := one.(string)
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case len(name) > maxHeaderName || !headerName.MatchString(name):
			return nil, errors.New("A header's name has letters, digits and dashes.")
		case !ok || strings.ContainsFunc(text, breaksLine):
			return nil, errors.New("A header's value is a text on one line.")
		case slices.Contains(fixedHeaders, canonical):
			return nil, errors.New("The header " + canonical + " cannot be set.")
		}
		headers[canonical] = text
		size += len(name) + len(text)
	}
	if size > maxHeaderBytes {
		return nil, errors.New("These headers are too long.")
	}
	return headers, nil
}

// headersObject is the object that was sent, or stood in a text; nil for none.
func headersObject(value any) (object map[string]any, err error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	case string:
		if v == "" || json.Unmarshal([]byte(v), &object) == nil {
			return object, nil
		}
	}
	return nil, errors.New("Headers must be an object of names and values.")
}

func breaksLine(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// showHeadersSet tells that there are headers, never which.
func (d *domain) showHeadersSet(e *core.RecordEnrichEvent) error {
	e.Record.WithCustomData(true)
	e.Record.Set("headers_set", e.Record.GetString("headers") != "")
	return e.Next()
}

func (d *domain) validateFunction(e *core.RecordEvent) error {
	f, found := e.Record, validation.Errors{}
	if raw := f.GetString("parameters"); raw != "" && raw != "null" {
		if text := checkSchema([]byte(raw)); text != "" {
			found["parameters"] = validation.NewError("validation_invalid_schema", text)
		}
	}
	if url := f.GetString("webhook_url"); url != "" && d.CheckURL != nil && url != f.Original().GetString("webhook_url") {
		if err := d.CheckURL(url); err != nil {
			found["webhook_url"] = validation.NewError("validation_invalid_address",
				"This address cannot be called: it must be a public https address.")
		}
	}
	if raw := f.GetString("messages"); raw != "" && raw != "null" {
		var list []map[string]any
		if f.UnmarshalJSONField("messages", &list) != nil {
			found["messages"] = validation.NewError("validation_invalid_list", "This must be a list of messages.")
		}
	}
	if len(found) > 0 {
		return found
	}
	return e.Next()
}

// checkSchema says what is wrong with a JSON schema of a function's arguments,
// "" when nothing is.
func checkSchema(raw []byte) string {
	var top struct {
		Type       any `json:"type"`
		Properties any `json:"properties"`
	}
	if json.Unmarshal(raw, &top) != nil {
		return "This must be a JSON schema: an object."
	}
	if empty := string(raw) == "{}"; !empty && top.Type != "object" {
		return `The schema's type must be "object": arguments have names.`
	}
	if _, ok := top.Properties.(map[string]any); top.Properties != nil && !ok {
		return "The schema's properties must be an object."
	}
	if _, err := untrusted.NewSchema(raw); err != nil {
		return err.Error()
	}
	return ""
}
