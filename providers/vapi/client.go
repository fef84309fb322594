// Package vapi is Pocketline's client for Vapi (https://docs.vapi.ai), the
// service that gives an assistant ears and a voice.
//
// Its names follow Vapi's own Go SDK (NewClient, With…, one field per resource,
// List Create Get Update Delete), which cannot be resolved from the module
// proxy this project is built from. Unlike the SDK it watches the context while
// it waits, bounds everything it reads, and never repeats a POST that may have
// been received: a repeated POST /call rings the same person twice.
//
// The package also reads what Vapi sends to us: see [ParseMessage],
// [PresentedSecret], [VerifyHMAC] and [Outcome].
package vapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pocketline/pocketline/providers/internal/httpjson"
)

// DefaultBaseURL is Vapi's API in the United States; accounts in the EU use
// https://api.eu.vapi.ai.
const DefaultBaseURL = "https://api.vapi.ai"

// Client speaks to one Vapi account. Safe for concurrent use.
type Client struct {
	Assistants        *Assistants
	Squads            *Squads
	Tools             *Tools
	PhoneNumbers      *PhoneNumbers
	Calls             *Calls
	Chats             *Chats
	Sessions          *Sessions
	Files             *Files
	KnowledgeBases    *KnowledgeBases
	StructuredOutputs *StructuredOutputs
	Analytics         *Analytics

	api          *httpjson.Client
	controlHosts []string
	download     *http.Client
	listen       *http.Client
	hasKey       bool
}

// HasKey tells whether the client has an account's key: without one the provider
// refuses whatever it is asked.
func (c *Client) HasKey() bool { return c.hasKey }

type settings struct {
	core         httpjson.Config
	controlHosts []string
	hasKey       bool
}

// Option changes one setting of a [Client].
type Option func(*settings)

// WithToken sets the account's private key. It is sent only to the base URL.
func WithToken(token string) Option {
	return func(s *settings) {
		s.core.Header.Set("Authorization", "Bearer "+token)
		s.hasKey = token != ""
	}
}

// WithBaseURL points the client at another deployment, or at a stand-in.
func WithBaseURL(base string) Option {
	return func(s *settings) {
		if base != "" {
			s.core.BaseURL = base
		}
	}
}

// WithHTTPClient supplies the transport. Timeouts and redirects stay ours.
func WithHTTPClient(h *http.Client) Option {
	return func(s *settings) { s.core.HTTPClient = h }
}

// WithMaxAttempts sets how often a request is tried, the first time included;
// default 3.
func WithMaxAttempts(n int) Option {
	return func(s *settings) { s.core.MaxAttempts = n }
}

// WithUserAgent replaces the User-Agent, "pocketline" by default.
func WithUserAgent(ua string) Option {
	return func(s *settings) { s.core.UserAgent = ua }
}

// WithControlHosts allows controlling and hearing calls at more hosts than those
// under vapi.ai: "host" or "host:port", without encryption too. For the sandbox
// and for tests.
func WithControlHosts(hosts ...string) Option {
	return func(s *settings) {
		for _, h := range hosts {
			if h = strings.ToLower(strings.TrimSpace(h)); h != "" {
				s.controlHosts = append(s.controlHosts, h)
			}
		}
	}
}

// withSleep replaces the wait between attempts, in tests.
func withSleep(f func(context.Context, time.Duration) error) Option {
	return func(s *settings) { s.core.Sleep = f }
}

// NewClient returns a client for one account. A base URL that cannot be used
// is reported by the first request.
func NewClient(opts ...Option) *Client {
	s := settings{core: httpjson.Config{Provider: "vapi", BaseURL: DefaultBaseURL, Header: http.Header{}}}
	for _, o := range opts {
		o(&s)
	}
	c := &Client{api: httpjson.New(s.core), controlHosts: s.controlHosts, hasKey: s.hasKey}
	// Recordings are fetched from where Vapi's redirect points to. The guard
	// keeps that from being a way into our network; the base URL's own host is
	// trusted, because a stand-in serves its recordings itself.
	guard := httpjson.GuardOptions{AllowHTTP: true, MaxRedirects: 3, MaxBody: MaxRecording, Timeout: downloadTimeout}
	if u, err := url.Parse(c.api.BaseURL()); err == nil && u.Host != "" {
		guard.AllowHosts = []string{hostPort(u)}
	}
	c.download = httpjson.Guarded(guard)
	c.listen = listener(s.controlHosts)

	c.Assistants = &Assistants{c}
	c.Squads = &Squads{c}
	c.Tools = &Tools{c}
	c.PhoneNumbers = &PhoneNumbers{c}
	c.Calls = &Calls{c}
	c.Chats = &Chats{c}
	c.Sessions = &Sessions{c}
	c.Files = &Files{c}
	c.KnowledgeBases = &KnowledgeBases{c}
	c.StructuredOutputs = &StructuredOutputs{c}
	c.Analytics = &Analytics{c}
	return c
}

// For says for which organization the requests made with ctx are. What one
// organization's data makes fail is then not taken for an outage of Vapi's.
func For(ctx context.Context, organization string) context.Context {
	return httpjson.For(ctx, organization)
}

// OnRecovered adds what is called when Vapi answers again after an outage.
func (c *Client) OnRecovered(do func()) { c.api.OnRecovered(do) }

// Answered is when Vapi last answered, by its own clock; the zero time when it
// never did, or does not say.
func (c *Client) Answered() time.Time { return c.api.Answered() }

// do sends one request and turns a failure into an *Error.
func (c *Client) do(ctx context.Context, r httpjson.Request, out any) (*httpjson.Response, error) {
	resp, err := c.api.Do(ctx, r, out)
	if err != nil {
		return nil, wrapError(err)
	}
	return resp, nil
}

// send does a request whose answer is one T.
func send[T any](ctx context.Context, c *Client, r httpjson.Request) (*T, error) {
	out := new(T)
	if _, err := c.do(ctx, r, out); err != nil {
		return nil, err
	}
	return out, nil
}

func create[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	return send[T](ctx, c, httpjson.Request{Method: http.MethodPost, Path: path, Body: body})
}

func get[T any](ctx context.Context, c *Client, collection, id string) (*T, error) {
	path, err := item(collection, id)
	if err != nil {
		return nil, err
	}
	return send[T](ctx, c, httpjson.Request{Method: http.MethodGet, Path: path})
}

func update[T any](ctx context.Context, c *Client, collection, id string, body any) (*T, error) {
	path, err := item(collection, id)
	if err != nil {
		return nil, err
	}
	return send[T](ctx, c, httpjson.Request{Method: http.MethodPatch, Path: path, Body: body})
}

// remove deletes; what is already gone counts as deleted.
func remove(ctx context.Context, c *Client, collection, id string) error {
	path, err := item(collection, id)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, httpjson.Request{Method: http.MethodDelete, Path: path, MissingOK: true}, nil)
	return err
}

// item joins a collection and an id. An empty id would address the whole
// collection, and a slash something else, so both are refused.
func item(collection, id string) (string, error) {
	for _, r := range id {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return "", badID(collection)
		}
	}
	if id == "" || len(id) > 128 {
		return "", badID(collection)
	}
	return collection + "/" + id, nil
}

func badID(collection string) error {
	return &Error{Method: "-", Path: collection, Messages: []string{"the id is empty or not an id"}, Code: "invalid_id"}
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" || u.Scheme == "ws" {
			port = "80"
		}
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}
