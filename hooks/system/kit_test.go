package system

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/hooks/internal/audit"
	"github.com/pocketline/pocketline/hooks/internal/facade"
	"github.com/pocketline/pocketline/hooks/internal/mirror"
	"github.com/pocketline/pocketline/hooks/internal/outbox"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// site is an app with this domain's routes.
type site struct {
	t   testing.TB
	app *tests.TestApp
	mux http.Handler
}

func serve(t testing.TB, d Deps, resources ...facade.Resource) *site {
	t.Helper()
	d.Key, d.Version = make([]byte, 32), "1.2.3"
	app := testkit.New(t, func(app core.App) {
		tenant.Register(app, tenant.AnswerLimits{})
		audit.Register(app)
		d.Facade = facade.New(app)
		d.Facade.Resources(resources...)
		d.Mirror = mirror.New(app, outbox.New(app))
		if err := Register(app, d); err != nil {
			t.Fatal(err)
		}
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			d.Facade.Mount(se)
			return se.Next()
		})
	})
	return &site{t, app, testkit.Mux(t, app)}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) cookie(name string) string {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (s *site) ask(person, method, target string, body any, header map[string]string) answer {
	s.t.Helper()
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, target, r)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range testkit.As(s.t, person) {
		req.Header.Set(k, v)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, req)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// empty makes the installation one nobody has an account on.
func (s *site) empty() {
	s.t.Helper()
	for _, table := range []string{"users", "memberships", "organizations"} {
		if _, err := s.app.NonconcurrentDB().NewQuery("DELETE FROM " + table).Execute(); err != nil {
			s.t.Fatal(err)
		}
	}
	tenant.Forget(s.app)
}

// setupCode is what the server printed.
func (s *site) setupCode() string {
	s.t.Helper()
	code, err := SetupCode(s.app)
	if err != nil || code == "" {
		s.t.Fatalf("got code %q, %v", code, err)
	}
	return code
}
