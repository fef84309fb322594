package hooks_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// Whatever people look for is a text, also what would mean something in a filter.
func TestSearch_takes_any_text(t *testing.T) {
	p := newProduct(t)
	mux := testkit.Mux(t, p.TestApp)
	for _, list := range []string{"/api/saved-replies", "/api/vapi/assistants", "/functions/v1/assistants"} {
		for _, text := range []string{
			"@request.x", "@collection.y", "mail @request.auth.id now", `'"\`, "a // b", "100 %_", "x\ny", "&&||",
			strings.Repeat("(", 200), strings.Repeat("&&", 100), strings.Repeat("'", 200), strings.Repeat(`\`, 200), "😀",
		} {
			r := httptest.NewRequest("GET", list+"?search="+url.QueryEscape(text), nil)
			r.Header.Set("Authorization", testkit.As(t, testkit.AcmeOwner)["Authorization"])
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != 200 {
				t.Errorf("%s, search %.20q: got %d %s", list, text, w.Code, w.Body)
			}
		}
	}
	// And it is found as it stands, with capitals or without.
	p.exec(`UPDATE saved_replies SET text = 'Write @request.Auth and @collection.here' WHERE id = '` +
		testkit.Row(testkit.Acme, "reply") + `'`)
	for _, text := range []string{"@request.auth", "@collection.here", "@REQUEST.AUTH"} {
		r := httptest.NewRequest("GET", "/api/saved-replies?search="+url.QueryEscape(text), nil)
		r.Header.Set("Authorization", testkit.As(t, testkit.AcmeOwner)["Authorization"])
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "@collection.here") {
			t.Errorf("search %q: got %d %s", text, w.Code, w.Body)
		}
	}
}
