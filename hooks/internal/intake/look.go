package intake

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/untrusted"
)

// readAddress refuses a NUL in the path or a parameter.
func readAddress(e *core.RequestEvent) error {
	address := e.Request.URL
	if strings.ContainsRune(address.Path, 0) {
		return refusal.Field(e, "path", untrusted.ErrNUL.Error())
	}
	if strings.Contains(address.RawQuery, "%00") || strings.ContainsRune(address.RawQuery, 0) {
		if name, found := nul(address.Query()); found {
			return refusal.Field(e, name, untrusted.ErrNUL.Error())
		}
	}
	return e.Next()
}

// nul is the name of a value with a NUL in it.
func nul(values url.Values) (name string, found bool) {
	for name, all := range values {
		if strings.ContainsRune(name+strings.Join(all, ""), 0) {
			return strings.ReplaceAll(name, "\x00", ""), true
		}
	}
	return "", false
}

// readBody looks at what a client sends before any handler does: what stands in
// it, and how much parsing would make of it. Bodies of every method are looked
// at, because PocketBase reads them.
func readBody(e *core.RequestEvent) error {
	if e.Request.Body == nil || e.Request.Body == http.NoBody || e.Request.ContentLength == 0 {
		return e.Next()
	}
	kind, _, err := mime.ParseMediaType(e.Request.Header.Get("Content-Type"))
	if err == nil && strings.HasPrefix(kind, "multipart/") { // streamed; its texts are looked at in the row
		return e.Next()
	}
	h, _ := e.Get(heldKey).(*held) // nil: a superuser's, or looked at before
	field, problem, values, err := "", error(nil), 0, error(nil)
	if kind == "application/x-www-form-urlencoded" {
		var raw []byte
		raw, err = io.ReadAll(e.Request.Body)
		values = bytes.Count(raw, []byte("&"))
		if err == nil && (h == nil || values <= h.values) {
			if fields, bad := url.ParseQuery(string(raw)); bad == nil {
				if name, found := nul(fields); found {
					field, problem = name, untrusted.ErrNUL
				}
				values += payload(fields)
			}
		}
	} else {
		var scan untrusted.Scanner
		_, err = io.Copy(&scan, e.Request.Body)
		field, problem, values = scan.Field, scan.Err, scan.Values
	}
	if err != nil {
		return e.Next() // too large, or the sender left: whoever reads it gets the same error
	}
	if again, ok := e.Request.Body.(router.Rereader); ok {
		again.Reread()
	}
	if problem != nil {
		if field == "" {
			field = "body"
		}
		return refusal.Field(e, field, problem.Error())
	}
	if h != nil {
		if err := h.parsed(values); err != nil {
			return refuseBody(e, err)
		}
	}
	return e.Next()
}

// payload counts the values of JSON inside a form, which PocketBase parses.
func payload(form url.Values) int {
	var scan untrusted.Scanner
	for _, text := range form[router.JSONPayloadKey] {
		scan.Write([]byte(text)) //nolint:errcheck // never fails
	}
	return scan.Values
}
