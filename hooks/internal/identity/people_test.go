package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestSession_ends_by_itself_and_with_all_others(t *testing.T) {
	b := peoplekit.OpenAt(t)
	desk, phone, tablet := b.SignIn(testkit.AcmeAgent, "192.0.2.1"), b.SignIn(testkit.AcmeAgent, "192.0.2.2"),
		b.SignIn(testkit.AcmeAgent, "")
	var list struct {
		Sessions []struct {
			ID      string `json:"id"`
			IP      string `json:"ip_address"`
			Current bool   `json:"current"`
			Method  string `json:"method"`
		} `json:"sessions"`
	}
	b.Ask(phone, "", "GET", "/api/me/sessions", nil).Want(200).Into(&list)
	if len(list.Sessions) != 4 { // and the one of the fixtures
		t.Fatalf("got %d sessions, want 4", len(list.Sessions))
	}
	first := ""
	for _, s := range list.Sessions {
		if s.Current != (s.IP == "192.0.2.2") || s.Method != "password" {
			t.Errorf("session %+v: want only the phone to be this one", s)
		}
		if s.IP == "192.0.2.1" {
			first = s.ID
		}
	}
	b.Ask(desk, "", "GET", "/api/user/profile", nil).Want(200)
	seen := func() string { return b.Find(collections.Sessions, "id = '"+first+"'").GetString("last_seen_at") }
	signedIn := seen()
	b.Clock.Pass(4 * time.Minute)
	b.Ask(desk, "", "GET", "/api/user/profile", nil).Want(200)
	if seen() != signedIn {
		t.Error("every request writes that the session is in use")
	}
	b.Clock.Pass(2 * time.Minute)
	b.Ask(desk, "", "GET", "/api/user/profile", nil).Want(200)
	if seen() == signedIn {
		t.Error("nothing says that the session is in use")
	}

	b.Ask(b.SignIn(testkit.AcmeOwner, ""), "", "DELETE", "/api/me/sessions/"+first, nil).Want(404)
	b.Ask(desk, "", "GET", "/api/user/profile", nil).Want(200)

	b.Ask(phone, "", "DELETE", "/api/me/sessions/"+first, nil).Want(204)
	b.Ask(desk, "", "GET", "/api/user/profile", nil).Want(401)
	b.Ask(desk, "", "POST", "/api/collections/users/auth-refresh", nil).Want(401)
	b.Ask(phone, "", "GET", "/api/user/profile", nil).Want(200)

	b.Ask(phone, "", "POST", "/api/me/sessions/end-others", nil).Want(200)
	b.Ask(tablet, "", "GET", "/api/user/profile", nil).Want(401)
	b.Ask(phone, "", "GET", "/api/user/profile", nil).Want(200)
	b.Do("GET", "/api/user/profile", testkit.AcmeAgent, nil).Want(401)

	b.Ask(phone, "", "POST", "/api/me/sessions/end-all", nil).Want(204)
	b.Ask(phone, "", "GET", "/api/user/profile", nil).Want(401)
	b.Ask(b.SignIn(testkit.AcmeAgent, ""), "", "GET", "/api/user/profile", nil).Want(200)

	// A new password ends them as well, in the list too.
	b.SignIn(testkit.AcmeViewer, "")
	viewer := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeViewer)+"'")
	viewer.SetPassword("another long one")
	if err := b.Save(viewer); err != nil {
		t.Fatal(err)
	}
	if n := b.Count("SELECT count(*) FROM sessions WHERE ended_at = '' AND user = '" + viewer.Id + "'"); n != 0 {
		t.Errorf("%d sessions are still open after a new password", n)
	}
}

func TestAccount_begins_in_the_language_of_its_browser(t *testing.T) {
	b := peoplekit.OpenAt(t)
	for wish, want := range map[string]string{"": "auto", "dark": "dark", "light": "light", "pink": "auto"} {
		email := fmt.Sprintf("new%d@client.test", b.Serial)
		b.Send("", "", "POST", "/api/auth/signup",
			map[string]string{"email": email, "fullName": "New Person", "password": "a long password"},
			map[string]string{"X-Theme": wish}).Want(200)
		if got := b.Find(collections.Users, "email = '"+email+"'").GetString("theme"); got != want {
			t.Errorf("%q: the account begins with %q, want %q", wish, got, want)
		}
	}
	for wish, want := range map[string]string{"": "en", "fr-CA,fr;q=0.9,en;q=0.8": "fr", "de, fr;q=0.5": "fr",
		"EN-us,fr": "en", "de": "en", "*": "en"} {
		email := fmt.Sprintf("new%d@client.test", b.Serial)
		b.Send("", "", "POST", "/api/auth/signup",
			map[string]string{"email": email, "fullName": "New Person", "password": "a long password"},
			map[string]string{"Accept-Language": wish}).Want(200)
		if got := b.Find(collections.Users, "email = '"+email+"'").GetString("language"); got != want {
			t.Errorf("%q: the account begins in %q, want %q", wish, got, want)
		}
	}
}

// Who accepts an invitation begins with the looks of the own browser, whatever
// the organization's language; a browser that asks for none of ours gets that.
func TestAccount_by_invitation_begins_with_the_looks_of_its_browser(t *testing.T) {
	b := peoplekit.OpenAt(t)
	owner := b.SignIn(testkit.AcmeOwner, "")
	for _, tt := range []struct{ organization, asks, theme, language, gets string }{
		{"en", "fr", "dark", "fr", "dark"}, {"fr", "en-GB", "light", "en", "light"}, {"fr", "de", "", "fr", "auto"},
	} {
		b.Set(collections.Organizations, testkit.Acme, map[string]any{"language": tt.organization})
		email := fmt.Sprintf("ines%d@new.test", b.Serial)
		link := b.Ask(owner, testkit.Acme, "POST", "/api/team-members",
			map[string]any{"full_name": "Ines", "email": email, "role": "agent"}).Want(201).Text("inviteLink")
		a := b.Send("", "", "POST", "/api/auth/accept-invite",
			map[string]string{"token": peoplekit.Token(t, link), "password": "a long enough password", "fullName": "Ines"},
			map[string]string{"Accept-Language": tt.asks, "X-Theme": tt.theme}).Want(200)
		user := b.Find(collections.Users, "email = '"+email+"'")
		if user.GetString("language") != tt.language || user.GetString("theme") != tt.gets ||
			!strings.Contains(string(a.Body), `"theme":"`+tt.gets+`"`) {
			t.Errorf("%+v: got %s, %s; answered %s", tt, user.GetString("language"), user.GetString("theme"), a.Body)
		}
	}
}

// PocketBase answers a token that is worth nothing as it answers a guest, with
// empty lists: whoever sent it must be able to tell the two apart.
func TestToken_that_is_worth_nothing_is_said_to_be(t *testing.T) {
	b := peoplekit.OpenAt(t)
	const dead = `Bearer error="invalid_token"`
	owner := b.SignIn(testkit.AcmeOwner, "")
	var made struct {
		Key    string
		Record struct{ ID string }
	}
	keys := "/api/organizations/" + testkit.Acme + "/keys"
	b.Ask(owner, "", "POST", keys, map[string]string{"name": "CRM", "role": "viewer"}).Want(201).Into(&made)
	ended, kept := b.SignIn(testkit.AcmeAgent, ""), b.SignIn(testkit.AcmeAgent, "")
	says := func(want bool, name, token string) {
		t.Helper()
		for _, url := range []string{peoplekit.AcmeCalls, "/api/organizations",
			"/api/collections/calls/records/" + testkit.AcmeCall} {
			if got := b.Ask(token, "", "GET", url, nil).Header.Get("WWW-Authenticate") == dead; got != want {
				t.Errorf("%s at %s: said to be worth nothing: %v, want %v", name, url, got, want)
			}
		}
	}
	says(false, "a good token", ended)
	says(false, "a good key", made.Key)
	says(false, "no token", "")
	b.Ask(kept, "", "POST", "/api/me/sessions/end-others", nil).Want(200)
	b.Ask(owner, "", "DELETE", keys+"/"+made.Record.ID, nil).Want(204)
	says(true, "an ended session", ended)
	says(false, "the session that was kept", kept)
	says(true, "a revoked key", made.Key)
	b.Ask(kept, "", "POST", "/api/me/sessions/end-all", nil).Want(204)
	says(true, "a token of before signing out everywhere", kept)
}

func TestSession_keeps_its_row_when_the_token_is_renewed(t *testing.T) {
	b := peoplekit.OpenAt(t)
	before := b.SignIn(testkit.AcmeAgent, "")
	count := func() int {
		return b.Count("SELECT count(*) FROM sessions WHERE user = '" + testkit.User(testkit.AcmeAgent) + "'")
	}
	n := count()
	after := b.Ask(before, "", "POST", "/api/collections/users/auth-refresh", nil).Want(200).Text("token")
	if after == before || count() != n {
		t.Fatalf("got the same token or %d rows, want a new token and %d", count(), n)
	}
	b.Ask(after, "", "DELETE", "/api/me/sessions/current", nil).Want(204)
	// Both tokens belong to the session.
	b.Ask(after, "", "GET", "/api/user/profile", nil).Want(401)
	b.Ask(before, "", "GET", "/api/user/profile", nil).Want(401)
}

func TestSession_lasts_as_long_as_the_strictest_organization_says(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"),
		map[string]any{"session_timeout_minutes": 30})
	token := b.SignIn(testkit.Sam, "") // owner of Bolt, viewer of Acme
	b.Clock.Pass(29 * time.Minute)
	b.Ask(token, "", "GET", "/api/user/profile", nil).Want(200)
	b.Clock.Pass(2 * time.Minute)
	b.Ask(token, "", "GET", "/api/user/profile", nil).Want(401)

	long := b.SignIn(testkit.BoltOwner, "")
	b.Set(collections.SecuritySettings, testkit.Row(testkit.Bolt, "security"),
		map[string]any{"session_timeout_minutes": 5})
	b.Clock.Pass(6 * time.Minute)
	b.Ask(long, "", "GET", "/api/user/profile", nil).Want(401)
}

func TestOrganization_that_asks_for_a_factor_lets_people_only_set_one_up(t *testing.T) {
	b := peoplekit.OpenAt(t)
	inside := b.SignIn(testkit.AcmeViewer, "")
	admin := b.SignIn(testkit.AcmeAdmin, "")
	demand := map[string]any{"two_factor_enabled": true}
	b.Ask(admin, "", "PATCH", "/api/security/settings", demand).Want(400) // would lock the editor out
	b.Enroll(admin)
	b.Ask(admin, "", "PATCH", "/api/security/settings", demand).Want(200)

	b.Ask(inside, "", "GET", peoplekit.AcmeCalls, nil).Want(403) // signed in before, without one
	b.Ask(admin, "", "GET", peoplekit.AcmeCalls, nil).Want(200)
	b.Ask(inside, "", "GET", "/api/user/profile", nil).Want(200)

	answer := b.Password(testkit.AcmeAgent, "").Want(401)
	if !strings.Contains(string(answer.Body), `["setup"]`) {
		t.Fatalf("got %s, want only setup", answer.Body)
	}
	ticket := map[string]string{"ticket": answer.Text("ticket")}
	b.Ask("", "", "POST", "/api/auth/second-factor",
		map[string]string{"ticket": ticket["ticket"], "code": "123456"}).Want(403)
	secret := b.Ask("", "", "POST", "/api/me/two-factor/start", ticket).Want(200).Text("secret")
	ticket["code"] = b.Clock.Code(t, secret)
	done := b.Ask("", "", "POST", "/api/me/two-factor/confirm", ticket).Want(200)
	if !strings.Contains(string(done.Body), "recovery_codes") {
		t.Errorf("got %s, want recovery codes", done.Body)
	}
	if on := b.Find(collections.AuditLogs, "action = 'auth.two_factor_on' && user = '"+testkit.User(testkit.AcmeAgent)+
		"'"); on == nil {
		t.Error("a factor set up while signing in is not written down")
	}
	b.Ask(done.Text("token"), "", "GET", peoplekit.AcmeCalls, nil).Want(200)
	b.Ask(done.Text("token"), "", "POST", "/api/me/two-factor/disable",
		map[string]string{"password": testkit.Password}).Want(403)
	b.SignIn(testkit.BoltOwner, "") // others are not asked
}

// The codes are shown with the session alone: without it nothing of the factor stays.
func TestFactor_set_up_while_signing_in_is_stored_with_its_session_or_not_at_all(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"), map[string]any{"two_factor_enabled": true})
	full := true
	b.OnRecordCreate(collections.Sessions).BindFunc(func(e *core.RecordEvent) error {
		if full {
			return errors.New("no room")
		}
		return e.Next()
	})
	ticket := map[string]string{"ticket": b.Password(testkit.AcmeAgent, "").Want(401).Text("ticket")}
	secret := b.Ask("", "", "POST", "/api/me/two-factor/start", ticket).Want(200).Text("secret")
	ticket["code"] = b.Clock.Code(t, secret)
	if answer := b.Ask("", "", "POST", "/api/me/two-factor/confirm", ticket); answer.Status < 400 {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	if row := b.Find(collections.Authenticators,
		"user = '"+testkit.User(testkit.AcmeAgent)+"' && confirmed_at != ''"); row != nil {
		t.Error("the factor is on, and nobody saw its codes")
	}
	full = false
	ticket["code"] = b.Clock.Code(t, secret)
	done := b.Ask("", "", "POST", "/api/me/two-factor/confirm", ticket).Want(200)
	b.Ask(done.Text("token"), "", "GET", peoplekit.AcmeCalls, nil).Want(200)
	n := 0
	if err := b.DB().NewQuery("SELECT count(*) FROM sessions WHERE second_factor AND ended_at = '' AND user = '" +
		testkit.User(testkit.AcmeAgent) + "'").
		Row(&n); err != nil || n != 1 {
		t.Errorf("%d sessions, %v", n, err)
	}
}

func TestMethod_that_an_organization_does_not_allow_is_refused_with_a_sentence(t *testing.T) {
	b := peoplekit.OpenAt(t)
	admin := b.SignIn(testkit.AcmeAdmin, "")
	b.Ask(admin, "", "PATCH", "/api/security/settings",
		map[string]any{"allowed_auth_methods": []string{"oauth"}}).Want(400) // nothing else works yet
	b.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"),
		map[string]any{"allowed_auth_methods": []string{"oauth2"}})
	answer := b.Password(testkit.AcmeAgent, "").Want(403)
	if !strings.Contains(string(answer.Body), "Acme Bakery lets people sign in with an account elsewhere only.") {
		t.Errorf("got %s", answer.Body)
	}
	if b.Audited("auth.refused") != 1 {
		t.Error("the refusal is not written down")
	}
	b.SignIn(testkit.BoltOwner, "")
}

// A way to sign in that is not allowed any more keeps out who came in by it, at the
// next request and in open streams, of this organization and no other.
func TestMethod_that_is_not_allowed_any_more_keeps_out_who_came_in_by_it(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.WithMail()
	code := func(email string) string {
		id := b.Ask("", "", "POST", peoplekit.UsersURL+"request-otp",
			map[string]string{"email": email}).Want(200).Text("otpId")
		return b.Ask("", "", "POST", peoplekit.UsersURL+"auth-with-otp",
			map[string]string{"otpId": id, "password": b.Mailed()}).Want(200).Text("token")
	}
	agent, sam, owner := b.SignIn(testkit.AcmeAgent, ""), b.SignIn(testkit.Sam, ""), b.SignIn(testkit.AcmeOwner, "")
	key := b.MakeKey(owner, collections.Viewer)
	tighten := map[string]any{"allowed_auth_methods": []string{collections.AuthCode}}
	if said := b.Ask(owner, "", "PATCH", "/api/security/settings", tighten).Want(400); !strings.Contains(string(said.Body),
		"lock yourself out") {
		t.Errorf("the editor is left out without a word: %s", said.Body)
	}
	owner = code(testkit.AcmeOwner)
	b.Ask(owner, "", "PATCH", "/api/security/settings", tighten).Want(200)
	b.Ask(agent, "", "GET", peoplekit.AcmeCalls, nil).Want(403)
	if word := b.Ask(agent, "", "GET", "/api/organizations/"+testkit.Acme+"/limits",
		nil).Want(403).Text("code"); word != "other_sign_in" {
		t.Errorf("the way to sign in is told as %q", word)
	}
	b.Ask(agent, "", "GET", "/api/user/profile", nil).Want(200)
	b.Ask(agent, "", "GET", "/api/collections/calls/records/"+testkit.AcmeCall, nil).Want(403)
	renewed := b.Ask(agent, "", "POST", peoplekit.UsersURL+"auth-refresh", nil).Want(200).Text("token")
	b.Ask(renewed, "", "GET", peoplekit.AcmeCalls, nil).Want(403)
	// The other organization of the same session, keys, and who signed in as it asks.
	b.Ask(sam, "", "GET", "/api/collections/calls/records?organization="+testkit.Bolt, nil).Want(200)
	b.Ask(sam, "", "GET", peoplekit.AcmeCalls, nil).Want(403)
	b.Ask(key.Secret, "", "GET", peoplekit.AcmeOne, nil).Want(200)
	b.Ask(owner, "", "GET", peoplekit.AcmeCalls, nil).Want(200)
	b.Ask(code(testkit.AcmeAgent), "", "GET", peoplekit.AcmeCalls, nil).Want(200)
	// And back.
	b.Ask(owner, "", "PATCH", "/api/security/settings",
		map[string]any{"allowed_auth_methods": collections.AuthMethods}).Want(200)
	b.Ask(agent, "", "GET", peoplekit.AcmeCalls, nil).Want(200)
}

func TestKey_acts_with_its_role_on_every_surface(t *testing.T) {
	b := peoplekit.OpenAt(t)
	path := "/api/organizations/" + testkit.Acme + "/keys"
	owner := b.SignIn(testkit.AcmeOwner, "")
	b.Ask(b.SignIn(testkit.AcmeViewer, ""), "", "POST", path, map[string]string{"name": "x", "role": "viewer"}).Want(403)
	b.Ask(b.SignIn(testkit.BoltOwner, ""), "", "POST", path, map[string]string{"name": "x", "role": "viewer"}).Want(404)
	b.Ask(b.SignIn(testkit.AcmeDeveloper, ""), "", "POST", path, map[string]string{"name": "x", "role": "admin"}).Want(403)
	b.Ask(owner, "", "POST", path, map[string]string{"name": "x", "role": "owner"}).Want(400)
	var made struct {
		Key    string `json:"key"`
		Record struct {
			ID string `json:"id"`
		} `json:"record"`
	}
	b.Ask(owner, "", "POST", path, map[string]string{"name": "Reports", "role": "agent"}).Want(201).Into(&made)
	list := b.Ask(owner, "", "GET", path, nil).Want(200)
	if !strings.HasPrefix(made.Key, "pk_"+made.Record.ID+"_") || strings.Contains(string(list.Body), made.Key) {
		t.Fatalf("got key %q, want pk_<id>_<secret> that no list shows", made.Key)
	}
	if n := b.Count("SELECT count(*) FROM api_keys WHERE hash = '" + made.Key + "' OR prefix = '" +
		made.Key + "'"); n != 0 {
		t.Error("the key is stored in clear")
	}
	b.Ask(made.Key, "203.0.113.9", "GET", peoplekit.AcmeCalls, nil).Want(200)
	if foreign := b.Ask(made.Key, "", "GET", "/api/collections/calls/records/"+testkit.BoltCall,
		nil); foreign.Status != 404 {
		t.Errorf("a key reads another organization: %d", foreign.Status)
	}
	b.Ask(made.Key, "", "PATCH", "/api/collections/calls/records/"+testkit.AcmeCall,
		map[string]string{"notes": "by key"}).Want(200)
	line := b.Find(collections.AuditLogs, "action = 'calls.update'")
	if line == nil || line.GetString("actor_type") != "key" || line.GetString("actor_name") != "Key: Reports" {
		t.Errorf("the change is written down as %v, want the key's", line)
	}
	if used := b.Find(collections.APIKeys, "id = '"+made.Record.ID+"'"); used.GetString("last_used_at") == "" ||
		b.Audited("api_keys.use") == 0 {
		t.Error("the use of the key is not written down")
	}
	b.Ask(made.Key, "", "DELETE", "/api/collections/calls/records/"+testkit.AcmeCall, nil).Want(404) // an agent may not
	b.Ask(made.Key, "", "GET", "/api/me/sessions", nil).Want(403)
	for _, users := range []string{"users", "_pb_users_auth_"} {
		b.Ask(made.Key, "", "PATCH", "/api/collections/"+users+"/records/"+b.Find(collections.Users, "is_service = true").Id,
			map[string]any{"name": "x"}).Want(403)
		b.Ask(made.Key, "", "POST", "/api/collections/"+users+"/request-email-change",
			map[string]any{"newEmail": "x@client.test"}).Want(403)
	}
	b.Ask(made.Key, "", "POST", path, map[string]string{"name": "child", "role": "agent"}).Want(403)
	b.Ask(made.Key+"x", "", "GET", "/api/user/profile", nil).Want(401)
	b.Ask("pk_"+made.Record.ID+"_", "", "GET", "/api/user/profile", nil).Want(401)

	account := b.Find(collections.Users, "is_service = true")
	account.SetPassword(testkit.Password)
	if err := b.Save(account); err != nil {
		t.Fatal(err)
	}
	b.Password(account.Email(), "").Want(403) // never signs in

	files := b.Ask(made.Key, "", "POST", "/api/files/token", nil).Want(200).Text("token")
	b.Ask(owner, "", "DELETE", path+"/"+made.Record.ID, nil).Want(204)
	b.Ask(made.Key, "", "GET", peoplekit.AcmeCalls, nil).Want(200).Into(new(any))
	if ids := b.Ask(made.Key, "", "GET", peoplekit.AcmeCalls, nil); strings.Contains(string(ids.Body), testkit.AcmeCall) {
		t.Error("a revoked key still lists calls")
	}
	b.Ask(made.Key, "", "GET", "/api/organizations", nil).Want(401)
	sound := b.Find(collections.Recordings, "id = '"+testkit.AcmeRecording+"'")
	b.Ask("", "", "GET", "/api/files/recordings/"+sound.Id+"/"+sound.GetString("file")+"?token="+files, nil).Want(404)
}

func TestKey_ends_at_its_time(t *testing.T) {
	b := peoplekit.OpenAt(t)
	var made struct{ Key string }
	b.Ask(b.SignIn(testkit.AcmeOwner, ""), "", "POST", "/api/organizations/"+testkit.Acme+"/keys",
		map[string]string{"name": "Short", "role": "viewer",
			"expires_at": b.Clock.At.Add(time.Hour).UTC().Format(time.RFC3339)}).Want(201).Into(&made)
	b.Ask(made.Key, "", "GET", "/api/organizations", nil).Want(200)
	stream := subscriptions.NewDefaultClient()
	b.SubscriptionsBroker().Register(stream)
	b.Ask(made.Key, "", "POST", "/api/realtime",
		map[string]any{"clientId": stream.Id(), "subscriptions": []string{"calls/*"}}).Want(204)
	tell := func() (sent bool) {
		t.Helper()
		event := new(core.RealtimeMessageEvent)
		event.RequestEvent = &core.RequestEvent{App: b.TestApp}
		event.Client, event.Message = stream,
			&subscriptions.Message{Name: "calls/*", Data: []byte(`{"record":{"organization":"` + testkit.Acme + `"}}`)}
		if err := b.OnRealtimeMessageSend().Trigger(event,
			func(*core.RealtimeMessageEvent) error { sent = true; return nil }); err != nil {
			t.Fatal(err)
		}
		return sent
	}
	if !tell() {
		t.Error("the key's stream hears nothing")
	}
	b.Clock.Pass(time.Hour)
	b.Ask(made.Key, "", "GET", "/api/organizations", nil).Want(401)
	if tell() || b.SubscriptionsBroker().Clients()[stream.Id()] != nil {
		t.Error("the stream outlives its key")
	}
}
