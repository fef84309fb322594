package hooks_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/tenant"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
	"github.com/pocketline/pocketline/hooks/system"
)

// A token that names no session proves nothing, and sessions of every way in
// end when they are ended.
func TestToken_without_a_session_is_nobodys(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	user, err := p.FindRecordById(collections.Users, testkit.User(testkit.AcmeViewer))
	if err != nil {
		t.Fatal(err)
	}
	bare, err := user.NewAuthToken()
	if err != nil {
		t.Fatal(err)
	}
	static, err := user.NewStaticAuthToken(0)
	if err != nil {
		t.Fatal(err)
	}
	var as struct{ Token string }
	api.Do("POST", "/api/collections/users/impersonate/"+user.Id, testkit.Superuser,
		map[string]any{"duration": 600}).Want(200).JSON(&as)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	for _, token := range []string{bare, static} {
		for _, path := range []string{"/api/me/sessions", "/api/user/profile", "/api/security/settings"} {
			if got, _ := call(t, server, token, "GET", path, nil); got != 401 {
				t.Errorf("%s with a token without a session: got %d, want 401", path, got)
			}
		}
		if got, _ := call(t, server, token, "POST", "/api/collections/users/auth-refresh", nil); got != 401 {
			t.Errorf("renewing a token without a session: got %d, want 401", got)
		}
	}
	if got, _ := call(t, server, as.Token, "GET", "/api/me/sessions", nil); got != 200 {
		t.Errorf("the operator as a person: got %d, want 200", got)
	}
	own := testkit.As(t, testkit.AcmeViewer)["Authorization"]
	if got, _ := call(t, server, own, "POST", "/api/me/sessions/end-others", nil); got != 200 {
		t.Fatalf("got %d", got)
	}
	if got, _ := call(t, server, as.Token, "GET", "/api/me/sessions", nil); got != 401 {
		t.Errorf("the operator as a person, after the person ended other sessions: got %d, want 401", got)
	}
}

// A stream of ours asks for its organization again before it says something.
func TestGate_asks_whether_the_session_still_stands(t *testing.T) {
	p := newProduct(t)
	asked, ended, told := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	p.OnServe().BindFunc(func(se *core.ServeEvent) error {
		se.Router.GET("/hold", func(e *core.RequestEvent) error {
			if _, err := tenant.In(e, testkit.Acme); err != nil {
				return err
			}
			close(asked)
			<-ended
			_, err := tenant.In(e, testkit.Acme)
			told <- err
			return nil
		})
		return se.Next()
	})
	api := testkit.API(t, p.TestApp)
	token := testkit.Token(t, p.TestApp, testkit.AcmeViewer)
	go func() {
		r := httptest.NewRequest("GET", "/hold", nil)
		r.Header.Set("Authorization", token)
		api.ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-asked
	r := httptest.NewRequest("POST", "/api/me/sessions/end-all", nil)
	r.Header.Set("Authorization", token)
	w := httptest.NewRecorder()
	if api.ServeHTTP(w, r); w.Code/100 != 2 {
		t.Fatalf("end-all: %d %s", w.Code, w.Body)
	}
	close(ended)
	var refused *router.ApiError
	if err := <-told; !errors.As(err, &refused) || refused.Status != 401 {
		t.Errorf("after the session ended: got %v, want 401", err)
	}
}

// The first account is signed in by a session like any other.
func TestSetup_signs_in_with_a_session_that_ends(t *testing.T) {
	p := newProduct(t)
	api := testkit.API(t, p.TestApp)
	for _, table := range []string{"users", "memberships", "organizations", "sessions"} {
		p.exec("DELETE FROM " + table)
	}
	tenant.Forget(p)
	code, err := system.SetupCode(p)
	if err != nil {
		t.Fatal(err)
	}
	form := map[string]any{"name": "Ada", "email": "ada@example.com", "password": "correct horse 9",
		"organization": "Ada's", "code": code}
	var first struct{ Token string }
	api.Do("POST", "/api/setup", testkit.Guest, form).Want(200).JSON(&first)
	if n := p.count("SELECT count(*) FROM sessions WHERE method = 'setup'"); n != 1 {
		t.Errorf("%d sessions of the setup, want 1", n)
	}
	var second struct{ Token string }
	api.Do("POST", "/api/collections/users/auth-with-password", testkit.Guest,
		map[string]any{"identity": form["email"], "password": form["password"]}).Want(200).JSON(&second)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	if got, _ := call(t, server, first.Token, "GET", "/api/user/profile", nil); got != 200 {
		t.Errorf("the first token: got %d, want 200", got)
	}
	if got, _ := call(t, server, second.Token, "POST", "/api/me/sessions/end-others", nil); got != 200 {
		t.Fatalf("got %d", got)
	}
	if got, _ := call(t, server, first.Token, "GET", "/api/user/profile", nil); got != 401 {
		t.Errorf("the first token after other sessions ended: got %d, want 401", got)
	}
}
