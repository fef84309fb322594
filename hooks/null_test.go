package hooks_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// A body that is the word null breaks nothing off, wherever it is sent.
func TestBody_null_is_no_object(t *testing.T) {
	p := newProduct(t)
	mux, paths := registered(t, p)
	send := func(method, path, person string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(" null\n"))
		r.Header.Set("Content-Type", "application/json")
		for name, value := range testkit.As(t, person) {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	for path := range paths {
		if pages(path) || strings.HasSuffix(path, "...}") {
			continue
		}
		for _, method := range []string{"POST", "PUT", "PATCH"} {
			for _, collection := range []string{"users", "contacts"} {
				at := strings.NewReplacer("{collection}", collection, "{id}", testkit.Row(testkit.Acme, "contact")).Replace(path)
				for _, person := range []string{testkit.Guest, testkit.AcmeOwner} {
					if w := send(method, at, person); w.Code >= 500 && w.Code != 503 {
						t.Errorf("%s %s as %q: got %d %s", method, at, person, w.Code, w.Body)
					}
				}
				if at == path {
					break
				}
			}
		}
	}
	const contacts = "/api/collections/contacts/records"
	refused := `"code":"unreadable_body"`
	for method, path := range map[string]string{"POST": contacts,
		"PATCH": contacts + "/" + testkit.Row(testkit.Acme, "contact")} {
		if w := send(method, path, testkit.AcmeOwner); w.Code != 400 || !strings.Contains(w.Body.String(), refused) {
			t.Errorf("%s: got %d %s, want 400 and %s", method, w.Code, w.Body, refused)
		}
	}
}
