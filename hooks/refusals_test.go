package hooks_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/identity"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Whoever refuses, before a handler or in one, does it in the shape of the surface
// that was asked.
func TestRefusal_has_the_shape_of_its_surface(t *testing.T) {
	p := newProduct(t)
	mux := testkit.Mux(t, p.TestApp)
	const documented, functions, stock = "/api/organizations", "/functions/v1/assistants", "/api/collections/calls/records"
	const cookie = "a session in a cookie, without the token that writes need"
	long := "?q=" + strings.Repeat("x", 20<<10)
	for _, tt := range []struct {
		method, url, who, body string
		status                 int
		code                   string
	}{
		{"GET", documented + long, "", "", 400, "invalid_request"},
		{"GET", functions + long, "", "", 400, "invalid_request"},
		{"GET", stock + long, "", "", 400, ""},
		{"GET", documented + "?q=%00", "", "", 400, "invalid_request"},
		{"GET", functions + "?q=%00", "", "", 400, "invalid_request"},
		{"GET", stock + "?q=%00", "", "", 400, ""},
		{"POST", documented, testkit.AcmeOwner, "{\"name\": \"a\\u0000\"}", 400, "invalid_request"},
		{"POST", functions, testkit.AcmeOwner, "{\"name\": \"a\\u0000\"}", 400, "invalid_request"},
		{"POST", documented, "", strings.Repeat(" ", 70<<10), 413, "too_large"},
		{"POST", functions, "", strings.Repeat(" ", 70<<10), 413, "too_large"},
		{"POST", stock, "", strings.Repeat(" ", 70<<10), 413, ""},
		{"POST", "/api/webhooks/vapi", "", "{}", 401, "unauthorized"},
		{"POST", "/functions/v1/webhooks/receive", "", "{}", 401, "unauthorized"},
		{"POST", documented, cookie, "{}", 403, "forbidden"},
		{"POST", functions, cookie, "{}", 403, "forbidden"},
		{"POST", stock, cookie, "{}", 403, ""},
		{"GET", documented, "", "", 401, "unauthorized"},
		{"GET", functions, "", "", 401, "unauthorized"},
		{"GET", "/functions/v1/nothing", "", "", 404, "not_found"},
	} {
		r := httptest.NewRequest(tt.method, tt.url, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/json")
		switch tt.who {
		case "":
		case cookie:
			r.AddCookie(&http.Cookie{Name: identity.SessionCookie, Value: testkit.Token(t, p.TestApp, testkit.AcmeOwner)})
		default:
			r.Header.Set("Authorization", testkit.As(t, tt.who)["Authorization"])
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		what := tt.method + " " + tt.url[:min(len(tt.url), 40)]
		if w.Code != tt.status {
			t.Errorf("%s: got %d %.200s, want %d", what, w.Code, w.Body, tt.status)
			continue
		}
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v in %.200s", what, err, w.Body)
			continue
		}
		text, _ := got["error"].(string)
		switch {
		case tt.code == "": // PocketBase's
			if got["message"] == "" || got["status"] != float64(tt.status) || got["error"] != nil {
				t.Errorf("%s: got %v", what, got)
			}
			continue
		case text == "" || strings.HasSuffix(text, ".") || got["code"] != tt.code:
			t.Errorf("%s: got %v, want the code %q", what, got, tt.code)
		}
		_, said := got["success"]
		if strings.HasPrefix(tt.url, "/functions/v1/") {
			if got["success"] != false || got["message"] != text {
				t.Errorf("%s: that system's pages read success and message; got %v", what, got)
			}
		} else if said {
			t.Errorf("%s: got %v", what, got)
		}
	}
}
