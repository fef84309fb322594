package intake

import (
	"bytes"
	"cmp"
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
	var scan untrusted.Scanner
	if kind == "application/x-www-form-urlencoded" {
		scan, err = scanForm(e.Request.Body, h)
	} else {
		_, err = io.Copy(&scan, e.Request.Body)
	}
	if err != nil {
		return e.Next() // too large, or the sender left: whoever reads it gets the same error
	}
	if again, ok := e.Request.Body.(router.Rereader); ok {
		again.Reread()
	}
	if scan.Err != nil {
		return refusal.Field(e, cmp.Or(scan.Field, "body"), scan.Err.Error())
	}
	if scan.Null() && readsObject(e.Request) {
		return refusal.Answer(e, refusal.Of("unreadable_body/object"))
	}
	if h != nil {
		if err := h.parsed(scan.Values); err != nil {
			return refuseBody(e, err)
		}
	}
	return e.Next()
}

// readsObject tells a request whose body PocketBase takes for an object, and breaks off
// at the word null.
func readsObject(r *http.Request) bool {
	return (r.Method == http.MethodPost || r.Method == http.MethodPatch) &&
		strings.HasPrefix(r.URL.Path, "/api/collections/") && !strings.HasSuffix(r.URL.Path, "/auth-refresh")
}

// scanForm says of a form what the scanner says of JSON. One with more values than
// may be held is not taken apart.
func scanForm(body io.Reader, h *held) (scan untrusted.Scanner, err error) {
	raw, err := io.ReadAll(body)
	scan.Values = bytes.Count(raw, []byte("&"))
	if err != nil || h != nil && scan.Values > h.values {
		return scan, err
	}
	if fields, bad := url.ParseQuery(string(raw)); bad == nil {
		if name, found := nul(fields); found {
			scan.Field, scan.Err = name, untrusted.ErrNUL
		}
		scan.Values += payload(fields)
	}
	return scan, nil
}

// payload counts the values of JSON inside a form, which PocketBase parses.
func payload(form url.Values) int {
	var scan untrusted.Scanner
	for _, text := range form[router.JSONPayloadKey] {
		scan.Write([]byte(text)) //nolint:errcheck // never fails
	}
	return scan.Values
}

// Peek reads a body that the route reads again; false when it cannot be read.
func Peek(e *core.RequestEvent, form any) bool {
	err := e.BindBody(form)
	if body, ok := e.Request.Body.(router.Rereader); ok {
		body.Reread()
	}
	return err == nil
}
