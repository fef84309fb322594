package facade

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/hook"

	"github.com/pocketline/pocketline/hooks/internal/chain"
	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
)

// Inner is what one of PocketBase's own routes answered.
type Inner struct {
	Status int
	Header http.Header
	Body   []byte
	// refused is what a hook or route of ours refused it with; nil when PocketBase did.
	refused *refusal.Refusal
}

// Decode reads the body into v.
func (i *Inner) Decode(v any) error {
	if err := json.Unmarshal(i.Body, v); err != nil {
		return fmt.Errorf("read the record route's answer: %w", err)
	}
	return nil
}

// Err is nil for a 2xx answer, else the failure it stands for.
func (i *Inner) Err() error {
	if i.Status >= 200 && i.Status <= 299 {
		return nil
	}
	var said struct {
		Error   string         `json:"error"`
		Code    string         `json:"code"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
	}
	if err := json.Unmarshal(i.Body, &said); err != nil || i.Status == http.StatusUnauthorized ||
		said.Error+said.Message == "" {
		return &refusal.Refusal{Status: i.Status, Text: wording(i.Status)}
	}
	refused := &refusal.Refusal{Status: i.Status, Code: said.Code,
		Text: strings.TrimSuffix(cmp.Or(said.Message, said.Error), ".")}
	if reasons := reasonsOf(said.Data); len(reasons) > 0 {
		refused.Details = reasons
	}
	return refused
}

func wording(status int) string {
	if status == http.StatusUnauthorized {
		return refusal.Of("unauthorized").Text
	}
	return http.StatusText(status)
}

type innerKey struct{}

// inner travels in the request's context, where no client can put it.
type inner struct {
	auth *core.Record
	to   *Inner
}

// insideRequest gives a request of our own the caller it is made for, and
// keeps it out of the request log: the outer one is there.
func insideRequest() *hook.Handler[*core.RequestEvent] {
	skip := apis.SkipSuccessActivityLog()
	return chain.Middleware(chain.Inner, func(e *core.RequestEvent) error {
		in, ok := e.Request.Context().Value(innerKey{}).(inner)
		if !ok {
			return e.Next()
		}
		e.Auth = in.auth
		err := skip.Func(e)
		in.to.refused = refusal.From(err)
		return err
	})
}

// dropped are headers that belong to the outer request's body and connection,
// or would be read a second time.
var dropped = []string{"Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Accept-Encoding",
	"Cookie", "Connection", "Authorization", "Range", "If-None-Match"}

// Do asks a route of this server as the caller of e: same person, address and
// user agent. body is nil, raw bytes of JSON, or a value to encode. A returned
// error means that the question could not be put, not that it was refused.
func (f *Facade) Do(e *core.RequestEvent, method, path string, query url.Values, body any) (*Inner, error) {
	f.once.Do(func() {
		if f.routes == nil {
			f.muxErr = fmt.Errorf("facade: not mounted")
			return
		}
		f.mux, f.muxErr = f.routes.BuildMux()
	})
	if f.muxErr != nil {
		return nil, f.muxErr
	}
	var reader io.Reader = http.NoBody
	if body != nil {
		raw, ok := body.([]byte)
		if !ok {
			var err error
			if raw, err = json.Marshal(body); err != nil {
				return nil, fmt.Errorf("facade: encode body: %w", err)
			}
		}
		reader = bytes.NewReader(raw)
	}
	answer := &Inner{}
	ctx := context.WithValue(intake.Inside(e.Request.Context()), innerKey{}, inner{e.Auth, answer})
	r, err := http.NewRequestWithContext(ctx, method, (&url.URL{Path: path, RawQuery: query.Encode()}).String(), reader)
	if err != nil {
		return nil, fmt.Errorf("facade: %w", err)
	}
	r.Header = e.Request.Header.Clone()
	for _, name := range dropped {
		r.Header.Del(name)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.RemoteAddr, r.Host, r.TLS = e.Request.RemoteAddr, e.Request.Host, e.Request.TLS
	w := &buffer{header: http.Header{}}
	f.mux.ServeHTTP(w, r)
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if method == http.MethodGet {
		if err := tenant.Spend(e, int64(w.body.Len())); err != nil {
			return nil, err
		}
	}
	answer.Status, answer.Header, answer.Body = w.status, w.header, w.body.Bytes()
	return answer, nil
}

// buffer is a response kept in memory; rows and pages are bounded.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffer) Header() http.Header { return b.header }

func (b *buffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}
