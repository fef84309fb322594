package intake

import (
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

// readBody looks at what a client sends before any handler does.
func readBody(e *core.RequestEvent) error {
	if e.Request.Body == nil || e.Request.ContentLength == 0 || e.Request.Method == http.MethodGet {
		return e.Next()
	}
	kind, _, err := mime.ParseMediaType(e.Request.Header.Get("Content-Type"))
	if err == nil && strings.HasPrefix(kind, "multipart/") { // streamed; its texts are looked at in the row
		return e.Next()
	}
	field, problem, err := "", error(nil), error(nil)
	if kind == "application/x-www-form-urlencoded" {
		var raw []byte
		if raw, err = io.ReadAll(e.Request.Body); err == nil {
			if values, bad := url.ParseQuery(string(raw)); bad == nil {
				if name, found := nul(values); found {
					field, problem = name, untrusted.ErrNUL
				}
			}
		}
	} else {
		var scan untrusted.Scanner
		_, err = io.Copy(&scan, e.Request.Body)
		field, problem = scan.Field, scan.Err
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
	return e.Next()
}
