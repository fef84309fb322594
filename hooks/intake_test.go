package hooks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocketline/pocketline/hooks/internal/intake"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/providers"
)

// reliability.md F13: whatever is asked, a guest's body ends after 64 KB, and
// nobody has read more of it.
func TestIntake_every_route_ends_the_bodies_of_guests(t *testing.T) {
	p := newProduct(t)
	mux := testkit.Mux(t, p.TestApp)
	paths := []string{
		"/api/realtime", "/api/collections/users/auth-with-password", "/api/collections/users/records",
		"/api/collections/users/request-password-reset",
		"/api/collections/calls/records", "/api/setup", "/api/batch", "/api/nothing",
	}
	for _, route := range p.desk.Facade.Routes() {
		if route.Method == http.MethodPost && !strings.Contains(route.Path, "{") {
			paths = append(paths, route.Path)
		}
	}
	sent := 0
	for _, path := range paths {
		for _, kind := range []string{"application/json", "multipart/form-data; boundary=x",
			"application/x-www-form-urlencoded", "text/plain"} {
			body := &testkit.Endless{}
			r := httptest.NewRequest(http.MethodPost, path, body)
			// Each from a network of its own: one that tries often is refused unread.
			sent++
			r.RemoteAddr = fmt.Sprintf("198.18.%d.%d:4000", sent/250, sent%250)
			r.Header.Set("Content-Type", kind)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code < 400 || w.Code >= 500 || w.Code == http.StatusTooManyRequests || body.Bytes > 65<<10 {
				t.Errorf("%s, %s: got %d after reading %d bytes", path, kind, w.Code, body.Bytes)
			}
		}
	}
}

func TestLimits_of_the_environment_are_those_of_the_mechanisms(t *testing.T) {
	c, err := providers.Load(func(string) string { return "" }, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, d := c.Limits, intake.Defaults()
	if got := (intake.Limits{
		GuestBody: l.GuestBody, GuestBodies: l.GuestBodies, MemberBodies: l.MemberBodies,
		ProviderBody: l.ProviderBody, ProviderBodies: l.ProviderBodies, ProvenBodies: l.ProvenBodies,
		GuestPatience: d.GuestPatience, // no setting
	}); got != d {
		t.Errorf("got %+v, want %+v", got, d)
	}
	if l.ExpandedRows != tenant.DefaultAnswerRows || l.AnswerBytes != tenant.DefaultAnswerBytes {
		t.Errorf("answers: got %d rows and %d bytes", l.ExpandedRows, l.AnswerBytes)
	}
	if l.GuestStreams != 20 || l.AddressConnections != 200 || l.Connections != 2000 {
		t.Errorf("got %+v", l)
	}
}
