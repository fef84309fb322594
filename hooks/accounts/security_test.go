package accounts_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/accounts"
	"github.com/pocketline/pocketline/hooks/internal/peoplekit"
	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/testkit"
)

func TestNetworks_close_every_surface_of_the_organization(t *testing.T) {
	b := peoplekit.OpenAt(t)
	const office, home = "192.0.2.10", "203.0.113.10"
	sam, owner := b.SignIn(testkit.Sam, home), b.SignIn(testkit.AcmeOwner, office)
	sound := b.Find(collections.Recordings, "id = '"+testkit.AcmeRecording+"'")
	files := b.Ask(sam, home, "POST", "/api/files/token", nil).Want(200).Text("token")
	list := map[string]any{"ip_whitelist": []string{"192.0.2.0/24", "2001:db8::/32"}}
	b.Ask(owner, home, "PATCH", "/api/security/settings", list).Want(400).Nothing() // would lock the editor out
	b.Ask(owner, office, "PATCH", "/api/security/settings",
		map[string]any{"ip_whitelist": []string{"nonsense"}}).Want(400).Nothing()
	b.Ask(owner, office, "PATCH", "/api/security/settings", list).Want(200)

	surfaces := []struct{ method, url string }{
		{"GET", peoplekit.AcmeCalls},
		{"GET", "/api/collections/calls/records/" + testkit.AcmeCall},
		{"PATCH", "/api/collections/calls/records/" + testkit.AcmeCall},
		{"DELETE", "/api/collections/calls/records/" + testkit.AcmeCall},
		{"GET", "/api/collections/organizations/records/" + testkit.Acme},
		{"GET", "/api/security/settings"},
		{"GET", "/api/organizations/" + testkit.Acme + "/limits"},
		{"GET", "/api/organizations/" + testkit.Acme + "/keys"},
		{"GET", "/api/files/recordings/" + sound.Id + "/" + sound.GetString("file") + "?token=" + files},
	}
	for _, s := range surfaces {
		b.Ask(owner, home, s.method, s.url, nil).Want(403).Nothing()
	}
	for _, s := range surfaces {
		if s.method == "GET" {
			b.Ask(owner, office, s.method, s.url, nil).Want(200)
			b.Ask(owner, "::ffff:"+office, s.method, s.url, nil).Want(200) // IPv4 written as IPv6
			b.Ask(owner, "2001:db8::7", s.method, s.url, nil).Want(200)
		}
	}
	// Sam's other organization asks for nothing.
	b.Ask(sam, home, "GET", peoplekit.AcmeCalls, nil).Want(403).Nothing()
	answer := b.Ask(sam, home, "GET", "/api/collections/calls/records?organization="+testkit.Bolt, nil).Want(200)
	if !strings.Contains(string(answer.Body), testkit.BoltCall) {
		t.Errorf("got %s, want Bolt's calls", answer.Body)
	}
	both := b.Ask(sam, home, "GET", "/api/collections/calls/records?filter="+
		"organization%3D%27"+testkit.Acme+"%27%7C%7Corganization%3D%27"+testkit.Bolt+"%27", nil)
	if strings.Contains(string(both.Body), testkit.AcmeCall) {
		t.Errorf("a list over both shows Acme's calls: %s", both.Body)
	}
	// A forged header changes nothing while no proxy is trusted.
	forged := b.Raw(owner, home, "GET", peoplekit.AcmeCalls,
		map[string]string{"X-Forwarded-For": office, "X-Real-IP": office, "Fly-Client-IP": office})
	forged.Want(403).Nothing()

	var made struct{ Key string }
	b.Ask(owner, office, "POST", "/api/organizations/"+testkit.Acme+"/keys",
		map[string]string{"name": "k", "role": "viewer"}).Want(201).Into(&made)
	b.Ask(made.Key, home, "GET", peoplekit.AcmeCalls, nil).Want(403).Nothing(testkit.Written...)
	b.Ask(made.Key, office, "GET", peoplekit.AcmeCalls, nil).Want(200)

	// The console opens it again.
	cmd := accounts.Command(b.TestApp)
	cmd.SetArgs([]string{"reset", "--organization", testkit.Acme})
	cmd.SetOut(&strings.Builder{})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	b.Ask(owner, home, "GET", peoplekit.AcmeCalls, nil).Want(200)
}

func TestNetworks_behind_a_trusted_proxy_count_its_header(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.Settings().TrustedProxy.Headers = []string{"Fly-Client-IP"}
	b.Set(collections.SecuritySettings, testkit.Row(testkit.Acme, "security"),
		map[string]any{"ip_whitelist": []string{"192.0.2.0/24"}})
	token := b.SignIn(testkit.AcmeOwner, "")
	b.Raw(token, "10.0.0.1", "GET", peoplekit.AcmeCalls, map[string]string{"Fly-Client-IP": "192.0.2.5"}).Want(200)
	b.Raw(token, "192.0.2.5", "GET", peoplekit.AcmeCalls,
		map[string]string{"Fly-Client-IP": "203.0.113.5"}).Want(403).Nothing()
	b.Raw(token, "10.0.0.1", "GET", peoplekit.AcmeCalls,
		map[string]string{"Fly-Client-IP": "203.0.113.5", "X-Forwarded-For": "192.0.2.5"}).Want(403).Nothing()
}

func TestAccount_that_is_tried_too_often_answers_late_and_is_never_locked(t *testing.T) {
	b := peoplekit.OpenAt(t)
	inside := b.SignIn(testkit.AcmeOwner, "192.0.2.1")
	wrong := map[string]string{"identity": testkit.AcmeOwner, "password": "not the password"}
	for range 25 {
		b.Ask("", "", "POST", "/api/collections/users/auth-with-password", wrong).Want(400).Nothing(testkit.Written...)
	}
	if len(b.Delays) == 0 || b.Delays[0] != 500*time.Millisecond || slices.Max(b.Delays) > 8*time.Second {
		t.Errorf("answers were held back by %v, want from 0.5 s to 8 s", b.Delays)
	}
	held := len(b.Delays)
	b.Ask(inside, "192.0.2.1", "GET", "/api/user/profile", nil).Want(200)
	b.SignIn(testkit.AcmeOwner, "192.0.2.1") // from where the owner was before
	if len(b.Delays) != held {
		t.Error("the owner waits at a known address")
	}
	b.SignIn(testkit.AcmeOwner, "") // elsewhere: late, not never
	if len(b.Delays) != held+1 {
		t.Error("a stranger's address does not wait")
	}
	b.SignIn(testkit.BoltOwner, "")
}

func TestAddress_that_tries_too_often_is_refused_by_64(t *testing.T) {
	b := peoplekit.OpenAt(t)
	body := map[string]string{"identity": "nobody@nowhere.test", "password": "x"}
	last := 0
	for n := range 31 {
		last = b.Ask("", fmt.Sprintf("2001:db8:1:2::%x", n+1), "POST", "/api/collections/users/auth-with-password",
			body).Status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 31st try of one /64 got %d, want 429", last)
	}
	b.Ask("", "2001:db8:1:3::1", "POST", "/api/collections/users/auth-with-password",
		body).Want(400).Nothing(testkit.Written...)
	b.Clock.Pass(time.Minute)
	b.Ask("", "2001:db8:1:2::1", "POST", "/api/collections/users/auth-with-password",
		body).Want(400).Nothing(testkit.Written...)
}

func TestSignUp_makes_nobody_elses_account(t *testing.T) {
	b := peoplekit.OpenAt(t)
	form := func(more map[string]any) map[string]any {
		all := map[string]any{"email": "new@client.test", "fullName": "Nia New", "password": "a long password"}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	b.Ask("", "", "POST", "/api/auth/signup",
		form(map[string]any{"userId": testkit.User(testkit.AcmeOwner)})).Want(401).Nothing()
	b.Ask("", "", "POST", "/api/auth/signup", form(map[string]any{"password": "short"})).Want(400).Nothing()
	b.Ask("", "", "POST", "/api/auth/signup", form(map[string]any{"email": "Nia <new@client.test>"})).Want(400).Nothing()
	made := b.Ask("", "", "POST", "/api/auth/signup", form(nil)).Want(200)
	if made.Text("data", "user", "full_name") != "Nia New" ||
		made.Text("message") != "User profile created successfully" || made.Text("reason") == "" {
		t.Errorf("got %s", made.Body)
	}
	user, err := b.FindAuthRecordByEmail(collections.Users, "new@client.test")
	if err != nil || user.Verified() {
		t.Fatalf("got %v (%v), want an account that has not proved its address", user, err)
	}
	b.Ask("", "", "POST", "/api/auth/signup", form(nil)).Want(409).Nothing()

	// With mail, an address that is taken looks like one that is not.
	b.Settings().SMTP.Enabled = true
	taken := b.Ask("", "", "POST", "/api/auth/signup", form(nil)).Want(200)
	fresh := b.Ask("", "", "POST", "/api/auth/signup", form(map[string]any{"email": "other@client.test"})).Want(200)
	if a, c := strings.ReplaceAll(string(taken.Body), "new@client.test", "X"), strings.ReplaceAll(string(fresh.Body),
		"other@client.test", "X"); !sameJSON(t, a, c) {
		t.Errorf("got %s for a taken address and %s for a free one", a, c)
	}

	// The mails from before are on their way.
	b.Ask(b.SignIn(testkit.Nobody, ""), "", "POST", "/api/auth/signup",
		map[string]any{"userId": testkit.User(testkit.AcmeOwner),
			"fullName": "Mallory"}).Want(403).Nothing(collections.Outbox)
	b.Ask(b.SignIn(testkit.Nobody, ""), "", "POST", "/api/auth/signup",
		map[string]any{"userId": testkit.User(testkit.Nobody), "email": testkit.Nobody, "fullName": "Noa N."}).Want(200)
	if name := b.Find(collections.Users, "id = '"+testkit.User(testkit.Nobody)+"'").GetString("name"); name != "Noa N." {
		t.Errorf("got name %q", name)
	}

	closed := peoplekit.Open(t, func(r *peoplekit.Rooms) { r.Accounts.SignUp = "invite-only" })
	closed.Do("POST", "/api/auth/signup", testkit.Guest, form(nil)).Want(403).Nothing()
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		t.Fatalf("not JSON: %s %s", a, b)
	}
	left, _ := json.Marshal(x)
	right, _ := json.Marshal(y)
	return string(left) == string(right)
}

func TestProfile_changes_a_name_and_never_a_role(t *testing.T) {
	b := peoplekit.OpenAt(t)
	b.Do("GET", "/api/user/profile", testkit.Guest, nil).Want(401).Nothing()
	b.Do("GET", "/api/auth/check-profile", testkit.Guest, nil).Want(401).Nothing()
	var got struct {
		Data struct {
			User struct {
				Name    string `json:"full_name"`
				Role    string `json:"role"`
				Company string `json:"company_id"`
				Phone   any    `json:"phone"`
			} `json:"user"`
		} `json:"data"`
		Message string `json:"message"`
	}
	b.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{
		"full_name": "Ari A.", "phone": "+12025550111", "role": "owner", "company_id": testkit.Bolt, "is_active": false,
		"two_factor": true,
	}).Want(200).JSON(&got)
	if u := got.Data.User; u.Name != "Ari A." || u.Role != "agent" || u.Company != testkit.Acme ||
		u.Phone != "+12025550111" {
		t.Errorf("got %+v", u)
	}
	user := b.Find(collections.Users, "id = '"+testkit.User(testkit.AcmeAgent)+"'")
	if !user.GetBool("is_active") || user.GetBool("two_factor") {
		t.Error("a profile changed what it may not")
	}
	b.Do("PUT", "/api/user/profile", testkit.AcmeAgent, map[string]any{"full_name": ""}).Want(400).Nothing()
	b.Do("PUT", "/api/user/profile", testkit.AcmeAgent,
		map[string]any{"avatar_url": "https://evil.example/x.png"}).Want(400).Nothing()
	b.Do("GET", "/api/user/profile", testkit.Superuser, nil).Want(403).Nothing()
	var check struct {
		Authenticated, HasProfile, HasCompanyID bool
		Problem                                 any `json:"profileError"`
		User                                    struct {
			Confirmed string `json:"email_confirmed_at"`
		} `json:"user"`
	}
	b.Do("GET", "/api/auth/check-profile", testkit.AcmeAgent, nil).Want(200).JSON(&check)
	if !check.Authenticated || !check.HasProfile || !check.HasCompanyID || check.Problem != nil {
		t.Errorf("got %+v", check)
	}
	// A confirmed address is not confirmed anew by a changed name.
	if made := rows.Said(user.GetString("created")); check.User.Confirmed != made {
		t.Errorf("confirmed at %q, want %v", check.User.Confirmed, made)
	}
	b.Do("GET", "/api/auth/check-profile", testkit.Nobody, nil).Want(200).JSON(&check)
	if check.HasCompanyID {
		t.Error("Nobody has a company")
	}
}

func TestPreferences_merge_shallowly_and_have_a_limit(t *testing.T) {
	b := peoplekit.OpenAt(t)
	post := func(v any) *testkit.Answer {
		return b.Do("POST", "/api/user/preferences", testkit.AcmeAgent, map[string]any{"preferences": v})
	}
	post(map[string]any{"theme": "dark", "list": map[string]any{"a": 1, "b": 2}, "old": true}).Want(200)
	post(map[string]any{"list": map[string]any{"c": 3}, "old": nil}).Want(200)
	b.Do("POST", "/api/user/preferences", testkit.AcmeAgent, map[string]any{"preferences": "dark"}).Want(400).Nothing()
	post(map[string]any{"big": strings.Repeat("x", 17<<10)}).Want(413).Nothing()
	var got struct {
		Success bool
		Data    map[string]any
	}
	b.Do("GET", "/api/user/preferences", testkit.AcmeAgent, nil).Want(200).JSON(&got)
	if fmt.Sprint(got.Data) != "map[list:map[c:3] theme:dark]" || !got.Success {
		t.Errorf("got %v", got)
	}
}

func TestSecuritySettings_have_defaults_and_are_checked(t *testing.T) {
	b := peoplekit.OpenAt(t)
	if _, err := b.DB().NewQuery("DELETE FROM security_settings").Execute(); err != nil {
		t.Fatal(err)
	}
	// A change may be the first that is asked.
	b.Do("PATCH", "/api/security/settings", testkit.BoltOwner, map[string]any{"keep_events_days": 7}).Want(200)
	if row := b.Find(collections.SecuritySettings, "organization = '"+testkit.Bolt+"'"); row == nil ||
		row.GetInt("keep_events_days") != 7 || row.GetInt("keep_audit_days") != collections.AuditKept {
		t.Errorf("Bolt has %v", row)
	}
	for person, want := range map[string]int{
		testkit.Guest: 401, testkit.Nobody: 403, testkit.AcmeViewer: 403, testkit.AcmeManager: 403,
		testkit.AcmeDeveloper: 403, testkit.AcmeAdmin: 200, testkit.AcmeOwner: 200,
	} {
		b.Do("GET", "/api/security/settings", person, nil).Outcome(want)
		b.Do("PATCH", "/api/security/settings", person, map[string]any{}).Outcome(want)
	}
	if n := b.Count("SELECT count(*) FROM security_settings"); n != 2 {
		t.Errorf("%d rows were made, want 2", n)
	}
	for _, wrong := range []map[string]any{
		{"session_timeout_minutes": 1}, {"session_timeout_minutes": 10.5}, {"session_timeout_minutes": "60"},
		{"keep_audit_days": 5},
		{"keep_recordings_days": -1}, {"allowed_auth_methods": []string{}}, {"allowed_auth_methods": []string{"telepathy"}},
		{"ip_whitelist": "1.2.3.4"}, {"ip_whitelist": []string{"1.2.3.4/33"}}, {"legal_hold": "yes"},
	} {
		b.Do("PATCH", "/api/security/settings", testkit.AcmeOwner, wrong).Want(400).Nothing()
	}
	var got struct {
		Data struct {
			Settings struct {
				Methods []string `json:"allowed_auth_methods"`
				Days    int      `json:"keep_recordings_days"`
				Minutes int      `json:"session_timeout_minutes"`
			} `json:"settings"`
		} `json:"data"`
	}
	b.Do("PATCH", "/api/security/settings", testkit.AcmeOwner,
		map[string]any{"allowed_auth_methods": []string{"password", "oauth"},
			"keep_recordings_days": 30}).Want(200).JSON(&got)
	if s := got.Data.Settings; !slices.Equal(s.Methods, []string{"password", "oauth2"}) || s.Days != 30 ||
		s.Minutes != 1440 {
		t.Errorf("got %+v", s)
	}
	if b.Audited("security_settings.update") == 0 {
		t.Error("the change is not written down")
	}
}

func TestLink_of_a_mail_can_be_had_at_the_console_only(t *testing.T) {
	b := peoplekit.OpenAt(t)
	cmd := accounts.Command(b.TestApp)
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"link", "--email", testkit.AcmeAgent})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(out.String()[strings.LastIndex(out.String(), "/reset#token=")+len("/reset#token="):])
	b.Ask("", "", "POST", "/api/collections/users/confirm-password-reset",
		map[string]string{"token": token, "password": "another long one", "passwordConfirm": "another long one"}).Want(204)
	b.Password(testkit.AcmeAgent, "").Want(400).Nothing(testkit.Written...)
}

// TestMember_suspended_elsewhere_is_out_at_once suspends a member while they
// read: REST answers the next request so.
func TestMember_suspended_elsewhere_is_out_at_once(t *testing.T) {
	b := peoplekit.OpenAt(t)
	token := b.SignIn(testkit.AcmeAgent, "")
	b.Ask(token, "", "GET", "/api/organizations/"+testkit.Acme+"/limits", nil).Want(200)
	b.Set(collections.Memberships, testkit.UserMembership(testkit.AcmeAgent, testkit.Acme),
		map[string]any{"status": collections.MembershipSuspended})
	b.Ask(token, "", "GET", "/api/organizations/"+testkit.Acme+"/limits", nil).Want(404).Nothing()
	b.Ask(token, "", "GET", "/api/collections/calls/records/"+testkit.AcmeCall, nil).Want(404).Nothing()
	if !slices.Contains(b.Dropped, testkit.User(testkit.AcmeAgent)+"@"+testkit.Acme) {
		t.Error("the streams stay open")
	}
}
