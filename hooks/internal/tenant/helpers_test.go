package tenant_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tests"

	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// desk is an app with its routes, for requests with headers of their own.
type desk struct {
	app *tests.TestApp
	mux http.Handler
}

// register binds the package with its usual limits.
func register(app core.App) { tenant.Register(app, tenant.AnswerLimits{}) }

var errUndo = errors.New("undo")

func serve(t testing.TB, bind ...func(core.App)) *desk {
	t.Helper()
	app := testkit.New(t, bind...)
	return &desk{app, testkit.Mux(t, app)}
}

func (d *desk) ask(t testing.TB, person, method, target string, body any, header map[string]string) (int, []byte) {
	t.Helper()
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, target, r)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range testkit.As(t, person) {
		req.Header.Set(k, v)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, req)
	return w.Code, w.Body.Bytes()
}

type page struct {
	Items []struct {
		ID           string `json:"id"`
		Organization string `json:"organization"`
	} `json:"items"`
	PerPage    int `json:"perPage"`
	TotalItems int `json:"totalItems"`
}

func (d *desk) list(t testing.TB, person, target string, header map[string]string) page {
	t.Helper()
	status, body := d.ask(t, person, "GET", target, nil, header)
	if status != http.StatusOK {
		t.Fatalf("GET %s as %q: %d %s", target, person, status, body)
	}
	var p page
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	return p
}
