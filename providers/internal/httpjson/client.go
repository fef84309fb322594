// Package httpjson is the single path of every request Pocketline makes to a
// provider: it owns the timeout, the retries, the circuit breaker, the size
// limit on answers, the turning of a status into an error, and the rule that no
// token ever appears in an error.
//
// It is also the only package that dials addresses a customer typed in; see
// [Guarded].
package httpjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultTimeout bounds one attempt. Providers answer in well under a
	// second; whoever waits on a screen gives up after about this long.
	DefaultTimeout = 15 * time.Second
	// LongTimeout is for uploads and for answers a language model writes.
	LongTimeout = 60 * time.Second
	// DefaultMaxAttempts counts the first try.
	DefaultMaxAttempts = 3
	// DefaultMaxBody bounds an answer that is read into memory, in bytes.
	DefaultMaxBody = 10 << 20

	firstWait = 500 * time.Millisecond
	maxWait   = 10 * time.Second
	// maxAsked is what of the waits a provider asks for is waited here, all
	// together: somebody may be sitting before a screen. Longer ones belong to the
	// outbox, which survives a restart.
	maxAsked = 5 * time.Second
	// maxDrain is what is read of an unwanted body so that the connection can
	// be used again.
	maxDrain = 64 << 10
)

// ErrTooLarge is returned when an answer is longer than the limit.
var ErrTooLarge = errors.New("answer is too large")

// Config describes one provider account. Only Provider and BaseURL are needed.
type Config struct {
	// Provider is the first word of every error, for example "vapi".
	Provider string
	// BaseURL is put before every Request.Path; http or https.
	BaseURL string
	// Header is sent with each request to BaseURL, usually Authorization.
	Header http.Header
	// UserAgent defaults to "pocketline".
	UserAgent string
	// HTTPClient supplies the transport. Its timeout and redirect policy are
	// not used: the timeout is per request, and redirects are never followed.
	HTTPClient *http.Client
	// Timeout bounds one attempt, reading the answer included.
	Timeout time.Duration
	// MaxAttempts counts the first try; 1 turns retries off.
	MaxAttempts int
	// MaxBody bounds an answer in bytes.
	MaxBody int64
	// Secrets are cut out of every error text and error body. Values of an
	// Authorization header in Header are added by New.
	Secrets []string

	// Sleep waits between attempts and returns early with the context's error.
	// Tests replace it.
	Sleep func(context.Context, time.Duration) error
	// Now and Jitter (0 ≤ x < 1) are replaced by tests.
	Now    func() time.Time
	Jitter func() float64
}

// Request is one call to a provider.
type Request struct {
	Method string
	// Path is appended to the base URL and named in errors, so it must not
	// carry a secret.
	Path string
	// URL, when set, is used instead of base URL and Path. It never appears in
	// an error, the client's own headers are not sent to it, and the circuit
	// breaker does not count it.
	URL   string
	Query url.Values
	// Header is added to the client's headers.
	Header http.Header
	// Body is sent as JSON unless nil.
	Body any
	// Raw is sent as it is, with ContentType, when Body is nil.
	Raw         []byte
	ContentType string
	// Timeout overrides Config.Timeout for this request.
	Timeout time.Duration
	// MissingOK makes 404 a success; for DELETE.
	MissingOK bool
	// Redirect returns a 3xx answer to the caller instead of an error. It is
	// never followed here.
	Redirect bool
	// Stream hands the body of a 2xx answer over unread, in Response.Stream,
	// bounded to MaxStream bytes. The caller closes it. Timeout then covers the
	// reading too.
	Stream    bool
	MaxStream int64
}

// Response is an answer that was not an error.
type Response struct {
	Status int
	Header http.Header
	// Body is the whole answer; nil for a streamed one.
	Body []byte
	// Stream is set only for Request.Stream; closing it is the caller's duty.
	Stream io.ReadCloser
	// Size is the announced length of a stream in bytes, -1 when unknown.
	Size int64
}

// Client speaks to one provider account. Safe for concurrent use.
type Client struct {
	cfg     Config
	http    *http.Client
	secrets []string
	breaker breaker
	err     error

	mu        sync.Mutex
	recovered []func()
	answered  time.Time
}

// Answered is when the provider last answered, by the provider's own clock; the
// zero time when it never did, or does not say.
func (c *Client) Answered() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered
}

// noteDate keeps what an answer says of the time.
func (c *Client) noteDate(h http.Header) {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.answered = at.UTC()
	}
}

// OnRecovered adds what is called when the provider answers again after
// requests in a row had failed. It must not wait for anything.
func (c *Client) OnRecovered(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recovered = append(c.recovered, do)
}

func (c *Client) tellRecovered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, do := range c.recovered {
		do()
	}
}

// New returns a client. A base URL that cannot be used is reported by the
// first request, as an *Error.
func New(cfg Config) *Client {
	cfg.fill()
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")

	c := &Client{cfg: cfg, http: &http.Client{CheckRedirect: neverRedirect}}
	if cfg.HTTPClient != nil {
		c.http.Transport = cfg.HTTPClient.Transport
		c.http.Jar = cfg.HTTPClient.Jar
	}
	if c.http.Transport == nil {
		c.http.Transport = newTransport()
	}
	c.secrets = secretsOf(cfg)
	u, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		c.err = errors.New("the base URL is not a usable http or https address")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		c.err = errors.New("the base URL must not carry a user, a query or a fragment")
	}
	return c
}

// fill sets what was left out.
func (cfg *Config) fill() {
	if cfg.UserAgent == "" {
		cfg.UserAgent = "pocketline"
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxAttempts <= 0 {
		cfg.MaxAttempts = DefaultMaxAttempts
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Jitter == nil {
		cfg.Jitter = rand.Float64
	}
}

// BaseURL is the configured address without a slash at the end.
func (c *Client) BaseURL() string { return c.cfg.BaseURL }

func neverRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           50,
		MaxIdleConnsPerHost:    20,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// Do sends the request and decodes a JSON answer into out, unless out is nil
// or the answer is empty. Every failure is an *[Error].
//
// GET is tried again on 429, 502, 503, 504 and when the connection fails. What
// writes is tried again only on 429, and when no connection could be made at all: a
// retry can never place a second call, and a change whose answer was lost is told
// to the caller as unclear.
func (c *Client) Do(ctx context.Context, r Request, out any) (*Response, error) {
	if c.err != nil {
		return nil, &Error{Provider: c.cfg.Provider, Method: r.Method, Path: r.label(), Err: c.err}
	}
	body, contentType, err := r.encode()
	if err != nil {
		return nil, &Error{Provider: c.cfg.Provider, Method: r.Method, Path: r.label(),
			Err: fmt.Errorf("encode the request: %w", err)}
	}
	counted := r.URL == ""
	if counted && !c.breaker.allow(c.cfg.Now()) {
		return nil, &Error{Provider: c.cfg.Provider, Method: r.Method, Path: r.label(), Err: ErrOpen}
	}
	resp, failure := c.attempts(ctx, r, body, contentType)
	if counted {
		if c.breaker.record(c.cfg.Now(), verdictOf(ctx, failure), partyOf(ctx)) {
			c.tellRecovered()
		}
	}
	if failure != nil {
		return nil, failure
	}
	if out != nil && resp.Stream == nil && len(bytes.TrimSpace(resp.Body)) > 0 && resp.Status < 300 {
		if err := json.Unmarshal(resp.Body, out); err != nil {
			var mismatch *json.UnmarshalTypeError
			// A field of an unexpected kind is no reason to lose the rest: the
			// decoder has filled everything else.
			if !errors.As(err, &mismatch) {
				return nil, &Error{Provider: c.cfg.Provider, Method: r.Method, Path: r.label(), Status: resp.Status,
					Header: cleanHeader(resp.Header), Unclear: unsafeMethod(r.Method), Err: fmt.Errorf("answer is not JSON: %w", err)}
			}
		}
	}
	return resp, nil
}

func (c *Client) attempts(ctx context.Context, r Request, body []byte, contentType string) (*Response, *Error) {
	var asked time.Duration
	for attempt := 1; ; attempt++ {
		resp, sent, failure := c.once(ctx, r, body, contentType)
		if failure == nil {
			return resp, nil
		}
		if attempt >= c.cfg.MaxAttempts || ctx.Err() != nil || !mayRepeat(r.Method, failure.Status, sent, failure.Err) {
			return nil, failure
		}
		wait := c.backoff(attempt)
		if failure.RetryAfter > 0 {
			if asked += failure.RetryAfter; asked > maxAsked {
				return nil, failure
			}
			wait = failure.RetryAfter
		}
		// Sleeping past the deadline helps nobody: say now what went wrong.
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return nil, failure
		}
		if err := c.cfg.Sleep(ctx, wait); err != nil {
			return nil, failure
		}
	}
}

// once makes one attempt. sent says whether a connection existed, that is,
// whether the provider may have seen the request.
func (c *Client) once(ctx context.Context, r Request, body []byte, contentType string) (_ *Response,
	sent bool, _ *Error) {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = c.cfg.Timeout
	}
	reqCtx, cancel := context.WithTimeout(ctx, timeout)
	streaming := false
	defer func() {
		if !streaming {
			cancel()
		}
	}()
	traced := httptrace.WithClientTrace(reqCtx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { sent = true },
	})
	req, err := c.build(traced, r, body, contentType)
	if err != nil {
		return nil, false, c.fail(r, 0, nil, nil, err, false)
	}
	// A long download may take its time, but its first byte may not.
	var late atomic.Bool
	if r.Stream && timeout > c.cfg.Timeout {
		timer := time.AfterFunc(c.cfg.Timeout, func() { late.Store(true); cancel() })
		defer timer.Stop()
	}
	res, err := c.http.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		} else if late.Load() {
			err = context.DeadlineExceeded
		}
		return nil, sent, c.fail(r, 0, nil, nil, err, sent)
	}
	if r.URL == "" {
		c.noteDate(res.Header)
	}
	if streaming = succeeded(res) && r.Stream; streaming {
		limit := r.MaxStream
		if limit <= 0 {
			limit = c.cfg.MaxBody
		}
		return &Response{Status: res.StatusCode, Header: res.Header, Size: res.ContentLength,
			Stream: &boundedBody{ReadCloser: res.Body, left: limit, done: cancel}}, true, nil
	}
	defer res.Body.Close()
	answer, failed := c.read(r, res)
	return answer, true, failed
}

func succeeded(res *http.Response) bool { return res.StatusCode >= 200 && res.StatusCode < 300 }

// expected tells whether the status is one the caller asked to see.
func (r Request) expected(status int) bool {
	return r.Redirect && status >= 300 && status < 400 || r.MissingOK && status == http.StatusNotFound
}

// read takes an answer's whole body.
func (c *Client) read(r Request, res *http.Response) (*Response, *Error) {
	data, err := io.ReadAll(io.LimitReader(res.Body, c.cfg.MaxBody+1))
	if err == nil && int64(len(data)) > c.cfg.MaxBody {
		err = ErrTooLarge
		data = nil
	}
	io.CopyN(io.Discard, res.Body, maxDrain) // best effort, only to reuse the connection
	switch ok := succeeded(res); {
	case ok && err != nil:
		// The provider has done the work; only its answer is lost.
		return nil, c.fail(r, 0, res.Header, nil, err, true)
	case ok, r.expected(res.StatusCode):
		return &Response{Status: res.StatusCode, Header: res.Header, Body: data}, nil
	}
	return nil, c.fail(r, res.StatusCode, res.Header, data, nil, true)
}

func (c *Client) build(ctx context.Context, r Request, body []byte, contentType string) (*http.Request, error) {
	target := r.URL
	if target == "" {
		target = c.cfg.BaseURL + r.Path
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, reader)
	if err != nil {
		return nil, err
	}
	if len(r.Query) > 0 {
		req.URL.RawQuery = r.Query.Encode()
	}
	if r.URL == "" {
		copyHeader(req.Header, c.cfg.Header)
	}
	copyHeader(req.Header, r.Header)
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if req.Header.Get("Accept") == "" && !r.Stream {
		req.Header.Set("Accept", "application/json")
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req, nil
}

func (r Request) encode() ([]byte, string, error) {
	if r.Body == nil {
		return r.Raw, r.ContentType, nil
	}
	data, err := json.Marshal(r.Body)
	return data, "application/json", err
}

func (r Request) label() string {
	if r.URL != "" {
		return "(given address)"
	}
	return r.Path
}

func copyHeader(dst, src http.Header) {
	for k, values := range src {
		dst[http.CanonicalHeaderKey(k)] = append([]string(nil), values...)
	}
}
