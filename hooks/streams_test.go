package hooks_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

// stream is an open realtime connection.
type stream struct {
	id     string
	events chan string
}

func listen(t testing.TB, server *httptest.Server) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/realtime", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); res.Body.Close() })
	s := &stream{events: make(chan string, 100)}
	go func() {
		defer close(s.events)
		in, name := bufio.NewScanner(res.Body), ""
		for in.Scan() {
			if value, ok := strings.CutPrefix(in.Text(), "event:"); ok {
				name = strings.TrimSpace(value)
			} else if value, ok := strings.CutPrefix(in.Text(), "data:"); ok {
				s.events <- name + " " + strings.TrimSpace(value)
			}
		}
	}()
	first := <-s.events
	var hello struct {
		ClientID string `json:"clientId"`
	}
	if _, data, _ := strings.Cut(first, " "); json.Unmarshal([]byte(data), &hello) != nil || hello.ClientID == "" {
		t.Fatalf("the stream began with %q", first)
	}
	s.id = hello.ClientID
	return s
}

func call(t testing.TB, server *httptest.Server, token, method, path string, body any) (int, string) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, server.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token)
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func TestMember_suspended_in_one_window_is_out_of_the_other_within_a_second(t *testing.T) {
	p := newProduct(t)
	server := testkit.Server(t, p.TestApp)
	signIn := func(email string) string {
		t.Helper()
		status, body := call(t, server, "", "POST", "/api/collections/users/auth-with-password",
			map[string]string{"identity": email, "password": testkit.Password})
		var answer struct{ Token string }
		if json.Unmarshal([]byte(body), &answer) != nil || status != 200 {
			t.Fatalf("got %d %s", status, body)
		}
		return answer.Token
	}
	agent, owner := signIn(testkit.AcmeAgent), signIn(testkit.AcmeOwner)
	theirs := listen(t, server)
	topic := "org/" + testkit.Acme
	if status, body := call(t, server, agent, "POST", "/api/realtime",
		map[string]any{"clientId": theirs.id, "subscriptions": []string{topic, "calls/*"}}); status != 204 {
		t.Fatalf("got %d %s", status, body)
	}
	const one = "/api/collections/calls/records/" + testkit.AcmeCall
	if status, _ := call(t, server, agent, "GET", one, nil); status != 200 {
		t.Fatal("the agent does not read before")
	}
	began := time.Now()
	if status, body := call(t, server, owner, "POST",
		"/api/team-members/"+testkit.UserMembership(testkit.AcmeAgent, testkit.Acme)+"/suspend", nil); status != 200 {
		t.Fatalf("got %d %s", status, body)
	}
	deadline, ended := time.After(time.Minute), false
	for !ended {
		select {
		case e := <-theirs.events:
			ended = e == topic+` {"ended":true}`
		case <-deadline:
			t.Fatal("the other window hears nothing of it")
		}
	}
	for path, want := range map[string]int{
		one: 404, "/api/calls/" + testkit.AcmeCall + "?companyId=" + testkit.Acme: 404,
		"/api/organizations/" + testkit.Acme + "/limits": 404,
	} {
		if status, body := call(t, server, agent, "GET", path, nil); status != want {
			t.Errorf("%s: got %d %s, want %d", path, status, body, want)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
	if status, _ := call(t, server, agent, "POST", "/api/realtime",
		map[string]any{"clientId": theirs.id, "subscriptions": []string{topic}}); status != 403 {
		t.Errorf("subscribing again got %d, want 403", status)
	}
	// What changes now reaches others only.
	mine := listen(t, server)
	if status, body := call(t, server, owner, "POST", "/api/realtime",
		map[string]any{"clientId": mine.id, "subscriptions": []string{topic}}); status != 204 {
		t.Fatalf("got %d %s", status, body)
	}
	call(t, server, owner, "PATCH", one, map[string]any{"notes": "changed"})
	<-mine.events
	select {
	case e := <-theirs.events:
		t.Errorf("the suspended member heard %s", e)
	default:
	}
}

func TestSignOut_of_a_browser_ends_its_session(t *testing.T) {
	p := newProduct(t)
	server := testkit.Server(t, p.TestApp)
	_, body := call(t, server, "", "POST", "/api/collections/users/auth-with-password",
		map[string]string{"identity": testkit.AcmeAgent, "password": testkit.Password})
	var in struct{ Token string }
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	send := func(method, path, token string, cookies []*http.Cookie, csrf string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", token)
		}
		for _, c := range cookies {
			req.AddCookie(c)
		}
		req.Header.Set("X-CSRF-Token", csrf)
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	begun := send("POST", "/api/session", in.Token, nil, "")
	var csrf struct{ Token string }
	if err := json.NewDecoder(begun.Body).Decode(&csrf); err != nil {
		t.Fatal(err)
	}
	cookies := begun.Cookies()
	if got := send("GET", "/api/me/sessions", "", cookies, "").StatusCode; got != 200 {
		t.Fatalf("the cookie is not a session: %d", got)
	}
	// Nobody is told that a session has ended which could not be read.
	p.exec("ALTER TABLE sessions RENAME TO sessions_away")
	unread := send("DELETE", "/api/session", "", cookies, csrf.Token).StatusCode
	p.exec("ALTER TABLE sessions_away RENAME TO sessions")
	if unread != 500 {
		t.Errorf("signing out of a session that cannot be read got %d, want 500", unread)
	}
	if got := send("DELETE", "/api/session", "", cookies, csrf.Token).StatusCode; got != 204 {
		t.Fatalf("signing out got %d", got)
	}
	for what, got := range map[string]int{
		"the cookie": send("GET", "/api/me/sessions", "", cookies, "").StatusCode,
		"the token":  send("GET", "/api/me/sessions", in.Token, nil, "").StatusCode,
	} {
		if got != 401 {
			t.Errorf("after signing out %s got %d, want 401", what, got)
		}
	}
}

func TestStream_hears_nothing_of_an_organization_closed_to_its_network(t *testing.T) {
	p := newProduct(t)
	server := testkit.Server(t, p.TestApp)
	sam := testkit.As(t, testkit.Sam)["Authorization"] // owner of Bolt, viewer of Acme
	s := listen(t, server)
	subscribe := func(topics ...string) int {
		t.Helper()
		status, _ := call(t, server, sam, "POST", "/api/realtime", map[string]any{"clientId": s.id, "subscriptions": topics})
		return status
	}
	acme, bolt := "org/"+testkit.Acme, "org/"+testkit.Bolt
	if got := subscribe(acme, bolt, "calls/*"); got != 204 {
		t.Fatalf("got %d", got)
	}
	settings, err := p.FindRecordById(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"))
	if err != nil {
		t.Fatal(err)
	}
	settings.Set("ip_whitelist", []string{"192.0.2.0/24"})
	if err := p.Save(settings); err != nil {
		t.Fatal(err)
	}
	touch := func(id string) {
		t.Helper()
		r, err := p.FindRecordById(collections.Calls, id)
		if err != nil {
			t.Fatal(err)
		}
		r.Set("notes", "changed "+id)
		if err := p.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	touch(testkit.AcmeCall)
	touch(testkit.BoltCall)
	ended, record, topic := false, false, false
	for late := time.After(time.Minute); !ended || !record || !topic; {
		select {
		case e := <-s.events:
			if strings.Contains(e, testkit.AcmeCall) {
				t.Errorf("heard of Acme: %s", e)
			}
			ended = ended || e == acme+` {"ended":true}`
			record = record || strings.HasPrefix(e, "calls/*") && strings.Contains(e, testkit.BoltCall)
			topic = topic || strings.HasPrefix(e, bolt) && strings.Contains(e, testkit.BoltCall)
		case <-late:
			t.Fatalf("ended: %t, record: %t, topic: %t", ended, record, topic)
		}
	}
	if got := subscribe(acme); got != 403 {
		t.Errorf("subscribing to Acme got %d, want 403", got)
	}
	if got := subscribe("call/" + testkit.AcmeLiveCall); got != 403 {
		t.Errorf("subscribing to a call of Acme got %d, want 403", got)
	}
	if got := subscribe(bolt); got != 204 {
		t.Errorf("subscribing to Bolt got %d, want 204", got)
	}
}
