package httpjson

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Error is every failure of [Client.Do]. Neither its text nor its fields carry
// a token, a query string or a request header.
type Error struct {
	Provider string
	Method   string
	Path     string
	// Status is the HTTP status, 0 when there was no (complete) answer.
	Status int
	// RequestID is the provider's own number for the request, if it sent one.
	RequestID string
	// Body is the answer, secrets cut out. It may hold personal data: do not
	// log it.
	Body []byte
	// Header is the answer's header without cookies.
	Header http.Header
	// RetryAfter is the wait the provider asked for, 0 when it did not.
	RetryAfter time.Duration
	// Unclear means that the provider may have done what was asked: look
	// before you repeat.
	Unclear bool
	// Err is the cause when there was no answer.
	Err error
}

// Error names provider, method, path and status, never the body.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s", e.Provider, e.Method, e.Path)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports that the same request may succeed later: no answer, 408,
// 425, 429 or any 5xx.
func (e *Error) Temporary() bool {
	switch {
	case e.Status == 0:
		return !errors.Is(e.Err, ErrBlocked) && !errors.Is(e.Err, ErrTooLarge)
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly, e.Status == http.StatusTooManyRequests:
		return true
	}
	return e.Status >= http.StatusInternalServerError
}

func (c *Client) fail(r Request, status int, h http.Header, body []byte, err error, sent bool) *Error {
	e := &Error{Provider: c.cfg.Provider, Method: r.Method, Path: r.label(), Status: status, Header: cleanHeader(h),
		Body: c.redact(body)}
	if h != nil {
		e.RetryAfter = min(retryAfter(h, c.cfg.Now()), mostAfter)
		for _, name := range []string{"X-Request-Id", "Request-Id", "Cf-Ray"} {
			if v := h.Get(name); v != "" {
				e.RequestID = v
				break
			}
		}
	}
	if err != nil {
		e.Err = c.cause(err)
	}
	e.Unclear = unsafeMethod(r.Method) && sent && (status == 0 || status >= http.StatusInternalServerError)
	return e
}

// cause drops the address from a transport error: it repeats the URL, query
// included. The error stays matchable with errors.Is and errors.As.
func (c *Client) cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	text := Reason(err)
	if text == "" {
		text = string(c.redact([]byte(err.Error())))
	}
	return &quietError{text: text, err: err}
}

// quietError shows a safe text and keeps the cause for errors.Is.
type quietError struct {
	text string
	err  error
}

func (e *quietError) Error() string { return e.text }
func (e *quietError) Unwrap() error { return e.err }

// Reason puts a transport error into words that reveal neither the URL nor an
// address. It is empty when the error is of no known kind.
func Reason(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrBlocked):
		return ErrBlocked.Error()
	case errors.Is(err, ErrRedirect):
		return ErrRedirect.Error()
	case errors.Is(err, ErrTooLarge):
		return ErrTooLarge.Error()
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	case errors.As(err, &dns):
		return "the host name cannot be resolved"
	case strings.Contains(err.Error(), "x509:"), strings.Contains(err.Error(), "tls:"):
		return "the server's certificate or TLS is not valid"
	case errors.As(err, &op) && op.Op == "dial":
		return "cannot connect"
	case errors.As(err, &op), strings.Contains(err.Error(), "EOF"):
		return "the connection was lost"
	}
	return ""
}

var bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}`)

const redacted = "[redacted]"

func (c *Client) redact(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	for _, s := range c.secrets {
		b = bytes.ReplaceAll(b, []byte(s), []byte(redacted))
	}
	return bearer.ReplaceAll(b, []byte("$1 "+redacted))
}

// secretsOf collects what must never be shown: the configured secrets and the
// credentials of the Authorization header, scheme apart.
func secretsOf(cfg Config) []string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); len(s) >= 4 {
			out = append(out, s)
		}
	}
	for _, s := range cfg.Secrets {
		add(s)
	}
	for _, v := range cfg.Header.Values("Authorization") {
		if _, credential, ok := strings.Cut(v, " "); ok {
			add(credential)
		} else {
			add(v)
		}
	}
	return out
}

func cleanHeader(h http.Header) http.Header {
	if h == nil {
		return nil
	}
	h = h.Clone()
	h.Del("Set-Cookie")
	return h
}
