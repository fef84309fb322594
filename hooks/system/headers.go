package system

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/chain"
)

// hstsAge keeps browsers on https for half a year.
const hstsAge = "max-age=15552000"

// apiPolicy is the content security policy of answers that are data.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// headers adds what PocketBase's own security headers lack. Pages bring their
// own policy (package ui), stored files PocketBase's sandbox.
func headers(publicURL string) *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.Headers, func(e *core.RequestEvent) error {
		h, path := e.Response.Header(), e.Request.URL.Path
		h.Set("Referrer-Policy", "no-referrer")
		h.Del("X-XSS-Protection") // browsers dropped it; where it works it can be turned against a page
		if strings.HasPrefix(origin(e, publicURL), "https:") {
			h.Set("Strict-Transport-Security", hstsAge)
		}
		api := strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/functions/") || path == "/readyz"
		if api && !strings.HasPrefix(path, "/api/files/") {
			h.Set("Content-Security-Policy", apiPolicy)
			h.Set("Cache-Control", "no-store")
		}
		return e.Next()
	})
}

// keepFilePrivate keeps stored files out of shared caches: PocketBase lets them
// be kept for 30 days (security.md S48).
func keepFilePrivate(e *core.FileDownloadRequestEvent) error {
	e.Response.Header().Set("Cache-Control", "private, no-store")
	return e.Next()
}

// secretParameter are query parameters whose values the request log must not
// hold: tokens of files, and what people search for.
var secretParameter = regexp.MustCompile(`(?i)token|secret|signature|password|code|filter|search|phone|number|email|^(q|from|to|state)$`)

// pathToken is a path segment that is a token (/reset/<token>).
var pathToken = regexp.MustCompile(`/[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)

const redacted = "redacted"

// redactURL changes the address the request log is about to store. It runs
// just inside PocketBase's logger, after the request is answered.
func redactURL() *hook.Handler[*core.RequestEvent] {
	return chain.Middleware(chain.RedactURL, func(e *core.RequestEvent) error {
		err := e.Next()
		r := *e.Request // handlers may still hold the old one
		r.URL = redact(e.Request.URL)
		if from := r.Referer(); from != "" {
			r.Header = r.Header.Clone()
			r.Header.Set("Referer", redactText(from))
		}
		e.Request = &r
		return err
	})
}

func redactText(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return redacted
	}
	return redact(u).String()
}

func redact(u *url.URL) *url.URL {
	clean := *u
	clean.User = nil
	if pathToken.MatchString(clean.Path) {
		clean.Path = pathToken.ReplaceAllString(clean.Path, "/"+redacted)
		clean.RawPath = ""
	}
	if clean.RawQuery == "" {
		return &clean
	}
	query, err := url.ParseQuery(clean.RawQuery)
	if err != nil {
		clean.RawQuery = redacted
		return &clean
	}
	changed := false
	for name, values := range query {
		if secretParameter.MatchString(name) {
			for i := range values {
				values[i] = redacted
			}
			changed = true
		}
	}
	if changed {
		clean.RawQuery = query.Encode()
	}
	return &clean
}
